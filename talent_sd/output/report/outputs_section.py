"""The outputs that a report shows, one by one, with their numbers and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import BAND, BANDS, DRAW, SCENARIO, TIME
from talent_sd.base.language import N_
from talent_sd.forecast.compare import first_clear_year
from talent_sd.output.figures.panels import Line
from talent_sd.output.headline_outputs import Output, largest, slug
from talent_sd.output.report.html_pieces import Cell, Group, KeyEntry, Part, Plot, Row, Table
from talent_sd.output.report.material import Material
from talent_sd.output.report.pictures import draw_plots, inline_svg
from talent_sd.output.speech import Scale, Speech, digits
from talent_sd.output.style import BASELINE, line_look

if TYPE_CHECKING:
    import xarray as xr

ALT_DIFFERENCE = N_("{output}: difference from the baseline, {scenario}")
ALT_NUMBERS = N_("{scenario}, {year}: {change} against the baseline, 80 % interval {low} to {high}.")

SIDE_BY_SIDE = 3
"""So many scenarios have a fan each; more share a plot."""


@dataclass(frozen=True)
class Column:
    """A column of numbers: its name in files, its heading, its values, and how each is written."""

    name: str
    heading: str
    values: np.ndarray
    write: Callable[[float], str]

    def cell(self, row: int) -> Cell:
        """Return one of its cells."""
        value = float(self.values[row])
        return Cell(self.write(value), value, self.name)


def band_headings(say: Speech, *bands: int) -> list[str]:
    """Return the headings of the lower and the upper end of each band."""
    return [say(key, band=band) for band in bands for key in (N_("{band} % from"), N_("{band} % to"))]


def numbers(name: str, heading: str, values: np.ndarray, scale: Scale, *, plain: bool = False) -> Column:
    """Return a column of numbers in a scale.

    Parameters
    ----------
    plain : whether small ones are written as they are, not as 0 beside the largest
    """
    beside = 0.0 if plain else float(np.nanmax(np.abs(values), initial=0.0)) / scale.factor
    return Column(name, heading, values, lambda value: digits(value / scale.factor, beside=beside))


def change_columns(one: Output, scale: Scale, say: Speech, *, plain: bool = False) -> list[Column]:
    """Return what comparison.csv has of a change (draw, row), and its probability of doing better."""
    assert one.relative is not None
    # as comparison.csv has them, to the last bit: a median may round otherwise
    middle, share = (part.quantile(0.5, DRAW, skipna=False).values for part in (one.values, one.relative))
    means = one.percent_means_something
    heading = say("Difference, {unit}", unit=say.unit(scale))
    columns = [
        numbers("change", heading, middle, scale, plain=plain),
        Column(
            "relative_change",
            say("Relative difference"),
            share,
            lambda value: say.percent(value) if means else "–",
        ),
    ]
    if one.values.sizes[DRAW] > 1:
        for band, ends in BANDS.items():
            for end, heading, values in zip(
                ("lower", "upper"),
                band_headings(say, band),
                one.values.quantile(ends, DRAW).values,
                strict=True,
            ):
                columns.append(numbers(f"{end}_{band}", heading, values, scale, plain=plain))
        heading = say("Probability of doing better")
        columns.append(Column("probability_better", heading, one.better.values, say.chance))
    return columns


def clear_column(change: xr.DataArray, say: Speech) -> Column:
    """Return the column of years from which on a change (row, draw, time) is clear."""
    years = first_clear_year(change).values
    return Column("first_clear_year", say("Clear from"), years, lambda v: "–" if np.isnan(v) else f"{v:g}")


def output_part(one: Output, material: Material, say: Speech, sentences: list[str]) -> Part:
    """Make an output's part of the page."""
    title, ident = one.title(say.labels, say.lang), f"{say.lang}-{one.ident}"
    plots = _plots(one, title, ident, material, say)
    return Part(ident, title, plots, [_table(one, title, material, say)], sentences)


def elements_part(outputs: list[Output], material: Material, say: Speech) -> Part:
    """Make one part for all elements of an output, such as the tiers of talent: a plot and a table each."""
    plots, tables = [], []
    for one in outputs:
        title, label = one.title(say.labels, say.lang), one.elements(say.labels, say.lang)
        lines = list(_changes(one, material, say).values())
        scale = say.scale(one.largest, one.unit)
        start = material.spread.attrs.get("forecast_from")
        unit = say("difference, {unit}", unit=say.unit(scale))
        (figure,) = draw_plots([(label, lines)], scale, unit, say.lang, start, zero_line=True)
        described = " ".join(_described(line, scale, say) for line in lines)
        told = say(ALT_DIFFERENCE, output=title, scenario=say("All scenarios"))
        plots.append(Plot(inline_svg(figure, f"{say.lang}-{one.ident}", told, described)))
        tables.append(_table(one, title, material, say))
    name = outputs[0].name
    title = say("{output}: difference by group", output=say.variable(name))
    return Part(f"{say.lang}-{slug(name)}-each", title, plots, tables)


