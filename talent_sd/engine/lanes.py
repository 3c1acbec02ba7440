"""Values that differ by city, scenario, coalition or draw, brought onto the one axis of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, LANES, SCENARIO
from talent_sd.base.errors import ModelError
from talent_sd.model.structure import Structure

if TYPE_CHECKING:
    import xarray as xr

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Lanes:
    """Runs made together.

    Parameters
    ----------
    axes : axis -> its labels; lanes run through the last axis fastest
    params, inputs : as for `Model.run`; what differs has one axis `draw` of all lanes in front
    """

    axes: Mapping[str, np.ndarray]
    params: Params
    inputs: Params

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the length of each axis."""
        return tuple(len(labels) for labels in self.axes.values())

    @property
    def size(self) -> int:
        """Return how many lanes there are."""
        return math.prod(self.sizes)

    def draw_of(self, lane: int) -> int:
        """Return the number along `draw` of a lane; the lane itself where there are no draws."""
        if DRAW not in self.axes:
            return lane
        return int(np.unravel_index(lane, self.sizes)[list(self.axes).index(DRAW)])

    def groups(self) -> Iterator[tuple[np.ndarray, dict[str, Any], dict[str, Any]]]:
        """Yield what one run can hold, since a run has one value of each lookup: places, params, inputs."""
        tables = {name: value.values for name, value in self.params.items() if _holds_tables(value)}
        if not tables:
            yield np.arange(self.size), dict(self.params), dict(self.inputs)
            return
        marks = np.stack([np.frompyfunc(id, 1, 1)(table).astype(np.int64) for table in tables.values()])
        _, first, whose = np.unique(marks, axis=1, return_index=True, return_inverse=True)
        for group in np.argsort(first):
            places = np.flatnonzero(whose.ravel() == group)
            params = {name: picked(value, places) for name, value in self.params.items()}
            params |= {name: table[places[0]] for name, table in tables.items()}
            yield places, params, {name: picked(value, places) for name, value in self.inputs.items()}

    def one(self, lane: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return params and inputs of one lane, as of a single run."""
        params = {name: picked(value, lane) for name, value in self.params.items()}
        params = {name: value.item() if _holds_tables(value) else value for name, value in params.items()}
        return params, {name: picked(value, lane) for name, value in self.inputs.items()}

    def put(self, values: dict[str, np.ndarray], found: Mapping[str, np.ndarray], places: np.ndarray) -> None:
        """Put what a group's run found in its places among all lanes: name -> (lanes, saved, *dims)."""
        for name, array in found.items():
            if len(places) == self.size:
                values[name] = array
            else:
                values.setdefault(name, np.empty((self.size, *array.shape[1:])))[places] = array


def stack_lanes(structure: Structure, params: Params, inputs: Params) -> Lanes | None:
    """Bring what differs along any of `LANES` onto one axis.

    Parameters
    ----------
    params, inputs : as for `Model.run`. A lookup may differ too: an array of objects, each (x, y)

    Returns
    -------
    None where nothing differs

    Raises
    ------
    ModelError
        If two values have one axis in different lengths, or with different labels.
    """
    own = {name: value for key, part in params.items() for name, value in _by_element(key, part)}
    labelled = [
        {key: _labelled(structure, key, part) for key, part in given.items()} for given in (own, inputs)
    ]
    axes: dict[str, Any] = {}
    for given in labelled:
        for name, value in given.items():
            for axis in _lane_axes(structure, name, value):
                _agree(axes, axis, name, value)
    if not axes:
        return None
    labels = {axis: np.asarray(axes[axis]) for axis in LANES if axis in axes}
    return Lanes(
        labels,
        *(
            {name: _stacked(structure, name, value, labels) for name, value in given.items()}
            for given in labelled
        ),
    )


def side_by_side(
    runs: Sequence[Params], own: Callable[[str], float], axis: str = SCENARIO, *, shared: bool = False
) -> dict[str, Any]:
    """Return the params of one run of many: each differs along an axis, a step for each of them.

    Parameters
    ----------
    runs : for each, constant -> number, or (draws,) numbers; lookup -> (x, y)
    own : the model's own value of a constant that one of them leaves alone
    axis : one of `LANES`
    shared : whether what all have alike stays one number. That takes less memory, and a kernel of its own
        for each set of constants that differ
    """
    import xarray as xr

    params: dict[str, Any] = {}
    for key in dict.fromkeys(key for one in runs for key in one):
        values = [one[key] if key in one else own(key) for one in runs]
        if isinstance(values[0], tuple):
            same = [next(table for table in values if _same_table(table, value)) for value in values]
            alike = all(table is same[0] for table in same)
            params[key] = same[0] if alike else xr.DataArray(_holder(same), dims=(axis,))
        elif any(np.ndim(value) for value in values):
            params[key] = xr.DataArray(np.stack(np.broadcast_arrays(*values)), dims=(axis, DRAW))
        elif shared and all(value == values[0] for value in values):
            params[key] = float(values[0])
        else:
            params[key] = xr.DataArray(np.asarray(values, float), dims=(axis,))
    return params


def _same_table(one: Any, other: Any) -> bool:
    return one is other or all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def chosen_tables(tables: Sequence[Any], numbers: np.ndarray) -> np.ndarray:
    """Return (lanes,) lookups as `Model.run` takes them: for each lane the table of its number."""
    return _holder(tables)[numbers]


def _holder(tables: Sequence[Any]) -> np.ndarray:
    holder = np.empty(len(tables), dtype=object)
    for place, table in enumerate(tables):
        holder[place] = table
    return holder


def differs_beyond_draws(value: Any) -> bool:
    """Return whether a value differs by more than numbers along `draw`, which a run takes as they are."""
    return _holds_tables(value) or any(dim in LANES and dim != DRAW for dim in getattr(value, "dims", ()))


def _holds_tables(value: Any) -> bool:
    return (isinstance(value, np.ndarray) or hasattr(value, "dims")) and value.dtype.kind == "O"


def _by_element(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the elements of a mapping under keys of their own."""
    if not isinstance(value, Mapping):
        yield key, value
        return
    for element, one in value.items():
        yield f"{key}[{','.join(element) if isinstance(element, tuple) else element}]", one


def _labelled(structure: Structure, key: str, value: Any) -> Any:
    """Return a plain array that differs by draw as a DataArray."""
    import xarray as xr

    if not isinstance(value, (np.ndarray, list, tuple)):
        return value
    if _holds_tables(value):
        return xr.DataArray(value, dims=(DRAW,))
    variable = structure.find(key)
    dims = () if variable is None else variable.dims
    if variable is not None and variable.kind == "lookup":
        return value
    array = np.asarray(value)
    return xr.DataArray(array, dims=(DRAW, *dims)) if array.ndim == len(dims) + 1 else value


def _lane_axes(structure: Structure, key: str, value: Any) -> list[str]:
    """Return the axes of a value that are no subscripts of its variable."""
    variable = structure.find(key)
    subscripts = () if variable is None else variable.dims
    return [dim for dim in LANES if dim in getattr(value, "dims", ()) and dim not in subscripts]


def _agree(axes: dict[str, Any], axis: str, name: str, value: xr.DataArray) -> None:
    """Note an axis's labels, or only its length where it has none; draws are told apart by their place."""
    size = value.sizes[axis]
    found = value[axis].values if axis in value.coords and axis != DRAW else range(size)
    before = axes.setdefault(axis, found)
    bare = isinstance(found, range) or isinstance(before, range)
    if len(before) != size or not (bare or np.array_equal(found, before)):
        raise ModelError(
            "'{name}' has other labels along '{axis}' than another value. Give both the same.",
            name=name,
            axis=axis,
        )
    if isinstance(before, range):
        axes[axis] = found


def _stacked(structure: Structure, key: str, value: Any, labels: Mapping[str, np.ndarray]) -> Any:
    """Return a value with all lanes along `draw`; one that is alike in all of them as it is."""
    own = _lane_axes(structure, key, value)
    if not own:
        return value
    import xarray as xr

    inner = [dim for dim in value.dims if dim not in own]
    array = value.transpose(*own, *inner).values
    rest = array.shape[len(own) :]
    narrow = array.reshape(*(len(labels[axis]) if axis in own else 1 for axis in labels), *rest)
    wide = np.broadcast_to(narrow, (*map(len, labels.values()), *rest)).reshape(-1, *rest)
    return xr.DataArray(
        wide, {dim: value[dim].values for dim in inner if dim in value.coords}, (DRAW, *inner)
    )


def picked(value: Any, places: np.ndarray | int) -> Any:
    """Return what some of the lanes are given; of one lane by its number, as a single run."""
    return value.isel({DRAW: places}) if DRAW in getattr(value, "dims", ()) else value
