"""Scenario, city and national files, each read as what it is: one given in another's place is told so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from talent_sd.base.errors import InputError, Problems
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.schema_problems import StrictFile, sound_part, validate, without_faults
from talent_sd.inputs.shipped_names import find_file
from talent_sd.inputs.strict_yaml import Node, UnsoundFile, read_yaml, shown

if TYPE_CHECKING:
    from pydantic import BaseModel

    from talent_sd.inputs.file_schemas import NationalFile, ScenarioFile


Schema = TypeVar("Schema", bound="BaseModel")
Extending = TypeVar("Extending", bound="NationalFile | ScenarioFile")

MODEL_ENDINGS = (".mdl", ".xmile", ".xml", ".stmx", ".itmx")
TELLING = {
    "city": {"province", "region", "figures"},
    "national": {"variables", "until"},
    "scenario": {"policies", "assumptions", "shocks", "claims", "finding", "question", "context", "extends"},
    "loops": {"segments", "loops", "diagram"},
    "checks": {"checks"},
    "priors": {"parameters"},
}
"""Keys that a kind of file has. Those that several have tell nothing."""
PARTS_OF_A_MODEL = ("loops", "checks", "priors", "evidence")

CIRCLES = {
    "scenario": N_("{where}the scenarios extend one another in a circle: {names}. Remove one 'extends'."),
    "national": N_("{where}the paths extend one another in a circle: {names}. Break it."),
}


def read_kind(
    path: Path, kind: str, schema: type[Schema], problems: Problems | None = None
) -> StrictFile[Schema]:
    """Read a scenario, city or national file; parameters and errors as for `read_chain`."""
    if path.suffix.lower() in MODEL_ENDINGS and path.is_file():
        raise InputError(_misplaced(str(path), "model", kind))
    told, file = Problems(), shown(path)
    try:
        tree = read_yaml(path)
    except UnsoundFile as error:
        rest = without_faults(error.rest, error.lines)
        if rest is None:
            raise
        told += error.problems
        tree = rest
    found = kind_of(tree)
    if found is not None and found != kind:
        raise InputError(_misplaced(file, found, kind))
    if kind == "scenario":
        tree = by_model_names(tree, file)
    with told.gathered():
        content = validate(schema, tree, file)
    if problems is None:
        told.refuse()
    elif told:
        tree = sound_part(schema, tree)
        try:
            content = validate(schema, tree, file)
        except InputError:
            raise InputError(sorted(told, key=line_of)) from None
        problems += sorted(told, key=line_of)
    return StrictFile(content, tree, file, path)


def line_of(told: str) -> int:
    """Return the line that a problem is told of, 0 where it names none.

    >>> line_of("a.yaml:12: gdp is empty."), line_of("a.yaml: no such file.")
    (12, 0)
    """
    found = re.match(r"[^:]*:(\d+)", told)
    return int(found[1]) if found else 0


def by_model_names(tree: Node, file: str) -> Node:
    """Return a scenario's tree with the model's names for labels: of policies in either language, else Chinese ones.

    Raises
    ------
    InputError
        If the same stands there by its name and by its label.
    """
    problems = Problems()

    def renamed(node: Node, depth: int, asked: Callable[[str], bool]) -> Node:
        """Return a mapping with its keys renamed, and those of what they hold as deep as said."""
        if not isinstance(node.value, dict):
            return node
        found: dict[str | int, Node] = {}
        for key, inner in node.value.items():
            name = shipped_labels().key_of(key) if isinstance(key, str) and asked(key) else key
            if name in found:
                problems.say(
                    "{file}:{line}: '{key}' is {name}, which stands on line {first} already. Keep one.",
                    file=file, line=inner.key_line, key=key, name=name, first=found[name].key_line,
                )  # fmt: skip
            found[name] = renamed(inner, depth - 1, asked) if depth else inner
        return replace(node, value=found)

    sections = dict(tree.value) if isinstance(tree.value, dict) else {}
    for section, deep in {"policies": 0, "assumptions": 2, "shocks": 0}.items():
        if section in sections:
            anyhow = section == "policies"
            sections[section] = renamed(sections[section], deep, lambda key: anyhow or not key.isascii())  # noqa: B023
    problems.refuse()
    return replace(tree, value=sections) if sections else tree


def read_chain(
    path: Path,
    kind: str,
    schema: type[Extending],
    problems: Problems | None = None,
    also: Callable[[StrictFile[Extending]], list[str]] = lambda file: [],
) -> list[StrictFile[Extending]]:
    """Read a file and all that it extends, the root first.

    Parameters
    ----------
    kind : "scenario" or "national"
    problems : if given, faulty entries are noted here and left out
    also : what else is wrong with a file

    Raises
    ------
    InputError
        With the problems of the first faulty file; if a file is of another kind or the chain is a circle.
    """
    chain: list[StrictFile[Extending]] = []
    following: Path | None = path
    while following is not None:
        found = read_kind(following, kind, schema, problems)
        chain.insert(0, found)
        more = also(found)
        if more and problems is None:
            raise InputError(more)
        if problems is not None:
            problems += more
        following = _parent(found, chain, kind, problems) if found.content.extends else None
    return chain


def _parent(
    file: StrictFile[Extending], chain: list[StrictFile[Extending]], kind: str, problems: Problems | None
) -> Path | None:
    """Return the file that one extends; None after noting that there is none."""
    where = f"{file.file}:{file.tree.find(('extends',)).line}: "
    assert file.content.extends is not None
    try:
        parent = find_file(file.content.extends, kind, file.path, where)
    except InputError as error:
        if problems is None:
            raise
        problems += error.problems
        return None
    seen = [one.path.resolve() for one in reversed(chain)]
    if parent.resolve() in seen:
        circle = [*seen[seen.index(parent.resolve()) :], parent]
        raise InputError(CIRCLES[kind], where=where, names=" -> ".join(path.name for path in circle))
    return parent


def kind_of(tree: Node) -> str | None:
    """Return the kind of file that a tree's keys tell of; None where they tell of none, or of two."""
    if not isinstance(tree.value, dict):
        return None
    keys = set(tree.value)
    if isinstance(figures := getattr(tree.value.get("figures"), "value", None), list) and figures:
        return "evidence"
    found = {kind: len(keys & own) for kind, own in TELLING.items() if keys & own}
    # a national path may have a question and extend another, as a scenario does
    if "national" in found and "variables" in keys:
        found.pop("scenario", None)
    return next(iter(found)) if len(found) == 1 else None


