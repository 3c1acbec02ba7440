"""Changes of scenarios against a baseline, in one city or in several."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.arguments import checked
from talent_sd.base.dims import CITY, DRAW, SCENARIO, TIME, name_axes
from talent_sd.base.errors import MOST, InputError, NonFiniteWarning, Problems, UnitError, nearest
from talent_sd.base.language import listed, tell
from talent_sd.forecast.prepare import Prepared, prepare

if TYPE_CHECKING:
    import xarray as xr

OTHER = "other"
RELATIVE = ", relative"
"""Ending of the name under which a variable's relative change stands."""


def absolute_change(variant: xr.DataArray, baseline: xr.DataArray) -> xr.DataArray:
    """Change of a variant against the baseline, draw by draw, in the variable's own unit.

    Parameters
    ----------
    variant : dims (scenario, draw, time, ...), any unit
    baseline : dims (draw, time, ...), same unit and labels

    Returns
    -------
    dims (scenario, draw, time, ...), the variable's unit.

    Raises
    ------
    UnitError
        If the units differ.
    """
    _same_unit(variant, baseline)
    return (variant - baseline).assign_attrs(variant.attrs)


def relative_change(variant: xr.DataArray, baseline: xr.DataArray) -> xr.DataArray:
    """Change of a variant against the baseline, draw by draw.

    Draws are paired before the division, so uncertainty that both runs share
    cancels; take quantiles of this, never a difference of quantiles.

    Parameters
    ----------
    variant : dims (scenario, draw, time, ...), any unit
    baseline : dims (draw, time, ...), same unit and labels

    Returns
    -------
    dims (scenario, draw, time, ...), unit "1": 0.05 is +5 %. NaN where the baseline is 0.
    The change is measured against the baseline's size, so that a debt that shrinks is
    an increase.

    Raises
    ------
    UnitError
        If the units differ.
    """
    _same_unit(variant, baseline)
    size = abs(baseline)
    return ((variant - baseline) / size.where(size > 0)).assign_attrs({**variant.attrs, "units": "1"})


ALWAYS = 0.95
"""Share of draws above nought from which on a relative change is told."""


def percent_is_told(level: xr.DataArray) -> xr.DataArray:
    """Return where a per cent of a level is a number, over its axes but the draws: not of a debt, of nothing, or of years."""
    return ((level > 0).mean(DRAW) > ALWAYS) & (level.attrs.get("units") != "year")


def not_finite(forecast: xr.Dataset, names: Iterable[str]) -> list[str]:
    """Return which of the variables have a value that is not finite."""
    return [name for name in names if name in forecast and not np.isfinite(forecast[name].values).all()]


def warn_of_not_finite(forecast: xr.Dataset) -> None:
    """Warn of variables of a forecast that are not finite somewhere."""
    drawn = [str(name) for name, array in forecast.data_vars.items() if {SCENARIO, TIME} <= set(array.dims)]
    if names := not_finite(forecast, drawn):
        text = tell("Not finite: {names}. Do not use these results.", names=listed(names[:MOST]))
        warnings.warn(text, NonFiniteWarning, stacklevel=4)


@checked
def compare(spread: xr.Dataset, baseline: str = "baseline") -> xr.Dataset:
    """Set every other scenario of a forecast against one of them.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...), as `simulate` gives it
    baseline : name on the scenario axis

    Returns
    -------
    For each variable its absolute change under its own name, and its relative change under "<name>, relative" (unit
    "1"), NaN where a per cent is no number (`percent_is_told`); scenario axis without the baseline.

    Raises
    ------
    InputError
        If the baseline is not among the scenarios, or nothing is left to compare.
    """
    names = [str(name) for name in spread[SCENARIO].values]
    if baseline not in names:
        raise InputError(
            "the baseline '{baseline}' is not among the scenarios compared: {names}.{hint}",
            baseline=baseline, names=listed(names), hint=nearest(baseline, names),
        )  # fmt: skip
    others = [name for name in names if name != baseline]
    if not others:
        raise InputError(
            "only '{baseline}' was given: name at least one more scenario to compare it with.",
            baseline=baseline,
        )
    warn_of_not_finite(spread)
    spread = spread if DRAW in spread.dims else spread.expand_dims(DRAW)
    variant, reference = spread.sel({SCENARIO: others}), spread.sel({SCENARIO: baseline}, drop=True)
    changes: dict[str, xr.DataArray] = {}
    for name in map(str, spread.data_vars):
        if not {SCENARIO, DRAW, TIME} <= set(spread[name].dims):
            continue
        changes[name] = absolute_change(variant[name], reference[name])
        relative = relative_change(variant[name], reference[name])
        changes[name + RELATIVE] = relative.where(percent_is_told(reference[name]))
    for name, array in changes.items():
        kind = "Relative change" if name.endswith(RELATIVE) else "Change"
        level = str(spread[name.removesuffix(RELATIVE)].attrs.get("long_name", name))
        changes[name] = array.assign_attrs(long_name=f"{kind} against {baseline}: {level}")
    result = variant.drop_vars(list(variant.data_vars)).assign(changes)
    titles = {
        f"baseline_{name}": str(coordinate.sel({SCENARIO: baseline}).item())
        for name, coordinate in spread.coords.items()
        if str(name).startswith("title_")
    }
    return result.assign_attrs({**spread.attrs, "baseline": baseline, **titles})


