"""Starter files: a scenario that runs as it stands, with all that it could set in comments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from talent_sd.base.errors import InputError
from talent_sd.base.language import LANGUAGES, N_, reason_of, tell
from talent_sd.base.output_folders import UNWRITABLE_FILE
from talent_sd.inputs.city_files import EVERYWHERE, read_provinces
from talent_sd.inputs.figure_schemas import FIGURES
from talent_sd.inputs.file_schemas import schemas_folder
from talent_sd.inputs.labels import Labels
from talent_sd.inputs.schema_problems import PLACEHOLDERS
from talent_sd.inputs.setting_checks import TIMING, shock_constant, shocks_of
from talent_sd.inputs.settings import policy_key
from talent_sd.inputs.shipped_names import shipped_names
from talent_sd.output.speech import Speech

if TYPE_CHECKING:
    from talent_sd.inputs import Scenario
    from talent_sd.inputs.city_figures import Mapped
    from talent_sd.inputs.figure_schemas import CityFigures
    from talent_sd.model.structure import Structure, Variable

QUESTION = N_("What shall this scenario answer?")
STRENGTH = ("intensity", "unit cost")
EXAMPLES = ("policy budget share",)
"""Constants shown as assumptions."""
PART_HIT = N_("a part: 0.2 is a fifth")
FACTOR_HIT = N_("a factor, not a part: 0.8 leaves 80 %, a fall by a fifth")
SHOCK_PART, SHOCK_FACTOR = 0.2, 0.8
"""A shock's size in the example, where it is a part and where it is a factor."""
NEXT_YEAR = date.today().year + 1
"""When what is planned now can begin."""


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
        raise InputError("'{name}' cannot be the name of a file. Choose another.", name=name)
    if path.suffix.lower() not in (".yaml", ".yml"):
        path = path.with_name(f"{path.name}.yaml")
    if path.stem in shipped_names(kind):
        raise InputError("'{name}' is the name of a file that ships. Choose another.", name=path.stem)
    if path.exists() or path.is_symlink():
        raise InputError("{file}: is there already. Choose another name.", file=path)
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
        raise InputError("{file}: is there already. Choose another name.", file=path) from None
    except OSError as error:
        path.unlink(missing_ok=True)  # half a file is none
        raise InputError(UNWRITABLE_FILE, file=path, reason=reason_of(error)) from None


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
    say = Speech(lang, labels)
    return _filled(
        "scenario",
        say,
        path=path,
        question={name: quoted(tell(QUESTION, name)) for name in LANGUAGES},
        extends=quoted(extends),
        policies=_policies(parent, structure, own, say),
        assumptions=_assumptions(structure, own, say),
        shocks=_shocks(structure, say),
        budget_from=_number(NEXT_YEAR),
        paths=", ".join(f"national/{name}" for name in shipped_names("national")),
        context=quoted(str(parent.context.value) if parent.context else "national/central"),
    )


def _filled(kind: str, say: Speech, *, path: Path, **values: object) -> str:
    """Return the text of a starter file of a kind.

    Its first line tells an editor with a YAML language server how to complete the file.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=False,  # noqa: S701 (YAML, not HTML)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template(f"{kind}.yaml.j2")
    schema, title = (schemas_folder() / f"{kind}.json").as_uri(), quoted(path.stem.replace("_", " "))
    return template.render(say=say, quoted=quoted, schema=schema, title=title, path=path, **values)


def quoted(text: str) -> str:
    """Return a text as YAML that is read back as it was."""
    return json.dumps(text, ensure_ascii=False)


def _policies(
    parent: Scenario, structure: Structure, own: Mapping[str, float], say: Speech
) -> Iterator[tuple[str, str, str]]:
    """Yield each policy, what its settings mean, and their values."""
    for policy in structure.subscripts.get("policy", ()):
        constants = {key: structure.find(f"{policy.replace('_', ' ')} {key}") for key in STRENGTH}
        known = {key: constant for key, constant in constants.items() if constant is not None}
        values: dict[str, object] = {key: own.get(policy_key(policy, part)) for key, part in TIMING.items()}
        values |= _from_next_year(values, structure, own)
        values |= {key: own.get(constant.name) for key, constant in known.items()}
        above = parent.policies.get(policy, {})
        values |= {key: setting.value for key, setting in above.items() if key in values}
        told = [_meaning(constant, say) for constant in known.values()]
        if above:
            origin = next(iter(above.values())).origin
            told.append(say("{file}:{line} sets it", file=origin.file, line=origin.line))
        flow = ", ".join(f"{key}: {_number(value)}" for key, value in values.items() if value is not None)
        yield policy, say("; ").join(filter(None, told)), flow


def _from_next_year(
    timing: Mapping[str, Any], structure: Structure, own: Mapping[str, float]
) -> dict[str, float]:
    """Return a policy's first year and end, moved so that it begins next year; none lasts beyond the last of all."""
    starts, ends = timing.get("from"), timing.get("until")
    if starts is None or ends is None or starts > NEXT_YEAR:
        return {}
    latest = max(own[policy_key(one, TIMING["until"])] for one in structure.subscripts["policy"])
    return {"from": NEXT_YEAR, "until": min(ends + NEXT_YEAR - starts, latest)}


