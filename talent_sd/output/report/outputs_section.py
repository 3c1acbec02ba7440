"""The outputs that a report shows, one by one, with their numbers and pictures; cities side by side in the last year."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import BAND, CITY, DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, NOTHING
from talent_sd.forecast.compare import CLEAR, first_clear_year
from talent_sd.output.figures.panels import Line
from talent_sd.output.figures.plot_comparison import plot_cities_output
from talent_sd.output.figures.sheet import unit_drawn, up_to
from talent_sd.output.headline_outputs import Output, known_figures, largest, notes_of, slug
from talent_sd.output.report.html_pieces import (
    Cell,
    Group,
    KeyEntry,
    Part,
    Plot,
    Row,
    Table,
    draw_plots,
    inline_svg,
    quiet_about_glyphs,
)
from talent_sd.output.report.material import Material
from talent_sd.output.speech import Scale, Speech, digits, sentences
from talent_sd.output.style import BASELINE, line_look
from talent_sd.output.terminal_tables import NO_PER_CENT

if TYPE_CHECKING:
    import xarray as xr

ALT_DIFFERENCE = N_("{output}: difference from the baseline, {scenario}")
ALT_NUMBERS = N_("{scenario}, {year}: {change} against the baseline, 80 % interval {low} to {high}.")

SIDE_BY_SIDE = 3
"""So many scenarios have a fan each; more share a plot."""
CITIES_AXIS = N_("difference from the baseline in {year}, {unit}")
CITIES_CAPTION = N_("The numbers behind the plot, {year}: {output}")
CITIES_DESCRIBED = N_("{city}, {scenario}: {change}.")


@dataclass(frozen=True)
class Column:
    """A column of numbers: its name in files, its heading, its values, how each is written, and rows that say nothing."""

    name: str
    heading: str
    values: np.ndarray
    write: Callable[[float], str]
    silent: np.ndarray | None = None

    def cell(self, row: int) -> Cell:
        """Return one of its cells."""
        value = float(self.values[row])
        silent = self.silent is not None and self.silent[row]
        return Cell("–" if silent else self.write(value), value, self.name)


def band_headings(say: Speech, *bands: int) -> list[str]:
    """Return the headings of the lower and the upper end of each band."""
    return [say(key, band=band) for band in bands for key in (N_("{band} % from"), N_("{band} % to"))]


def numbers(
    name: str, heading: str, values: np.ndarray, scale: Scale, *, plain: bool = False, reach: float = 0.0
) -> Column:
    """Return a column of numbers in a scale.

    Parameters
    ----------
    plain : whether small ones are written as they are, not as 0 beside the largest
    reach : the largest of other columns that it stands beside
    """
    beside = 0.0 if plain else max(reach, float(np.nanmax(np.abs(values), initial=0.0))) / scale.factor
    return Column(name, heading, values, lambda value: digits(value / scale.factor, beside=beside))


def change_columns(one: Output, scale: Scale, say: Speech, *, plain: bool = False) -> list[Column]:
    """Return what comparison.csv has of a change (draw, row), and its probability of doing better."""
    middle, share = one.medians
    heading = say("Difference, {unit}", unit=say.unit(scale))
    reach = float(np.nanmax(np.abs(one.values.values), initial=0.0))
    columns = [
        numbers("change", heading, middle, scale, plain=plain, reach=reach),
        Column("relative_change", say("Relative difference"), share, say.percent),
    ]
    if one.values.sizes[DRAW] > 1:
        for band, both in one.bands.items():
            for end, heading, values in zip(("lower", "upper"), band_headings(say, band), both, strict=True):
                columns.append(numbers(f"{end}_{band}", heading, values, scale, plain=plain, reach=reach))
        heading = say("Probability of doing better")
        # before a policy begins nothing is better or worse, nor is what is told as 0
        alike = (one.values == 0).all(DRAW).values | ((abs(middle) <= NOTHING * reach) & (not plain))
        columns.append(Column("probability_better", heading, one.better.values, say.chance, alike))
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
    city = material.resolved[material.baseline].city
    known = () if one.chosen else known_figures(city).get(one.name, ())
    lines = [_line(level, name, titles[name], style) for name, style in styles(material).items()]
    lines[0] = replace(lines[0], known=known)
    changes = _changes(one, material, say)
    together, apart = list(changes.values()), len(changes) <= SIDE_BY_SIDE
    panels = [(titles[name], [line]) for name, line in changes.items()]
    if not apart:
        panels = [(say("Difference from the baseline"), together)]
    level_scale, scale = say.scale(min(largest(level), one.most), one.unit), say.scale(one.largest, one.unit)
    lines = up_to(lines, one.most, say.lang)
    told_in = unit_drawn(say.unit(level_scale), lines, say.lang)
    figures = draw_plots([(say("All scenarios"), lines)], level_scale, told_in, say.lang, start)
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
    scale, small = say.scale(min(largest(level), one.most), one.unit), say.scale(one.largest, one.unit)
    medians = {name: level.sel({SCENARIO: name}).median(DRAW).values for name in material.names}

    def levels(name: str, heading: str, values: np.ndarray) -> Column:
        beside = float(np.nanmax(np.abs(values), initial=0.0))
        unit = say.unit(scale)
        return Column(name, say(heading, unit=unit), values, lambda v: one.level(v, scale, beside, say.lang))

    columns = {
        name: [
            levels("baseline", N_("Baseline, {unit}"), medians[material.baseline]),
            levels("value", N_("Scenario, {unit}"), medians[name]),
            *change_columns(one.at(scenario=name), small, say),
        ]
        for name in material.compared
    }
    years = [f"{year:g}" for year in one.values[TIME].values]

    def about(name: str, row: int) -> dict[str, str]:
        return {"scenario": name, "variable": one.name, "subscript": one.element, "year": years[row]}

    caption = say("The numbers behind the plots: {output}", output=title)
    told = sentences(say.lang, *notes_of([one], say.lang, NO_PER_CENT))
    return table_of(caption, say("Year"), columns, years, about, material.titles(say.lang), told)


def table_of(
    caption: str,
    heading: str,
    columns: Mapping[str, list[Column]],
    rows: Sequence[str],
    about: Callable[[str, int], Mapping[str, str]],
    titles: Mapping[str, str],
    no_per_cent: str,
) -> Table:
    """Make a table of columns: a group for each scenario.

    Parameters
    ----------
    heading, rows : of the rows' headings, and these
    columns : scenario -> its columns
    about : says of a scenario and a row what it is about
    titles : scenario -> title of its group
    no_per_cent : says why a per cent may be left out
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
    shares = [one.values for own in columns.values() for one in own if one.name == "relative_change"]
    return Table(caption, [heading, *(column.heading for column in first)], groups,
                 note=no_per_cent if np.isnan(shares).any() else "")  # fmt: skip


