"""The page for several cities: each output side by side, then what the cities' forecasts rest on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import CITY, DRAW, SCENARIO, TIME
from talent_sd.base.messages import LANGUAGES, word
from talent_sd.forecast.compare import RELATIVE, first_clear_year, probability_better
from talent_sd.output.cities_compared import plot_cities_output, ranked
from talent_sd.output.numbers import Scale, digits
from talent_sd.output.report.headlines import definition
from talent_sd.output.report.html_pieces import Cell, Group, KeyEntry, OutputPart, Plot, Row, Table
from talent_sd.output.report.inputs_section import (
    Asked,
    asked,
    facts_table,
    mix_table,
    reasons_table,
    settings_table,
)
from talent_sd.output.report.outputs_section import BANDS, TOTAL_FIRST, key_entries
from talent_sd.output.report.pictures import inline_svg, quiet_about_glyphs
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.scenario_page import render_page
from talent_sd.output.report.sentences import Speech
from talent_sd.output.report.trust_section import (
    CityTrust,
    Trust,
    city_trust,
    files_table,
    provenance_table,
    trust,
)
from talent_sd.output.titles import scenario_titles

if TYPE_CHECKING:
    import xarray as xr

SECTIONS = ("short", "asked", "changes", "settings", "sources", "trust", "repeat")
CERTAIN = 0.9


@dataclass(frozen=True)
class CitiesMaterial:
    """Everything that a page for several cities tells.

    Parameters
    ----------
    change : dims (scenario, city, draw, time, ...), as `compare_cities` gives it
    cities : city -> its material; the `spread` of each holds titles and attributes, and no outputs
    """

    change: xr.Dataset
    cities: Mapping[str, Material]

    @property
    def first(self) -> Material:
        """Return the first city's material: scenarios, versions and the model's record are those of all."""
        return next(iter(self.cities.values()))


@dataclass(frozen=True)
class CitiesEdition:
    """The page in one language."""

    lang: str
    say: Speech
    title: str
    subtitle: str
    sections: Sequence[str]
    sentences: list[str]
    definition: str
    caution: str
    notices: list[str]
    asked: list[Asked]
    mix: Table | None
    key: list[KeyEntry]
    totals: list[OutputPart]
    elements: list[OutputPart]
    settings: Table
    reasons: Table | None
    facts: list[Table]
    trust: Trust
    city_trust: list[CityTrust]
    provenance: Table
    files: list[Table]
    command: str
    many_cities: bool = True


@dataclass(frozen=True)
class _Side:
    """An output of all cities, (scenario, city, draw, time), or one element of it."""

    name: str
    element: str
    change: xr.DataArray
    relative: xr.DataArray
    lower_is_better: bool

    @property
    def unit(self) -> str:
        return str(self.change.attrs.get("units", ""))

    @property
    def percent_means_something(self) -> bool:
        return self.relative.attrs["baseline_minimum"] > 0 and self.unit != "year"


def write_cities_report(path: str | Path, material: CitiesMaterial) -> None:
    """Write the report as one HTML file that needs nothing else."""
    Path(path).write_text(render_cities_report(material), encoding="utf-8", newline="\n")


def render_cities_report(material: CitiesMaterial) -> str:
    """Return the report's HTML, the material's language shown first."""
    return render_page([_edition(material, lang) for lang in LANGUAGES], material.first.lang)


def _edition(material: CitiesMaterial, lang: str) -> CitiesEdition:
    say, first = Speech(lang), material.first
    order = ranked(material.change[TOTAL_FIRST + RELATIVE].isel({TIME: -1}))
    names = {city: str(material.change[f"{CITY}_{lang}"].sel({CITY: city}).item()) for city in order}
    sides = list(_sides(material))
    titles = scenario_titles(first.spread, lang)
    years = first.spread[TIME].values
    values: dict[str, Any] = {
        "title": say("cities.title", count=len(order)),
        "subtitle": say(
            "subtitle",
            names=say("listing").join(titles[name] for name in first.compared),
            baseline=titles[first.baseline],
            first=f"{first.spread.attrs.get('forecast_from', years[0]):g}",
            last=f"{years[-1]:g}",
        ),
        "sentences": _sentences(next(side for side in sides if side.name == TOTAL_FIRST), names, first, say),
        "definition": definition(first, say),
        "caution": say("short.caution") if first.record else say("caveat.own_model"),
        "notices": list(
            dict.fromkeys(text for one in material.cities.values() for text in one.notices.get(lang, ()))
        ),
        "asked": asked(first, say),
        "mix": mix_table(first, say),
        "key": key_entries(first, say)[1:],
        "totals": [_part(side, names, material, say, picture=True) for side in sides if not side.element],
        "elements": [_part(side, names, material, say, picture=False) for side in sides if side.element],
        "settings": settings_table(first, say),
        "reasons": reasons_table(first, {one.figure.id: one.figure for one in first.findings}, say),
        "facts": [_named(facts_table(material.cities[city], say), names[city], say) for city in order],
        "trust": trust(first, say),
        "city_trust": [
            own for city in order if (own := city_trust(material.cities[city], say, names[city])) is not None
        ],
        "provenance": provenance_table(first, say),
        "files": [table] if (table := files_table(_files(material), say)) else [],
        "command": first.command,
    }
    return CitiesEdition(lang, say, sections=SECTIONS, **values)


def _named(table: Table, city: str, say: Speech) -> Table:
    return replace(table, caption=f"{table.caption}{say('colon')}{city}")


def _files(material: CitiesMaterial) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in material.cities.values():
        found |= one.files
    return found


def _sides(material: CitiesMaterial) -> Iterator[_Side]:
    """Yield the headline outputs, talent as a whole first, and the elements of those that have some."""
    labels, change = material.first.labels, material.change
    for name in dict.fromkeys((TOTAL_FIRST, *labels.headline)):
        if name not in change:
            continue
        own, relative, lower = change[name], change[name + RELATIVE], name in labels.lower_is_better
        extra = [dim for dim in own.dims if dim not in (SCENARIO, CITY, DRAW, TIME)]
        if not extra:
            yield _Side(name, "", own, relative, lower)
            continue
        for element in own[extra[0]].values:
            chosen = {extra[0]: element}
            yield _Side(name, str(element), own.sel(chosen), relative.sel(chosen), lower)


def _sentences(side: _Side, names: Mapping[str, str], material: Material, say: Speech) -> list[str]:
    """Say for each scenario where it does most and least, and in how many cities that it helps is clear."""
    titles = scenario_titles(material.spread, say.lang)
    last = side.relative.isel({TIME: -1})
    better = probability_better(side.change, side.lower_is_better).isel({TIME: -1})
    found = []
    for name in material.compared:
        medians = {city: float(last.sel({SCENARIO: name, CITY: city}).median()) for city in names}
        most, least = max(medians, key=medians.__getitem__), min(medians, key=medians.__getitem__)
        text = say(
            "cities.sentence",
            scenario=titles[name],
            output=material.labels.variable(side.name, say.lang),
            year=f"{float(last[TIME]):g}",
            most=names[most],
            most_by=say.percent(medians[most]),
            least=names[least],
            least_by=say.percent(medians[least]),
        )
        if last.sizes[DRAW] > 1:
            clear = int((better.sel({SCENARIO: name}) >= CERTAIN).sum())
            text += say("cities.clear", clear=clear, all=len(names))
        found.append(text)
    return found


def _part(
    side: _Side, names: Mapping[str, str], material: CitiesMaterial, say: Speech, *, picture: bool
) -> OutputPart:
    labels = material.first.labels
    title = labels.variable(side.name, say.lang)
    if side.element:
        part = labels.element(side.element, say.lang)
        title = word("table.element", say.lang, variable=title, element=part)
    ident = f"{say.lang}-{re.sub(r'[^a-z0-9]+', '-', f'{side.name} {side.element}'.casefold()).strip('-')}"
    plots = [_plot(side, title, ident, names, material.first, say)] if picture else []
    return OutputPart(ident, title, [], plots, _table(side, title, names, material.first, say))


def _scale(side: _Side, say: Speech) -> Scale:
    return say.scale(float(abs(side.change.median(DRAW)).max()), side.unit)


def _plot(
    side: _Side, title: str, ident: str, names: Mapping[str, str], material: Material, say: Speech
) -> Plot:
    titles = {name: scenario_titles(material.spread, say.lang)[name] for name in material.compared}
    if side.percent_means_something:
        last, unit = 100 * side.relative.isel({TIME: -1}), "%"
    else:
        scale = _scale(side, say)
        last, unit = side.change.isel({TIME: -1}) / scale.factor, say.unit(scale)
    year = f"{float(side.change[TIME][-1]):g}"
    with quiet_about_glyphs():
        figure = plot_cities_output(
            last, list(names), list(names.values()), titles, say("cities.axis", unit=unit, year=year)
        )
    medians = last.median(DRAW)
    described = " ".join(
        say("cities.described", city=shown, scenario=title, change=f"{digits(float(value))} {unit}")
        for city, shown in names.items()
        for (scenario, title) in titles.items()
        for value in [medians.sel({SCENARIO: scenario, CITY: city})]
    )
    told = say("cities.alt", output=title, year=year)
    return Plot(inline_svg(figure, ident, told, described), wide=True)


def _table(side: _Side, title: str, names: Mapping[str, str], material: Material, say: Speech) -> Table:
    """Make the table behind the picture: the last year's row of comparison.csv for each city and scenario."""
    scale, many = _scale(side, say), side.change.sizes[DRAW] > 1
    year = f"{float(side.change[TIME][-1]):g}"
    headings = [
        word("verify.city", say.lang),
        say("column.change", unit=say.unit(scale)),
        say("column.relative"),
    ]
    if many:
        headings += [say(key, band=band) for band, *_ in BANDS for key in ("column.band", "column.band_to")]
        headings += [say("column.better"), say("cities.first_clear")]
    titles = scenario_titles(material.spread, say.lang)
    groups = [
        Group(titles[name], [_row(side, name, city, shown, scale, say) for city, shown in names.items()])
        for name in material.compared
    ]
    return Table(say("cities.caption", output=title, year=year), headings, groups)


