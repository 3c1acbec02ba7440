"""The cities' growth as a target: which figures, and how likely what a draw leaves over is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.uncertainty.noise import drawn_in, split_covariance
from talent_sd.uncertainty.windows import GDP, GDP_REAL, OUTCOMES, Window, national_log

FREEDOM = 5.0
"""Degrees of freedom of the cities' errors: a few are far off, and must not rule."""


@dataclass(frozen=True)
class Target:
    """What a draw's forecast is held against.

    Parameters
    ----------
    columns : (outcome, row of the window's years): the last year in which most cities have the figure
    actual : (cities, columns) log levels, NaN unknown
    provinces : (cities,) names
    """

    columns: tuple[tuple[str, int], ...]
    actual: np.ndarray
    provinces: np.ndarray

    def take(self, forecast: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return (draws, cities, columns) of a forecast (outcome -> (draws, years, cities))."""
        return np.stack([forecast[outcome][:, row] for outcome, row in self.columns], axis=-1)


def make_target(window: Window) -> Target:
    """Choose each outcome's last year with figures for at least half of the cities.

    An outcome without such a year (talent, where the window holds no census) is left out.

    Raises
    ------
    InputError
        If no outcome has one.
    """
    rows = {outcome: last_known(window.actual[outcome]) for outcome in OUTCOMES}
    columns = tuple((outcome, row) for outcome, row in rows.items() if row is not None)
    if not columns:
        raise InputError(
            "most cities have no figures after {first} to {last}. Choose other years.",
            first=window.years[0],
            last=window.years[-1],
        )
    actual = np.stack([window.actual[outcome][row] for outcome, row in columns], axis=1)
    return Target(columns, actual, np.array(window.provinces))


def last_known(levels: np.ndarray) -> int | None:
    """Return the last row after the first in which at least half of the cities are known; None without one."""
    rows = np.flatnonzero(np.isfinite(levels[1:]).mean(axis=1) >= 0.5) + 1
    return int(rows[-1]) if len(rows) else None


@dataclass(frozen=True)
class Errors:
    """How far cities stray from any draw, and how much each counts.

    Parameters
    ----------
    covariance : (columns, columns) of a city's errors
    weight : (cities,) below 1 for a city that is far off
    shared : part of the variance that a province's cities share
    size : mean number of cities of a city's province
    """

    covariance: np.ndarray
    weight: np.ndarray
    shared: float
    size: float

    @property
    def design_effect(self) -> float:
        """Return how many cities of a province tell as much as one on its own."""
        return 1 + (self.size - 1) * self.shared

    def told(self, outcomes: Sequence[str]) -> dict[str, Any]:
        """Return what a posterior keeps of them, by outcome."""
        return {
            "outcomes": list(outcomes),
            "covariance": [[float(f"{value:.6g}") for value in row] for row in self.covariance],
            "shared": float(f"{self.shared:.6g}"), "size": float(f"{self.size:.6g}"), "cities": len(self.weight),
            "design_effect": float(f"{self.design_effect:.6g}"),
            "lightest": float(f"{self.weight.min():.6g}"), "heaviest": float(f"{self.weight.max():.6g}"),
        }  # fmt: skip


def estimate_errors(leftover: np.ndarray, provinces: np.ndarray) -> Errors:
    """Estimate errors from what a good draw leaves over.

    Weights are the expected precisions of a Student t with `FREEDOM` degrees of freedom.
    All cities count alike, within and across provinces; what they tell together is divided
    by the design effect 1 + (n - 1) r, with r the part of the variance that provinces share
    and n the mean size of a city's province. (Taking the provinces out instead, as random
    effects, throws away what differs between them, such as the age structure, and
    forecasts unseen cities worse.)

    Parameters
    ----------
    leftover : (cities, columns), NaN unknown
    provinces : (cities,) names
    """
    complete = np.isfinite(leftover).all(axis=1)
    near = drawn_in(leftover[complete])
    covariance = near.T @ near / len(near)
    filled = np.where(np.isfinite(leftover), leftover, 0.0)
    distance = np.einsum("ij,ij->i", filled, np.linalg.solve(covariance, filled.T).T)
    weight = (FREEDOM + leftover.shape[1]) / (FREEDOM + distance)
    province, city = split_covariance(leftover[complete], provinces[complete])
    shared = float(np.mean(np.diag(province) / np.diag(province + city)))
    counts = np.unique(provinces, return_counts=True)[1]
    size = float((counts**2).sum() / counts.sum())
    return Errors(covariance, weight, shared, size)


@dataclass(frozen=True)
class Quadratic:
    """A log likelihood that is quadratic in a surrogate's features: -(c - 2 b·f + fᵀ M f)/2."""

    constant: float
    linear: np.ndarray
    matrix: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return (draws,) of (draws, features)."""
        curved = np.einsum("ij,ij->i", features @ self.matrix, features)
        return -0.5 * (self.constant - 2 * features @ self.linear + curved)


def precisions(target: Target, errors: Errors) -> np.ndarray:
    """Return (cities, columns, columns): precision of each city's known figures, 0 for unknown ones."""
    known = np.isfinite(target.actual)
    found = np.zeros((*target.actual.shape, target.actual.shape[1]))
    for pattern in np.unique(known, axis=0):
        if pattern.any():
            at = np.ix_(pattern, pattern)
            full = np.zeros_like(errors.covariance)
            full[at] = np.linalg.inv(errors.covariance[at])
            found[(known == pattern).all(axis=1)] = full
    return found * (errors.weight / errors.design_effect)[:, None, None]


