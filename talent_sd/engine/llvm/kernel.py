"""Compile a flat program, and run it for many members at once."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.engine.ir import Program
from talent_sd.engine.llvm.emit import (
    ARGUMENTS,
    POINTERS,
    PartWriter,
    has_members,
    kept_size,
    module_texts,
)
from talent_sd.engine.llvm.identity import kernel_key
from talent_sd.engine.llvm.inputs import Inputs, check_inputs
from talent_sd.engine.llvm.native import LoadedObject, compile_object, target_for
from talent_sd.engine.llvm.plan import make_plan
from talent_sd.engine.llvm.store import keep_objects, load_objects
from talent_sd.engine.llvm.tables import pack_tables

ALIGNMENT = 64
BLOCKS_PER_THREAD = 4


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
        self._uniform = self.loaded.function("uniform", *types)
        self._members = self.loaded.function("members", *types) if self.layout.member_outputs else None

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
        shared = _Shared(self, given)
        shared.run_uniform(values, failed)
        if self._members is not None and members:
            shared.run_members(values, failed, threads)
        problems: tuple[Problem, ...] = ()
        if diagnose and failed.any():
            from talent_sd.engine.llvm.problems import find_problems

            problems = find_problems(self, given, failed, diagnose)
        return Result(values, failed, problems)


class _Shared:
    """One run's memory: the arguments all blocks share, and the calls."""

    def __init__(self, kernel: Kernel, given: Inputs) -> None:
        self.kernel, self.given = kernel, given
        points = len(given.times)
        self.due = np.full(points, -1, dtype=np.int64)
        self.due[given.save] = np.arange(len(given.save))
        self.tables, self.index = pack_tables(given.tables)
        self.kept = np.zeros(max(1, kernel.layout.kept))
        self.record = np.zeros(max(1, kernel.layout.record * points))
        self.fields: dict[str, Any] = {
            "constants": given.constants, "times": given.times, "due": self.due, "series": given.series,
            "tables": self.tables, "table_index": self.index, "kept": self.kept, "record": self.record,
            "points": points, "n_saved": len(given.save), "seed": given.seed, "dt": given.time_step,
        }  # fmt: skip

    def arguments(self, **fields: np.ndarray | int) -> np.ndarray:
        """The block of arguments as the code reads it."""
        block = np.zeros(len(ARGUMENTS), dtype=np.int64)
        for i, name in enumerate(ARGUMENTS):
            value = fields.get(name, self.fields.get(name, 0))
            if isinstance(value, np.ndarray):
                block[i] = value.ctypes.data
            elif name == "dt":
                block[i] = np.float64(value).view(np.int64)
            elif name in POINTERS:
                block[i] = value
            else:
                block[i] = np.uint64(value).view(np.int64)
        return block

    def scratch(self, part: int, width: int) -> tuple[np.ndarray, int]:
        """Scratch memory of one thread, and its aligned address."""
        layout = self.kernel.layout
        size = layout.scratch[part] + layout.delays[part] * len(self.given.times) * width
        memory = np.zeros(size + ALIGNMENT // 8)
        address = memory.ctypes.data
        return memory, address + -address % ALIGNMENT

    def run_uniform(self, values: np.ndarray, failed: np.ndarray) -> None:
        """What all members share, once."""
        layout = self.kernel.layout
        out = np.zeros((max(1, len(layout.uniform_outputs)), max(1, values.shape[1])))
        bad = np.zeros(1)
        block = self.arguments(out=out, bad=bad, stride_in=1, stride_out=1)
        memory, address = self.scratch(0, 1)
        self.kernel._uniform(block.ctypes.data, 0, 1, address)
        del memory
        for rank, position in enumerate(layout.uniform_outputs):
            values[position] = out[rank, : values.shape[1], None]
        if np.isnan(bad[0]):
            failed[:] = True

    def run_members(self, values: np.ndarray, failed: np.ndarray, threads: int) -> None:
        """Blocks of members, then the few that do not fill a vector."""
        width, layout, given = self.kernel.width, self.kernel.layout, self.given
        members, saved = values.shape[2], values.shape[1]
        ordered = layout.member_outputs == tuple(range(values.shape[0]))
        out = values if ordered else np.empty((len(layout.member_outputs), saved, members))
        bad = np.zeros(members)
        whole = members - members % width
        block = self.arguments(
            varying=given.varying, member_series=given.member_series, out=out, bad=bad,
            stride_in=members, stride_out=members, member_offset=given.member_offset,
        )  # fmt: skip
        self._call_blocks(block, whole, threads)
        if whole < members:
            self._run_rest(out, bad, whole)
        if not ordered:
            for rank, position in enumerate(layout.member_outputs):
                values[position] = out[rank]
        failed |= np.isnan(bad)

    def _call_blocks(self, block: np.ndarray, whole: int, threads: int) -> None:
        width = self.kernel.width
        vectors = whole // width
        parts = min(vectors, threads * BLOCKS_PER_THREAD if threads > 1 else 1)
        edges = [vectors * i // parts * width for i in range(parts + 1)] if parts else []
        call = self.kernel._members
        assert call is not None

        def work(first: int, last: int) -> None:
            memory, address = self.scratch(1, width)
            call(block.ctypes.data, first, last, address)
            del memory

        spans = list(zip(edges[:-1], edges[1:], strict=True))
        if threads > 1 and len(spans) > 1:
            with ThreadPoolExecutor(threads) as pool:
                for done in [pool.submit(work, *span) for span in spans]:
                    done.result()
        else:
            for span in spans:
                work(*span)

    def _run_rest(self, out: np.ndarray, bad: np.ndarray, first: int) -> None:
        """The last members, in a vector filled up with copies of the last one."""
        width, given = self.kernel.width, self.given
        members = len(bad)
        chosen = np.minimum(np.arange(first, first + width), members - 1)
        varying = np.ascontiguousarray(given.varying[:, chosen])
        member_series = np.ascontiguousarray(given.member_series[:, :, chosen])
        rest = np.zeros((out.shape[0], out.shape[1], width))
        mark = np.zeros(width)
        block = self.arguments(
            varying=varying, member_series=member_series, out=rest, bad=mark,
            stride_in=width, stride_out=width, member_offset=given.member_offset + first,
        )  # fmt: skip
        memory, address = self.scratch(1, width)
        call = self.kernel._members
        assert call is not None
        call(block.ctypes.data, 0, width, address)
        del memory
        out[:, :, first:] = rest[:, :, : members - first]
        bad[first:] = mark[: members - first]


def compile_kernel(
    program: Program,
    outputs: Sequence[int],
    varying: Sequence[int] = (),
    series: Sequence[int] = (),
    member_series: Sequence[int] = (),
    width: int | None = None,
    cpu: str | None = None,
) -> Kernel:
    """Compile what a program's outputs need; an object compiled before is loaded instead.

    Parameters
    ----------
    program : the program
    outputs : slots to save (constants, auxiliaries or states)
    varying : constant slots that differ between members
    series : constant or auxiliary slots given over time, the same for all members
    member_series : the same, but different between members
    width : members per vector, a power of two; by default what the processor likes best
    cpu : LLVM's name of a processor, by default this one

    Raises
    ------
    UnsupportedError
        If an equation uses what the native engine lacks; names the function and the variable.
    """
    target = target_for(cpu)
    lanes = target.lanes(len(outputs)) if width is None else width
    if lanes < 1 or lanes & (lanes - 1):
        raise ModelError(f"the width {lanes} is not a power of two. Give 1, 2, 4, 8 or 16.")
    requests = (tuple(outputs), tuple(varying), tuple(series), tuple(member_series))
    key = kernel_key(program, requests, lanes, target.key())
    kept = load_objects(key)
    if kept is not None:
        objects, facts = kept
        layout = Layout.of(facts)
    else:
        plan = make_plan(program, *requests)
        uniform = PartWriter(plan, False, 1, target.fma)
        members = PartWriter(plan, True, lanes, target.fma)
        layout = Layout(
            plan.uniform.outputs, plan.members.outputs if has_members(plan) else (),
            kept_size(plan.kept_uniform, plan), kept_size(plan.record, plan),
            (uniform.fixed_scratch, members.fixed_scratch), (len(uniform.delays), len(members.delays)),
        )  # fmt: skip
        texts = module_texts(plan, lanes, target.fma)
        # What runs once per ensemble is not worth LLVM's effort; what runs per member is.
        objects = [compile_object(text, target, effort) for text, effort in zip(texts, (0, 2), strict=False)]
        keep_objects(key, objects, asdict(layout))
    return Kernel(program, *requests, lanes, cpu, layout, kept is not None, LoadedObject(objects, target))
