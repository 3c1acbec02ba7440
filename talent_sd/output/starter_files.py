"""Starter files: a scenario that runs as it stands, with all that it could set in comments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError
from talent_sd.base.labels import Labels
from talent_sd.base.messages import reason_of, tell, word
from talent_sd.inputs.file_schemas import schemas_folder
from talent_sd.inputs.schema_problems import PLACEHOLDERS
from talent_sd.inputs.setting_checks import TIMING
from talent_sd.inputs.shipped_names import shipped_names
from talent_sd.output.numbers import unit_label

if TYPE_CHECKING:
    from talent_sd.inputs import Scenario
    from talent_sd.inputs.city_figures import Mapped
    from talent_sd.inputs.file_schemas import CityFigures, FigureKind, FigureToConstant
    from talent_sd.model.structure import Structure, Variable

STRENGTH = ("intensity", "unit cost")
EXAMPLES = ("policy budget share",)
"""Constants shown as assumptions."""
SHOCK_PART, SHOCK_FACTOR, SHOCK_AFTER = 0.2, 0.8, 5
"""A shock's size in the example, where it is a part and where it is a factor; years after the start it comes."""


def starter_path(name: str, kind: str) -> Path:
    """Return the file that a starter of this name goes to.

    Parameters
    ----------
    name : a bare name, or a path that ends in .yaml or .yml
    kind : "scenario" or "city"

    Raises
    ------
    InputError
        If the name cannot be one, is a shipped file's, or the file is there already.
    """
    path = Path(name)
    if not path.stem.strip() or not name.isprintable() or path.name in (".", ".."):
        raise InputError(tell("'{name}' cannot be the name of a file. Choose another.", name=name))
    if path.suffix.lower() not in (".yaml", ".yml"):
        path = path.with_name(f"{path.name}.yaml")
    if path.stem in shipped_names(kind):
        raise InputError(tell("'{name}' is the name of a file that ships. Choose another.", name=path.stem))
    if path.exists() or path.is_symlink():
        raise InputError(tell("{file}: is there already. Choose another name.", file=path))
    return path


