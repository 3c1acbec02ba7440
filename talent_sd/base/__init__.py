"""What every part needs: errors, words in both languages, axes, files, the cache.

In: nothing of this package.
Out: small functions without any knowledge of models or cities.
"""