def probability_better(change: xr.DataArray, lower_is_better: bool = False) -> xr.DataArray:
    """Share of the draws in which the scenario does better than the baseline: dims (scenario, time, ...), unit "1".

    Draws without any difference count half, so a scenario that changes nothing scores 0.5.

    Parameters
    ----------
    change : dims (scenario, draw, time, ...), absolute or relative
    """
    gain = -change.variable if lower_is_better else change.variable  # labels cost two thirds more
    share = (gain > 0).mean(DRAW) + 0.5 * (gain == 0).mean(DRAW)
    better = change.isel({DRAW: 0}, drop=True).copy(data=share.values)
    better.attrs = {**share.attrs, "units": "1"}
    return better


CLEAR = 0.9
"""An effect is clear where this share of the draws, or more, agrees on its direction."""


def first_clear_year(change: xr.DataArray) -> xr.DataArray:
    """First year from which on an effect is clear: in it and all years after nine draws in ten agree.

    Parameters
    ----------
    change : dims (scenario, draw, time, ...), absolute or relative

    Returns
    -------
    dims (scenario, ...), unit "year"; NaN where that is so in no year to the end, and of a single draw.
    """
    first = clear_from(probability_better(change).transpose(TIME, ...).values, change[TIME].values)
    if change.sizes[DRAW] == 1:
        first = np.full_like(first, np.nan)
    return change.isel({DRAW: 0, TIME: 0}, drop=True).copy(data=first).assign_attrs(units="year")


