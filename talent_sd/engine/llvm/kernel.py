"""Compile a flat program, and run it for many members at once."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.base.messages import tell
from talent_sd.engine.ir import Program
from talent_sd.engine.llvm.execution import Execution
from talent_sd.engine.llvm.identity import kernel_key
from talent_sd.engine.llvm.inputs import check_inputs
from talent_sd.engine.llvm.native import LoadedObject, Target, compile_object, target_for
from talent_sd.engine.llvm.store import keep_objects, load_objects


@dataclass(frozen=True)
class Layout:
    """What a compiled object expects of memory.

    Parameters
    ----------
    uniform_outputs, member_outputs : positions among the outputs, in the order each part stores them
    kept, record : doubles kept for the whole run, and per point
    scratch, delays : doubles of scratch per block of members, and fixed delays (one row of points each);
        first of the uniform part, then of the members' part
    """

    uniform_outputs: tuple[int, ...]
    member_outputs: tuple[int, ...]
    kept: int
    record: int
    scratch: tuple[int, int]
    delays: tuple[int, int]

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Layout:
        """The layout kept with an object (JSON has lists for tuples)."""
        plain: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in facts.items()}
        return cls(**plain)


@dataclass(frozen=True)
class Problem:
    """A value that is not finite.

    Parameters
    ----------
    slot : the first slot, in the order of evaluation, that is not finite
    member : number of the member
    point : index of the time point
    value : NaN or an infinity
    """

    slot: int
    member: int
    point: int
    value: float


@dataclass(frozen=True)
class Result:
    """What a run yields.

    Parameters
    ----------
    values : (outputs, saved points, members)
    failed : (members,) bool: a state or a saved output is not finite. Other members are unaffected
    problems : for the first few failed members, where it began
    """

    values: np.ndarray
    failed: np.ndarray
    problems: tuple[Problem, ...] = ()


@dataclass
class Kernel:
    """A compiled program.

    Parameters
    ----------
    program : what was compiled
    outputs, varying, series, member_series : as given to `compile_kernel`
    width : members per vector
    cpu : as given
    layout : memory it expects
    from_cache : whether the object had been compiled before
    """

    program: Program
    outputs: tuple[int, ...]
    varying: tuple[int, ...]
    series: tuple[int, ...]
    member_series: tuple[int, ...]
    width: int
    cpu: str | None
    layout: Layout
    from_cache: bool
    loaded: LoadedObject = field(repr=False)

    def __post_init__(self) -> None:
        types = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
        self.call_uniform = self.loaded.function("uniform", *types)
        self.call_members = self.loaded.function("members", *types) if self.layout.member_outputs else None

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
        values = np.empty((len(self.outputs), len(given.save), members))
        failed = np.zeros(members, dtype=bool)
        run = Execution(self, given)
        run.run_uniform(values, failed)
        if self.layout.member_outputs and members:
            run.run_members(values, failed, threads)
        problems: tuple[Problem, ...] = ()
        if diagnose and failed.any():
            from talent_sd.engine.llvm.problems import find_problems

            problems = find_problems(self, given, failed, diagnose)
        return Result(values, failed, problems)


def compile_kernel(
    program: Program,
    outputs: Sequence[int],
    varying: Sequence[int] = (),
    series: Sequence[int] = (),
    member_series: Sequence[int] = (),
    width: int | None = None,
    cpu: str | None = None,
    effort: int = 2,
) -> Kernel:
    """Compile what a program's outputs need; an object compiled before is loaded instead.

    Parameters
    ----------
    program : the program
    outputs : slots to save (constants, auxiliaries or states)
    varying : constant slots that differ between members
    series : constant or auxiliary slots given over time, the same for all members
    member_series : the same, but different between members
    width : members per vector, a power of two; by default what fills a register. Twice that
        repays its longer compilation from some 50 000 members on
    cpu : LLVM's name of a processor, by default this one
    effort : 2, or 0 for what will run only a few hundred members: compiles in a fraction of the
        time to code that is a third slower. The results are the same bits

    Raises
    ------
    UnsupportedError
        If an equation uses what the native engine lacks; names the function and the variable.
    """
    target = target_for(cpu)
    lanes = target.native_lanes if width is None else width
    if lanes < 1 or lanes & (lanes - 1):
        raise ModelError(tell("the width {lanes} is not a power of two. Give 1, 2, 4, 8 or 16.", lanes=lanes))
    requests = (tuple(outputs), tuple(varying), tuple(series), tuple(member_series))
    key = kernel_key(program, requests, lanes, f"{target.key()}\n{effort}")
    kept = load_objects(key)
    if kept is not None:
        objects, facts = kept
        layout = Layout.of(facts)
    else:
        objects, layout = _compile(program, requests, lanes, target, effort)
        keep_objects(key, objects, asdict(layout))
    return Kernel(program, *requests, lanes, cpu, layout, kept is not None, LoadedObject(objects, target))


def _compile(
    program: Program, requests: tuple[tuple[int, ...], ...], width: int, target: Target, effort: int
) -> tuple[list[bytes], Layout]:
    """Objects of the uniform part and of the members' part, if any, and the memory they expect."""
    # what is not needed when the object is found is not imported
    from talent_sd.engine.llvm.emit import PartWriter, has_members, module_texts
    from talent_sd.engine.llvm.plan import make_plan
    from talent_sd.engine.llvm.reading import kept_size

    plan = make_plan(program, *requests)
    uniform, members = PartWriter(plan, False, 1, target.fma), PartWriter(plan, True, width, target.fma)
    layout = Layout(
        plan.uniform.outputs, plan.members.outputs if has_members(plan) else (),
        kept_size(plan.kept_uniform, plan), kept_size(plan.record, plan),
        (uniform.fixed_scratch, members.fixed_scratch), (len(uniform.delays), len(members.delays)),
    )  # fmt: skip
    # What runs once per ensemble is not worth LLVM's effort; what runs per member is.
    texts = module_texts(plan, width, target.fma)
    efforts = (0, effort)[: len(texts)]
    return [compile_object(text, target, e) for text, e in zip(texts, efforts, strict=True)], layout
