"""Random numbers that depend on nothing but seed, member, step and stream.

Philox4x32-10 (Salmon et al. 2011): a counter is scrambled into a draw, so there
is no state, and any block of members gives the numbers it would have had in a
whole run.
"""

from __future__ import annotations

import math

from talent_sd.engine.llvm.writer import Writer, function

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
LOW_HALF = 0xFFFF_FFFF
MAX_ATTEMPTS = 4096
MAX_STREAMS = 1 << 16


def _scramble(w: Writer, counter: list[str], key: list[str]) -> list[str]:
    low_half, half = w.integer(LOW_HALF), w.integer(32)
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for turn in range(ROUNDS):
        if turn:
            k0 = w.iand(w.integers("add", k0, w.integer(WEYL[0])), low_half)
            k1 = w.iand(w.integers("add", k1, w.integer(WEYL[1])), low_half)
        p0 = w.integers("mul", c0, w.integer(MULTIPLIERS[0]))
        p1 = w.integers("mul", c2, w.integer(MULTIPLIERS[1]))
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
    low_half = w.integer(LOW_HALF)
    seed, step = w.broadcast("%seed", "i64"), w.broadcast("%step", "i64")
    stream = w.broadcast("%stream", "i64")
    half = w.integer(32)
    counter = [w.iand("%member", low_half), w.integers("lshr", "%member", half), step, stream]
    drawn = _scramble(w, counter, [w.iand(seed, low_half), w.integers("lshr", seed, half)])
    pair = f"{{ {w.real}, {w.real} }}"
    first = w.let(f"insertvalue {pair} poison, {w.real} {_unit(w, drawn[0], drawn[1])}, 0")
    second = _unit(w, drawn[2], drawn[3])
    w.line(f"  ret {pair} {w.let(f'insertvalue {pair} {first}, {w.real} {second}, 1')}")
    parameters = [f"{w.word} %member", "i64 %step", "i64 %stream", "i64 %seed"]
    return function(f"units_{width}", pair, parameters, w)


def _units(w: Writer, member: str, step: str, stream: str, seed: str) -> tuple[str, str]:
    pair = f"{{ {w.real}, {w.real} }}"
    drawn = w.let(f"call {pair} @units_{w.width}({w.word} {member}, i64 {step}, i64 {stream}, i64 {seed})")
    return w.let(f"extractvalue {pair} {drawn}, 0"), w.let(f"extractvalue {pair} {drawn}, 1")


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
    allowed = w.let(f"icmp ult i64 %attempt_next, {MAX_ATTEMPTS}")
    w.line(f"  br i1 {w.let(f'and i1 {left}, {allowed}')}, label %draw, label %done\ndone:")
    w.line(f"  ret {t} %kept_next")
    numbers = [f"{t} %{name}" for name in ("low", "high", "mean", "sd")]
    parameters = [f"{w.word} %member", "i64 %step", "i64 %stream", "i64 %seed", *numbers]
    return function(f"normal_{width}", t, parameters, w)


def functions(width: int) -> dict[str, str]:
    """Return the text of the functions that `draw` calls, by name."""
    return {f"units_{width}": _define_units(width), f"normal_{width}": _define_normal(width)}


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
