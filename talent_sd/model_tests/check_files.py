"""Read files of behaviour checks: settings of inputs, and conditions that must hold under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.messages import listed, tell
from talent_sd.inputs.strict_yaml import read_yaml
from talent_sd.model.structure import Structure

FILE = "city.checks.yaml"
STOCKS = "every stock"
_KEYS = {
    "bounds": {"variables", "at_least", "at_most", "except", "floor"},
    "sum": {"terms", "equals", "tolerance", "floor"},
    "compare": {"setting", "against", "variable", "expect", "by", "element"},
}
_COMMON = {"id", "sector", "message", "at", "under"}
_EXPECTATIONS = ("higher", "lower", "same")


@dataclass(frozen=True)
class Check:
    """One check; see `models/city.checks.yaml` for what the kinds mean."""

    id: str
    sector: str
    message: str
    kind: str
    variables: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    terms: tuple[str, ...] = ()
    equals: tuple[str, ...] = ()
    tolerance: float = 1e-9
    floor: float = 1.0
    setting: str = ""
    against: str = "default"
    expect: str = ""
    by: float = 0.0
    columns: Any = field(default_factory=lambda: slice(None))
    at: tuple[float, ...] = ()
    under: tuple[str, ...] = ()
    line: int = 0

    def names(self, stocks: Sequence[str]) -> tuple[str, ...]:
        """Return the variables that the check reads."""
        own = tuple(stocks) if STOCKS in self.variables else self.variables
        return (*(name for name in own if name not in self.exempt), *self.terms, *self.equals)

    def wants(self, run: str) -> bool:
        """Return whether the check is for a run: all, unless it names some."""
        return not self.under or run in self.under

    def years_of(self, years: np.ndarray) -> np.ndarray:
        """Return which of the saved years the check looks at: all, unless it names some."""
        return np.isin(years, self.at) if self.at else np.ones(len(years), bool)


@dataclass(frozen=True)
class CheckFile:
    """Everything that a file of checks says."""

    name: str
    checks: tuple[Check, ...]
    settings: Mapping[str, Mapping[str, Any]]
    pairs: tuple[str, ...]
    left_out: tuple[str, ...]
    years: tuple[float, ...]
    lines: Mapping[str, int]

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
            for run in (check.setting, check.against, *check.under):
                if run and run != "default" and run not in self.settings:
                    problems.append(
                        tell(
                            "{file}:{line}: no setting '{run}'.{hint}",
                            file=self.name,
                            line=check.line,
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
            for name in (*c.names(()), *c.exempt)
            if name != STOCKS
        ]
        for title, setting in self.settings.items():
            found += [(f"setting {title}", name) for name in setting]
        return [*found, *(("pairs", name) for name in self.pairs), *(("left_out", n) for n in self.left_out)]


def read_checks(path: str | Path | None = None, structure: Structure | None = None) -> CheckFile:
    """Read a file of checks, the shipped one by default.

    Raises
    ------
    InputError
        With every problem of the file, each with its line.
    """
    file = shipped_folder("models") / FILE if path is None else Path(path)
    tree = read_yaml(file)
    content: Any = tree.plain()
    problems: list[str] = []
    lines: dict[str, int] = {key: tree.find((key,)).key_line for key in ("pairs", "left_out")}
    for title in content.get("settings", {}):
        lines[f"setting {title}"] = tree.find(("settings", title)).key_line
    checks: dict[str, Check] = {}
    for number, entry in enumerate(content.get("checks", [])):
        line = tree.find(("checks", number)).line
        check = _check(entry, f"{file.name}:{line}: ", line, problems, structure)
        if check is None:
            continue
        if check.id in checks:
            problems.append(
                tell(
                    "{file}:{line}: check '{id}' is there twice. Name them apart.",
                    file=file.name,
                    line=line,
                    id=check.id,
                )
            )
        checks[check.id] = check
        lines[f"check {check.id}"] = line
    if not checks and not problems:
        problems.append(tell("{file}:1: no checks. Give a list under 'checks'.", file=file.name))
    if problems:
        raise InputError(problems)
    return CheckFile(
        file.name,
        tuple(checks.values()),
        content.get("settings", {}),
        tuple(content.get("pairs", ())),
        tuple(content.get("left_out", ())),
        tuple(float(year) for year in content["years"]),
        lines,
    )


def _check(entry: Any, at: str, line: int, problems: list[str], structure: Structure | None) -> Check | None:
    """Return one check; None after noting what is wrong with it."""
    keys = set(entry) if isinstance(entry, Mapping) else set()
    kind = next((kind for kind in ("sum", "compare") if keys & {"terms", "setting"} & _KEYS[kind]), "bounds")
    known = _COMMON | _KEYS[kind]
    found = [
        tell("{at}unknown key '{key}'.{hint}", at=at, key=key, hint=nearest(str(key), known))
        for key in sorted(keys - known, key=str)
    ]
    found += [
        tell("{at}no '{key}'. Add it.", at=at, key=key)
        for key in ("id", "sector", "message")
        if key not in keys
    ]
    if kind == "bounds" and ("variables" not in keys or not keys & {"at_least", "at_most"}):
        found.append(tell("{at}a bound needs variables and at_least or at_most.", at=at))
    if kind == "sum" and "equals" not in keys:
        found.append(tell("{at}a sum needs terms and equals.", at=at))
    if kind == "compare" and entry.get("expect") not in _EXPECTATIONS:
        found.append(tell("{at}expect is one of {expectations}.", at=at, expectations=listed(_EXPECTATIONS)))
    if found:
        problems += found
        return None
    plain: dict[str, Any] = {
        key: entry[key] for key in keys & {"id", "sector", "message", "expect", "setting", "against"}
    }
    numbers: dict[str, Any] = {
        key: float(entry[key]) for key in keys & {"at_least", "at_most", "tolerance", "floor", "by"}
    }
    lists: dict[str, Any] = {
        key: _listed(entry[key]) for key in keys & {"variables", "terms", "equals", "under"}
    }
    lists["exempt"] = _listed(entry.get("except", []))
    if kind == "compare":
        lists["variables"] = (str(entry["variable"]),)
        if "element" in keys and structure is not None:
            variable = structure[str(entry["variable"])]
            plain["columns"] = [structure.subscripts[variable.dims[0]].index(str(entry["element"]))]
    when = tuple(float(year) for year in _listed(entry["at"])) if "at" in keys else ()
    return Check(**plain, **numbers, **lists, kind=kind, at=when, line=line)


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
