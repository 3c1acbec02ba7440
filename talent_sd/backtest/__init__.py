"""Forecasts of the past, scored against what happened.

In: a window of cities, a posterior.
Out: scores, baselines, the largest misses, and the shipped track record.
"""
