"""Cities in a stretch of years: what the model is told at the start, and what then happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.language import listed
from talent_sd.inputs.city_figures import City, city_constants
from talent_sd.inputs.national_paths import NationalPath
from talent_sd.uncertainty.city_runs import RunUp, grown_share, run_cities

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model

TERTIARY, RESIDENTS, GDP, REVENUE = OUTCOMES = ("tertiary_educated", "residents", "gdp", "fiscal_revenue")
"""What of a city's future is forecast."""
GDP_REAL = "gdp_real"
"""Also scored: GDP at constant prices, from nominal GDP and the nation's prices."""
MODEL_VARIABLES = {TERTIARY: "Talent", RESIDENTS: "Residents", GDP: "value added", REVENUE: "fiscal revenue"}
FIGURES = {**{name: name for name in OUTCOMES}, GDP_REAL: "gdp_real_2000"}
TERTIARY_NOISE = "tertiary growth noise"
TERTIARY_SHARE, BACHELOR_SHARE = "city tertiary share", "city bachelor share"
BLOCK = 4000
"""Runs of a city at once."""
CENSUS_GAP = 10
"""Most years that a census share is carried, and its noise drawn, before the start."""
BROKEN = frozenset(
    ["伊春市", "合肥市", "咸阳市", "大连市", "安庆市", "成都市", "朝阳市", "杭州市", "淮南市", "绥化市", "西安市", "资阳市",
     "马鞍山市"]
)  # fmt: skip
"""Cities whose figures break within 2000-2024: borders or definitions changed."""
NORTH_EAST = ("辽宁", "吉林", "黑龙江")
"""Provinces whose nominal GDP has a level break."""


@dataclass(frozen=True)
class Window:
    """Cities from a start year to an end year.

    Parameters
    ----------
    years : start to end, each year
    cities, provinces : names, one a city
    constants : the model's constants, (cities,) each, from figures up to the start year only
    national : the path of the nation, known in hindsight
    census_age : (cities,) years from the last census to the start
    start : outcome -> (cities,) log of the level that the model starts from
    actual : outcome -> (years, cities) log of what happened, NaN where no source tells
    real : (years, cities) log of GDP at constant prices, NaN where no source tells
    patents : (years, cities) log of invention patents granted in the city's province, NaN unknown
    past, past_years : outcome -> (cities,) log growth before the start less the nation's, and over
        how many years (ten, or at least seven); NaN where no source tells
    left_out : one line for each city that cannot be run, with the reason
    adjusted : one line for each figure left out as implausible, or brought within the model's limits
    run_up : the years since the last census, over which talent is run to the start; None without
    """

    years: tuple[int, ...]
    cities: tuple[str, ...]
    provinces: tuple[str, ...]
    constants: Mapping[str, np.ndarray]
    national: NationalPath
    census_age: np.ndarray
    start: Mapping[str, np.ndarray]
    actual: Mapping[str, np.ndarray]
    real: np.ndarray
    patents: np.ndarray
    past: Mapping[str, np.ndarray]
    past_years: Mapping[str, np.ndarray]
    left_out: tuple[str, ...]
    adjusted: tuple[str, ...] = ()
    run_up: RunUp | None = None

    def chosen(self, keep: np.ndarray) -> Window:
        """Return the window of some of the cities; `keep` is (cities,) of truth values."""

        def of(table: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: values[..., keep] for name, values in table.items()}

        return replace(
            self,
            cities=tuple(np.array(self.cities)[keep]),
            provinces=tuple(np.array(self.provinces)[keep]),
            constants=of(self.constants),
            census_age=self.census_age[keep],
            start=of(self.start),
            actual=of(self.actual),
            real=self.real[:, keep],
            patents=self.patents[:, keep],
            past=of(self.past),
            past_years=of(self.past_years),
            run_up=self.run_up.chosen(keep) if self.run_up else None,
        )


