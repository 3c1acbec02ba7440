"""Experiments on a model from outside: any variable changed from a year on, any stock kicked once.

An experiment must not need an input of its own in the model file, and must leave the start alone: what
INITIAL keeps is the city before the experiment. So the flat program gets the change, not the file:

times   from the year on the variable is multiplied by 1 + size (auxiliary or constant)
plus    from the year on size is added to it, or size times another variable
kick    the stock gains size times itself, in the one step that begins at the year
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.base.language import tell
from talent_sd.engine.back_ends import Kernels
from talent_sd.engine.equations.functions import pulse
from talent_sd.engine.ir import Call, Expression, Number, Program, Random, Ref, Slot, TableCall
from talent_sd.engine.non_finite import Trouble
from talent_sd.engine.order import evaluation_order, references
from talent_sd.engine.request import Request
from talent_sd.engine.runner import Model
from talent_sd.engine.slot_plan import SlotPlan, make_plan, slots_by_variable
from talent_sd.model.structure import Structure, Variable

WHEN = "intervention time"
"""The constant that says from which year on; a run without one is left alone."""
NEVER = 1e9
Kind = Literal["times", "plus", "kick"]


@dataclass(frozen=True)
class Intervention:
    """One way to change one variable.

    Parameters
    ----------
    variable : its name
    kind : "times", "plus" or "kick", as above
    of : for "plus": another variable, of which size times is added; "" for a plain amount
    """

    variable: str
    kind: Kind
    of: str = ""

    @property
    def constant(self) -> str:
        """Return the name of the constant that holds its size: 0 where nothing is done.

        >>> Intervention("jobs left", "times").constant
        'intervention times jobs left'
        """
        return f"intervention {self.kind} {self.variable}" + (f" by {self.of}" if self.of else "")


class IntervenedModel(Model):
    """A model with interventions, run by the native engine or numpy.

    Each intervention is a constant of its own, of the variable's subscripts; `WHEN` is one for all.

    Parameters
    ----------
    model : as `load_model` gives it
    interventions : what experiments may change

    Raises
    ------
    ModelError
        If the model lacks a variable, or one is of a kind that the intervention cannot change.
    UnsupportedError
        If the native engine cannot run the model.
    """

    def __init__(self, model: Model, interventions: Iterable[Intervention]) -> None:
        self.path, self.lacks, self.watches_ranges = model.path, "", False
        self._store, self._kernels = model._store, Kernels()
        self.interventions = tuple(dict.fromkeys(interventions))
        self._base = model.program
        self.structure = _structure(model.structure, self.interventions)
        self._changed = intervene(self._base, self.interventions)

    def prepare(self, request: Request) -> tuple[Program, SlotPlan]:
        """Return the changed program and the plan that a run needs; errors as in `Model.prepare`."""
        return self._changed, make_plan(self._changed, self.structure, request)

    def _reference(self, request: Request) -> tuple[dict[str, np.ndarray], str, Trouble | None]:
        raise UnsupportedError(tell("PySD runs no interventions. Use the native engine."))


def intervene(program: Program, interventions: Sequence[Intervention]) -> Program:
    """Return a program whose constants named by `Intervention.constant` change its variables.

    Raises
    ------
    ModelError
        If a variable is missing or of a kind that cannot be changed so.
    """
    slots = list(program.slots)
    when = _add(slots, WHEN, WHEN, (), NEVER)
    for one in interventions:
        known = slots_by_variable(replace(program, slots=tuple(slots)))
        if one.variable not in known:
            raise ModelError(tell("no variable '{name}' to intervene in.", name=one.variable))
        for elements, slot in known[one.variable].items():
            label = f"[{','.join(elements)}]" if elements else ""
            size = _add(slots, one.constant + label, one.constant, elements, 0.0)
            other = known[one.of].get(elements, known[one.of].get(())) if one.of else None
            _change(slots, slot, one, size, when, program.time_slots["TIME STEP"], other)
    changed = tuple(slots)
    return replace(
        program,
        slots=changed,
        step_order=_sorted(changed, (i for i, s in enumerate(changed) if s.kind == "auxiliary"), program, {}),
        initial_order=_at_start(changed, program),
    )


def _add(slots: list[Slot], name: str, variable: str, elements: tuple[str, ...], value: float) -> int:
    slots.append(Slot(name, variable, elements, "constant", Number(value)))
    return len(slots) - 1


def _change(
    slots: list[Slot], slot: int, one: Intervention, size: int, when: int, step: int, other: int | None
) -> None:
    """Change the expression of one slot in place."""
    target = slots[slot]
    fits = {"kick": ("state",), "times": ("auxiliary", "constant"), "plus": ("auxiliary", "constant")}
    if target.kind not in fits[one.kind]:
        raise ModelError(
            tell(
                "'{name}' is {kind}: '{how}' cannot change it. Kick a stock; multiply or add to anything else "
                "that is no INITIAL value.",
                name=one.variable,
                kind=target.kind,
                how=one.kind,
            )
        )
    if one.kind == "kick":
        kick = pulse(Ref(when), Ref(step), Ref(step))
        gain = Call("div", (Call("mul", (Call("mul", (Ref(size), Ref(slot))), kick)), Ref(step)))
        slots[slot] = replace(target, expression=Call("add", (target.expression, gain)))
        return
    if target.kind == "constant":
        # the constant itself stays an input; whatever reads it after the start reads the changed one
        slots.append(Slot(f"{target.name} intervened", "", target.subscripts, "auxiliary", Ref(slot), True))
        seen = len(slots) - 1
        for index, reader in enumerate(slots[:seen]):
            if reader.kind in ("auxiliary", "state"):
                slots[index] = replace(reader, expression=_reading(reader.expression, slot, seen))
        slot, target = seen, slots[seen]
    height: Expression = Ref(size)
    if one.kind == "plus":
        height = height if other is None else Call("mul", (height, Ref(other)))
        changed = Call("add", (target.expression, Call("step", (height, Ref(when)))))
    else:
        factor = Call("add", (Number(1.0), Call("step", (height, Ref(when)))))
        changed = Call("mul", (target.expression, factor))
    slots[slot] = replace(target, expression=changed)


def _reading(expression: Expression, old: int, new: int) -> Expression:
    """Return an expression that reads one slot in another's place."""
    if isinstance(expression, Ref):
        return Ref(new) if expression.slot == old else expression
    if isinstance(expression, (Call, Random)):
        return replace(expression, args=tuple(_reading(part, old, new) for part in expression.args))
    if isinstance(expression, TableCall):
        return replace(expression, x=_reading(expression.x, old, new))
    return expression


