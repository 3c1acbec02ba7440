"""Which equation gives which element of which variable."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.base.language import tell
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.spreadsheets import cell_trees
from talent_sd.model.subscripts import Subscripts
from talent_sd.model.syntax import kind_of

Elements = tuple[str, ...]
MOST_CELLS = 100_000
"""Elements that one variable may have."""


@dataclass(frozen=True)
class Cell:
    """The equation of one element: its tree and the element that each range on the left stands for."""

    tree: Any
    bound: dict[str, str]


@dataclass
class Definition:
    """All equations of one variable. `ranges` are the ranges written at each place on the left."""

    name: str
    kind: Literal["equation", "lookup", "data"]
    cells: dict[Elements, Cell] = field(default_factory=dict)
    ranges: list[list[str]] = field(default_factory=list)


def collect_definitions(
    section: Any, subscripts: Subscripts, place: Callable[[str], str], folder: Path
) -> dict[str, Definition]:
    """Return a section's variables by key, subscripts expanded, EXCEPT applied.

    Parameters
    ----------
    section : PySD's AbstractSection
    place : name -> "file:line"
    folder : of the model; spreadsheets lie beside it

    Raises
    ------
    ModelError
        With every bad left-hand side, and every spreadsheet that cannot be read.
    UnsupportedError
        If data are read as the flat program cannot.
    """
    found: dict[str, Definition] = {}
    problems: list[str] = []
    for element in section.elements:
        try:
            if name_key(element.name) == "time":
                raise ModelError(tell("is the name of the model's clock. Rename it."))
            found[name_key(element.name)] = _define(element, subscripts, folder)
        except UnsupportedError as error:
            raise UnsupportedError(
                tell(
                    "{at}: '{name}' {error}", at=place(element.name), name=unquoted(element.name), error=error
                )
            ) from None
        except ModelError as error:
            label = f"{place(element.name)}: '{unquoted(element.name)}'"
            problems += [f"{label}: {problem}" for problem in error.problems]
    if problems:
        raise ModelError(problems)
    return found


def _define(element: Any, subscripts: Subscripts, folder: Path) -> Definition:
    kinds = {type(component).__name__ for component in element.components}
    kind: Literal["equation", "lookup", "data"] = "equation"
    if "AbstractLookup" in kinds:
        kind = "lookup"
    elif "AbstractData" in kinds:
        kind = "data"
    definition = Definition(unquoted(element.name), kind)
    for component in element.components:
        left, excepted = component.subscripts
        choices = [subscripts.choices(subscript) for subscript in left]
        if definition.cells and any(len(cell) != len(choices) for cell in definition.cells):
            raise ModelError(
                tell("its definitions have different numbers of subscripts. Give each the same.")
            )
        if math.prod(map(len, choices)) > MOST_CELLS:
            raise ModelError(
                tell(
                    "spans {count} elements. A variable has at most {most}.",
                    count=math.prod(map(len, choices)),
                    most=MOST_CELLS,
                )
            )
        skipped = {cell for group in excepted for cell in product(*map(subscripts.choices, group))}
        ranges = [name_key(s) if subscripts.element_name(s) is None else "" for s in left]
        definition.ranges.append(ranges)
        trees: list[Any] | None = _array_elements(component.ast, choices)
        if kind_of(component.ast) in {"GetConstants", "GetLookups", "GetData"}:
            trees = cell_trees(component.ast, folder, choices, getattr(component, "keyword", None))
        for index, elements in enumerate(product(*choices)):
            if elements not in skipped:
                bound = {key: item for key, item in zip(ranges, elements, strict=True) if key}
                definition.cells[elements] = Cell(trees[index] if trees else component.ast, bound)
    return definition


def _array_elements(tree: Any, choices: list[tuple[str, ...]]) -> list[float] | None:
    """Return an array constant's numbers in the order of the elements, None for any other equation."""
    if kind_of(tree) != "array":
        return None
    size = int(np.prod([len(choice) for choice in choices]))
    if tree.size != size:
        raise ModelError(
            "has {given} numbers for {size} elements. Give one number per element.",
            given=tree.size,
            size=size,
        )
    return [float(value) for value in np.asarray(tree).ravel()]
