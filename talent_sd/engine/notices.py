"""Warnings that a run may give."""


class EngineNotice(UserWarning):
    """Another engine than the native one runs the model; says what the native one lacks."""


class NonFiniteWarning(UserWarning):
    """A result is NaN or infinite; names variable, draw and time."""
