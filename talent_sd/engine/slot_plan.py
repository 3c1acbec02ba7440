"""A request in terms of a program's slots, and slot values back in terms of variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.base.language import tell
from talent_sd.engine.ir import DERIVED, Program
from talent_sd.engine.request import Request
from talent_sd.model.structure import Structure


@dataclass
class SlotPlan:
    """What a back end needs beside the program.

    `constants`: slot -> one number, or (members,). `series`: slot -> (points,) or (points, members).
    `tables`: table -> (x, y). `outputs`: the slots to return, in the order that `assemble` expects.
    """

    outputs: list[int]
    constants: dict[int, np.ndarray] = field(default_factory=dict)
    series: dict[int, np.ndarray] = field(default_factory=dict)
    tables: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


def slots_by_variable(program: Program) -> dict[str, dict[tuple[str, ...], int]]:
    """Return variable -> elements -> slot, hidden slots left out."""
    return program.by_variable


def make_plan(program: Program, structure: Structure, request: Request) -> SlotPlan:
    """Return a request in slots.

    Raises
    ------
    ModelError
        If a data variable is given no values.
    UnsupportedError
        If it changes a constant that shaped the program.
    """
    slots = slots_by_variable(program)
    plan = SlotPlan([slot for name in request.outputs for slot in slots.get(name, {}).values()])
    for name, values in request.constants.items():
        for elements, slot in slots[name].items():
            own = values[(slice(None), *_place(structure, name, elements))]
            if not np.isnan(own).any():
                _refuse_frozen(program, slot)
                plan.constants[slot] = own if len(own) > 1 else own[0]
    for name, values in request.series.items():
        for elements, slot in slots[name].items():
            own = values[(slice(None), slice(None), *_place(structure, name, elements))]
            if not np.isnan(own).any():
                _refuse_frozen(program, slot)
                plan.series[slot] = own.T if len(own) > 1 else own[0]
    _plan_tables(program, request, plan)
    _plan_time(program, request, plan)
    _refuse_missing_data(program, structure, plan)
    return plan


def _refuse_missing_data(program: Program, structure: Structure, plan: SlotPlan) -> None:
    given = {*plan.constants, *plan.series}
    missing = [
        slot
        for index in program.without_value
        if index not in given and structure[(slot := program.slots[index]).variable].kind == "data"
    ]
    if missing:
        raise ModelError(
            tell(
                "{place}: data variable '{name}' has no values. Give it in inputs= of Python, "
                "or a number with --set.",
                place=structure.place(slot.variable),
                name=slot.name,
            )
            for slot in missing
        )


def _plan_tables(program: Program, request: Request, plan: SlotPlan) -> None:
    for (name, elements), points in request.tables.items():
        label = name if elements is None else f"{name}[{','.join(elements)}]"
        for index, table in enumerate(program.tables):
            if table.name.startswith(f"{label}{DERIVED}"):
                raise UnsupportedError(
                    "'{name}' is inverted, or read by its slope, area or steps: it cannot be replaced in a run.",
                    name=label,
                )
            if table.name == label or (elements is None and table.name.startswith(f"{name}[")):
                plan.tables[index] = points


def _plan_time(program: Program, request: Request, plan: SlotPlan) -> None:
    """Give the time settings the run's own values, whether they are constants or equations."""
    values = {
        "INITIAL TIME": request.times[0],
        "FINAL TIME": request.times[-1],
        "TIME STEP": request.time_step,
    }
    for name, value in values.items():
        slot = program.time_slots[name]
        if program.slots[slot].kind == "constant":
            plan.constants[slot] = np.asarray(value, float)
        else:
            plan.series[slot] = np.full(len(request.times), float(value))


def _refuse_frozen(program: Program, slot: int) -> None:
    if slot in program.frozen:
        raise UnsupportedError(
            "'{program}' is an order of SMOOTH or DELAY: the native engine cannot change it per run.",
            program=program.slots[slot].name,
        )


def _place(structure: Structure, name: str, elements: tuple[str, ...]) -> tuple[Any, ...]:
    known = structure.coordinates(name).values()
    return tuple(names.index(element) for names, element in zip(known, elements, strict=True))


def assemble(
    program: Program, structure: Structure, names: Sequence[str], values: np.ndarray
) -> dict[str, np.ndarray]:
    """Return name -> (members, saved, *dims) from (outputs, saved, members) in a plan's order."""
    slots, found, row = slots_by_variable(program), {}, 0
    for name in names:
        shape = tuple(len(known) for known in structure.coordinates(name).values())
        result = np.full((values.shape[2], values.shape[1], *shape), np.nan)
        for elements in slots.get(name, {}):
            result[(slice(None), slice(None), *_place(structure, name, elements))] = values[row].T
            row += 1
        found[name] = result
    return found
