"""Each operation of the flat program on vectors, with PySD's meaning.

NaN goes through MIN and MAX as through numpy's; a condition is true unless it is
zero (NaN is true); INTEGER truncates; zero, for ZIDZ and XIDZ, is below 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable

from talent_sd.engine.llvm.writer import Writer

SMALL = 1e-6  # what Vensim and PySD take for zero

COMPARISONS = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
LOGICAL = frozenset({"and", "or", "not"})
LIBRARY = frozenset({"sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"})
"""Called lane by lane in the system's mathematical library."""
INTRINSICS = ("sqrt", "trunc", "rint")


def is_zero(w: Writer, a: str) -> str:
    """Whether |a| < 1e-6."""
    return w.compare("olt", w.absolute(a), w.number(SMALL))


def _minimum(w: Writer, a: str, b: str) -> str:
    smaller = w.select(w.compare("olt", a, b), a, b)
    return w.select(w.compare("uno", a, a), a, smaller)


def _maximum(w: Writer, a: str, b: str) -> str:
    larger = w.select(w.compare("ogt", a, b), a, b)
    return w.select(w.compare("uno", a, a), a, larger)


def _quantum(w: Writer, a: str, b: str) -> str:
    whole = w.mul(b, w.intrinsic("trunc", w.div(a, b)))
    return w.select(w.compare("olt", b, w.number(SMALL)), a, whole)


def _xidz(w: Writer, a: str, b: str, otherwise: str) -> str:
    return w.select(is_zero(w, b), otherwise, w.div(a, b))


def _root(w: Writer, a: str) -> str:
    """a^0.5: unlike the square root, 0 of -0 and infinity of -infinity."""
    root = w.add(w.intrinsic("sqrt", a), w.number(0.0))
    lowest = w.compare("oeq", a, w.number(float("-inf")))
    return w.select(lowest, w.number(float("inf")), root)


def _library(name: str) -> Callable[[Writer, str], str]:
    def write(w: Writer, a: str) -> str:
        return w.join([w.let(f"call double @{name}(double {lane})") for lane in w.lanes(a)])

    return write


def _ramp(w: Writer, time: str, slope: str, start: str, finish: str) -> str:
    final = _minimum(w, finish, time)
    begun = w.truth(w.compare("ogt", w.add(time, w.number(SMALL)), start))
    return w.mul(w.mul(begun, slope), w.sub(final, start))


def _pulse(w: Writer, time: str, start: str, width: str) -> str:
    begun = w.compare("ole", w.sub(start, w.number(SMALL)), time)
    running = w.compare("olt", time, w.add(start, width))
    return w.truth(w.masks("and", begun, running))


def _pulse_train(w: Writer, time: str, start: str, interval: str, width: str, end: str) -> str:
    since = w.add(w.sub(time, start), w.number(SMALL))
    rest = w.let(f"frem {w.real} {since}, {interval}")
    phase = w.select(w.compare("olt", rest, w.number(0.0)), w.add(rest, interval), rest)  # as Python's %
    within = w.masks("and", w.compare("ole", start, time), w.compare("olt", time, end))
    return w.truth(w.masks("and", within, w.compare("olt", phase, width)))


def step(w: Writer, time: str, height: str, start: str, dt: str) -> str:
    """STEP: from half a time step before its start."""
    middle = w.add(time, w.div(dt, w.number(2.0)))
    return w.mul(height, w.truth(w.compare("ogt", middle, start)))


def delay_steps(w: Writer, length: str, dt: str) -> str:
    """Steps of a fixed delay: its time over the time step, at least one, halves upwards."""
    ratio = w.div(length, dt)
    ratio = w.select(w.compare("olt", ratio, w.number(1.0)), w.number(1.0), ratio)
    return w.intrinsic("rint", w.add(ratio, w.number(SMALL)))


WRITERS: dict[str, Callable[..., str]] = {
    "add": Writer.add,
    "sub": Writer.sub,
    "mul": Writer.mul,
    "div": Writer.div,
    "neg": Writer.neg,
    "abs": Writer.absolute,
    "min": _minimum,
    "max": _maximum,
    "sqrt": lambda w, a: w.intrinsic("sqrt", a),
    "int": lambda w, a: w.intrinsic("trunc", a),
    "quantum": _quantum,
    "mod": lambda w, a, b: w.sub(a, _quantum(w, a, b)),
    "zidz": lambda w, a, b: _xidz(w, a, b, w.number(0.0)),
    "xidz": _xidz,
    "exp": lambda w, a: w.call("exp", a),
    "log": lambda w, a: w.call("log", a),
    "root": _root,
    "ramp": _ramp,
    "pulse": _pulse,
    "pulse_train": _pulse_train,
    **{name: _library(name) for name in LIBRARY},
}
"""Operations whose operands and result are doubles and that need nothing else."""


def functions(width: int) -> dict[str, str]:
    """Return the declarations of what the operations call from outside, by name."""
    w = Writer(width, False)
    texts = {name: f"declare double @{name}(double)\n" for name in LIBRARY}
    for name in INTRINSICS:
        full = f"llvm.{name}.{w.suffix}"
        texts[full] = f"declare {w.real} @{full}({w.real})\n"
    return texts
