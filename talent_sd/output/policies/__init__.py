"""Pictures and tables of what policies add and cost.

In: the datasets of the study of policies.
Out: plots and tables.
"""
