"""Several cities: each output side by side in the last year."""

from __future__ import annotations

from collections.abc import Mapping

from talent_sd.base.dims import CITY, DRAW, SCENARIO, TIME
from talent_sd.base.language import N_
from talent_sd.forecast.compare import CLEAR
from talent_sd.output.figures.plot_comparison import plot_cities_output
from talent_sd.output.headline_outputs import Output
from talent_sd.output.report.html_pieces import Part, Plot, Table
from talent_sd.output.report.material import Material
from talent_sd.output.report.outputs_section import change_columns, clear_column, table_of
from talent_sd.output.report.pictures import inline_svg, quiet_about_glyphs
from talent_sd.output.speech import Speech, digits

CITIES_AXIS = N_("difference from the baseline in {year}, {unit}")
CITIES_CAPTION = N_("The numbers behind the plot, {year}: {output}")
CITIES_DESCRIBED = N_("{city}, {scenario}: {change}.")


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
    plots = [_plot(one, title, ident, names, material, say)] if picture else []
    return Part(ident, title, plots, [_table(one, title, names, material, say)])


def _plot(
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


def _table(one: Output, title: str, names: Mapping[str, str], material: Material, say: Speech) -> Table:
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
    return table_of(caption, say("City"), columns, list(names.values()), about, titles)
