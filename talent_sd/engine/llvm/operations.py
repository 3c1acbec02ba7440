"""Each operation of the flat program on vectors, with PySD's meaning: arithmetic, random numbers, lookups.

NaN goes through MIN and MAX as through numpy's; a condition is true unless it is
zero (NaN is true); INTEGER truncates; zero, for ZIDZ and XIDZ, is below 1e-6.
`engine.evaluate` says the same in numpy, and the tests hold the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from talent_sd.engine import random_numbers
from talent_sd.engine.ir import SMALL
from talent_sd.engine.llvm.writer import Writer, function

COMPARISONS = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
LOGICAL = frozenset({"and", "or", "not"})
LIBRARY = frozenset({"sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"})
"""Called lane by lane in the system's mathematical library."""
INTRINSICS = ("sqrt", "trunc", "floor", "rint")


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
    "floor": lambda w, a: w.intrinsic("floor", a),
    "quantum": _quantum,
    "mod": lambda w, a, b: w.sub(a, _quantum(w, a, b)),
    "zidz": lambda w, a, b: _xidz(w, a, b, w.number(0.0)),
    "xidz": _xidz,
    "exp": lambda w, a: w.call("exp", a),
    "log": lambda w, a: w.call("log", a),
    "root": _root,
    "ramp": _ramp,
    **{name: _library(name) for name in LIBRARY},
}
"""Operations whose operands and result are doubles and that need nothing else."""


# ---- random numbers: Philox4x32-10 (`random_numbers`), so any block of members draws what the whole run would


def _scramble(w: Writer, counter: list[str], key: list[str]) -> list[str]:
    low_half, half = w.integer(0xFFFF_FFFF), w.integer(32)
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for turn in range(random_numbers.ROUNDS):
        if turn:
            k0 = w.iand(w.integers("add", k0, w.integer(random_numbers.WEYL[0])), low_half)
            k1 = w.iand(w.integers("add", k1, w.integer(random_numbers.WEYL[1])), low_half)
        p0 = w.integers("mul", c0, w.integer(random_numbers.MULTIPLIERS[0]))
        p1 = w.integers("mul", c2, w.integer(random_numbers.MULTIPLIERS[1]))
        first = w.integers("xor", w.integers("xor", w.integers("lshr", p1, half), c1), k0)
        third = w.integers("xor", w.integers("xor", w.integers("lshr", p0, half), c3), k1)
        c0, c1, c2, c3 = first, w.iand(p1, low_half), third, w.iand(p0, low_half)
    return [c0, c1, c2, c3]


def _unit(w: Writer, high: str, low: str) -> str:
    """A double in [0, 1) of 52 random bits."""
    bits = w.integers("or", w.integers("shl", high, w.integer(32)), low)
    mantissa = w.integers("lshr", bits, w.integer(12))
    one_to_two = w.real_of(w.integers("or", mantissa, w.integer(0x3FF << 52)))
    return w.sub(one_to_two, w.number(1.0))


def _define_units(width: int) -> str:
    w = Writer(width, False)
    low_half = w.integer(0xFFFF_FFFF)
    seed, step = w.broadcast("%seed", "i64"), w.broadcast("%step", "i64")
    stream = w.broadcast("%stream", "i64")
    half = w.integer(32)
    counter = [w.iand("%member", low_half), w.integers("lshr", "%member", half), step, stream]
    drawn = _scramble(w, counter, [w.iand(seed, low_half), w.integers("lshr", seed, half)])
    w.return_pair(_unit(w, drawn[0], drawn[1]), _unit(w, drawn[2], drawn[3]))
    parameters = [f"{w.word} %member", "i64 %step", "i64 %stream", "i64 %seed"]
    return function(f"units_{width}", w.pair, parameters, w)


def _units(w: Writer, member: str, step: str, stream: str, seed: str) -> tuple[str, str]:
    arguments = f"{w.word} {member}, i64 {step}, i64 {stream}, i64 {seed}"
    return w.unpair(w.let(f"call {w.pair} @units_{w.width}({arguments})"))


