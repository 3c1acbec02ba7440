"""The ledger of evidence: every figure of the article, its role, and where the model cites it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.messages import foreign, listed, tell
from talent_sd.model.structure import Structure

ROLES = ("initial", "policy", "calibrate", "holdout")
DEFAULT_TOLERANCE = 0.10
"""Of the value, where the ledger states none."""
_REQUIRED = ("id", "topic", "role", "unit", "statement", "reading", "test", "experiment")
_OPTIONAL = (
    "value",
    "tolerance",
    "one_effect",
    "named_source",
    "miss",
    "miss_zh",
    "unclean",
    "unclean_zh",
    "statement_zh",
)
_ID = re.compile(r"E\d{2}")


@dataclass(frozen=True)
class Figure:
    """One figure of the article.

    Parameters
    ----------
    id : "E08"; stays for good, since models and scenarios cite it
    topic, statement, statement_zh : what is claimed, in our words
    role : initial (a start value), policy (a setting), calibrate (a target), holdout (never fitted)
    value : a number, a pair (lowest, highest), or None for a statement without a number
    tolerance : what counts as met, in the figure's unit; None for 10 % of the value
    one_effect : one free effect meets this one figure, so that its value is no test: the
        experiment's conditions (timing, capacity, composition) are
    named_source : who the article says it comes from; "" if nobody
    reading : the choice made where the article leaves something open
    test : what the experiment does, in words
    experiment : its name
    miss, miss_zh : why the model misses a holdout figure; "" where it does not
    unclean, unclean_zh : why a holdout is no clean one: what was changed in model or setting after the
        figure had been looked at; "" for a clean one
    line : in the file
    """

    id: str
    topic: str
    role: str
    unit: str
    statement: str
    reading: str
    test: str
    experiment: str
    value: float | tuple[float, float] | None = None
    tolerance: float | None = None
    one_effect: bool = False
    named_source: str = ""
    miss: str = ""
    miss_zh: str = ""
    unclean: str = ""
    unclean_zh: str = ""
    statement_zh: str = ""
    line: int = 0

    @property
    def target(self) -> float:
        """Return the value, the middle of a range; NaN where there is none."""
        if self.value is None:
            return float("nan")
        return sum(self.value) / 2 if isinstance(self.value, tuple) else self.value

    @property
    def allowance(self) -> float:
        """Return how far from the target still counts as met."""
        if isinstance(self.value, tuple):
            return (self.value[1] - self.value[0]) / 2
        return abs(self.target) * DEFAULT_TOLERANCE if self.tolerance is None else self.tolerance

    def met_by(self, measured: float) -> bool:
        """Return whether a measured value lies within the tolerance (rounding aside)."""
        return abs(measured - self.target) <= self.allowance * (1 + 1e-9)


def read_evidence(path: str | Path | None = None) -> tuple[Figure, ...]:
    """Read a ledger of evidence, the shipped one by default.

    Raises
    ------
    InputError
        With every problem, each with file and line: missing, unknown or repeated keys and ids, unknown roles.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    file = shipped_folder("models") / "evidence.yaml" if path is None else Path(path)
    try:
        content = YAML(pure=True).load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(tell("{file}: no such file. Give a ledger of evidence.", file=file)) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(
            tell("{file}:{line}: {problem}. Mend the YAML.", file=file.name, line=line, problem=foreign(str(error.problem)))
        ) from None
    entries: Any = content.get("figures") if isinstance(content, Mapping) else None
    if not entries or not isinstance(entries, Sequence) or isinstance(entries, str):
        raise InputError(
            tell("{file}:1: no list 'figures'. A ledger is a list of figures under that key.", file=file.name)
        )
    problems: list[str] = []
    figures: dict[str, Figure] = {}
    for number, entry in enumerate(entries):
        line = entries.lc.item(number)[0] + 1  # type: ignore[attr-defined]
        found = _figure(entry, line, f"{file.name}:{line}: ", problems)
        if found is None:
            continue
        if found.id in figures:
            problems.append(
                tell(
                    "{file}:{line}: {id} is there twice. Give each figure its own id.",
                    file=file.name,
                    line=line,
                    id=found.id,
                )
            )
        figures[found.id] = found
    if problems:
        raise InputError(problems)
    return tuple(figures.values())


