"""The tables of cities that a model is fitted to or judged on, from files to windows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.language import tell
from talent_sd.inputs.city_figures import City, Value, city_constants
from talent_sd.inputs.national_paths import NationalPath
from talent_sd.uncertainty.city_runs import make_run_up
from talent_sd.uncertainty.windows import (
    FIGURES,
    GDP,
    GDP_REAL,
    OUTCOMES,
    RESIDENTS,
    REVENUE,
    TERTIARY,
    TERTIARY_SHARE,
    Window,
    national_log,
)

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.inputs.city_panel import Panel
    from talent_sd.model.structure import Structure


@dataclass(frozen=True)
class Sources:
    """The tables that cities are fitted or judged on.

    Parameters
    ----------
    panel, census : CSV files; province : one more, or None
    national : a national path by name or file, or a CSV of totals
    ages, structure, borders : more CSV files, as `read_panel` takes them, or None
    """

    panel: Path
    census: Path
    province: Path | None = None
    national: str = "central"
    ages: Path | None = None
    structure: Path | None = None
    borders: Path | None = None

    def window(self, model: Model, start: int, end: int) -> Window:
        """Read the tables and collect the cities of a window; errors as in `read_panel`."""
        return self.windows(model, [(start, end)])[0]

    def windows(self, model: Model, years: Sequence[tuple[int, int]]) -> list[Window]:
        """Read the tables once and collect the cities of several windows (start, end)."""
        from talent_sd.inputs.city_panel import read_panel
        from talent_sd.inputs.national_paths import read_national_totals

        cities = read_panel(
            self.panel, self.census, self.province,
            ages_csv=self.ages, structure_csv=self.structure, borders_csv=self.borders,
        )  # fmt: skip
        national = read_national_totals(self.national)
        made = [make_window(cities, model, national, start, end) for start, end in years]
        return [replace(window, adjusted=(*cities.dropped, *window.adjusted)) for window in made]

    def hashes(self) -> dict[str, str]:
        """Return file -> SHA-256 of each table and national file, by name, by path where two bear one name."""
        from talent_sd.inputs.national_paths import read_national_totals

        given = (self.panel, self.census, self.province, self.ages, self.structure, self.borders)
        files = [Path(file) for file in given if file] + [*read_national_totals(self.national).paths]
        names = Counter(file.name for file in dict.fromkeys(file.resolve() for file in files))
        return {
            file.name if names[file.name] == 1 else file.as_posix(): hashlib.sha256(
                file.read_bytes()
            ).hexdigest()
            for file in files
        }


def make_window(panel: Panel, model: Model, national: NationalPath, start: int, end: int) -> Window:
    """Collect the cities that can be run from `start`, and what happened until `end`.

    A city without a figure that the model needs at the start is left out, and told.

    Raises
    ------
    InputError
        If the years make no window, or no city can be run.
    """
    if end <= start:
        raise InputError(
            "the window {start} to {end} has no years. Let it end after it starts.", start=start, end=end
        )
    kept, ages, rows, left_out, adjusted = _startable(panel, model.structure, national, start)
    constants = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    years = tuple(range(start, end + 1))
    actual = {name: _levels(kept, FIGURES[name], years) for name in OUTCOMES}
    past = {name: _past_growth(kept, name, national, start) for name in (*OUTCOMES, GDP_REAL)}
    return Window(
        years,
        tuple(city.name for city in kept),
        tuple(city.province["zh"] for city in kept),
        constants,
        national,
        np.array(ages),
        _start_levels(kept, constants, start),
        actual,
        _levels(kept, FIGURES[GDP_REAL], years),
        _levels(kept, "province_invention_patents_granted", years),
        {name: grown[0] for name, grown in past.items()},
        {name: grown[1] for name, grown in past.items()},
        tuple(left_out),
        tuple(adjusted),
        make_run_up(
            kept, ages, constants, start, national,
            lambda city, found: _within_limits(city.name, found, model.structure, []),
        ),
    )  # fmt: skip


def _startable(
    panel: Panel, structure: Structure, national: NationalPath, start: int
) -> tuple[list[City], list[int], list[dict[str, float]], list[str], list[str]]:
    """Return the cities that can be run, years since each one's census and its constants; who is left out, what is changed.

    Raises
    ------
    InputError
        If no city can be run.
    """
    kept: list[City] = []
    ages: list[int] = []
    rows: list[dict[str, float]] = []
    left_out: list[str] = []
    adjusted: list[str] = []
    for city in panel.cities.values():
        try:
            found = city_constants(city, start, national, only=structure.variables)
        except InputError as error:
            left_out.append(error.problems[0])
            continue
        kept.append(city)
        ages.append(start - (found[TERTIARY_SHARE].year or start))
        rows.append(_within_limits(city.name, found, structure, adjusted))
    if not kept:
        raise InputError(
            tell(
                "no city of the panel has the figures for a start in {start}. First: {left_out}",
                start=start,
                left_out=left_out[0],
            )
            if left_out
            else tell("the panel has no cities. Give one row per city and year.")
        )
    return kept, ages, rows, left_out, adjusted


def _within_limits(
    city: str, found: Mapping[str, Value], structure: Structure, adjusted: list[str]
) -> dict[str, float]:
    """Return the constants, each brought to the nearest of the model's limits where it lies beyond."""
    values = {}
    for name, value in found.items():
        low, high = structure[name.split("[")[0]].limits
        values[name] = float(np.clip(value.value, low, high))
        if values[name] != value.value:
            adjusted.append(
                tell(
                    "{city}: {name} is {value:g} ({how}), taken as {values:g}.",
                    city=city,
                    name=name,
                    value=value.value,
                    how=value.how,
                    values=values[name],
                )
            )
    return values


