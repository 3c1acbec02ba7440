"""Vensim's Reality Checks: test inputs, and constraints that must hold when they are given.

``cold room :TEST INPUT: Room Temperature = 0 ~~|`` names a change of one input;
``never colder :THE CONDITION: cold room :IMPLIES: Teacup >= 0 ~~|`` says what must follow.
A condition is test inputs and comparisons joined by ``:AND:``; a comparison in it says
when the consequence must hold. Vensim's ``RC …`` functions are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError, nearest
from talent_sd.base.language import tell
from talent_sd.model.mdl_text import Block, split_blocks
from talent_sd.model.names import name_key
from talent_sd.model.structure import Structure
from talent_sd.model.translate import read_model_bytes

TEST_INPUT, CONDITION, IMPLIES = ":TEST INPUT:", ":THE CONDITION:", ":IMPLIES:"
_SPLIT = re.compile(r":THE CONDITION:|:TEST INPUT:|:IMPLIES:", re.IGNORECASE)
_AND = re.compile(r":AND:", re.IGNORECASE)
_COMPARISON = re.compile(r"(<=|>=|<>|=|<|>)")
_TOKEN = re.compile(
    r'\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?)|("(?:[^"]+)"|[^\W\d][\w .\'$]*(?:\[[^\]]*\])?)|(\S))'
)
_FUNCTIONS: dict[str, Callable[..., Any]] = {"abs": np.abs, "max": np.maximum, "min": np.minimum}
TOLERANCE = 1e-6
"""Of a comparison's larger side; Vensim allows rounding too."""
Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """Two expressions and how they must compare."""

    left: str
    operator: str
    right: str

    def holds(self, values: Values) -> np.ndarray:
        """Return where it holds, over time."""
        one, other = (np.asarray(evaluate(side, values), float) for side in (self.left, self.right))
        slack = TOLERANCE * np.maximum(np.maximum(np.abs(one), np.abs(other)), TOLERANCE)
        results = {
            "<": one < other + slack,
            "<=": one <= other + slack,
            ">": one > other - slack,
            ">=": one >= other - slack,
            "=": np.abs(one - other) <= slack,
            "<>": np.abs(one - other) > slack,
        }
        return results[self.operator]


@dataclass(frozen=True)
class RealityCheck:
    """One constraint: under these inputs, wherever the conditions hold, so does the consequence.

    Parameters
    ----------
    inputs : variable -> value
    conditions, consequences : comparisons, all of which must hold
    reads : the variables that they name
    """

    name: str
    line: int
    inputs: Mapping[str, float]
    conditions: tuple[Comparison, ...]
    consequences: tuple[Comparison, ...]
    reads: tuple[str, ...]
    doc: str = ""

    def broken_at(self, values: Values, times: np.ndarray) -> float | None:
        """Return the first time at which the consequence fails; None if it always holds."""
        failing = np.flatnonzero(
            _all_hold(self.conditions, values, times) & ~_all_hold(self.consequences, values, times)
        )
        return float(times[failing[0]]) if len(failing) else None

    def is_tried(self, values: Values, times: np.ndarray) -> bool:
        """Return whether the conditions ever hold: where they never do, nothing was checked."""
        return bool(_all_hold(self.conditions, values, times).any())


def _all_hold(comparisons: Iterable[Comparison], values: Values, times: np.ndarray) -> np.ndarray:
    """Return where all of some comparisons hold, over time."""
    held = np.ones(times.shape, bool)
    for comparison in comparisons:
        held &= np.broadcast_to(comparison.holds(values), times.shape)
    return held


def read_reality_checks(path: str | Path, structure: Structure) -> tuple[RealityCheck, ...]:
    """Return the Reality Checks of a Vensim model; none for other formats.

    Raises
    ------
    ModelError
        With every problem: unknown names, what is not supported; each with file and line.
    """
    path = Path(path)
    if path.suffix.lower() != ".mdl":
        return ()
    blocks = split_blocks(read_model_bytes(path).decode("utf-8-sig", "replace"))
    problems: list[str] = []
    inputs: dict[str, tuple[str, float]] = {}
    for block in _marked(blocks, TEST_INPUT):
        found = _test_input(block, path, structure, problems)
        if found:
            inputs[name_key(block.name)] = found
    checks = [_constraint(block, path, structure, inputs, problems) for block in _marked(blocks, CONDITION)]
    if problems:
        raise ModelError(problems)
    return tuple(check for check in checks if check is not None)


def _marked(blocks: list[Block], mark: str) -> Iterator[Block]:
    for block in blocks:
        if mark in block.equation.upper():
            yield block


def _test_input(
    block: Block, path: Path, structure: Structure, problems: list[str]
) -> tuple[str, float] | None:
    """Return variable and value of "name :TEST INPUT: variable = number"."""
    at = f"{path.name}:{block.line}: " + tell("test input '{name}'", name=block.name)
    name, equals, value = _SPLIT.split(block.equation, maxsplit=1)[1].partition("=")
    variable = structure.find(name.strip())
    if variable is None:
        problems.append(
            tell(
                "{at}: no variable '{name}'.{hint}",
                at=at,
                name=name.strip(),
                hint=nearest(name.strip(), structure.variables),
            )
        )
        return None
    try:
        return variable.name, float(value) if equals else float("nan")
    except ValueError:
        problems.append(
            tell(
                "{at}: '{value}' is not a number. Only numbers are given to inputs here.",
                at=at,
                value=value.strip(),
            )
        )
        return None


