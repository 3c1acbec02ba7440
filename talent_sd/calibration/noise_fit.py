"""Estimate growth noise: what forecasts of unseen provinces leave over, carried back to the model's inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.uncertainty.growth_target import last_known, real_growth_share, relative_growth
from talent_sd.uncertainty.noise import (
    NOISE_INPUTS,
    NoiseModel,
    fitted_persistence,
    root,
    split_covariance,
    summed_variance,
)
from talent_sd.uncertainty.windows import CENSUS_GAP, GDP, OUTCOMES, RESIDENTS, TERTIARY, Window, run_window

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.uncertainty.fitted_constants import Beliefs

SHORTEST = 3
"""Years ahead from which the growth of leftovers tells persistence: before, errors of single figures rule."""
NORMAL_80 = 1.2816
"""Half-width, in standard deviations, of the interval that holds 80 % of a normal distribution."""
UNIT = 0.01
CHECKS, DRAWS = 2, 120
"""Times that the intervals are checked against the leftovers, and draws of each check."""
FREEDOM = (3.0, 30.0)
"""Least and most degrees of freedom: below, extremes know no bounds; beyond, tails are normal."""


@dataclass(frozen=True)
class Judged:
    """A window's fitting cities, each forecast by a fit that did not know its province.

    Parameters
    ----------
    window : cities and what happened
    forecast : outcome -> (years, cities) log levels
    """

    window: Window
    forecast: Mapping[str, np.ndarray]

    def left(self, outcome: str) -> np.ndarray:
        """Return (years, cities) of what the forecast leaves over, NaN unknown."""
        return self.window.actual[outcome] - self.forecast[outcome]

    def last(self, outcome: str) -> int | None:
        """Return the last row in which most cities have the figure."""
        return last_known(self.window.actual[outcome])


def judged_apart(
    model: Model, windows: Sequence[Window], beliefs: Beliefs, provinces: Mapping[str, int], best: np.ndarray
) -> list[Judged]:
    """Forecast each city by the fit that left its province out.

    Parameters
    ----------
    windows : of the cities to judge; cities of provinces without a fold are left out
    provinces : province -> number of its fold
    best : (folds, parameters)
    """
    found = []
    for whole in windows:
        window = whole.chosen(np.isin(whole.provinces, list(provinces)))
        fold = np.array([provinces[name] for name in window.provinces])
        levels = {name: np.full((len(window.years), len(fold)), np.nan) for name in OUTCOMES}
        for number in np.unique(fold):
            some = fold == number
            run = run_window(model, window.chosen(some), beliefs.params(best[number][None]))
            for name in OUTCOMES:
                levels[name][:, some] = run[name][0]
        found.append(Judged(window, levels))
    return found


@dataclass(frozen=True)
class _Strayed:
    """Leftovers of one window as noise: steady growth of each input that would explain them.

    Parameters
    ----------
    steady : (years, cities, outcomes), 1/year; NaN unknown. Talent is known in census years only
    years : (years, cities, outcomes) over how many years it worked; a census share strays before the start too
    ends : (outcomes,) row in which most cities are last known
    """

    steady: np.ndarray
    years: np.ndarray
    ends: tuple[int | None, ...]

    def standard(self, persistence: np.ndarray) -> np.ndarray:
        """Return (cities, outcomes) of the last rows, in yearly standard deviations' units."""
        columns = []
        for place, row in enumerate(self.ends):
            if row is None:
                columns.append(np.full(self.steady.shape[1], np.nan))
                continue
            years = self.years[row, :, place]
            lengths = {n: summed_variance(persistence[[place]], int(n))[0, 0] for n in np.unique(years)}
            spread = np.sqrt([lengths[n] for n in years])
            columns.append(self.steady[row, :, place] * years / spread)
        return np.stack(columns, axis=1)


