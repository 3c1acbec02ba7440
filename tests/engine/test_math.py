"""exp, log and pow in machine code: error, special values, the same bits everywhere."""

from __future__ import annotations

import ctypes
import decimal
import functools
import math as plain_math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talent_sd.engine.llvm import math, native
from talent_sd.engine.llvm.writer import Writer

OPERANDS = {"exp": 1, "log": 1, "pow": 2}
EDGES = [
    0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, 1.5, -1.5, 1 + 2**-52, 1 - 2**-53, -1 - 2**-52,
    5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308,
    -1.7976931348623157e308, 1e300, -1e300, 1e-300, 709.78, 709.79, -745.13, -745.14, 710.0, -708.4, 1e18,
    2.0**52, 2.0**52 + 1, 2.0**53, 2.0**53 + 2, -(2.0**52) - 1, 1074.0, -1074.0, 1e5, 1e-5, 1023.5, -1022.5,
    float("inf"), float("-inf"), float("nan"),
]  # fmt: skip


@functools.cache
def mapped(name, width=None, cpu=None):
    """A function of arrays that applies `name` vector by vector."""
    target = native.target_for(cpu)
    width = width or target.native_lanes
    count = OPERANDS[name]
    w = Writer(width, target.fma)
    w.line("  br label %loop\nloop:\n  %i = phi i64 [ 0, %entry ], [ %j, %again ]")
    values = [w.load(f"%p{k}", "%i") for k in range(count)]
    if name == "pow":
        pair_type = f"{{ {w.real}, {w.real} }}"
        pair = w.let(f"call {pair_type} @log2_pair_{width}({w.real} {values[0]})")
        values += [w.let(f"extractvalue {pair_type} {pair}, {k}") for k in (0, 1)]
    w.store(w.call("pow_from_log2" if name == "pow" else name, *values), "%out", "%i")
    w.line(f"  br label %again\nagain:\n  %j = add i64 %i, {width}\n  %more = icmp ult i64 %j, %n")
    w.line("  br i1 %more, label %loop, label %end\nend:\n  ret void")
    pointers = "".join(f"ptr %p{k}, " for k in range(count))
    body = "\n".join(w.lines)
    text = f"define void @mapped({pointers}ptr %out, i64 %n) {{\nentry:\n{body}\n}}\n"
    called = math.functions(width, target.fma) | math.functions(width, target.fma)
    module = "\n".join([*called.values(), text])
    code = native.LoadedObject([native.compile_object(module, target)], target)
    call = code.function("mapped", *[ctypes.c_void_p] * (count + 1), ctypes.c_int64)

    def apply(*arrays):
        assert code is not None  # the code lives as long as this function
        size = len(arrays[0])
        padded = [np.resize(np.asarray(a, dtype=np.float64), size + -size % width) for a in arrays]
        out = np.empty_like(padded[0])
        call(*[a.ctypes.data for a in padded], out.ctypes.data, len(out))
        return out[:size]

    return apply


def exact(name, *operands):
    """The value to 50 digits, and huge or tiny results without limits."""
    with decimal.localcontext(decimal.Context(prec=50, Emax=999999, Emin=-999999)):
        x = Decimal(operands[0])
        if name == "exp":
            return x.exp()
        return x.ln() if name == "log" else (x.ln() * Decimal(operands[1])).exp()


def worst_error(name, *arrays):
    """Largest error, in units in the last place of the result."""
    got = mapped(name)(*arrays)
    worst = 0.0
    for value, *operands in zip(got.tolist(), *[a.tolist() for a in arrays], strict=True):
        true = exact(name, *operands)
        near = float(true)
        if plain_math.isinf(near):
            assert value == near
            continue
        error = abs(Decimal(value) - true) / Decimal(plain_math.ulp(near))
        worst = max(worst, float(error))
    return worst


def same_bits(a, b):
    """Bit by bit equal; NaN is NaN."""
    return np.array_equal(a, b, equal_nan=True) and np.array_equal(
        np.signbit(a[~np.isnan(a)]), np.signbit(b[~np.isnan(b)])
    )


