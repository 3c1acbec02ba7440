"""A translated model to a flat program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.base.language import listed, tell
from talent_sd.engine.equations import calls, stateful
from talent_sd.engine.equations.lower import Lowerer
from talent_sd.engine.evaluate import evaluate_initial, is_moving
from talent_sd.engine.ir import Number, Program, Slot, State
from talent_sd.engine.order import evaluation_order, references
from talent_sd.model.structure import TIME_NAMES
from talent_sd.model.translate import Source


def build_program(source: Source) -> Program:
    """Flatten a model into ordered scalar equations.

    Parameters
    ----------
    source : the model as read

    Raises
    ------
    ModelError
        With every equation that is wrong, ``file:line: 'name': what. remedy``, or
        the chain of names where auxiliaries depend on each other in a circle.
    UnsupportedError
        If the model uses functions the flat program lacks: names function and variable.
    """
    lowerer = Lowerer(source, {"Call": calls.call, **stateful.HANDLERS}, stateful.stock)
    lowerer.lower_all()
    draft = lowerer.draft
    slots = _fold_constants(draft.frozen_slots(), set(draft.initial_expression))
    states = {state.slot: state for state in draft.states}
    time_slots = {
        name: lowerer.main.slots[key, ()]
        for name in TIME_NAMES
        if (key := name.lower().replace(" ", "_"), ()) in lowerer.main.slots
    }
    try:
        program = Program(
            slots=slots, states=tuple(draft.states), tables=tuple(draft.tables),
            initial_order=_initial_order(slots, states, draft.initial_expression),
            step_order=_step_order(slots), initial_expression=draft.initial_expression,
            time_slots=time_slots, frozen=frozenset(draft.frozen), method=source.method,
        )  # fmt: skip
    except ModelError as error:
        raise ModelError(f"{source.path.name}: {problem}" for problem in error.problems) from None
    program = _with_times(program, source)
    if source.lacks:
        raise UnsupportedError("\n".join(source.lacks))
    return program


def _with_times(program: Program, source: Source) -> Program:
    """Return the program with the model's time settings, its SAVEPER being TIME STEP if there is none."""
    missing = [name for name in TIME_NAMES[:3] if name not in program.time_slots]
    if missing:
        raise ModelError(
            "{source}: no {missing}. Add it to the model.", source=source.path.name, missing=listed(missing)
        )
    start = evaluate_initial(program)
    values = {name: float(start[slot][0]) for name, slot in program.time_slots.items()}
    step = values["TIME STEP"]
    if not (np.isfinite(step) and step > 0 and values["FINAL TIME"] >= values["INITIAL TIME"]):
        raise ModelError(
            "{place}: TIME STEP is {step:g} from {start:g} to {end:g}. Use a positive step and "
            "a final time after the initial one.",
            place=source.place("TIME STEP"),
            step=step,
            start=values["INITIAL TIME"],
            end=values["FINAL TIME"],
        )
    return replace(
        program,
        initial_time=values["INITIAL TIME"],
        final_time=values["FINAL TIME"],
        time_step=step,
        saveper=values.get("SAVEPER", step),
    )


def _fold_constants(slots: tuple[Slot, ...], kept: set[int]) -> tuple[Slot, ...]:
    """Turn equations of numbers only ("1/16") into constants."""
    folded = list(slots)
    for index, slot in enumerate(slots):
        if slot.kind != "auxiliary" or index in kept or any(True for _ in references(slot.expression)):
            continue
        if not is_moving(slot.expression):
            alone = Program((replace(slot, expression=slot.expression),), (), (), (0,), ())
            value = float(evaluate_initial(alone)[0][0])
            folded[index] = replace(slot, kind="constant", expression=Number(value))
    return tuple(folded)


def _step_order(slots: tuple[Slot, ...]) -> tuple[int, ...]:
    def needs(index: int) -> list[int]:
        return [slot for slot in references(slots[index].expression) if slots[slot].kind == "auxiliary"]

    wanted = (index for index, slot in enumerate(slots) if slot.kind == "auxiliary")
    return evaluation_order(
        wanted, needs, lambda index: slots[index].name, tell("variables depend on each other")
    )


def _initial_order(
    slots: tuple[Slot, ...], states: Mapping[int, State], replaced: Mapping[int, object]
) -> tuple[int, ...]:
    def needs(index: int) -> list[int]:
        if index in states:
            found = references(states[index].initial, states[index].length)
        else:
            found = references(replaced.get(index, slots[index].expression))  # type: ignore[arg-type]
        return [slot for slot in found if slots[slot].kind != "constant"]

    wanted = (index for index, slot in enumerate(slots) if slot.kind in {"state", "initial"})
    return evaluation_order(
        wanted, needs, lambda index: slots[index].name, tell("initial values depend on each other")
    )