def run_window(
    model: Model,
    window: Window,
    params: Mapping[str, np.ndarray] | None = None,
    noise: Mapping[str, np.ndarray] | None = None,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Forecast every city of a window for every draw.

    Parameters
    ----------
    params : constant, or "constant[element]" -> (draws,) values, alike in all cities
    noise : noise input -> (draws, cities, CENSUS_GAP + years) growth of each year, per year; what a
        city's talent strayed by since its last census is in the share that it starts from
    threads : of the kernel; default: all processors

    Returns
    -------
    outcome -> (draws, years, cities) log of the level; tertiary-educated as the census counts them.
    """
    levels = run_levels(model, window, tuple(MODEL_VARIABLES.values()), params, noise, threads)
    found = {}
    for outcome, variable in MODEL_VARIABLES.items():
        logs = np.log(levels[variable])
        own = np.log(window.constants["city residents"] * window.constants[TERTIARY_SHARE])
        base = own if outcome == TERTIARY else logs[:1, 0]
        found[outcome] = logs + (window.start[outcome] - base)
    return found


def blocks(draws: int, cities: int) -> Iterator[slice]:
    """Yield slices of draws that are run at once: `BLOCK` runs of a city each, or one draw of all.

    >>> list(blocks(5, 2000))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    block = max(BLOCK // cities, 1)
    for first in range(0, draws, block):
        yield slice(first, min(first + block, draws))


def run_levels(
    model: Model,
    window: Window,
    variables: tuple[str, ...],
    params: Mapping[str, np.ndarray] | None = None,
    noise: Mapping[str, np.ndarray] | None = None,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Run every city of a window for every draw; parameters as in `run_window`.

    Returns
    -------
    variable -> (draws, years, cities) level, summed over subscripts
    """
    params, noise = dict(params or {}), dict(noise or {})
    sizes = {len(values) for values in (*params.values(), *noise.values())}
    draws = sizes.pop() if sizes else 1
    given = dict(window.constants)
    strayed = _since_census(model, window, draws, params, noise, threads)
    for name in (TERTIARY_SHARE, BACHELOR_SHARE):
        given[name] = np.clip(given[name] * np.exp(strayed), *model.structure.variables[name].limits)
    after = {name: values[..., CENSUS_GAP:] for name, values in noise.items()}
    return run_cities(model, window.national, window.years, draws, given, variables, params, after, threads)


def _since_census(
    model: Model,
    window: Window,
    draws: int,
    params: Mapping[str, np.ndarray],
    noise: Mapping[str, np.ndarray],
    threads: int | None,
) -> np.ndarray:
    """Return (draws, cities) log by which the tertiary share strayed from the nation's since the census.

    Cities with a run-up are run from the census with the residents known since; others stray by
    noise alone.
    """
    yearly = noise.get(TERTIARY_NOISE, np.zeros((draws, len(window.cities), CENSUS_GAP)))[..., :CENSUS_GAP]
    counted = np.arange(CENSUS_GAP)[None, :] >= CENSUS_GAP - window.census_age[:, None]
    strayed = (yearly * counted).sum(axis=-1)
    run_up = window.run_up
    if run_up is None:
        return strayed
    years = len(run_up.years) - 1
    before = {TERTIARY_NOISE: yearly[..., CENSUS_GAP - years :]}
    grown = grown_share(model, window.national, run_up, draws, params, before, threads)
    nation = np.log(
        window.national.value("tertiary_share", run_up.years[-1])
        / window.national.value("tertiary_share", run_up.years[0])
    )
    return np.where(run_up.runs, grown - nation, strayed)


def years_since_census(city: City, start: int, national: NationalPath) -> int:
    """Return the years over which a city's tertiary share is carried to the start; 0 without a census."""
    value = city_constants(city, start, national, only=(TERTIARY_SHARE,))[TERTIARY_SHARE]
    return start - value.year if value.year is not None else 0


def without_hindsight(window: Window) -> Window:
    """Return the window with the paths of mobility and divergence at 1, as nobody knew better at its start."""
    variables = dict(window.national.variables)
    for name in ("mobility", "divergence"):
        if name in variables:
            series = variables[name]
            variables[name] = replace(series, values=dict.fromkeys(series.values, 1.0))
    return replace(window, national=replace(window.national, variables=variables))


def national_log(national: NationalPath, outcome: str, year: int) -> float:
    """Return the log of the nation's level of an outcome."""
    if outcome == TERTIARY:
        return float(np.log(national.value("tertiary_share", year) * national.value("residents", year)))
    return float(np.log(national.value(outcome, year)))


def fitting_cities(window: Window, held_out: str, seed: int = 0) -> np.ndarray:
    """Return (cities,) whether a city takes part in a fit; about a third are left to be judged on.

    Parameters
    ----------
    held_out : "cities" (every third of a province's cities, the provinces one after another in order
        of their cities' size), "provinces" (a third of the provinces, whole) or "none"

    Raises
    ------
    InputError
        If `held_out` is none of these.
    """
    count = len(window.cities)
    generator = np.random.default_rng([seed, 3])
    if held_out == "none":
        return np.ones(count, bool)
    if held_out == "provinces":
        names = np.unique(window.provinces)
        out = generator.permutation(len(names))[: max(round(len(names) / 3), 1)]
        return ~np.isin(window.provinces, names[out])
    if held_out == "cities":
        order = np.lexsort((-window.start[RESIDENTS], np.array(window.provinces)))
        keep = np.ones(count, bool)
        keep[order[int(generator.integers(3)) :: 3]] = False
        return keep
    choices = ("cities", "provinces", "none")
    raise InputError(
        "cannot hold out '{held_out}'.{hint} Use {choices}.",
        held_out=held_out,
        hint=nearest(held_out, choices),
        choices=listed(choices),
    )
