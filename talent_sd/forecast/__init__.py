"""Forecasts: scenarios of a city prepared, run, drawn many times, compared and written.

In: names of scenarios and cities, a model.
Out: datasets over scenario, draw and time, with their provenance, and their files.
"""
