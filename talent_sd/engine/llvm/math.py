"""exp, log and pow on vectors: at most 2 units in the last place, numpy's special values.

Each function has a short path, right for ordinary operands, and a long one for
zeros, subnormals, infinities, NaN, overflow and negative bases, taken only when
some lane needs it. A lane that does not need it gets the short path's result
either way, so no lane depends on its neighbours.

x^y is 2^(y log2 x), the logarithm an unevaluated sum of two doubles: a rounded
one would be off by up to a thousand units. A logarithm may serve several powers.
A product is expanded into its exact rounding error by a fused multiply-add where
the processor has one and by Dekker's splitting where not: the same two numbers.
Nothing else is fused, so results are the same bits on every processor.

Polynomials are minimax fits (Remez exchange in 200-bit arithmetic); the error
stated with each is relative to the function's value.
"""

from __future__ import annotations

from collections.abc import Callable

from talent_sd.engine.llvm.writer import Writer, bits_of, function

# exp(r) = 1 + r + r² q(r), |r| <= ln(2)/2, error 2^-57.9
EXP = tuple(map(float.fromhex, (
    "0x1.000000000000ap-1", "0x1.55555555554f0p-3", "0x1.555555555087cp-5", "0x1.1111111127b7ap-7",
    "0x1.6c16c18429fe0p-10", "0x1.a01a012a7d927p-13", "0x1.a0199a0cbe94fp-16", "0x1.71df24fb7068ap-19",
    "0x1.28ad726aacf17p-22", "0x1.ad7ffae5ba1b2p-26",
)))  # fmt: skip
# log: coefficients of FreeBSD's e_log.c (Sun, 1993): error below 2^-58.45
LOG_EVEN = tuple(map(float.fromhex, (
    "0x1.999999997fa04p-2", "0x1.c71c51d8e78afp-3", "0x1.39a09d078c69fp-3",
)))  # fmt: skip
LOG_ODD = tuple(map(float.fromhex, (
    "0x1.5555555555593p-1", "0x1.2492494229359p-2", "0x1.7466496cb03dep-3", "0x1.2f112df3e5244p-3",
)))  # fmt: skip
LOG2_E = float.fromhex("0x1.71547652b82fep+0")
LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")  # ends in 20 zero bits: times |k| < 2^20 it is exact
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
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

ROUND = 1.5 * 2.0**52  # added and subtracted: rounds to the nearest integer, which then sits in the low bits
SMALLEST_NORMAL = 1 << 52
INFINITY_BITS = 0x7FF << 52
ROOT_HALF_BITS = bits_of(float.fromhex("0x1.6a09e667f3bcdp-1"))


