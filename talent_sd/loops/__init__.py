"""The study of feedback loops: found, named, scored, and what each adds to an output.

In: a model, and a scenario of a city where loops are named.
Out: shares of loops over time, what they add, and the tables of both.
"""
