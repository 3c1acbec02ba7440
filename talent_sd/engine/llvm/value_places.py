"""Where a part's code finds each value: computed just before, in an array of the run, or in scratch memory."""

from __future__ import annotations

from talent_sd.engine.llvm.schedule import Part, Schedule, cut_part
from talent_sd.engine.llvm.shared_graph import Node
from talent_sd.engine.llvm.writer import Writer


class PartReader:
    """Reads values in one part of a plan.

    Parameters
    ----------
    plan : the plan
    members : whether this is the members' part
    width : lanes
    fma : whether the processor fuses multiply and add
    """

    def __init__(self, plan: Schedule, members: bool, width: int, fma: bool) -> None:
        self.plan = plan
        self.graph = plan.graph
        self.members = members
        self.part: Part = plan.members if members else plan.uniform
        self.resumes = members and plan.resumes
        self.w = Writer(width, fma)
        self.values: dict[int, str] = {}
        self.pairs: dict[int, tuple[str, str]] = {}
        self.masks: dict[int, str] = {}
        self.rows = {state: row for row, state in enumerate(self.part.states)}
        self.delays = {
            state: i
            for i, state in enumerate(s for s in self.part.states if self.graph.states[s].steps is not None)
        }
        self.in_loop = False
        self.stretches = cut_part(plan, self.part)
        kept = kept_size(plan.kept_member, plan) if members else 0
        self.first_carried = (2 * len(self.rows) + 1 + kept) * width

    # ---- layout of the scratch memory, in doubles: states now and next, the mark of failure,
    # ---- what does not change in time, what crosses from one stretch of code to another, histories

    @property
    def fixed_scratch(self) -> int:
        """Doubles of scratch before the histories of fixed delays."""
        return self.first_carried + self.stretches.columns * self.w.width

    def _carried_at(self, column: int) -> str:
        return str(self.first_carried + column * self.w.width)

    def _kept_at(self, column: int) -> str:
        return str((2 * len(self.rows) + 1 + column) * self.w.width)

    def _accumulate(self, value: str) -> None:
        """Add 0·value to the block's mark, which turns NaN if the value is not finite."""
        at = str(2 * len(self.rows) * self.w.width)
        zero = self.w.mul(value, self.w.number(0.0))
        self.w.store(self.w.add(self.w.load("%scratch", at), zero), "%scratch", at)

    # ---- reading -------------------------------------------------------------------

    def value(self, n: int) -> str:
        """Register of a node's value at this place of the function."""
        found = self.values.get(n)
        if found is not None:
            return found
        mask = self.masks.get(n)
        if mask is not None:
            self.values[n] = self.w.truth(mask)
            return self.values[n]
        node = self.graph.nodes[n]
        if node.op == "state" and self.members and not self.plan.member[n]:
            return self._recorded(n)
        read = getattr(self, f"_read_{node.op}", None)
        return self._stored(n) if read is None else read(node)

    def mask(self, n: int) -> str:
        """Register of a node's truth."""
        found = self.masks.get(n)
        if found is None:
            found = self.w.compare("une", self.value(n), self.w.number(0.0))
        return found

    def pair(self, n: int) -> tuple[str, str]:
        """Registers of a logarithm's two parts."""
        found = self.pairs.get(n)
        if found is not None:
            return found
        return self._stored_at(n, 0), self._stored_at(n, 1)

    def _stored(self, n: int) -> str:
        return self._stored_at(n, 0)

    def _stored_at(self, n: int, part: int) -> str:
        plan = self.plan
        column = self.stretches.carried.get(n)
        if column is not None:
            return self.w.load("%scratch", self._carried_at(column + part))
        if plan.member[n]:
            return self.w.load("%scratch", self._kept_at(plan.kept_member[n] + part))
        if plan.timed[n]:
            return self._recorded(n, part)
        return self.w.load_uniform("%kept", str(plan.kept_uniform[n] + part))

    def _recorded(self, n: int, part: int = 0) -> str:
        return self.w.load_uniform("%record_here", str(self.plan.record[n] + part))

    def _read_number(self, node: Node) -> str:
        return self.w.literal(node.data)

    def _read_constant(self, node: Node) -> str:
        return self.w.load_uniform("%constants", str(node.data))

    def _read_time(self, node: Node) -> str:
        return self.w.load_uniform("%times", "%p")

    def _read_start(self, node: Node) -> str:
        return self.w.load_uniform("%times", "0")

    def _row(self, row: int, point: str) -> str:
        w = self.w
        return w.let(f"add i64 {w.let(f'mul i64 %points, {row}')}, {point}")

    def _read_series(self, node: Node, point: str = "%p") -> str:
        return self.w.load_uniform("%series", self._row(node.data, point))

    def _read_series_start(self, node: Node) -> str:
        return self._read_series(node, "0")

    def _next_point(self) -> str:
        """Register of the next point's number, the last one's own."""
        w = self.w
        following = w.let("add i64 %p, 1")
        inside = w.let(f"icmp ult i64 {following}, %points")
        return w.let(f"select i1 {inside}, i64 {following}, i64 %p")

    def _read_series_next(self, node: Node) -> str:
        return self._read_series(node, self._next_point())

    def _read_member_series_next(self, node: Node) -> str:
        return self._read_member_series(node, self._next_point())

    def _read_varying(self, node: Node) -> str:
        w = self.w
        return w.load("%varying", w.let(f"add i64 %m, {w.let(f'mul i64 %stride_in, {node.data}')}"))

    def _read_member_series(self, node: Node, point: str = "%p") -> str:
        w = self.w
        row = w.let(f"mul i64 {self._row(node.data, point)}, %stride_in")
        return w.load("%member_series", w.let(f"add i64 %m, {row}"))

    def _read_member_series_start(self, node: Node) -> str:
        return self._read_member_series(node, "0")

    def _read_state(self, node: Node) -> str:
        if node.data in self.delays:
            return self._read_delay(node.data)
        return self.w.load("%now", str(self.rows[node.data] * self.w.width))

    # ---- fixed delays: the whole past of their input, read so many steps back ----------

    def _history(self, state: int) -> str:
        w = self.w
        size = w.let(f"mul i64 %points, {self.delays[state] * w.width}")
        return w.address("%histories", size)

    def _read_delay(self, state: int) -> str:
        w, nodes = self.w, self.graph.states[state]
        assert nodes.steps is not None
        history = self._history(state)
        steps = self.value(nodes.steps)
        point = w.let("uitofp i64 %p to double")
        back = w.sub(w.broadcast(point), steps)
        reached = w.compare("oge", back, w.number(0.0))
        index = w.word_of(w.add(w.select(reached, back, w.number(0.0)), w.number(2.0**52)))
        index = w.iand(index, w.integer((1 << 52) - 1))
        if w.width > 1:
            lanes = "<" + ", ".join(f"i64 {i}" for i in range(w.width)) + ">"
            index = w.integers("add", w.integers("mul", index, w.integer(w.width)), lanes)
        past = w.gather(history, index)
        value = w.select(reached, past, self.value(nodes.initial))
        bad = w.compare("uno", steps, steps)
        return w.select(bad, steps, value)


def kept_size(places: dict[int, int], plan: Schedule) -> int:
    """Columns that a set of places takes."""
    return max((column + plan.columns(n) for n, column in places.items()), default=0)
