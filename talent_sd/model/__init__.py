"""A model file as structure: variables, units, subscripts, evidence.

In: `.mdl` and `.xmile` files.
Out: `Structure`, and what PySD's translators made of the text.
"""
