"""Vensim's functions of lookups: extrapolated, by steps, inverted, their slope and the area below."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.base.language import tell
from talent_sd.engine.equations.draft import Draft
from talent_sd.engine.ir import DERIVED, Call, Expression, Number, Table, TableCall

ARGUMENTS = {
    "lookup_extrapolate": 2, "lookup_backward": 2, "lookup_forward": 2, "lookup_invert": 2, "lookup_slope": 3,
    "lookup_area": 3,
}  # fmt: skip
"""Function -> how many arguments it takes, the lookup first."""


def read(draft: Draft, key: str, table: int, given: list[Expression]) -> Expression:
    """Return the expression of one of these functions.

    Parameters
    ----------
    draft : takes the tables that it needs
    table : the lookup's
    given : the arguments after the lookup

    Raises
    ------
    ModelError
        If a lookup that does not rise or fall throughout is inverted, or a slope's mode is no number.
    """
    points = draft.tables[table]
    x, y = points.x, points.y
    if key == "lookup_extrapolate":
        return _call(draft, replace(points, outside="extrapolate"), given[0])
    if key == "lookup_backward":
        return _call(draft, replace(points, between="step"), given[0])
    if key == "lookup_forward":
        return _forward(draft, table, y, given[0])
    if key == "lookup_invert":
        if not (np.all(np.diff(y) > 0) or np.all(np.diff(y) < 0)):
            raise ModelError(
                tell("inverts a lookup that does not rise, or fall, throughout. Invert a part of it.")
            )
        order = np.argsort(y)
        return _call(draft, _derived(points, "inverse", x=y[order], y=x[order], between="linear"), given[0])
    if key == "lookup_slope":
        return _slope(draft, table, given[0], given[1])
    last, first = (_area(draft, table, bound) for bound in (given[1], given[0]))
    return Call("sub", (last, first))


def _call(draft: Draft, table: Table, x: Expression) -> TableCall:
    draft.tables.append(table)
    return TableCall(len(draft.tables) - 1, x)


def _derived(points: Table, what: str, **changes: Any) -> Table:
    return replace(points, name=f"{points.name}{DERIVED}{what}", **changes)


def _steps(draft: Draft, table: int, values: np.ndarray, x: Expression) -> Expression:
    """Return the value of the last point at or before x."""
    return _call(draft, _derived(draft.tables[table], "steps", y=values, between="step"), x)


def _forward(draft: Draft, table: int, values: np.ndarray, x: Expression) -> Expression:
    """Return the value of the first point at or after x: the last before it, with the axis turned round."""
    points = draft.tables[table]
    turned = _derived(points, "turned", x=-points.x[::-1], y=values[::-1], between="step")
    return _call(draft, turned, Call("neg", (x,)))


def _slope(draft: Draft, table: int, x: Expression, mode: Expression) -> Expression:
    """Return the slope to the right of x (mode 1), to its left (-1), or the mean of both (0); 0 beyond the ends."""
    if not isinstance(mode, Number):
        raise ModelError(tell("LOOKUP SLOPE takes the number 1, -1 or 0 as its mode."))
    points = draft.tables[table]
    slopes = np.diff(points.y) / np.diff(points.x)
    right = _steps(draft, table, np.append(slopes, 0.0), x)
    left = _forward(draft, table, np.insert(slopes, 0, 0.0), x)
    first, last = float(points.x[0]), float(points.x[-1])
    right = Call("if", (Call("lt", (x, Number(first))), Number(0.0), right))
    left = Call("if", (Call("gt", (x, Number(last))), Number(0.0), left))
    if mode.value:
        return right if mode.value > 0 else left
    return Call("mul", (Number(0.5), Call("add", (left, right))))


def _area(draft: Draft, table: int, x: Expression) -> Expression:
    """Return the area below a lookup from its first point to x."""
    points = draft.tables[table]
    pieces = np.diff(points.x) * (points.y[1:] + points.y[:-1]) / 2
    whole = _steps(draft, table, np.insert(np.cumsum(pieces), 0, 0.0), x)
    since = Call("sub", (x, _steps(draft, table, points.x, x)))
    height = Call("add", (_steps(draft, table, points.y, x), TableCall(table, x)))
    return Call("add", (whole, Call("mul", (Number(0.5), Call("mul", (since, height))))))
