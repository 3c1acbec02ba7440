"""Files of results: netCDF, tidy tables, and the IAMC table that pyam reads."""

from __future__ import annotations

import errno
import itertools
import shutil
import tempfile
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BANDS, CITY, DRAW, QUANTILES, SCENARIO, TIME
from talent_sd.base.files import TableWriter, tellable, write_rows
from talent_sd.base.language import tell
from talent_sd.base.version import __version__
from talent_sd.forecast.compare import OTHER, RELATIVE, clear_from, probability_better
from talent_sd.inputs.labels import Labels

if TYPE_CHECKING:
    import xarray as xr

_Axes = dict[str, list[Any]]
"""Dimension -> the labels along it."""
TEXT = "OUT"
"""Kinds of numpy's types that hold text."""
FORECAST_COLUMNS = ("year", "variable", "subscript", "value", "unit")
COMPARISON_COLUMNS = (
    "scenario",
    "year",
    "variable",
    "subscript",
    "change",
    "lower",
    "upper",
    "probability_better",
    "unit",
    "relative_change",
    "relative_lower",
    "relative_upper",
    "lower_50",
    "upper_50",
    "lower_95",
    "upper_95",
    "first_clear_year",
)
COMPARISON_QUANTILES = (0.5, *BANDS[80], *BANDS[50], *BANDS[95])
"""In the order of the columns."""


def write_dataset(dataset: xr.Dataset, file: Path) -> None:
    """Write a dataset as netCDF-4; reading it back gives the same values, names and attributes.

    netCDF knows no "/" in a name: there it stands as "∕" (U+2215); and none that begins with a sign such as
    "%": there a "_" stands before it. Written with the
    netCDF library itself, because xarray's writer loads dask wherever that is installed
    and takes a second longer over hundreds of variables.

    Raises
    ------
    OSError
        If the disk takes no more; names the file.
    """
    import netCDF4

    if tellable(str(file)) != str(file):  # the library takes no name that is no text
        with tempfile.TemporaryDirectory() as folder:
            write_dataset(dataset, Path(folder) / "forecast.nc")
            shutil.move(Path(folder) / "forecast.nc", file)
        return
    extra = {
        str(name): set(dataset.variables[name].dims) for name in dataset.coords if name not in dataset.dims
    }
    inner = [set(dataset.variables[name].dims) for name in dataset.data_vars]
    alone = [name for name, dims in extra.items() if not any(dims <= held for held in inner)]
    with _told_as_disk(file), netCDF4.Dataset(file, "w") as target:
        target.setncatts(dataset.attrs)
        if alone:
            target.setncattr("coordinates", " ".join(alone))
        for dim, size in dataset.sizes.items():
            target.createDimension(_named(str(dim)), size)
        # all are defined before the first is written: to and fro costs five times as much
        places = {
            name: _define(target, str(name), variable, {} if name in dataset.coords else extra)
            for name, variable in dataset.variables.items()
        }
        for name, place in places.items():
            values = dataset.variables[name].values
            place[...] = values.astype(object) if values.dtype.kind in TEXT else values


@contextmanager
def _told_as_disk(file: Path) -> Iterator[None]:
    """Raise what the netCDF library says of a disk as the system would; it gives no number of its own."""
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("NetCDF: HDF error"):
            raise
        raise OSError(errno.EIO, tell("the disk takes no more, or is at fault"), str(file)) from error


def _named(name: str) -> str:
    """Return a name as netCDF has it."""
    sign = name[0].isascii() and not name[0].isalnum()
    return ("_" if sign and name[0] != "_" else "") + name.replace("/", "∕")


def _define(target: Any, name: str, variable: xr.Variable, extra: dict[str, set[Hashable]]) -> Any:
    """Define a variable in a netCDF file; `extra` are the coordinates beside the axes, and their dims."""
    dims = tuple(_named(str(dim)) for dim in variable.dims)
    # a store on disk gives its own byte order
    kind = str if variable.dtype.kind in TEXT else variable.dtype.newbyteorder("=")
    place = target.createVariable(_named(name), kind, dims, fill_value=False)
    place.setncatts(variable.attrs)
    labels = [label for label, held in extra.items() if held <= set(dims)]
    if labels:
        place.setncattr("coordinates", " ".join(labels))
    return place


