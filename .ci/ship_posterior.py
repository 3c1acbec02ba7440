"""Ship a calibration: its posterior into `models/`, and the posterior's centre into the model's constants.

    talent-sd calibrate --panel P.csv --census C.csv --province R.csv --national N.csv --out DIR
    python .ci/ship_posterior.py DIR [models]

A single run then lies in the middle of its own fan, in Vensim too, and experiments, checks and
verification run on the same values. Only fitted constants change, not factors. What quotes the model
must be measured again: the findings of the scenarios, and `talent-sd validate --refit` (tests tell).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from talent_sd.calibration.posterior_centre import centre, with_constants
from talent_sd.uncertainty.posterior import read_posterior, write_posterior

ROOT = Path(__file__).resolve().parents[1]


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
