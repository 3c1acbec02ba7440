"""The laws that a city model must obey, tried by experiments on it.

In: `laws.yaml`: levers, experiments, measures and bands, each with its source; a model.
Out: a verdict for each law, city by city and over draws; what policies cost beside the literature.
"""
