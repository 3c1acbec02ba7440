"""Functions of the modelling languages in terms of the program's operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from talent_sd.engine.ir import SMALL, Call, Expression, Number, Time

DIRECT: dict[str, str] = {
    # function -> operation with the same operands
    "abs": "abs", "exp": "exp", "sqrt": "sqrt", "ln": "log", "power": "pow",
    "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "min": "min", "max": "max", "integer": "int", "modulo": "mod", "quantum": "quantum",
    "zidz": "zidz", "xidz": "xidz", "if_then_else": "if",
    "step": "step", "ramp": "ramp", "floor": "floor",
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


def pulse(start: Expression, width: Expression, step: Expression) -> Expression:
    """PULSE: 1 from half a step before its start, for a width; a width of 0 is one TIME STEP."""
    now = Call("add", (Time(), _half(step)))
    end = Call("add", (start, _at_least_a_step(width, step)))
    return Call("and", (Call("lt", (start, now)), Call("le", (now, end))))


def pulse_train(
    start: Expression, interval: Expression, width: Expression, end: Expression, step: Expression
) -> Expression:
    """PULSE TRAIN: pulses from its start to its end, that included; without an interval one that lasts."""
    since = Call("sub", (Call("add", (Time(), _half(step))), start))
    before = Call("floor", (Call("neg", (Call("div", (since, interval)),)),))  # minus what has begun
    phase = Call("add", (since, Call("mul", (interval, Call("add", (before, Number(1.0)))))))
    on = Call("le", (phase, _at_least_a_step(width, step)))
    repeated = Call("or", (Call("le", (interval, Number(0.0))), on))
    lasts = Call("le", (Time(), Call("add", (end, Number(SMALL)))))
    return Call("and", (Call("and", (Call("gt", (since, Number(0.0))), lasts)), repeated))


def _at_least_a_step(width: Expression, step: Expression) -> Expression:
    if isinstance(width, Number):
        return width if width.value > 0 else step
    return Call("if", (Call("gt", (width, Number(0.0))), width, step))


def _half(step: Expression) -> Expression:
    return Call("mul", (Number(0.5), step))


def _spike(args: Sequence[Expression], step: Expression) -> Expression:
    """XMILE's PULSE (magnitude, start): the magnitude arrives within one step."""
    return Call("mul", (Call("div", (args[1], step)), pulse(args[0], Number(0.0), step)))


def _spikes(args: Sequence[Expression], step: Expression) -> Expression:
    """XMILE's PULSE (magnitude, start, interval): once if the interval is 0."""
    start, interval, magnitude = args
    once = pulse(start, Number(0.0), step)
    often = pulse_train(start, interval, Number(0.0), Number(math.inf), step)
    if isinstance(interval, Number):
        pattern = once if interval.value <= 0 else often
    else:
        pattern = Call("if", (Call("gt", (interval, Number(0.0))), often, once))
    return Call("mul", (Call("div", (magnitude, step)), pattern))


def _floored_modulo(args: Sequence[Expression], step: Expression) -> Expression:
    """XMILE's MOD: the remainder has the sign of the divisor."""
    return Call("sub", (args[0], Call("mul", (args[1], Call("floor", (Call("div", args),))))))  # type: ignore[arg-type]


LOWERED: dict[str, tuple[int, Callable[[Sequence[Expression], Expression], Expression | None]]] = {
    # function -> operands, and what makes an expression of them and TIME STEP (None: not supported so)
    "log": (2, _log),
    "log10": (1, _log10),
    "pi": (0, lambda args, step: Number(math.pi)),
    "xramp": (2, _open_ramp),
    "pulse": (2, lambda args, step: pulse(args[0], args[1], step)),
    "pulse_train": (4, lambda args, step: pulse_train(args[0], args[1], args[2], args[3], step)),
    "floored_modulo": (2, _floored_modulo),
    "xpulse": (2, _spike),
    "xpulse_train": (3, _spikes),
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