def key_entries(material: Material, say: Speech) -> dict[str, KeyEntry]:
    """Return the key of all plots: a scenario's colour and dashes are the same in each."""
    titles, entries = material.titles(say.lang), {}
    for name, style in styles(material).items():
        look = line_look(style)
        dash = look["linestyle"]
        dashes = " ".join(f"{2 * step:g}" for step in dash[1]) if isinstance(dash, tuple) and dash[1] else ""
        entries[name] = KeyEntry(titles[name], look["color"], dashes)
    return entries


def styles(material: Material) -> dict[str, int]:
    """Return the style of each scenario's line, the baseline's quiet grey first."""
    return {material.baseline: BASELINE} | {name: n for n, name in enumerate(material.compared)}


def _plots(one: Output, title: str, ident: str, material: Material, say: Speech) -> list[Plot]:
    start, titles = material.spread.attrs.get("forecast_from"), material.titles(say.lang)
    level = one.of(material.spread)
    lines = [_line(level, name, titles[name], style) for name, style in styles(material).items()]
    changes = _changes(one, material, say)
    together, apart = list(changes.values()), len(changes) <= SIDE_BY_SIDE
    panels = [(titles[name], [line]) for name, line in changes.items()]
    if not apart:
        panels = [(say("Difference from the baseline"), together)]
    level_scale, scale = say.scale(largest(level), one.unit), say.scale(one.largest, one.unit)
    figures = draw_plots([(say("All scenarios"), lines)], level_scale, say.unit(level_scale), say.lang, start)
    unit = say("difference, {unit}", unit=say.unit(scale))
    figures += draw_plots(panels, scale, unit, say.lang, start, zero_line=True)
    told = [say("{output}: all scenarios", output=title)]
    told += [say(ALT_DIFFERENCE, output=title, scenario=heading) for heading, _ in panels]
    shown = [together, *(own for _, own in panels)]
    return [
        Plot(inline_svg(figure, f"{ident}-{number}", name, " ".join(_described(x, scale, say) for x in own)))
        for number, (figure, name, own) in enumerate(zip(figures, told, shown, strict=True))
    ]


def _changes(one: Output, material: Material, say: Speech) -> dict[str, Line]:
    titles, looks = material.titles(say.lang), styles(material)
    return {name: _line(one.values, name, titles[name], looks[name]) for name in material.compared}


def _described(line: Line, scale: Scale, say: Speech) -> str:
    """Say what a picture shows to who cannot see it."""
    last = line.values[:, -1]
    low, high = np.quantile(last, BAND)
    return say(
        ALT_NUMBERS if len(last) > 1 else N_("{scenario}, {year}: {change}."),
        scenario=line.label,
        year=f"{line.years[-1]:g}",
        change=say.amount(float(np.median(last)), scale, sign=True),
        low=digits(float(low) / scale.factor),
        high=digits(float(high) / scale.factor),
    )


def _line(array: xr.DataArray, name: str, title: str, style: int) -> Line:
    one = array.sel({SCENARIO: name}).transpose(DRAW, TIME)
    return Line(title, one[TIME].values, one.values, style)


def _table(one: Output, title: str, material: Material, say: Speech) -> Table:
    """Make the table behind an output's plots: a row for each scenario and year."""
    level = one.of(material.spread)
    # a change may be far smaller than the level: each has its own scale
    scale, small = say.scale(largest(level), one.unit), say.scale(one.largest, one.unit)
    medians = {name: level.sel({SCENARIO: name}).median(DRAW).values for name in material.names}
    columns = {
        name: [
            numbers(
                "baseline", say("Baseline, {unit}", unit=say.unit(scale)), medians[material.baseline], scale
            ),
            numbers("value", say("Scenario, {unit}", unit=say.unit(scale)), medians[name], scale),
            *change_columns(one.at(scenario=name), small, say),
        ]
        for name in material.compared
    }
    years = [f"{year:g}" for year in one.values[TIME].values]

    def about(name: str, row: int) -> dict[str, str]:
        return {"scenario": name, "variable": one.name, "subscript": one.element, "year": years[row]}

    caption = say("The numbers behind the plots: {output}", output=title)
    return table_of(caption, say("Year"), columns, years, about, material.titles(say.lang))


def table_of(
    caption: str,
    heading: str,
    columns: Mapping[str, list[Column]],
    rows: Sequence[str],
    about: Callable[[str, int], Mapping[str, str]],
    titles: Mapping[str, str],
) -> Table:
    """Make a table of columns: a group for each scenario.

    Parameters
    ----------
    heading, rows : of the rows' headings, and these
    columns : scenario -> its columns
    about : says of a scenario and a row what it is about
    titles : scenario -> title of its group
    """
    groups = [
        Group(
            titles[name],
            [
                Row(shown, [column.cell(number) for column in own], about(name, number))
                for number, shown in enumerate(rows)
            ],
        )
        for name, own in columns.items()
    ]
    first = next(iter(columns.values()))
    return Table(caption, [heading, *(column.heading for column in first)], groups)