def _define_normal(width: int) -> str:
    """Truncated normal: drawn again, lane by lane, until within the bounds (NaN if that never happens)."""
    w = Writer(width, False)
    t = w.real
    w.line("  br label %draw\ndraw:")
    w.line("  %attempt = phi i64 [ 0, %entry ], [ %attempt_next, %draw ]")
    nan = w.number(float("nan"))
    w.line(f"  %kept = phi {t} [ {nan}, %entry ], [ %kept_next, %draw ]")
    w.line(f"  %open = phi {w.mask} [ {w.bit(True)}, %entry ], [ %open_next, %draw ]")
    stream = w.let(f"or i64 %stream, {w.let('shl i64 %attempt, 16')}")
    u, v = _units(w, "%member", "%step", stream, "%seed")
    size = w.intrinsic("sqrt", w.mul(w.number(-2.0), w.call("log", w.sub(w.number(1.0), u))))
    angle = w.mul(w.number(2 * math.pi), v)
    turn = w.join([w.let(f"call double @cos(double {lane})") for lane in w.lanes(angle)])
    value = w.add("%mean", w.mul("%sd", w.mul(size, turn)))
    outside = w.masks("or", w.compare("olt", value, "%low"), w.compare("ogt", value, "%high"))
    taken = w.masks("and", "%open", w.invert(outside))
    w.line(f"  %kept_next = select {w.mask} {taken}, {t} {value}, {t} %kept")
    w.line(f"  %open_next = and {w.mask} %open, {outside}")
    w.line("  %attempt_next = add i64 %attempt, 1")
    left = w.any("%open_next")
    allowed = w.let(f"icmp ult i64 %attempt_next, {random_numbers.MAX_ATTEMPTS}")
    w.line(f"  br i1 {w.let(f'and i1 {left}, {allowed}')}, label %draw, label %done\ndone:")
    w.line(f"  ret {t} %kept_next")
    numbers = [f"{t} %{name}" for name in ("low", "high", "mean", "sd")]
    parameters = [f"{w.word} %member", "i64 %step", "i64 %stream", "i64 %seed", *numbers]
    return function(f"normal_{width}", t, parameters, w)


def draw(
    w: Writer, distribution: str, stream: int, member: str, step: str, seed: str, args: list[str]
) -> str:
    """Write one draw per lane.

    Parameters
    ----------
    distribution, args : as in `ir.Random`
    stream : below 65536
    member : words, the members' numbers in the whole run
    step, seed : 64-bit integers
    """
    if distribution == "normal":
        operands = ", ".join(f"{w.real} {a}" for a in args)
        return w.let(
            f"call {w.real} @normal_{w.width}({w.word} {member}, i64 {step}, i64 {stream}, "
            f"i64 {seed}, {operands})"
        )
    u, _ = _units(w, member, step, str(stream), seed)
    low, high = args[:2]
    if distribution == "uniform":
        return w.add(low, w.mul(w.sub(high, low), u))
    shift, stretch = args[2:]
    start = w.select(w.compare("ogt", low, shift), low, shift)
    reach = w.div(w.sub(high, start), stretch)
    mass = w.sub(w.number(1.0), w.call("exp", w.neg(reach)))
    depth = w.call("log", w.sub(w.number(1.0), w.mul(u, mass)))
    return w.sub(start, w.mul(stretch, depth))


# ---- lookups: the points are data, so a compiled kernel serves any table

SEARCH_ABOVE = 24
"""Tables with more points are searched by halving; shorter ones from end to end."""


def table_call(w: Writer, x: str, table: int, clamp: bool) -> str:
    """Write the value of a table at x; `%tables` and `%table_index` are in scope."""
    start = w.load_scalar("%table_index", str(2 * table), "i64")
    count = w.load_scalar("%table_index", str(2 * table + 1), "i64")
    points = w.address("%tables", start)
    kind = "clamped" if clamp else "open"
    return w.let(f"call {w.real} @table_{kind}_{w.width}({w.real} {x}, ptr {points}, i64 {count})")


def _define_table(width: int, clamp: bool) -> str:
    w = Writer(width, False)
    x = "%x"
    last = w.let("sub i64 %n, 1")
    if clamp:
        first_x, last_x = w.load_uniform("%xs", "0"), w.load_uniform("%xs", last)
        x = w.select(w.compare("olt", x, first_x), first_x, x)
        x = w.select(w.compare("ogt", x, last_x), last_x, x)
    w.line(f"  %long = icmp ugt i64 %n, {SEARCH_ABOVE}")
    w.line("  br i1 %long, label %search, label %scan")
    _scan(w, x)
    _search(w, x)
    parameters = [f"{w.real} %x", "ptr %xs", "i64 %n"]
    kind = "clamped" if clamp else "open"
    return function(f"table_{kind}_{width}", w.real, parameters, w)


