"""What is computed when: once or at each point, for all members or for each.

A value that no per-member input reaches is the same for every member: it is
computed once, by a scalar function that runs before the members and leaves a
record of what they read. A value that does not change in time is computed before
the loop over time, and one that only saved outputs need only where they are saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from talent_sd.engine.ir import Program
from talent_sd.engine.llvm.shared_graph import Graph

PER_POINT = frozenset({"time", "series", "series_next", "member_series", "member_series_next", "state"})
PER_MEMBER = frozenset({"varying", "member_series", "member_series_start", "member_series_next", "random"})
LEAVES = frozenset({
    "number", "constant", "varying", "time", "start", "series", "series_start",
    "member_series", "member_series_start", "series_next", "member_series_next", "state",
})  # fmt: skip
"""Read where they are used, never stored for later."""


@dataclass(frozen=True)
class Part:
    """One of the two functions: the members' one, or the one for all (uniform).

    Parameters
    ----------
    states : indices of the states it moves
    outputs : positions among the outputs that it saves
    before, each, saved : nodes it computes before the loop, at each point, at saved points; in order
    """

    states: tuple[int, ...]
    outputs: tuple[int, ...]
    before: tuple[int, ...]
    each: tuple[int, ...]
    saved: tuple[int, ...]


@dataclass
class Schedule:
    """A graph divided into the uniform part and the members' part.

    Parameters
    ----------
    graph : the nodes
    outputs : node of each output
    timed, member : per node, whether it changes in time, and from member to member
    uniform, members : what each function does
    kept : uniform or per-member value that does not change in time -> where it is kept
    record : uniform value of a point that members read -> its column in the record
    resumes : whether members may begin at a later point, from states that are given
    """

    graph: Graph
    outputs: tuple[int, ...]
    timed: list[bool]
    member: list[bool]
    uniform: Part
    members: Part
    kept_uniform: dict[int, int] = field(default_factory=dict)
    kept_member: dict[int, int] = field(default_factory=dict)
    record: dict[int, int] = field(default_factory=dict)
    resumes: bool = False

    def columns(self, n: int) -> int:
        """How many doubles a value takes: two for a logarithm kept as a sum."""
        return 2 if self.graph.nodes[n].op == "log2" else 1

    def place(self, places: dict[int, int], n: int) -> None:
        """Give a node the next free columns."""
        if n not in places:
            last = next(reversed(places), None)
            places[n] = 0 if last is None else places[last] + self.columns(last)


def make_schedule(
    program: Program,
    outputs: Sequence[int],
    varying: Sequence[int] = (),
    series: Sequence[int] = (),
    member_series: Sequence[int] = (),
) -> Schedule:
    """Divide the work a program's outputs need.

    Parameters
    ----------
    program : the program
    outputs : slots to save
    varying : constant slots given per member
    series : slots given per point
    member_series : slots given per point and member
    """
    graph = Graph(program, varying, series, member_series)
    output_nodes = tuple(_output_node(graph, slot) for slot in outputs)
    live = _live_states(graph, output_nodes)
    timed, member = _dependence(graph, live)
    moved = [graph.states[i].expression for i in live]
    each = _reach(graph, moved)
    saved = _reach(graph, output_nodes) - each
    starts = [graph.states[i].initial for i in live]
    starts += [s for i in live if (s := graph.states[i].steps) is not None]
    before = _reach(graph, starts) | {n for n in each | saved if not timed[n]}
    order = _order(graph, [*starts, *moved, *output_nodes])

    def part(of_members: bool) -> Part:
        """Return what is computed once for all members, or once for each."""

        def chosen(nodes: set[int], in_time: bool) -> tuple[int, ...]:
            """Return the nodes of the part that are computed once, or at each step."""
            return tuple(
                n for n in order
                if n in nodes and timed[n] == in_time and member[n] == of_members
                and graph.nodes[n].op not in LEAVES
            )  # fmt: skip

        return Part(
            tuple(i for i in live if member[graph.states[i].value] == of_members),
            tuple(k for k, n in enumerate(output_nodes) if member[n] == of_members),
            chosen(before, False), chosen(each, True), chosen(saved, True),
        )  # fmt: skip

    plan = Schedule(graph, output_nodes, timed, member, part(False), part(True))
    _place_shared(plan)
    return plan


def _output_node(graph: Graph, slot: int) -> int:
    found = graph.slots.get(slot)
    if found is None:
        found = graph.leaf(slot, starting=False)
    if found is None:
        raise ValueError(f"'{graph.program.slots[slot].name}' is not evaluated at each point: not an output")
    return found


def _reach(graph: Graph, roots: Iterable[int]) -> set[int]:
    """Every node the roots are computed from, at the same point."""
    seen: set[int] = set()
    todo = list(roots)
    while todo:
        n = todo.pop()
        if n not in seen:
            seen.add(n)
            todo.extend(graph.nodes[n].args)
    return seen


def _live_states(graph: Graph, outputs: Sequence[int]) -> list[int]:
    """States that the outputs depend on, now or at an earlier point."""
    live: set[int] = set()
    seen: set[int] = set()
    todo = list(outputs)
    while todo:
        n = todo.pop()
        if n in seen:
            continue
        seen.add(n)
        node = graph.nodes[n]
        todo.extend(node.args)
        if node.op == "state" and node.data not in live:
            live.add(node.data)
            state = graph.states[node.data]
            todo += [state.expression, state.initial, *([] if state.steps is None else [state.steps])]
    return sorted(live)


def _dependence(graph: Graph, live: Sequence[int]) -> tuple[list[bool], list[bool]]:
    """Whether each node changes in time, and from member to member.

    A state differs between members if its start, its change or its delay does.
    """
    timed: list[bool] = []
    readers: list[list[int]] = [[] for _ in graph.nodes]
    for n, node in enumerate(graph.nodes):
        timed.append(node.op in PER_POINT or any(timed[a] for a in node.args))
        for a in node.args:
            readers[a].append(n)
    for i in live:
        state = graph.states[i]
        for n in (state.initial, state.expression, *([] if state.steps is None else [state.steps])):
            readers[n].append(state.value)
    member = [False] * len(graph.nodes)
    todo = [n for n, node in enumerate(graph.nodes) if node.op in PER_MEMBER]
    while todo:
        n = todo.pop()
        if not member[n]:
            member[n] = True
            todo.extend(readers[n])
    return timed, member


def _order(graph: Graph, roots: Sequence[int]) -> list[int]:
    """Nodes in an order of evaluation that keeps what belongs together close."""
    order: list[int] = []
    done: set[int] = set()
    for root in roots:
        todo = [(root, False)]
        while todo:
            n, ready = todo.pop()
            if ready:
                order.append(n)
            elif n not in done:
                done.add(n)
                todo.append((n, True))
                todo.extend((a, False) for a in reversed(graph.nodes[n].args))
    return order


def _place_shared(plan: Schedule) -> None:
    """Give a place to every value that is computed in one phase and read in another."""
    graph = plan.graph

    def reads(part: Part) -> set[int]:
        """Return the nodes that a part reads."""
        found = {a for n in (*part.each, *part.saved) for a in graph.nodes[n].args}
        found |= {plan.outputs[k] for k in part.outputs}
        found |= {graph.states[i].expression for i in part.states}
        for i in part.states:
            state = graph.states[i]
            found |= {state.initial} if state.steps is None else {state.initial, state.steps}
        return found

    within = reads(plan.members)
    earlier = {a for part in (plan.members, plan.uniform) for n in part.before for a in graph.nodes[n].args}
    for n in plan.members.before:
        if n in within or n in earlier:
            plan.place(plan.kept_member, n)
    wanted = within | earlier | reads(plan.uniform)
    for n in plan.uniform.before:
        if n in wanted:
            plan.place(plan.kept_uniform, n)
    for n in (*plan.uniform.each, *plan.uniform.saved):
        if n in within:
            plan.place(plan.record, n)
    for i in plan.uniform.states:  # a uniform state that members read goes into the record too
        n = graph.states[i].value
        if n in within and graph.nodes[n].op == "state":
            plan.place(plan.record, n)


def varying_readers(plan: Schedule) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what tells from when on members differ: slots, at each point, and columns kept of what does not change in time.

    While each is the same for every value of the one varying constant that it reads, so is all that follows from them,
    in any combination of the values. Nothing is returned where something reads two of the constants, or is no such place.
    """
    graph, part = plan.graph, plan.members
    given = {n for n, node in enumerate(graph.nodes) if node.op in PER_MEMBER}
    states = [graph.states[i] for i in part.states]
    roots = {*plan.outputs, *(n for state in states for n in (state.expression, state.initial))}
    slots = {n: slot for slot, n in graph.slots.items()}
    at_points, before = [], []
    for n in (*part.before, *part.each, *part.saved):
        read = given.intersection(graph.nodes[n].args)
        if not read:
            continue
        column = plan.kept_member.get(n)
        if len(read) > 1 or plan.columns(n) > 1 or (n not in slots if plan.timed[n] else column is None):
            return (), ()
        if column is None:
            at_points.append(slots[n])
        else:
            before.append(column)
    random = any(graph.nodes[n].op != "varying" for n in given)
    if random or given & roots or any(state.steps is not None for state in states):
        return (), ()
    return tuple(at_points), tuple(before)