def estimate_noise(
    model: Model,
    judged: Sequence[Judged],
    params: Mapping[str, np.ndarray],
    drawn: Mapping[str, np.ndarray],
) -> NoiseModel:
    """Estimate the noise with which forecasts of unseen provinces must be drawn.

    All windows count together, so that no one decade sets the sizes. Leftovers are carried
    back to noise inputs through the model's own response to each, so that noise on
    residents is not counted again in talent, GDP and revenue. Persistence follows from how
    they grow over the years; the split over provinces and cities, and the correlations,
    are moments; tails are Student's t, by likelihood. Sizes are then set so that, drawn
    with the parameters, 80 % of what happened in all windows lies inside 80 % intervals.

    Parameters
    ----------
    judged : fitting cities of each window, forecast without their provinces
    params : parameter key -> (1,) value of the best draw
    drawn : parameter key -> (draws,) values, at least `DRAWS`, that intervals hold besides the noise

    Raises
    ------
    ValueError
        If an outcome other than the tertiary-educated has no figures in any window.
    """
    for outcome in OUTCOMES[1:]:
        if all(one.last(outcome) is None for one in judged):
            raise ValueError(f"no window has figures of {outcome} to estimate noise from")
    strayed = [_strayed(model, one, params) for one in judged]
    persistence = _persistence(strayed)
    standard = [one.standard(persistence) for one in strayed]
    province, city = _split(standard, judged)
    pooled = np.concatenate(standard)
    freedom = np.array([_freedom(column[np.isfinite(column)]) for column in pooled.T])
    moments = np.sqrt(np.diag(province + city))
    robust = np.nanquantile(np.abs(pooled), 0.8, axis=0) / NORMAL_80
    robust[~np.isfinite(robust)] = moments[~np.isfinite(robust)]
    scale = np.outer(robust / moments, robust / moments)
    noise = NoiseModel(persistence, _psd(province * scale), _psd(city * scale), 1.0, freedom)
    for check in range(CHECKS):
        factors = _too_narrow(model, judged, drawn, noise, check)
        noise = replace(
            noise,
            province=noise.province * np.outer(factors, factors),
            city=noise.city * np.outer(factors, factors),
        )
    growth = real_growth_share([(one.window, one.forecast[GDP]) for one in judged])
    return replace(noise, real_growth=growth, real_share=_real_share(judged, growth))


def _strayed(model: Model, judged: Judged, params: Mapping[str, np.ndarray]) -> _Strayed:
    """Carry a window's leftovers back to the noise inputs."""
    window = judged.window
    left = np.stack([judged.left(name) for name in OUTCOMES], axis=-1)
    response = _response(model, window, params)
    steady = np.full_like(left, np.nan)
    for row in range(1, len(left)):
        known = np.isfinite(left[row])
        for pattern in np.unique(known, axis=0):
            some = np.flatnonzero((known == pattern).all(axis=1))
            at = np.flatnonzero(pattern)
            if len(at):
                # what is not known is taken as without noise: it hardly moves the others
                block = response[row][np.ix_(some, at, at)]
                steady[row][np.ix_(some, at)] = np.linalg.solve(
                    block, left[row][np.ix_(some, at)][..., None]
                )[..., 0]
    years = np.broadcast_to(np.arange(len(left))[:, None, None], left.shape).copy()
    years[..., OUTCOMES.index(TERTIARY)] += np.minimum(window.census_age, CENSUS_GAP).astype(int)
    return _Strayed(steady, years, tuple(judged.last(name) for name in OUTCOMES))


