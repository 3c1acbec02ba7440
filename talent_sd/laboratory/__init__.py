"""The bench for experiments on the model, one for each figure of the article.

In: cases, each a run described by its inputs.
Out: traces, and what is measured on them; used for evidence, tests and calibration.
"""
