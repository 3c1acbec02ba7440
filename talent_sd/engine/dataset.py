"""Results as a labelled dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.errors import ModelError
from talent_sd.engine.request import Request
from talent_sd.model.structure import Structure, Variable

if TYPE_CHECKING:
    import xarray as xr

_SENTENCE_END = re.compile(r"(?<=[.!?])\s|(?<=[。！？])")
_CITED = re.compile(r"\s*\[[^\[\]]*\]")


def make_dataset(
    structure: Structure,
    request: Request,
    values: Mapping[str, np.ndarray],
    engine: str,
    first_member: int = 0,
) -> xr.Dataset:
    """Return a run's results.

    Parameters
    ----------
    values : name -> (members, saved, *dims)
    engine : that made them
    first_member : number of the first member in the whole ensemble

    Returns
    -------
    dims ([draw,] time, *subscript ranges), attrs `units` and `long_name` on every variable

    Raises
    ------
    ModelError
        If a subscript range is called like a variable, `time` or `draw`.
    """
    import xarray as xr

    drawn = request.members is not None
    leading = (DRAW, TIME) if drawn else (TIME,)
    data: dict[str, Any] = {}
    ranges: dict[str, Any] = {}
    for name, array in values.items():
        variable = structure[name]
        ranges |= {dim: list(structure.subscripts[dim]) for dim in variable.dims}
        attrs = {"units": variable.unit, "long_name": long_name(variable)}
        data[name] = ((*leading, *variable.dims), array if drawn else array[0], attrs)
    for taken in {*ranges} & {TIME, DRAW, *values}:
        raise ModelError(
            "subscript range '{taken}' has the name of a variable or of an axis. Rename it.", taken=taken
        )
    clock = structure.find("TIME STEP")
    times = np.round(request.times[request.save], 9)
    coords = {TIME: (TIME, times, {"units": clock.unit if clock else "", "long_name": "Time"}), **ranges}
    if drawn:
        coords[DRAW] = np.arange(first_member, first_member + request.lanes)
    attrs = {"model": Path(structure.path).name, "model_sha256": structure.sha256, "engine": engine}
    return xr.Dataset(data, coords, attrs)


def long_name(variable: Variable) -> str:
    """Return the first sentence of a variable's documentation, citations left out; its name if there is none.

    >>> long_name(Variable("Talent", "stock", doc="People with a degree [E08]. Counted yearly."))
    'People with a degree.'
    """
    first = _SENTENCE_END.split(variable.doc, maxsplit=1)[0]
    return _CITED.sub("", first).strip() or variable.name
