"""From a census to the start of a forecast: talent run forward among the residents that are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.analysis.city_runs import run_cities
from talent_sd.base.errors import InputError
from talent_sd.scenario.figures import City, Value, city_constants
from talent_sd.scenario.national import NationalPath

if TYPE_CHECKING:
    from collections.abc import Callable

    from talent_sd.engine.runner import Model

TALENT, RESIDENTS, RESIDENTS_NOISE = "Talent", "Residents", "residents growth noise"
JUMP = 0.1
"""Change of residents in one year, in logs, that borders or definitions make: such a city is not run."""


@dataclass(frozen=True)
class RunUp:
    """The years between a census and the start of a forecast.

    Parameters
    ----------
    years : the census to the start, each year
    constants : the model's constants, (cities,) each, from figures up to the census only
    residents : (years, cities) log of residents, straight in logs over years that no source tells
    runs : (cities,) whether a city is run; where not, its share is carried with the nation's
    """

    years: tuple[int, ...]
    constants: Mapping[str, np.ndarray]
    residents: np.ndarray
    runs: np.ndarray

    def chosen(self, keep: np.ndarray) -> RunUp:
        """Return that of some of the cities; `keep` is (cities,) of truth values."""
        constants = {name: values[keep] for name, values in self.constants.items()}
        return RunUp(self.years, constants, self.residents[:, keep], self.runs[keep])


def make_run_up(
    cities: Sequence[City],
    ages: Sequence[int],
    constants: Mapping[str, np.ndarray],
    start: int,
    national: NationalPath,
    taken: Callable[[City, Mapping[str, Value]], Mapping[str, float]],
) -> RunUp | None:
    """Collect what is known between the last census and the start; None where the start is a census's year.

    Parameters
    ----------
    ages : years since each city's census; most cities' are run, a city counted in another year is not
    constants : (cities,) each, at the start: they stand in for a city that cannot be run
    taken : from a city's constants to the model's, within its limits
    """
    late = [age for age in ages if age > 0]
    if not late:
        return None
    age = max(set(late), key=late.count)
    years = tuple(range(start - age, start + 1))
    runs = np.array(ages) == age
    own = {name: values.copy() for name, values in constants.items()}
    residents = np.full((len(years), len(cities)), np.nan)
    for column, city in enumerate(cities):
        if not runs[column]:
            continue
        try:
            found = taken(city, city_constants(city, years[0], national, only=constants))
        except InputError:
            runs[column] = False
            continue
        for name, value in found.items():
            own[name][column] = value
        figure = city.figures["residents"].values
        levels = {**{year: figure[year] for year in years if year in figure}}
        levels |= {years[0]: found["city residents"], start: constants["city residents"][column]}
        told = sorted(levels)
        residents[:, column] = np.interp(years, told, np.log([levels[year] for year in told]))
        runs[column] = np.abs(np.diff(residents[:, column])).max() < JUMP
    return RunUp(years, own, residents, runs) if runs.any() else None


def grown_share(
    model: Model,
    national: NationalPath,
    run_up: RunUp,
    draws: int,
    params: Mapping[str, np.ndarray],
    noise: Mapping[str, np.ndarray],
    threads: int | None = None,
) -> np.ndarray:
    """Return (draws, cities) growth in logs of talent per resident from the census to the start.

    Residents follow what is known of them, by way of the model's own growth noise; talent goes
    with them as the model has it, and strays by the noise given.

    Parameters
    ----------
    params, noise : as in `run_cities`; the noise of talent in the years of the run-up
    """
    cities = len(run_up.runs)
    constants = {name: np.tile(values, (draws, 1)) for name, values in run_up.constants.items()}
    known = np.where(run_up.runs, run_up.residents, 0.0)
    limits = model.structure.variables[RESIDENTS_NOISE].limits

    def run(push: np.ndarray) -> dict[str, np.ndarray]:
        return run_cities(
            model, national, run_up.years, constants, (TALENT, RESIDENTS), params,
            {**noise, RESIDENTS_NOISE: push}, threads,
        )  # fmt: skip

    missed = np.diff(known, axis=0)[None] - np.diff(
        np.log(run(np.zeros((draws, cities, len(known) - 1)))[RESIDENTS]), axis=1
    )
    push = np.clip(np.where(run_up.runs, missed, 0.0).transpose(0, 2, 1), *limits)
    levels = run(push)  # now within 0.003 of the known residents, whom talent follows
    share = np.log(levels[TALENT] / levels[RESIDENTS])
    return np.where(run_up.runs, share[:, -1] - share[:, 0], 0.0)
