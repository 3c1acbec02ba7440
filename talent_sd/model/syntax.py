"""Walks PySD's syntax trees by class name, so that nothing else needs to import them."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from typing import Any

import numpy as np

from talent_sd.model.names import name_key

_NO_OPERANDS = {"function", "operators", "lookups", "non_negative"}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": np.power,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {"abs": np.abs, "max": np.maximum, "min": np.minimum}
"""What `evaluate` can call."""


def kind_of(node: Any) -> str:
    """Return a node's kind: "Integ", "Reference", ..., "number" or "array"."""
    if isinstance(node, np.ndarray):
        return "array" if node.ndim else "number"
    if isinstance(node, (int, float, np.number)):
        return "number"
    return type(node).__name__.removesuffix("Structure")


def _operand_fields(node: Any) -> list[str]:
    """Return the names of a node's fields that hold operands."""
    if not dataclasses.is_dataclass(node) or kind_of(node) in {"Reference", "Lookups"}:
        return []
    return [field.name for field in dataclasses.fields(node) if field.name not in _NO_OPERANDS]


def children(node: Any) -> list[Any]:
    """Return a node's operands, a call's function left out."""
    found: list[Any] = []
    for name in _operand_fields(node):
        value = getattr(node, name)
        found += value if isinstance(value, (tuple, list)) else [value]
    return [child for child in found if child is not None]


def rewrite(node: Any, change: Callable[[Any], Any]) -> None:
    """Put what `change` returns in place of each of a node's operands."""
    for name in _operand_fields(node):
        value = getattr(node, name)
        many = isinstance(value, (tuple, list))
        setattr(node, name, type(value)(map(change, value)) if many else change(value))


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


def evaluate(node: Any, read: Callable[[Any], Any]) -> Any:
    """Return what an expression of numbers, references, + - * / ^, ABS, MIN and MAX comes to.

    Parameters
    ----------
    node : an expression's tree
    read : from a reference to its value, a number or an array

    Raises
    ------
    LookupError
        If it holds anything else.
    ArithmeticError
        If it divides a number by zero.
    """
    kind = kind_of(node)
    if kind == "number":
        return float(node)
    if kind == "Reference":
        return read(node)
    if kind not in {"Arithmetic", "Call"}:
        raise LookupError(kind)
    operands = [evaluate(argument, read) for argument in node.arguments]
    if kind == "Call":
        name = name_key(node.function.reference)
        return np.abs(operands[0]) if name == "abs" else reduce(FUNCTIONS[name], operands)
    if node.operators == ["negative"]:
        return -operands[0]
    result = operands[0]
    for symbol, operand in zip(node.operators, operands[1:], strict=True):
        result = _ARITHMETIC[symbol](result, operand)
    return result


def fixed_value(node: Any, values: Mapping[str, Any]) -> float | None:
    """Return the number that an equation of numbers and other such variables comes to, None if it is not one.

    Parameters
    ----------
    node : an equation's tree
    values : variable key -> its tree, for the variables that may be followed
    """

    def follow(reference: Any) -> float:
        """Return the value of a constant that another reads; LookupError where it has none."""
        key = name_key(reference.reference)
        if reference.subscripts is not None or key not in values:
            raise LookupError(key)
        rest = {other: tree for other, tree in values.items() if other != key}
        found = fixed_value(values[key], rest)
        if found is None:
            raise LookupError(key)
        return found

    try:
        return float(evaluate(node, follow))
    except (LookupError, ArithmeticError):
        return None
