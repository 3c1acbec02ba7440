"""A program as a graph of shared values.

Equal expressions become one node, so a sum or a logarithm that several equations
need is computed once. Sharing and specialisation look at an expression alone,
never at which outputs are asked for: a node's value is the same bits whatever
else is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from talent_sd.base.errors import UnsupportedError
from talent_sd.base.messages import tell
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
)
from talent_sd.engine.llvm.writer import bits_of

COMMUTATIVE = frozenset({"add", "mul", "and", "or", "eq", "ne"})
TIME_CALLS = frozenset({"step", "pulse", "pulse_train", "ramp"})
"""Operations that read the time: their node gets it as its first operand."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value.

    Parameters
    ----------
    op : an operation of the IR, or a leaf: number, constant, varying, time, start, series,
        series_start, member_series, member_series_start, state; or log2, power, table, random, delay_steps
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

    def _lookup(self, values: Mapping[int, int], starting: bool) -> Callable[[int], int]:
        def find(slot: int) -> int:
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
            children = _children(item)
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
            tell("the native engine has no function '{what}' (in '{name}')", what=what, name=name)
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


def _children(item: Expression) -> tuple[Expression, ...]:
    if isinstance(item, Call | Random):
        return item.args
    return (item.x,) if isinstance(item, TableCall) else ()
