"""A compiled program in memory, the layout it expects, and what a run of it yields."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from talent_sd.engine.ir import Program
from talent_sd.engine.llvm.native import LoadedObject


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
