"""Vensim's Reality Checks: test inputs, and constraints that must hold when they are given.

``cold room :TEST INPUT: Room Temperature = 0 ~~|`` names a change of one input;
``never colder :THE CONDITION: cold room :IMPLIES: Teacup >= 0 ~~|`` says what must follow.
A condition is test inputs and comparisons joined by ``:AND:``; a comparison in it says
when the consequence must hold. Vensim's ``RC …`` functions are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError, Problems, nearest
from talent_sd.base.language import tell
from talent_sd.model.mdl_text import Block, split_blocks
from talent_sd.model.names import name_key
from talent_sd.model.structure import Structure
from talent_sd.model.syntax import FUNCTIONS, evaluate, references
from talent_sd.model.translate import mdl_string, read_model_bytes
from talent_sd.model.vensim_reader import parse_expression

TEST_INPUT, CONDITION, IMPLIES = ":TEST INPUT:", ":THE CONDITION:", ":IMPLIES:"
_SPLIT = re.compile(r":THE CONDITION:|:TEST INPUT:|:IMPLIES:", re.IGNORECASE)
_AND = re.compile(r":AND:", re.IGNORECASE)
_COMPARISON = re.compile(r"(<=|>=|<>|=|<|>)")
_NAME = re.compile(r'"[^"]+"|[^\W\d][\w .\'$]*')
TOLERANCE = 1e-6
"""Of a comparison's larger side; Vensim allows rounding too."""
Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """Two expressions, as PySD's trees, and how they must compare."""

    left: Any
    operator: str
    right: Any

    def holds(self, values: Values) -> np.ndarray:
        """Return where it holds, over time."""

        def read(reference: Any) -> np.ndarray:
            inside = f"[{','.join(reference.subscripts.subscripts)}]" if reference.subscripts else ""
            return values[name_key(reference.reference) + inside]

        one, other = (np.asarray(evaluate(side, read), float) for side in (self.left, self.right))
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
    blocks = split_blocks(mdl_string(path, read_model_bytes(path), []))
    problems = Problems()
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
    block: Block, path: Path, structure: Structure, problems: Problems
) -> tuple[str, float] | None:
    """Return variable and value of "name :TEST INPUT: variable = number"."""
    at = f"{path.name}:{block.line}: " + tell("test input '{name}'", name=block.name)
    name, equals, value = (
        part.strip() for part in _SPLIT.split(block.equation, maxsplit=1)[1].partition("=")
    )
    variable = structure.find(name)
    if variable is None:
        hint = nearest(name, structure.variables)
        problems.say("{at}: no variable '{name}'.{hint}", at=at, name=name, hint=hint)
        return None
    try:
        return variable.name, float(value) if equals else float("nan")
    except ValueError:
        problems.say(
            "{at}: '{value}' is not a number. Only numbers are given to inputs here.", at=at, value=value
        )
        return None


def _constraint(
    block: Block,
    path: Path,
    structure: Structure,
    inputs: Mapping[str, tuple[str, float]],
    problems: Problems,
) -> RealityCheck | None:
    """Return one constraint; None after noting what is wrong."""
    at = f"{path.name}:{block.line}: " + tell("reality check '{name}'", name=block.name)
    parts = _SPLIT.split(block.equation)
    if len(parts) != 3:
        problems.say(
            "{at}: write name {condition} condition {implies} consequence.",
            at=at, condition=CONDITION, implies=IMPLIES,
        )  # fmt: skip
        return None
    given: dict[str, float] = {}
    reads: dict[str, None] = {}
    sides: tuple[list[Comparison], list[Comparison]] = ([], [])
    for part, found in zip(parts[1:], sides, strict=True):
        for text in (text.strip() for text in _AND.split(part)):
            if name_key(text) in inputs and found is sides[0]:
                variable, value = inputs[name_key(text)]
                given[variable] = value
            elif text or found is sides[1]:
                with problems.gathered():
                    comparison = _comparison(text, at, inputs)
                    reads |= _reads(comparison, text, at, structure)
                    found.append(comparison)
    conditions, consequences = map(tuple, sides)
    return RealityCheck(block.name, block.line, given, conditions, consequences, tuple(reads), block.doc)


def _comparison(text: str, at: str, inputs: Mapping[str, Any]) -> Comparison:
    """Read a comparison; a `ModelError` if it is none."""
    if re.match(r"rc\b", text, re.IGNORECASE):
        name = text.split("(")[0].strip()
        raise ModelError(
            "{at}: Vensim's function '{text}' is not supported. Compare values.", at=at, text=name
        )
    sides = _COMPARISON.split(text)
    if len(sides) != 3:
        hint = nearest(text, inputs)
        raise ModelError(
            "{at}: '{text}' is neither a test input nor a comparison.{hint}", at=at, text=text, hint=hint
        )
    try:
        return Comparison(parse_expression(sides[0]), sides[1], parse_expression(sides[2]))
    except ValueError:
        raise ModelError(
            "{at}: '{text}' cannot be read. Check its operators and brackets.", at=at, text=text
        ) from None


def _reads(comparison: Comparison, text: str, at: str, structure: Structure) -> dict[str, None]:
    """Return the variables that a comparison names; a `ModelError` with those that do not exist."""
    written = {name_key(name): name.strip().strip('"') for name in _NAME.findall(text)}
    problems = Problems()
    reads: dict[str, None] = {}
    for reference in (*references(comparison.left), *references(comparison.right)):
        key = name_key(reference.reference)
        found = structure.find(key)
        if found is not None and key != "time":
            reads[found.name] = None
        elif found is None and key not in FUNCTIONS and key != "time":
            name = written.get(key, reference.reference)
            hint = nearest(name, structure.variables)
            problems.say("{at}: no variable '{name}'.{hint}", at=at, name=name, hint=hint)
    if problems:
        raise ModelError(problems)
    return reads
