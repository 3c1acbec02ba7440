"""pow on vectors: at most 2 units in the last place, numpy's special values.

x^y is 2^(y log2 x), the logarithm an unevaluated sum of two doubles: a rounded
one would be off by up to a thousand units. A logarithm may serve several powers.

A product is expanded into its exact rounding error by a fused multiply-add where
the processor has one and by Dekker's splitting where not: the same two numbers.
Nothing else is fused, so results are the same bits on every processor.
"""

from __future__ import annotations

from talent_sd.engine.llvm.math import (
    clamp,
    define,
    estrin,
    guarded,
    is_positive_normal,
    nearest,
    scale_subnormal,
    split_exponent,
    times_power_of_two,
    times_power_of_two_rounded,
)
from talent_sd.engine.llvm.writer import Writer, function

# 2^r = 1 + r ln 2 + r² q(r), |r| <= 1/2, error 2^-57.9
EXP2 = tuple(map(float.fromhex, (
    "0x1.ebfbdff82c5a1p-3", "0x1.c6b08d704a045p-5", "0x1.3b2ab6fba0757p-7", "0x1.5d87fe78c3832p-10",
    "0x1.4309130dd27c7p-13", "0x1.ffcbfbc79f6bfp-17", "0x1.62bfc9d1a2bb3p-20", "0x1.b52652e3b30d9p-24",
    "0x1.e617f72f9214fp-28", "0x1.e7c7460de2108p-32",
)))  # fmt: skip
# log2((1+s)/(1-s)) = s (C + C/3 z + z² q(z)), z = s², s <= 0.1716, C = 2/ln 2; error 2^-66.3
LOG2 = tuple(map(float.fromhex, (
    "0x1.2776c50ef9d24p-1", "0x1.a61762a75995ap-2", "0x1.484b14218c71fp-2", "0x1.0c9a63db2e2e5p-2",
    "0x1.c69f8a7529de6p-3", "0x1.87b0e88fa698dp-3", "0x1.85e7ada59cbfdp-3",
)))  # fmt: skip
C_HIGH, C_LOW = float.fromhex("0x1.71547652b82fep+1"), float.fromhex("0x1.777d0ffda0d24p-55")
THIRD_HIGH, THIRD_LOW = float.fromhex("0x1.ec709dc3a03fdp-1"), float.fromhex("0x1.d27f05548af0cp-55")
LN2 = float.fromhex("0x1.62e42fefa39efp-1")


def two_product(w: Writer, a: str, b: str) -> tuple[str, str]:
    """Write a·b as its rounded value and the exact rounding error."""
    high = w.mul(a, b)
    if w.fma:
        return high, w.fused(a, b, w.neg(high))
    a1, a2 = _split(w, a)
    b1, b2 = _split(w, b)
    error = w.sub(w.mul(a1, b1), high)
    error = w.add(error, w.mul(a1, b2))
    error = w.add(error, w.mul(a2, b1))
    return high, w.add(error, w.mul(a2, b2))


def _split(w: Writer, a: str) -> tuple[str, str]:
    """Split a double into two of 26 bits each (Veltkamp)."""
    scaled = w.mul(a, w.number(134217729.0))
    high = w.sub(scaled, w.sub(scaled, a))
    return high, w.sub(a, high)


def log2_pair(w: Writer, x: str, shift: str | None = None) -> tuple[str, str]:
    """Write log2 of a positive normal x as an unevaluated sum, good to 2^-63 of itself.

    What pow needs: an exponent of up to 1075 leaves the fraction good to 2^-53.
    """
    m, k = split_exponent(w, x)
    if shift is not None:
        k = w.add(k, shift)
    one = w.number(1.0)
    f = w.sub(m, one)
    d = w.add(one, m)
    d_low = w.add(w.sub(one, d), m)
    inverse = w.div(one, d)
    s = w.mul(f, inverse)
    product, error = two_product(w, s, d)
    rest = w.sub(w.sub(w.sub(f, product), error), w.mul(s, d_low))
    s_low = w.mul(rest, inverse)

    z, z_low = two_product(w, s, s)
    z_low = w.add(z_low, w.mul(w.add(s, s), s_low))
    a, a_low = two_product(w, z, w.number(THIRD_HIGH))
    a_low = w.add(a_low, w.add(w.mul(z, w.number(THIRD_LOW)), w.mul(z_low, w.number(THIRD_HIGH))))
    b = w.mul(w.mul(z, z), estrin(w, z, LOG2))
    p = w.add(a, b)
    p_low = w.add(w.add(w.sub(a, p), b), a_low)
    c = w.number(C_HIGH)
    t = w.add(c, p)
    t_low = w.add(w.add(w.sub(c, t), p), w.add(p_low, w.number(C_LOW)))

    high, low = two_product(w, s, t)
    low = w.add(low, w.add(w.mul(s, t_low), w.mul(s_low, t)))
    total = w.add(k, high)
    return total, w.add(w.add(w.sub(k, total), high), low)


