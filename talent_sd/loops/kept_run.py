"""A run with everything kept, and the equations evaluated on it again.

What loop scores are worked out from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.engine.evaluate import PLAIN, TIMED, interpolate
from talent_sd.engine.ir import (
    Call,
    Expression,
    Number,
    Program,
    Random,
    Ref,
    Table,
    TableCall,
    Time,
    operands_of,
)
from talent_sd.engine.non_finite import Trouble
from talent_sd.engine.random_numbers import Drawn, draw, units
from talent_sd.engine.request import build_request

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model

TINY = 1e-9
Read = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class Trajectory:
    """A run with everything kept.

    `values` (slots, points, members); `times` (points,); `tables` as used in the run;
    `given` the slots whose values came from outside: no cause inside the model moves them;
    `trouble` the first value that is not finite.
    """

    program: Program
    times: np.ndarray
    values: np.ndarray
    tables: tuple[Table, ...]
    time_step: float
    given: frozenset[int] = frozenset()
    seed: int = 0
    trouble: Trouble | None = None
    _rest_on: dict[int, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def members(self) -> int:
        """How many runs were made at once."""
        return int(self.values.shape[2])

    def rests_on(self, expression: Expression) -> frozenset[str]:
        """Return what an expression rests on in the end: "time", "table", "chance", and kinds of slots."""
        if isinstance(expression, Ref):
            return self._slot_rests_on(expression.slot)
        own = {Time: "time", TableCall: "table", Random: "chance"}.get(type(expression))
        found = frozenset([own] if own else ())
        return found.union(*map(self.rests_on, operands_of(expression)))

    def _slot_rests_on(self, slot: int) -> frozenset[str]:
        own = self.program.slots[slot]
        if slot in self.given:
            return frozenset(["given"])
        if own.kind != "auxiliary":
            return frozenset([own.kind])
        if slot not in self._rest_on:
            self._rest_on[slot] = self.rests_on(own.expression)
        return self._rest_on[slot]

    def by_clock(self, expression: Expression) -> bool:
        """Whether an expression moves with time alone."""
        kinds = self.rests_on(expression)
        return "time" in kinds and kinds <= {"time", "table", "constant", "initial"}

    def is_clock(self, slot: int) -> bool:
        """Whether a slot is the time itself, shifted, such as the end of the step."""
        if self._slot_rests_on(slot) - {"constant"} != {"time"}:
            return False
        values, times = self.values[slot, :, 0], self.times
        return bool(np.ptp(values - times) < TINY * abs(times[-1]))

    def tables_apart(self, expression: Expression) -> tuple[Expression, dict[int, TableCall]]:
        """Return an expression with its readings of tables at the clock as slots of their own, and these."""
        calls: dict[int, TableCall] = {}
        first = len(self.program.slots)

        def apart(one: Expression) -> Expression:
            """Return a part with its own readings apart."""
            if isinstance(one, TableCall) and self.by_clock(one.x):
                calls[first + len(calls)] = one
                return Ref(first + len(calls) - 1)
            if isinstance(one, TableCall):
                return replace(one, x=apart(one.x))
            return replace(one, args=tuple(map(apart, one.args))) if isinstance(one, (Call, Random)) else one

        return apart(expression), calls


def follow(
    model: Model,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
) -> Trajectory:
    """Run a model and keep every slot at every step.

    Parameters
    ----------
    model : a loaded model
    params, inputs, seed : as in `Model.run`

    Raises
    ------
    ModelError
        With every problem of the request.
    UnsupportedError
        If the model uses what flat programs lack: it cannot be taken apart link by link.
    """
    request = build_request(model.structure, params, inputs, seed=seed)
    program, plan = model.prepare(request)
    everything = replace(plan, outputs=list(range(len(program.slots))))
    request.save, request.saved_times = np.arange(len(request.times)), request.times
    try:
        values, trouble = model.run_slots(program, everything, request, "kernel")
    except UnsupportedError:  # slower, the same numbers
        values, trouble = model.run_slots(program, everything, request, "arrays")
    tables = list(program.tables)
    for index, (x, y) in plan.tables.items():
        old = tables[index]
        tables[index] = Table(old.name, np.asarray(x, float), np.asarray(y, float), old.outside, old.between)
    return Trajectory(
        program,
        request.times,
        values,
        tuple(tables),
        request.time_step,
        frozenset(plan.series),
        request.seed,
        trouble,
    )


def refuse_trouble(run: Trajectory, name: str) -> None:
    """Raise a `ModelError` if a single run has a value that is not finite: no score means anything then.

    Parameters
    ----------
    name : of the model's file, for the message
    """
    found = run.trouble
    if found is None or run.members > 1:
        return
    raise ModelError(
        "{name}: '{label}' is {value:g} at {time:g}: its loops cannot be scored. "
        "Look for a division by zero, the logarithm of a negative number or an overflow.",
        name=name,
        label=found.label,
        value=found.value,
        time=found.time,
    )


def value_of(expression: Expression, read: Read, run: Trajectory, points: slice) -> np.ndarray:
    """Evaluate an expression on whole arrays.

    Parameters
    ----------
    expression : of a slot
    read : slot -> (points, members)
    run : for its tables, time step and chance
    points : the time points meant, for expressions that read time or chance
    """
    with np.errstate(all="ignore"):
        return _value(expression, read, run, points)


def value_at(run: Trajectory, point: int, expression: Expression, instead: Mapping[int, np.ndarray]) -> float:
    """Evaluate an expression at a point of a run, with other values for some slots."""
    points = slice(point, point + 1)
    read = lambda one: instead[one] if one in instead else run.values[one, points]  # noqa: E731 (as `value_of` takes it)
    return float(np.broadcast_to(value_of(expression, read, run, points), (1, 1))[0, 0])


def reading_at(run: Trajectory, point: int, one: int, calls: Mapping[int, TableCall]) -> np.ndarray:
    """Return a slot's value at a point, or a table's."""
    if one in calls:
        return np.array([[value_at(run, point, calls[one], {})]])
    return run.values[one, point : point + 1]


def brought(
    run: Trajectory, slot: int, groups: Mapping[str, Sequence[int]], points: slice
) -> dict[str, float]:
    """Return what each flow brought a stock over points: its rate with that flow less its rate without.

    A time that divides is no flow: without it there is no rate, and it brings nothing.
    """
    expression = run.program.slots[slot].expression
    values = run.values[:, points]

    def rate(without: Sequence[int]) -> float:
        """Return the sum of the rate over the points, some flows being none."""
        read = lambda one: np.zeros_like(values[one]) if one in without else values[one]  # noqa: E731
        return float(
            np.broadcast_to(value_of(expression, read, run, points), (len(run.times[points]), 1)).sum()
        )

    with np.errstate(all="ignore"):
        whole = rate(())
        found = {name: (whole - rate(slots)) * run.time_step for name, slots in groups.items()}
    return {name: float(np.nan_to_num(value, posinf=0, neginf=0)) for name, value in found.items()}


def _value(expression: Expression, read: Read, run: Trajectory, points: slice) -> np.ndarray:
    if isinstance(expression, Number):
        return np.asarray(expression.value)
    if isinstance(expression, Ref):
        return read(expression.slot)
    if isinstance(expression, Time):
        return run.times[points, None]
    if isinstance(expression, TableCall):
        return interpolate(run.tables[expression.table], _value(expression.x, read, run, points))
    args = [_value(arg, read, run, points) for arg in expression.args]
    if isinstance(expression, Random):
        return draw(expression.distribution, _chance(run, points), expression.stream, *args)
    if expression.op in TIMED:
        # the functions of time were written for one point; they broadcast over a column of points too
        return TIMED[expression.op](run.times[points, None], run.time_step, *args)  # type: ignore[arg-type]
    return PLAIN[expression.op](*args)


def _chance(run: Trajectory, points: slice) -> Callable[[int], Drawn]:
    """Return what hands out the run's own random numbers, (points, members) each."""
    members, steps = np.arange(run.members), range(len(run.times))[points]

    def source(stream: int) -> Drawn:
        drawn = [units(run.seed, members, step, stream) for step in steps]
        return np.stack([first for first, _ in drawn]), np.stack([second for _, second in drawn])

    return source


COUNTED = ("person", "yuan", "patent", "m*m", "firm")
"""Units of what may be added over the elements of a range; of anything else the mean is told."""


def tables_in(expression: Expression) -> set[int]:
    """Return the tables that an expression reads."""
    own = {expression.table} if isinstance(expression, TableCall) else set()
    return own.union(*map(tables_in, operands_of(expression)))


def adds_up(unit: str) -> bool:
    """Whether elements in this unit are told by their sum; else by their mean."""
    return unit.partition("/")[0].strip().casefold() in COUNTED and unit.partition("/")[2] in ("", "year")
