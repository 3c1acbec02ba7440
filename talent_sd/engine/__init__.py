"""The compiler and its back ends: native code, plain arrays, PySD as the reference.

In: a model's structure and values for its inputs.
Out: `Model.run`, and ensembles run in blocks of members, here or on a cluster.
"""
