"""What the laws' runs are given: a scenario in a city, which may be the average one, and draws of what is uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.engine.runner import model_constants
from talent_sd.forecast.posterior_draws import draw_posterior
from talent_sd.forecast.prepare import Prepared
from talent_sd.inputs import Resolved, list_cities, read_mapping, resolve_scenario
from talent_sd.inputs.national_paths import NationalPath, read_national
from talent_sd.laboratory.cases import AVERAGE
from talent_sd.uncertainty.posterior import Posterior, read_posterior
from talent_sd.uncertainty.prior_draws import Draws, draw_priors
from talent_sd.uncertainty.priors import Prior, assumed_figures, read_priors

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.model.structure import Structure

ANY_CITY = "hefei"
"""Whose scenario stands for the average city's; its own figures are left out."""
SEED = 0


@dataclass
class Places:
    """Scenarios in cities, each resolved once.

    Parameters
    ----------
    model : as `load_model` gives it
    inputs_of : (scenario, city) -> inputs, as they come to be needed
    drawn_from : "posterior" or "priors", once draws were needed
    """

    model: Model
    inputs_of: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    drawn_from: str = ""
    _resolved: dict[tuple[str, str], Resolved] = field(default_factory=dict)
    _draws: dict[tuple[str, str, int], Draws] = field(default_factory=dict)

    def inputs(self, scenario: str, city: str) -> dict[str, Any]:
        """Return the inputs of a scenario in a city, which may be the average one."""
        key = (scenario, city)
        if key not in self.inputs_of:
            found = dict(self.resolved(scenario, city).params())
            if self.is_mean(city):
                for name in read_mapping().content.constants:
                    found.pop(name, None)
            self.inputs_of[key] = found
        return self.inputs_of[key]

    @staticmethod
    def is_mean(city: str) -> bool:
        """Return whether a city is the model's own figures, no shipped one standing for the average."""
        return city == AVERAGE and AVERAGE not in list_cities()

    def resolved(self, scenario: str, city: str) -> Resolved:
        """Return a scenario in a city; the average one, where none ships, has another's file."""
        key = (scenario, city)
        if key not in self._resolved:
            place = ANY_CITY if self.is_mean(city) else city
            self._resolved[key] = resolve_scenario(scenario, place, self.model.structure)
        return self._resolved[key]

    def draws(self, scenario: str, city: str, number: int) -> Draws:
        """Return draws of the uncertain constants: of the posterior where it is of this model, else the priors.

        Noise and other national paths are left out: both runs of a pair would share them.
        """
        key = (scenario, city, number)
        if key not in self._draws:
            resolved = self.resolved(scenario, city)
            prepared = Prepared(self.model, {scenario: resolved})
            assumed = () if self.is_mean(city) else assumed_figures(resolved, self.model)
            fitted = self._fitted
            rest = [prior for prior in self._priors if fitted is None or prior.key not in fitted.names]
            others = draw_priors((*rest, *assumed), number, SEED)
            self._draws[key] = (
                others
                if fitted is None
                else draw_posterior(prepared, fitted, others, number, SEED, noise=False, paths=False)
            )
        return self._draws[key]

    @cached_property
    def _priors(self) -> tuple[Prior, ...]:
        return read_priors(self.model.structure, self.model.program)

    @cached_property
    def _fitted(self) -> Posterior | None:
        """Return the shipped posterior, None where it is of another model."""
        fitted = read_posterior()
        known = self.model.structure.variables
        own = all(name in known for name in fitted.names)
        self.drawn_from = "posterior" if own else "priors"
        return fitted if own else None

    @cached_property
    def constants(self) -> dict[str, float]:
        """Return the model's own value of every constant: "name", or "name[element]"."""
        return model_constants(self.model)

    @cached_property
    def path(self) -> NationalPath:
        """Return the central national path."""
        return read_national("central")


def extended(
    points: tuple[Sequence[float], Sequence[float]], structure: Structure, lookup: str, last: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return a lookup over years that goes on to a last year.

    Levels grow on as in their last year; what is per year, per something or without unit is held.
    """
    x, y = (np.asarray(part, float) for part in points)
    if len(x) < 2 or x[-1] >= last:
        return x, y
    years = np.arange(x[-1] + 1, last + 2)
    unit = structure[lookup].unit.casefold()
    level = unit not in ("", "1", "dmnl", "1/year") and y[-1] > 0 and y[-2] > 0
    growth = (y[-1] / y[-2]) ** (1 / (x[-1] - x[-2])) if level else 1.0
    return np.concatenate([x, years]), np.concatenate([y, y[-1] * growth ** (years - x[-1])])
