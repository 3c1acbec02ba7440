"""A plain interpreter of programs on numpy arrays: short, slow, and what other back ends are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from talent_sd.engine.ir import (
    SMALL,
    Call,
    Expression,
    Number,
    Program,
    Random,
    Ref,
    State,
    Table,
    TableCall,
    Time,
)
from talent_sd.engine.order import needed_at_start
from talent_sd.engine.random_numbers import draw, units
from talent_sd.engine.time_points import time_points

Array = np.ndarray


def _quantum(a: Array, b: Array) -> Array:
    return np.where(np.less(b, SMALL), a, b * np.trunc(np.divide(a, b)))


def _xidz(a: Array, b: Array, otherwise: Array) -> Array:
    return np.where(np.abs(b) < SMALL, otherwise, np.divide(a, b))


def _choose(condition: Array, a: Array, b: Array) -> Array:
    return np.asarray(np.where(np.not_equal(condition, 0), a, b))


def _truth(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda *args: function(*args).astype(np.float64)


PLAIN: dict[str, Callable[..., Array]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "pow": np.power, "neg": np.negative,
    "mod": lambda a, b: a - _quantum(a, b), "quantum": _quantum,
    "lt": _truth(np.less), "le": _truth(np.less_equal),
    "gt": _truth(np.greater), "ge": _truth(np.greater_equal),
    "eq": _truth(np.equal), "ne": _truth(np.not_equal),
    "and": _truth(np.logical_and), "or": _truth(np.logical_or), "not": _truth(np.logical_not),
    "if": _choose,
    "min": np.minimum, "max": np.maximum, "abs": np.abs, "sqrt": np.sqrt, "int": np.trunc, "floor": np.floor,
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "zidz": lambda a, b: _xidz(a, b, np.zeros(())), "xidz": _xidz,
}  # fmt: skip
"""Operations on operands only."""


def _step(t: float, dt: float, height: Array, start: Array) -> Array:
    return np.multiply(height, np.greater(t + dt / 2, start))


def _ramp(t: float, dt: float, slope: Array, start: Array, end: Array) -> Array:
    return np.greater(t + SMALL, start) * np.multiply(slope, np.minimum(end, t) - start)


TIMED: dict[str, Callable[..., Array]] = {"step": _step, "ramp": _ramp}
"""Test inputs: time and TIME STEP before the operands."""


def interpolate(table: Table, x: Array) -> Array:
    """Return a table's value at `x`, any shape. NaN stays NaN."""
    xs, ys = table.x, table.y
    if table.between == "step":
        below = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, len(xs) - 1)
        return np.where(np.isnan(x), np.nan, ys[below])
    value = np.interp(x, xs, ys)
    if table.outside == "extrapolate" and len(xs) > 1:
        first, last = (ys[1] - ys[0]) / (xs[1] - xs[0]), (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
        value = np.where(np.less(x, xs[0]), ys[0] + first * np.subtract(x, xs[0]), value)
        value = np.where(np.greater(x, xs[-1]), ys[-1] + last * np.subtract(x, xs[-1]), value)
    return value


STAGES = {"euler": (), "rk2": (1.0,), "rk4": (0.5, 0.5, 1.0)}
"""Method -> how far into the step it looks again, each time with the rates found last (Heun's method for RK2)."""


def mean_rate(*stages: Any) -> Any:
    """Return the rate that a method makes of those it found: one (Euler), two (RK2) or four (RK4)."""
    if len(stages) == 1:
        return stages[0]
    if len(stages) == 2:
        return 0.5 * (stages[0] + stages[1])
    first, second, third, fourth = stages
    return (first + 2.0 * second + 2.0 * third + fourth) / 6.0


def _held(value: np.ndarray, state: State) -> np.ndarray:
    return np.maximum(value, 0.0) if state.kind == "limited" else value


Values = list[np.ndarray]


@dataclass
class Moment:
    """What an expression may read beside other slots."""

    time: float
    time_step: float
    step: int
    seed: int
    members: np.ndarray


Code = Callable[[Values, Moment], np.ndarray]


def evaluate(
    program: Program,
    constants: Mapping[int, float | np.ndarray] | None = None,
    series: Mapping[int, np.ndarray] | None = None,
    times: np.ndarray | None = None,
    *,
    tables: Mapping[int, tuple[np.ndarray, np.ndarray]] | None = None,
    outputs: Sequence[int] | None = None,
    save: Sequence[int] | np.ndarray | None = None,
    members: int = 1,
    first_member: int = 0,
    seed: int = 0,
) -> np.ndarray:
    """Run a program for one or many members at once.

    Parameters
    ----------
    program : to run
    constants : constant slot -> value, one or (members,)
    series : slot, constant or auxiliary, -> (points,) or (points, members), in place of its equation
    times : (points,) all time points; default: the program's own
    tables : table -> (x, y) in its place
    outputs : slots to return; default all
    save : indices of the points to return; default all
    members, first_member : how many, and the number of the first in the whole ensemble
    seed : of random functions

    Returns
    -------
    (outputs, saved, members)
    """
    times = (
        time_points(program.initial_time, program.final_time, program.time_step) if times is None else times
    )
    run = _Run(program, constants or {}, series or {}, tables or {}, times, members, first_member, seed)
    wanted = list(range(len(program.slots))) if outputs is None else list(outputs)
    kept = {int(point): place for place, point in enumerate(range(len(times)) if save is None else save)}
    result = np.empty((len(wanted), len(kept), members))
    with np.errstate(all="ignore"):
        run.start()
        for point in range(len(times)):
            run.observe(point)
            if point in kept:
                for row, slot in enumerate(wanted):
                    result[row, kept[point]] = run.values[slot]
            if point + 1 < len(times):
                run.advance(point)
    return result


def evaluate_initial(
    program: Program,
    constants: Mapping[int, float | np.ndarray] | None = None,
    series: Mapping[int, np.ndarray] | None = None,
    *,
    tables: Mapping[int, tuple[np.ndarray, np.ndarray]] | None = None,
    outputs: Sequence[int] | None = None,
    initial_time: float | None = None,
    members: int = 1,
) -> dict[int, np.ndarray]:
    """Return values while the model starts, slot -> (members,); parameters as in `evaluate`.

    Only what `outputs` depend on is evaluated; by default that is every slot.
    """
    time = program.initial_time if initial_time is None else initial_time
    run = _Run(program, constants or {}, series or {}, tables or {}, np.array([time]), members, 0, 0)
    wanted = range(len(program.slots)) if outputs is None else outputs
    with np.errstate(all="ignore"):
        run.start(needed_at_start(program, wanted))
    return {slot: np.broadcast_to(run.values[slot], members) for slot in wanted}


class _Run:
    """The state of one run."""

    def __init__(
        self,
        program: Program,
        constants: Mapping[int, float | np.ndarray],
        series: Mapping[int, np.ndarray],
        tables: Mapping[int, tuple[np.ndarray, np.ndarray]],
        times: np.ndarray,
        members: int,
        first_member: int,
        seed: int,
    ) -> None:
        self.program, self.times, self.series = program, times, series
        replaced = {
            index: Table(
                program.tables[index].name,
                np.asarray(x, float),
                np.asarray(y, float),
                program.tables[index].outside,
                program.tables[index].between,
            )
            for index, (x, y) in tables.items()
        }
        self.tables = [replaced.get(index, table) for index, table in enumerate(program.tables)]
        self._code: dict[int, Code] = {}
        self.values: Values = [np.float64(np.nan)] * len(program.slots)  # type: ignore[list-item]
        for index, slot in enumerate(program.slots):
            if slot.kind == "constant" and isinstance(slot.expression, Number):
                self.values[index] = np.asarray(constants.get(index, slot.expression.value), np.float64)
        step = program.time_slots.get("TIME STEP")
        time_step = program.time_step
        if step is not None and step in series:
            time_step = float(np.ravel(series[step])[0])
        elif step is not None and program.slots[step].kind == "constant":
            time_step = float(np.max(self.values[step]))
        self.moment = Moment(
            float(times[0]), time_step, 0, seed, np.arange(first_member, first_member + members)
        )
        self.pushed = {
            state.slot: np.empty((len(times), members))
            for state in program.states
            if state.kind == "delay_fixed"
        }
        self.lengths: dict[int, np.ndarray] = {}
        self.starts: dict[int, np.ndarray] = {}

    def code(self, slot: int) -> Code:
        """Return the function that evaluates a slot's expression."""
        if slot not in self._code:
            self._code[slot] = self._compile(self.program.slots[slot].expression)
        return self._code[slot]

    def start(self, only: set[int] | None = None) -> None:
        """Give states and INITIAL slots their values; `only`: these slots, others than states too."""
        program = self.program
        states = {state.slot: state for state in program.states}
        self._set_series(0)
        known = set(program.initial_order)
        rest = [] if only is None else [slot for slot in program.step_order if slot not in known]
        for slot in (*program.initial_order, *rest):
            if slot in self.series or (only is not None and slot not in only):
                continue
            if slot in states:
                self._start_state(states[slot])
            else:
                replaced = program.initial_expression.get(slot)
                code = self.code(slot) if replaced is None else self._compile(replaced)
                self.values[slot] = code(self.values, self.moment)

    def _start_state(self, state: State) -> None:
        self.values[state.slot] = self._compile(state.initial)(self.values, self.moment)
        if state.length is not None:
            length = self._compile(state.length)(self.values, self.moment) / self.moment.time_step
            steps = np.round(np.maximum(length, 1.0) + 1e-6)
            self.lengths[state.slot] = np.broadcast_to(steps, self.moment.members.shape).astype(int)
            self.starts[state.slot] = np.broadcast_to(self.values[state.slot], self.moment.members.shape)

    def observe(self, point: int) -> None:
        """Evaluate the auxiliaries at a time point."""
        self.moment.time, self.moment.step = float(self.times[point]), point
        self._set_series(point)
        for slot in self.program.step_order:
            if slot not in self.series:
                self.values[slot] = self.code(slot)(self.values, self.moment)

    def advance(self, point: int) -> None:
        """Move the states to the next time point, all from the present values."""
        rates = self._rates(point)
        moved = {state.slot: self._moved(state, point, rates) for state in self.program.states}
        for slot, value in moved.items():
            self.values[slot] = value

    def _rates(self, point: int) -> dict[int, np.ndarray]:
        """Return the mean rate of each integrated state over the step: slot -> rate."""
        moving = [state for state in self.program.states if state.kind in ("euler", "limited")]
        stages = [{state.slot: self.code(state.slot)(self.values, self.moment) for state in moving}]
        kept, step = list(self.values), self.moment.time_step
        for part in STAGES[self.program.method]:
            for state in moving:
                self.values[state.slot] = _held(
                    kept[state.slot] + part * step * stages[-1][state.slot], state
                )
            self.moment.time = float(self.times[point]) + part * step
            self._set_series(point, part)
            for slot in self.program.step_order:
                if slot not in self.series:
                    self.values[slot] = self.code(slot)(self.values, self.moment)
            stages.append({state.slot: self.code(state.slot)(self.values, self.moment) for state in moving})
        self.values[:], self.moment.time = kept, float(self.times[point])
        return {slot: mean_rate(*(stage[slot] for stage in stages)) for slot in stages[0]}

    def _moved(self, state: State, point: int, rates: Mapping[int, np.ndarray]) -> np.ndarray:
        if state.slot in rates:
            return _held(self.values[state.slot] + rates[state.slot] * self.moment.time_step, state)
        value = self.code(state.slot)(self.values, self.moment)
        if state.kind == "hold":
            return value
        self.pushed[state.slot][point] = value
        shown = point + 1 - self.lengths[state.slot]
        members = np.arange(len(shown))
        past = self.pushed[state.slot][np.maximum(shown, 0), members]
        return np.where(shown >= 0, past, self.starts[state.slot])

    def _set_series(self, point: int, part: float = 0.0) -> None:
        """Set what is given over time; `part`: of the way to the next point."""
        for slot, values in self.series.items():
            now = np.asarray(values[point], np.float64)
            if part and point + 1 < len(values):
                following = np.asarray(values[point + 1], np.float64)
                now = following if part == 1.0 else 0.5 * (now + following)
            self.values[slot] = now

    def _compile(self, expression: Expression) -> Code:
        """Return a function of the slots' values that gives an expression's value."""
        if isinstance(expression, Number):
            number = np.float64(expression.value)
            return lambda values, moment: number  # type: ignore[return-value]
        if isinstance(expression, Ref):
            slot = expression.slot
            return lambda values, moment: values[slot]
        if isinstance(expression, Time):
            return lambda values, moment: np.asarray(moment.time, np.float64)
        if isinstance(expression, TableCall):
            table, x = self.tables[expression.table], self._compile(expression.x)
            return lambda values, moment: interpolate(table, x(values, moment))
        args = [self._compile(arg) for arg in expression.args]
        if isinstance(expression, Random):
            distribution, stream = expression.distribution, expression.stream
            return lambda values, moment: draw(
                distribution,
                lambda number: units(moment.seed, moment.members, moment.step, number),
                stream,
                *(arg(values, moment) for arg in args),
            )
        if expression.op in TIMED:
            timed = TIMED[expression.op]
            return lambda values, moment: timed(
                moment.time, moment.time_step, *(arg(values, moment) for arg in args)
            )
        plain = PLAIN[expression.op]
        return lambda values, moment: plain(*[arg(values, moment) for arg in args])


def evaluate_on(
    program: Program, expression: Expression, values: Mapping[int, np.ndarray], times: np.ndarray, step: float
) -> np.ndarray:
    """Return an expression at many points at once.

    Parameters
    ----------
    values : slot -> (points,) or a number, for all that the expression reads
    times : (points,)
    """
    run = _Run(program, {}, {}, {}, times, 1, 0, 0)
    known: Values = list(run.values)
    for slot, value in values.items():
        known[slot] = value
    moment = Moment(times, step, 0, 0, np.arange(1))  # type: ignore[arg-type]
    with np.errstate(all="ignore"):
        return run._compile(expression)(known, moment)


def is_moving(expression: Expression) -> bool:
    """Return whether an expression without references can still change: with time or by chance."""
    if isinstance(expression, (Time, Random)):
        return True
    if isinstance(expression, TableCall):
        return True  # its table may be replaced
    if isinstance(expression, Call):
        return expression.op in TIMED or any(is_moving(arg) for arg in expression.args)
    return False
