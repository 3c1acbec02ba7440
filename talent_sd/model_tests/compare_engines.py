"""How far two engines' results lie apart, against what rounding allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.engine.evaluate import evaluate
from talent_sd.engine.ir import Call, Expression, Program, Slot
from talent_sd.engine.request import Request
from talent_sd.engine.slot_plan import SlotPlan, assemble
from talent_sd.model.structure import Structure

if TYPE_CHECKING:
    from talent_sd.engine.pysd_reference import Reference
    from talent_sd.engine.runner import Model

TOLERANCE = 1e-9


def verify(
    model: Model,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    *,
    reference: Reference | None = None,
    threads: int | None = None,
    **arguments: Any,
) -> dict[str, float]:
    """Run a model in the native engine and in PySD and compare every variable at every saved time.

    Parameters
    ----------
    params, inputs, threads, arguments : as in `Model.run`
    reference : the model built for the same times, where many runs share it

    Returns
    -------
    variable -> how many times the tolerance they differ at most (`deviations`); above 1 they disagree
    """
    request = model.request(params, inputs, **arguments)
    program, plan = model.prepare(request)
    names = list(request.outputs)
    native = model.run(params, inputs, names, engine="kernel", threads=threads, **arguments)
    drawn = request.members is not None
    ours = {name: native[name].values if drawn else native[name].values[None] for name in names}
    theirs = reference.run(request) if reference else model.reference_values(request)
    return deviations(ours, theirs, largest_addends(program, model.structure, request, plan))


def disagreements(
    ours: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], addends: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Return the `deviations` of the variables that differ by more than the tolerance."""
    return {name: worst for name, worst in deviations(ours, reference, addends).items() if worst > 1}


def deviations(
    ours: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], addends: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Return how many times the tolerance two results differ at most, variable by variable.

    The tolerance is 1e-9 times the largest of: the value, the largest addend of its
    equation (a difference of large numbers is only as exact as they are), and the
    variable's largest value in the run. NaN agrees with NaN, infinity with itself.

    Parameters
    ----------
    ours, reference : name -> (members, saved, *dims)
    addends : name -> the same shape, from `largest_addends`
    """
    found = {}
    for name, theirs in reference.items():
        mine = ours[name]
        same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
        finite = theirs[np.isfinite(theirs)]
        peak = np.abs(finite).max(initial=0.0)
        scale = np.maximum(np.maximum(np.abs(theirs), peak), np.nan_to_num(addends[name], posinf=0.0))
        with np.errstate(all="ignore"):
            excess = np.where(same, 0.0, np.abs(mine - theirs) / (TOLERANCE * scale))
        found[name] = float(np.max(np.where(np.isnan(excess), np.inf, excess), initial=0.0))
    return found


def largest_addends(
    program: Program, structure: Structure, request: Request, plan: SlotPlan
) -> dict[str, np.ndarray]:
    """Return the largest absolute addend in each output's equation at each time, (members, saved, *dims)."""
    slots, groups = list(program.slots), []
    for index in plan.outputs:
        terms = addends(program.slots[index].expression) if program.slots[index].kind != "constant" else []
        groups.append(range(len(slots), len(slots) + len(terms)))
        slots += [
            Slot(f"_addend {len(slots) + n}", "", (), "auxiliary", term, True) for n, term in enumerate(terms)
        ]
    added = tuple(range(len(program.slots), len(slots)))
    wider = replace(program, slots=tuple(slots), step_order=(*program.step_order, *added))
    values = np.abs(
        evaluate(
            wider,
            plan.constants,
            plan.series,
            request.times,
            tables=plan.tables,
            outputs=added,
            save=request.save,
            members=request.lanes,
            seed=request.seed,
        )
    )
    empty = np.zeros((len(request.save), request.lanes))
    first = len(program.slots)
    largest = [
        values[[one - first for one in group]].max(axis=0) if len(group) else empty for group in groups
    ]
    return assemble(program, structure, request.outputs, np.stack(largest) if largest else values)


def addends(expression: Expression) -> Sequence[Expression]:
    """Return the terms that an expression adds and subtracts; a reference is one term.

    >>> from talent_sd.engine.ir import Number, Ref
    >>> len(addends(Call("sub", (Call("add", (Number(1), Number(2))), Ref(0)))))
    3
    """
    if isinstance(expression, Call) and expression.op in {"add", "sub", "neg"}:
        return [term for arg in expression.args for term in addends(arg)]
    return [expression]