def clear_from(better: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the first time from which on nine draws in ten agree to the end, NaN where there is none.

    Parameters
    ----------
    better : (times, ...) share of the draws that do better

    >>> clear_from(np.array([[0.5, 0.05], [0.95, 0.5], [0.9, 0.5]]), np.array([2024.0, 2025.0, 2026.0])).tolist()
    [2025.0, nan]
    """
    found = []
    for agreed in (better >= CLEAR, better <= 1 - CLEAR):
        lasting = np.logical_and.accumulate(agreed[::-1], axis=0)[::-1]
        found.append(np.where(lasting.any(axis=0), np.asarray(times, float)[lasting.argmax(axis=0)], np.nan))
    return np.where(np.isnan(found[0]), found[1], found[0])


def beaten(values: np.ndarray) -> np.ndarray:
    """Share of the draws in which one scenario does better than another; equal ones count half.

    Parameters
    ----------
    values : (scenarios, draws, ...), more being better; the same draws in all

    Returns
    -------
    (scenarios, scenarios, ...): first against second; one half on the diagonal

    >>> beaten(np.array([[3.0, 1.0], [2.0, 2.0], [0.0, 0.0]])).tolist()
    [[0.5, 0.5, 1.0], [0.5, 0.5, 1.0], [0.0, 0.0, 0.5]]
    """
    one, other = values[:, None], values[None]
    return (one > other).mean(axis=2) + 0.5 * (one == other).mean(axis=2)


def regret(values: np.ndarray) -> np.ndarray:
    """What a scenario misses of the best one in each draw; 0 where it is the best.

    Parameters
    ----------
    values : (scenarios, draws, ...), more being better

    >>> regret(np.array([[3.0, 1.0], [2.0, 2.0]])).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    return values.max(axis=0) - values


def ranking(
    spread: xr.Dataset, outputs: Sequence[str], lower_is_better: frozenset[str] = frozenset()
) -> xr.Dataset:
    """Rank scenarios in the last year, draw by draw: the same draws in all.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...); a subscripted output is summed
    outputs : names
    lower_is_better : those of which less is wanted

    Returns
    -------
    `better` (output, scenario, other): share of the draws in which one does better than the other; `best` (output,
    scenario): in which none does better; `regret` (output, scenario, draw): what is missed of the best; `rank` (output,
    scenario): by how many others it does better than in more than half of the draws, 1 the best; who are level in that, by
    the mean share of draws
    """
    import xarray as xr

    found = []
    for name in outputs:
        last = spread[name].isel({TIME: -1}, drop=True)
        last = last.sum([dim for dim in last.dims if dim not in (SCENARIO, DRAW)]).transpose(SCENARIO, DRAW)
        values = (-1 if name in lower_is_better else 1) * last.values
        missed = regret(values)
        better = beaten(values)
        order = np.argsort(np.lexsort((-better.sum(axis=1), -(better > better.T).sum(axis=1))), kind="stable")
        data = {
            "better": ((SCENARIO, OTHER), better),
            "best": ((SCENARIO,), (missed == 0).mean(axis=1)),
            "regret": ((SCENARIO, DRAW), missed),
            "rank": ((SCENARIO,), order + 1),
        }
        names = list(map(str, spread[SCENARIO].values))
        found.append(xr.Dataset(data, {SCENARIO: names, OTHER: names}))
    joined = xr.concat(found, "output").assign_coords(output=list(outputs))
    return joined.assign_coords(
        unit=("output", [str(spread[name].attrs.get("units", "")) for name in outputs])
    )


def _same_unit(variant: xr.DataArray, baseline: xr.DataArray) -> None:
    ours, theirs = variant.attrs.get("units", ""), baseline.attrs.get("units", "")
    if ours != theirs:
        raise UnitError(
            "'{variant}' is in '{ours}', its baseline in '{theirs}': they cannot be compared.",
            variant=variant.name,
            ours=ours,
            theirs=theirs,
        )


ALL = "all"
"""Word for every shipped city."""


def named_cities(text: str) -> list[str]:
    """Return the cities that a comma-separated list names; "all" are those that ship.

    >>> named_cities("wuxi, hefei")
    ['wuxi', 'hefei']

    Raises
    ------
    InputError
        If it names none, or one twice.
    """
    from talent_sd.inputs import list_cities

    if text.strip() == ALL:
        return list(list_cities())
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InputError(tell("--cities names no city. Write --cities hefei,wuxi or --cities all."))
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise InputError("--cities names {city} twice. Take one out.", city=", ".join(twice))
    return names


def prepare_cities(
    scenarios: Sequence[str | Path],
    cities: Sequence[str | Path],
    national: str | Path | None = None,
    reading: str | Path | None = None,
) -> dict[str, Prepared]:
    """Read and check scenarios in several cities.

    Returns
    -------
    the city's own name -> what a forecast of it needs

    Raises
    ------
    InputError
        With every problem of every city at once, or if two paths name one city.
    """
    found: dict[str, Prepared] = {}
    problems = Problems()
    for city in cities:
        if problems.enough():
            break
        try:
            prepared = prepare(scenarios, city, national=national, reading=reading)
        except InputError as error:
            problems += error.problems
            continue
        name = prepared.first.city.name
        if name in found:
            problems.append(tell("--cities names {city} twice. Take one out.", city=name))
        found[name] = prepared
    problems.refuse()
    return found


def compare_cities(
    prepared: Mapping[str, Prepared],
    run: Callable[[Prepared], xr.Dataset],
    done: Callable[[int], None] = lambda _: None,
) -> xr.Dataset:
    """Set scenarios against the first of them, city by city.

    A city's result does not depend on which other cities are compared: draws follow from
    the seed, noise from the seed and the names of city and province.

    Parameters
    ----------
    prepared : city -> its scenarios, the baseline first
    run : forecasts a city: dims (scenario, draw, time, ...)
    done : called with 1 after each city

    Returns
    -------
    as `compare` gives it, over (scenario, city, draw, time, ...); of several draws 500 of 14
    cities take some 30 megabytes an output
    """
    import xarray as xr

    changes = []
    for one in prepared.values():
        spread = run(one)
        changes.append(compare(spread, baseline=str(spread[SCENARIO].values[0])))
        done(1)
    # what differs by city, such as the constants drawn for it, has no place on one axis
    kept = [
        change.drop_vars(
            [n for n in change.coords if n not in changes[0].dims and not str(n).startswith("title_")]
        )
        for change in changes
    ]
    joined = xr.concat(
        kept, dim=CITY, coords="minimal", compat="override", combine_attrs="override", join="outer"
    )
    titles = {
        f"{CITY}_{lang}": (CITY, [str(change.attrs[f"city_{lang}"]) for change in changes])
        for lang in ("en", "zh")
    }
    joined = joined.assign_coords({CITY: list(prepared), **titles}).transpose(SCENARIO, CITY, ...)
    joined = name_axes(joined)
    attrs = {**joined.attrs, "city": ", ".join(prepared), "title": "talent_sd comparison of cities"}
    for lang in ("en", "zh"):
        attrs[f"city_{lang}"] = ", ".join(joined[f"{CITY}_{lang}"].values.tolist())
    return joined.assign_attrs(attrs)
