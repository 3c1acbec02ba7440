"""Readings: layers of assumptions under a scenario's own, such as the article's view of the world.

A reading says how the world works, a scenario what a city does in it. What a scenario
assumes itself wins over the reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import Field

from talent_sd.base.arguments import checked
from talent_sd.base.files import tellable
from talent_sd.inputs.file_schemas import Assumption, Part, Words
from talent_sd.inputs.scenario_chain import Scenario, laid_assumptions, laid_over, settings_of
from talent_sd.inputs.schema_problems import read_strict
from talent_sd.inputs.settings import Setting
from talent_sd.inputs.shipped_names import find_file

EVIDENCE = "evidence"
"""The reading that ships as the default: it changes nothing."""


class Forbidden(Part):
    """A figure that no choice of free constants brings out."""

    best: float | None = Field(
        None, description="As near as it comes with all free constants moved for it alone; none: never"
    )
    loops: list[str] = Field(
        default_factory=list, description="Named loops whose cutting alone brings it out"
    )
    because: Words | None = Field(
        None, description="The loop or identity that forbids it; none: what `miss` of evidence.yaml says"
    )


class ReadingFile(Part):
    """A reading: a title, a sentence, the assumptions, and what they cannot bring out."""

    title: Words
    summary: Words
    assumptions: dict[str, Assumption] = Field(default_factory=dict)
    cannot: dict[str, Forbidden] = Field(default_factory=dict, description="By id of evidence.yaml")
    apart: list[str] = Field(
        default_factory=list, description="Ids of figures that come out alone but not beside the others"
    )


@dataclass(frozen=True)
class Reading:
    """A reading as it was read.

    Parameters
    ----------
    name, file, path : its name, and the file as messages show it and where it is
    title, summary : in both languages
    assumptions : constant, or "constant[element]", to its value
    cannot : figures that no constants bring out, by id
    apart : ids of figures that come out alone, not beside the others
    """

    name: str
    file: str
    path: Path
    title: Words
    summary: Words
    assumptions: Mapping[str, Setting] = field(default_factory=dict)
    cannot: Mapping[str, Forbidden] = field(default_factory=dict)
    apart: tuple[str, ...] = ()


@checked
def load_reading(name: str | Path = EVIDENCE) -> Reading:
    """Read a reading; names and limits are checked against a model when a scenario is resolved.

    Parameters
    ----------
    name : a shipped name, or a path to a file, which wins

    Raises
    ------
    InputError
        With every problem of form: ``file:line: what. Remedy``.
    """
    file = read_strict(find_file(name, "reading"), ReadingFile)
    typed = file.content
    settings = laid_assumptions({}, typed.assumptions, settings_of(file))
    return Reading(
        tellable(file.path.stem), file.file, file.path.resolve(), typed.title, typed.summary, settings,
        typed.cannot, tuple(typed.apart),
    )  # fmt: skip


def lay_under(scenario: Scenario, reading: Reading | None) -> Scenario:
    """Return a scenario whose assumptions lie on those of a reading; each remembers the value it replaced."""
    under = reading.assumptions if reading else {}
    own = {
        key: setting if setting.replaced else replace(setting, replaced=under.get(key))
        for key, setting in scenario.assumptions.items()
    }
    return replace(scenario, assumptions=laid_over(under, own))
