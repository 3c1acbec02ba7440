"""Refuses what no sound model holds, before anything is made of it; and a PySD that nobody has looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.base.language import tell
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.syntax import children, kind_of

PYSD = "3.14.3"
"""The PySD whose builders have been looked at."""
SPREADSHEETS = (".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ".csv", ".tab", ".txt")
DATA_KEYWORDS = ("interpolate", "raw", "hold_backward", "look_forward")
READS = {
    "GetLookups": "x_row_or_col",
    "GetData": "time_row_or_col",
    "GetConstants": "",
    "GetSubscript": "last",
}
"""Kind of an equation that reads a spreadsheet -> the field with its row or column."""

_OPERATORS = {"^", "*", "/", "+", "-", "=", "<>", ">=", ">", "<=", "<", "negative",
              ":not:", ":and:", ":or:", "not", "and", "or"}  # fmt: skip
_OPERATIONS = {"Arithmetic", "Logic"}
_STATEFUL = {"Initial", "Integ", "Delay", "DelayN", "DelayFixed", "Smooth", "SmoothN", "Trend", "Forecast",
             "SampleIfTrue"}  # fmt: skip
_PARTS = _OPERATIONS | _STATEFUL | {"Call", "Game", "AllocateAvailable", "AllocateByPriority"}
_TABLE_TYPES = {"interpolate", "extrapolate", "hold_backward"}
_CELL = re.compile(r"[\w.]{1,255}\*?")
_NOT_IN_TABS = set("'\"\\[]:*?/")


def refuse_other_pysd() -> None:
    """Refuse a PySD other than the one looked at.

    Raises
    ------
    ModelError
        If its version is another.
    """
    from pysd import __version__ as version

    if version != PYSD:
        raise ModelError(
            "PySD {found} is installed. What it makes of a model has been looked at in {known} alone: it runs none. "
            "Install pysd=={known}.",
            found=version,
            known=PYSD,
        )


def refuse_odd(model: Any, path: Path, place: Callable[[str, str], str]) -> None:
    """Refuse equations that hold what only a crafted file holds.

    Parameters
    ----------
    model : `trees.AbstractModel`
    path : of its file; spreadsheets lie beside it
    place : (name, macro key or "") -> "file:line"

    Raises
    ------
    ModelError
        If an equation has a text where a number belongs, a spreadsheet elsewhere than beside the
        model, or a data keyword that Vensim does not know.
    """
    problems: list[str] = []
    for number, section in enumerate(model.sections):
        macro = name_key(section.name) if number else ""
        callable_names = {name_key(each.name) for each in (*section.elements, *model.sections[1:])}
        callable_names |= set(map(name_key, section.params))
        for element in section.elements:
            parts = element.components
            found = dict.fromkeys(p for part in parts for p in _odd(part, path.parent, callable_names))
            at, name = place(element.name, macro), unquoted(element.name)
            problems += [f"{at}: '{name}': {problem}" for problem in found]
    if problems:
        raise ModelError(problems)


def _odd(component: Any, folder: Path, callable_names: set[str]) -> Iterator[str]:
    """Yield what is odd about one definition of a variable; functions of the language have plain names."""
    keyword = getattr(component, "keyword", None)
    if keyword is not None and keyword not in DATA_KEYWORDS:
        yield tell(
            "unknown data keyword ':{keyword}:'. Use :INTERPOLATE:, :RAW:, :HOLD BACKWARD: or :LOOK FORWARD:.",
            keyword=keyword,
        )
    stack = [component.ast]
    while stack:
        node = stack.pop()
        kind = kind_of(node)
        if kind in READS:
            try:
                check_reading(node, folder)
            except ModelError as error:
                yield from error.problems
        elif not _is_finite(node, kind):
            yield tell("holds a number that is not finite. Write one below 1.8e308.")
            return
        elif not _is_sound(node, kind):
            yield tell(
                "holds a text or a list where a number belongs. Write a number, a variable or a function."
            )
            return
        else:
            called = node.function.reference if kind == "Call" else ""
            if called and not (called.replace("_", "").isalnum() or name_key(called) in callable_names):
                yield tell(
                    "calls {reference}, which is neither a lookup nor a function known here.",
                    reference=called,
                )
            stack += children(node)


def _is_finite(node: Any, kind: str) -> bool:
    """Return whether a number, or each of a table or an array, fits a double; :NA: is a number too."""
    if kind == "InlineLookups":
        return _is_finite(node.lookups, kind_of(node.lookups))
    if kind == "Lookups":
        axes = (axis if isinstance(axis, tuple) else () for axis in (node.x, node.y))
        return all(
            _is_finite(v, "number") and v == v for axis in axes for v in axis if kind_of(v) == "number"
        )
    try:
        return kind not in {"number", "array"} or not np.isinf(np.asarray(node, float)).any()
    except (OverflowError, TypeError, ValueError):
        return False


def _is_sound(node: Any, kind: str) -> bool:
    """Return whether a node is of a kind that equations hold, with fields of the right types."""
    if kind in {"number", "array"}:
        return not isinstance(node, complex) and getattr(getattr(node, "dtype", None), "kind", "f") in "fiu"
    if kind == "Reference":
        named = isinstance(node.reference, str)
        if node.subscripts is None:
            return named
        listed = kind_of(node.subscripts) == "SubscriptsReference" and node.subscripts.subscripts
        return named and isinstance(listed, list) and all(isinstance(each, str) for each in listed)
    if kind == "Lookups":
        axes = node.x, node.y
        numbers = all(isinstance(a, tuple) and all(kind_of(value) == "number" for value in a) for a in axes)
        return numbers and node.type in _TABLE_TYPES
    if kind == "InlineLookups":
        return kind_of(node.lookups) == "Lookups" and _is_sound(node.lookups, "Lookups")
    if kind in _OPERATIONS:  # written as a call, "logic('=', s)", their fields are no lists
        listed = isinstance(node.operators, list) and isinstance(node.arguments, (tuple, list))
        return listed and all(str(symbol).lower() in _OPERATORS for symbol in node.operators)
    if kind == "Call":
        named = kind_of(node.function) == "Reference" and _is_sound(node.function, "Reference")
        return named and isinstance(node.arguments, tuple)
    return kind in _PARTS or kind == "Data"


def check_reading(node: Any, folder: Path) -> Path:
    """Return the spreadsheet that an equation reads.

    Parameters
    ----------
    node : GetLookups, GetData, GetConstants or GetSubscript
    folder : of the model

    Raises
    ------
    ModelError
        If its texts name anything but a file beside the model or in a folder below, a tab and a cell.
    """
    at = READS[kind_of(node)]
    cells = [node.cell, getattr(node, at)] if at else [node.cell]
    if not (_is_tab(node.tab) and all(isinstance(c, str) and _CELL.fullmatch(c) for c in cells)):
        raise ModelError(
            "reads the tab {tab}, cell {cell} of a spreadsheet. Name a tab and a cell, row, column or named range.",
            tab=_shown(node.tab),
            cell=_shown(cells[-1] if at and _CELL.fullmatch(str(node.cell)) else node.cell),
        )
    if not _is_beside(node.file, folder):
        raise ModelError(
            "reads the file {file}. Name a spreadsheet beside the model, or in a folder below it with "
            "'/' between ({kinds}).",
            file=_shown(node.file),
            kinds=", ".join(SPREADSHEETS),
        )
    return folder / node.file


def _shown(text: Any) -> str:
    """Return a text as a message shows it; an expression in its place as its name at most."""
    return ascii(text if isinstance(text, (str, int, float)) else getattr(text, "reference", "?"))


def _is_tab(tab: Any) -> bool:
    return isinstance(tab, str) and tab.isprintable() and 0 < len(tab) < 256 and _NOT_IN_TABS.isdisjoint(tab)


def _is_beside(file: Any, folder: Path) -> bool:
    """Return whether a text names a spreadsheet in the folder or below, links followed."""
    if not isinstance(file, str) or not file.isprintable() or set(file) & set("\\:?*'\"<>|%"):
        return False
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or path.suffix.lower() not in SPREADSHEETS:
        return False
    try:
        return (folder / file).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a link that leads to itself
        return False
