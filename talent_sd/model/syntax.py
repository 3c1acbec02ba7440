"""Walks PySD's syntax trees by class name, so that nothing else needs to import them."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from talent_sd.model.names import name_key

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def kind_of(node: Any) -> str:
    """Return a node's kind: "Integ", "Reference", ..., "number" or "array"."""
    if isinstance(node, np.ndarray):
        return "array" if node.ndim else "number"
    if isinstance(node, (int, float, np.number)):
        return "number"
    return type(node).__name__.removesuffix("Structure")


def children(node: Any) -> list[Any]:
    """Return a node's operands, a call's function left out."""
    if not dataclasses.is_dataclass(node) or kind_of(node) in {"Reference", "Lookups"}:
        return []
    found: list[Any] = []
    for part in dataclasses.fields(node):
        if part.name in {"function", "operators", "lookups", "non_negative"}:
            continue
        value = getattr(node, part.name)
        found += value if isinstance(value, (tuple, list)) else [value]
    return [child for child in found if child is not None]


def walk(node: Any) -> Iterator[Any]:
    """Yield a node and all below it, in reading order."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack += reversed(children(current))


def references(node: Any) -> Iterator[Any]:
    """Yield the references in a tree, the functions that calls name among them."""
    for part in walk(node):
        if kind_of(part) == "Reference":
            yield part
        elif kind_of(part) == "Call":
            yield part.function


def fixed_value(node: Any, values: Mapping[str, Any]) -> float | None:
    """Return the number that an equation of numbers and other such variables comes to, None if it is not one.

    Parameters
    ----------
    node : an equation's tree
    values : variable key -> its tree, for the variables that may be followed
    """
    kind = kind_of(node)
    if kind == "number":
        return float(node)
    if kind == "Reference" and node.subscripts is None and name_key(node.reference) in values:
        rest = {key: tree for key, tree in values.items() if key != name_key(node.reference)}
        return fixed_value(values[name_key(node.reference)], rest)
    if kind != "Arithmetic":
        return None
    operands = [fixed_value(argument, values) for argument in node.arguments]
    if any(operand is None for operand in operands):
        return None
    numbers = [operand for operand in operands if operand is not None]
    if node.operators == ["negative"]:
        return -numbers[0]
    result = numbers[0]
    for symbol, operand in zip(node.operators, numbers[1:], strict=True):
        if (symbol == "/" and operand == 0) or symbol not in _ARITHMETIC:
            return None
        result = _ARITHMETIC[symbol](result, operand)
    return result
