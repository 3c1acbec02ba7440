"""City files: facts, each with unit, year and source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import Problems
from talent_sd.base.language import listed
from talent_sd.inputs.checking import hint_of
from talent_sd.inputs.city_figures import City, DatedFigure, read_mapping
from talent_sd.inputs.file_kinds import read_kind
from talent_sd.inputs.settings import Origin
from talent_sd.inputs.shipped_names import find_file, shipped_names

if TYPE_CHECKING:
    from talent_sd.inputs.city_figures import Mapped

ROUNDING = 0.001
"""How far printed shares may sum over one."""


def list_cities() -> tuple[str, ...]:
    """Return the names of the cities that ship."""
    return shipped_names("city")


def more_than_whole(figures: Mapping[str, DatedFigure], mapping: Mapped) -> Problems:
    """Return a problem for each year in which a part is more than its whole."""
    problems = Problems()
    groups: dict[tuple[str, int], list[str]] = {}
    for name, figure in figures.items():
        kind = mapping.content.figures[name]
        whole = figures[kind.within].values if kind.within and kind.within in figures else {}
        for year, value in figure.values.items():
            if kind.parts:
                groups.setdefault((kind.parts, year), []).append(name)
            if value > whole.get(year, value):
                problems.say(
                    "{at}{key} in {year} is {value:g}, more than {whole}, {most:g}, which it is part of. "
                    "Check both.",
                    at=f"{figure.origin}: ", key=name, year=year, value=value, whole=kind.within, most=whole[year],
                )  # fmt: skip
    for (_, year), names in groups.items():
        total = sum(figures[name].values[year] for name in names)
        if total > 1 + ROUNDING:
            problems.say(
                "{at}{names} in {year} sum to {total:g}, more than the whole. Check them.",
                at=f"{figures[names[0]].origin}: ", names=listed(names), year=year, total=total,
            )  # fmt: skip
    return problems


def load_city(name: str | Path, mapping: Mapped | None = None) -> City:
    """Read a city by shipped name or path.

    Parameters
    ----------
    name : "hefei", or a path to a city file
    mapping : knows the figures and their units; the shipped one by default

    Raises
    ------
    InputError
        With every problem of the file: unknown figures, units, implausible values.
    """
    from talent_sd.inputs.file_schemas import CityFile

    mapping = mapping or read_mapping()
    file = read_kind(find_file(name, "city"), "city", CityFile)
    kinds, problems = mapping.content.figures, Problems()
    figures: dict[str, DatedFigure] = {}
    for key, figure in file.content.figures.items():
        at, kind = file.at("figures", key), kinds.get(key)
        if kind is None:
            problems.say("{at}unknown figure '{key}'.{hint}", at=at, key=key, hint=hint_of(key, kinds))
            continue
        if figure.unit != kind.unit:
            problems.say(
                "{at}{key} is in '{figure_unit}'; give it in '{kind_unit}'.",
                at=at, key=key, figure_unit=figure.unit, kind_unit=kind.unit,
            )  # fmt: skip
            continue
        low, high = kind.plausible
        values = figure.series()
        for year, value in values.items():
            if not low <= value <= high:
                problems.say(
                    "{at}{key} in {year} is {value:g}, outside the plausible {low:g} to {high:g} "
                    "{kind_unit}. Check its unit.",
                    at=at, key=key, year=year, value=value, low=low, high=high, kind_unit=kind.unit,
                )  # fmt: skip
        origin = Origin(file.file, file.line("figures", key))
        figures[key] = DatedFigure(values, figure.unit, figure.source, origin)
    problems += more_than_whole(figures, mapping)
    problems.refuse()
    typed = file.content
    title, province, region = (part.model_dump() for part in (typed.name, typed.province, typed.region))
    return City(
        file.path.stem, title, province, region, figures, tuple(typed.notes), file.file, file.path.resolve()
    )