def write_forecast_table(forecast: xr.Dataset, file: Path) -> None:
    """Write the tidy table: one row per scenario, draw or quantile, year, variable and subscript.

    A forecast of one draw has a column `draw`; of several, a column `quantile`
    (`QUANTILES`), for thousands of draws would be no table.

    Parameters
    ----------
    forecast : dims (scenario, draw, time, ...)
    """
    many = forecast.sizes[DRAW] > 1
    labels = _labels(forecast)
    if many:
        labels[DRAW] = list(QUANTILES)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = TableWriter(stream)
        writer.writerow(("scenario", "quantile" if many else "draw", *FORECAST_COLUMNS))
        for name in map(str, forecast.data_vars):
            # a plain variable: labelled arrays cost a millisecond each, and there are hundreds
            values = forecast.variables[name]
            unit = values.attrs.get("units", "")
            if many:
                values = _drawn_quantiles(values)
            for scenario, draw, year, subscript, value in _cells(values, labels):
                writer.writerow((scenario, draw, year, name, subscript, value, unit))


def _drawn_quantiles(values: xr.Variable) -> xr.Variable:
    """Return `QUANTILES` over draws in place of the draws; where there are gaps, of what there is."""
    axis, numbers = values.get_axis_num(DRAW), values.values
    quantile = np.nanquantile if np.isnan(numbers).any() else np.quantile  # the first goes cell by cell
    return values._replace(data=np.moveaxis(quantile(numbers, QUANTILES, axis=axis), 0, axis))


def write_comparison_table(
    change: xr.Dataset, file: Path, lower_is_better: frozenset[str] = frozenset()
) -> None:
    """Write a comparison's tidy table: median change, intervals, probability of being better, first clear year.

    With a single draw there is no interval and no probability: those cells are empty.

    Parameters
    ----------
    change : as `compare` gives it, or `compare_cities`: then a first column names the city
    lower_is_better : variables of which less is wanted
    """
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = TableWriter(stream)
        if CITY not in change.dims:
            writer.writerow(COMPARISON_COLUMNS)
            writer.writerows(_comparison_rows(change, lower_is_better))
            return
        writer.writerow((CITY, *COMPARISON_COLUMNS))
        for city in change[CITY].values:
            rows = _comparison_rows(change.sel({CITY: city}, drop=True), lower_is_better)
            writer.writerows((city, *row) for row in rows)


