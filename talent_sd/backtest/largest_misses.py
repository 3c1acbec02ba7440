"""Which forecasts missed most, and what the figures say about why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.backtest.run_backtest import Backtest, actual_levels
from talent_sd.uncertainty.growth_target import last_known
from talent_sd.uncertainty.windows import BROKEN, GDP, NORTH_EAST, OUTCOMES, REVENUE, national_log

if TYPE_CHECKING:
    import pandas as pd

JUMP = 0.2
"""Change of a city against the nation in one year that no growth explains."""
SHARED = 0.5
"""A province whose other cities missed by this part of the city's error missed together."""


def miss_table(test: Backtest, count: int = 10) -> pd.DataFrame:
    """Return the worst misses of each outcome, with a line on why.

    Returns
    -------
    One row a miss: variable, city, province, year, error (ln of forecast over actual), why.
    """
    import pandas as pd

    rows = []
    window = test.window
    for outcome in OUTCOMES:
        actual = actual_levels(window, outcome)
        row = last_known(actual)
        if row is None:
            continue
        errors = np.median(test.spread[outcome][:, row], axis=0) - actual[row]
        order = np.argsort(-np.abs(np.nan_to_num(errors)))[:count]
        for city in order:
            why = "; ".join(reasons(test, outcome, row, int(city), errors))
            rows.append(
                {
                    "variable": outcome,
                    "city": window.cities[city],
                    "province": window.provinces[city],
                    "year": window.years[row],
                    "error": float(errors[city]),
                    "why": why,
                }
            )
    return pd.DataFrame(rows)


def reasons(test: Backtest, outcome: str, row: int, city: int, errors: np.ndarray) -> list[str]:
    """Return what the figures say about a miss, the strongest first."""
    window = test.window
    name, province = window.cities[city], window.provinces[city]
    found = []
    if name in BROKEN:
        found.append("borders or definitions changed")
    if outcome in (GDP, REVENUE) and province.startswith(NORTH_EAST) and errors[city] > 0:
        found.append("level break of the north-east's nominal figures")
    jump = _largest_jump(test, outcome, row, city)
    if jump and abs(jump[1]) > JUMP and jump[1] * errors[city] < 0:
        found.append(
            f"{'rose' if jump[1] > 0 else 'fell'} by {abs(jump[1]):.2f} against the nation in {jump[0]}"
        )
    others = (np.array(window.provinces) == province) & np.isfinite(errors)
    others[city] = False
    if others.sum() >= 3 and errors[others].mean() / errors[city] > SHARED:
        found.append("the whole province missed alike")
    if not found:
        faster = "more" if errors[city] < 0 else "less"
        found.append(f"grew {faster} than its start told; no break in the figures is known")
    return found


def _largest_jump(test: Backtest, outcome: str, row: int, city: int) -> tuple[int, float] | None:
    """Return the year and size of the largest change against the nation within a year."""
    window = test.window
    levels = actual_levels(window, outcome)[: row + 1, city]
    nation = np.array([national_log(window.national, outcome, year) for year in window.years[: row + 1]])
    changes = np.diff(levels - nation)
    if not np.isfinite(changes).any():
        return None
    place = int(np.nanargmax(np.abs(changes)))
    return window.years[place + 1], float(changes[place])
