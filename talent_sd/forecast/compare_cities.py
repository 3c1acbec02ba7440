"""The same scenarios compared in several cities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.dims import name_axes
from talent_sd.forecast.compare import compare
from talent_sd.forecast.prepare import Prepared, prepare
from talent_sd.base.dims import CITY, SCENARIO
from talent_sd.base.errors import InputError
from talent_sd.base.messages import tell

if TYPE_CHECKING:
    import xarray as xr

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
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(tell("--cities names {city} twice. Take one out.", city=", ".join(twice)))
    return names


def prepare_cities(
    scenarios: Sequence[str | Path], cities: Sequence[str | Path], national: str | Path | None = None
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
    problems: list[str] = []
    for city in cities:
        try:
            prepared = prepare(scenarios, city, national=national)
        except InputError as error:
            problems += error.problems
            continue
        name = next(iter(prepared.resolved.values())).city.name
        if name in found:
            problems.append(tell("--cities names {city} twice. Take one out.", city=name))
        found[name] = prepared
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))
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
    lowest = {
        name: min(change[name].attrs.get("baseline_minimum", 0.0) for change in changes)
        for name in map(str, changes[0].data_vars)
    }
    # what differs by city, such as the constants drawn for it, has no place on one axis
    kept = [
        change.drop_vars(
            [n for n in change.coords if n not in changes[0].dims and not str(n).startswith("title_")]
        )
        for change in changes
    ]
    joined = xr.concat(kept, dim=CITY, coords="minimal", compat="override", combine_attrs="override")
    titles = {
        f"{CITY}_{lang}": (CITY, [str(change.attrs[f"city_{lang}"]) for change in changes])
        for lang in ("en", "zh")
    }
    joined = joined.assign_coords({CITY: list(prepared), **titles}).transpose(SCENARIO, CITY, ...)
    for name, low in lowest.items():
        if "baseline_minimum" in joined[name].attrs:
            joined[name].attrs["baseline_minimum"] = low
    joined = name_axes(joined)
    attrs = {**joined.attrs, "city": ", ".join(prepared), "title": "talent_sd comparison of cities"}
    for lang in ("en", "zh"):
        attrs[f"city_{lang}"] = ", ".join(joined[f"{CITY}_{lang}"].values.tolist())
    return joined.assign_attrs(attrs)
