"""A scenario with all that it extends, each setting with its origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.arguments import checked
from talent_sd.base.errors import Problems, nearest
from talent_sd.base.files import shipped_folder, tellable
from talent_sd.inputs.file_kinds import read_chain, read_kind
from talent_sd.inputs.schema_problems import StrictFile
from talent_sd.inputs.settings import Origin, Setting
from talent_sd.inputs.shipped_names import find_file, shipped_names
from talent_sd.inputs.strict_yaml import read_yaml

if TYPE_CHECKING:
    from talent_sd.inputs.file_schemas import Assumption, Policy, ScenarioFile, Words


TYPED = Path()
"""Where a file is that is none: what was typed, or given in Python."""
# The keys of a policy that set nothing in the model.
NOTES = ("evidence", "why", "source")


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
    measured : what the finding was measured on: city, draws, seed, model, inputs; never inherited
    assumptions : constant, or "constant[element]", to its value
    shocks : shock name to its settings, such as "at" and "size"
    context : the national path, None where no file names one
    budget : "yuan per year", "from", "until", "price_basis" to its settings
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
    budget: Mapping[str, Setting] = field(default_factory=dict)
    measured: Mapping[str, str | int] = field(default_factory=dict)


def list_scenarios() -> tuple[str, ...]:
    """Return the names of the scenarios that ship."""
    return shipped_names("scenario")


@checked
def load_scenario(name: str | Path, problems: Problems | None = None) -> Scenario:
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
    from talent_sd.inputs.file_schemas import ScenarioFile

    merged: Scenario | None = None
    for file in read_chain(find_file(name, "scenario"), "scenario", ScenarioFile, problems, unknown_evidence):
        merged = laid_over_file(merged, file)
    assert merged is not None
    return merged


def unknown_evidence(scenario: StrictFile[ScenarioFile]) -> list[str]:
    """Return a line for each id in a scenario that is not in the ledger."""
    cited = {
        name: policy.settings.evidence
        for name, policy in scenario.content.policies.items()
        if policy.settings is not None and policy.settings.evidence
    }
    if not cited:
        return []
    ledger: Any = read_yaml(shipped_folder("models") / "evidence.yaml").plain()
    known = [str(figure["id"]) for figure in ledger["figures"]]
    return [
        f"{scenario.at('policies', name, 'evidence', number)}no evidence '{ident}' in the "
        f"ledger.{nearest(ident, known)} See `talent-sd list evidence`."
        for name, idents in cited.items()
        for number, ident in enumerate(idents)
        if ident not in known
    ]


def laid_over_file(parent: Scenario | None, file: StrictFile[ScenarioFile]) -> Scenario:
    """Return the parent with one file's settings laid over it."""
    typed = file.content
    parent = parent or Scenario("", "", {}, {}, ())

    setting = settings_of(file)
    policies = dict(parent.policies)
    for name, policy in typed.policies.items():
        policies[name] = _policy(name, policy, policies.get(name, {}), setting)
    shocks = {name: dict(parts) for name, parts in parent.shocks.items()}
    for name, parts in typed.shocks.items():
        own = shocks.setdefault(name, {})
        for key, value in parts.items():
            own[key] = setting(value, ("shocks", name, key), own.get(key))
    budget = dict(parent.budget)
    if typed.budget is not None:
        for key, value in typed.budget.model_dump(by_alias=True, exclude_none=True).items():
            budget[key] = setting(value, ("budget", key), budget.get(key))
    context = parent.context
    if typed.context is not None:
        context = setting(typed.context, ("context",), context)
    return Scenario(
        tellable(file.path.stem),
        file.file,
        _both(typed.title),
        _both(typed.question) or {"en": "", "zh": ""},
        (*parent.chain, file.file),
        policies,
        laid_assumptions(parent.assumptions, typed.assumptions, setting),
        shocks,
        context,
        (*parent.paths, file.path.resolve()),
        _both(typed.claims),
        _both(typed.finding),
        budget,
        dict(typed.measured or {}),
    )