@pytest.fixture
def rng():
    return np.random.default_rng(20240501)


def test_exp_is_within_two_units_over_its_whole_range(rng):
    x = np.concatenate([rng.uniform(-745.2, 709.8, 3000), rng.normal(0, 1e-3, 500), rng.uniform(-1, 1, 1500)])
    assert worst_error("exp", x) < 1.2


def test_log_is_within_two_units_over_its_whole_range(rng):
    spread = np.exp(rng.uniform(-744, 709, 2000))
    x = np.concatenate([spread, rng.uniform(0.5, 2, 2000), 1 + rng.normal(0, 1e-6, 1000), [5e-324]])
    assert worst_error("log", x[x != 1]) < 1.2


@pytest.mark.parametrize("bases", ["near one", "ordinary", "any"])
def test_pow_is_within_two_units_over_its_whole_range(rng, bases):
    spread = {"near one": 1e-3, "ordinary": 3.0, "any": 700.0}[bases]
    x = np.exp(rng.uniform(-spread, spread, 3000))
    y = rng.uniform(-746, 711, 3000) / np.log(x)
    y[::3] = rng.uniform(-3, 3, 1000)
    assert worst_error("pow", x, y) < 2.0


@pytest.mark.parametrize("name", OPERANDS)
def test_special_values_are_those_of_numpy(name):
    grid = np.array(EDGES)
    arrays = (grid,) if OPERANDS[name] == 1 else tuple(a.ravel() for a in np.meshgrid(grid, grid))
    with np.errstate(all="ignore"):
        expected = {"exp": np.exp, "log": np.log, "pow": np.power}[name](*arrays)
    got = mapped(name)(*arrays)
    special = ~np.isfinite(expected) | (expected == 0)
    assert same_bits(got[special], expected[special])
    with np.errstate(over="ignore"):  # the spacing above the largest double
        unit = np.spacing(np.abs(expected))
    with np.errstate(invalid="ignore"):
        near = np.abs(got - expected) <= 2 * unit
    assert np.all(special | near)


@pytest.mark.parametrize("name", OPERANDS)
@pytest.mark.parametrize(
    ("width", "cpu"),
    [(1, None), (2, None), (16, None), (1, "x86-64"), (2, "x86-64"), (8, "x86-64"), (4, "haswell")],
)
def test_every_width_and_processor_gives_the_same_bits(name, width, cpu, rng):
    if cpu == "haswell" and not native.host_target().fma:
        pytest.skip("this processor has no fused multiply-add")
    if cpu is not None and not native.host_target().triple.startswith("x86_64"):
        pytest.skip("a processor of another family")
    edges = np.array(EDGES)
    values = np.concatenate([edges, rng.normal(0, 30, 3000), np.exp(rng.uniform(-700, 700, 3000))])
    arrays = [values] if OPERANDS[name] == 1 else [np.abs(values), rng.permutation(values)]
    assert same_bits(mapped(name, width, cpu)(*arrays), mapped(name)(*arrays))


def test_a_lane_does_not_depend_on_its_neighbours():
    ordinary = np.linspace(0.1, 9, 16)
    alone = mapped("pow")(ordinary, np.full(16, 1.37))
    mixed = ordinary.copy()
    mixed[::2] = [0.0, -1.0, np.nan, np.inf, 5e-324, -0.0, 1e308, -np.inf]
    assert same_bits(mapped("pow")(mixed, np.full(16, 1.37))[1::2], alone[1::2])


reals = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(reals, reals), min_size=1, max_size=16))
def test_pow_of_any_two_numbers_agrees_with_numpy(pairs):
    x, y = map(np.array, zip(*pairs, strict=True))
    got = mapped("pow")(x, y)
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
        near = np.abs(got - expected) <= 3 * np.spacing(np.abs(expected))  # numpy's own error is up to 1
    assert np.all(near | (got == expected) | (np.isnan(got) & np.isnan(expected)))
    zero = expected == 0
    assert np.array_equal(np.signbit(got[zero]), np.signbit(expected[zero]))
