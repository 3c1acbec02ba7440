"""One call for each back end: a program and a plan in, slot values out."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import UnsupportedError
from talent_sd.engine.evaluate import evaluate
from talent_sd.engine.ir import Program
from talent_sd.engine.request import Request
from talent_sd.engine.slot_plan import SlotPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT_KERNELS = 8
_MORE_MEMBERS = (500, 4096)
"""From so many on, optimised code, and then vectors twice as wide, gain more than compiling them takes."""
_FEW = 4
"""Values of a constant."""


def run_arrays(program: Program, plan: SlotPlan, request: Request, first_member: int = 0) -> np.ndarray:
    """Run on numpy arrays: (outputs, saved, members)."""
    return evaluate(program, plan.constants, plan.series, request.times, tables=plan.tables,
                    outputs=plan.outputs,
                    save=request.save, members=request.lanes, first_member=first_member,
                    seed=request.seed)  # fmt: skip


def kernel_available() -> bool:
    """Return whether the native engine can be loaded here."""
    try:
        from talent_sd.engine.llvm.kernel import compile_kernel  # noqa: F401
    except ImportError:
        return False
    return True


class Kernels:
    """Compiled kernels of one model, the latest few kept in memory."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def run(
        self, program: Program, plan: SlotPlan, request: Request, threads: int | None, first_member: int = 0
    ) -> Any:
        """Run in machine code; returns the kernel's result, whose `values` are (outputs, saved, members).

        Raises
        ------
        UnsupportedError
            If the kernel lacks an operation; names it and the variable.
        """
        varying = sorted(slot for slot, value in plan.constants.items() if np.ndim(value))
        series = sorted(slot for slot, value in plan.series.items() if value.ndim == 1)
        member_series = sorted(slot for slot, value in plan.series.items() if value.ndim > 1)
        points, lanes = len(request.times), request.lanes
        level = bisect_right(_MORE_MEMBERS, lanes)
        # thousands of members with few values of each constant may have much in common before these act
        few = (
            level > 0
            and not member_series
            and all(len(np.unique(plan.constants[s])) <= _FEW for s in varying)
        )
        kernel = self._compiled(program, plan.outputs, varying, series, member_series, level, resumes=few)
        return kernel.run(
            constants=uniform_constants(program, plan),
            varying=_stacked([plan.constants[slot] for slot in varying], (lanes,)),
            series=_stacked([plan.series[slot] for slot in series], (points,)),
            member_series=_stacked([plan.series[slot] for slot in member_series], (points, lanes)),
            tables=plan.tables,
            times=request.times,
            save=request.save,
            members=lanes,
            seed=request.seed,
            threads=threads or os.cpu_count() or 1,
            member_offset=first_member,
        )

    def _compiled(
        self,
        program: Program,
        outputs: Sequence[int],
        varying: Sequence[int],
        series: Sequence[int],
        member_series: Sequence[int],
        level: int,
        *,
        resumes: bool,
    ) -> Any:
        try:
            from talent_sd.engine.llvm.kernel import compile_kernel, wide_lanes
        except ImportError as error:
            raise UnsupportedError("the native engine cannot be loaded ({error}).", error=error) from error
        slots = tuple(outputs), tuple(varying), tuple(series), tuple(member_series)
        asked = *slots, resumes
        # the last, smaller block of an ensemble uses the kernel of the others
        keys = [(id(program), *asked, best) for best in range(len(_MORE_MEMBERS), level - 1, -1)]
        key = next((key for key in keys if key in self._kept), keys[-1])
        if key not in self._kept:
            width = wide_lanes() if level > 1 else None
            # the program is kept with its kernel, so that its id stays its own
            kernel = compile_kernel(program, *slots, width, effort=2 if level else 0, resumes=resumes)
            self._kept[key] = (program, kernel)
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT_KERNELS:
            self._kept.popitem(last=False)
        return self._kept[key][1]


def uniform_constants(program: Program, plan: SlotPlan) -> np.ndarray:
    """Return (n_slots,) values of the constants that all members share, NaN for other slots."""
    values = program.own_constants.copy()
    for index, value in plan.constants.items():
        if np.ndim(value) == 0:
            values[index] = float(value)
    step = program.time_slots["TIME STEP"]
    if step in plan.series:  # written as an equation; the kernel reads its step here
        values[step] = plan.series[step].flat[0]
    return values


def _stacked(rows: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.ascontiguousarray(np.stack(rows) if rows else np.empty((0, *shape)), dtype=np.float64)
