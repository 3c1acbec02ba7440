"""Long straight code cut into stretches, so that compiling takes time in proportion to its length.

A compiler's effort grows faster than the number of values alive at once. Values
that cross from one stretch to another pass through memory instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from talent_sd.engine.llvm.schedule import Part, Plan

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


def cut_part(plan: Plan, part: Part) -> Stretches:
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
    plan: Plan,
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
