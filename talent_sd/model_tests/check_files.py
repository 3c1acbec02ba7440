"""Read files of behaviour checks: settings of inputs, and conditions that must hold under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import listed, tell
from talent_sd.inputs.file_schemas import Part
from talent_sd.inputs.schema_problems import validate
from talent_sd.inputs.strict_yaml import Node, read_yaml
from talent_sd.model.structure import Structure

FILE = "city.checks.yaml"
STOCKS = "every stock"
_EXPECTATIONS = ("higher", "lower", "same")
_one_or_more = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else (value,))
Names = Annotated[tuple[str, ...], _one_or_more]


class Check(Part):
    """One check; see `models/city.checks.yaml` for what the kinds mean."""

    id: str
    sector: str
    message: str
    at: Annotated[tuple[float, ...], _one_or_more] = Field((), description="Years looked at; all by default")
    under: Names = Field((), description="Runs that it is for; all by default")

    def names(self, stocks: Sequence[str]) -> tuple[str, ...]:
        """Return the variables that the check reads."""
        raise NotImplementedError

    @property
    def runs(self) -> tuple[str, ...]:
        """Return the runs that the check names."""
        return self.under

    def wants(self, run: str) -> bool:
        """Return whether the check is for a run: all, unless it names some."""
        return not self.under or run in self.under

    def years_of(self, years: np.ndarray) -> np.ndarray:
        """Return which of the saved years the check looks at: all, unless it names some."""
        return np.isin(years, self.at) if self.at else np.ones(len(years), bool)


class Bounds(Check):
    """Variables stay within bounds."""

    variables: Names = ()
    exempt: Names = Field((), alias="except")
    at_least: float | None = None
    at_most: float | None = None
    floor: float = 1.0

    @model_validator(mode="after")
    def bounds_something(self) -> Bounds:
        """Need a variable and a bound."""
        if not self.variables or (self.at_least is None and self.at_most is None):
            raise ValueError(tell("a bound needs variables and at_least or at_most."))
        return self

    def names(self, stocks: Sequence[str]) -> tuple[str, ...]:
        """Return the variables that the check reads."""
        own = tuple(stocks) if STOCKS in self.variables else self.variables
        return tuple(name for name in own if name not in self.exempt)


class Sum(Check):
    """Two sums of variables are the same."""

    terms: Names
    equals: Names = ()
    tolerance: float = 1e-9
    floor: float = 1.0

    @model_validator(mode="after")
    def has_two_sides(self) -> Sum:
        """Need what the terms add up to."""
        if not self.equals:
            raise ValueError(tell("a sum needs terms and equals."))
        return self

    def names(self, stocks: Sequence[str]) -> tuple[str, ...]:
        """Return the variables that the check reads."""
        return (*self.terms, *self.equals)


class Compare(Check):
    """A variable is higher, lower or the same in one run than in another."""

    setting: str
    against: str = "default"
    variable: str
    element: str | None = None
    expect: str = ""
    by: float = 0.0

    @model_validator(mode="after")
    def expects_something(self) -> Compare:
        """Need to know what to expect."""
        if self.expect not in _EXPECTATIONS:
            raise ValueError(tell("expect is one of {expectations}.", expectations=listed(_EXPECTATIONS)))
        return self

    def names(self, stocks: Sequence[str]) -> tuple[str, ...]:
        """Return the variables that the check reads."""
        return (self.variable,)

    @property
    def runs(self) -> tuple[str, ...]:
        """Return the runs that the check names."""
        return (self.setting, self.against, *self.under)


class Content(Part):
    """A file of checks."""

    years: list[float] = Field(description="Saved in every run")
    settings: dict[str, dict[str, float | str]] = Field(default_factory=dict, description="Inputs by name")
    pairs: list[str] = Field(default_factory=list, description="Inputs moved two by two")
    left_out: list[str] = Field(default_factory=list, description="Inputs that are not moved")
    checks: list[Any] = Field(default_factory=list)


@dataclass(frozen=True)
class CheckFile:
    """Everything that a file of checks says."""

    name: str
    checks: tuple[Check, ...]
    lines: Mapping[str, int]
    years: Sequence[float]
    settings: Mapping[str, Mapping[str, float | str]]
    pairs: Sequence[str]
    left_out: Sequence[str]

    def check_against(self, structure: Structure) -> None:
        """Refuse names that the model lacks, with file and line, all at once.

        Raises
        ------
        InputError
        """
        problems = []
        for owner, name in self._named():
            found = structure.find(name.partition("[")[0])
            if found is None:
                hint = nearest(name, structure.variables)
                problems.append(
                    tell(
                        "{file}:{line}: no variable '{name}'.{hint}",
                        file=self.name,
                        line=self.lines[owner],
                        name=name,
                        hint=hint,
                    )
                )
        for check in self.checks:
            # a year that no run saves would let the check pass untried
            problems += [
                tell(
                    "{file}:{line}: the year {year} is not among 'years', so nothing would be tried. Add it there.",
                    file=self.name,
                    line=self.lines[f"check {check.id}"],
                    year=f"{year:g}",
                )
                for year in check.at
                if year not in self.years
            ]
            for run in check.runs:
                if run != "default" and run not in self.settings:
                    problems.append(
                        tell(
                            "{file}:{line}: no setting '{run}'.{hint}",
                            file=self.name,
                            line=self.lines[f"check {check.id}"],
                            run=run,
                            hint=nearest(run, self.settings),
                        )
                    )
        if problems:
            raise InputError(problems)

    def _named(self) -> list[tuple[str, str]]:
        found = [
            (f"check {c.id}", name)
            for c in self.checks
            for name in (*c.names(()), *getattr(c, "exempt", ()))
            if name != STOCKS
        ]
        for title, setting in self.settings.items():
            found += [(f"setting {title}", name) for name in setting]
        return [*found, *(("pairs", name) for name in self.pairs), *(("left_out", n) for n in self.left_out)]


def read_checks(path: str | Path | None = None) -> CheckFile:
    """Read a file of checks, the shipped one by default.

    Raises
    ------
    InputError
        With every problem of the file, each with its line.
    """
    file = shipped_folder("models") / FILE if path is None else Path(path)
    tree = read_yaml(file)
    content = validate(Content, tree, file.name)
    problems: list[str] = []
    lines: dict[str, int] = {key: tree.find((key,)).key_line for key in ("pairs", "left_out")}
    lines |= {f"setting {title}": tree.find(("settings", title)).key_line for title in content.settings}
    checks: dict[str, Check] = {}
    for number in range(len(content.checks)):
        node = tree.find(("checks", number))
        try:
            check = validate(_kind(node), node, file.name)
        except InputError as error:
            problems += error.problems
            continue
        if check.id in checks:
            problems.append(
                tell(
                    "{file}:{line}: check '{id}' is there twice. Name them apart.",
                    file=file.name,
                    line=node.line,
                    id=check.id,
                )
            )
        checks[check.id] = check
        lines[f"check {check.id}"] = node.line
    if not checks and not problems:
        problems.append(tell("{file}:1: no checks. Give a list under 'checks'.", file=file.name))
    if problems:
        raise InputError(problems)
    given = content.model_dump(exclude={"checks"})
    return CheckFile(file.name, tuple(checks.values()), lines, **given)


def _kind(node: Node) -> type[Check]:
    """Return what kind of check an entry is, by its keys."""
    keys = node.value if isinstance(node.value, dict) else {}
    return Sum if "terms" in keys else Compare if "setting" in keys else Bounds
