"""Where a run's numbers stop being finite, in words."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from talent_sd.base.errors import NonFiniteWarning
from talent_sd.base.language import tell
from talent_sd.engine.ir import Program
from talent_sd.engine.request import Request
from talent_sd.model.structure import Structure


@dataclass(frozen=True)
class Trouble:
    """The earliest value that is not finite, and in how many draws there is one.

    `member` counts from 0 within the run.
    """

    label: str
    value: float
    time: float
    member: int
    affected: int


def trouble_in_kernel(program: Program, request: Request, result: Any) -> Trouble | None:
    """Return what the native engine found: the first slot in order of evaluation, saved or not."""
    if not result.problems:
        return None
    first = min(result.problems, key=lambda problem: problem.point)
    time = float(request.times[first.point])
    return Trouble(_label(program, first.slot), first.value, time, first.member, int(result.failed.sum()))


def trouble_in_slots(
    program: Program, outputs: Sequence[int], request: Request, values: np.ndarray
) -> Trouble | None:
    """Return the first in (outputs, saved, members)."""
    return _first(request, ((_label(program, slot), values[row]) for row, slot in enumerate(outputs)))


def trouble_in_variables(
    structure: Structure, request: Request, values: Mapping[str, np.ndarray]
) -> Trouble | None:
    """Return the first in PySD's results, name -> (members, saved, *dims).

    An element that is NaN throughout is taken for one that no equation defines.
    """

    def parts() -> Iterable[tuple[str, np.ndarray]]:
        """Yield the name of each element that was run, and its values: (saved, members)."""
        for name, array in values.items():
            known = list(structure.coordinates(name).values())
            for place, elements in zip(np.ndindex(*map(len, known)), product(*known), strict=True):
                part = array[(slice(None), slice(None), *place)].T
                if not (elements and np.isnan(part).all()):
                    yield f"{name}[{','.join(elements)}]" if elements else name, part

    return _first(request, parts())


def warn_of(trouble: Trouble | None, request: Request, first_member: int, stacklevel: int) -> None:
    """Warn of a trouble, if there is one, naming variable, time and draw."""
    if trouble is None:
        return
    where = tell(
        "'{label}' is {value} at {time:g}", label=trouble.label, value=trouble.value, time=trouble.time
    )
    if request.members is not None:
        where += tell(
            " in draw {draw}; {affected} of {draws} draws affected",
            draw=first_member + trouble.member,
            affected=trouble.affected,
            draws=request.members,
        )
    remedy = tell("Look for a division by zero, the logarithm of a negative number or an overflow.")
    warnings.warn(
        tell("{where}. {remedy}", where=where, remedy=remedy), NonFiniteWarning, stacklevel=stacklevel + 1
    )


def _first(request: Request, parts: Iterable[tuple[str, np.ndarray]]) -> Trouble | None:
    found: tuple[int, str, int, float] | None = None
    affected = np.zeros(request.lanes, bool)
    for label, values in parts:
        bad = ~np.isfinite(values)
        if not bad.any():
            continue
        affected |= bad.any(axis=0)
        saved = int(np.argmax(bad.any(axis=1)))
        if found is None or saved < found[0]:
            member = int(np.argmax(bad[saved]))
            found = (saved, label, member, float(values[saved, member]))
    if found is None:
        return None
    saved, label, member, value = found
    return Trouble(label, value, float(request.times[request.save][saved]), member, int(affected.sum()))


def _label(program: Program, slot: int) -> str:
    one = program.slots[slot]
    if not one.hidden:
        return one.name
    return one.variable + (f"[{','.join(one.subscripts)}]" if one.subscripts else "")
