"""Functions of the modelling languages in terms of the program's operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from talent_sd.engine.ir import Call, Expression, Number, Time

DIRECT: dict[str, str] = {
    # function -> operation with the same operands
    "abs": "abs", "exp": "exp", "sqrt": "sqrt", "ln": "log", "power": "pow",
    "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "min": "min", "max": "max", "integer": "int", "modulo": "mod", "quantum": "quantum",
    "zidz": "zidz", "xidz": "xidz", "if_then_else": "if",
    "step": "step", "pulse": "pulse", "pulse_train": "pulse_train", "ramp": "ramp",
}  # fmt: skip

REDUCERS: dict[str, str] = {"sum": "add", "prod": "mul", "vmin": "min", "vmax": "max",
                            "vmin_xmile": "min", "vmax_xmile": "max"}  # fmt: skip

RANDOM: dict[str, tuple[str, int]] = {
    # function -> distribution, operands (a seed after them is ignored: the run has one)
    "random_0_1": ("uniform", 0), "random_uniform": ("uniform", 2),
    "random_normal": ("normal", 4), "random_exponential": ("exponential", 4),
}  # fmt: skip


def _log(args: Sequence[Expression], step: Expression) -> Expression:
    return Call("div", (Call("log", (args[0],)), Call("log", (args[1],))))


def _log10(args: Sequence[Expression], step: Expression) -> Expression:
    return Call("div", (Call("log", (args[0],)), Number(math.log(10.0))))


def _open_ramp(args: Sequence[Expression], step: Expression) -> Expression:
    return Call("ramp", (args[0], args[1], Number(math.inf)))


def _spike(args: Sequence[Expression], step: Expression) -> Expression:
    """XMILE's PULSE (start, magnitude): the magnitude arrives within one step."""
    return Call("mul", (Call("div", (args[1], step)), Call("pulse", (args[0], _half(step)))))


def _spikes(args: Sequence[Expression], step: Expression) -> Expression:
    """XMILE's PULSE (start, interval, magnitude): once if the interval is 0."""
    start, interval, magnitude = args
    once = Call("pulse", (start, _half(step)))
    often = Call("pulse_train", (start, interval, _half(step), Number(math.inf)))
    if isinstance(interval, Number):
        pattern = once if interval.value == 0 else often
    else:
        pattern = Call("if", (Call("eq", (interval, Number(0.0))), once, often))
    return Call("mul", (Call("div", (magnitude, step)), pattern))


def _half(step: Expression) -> Expression:
    return Call("mul", (Number(0.5), step))


def _time_value(args: Sequence[Expression], step: Expression) -> Expression | None:
    """GET TIME VALUE, relative to the present and in the model's units only."""
    if args[0] == Number(0.0) and args[2] == Number(0.0):
        return Call("add", (Time(), args[1]))
    return None


LOWERED: dict[str, tuple[int, Callable[[Sequence[Expression], Expression], Expression | None]]] = {
    # function -> operands, and what makes an expression of them and TIME STEP (None: not supported so)
    "log": (2, _log),
    "log10": (1, _log10),
    "pi": (0, lambda args, step: Number(math.pi)),
    "xramp": (2, _open_ramp),
    "xpulse": (2, _spike),
    "xpulse_train": (3, _spikes),
    "get_time_value": (3, _time_value),
}


def fold(operation: str, terms: Sequence[Expression]) -> Expression:
    """Join terms with a two-operand operation: left to right up to 8, else as a balanced tree, like numpy."""
    if len(terms) > 8:
        half = len(terms) // 2
        return Call(operation, (fold(operation, terms[:half]), fold(operation, terms[half:])))
    result = terms[0]
    for term in terms[1:]:
        result = Call(operation, (result, term))
    return result


def function_title(key: str) -> str:
    """Return a function's name as users write it."""
    return key.removeprefix("X").replace("_", " ").upper()
