"""The plan as LLVM IR: one function for what all members share, one for blocks of members.

Both have the same shape::

    for each block of `width` members:
        what does not change in time; the states' start
        for each time point:
            what the states' change needs; next states
            if the point is saved: what the outputs need; store them
        mark members whose states or outputs are not finite

The states lie in two rows of the scratch memory, the present and the next, which
change places at each point, so a next state may be stored as soon as it is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from talent_sd.base.errors import UnsupportedError
from talent_sd.engine.llvm import math, operations, random, tables
from talent_sd.engine.llvm.graph import Node
from talent_sd.engine.llvm.plan import Part, Plan
from talent_sd.engine.llvm.stretches import cut, cut_part
from talent_sd.engine.llvm.writer import Writer

POINTERS = (
    "constants", "times", "due", "series", "tables", "table_index", "kept", "record",
    "varying", "member_series", "out", "bad",
)  # fmt: skip
INTEGERS = ("points", "n_saved", "stride_in", "stride_out", "seed", "member_offset")
ARGUMENTS = (*POINTERS, *INTEGERS, "dt")
"""Fields of the block of 64-bit arguments, in order."""


def pair_type(w: Writer) -> str:
    """Type of log2's unevaluated sum."""
    return f"{{ {w.real}, {w.real} }}"


