"""The fit of constants and noise to the growth of cities and to the article's figures.

In: windows of cities, beliefs about the constants.
Out: a posterior with its diagnostics, and posteriors that left provinces out.
"""