def _assumptions(
    structure: Structure, own: Mapping[str, float], say: Speech
) -> Iterator[tuple[str, str, str]]:
    for name in EXAMPLES:
        constant = structure.find(name)
        if constant is not None and name in own:
            yield name, _meaning(constant, say), _number(own[name])


def _shocks(structure: Structure, say: Speech) -> Iterator[tuple[str, str, str, str]]:
    for shock in shocks_of(structure):
        size = structure[shock_constant(shock, "size")]
        part = SHOCK_PART if (size.limits[1] or 1.0) <= 1 else SHOCK_FACTOR
        hit = say(PART_HIT) if part == SHOCK_PART else say(FACTOR_HIT)
        yield (
            shock,
            say("{meaning}; {hit}", meaning=_meaning(size, say), hit=hit),
            _number(NEXT_YEAR),
            _number(part),
        )


def _meaning(constant: Variable, say: Speech) -> str:
    """Say what a constant is, and between which limits in which unit."""
    text = (
        constant.doc.split(" Source:")[0].rstrip(".; ") if say.lang == "en" else say.variable(constant.name)
    )
    low, high = constant.limits
    if low is None or high is None:
        return text
    unit = say.unit_of(constant.unit)
    limits = say("{low} to {high} {unit}", low=_number(low), high=_number(high), unit=unit).strip()
    return say("{meaning}, {limits}", meaning=text, limits=limits)


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
    say, (needed, optional, unused) = Speech(lang), _sorted_by_use(mapping.content)
    parts = [
        (say(heading), mark, [_wanted(name, mapping.content, start, say) for name in names])
        for heading, names, mark in (
            (N_("Needed"), needed, ""),
            (N_("Wanted, but something stands in for them"), optional, "# "),
            (N_("For the record: the model does not use them"), unused, "# "),
        )
    ]
    return _filled("city", say, path=path, gap=PLACEHOLDERS[lang], start=start, parts=parts)


def _sorted_by_use(content: CityFigures) -> tuple[list[str], list[str], list[str]]:
    """Return the figures that the model cannot do without, those it can, and those it does not use."""
    rules = [(rule, (*rule.figure, *rule.divisors)) for rule in content.constants.values()]
    needed = {name for rule, names in rules if not (rule.default or rule.optional) for name in names}
    used = {name for rule, names in rules for name in (*names, *rule.owned)}
    everywhere = {name for name, one in read_provinces().content.figures.items() if EVERYWHERE in one.values}
    kinds = [name for name in content.figures if name not in everywhere]
    return (
        [name for name in kinds if name in needed],
        [name for name in kinds if name in used - needed],
        [name for name in kinds if name not in used],
    )


def _wanted(name: str, content: CityFigures, start: int, say: Speech) -> SimpleNamespace:
    """Return what the template tells of a figure: its kind, the rules that use it, and the years wanted."""
    kind = content.figures[name]
    rules = [
        rule
        for rule in content.constants.values()
        if name in (*rule.figure, *rule.divisors, *rule.owned) and not rule.after
    ]
    counted = kind.census or kind.ages or kind.structure or (kind.province or "").startswith("census")
    year = start - start % CENSUS_EVERY if counted else start
    oldest = max((start - rule.max_age for rule in rules), default=start)
    title, provinces = say(FIGURES[name]), read_provinces().content.figures
    of_province = bool(rules) and any(one in provinces for one in rules[0].figure)
    return SimpleNamespace(
        name=name, title=title, kind=kind, rules=rules, year=year, oldest=oldest, of_province=of_province
    )
