"""XMILE's functions, Stella's among them, in the words of the trees; how it writes expressions."""

from __future__ import annotations

import math
from collections.abc import Callable

from talent_sd.model import trees, vensim_reader
from talent_sd.model.expressions import Dialect, token_pattern
from talent_sd.model.trees import Reference, Tree, call

_ANY = -1e300, 1e300
_DT = Reference("time_step")


def _by_count(*forms: Callable[..., Tree]) -> Callable[..., Tree]:
    """Return what takes the form with as many arguments as are given."""
    counts = {form.__code__.co_argcount: form for form in forms}  # type: ignore[attr-defined]
    return lambda *given: counts[len(given)](*given)


def _wave(function: str, size: Tree, period: Tree) -> Tree:
    angle = trees.Arithmetic(["*", "/"], (2 * math.pi, Reference("time"), period))
    return trees.Arithmetic(["*"], (size, call(function, angle)))


FUNCTIONS: dict[str, Callable[..., Tree]] = {
    **vensim_reader.FUNCTIONS,  # exports of Vensim models keep its names
    "//": lambda a, b: call("zidz", a, b),
    "MOD": lambda a, b: call("floored_modulo", a, b),
    "mod": lambda a, b: call("floored_modulo", a, b),
    "modulo": lambda a, b: call("floored_modulo", a, b),
    "int": lambda x: call("floor", x),
    "integer": lambda x: call("floor", x),
    "round": lambda x: call("floor", trees.Arithmetic(["+"], (x, 0.5))),
    "init": trees.Initial,
    "previous": lambda x, start: trees.DelayFixed(x, _DT, start),
    "delay": _by_count(lambda x, t: trees.DelayFixed(x, t, x), lambda x, t, start: trees.DelayFixed(x, t, start)),
    "delay1": _by_count(lambda x, t: trees.Delay(x, t, x, 1), lambda x, t, start: trees.Delay(x, t, start, 1)),
    "delay3": _by_count(lambda x, t: trees.Delay(x, t, x, 3), lambda x, t, start: trees.Delay(x, t, start, 3)),
    "delayn": _by_count(lambda x, t, n: trees.DelayN(x, t, x, n), lambda x, t, n, start: trees.DelayN(x, t, start, n)),
    "smth1": _by_count(lambda x, t: trees.Smooth(x, t, x, 1), lambda x, t, start: trees.Smooth(x, t, start, 1)),
    "smth3": _by_count(lambda x, t: trees.Smooth(x, t, x, 3), lambda x, t, start: trees.Smooth(x, t, start, 3)),
    "smthn": _by_count(
        lambda x, t, n: trees.SmoothN(x, t, x, n), lambda x, t, n, start: trees.SmoothN(x, t, start, n)
    ),
    "trend": _by_count(lambda x, t: trees.Trend(x, t, 0), lambda x, t, start: trees.Trend(x, t, start)),
    "forcst": _by_count(
        lambda x, t, ahead: trees.Forecast(x, t, ahead, 0),
        lambda x, t, ahead, start: trees.Forecast(x, t, ahead, start),
    ),
    "safediv": _by_count(lambda a, b: call("zidz", a, b), lambda a, b, c: call("xidz", a, b, c)),
    "ramp": _by_count(
        lambda slope, start: call("xramp", slope, start), lambda slope, start, end: call("ramp", slope, start, end)
    ),
    "pulse": _by_count(
        lambda size: call("xpulse_train", Reference("initial_time"), _DT, size),
        lambda size, start: call("xpulse", start, size),
        lambda size, start, interval: call("xpulse_train", start, interval, size),
    ),
    "max": _by_count(lambda x: call("vmax", x), lambda a, b: call("max", a, b)),
    "min": _by_count(lambda x: call("vmin", x), lambda a, b: call("min", a, b)),
    "random": _by_count(
        lambda low, high: call("random_uniform", low, high, 0), lambda low, high, seed: call("random_uniform", low, high, 0)
    ),
    "normal": _by_count(
        lambda mean, sd: call("random_normal", *_ANY, mean, sd, 0),
        lambda mean, sd, seed: call("random_normal", *_ANY, mean, sd, 0),
        lambda mean, sd, seed, low, high: call("random_normal", low, high, mean, sd, 0),
    ),
    "exprnd": _by_count(
        lambda mean: call("random_exponential", 0, _ANY[1], 0, mean, 0),
        lambda mean, seed: call("random_exponential", 0, _ANY[1], 0, mean, 0),
    ),
    "sinwave": lambda size, period: _wave("sin", size, period),
    "coswave": lambda size, period: _wave("cos", size, period),
    "percent": lambda x: trees.Arithmetic(["*"], (x, 100)),
    "sign": lambda x: trees.Arithmetic(["-"], (trees.Logic([">"], (x, 0)), trees.Logic(["<"], (x, 0)))),
}  # fmt: skip
FUNCTIONS["uniform"] = FUNCTIONS["random"]
DIALECT = Dialect(
    token_pattern(r"[^\W\d][\w$]*(?:\.[\w$]+)*|\.[^\W\d][\w$]*", r"//|<>|!=|<=|>=|==|&&|\|\||[-+*/^=<>(),;:\[\]!]"),
    {
        "AND": ":AND:", "OR": ":OR:", "NOT": ":NOT:", "IF": "IF", "THEN": "THEN", "ELSE": "ELSE", "MOD": "MOD",
        "&&": ":AND:", "||": ":OR:", "!": ":NOT:", "!=": "<>", "==": "=",
    },
    FUNCTIONS,
)  # fmt: skip