def _figure(entry: Any, line: int, at: str, problems: list[str]) -> Figure | None:
    """Return one entry of the ledger; None after noting what is wrong with it."""
    if not isinstance(entry, Mapping):
        problems.append(tell("{at}a figure is a mapping of {required}.", at=at, required=listed(_REQUIRED)))
        return None
    found = [tell("{at}no '{key}'. Add it.", at=at, key=key) for key in _REQUIRED if not entry.get(key)]
    known = (*_REQUIRED, *_OPTIONAL)
    found += [
        tell("{at}unknown key '{key}'.{hint}", at=at, key=key, hint=nearest(str(key), known))
        for key in entry
        if key not in known
    ]
    role, ident = entry.get("role"), str(entry.get("id"))
    if role is not None and role not in ROLES:
        found.append(
            tell(
                "{at}unknown role '{role}'.{hint} Use one of {roles}.",
                at=at,
                role=role,
                hint=nearest(str(role), ROLES),
                roles=listed(ROLES),
            )
        )
    if entry.get("id") and not _ID.fullmatch(ident):
        found.append(tell("{at}'{ident}' is no id. Write E and two digits.", at=at, ident=ident))
    value = entry.get("value")
    if isinstance(value, list):
        if len(value) != 2 or not all(isinstance(v, (int, float)) for v in value) or value[0] >= value[1]:
            found.append(tell("{at}a range is [lowest, highest].", at=at))
    elif value is not None and not isinstance(value, (int, float)):
        found.append(
            tell("{at}value is '{value}', not a number or a range [lowest, highest].", at=at, value=value)
        )
    if entry.get("unclean") and role != "holdout":
        found.append(
            tell("{at}'unclean' is for a figure held out, not for role '{role}'. Take it out.", at=at, role=role)
        )
    if role == "calibrate" and value is None:
        found.append(tell("{at}a figure to calibrate to needs a value.", at=at))
    if found:
        problems += found
        return None
    texts = {key: str(entry[key]) for key in (*_REQUIRED, *_OPTIONAL[3:]) if key in entry}
    number = tuple(map(float, value)) if isinstance(value, list) else None if value is None else float(value)
    tolerance = entry.get("tolerance")
    return Figure(
        **texts,
        value=number,  # type: ignore[arg-type]
        tolerance=None if tolerance is None else float(tolerance),
        one_effect=entry.get("one_effect") is True,
        line=line,
    )


def cited_by(structure: Structure) -> dict[str, tuple[str, ...]]:
    """Return which variables of a model cite each figure: id -> names, in the file's order."""
    found: dict[str, list[str]] = {}
    for variable in structure.variables.values():
        for ident in variable.citations:
            found.setdefault(ident, []).append(variable.name)
    return {ident: tuple(names) for ident, names in found.items()}


def unknown_citations(structure: Structure, figures: Iterable[Figure]) -> list[str]:
    """Return a problem for each citation that no figure answers to."""
    known = {figure.id for figure in figures}
    problems = []
    for ident, names in cited_by(structure).items():
        if _ID.fullmatch(ident) and ident not in known:
            problems.append(
                tell(
                    "{place}: '{names}' cites {ident}, which the ledger lacks.{hint}",
                    place=structure.place(names[0]),
                    names=names[0],
                    ident=ident,
                    hint=nearest(ident, known),
                )
            )
    return problems


def paths_between(structure: Structure, causes: Iterable[str], effect: str) -> tuple[str, ...]:
    """Return the variables through which causes work on an effect, nearest the effect first.

    A variable belongs if it depends on a cause and the effect depends on it, over any
    number of links; the shortest path of each cause is returned, joined.
    """
    following: dict[str, str] = {}
    reached = [effect]
    for name in reached:
        for cause in structure.variables[name].depends_on:
            if cause not in following and cause != effect:
                following[cause] = name
                reached.append(cause)
    found: dict[str, None] = {effect: None}
    for cause in causes:
        name = cause
        while name != effect and name in following:
            found[name] = None
            name = following[name]
    order = {name: place for place, name in enumerate(reached)}
    return tuple(sorted(found, key=lambda name: order[name]))
