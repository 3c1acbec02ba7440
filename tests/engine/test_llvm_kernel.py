"""The native engine against a plain reading of the same program."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talent_sd.base.errors import InputError, ModelError, TalentError, UnsupportedError
from talent_sd.engine.ir import OPERATIONS, Call, Number, Program, Ref, Slot, State, Table, TableCall, Time
from talent_sd.engine.llvm.kernel import compile_kernel
from talent_sd.engine.llvm.native import host_target

pytestmark = pytest.mark.usefixtures("shared_kernel_cache")

STEP, START, COUNT = 0.25, 2020.0, 13
OLD_CPU = "x86-64" if host_target().triple.startswith("x86_64") else None
"""A processor without AVX and fused multiply-add, if this one can play it."""
TABLES = (
    Table("clamped", np.array([-1.0, 0.0, 2.0, 5.0]), np.array([3.0, -1.0, 4.0, 4.5])),
    Table("open", np.array([0.0, 1.0]), np.array([1.0, 2.5]), outside="extrapolate"),
    Table("steps", np.array([0.0, 1.0, 3.0]), np.array([1.0, -2.0, 7.0]), between="step"),
    Table("long", np.linspace(-3, 3, 40), np.sin(np.linspace(-3, 3, 40))),
    Table("one point", np.array([1.0]), np.array([6.0])),
)


def points(count=COUNT):
    times = [START]
    for _ in range(count - 1):
        times.append(times[-1] + STEP)
    return np.array(times)


def call(op, *args):
    return Call(op, args)


def program_of(constants, auxiliaries, states=()):
    """Program from constants' values, auxiliaries' expressions and (initial, rate, kind, length) of states.

    Slots: TIME STEP, the constants, the states, the auxiliaries.
    """
    slots = [Slot("TIME STEP", "TIME STEP", (), "constant", Number(STEP))]
    slots += [Slot(f"c{i}", f"c{i}", (), "constant", Number(v)) for i, v in enumerate(constants)]
    first = len(slots)
    slots += [Slot(f"s{i}", f"s{i}", (), "state", s[1]) for i, s in enumerate(states)]
    aux = len(slots)
    slots += [Slot(f"a{i}", f"a{i}", (), "auxiliary", e) for i, e in enumerate(auxiliaries)]
    moved = tuple(State(first + i, s[0], *s[2:]) for i, s in enumerate(states))
    order = tuple(range(aux, len(slots)))
    return Program(
        tuple(slots), moved, TABLES, (*range(first, aux), *order), order, time_step=STEP,
        time_slots={"TIME STEP": 0},
    )  # fmt: skip


def constants_of(program):
    return np.array([s.expression.value if s.kind == "constant" else 0.0 for s in program.slots])


def agree(got, expected, scale=0.0):
    with np.errstate(all="ignore"):
        near = np.abs(got - expected) <= 1e-9 * np.maximum(np.abs(expected), scale)
    return bool(np.all(near | (got == expected) | (np.isnan(got) & np.isnan(expected))))


def all_slots(program):
    return [i for i, s in enumerate(program.slots) if s.kind != "initial"]


# ---- each operation ----------------------------------------------------------------

VALUES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 7.25, 5e-7, -5e-7, 1e-6, 1e200, np.inf, -np.inf, np.nan]
TIMED = {"step": 2, "ramp": 3}


@pytest.mark.parametrize("op", sorted(set(OPERATIONS) - set(TIMED)))
def test_an_operation_means_what_numpy_and_pysd_mean(op, plain_run):
    count = OPERATIONS[op]
    cases = np.array(list(itertools.product(VALUES, repeat=count))).T
    program = program_of([1.0] * count, [call(op, *(Ref(1 + i) for i in range(count)))])
    kernel = compile_kernel(program, [1 + count], varying=range(1, 1 + count))
    got = kernel.run(constants_of(program), points(1), [0], cases.shape[1], varying=cases, diagnose=0).values[
        0, 0
    ]
    expected = [plain_run(program, [STEP, *case, 0.0], points(1))[-1, 0] for case in cases.T]
    assert agree(got, np.array(expected))


@pytest.mark.parametrize("op", sorted(TIMED))
def test_a_test_input_turns_on_and_off_at_the_points_pysd_has_it(op, plain_run):
    starts = START + np.array([-1.0, 0.0, 0.125, 0.25, 0.3, 1.0])
    rest = {"step": [[2.0]], "ramp": [[0.7], [START + 2, np.inf]]}[op]
    sets = [rest[0], starts, *rest[1:]]
    cases = np.array(list(itertools.product(*sets)))
    count = cases.shape[1]
    program = program_of([1.0] * count, [call(op, *(Ref(1 + i) for i in range(count)))])
    kernel = compile_kernel(program, [1 + count], varying=range(1, 1 + count))
    got = kernel.run(constants_of(program), points(), range(COUNT), len(cases), varying=cases.T).values[0]
    for member, case in enumerate(cases):
        assert np.array_equal(got[:, member], plain_run(program, [STEP, *case, 0.0], points())[-1]), case


@pytest.mark.parametrize("table", range(len(TABLES)), ids=[t.name for t in TABLES])
def test_a_lookup_between_at_and_beyond_its_points(table, plain_run):
    x = np.concatenate([TABLES[table].x, np.linspace(-6, 9, 61), [np.nan, -1e9, 1e9]])
    program = program_of([1.0], [TableCall(table, Ref(1))])
    kernel = compile_kernel(program, [2], varying=[1])
    got = kernel.run(constants_of(program), points(1), [0], len(x), varying=x[None], diagnose=0).values[0, 0]
    expected = [plain_run(program, [STEP, value, 0.0], points(1))[-1, 0] for value in x]
    assert agree(got, np.array(expected), 1e-6)


def test_a_lookup_given_for_a_run_replaces_the_models_own():
    program = program_of([0.5], [TableCall(0, Ref(1))])
    kernel = compile_kernel(program, [2])
    tables = {0: (np.array([0.0, 1.0]), np.array([10.0, 20.0]))}
    assert kernel.run(constants_of(program), points(1), [0], tables=tables).values.item() == 15.0
    assert kernel.run(constants_of(program), points(1), [0]).values.item() == 0.25


# ---- whole programs ------------------------------------------------------------------

SMOOTH = ("neg", "abs", "tanh", "sin"), ("add", "sub", "mul", "min", "max"), (0, 1, 4)
EVERY = (
    (*SMOOTH[0], "exp", "log", "sqrt", "not", "int", "cos"),
    (*SMOOTH[1], "div", "pow", "lt", "ge", "and", "eq", "zidz", "quantum"),
    (0, 1, 2, 3, 4),
)


def expressions(slots, operations):
    unary, binary, tables = operations
    leaves = st.one_of(
        st.sampled_from(slots).map(Ref), st.just(Time()),
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 4.0, -1.0, 0.3, 100.0]).map(Number),
    )  # fmt: skip
    early = Call("lt", (Time(), Number(START + 1.1)))
    return st.recursive(
        leaves,
        lambda e: st.one_of(
            st.tuples(st.sampled_from(unary), e).map(lambda p: Call(p[0], p[1:])),
            st.tuples(st.sampled_from(binary), e, e).map(lambda p: Call(p[0], p[1:])),
            st.tuples(st.just(early), e, e).map(lambda p: Call("if", p)),
            st.tuples(st.sampled_from(tables), e).map(lambda p: TableCall(*p)),
        ),
        max_leaves=8,
    )


@st.composite
def programs(draw, operations):
    constants = draw(st.lists(st.floats(-3, 3), min_size=2, max_size=4))
    count = draw(st.integers(1, 4))
    known = list(range(1, 1 + len(constants) + count))
    auxiliaries = []
    for _ in range(draw(st.integers(1, 4))):
        auxiliaries.append(draw(expressions(known, operations)))
        known.append(len(known) + 1)
    inputs = list(range(1, 1 + len(constants)))
    states = []
    for _ in range(count):
        kind = draw(st.sampled_from(["euler", "euler", "hold", "delay_fixed"]))
        length = (Number(draw(st.sampled_from([0.0, 0.25, 0.4, 1.0, 9.0]))),) if kind == "delay_fixed" else ()
        rate, initial = draw(expressions(known, operations)), draw(expressions(inputs, operations))
        states.append((initial, rate, kind, *length))
    return program_of(constants, auxiliaries, states)


def run_spread(kernel, varying, members=5, **options):
    values = constants_of(kernel.program)
    spread = values[list(varying)][:, None] + np.linspace(-1, 1, members)
    return kernel.run(values, points(), range(COUNT), members, varying=spread, diagnose=0, **options)


@settings(max_examples=60, deadline=None)
@given(programs(SMOOTH), st.integers(0, 2))
def test_any_program_runs_as_a_plain_reading_of_it(plain_run, program, varied):
    varying = list(range(1, 1 + varied))
    slots = all_slots(program)
    got = run_spread(compile_kernel(program, slots, varying, width=2), varying).values
    for member in (0, 4):
        constants = constants_of(program)
        constants[varying] += np.linspace(-1, 1, 5)[member]
        expected = plain_run(program, constants, points())[slots]
        if np.isfinite(expected).all():
            assert agree(got[:, :, member], expected, np.abs(expected).max())


@settings(max_examples=40, deadline=None)
@given(programs(EVERY), st.data())
def test_results_are_the_same_bits_however_they_are_computed(program, data):
    slots = all_slots(program)
    whole = run_spread(compile_kernel(program, slots, [1, 2]), [1, 2]).values
    some = data.draw(st.lists(st.sampled_from(slots), min_size=1, unique=True))
    for width, cpu, effort in ((1, None, 2), (2, OLD_CPU, 2), (4, None, 0)):
        kernel = compile_kernel(program, some, [1, 2], width=width, cpu=cpu, effort=effort)
        got = run_spread(kernel, [1, 2], threads=2).values
        assert np.array_equal(got, whole[[slots.index(s) for s in some]], equal_nan=True)


def test_what_no_input_reaches_is_computed_once_with_the_same_bits():
    rate = call("mul", call("pow", Ref(2), Number(0.7)), call("exp", call("neg", Ref(3))))
    other = call("sub", call("pow", Ref(1), Ref(5)), Ref(4))
    states = [(Number(2.0), rate), (Number(0.5), Ref(5)), (Ref(1), other)]
    program = program_of([1.3], [call("sin", Ref(2))], states)
    hoisted = run_spread(compile_kernel(program, [2, 3, 4, 5], [1]), [1])
    forced = compile_kernel(program, [2, 3, 4, 5], member_series=[1])
    values = np.broadcast_to(1.3 + np.linspace(-1, 1, 5), (1, COUNT, 5))
    apart = forced.run(constants_of(program), points(), range(COUNT), 5, member_series=values)
    alone = compile_kernel(program, [2, 3, 4, 5]).run(constants_of(program), points(), range(COUNT))
    assert np.isfinite(alone.values).all()
    assert np.array_equal(hoisted.values, apart.values, equal_nan=True)
    assert np.array_equal(alone.values[:2], hoisted.values[:2, :, [0]])


def test_a_fixed_delay_of_another_length_for_each_member(plain_run):
    pushed = call("sub", Time(), Number(START))
    program = program_of([1.0], [], [(Number(-1.0), pushed, "delay_fixed", Ref(1))])
    lengths = np.array([0.0, 0.25, 0.37, 0.38, 1.0, 2.9, 3.0, 99.0, 1e300])
    kernel = compile_kernel(program, [2], [1])
    got = kernel.run(constants_of(program), points(), range(COUNT), len(lengths), varying=lengths[None])
    for member, length in enumerate(lengths[:-1]):
        assert np.array_equal(got.values[0, :, member], plain_run(program, [STEP, length, 0.0], points())[2])
    assert (got.values[0, :, -1] == -1).all()
    assert not got.failed.any()
    unknown = kernel.run(constants_of(program), points(), [12], 2, varying=np.array([[np.nan, 1.0]]))
    assert unknown.failed.tolist() == [True, False]


def test_initial_values_are_kept_and_an_active_initial_replaces_only_the_start(plain_run):
    slots = (
        Slot("TIME STEP", "TIME STEP", (), "constant", Number(STEP)),
        Slot("c", "c", (), "constant", Number(2.0)),
        Slot("Stock", "Stock", (), "state", Ref(4)),
        Slot("kept", "kept", (), "initial", call("mul", Ref(4), Time())),
        Slot("flow", "flow", (), "auxiliary", call("add", Ref(3), call("mul", Ref(2), Ref(1)))),
    )
    stock = State(2, call("add", Ref(3), Ref(4)))
    program = Program(
        slots, (stock,), (), (4, 3, 2), (4,), {4: call("mul", Ref(1), Number(3.0))}, time_step=STEP,
        time_slots={"TIME STEP": 0},
    )  # fmt: skip
    series = np.linspace(2, 3, COUNT)
    kernel = compile_kernel(program, [2, 3, 4], series=[1])
    got = kernel.run(constants_of(program), points(), range(COUNT), series=series[None]).values[:, :, 0]
    assert got[1].tolist() == [6.0 * START] * COUNT
    assert got[0, 0] == 6.0 * START + 6.0
    assert agree(got, plain_run(program, constants_of(program), points(), {1: series})[2:])
    varied = compile_kernel(program, [2, 3, 4], [1])
    values = varied.run(constants_of(program), points(), range(COUNT), 3, varying=np.array([[1.0, 2.0, 5.0]]))
    assert agree(values.values[:, :, 1], plain_run(program, constants_of(program), points())[2:])


# ---- inputs ----------------------------------------------------------------------------


def growth():
    """s1 grows by c0·s1·a0; a0 = s1 / c1."""
    rate = call("mul", Ref(1), call("mul", Ref(3), Ref(4)))
    return program_of([0.1, 50.0], [call("div", Ref(3), Ref(2))], [(Number(5.0), rate)])


def test_threads_blocks_and_member_counts_change_nothing():
    program = growth()
    kernel = compile_kernel(program, [3, 4], [1])
    rates = np.linspace(0, 1, 101)[None]
    whole = kernel.run(constants_of(program), points(), [0, 5, 12], 101, varying=rates)
    two = kernel.run(constants_of(program), points(), [0, 5, 12], 101, varying=rates, threads=2)
    parts = [
        kernel.run(constants_of(program), points(), [0, 5, 12], b - a, varying=rates[:, a:b]).values
        for a, b in ((0, 1), (1, 38), (38, 101))
    ]
    assert np.array_equal(whole.values, two.values)
    assert np.array_equal(whole.values, np.concatenate(parts, axis=2))


@pytest.mark.parametrize("slot", [1, 4], ids=["a constant", "an auxiliary"])
def test_a_series_replaces_a_slot(slot, plain_run):
    program = growth()
    path = np.linspace(0, 2, COUNT)
    expected = plain_run(program, constants_of(program), points(), {slot: path})
    shared = compile_kernel(program, [3, 4], series=[slot])
    got = shared.run(constants_of(program), points(), range(COUNT), 3, series=path[None])
    assert agree(got.values[:, :, 1], expected[3:5], 1)
    own = compile_kernel(program, [3, 4], member_series=[slot])
    paths = np.stack([path * 0, path, path * 2], axis=-1)[None]
    got = own.run(constants_of(program), points(), range(COUNT), 3, member_series=paths)
    assert agree(got.values[:, :, 1], expected[3:5], 1)
    assert not agree(got.values[:, :, 2], expected[3:5], 1)


def test_arrays_that_do_not_fit_are_refused_all_at_once():
    program = growth()
    kernel = compile_kernel(program, [3], [1], series=[2])
    with pytest.raises(InputError) as caught:
        kernel.run(constants_of(program)[1:], points(), [3, 2], 4, varying=np.ones((1, 3)), seed=-1)
    assert caught.value.problems == (
        "the points to save must increase and lie between 0 and 12.",
        "the seed -1 is not between 0 and 2^64 - 1.",
        "varying ('c0'): the shape is (1, 3), not (1, 4).",
        "series ('c1'): the shape is (0,), not (1, 13).",
        "constants: the shape is (4,), not (5,).",
    )


def test_a_table_whose_x_falls_is_refused_by_name():
    program = program_of([0.5], [TableCall(0, Ref(1))])
    kernel = compile_kernel(program, [2])
    with pytest.raises(InputError, match="table 'clamped': its x must be finite and increase."):
        kernel.run(constants_of(program), points(1), [0], tables={0: (np.array([1.0, 0.0]), np.ones(2))})


def test_an_unknown_function_is_refused_by_name():
    program = program_of([0.5], [call("gamma", Ref(1))])
    with pytest.raises(UnsupportedError, match=r"the native engine has no function 'gamma' \(in 'a0'\)"):
        compile_kernel(program, [2])


# ---- failures --------------------------------------------------------------------------


def test_a_value_that_is_not_finite_names_slot_member_and_point_and_harms_no_other():
    rate = call("div", Number(1.0), call("sub", Ref(1), Ref(3)))  # c0 - a0, a0 the time since the start
    program = program_of([99.0], [call("sub", Time(), Number(START))], [(Number(0.0), rate)])
    kernel = compile_kernel(program, [2], [1])
    times = np.array([[99.0, 0.5, 98.0, np.nan]])
    result = kernel.run(constants_of(program), points(), [0, 12], 4, varying=times, member_offset=40)
    assert result.failed.tolist() == [False, True, False, True]
    assert [(p.slot, p.member, p.point) for p in result.problems] == [(2, 1, 3), (1, 3, 0)]
    healthy = kernel.run(constants_of(program), points(), [0, 12], 2, varying=times[:, ::2])
    assert np.array_equal(result.values[:, :, ::2], healthy.values)
    assert not healthy.failed.any()


def test_an_infinite_constant_is_not_blamed_for_what_fails_elsewhere():
    program = program_of([np.inf, 0.0], [call("min", Ref(1), Number(2.0)), call("div", Number(1.0), Ref(2))])
    assert not compile_kernel(program, [3]).run(constants_of(program), points(2), [0]).failed.any()
    result = compile_kernel(program, [3, 4]).run(constants_of(program), points(2), [1])
    assert [(p.slot, p.point, p.value) for p in result.problems] == [(4, 0, np.inf)]


def test_a_width_or_processor_that_cannot_be_is_refused():
    with pytest.raises(ModelError, match=r"the width 3 is not a power of two\. Give 1, 2, 4, 8 or 16\."):
        compile_kernel(growth(), [3], width=3)
    with pytest.raises(TalentError, match="no features are known of the processor 'z80'. Use one of x86-64,"):
        compile_kernel(growth(), [3], cpu="z80")


# ---- the city --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def city():
    from talent_sd.engine.runner import load_model

    program = load_model().program
    values = np.array([getattr(s.expression, "value", np.nan) for s in program.slots])
    varying = [
        i
        for i, s in enumerate(program.slots)
        if s.kind == "constant" and i not in program.time_slots.values() and values[i]
    ][::9]
    times = [program.initial_time]
    for _ in range(32):
        times.append(times[-1] + program.time_step)
    spread = values[varying][:, None] * np.random.default_rng(3).uniform(0.98, 1.02, (len(varying), 21))

    def run(outputs, **options):
        kernel = compile_kernel(program, outputs, varying, **options)
        return kernel.run(values, np.array(times), [0, 16, 32], 21, varying=spread, threads=2).values

    return program, run


def test_the_city_gives_the_same_bits_on_any_processor_at_any_width_and_with_any_outputs(city):
    program, run = city
    every = [i for i, s in enumerate(program.slots) if s.kind in ("state", "auxiliary")]
    whole = run(every)
    assert np.isfinite(whole).all()
    assert (whole.std(axis=2) > 0).any()
    for step, options in ((19, {"width": 1}), (23, {"width": 2, "cpu": OLD_CPU}), (29, {"width": 16})):
        some = every[::step]
        assert np.array_equal(run(some, **options), whole[::step])