def _start_levels(
    cities: list[City], constants: Mapping[str, np.ndarray], start: int
) -> dict[str, np.ndarray]:
    """Return outcome -> (cities,) log level at the start, in the words of the statistics scored."""
    people = constants["city residents"]
    counted = np.array([_census_over_yearbook(city, start) for city in cities])
    return {
        TERTIARY: np.log(people * constants["city tertiary share"] * counted),
        RESIDENTS: np.log(people),
        GDP: np.log(constants["city value added"]),
        REVENUE: np.log(constants["city fiscal revenue"]),
    }


def _census_over_yearbook(city: City, start: int) -> float:
    """Return census population over the yearbook's residents in the last census before the start."""
    census = city.figures.get("census_population")
    residents = city.figures.get("residents")
    if census is None or residents is None:
        return 1.0
    years = [year for year in census.values if year <= start and year in residents.values]
    return census.values[max(years)] / residents.values[max(years)] if years else 1.0


def _levels(cities: list[City], figure: str, years: tuple[int, ...]) -> np.ndarray:
    """Return (years, cities) logs of a figure, NaN where it is not known."""
    levels = np.full((len(years), len(cities)), np.nan)
    for column, city in enumerate(cities):
        values = city.figures[figure].values if figure in city.figures else {}
        for row, year in enumerate(years):
            if values.get(year, 0) > 0:
                levels[row, column] = np.log(values[year])
    return levels


def _past_growth(
    cities: list[City], outcome: str, national: NationalPath, start: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return log growth up to the start less the nation's, and its years, from the oldest figure in reach."""
    growth, length = np.full((2, len(cities)), np.nan)
    for column, city in enumerate(cities):
        figure = city.figures.get(FIGURES[outcome])
        values = figure.values if figure else {}
        before = [year for year in range(start - 10, start - 6) if year in values]
        if before and start in values:
            first = before[0]
            nation = national_log(national, outcome, start) - national_log(national, outcome, first)
            growth[column] = np.log(values[start] / values[first]) - nation
            length[column] = start - first
    return growth, length