def _value(w: Writer, x: str, x0: str, y0: str, slope: str) -> str:
    return w.add(w.mul(slope, w.sub(x, x0)), y0)


def _scan(w: Writer, x: str) -> None:
    """Pass over all points, keeping the last that is not above x."""
    t = w.real
    w.line("scan:")
    starts = [w.load_uniform("%xs", "0"), w.load_uniform("%xs", "%n")]
    slopes = w.let("shl i64 %n, 1")
    starts.append(w.load_uniform("%xs", slopes))
    w.line("  %more = icmp ugt i64 %n, 1\n  br i1 %more, label %pass, label %found\npass:")
    w.line("  %j = phi i64 [ 1, %scan ], [ %j_next, %pass ]")
    kept = [f"%k{i}" for i in range(3)]
    for i in range(3):
        w.line(f"  {kept[i]} = phi {t} [ {starts[i]}, %scan ], [ %l{i}, %pass ]")
    here = w.load_uniform("%xs", "%j")
    beyond = w.compare("oge", x, here)
    y = w.load_uniform("%xs", w.let("add i64 %j, %n"))
    slope = w.load_uniform("%xs", w.let(f"add i64 %j, {slopes}"))
    for i, new in enumerate((here, y, slope)):
        w.line(f"  %l{i} = select {w.mask} {beyond}, {t} {new}, {t} {kept[i]}")
    w.line("  %j_next = add i64 %j, 1\n  %again = icmp ult i64 %j_next, %n")
    w.line("  br i1 %again, label %pass, label %found\nfound:")
    for i in range(3):
        w.line(f"  %f{i} = phi {t} [ {starts[i]}, %scan ], [ %l{i}, %pass ]")
    w.line(f"  ret {t} {_value(w, x, '%f0', '%f1', '%f2')}")


def _search(w: Writer, x: str) -> None:
    """Halve the interval until the last point not above x is found, lane by lane."""
    t, word = w.real, w.word
    w.line("search:")
    w.line("  %zeros = call i64 @llvm.ctlz.i64(i64 %n, i1 true)\n  %top = sub i64 63, %zeros")
    w.line("  %first = shl i64 1, %top\n  br label %halve\nhalve:")
    w.line("  %width = phi i64 [ %first, %search ], [ %width_next, %halve ]")
    zero = w.integer(0)
    w.line(f"  %at = phi {word} [ {zero}, %search ], [ %at_next, %halve ]")
    candidate = w.integers("add", "%at", w.broadcast("%width", "i64"))
    limit = w.broadcast(w.let("sub i64 %n, 1"), "i64")
    inside = w.icompare("ule", candidate, limit)
    there = w.gather("%xs", w.iselect(inside, candidate, zero))
    moves = w.masks("and", inside, w.compare("oge", x, there))
    w.line(f"  %at_next = select {w.mask} {moves}, {word} {candidate}, {word} %at")
    w.line("  %width_next = lshr i64 %width, 1\n  %on = icmp ne i64 %width_next, 0")
    w.line("  br i1 %on, label %halve, label %end\nend:")
    n = w.broadcast("%n", "i64")
    at_y = w.integers("add", "%at_next", n)
    at_slope = w.integers("add", at_y, n)
    x0, y0 = w.gather("%xs", "%at_next"), w.gather("%xs", at_y)
    w.line(f"  ret {t} {_value(w, x, x0, y0, w.gather('%xs', at_slope))}")


def functions(width: int) -> dict[str, str]:
    """Return the text of all functions that operations call, by name: ours, and those declared from outside."""
    w = Writer(width, False)
    texts = {name: f"declare double @{name}(double)\n" for name in LIBRARY}
    for name in INTRINSICS:
        full = f"llvm.{name}.{w.suffix}"
        texts[full] = f"declare {w.real} @{full}({w.real})\n"
    texts |= {f"units_{width}": _define_units(width), f"normal_{width}": _define_normal(width)}
    texts |= {f"table_{'clamped' if c else 'open'}_{width}": _define_table(width, c) for c in (True, False)}
    texts["llvm.ctlz.i64"] = "declare i64 @llvm.ctlz.i64(i64, i1)\n"
    if width > 1:
        gather = f"llvm.masked.gather.{w.suffix}.v{width}p0"
        texts[gather] = f"declare {w.real} @{gather}(<{width} x ptr>, i32, {w.mask}, {w.real})\n"
    return texts
