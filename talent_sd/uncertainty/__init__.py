"""What is not known: priors, the posterior, noise, and the cities' growth that they are held against.

In: files of priors and posteriors; tables of cities.
Out: draws of constants and noise; windows of cities' past growth.
"""
