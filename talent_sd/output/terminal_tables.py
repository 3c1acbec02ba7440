"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, tell
from talent_sd.forecast.compare import RELATIVE
from talent_sd.inputs.labels import Labels
from talent_sd.output.numbers import digits, percent, scale_for, unit_label
from talent_sd.output.titles import city_name, scenario_titles

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table
    from rich.text import Text

    from talent_sd.forecast.scenario_diff import Difference
    from talent_sd.model_tests.verification import Agreement

COMPARISON = N_("{city}, {year}: difference from the baseline ({baseline})")
FORECAST = N_("{city}: {scenario}")

MOST_COLUMNS = 2


def forecast_table(forecast: xr.Dataset, labels: Labels, lang: str = "en") -> Table:
    """Make the table of the headline outputs: a row each, some years, the change over the forecast.

    Parameters
    ----------
    forecast : dims (scenario, draw, time, ...); the first scenario is shown. Of several
        draws the median, and below it the 80 % interval
    """
    one = forecast.isel({SCENARIO: 0})
    titles = scenario_titles(forecast, lang)
    title = tell(FORECAST, lang, city=city_name(forecast, lang), scenario=next(iter(titles.values())))
    years = shown_years(forecast)
    table = _table(title)
    many = forecast.sizes.get(DRAW, 1) > 1
    # intervals may break: on a narrow terminal the names must not go instead
    table.add_column(tell("Output", lang), min_width=10, overflow="fold")
    table.add_column(tell("Unit", lang), min_width=6, overflow="fold")
    for year in years:
        table.add_column(f"{year:g}", justify="right", no_wrap=not many)
    if many:
        draws = forecast.attrs.get("draws", forecast.sizes[DRAW])
        table.caption = tell("Median of {draws} draws; below it the 80 % interval.", lang, draws=draws)
    since = forecast.attrs.get("forecast_from", years[0])
    table.add_column(tell("since {year}", lang, year=f"{since:g}"), justify="right", no_wrap=True)
    for label, array in _rows(one, labels, lang):
        values = np.array([float(array.sel({TIME: year}).median()) for year in years])
        scale = scale_for(float(np.nanmax(np.abs(values), initial=0.0)), array.attrs.get("units", ""), lang)
        start = float(array.sel({TIME: since}).median())
        # from a surplus to a debt, or from nothing, no percentage means anything
        change = values[-1] / start - 1 if start * values[-1] > 0 else float("nan")
        size = float(np.nanmax(np.abs(values), initial=0.0)) / scale.factor
        cells = [digits(value / scale.factor, beside=size) for value in values]
        if many:
            cells = [
                f"{cell}\n{_interval(array.sel({TIME: year}) / scale.factor, size)}"
                for cell, year in zip(cells, years, strict=True)
            ]
        table.add_row(label, scale.unit, *cells, percent(change))
    return table


def comparison_table(change: xr.Dataset, labels: Labels, lang: str = "en") -> Table:
    """Make the table of differences from the baseline in the last year: a row per output.

    Parameters
    ----------
    change : as `compare` gives it; with several draws the 80 % interval is shown too
    """
    titles = scenario_titles(change, lang)
    last = change.isel({TIME: -1})
    baseline = change.attrs.get(f"baseline_title_{lang}", change.attrs.get("baseline", ""))
    year = f"{float(last[TIME]):g}"
    from rich.text import Text

    table = _table(tell(COMPARISON, lang, city=city_name(change, lang), baseline=baseline, year=year))
    table.add_column(tell("Output", lang))
    table.add_column(tell("Unit", lang))
    # more columns than a terminal is wide make nobody wiser: then a row for each scenario
    long = len(titles) > MOST_COLUMNS
    for heading in [tell("Scenario", lang), tell("Difference", lang)] if long else titles.values():
        table.add_column(Text(heading), justify="left" if heading == tell("Scenario", lang) else "right")
    for label, array in _rows(last, labels, lang):
        scale = scale_for(float(abs(array.median(DRAW)).max()), array.attrs.get("units", ""), lang)
        relative = _like(last, array)
        cells = [
            _difference(array.sel({SCENARIO: name}) / scale.factor, relative.sel({SCENARIO: name}))
            for name in titles
        ]
        if not long:
            table.add_row(label, scale.unit, *cells)
            continue
        for number, (name, cell) in enumerate(zip(titles, cells, strict=True)):
            table.add_row(*((label, scale.unit) if number == 0 else ("", "")), Text(titles[name]), cell)
        table.add_section()
    return table


def agreement_table(agreements: Sequence[Agreement], time_step: float, lang: str = "en") -> Table:
    """Make the table of how far two engines lie apart: a row per pair, those that disagree in red."""
    table = _table(tell("The native engine against PySD, time step {step}", lang, step=f"{time_step:g}"))
    table.add_column(tell("Scenario", lang), overflow="fold")
    table.add_column(tell("City", lang), overflow="fold")
    table.add_column(tell("Variables", lang), justify="right", no_wrap=True)
    table.add_column(tell("Largest difference", lang), overflow="fold")
    table.add_column(tell("× tolerance", lang), justify="right", no_wrap=True)
    for one in agreements:
        cells = (one.scenario, one.city, str(one.variables), one.worst_variable, f"{one.times_tolerance:.2g}")
        table.add_row(*(_literal(cell) for cell in cells), style=None if one.agrees else "red")
    return table


