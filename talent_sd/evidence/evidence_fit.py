"""Choose the central values of the model's free effects so that the `calibrate` figures come out.

The objective is a sum of squares: how far each figure is from its target, in
tolerances, and how far each value is from its first guess, in widths of its range
times a small weight. The second part makes the answer one, where a figure hangs on
two values, and keeps it near the literature. Holdout figures take no part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import listed, tell
from talent_sd.laboratory.cases import Experiment, Laboratory
from talent_sd.laboratory.findings import all_experiments

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.inputs.evidence_ledger import Figure

FILE = "evidence_fit.yaml"
DIGITS = 4
STEP = 0.01
"""Difference for slopes, in widths of the range: small against the range, large against rounding."""


@dataclass(frozen=True)
class Effect:
    """One free effect: a value, or one scale of several constants whose split is given.

    Parameters
    ----------
    name : of the effect
    constants : constant -> its part (its value is the effect's value times its part)
    first_guess, low, high : where the fit starts, and its bounds
    value : as fitted, None before
    """

    name: str
    constants: Mapping[str, float]
    first_guess: float
    low: float
    high: float
    value: float | None = None

    def values(self, size: float) -> dict[str, float]:
        """Return the constants at one size of the effect."""
        return {key: float(size * part) for key, part in self.constants.items()}


@dataclass(frozen=True)
class Recorded:
    """A fit as its file records it."""

    effects: tuple[Effect, ...]
    weight: float
    settings: Mapping[str, Any]

    def values(self) -> dict[str, float]:
        """Return constant -> fitted value.

        Raises
        ------
        InputError
            If an effect has no value yet.
        """
        missing = [effect.name for effect in self.effects if effect.value is None]
        if missing:
            raise InputError(
                "{file}: no value for {missing}. Run `talent-sd validate --refit` and keep its file.",
                file=FILE,
                missing=listed(missing),
            )
        return {k: v for effect in self.effects for k, v in effect.values(float(effect.value or 0)).items()}


@dataclass(frozen=True)
class Fit:
    """What a fit found: sizes by effect, figures by id, and the objective's two parts."""

    sizes: dict[str, float]
    figures: dict[str, float]
    misfit: float
    distance: float
    evaluations: int


def read_fit(path: str | Path | None = None) -> Recorded:
    """Read the record of the fit, the shipped one by default.

    Raises
    ------
    InputError
        If a key is missing or a bound is the wrong way round.
    """
    from ruamel.yaml import YAML

    file = shipped_folder("models") / FILE if path is None else Path(path)
    content = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    effects, problems = [], []
    for name, entry in content["effects"].items():
        try:
            effect = Effect(
                name,
                {str(k): float(v) for k, v in entry["constants"].items()},
                float(entry["first_guess"]),
                float(entry["low"]),
                float(entry["high"]),
                entry.get("value"),
            )
        except (KeyError, TypeError, ValueError) as error:
            problems.append(
                tell(
                    "{file}: effect '{name}': {error}. Give constants, first_guess, low, high.",
                    file=file.name,
                    name=name,
                    error=error,
                )
            )
            continue
        if not effect.low < effect.high or not effect.low <= effect.first_guess <= effect.high:
            problems.append(
                tell(
                    "{file}: effect '{name}': low, first_guess, high must rise in that order.",
                    file=file.name,
                    name=name,
                )
            )
        effects.append(effect)
    if problems:
        raise InputError(problems)
    return Recorded(tuple(effects), float(content["weight_of_first_guess"]), content)


def fit_evidence(model: Model, figures: Sequence[Figure], recorded: Recorded, engine: str = "auto") -> Fit:
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

    problem = _Problem(model, figures, recorded, engine)
    widths = np.array([effect.high - effect.low for effect in recorded.effects])
    lows = np.array([effect.low for effect in recorded.effects])
    start = (np.array([effect.first_guess for effect in recorded.effects]) - lows) / widths
    edge = 2 * STEP
    found = least_squares(
        lambda x: problem.residuals(lows + x * widths),
        np.clip(start, edge, 1 - edge),
        jac=lambda x: problem.slopes(x, lows, widths),
        bounds=(edge / 2, 1 - edge / 2),
        xtol=1e-6,
        ftol=1e-8,
        gtol=1e-8,
        max_nfev=40,
    )
    sizes = np.array([float(f"{size:.{DIGITS}g}") for size in lows + found.x * widths])
    residuals = problem.residuals(sizes)
    count = len(problem.targets)
    return Fit(
        {effect.name: float(size) for effect, size in zip(recorded.effects, sizes, strict=True)},
        problem.measured(sizes),
        float((residuals[:count] ** 2).sum()),
        float((residuals[count:] ** 2).sum()),
        int(found.nfev),
    )


class _Problem:
    """The objective's parts as functions of the effects' sizes."""

    def __init__(self, model: Model, figures: Sequence[Figure], recorded: Recorded, engine: str) -> None:
        register = all_experiments()
        self.recorded = recorded
        self.targets = [figure for figure in figures if figure.role == "calibrate"]
        self.experiments: list[Experiment] = [register[figure.experiment] for figure in self.targets]
        outputs = [name for experiment in self.experiments for name in experiment.reads]
        self.laboratory = Laboratory(model, outputs, engine)
        self.cases = {
            f"{experiment.name}|{name}": case
            for experiment in self.experiments
            for name, case in experiment.cases.items()
        }

    def residuals(self, sizes: np.ndarray) -> np.ndarray:
        """Return misses in tolerances, then distances from the first guesses."""
        return self._many([sizes])[0]

    def slopes(self, x: np.ndarray, lows: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """Return the residuals' slopes along the scaled sizes: central differences, one run for all."""
        moved = [x + sign * STEP / 2 * row for row in np.eye(len(x)) for sign in (1, -1)]
        found = np.array(self._many([lows + one * widths for one in moved]))
        return ((found[0::2] - found[1::2]) / STEP).T

    def measured(self, sizes: np.ndarray) -> dict[str, float]:
        """Return each figure's value."""
        return dict(zip([f.id for f in self.targets], self._values([sizes])[0], strict=True))

    def _many(self, points: Sequence[np.ndarray]) -> list[np.ndarray]:
        effects, weight = self.recorded.effects, self.recorded.weight
        found = []
        for sizes, values in zip(points, self._values(points), strict=True):
            misses = [
                (value - figure.target) / figure.allowance
                for figure, value in zip(self.targets, values, strict=True)
            ]
            distances = [
                weight * (size - effect.first_guess) / (effect.high - effect.low)
                for effect, size in zip(effects, sizes, strict=True)
            ]
            found.append(np.array([*misses, *distances]))
        return found

    def _values(self, points: Sequence[np.ndarray]) -> list[list[float]]:
        everywhere = [
            {
                key: value
                for effect, size in zip(self.recorded.effects, sizes, strict=True)
                for key, value in effect.values(float(size)).items()
            }
            for sizes in points
        ]
        found = []
        for traces in self.laboratory.run(self.cases, everywhere):
            row = []
            for experiment in self.experiments:
                own = {name: traces[f"{experiment.name}|{name}"] for name in experiment.cases}
                value = experiment.measure(own).value
                row.append(float("nan") if value is None else value)
            found.append(row)
        return found


def write_fit(recorded: Recorded, fit: Fit, path: Path) -> None:
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
