"""Forecast a city's talent and everything that hangs on it."""
