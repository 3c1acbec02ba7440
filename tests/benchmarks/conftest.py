"""A model of any size to measure with: coupled stocks with multiplicative effects, like the city's."""

from __future__ import annotations

import numpy as np
import pytest

from talent_sd.engine.ir import Call, Number, Program, Ref, Slot, State

CONSTANTS_BEFORE = 1


def _call(op, *args):
    return Call(op, args)


def coupled_stocks(stocks: int) -> Program:
    """A ring of stocks; per stock 6 constants and 4.5 equations, in 4 of 5 a power."""
    slots = [Slot("TIME STEP", "TIME STEP", (), "constant", Number(1 / 16))]
    states, step_order, initial_order = [], [], []

    def add(name, kind, expression):
        slots.append(Slot(name, name, (), kind, expression))
        return len(slots) - 1

    base = [1 + 6 * i for i in range(stocks)]
    first_state = 1 + 6 * stocks
    for i in range(stocks):
        for name, value in (
            ("reference", 100 + i), ("elasticity", 0.3 + 0.001 * i), ("rate", 0.05), ("hazard", 0.06),
            ("delay", 3.0), ("start", 80 + i),
        ):  # fmt: skip
            add(f"{name} {i}", "constant", Number(float(value)))
    equation = first_state + stocks
    for i in range(stocks):
        c, before = base[i], first_state + (i - 1) % stocks
        state = Ref(first_state + i)
        ratio = _call("div", Ref(before), Ref(c))
        limit = _call("min", Ref(equation), Number(2.0))
        effect = _call("pow", Ref(equation), Ref(c + 1)) if i % 5 else limit
        inflow = _call("mul", _call("mul", Ref(c + 2), Ref(c)), Ref(equation + 1))
        leaving = _call("mul", state, Ref(c + 3))
        held = _call("div", _call("mul", state, Number(0.1)), Ref(c + 4))
        extra = [_call("min", leaving, held)] if i % 2 else []
        out = Ref(equation + 3) if extra else leaving
        parts = [ratio, effect, inflow, *extra]
        slots_of_block = list(range(equation, equation + len(parts)))
        equation += len(parts)
        step_order.append((slots_of_block, parts))
        states.append((i, _call("sub", Ref(slots_of_block[2]), out)))
    for i, rate in states:
        add(f"Stock {i}", "state", rate)
    for block, parts in step_order:
        for slot, part in zip(block, parts, strict=True):
            assert add(f"equation {slot}", "auxiliary", part) == slot
    initial_order = [first_state + i for i in range(stocks)]
    return Program(
        tuple(slots), tuple(State(first_state + i, Ref(base[i] + 5)) for i in range(stocks)), (),
        tuple(initial_order), tuple(s for block, _ in step_order for s in block),
        time_step=1 / 16, time_slots={"TIME STEP": 0},
    )  # fmt: skip


@pytest.fixture
def measured_run():
    """Set up a run: (stocks, members) -> program, outputs, varying slots, arguments of `Kernel.run`."""

    def prepare(stocks, members):
        program = coupled_stocks(stocks)
        constants = np.array([s.expression.value if s.kind == "constant" else 0.0 for s in program.slots])
        varying = [1 + 6 * i + k for i in range(0, stocks, 5) for k in (1, 2)]
        spread = np.random.default_rng(0).uniform(0.9, 1.1, (len(varying), members))
        outputs = [1 + 6 * stocks + i for i in range(20)]
        times = 2024 + np.arange(161) / 16
        arguments = {
            "constants": constants, "times": times, "save": np.arange(0, 161, 16), "members": members,
            "varying": constants[varying][:, None] * spread,
        }  # fmt: skip
        return program, outputs, varying, arguments

    return prepare
