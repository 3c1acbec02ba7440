"""Ship a calibration: its posterior into `models/`, and the posterior's centre into the model's constants.

    talent-sd calibrate --panel P.csv --census C.csv --province R.csv --national N.csv --out DIR
    python .ci/ship_posterior.py DIR [models]

A single run then lies in the middle of its own fan, in Vensim too, and experiments, checks and
verification run on the same values. Only fitted constants change, not factors. What quotes the model
must be measured again: the findings of the scenarios (`.ci/findings.py`), and `talent-sd validate --refit` (tests tell).
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.uncertainty.posterior import Posterior, read_posterior, write_posterior

ROOT = Path(__file__).resolve().parents[1]


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
                "the model has {found} constants '{name}'. The posterior is of another model: fit this one "
                "with `talent-sd calibrate`.",
                found=found,
                name=name,
            )
    return text


def ship(source: Path, models: Path) -> dict[str, float]:
    """Write `posterior.json` and `city.mdl` into `models`; return the constants set."""
    posterior = read_posterior(source / "posterior.json")
    values = centre(posterior)
    file = models / "city.mdl"
    text = with_constants(file.read_text(encoding="utf-8"), values)
    write_posterior(replace(posterior, note={**posterior.note, "centre": values}), models / "posterior.json")
    file.write_text(text, encoding="utf-8")
    return values


if __name__ == "__main__":
    models = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "models"
    for name, value in ship(Path(sys.argv[1]), models).items():
        sys.stdout.write(f"{name} = {value!r}\n")
