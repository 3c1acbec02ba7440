"""The study of policies: what each of a mix adds and costs, alone and together.

In: prepared scenarios, and draws of their forecast.
Out: datasets of contributions, interactions and costs.
"""
