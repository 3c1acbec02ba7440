"""Draws for a forecast: fitted constants from the posterior, the others from their priors, and noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.engine.lanes import chosen_tables
from talent_sd.inputs.national_paths import national_params, read_national
from talent_sd.uncertainty.city_runs import yearly_series
from talent_sd.uncertainty.noise import NOISE_INPUTS
from talent_sd.uncertainty.posterior import Posterior
from talent_sd.uncertainty.prior_draws import PriorDraws
from talent_sd.uncertainty.windows import (
    BACHELOR_SHARE,
    CENSUS_GAP,
    TERTIARY_SHARE,
    years_since_census,
)

if TYPE_CHECKING:
    from talent_sd.forecast.prepare import Prepared

CENTRAL = "central"
NATIONAL_PATHS = (CENTRAL, "low_growth", CENTRAL, "high_growth")
"""Paths that draws are spread over in turn: half the central one, a quarter each of the others."""
Limits = tuple[float | None, float | None]


@dataclass(frozen=True)
class Place:
    """Where and when a forecast is made: what its noise follows from.

    Parameters
    ----------
    city, province : names, in Chinese as in the panel
    years : from the first year to the last
    census_age : years from the last census to the first year
    limits : of the tertiary and the bachelor share
    """

    city: str
    province: str
    years: tuple[int, ...]
    census_age: int
    limits: Mapping[str, Limits]


@dataclass(frozen=True)
class PosteriorDraws:
    """Draws from a posterior, with growth noise.

    Parameters
    ----------
    posterior : of the fitted constants
    picked : (draws, fitted constants)
    rest : draws of the constants that were not fitted
    place : the city and its years; None for no noise
    seed : of the noise
    paths : national paths' params; draw i is told the (i modulo their number)th. Empty: the scenario's own
    """

    posterior: Posterior
    picked: np.ndarray
    rest: PriorDraws
    place: Place | None
    seed: int
    paths: tuple[Mapping[str, Any], ...] = ()

    @property
    def size(self) -> int:
        """Return how many draws there are."""
        return len(self.picked)

    @property
    def names(self) -> tuple[str, ...]:
        """Return what is drawn, the fitted constants first; a factor says so."""
        fitted = zip(self.posterior.names, self.posterior.factor, strict=True)
        return (*(name + " (factor)" * bool(factor) for name, factor in fitted), *self.rest.names)

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return what the draws follow from."""
        noise = "none" if self.place is None else "provinces and cities"
        paths = ", ".join(NATIONAL_PATHS) if self.paths else "the scenario's"
        return {
            **self.rest.identity,
            "posterior": self.posterior.sha256,
            "process_noise": noise,
            "national_paths": paths,
        }

    def values(self, first: int, last: int) -> np.ndarray:
        """Return (last - first, names) draws."""
        return np.concatenate([self.picked[first:last], self.rest.values(first, last)], axis=1)

    def params(self, fixed: Mapping[str, Any], first: int, last: int) -> dict[str, np.ndarray]:
        """Return key -> (last - first,) values.

        What the scenario or the city sets keeps its value in every draw; a factor multiplies
        it. The tertiary share of the last census has strayed by the noise since. Each draw is
        told its own national path, whatever the scenario's.
        """
        found = self.rest.params(fixed, first, last)
        for column, name in enumerate(self.posterior.names):
            drawn = self.picked[first:last, column]
            for key, own in self.posterior.elements[name].items():
                whole = fixed.get(name)
                if self.posterior.factor[column]:
                    found[key] = drawn * fixed.get(key, own if whole is None else whole)
                elif key not in fixed and whole is None:
                    found[key] = drawn * own
        if self.place is not None and self.place.census_age:
            noise = self._noise(first, last)["tertiary growth noise"]
            strayed = np.exp(noise[:, CENSUS_GAP - self.place.census_age : CENSUS_GAP].sum(axis=1))
            for key in (TERTIARY_SHARE, BACHELOR_SHARE):
                if key in fixed:
                    found[key] = np.clip(found.get(key, fixed[key]) * strayed, *self.place.limits[key])
        if self.paths:
            turns = np.arange(first, last) % len(self.paths)
            for key in dict.fromkeys(key for path in self.paths for key in path):
                found[key] = chosen_tables([path.get(key, fixed.get(key)) for path in self.paths], turns)
        return found

    def inputs(self, first: int, last: int) -> dict[str, Any]:
        """Return noise input -> DataArray (draw, time)."""
        if self.place is None:
            return {}
        return {
            name: yearly_series(values[:, CENSUS_GAP:], self.place.years)
            for name, values in self._noise(first, last).items()
        }

    def _noise(self, first: int, last: int) -> dict[str, np.ndarray]:
        """Return noise input -> (last - first, CENSUS_GAP + years)."""
        place = self.place
        assert place is not None
        count = CENSUS_GAP + len(place.years) - 1
        drawn = self.posterior.noise.draw(first, last, [place.province], [place.city], count, self.seed)
        return {name: values[:, 0] for name, values in drawn.items()}


def draw_posterior(
    prepared: Prepared,
    posterior: Posterior,
    rest: PriorDraws,
    draws: int,
    seed: int,
    *,
    noise: bool = True,
    paths: bool = True,
) -> PosteriorDraws:
    """Draw a prepared forecast's constants from a posterior.

    Parameters
    ----------
    rest : draws of constants that were not fitted
    noise : whether growth noise is drawn too
    paths : whether draws are spread over the national paths, where the scenario has the central one

    Raises
    ------
    InputError
        If the model lacks a fitted constant or a noise input.
    """
    structure = prepared.model.structure
    wanted = [*posterior.names, *NOISE_INPUTS.values()]
    missing = [name for name in wanted if name not in structure.variables]
    if missing:
        raise InputError(
            "{file}: the posterior is of another model: '{missing}' is missing here. Fit this one "
            "with `talent-sd calibrate`, or draw from priors with posterior='none'.",
            file=structure.path,
            missing=missing[0],
        )
    central = {one.national.name for one in prepared.resolved.values()} == {CENTRAL}
    return PosteriorDraws(
        posterior,
        posterior.picked(draws, seed),
        rest,
        _place(prepared) if noise else None,
        seed,
        _paths(prepared) if paths and central else (),
    )


def _paths(prepared: Prepared) -> tuple[dict[str, Any], ...]:
    """Return the params of each of `NATIONAL_PATHS`, for lookups that the model has."""
    known = prepared.model.structure.variables
    return tuple(
        {key: curve for key, curve in national_params(read_national(name)).items() if key in known}
        for name in NATIONAL_PATHS
    )


def _place(prepared: Prepared) -> Place:
    """Return where and when a forecast is made."""
    structure = prepared.model.structure
    resolved = prepared.first
    first, last = int(resolved.start_year), int(np.ceil(resolved.final_year))
    return Place(
        resolved.city.title["zh"],
        resolved.city.province["zh"],
        tuple(range(first, last + 1)),
        min(years_since_census(resolved.city, first, resolved.national), CENSUS_GAP),
        {key: structure[key].limits for key in (TERTIARY_SHARE, BACHELOR_SHARE)},
    )
