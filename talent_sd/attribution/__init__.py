"""What each part of a whole adds: runs of coalitions, and their Shapley shares.

In: a model, and the switches to be taken apart.
Out: shares that add up to the whole; used for loops and for policies.
"""
