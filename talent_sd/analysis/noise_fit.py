"""Estimate growth noise: what the best draw leaves over, carried back through the model to its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.analysis.noise import (
    NOISE_INPUTS,
    NoiseModel,
    fitted_persistence,
    root,
    split_covariance,
    summed_variance,
)
from talent_sd.analysis.target import last_known
from talent_sd.analysis.windows import CENSUS_GAP, GDP, OUTCOMES, RESIDENTS, TERTIARY, Window, run_window

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model

SHORTEST = 3
"""Years ahead from which the growth of leftovers tells persistence: before, errors of single figures rule."""
NORMAL_80 = 1.2816
"""Half-width, in standard deviations, of the interval that holds 80 % of a normal distribution."""
UNIT = 0.01
CHECKS, DRAWS = 3, 200
"""Times that the intervals are checked against the leftovers, and draws of each check."""


def estimate_noise(
    model: Model,
    window: Window,
    params: Mapping[str, np.ndarray],
    drawn: Mapping[str, np.ndarray],
    widening: Mapping[str, float],
) -> NoiseModel:
    """Estimate the noise that one draw leaves in the cities of a window.

    Leftovers at the end of the window are carried back to noise inputs through the model's
    own response to each, so that noise on residents is not counted again in talent, GDP
    and revenue. Sizes match the 80 % point of the leftovers, which single breaks in the
    figures do not move; the split over provinces and cities, and the correlations, are
    moments; persistence follows from how leftovers grow over the years. Cities that took no
    part in the fit stray further, as far as cross-validation tells.

    Parameters
    ----------
    params : parameter key -> (1,) value of the best draw
    drawn : parameter key -> (draws,) values, at least `DRAWS`, that intervals hold besides the noise
    widening : outcome -> how much further cities stray that took no part in the fit

    Raises
    ------
    ValueError
        If an outcome other than the tertiary-educated has no figures at the end.
    """
    years = len(window.years) - 1
    central = run_window(model, window, params)
    left = {name: window.actual[name] - central[name][0] for name in OUTCOMES}
    persistence = _persistence(left)
    ends = np.stack([_last(window, left, name) for name in OUTCOMES], axis=1)
    if not np.isfinite(ends[:, 1:]).any(axis=0).all():
        raise ValueError("the window's end has no figures to estimate noise from")
    complete = np.isfinite(ends).all(axis=1)
    if not complete.any():  # no census inside the window: as if talent strayed with all residents
        ends[:, 0] = ends[:, 1]
        complete = np.isfinite(ends).all(axis=1)
    response = _response(model, window, params, central)
    sums = np.linalg.solve(response[complete], ends[complete][..., None])[..., 0]
    province, city = split_covariance(sums, np.array(window.provinces)[complete])
    moments = np.sqrt(np.diag(province + city))
    robust = np.quantile(np.abs(sums - np.median(sums, axis=0)), 0.8, axis=0) / NORMAL_80
    scale = np.outer(robust / moments, robust / moments) / summed_variance(persistence, years)
    real = _real_share(window, left[GDP])
    noise = NoiseModel(persistence, _psd(province * scale), _psd(city * scale), real)
    for check in range(CHECKS):
        noise = _rescaled(noise, _too_narrow(model, window, drawn, noise, check))
    return _rescaled(noise, np.array([widening.get(name, 1.0) for name in OUTCOMES]))


def _too_narrow(
    model: Model, window: Window, params: Mapping[str, np.ndarray], noise: NoiseModel, seed: int
) -> np.ndarray:
    """Return (outcomes,) by how much the noise must grow for 80 % of the leftovers to lie inside."""
    years = CENSUS_GAP + len(window.years) - 1
    strayed = noise.draw(0, DRAWS, window.provinces, window.cities, years, seed)
    spread = run_window(model, window, {key: values[:DRAWS] for key, values in params.items()}, strayed)
    factors = np.ones(len(OUTCOMES))
    for place, name in enumerate(OUTCOMES):
        row = last_known(window.actual[name])
        if row is not None:
            low, middle, high = np.quantile(spread[name][:, row], [0.1, 0.5, 0.9], axis=0)
            off = np.abs(window.actual[name][row] - middle) / ((high - low) / 2)
            factors[place] = float(np.quantile(off[np.isfinite(off)], 0.8))
    return factors


def _rescaled(noise: NoiseModel, factors: np.ndarray) -> NoiseModel:
    """Return the noise with each outcome's size multiplied."""
    scale = np.outer(factors, factors)
    return replace(noise, province=noise.province * scale, city=noise.city * scale)


def _real_share(window: Window, nominal: np.ndarray) -> float:
    """Return the 80 % point of real GDP's leftovers over that of nominal GDP's, 1 at most."""
    row = last_known(window.real)
    if row is None:
        return 1.0
    prices = window.actual[GDP][row] - window.real[row] - (window.actual[GDP][0] - window.real[0])
    real = nominal[row] - prices
    known = np.isfinite(real) & np.isfinite(nominal[row])
    size = [float(np.quantile(np.abs(x[known] - np.median(x[known])), 0.8)) for x in (real, nominal[row])]
    return min(size[0] / size[1], 1.0)


def _last(window: Window, left: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Return (cities,) leftovers of the last year with figures for at least half of the cities."""
    row = last_known(window.actual[name])
    return np.full(len(window.cities), np.nan) if row is None else left[name][row]


def _persistence(left: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return (outcomes,) persistence; that of the tertiary-educated, seen in censuses only, is the residents'."""
    found = {}
    for name in OUTCOMES:
        spread = {}
        for row in range(SHORTEST, len(left[name])):
            known = left[name][row][np.isfinite(left[name][row])]
            if len(known) > 0.5 * left[name].shape[1]:
                spread[row] = float(np.quantile(np.abs(known - np.median(known)), 0.8)) ** 2
        if len(spread) > 1:
            found[name] = fitted_persistence(spread)
    found.setdefault(TERTIARY, found[RESIDENTS])
    if TERTIARY in found and np.isfinite(left[TERTIARY]).any(axis=1).sum() < 3:
        found[TERTIARY] = found[RESIDENTS]
    return np.array([found[name] for name in OUTCOMES])


def _response(
    model: Model, window: Window, params: Mapping[str, np.ndarray], central: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return (cities, outcomes, noise inputs): change of the last logs per sum of a steady noise."""
    years, cities = len(window.years) - 1, len(window.cities)
    zero = np.zeros((len(OUTCOMES), cities, CENSUS_GAP + years))
    noise = {name: zero.copy() for name in NOISE_INPUTS.values()}
    for number, name in enumerate(NOISE_INPUTS.values()):
        noise[name][number, :, CENSUS_GAP:] = UNIT
    many = {key: np.repeat(value, len(OUTCOMES)) for key, value in params.items()}
    moved = run_window(model, window, many, noise)
    change = np.stack([moved[name][:, -1] - central[name][:, -1] for name in OUTCOMES])
    return change.transpose(2, 0, 1) / (UNIT * years)


def _psd(matrix: np.ndarray) -> np.ndarray:
    half = root((matrix + matrix.T) / 2)
    return half @ half.T
