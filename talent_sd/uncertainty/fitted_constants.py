"""What is believed of the fitted constants before the data: `calibration.yaml`, checked against the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, model_validator

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import apart, tell
from talent_sd.inputs.file_schemas import Part
from talent_sd.inputs.schema_problems import read_strict
from talent_sd.uncertainty.priors import ConstantEntry, Prior, checked_priors, constant_values

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model


class BeliefEntry(ConstantEntry):
    """A normal belief with cut ends."""

    mean: float
    sd: float = Field(gt=0)
    distribution: ClassVar = "normal"

    def centre(self, _own: float) -> float:
        """Return the middle of the distribution."""
        return self.mean

    @model_validator(mode="after")
    def fits_together(self) -> BeliefEntry:
        """Need an increasing range around the mean."""
        low, high = self.range
        if not low <= self.mean <= high or low == high:
            raise ValueError(
                tell(
                    "the mean {mean:g} lies outside [{low:g}, {high:g}]. Correct one of them.",
                    **apart(mean=self.mean, low=low, high=high),
                )
            )
        return self


class BeliefFile(Part):
    """A file of constants to fit."""

    parameters: dict[str, BeliefEntry] = Field(min_length=1)


class Beliefs:
    """Constants to fit, side by side.

    Parameters
    ----------
    priors : a normal distribution with cut ends for each

    Attributes
    ----------
    names : constants as the model spells them
    mean, sd, low, high : (parameters,) of the distributions; of the factor for a factor
    elements : name -> parameter key -> what a draw is multiplied with (1, or the model's value for a factor)
    factor : (parameters,) whether the draw is a factor
    """

    def __init__(self, priors: Sequence[Prior]) -> None:
        self.priors = tuple(priors)
        self.names = tuple(prior.key for prior in priors)
        self.mean, self.sd, self.low, self.high = np.array(
            [(prior.centre, prior.sd, prior.low, prior.high) for prior in priors], float
        ).T.copy()
        self.factor = np.array([prior.factor for prior in priors])
        self.elements = {
            prior.key: {key: own if prior.factor else 1.0 for key, own in prior.elements.items()}
            for prior in priors
        }

    def params(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Return parameter key -> (draws,) of (draws, parameters) values."""
        return element_values(self.elements, values)

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Return (draws,) log density up to a constant; minus infinity outside the ranges."""
        inside = ((values >= self.low) & (values <= self.high)).all(axis=1)
        density = -0.5 * (((values - self.mean) / self.sd) ** 2).sum(axis=1)
        return np.where(inside, density, -np.inf)

    def spread(self, chance: np.ndarray) -> np.ndarray:
        """Return values (draws, parameters) at the given chances of each normal with cut ends."""
        columns = zip(self.priors, chance.T, strict=True)
        return np.stack([prior.quantile(column) for prior, column in columns], axis=1)


def element_values(elements: Mapping[str, Mapping[str, float]], values: np.ndarray) -> dict[str, np.ndarray]:
    """Return parameter key -> (draws,) of (draws, parameters) values.

    Parameters
    ----------
    elements : name of each parameter -> parameter key -> what a draw is multiplied with
    """
    return {
        key: column * own
        for column, keys in zip(values.T, elements.values(), strict=True)
        for key, own in keys.items()
    }


def read_beliefs(model: Model, path: str | Path | None = None) -> Beliefs:
    """Read the constants to fit (the shipped `models/calibration.yaml` by default).

    Raises
    ------
    InputError
        With every problem: ``file:line: what. remedy``.
    """
    file = read_strict(shipped_folder("models") / "calibration.yaml" if path is None else path, BeliefFile)
    structure, values = model.structure, constant_values(model.program)
    problems: list[str] = []
    for key, entry in file.content.parameters.items():
        place, variable = file.at("parameters", key)[:-2], structure.find(key)
        if variable is None or variable.name not in values:
            known = [name for name in values if name in structure.variables]
            hint = nearest(key, known)
            problems.append(
                tell("{place}: '{key}' is no constant of the model.{hint}", place=place, key=key, hint=hint)
            )
        elif variable.dims and not entry.factor:
            dims = variable.dims[0]
            problems.append(
                tell(
                    "{place}: '{key}' has a value for each {variable_dims}. Add factor: true.",
                    place=place,
                    key=key,
                    variable_dims=dims,
                )
            )
    if problems:
        raise InputError(problems)
    return Beliefs(checked_priors(file, structure, model.program))
