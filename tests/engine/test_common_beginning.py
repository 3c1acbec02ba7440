"""What members have in common before the constants that differ act: run once, with the same bits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talent_sd.engine.ir import Call, Number, Program, Ref, Slot, State, Time
from talent_sd.engine.llvm.execution import Beginning, ResumingLayout, common_beginning
from talent_sd.engine.llvm.kernel import Kernel, compile_kernel
from talent_sd.engine.llvm.run_arrays import check_inputs

pytestmark = pytest.mark.usefixtures("shared_kernel_cache")

STEP, POINTS = 0.25, 21
TIMES = STEP * np.arange(POINTS)
CONSTANTS = np.array([STEP, 1.0, 1.0, 0.3, np.nan, np.nan, np.nan, np.nan, np.nan])
ONE = Number(1.0)
SWITCHES, OUTPUTS = [1, 2], [4, 5, 8]
ROWS = np.array(list(itertools.product([0.0, 1.0], repeat=2)) * 20).T


def call(op, *args):
    return Call(op, args)


def acting(switch, start):
    """Return a level that a switch lets rise from a time on."""
    return call("mul", Ref(switch), call("max", Number(0.0), call("sub", Time(), Number(start))))


def program(first, second, initial=ONE):
    """Two levels (slots 6, 7) move two stocks (4, 5); 8 is told of both. The first stock starts as asked."""
    names = ("TIME STEP", "one", "other", "rate", "Stock", "Behind", "level", "other level", "told")
    kinds = ("constant",) * 4 + ("state",) * 2 + ("auxiliary",) * 3
    told = call("mul", Ref(5), call("exp", call("neg", Ref(4))))
    moves = call("mul", Ref(3), call("sub", call("add", Ref(6), Ref(7)), Ref(4)))
    behind = call("pow", call("add", Number(1.5), Ref(4)), Ref(3))
    rules = (*map(Number, CONSTANTS[:4]), moves, behind, first, second, told)
    slots = tuple(Slot(n, n, (), k, e) for n, k, e in zip(names, kinds, rules, strict=True))
    states = State(4, initial), State(5, Number(0.25))
    return Program(slots, states, (), (6, 7, 4, 5, 8), (6, 7, 8), time_step=STEP, time_slots={"TIME STEP": 0})


def run(kernel: Kernel, rows=ROWS, **options):
    return kernel.run(CONSTANTS, TIMES, [0, 3, 8, 20], rows.shape[1], varying=rows, **options)


def beginning(kernel: Kernel, rows=ROWS) -> Beginning | None:
    asked = CONSTANTS, TIMES, [0, 20], rows.shape[1], rows, None, None, None, 0, 0
    return common_beginning(kernel, check_inputs(kernel, *asked))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(TIMES), st.sampled_from(TIMES), st.sampled_from([1, 2]), st.sampled_from([1, 2]))
def test_members_begin_where_the_first_constant_acts_with_the_same_bits(one, other, width, threads):
    asked = program(acting(1, one), acting(2, other)), OUTPUTS, SWITCHES, (), (), width
    resuming, plain = compile_kernel(*asked, resumes=True), compile_kernel(*asked)
    found = beginning(resuming)
    # at the start itself a level is still nought
    assert (0 if found is None else found.begin) == (
        min(20, round(min(one, other) / STEP) + 1) if width > 1 else 0
    )
    assert np.array_equal(run(resuming, threads=threads).values, run(plain).values)


def test_a_width_of_one_holds_no_two_values():
    kernel = compile_kernel(program(acting(1, 2.0), acting(2, 3.0)), OUTPUTS, SWITCHES, width=1, resumes=True)
    assert beginning(kernel) is None


def test_few_members_and_many_values_are_run_as_they_are():
    kernel = compile_kernel(program(acting(1, 2.0), acting(2, 3.0)), OUTPUTS, SWITCHES, width=2, resumes=True)
    assert beginning(kernel, ROWS[:, :63]) is None
    assert beginning(kernel, ROWS + np.linspace(0, 1, ROWS.shape[1])) is None


def test_what_starts_otherwise_differs_from_the_first_point_on():
    """The level at the start counts for a stock's start; what it is then is kept, not told at points."""
    asked = program(acting(1, -1.0), acting(2, 3.0), Ref(6)), OUTPUTS, SWITCHES, (), (), 2
    kernel = compile_kernel(*asked, resumes=True)
    assert isinstance(kernel.layout, ResumingLayout)
    assert kernel.layout.reader_columns
    assert beginning(kernel) is None
    assert np.array_equal(run(kernel).values, run(compile_kernel(*asked)).values)


@pytest.mark.parametrize(
    ("first", "outputs"),
    [
        (call("mul", Ref(2), acting(1, 2.0)), OUTPUTS),
        (call("max", acting(1, 2.0), call("mul", Ref(1), Ref(2))), OUTPUTS),
        (call("exp", acting(1, 2.0)), [*OUTPUTS, 1]),
    ],
    ids=["two constants in one equation", "two in one product", "a constant that is asked for"],
)  # fmt: skip
def test_where_nothing_tells_from_when_on_members_differ_all_run_from_the_start(first, outputs):
    asked = program(first, acting(2, 3.0)), outputs, SWITCHES, (), (), 2
    kernel = compile_kernel(*asked, resumes=True)
    assert not isinstance(kernel.layout, ResumingLayout)
    assert np.array_equal(run(kernel).values, run(compile_kernel(*asked)).values)


def test_a_failure_in_common_is_every_members():
    broken = call("add", acting(1, 2.0), call("div", Number(1.0), call("sub", Time(), Number(1.0))))
    kernel = compile_kernel(program(broken, acting(2, 3.0)), OUTPUTS, SWITCHES, width=2, resumes=True)
    assert run(kernel, diagnose=0).failed.all()