def shown_years(forecast: xr.Dataset) -> list[float]:
    """Years that fit a terminal: the first, the forecast's start, its middle and its end."""
    years = forecast[TIME].values.tolist()
    start = forecast.attrs.get("forecast_from", years[0])
    middle = years[(years.index(start) + len(years) - 1) // 2] if start in years else years[len(years) // 2]
    return sorted({years[0], start, middle, years[-1]})


def _rows(dataset: xr.Dataset, labels: Labels, lang: str) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield the headline outputs, one by one where they are subscripted."""
    for name in labels.headline:
        if name not in dataset:
            continue
        array = dataset[name]
        extra = [dim for dim in array.dims if dim not in (SCENARIO, DRAW, TIME)]
        if not extra:
            yield labels.variable(name, lang), array
            continue
        for element in array[extra[0]].values:
            variable, part = labels.variable(name, lang), labels.element(str(element), lang)
            label = tell("{variable}: {element}", lang, variable=variable, element=part)
            yield label, array.sel({extra[0]: element})


def _like(dataset: xr.Dataset, array: xr.DataArray) -> xr.DataArray:
    """Relative change of the same output and element."""
    relative = dataset[f"{array.name}{RELATIVE}"]
    chosen = {dim: array.coords[dim].item() for dim in relative.dims if dim not in array.dims}
    return relative.sel(chosen)


def _difference(absolute: xr.DataArray, relative: xr.DataArray) -> str:
    """Write a change, the relative one, and its 80 % interval where there are several draws."""
    value, share = float(absolute.median()), float(relative.median())
    text = f"{'+' if value > 0 else ''}{digits(value)}"
    if np.isfinite(share) and relative.attrs["baseline_minimum"] > 0:
        text += f" ({percent(share)})".replace(" %", "\N{NO-BREAK SPACE}%")
    if absolute.sizes.get(DRAW, 1) > 1:
        text += f"\n{_interval(absolute)}"
    return text


def _interval(values: xr.DataArray, beside: float = 0.0) -> str:
    """Write the 80 % interval over all draws."""
    low, high = values.quantile([0.1, 0.9]).values.tolist()
    return f"{digits(low, beside=beside)} … {digits(high, beside=beside)}"


def _literal(text: str) -> Text:
    """Return text that rich takes as it stands: no markup in it is obeyed."""
    from rich.text import Text

    return Text(text)


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # Text, not str: a title is the user's, and rich would obey markup in it
    return Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


PARTS = {
    "policies": N_("Policies"), "assumptions": N_("Assumptions"), "shocks": N_("Shocks"),
    "context": N_("National path", "difference"), "city": N_("City's start values"),
}  # fmt: skip
LARGE = 1e6
"""Numbers from here on are cut to six digits, so that two stand side by side."""


def diff_table(
    differences: Sequence[Difference], titles: tuple[str, str], labels: Labels, lang: str = "en"
) -> Table:
    """Make the table: a part after the other, each value above the place where it was written.

    Parameters
    ----------
    titles : what the two scenarios are called
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    heading = tell("What differs: {first} → {second}", lang, first=titles[0], second=titles[1])
    table = Table(
        title=Text(heading, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column(tell(N_("Setting", "difference"), lang), overflow="fold")
    for text in titles:
        table.add_column(Text(text), overflow="fold")
    for part, title in PARTS.items():
        rows = [item for item in differences if item.part == part]
        if not rows:
            continue
        table.add_row(Text(tell(title, lang), style="bold"))
        switched = {item.key for item in rows if "." not in item.key}
        for item in rows:
            sides = (_side(item.old, item.old_origin, lang), _side(item.new, item.new_origin, lang))
            table.add_row(_key(item, switched, labels, lang), *sides)
        table.add_section()
    return table


def _key(item: Difference, switched: set[str], labels: Labels, lang: str) -> Text:
    """Name what is set as the file does, short below a policy's own row; beneath it label and unit."""
    from rich.text import Text

    name, dot, rest = item.key.partition(".")
    below = item.part == "policies" and bool(dot) and name in switched
    label = ""
    if item.part == "policies" and not below:
        label = labels.element(name, lang)
    elif item.part in ("assumptions", "city"):
        label = labels.variable(name.split("[")[0], lang)
    elif item.part == "context" and item.year:
        label = labels.variable(f"national {name.replace('_', ' ')}", lang)
        label = "" if label.startswith("national ") else label
    key = f"  .{rest}" if below else item.key
    key = tell("{variable}, {year}", lang, variable=key, year=item.year) if item.year else key
    # an English label only repeats the name, and a year needs no unit
    label = "" if lang == "en" else label
    unit = "" if item.unit == "year" else unit_label(item.unit, lang)
    note = tell(", ", lang).join(filter(None, (label, unit)))
    return Text.assemble(key, (f"\n{'  ' * below}{note}" if note else "", "dim"))


def _side(value: float | str | bool | None, origin: str, lang: str) -> Text:
    """Write a value, and below it where it stands."""
    from rich.text import Text

    if value is None:
        return Text(tell("not set", lang), style="dim")
    if isinstance(value, bool):
        text = tell(N_("on", "difference") if value else "off", lang)
    else:
        text = value if isinstance(value, str) else f"{value:.6g}" if abs(value) >= LARGE else f"{value:.12g}"
    return Text.assemble(text, (f"\n{_short(origin)}", "dim"))


def _short(origin: str) -> str:
    """Name a shipped file without its folder; the user's own as it is."""
    return origin.rsplit("/", 1)[-1] if origin.startswith("scenarios/") else origin