class PartWriter:
    """Writes one part of a plan as a function.

    Parameters
    ----------
    plan : the plan
    members : whether this is the members' part
    width : lanes
    fma : whether the processor fuses multiply and add
    """

    def __init__(self, plan: Plan, members: bool, width: int, fma: bool) -> None:
        self.plan = plan
        self.graph = plan.graph
        self.members = members
        self.part: Part = plan.members if members else plan.uniform
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

    # ---- layout of the scratch memory, in doubles: states now and next, the mark of failure,
    # ---- what does not change in time, what crosses from one stretch of code to another, histories

    @property
    def fixed_scratch(self) -> int:
        """Doubles of scratch before the histories of fixed delays."""
        return self._first_carried() + self.stretches.columns * self.w.width

    def _first_carried(self) -> int:
        kept = kept_size(self.plan.kept_member, self.plan) if self.members else 0
        return (2 * len(self.rows) + 1 + kept) * self.w.width

    def _carried_at(self, column: int) -> str:
        return str(self._first_carried() + column * self.w.width)

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

    # ---- computing -----------------------------------------------------------------

    def compute(self, n: int) -> None:
        """Write a node's operation."""
        node = self.graph.nodes[n]
        w, op = self.w, node.op
        if op in operations.COMPARISONS:
            a, b = (self.value(a) for a in node.args)
            self.masks[n] = w.compare(operations.COMPARISONS[op], a, b)
        elif op in operations.LOGICAL:
            parts = [self.mask(a) for a in node.args]
            self.masks[n] = w.invert(parts[0]) if op == "not" else w.masks(op, parts[0], parts[1])
        elif op == "if":
            self.values[n] = w.select(self.mask(node.args[0]), *(self.value(a) for a in node.args[1:]))
        elif op == "log2":
            t = w.real
            pair = w.let(f"call {pair_type(w)} @log2_pair_{w.width}({t} {self.value(node.args[0])})")
            first, second = (w.let(f"extractvalue {pair_type(w)} {pair}, {i}") for i in (0, 1))
            self.pairs[n] = first, second
        elif op == "power":
            x, y = (self.value(a) for a in node.args[:2])
            self.values[n] = w.call("pow_from_log2", x, y, *self.pair(node.args[2]))
        else:
            self.values[n] = self._compute_special(node)

    def _compute_special(self, node: Node) -> str:
        w, op = self.w, node.op
        if op == "random":
            distribution, stream = node.data
            arguments = [self.value(a) for a in node.args[1:]]
            point = "%p" if self.in_loop else "0"
            return random.draw(w, distribution, stream, self._member(), point, "%seed", arguments)
        args = [self.value(a) for a in node.args]
        if op == "table":
            table = self.graph.program.tables[node.data]
            clamp = table.outside == "clamp" or table.between == "step"
            return tables.table_call(w, args[0], node.data, clamp)
        if op == "step":
            return operations.step(w, args[0], args[1], args[2], w.broadcast("%dt"))
        if op == "delay_steps":
            return operations.delay_steps(w, args[0], w.broadcast("%dt"))
        write: Callable[..., str] | None = operations.WRITERS.get(op)
        if write is None:
            raise UnsupportedError(f"the native engine has no function '{op}'")
        return write(w, *args)

    def _member(self) -> str:
        """Words: each lane's number in the whole run."""
        w = self.w
        first = w.broadcast(w.let("add i64 %m, %member_offset"), "i64")
        if w.width == 1:
            return first
        lanes = "<" + ", ".join(f"i64 {i}" for i in range(w.width)) + ">"
        return w.integers("add", first, lanes)

    def _parts(self, n: int) -> tuple[str, ...]:
        return self.pairs[n] if n in self.pairs else (self.value(n),)

    # ---- the function ----------------------------------------------------------------

    def write(self, name: str) -> str:
        """Return the function's text."""
        w = self.w
        self._arguments()
        w.line("  br label %block\nblock:")
        w.line("  %m = phi i64 [ %first, %entry ], [ %m_next, %finish ]")
        self._before()
        w.line("  br label %step_entry\nstep_entry:\n  br label %point\npoint:")
        w.line("  %p = phi i64 [ 0, %step_entry ], [ %p_next, %next_point ]")
        w.line("  %now = phi ptr [ %scratch, %step_entry ], [ %then, %next_point ]")
        w.line("  %then = phi ptr [ %other, %step_entry ], [ %now, %next_point ]")
        self._each()
        w.line("  br i1 %is_due, label %save, label %next_point\nsave:")
        self._saved()
        w.line("  br label %next_point\nnext_point:")
        w.line("  %p_next = add i64 %p, 1\n  %more = icmp ult i64 %p_next, %points")
        w.line("  br i1 %more, label %point, label %finish\nfinish:")
        self._finish()
        w.line(f"  %m_next = add i64 %m, {w.width}\n  %left = icmp ult i64 %m_next, %last")
        w.line("  br i1 %left, label %block, label %end\nend:\n  ret void")
        body = "\n".join(w.lines)
        parameters = "ptr noalias %args, i64 %first, i64 %last, ptr noalias %scratch"
        return f"define void @{name}({parameters}) nounwind {{\nentry:\n{body}\n}}\n"

    def _arguments(self) -> None:
        w = self.w
        for i, field in enumerate(ARGUMENTS):
            kind = "ptr" if field in POINTERS else "double" if field == "dt" else "i64"
            address = w.address("%args", str(i))
            w.line(f"  %{field} = load {kind}, ptr {address}, align 8")
        w.line("  %never = icmp slt i64 %points, 0")
        w.line(f"  %other = getelementptr double, ptr %scratch, i64 {len(self.rows) * w.width}")
        w.line(f"  %histories = getelementptr double, ptr %scratch, i64 {self.fixed_scratch}")

    def _before(self) -> None:
        w = self.w
        at = str(2 * len(self.rows) * w.width)
        w.store(w.number(0.0), "%scratch", at)
        for i, nodes in enumerate(cut(self.part.before)):
            self._next_stretch(i)
            for n in nodes:
                self.compute(n)
                self._keep(n)
        self._next_stretch(1)
        for state, row in self.rows.items():
            initial = self.value(self.graph.states[state].initial)
            w.store(initial, "%scratch", str(row * w.width))
            w.store(initial, "%other", str(row * w.width))

    def _keep(self, n: int) -> None:
        kept = self.plan.kept_member if self.members else self.plan.kept_uniform
        if n in kept:
            for part, register in enumerate(self._parts(n)):
                column = kept[n] + part
                place = self._kept_at(column) if self.members else str(column)
                self.w.store(register, "%scratch" if self.members else "%kept", place)

    def _forget(self) -> None:
        self.values, self.pairs, self.masks = {}, {}, {}

    def _next_stretch(self, index: int) -> None:
        """Begin another stretch of code, by a branch never taken: else it would join the last."""
        self._forget()
        if index:
            here = self.w.label("stretch")
            self.w.line(f"  br i1 %never, label %end, label %{here}\n{here}:")

    def _compute_and_pass(self, n: int) -> None:
        """Write a node's operation, and store its value for later stretches and for the members."""
        self.compute(n)
        w = self.w
        column = self.stretches.carried.get(n)
        if column is not None:
            for part, register in enumerate(self._parts(n)):
                w.store(register, "%scratch", self._carried_at(column + part))
        if not self.members and n in self.plan.record:
            for part, register in enumerate(self._parts(n)):
                w.store(register, "%record_here", str(self.plan.record[n] + part))

    def _each(self) -> None:
        w = self.w
        self._forget()
        self.in_loop = True
        size = kept_size(self.plan.record, self.plan)
        start = w.let(f"mul i64 %p, {size}")
        w.line(f"  %record_here = getelementptr double, ptr %record, i64 {start}")
        w.line(f"  %due_here = load i64, ptr {w.address('%due', '%p')}, align 8")
        w.line("  %is_due = icmp sge i64 %due_here, 0")
        readers = self._readers()
        for state in self.part.states:
            value = self.graph.states[state].value
            if not self.members and value in self.plan.record:
                w.store(self.value(value), "%record_here", str(self.plan.record[value]))
        for i, nodes in enumerate(self.stretches.each):
            self._next_stretch(i)
            for n in nodes:
                self._compute_and_pass(n)
                for state in readers.pop(n, ()):
                    self._move(state)
        for states in readers.values():
            for state in states:
                self._move(state)

    def _readers(self) -> dict[int, list[int]]:
        """Expression's node -> states that move by it."""
        found: dict[int, list[int]] = {}
        for state in self.part.states:
            found.setdefault(self.graph.states[state].expression, []).append(state)
        return found

    def _move(self, state: int) -> None:
        w, nodes = self.w, self.graph.states[state]
        change = self.value(nodes.expression)
        row = str(self.rows[state] * w.width)
        if nodes.kind == "euler":
            now = w.load("%now", row)
            w.store(w.add(now, w.mul(w.broadcast("%dt"), change)), "%then", row)
        elif nodes.kind == "hold":
            w.store(change, "%then", row)
        else:
            at = w.let(f"mul i64 %p, {w.width}")
            w.store(change, self._history(state), at)
            w.store(change, "%then", row)

    def _saved(self) -> None:
        rank = {position: i for i, position in enumerate(self.part.outputs)}
        for i, (nodes, positions) in enumerate(self.stretches.saved):
            self._next_stretch(i)
            for n in nodes:
                self._compute_and_pass(n)
            for position in positions:
                self._save(rank[position], self.value(self.plan.outputs[position]))

    def _save(self, rank: int, value: str) -> None:
        w = self.w
        row = w.let(f"add i64 %due_here, {w.let(f'mul i64 %n_saved, {rank}')}")
        at = w.let(f"add i64 %m, {w.let(f'mul i64 {row}, %stride_out')}")
        w.store(value, "%out", at)
        self._accumulate(value)

    def _finish(self) -> None:
        w = self.w
        for row in self.rows.values():
            self._accumulate(w.load("%now", str(row * w.width)))
        mark = w.load("%scratch", str(2 * len(self.rows) * w.width))
        w.store(mark, "%bad", "%m")


def kept_size(places: dict[int, int], plan: Plan) -> int:
    """Columns that a set of places takes."""
    return max((column + plan.columns(n) for n, column in places.items()), default=0)


def module_texts(plan: Plan, width: int, fma: bool) -> tuple[str, ...]:
    """Return the modules of both parts, or of the uniform part alone if nothing saved differs."""
    texts = [_with_callees(PartWriter(plan, False, 1, fma).write("uniform"), 1, fma)]
    if has_members(plan):
        texts.append(_with_callees(PartWriter(plan, True, width, fma).write("members"), width, fma))
    return tuple(texts)


def _with_callees(text: str, width: int, fma: bool) -> str:
    """Add the functions a text calls, and those that they call; LLVM would compile idle ones too."""
    known = math.functions(width, fma) | operations.functions(width)
    known |= tables.functions(width) | random.functions(width)
    texts, todo = [text], [text]
    while todo:
        for name in re.findall(r"@([\w.]+)\(", todo.pop()):
            found = known.pop(name, None)
            if found is not None:
                texts.append(found)
                todo.append(found)
    return "\n".join(texts)


def has_members(plan: Plan) -> bool:
    """Whether anything saved differs between members."""
    return bool(plan.members.outputs)
