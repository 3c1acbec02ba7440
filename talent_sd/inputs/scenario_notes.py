"""The notes in a scenario's files: why a policy or an assumption is as it is, and on what grounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from talent_sd.inputs.scenario_chain import Origin, Scenario
from talent_sd.inputs.schema_problems import validate
from talent_sd.inputs.strict_yaml import read_yaml


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
