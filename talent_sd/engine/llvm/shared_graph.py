"""A program as a graph of shared values.

Equal expressions become one node, so a sum or a logarithm that several equations
need is computed once. Sharing and specialisation look at an expression alone,
never at which outputs are asked for: a node's value is the same bits whatever
else is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from talent_sd.base.errors import UnsupportedError
from talent_sd.engine.evaluate import STAGES
from talent_sd.engine.ir import (
    OPERATIONS,
    Call,
    Expression,
    Number,
    Program,
    Random,
    Ref,
    TableCall,
    Time,
    operands_of,
)
from talent_sd.engine.llvm.writer import bits_of

COMMUTATIVE = frozenset({"add", "mul", "and", "or", "eq", "ne"})
TIME_CALLS = frozenset({"step", "ramp"})
"""Operations that read the time: their node gets it as its first operand."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value.

    Parameters
    ----------
    op : an operation of the IR, or a leaf: number, constant, varying, time, start, series,
        series_start, series_next, member_series, member_series_start, member_series_next, state;
        or log2, power, table, random, delay_steps
    args : nodes it is computed from
    data : what else tells it apart (a literal's bits, a slot, a row, a table, a stream)
    """

    op: str
    args: tuple[int, ...] = ()
    data: Any = None


@dataclass(frozen=True)
class StateNodes:
    """Nodes of one state: present value, start, next value's expression, steps of a fixed delay."""

    kind: str
    slot: int
    value: int
    initial: int
    expression: int
    steps: int | None = None


class Graph:
    """Nodes of a program, each after those it is computed from.

    Parameters
    ----------
    program : the program
    varying, series, member_series : slots given per member, per point, and per both

    Attributes
    ----------
    nodes : list of Node
    slots : slot -> node of its value at a time point
    states : list of StateNodes
    """

    def __init__(
        self, program: Program, varying: Sequence[int], series: Sequence[int], member_series: Sequence[int]
    ) -> None:
        self.program = program
        self.nodes: list[Node] = []
        self._index: dict[Node, int] = {}
        self._time = self.node("time")
        self._start = self.node("start")
        leaf = {slot: ("varying", row) for row, slot in enumerate(varying)}
        leaf |= {slot: ("series", row) for row, slot in enumerate(series)}
        leaf |= {slot: ("member_series", row) for row, slot in enumerate(member_series)}
        self._given = leaf
        self._starting = self._start_values()
        self.slots, self.states = self._step_values()
        self._integrate()

    def node(self, op: str, args: tuple[int, ...] = (), data: Any = None) -> int:
        """Index of a node, made if there is none like it yet."""
        if op in COMMUTATIVE and args[0] > args[1]:
            args = (args[1], args[0])
        node = Node(op, args, data)
        found = self._index.get(node)
        if found is None:
            found = self._index[node] = len(self.nodes)
            self.nodes.append(node)
        return found

    def number(self, value: float) -> int:
        """Index of a literal; told apart by its bits, since 0.0 equals -0.0."""
        return self.node("number", (), bits_of(value))

    # ---- the two environments ----------------------------------------------------

    def leaf(self, slot: int, starting: bool) -> int | None:
        """Node of an input or a constant, None for any other slot."""
        given = self._given.get(slot)
        if given is not None:
            op, row = given
            return self.node(f"{op}_start" if starting and op != "varying" else op, (), row)
        if self.program.slots[slot].kind == "constant":
            return self.node("constant", (), slot)
        return None

    def _start_values(self) -> dict[int, int]:
        program = self.program
        initials = {state.slot: state.initial for state in program.states}
        values: dict[int, int] = {}
        for slot in program.initial_order:
            leaf = self.leaf(slot, starting=True)
            if leaf is None:
                default = initials.get(slot, program.slots[slot].expression)
                expression = program.initial_expression.get(slot, default)
                leaf = self._build(expression, self._lookup(values, starting=True), self._start, slot)
            values[slot] = leaf
        return values

    def _step_values(self) -> tuple[dict[int, int], list[StateNodes]]:
        program = self.program
        values: dict[int, int] = {}
        for index, state in enumerate(program.states):
            leaf = self.leaf(state.slot, starting=False)
            values[state.slot] = self.node("state", (), index) if leaf is None else leaf
        for slot, kept in self._starting.items():
            if program.slots[slot].kind == "initial":
                values[slot] = kept
        lookup = self._lookup(values, starting=False)
        for slot in program.step_order:
            leaf = self.leaf(slot, starting=False)
            if leaf is None:
                leaf = self._build(program.slots[slot].expression, lookup, self._time, slot)
            values[slot] = leaf
        states = []
        for state in program.states:
            steps = None
            if state.length is not None:
                start = self._lookup(self._starting, starting=True)
                steps = self.node("delay_steps", (self._build(state.length, start, self._start, state.slot),))
            expression = self._build(program.slots[state.slot].expression, lookup, self._time, state.slot)
            initial = self._starting[state.slot]
            states.append(StateNodes(state.kind, state.slot, values[state.slot], initial, expression, steps))
        return values, states

    # ---- integration -------------------------------------------------------------

    def _integrate(self) -> None:
        """Give states that Euler's step alone does not move their next value as an expression."""
        moving = {n: s for n, s in enumerate(self.states) if s.kind in ("euler", "limited")}
        parts = STAGES[self.program.method]
        if not parts and all(state.kind == "euler" for state in moving.values()):
            return
        step = self.node("constant", (), self.program.time_slots["TIME STEP"])
        rates = [{n: state.expression for n, state in moving.items()}]
        for part in parts:
            ahead = step if part == 1.0 else self.node("mul", (self.number(part), step))
            values = {
                state.slot: self._held(self._moved(state.value, ahead, rates[-1][n]), state)
                for n, state in moving.items()
            }
            rates.append(self._rates_at(values, self.node("add", (self._time, ahead)), part, list(moving)))
        for n, state in moving.items():
            rate = self._mean([stage[n] for stage in rates])
            if parts or state.kind == "limited":
                following = self._held(self._moved(state.value, step, rate), state)
                self.states[n] = replace(state, kind="hold", expression=following)

    def _moved(self, value: int, step: int, rate: int) -> int:
        return self.node("add", (value, self.node("mul", (step, rate))))

    def _held(self, value: int, state: StateNodes) -> int:
        return self.node("max", (value, self.number(0.0))) if state.kind == "limited" else value

    def _mean(self, stages: Sequence[int]) -> int:
        if len(stages) == 1:
            return stages[0]
        if len(stages) == 2:
            return self.node("mul", (self.number(0.5), self.node("add", (stages[0], stages[1]))))
        total = stages[0]
        for stage in stages[1:3]:
            total = self.node("add", (total, self.node("mul", (self.number(2.0), stage))))
        return self.node("div", (self.node("add", (total, stages[3])), self.number(6.0)))

    def _rates_at(
        self, moved: dict[int, int], time: int, part: float, wanted: Sequence[int]
    ) -> dict[int, int]:
        """Nodes of the rates within a step: what is held or delayed stays as it is, inputs go on."""
        program = self.program
        values = {state.slot: state.value for state in self.states} | moved
        values |= {s: kept for s, kept in self._starting.items() if program.slots[s].kind == "initial"}
        for slot in self._given:
            values[slot] = self._given_within(slot, part)
        lookup = self._lookup(values, starting=False)
        for slot in program.step_order:
            if slot not in self._given:
                values[slot] = self._build(program.slots[slot].expression, lookup, time, slot)
        return {
            n: self._build(program.slots[self.states[n].slot].expression, lookup, time, self.states[n].slot)
            for n in wanted
        }

    def _given_within(self, slot: int, part: float) -> int:
        op, row = self._given[slot]
        now = self.node(op, (), row)
        if op == "varying":
            return now
        following = self.node(f"{op}_next", (), row)
        if part == 1.0:
            return following
        return self.node("mul", (self.number(0.5), self.node("add", (now, following))))

    def _lookup(self, values: Mapping[int, int], starting: bool) -> Callable[[int], int]:
        def find(slot: int) -> int:
            """Return the node of a slot that has been evaluated, or is a leaf."""
            found = values.get(slot)
            if found is None:
                found = self.leaf(slot, starting)
            if found is None:
                raise ValueError(f"'{self.program.slots[slot].name}' is read before it is evaluated")
            return found

        return find

    # ---- expressions -------------------------------------------------------------

    def _build(self, expression: Expression, find: Callable[[int], int], time: int, slot: int) -> int:
        """Nodes of an expression; without recursion, since a sum may be thousands of terms deep."""
        results: list[int] = []
        todo: list[tuple[Expression, bool]] = [(expression, False)]
        while todo:
            item, ready = todo.pop()
            children = operands_of(item)
            if children and not ready:
                todo.append((item, True))
                todo.extend((child, False) for child in reversed(children))
                continue
            count = len(children)
            args = tuple(results[len(results) - count :])
            del results[len(results) - count :]
            results.append(self._make(item, args, find, time, slot))
        return results[0]

    def _make(
        self, item: Expression, args: tuple[int, ...], find: Callable[[int], int], time: int, slot: int
    ) -> int:
        match item:
            case Number(value):
                return self.number(value)
            case Ref(other):
                return find(other)
            case Time():
                return time
            case TableCall(table, _):
                return self.node("table", args, table)
            case Random(distribution, _, stream):
                return self.node("random", (time, *args), (distribution, stream))
            case Call("pow", _):
                return self._power(*args)
            case Call(op, _) if OPERATIONS.get(op) == len(args):
                return self.node(op, (time, *args) if op in TIME_CALLS else args)
        name = self.program.slots[slot].name
        what = getattr(item, "op", type(item).__name__)
        raise UnsupportedError(
            "the native engine has no function '{what}' (in '{name}')", what=what, name=name
        )

    def _power(self, base: int, exponent: int) -> int:
        """x^y: by its literal exponent where that is as exact, else through a shared logarithm."""
        literal = self.nodes[exponent]
        if literal.op == "number":
            square = (base, base)
            if literal.data == bits_of(1.0):
                return base
            if literal.data == bits_of(2.0):
                return self.node("mul", square)
            if literal.data == bits_of(3.0):
                return self.node("mul", (self.node("mul", square), base))
            if literal.data == bits_of(4.0):
                half = self.node("mul", square)
                return self.node("mul", (half, half))
            if literal.data == bits_of(-1.0):
                return self.node("div", (self.number(1.0), base))
            if literal.data == bits_of(0.5):
                return self.node("root", (base,))
        return self.node("power", (base, exponent, self.node("log2", (base,))))