def part_of_a_model(tree: Node, file: str) -> str | None:
    """Return what to say of a file that belongs to a model and is checked with it; None of all others."""
    found = kind_of(tree)
    if found not in PARTS_OF_A_MODEL:
        return None
    return tell(
        "{file}: this is {found}, which belongs to a model. `check` reads scenario, city, national and model files; "
        "`talent-sd validate` reads this one.",
        file=file,
        found=_kinds()[found],
    )


def _misplaced(file: str, found: str, wanted: str) -> str:
    remedies = {
        "scenario": tell(" Give it as the command's scenario."),
        "city": tell(" Give it with --city."),
        "national": tell(" Give it with --national."),
        "model": tell(" For its loops: `talent-sd loops {file}`; from Python: load_model.", file=file),
    }
    kinds = _kinds()
    return tell(
        "{file}: this is {found}, not {wanted}.{remedy}",
        file=file,
        found=kinds[found],
        wanted=kinds[wanted],
        remedy=remedies.get(found, ""),
    )


def _kinds() -> dict[str, str]:
    """Return kinds of files in the user's language."""
    return {
        "scenario": tell("a scenario"),
        "city": tell("a city file"),
        "national": tell("a national path"),
        "loops": tell("a file of loops"),
        "checks": tell("a file of checks"),
        "priors": tell("a file of ranges of constants"),
        "evidence": tell("a ledger of evidence"),
        "model": tell("a model"),
    }