def write_starter(path: Path, text: str) -> None:
    """Write a starter file, never over another.

    Raises
    ------
    InputError
        If it is there already, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(tell("{file}: is there already. Choose another name.", file=path)) from None
    except OSError as error:
        reason = reason_of(error)
        raise InputError(
            tell("{file}: cannot be written ({reason}). Choose another place.", file=path, reason=reason)
        ) from None


def scenario_starter(
    path: Path, parent: Scenario, extends: str, structure: Structure, own: Mapping[str, float],
    labels: Labels, lang: str = "en",
) -> str:  # fmt: skip
    """Return the text of a scenario that changes nothing yet.

    Parameters
    ----------
    path : where it will be
    parent, extends : the scenario it starts from, and how the file names it
    structure, own : the model and its own constants
    """
    title = quoted(path.stem.replace("_", " "))
    head = [
        schema_line("scenario"),
        *commented(
            word("new.scenario", lang, name=path.stem, file=path),
            word("new.scenario_check", lang, file=path),
            word("new.commented", lang),
        ),
        f"title: {{en: {title}, zh: {title}}}",
        f"# question: {{en: {quoted(word('new.question', 'en'))}, zh: {quoted(word('new.question', 'zh'))}}}",
        *commented(word("new.parent", lang)),
        f"extends: {quoted(extends)}",
        "",
    ]
    names = ", ".join(f"national/{name}" for name in shipped_names("national"))
    context = str(parent.context.value) if parent.context else "national/central"
    tail = [*commented(word("new.context", lang, names=names)), f"# context: {quoted(context)}"]
    parts = [
        _policies(parent, structure, own, labels, lang),
        _assumptions(structure, own, labels, lang),
        _shocks(structure, labels, lang),
    ]
    body = [line for part in parts for line in (*part, "")]
    return "\n".join([*head, *body, *tail]) + "\n"


def schema_line(kind: str) -> str:
    """Return the line that tells an editor with a YAML language server how to complete the file."""
    return f"# yaml-language-server: $schema={(schemas_folder() / f'{kind}.json').as_uri()}"


def commented(*texts: str) -> list[str]:
    """Return texts as comments."""
    return [f"# {text}" for text in texts]


def quoted(text: str) -> str:
    """Return a text as YAML that is read back as it was."""
    return json.dumps(text, ensure_ascii=False)


def _policies(
    parent: Scenario, structure: Structure, own: Mapping[str, float], labels: Labels, lang: str
) -> Iterator[str]:
    yield from commented(word("new.policies", lang), word("new.policies_more", lang), "policies:")
    for policy in structure.subscripts.get("policy", ()):
        constants = {key: structure.find(f"{policy.replace('_', ' ')} {key}") for key in STRENGTH}
        known = {key: constant for key, constant in constants.items() if constant is not None}
        timing = {key: own.get(f"{name}[{policy}]") for key, name in TIMING.items()}
        strength = {key: own.get(constant.name) for key, constant in known.items()}
        values: dict[str, object] = {**timing, **strength}
        above = parent.policies.get(policy, {})
        values |= {key: setting.value for key, setting in above.items() if key in values}
        flow = ", ".join(f"{key}: {_number(value)}" for key, value in values.items() if value is not None)
        note = ""
        if above:
            origin = next(iter(above.values())).origin
            note = word("new.inherited", lang, file=origin.file, line=origin.line)
        meanings = [*(_meaning(constant, labels, lang) for constant in known.values()), note]
        told = word("new.then", lang).join(filter(None, meanings))
        yield f"#   # {word('new.what', lang, name=labels.element(policy, lang), meaning=told)}"
        yield f"#   {policy}: {{{flow}}}"


def _assumptions(structure: Structure, own: Mapping[str, float], labels: Labels, lang: str) -> Iterator[str]:
    yield from commented(word("new.assumptions", lang), "assumptions:")
    why, source = quoted(word("new.why", lang)), quoted(word("new.source", lang))
    for name in EXAMPLES:
        constant = structure.find(name)
        if constant is not None and name in own:
            yield f"#   # {_meaning(constant, labels, lang)}"
            yield f"#   {name}: {{value: {_number(own[name])}, why: {why}, source: {source}}}"


def _shocks(structure: Structure, labels: Labels, lang: str) -> Iterator[str]:
    yield from commented(word("new.shocks", lang), "shocks:")
    for name in structure.variables:
        size = structure.find(f"{name.removesuffix(' time')} size")
        if not name.endswith(" time") or size is None:
            continue
        year = structure.time["INITIAL TIME"] + SHOCK_AFTER
        shock = name.removesuffix(" time").replace(" ", "_")
        part = SHOCK_PART if (size.limits[1] or 1.0) <= 1 else SHOCK_FACTOR
        yield f"#   # {_meaning(size, labels, lang)}"
        yield f"#   {shock}: {{at: {_number(year)}, size: {_number(part)}}}"


def _meaning(constant: Variable, labels: Labels, lang: str) -> str:
    """Say what a constant is, and between which limits in which unit."""
    label = labels.variable(constant.name, lang)
    text = constant.doc.split(" Source:")[0].rstrip(".; ") if lang == "en" else label
    low, high = constant.limits
    if low is None or high is None:
        return text
    unit = unit_label(constant.unit, lang)
    limits = word("new.range", lang, low=_number(low), high=_number(high), unit=unit).strip()
    return word("new.limits", lang, meaning=text, limits=limits)


def _number(value: object) -> str:
    """Write a number as a person would: 30000, not 3e+04.

    >>> _number(30000.0), _number(0.03), _number(2025)
    ('30000', '0.03', '2025')
    """
    assert isinstance(value, (int, float))
    return f"{value:.12g}"


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
    rules = [(rule, [*rule.figure, *([rule.per] if rule.per else [])]) for rule in content.constants.values()]
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
    rules = [rule for rule in content.constants.values() if name in (*rule.figure, rule.per)]
    counted = kind.census or (kind.province or "").startswith("census")
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
    elif kind.census:
        place = "long_form" if name.startswith("share_") else "census"
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
