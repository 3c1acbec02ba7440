"""The program's operations on numpy arrays: what each means, for every back end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from talent_sd.engine.ir import Table

Array = np.ndarray
SMALL = 1e-6  # what Vensim and PySD take for zero


def _quantum(a: Array, b: Array) -> Array:
    return np.where(np.less(b, SMALL), a, b * np.trunc(np.divide(a, b)))


def _xidz(a: Array, b: Array, otherwise: Array) -> Array:
    return np.where(np.abs(b) < SMALL, otherwise, np.divide(a, b))


def _choose(condition: Array, a: Array, b: Array) -> Array:
    return np.asarray(np.where(np.not_equal(condition, 0), a, b))


def _truth(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda *args: function(*args).astype(np.float64)


PLAIN: dict[str, Callable[..., Array]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "pow": np.power, "neg": np.negative,
    "mod": lambda a, b: a - _quantum(a, b), "quantum": _quantum,
    "lt": _truth(np.less), "le": _truth(np.less_equal),
    "gt": _truth(np.greater), "ge": _truth(np.greater_equal),
    "eq": _truth(np.equal), "ne": _truth(np.not_equal),
    "and": _truth(np.logical_and), "or": _truth(np.logical_or), "not": _truth(np.logical_not),
    "if": _choose,
    "min": np.minimum, "max": np.maximum, "abs": np.abs, "sqrt": np.sqrt, "int": np.trunc,
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "zidz": lambda a, b: _xidz(a, b, np.zeros(())), "xidz": _xidz,
}  # fmt: skip
"""Operations on operands only."""


def _step(t: float, dt: float, height: Array, start: Array) -> Array:
    return np.multiply(height, np.greater(t + dt / 2, start))


def _pulse(t: float, dt: float, start: Array, width: Array) -> Array:
    return ((np.subtract(start, SMALL) <= t) & (t < np.add(start, width))).astype(np.float64)


def _pulse_train(t: float, dt: float, start: Array, interval: Array, width: Array, end: Array) -> Array:
    phase = np.mod(np.subtract(t, start) + SMALL, interval)
    return (np.less_equal(start, t) & np.less(t, end) & (phase < width)).astype(np.float64)


def _ramp(t: float, dt: float, slope: Array, start: Array, end: Array) -> Array:
    return np.greater(t + SMALL, start) * np.multiply(slope, np.minimum(end, t) - start)


TIMED: dict[str, Callable[..., Array]] = {
    "step": _step, "pulse": _pulse, "pulse_train": _pulse_train, "ramp": _ramp}  # fmt: skip
"""Test inputs: time and TIME STEP before the operands."""


def interpolate(table: Table, x: Array) -> Array:
    """Return a table's value at `x`, any shape. NaN stays NaN."""
    xs, ys = table.x, table.y
    if table.between == "step":
        below = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, len(xs) - 1)
        return np.where(np.isnan(x), np.nan, ys[below])
    value = np.interp(x, xs, ys)
    if table.outside == "extrapolate" and len(xs) > 1:
        first, last = (ys[1] - ys[0]) / (xs[1] - xs[0]), (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
        value = np.where(np.less(x, xs[0]), ys[0] + first * np.subtract(x, xs[0]), value)
        value = np.where(np.greater(x, xs[-1]), ys[-1] + last * np.subtract(x, xs[-1]), value)
    return value
