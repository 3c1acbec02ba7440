"""Where a run that failed began to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
        kernel.program, slots, kernel.varying, kernel.series, kernel.member_series, width=1, cpu=kernel.cpu
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
        first = _first(result.values[:, :, 0], slots, int(member))
        if first is not None:
            found.append(first)
    return tuple(found)


def _first(values: np.ndarray, slots: tuple[int, ...], member: int) -> Problem | None:
    from talent_sd.engine.llvm.kernel import Problem

    bad = ~np.isfinite(values)
    points = np.flatnonzero(bad.any(axis=0))
    if not len(points):
        return None
    point = int(points[0])
    row = int(np.flatnonzero(bad[:, point])[0])
    return Problem(slots[row], member, point, float(values[row, point]))