def needed_slots(
    program: Program,
    outputs: Sequence[int],
    varying: Sequence[int] = (),
    series: Sequence[int] = (),
    member_series: Sequence[int] = (),
) -> tuple[int, ...]:
    """Slots that the outputs depend on: inputs, states, then auxiliaries in order of evaluation."""
    graph = Graph(program, varying, series, member_series)
    nodes = [_output_node(graph, slot) for slot in outputs]
    live = _live_states(graph, nodes)
    roots = [*nodes]
    for i in live:
        state = graph.states[i]
        roots += [state.value, state.expression, state.initial]
        roots += [] if state.steps is None else [state.steps]
    reached = _reach(graph, roots)
    given = (*varying, *series, *member_series)
    order = [*given, *(state.slot for state in program.states), *program.step_order]
    first = [s for s, slot in enumerate(program.slots) if slot.kind in ("constant", "initial")]
    wanted = []
    for slot in dict.fromkeys([*first, *order]):
        node = graph.slots.get(slot)
        node = graph.leaf(slot, starting=False) if node is None else node
        if node is not None and node in reached:
            wanted.append(slot)
    return tuple(wanted)


LENGTH = 120
"""Nodes in a stretch."""


def cut(nodes: Sequence[int]) -> list[tuple[int, ...]]:
    """Cut a sequence into stretches; at least one, perhaps empty."""
    return [tuple(nodes[i : i + LENGTH]) for i in range(0, max(1, len(nodes)), LENGTH)]