def cities_sentences(one: Output, names: Mapping[str, str], material: Material, say: Speech) -> list[str]:
    """Say for each scenario where it does most and least, and in how many cities that it helps is clear."""
    titles = material.titles(say.lang)
    last = one.last.relative
    better = one.last.better
    assert last is not None
    found = []
    for name in material.compared:
        medians = {city: float(last.sel({SCENARIO: name, CITY: city}).median()) for city in names}
        most, least = max(medians, key=medians.__getitem__), min(medians, key=medians.__getitem__)
        text = say(
            "{scenario}: {output} in {year} changes most in {most} ({most_by}) and least in {least} "
            "({least_by}).",
            scenario=titles[name],
            output=say.variable(one.name),
            year=f"{float(last[TIME]):g}",
            most=names[most],
            most_by=say.percent(medians[most]),
            least=names[least],
            least_by=say.percent(medians[least]),
        )
        if last.sizes[DRAW] > 1:
            clear = int((better.sel({SCENARIO: name}) >= CLEAR).sum())
            text += say(" It is clearly better in {clear} of the {all} cities.", clear=clear, all=len(names))
        found.append(text)
    return found


def city_part(
    one: Output, names: Mapping[str, str], material: Material, say: Speech, *, picture: bool
) -> Part:
    """Make an output's part of the page: a picture, and the table behind it.

    Parameters
    ----------
    names : city -> what it is called, from the top down
    """
    title, ident = one.title(say.labels, say.lang), f"{say.lang}-{one.ident}"
    plots = [_city_plot(one, title, ident, names, material, say)] if picture else []
    return Part(ident, title, plots, [_city_table(one, title, names, material, say)])


def _city_plot(
    one: Output, title: str, ident: str, names: Mapping[str, str], material: Material, say: Speech
) -> Plot:
    titles = {name: material.titles(say.lang)[name] for name in material.compared}
    if one.percent_means_something and one.relative is not None:
        last, unit = 100 * one.relative.isel({TIME: -1}), "%"
    else:
        scale = say.scale(one.largest, one.unit)
        last, unit = one.values.isel({TIME: -1}) / scale.factor, say.unit(scale)
    year = f"{float(last[TIME]):g}"
    with quiet_about_glyphs():
        figure = plot_cities_output(
            last, list(names), list(names.values()), titles, say(CITIES_AXIS, unit=unit, year=year)
        )
    medians = last.median(DRAW)
    described = " ".join(
        say(CITIES_DESCRIBED, city=shown, scenario=titles[scenario], change=f"{digits(value)} {unit}")
        for city, shown in names.items()
        for scenario in titles
        for value in [float(medians.sel({SCENARIO: scenario, CITY: city}))]
    )
    told = say("{output}: change in {year}, city by city", output=title, year=year)
    return Plot(inline_svg(figure, ident, told, described), wide=True)


def _city_table(one: Output, title: str, names: Mapping[str, str], material: Material, say: Speech) -> Table:
    """Make the table behind the picture: the last year's row of comparison.csv for each city and scenario."""
    scale = say.scale(one.largest, one.unit)
    year = f"{float(one.values[TIME][-1]):g}"
    columns = {}
    for name in material.compared:
        own = one.at(scenario=name, city=list(names))
        columns[name] = change_columns(own.last, scale, say, plain=True)
        if own.values.sizes[DRAW] > 1:
            columns[name].append(clear_column(own.values, say))
    cities = list(names)

    def about(name: str, row: int) -> dict[str, str]:
        where = {"scenario": name, "city": cities[row]}
        return where | {"variable": one.name, "subscript": one.element, "year": year}

    caption = say(CITIES_CAPTION, output=title, year=year)
    titles = material.titles(say.lang)
    told = sentences(say.lang, *notes_of([one], say.lang, NO_PER_CENT))
    return table_of(caption, say("City"), columns, list(names.values()), about, titles, told)
