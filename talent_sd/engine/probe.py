"""Every equation as a function of what it reads: for asking what one cause does, all others as they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from talent_sd.engine.ir import Number, Program, Slot


def probe_program(program: Program) -> tuple[Program, tuple[int, ...]]:
    """Turn a program into one that computes each equation once, from given values of all slots.

    Returns
    -------
    probe : slot i is an input and stands for slot i of the program; its equations follow after all inputs
    computed : for each equation, in order, the slot whose value it gives; of a stock, its rate of change

    Fixed delays and sampled values are inputs only: what they give depends on the past.
    """
    moved = {state.slot: state.kind for state in program.states}
    computed = tuple(
        index
        for index, slot in enumerate(program.slots)
        if slot.kind in ("auxiliary", "initial") or moved.get(index) in ("euler", "limited")
    )
    inputs = [replace(slot, kind="constant", expression=Number(np.nan)) for slot in program.slots]
    equations = [
        Slot(f"{program.slots[index].name} =", "", (), "auxiliary", program.slots[index].expression)
        for index in computed
    ]
    order = tuple(range(len(inputs), len(inputs) + len(equations)))
    probe = replace(
        program,
        slots=(*inputs, *equations),
        states=(),
        initial_order=order,
        step_order=order,
        initial_expression={},
        frozen=frozenset(),
    )
    return probe, computed
