"""A scenario with all that it extends, each setting with its origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.messages import tell
from talent_sd.inputs.file_kinds import refuse_model_file, refuse_other_kind
from talent_sd.inputs.schema_problems import sound_part, validate
from talent_sd.inputs.shipped_names import find_file, shipped_names
from talent_sd.inputs.strict_yaml import Node, read_yaml, shown

if TYPE_CHECKING:
    from talent_sd.inputs.file_schemas import Policy, ScenarioFile, Words


def unknown_evidence(tree: Node, typed: ScenarioFile, file: str) -> list[str]:
    """Return a line for each id in a scenario that is not in the ledger.

    Parameters
    ----------
    tree, typed : the file as read, for its lines, and as checked
    file : as messages name it
    """
    cited = {
        name: policy.settings.evidence
        for name, policy in typed.policies.items()
        if policy.settings is not None and policy.settings.evidence
    }
    if not cited:
        return []
    ledger: Any = read_yaml(shipped_folder("models") / "evidence.yaml").plain()
    known = [str(figure["id"]) for figure in ledger["figures"]]
    return [
        f"{file}:{tree.find(('policies', name, 'evidence', number)).line}: no evidence '{ident}' in the "
        f"ledger.{nearest(ident, known)} See `talent-sd list evidence`."
        for name, idents in cited.items()
        for number, ident in enumerate(idents)
        if ident not in known
    ]


# The keys of a policy that set nothing in the model.
NOTES = ("evidence", "why", "source")


@dataclass(frozen=True)
class Origin:
    """Where a value was written: file, line (0: no particular line) and what it says."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        """Return "file:line"."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Setting:
    """A value, its origin, and the setting of an ancestor that it replaced."""

    value: object
    origin: Origin
    replaced: Setting | None = None


@dataclass(frozen=True)
class Scenario:
    """A scenario, merged with its ancestors.

    Parameters
    ----------
    name, file : of the scenario itself
    title, question : texts by language
    chain : the files it was merged from as messages name them, the root first
    paths : where those files are
    policies : policy name to its settings: "switch" (bool), "from", "until", "ramp",
        "intensity", "unit cost", "targeting", "pause.from", "pause.until", and what else
        the file sets
    claims, finding : notes by language, empty where the file has none; never inherited
    assumptions : constant, or "constant[element]", to its value
    shocks : shock name to its settings, such as "at" and "size"
    context : the national path, None where no file names one
    """

    name: str
    file: str
    title: Mapping[str, str]
    question: Mapping[str, str]
    chain: tuple[str, ...]
    policies: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    assumptions: Mapping[str, Setting] = field(default_factory=dict)
    shocks: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    context: Setting | None = None
    paths: tuple[Path, ...] = ()
    claims: Mapping[str, str] = field(default_factory=dict)
    finding: Mapping[str, str] = field(default_factory=dict)


def list_scenarios() -> tuple[str, ...]:
    """Return the names of the scenarios that ship."""
    return shipped_names("scenario")


def load_scenario(name: str | Path, problems: list[str] | None = None) -> Scenario:
    """Read a scenario and all that it extends.

    The child's keys win. A policy given as a mapping is merged with its parent's,
    key by key; `on` and `off` replace it whole (`on` is the model's defaults).

    Parameters
    ----------
    name : a shipped name such as "baseline", or a path
    problems : if given, faulty entries are noted here and left out, so that the rest can be
        checked too, and all be told at once

    Raises
    ------
    InputError
        With every problem of form; names and limits are checked against a model
        by `resolve_scenario`.
    """
    chain = _read_chain(find_file(name, "scenario"), problems)
    merged: Scenario | None = None
    for path, tree, typed in chain:
        merged = _laid_over(merged, path, tree, typed)
    assert merged is not None
    return merged


def _read_chain(path: Path, problems: list[str] | None) -> list[tuple[Path, Node, ScenarioFile]]:
    """Return the files from the root to `path`."""
    from talent_sd.inputs.file_schemas import ScenarioFile

    chain: list[tuple[Path, Node, ScenarioFile]] = []
    seen: list[Path] = []
    while True:
        refuse_model_file(path, "scenario")
        tree = read_yaml(path)
        refuse_other_kind(tree, "scenario", shown(path))
        try:
            typed = validate(ScenarioFile, tree, shown(path))
        except InputError as error:
            if problems is None:
                raise
            problems += error.problems
            tree = sound_part(ScenarioFile, tree)
            typed = validate(ScenarioFile, tree, shown(path))
        unknown = unknown_evidence(tree, typed, shown(path))
        if unknown and problems is None:
            raise InputError(unknown)
        if problems is not None:
            problems += unknown
        chain.insert(0, (path, tree, typed))
        seen.append(path.resolve())
        if typed.extends is None:
            return chain
        where = f"{shown(path)}:{tree.find(('extends',)).line}: "
        try:
            parent = find_file(typed.extends, "scenario", path, where)
        except InputError as error:
            if problems is None:
                raise
            problems += error.problems
            return chain
        if parent.resolve() in seen:
            circle = [p.name for p in seen[seen.index(parent.resolve()) :]] + [parent.name]
            raise InputError(
                tell(
                    "{where}the scenarios extend one another in a circle: {names}. Remove one 'extends'.",
                    where=where,
                    names=" -> ".join(circle),
                )
            )
        path = parent


