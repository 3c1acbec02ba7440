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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from talent_sd.base.errors import nearest
from talent_sd.base.language import tell

PLAIN: dict[str, Callable[..., Any]] = {"abs": np.abs, "min": np.minimum, "max": np.maximum, "log": np.log}
POINT = ("level", "gap", "change")
SPAN = ("growth", "drift", "total", "gained", "area", "lowest", "highest", "lowest_gap", "highest_gap", "lowest_change",
        "highest_change")  # fmt: skip
NUMBERS = {**dict.fromkeys(POINT, 1), **dict.fromkeys(SPAN, 2), "furthest": 3}
"""Function of a quantity -> how many numbers follow it."""
_UNARY = {ast.USub: np.negative, ast.UAdd: np.positive}
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


@dataclass(frozen=True)
class QuantityCall:
    """A function of a quantity in an experiment, with the numbers that follow."""

    quantity: str
    experiment: str
    function: str
    numbers: tuple[float, ...]


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
        self.experiment = experiment
        self.tree = _parsed(text)
        self.calls: list[QuantityCall] = []

        def note(call: QuantityCall) -> float:
            self.calls.append(call)
            return 1.0

        self._evaluated(note)

    @property
    def quantities(self) -> set[str]:
        """Return the quantities that it reads."""
        return {call.quantity for call in self.calls}

    @property
    def experiments(self) -> set[str]:
        """Return the experiments that it reads, those compared with left out."""
        return {call.experiment for call in self.calls}

    @property
    def years(self) -> set[float]:
        """Return the years that it names."""
        return {year for call in self.calls for year in call.numbers[call.function == "furthest" :]}

    def __call__(self, reading: Reading) -> np.ndarray:
        """Return (cities, draws)."""
        return self._evaluated(lambda call: _measured(call, reading))

    def _evaluated(self, measured: Callable[[QuantityCall], Any]) -> np.ndarray:
        """Return the formula's value, given what its functions of quantities come to."""

        def call(node: ast.Call) -> Any:
            """Return what a function of the formula gives."""
            name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
            if name in NUMBERS:
                return measured(self._call(name, node))
            if name not in PLAIN or node.keywords:
                hint = nearest(name, [*NUMBERS, *PLAIN])
                raise FormulaError(tell("no function '{name}'.{hint}", name=name, hint=hint))
            return PLAIN[name](*(_value(arg, _refused, call) for arg in node.args))

        with np.errstate(all="ignore"):
            return np.asarray(_value(self.tree, _refused, call), float)

    def _call(self, function: str, node: ast.Call) -> QuantityCall:
        wanted = NUMBERS[function]
        names = [arg.id for arg in node.args if isinstance(arg, ast.Name)]
        numbers = tuple(_number(arg) for arg in node.args if not isinstance(arg, ast.Name))
        first_is_name = bool(node.args) and isinstance(node.args[0], ast.Name)
        if not first_is_name or len(names) > 2 or len(numbers) != wanted or node.keywords:
            form = ", ".join(["quantity", *["number"] * wanted])
            raise FormulaError(
                tell("'{function}' takes ({form}[, experiment]). Correct it.", function=function, form=form)
            )
        return QuantityCall(names[0], names[1] if len(names) > 1 else self.experiment, function, numbers)


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
    with np.errstate(all="ignore"):
        return np.asarray(_value(_parsed(formula), lambda node: values(node.id), _refused), float)


def _value(node: ast.AST, name: Callable[[ast.Name], Any], call: Callable[[ast.Call], Any]) -> Any:
    """Return what arithmetic on numbers, names and calls comes to."""
    if isinstance(node, ast.Name):
        return name(node)
    if isinstance(node, ast.Call):
        return call(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _UNARY[type(node.op)](_value(node.operand, name, call))
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](*(_value(part, name, call) for part in (node.left, node.right)))
    return _refused(node)


def _refused(node: ast.AST) -> Any:
    raise FormulaError(tell("nothing may stand at '{rest}'. Mend the expression.", rest=ast.unparse(node)))


def _parsed(text: str) -> ast.AST:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise FormulaError(tell("this is no formula. Mend the expression.")) from None


def _number(node: ast.AST) -> float:
    try:
        return float(_value(node, _refused, _refused))
    except FormulaError:
        raise FormulaError(tell("'{text}' is no number. Write one.", text=ast.unparse(node))) from None


def _measured(call: QuantityCall, reading: Reading) -> np.ndarray:
    """Return (cities, draws) of one function of a quantity."""
    function, numbers = call.function, call.numbers
    values = reading.series(call.quantity, call.experiment)
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
    other = reading.series(call.quantity, reading.against(call.experiment))
    changes = function in ("change", "gained", "lowest_change", "highest_change")
    difference = values - other if changes else values / other - 1
    if function in ("gap", "change"):
        return difference[..., reading.place(numbers[0])]
    name = "total" if function == "gained" else function.partition("_")[0]
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
