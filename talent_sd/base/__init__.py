"""Words, errors and places that every part shares. Imports nothing of the package."""
