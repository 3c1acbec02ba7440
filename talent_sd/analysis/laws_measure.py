"""The small language of measures: arithmetic on what experiments did against what they are compared with.

A formula knows numbers, + - * / and brackets, `abs`, `min`, `max`, `log`, and these functions of a
quantity q, years and (last, optional) an experiment:

level(q, year)           its value                        gap(q, year)          relative difference
change(q, year)          difference                       growth(q, y1, y2)     relative change from y1 to y2
total(q, y1, y2)         integral of the value            gained(q, y1, y2)     integral of the difference
drift(q, y1, y2)         of q over q in y1 the value furthest from 1
area(q, y1, y2)          mean size of the gap             furthest(q, x, y1, y2)  the value furthest from x
lowest/highest(q, y1, y2), lowest_gap/highest_gap(q, y1, y2), lowest_change/highest_change(q, y1, y2)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from talent_sd.base.errors import nearest
from talent_sd.base.messages import tell

PLAIN: dict[str, Callable[..., Any]] = {"abs": np.abs, "min": np.minimum, "max": np.maximum, "log": np.log}
POINT = ("level", "gap", "change")
SPAN = ("growth", "drift", "total", "gained", "area", "lowest", "highest", "lowest_gap", "highest_gap", "lowest_change",
        "highest_change")  # fmt: skip
NUMBERS = {**dict.fromkeys(POINT, 1), **dict.fromkeys(SPAN, 2), "furthest": 3}
"""Function of a quantity -> how many numbers follow it."""
_BINARY = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}

Series = Callable[[str, str], np.ndarray]
"""(quantity, experiment) -> (..., times)."""


class FormulaError(ValueError):
    """A formula that cannot be read; the text says why and what to do."""


@dataclass(frozen=True)
class Reading:
    """What a measure is evaluated on.

    Parameters
    ----------
    series : (quantity, experiment) -> (cities, draws, times)
    against : experiment -> the one it is compared with
    times : (times,) saved years
    """

    series: Series
    against: Callable[[str], str]
    times: np.ndarray

    def place(self, year: float) -> int:
        """Return where a year was saved."""
        found = int(np.argmin(np.abs(self.times - year)))
        if abs(self.times[found] - year) > 1e-6:
            raise FormulaError(tell("the year {year:g} was not saved", year=year))
        return found

    def span(self, first: float, last: float) -> slice:
        """Return the saved years from one to another, both included."""
        return slice(self.place(first), self.place(last) + 1)


class Measure:
    """A formula, read once.

    Parameters
    ----------
    text : the formula
    experiment : the one meant where a function names none

    Raises
    ------
    FormulaError
        If it is none.
    """

    def __init__(self, text: str, experiment: str) -> None:
        self.text, self.experiment = text, experiment
        self.tree = _parsed(text)
        for _ in self._calls(self.tree):
            pass

    @cached_property
    def quantities(self) -> set[str]:
        """Return the quantities that it reads."""
        return {name for name, _, _, _ in self._calls(self.tree)}

    @cached_property
    def experiments(self) -> set[str]:
        """Return the experiments that it reads, those compared with left out."""
        return {experiment for _, experiment, _, _ in self._calls(self.tree)}

    @cached_property
    def years(self) -> set[float]:
        """Return the years that it names."""
        return {
            year for _, _, function, numbers in self._calls(self.tree) for year in _years(function, numbers)
        }

    def __call__(self, reading: Reading) -> np.ndarray:
        """Return (cities, draws)."""
        with np.errstate(all="ignore"):
            return np.asarray(self._value(self.tree, reading), float)

    def _calls(self, node: ast.AST) -> Iterator[tuple[str, str, str, tuple[float, ...]]]:
        """Yield quantity, experiment, function and numbers of every function of a quantity."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NUMBERS:
            yield self._call(node)
            return
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in PLAIN or node.keywords:
                known = [*NUMBERS, *PLAIN]
                name = ast.unparse(node.func)
                raise FormulaError(tell("no function '{name}'.{hint}", name=name, hint=nearest(name, known)))
            children: list[ast.AST] = list(node.args)
        elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            children = [node.left, node.right]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            children = [node.operand]
        elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            children = []
        else:
            raise FormulaError(
                tell("nothing may stand at '{rest}'. Mend the expression.", rest=ast.unparse(node))
            )
        for child in children:
            yield from self._calls(child)

    def _call(self, node: ast.Call) -> tuple[str, str, str, tuple[float, ...]]:
        assert isinstance(node.func, ast.Name)
        function, wanted = node.func.id, NUMBERS[node.func.id]
        names = [arg.id for arg in node.args if isinstance(arg, ast.Name)]
        numbers = tuple(_number(arg) for arg in node.args if not isinstance(arg, ast.Name))
        first_is_name = bool(node.args) and isinstance(node.args[0], ast.Name)
        if not first_is_name or len(names) > 2 or len(numbers) != wanted or node.keywords:
            form = ", ".join(["quantity", *["number"] * wanted])
            raise FormulaError(
                tell("'{function}' takes ({form}[, experiment]). Correct it.", function=function, form=form)
            )
        return names[0], names[1] if len(names) > 1 else self.experiment, function, numbers

    def _value(self, node: ast.AST, reading: Reading) -> Any:
        if isinstance(node, ast.Constant):
            return float(node.value)  # type: ignore[arg-type]
        if isinstance(node, ast.UnaryOp):
            value = self._value(node.operand, reading)
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp):
            return _BINARY[type(node.op)](self._value(node.left, reading), self._value(node.right, reading))
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        if node.func.id in PLAIN:
            return PLAIN[node.func.id](*(self._value(arg, reading) for arg in node.args))
        return _measured(*self._call(node), reading)