def _horner(w: Writer, x: str, coefficients: tuple[float, ...]) -> str:
    value = w.number(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = w.add(w.mul(value, x), w.number(c))
    return value


def estrin(w: Writer, x: str, coefficients: tuple[float, ...]) -> str:
    """Write a polynomial in pairs, so that its parts are evaluated side by side."""
    terms = [w.number(c) for c in coefficients]
    while len(terms) > 1:
        pairs = []
        for low, high in zip(terms[::2], terms[1::2], strict=False):
            pairs.append(w.add(low, w.mul(high, x)))
        if len(terms) % 2:
            pairs.append(terms[-1])
        terms = pairs
        if len(terms) > 1:
            x = w.mul(x, x)
    return terms[0]


def nearest(w: Writer, x: str) -> tuple[str, str]:
    """Round |x| < 2^31 to an integer: as a double, and as the low bits of a word."""
    shifted = w.add(x, w.number(ROUND))
    return w.sub(shifted, w.number(ROUND)), w.word_of(shifted)


def times_power_of_two(w: Writer, a: str, k: str) -> str:
    """Write a · 2^k, k in the low bits of a word; right while the result is normal."""
    shifted = w.integers("shl", k, w.integer(52))
    return w.real_of(w.integers("add", w.word_of(a), shifted))


def times_power_of_two_rounded(w: Writer, a: str, k: str) -> str:
    """Write a · 2^k for any |k| < 2200 and a in [1/2, 2): may overflow or lose bits, rounded once.

    Three factors of 2^(k/3), each a normal number.
    """
    biased = w.integers("add", k, w.integer(3000 - (bits_of(ROUND) & 0xFFFF_FFFF_FFFF_FFFF)))
    third = w.integers("lshr", w.integers("mul", biased, w.integer(21846)), w.integer(16))  # biased // 3
    rest = w.integers("sub", biased, w.integers("shl", third, w.integer(1)))
    part = w.real_of(w.integers("shl", w.integers("add", third, w.integer(23)), w.integer(52)))
    last = w.real_of(w.integers("shl", w.integers("add", rest, w.integer(23)), w.integer(52)))
    return w.mul(w.mul(w.mul(a, last), part), part)


def guarded(w: Writer, ordinary: str, fast: str, slow: str, arguments: tuple[str, ...]) -> str:
    """Return `fast`, or in a lane that is not `ordinary`, what the function `slow` says."""
    rare = w.any(w.invert(ordinary))
    start, call, done = w.label("start"), w.label("call"), w.label("done")
    w.line(f"  br label %{start}\n{start}:")
    w.line(f"  br i1 {rare}, label %{call}, label %{done}\n{call}:")
    corrected = w.call(slow, *arguments)
    mixed = w.select(ordinary, fast, corrected)
    w.line(f"  br label %{done}\n{done}:")
    return w.let(f"phi {w.real} [ {fast}, %{start} ], [ {mixed}, %{call} ]")


def unless(w: Writer, known: str, result: str) -> None:
    """Return a result at once where all lanes are known to have it; not in what runs few members, on the page too."""
    if w.width <= 2:
        return
    work, idle = w.label("work"), w.label("idle")
    w.line(
        f"  br i1 {w.any(w.invert(known))}, label %{work}, label %{idle}\n{idle}:\n  ret {result}\n{work}:"
    )


# ---- exp -------------------------------------------------------------------------


def _exp_parts(w: Writer, x: str) -> tuple[str, str]:
    """Write exp(x) = m · 2^k: m in [0.7, 1.42], k in the low bits of a word."""
    k, k_bits = nearest(w, w.mul(x, w.number(LOG2_E)))
    high = w.sub(x, w.mul(k, w.number(LN2_HIGH)))
    low = w.mul(k, w.number(LN2_LOW))
    r = w.sub(high, low)
    lost = w.sub(w.sub(high, r), low)
    tail = w.add(w.mul(w.mul(r, r), estrin(w, r, EXP)), lost)
    return w.add(w.number(1.0), w.add(r, tail)), k_bits


def exp(w: Writer, x: str) -> str:
    """Write e^x."""
    m, k = _exp_parts(w, x)
    ordinary = w.compare("olt", w.absolute(x), w.number(708.0))
    return guarded(w, ordinary, times_power_of_two(w, m, k), "exp_rare", (x,))


def exp_rare(w: Writer, x: str) -> str:
    """Write e^x for any x: overflow, underflow, infinities, NaN."""
    bounded = clamp(w, x, 760.0)
    m, k = _exp_parts(w, bounded)
    value = times_power_of_two_rounded(w, m, k)
    return w.select(w.compare("uno", x, x), x, value)


def clamp(w: Writer, x: str, limit: float) -> str:
    """Bring a huge operand to one whose result overflows or vanishes all the same; NaN becomes `limit`."""
    x = w.select(w.compare("olt", x, w.number(limit)), x, w.number(limit))
    return w.select(w.compare("ogt", x, w.number(-limit)), x, w.number(-limit))


# ---- log -------------------------------------------------------------------------


def split_exponent(w: Writer, x: str) -> tuple[str, str]:
    """Write a positive normal x = m · 2^k: m in [sqrt(1/2), sqrt(2)), k as a double."""
    raised = w.integers("sub", w.word_of(x), w.integer(ROOT_HALF_BITS - (1022 << 52)))
    biased = w.integers("lshr", raised, w.integer(52))
    exponent = w.integers("sub", w.integers("shl", biased, w.integer(52)), w.integer(1022 << 52))
    m = w.real_of(w.integers("sub", w.word_of(x), exponent))
    return m, w.sub(w.lower_word(biased), w.number(1022.0))


def _log_normal(w: Writer, x: str, shift: str | None = None) -> str:
    m, k = split_exponent(w, x)
    if shift is not None:
        k = w.add(k, shift)
    f = w.sub(m, w.number(1.0))
    s = w.div(f, w.add(w.number(2.0), f))
    z = w.mul(s, s)
    z2 = w.mul(z, z)
    even = w.mul(z2, _horner(w, z2, LOG_EVEN))
    odd = w.mul(z, _horner(w, z2, LOG_ODD))
    half = w.mul(w.mul(w.number(0.5), f), f)
    inner = w.add(w.mul(s, w.add(half, w.add(odd, even))), w.mul(k, w.number(LN2_LOW)))
    return w.sub(w.mul(k, w.number(LN2_HIGH)), w.sub(w.sub(half, inner), f))


def is_positive_normal(w: Writer, x: str) -> str:
    """Whether x is neither zero, subnormal, negative, infinite nor NaN."""
    offset = w.integers("sub", w.word_of(x), w.integer(SMALLEST_NORMAL))
    return w.icompare("ult", offset, w.integer(INFINITY_BITS - SMALLEST_NORMAL))


def log(w: Writer, x: str) -> str:
    """Write the natural logarithm."""
    return guarded(w, is_positive_normal(w, x), _log_normal(w, x), "log_rare", (x,))


def log_rare(w: Writer, x: str) -> str:
    """Write the natural logarithm of any x: -inf of 0, NaN of a negative, inf of inf."""
    scaled, shift = scale_subnormal(w, x)
    value = _log_normal(w, scaled, shift)
    value = w.select(w.compare("oeq", x, w.number(float("inf"))), x, value)
    value = w.select(w.compare("oeq", x, w.number(0.0)), w.number(float("-inf")), value)
    invalid = w.compare("ult", x, w.number(0.0))
    return w.select(invalid, w.number(float("nan")), value)


def scale_subnormal(w: Writer, x: str) -> tuple[str, str]:
    """Write x, times 2^54 if it is subnormal, and what that adds to the exponent."""
    small = w.compare("olt", x, w.number(2.0**-1022))
    scaled = w.select(small, w.mul(x, w.number(2.0**54)), x)
    return scaled, w.select(small, w.number(-54.0), w.number(0.0))


# ---- powers ---------------------------------------------------------------------------


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
    one = w.number(1.0)
    unless(w, w.masks("or", w.compare("oeq", x, one), w.compare("oeq", y, w.number(0.0))), f"{w.real} {one}")
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


# ---- text of functions ---------------------------------------------------------------


def define(name: str, body: Callable[..., str], operands: int, width: int, fma: bool) -> dict[str, str]:
    """Return the text of a function of doubles, by its name, which ends in the width."""
    w = Writer(width, fma)
    registers = [f"%a{i}" for i in range(operands)]
    w.line(f"  ret {w.real} {body(w, *registers)}")
    parameters = [f"{w.real} {register}" for register in registers]
    return {f"{name}_{width}": function(f"{name}_{width}", w.real, parameters, w)}


def functions(width: int, fma: bool) -> dict[str, str]:
    """Return the text of this module's functions for a width, by name."""
    texts: dict[str, str] = {}
    bodies: dict[Callable[..., str], int] = {
        exp_rare: 1,
        exp: 1,
        log_rare: 1,
        log: 1,
        pow_rare: 2,
        pow_from_log2: 4,
    }
    for body, operands in bodies.items():
        texts |= define(body.__name__, body, operands, width, fma)
    w = Writer(width, fma)
    unless(w, w.compare("oeq", "%a0", w.number(1.0)), f"{w.pair} zeroinitializer")
    w.return_pair(*log2_pair(w, "%a0"))
    texts[f"log2_pair_{width}"] = function(f"log2_pair_{width}", w.pair, [f"{w.real} %a0"], w)
    fused = f"llvm.fma.{w.suffix}"
    texts[fused] = f"declare {w.real} @{fused}({w.real}, {w.real}, {w.real})\n"
    return texts
