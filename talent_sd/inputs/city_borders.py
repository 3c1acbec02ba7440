"""People of cities brought to the borders of 2020, by a table of counts on both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.errors import Problems
from talent_sd.inputs.city_figures import City, DatedFigure

if TYPE_CHECKING:
    import pandas as pd

    from talent_sd.inputs.city_figures import Mapped

BEFORE, NOW = 2010, 2020
"""Censuses whose counts the table of borders gives."""
AS_LISTED, ON_LATER, LATER = (
    "population_2010_as_listed", "population_2010_on_2020_borders", "population_2020",
)  # fmt: skip
COLUMNS = (AS_LISTED, ON_LATER, LATER)
OF_DEGREES = ("tertiary_educated", "bachelor_or_above")
COUNTY = 0.5
"""People with a degree per person where borders change, over the city's: what changes hands are counties.

The census of 2010 counted a fifth with a degree in cities, a twelfth in towns and a fiftieth in villages, 8.9 %
in all; a county of one third town and two thirds village has half of that. Assumption, 0.35 to 0.7.
"""
SAME = 0.002
"""Log difference below which two counts are of the same borders."""
REVISED = 0.05
"""Log difference from the census up to which yearly residents may be of the same borders: they were revised."""
LISTED, COUNTED = 0.01, (0.75, 1.2)
"""How far the table's people may be from the census's: as listed in 2010, and in 2020, which was revised in places."""
GROWN = (0.6, 1.8)
"""People of 2020 over those of 2010 on the same borders: .65 to 1.68 in 217 cities."""
RATIO = "ratio"
"""Optional column: people of 2010 on the later borders over those listed."""


def check_borders(cities: Mapping[str, City], table: pd.DataFrame, file: str) -> Problems:
    """Return what cannot be in a table of borders: counts that are not the census's, or that do not fit one another."""
    problems = Problems()
    for row, line in enumerate(table.to_dict("records"), start=2):
        name, (listed, earlier, later) = line["city"], (float(line[column]) for column in COLUMNS)
        city = cities.get(name)
        counted = (
            city.figures["census_population"].values if city and "census_population" in city.figures else {}
        )
        for column, value, of, (low, high) in (
            (AS_LISTED, listed, counted.get(BEFORE), (1 - LISTED, 1 + LISTED)),
            (LATER, later, counted.get(NOW), COUNTED),
            (ON_LATER, earlier, listed * float(line.get(RATIO, np.nan)), (1 - LISTED, 1 + LISTED)),
            (LATER, later, earlier, GROWN),
        ):
            if of and of == of and not low <= value / of <= high:
                problems.say(
                    "{file}:{line}: {city}: {column} is {value:.6g}, {ratio:.2f} times what it stands beside (the census, or "
                    "the other columns). It can only be {low:g} to {high:g}. Check the row.",
                    file=file, line=row, city=name, column=column, value=value, ratio=value / of, low=low, high=high,
                )  # fmt: skip
                break
    return problems


def on_later_borders(cities: Mapping[str, City], table: pd.DataFrame, mapping: Mapped) -> dict[str, City]:
    """Return the cities with people counted on the borders of 2020.

    Each census row is scaled to the people whom the table gives for that year on those borders, people
    with a degree by `COUNTY` of it; shares stay. Residents of a city whose borders changed are scaled up to 2010, and on to the
    year before their greatest jump towards the new borders; where they already stand on those
    they stay.

    Parameters
    ----------
    cities : by name, as `read_panel` found them
    table : city, and the counts named in `COLUMNS`
    mapping : tells which figures are counts of a census
    """
    rows = table.set_index("city")
    found = dict(cities)
    for name in rows.index.intersection(list(cities)):
        listed, earlier, later = (float(rows.loc[name, column]) for column in COLUMNS)
        city = cities[name]
        counted = city.figures.get("census_population")
        if counted is None:
            continue
        factors = {
            year: people / counted.values[year]
            for year, people in ((BEFORE, earlier), (NOW, later))
            if year in counted.values
        }
        figures = dict(city.figures)
        for figure, kind in mapping.content.figures.items():
            if kind.census and kind.unit == "person" and figure in figures:
                part = COUNTY if figure in OF_DEGREES else 1.0
                figures[figure] = _scaled(
                    figures[figure], {year: 1 + part * (factor - 1) for year, factor in factors.items()}
                )
        if "residents" in figures:
            figures["residents"] = _residents(figures["residents"], listed, earlier)
        found[name] = replace(city, figures=figures)
    return found


def _scaled(figure: DatedFigure, factors: Mapping[int, float]) -> DatedFigure:
    """Return a figure with the values of some years multiplied."""
    values = {year: value * factors.get(year, 1.0) for year, value in figure.values.items()}
    return replace(figure, values=values)


def _residents(figure: DatedFigure, listed: float, earlier: float) -> DatedFigure:
    """Return yearly residents on the later borders, up to the jump that the change of borders made."""
    known = figure.values.get(BEFORE)
    if known is None:
        return figure
    if abs(np.log(earlier / listed)) <= SAME:  # the census was listed on the later borders already
        listed = known
        if abs(np.log(earlier / known)) < REVISED:
            return figure
    elif abs(np.log(known / earlier)) < abs(np.log(known / listed)):
        return figure
    ratio = earlier / listed
    years = sorted(year for year in figure.values if BEFORE <= year <= NOW)
    jumps = {
        after: np.log(figure.values[after] / figure.values[before]) * np.sign(np.log(ratio))
        for before, after in zip(years, years[1:], strict=False)
    }
    first = max(jumps, key=lambda year: jumps[year], default=BEFORE + 1)
    if jumps.get(first, 0.0) < abs(np.log(ratio)) / 2:
        first = BEFORE + 1
    return _scaled(figure, {year: ratio for year in figure.values if year < first})
