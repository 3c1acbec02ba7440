"""Pictures and words about feedback loops.

In: studies of loops.
Out: diagrams, plots and sentences.
"""
