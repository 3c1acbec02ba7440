"""The starter file of a city: every figure with its unit, years and where to find it, none invented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.words import word
from talent_sd.output.numbers import unit_label
from talent_sd.output.starters import commented, quoted, schema_line
from talent_sd.scenario.validate import PLACEHOLDERS

if TYPE_CHECKING:
    from talent_sd.scenario.figures import Mapped
    from talent_sd.scenario.schema import CityFigures, FigureKind, FigureToConstant

CENSUS_EVERY = 10
"""Years between two censuses, held in years that end with 0."""


def city_starter(path: Path, mapping: Mapped, start: int, lang: str = "en") -> str:
    """Return the text of a city file whose figures are still to be filled in.

    Parameters
    ----------
    path : where it will be
    mapping : the figures that a city may hold, and what the model does with them
    start : first year of a forecast
    """
    gap, name = PLACEHOLDERS[lang], quoted(path.stem.replace("_", " "))
    needed, optional, unused = _sorted_by_use(mapping.content)
    lines = [
        schema_line("city"),
        *commented(
            word("new.city", lang, name=path.stem),
            word("new.city_todo", lang, placeholder=gap, file=path),
            word("new.city_years", lang, start=start),
            word("new.city_more", lang),
            word("new.commented_city", lang),
        ),
        f"name: {{en: {name}, zh: {name}}}",
        f"province: {{en: {gap}, zh: {gap}}}",
        f"region: {{en: {gap}, zh: {gap}}}",
        "figures:",
    ]
    for heading, figures, mark in (
        ("new.needed", needed, ""), ("new.optional", optional, "# "), ("new.unused", unused, "# "),
    ):  # fmt: skip
        lines.append(f"  # ---- {word(heading, lang)} ----")
        for figure in figures:
            lines += _figure(figure, mark, mapping.content, start, lang)
    return "\n".join(lines) + "\n"


def _sorted_by_use(content: CityFigures) -> tuple[list[str], list[str], list[str]]:
    """Return the figures that the model cannot do without, those it can, and those it does not use."""
    rules = [(rule, (*rule.figure, *rule.divisors)) for rule in content.constants.values()]
    needed = {name for rule, names in rules if rule.default is None for name in names}
    used = {name for _, names in rules for name in names}
    kinds = list(content.figures)
    return (
        [name for name in kinds if name in needed],
        [name for name in kinds if name in used - needed],
        [name for name in kinds if name not in used],
    )


def _figure(name: str, mark: str, content: CityFigures, start: int, lang: str) -> Iterator[str]:
    """Write one figure: what it is, unit, years, where from, and the line to fill in."""
    kind, gap = content.figures[name], PLACEHOLDERS[lang]
    rules = [rule for rule in content.constants.values() if name in (*rule.figure, *rule.divisors)]
    counted = kind.census or kind.ages or kind.structure or (kind.province or "").startswith("census")
    year = start - start % CENSUS_EVERY if counted else start
    oldest = max((start - rule.max_age for rule in rules), default=start)
    key = "new.wanted_latest" if rules else "new.wanted"
    unit = unit_label(kind.unit, lang) or word("new.share", lang)
    title = word(f"figure.{name}", lang)
    yield f"  # {word(key, lang, figure=title, unit=unit, year=year, first=oldest, start=start)}"
    yield f"  # {_found_in(name, kind, year, lang)}"
    if mark and rules:
        yield f"  # {_stands_in(rules[0], lang)}"
    yield f"  {mark}{name}: {{unit: {quoted(kind.unit)}, source: {gap}, values: {{{year}: {gap}}}}}"


def _found_in(name: str, kind: FigureKind, year: int, lang: str) -> str:
    """Say where such a figure is published."""
    if kind.province:
        place = "province"
    elif kind.census or kind.ages or kind.structure:
        place = "long_form" if kind.structure or name.startswith("share_") else "census"
    else:
        place = "market" if name == "house_price" else "yearbook"
    return word(f"new.from_{place}", lang, year=year)


def _stands_in(rule: FigureToConstant, lang: str) -> str:
    """Say what the model takes where the figure is missing."""
    default = rule.default
    if default is None or default.value is None:
        return word("new.fallback_national", lang)
    low, high = default.range or (default.value, default.value)
    return word("new.fallback_value", lang, value=f"{default.value:g}", low=f"{low:g}", high=f"{high:g}")
