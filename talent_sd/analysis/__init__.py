"""Forecasts, comparisons and what they are written as."""
