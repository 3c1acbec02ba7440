"""A single run prepared once and repeated with other constants: arrays in, arrays out, nothing between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.errors import ModelError, UnsupportedError, nearest
from talent_sd.base.language import apart, tell
from talent_sd.engine.ir import Program
from talent_sd.engine.slot_plan import SlotPlan
from talent_sd.model.names import name_key

if TYPE_CHECKING:
    from talent_sd.engine.request import Request
    from talent_sd.model.structure import Structure


class PlainRun:
    """A model with its outputs, times and inputs settled.

    Parameters
    ----------
    program, plan, request : as `Model.prepare` and `Model.request` give them, of a single run
    structure : for the limits of the constants
    names : the constants that each call gives, "name" or "name[element]"
    constants : (slots,) of all constants, where a call gives none
    effort : of the compiler, as in `compile_kernel`

    Attributes
    ----------
    outputs : "name" or "name[element]" of each row of a result
    times : (saved,)

    Raises
    ------
    ModelError
        If a name is no constant that a run can change.
    UnsupportedError
        If the native engine lacks an operation, or an output is drawn at random.
    """

    def __init__(
        self, program: Program, plan: SlotPlan, request: Request, structure: Structure, names: Sequence[str],
        constants: np.ndarray, effort: int = 2,
    ) -> None:  # fmt: skip
        from talent_sd.engine.llvm.execution import Execution
        from talent_sd.engine.llvm.kernel import compile_kernel
        from talent_sd.engine.llvm.run_arrays import check_inputs

        self._slots = np.array(_slots(program, names), np.intp)
        limits = [structure[program.slots[slot].variable].limits for slot in self._slots]
        self._low = np.array([-np.inf if low is None else low for low, _ in limits])
        self._high = np.array([np.inf if high is None else high for _, high in limits])
        self._names = tuple(names)
        series = sorted(plan.series)
        kernel = compile_kernel(program, plan.outputs, (), series, width=1, effort=0, uniform_effort=effort)
        if kernel.layout.member_outputs:
            raise UnsupportedError(
                tell("a plain run draws nothing at random. Leave such outputs out, or use Model.run.")
            )
        rows = [plan.series[slot] for slot in series]
        by_point = np.stack(rows) if rows else np.empty((0, len(request.times)))
        given = check_inputs(
            kernel,
            constants,
            request.times,
            request.save,
            1,
            None,
            by_point,
            None,
            plan.tables,
            request.seed,
            0,
        )
        self._constants = given.constants
        execution = Execution(kernel, given)
        self._out = np.zeros((max(1, len(kernel.layout.uniform_outputs)), len(request.save)))
        self._bad = np.zeros(1)
        self._block = execution.arguments(out=self._out, bad=self._bad, stride_in=1, stride_out=1)
        self._memory, self._address = execution.scratch(0, 1)
        self._kept = execution, kernel  # the memory that the block points to
        self._order = np.argsort(kernel.layout.uniform_outputs)
        self.outputs = tuple(program.slots[slot].name for slot in plan.outputs)
        self.times = request.saved_times

    def __call__(self, values: np.ndarray | Sequence[float]) -> np.ndarray:
        """Run once.

        Parameters
        ----------
        values : (names,) of the constants, in their units

        Returns
        -------
        (outputs, saved); NaN or infinite where the model is

        Raises
        ------
        ModelError
            If there are not as many values as names, or one lies outside the model's limits.
        """
        given = np.asarray(values, np.float64)
        if given.shape != self._slots.shape:
            raise ModelError(
                tell("{given} values for {wanted} constants.", given=given.size, wanted=len(self._slots))
            )
        outside = ~((given >= self._low) & (given <= self._high))
        if outside.any():
            first = int(np.argmax(outside))
            raise ModelError(
                tell(
                    "'{name}' is {value:g}, outside the model's limits [{low:g}, {high:g}].", name=self._names[first],
                    **apart(value=given[first], low=self._low[first], high=self._high[first]),
                )
            )  # fmt: skip
        self._constants[self._slots] = given
        execution, kernel = self._kept
        kernel.call_uniform(self._block.ctypes.data, 0, 1, self._address)
        return self._out[self._order]


def _slots(program: Program, names: Sequence[str]) -> list[int]:
    known = {
        name_key(slot.name): index for index, slot in enumerate(program.slots) if slot.kind == "constant"
    }
    settled = {*program.time_slots.values(), *program.frozen}
    problems, found = [], []
    for name in names:
        slot = known.get(name_key(name))
        if slot is None or slot in settled:
            hint = nearest(name, [program.slots[index].name for index in known.values()])
            problems.append(
                tell("'{name}' is no constant that a run can change.{hint}", name=name, hint=hint)
            )
        else:
            found.append(slot)
    if problems:
        raise ModelError(problems)
    return found
