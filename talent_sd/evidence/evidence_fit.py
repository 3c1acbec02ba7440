"""The article's figures measured on the model, and the model's free effects fitted to them.

The central values of the free effects are chosen so that the `calibrate` figures come out.
The objective is a sum of squares: how far each figure is from its target, in
tolerances, and how far each value is from its first guess, in widths of its range
times a small weight. The second part makes the answer unique, where a figure hangs on
two values, and keeps it near the literature. Holdout figures take no part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, model_validator

from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import listed, tell
from talent_sd.inputs.evidence_ledger import Figure, read_evidence
from talent_sd.inputs.file_schemas import Part
from talent_sd.inputs.schema_problems import read_strict
from talent_sd.laboratory.cases import Laboratory
from talent_sd.laboratory.findings import (
    FigureTargets,
    Finding,
    evidence_outputs,
    experiments_for,
    measure_experiments,
)

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model

FILE = "evidence_fit.yaml"
DIGITS = 4
STEP = 0.01
"""Difference for slopes, in widths of the range: small against the range, large against rounding."""


class Effect(Part):
    """One free effect: a value, or one scale of several constants whose split is given."""

    constants: dict[str, float] = Field(description="Constant: its part of the effect's value")
    first_guess: float = Field(description="Where the fit starts")
    low: float
    high: float
    figure: str = Field("", alias="for", description="Id of the figure that it is fitted to")
    source: str = ""
    value: float | None = Field(None, description="As fitted")

    @model_validator(mode="after")
    def rises(self) -> Effect:
        """Need bounds around the first guess."""
        if not self.low <= self.first_guess <= self.high or self.low == self.high:
            raise ValueError(tell("low, first_guess, high must rise in that order."))
        return self

    def values(self, size: float) -> dict[str, float]:
        """Return the constants at one size of the effect."""
        return {key: float(size * part) for key, part in self.constants.items()}


class Recorded(Part):
    """A fit as its file records it."""

    weight_of_first_guess: float
    effects: dict[str, Effect] = Field(min_length=1)
    result: dict[str, float | dict[str, float]] = Field(default_factory=dict)

    def values(self) -> dict[str, float]:
        """Return constant -> fitted value.

        Raises
        ------
        InputError
            If an effect has no value yet.
        """
        missing = [name for name, effect in self.effects.items() if effect.value is None]
        if missing:
            raise InputError(
                "{file}: no value for {missing}. Run `talent-sd validate --refit` and keep its file.",
                file=FILE,
                missing=listed(missing),
            )
        fitted = [effect.values(effect.value or 0.0) for effect in self.effects.values()]
        return {name: value for values in fitted for name, value in values.items()}


@dataclass(frozen=True)
class EvidenceFit:
    """What a fit found: sizes by effect, figures by id, and the objective's two parts."""

    sizes: dict[str, float]
    figures: dict[str, float]
    misfit: float
    distance: float


def read_fit(path: str | Path | None = None) -> Recorded:
    """Read the record of the fit, the shipped one by default.

    Raises
    ------
    InputError
        If a key is missing or a bound is the wrong way round.
    """
    return read_strict(shipped_folder("models") / FILE if path is None else path, Recorded).content


def fit_evidence(
    model: Model, figures: Sequence[Figure], recorded: Recorded, engine: str = "auto"
) -> EvidenceFit:
    """Fit the free effects to the figures whose role is `calibrate`.

    Parameters
    ----------
    figures : the ledger; others than `calibrate` are left out
    recorded : the effects, their ranges and the weight of the first guess

    Returns
    -------
    sizes rounded to four digits, and the figures measured at them
    """
    from scipy.optimize import least_squares

    targets, effects = FigureTargets(model, figures, engine), recorded.effects.values()
    guesses, lows, highs = np.array([(e.first_guess, e.low, e.high) for e in effects]).T
    widths = highs - lows

    def parts(points: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return figures, misses in tolerances, and distances from the first guesses, one row a point."""
        values = [
            [effect.values(size) for effect, size in zip(effects, sizes, strict=True)] for sizes in points
        ]
        measured = targets.measure([{k: v for one in some for k, v in one.items()} for some in values])
        distances = recorded.weight_of_first_guess * (np.array(points) - guesses) / widths
        return measured, targets.misses(measured), distances

    def residuals(points: Sequence[np.ndarray]) -> np.ndarray:
        return np.hstack(parts(points)[1:])

    def slopes(x: np.ndarray) -> np.ndarray:
        """Return slopes along the scaled sizes: central differences, one run for all."""
        moved = [x + sign * STEP / 2 * row for row in np.eye(len(x)) for sign in (1, -1)]
        found = residuals([lows + one * widths for one in moved])
        return ((found[0::2] - found[1::2]) / STEP).T

    edge = 2 * STEP
    found = least_squares(
        lambda x: residuals([lows + x * widths])[0],
        np.clip((guesses - lows) / widths, edge, 1 - edge),
        jac=slopes,
        bounds=(edge / 2, 1 - edge / 2),
        xtol=1e-6,
        ftol=1e-8,
        gtol=1e-8,
        max_nfev=40,
    )
    sizes = np.array([float(f"{size:.{DIGITS}g}") for size in lows + found.x * widths])
    measured, misses, distances = parts([sizes])
    return EvidenceFit(
        dict(zip(recorded.effects, sizes.tolist(), strict=True)),
        dict(zip([figure.id for figure in targets.figures], measured[0].tolist(), strict=True)),
        float((misses[0] ** 2).sum()),
        float((distances[0] ** 2).sum()),
    )


def write_fit(fit: EvidenceFit, path: Path) -> None:
    """Write the record with the values, figures and objective that a fit found.

    The same file, read again and fitted again on the same model, gives the same values.
    """
    from ruamel.yaml import YAML

    writer = YAML()
    writer.width = 110
    content = writer.load((shipped_folder("models") / FILE).read_text(encoding="utf-8"))
    for name, size in fit.sizes.items():
        content["effects"][name]["value"] = size
    content["result"] = {
        "figures": {key: float(f"{value:.{DIGITS}g}") for key, value in fit.figures.items()},
        "misfit": float(f"{fit.misfit:.{DIGITS}g}"),
        "distance": float(f"{fit.distance:.{DIGITS}g}"),
    }
    with path.open("w", encoding="utf-8") as stream:
        writer.dump(content, stream)


def measure_evidence(
    model: Model,
    figures: Sequence[Figure] | None = None,
    engine: str = "auto",
    laboratory: Laboratory | None = None,
) -> list[Finding]:
    """Run the experiment of each figure.

    Parameters
    ----------
    figures : the shipped ledger by default
    engine : "auto", "kernel", "arrays" or "pysd"
    laboratory : one that reads the experiments' outputs; made if not given

    Returns
    -------
    one finding for each figure, in the ledger's order

    Raises
    ------
    InputError
        If a figure names an experiment that does not exist.
    """
    figures = read_evidence() if figures is None else figures
    experiments = experiments_for(figures)
    laboratory = laboratory or Laboratory(model, evidence_outputs(list(experiments.values())), engine)
    measured = measure_experiments(laboratory, experiments)[0]
    return [Finding(figure, measured[figure.experiment]) for figure in figures]


def scenarios_citing(ident: str) -> list[str]:
    """Return the shipped scenarios whose files cite a figure."""
    folder = shipped_folder("scenarios")
    pattern = re.compile(rf"\b{re.escape(ident)}\b")
    return sorted(f.stem for f in folder.glob("*.yaml") if pattern.search(f.read_text(encoding="utf-8")))
