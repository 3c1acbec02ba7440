"""The study of the article's figures: measured on the model, and fitted to.

In: `evidence.yaml` and `evidence_fit.yaml`.
Out: a finding for each figure; central values of the free effects.
"""
