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
from talent_sd.inputs.labels import shipped_labels
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
    axes: Mapping[str, np.ndarray],
    first_member: int = 0,
) -> xr.Dataset:
    """Return a run's results.

    Parameters
    ----------
    values : name -> (members, saved, *dims)
    engine : that made them
    axes : axis -> its labels, of all members; none of a single run
    first_member : number of the first member in the whole ensemble

    Returns
    -------
    dims (*axes, time, *subscript ranges), attrs `units` and `long_name` on every variable

    Raises
    ------
    ModelError
        If a subscript range is called like a variable or an axis.
    """
    import xarray as xr

    sizes = tuple(len(labels) for labels in axes.values())
    data: dict[str, Any] = {}
    ranges: dict[str, Any] = {}
    for name, array in values.items():
        variable = structure[name]
        ranges |= {dim: list(structure.subscripts[dim]) for dim in variable.dims}
        attrs = attributes(variable, structure)
        data[name] = ((*axes, TIME, *variable.dims), array.reshape(*sizes, *array.shape[1:]), attrs)
    for taken in {*ranges} & {TIME, DRAW, *axes, *values}:
        raise ModelError(
            "subscript range '{taken}' has the name of a variable or of an axis. Rename it.", taken=taken
        )
    clock = structure.find("TIME STEP")
    times = np.round(request.saved_times, 9)
    coords = {
        TIME: (TIME, times, {"units": clock.unit if clock else "", "long_name": "Time"}),
        **ranges,
        **axes,
    }
    if DRAW in axes:
        coords[DRAW] = axes[DRAW] + first_member
    attrs = {"model": Path(structure.path).name, "model_sha256": structure.sha256, "engine": engine}
    return xr.Dataset(data, coords, attrs)


def attributes(variable: Variable, structure: Structure) -> dict[str, str]:
    """Return a variable's unit and long name: what the city's model calls it, and what it means; in others what it means."""
    labels, meaning = shipped_labels(), long_name(variable)
    if not all(map(structure.find, labels.headline)) or variable.name not in labels.variables:
        return {"units": variable.unit, "long_name": meaning}
    return {"units": variable.unit, "long_name": labels.variable(variable.name, "en"), "comment": meaning}


def long_name(variable: Variable) -> str:
    """Return the first sentence of a variable's documentation, citations and full stop left out; its name if there is none.

    >>> long_name(Variable("Talent", "stock", doc="People with a degree [E08]. Counted yearly."))
    'People with a degree'
    """
    first = _SENTENCE_END.split(variable.doc, maxsplit=1)[0]
    return _CITED.sub("", first).strip().rstrip(".") or variable.name