def _sorted(
    slots: tuple[Slot, ...],
    wanted: Iterable[int],
    program: Program,
    starts: dict[int, tuple[Expression, ...]],
) -> tuple[int, ...]:
    def needs(index: int) -> list[int]:
        """Return the slots that must be there before a slot."""
        found = references(*starts.get(index, (slots[index].expression,)))
        if starts:
            return [slot for slot in found if slots[slot].kind != "constant"]
        return [slot for slot in found if slots[slot].kind == "auxiliary"]

    return evaluation_order(
        wanted, needs, lambda index: slots[index].name, tell("variables depend on each other")
    )


def _at_start(slots: tuple[Slot, ...], program: Program) -> tuple[int, ...]:
    """Return the order of the start: what states and INITIAL values need."""
    starts: dict[int, tuple[Expression, ...]] = {
        slot: (expression,) for slot, expression in program.initial_expression.items()
    }
    for state in program.states:
        starts[state.slot] = (state.initial,) if state.length is None else (state.initial, state.length)
    wanted = (index for index, slot in enumerate(slots) if slot.kind in ("state", "initial"))
    return _sorted(slots, wanted, program, starts)


def _structure(structure: Structure, interventions: Sequence[Intervention]) -> Structure:
    """Return a structure that knows the interventions' constants."""
    variables = dict(structure.variables)
    variables[WHEN] = Variable(WHEN, "constant", "year")
    for one in interventions:
        for name in filter(None, (one.variable, one.of)):
            structure[name]
        variables[one.constant] = Variable(one.constant, "constant", dims=structure[one.variable].dims)
    return replace(structure, variables=variables)
