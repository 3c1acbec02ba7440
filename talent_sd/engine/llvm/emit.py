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
from talent_sd.engine.llvm import math, operations
from talent_sd.engine.llvm.execution import ARGUMENTS, POINTERS, RESUMED
from talent_sd.engine.llvm.schedule import Schedule, cut
from talent_sd.engine.llvm.shared_graph import Node
from talent_sd.engine.llvm.value_places import PartReader, kept_size


class PartWriter(PartReader):
    """Writes one part of a plan as a function; parameters as of `PartReader`."""

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
            pair = w.let(f"call {w.pair} @log2_pair_{w.width}({w.real} {self.value(node.args[0])})")
            self.pairs[n] = w.unpair(pair)
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
            return operations.draw(w, distribution, stream, self._member(), point, "%seed", arguments)
        args = [self.value(a) for a in node.args]
        if op == "table":
            table = self.graph.program.tables[node.data]
            clamp = table.outside == "clamp" or table.between == "step"
            return operations.table_call(w, args[0], node.data, clamp)
        if op == "step":
            return operations.step(w, args[0], args[1], args[2], w.broadcast("%dt"))
        if op == "delay_steps":
            return operations.delay_steps(w, args[0], w.broadcast("%dt"))
        write: Callable[..., str] | None = operations.WRITERS.get(op)
        if write is None:
            raise UnsupportedError("the native engine has no function '{op}'", op=op)
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
        first = "%begin" if self.resumes else "0"
        w.line(f"  %p = phi i64 [ {first}, %step_entry ], [ %p_next, %next_point ]")
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
        for i, field in enumerate((*ARGUMENTS, *RESUMED) if self.resumes else ARGUMENTS):
            kind = "ptr" if field in (*POINTERS, *RESUMED[:1]) else "double" if field == "dt" else "i64"
            address = w.address("%args", str(i))
            w.line(f"  %{field} = load {kind}, ptr {address}, align 8")
        w.line("  %never = icmp slt i64 %points, 0")
        if self.resumes:
            w.line("  %resumed = icmp ne i64 %begin, 0")
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
            if self.resumes:
                given = w.load_uniform("%states", str(row))
                initial = w.let(f"select i1 %resumed, {w.real} {given}, {w.real} {initial}")
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


def module_texts(plan: Schedule, width: int, fma: bool) -> tuple[str, ...]:
    """Return the modules of both parts, or of the uniform part alone if nothing saved differs."""
    texts = [_with_callees(PartWriter(plan, False, 1, fma).write("uniform"), 1, fma)]
    if has_members(plan):
        texts.append(_with_callees(PartWriter(plan, True, width, fma).write("members"), width, fma))
    return tuple(texts)


def _with_callees(text: str, width: int, fma: bool) -> str:
    """Add the functions a text calls, and those that they call; LLVM would compile idle ones too."""
    known = math.functions(width, fma) | operations.functions(width)
    texts, todo = [text], [text]
    while todo:
        for name in re.findall(r"@([\w.]+)\(", todo.pop()):
            found = known.pop(name, None)
            if found is not None:
                texts.append(found)
                todo.append(found)
    return "\n".join(texts)


def has_members(plan: Schedule) -> bool:
    """Whether anything saved differs between members."""
    return bool(plan.members.outputs)
