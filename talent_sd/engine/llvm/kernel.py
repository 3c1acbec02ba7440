"""Compile a flat program, and run it for many members at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.engine.ir import Program
from talent_sd.engine.llvm.compiled_objects import keep_objects, kernel_key, load_objects
from talent_sd.engine.llvm.execution import (
    CompiledProgram,
    Execution,
    MemoryLayout,
    Problem,
    Result,
    ResumingLayout,
    common_beginning,
)
from talent_sd.engine.llvm.native import LoadedObject, Target, compile_object, target_for
from talent_sd.engine.llvm.run_arrays import Inputs, check_inputs


class Kernel(CompiledProgram):
    """A compiled program that checks what it is given, runs, and tells where a run failed."""

    def run(
        self,
        constants: np.ndarray,
        times: np.ndarray,
        save: np.ndarray | Sequence[int],
        members: int = 1,
        varying: np.ndarray | None = None,
        series: np.ndarray | None = None,
        member_series: np.ndarray | None = None,
        tables: Mapping[int, tuple[np.ndarray, np.ndarray]] | None = None,
        seed: int = 0,
        member_offset: int = 0,
        threads: int = 1,
        diagnose: int = 3,
    ) -> Result:
        """Run all members.

        Parameters
        ----------
        constants : (slots,) every constant slot's value (other entries are not read)
        times : (points,) model time of each point, the first the start; TIME STEP is taken from `constants`
        save : indices of the points to save, increasing
        members : how many
        varying : (varying slots, members)
        series : (series slots, points)
        member_series : (member series slots, points, members)
        tables : table -> (x, y) in place of the program's points
        seed : of random functions; the only thing besides a member's number they depend on
        member_offset : number of the first member in the whole run, when it is run by blocks
        threads : at most so many; no result depends on it
        diagnose : for how many failed members to find where it began

        Returns
        -------
        Result, bit-identical whatever the width, threads, other outputs and division into blocks

        Raises
        ------
        InputError
            If an array has the wrong shape or a table's points do not increase.
        """
        given = check_inputs(
            self, constants, times, save, members, varying, series, member_series, tables, seed, member_offset
        )
        rows = len(self.outputs) + (self.layout.readers if isinstance(self.layout, ResumingLayout) else 0)
        values = np.empty((rows, len(given.save), members))
        failed = np.zeros(members, dtype=bool)
        run = Execution(self, given)
        run.run_uniform(values, failed)
        if self.layout.member_outputs and members:
            run.run_members(values, failed, threads, common_beginning(self, given))
        problems: tuple[Problem, ...] = ()
        if diagnose and failed.any():
            problems = find_problems(self, given, failed, diagnose)
        return Result(values[: len(self.outputs)], failed, problems)


def compile_kernel(
    program: Program,
    outputs: Sequence[int],
    varying: Sequence[int] = (),
    series: Sequence[int] = (),
    member_series: Sequence[int] = (),
    width: int | None = None,
    cpu: str | None = None,
    effort: int = 2,
    uniform_effort: int = 0,
    resumes: bool = False,
) -> Kernel:
    """Compile what a program's outputs need; an object compiled before is loaded instead.

    Parameters
    ----------
    program : the program
    outputs : slots to save (constants, auxiliaries or states)
    varying : constant slots that differ between members
    series : constant or auxiliary slots given over time, the same for all members
    member_series : the same, but different between members
    width : members per vector, a power of two; by default what fills a register
    cpu : LLVM's name of a processor, by default this one
    effort : 2, or 0 for what will run only a few hundred members: compiles in a fraction of the
        time to code that is a third slower. The results are the same bits
    uniform_effort : the same, of what all members share: 2 where a single run is repeated thousands of times
    resumes : whether what all members have in common before the varying constants act is run once, where that can be
        told; for thousands of members that have few values of each. The results are the same bits

    Raises
    ------
    UnsupportedError
        If an equation uses what the native engine lacks; names the function and the variable.
    """
    target = target_for(cpu)
    lanes = target.native_lanes if width is None else width
    if lanes < 1 or lanes & (lanes - 1):
        raise ModelError("the width {lanes} is not a power of two. Give 1, 2, 4, 8 or 16.", lanes=lanes)
    requests = (tuple(outputs), tuple(varying), tuple(series), tuple(member_series))
    key = kernel_key(
        program, requests, lanes, f"{target.key()}\n{effort} {uniform_effort}{' resumes' * resumes}"
    )
    kept = load_objects(key)
    if kept is not None:
        objects, facts = kept
        layout = MemoryLayout.of(facts)
    else:
        # what runs once per ensemble is not worth LLVM's effort; what runs per member is
        objects, layout = compile_parts(program, requests, lanes, target, (uniform_effort, effort), resumes)
        keep_objects(key, objects, asdict(layout))
    return Kernel(program, *requests, lanes, cpu, layout, kept is not None, LoadedObject(objects, target))


def wide_lanes() -> int:
    """Return the width that runs fastest: two registers side by side where there are 32, else what fills one."""
    lanes = target_for(None).native_lanes
    return 2 * lanes if lanes == 8 else lanes


def compile_parts(
    program: Program,
    requests: tuple[tuple[int, ...], ...],
    width: int,
    target: Target,
    efforts: tuple[int, int],
    resumes: bool = False,
) -> tuple[list[bytes], MemoryLayout]:
    """Return objects of the uniform part and of the members' part, if any, and the memory they expect."""
    # what is not needed when the object is found is not imported
    from talent_sd.engine.llvm.emit import PartWriter, has_members, module_texts
    from talent_sd.engine.llvm.schedule import make_schedule, varying_readers
    from talent_sd.engine.llvm.value_places import kept_size

    plan = make_schedule(program, *requests)
    slots, columns = varying_readers(plan) if resumes else ((), ())
    if slots or columns:
        plan = replace(make_schedule(program, (*requests[0], *slots), *requests[1:]), resumes=True)
        columns = varying_readers(plan)[1]
    uniform, members = PartWriter(plan, False, 1, target.fma), PartWriter(plan, True, width, target.fma)
    layout = MemoryLayout(
        plan.uniform.outputs, plan.members.outputs if has_members(plan) else (),
        kept_size(plan.kept_uniform, plan), kept_size(plan.record, plan),
        (uniform.fixed_scratch, members.fixed_scratch), (len(uniform.delays), len(members.delays)),
    )  # fmt: skip
    if plan.resumes:
        facts = asdict(layout)
        layout = ResumingLayout(**facts, states=len(members.rows), readers=len(slots), reader_columns=columns)
    texts = module_texts(plan, width, target.fma)
    return [compile_object(text, target, e) for text, e in zip(texts, efforts, strict=False)], layout


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
    from talent_sd.engine.llvm.schedule import needed_slots

    slots = needed_slots(kernel.program, kernel.outputs, kernel.varying, kernel.series, kernel.member_series)
    chosen = np.flatnonzero(failed)[:most]
    watcher = compile_kernel(
        kernel.program,
        slots,
        kernel.varying,
        kernel.series,
        kernel.member_series,
        width=1,
        cpu=kernel.cpu,
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
    given = np.array([program.slots[slot].kind == "constant" for slot in slots])
    bad = np.where(given[:, None], np.isnan(values), ~np.isfinite(values))
    points = np.flatnonzero(bad.any(axis=0))
    if not len(points):
        return None
    point = int(points[0])
    row = int(np.flatnonzero(bad[:, point])[0])
    return Problem(slots[row], member, point, float(values[row, point]))
