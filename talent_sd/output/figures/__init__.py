"""Pictures of forecasts, comparisons, back-tests and calibrations.

In: their datasets.
Out: matplotlib figures and image files.
"""
