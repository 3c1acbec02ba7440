"""The flat program: what every back end of the engine reads.

A model becomes one list of scalar *slots* (subscripts expanded, SMOOTH and DELAY
expanded into states) with one expression each, in an order in which each can be
evaluated. Back ends (machine code, JavaScript, arrays for loop scores) read this
and nothing else; none of them sees PySD or a file.

A slot's expression refers to other slots by index only, so a slot boundary is
also a variable boundary: loop scores can perturb one link at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

Expression: TypeAlias = "Number | Ref | Time | Call | TableCall | Random"

OPERATIONS: dict[str, int] = {
    # arithmetic; 'neg' and 'not' are unary, truth is 0.0 / 1.0
    "add": 2,
    "sub": 2,
    "mul": 2,
    "div": 2,
    "pow": 2,
    "neg": 1,
    "mod": 2,
    "quantum": 2,
    "lt": 2,
    "le": 2,
    "gt": 2,
    "ge": 2,
    "eq": 2,
    "ne": 2,
    "and": 2,
    "or": 2,
    "not": 1,
    "if": 3,  # both branches may be evaluated
    "min": 2,
    "max": 2,
    "abs": 1,
    "sqrt": 1,
    "int": 1,  # towards zero
    "floor": 1,
    "exp": 1,
    "log": 1,
    "sin": 1,
    "cos": 1,
    "tan": 1,
    "asin": 1,
    "acos": 1,
    "atan": 1,
    "sinh": 1,
    "cosh": 1,
    "tanh": 1,
    "zidz": 2,
    "xidz": 3,  # |denominator| < 1e-6 counts as zero (PySD)
    # these read time themselves: step (height, start), from half a step before its start;
    # ramp (slope, start, end): (t + 1e-6 > start) * slope * (min(end, t) - start); the end may be infinite
    "step": 2,
    "ramp": 3,
}
"""Operation -> number of operands. Anything else is lowered to these."""

DERIVED = " as "
"""In the name of a table made of another's points: it does not follow when those are replaced."""
SMALL = 1e-6
"""What Vensim and PySD take for zero."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    value: float


@dataclass(frozen=True, slots=True)
class Ref:
    """The present value of another slot."""

    slot: int


@dataclass(frozen=True, slots=True)
class Time:
    """The present model time."""


@dataclass(frozen=True, slots=True)
class Call:
    """An operation of `OPERATIONS` on operands."""

    op: str
    args: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class TableCall:
    """A lookup: `table` indexes `Program.tables`."""

    table: int
    x: Expression


@dataclass(frozen=True, slots=True)
class Random:
    """A draw, new at each step: counter-based on (seed, member, step, stream)."""

    distribution: Literal["uniform", "normal", "exponential"]
    # uniform: low, high; normal: low, high, mean, sd (truncated); exponential: low, high, shift, stretch
    args: tuple[Expression, ...]
    stream: int


def operands_of(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions that one is made of."""
    if isinstance(expression, (Call, Random)):
        return expression.args
    return (expression.x,) if isinstance(expression, TableCall) else ()


SlotKind = Literal["constant", "auxiliary", "initial", "state"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One scalar element.

    constant   a number in the source: an input, changed per run or per member without recompiling
    auxiliary  evaluated at each time point
    initial    evaluated once at the start (INITIAL) and kept
    state      a stock, or a hidden state of a smooth, delay, trend, ... (`hidden`)
    """

    name: str  # "Talent[leading]"; hidden states: "_smooth perceived pay 1"
    variable: str  # "Talent"
    subscripts: tuple[str, ...]  # ("leading",)
    kind: SlotKind
    expression: Expression  # constant: its Number; auxiliary, initial: the equation; state: see State
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """How a state slot starts and moves.

    euler        moves by its rate, the slot's expression, as `Program.method` says: by Euler value += TIME STEP * rate
    limited      the same, but never below 0
    hold         SAMPLE IF TRUE: value = the slot's expression, evaluated after the step's auxiliaries
    delay_fixed  ring buffer: pushes `expression`, shows what was pushed `length` steps ago (`initial` before)
    """

    slot: int
    initial: Expression
    kind: Literal["euler", "limited", "hold", "delay_fixed"] = "euler"
    # delay_fixed: delay time; steps = round(max(length / TIME STEP, 1) + 1e-6), frozen at the start
    length: Expression | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup's points, x strictly increasing; may be replaced per run (not per member) by name."""

    name: str  # variable name with subscripts, or "_inline 3" for WITH LOOKUP
    x: np.ndarray
    y: np.ndarray
    outside: Literal["clamp", "extrapolate"] = "clamp"
    between: Literal["linear", "step"] = "linear"


@dataclass(frozen=True)
class Program:
    """A whole model, ready for a back end.

    `initial_order` lists the slots (not constants) to evaluate once at the start,
    states included (their `State.initial`); `step_order` the auxiliaries to evaluate
    at each time point, states known. `initial_expression` replaces a slot's
    expression while starting (ACTIVE INITIAL).
    """

    slots: tuple[Slot, ...]
    states: tuple[State, ...]
    tables: tuple[Table, ...]
    initial_order: tuple[int, ...]
    step_order: tuple[int, ...]
    initial_expression: dict[int, Expression] = field(default_factory=dict)
    initial_time: float = 0.0
    final_time: float = 0.0
    time_step: float = 1.0
    saveper: float = 1.0
    method: Literal["euler", "rk2", "rk4"] = "euler"
    # "TIME STEP", "INITIAL TIME", ... -> constant slot
    time_slots: dict[str, int] = field(default_factory=dict)
    # constant slots whose value shaped the program (an order of SMOOTH N): changing one needs another program
    frozen: frozenset[int] = frozenset()

    @cached_property
    def by_variable(self) -> dict[str, dict[tuple[str, ...], int]]:
        """Variable -> elements -> slot, hidden slots left out."""
        found: dict[str, dict[tuple[str, ...], int]] = {}
        for index, slot in enumerate(self.slots):
            if not slot.hidden:
                found.setdefault(slot.variable, {})[slot.subscripts] = index
        return found

    @cached_property
    def without_value(self) -> tuple[int, ...]:
        """Constant slots, hidden ones left out, that the file gives no number."""
        return tuple(
            index for index, slot in enumerate(self.slots)
            if slot.kind == "constant" and not slot.hidden and isinstance(slot.expression, Number)
            and np.isnan(slot.expression.value)
        )  # fmt: skip

    @cached_property
    def draws_at_random(self) -> bool:
        """Whether any equation draws numbers of its own."""
        todo = [*(slot.expression for slot in self.slots), *(state.initial for state in self.states)]
        todo += self.initial_expression.values()
        while todo:
            expression = todo.pop()
            if isinstance(expression, Random):
                return True
            todo += operands_of(expression)
        return False

    @cached_property
    def own_constants(self) -> np.ndarray:
        """(slots,) the values of constants in the file, NaN for other slots."""
        values = np.full(len(self.slots), np.nan)
        for index, slot in enumerate(self.slots):
            if slot.kind == "constant" and isinstance(slot.expression, Number):
                values[index] = slot.expression.value
        values.flags.writeable = False
        return values
