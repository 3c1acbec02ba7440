"""The arrays of a run, checked: a wrong shape would read memory that is not ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.language import tell
from talent_sd.engine.ir import Program, Table

if TYPE_CHECKING:
    from talent_sd.engine.llvm.execution import CompiledProgram


@dataclass(frozen=True)
class Inputs:
    """A run's arrays as machine code needs them: contiguous doubles, at least one element each."""

    constants: np.ndarray
    times: np.ndarray
    save: np.ndarray
    members: int
    varying: np.ndarray
    series: np.ndarray
    member_series: np.ndarray
    tables: tuple[Table, ...]
    seed: int
    member_offset: int
    time_step: float


def check_inputs(
    kernel: CompiledProgram,
    constants: np.ndarray,
    times: np.ndarray,
    save: np.ndarray | Sequence[int],
    members: int,
    varying: np.ndarray | None,
    series: np.ndarray | None,
    member_series: np.ndarray | None,
    tables: Mapping[int, tuple[np.ndarray, np.ndarray]] | None,
    seed: int,
    member_offset: int,
) -> Inputs:
    """Return the arrays of a run, or refuse those that do not fit the kernel.

    Raises
    ------
    InputError
        Every problem at once.
    """
    problems: list[str] = []
    program = kernel.program
    if members < 0:
        problems.append(tell("{members} members. Give none or more.", members=members))
        members = 0
    points = np.size(times)
    times = _array("times", times, (points,), problems)
    where = np.asarray(save, dtype=np.int64).reshape(-1)
    if points == 0:
        problems.append(tell("no time points. Give at least the start."))
    elif len(where) and (where[0] < 0 or where[-1] >= points or (np.diff(where) <= 0).any()):
        problems.append(
            tell("the points to save must increase and lie between 0 and {points}.", points=points - 1)
        )
    if not 0 <= seed < 2**64:
        problems.append(tell("the seed {seed} is not between 0 and 2^64 - 1.", seed=seed))
    if not 0 <= member_offset < 2**62:
        problems.append(
            tell(
                "the first member's number {member_offset} is negative or beyond 2^62.",
                member_offset=member_offset,
            )
        )
    names = [[program.slots[s].name for s in slots] for slots in kernel_inputs(kernel)]
    shapes = (len(names[0]), members), (len(names[1]), points), (len(names[2]), points, members)
    by_member = _array(_label("varying", names[0]), varying, shapes[0], problems)
    by_point = _array(_label("series", names[1]), series, shapes[1], problems)
    by_both = _array(_label("member series", names[2]), member_series, shapes[2], problems)
    constants = _array("constants", constants, (len(program.slots),), problems)
    replaced = _replace_tables(program, tables or {}, problems)
    if problems:
        raise InputError(problems)
    slot = program.time_slots.get("TIME STEP")
    dt = program.time_step if slot is None else float(constants[slot])
    arrays = by_member, by_point, by_both
    return Inputs(constants, times, where, members, *arrays, replaced, seed, member_offset, dt)


def kernel_inputs(kernel: CompiledProgram) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Slots of a kernel's three kinds of input."""
    return kernel.varying, kernel.series, kernel.member_series


def _label(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{what} ({shown})" if names else what


def _array(what: str, given: object, shape: tuple[int, ...], problems: list[str]) -> np.ndarray:
    if given is None:
        array = np.zeros(0)
        if 0 in shape:
            array = np.zeros(shape)
    else:
        array = np.ascontiguousarray(given, dtype=np.float64)
    if array.shape != shape:
        problems.append(
            tell("{what}: the shape is {shape}, not {wanted}.", what=what, shape=array.shape, wanted=shape)
        )
        return np.zeros(shape)
    return array


def _replace_tables(
    program: Program, given: Mapping[int, tuple[np.ndarray, np.ndarray]], problems: list[str]
) -> tuple[Table, ...]:
    tables = list(program.tables)
    for i, (x, y) in given.items():
        if not 0 <= i < len(tables):
            problems.append(tell("there is no table {i}: the model has {count}.", i=i, count=len(tables)))
            continue
        tables[i] = replace(tables[i], x=np.asarray(x, dtype=np.float64), y=np.asarray(y, dtype=np.float64))
    for table in tables:
        if table.x.ndim != 1 or table.x.shape != table.y.shape or not len(table.x):
            problems.append(
                tell("table '{table}': give one x for each y, at least one pair.", table=table.name)
            )
        elif not (np.isfinite(table.x).all() and (np.diff(table.x) > 0).all()):
            problems.append(tell("table '{table}': its x must be finite and increase.", table=table.name))
    return tuple(tables)


def pack_tables(tables: Sequence[Table]) -> tuple[np.ndarray, np.ndarray]:
    """Return all tables as one array, and where each lies in it.

    Returns
    -------
    data : (sum of 3 n,) float64: per table its n x, n y and n slopes to the next point
    index : (tables, 2) int64: start in `data`, n
    """
    parts: list[np.ndarray] = []
    index = np.zeros((max(1, len(tables)), 2), dtype=np.int64)
    start = 0
    for i, table in enumerate(tables):
        x = np.asarray(table.x, dtype=np.float64)
        y = np.asarray(table.y, dtype=np.float64)
        slope = np.zeros_like(x)
        if table.between == "linear" and len(x) > 1:
            slope[:-1] = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
        if table.outside == "extrapolate" and len(x) > 1:
            slope[-1] = slope[-2]
        index[i] = start, len(x)
        start += 3 * len(x)
        parts += [x, y, slope]
    return (np.concatenate(parts) if parts else np.zeros(1)), index
