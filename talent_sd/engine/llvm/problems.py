"""Where a run that failed began to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.engine.ir import Program
from talent_sd.engine.llvm.inputs import Inputs

if TYPE_CHECKING:
    from talent_sd.engine.llvm.kernel import Kernel, Problem


def find_problems(kernel: Kernel, given: Inputs, failed: np.ndarray, most: int) -> tuple[Problem, ...]:
    """Return the first slot that is not finite, of the first failed members.

    A kernel that saves every slot its outputs depend on runs these members once more.

    Parameters
    ----------
    kernel : what failed
    given : its inputs
    failed : (members,) bool
    most : members to look at
    """
    from talent_sd.engine.llvm.kernel import compile_kernel
    from talent_sd.engine.llvm.plan import needed_slots

    slots = needed_slots(kernel.program, kernel.outputs, kernel.varying, kernel.series, kernel.member_series)
    chosen = np.flatnonzero(failed)[:most]
    watcher = compile_kernel(
        kernel.program, slots, kernel.varying, kernel.series, kernel.member_series, width=1, cpu=kernel.cpu,
        effort=0,
    )
    found = []
    for member in chosen:
        result = watcher.run(
            given.constants, given.times, np.arange(len(given.times)), 1,
            np.ascontiguousarray(given.varying[:, [member]]), given.series,
            np.ascontiguousarray(given.member_series[:, :, [member]]),
            {i: (t.x, t.y) for i, t in enumerate(given.tables)},
            given.seed, given.member_offset + int(member), diagnose=0,
        )  # fmt: skip
        first = _first(kernel.program, result.values[:, :, 0], slots, int(member))
        if first is not None:
            found.append(first)
    return tuple(found)


def _first(program: Program, values: np.ndarray, slots: tuple[int, ...], member: int) -> Problem | None:
    """The first in order of evaluation; an infinite constant was meant, so it is no problem of its own."""
    from talent_sd.engine.llvm.kernel import Problem

    given = np.array([program.slots[slot].kind == "constant" for slot in slots])
    bad = np.where(given[:, None], np.isnan(values), ~np.isfinite(values))
    points = np.flatnonzero(bad.any(axis=0))
    if not len(points):
        return None
    point = int(points[0])
    row = int(np.flatnonzero(bad[:, point])[0])
    return Problem(slots[row], member, point, float(values[row, point]))