def _row(side: _Side, scenario: str, city: str, shown: str, scale: Scale, say: Speech) -> Row:
    at = {SCENARIO: scenario, CITY: city}
    own = side.change.sel(at)
    last = own.isel({TIME: -1})
    change = float(last.quantile(0.5, DRAW, skipna=False))
    relative = float(side.relative.sel(at).isel({TIME: -1}).quantile(0.5, DRAW, skipna=False))
    cells = [
        Cell(digits(change / scale.factor), change, "change"),
        Cell(say.percent(relative) if side.percent_means_something else "–", relative, "relative_change"),
    ]
    if own.sizes[DRAW] > 1:
        for band, *ends in BANDS:
            for end, value in zip(("lower", "upper"), last.quantile(ends, DRAW).values.tolist(), strict=True):
                cells.append(Cell(digits(value / scale.factor), value, f"{end}_{band}"))
        better = float(probability_better(last, side.lower_is_better))
        clear = float(first_clear_year(own))
        cells.append(Cell(say.chance(better), better, "probability_better"))
        cells.append(Cell("–" if np.isnan(clear) else f"{clear:g}", clear, "first_clear_year"))
    about = {
        "scenario": scenario,
        "city": city,
        "variable": side.name,
        "subscript": side.element,
        "year": f"{float(last[TIME]):g}",
    }
    return Row(shown, cells, about)