def _laid_over(parent: Scenario | None, path: Path, tree: Node, typed: ScenarioFile) -> Scenario:
    """Return the parent with one file's settings laid over it."""
    file = shown(path)

    def setting(value: object, where: tuple[object, ...], old: Setting | None) -> Setting:
        node = tree.find(where)
        line = node.key_line if node.line == node.key_line else node.line
        return Setting(value, Origin(file, line, _text(where[1:] or where, value)), old)

    policies = dict(parent.policies) if parent else {}
    for name, policy in typed.policies.items():
        policies[name] = _policy(name, policy, policies.get(name, {}), setting)
    assumptions = _assumptions(dict(parent.assumptions) if parent else {}, typed, setting)
    shocks = {name: dict(parts) for name, parts in (parent.shocks if parent else {}).items()}
    for name, parts in typed.shocks.items():
        own = shocks.setdefault(name, {})
        for key, value in parts.items():
            own[key] = setting(value, ("shocks", name, key), own.get(key))
    context = parent.context if parent else None
    if typed.context is not None:
        context = setting(typed.context, ("context",), context)
    return Scenario(
        path.stem,
        file,
        _both(typed.title),
        _both(typed.question) or {"en": "", "zh": ""},
        (*(parent.chain if parent else ()), file),
        policies,
        assumptions,
        shocks,
        context,
        (*(parent.paths if parent else ()), path.resolve()),
        _both(typed.claims),
        _both(typed.finding),
    )


def _both(words: Words | None) -> dict[str, str]:
    """Return a text by language, nothing where there is none."""
    return {"en": words.en, "zh": words.zh} if words else {}


def _policy(
    name: str, policy: Policy, before: Mapping[str, Setting], setting: _MakeSetting
) -> dict[str, Setting]:
    """Return a policy's settings: a mapping merges with what was set before, on and off replace it."""
    where = ("policies", name)
    switch = {"switch": setting(policy.on, where, before.get("switch"))}
    if policy.settings is None:
        return switch
    given = policy.settings.model_dump(by_alias=True, exclude_none=True)
    pause = {("pause", key): year for key, year in given.pop("pause", {}).items()}
    flat = {(key,): value for key, value in given.items() if key not in NOTES} | pause
    own = {}
    for path, value in flat.items():
        key = ".".join(path)
        own[key] = setting(value, (*where, *path), before.get(key))
    if before and "switch" in before and before["switch"].value is True:
        switch = {"switch": before["switch"]}
    return {**before, **switch, **own}


def _assumptions(
    merged: dict[str, Setting], typed: ScenarioFile, setting: _MakeSetting
) -> dict[str, Setting]:
    """Lay a file's assumptions over its parent's.

    A value for the whole of a subscripted constant replaces what was set for its elements;
    a value for one element stands beside the rest.

    Raises
    ------
    InputError
        If the file sets the same thing twice, in two ways of writing.
    """
    own: dict[str, Setting] = {}
    problems = []
    for name, entry in typed.assumptions.items():
        values = entry.value if isinstance(entry.value, dict) else {"": entry.value}
        for element, value in values.items():
            key = f"{name}[{element}]" if element else name
            where = ("assumptions", name, "value", *([element] if element else []))
            made = setting(value, where, merged.get(key))
            clashes = [old for old in own if old in (key, name) or old.startswith(f"{key}[")]
            if clashes:
                first = own[clashes[0]]
                problems.append(
                    tell(
                        "{origin}: '{key}' is already set on line {first_line}. Keep one of them.",
                        origin=made.origin,
                        key=key,
                        first_line=first.origin.line,
                    )
                )
            own[key] = made
    for key, made in own.items():
        replaced = [old for old in merged if old == key or old.startswith(f"{key}[")]
        for old in replaced:
            del merged[old]
        merged[key] = made
    if problems:
        raise InputError(problems)
    return merged


def _text(where: tuple[object, ...], value: object) -> str:
    """Write a setting as the file does, such as "industry_fund.from: 2025"."""
    shown_value = {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value
    text = f"{shown_value:g}" if isinstance(shown_value, float) else str(shown_value)
    return f"{'.'.join(str(step) for step in where if step != 'value')}: {text}"


@dataclass(frozen=True)
class Note:
    """What a file says of one of its entries.

    Parameters
    ----------
    kind : "policy" or "assumption"
    about : the policy or constant
    why, source : as the file has them, "" where it has none
    evidence : ids in the ledger
    origin : file and line of the entry
    """

    kind: str
    about: str
    why: str
    source: str
    evidence: tuple[str, ...]
    origin: Origin


def read_notes(scenario: Scenario) -> tuple[Note, ...]:
    """Return the notes of a scenario and of what it extends; a child's note on an entry takes its parent's place.

    Entries without any note are left out.

    Raises
    ------
    InputError
        If a file was changed since it was read, and is now faulty.
    """
    found: dict[tuple[str, str], Note] = {}
    for path, file in zip(scenario.paths, scenario.chain, strict=True):
        for note in _notes_of(path, file):
            found[note.kind, note.about] = note
    return tuple(found.values())


def _notes_of(path: Path, file: str) -> Iterator[Note]:
    from talent_sd.inputs.file_schemas import ScenarioFile

    tree = read_yaml(path)
    typed = validate(ScenarioFile, tree, file)
    for name, policy in typed.policies.items():
        own = policy.settings
        if own is not None and (own.why or own.source or own.evidence):
            origin = Origin(file, tree.find(("policies", name)).key_line, name)
            yield Note("policy", name, own.why or "", own.source or "", tuple(own.evidence or ()), origin)
    for name, entry in typed.assumptions.items():
        origin = Origin(file, tree.find(("assumptions", name)).key_line, name)
        yield Note("assumption", name, entry.why, entry.source or "", (), origin)


_MakeSetting = Callable[[object, tuple[object, ...], Setting | None], Setting]