def _comparison_rows(change: xr.Dataset, lower_is_better: frozenset[str]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of one city's comparison."""
    labels = _labels(change)
    for name in map(str, change.data_vars):
        if name.endswith(RELATIVE):
            continue
        unit = change[name].attrs.get("units", "")
        change_of = _bands(change[name], labels, COMPARISON_QUANTILES)
        share_of = _bands(change[name + RELATIVE], labels, COMPARISON_QUANTILES[:3])
        clear = _clear(change[name], name in lower_is_better, labels)
        for cell, a, (better, first), r in zip(
            _places(change[name], labels), change_of, clear, share_of, strict=True
        ):
            scenario, year, subscript = cell
            yield (scenario, year, name, subscript, *a[:3], better, unit, *r, *a[3:], first)


def _places(array: xr.DataArray, labels: _Axes) -> Iterator[tuple[object, object, str]]:
    """Yield (scenario, year, subscript) of the cells that the two below yield the numbers of."""
    parts = [str(dim) for dim in array.dims if dim not in (SCENARIO, DRAW, TIME)]
    elements = itertools.product(*(map(str, labels[part]) for part in parts))
    return itertools.product(labels[SCENARIO], labels[TIME], [", ".join(each) for each in elements])


def _bands(array: xr.DataArray, labels: _Axes, quantiles: Sequence[float]) -> Iterator[Sequence[object]]:
    """Yield each cell's quantiles over draws, of a single draw its value; "" where there is none."""
    values = array.variable.transpose(SCENARIO, DRAW, TIME, ...).values
    if values.shape[1] == 1:
        found, missing = values.reshape(-1, 1), [""] * (len(quantiles) - 1)
    else:
        found, missing = (
            np.moveaxis(np.quantile(values, quantiles, axis=1), 0, -1).reshape(-1, len(quantiles)),
            [],
        )
    for row in found.tolist():
        yield [*("" if value != value else value for value in row), *missing]


def _clear(array: xr.DataArray, lower_is_better: bool, labels: _Axes) -> Iterator[tuple[object, object]]:
    """Yield each cell's probability of being better, and the first year that is clear; "" where there is none."""
    if array.sizes[DRAW] == 1:
        return itertools.repeat(("", ""), array.size)
    better, more = (
        probability_better(array, lower).variable.transpose(SCENARIO, TIME, ...).values
        for lower in (lower_is_better, False)
    )
    first = np.broadcast_to(clear_from(np.moveaxis(more, 1, 0), array[TIME].values)[:, None], better.shape)
    return zip(
        better.ravel().tolist(),
        ("" if year != year else year for year in first.ravel().tolist()),
        strict=True,
    )


def _labels(dataset: xr.Dataset) -> _Axes:
    """Labels along each dimension: names, draws, whole years as integers."""
    labels: _Axes = {
        str(dim): dataset[dim].values.tolist() if dim in dataset.coords else list(range(size))
        for dim, size in dataset.sizes.items()
    }
    labels[TIME] = [_year(time) for time in labels[TIME]]
    return labels


def _cells(values: xr.Variable, labels: _Axes) -> Iterator[tuple[object, object, object, str, object]]:
    """Yield (scenario, draw, year, subscript, value), the last "" for NaN."""
    values = values.transpose(SCENARIO, DRAW, TIME, ...)
    outer = (labels[SCENARIO], labels[DRAW], labels[TIME])
    elements = itertools.product(*(map(str, labels[str(dim)]) for dim in values.dims[3:]))
    subscripts = [", ".join(combination) for combination in elements]
    flat = values.values.ravel().tolist()
    places = itertools.product(*outer, subscripts)
    for (scenario, draw, year, subscript), value in zip(places, flat, strict=True):
        yield scenario, draw, year, subscript, "" if value != value else value


def _year(time: float) -> float | int:
    return int(time) if time == int(time) else time


INDEX = ("Model", "Scenario", "Region", "Variable", "Unit")


def iamc_rows(
    forecast: xr.Dataset, region: str, labels: Labels, names: Iterable[str] | None = None
) -> Iterator[tuple[object, ...]]:
    """Yield a forecast's rows in the IAMC's format: model, scenario, region, variable, unit, a value a year.

    Parts stand after a bar ("Talent|Leading"); of several draws there is a row for each
    quantile, named as climate assessments name them ("Talent|Leading|50.0th Percentile").

    Parameters
    ----------
    forecast : dims (scenario, draw, time, ...)
    region : the city's name
    labels : whose English names the variables get
    names : of variables; the headline ones by default
    """
    many = forecast.sizes[DRAW] > 1
    for name in labels.headline if names is None else names:
        array = forecast[name]
        parts = [str(dim) for dim in array.dims if dim not in (SCENARIO, DRAW, TIME)]
        values = array.variable.transpose(SCENARIO, *parts, DRAW, TIME)
        shown = np.moveaxis((_drawn_quantiles(values) if many else values).values, -2, 0)
        for place in np.ndindex(shown.shape[:-1]):
            quantile, scenario, *elements = place
            label = [labels.variable(name, "en")]
            label += [
                labels.element(str(forecast[part].values[element]), "en")
                for part, element in zip(parts, elements, strict=True)
            ]
            if many:
                label.append(f"{100 * QUANTILES[quantile]:.1f}th Percentile")
            variable = "|".join(one.replace("|", "/") for one in label)
            years = ("" if value != value else value for value in shown[place].tolist())
            yield (
                f"talent_sd {__version__}",
                str(forecast[SCENARIO].values[scenario]),
                region,
                variable,
                array.attrs.get("units", ""),
                *years,
            )


def write_iamc(rows: Iterable[tuple[object, ...]], years: Iterable[float], file: Path) -> None:
    """Write rows of `iamc_rows` below their heading."""
    write_rows(file, (*INDEX, *(f"{year:g}" for year in years)), rows)


def write_ranking_tables(ranks: xr.Dataset, folder: Path) -> None:
    """Write `ranking.csv` and `duels.csv`: who beats whom in the last year, how often, and what is missed of the best."""
    outputs, names = ranks["output"].values, ranks[SCENARIO].values
    rows = []
    for output, name in itertools.product(outputs, names):
        one = ranks.sel({"output": output, SCENARIO: name})
        missed = one["regret"]
        cells = (int(one["rank"]), float(one["best"]), float(missed.median()), float(missed.quantile(0.9)))
        rows.append((output, name, *cells, str(one["unit"].item())))
    columns = ("variable", "scenario", "rank", "best_share", "regret", "regret_upper", "unit")
    write_rows(folder / "ranking.csv", columns, rows)
    duels = (
        (output, one, other, float(ranks["better"].sel({"output": output, SCENARIO: one, OTHER: other})))
        for output, one, other in itertools.product(outputs, names, names)
        if one != other
    )
    write_rows(folder / "duels.csv", ("variable", "scenario", "other", "probability_better"), duels)


PLAN_COLUMNS = (
    "plan", "goal", "unit", "gain", "lower", "upper", "better_than_baseline", "best_share", "regret", "regret_upper",
    "policy", "from", "until", "intensity", "yuan_per_year",
)  # fmt: skip
FACTOR_COLUMNS = ("plan", "other", "constant", "correlation", "low", "high", "share", "unless", "en", "zh")


def write_plan_tables(plans: xr.Dataset, factors: Sequence[Mapping[str, object]], folder: Path) -> None:
    """Write `plans.csv`, `duels.csv` and `factors.csv`.

    Parameters
    ----------
    plans, factors : as `talent_sd.search` gives them
    """
    goals, names = plans["goal"].values, plans["plan"].values
    rows: list[tuple[object, ...]] = []
    for name in names:
        one = plans.sel(plan=name)
        for goal in goals:
            gained = _gained(one.sel(goal=goal), plans["regret"].sel(goal=goal))
            rows.append((name, str(goal), *gained, *("",) * 5))
        for policy in one["policy"].values[one["intensity"].values > 0]:
            own = one.sel(policy=policy)
            cells = [float(own[key]) for key in ("start", "end", "intensity", "cost")]
            rows.append((name, *("",) * 9, policy, *cells))
    write_rows(folder / "plans.csv", PLAN_COLUMNS, rows)
    duels = (
        (goal, first, second, float(plans["better"].sel(goal=goal, plan=first, other=second)))
        for goal, first, second in itertools.product(goals, names, names)
        if first != second
    )
    write_rows(folder / "duels.csv", ("goal", "plan", "other", "probability_better"), duels)
    told = ([factor.get(key, "") for key in FACTOR_COLUMNS] for factor in factors)
    write_rows(folder / "factors.csv", FACTOR_COLUMNS, told)


def _gained(one: xr.Dataset, regret: xr.DataArray) -> tuple[object, ...]:
    """Return the unit, median and band of a plan's gain, how often it is better and best, and its regret."""
    low, high = one["gain"].quantile(list(BANDS[80]), DRAW).values.tolist()
    own = one["regret"]
    return (
        str(one["unit"].item()), float(one["gain"].median()), low, high, float(one["better_than_baseline"]),
        float((own <= regret.min("plan")).mean()), float(own.median()), float(own.quantile(0.9)),
    )  # fmt: skip
