"""The WebAssembly module against native code: the same bits, for any number there is."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import talent_sd
from talent_sd.base.errors import UnsupportedError
from talent_sd.engine.ir import Call, Number, Program, Random, Ref, Slot, State, Table, TableCall, Time
from talent_sd.engine.llvm import wasm
from talent_sd.engine.llvm.kernel import compile_kernel
from talent_sd.engine.llvm.run_arrays import check_inputs, pack_tables

NODE = shutil.which("node")
ENGINE = Path(talent_sd.__file__).parent / "output" / "page" / "web" / "src" / "engine.js"
pytestmark = [
    pytest.mark.usefixtures("shared_kernel_cache"),
    pytest.mark.skipif(
        NODE is None or wasm.linker() is None,
        reason="no node or no wasm-ld here (Debian: apt-get install nodejs lld)",
    ),
]
EDGES = [
    0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1 + 2**-52, 1 - 2**-53, 5e-324, -5e-324, 2.2250738585072014e-308,
    2.225073858507201e-308, 1e-310, 1.7976931348623157e308, -1e308, 1e300, 1e-300, 709.78, 709.79, -745.13,
    -745.14, -708.4, 1023.5, -1074.0, 1e18, 2.0**53, 1e-6, -9.9e-7, float("inf"), float("-inf"), float("nan"),
]  # fmt: skip
ONE = ("exp", "log", "sqrt", "int", "abs", "neg", "not")
OF_A_LIBRARY = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
TWO = ("add", "sub", "mul", "div", "pow", "mod", "quantum", "min", "max", "lt", "eq", "zidz")


def in_wasm(module, kernel, **given):
    """Run a module in node with what the kernel is given: (outputs, saved, members)."""
    names = ("constants", "times", "save", "members", "varying", "series", "member_series")
    asked = check_inputs(kernel, *(given.get(n) for n in names), given.get("tables"), given.get("seed", 0), 0)
    data, index = pack_tables(asked.tables)
    arrays = {
        "constants": asked.constants, "times": asked.times, "varying": asked.varying,
        "member_series": asked.member_series, "tables": data,
    }  # fmt: skip
    run = {name: base64.b64encode(array.astype("<f8").tobytes()).decode() for name, array in arrays.items()}
    run |= {"members": asked.members, "save": asked.save.tolist(), "table_index": index.ravel().tolist()}
    run |= {"step": asked.time_step, "seed": asked.seed, "facts": module.facts()}
    return run


def both(program, outputs, folder, slots, series_slots=(), /, **given):
    """Run native code and the module: two arrays (outputs, saved, members)."""
    kernel = compile_kernel(program, outputs, slots, (), series_slots)
    native = kernel.run(**given, diagnose=0).values
    module = wasm.compile_wasm(program, outputs, slots, (), series_slots)
    (folder / "module.wasm").write_bytes(module.code)
    (folder / "run.json").write_text(json.dumps(in_wasm(module, kernel, **given)))
    script = Path(__file__).with_name("run_wasm.mjs")
    subprocess.run([NODE, str(script), str(ENGINE), str(folder)], check=True, timeout=120)
    return native, np.fromfile(folder / "out.bin", "<f8").reshape(native.shape)


def same_bits(native, other):
    """Tell whether two arrays are the same to the last bit, NaN being NaN."""
    nan = np.isnan(native)
    return bool(
        np.array_equal(nan, np.isnan(other))
        and np.array_equal(native.view("i8")[~nan], other.view("i8")[~nan])
    )


def test_every_operation_gives_the_same_bits_for_any_pair_of_numbers(tmp_path):
    slots = [Slot("TIME STEP", "TIME STEP", (), "constant", Number(0.25))]
    slots += [Slot(name, name, (), "constant", Number(1.0)) for name in ("x", "y")]
    x, y = Ref(1), Ref(2)
    made = (
        [Call(op, (x,)) for op in (*OF_A_LIBRARY, *ONE)]
        + [Call(op, (x, y)) for op in TWO]
        + [TableCall(0, x)]
    )
    slots += [Slot(f"a{i}", f"a{i}", (), "auxiliary", e) for i, e in enumerate(made)]
    order = tuple(range(3, len(slots)))
    table = Table("t", np.array([-1.0, 0.0, 2.0]), np.array([3.0, -1.0, 4.0]))
    program = Program(tuple(slots), (), (table,), order, order, time_step=0.25, time_slots={"TIME STEP": 0})
    pairs = np.array(
        [*itertools.product(EDGES, EDGES), (1.5, 2.5)]
    ).T  # an odd number: the last vector is not full
    native, other = both(
        program, order, tmp_path, (1, 2), constants=np.array([0.25, 1.0, 1.0, *[0.0] * len(order)]),
        times=np.array([2020.0]), save=[0], members=pairs.shape[1], varying=pairs,
    )  # fmt: skip
    assert pairs.shape[1] == len(EDGES) ** 2 + 1
    assert (np.abs(native[np.isfinite(native)]) < 2.3e-308).any()
    assert np.isinf(native).any()
    assert np.isnan(native).any()
    library = len(OF_A_LIBRARY)
    assert same_bits(native[library:], other[library:])
    near = np.isclose(native[:library], other[:library], rtol=1e-15, atol=0, equal_nan=True)
    assert near.all()


def test_a_module_tells_a_changed_bit():
    one = np.array([[[1.0, np.nan, 0.0]]])
    assert same_bits(one, one.copy())
    assert not same_bits(one, np.array([[[1.0, np.nan, -0.0]]]))
    assert not same_bits(one, np.array([[[np.nextafter(1, 2), np.nan, 0.0]]]))


def test_delays_random_numbers_and_blocks_of_members_are_the_same(tmp_path):
    uniform = Random("uniform", (Number(0.0), Number(1.0)), 1)
    slots = (
        Slot("TIME STEP", "TIME STEP", (), "constant", Number(0.5)),
        Slot("c", "c", (), "constant", Number(1.0)),
        Slot("noise", "noise", (), "constant", Number(0.0)),
        Slot("late", "late", (), "state", Call("add", (Ref(1), Call("mul", (Time(), Ref(2)))))),
        Slot("S", "S", (), "state", Call("sub", (Ref(5), Call("mul", (Ref(4), Number(0.1)))))),
        Slot("flow", "flow", (), "auxiliary", Call("mul", (uniform, Call("exp", (Ref(2),))))),
    )
    states = (State(3, Number(2.0), "delay_fixed", Number(1.5)), State(4, Ref(1)))
    program = Program(slots, states, (), (3, 4, 5), (5,), time_step=0.5, time_slots={"TIME STEP": 0})
    times, members = np.arange(2020, 2026, 0.5), 259  # more than a block of the driver, and odd
    rng = np.random.default_rng(4)
    native, other = both(
        program, (3, 4, 5, 1), tmp_path, (1,), (2,), constants=np.array([0.5, *[np.nan] * 5]), times=times,
        save=range(len(times)), members=members, varying=rng.normal(size=(1, members)), seed=7,
        member_series=rng.normal(size=(1, len(times), members)),
    )  # fmt: skip
    assert np.isfinite(native).all()
    assert len(np.unique(native[1, -1])) == members
    assert same_bits(native, other)


def test_without_a_linker_the_remedy_is_told(monkeypatch):
    monkeypatch.setattr(wasm, "linker", lambda: None)
    program = Program(
        (Slot("TIME STEP", "TIME STEP", (), "constant", Number(1.0)), Slot("a", "a", (), "auxiliary", Ref(0))),
        (), (), (1,), (1,), time_slots={"TIME STEP": 0},
    )  # fmt: skip
    with pytest.raises(UnsupportedError, match=r"apt install lld.*talent_sd\[page\]"):
        wasm.compile_wasm(program, [1])
