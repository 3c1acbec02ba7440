"""What is believed of the fitted constants before the data: `calibration.yaml`, checked against the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, model_validator

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.messages import tell
from talent_sd.inputs.file_schemas import Part, Range
from talent_sd.inputs.schema_problems import validate
from talent_sd.inputs.strict_yaml import read_yaml, shown
from talent_sd.uncertainty.priors import constant_values

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model


class BeliefEntry(Part):
    """A normal belief with cut ends."""

    mean: float
    sd: float = Field(gt=0)
    range: Range = Field(description="Lowest and highest value, or factor")
    factor: bool = Field(False, description="The draw multiplies the constant, all its elements alike")
    source: str = Field(min_length=1, description="Publication, or assumption")

    @model_validator(mode="after")
    def fits_together(self) -> BeliefEntry:
        """Need an increasing range around the mean."""
        low, high = self.range
        if not low <= self.mean <= high or low == high:
            raise ValueError(
                tell(
                    "the mean {mean:g} lies outside [{low:g}, {high:g}]. Correct one of them.",
                    mean=self.mean,
                    low=low,
                    high=high,
                )
            )
        return self


class BeliefFile(Part):
    """A file of constants to fit."""

    parameters: dict[str, BeliefEntry] = Field(min_length=1)


@dataclass(frozen=True)
class Beliefs:
    """Constants to fit, side by side.

    Parameters
    ----------
    names : constants as the model spells them
    mean, sd, low, high : (parameters,) of a normal distribution with cut ends; of the factor for a factor
    elements : name -> parameter keys that a draw sets, with the model's own values
    factor : (parameters,) whether the draw multiplies
    """

    names: tuple[str, ...]
    mean: np.ndarray
    sd: np.ndarray
    low: np.ndarray
    high: np.ndarray
    elements: dict[str, dict[str, float]]
    factor: np.ndarray

    def params(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Return parameter key -> (draws,) of (draws, parameters) values."""
        found = {}
        for column, name in enumerate(self.names):
            for key, own in self.elements[name].items():
                found[key] = values[:, column] * (own if self.factor[column] else 1.0)
        return found

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Return (draws,) log density up to a constant; minus infinity outside the ranges."""
        inside = ((values >= self.low) & (values <= self.high)).all(axis=1)
        density = -0.5 * (((values - self.mean) / self.sd) ** 2).sum(axis=1)
        return np.where(inside, density, -np.inf)

    def spread(self, chance: np.ndarray) -> np.ndarray:
        """Return values (draws, parameters) at the given chances of each normal with cut ends."""
        from scipy.special import ndtr, ndtri

        below, above = ndtr((self.low - self.mean) / self.sd), ndtr((self.high - self.mean) / self.sd)
        values = self.mean + self.sd * ndtri(below + chance * (above - below))
        return np.clip(values, self.low, self.high)


def read_beliefs(model: Model, path: str | Path | None = None) -> Beliefs:
    """Read the constants to fit (the shipped `models/calibration.yaml` by default).

    Raises
    ------
    InputError
        With every problem: ``file:line: what. remedy``.
    """
    file = shipped_folder("models") / "calibration.yaml" if path is None else Path(path)
    tree = read_yaml(file)
    entries = validate(BeliefFile, tree, shown(file)).parameters
    structure, values = model.structure, constant_values(model.program)
    problems: list[str] = []
    names: list[str] = []
    elements: dict[str, dict[str, float]] = {}
    for key, entry in entries.items():
        place = f"{shown(file)}:{tree.find(('parameters', key)).key_line}"
        variable = structure.find(key)
        if variable is None or variable.name not in values:
            known = [name for name in values if name in structure.variables]
            problems.append(
                tell(
                    "{place}: '{key}' is no constant of the model.{hint}",
                    place=place,
                    key=key,
                    hint=nearest(key, known),
                )
            )
            continue
        if variable.dims and not entry.factor:
            problems.append(
                tell(
                    "{place}: '{key}' has a value for each {variable_dims}. Add factor: true.",
                    place=place,
                    key=key,
                    variable_dims=variable.dims[0],
                )
            )
            continue
        name = variable.name
        own = {name + (f"[{','.join(e)}]" if e else ""): v for e, v in values[name].items()}
        ends = [end * v if entry.factor else end for v in own.values() for end in entry.range]
        low, high = variable.limits
        if (low is not None and min(ends) < low) or (high is not None and max(ends) > high):
            problems.append(
                tell(
                    "{place}: '{key}' would range over [{low_end:g}, {high_end:g}], beyond the model's "
                    "limits [{low}, {high}]. Narrow the range.",
                    place=place,
                    key=key,
                    low_end=min(ends),
                    high_end=max(ends),
                    low=low,
                    high=high,
                )
            )
            continue
        names.append(name)
        elements[name] = own
    if problems:
        raise InputError(problems)
    kept = list(entries.values())
    return Beliefs(
        tuple(names),
        np.array([entry.mean for entry in kept]),
        np.array([entry.sd for entry in kept]),
        np.array([entry.range[0] for entry in kept]),
        np.array([entry.range[1] for entry in kept]),
        elements,
        np.array([entry.factor for entry in kept]),
    )
