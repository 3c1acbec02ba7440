"""Values that users give, as arrays in the model's own order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.errors import ModelError, nearest
from talent_sd.base.language import listed, tell
from talent_sd.model.names import name_key
from talent_sd.model.structure import Structure, Variable


def find_elements(structure: Structure, variable: Variable, elements: tuple[str, ...]) -> tuple[str, ...]:
    """Return the elements as the model spells them.

    Raises
    ------
    ModelError
        If their number is not that of the variable's subscripts, or one is unknown.
    """
    coordinates = list(structure.coordinates(variable.name).values())
    if len(elements) != len(coordinates):
        dims = ", ".join(variable.dims) or "none"
        raise ModelError(
            "'{variable}' has {count} subscripts ({dims}), not {given}.",
            variable=variable.name,
            count=len(coordinates),
            dims=dims,
            given=len(elements),
        )
    found = []
    for element, known in zip(elements, coordinates, strict=True):
        match = next((k for k in known if name_key(k) == name_key(element)), None)
        if match is None:
            raise ModelError(
                "'{variable}' has no element '{element}'.{hint} It has {known}.",
                variable=variable.name,
                element=element,
                hint=nearest(element, known),
                known=listed(known),
            )
        found.append(match)
    return tuple(found)


class ValueReader:
    """Reads parameters and series for one run; problems are ValueError or TypeError, "is …. remedy".

    `members` is the number of draws, once a value with draws has been read.
    """

    def __init__(self, structure: Structure, times: np.ndarray) -> None:
        self.structure, self.times = structure, times
        self.members: int | None = None

    def _shape(self, variable: Variable) -> tuple[int, ...]:
        return tuple(len(known) for known in self.structure.coordinates(variable.name).values())

    def numbers(self, variable: Variable, elements: tuple[str, ...] | None, value: Any) -> np.ndarray:
        """Return (members or 1, *dims) numbers, NaN where not given."""
        shape = self._shape(variable)
        if elements is not None:
            inner = _array(value)
            if inner.ndim > 1:
                raise ValueError(
                    tell("has {ndim} dimensions. Give one number, or one per draw.", ndim=inner.ndim)
                )
            return self._placed(variable, elements, np.atleast_1d(self._drawn(inner, inner.ndim == 1)))
        if isinstance(value, Mapping):
            return self._from_mapping(variable, value)
        if hasattr(value, "dims"):
            return self._from_labelled(variable, value, with_time=False)
        array = _array(value)
        if array.ndim == 0:
            return np.broadcast_to(self._finite(array), (1, *shape)).copy()
        if array.shape == shape:
            return self._finite(array)[None]
        if array.shape[1:] == shape:
            return self._drawn(array, True)
        wanted = " x ".join(f"{size} {dim}" for size, dim in zip(shape, variable.dims, strict=True))
        raise ValueError(
            tell(
                "has shape {shape}. Give {wanted}, or that per draw in front.",
                shape=array.shape,
                wanted=wanted or tell("one number"),
            )
        )

    def _from_mapping(self, variable: Variable, value: Mapping[Any, Any]) -> np.ndarray:
        result = np.full((1, *self._shape(variable)), np.nan)
        for key, number in value.items():
            parts = key if isinstance(key, tuple) else tuple(str(key).split(","))
            elements = find_elements(self.structure, variable, tuple(str(part).strip() for part in parts))
            result = overlaid(result, self.numbers(variable, elements, number))
        return result

    def _from_labelled(self, variable: Variable, value: Any, with_time: bool) -> np.ndarray:
        """Return numbers from a DataArray, in the model's order: (members or 1, [points,] *dims)."""
        coordinates = self.structure.coordinates(variable.name)
        leading = [DRAW, TIME] if with_time else [DRAW]
        unknown = [str(dim) for dim in value.dims if dim not in {*leading, *coordinates}]
        if unknown:
            raise ValueError(
                tell(
                    "has dimension '{unknown}'. Use {leading}.",
                    unknown=unknown[0],
                    leading=listed([*leading, *coordinates]),
                )
            )
        for dim, known in coordinates.items():
            if dim not in value.dims:
                value = value.expand_dims({dim: list(known)})
            elif dim in value.coords:
                missing = [k for k in known if k not in value[dim].values]
                if missing:
                    raise ValueError(
                        tell(
                            "has no '{missing}' along '{dim}'. Give every element.",
                            missing=missing[0],
                            dim=dim,
                        )
                    )
                value = value.sel({dim: list(known)})
            elif value.sizes[dim] != len(known):
                raise ValueError(
                    tell(
                        "has {size} along '{dim}'. Give {count}.",
                        size=value.sizes[dim],
                        dim=dim,
                        count=len(known),
                    )
                )
        drawn = DRAW in value.dims
        order = [dim for dim in (*leading, *coordinates) if dim in value.dims]
        array = np.asarray(value.transpose(*order).values, float)
        return self._drawn(array, True) if drawn else self._finite(array)[None]

    def series(self, variable: Variable, elements: tuple[str, ...] | None, value: Any) -> np.ndarray:
        """Return (members or 1, points, *dims): linear between the times given, flat outside."""
        if hasattr(value, "dims"):
            if TIME not in value.dims or TIME not in value.coords:
                raise ValueError(
                    tell(
                        "has no '{time}' coordinate. Give a DataArray over {time}, or a pandas Series.",
                        time=TIME,
                    )
                )
            index = value[TIME].values
            bare = Variable(variable.name, variable.kind)
            array = (self._from_labelled(bare, value, with_time=True) if elements is not None
                     else self._from_labelled(variable, value, with_time=True))  # fmt: skip
        elif hasattr(value, "index") and hasattr(value, "to_numpy"):
            index, array = value.index.to_numpy(), self._finite(_array(value.to_numpy()))
            if array.ndim != 1:
                raise ValueError(
                    tell("is a table. Give a pandas Series, or a DataArray over time and subscripts.")
                )
            array = array[None].reshape((1, len(index)) + (1,) * (0 if elements else len(variable.dims)))
        else:
            raise TypeError(
                tell("is no time series. Give a pandas Series (index: time) or a DataArray over time.")
            )
        along = self._interpolated(index, array)
        if elements is not None:
            return self._placed(variable, elements, along)
        return np.broadcast_to(along, (*along.shape[:2], *self._shape(variable))).copy()

    def _interpolated(self, index: np.ndarray, array: np.ndarray) -> np.ndarray:
        try:
            index = np.asarray(index, float)
        except (TypeError, ValueError):
            raise ValueError(
                tell("has an index that is not numbers. Use the model's time, for example 2024.0.")
            ) from None
        if len(index) == 0 or not np.isfinite(index).all() or len(np.unique(index)) < len(index):
            raise ValueError(tell("has an empty, repeated or missing time. Give each time once."))
        order = np.argsort(index)
        index, array = index[order], array[:, order]
        times = np.clip(self.times, index[0], index[-1])
        right = np.clip(np.searchsorted(index, times), 1, max(len(index) - 1, 1))
        if len(index) == 1:
            return np.repeat(array, len(times), axis=1)
        left = right - 1
        share = ((times - index[left]) / (index[right] - index[left])).reshape(
            (-1,) + (1,) * (array.ndim - 2)
        )
        between = array[:, left] + share * (array[:, right] - array[:, left])
        return np.where(share == 1, array[:, right], between)

    def _placed(self, variable: Variable, elements: tuple[str, ...], values: np.ndarray) -> np.ndarray:
        """Return values put at one element, NaN elsewhere; leading axes kept."""
        known = self.structure.coordinates(variable.name).values()
        place = tuple(list(names).index(e) for names, e in zip(known, elements, strict=True))
        result = np.full((*values.shape, *self._shape(variable)), np.nan)
        where: tuple[Any, ...] = (..., *place)
        result[where] = values
        return result

    def _drawn(self, array: np.ndarray, drawn: bool) -> np.ndarray:
        """Check finiteness, and that all parameters given per draw have as many draws."""
        if drawn:
            size = array.shape[0]
            if self.members not in (None, size):
                raise ValueError(
                    tell(
                        "has {size} draws where another parameter has {members}.",
                        size=size,
                        members=self.members,
                    )
                )
            if size == 0:
                raise ValueError(tell("has no draws. Give at least one."))
            self.members = size
        return self._finite(array)

    def _finite(self, array: np.ndarray) -> np.ndarray:
        if not np.isfinite(array).all():
            bad = np.asarray(array)[~np.isfinite(array)].flat[0]
            raise ValueError(tell("is {bad}. Give a finite number.", bad=bad))
        return array


def _array(value: Any) -> np.ndarray:
    try:
        several = value if isinstance(value, (list, tuple)) else [value]
        if np.asarray(value).dtype.kind in "mMS" or any(isinstance(one, (bool, np.bool_)) for one in several):
            raise TypeError(value)
        return np.asarray(value, float)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(tell("is {value!r}, not a number. Give a number.", value=value)) from None


def overlaid(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return `above` where it is given, `below` where it is NaN."""
    return np.where(np.isnan(above), below, above)
