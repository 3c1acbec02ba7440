"""Tidy tables of a loop study: `loops.csv` and `attribution.csv`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.attribution import PART
from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.files import write_rows
from talent_sd.loops.loop_shares import OTHER_ROUTES, REST, TURNOVER, year_polarity

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy

LOOP_COLUMNS = ("loop", "polarity", "year", "share", "lower", "upper", "share_published", "state")
ATTRIBUTION_COLUMNS = (
    "output",
    "subscript",
    "loop",
    "year",
    "adds",
    "lower",
    "upper",
    "standard_error",
    "unit",
)
NO_NAME = "(no name)"
KIND_ROWS = {"(other routes)": OTHER_ROUTES, "(turnover)": TURNOVER, NO_NAME: REST}
ALL_CUT, ALL_CLOSED = "(all loops cut)", "(all loops closed)"
"""Names of the two rows that the loops' rows lead between."""


def write_loops(study: LoopStudy | ModelStudy, file: Path) -> None:
    """Write each loop's share of the named loops' activity by year: mean, and 80 % interval of draws.

    The polarity of a loop that turns is that of the year. A year in which nothing moves has state
    "at rest" and empty shares; one in which something moves, but no loop, "no loop at work". What the
    named loops leave to others is in rows of its own, as shares of the activity of all loops found: of
    the city "(other routes)" of named loops, "(turnover)" of stocks and "(no name)"; of any other model
    "(no name)" alone.
    """
    shares, rows = study.shares, []
    moves = shares["moves"].values if "moves" in shares else np.zeros(shares.sizes[TIME], bool)
    state = {
        f"{year:g}": partial(_state, moves=one) for year, one in zip(shares[TIME].values, moves, strict=True)
    }
    for loop in study.names.loops:
        own = shares.sel(loop=loop.name)
        for year, share, published in _by_year(own["share"], own["share_published"]):
            sign = year_polarity(loop.polarity, share)
            rows.append((loop.name, sign, year, *_summary(share), _mean(published), state[year](share)))
    for name, others in _others(shares).items():
        for year, part, _ in _by_year(others, others):
            rows.append((name, "", year, *_summary(part), "", state[year](part)))
    write_rows(file, LOOP_COLUMNS, rows)


def _others(shares: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return row's name -> (draw, time) part of the activity of all loops found."""
    if "activity" not in shares:
        return {NO_NAME: 1 - shares["named"]}
    return {name: shares["activity"].sel(kind=kind) for name, kind in KIND_ROWS.items()}


def write_attribution(study: LoopStudy, file: Path) -> None:
    """Write what each loop adds to the output by year and element; the rows of a year add up."""
    adds = study.adds
    extra = [str(dim) for dim in adds["share"].dims if dim not in (PART, DRAW, TIME)]
    elements = adds[extra[0]].values.tolist() if extra else [""]
    of, unit = adds.attrs["of"], adds.attrs["units"]
    rows: list[tuple[str, ...]] = []
    for element in elements:
        one = adds.sel({extra[0]: element}) if extra else adds
        for index, year in enumerate(adds[TIME].values):
            at, told = one.isel({TIME: index}), f"{year:g}"
            rows.append((of, element, ALL_CUT, told, *_summary(at["without"].values), "", unit))
            for loop in study.names.loops:
                own = at.sel({PART: loop.name})
                error = "" if adds.attrs["exact"] else _mean(own["standard_error"].values)
                rows.append((of, element, loop.name, told, *_summary(own["share"].values), error, unit))
            rows.append((of, element, ALL_CLOSED, told, *_summary(at["whole"].values), "", unit))
    write_rows(file, ATTRIBUTION_COLUMNS, rows)


def _by_year(first: xr.DataArray, second: xr.DataArray) -> list[tuple[str, np.ndarray, np.ndarray]]:
    years = first[TIME].values
    pairs = zip(years, first.transpose(TIME, DRAW).values, second.transpose(TIME, DRAW).values, strict=True)
    return [(f"{year:g}", one, other) for year, one, other in pairs]


def _summary(values: np.ndarray) -> tuple[str, str, str]:
    """Return mean, and the 10 and 90 % quantiles of draws, in full precision; "" where there is none."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return "", "", ""
    if values.size == 1:
        return repr(float(finite[0])), "", ""
    low, high = np.quantile(finite, [0.1, 0.9]).tolist()
    return repr(float(finite.mean())), repr(low), repr(high)


def _mean(values: np.ndarray) -> str:
    return _summary(np.asarray(values))[0]


def _state(values: np.ndarray, moves: bool) -> str:
    if np.isfinite(values).any():
        return "moving"
    return "no loop at work" if moves else "at rest"
