"""Engines: models to equations, equations to results."""
