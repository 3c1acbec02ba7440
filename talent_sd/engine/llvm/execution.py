"""A compiled program in memory, and one run of it: its arguments, its calls, its threads, what it yields."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from talent_sd.engine.ir import Program
from talent_sd.engine.llvm.native import LoadedObject
from talent_sd.engine.llvm.run_arrays import Inputs, pack_tables


@dataclass(frozen=True)
class MemoryLayout:
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
    def of(cls, facts: dict[str, Any]) -> MemoryLayout:
        """The layout kept with an object (JSON has lists for tuples)."""
        plain: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in facts.items()}
        return ResumingLayout(**plain) if "states" in plain else cls(**plain)


@dataclass(frozen=True)
class ResumingLayout(MemoryLayout):
    """The memory of an object whose members may begin at a later point.

    Parameters
    ----------
    states : how many states members have
    readers : how many outputs, the last ones, tell from when on members differ
    reader_columns : the same, of what does not change in time: columns of what each member keeps
    """

    states: int
    readers: int
    reader_columns: tuple[int, ...]


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
class CompiledProgram:
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
    layout: MemoryLayout
    from_cache: bool
    loaded: LoadedObject = field(repr=False)

    def __post_init__(self) -> None:
        types = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
        self.call_uniform = self.loaded.function("uniform", *types)
        self.call_members = self.loaded.function("members", *types) if self.layout.member_outputs else None


POINTERS = (
    "constants", "times", "due", "series", "tables", "table_index", "kept", "record",
    "varying", "member_series", "out", "bad",
)  # fmt: skip
INTEGERS = ("points", "n_saved", "stride_in", "stride_out", "seed", "member_offset")
ARGUMENTS = (*POINTERS, *INTEGERS, "dt")
"""Fields of the block of 64-bit arguments, in order."""
RESUMED = ("states", "begin")
"""Two more, where members may begin at a later point: the states there, and its number."""

ALIGNMENT = 64
BLOCKS_PER_THREAD = 4
MEMBERS_PER_CALL = 4096
"""At most so many run in one call: between calls the run can be interrupted."""


class Execution:
    """One run's memory: the arguments all blocks share, and the calls."""

    def __init__(self, kernel: CompiledProgram, given: Inputs) -> None:
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
        block = np.zeros(len(ARGUMENTS) + len(RESUMED), dtype=np.int64)
        for i, name in enumerate((*ARGUMENTS, *RESUMED)):
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
        self.kernel.call_uniform(block.ctypes.data, 0, 1, address)
        del memory
        for rank, position in enumerate(layout.uniform_outputs):
            values[position] = out[rank, : values.shape[1], None]
        if np.isnan(bad[0]):
            failed[:] = True

    def run_members(
        self, values: np.ndarray, failed: np.ndarray, threads: int, together: Beginning | None = None
    ) -> None:
        """Blocks of members, then the few that do not fill a vector; from where they part, if that is known."""
        if together is not None:
            self.fields |= {"states": together.states, "begin": together.begin}
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
        if together is not None:
            early = given.save[given.save < together.begin]
            out[:, : len(early)] = together.values[list(layout.member_outputs)][:, early, None]
        if not ordered:
            for rank, position in enumerate(layout.member_outputs):
                values[position] = out[rank]
        failed |= np.isnan(bad)

    def _call_blocks(self, block: np.ndarray, whole: int, threads: int) -> None:
        width = self.kernel.width
        vectors = whole // width
        least = -(-whole // MEMBERS_PER_CALL)
        parts = min(vectors, max(least, threads * BLOCKS_PER_THREAD if threads > 1 else 1))
        edges = [vectors * i // parts * width for i in range(parts + 1)] if parts else []
        call = self.kernel.call_members
        assert call is not None

        def work(first: int, last: int) -> None:
            """Run the blocks from first to last in memory of its own."""
            memory, address = self.scratch(1, width)
            call(block.ctypes.data, first, last, address)
            del memory

        spans = list(zip(edges[:-1], edges[1:], strict=True))
        if threads > 1 and len(spans) > 1:
            with ThreadPoolExecutor(threads) as pool:
                try:
                    for done in [pool.submit(work, *span) for span in spans]:
                        done.result()
                except BaseException:  # an interrupt: do not begin what is left
                    pool.shutdown(cancel_futures=True)
                    raise
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
        call = self.kernel.call_members
        assert call is not None
        call(block.ctypes.data, 0, width, address)
        del memory
        out[:, :, first:] = rest[:, :, : members - first]
        bad[first:] = mark[: members - first]


@dataclass(frozen=True)
class Beginning:
    """What all members have in common.

    Parameters
    ----------
    begin : the first point at which any of them may differ from another
    states : (states,) at that point
    values : (outputs, points) up to it
    """

    begin: int
    states: np.ndarray
    values: np.ndarray


FEWEST_TO_SHARE = 32
"""Vectors of members from which on it is worth looking for what they have in common: that takes two of them."""


def common_beginning(kernel: CompiledProgram, given: Inputs) -> Beginning | None:
    """Return what all members have in common before the varying constants act, None where that is nothing.

    One vector runs through with every value of each of the constants; where all that reads them stays the same to the last
    bit (`schedule.varying_readers`), no combination of the values differs. It then runs again up to that point.
    """
    layout, width = kernel.layout, kernel.width
    if not isinstance(layout, ResumingLayout) or given.members < FEWEST_TO_SHARE * width:
        return None
    kinds = [np.unique(row.view(np.int64)) for row in given.varying]
    if max(map(len, kinds)) > width:
        return None
    varying = np.stack([kind[np.arange(width) % len(kind)] for kind in kinds]).view(np.float64)
    vector = replace(given, varying=varying, members=width)
    values, memory, failed = _run_vector(kernel, vector, len(given.times))
    first = (2 * layout.states + 1) * width
    kept = memory[first:][: (max(layout.reader_columns, default=-1) + 1) * width].reshape(-1, width)
    start = kept[list(layout.reader_columns)].view(np.int64)
    told = values[len(kernel.outputs) :].view(np.int64)
    alike = (told == told[..., :1]).all(axis=(0, 2))
    begin = int(np.append(alike, False).argmin())
    begin = min(begin, len(alike) - 1)
    if not begin or failed or (start != start[:, :1]).any():
        return None
    _, memory, _ = _run_vector(kernel, vector, begin + 1)
    states = memory[begin % 2 * layout.states * width :][: layout.states * width].reshape(-1, width)[:, 0]
    return Beginning(begin, states.copy(), values[..., 0])


def _run_vector(kernel: CompiledProgram, given: Inputs, points: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Run one vector of members through so many points: all values at each, its memory, and whether it failed."""
    width = kernel.width
    series = np.ascontiguousarray(given.series[:, :points])
    run = Execution(kernel, replace(given, times=given.times[:points], save=np.arange(points), series=series))
    values = np.empty((len(kernel.outputs) + kernel.layout.readers, points, width))  # type: ignore[attr-defined]
    failed, bad, out = np.zeros(width, dtype=bool), np.zeros(width), np.empty_like(values)
    run.run_uniform(values, failed)
    block = run.arguments(varying=given.varying, out=out, bad=bad, stride_in=width, stride_out=width)
    memory, address = run.scratch(1, width)
    assert kernel.call_members is not None
    kernel.call_members(block.ctypes.data, 0, width, address)
    for rank, position in enumerate(kernel.layout.member_outputs):
        values[position] = out[rank]
    return values, memory[(address - memory.ctypes.data) // 8 :], bool(np.isnan(bad).any() or failed.any())
