"""Random functions in machine code: by distribution, by seed, and free of how a run is divided."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from talent_sd.engine.ir import Call, Number, Program, Random, Ref, Slot, State
from talent_sd.engine.llvm.kernel import compile_kernel

pytestmark = pytest.mark.usefixtures("shared_kernel_cache")

MEMBERS, POINTS = 4000, 5
DRAWN = {
    "uniform": ((2.0, 5.0), stats.uniform(2, 3)),
    "normal": ((-1.0, 4.0, 1.0, 2.0), stats.truncnorm(-1, 1.5, 1, 2)),
    "exponential": ((0.5, 3.0, 0.2, 1.5), stats.truncexpon((3 - 0.5) / 1.5, 0.5, 1.5)),
}


def program_of(*draws):
    """TIME STEP, one auxiliary per draw, and a stock that adds up the first."""
    slots = [Slot("TIME STEP", "TIME STEP", (), "constant", Number(1.0))]
    slots += [Slot(f"draw {i}", f"draw {i}", (), "auxiliary", d) for i, d in enumerate(draws)]
    stock = len(slots)
    slots.append(Slot("Sum", "Sum", (), "state", Ref(1)))
    drawn = tuple(range(1, stock))
    return Program(
        tuple(slots), (State(stock, Ref(1)),), (), (*drawn, stock), drawn, time_slots={"TIME STEP": 0}
    )


def random(distribution, stream=0, args=None):
    values = DRAWN[distribution][0] if args is None else args
    return Random(distribution, tuple(map(Number, values)), stream)


def draws_of(program, outputs, members=MEMBERS, width=None, cpu=None, **options):
    kernel = compile_kernel(program, outputs, width=width, cpu=cpu)
    constants = np.zeros(len(program.slots))
    constants[0] = 1.0
    return kernel.run(constants, np.arange(POINTS * 1.0), range(POINTS), members, **options).values


@pytest.mark.parametrize("distribution", DRAWN)
def test_draws_follow_the_distribution(distribution):
    values = draws_of(program_of(random(distribution)), [1], seed=7).ravel()
    assert stats.kstest(values, DRAWN[distribution][1].cdf).pvalue > 0.001
    low, high = DRAWN[distribution][0][:2]
    assert values.min() >= low
    assert values.max() <= high


def test_the_generator_is_philox():
    # known answer of Random123 for counter and key 0: 6627e8d5 e169c58d ...
    value = draws_of(program_of(random("uniform", args=(0, 1))), [1], 1)[0, 0, 0]
    assert value == (0x6627E8D5E169C58D >> 12) / 2.0**52


def test_draws_differ_between_members_points_streams_and_seeds():
    program = program_of(random("uniform", 0), random("uniform", 1))
    one, other = draws_of(program, [1, 2], seed=1), draws_of(program, [1, 2], seed=2)
    everything = np.concatenate([one.ravel(), other.ravel()])
    assert len(np.unique(everything)) == everything.size
    neighbours = [(one[0, :, 1:], one[0, :, :-1]), (one[0, 1:], one[0, :-1]), (one[0], one[1]), (one, other)]
    for a, b in neighbours:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.03


@pytest.mark.parametrize("distribution", DRAWN)
def test_draws_do_not_depend_on_blocks_threads_width_or_processor(distribution):
    program = program_of(random(distribution, 3))
    whole = draws_of(program, [1, 2], 100, seed=5)
    assert np.array_equal(whole, draws_of(program, [1, 2], 100, seed=5, threads=2))
    assert np.array_equal(whole[:, :, 37:90], draws_of(program, [1, 2], 53, seed=5, member_offset=37))
    for width, cpu in ((1, None), (2, "x86-64"), (4, None)):
        assert np.array_equal(whole, draws_of(program, [1, 2], 100, width, cpu, seed=5))


def test_the_numpy_back_end_draws_the_same_numbers():
    from talent_sd.engine.evaluate import evaluate

    program = program_of(random("uniform"), random("normal", 1), random("exponential", 2))
    native = draws_of(program, [1, 2, 3], 60, seed=2**40 + 3, member_offset=2**33)
    plain = evaluate(
        program,
        times=np.arange(POINTS * 1.0),
        outputs=[1, 2, 3],
        members=60,
        seed=2**40 + 3,
        first_member=2**33,
    )
    assert np.array_equal(native[0], plain[0])
    np.testing.assert_allclose(native[1:], plain[1:], rtol=1e-12, atol=1e-12)


def test_the_draw_that_starts_a_stock_is_the_one_of_the_first_point():
    values = draws_of(program_of(random("normal")), [1, 2], 50, seed=3)
    assert np.array_equal(values[1, 0], values[0, 0])
    assert np.array_equal(values[1, 1], values[1, 0] + values[0, 0])


def test_bounds_that_nothing_can_meet_fail_by_name():
    program = program_of(random("normal", args=(50.0, 60.0, 0.0, 1.0)))
    kernel = compile_kernel(program, [1])
    result = kernel.run(np.array([1.0, 0, 0]), np.arange(2.0), [0, 1], 3)
    assert result.failed.all()
    assert result.problems[0].slot == 1


def test_a_shared_value_beside_a_random_one_is_computed_once():
    program = program_of(random("uniform"), Call("exp", (Number(1.0),)))
    kernel = compile_kernel(program, [1, 2])
    assert kernel.layout.uniform_outputs == (1,)
    assert kernel.layout.member_outputs == (0,)