def names_in(formula: str) -> set[str]:
    """Return the quantities that a quantity's formula is made of.

    >>> sorted(names_in("births / residents"))
    ['births', 'residents']

    Raises
    ------
    FormulaError
        If it is no arithmetic.
    """
    return {node.id for node in ast.walk(_parsed(formula)) if isinstance(node, ast.Name)}


def combine(formula: str, values: Callable[[str], np.ndarray]) -> np.ndarray:
    """Return a quantity's formula of other quantities' values."""

    def value(node: ast.AST) -> Any:
        if isinstance(node, ast.Name):
            return values(node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return float(node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            return _BINARY[type(node.op)](value(node.left), value(node.right))
        raise FormulaError(
            tell("nothing may stand at '{rest}'. Mend the expression.", rest=ast.unparse(node))
        )

    with np.errstate(all="ignore"):
        return np.asarray(value(_parsed(formula)), float)


def _parsed(text: str) -> ast.AST:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise FormulaError(tell("this is no formula. Mend the expression.")) from None


def _number(node: ast.AST) -> float:
    sign = 1.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1.0, node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return sign * float(node.value)
    raise FormulaError(tell("'{text}' is no number. Write one.", text=ast.unparse(node)))


def _years(function: str, numbers: tuple[float, ...]) -> tuple[float, ...]:
    return numbers[1:] if function == "furthest" else numbers


def _measured(
    quantity: str, experiment: str, function: str, numbers: tuple[float, ...], reading: Reading
) -> np.ndarray:
    """Return (cities, draws) of one function of a quantity."""
    values = reading.series(quantity, experiment)
    if function == "level":
        return values[..., reading.place(numbers[0])]
    if function in ("furthest", "drift"):
        target, begin, end = numbers if function == "furthest" else (1.0, *numbers)
        part = values[..., reading.span(begin, end)]
        if function == "drift":
            part = part / part[..., :1]
        worst = np.argmax(np.abs(part - target), axis=-1)
        return np.take_along_axis(part, worst[..., None], axis=-1)[..., 0]
    if function == "growth":
        earlier, later = (values[..., reading.place(year)] for year in numbers)
        return np.asarray(later / earlier - 1)
    if function in ("total", "lowest", "highest"):
        return _over_span(function, values, reading, numbers)
    other = reading.series(quantity, reading.against(experiment))
    difference = (
        values - other
        if function in ("change", "gained", "lowest_change", "highest_change")
        else (values / other - 1)
    )
    if function in ("gap", "change"):
        return difference[..., reading.place(numbers[0])]
    name = {"gained": "total", "area": "area"}.get(function, function.partition("_")[0])
    return _over_span(name, difference, reading, numbers)


def _over_span(name: str, values: np.ndarray, reading: Reading, numbers: tuple[float, ...]) -> np.ndarray:
    part, years = values[..., reading.span(*numbers)], reading.times[reading.span(*numbers)]
    if name == "lowest":
        return part.min(axis=-1)
    if name == "highest":
        return part.max(axis=-1)
    part = np.abs(part) if name == "area" else part
    integral = ((part[..., 1:] + part[..., :-1]) / 2 * np.diff(years)).sum(axis=-1)
    return integral / (years[-1] - years[0]) if name == "area" else integral