@dataclass(frozen=True)
class Stretches:
    """The stretches of a part's work at one time point.

    Parameters
    ----------
    each : nodes of the stretches at each point
    saved : nodes and positions of outputs of the stretches at saved points
    carried : node -> column of scratch memory through which it passes to later stretches
    columns : how many columns
    """

    each: tuple[tuple[int, ...], ...]
    saved: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    carried: dict[int, int]
    columns: int


def cut_part(plan: Schedule, part: Part) -> Stretches:
    """Cut a part's work at one time point, and place the values that cross.

    An output is stored in the stretch that computes it; one known before, after all others.
    """
    each = cut(part.each)
    nodes = cut(part.saved)
    by_node: dict[int, list[int]] = {}
    for position in part.outputs:
        by_node.setdefault(plan.outputs[position], []).append(position)
    here = [tuple(p for n in stretch for p in by_node.pop(n, ())) for stretch in nodes]
    early = cut([p for positions in by_node.values() for p in positions])
    saved = [*zip(nodes, here, strict=True), *(((), positions) for positions in early)]
    carried, columns = _place(plan, each, saved)
    return Stretches(tuple(each), tuple(saved), carried, columns)


def _place(
    plan: Schedule,
    each: Sequence[Sequence[int]],
    saved: Iterable[tuple[Sequence[int], Sequence[int]]],
) -> tuple[dict[int, int], int]:
    """Columns of the values that a later stretch reads; columns are used again."""
    graph = plan.graph
    work = [*((nodes, ()) for nodes in each), *saved]
    made: dict[int, int] = {}
    last: dict[int, int] = {}
    for stretch, (nodes, positions) in enumerate(work):
        made |= dict.fromkeys(nodes, stretch)
        reads = [a for n in nodes for a in graph.nodes[n].args]
        for n in (*reads, *(plan.outputs[p] for p in positions)):
            if made.get(n, stretch) < stretch:
                last[n] = stretch
    columns = 0
    free: dict[int, list[int]] = {1: [], 2: []}
    ending: dict[int, list[tuple[int, int]]] = {}
    carried: dict[int, int] = {}
    for stretch, (nodes, _) in enumerate(work):
        for size, column in ending.pop(stretch - 1, ()):
            free[size].append(column)
        for n in nodes:
            if n in last:
                size = plan.columns(n)
                if not free[size]:
                    free[size].append(columns)
                    columns += size
                carried[n] = free[size].pop()
                ending.setdefault(last[n], []).append((size, carried[n]))
    return carried, columns
