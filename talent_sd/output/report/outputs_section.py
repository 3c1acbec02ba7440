"""The outputs that a report shows, one by one, with their numbers and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.messages import word
from talent_sd.forecast.compare import RELATIVE, probability_better
from talent_sd.output.figures.panels import Line
from talent_sd.output.numbers import Scale, digits
from talent_sd.output.report.html_pieces import (
    Cell,
    ElementsPart,
    Group,
    KeyEntry,
    OutputPart,
    Plot,
    Row,
    Table,
)
from talent_sd.output.report.pictures import draw_plots, inline_svg
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.sentences import Speech
from talent_sd.output.style import BASELINE, line_look
from talent_sd.output.titles import scenario_titles

if TYPE_CHECKING:
    import xarray as xr

TOTAL_FIRST = "total talent"
SIDE_BY_SIDE = 3
"""So many scenarios have a fan each; more share a plot."""
BANDS = ((50, 0.25, 0.75), (80, 0.1, 0.9), (95, 0.025, 0.975))


@dataclass(frozen=True)
class Output:
    """One output, or one element of it.

    Parameters
    ----------
    name, element : in the model; element "" where it has none
    level : (scenario, draw, time), the baseline among the scenarios
    change, relative : (scenario, draw, time), against the baseline
    lower_is_better : whether less of it is wanted
    """

    name: str
    element: str
    level: xr.DataArray
    change: xr.DataArray
    relative: xr.DataArray
    lower_is_better: bool

    @property
    def ident(self) -> str:
        """Return a name that an HTML id can hold."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.name} {self.element}".casefold()).strip("-")

    @property
    def unit(self) -> str:
        """Return the model's unit."""
        return str(self.level.attrs.get("units", ""))

    @property
    def percent_means_something(self) -> bool:
        """Return whether a relative change can be told: not of a debt, not of years."""
        return self.relative.attrs["baseline_minimum"] > 0 and self.unit != "year"

    def title(self, material: Material, speech: Speech) -> str:
        """Return what it is called."""
        variable = material.labels.variable(self.name, speech.lang)
        if not self.element:
            return variable
        part = material.labels.element(self.element, speech.lang)
        return word("table.element", speech.lang, variable=variable, element=part)


def outputs_of(material: Material) -> list[Output]:
    """Return the headline outputs that the comparison has, talent as a whole before its tiers."""
    names = dict.fromkeys((TOTAL_FIRST, *material.labels.headline))
    return [output for name in names if name in material.change for output in _elements(material, name)]


def _elements(material: Material, name: str) -> Iterator[Output]:
    level, change = material.spread[name], material.change[name]
    relative = material.change[name + RELATIVE]
    lower = name in material.labels.lower_is_better
    extra = [dim for dim in level.dims if dim not in (SCENARIO, DRAW, TIME)]
    if not extra:
        yield Output(name, "", level, change, relative, lower)
        return
    for element in level[extra[0]].values:
        chosen = {extra[0]: element}
        yield Output(name, str(element), level.sel(chosen), change.sel(chosen), relative.sel(chosen), lower)


def output_part(output: Output, material: Material, speech: Speech, sentences: list[str]) -> OutputPart:
    """Make an output's part of the page."""
    title = output.title(material, speech)
    ident = f"{speech.lang}-{output.ident}"
    return OutputPart(
        ident,
        title,
        sentences,
        _plots(output, title, ident, material, speech),
        _table(output, title, material, speech),
    )


def elements_part(outputs: list[Output], material: Material, speech: Speech) -> ElementsPart:
    """Make one part for all elements of an output, such as the tiers of talent: a plot and a table each."""
    first = outputs[0]
    ident = f"{speech.lang}-{re.sub(r'[^a-z0-9]+', '-', first.name.casefold())}-each"
    plots = []
    for output in outputs:
        name, label = output.title(material, speech), material.labels.element(output.element, speech.lang)
        lines = list(_changes(output, material, speech).values())
        scale = speech.scale(_largest(output.change), output.unit)
        start = material.spread.attrs.get("forecast_from")
        unit = speech("difference_in", unit=speech.unit(scale))
        (figure,) = draw_plots([(label, lines)], scale, unit, speech.lang, start, zero_line=True)
        described = " ".join(_described(line, scale, speech) for line in lines)
        told = speech("alt.difference", output=name, scenario=speech("level"))
        plots.append(Plot(inline_svg(figure, f"{speech.lang}-{output.ident}", told, described)))
    tables = [_table(output, output.title(material, speech), material, speech) for output in outputs]
    title = speech("elements", output=material.labels.variable(first.name, speech.lang))
    return ElementsPart(ident, title, plots, tables)


def key_entries(material: Material, speech: Speech) -> list[KeyEntry]:
    """Return the key of all plots: a scenario's colour and dashes are the same in each."""
    titles = scenario_titles(material.spread, speech.lang)
    entries = []
    for name, style in styles(material).items():
        look = line_look(style)
        dash = look["linestyle"]
        dashes = " ".join(f"{2 * step:g}" for step in dash[1]) if isinstance(dash, tuple) and dash[1] else ""
        entries.append(KeyEntry(titles[name], look["color"], dashes))
    return entries


def styles(material: Material) -> dict[str, int]:
    """Return the style of each scenario's line, the baseline's quiet grey first."""
    return {material.baseline: BASELINE} | {name: n for n, name in enumerate(material.compared)}