def _power_parts(w: Writer, y: str, log_high: str, log_low: str) -> tuple[str, str]:
    """Write y · log2(x) as an unevaluated sum."""
    high, low = two_product(w, y, log_high)
    return high, w.add(low, w.mul(y, log_low))


def _exp2_parts(w: Writer, high: str, low: str) -> tuple[str, str]:
    """Write 2^(high + low) = m · 2^k: m in [0.7, 1.42], k in the low bits of a word."""
    k, k_bits = nearest(w, high)
    r = w.add(w.sub(high, k), low)
    tail = w.mul(w.mul(r, r), estrin(w, r, EXP2))
    return w.add(w.number(1.0), w.add(w.mul(r, w.number(LN2)), tail)), k_bits


def pow_from_log2(w: Writer, x: str, y: str, log_high: str, log_low: str) -> str:
    """Write x^y, given log2 of x (any pair where x is not positive and normal)."""
    high, low = _power_parts(w, y, log_high, log_low)
    m, k = _exp2_parts(w, high, low)
    # The sum is compared, not `high`: Dekker's splitting makes `low` NaN where y nearly overflows.
    within = w.compare("olt", w.absolute(w.add(high, low)), w.number(1020.0))
    ordinary = w.masks("and", within, is_positive_normal(w, x))
    return guarded(w, ordinary, times_power_of_two(w, m, k), "pow_rare", (x, y))


def pow_rare(w: Writer, x: str, y: str) -> str:
    """Write x^y for any operands, as C99 and numpy have it."""
    one, zero, infinity = w.number(1.0), w.number(0.0), w.number(float("inf"))
    size = w.absolute(x)
    scaled, shift = scale_subnormal(w, size)
    log_high, log_low = log2_pair(w, scaled, shift)
    exponent = clamp(w, y, 2.0**80)  # beyond it only x = 1 has a finite, non-zero power
    high, low = _power_parts(w, exponent, log_high, log_low)
    bounded = clamp(w, high, 1100.0)
    low = w.select(w.compare("oeq", bounded, high), low, zero)
    m, k = _exp2_parts(w, bounded, low)
    value = times_power_of_two_rounded(w, m, k)

    falls = w.compare("olt", y, zero)
    value = w.select(w.compare("oeq", size, zero), w.select(falls, infinity, zero), value)
    value = w.select(w.compare("oeq", size, infinity), w.select(falls, zero, infinity), value)
    grows = w.masks("xor", falls, w.compare("ogt", size, one))
    at_infinity = w.select(w.compare("oeq", size, one), one, w.select(grows, infinity, zero))
    y_infinite = w.compare("oeq", w.absolute(y), infinity)
    value = w.select(y_infinite, at_infinity, value)

    whole, odd = _parity(w, y)
    negative = w.icompare("slt", w.word_of(x), w.integer(0))
    value = w.select(w.masks("and", negative, odd), w.neg(value), value)
    defined = w.masks("or", whole, w.masks("or", y_infinite, w.compare("oeq", w.add(size, size), size)))
    invalid = w.masks("and", w.compare("olt", x, zero), w.invert(defined))
    invalid = w.masks("or", invalid, w.compare("uno", x, y))
    value = w.select(invalid, w.number(float("nan")), value)
    unit = w.masks("or", w.compare("oeq", x, one), w.compare("oeq", y, zero))
    return w.select(unit, one, value)


def _parity(w: Writer, y: str) -> tuple[str, str]:
    """Whether y is a whole number, and whether an odd one."""
    size = w.absolute(y)
    large = w.compare("oge", size, w.number(2.0**52))  # whole; below 2^53 the last bit is the parity
    shifted = w.add(size, w.number(2.0**52))
    bits = w.iselect(large, w.word_of(size), w.word_of(shifted))
    whole = w.masks("or", large, w.compare("oeq", w.sub(shifted, w.number(2.0**52)), size))
    last = w.icompare("ne", w.iand(bits, w.integer(1)), w.integer(0))
    odd = w.masks("and", last, w.compare("olt", size, w.number(2.0**53)))
    return whole, w.masks("and", odd, whole)


def functions(width: int, fma: bool) -> dict[str, str]:
    """Return the text of this module's functions for a width, by name."""
    texts = define("pow_rare", pow_rare, 2, width, fma) | define(
        "pow_from_log2", pow_from_log2, 4, width, fma
    )
    w = Writer(width, fma)
    high, low = log2_pair(w, "%a0")
    pair = f"{{ {w.real}, {w.real} }}"
    first = w.let(f"insertvalue {pair} poison, {w.real} {high}, 0")
    w.line(f"  ret {pair} {w.let(f'insertvalue {pair} {first}, {w.real} {low}, 1')}")
    texts[f"log2_pair_{width}"] = function(f"log2_pair_{width}", pair, [f"{w.real} %a0"], w)
    fused = f"llvm.fma.{w.suffix}"
    texts[fused] = f"declare {w.real} @{fused}({w.real}, {w.real}, {w.real})\n"
    return texts