def _constraint(
    block: Block,
    path: Path,
    structure: Structure,
    inputs: Mapping[str, tuple[str, float]],
    problems: list[str],
) -> RealityCheck | None:
    """Return one constraint; None after noting what is wrong."""
    at = f"{path.name}:{block.line}: " + tell("reality check '{name}'", name=block.name)
    parts = _SPLIT.split(block.equation)
    if len(parts) != 3:
        problems.append(
            tell(
                "{at}: write name {condition} condition {implies} consequence.",
                at=at,
                condition=CONDITION,
                implies=IMPLIES,
            )
        )
        return None
    given: dict[str, float] = {}
    conditions: list[Comparison] = []
    for text in (part.strip() for part in _AND.split(parts[1])):
        if name_key(text) in inputs:
            variable, value = inputs[name_key(text)]
            given[variable] = value
        elif text:
            conditions += _comparison(text, at, inputs, problems)
    consequences = [
        c for text in _AND.split(parts[2]) for c in _comparison(text.strip(), at, inputs, problems)
    ]
    reads: dict[str, None] = {}
    for comparison in (*conditions, *consequences):
        for name in (*names_in(comparison.left), *names_in(comparison.right)):
            found = structure.find(name.partition("[")[0])
            if found is None and name_key(name) not in _FUNCTIONS:
                problems.append(
                    tell(
                        "{at}: no variable '{name}'.{hint}",
                        at=at,
                        name=name,
                        hint=nearest(name, structure.variables),
                    )
                )
            elif found is not None and name_key(name) != "time":
                reads[found.name] = None
    return RealityCheck(
        block.name, block.line, given, tuple(conditions), tuple(consequences), tuple(reads), block.doc
    )


def _comparison(text: str, at: str, inputs: Mapping[str, Any], problems: list[str]) -> list[Comparison]:
    sides = _COMPARISON.split(text)
    if re.match(r"rc\b", text, re.IGNORECASE):
        problems.append(
            tell(
                "{at}: Vensim's function '{text}' is not supported. Compare values.",
                at=at,
                text=text.split("(")[0].strip(),
            )
        )
        return []
    if len(sides) != 3:
        hint = nearest(text, inputs)
        problems.append(
            tell(
                "{at}: '{text}' is neither a test input nor a comparison.{hint}", at=at, text=text, hint=hint
            )
        )
        return []
    return [Comparison(sides[0].strip(), sides[1], sides[2].strip())]


def names_in(expression: str) -> list[str]:
    """Return the names in an expression, functions included.

    >>> names_in("2*Teacup - MAX(room temperature, 3)")
    ['Teacup', 'MAX', 'room temperature']
    """
    return [match[2].strip().strip('"') for match in _TOKEN.finditer(expression) if match[2]]


def evaluate(expression: str, values: Values) -> Any:
    """Evaluate an arithmetic expression of numbers, names, + - * / ^, brackets, ABS, MIN, MAX.

    Parameters
    ----------
    values : name key -> array over time

    >>> float(evaluate("2*(x + 1)^2", {"x": np.array(2.0)}))
    18.0

    Raises
    ------
    ModelError
        If the expression is malformed.
    """
    tokens = [match for match in _TOKEN.finditer(expression) if match[0].strip()]
    result, rest = _sum(tokens, values, expression)
    if rest:
        raise ModelError(
            "'{expression}': nothing may stand at '{rest}'. Mend the expression.",
            expression=expression,
            rest=rest[0][0].strip(),
        )
    return result


def _sum(tokens: list[Any], values: Values, whole: str) -> tuple[Any, list[Any]]:
    result, tokens = _product(tokens, values, whole)
    while tokens and tokens[0][3] in {"+", "-"}:
        sign = tokens[0][3]
        other, tokens = _product(tokens[1:], values, whole)
        result = result + other if sign == "+" else result - other
    return result, tokens


def _product(tokens: list[Any], values: Values, whole: str) -> tuple[Any, list[Any]]:
    result, tokens = _power(tokens, values, whole)
    while tokens and tokens[0][3] in {"*", "/"}:
        sign = tokens[0][3]
        other, tokens = _power(tokens[1:], values, whole)
        result = result * other if sign == "*" else result / other
    return result, tokens


def _power(tokens: list[Any], values: Values, whole: str) -> tuple[Any, list[Any]]:
    base, tokens = _atom(tokens, values, whole)
    if tokens and tokens[0][3] == "^":
        exponent, tokens = _power(tokens[1:], values, whole)
        return base**exponent, tokens
    return base, tokens


def _atom(tokens: list[Any], values: Values, whole: str) -> tuple[Any, list[Any]]:
    if not tokens:
        raise ModelError("'{whole}' ends too early. Complete the expression.", whole=whole)
    first, rest = tokens[0], tokens[1:]
    if first[1]:
        return float(first[1]), rest
    if first[3] == "-":
        value, rest = _power(rest, values, whole)
        return -value, rest
    if first[3] == "(":
        value, rest = _sum(rest, values, whole)
        return value, _closed(rest, whole)
    if not first[2]:
        raise ModelError(
            "'{whole}': nothing may stand at '{first}'. Mend the expression.",
            whole=whole,
            first=first[0].strip(),
        )
    name = first[2].strip().strip('"')
    if name_key(name) in _FUNCTIONS and rest and rest[0][3] == "(":
        arguments = []
        while rest[0][3] in {"(", ","}:
            value, rest = _sum(rest[1:], values, whole)
            arguments.append(value)
            if not rest:
                break
        return _FUNCTIONS[name_key(name)](*arguments), _closed(rest, whole)
    return values[name_key(name)], rest


def _closed(tokens: list[Any], whole: str) -> list[Any]:
    if not tokens or tokens[0][3] != ")":
        raise ModelError("'{whole}': a bracket is not closed. Add ')'.", whole=whole)
    return tokens[1:]
