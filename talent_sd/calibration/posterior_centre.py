"""The middle of a posterior as the model's own constants, so that a single run is the middle of its fan."""

from __future__ import annotations

import re

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.messages import tell
from talent_sd.uncertainty.posterior import Posterior

DIGITS = 3
"""Figures that a constant is written with: far fewer than its uncertainty would allow."""


def centre(posterior: Posterior) -> dict[str, float]:
    """Return constant -> median draw, to `DIGITS` figures.

    A factor stays out: its draws multiply the model's own values, which are what it is told
    against, and stay.
    """
    middle = np.median(posterior.values, axis=0)
    return {
        name: float(f"{value:.{DIGITS}g}")
        for name, value, factor in zip(posterior.names, middle, posterior.factor, strict=True)
        if not factor
    }


def with_constants(text: str, values: dict[str, float]) -> str:
    """Return a model's text with some constants set, and nothing else changed.

    Parameters
    ----------
    text : of a Vensim .mdl
    values : constant, without subscripts -> value

    Raises
    ------
    InputError
        If the text has no constant of a name, or several.
    """
    for name, value in values.items():
        pattern = re.compile(rf"^({re.escape(name)}=\s*\n\t)[-+.0-9eE]+$", re.MULTILINE)
        text, found = pattern.subn(rf"\g<1>{value!r}", text)
        if found != 1:
            raise InputError(
                tell(
                    "the model has {found} constants '{name}'. The posterior is of another model: fit this one "
                    "with `talent-sd calibrate`.",
                    found=found,
                    name=name,
                )
            )
    return text