def log_likelihood(target: Target, errors: Errors, forecast: np.ndarray) -> np.ndarray:
    """Return (draws,) log likelihood, up to a constant, of forecasts (draws, cities, columns)."""
    gap = forecast - np.nan_to_num(target.actual)
    weighted = np.einsum("dci,cij->dcj", gap, precisions(target, errors))
    return -0.5 * np.einsum("dcj,dcj->d", weighted, gap)


def quadratic_likelihood(target: Target, errors: Errors, coefficients: np.ndarray) -> Quadratic:
    """Return the log likelihood of a surrogate's features; coefficients (features, cities x columns)."""
    actual = np.nan_to_num(target.actual)
    shaped = coefficients.reshape(len(coefficients), *actual.shape)
    weighted = np.einsum("fci,cij->fcj", shaped, precisions(target, errors))
    flat = weighted.reshape(len(coefficients), -1)
    own = np.einsum("ci,cij,cj->", actual, precisions(target, errors), actual)
    return Quadratic(float(own), flat @ actual.ravel(), flat @ coefficients.T)


def national_growth(window: Window, outcome: str) -> np.ndarray:
    """Return (years,) log growth of the nation since the window's start."""
    levels = np.array([national_log(window.national, outcome, year) for year in window.years])
    return levels - levels[0]


def real_levels(window: Window, nominal: np.ndarray, real_growth: float = 1.0) -> np.ndarray:
    """Return log real GDP (draws, years, cities) that a forecast of nominal GDP means.

    A city's gain on the nation is partly higher prices: `real_growth` of it is real. At 1
    local prices rise with the nation's; at 0 real GDP keeps its share.

    Parameters
    ----------
    nominal : (draws, years, cities) log levels
    """
    gain = nominal - nominal[:, :1] - national_growth(window, GDP)[:, None]
    return window.real[0] + national_growth(window, GDP_REAL)[:, None] + real_growth * gain


def relative_growth(window: Window, nominal: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return (cities,) gains on the nation: forecast nominal, actual nominal, actual real; known cities only.

    Parameters
    ----------
    nominal : (years, cities) forecast log levels

    Returns
    -------
    None where most cities have no real GDP.
    """
    row = last_known(window.real)
    if row is None:
        return None
    nation = [national_growth(window, name)[row] for name in (GDP, GDP_REAL)]
    forecast = nominal[row] - nominal[0] - nation[0]
    actual = window.actual[GDP][row] - window.start[GDP] - nation[0]
    real = window.real[row] - window.real[0] - nation[1]
    known = np.isfinite(forecast) & np.isfinite(actual) & np.isfinite(real)
    return forecast[known], actual[known], real[known]


def real_growth_share(forecasts: Sequence[tuple[Window, np.ndarray]]) -> float:
    """Return the part of forecast gains, from 0 to 1, that makes the mean absolute error of real GDP least.

    Parameters
    ----------
    forecasts : windows, and (years, cities) log nominal GDP forecast without the city's province

    Returns
    -------
    1 where no window knows real GDP: prices are then taken as the nation's.
    """
    known = [part for window, nominal in forecasts if (part := relative_growth(window, nominal))]
    if not known:
        return 1.0
    forecast, real = np.concatenate([k[0] for k in known]), np.concatenate([k[2] for k in known])
    grid = np.linspace(0, 1, 101)
    errors = [float(np.abs(real - share * forecast).mean()) for share in grid]
    return float(grid[int(np.argmin(errors))])