def settings_of(file: StrictFile[Any]) -> _MakeSetting:
    """Return what makes a file's values settings: called with a value, its path and the setting it replaces."""

    def setting(value: object, where: tuple[str, ...], old: Setting | None) -> Setting:
        """Return a value of the file as a setting, with its place and the one it replaced."""
        node = file.tree.find(where)
        line = node.key_line if node.line == node.key_line else node.line
        line = 0 if file.path is TYPED else line
        key = ".".join(step for step in where[1:] or where if step != "value")
        return Setting(key, value, Origin(file.file, line, f"{key}: {_written(value)}"), replaced=old)

    return setting


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
    # a size in yuan and an intensity say the same
    retold = {"size": "intensity", "intensity": "size"}
    kept = {key: old for key, old in before.items() if retold.get(key) not in own}
    return {**kept, **switch, **own}


def laid_assumptions(
    below: Mapping[str, Setting], entries: Mapping[str, Assumption], setting: _MakeSetting
) -> dict[str, Setting]:
    """Return a file's assumptions, as settings, laid over its parent's.

    Raises
    ------
    InputError
        If the file sets the same thing twice, in two ways of writing.
    """
    own: dict[str, Setting] = {}
    of_name: dict[str, list[str]] = {}
    problems = Problems()
    for name, entry in entries.items():
        values = entry.value if isinstance(entry.value, dict) else {"": entry.value}
        for element, value in values.items():
            key = f"{name}[{element}]" if element else name
            where = ("assumptions", name, "value", *([element] if element else []))
            made = setting(value, where, below.get(key))
            whole = key.partition("[")[0]
            keys = of_name.setdefault(whole, [])
            clashes = [old for old in keys if old in (key, whole) or key == whole]
            keys.append(key)
            if clashes:
                first = own[clashes[0]]
                problems.say(
                    "{origin}: '{key}' is already set on line {first_line}. Keep one of them.",
                    origin=made.origin,
                    key=key,
                    first_line=first.origin.line,
                )
            own[key] = made
    problems.refuse()
    return laid_over(below, own)


def laid_over(below: Mapping[str, Setting], own: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return assumptions laid over others.

    A value for the whole of a subscripted constant replaces what was set for its elements;
    a value for one element stands beside the rest.
    """
    kept = {key: old for key, old in below.items() if key not in own and key.partition("[")[0] not in own}
    return {**kept, **own}


def _written(value: object) -> str:
    """Write a value as a file does.

    >>> _written(True), _written(2025.0)
    ('on', '2025')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def scenario_text(
    title: Mapping[str, str],
    question: Mapping[str, str],
    extends: str,
    policies: Mapping[str, Mapping[str, object]],
    budget: Mapping[str, object],
    context: str | None = None,
) -> str:
    """Return a scenario as a file has it; numbers to twelve digits.

    >>> print(scenario_text({"en": "A", "zh": "甲"}, {"en": "Q"}, "baseline", {"open_labs": {"from": 2026.0}}, {}), end="")
    title: {en: 'A', zh: '甲'}
    question: {en: 'Q'}
    extends: 'baseline'
    policies:
      open_labs: {from: 2026}
    """
    lines = [f"title: {_flow(title)}", f"question: {_flow(question)}", f"extends: {_cell(extends)}"]
    lines += (
        ["policies:", *(f"  {name}: {_flow(settings)}" for name, settings in policies.items())]
        if policies
        else []
    )
    lines += [f"budget: {_flow(budget)}"] if budget else []
    lines += [f"context: {_cell(context)}"] if context else []
    return "\n".join(lines) + "\n"


def _flow(settings: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{key}: {_cell(value)}" for key, value in settings.items()) + "}"


def _cell(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else "'" + str(value).replace("'", "''") + "'"


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
    for path in scenario.paths:
        for note in _notes_of(path):
            found[note.kind, note.about] = note
    return tuple(found.values())


def _notes_of(path: Path) -> Iterator[Note]:
    from talent_sd.inputs.file_schemas import ScenarioFile

    read = read_kind(path, "scenario", ScenarioFile)

    def origin(*where: str) -> Origin:
        return Origin(read.file, read.line(*where), where[-1])

    for name, policy in read.content.policies.items():
        own = policy.settings
        if own is not None and (own.why or own.source or own.evidence):
            cited = tuple(own.evidence or ())
            yield Note("policy", name, own.why or "", own.source or "", cited, origin("policies", name))
    for name, entry in read.content.assumptions.items():
        yield Note("assumption", name, entry.why, entry.source or "", (), origin("assumptions", name))


_MakeSetting = Callable[[object, tuple[str, ...], Setting | None], Setting]