def _plots(output: Output, title: str, ident: str, material: Material, speech: Speech) -> list[Plot]:
    start = material.spread.attrs.get("forecast_from")
    titles = scenario_titles(material.spread, speech.lang)
    looks = styles(material)
    lines = [_line(output.level, name, titles[name], style) for name, style in looks.items()]
    changes = _changes(output, material, speech)
    apart = len(changes) <= SIDE_BY_SIDE
    panels = (
        [(titles[name], [line]) for name, line in changes.items()]
        if apart
        else [(speech("difference"), list(changes.values()))]
    )
    level_scale = speech.scale(_largest(output.level), output.unit)
    scale = speech.scale(_largest(output.change), output.unit)
    figures = draw_plots(
        [(speech("level"), lines)], level_scale, speech.unit(level_scale), speech.lang, start
    )
    unit = speech("difference_in", unit=speech.unit(scale))
    figures += draw_plots(panels, scale, unit, speech.lang, start, zero_line=True)
    told = [speech("alt.level", output=title)] + [
        speech("alt.difference", output=title, scenario=heading) for heading, _ in panels
    ]
    plots = []
    for number, (figure, name) in enumerate(zip(figures, told, strict=True)):
        shown = list(changes.values()) if not number or not apart else [list(changes.values())[number - 1]]
        described = " ".join(_described(line, scale, speech) for line in shown)
        plots.append(Plot(inline_svg(figure, f"{ident}-{number}", name, described)))
    return plots


def _changes(output: Output, material: Material, speech: Speech) -> dict[str, Line]:
    titles, looks = scenario_titles(material.spread, speech.lang), styles(material)
    return {name: _line(output.change, name, titles[name], looks[name]) for name in material.compared}


def _described(line: Line, scale: Scale, speech: Speech) -> str:
    """Say what a picture shows to who cannot see it."""
    last = line.values[:, -1]
    low, high = np.quantile(last, [0.1, 0.9])
    key = "alt.numbers" if len(last) > 1 else "alt.number"
    return speech(
        key,
        scenario=line.label,
        year=f"{line.years[-1]:g}",
        change=speech.amount(float(np.median(last)), scale, signed=True),
        low=digits(float(low) / scale.factor),
        high=digits(float(high) / scale.factor),
    )


def _line(array: xr.DataArray, name: str, title: str, style: int) -> Line:
    one = array.sel({SCENARIO: name}).transpose(DRAW, TIME)
    return Line(title, one[TIME].values, one.values, style)


def _largest(array: xr.DataArray) -> float:
    return float(abs(array.median(DRAW)).max())


def _table(output: Output, title: str, material: Material, speech: Speech) -> Table:
    """Make the table behind an output's plots: a row for each scenario and year."""
    scale = speech.scale(max(_largest(output.level), 0.0), output.unit)
    # a change may be far smaller than the level: each has its own scale
    small = speech.scale(_largest(output.change), output.unit)
    many = output.change.sizes[DRAW] > 1
    titles = scenario_titles(material.spread, speech.lang)
    headings = [
        speech("year"),
        speech("column.baseline", unit=speech.unit(scale)),
        speech("column.scenario", unit=speech.unit(scale)),
        speech("column.change", unit=speech.unit(small)),
        speech("column.relative"),
    ]
    if many:
        headings += [
            speech(key, band=band) for band, *_ in BANDS for key in ("column.band", "column.band_to")
        ]
        headings.append(speech("column.better"))
    rows = {name: _rows(output, name, material, scale, small, speech) for name in material.compared}
    groups = [Group(titles[name], rows[name]) for name in material.compared]
    return Table(speech("caption.output", output=title), headings, groups)


def _rows(
    output: Output, name: str, material: Material, scale: Scale, small: Scale, speech: Speech
) -> list[Row]:
    base = output.level.sel({SCENARIO: material.baseline}).median(DRAW).values
    own = output.level.sel({SCENARIO: name}).median(DRAW).values
    change = output.change.sel({SCENARIO: name})
    # as comparison.csv has them, to the last bit: a median may round otherwise
    relative = output.relative.sel({SCENARIO: name}).quantile(0.5, DRAW, skipna=False).values
    middle = change.quantile(0.5, DRAW, skipna=False).values
    columns = [
        *((("baseline", base, scale), ("value", own, scale), ("change", middle, small))),
        ("relative_change", relative, None),
    ]
    if change.sizes[DRAW] > 1:
        for band, *ends in BANDS:
            for end, values in zip(("lower", "upper"), change.quantile(ends, DRAW).values, strict=True):
                columns.append((f"{end}_{band}", values, small))
        better = probability_better(change, output.lower_is_better).values
        columns.append(("probability_better", better, None))
    beside = {key: float(np.nanmax(np.abs(values), initial=0.0)) for key, values, _ in columns}
    rows = []
    for number, year in enumerate(change[TIME].values):
        cells = []
        for key, values, by in columns:
            value = float(values[number])
            if key == "relative_change":
                text = speech.percent(value) if output.percent_means_something else "–"
            elif by is None:
                text = speech.chance(value)
            else:
                text = digits(value / by.factor, beside=beside[key] / by.factor)
            cells.append(Cell(text, value, key))
        about = {"scenario": name, "variable": output.name, "subscript": output.element, "year": f"{year:g}"}
        rows.append(Row(f"{year:g}", cells, about))
    return rows
