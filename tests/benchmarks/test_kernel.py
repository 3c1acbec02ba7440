"""Speed of the native engine. Run with
`pytest -o addopts=--import-mode=importlib tests/benchmarks --benchmark-only`.

The asserted limits are those the engine promises. Compilation and proportions are
measured in processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from talent_sd.engine.llvm.kernel import compile_kernel

STOCKS = 160
"""720 equations, 128 powers."""


def seconds(function, repeats=3, clock=time.process_time):
    """Time taken, best of a few; processor time unless another clock is given."""
    best = np.inf
    for _ in range(repeats):
        start = clock()
        function()
        best = min(best, clock() - start)
    return best


own_time = pytest.mark.benchmark(timer=time.process_time)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TALENT_SD_CACHE", str(tmp_path))
    return tmp_path


def forget(cache):
    for path in (cache / "kernels").glob("*.o"):
        path.unlink()


@own_time
def test_first_compilation_takes_under_a_second(benchmark, measured_run, empty_cache):
    program, outputs, varying, _ = measured_run(STOCKS, 1)
    benchmark.pedantic(
        compile_kernel, (program, outputs, varying), setup=lambda: forget(empty_cache), rounds=5
    )
    assert benchmark.stats.stats.min < 1.0


@own_time
def test_first_compilation_for_every_variable_takes_under_a_second(benchmark, measured_run, empty_cache):
    program, _, varying, _ = measured_run(STOCKS, 1)
    every = [i for i, slot in enumerate(program.slots) if slot.kind != "constant"]
    benchmark.pedantic(compile_kernel, (program, every, varying), setup=lambda: forget(empty_cache), rounds=3)
    assert benchmark.stats.stats.min < 1.0


@own_time
def test_loading_a_compiled_object_takes_under_a_twentieth_of_a_second(benchmark, measured_run, empty_cache):
    program, outputs, varying, _ = measured_run(STOCKS, 1)
    compile_kernel(program, outputs, varying)
    kernel = benchmark(compile_kernel, program, outputs, varying)
    assert kernel.from_cache
    assert benchmark.stats.stats.min < 0.05


@pytest.mark.parametrize("threads", [1, 2])
def test_an_ensemble(benchmark, measured_run, empty_cache, threads):
    program, outputs, varying, arguments = measured_run(STOCKS, 8192)
    kernel = compile_kernel(program, outputs, varying)
    benchmark.pedantic(lambda: kernel.run(**arguments, threads=threads), rounds=3)
    benchmark.extra_info["microseconds a member"] = benchmark.stats.stats.min / 8192 * 1e6


@pytest.mark.parametrize("width", [4, 8, 16])
def test_each_width(benchmark, measured_run, empty_cache, width):
    program, outputs, varying, arguments = measured_run(STOCKS, 2048)
    kernel = compile_kernel(program, outputs, varying, width=width)
    benchmark.pedantic(lambda: kernel.run(**arguments), rounds=3)


def test_time_is_in_proportion_to_members(benchmark, measured_run, empty_cache):
    program, outputs, varying, _ = measured_run(STOCKS, 1)
    kernel = compile_kernel(program, outputs, varying)
    per_member = []
    for members in (1024, 4096, 16384):
        arguments = measured_run(STOCKS, members)[3]
        per_member.append(seconds(lambda given=arguments: kernel.run(**given)) / arguments["members"])
    benchmark.extra_info["microseconds a member"] = [round(s * 1e6, 1) for s in per_member]
    benchmark.pedantic(lambda: None, rounds=1)
    assert max(per_member) < 1.3 * min(per_member)


def test_time_is_in_proportion_to_equations(benchmark, measured_run, empty_cache):
    per_stock = []
    for stocks in (80, 160, 320, 640):
        program, outputs, varying, arguments = measured_run(stocks, 1024)
        kernel = compile_kernel(program, outputs, varying)
        per_stock.append(seconds(lambda k=kernel, given=arguments: k.run(**given)) / stocks)
    benchmark.extra_info["relative cost of an equation"] = [round(s / per_stock[0], 2) for s in per_stock]
    benchmark.pedantic(lambda: None, rounds=1)
    assert max(per_stock) < 1.4 * min(per_stock)


def test_the_city_model_against_pysimlin(benchmark, empty_cache):
    """10 000 members with 20 saved outputs on two threads, against runs one after another."""
    simlin = pytest.importorskip("simlin")
    from talent_sd.engine.equations import build_program
    from talent_sd.engine.time_points import time_points
    from talent_sd.model.translate import translate

    path = Path(__file__).parents[2] / "models" / "city.mdl"
    program = build_program(translate(path))
    constants = np.array([getattr(s.expression, "value", np.nan) for s in program.slots])
    inputs = [
        i
        for i, slot in enumerate(program.slots)
        if slot.kind == "constant" and i not in program.time_slots.values() and constants[i]
    ][:40]
    states = [s.slot for s in program.states if not program.slots[s.slot].hidden][:10]
    outputs = [*states, *program.step_order[-10:]]
    times = time_points(program.initial_time, program.final_time, program.time_step)
    save = np.arange(0, len(times), round(program.saveper / program.time_step))
    members = 10_000
    spread = np.random.default_rng(0).uniform(0.99, 1.01, (len(inputs), members))
    kernel = compile_kernel(program, outputs, inputs)

    def ensemble():
        return kernel.run(
            constants, times, save, members, varying=constants[inputs][:, None] * spread, threads=2
        )

    simulation = simlin.load(str(path)).simulate()
    simulation.run_to_end()

    def one_after_another():
        for _ in range(50):
            simulation.reset()
            simulation.run_to_end()

    assert not benchmark.pedantic(ensemble, rounds=3, warmup_rounds=1).failed.any()
    ours, theirs = [], []
    for _ in range(5):  # in turn, so that other work on the machine slows both
        ours.append(seconds(ensemble, 1, time.perf_counter) / members)
        theirs.append(seconds(one_after_another, 1, time.perf_counter) / 50)
    ratio = min(theirs) / min(ours)
    benchmark.extra_info["microseconds a run"] = [round(min(t) * 1e6) for t in (ours, theirs)]
    benchmark.extra_info["times faster than pysimlin"] = round(ratio, 1)
    assert ratio >= 25


def test_one_run_of_the_city_against_pysd(benchmark, empty_cache):
    """One run of every variable, translation and compilation aside."""
    from talent_sd.engine.runner import load_model

    model = load_model()
    benchmark.pedantic(lambda: model.run(engine="kernel"), rounds=5, warmup_rounds=1)
    reference = seconds(lambda: model.run(engine="pysd"), 1, time.perf_counter)
    ratio = reference / benchmark.stats.stats.min
    benchmark.extra_info["times faster than PySD"] = round(ratio)
    assert ratio >= 20


def test_a_chain_of_many_stocks_is_planned_in_proportion_to_its_length(benchmark, measured_run, empty_cache):
    from talent_sd.engine.llvm.schedule import make_schedule

    taken = []
    for stocks in (200, 800):
        program, outputs, varying, _ = measured_run(stocks, 1)
        taken.append(seconds(lambda p=program, o=outputs, v=varying: make_schedule(p, o, v[:1])) / stocks)
    benchmark.pedantic(lambda: None, rounds=1)
    assert taken[1] < 2 * taken[0]