def _response(model: Model, window: Window, params: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return (years, cities, outcomes, noise inputs): change of the logs per steady noise of 1/year."""
    years, cities, count = len(window.years) - 1, len(window.cities), len(OUTCOMES)
    noise = {name: np.zeros((count + 1, cities, CENSUS_GAP + years)) for name in NOISE_INPUTS.values()}
    for number, name in enumerate(NOISE_INPUTS.values()):
        noise[name][number] = UNIT
    many = {key: np.repeat(value, count + 1) for key, value in params.items()}
    moved = run_window(model, window, many, noise)
    change = np.stack([moved[name][:-1] - moved[name][-1:] for name in OUTCOMES])
    return change.transpose(2, 3, 0, 1) / UNIT


def _persistence(strayed: Sequence[_Strayed]) -> np.ndarray:
    """Return (outcomes,) persistence; that of the tertiary-educated, seen in censuses only, is the residents'."""
    found = {}
    for place, name in enumerate(OUTCOMES):
        if name == TERTIARY:
            continue
        sizes: dict[int, list[np.ndarray]] = {}
        for one in strayed:
            for row in range(SHORTEST, len(one.steady)):
                sums = one.steady[row, :, place] * row
                if np.isfinite(sums).mean() > 0.5:
                    sizes.setdefault(row, []).append(np.abs(sums[np.isfinite(sums)]))
        spread = {row: float(np.quantile(np.concatenate(some), 0.8)) ** 2 for row, some in sizes.items()}
        if len(spread) > 1:
            found[name] = fitted_persistence(dict(sorted(spread.items())))
    if not found:
        raise ValueError("persistence needs leftovers at two horizons or more")
    found[TERTIARY] = found[RESIDENTS]
    return np.array([found[name] for name in OUTCOMES])


def _split(standard: Sequence[np.ndarray], judged: Sequence[Judged]) -> tuple[np.ndarray, np.ndarray]:
    """Return covariances of provinces and of cities: means over the windows, weighted by their cities."""
    parts, weights = [], []
    for found, one in zip(standard, judged, strict=True):
        values = found.copy()
        if not np.isfinite(values[:, 0]).any():  # no census inside the window: as if talent strayed
            values[:, 0] = values[:, 1]  # with all residents
        complete = np.isfinite(values).all(axis=1)
        if complete.sum() > 1:
            parts.append(split_covariance(values[complete], np.array(one.window.provinces)[complete]))
            weights.append(int(complete.sum()))
    if not parts:
        raise ValueError("no window has cities with all figures to estimate noise from")
    province, city = (np.average([part[k] for part in parts], axis=0, weights=weights) for k in (0, 1))
    return province, city


def _freedom(values: np.ndarray) -> float:
    """Return the degrees of freedom of a Student's t around 0 that makes the values most likely."""
    from scipy import stats

    if len(values) < 20:
        return FREEDOM[1]
    grid = np.geomspace(*FREEDOM, 25)
    size = np.quantile(np.abs(values), 0.8)
    likely = [stats.t.logpdf(values, nu, scale=size / stats.t.ppf(0.9, nu)).sum() for nu in grid]
    return float(grid[int(np.argmax(likely))])


def _too_narrow(
    model: Model, judged: Sequence[Judged], params: Mapping[str, np.ndarray], noise: NoiseModel, seed: int
) -> np.ndarray:
    """Return (outcomes,) by how much the noise must grow for 80 % of the leftovers to lie inside."""
    off: dict[str, list[np.ndarray]] = {name: [] for name in OUTCOMES}
    some = {key: values[:DRAWS] for key, values in params.items()}
    for one in judged:
        window = one.window
        years = CENSUS_GAP + len(window.years) - 1
        noises = noise.draw(0, DRAWS, window.provinces, window.cities, years, seed)
        spread = run_window(model, window, some, noises)
        for name in OUTCOMES:
            row = one.last(name)
            if row is not None:
                low, high = np.quantile(spread[name][:, row], [0.1, 0.9], axis=0)
                gaps = np.abs(one.left(name)[row]) / ((high - low) / 2)
                off[name].append(gaps[np.isfinite(gaps)])
    return np.array(
        [float(np.quantile(np.concatenate(off[name]), 0.8)) if off[name] else 1.0 for name in OUTCOMES]
    )


def _real_share(judged: Sequence[Judged], growth: float) -> float:
    """Return the 80 % point of what real GDP leaves over against that of nominal GDP, 1 at most."""
    sizes: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for one in judged:
        found = relative_growth(one.window, one.forecast[GDP])
        if found is not None:
            forecast, nominal, real = found
            sizes[0].append(np.abs(real - growth * forecast))
            sizes[1].append(np.abs(nominal - forecast))
    if not sizes[0]:
        return 1.0
    points = [float(np.quantile(np.concatenate(part), 0.8)) for part in sizes]
    return min(points[0] / points[1], 1.0)


def _psd(matrix: np.ndarray) -> np.ndarray:
    half = root((matrix + matrix.T) / 2)
    return half @ half.T
