"""Where a run leaves the ranges that its model declares: a variable its limits, a lookup its points."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from talent_sd.base.errors import RangeNotice
from talent_sd.base.language import apart, tell
from talent_sd.engine.evaluate import evaluate_on
from talent_sd.engine.ir import DERIVED, Call, Expression, Program, Random, Table, TableCall
from talent_sd.engine.order import references
from talent_sd.engine.request import Request
from talent_sd.engine.slot_plan import SlotPlan
from talent_sd.model.structure import Structure

_SHOWN = 5
_SLACK = 1e-9
"""Of a range's size: nearer to its end is rounding."""


def warn_of_ranges(
    structure: Structure,
    request: Request,
    values: Mapping[str, np.ndarray],
    overrun: Sequence[str],
    stacklevel: int,
) -> None:
    """Warn once of all variables that leave their limits, and of lookups that are overrun.

    Parameters
    ----------
    values : name -> (members, saved, *dims)
    overrun : what `overrun_lookups` found
    """
    found = [*_outside(structure, request, values), *overrun]
    if not found:
        return
    more = len(found) - _SHOWN
    rest = tell("; {count} more", count=more) if more > 0 else ""
    warnings.warn("; ".join(found[:_SHOWN]) + rest + ".", RangeNotice, stacklevel=stacklevel + 1)


def _outside(structure: Structure, request: Request, values: Mapping[str, np.ndarray]) -> Iterator[str]:
    for name, array in values.items():
        variable = structure[name]
        if variable.kind == "constant" or variable.limits == (None, None):
            continue
        low, high = (
            np.inf * sign if v is None else v for sign, v in zip((-1, 1), variable.limits, strict=True)
        )
        slack = _SLACK * max([1.0, *(abs(v) for v in (low, high) if np.isfinite(v))])
        bad = (array < low - slack) | (array > high + slack)
        if bad.any():
            saved = int(np.argmax(bad.any(axis=tuple(n for n in range(bad.ndim) if n != 1))))
            value = float(array[:, saved][bad[:, saved]][0])
            shown = apart(value=value, low=low, high=high)
            yield tell(
                "'{name}' is {value:.6g} at {time:g}, outside its range [{low}, {high}]",
                name=name,
                value=shown["value"],
                time=float(request.saved_times[saved]),
                low="?" if np.isinf(low) else f"{shown['low']:g}",
                high="?" if np.isinf(high) else f"{shown['high']:g}",
            )


def overrun_lookups(program: Program, plan: SlotPlan, request: Request, values: np.ndarray) -> list[str]:
    """Return, in words, the lookups that a single run reads beyond their points.

    Only lookups whose argument reads nothing but the run's outputs are looked at.

    Parameters
    ----------
    values : (outputs, saved, 1), as the plan orders them
    """
    rows: dict[int, np.ndarray] = {slot: values[row, :, 0] for row, slot in enumerate(plan.outputs)}
    rows |= {slot: np.asarray(value, float) for slot, value in plan.constants.items() if np.ndim(value) == 0}
    times, found = request.times[request.save], {}
    for slot in program.slots:
        for call in _table_calls(slot.expression):
            table = program.tables[call.table]
            x, y = plan.tables.get(call.table, (table.x, table.y))
            if (
                table.between == "step"
                or DERIVED in table.name
                or table.outside != "clamp"
                or len(x) < 2
                or any(r not in rows for r in references(call.x))
            ):
                continue
            given = np.broadcast_to(evaluate_on(program, call.x, rows, times, request.time_step), times.shape)
            slack = _SLACK * max(abs(x[0]), abs(x[-1]), 1.0)
            bad = np.flatnonzero((given < x[0] - slack) | (given > x[-1] + slack))
            if len(bad):
                found[_label(table, slot.name)] = tell(
                    "lookup {label} is read at {x:.6g} at {time:g}, beyond its points from {first:g} to {last:g}",
                    label=_label(table, slot.name),
                    time=float(request.saved_times[bad[0]]),
                    **apart(x=float(given[bad[0]]), first=x[0], last=x[-1]),
                )
    return list(found.values())


def _label(table: Table, reader: str) -> str:
    return tell("in '{name}'", name=reader) if table.name.startswith("_") else f"'{table.name}'"


def _table_calls(expression: Expression) -> Iterator[TableCall]:
    stack = [expression]
    while stack:
        node = stack.pop()
        if isinstance(node, TableCall):
            yield node
            stack.append(node.x)
        elif isinstance(node, (Call, Random)):
            stack += node.args
