"""Real GDP from nominal GDP: how much of what a city gains on the nation is more than prices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talent_sd.uncertainty.growth_target import last_known
from talent_sd.uncertainty.windows import GDP, GDP_REAL, Window, national_log


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
