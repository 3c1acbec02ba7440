"""The ledger of evidence: every figure of the article, its role, and where the model cites it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from talent_sd.base.errors import Problems, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import N_, listed, tell
from talent_sd.inputs.file_schemas import Part
from talent_sd.inputs.schema_problems import read_strict
from talent_sd.model.structure import Structure

ROLES = {
    "initial": N_("start value"), "policy": N_("policy setting"), "calibrate": N_("calibrated"),
    "article": N_("article's reading"), "holdout": N_("held out"),
}  # fmt: skip
BOUNDS = ("at_least", "at_most")
DEFAULT_TOLERANCE = 0.10
"""Of the value, where the ledger states none."""
IDENT = r"E\d{2}"


def _range(value: Any) -> Any:
    """Read [lowest, highest] as a pair; refuse what is neither that nor a number."""
    if isinstance(value, list):
        if len(value) != 2 or not all(isinstance(end, (int, float)) for end in value) or value[0] >= value[1]:
            raise ValueError(tell("a range is [lowest, highest]."))
        return tuple(value)
    if isinstance(value, str):
        raise ValueError(tell("value is '{value}', not a number or a range [lowest, highest].", value=value))
    return value


Text = Annotated[str, Field(min_length=1)]


class Figure(Part):
    """One figure of the article.

    Parameters
    ----------
    id : "E08"; stays for good, since models and scenarios cite it
    topic, statement, statement_zh : what is claimed, in our words
    role : initial (a start value), policy (a setting), calibrate (a target), article (a target in
        the article's reading alone: what data and literature support denies it), holdout (never fitted)
    value : a number, a pair (lowest, highest), or None for a statement without a number
    tolerance : what counts as met, in the figure's unit; None for 10 % of the value
    one_effect : one free effect meets this one figure, so that its value is no test: the
        experiment's conditions (timing, capacity, composition) are
    named_source : who the article says it comes from; "" if nobody
    reading : the choice made where the article leaves something open
    test : what the experiment does, in words
    experiment : its name
    miss, miss_zh : why the model misses a figure, or why the cities' own data say something else than a
        start value; "" where neither is so
    unclean, unclean_zh : why a holdout is no clean one: what was changed in model or setting after the
        figure had been looked at; "" for a clean one
    bound : "at_least" or "at_most" where the article says over or under; "" for a figure to be met
    line : in the file
    """

    id: Text
    topic: Text
    role: Text
    unit: Text
    statement: Text
    reading: Text
    test: Text
    experiment: Text
    value: Annotated[float | tuple[float, float] | None, BeforeValidator(_range)] = None
    tolerance: float | None = None
    one_effect: bool = False
    named_source: str = ""
    miss: str = ""
    miss_zh: str = ""
    unclean: str = ""
    unclean_zh: str = ""
    statement_zh: str = ""
    bound: str = ""
    _line: int = PrivateAttr(0)

    @model_validator(mode="after")
    def role_and_value(self) -> Figure:
        """Hold the role against what it needs."""
        if not re.fullmatch(IDENT, self.id):
            raise ValueError(tell("'{ident}' is no id. Write E and two digits.", ident=self.id))
        if self.role not in ROLES:
            raise ValueError(
                tell(
                    "unknown role '{role}'.{hint} Use one of {roles}.",
                    role=self.role, hint=nearest(self.role, ROLES), roles=listed(ROLES),
                )
            )  # fmt: skip
        if self.bound and self.bound not in BOUNDS:
            raise ValueError(
                tell("unknown bound '{bound}'. Use one of {bounds}.", bound=self.bound, bounds=listed(BOUNDS))
            )
        if self.unclean and self.role != "holdout":
            raise ValueError(
                tell(
                    "'unclean' is for a figure held out, not for role '{role}'. Take it out.", role=self.role
                )
            )
        if self.role in ("calibrate", "article") and self.value is None:
            raise ValueError(tell("a figure to calibrate to needs a value."))
        return self

    @property
    def line(self) -> int:
        """Return the line in the file."""
        return self._line

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
        return abs(self.miss_of(measured)) <= 1 + 1e-9

    def miss_of(self, measured: float) -> float:
        """Return how many tolerances a value is off; 0 on the good side of a bound."""
        off = (measured - self.target) / self.allowance
        good = {"at_least": off > 0, "at_most": off < 0}
        return 0.0 if good.get(self.bound, False) else off


class Ledger(Part):
    """A file of evidence."""

    figures: Annotated[list[Figure], Field(min_length=1)]


def read_evidence(path: str | Path | None = None) -> tuple[Figure, ...]:
    """Read a ledger of evidence, the shipped one by default.

    Raises
    ------
    InputError
        With every problem, each with file and line: missing, unknown or repeated keys and ids, unknown roles.
    """
    file = read_strict(path or shipped_folder("models") / "evidence.yaml", Ledger)
    problems, seen = Problems(), set()
    for number, figure in enumerate(file.content.figures):
        figure._line = file.line("figures", number)  # noqa: SLF001 (set once, by who reads the file)
        if figure.id in seen:
            problems.say(
                "{file}:{line}: {id} is there twice. Give each figure its own id.",
                file=file.file, line=figure.line, id=figure.id,
            )  # fmt: skip
        seen.add(figure.id)
    problems.refuse()
    return tuple(file.content.figures)


def cited_by(structure: Structure) -> dict[str, tuple[str, ...]]:
    """Return which variables of a model cite each figure: id -> names, in the file's order."""
    found: dict[str, list[str]] = {}
    for variable in structure.variables.values():
        for ident in variable.citations:
            found.setdefault(ident, []).append(variable.name)
    return {ident: tuple(names) for ident, names in found.items()}


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
