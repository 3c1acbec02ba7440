"""City files: facts, each with unit, year and source."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.arguments import checked
from talent_sd.base.errors import OddFigure, Problems
from talent_sd.base.files import shipped_folder, tellable
from talent_sd.base.language import apart, listed
from talent_sd.inputs.checking import hint_of
from talent_sd.inputs.city_figures import City, DatedFigure, read_mapping
from talent_sd.inputs.figure_bounds import hold_to_bounds, years_to_come
from talent_sd.inputs.file_kinds import read_kind
from talent_sd.inputs.schema_problems import StrictFile, read_strict
from talent_sd.inputs.settings import Origin
from talent_sd.inputs.shipped_names import find_file, shipped_names
from talent_sd.model.units import after_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from talent_sd.inputs.city_figures import Mapped
    from talent_sd.inputs.figure_schemas import ProvincesFile
    from talent_sd.inputs.file_schemas import CityFile

EVERYWHERE = "全国"
"""The place of figures that all cities share."""


@cache
def read_provinces() -> StrictFile[ProvincesFile]:
    """Read the figures that all cities of a province share.

    Raises
    ------
    InputError
        If the file is not well formed.
    """
    from talent_sd.inputs.figure_schemas import ProvincesFile

    return read_strict(shipped_folder("models") / "provinces.yaml", ProvincesFile)


def figures_of_province(province: Mapping[str, str], mapping: Mapped) -> dict[str, DatedFigure]:
    """Return the figures that a city has from its province."""
    file, found = read_provinces(), {}
    for name, figure in file.content.figures.items():
        origin = Origin(file.file, file.line("figures", name))
        for place, values in figure.values.items():
            if place == EVERYWHERE or province["zh"].startswith(place):
                found[name] = DatedFigure(values, mapping.content.figures[name].unit, figure.source, origin)
    return found


def _province(file: StrictFile[CityFile], problems: Problems) -> dict[str, str]:
    """Return a city's province by both its names; note names that are none, or of two provinces."""
    known = read_provinces().content.names
    called = {
        zh[: len(zh) - cut].casefold(): zh for zh in known for cut in range(len(zh) - 1)
    }  # 内蒙古, 辽宁
    called |= {en.casefold(): zh for zh, en in known.items()}
    given = file.content.province.model_dump()
    found = {text: called.get(text.strip().casefold()) for text in given.values()}
    at = file.at("province")
    for text in (text for text, name in found.items() if name is None):
        problems.say(
            "{at}'{name}' is no province of China.{hint} Name it in English or Chinese; a city of none names the Nation.",
            at=at, name=text, hint=hint_of(text, known.values() if text.isascii() else known),
        )  # fmt: skip
    if len(names := {name for name in found.values() if name}) > 1:
        problems.say(
            "{at}{names} are two provinces. Name the one that the city is in.",
            at=at,
            names=listed(sorted(names)),
        )
    name = min(names, default=EVERYWHERE)
    return {"en": known[name], "zh": name}


def list_cities() -> tuple[str, ...]:
    """Return the names of the cities that ship."""
    return shipped_names("city")


@checked
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
        out = {year: value for year, value in values.items() if not low <= value <= high}
        for year, value in out.items():
            problems.say(
                "{at}{key} in {year} is {value:g}, outside the plausible {low:g} to {high:g}{unit}. "
                "Check its unit.",
                at=at, key=key, year=year, unit=after_number(kind.unit), **apart(value=value, low=low, high=high),
            )  # fmt: skip
        origin = Origin(file.file, file.line("figures", key))
        if not out:
            figures[key] = DatedFigure(values, figure.unit, figure.source, origin)
    province = _province(file, problems)
    hold_to_bounds(
        {name: figure.values for name, figure in figures.items()}, "city",
        lambda name, _: str(figures[name].origin), problems,
    )  # fmt: skip
    problems.refuse()
    if later := years_to_come({name: figure.values for name, figure in figures.items()}):
        warnings.warn(f"{file.file}: {later}", OddFigure, stacklevel=2)
    typed = file.content
    title, region = typed.name.model_dump(), typed.region.model_dump()
    figures = {**figures_of_province(province, mapping), **figures}
    return City(
        tellable(file.path.stem), title, province, region, figures, tuple(typed.notes), file.file,
        file.path.resolve(),
    )  # fmt: skip
