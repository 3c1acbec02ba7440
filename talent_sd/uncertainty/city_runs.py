"""Many cities run at once for every draw: over some years, and from a census to the start of a forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import CITY, DRAW, TIME
from talent_sd.base.errors import InputError
from talent_sd.engine.member_blocks import by_draw
from talent_sd.inputs.city_figures import City, Value, city_constants
from talent_sd.inputs.national_paths import NationalPath, national_params

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr

    from talent_sd.engine.runner import Model


TALENT, RESIDENTS, RESIDENTS_NOISE = "Talent", "Residents", "residents growth noise"
JUMP = 0.1
"""Change of residents in one year, in logs, that borders or definitions make: such a city is not run."""


def run_cities(
    model: Model,
    national: NationalPath,
    years: tuple[int, ...],
    draws: int,
    constants: Mapping[str, np.ndarray],
    variables: tuple[str, ...],
    params: Mapping[str, np.ndarray],
    noise: Mapping[str, np.ndarray],
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Run every city for every draw.

    Parameters
    ----------
    years : start to end, each year
    constants : constant -> (cities,) or (draws, cities) values
    params : constant, or "constant[element]" -> (draws,) values, alike in all cities
    noise : noise input -> (draws, cities, years) growth of each year, per year

    Returns
    -------
    variable -> (draws, years, cities) level, summed over subscripts
    """
    import xarray as xr

    known = model.structure.variables
    given: dict[str, Any] = {
        name: curve for name, curve in national_params(national).items() if name in known
    }
    given |= {n: xr.DataArray(values, dims=(DRAW, CITY)[-values.ndim :]) for n, values in constants.items()}
    run = model.run(
        {**given, **params},
        {name: yearly_series(values, years, (DRAW, CITY)) for name, values in noise.items()},
        list(variables),
        engine="kernel",
        initial_time=years[0],
        final_time=years[-1],
        times=years,
        threads=threads,
    )
    # cities inmost but for the years, whatever the axes: sums over draws are then the same to the last bit
    found = {name: np.ascontiguousarray(np.moveaxis(by_draw(run[name], draws), 0, 1)) for name in variables}
    return {
        name: values.reshape(draws, values.shape[1], len(years), -1).sum(axis=-1).transpose(0, 2, 1)
        for name, values in found.items()
    }


def yearly_series(
    values: np.ndarray, years: tuple[int, ...], axes: tuple[str, ...] = (DRAW,)
) -> xr.DataArray:
    """Return yearly growth (*axes, years) as a series for the model: centred in each year, linear between."""
    import xarray as xr

    times = np.array(years[: values.shape[-1]], float) + 0.5
    return xr.DataArray(values, dims=(*axes, TIME), coords={TIME: times})


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
    known = np.where(run_up.runs, run_up.residents, 0.0)
    limits = model.structure.variables[RESIDENTS_NOISE].limits

    def run(push: np.ndarray) -> dict[str, np.ndarray]:
        """Run the cities with a push on their residents."""
        return run_cities(
            model, national, run_up.years, draws, run_up.constants, (TALENT, RESIDENTS), params,
            {**noise, RESIDENTS_NOISE: push}, threads,
        )  # fmt: skip

    missed = np.diff(known, axis=0)[None] - np.diff(
        np.log(run(np.zeros((draws, cities, len(known) - 1)))[RESIDENTS]), axis=1
    )
    push = np.clip(np.where(run_up.runs, missed, 0.0).transpose(0, 2, 1), *limits)
    levels = run(push)  # now within 0.003 of the known residents, whom talent follows
    share = np.log(levels[TALENT] / levels[RESIDENTS])
    return np.where(run_up.runs, share[:, -1] - share[:, 0], 0.0)
