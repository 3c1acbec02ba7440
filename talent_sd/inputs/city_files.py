"""City files: facts, each with unit, year and source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from talent_sd.base.errors import InputError
from talent_sd.base.language import listed, tell
from talent_sd.inputs.city_figures import City, DatedFigure, Mapped, read_mapping
from talent_sd.inputs.file_kinds import refuse_model_file, refuse_other_kind
from talent_sd.inputs.limits import hint_of
from talent_sd.inputs.schema_problems import validate
from talent_sd.inputs.shipped_names import find_file, shipped_names
from talent_sd.inputs.strict_yaml import read_yaml, shown

ROUNDING = 0.001
"""How far printed shares may sum over one."""


def list_cities() -> tuple[str, ...]:
    """Return the names of the cities that ship."""
    return shipped_names("city")


def more_than_whole(figures: Mapping[str, DatedFigure], mapping: Mapped) -> list[str]:
    """Return a problem for each year in which a part is more than its whole."""
    problems = []
    groups: dict[tuple[str, int], list[str]] = {}
    for name, figure in figures.items():
        kind = mapping.content.figures[name]
        at = f"{figure.file}:{figure.line}: "
        whole = figures[kind.within].values if kind.within and kind.within in figures else {}
        for year, value in figure.values.items():
            if kind.parts:
                groups.setdefault((kind.parts, year), []).append(name)
            if value > whole.get(year, value):
                problems.append(
                    tell(
                        "{at}{key} in {year} is {value:g}, more than {whole}, {most:g}, which it is part of. "
                        "Check both.",
                        at=at, key=name, year=year, value=value, whole=kind.within, most=whole[year],
                    )
                )  # fmt: skip
    for (_, year), names in groups.items():
        total = sum(figures[name].values[year] for name in names)
        if total > 1 + ROUNDING:
            first = figures[names[0]]
            problems.append(
                tell(
                    "{at}{names} in {year} sum to {total:g}, more than the whole. Check them.",
                    at=f"{first.file}:{first.line}: ", names=listed(names), year=year, total=total,
                )
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
    path = find_file(name, "city")
    refuse_model_file(path, "city")
    tree = read_yaml(path)
    file = shown(path)
    refuse_other_kind(tree, "city", file)
    typed = validate(CityFile, tree, file)
    problems: list[str] = []
    figures: dict[str, DatedFigure] = {}
    kinds = mapping.content.figures
    for key, figure in typed.figures.items():
        line = tree.find(("figures", key)).key_line
        at = f"{file}:{line}: "
        kind = kinds.get(key)
        if kind is None:
            problems.append(
                tell("{at}unknown figure '{key}'.{hint}", at=at, key=key, hint=hint_of(key, kinds))
            )
            continue
        if figure.unit != kind.unit:
            problems.append(
                tell(
                    "{at}{key} is in '{figure_unit}'; give it in '{kind_unit}'.",
                    at=at,
                    key=key,
                    figure_unit=figure.unit,
                    kind_unit=kind.unit,
                )
            )
            continue
        low, high = kind.plausible
        values = figure.series()
        for year, value in values.items():
            if not low <= value <= high:
                problems.append(
                    tell(
                        "{at}{key} in {year} is {value:g}, outside the plausible {low:g} to {high:g} "
                        "{kind_unit}. Check its unit.",
                        at=at,
                        key=key,
                        year=year,
                        value=value,
                        low=low,
                        high=high,
                        kind_unit=kind.unit,
                    )
                )
        figures[key] = DatedFigure(values, figure.unit, figure.source, file, line)
    problems += more_than_whole(figures, mapping)
    if problems:
        raise InputError(problems)
    words = [{"en": part.en, "zh": part.zh} for part in (typed.name, typed.province, typed.region)]
    return City(path.stem, words[0], words[1], words[2], figures, tuple(typed.notes), file, path.resolve())
