"""What a user asks of a run, checked against the model and brought into one form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.errors import ModelError, nearest
from talent_sd.engine.times import matching_points, saved_points, time_points
from talent_sd.model.names import name_key
from talent_sd.model.structure import Structure, Variable

_ELEMENT = re.compile(r"^(?P<name>.*?)\s*\[(?P<elements>[^\[\]]*)\]$", re.DOTALL)
_TIME_ARGUMENTS = {"initial_time": "initial_time", "final_time": "final_time", "time_step": "time_step",
                   "saveper": "times"}  # fmt: skip


@dataclass
class Request:
    """A run in numbers, by variable name.

    `constants`: (members or 1, *dims), NaN where the model's own value stands.
    `series`: values at every time point, (members or 1, points, *dims), in place of the
    equation; NaN elements keep it. `tables`: (name, elements or None for all) -> (x, y).
    """

    times: np.ndarray
    time_step: float
    save: np.ndarray
    outputs: tuple[str, ...]
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    series: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[tuple[str, tuple[str, ...] | None], tuple[np.ndarray, np.ndarray]] = field(
        default_factory=dict
    )
    members: int | None = None
    seed: int = 0

    @property
    def lanes(self) -> int:
        """How many members run, a run without draws being one."""
        return 1 if self.members is None else self.members


def build_request(
    structure: Structure,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    outputs: Sequence[str] | None = None,
    *,
    initial_time: float | None = None,
    final_time: float | None = None,
    time_step: float | None = None,
    times: Sequence[float] | np.ndarray | None = None,
    seed: int = 0,
) -> Request:
    """Check what is asked of a run; parameters as in `Model.run`.

    Raises
    ------
    ModelError
        With every problem found.
    """
    points, step, save = _time_grid(structure, initial_time, final_time, time_step, times)
    checker = _Checker(structure, Request(points, step, save, (), seed=int(seed)))
    checker.request.outputs = checker.outputs(outputs)
    for name, value in (params or {}).items():
        checker.param(name, value)
    for name, value in (inputs or {}).items():
        checker.input(name, value)
    if checker.problems:
        raise ModelError(checker.problems)
    return checker.request


def _time_grid(
    structure: Structure, initial: float | None, final: float | None, step: float | None,
    times: Sequence[float] | np.ndarray | None,
) -> tuple[np.ndarray, float, np.ndarray]:  # fmt: skip
    given = {"INITIAL TIME": initial, "FINAL TIME": final, "TIME STEP": step}
    values: dict[str, float] = {}
    for name, value in given.items():
        if value is None and name not in structure.time:
            raise ModelError(f"the model gives no fixed {name}. Give {name.lower().replace(' ', '_')}=.")
        values[name] = float(structure.time[name] if value is None else value)
        if not np.isfinite(values[name]):
            raise ModelError(f"{name.lower().replace(' ', '_')} is {values[name]}. Give a finite number.")
    start, end, dt = values.values()
    if dt <= 0:
        raise ModelError(f"time_step is {dt:g}. Give a number above 0.")
    if end < start:
        raise ModelError(f"final_time {end:g} lies before initial_time {start:g}. Exchange or correct them.")
    if (end - start) / dt > 10_000_000:
        raise ModelError(f"{(end - start) / dt:.0f} steps from {start:g} to {end:g}. Use a longer time_step.")
    points = time_points(start, end, dt)
    if times is not None:
        return points, dt, matching_points(points, np.unique(np.asarray(times, float)).tolist())
    saveper = structure.time.get("SAVEPER", dt)
    if step is not None and saveper == structure.time.get("TIME STEP"):
        saveper = dt
    return points, dt, saved_points(points, max(saveper, dt), dt)


class _Checker:
    """Collects the problems of one request."""

    def __init__(self, structure: Structure, request: Request) -> None:
        self.structure, self.request = structure, request
        self.problems: list[str] = []
        self.seen: dict[str, str] = {}

    def outputs(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """Return the names of the variables to return."""
        if names is None:
            kinds = {"lookup", "time"}
            return tuple(name for name, v in self.structure.variables.items() if v.kind not in kinds)
        if isinstance(names, str):
            names = [names]
        found: dict[str, None] = {}
        for name in names:
            variable = self.structure.find(name)
            if variable is None:
                hint = nearest(name, self.structure.variables)
                self.problems.append(f"unknown output '{name}'.{hint}")
            elif variable.kind == "lookup":
                self.problems.append(
                    f"output '{variable.name}' is a lookup: it has no value of its own. Leave it out."
                )
            else:
                found[variable.name] = None
        if not found and not self.problems:
            self.problems.append("no outputs asked for. Name at least one variable.")
        return tuple(found)

    def param(self, name: str, value: Any) -> None:
        """Take in one parameter."""
        target = self._target(name, "parameter")
        if target is None:
            return
        variable, elements = target
        if variable.kind == "lookup":
            self._table(variable, elements, value)
            return
        try:
            numbers = self._numbers(variable, elements, value)
        except (TypeError, ValueError) as error:
            self.problems.append(f"'{name}' {error}")
            return
        if not self._in_range(variable, numbers):
            return
        if variable.kind in {"constant", "data"} and variable.name not in self.request.series:
            self._merge(self.request.constants, variable.name, numbers)
        else:
            repeated = np.repeat(numbers[:, None], len(self.request.times), axis=1)
            self._merge(self.request.series, variable.name, repeated)

    def input(self, name: str, value: Any) -> None:
        """Take in one time-varying input."""
        target = self._target(name, "input")
        if target is None:
            return
        variable, elements = target
        if variable.kind == "lookup":
            self.problems.append(
                f"'{variable.name}' is a lookup, not a variable over time. Give it in params=."
            )
            return
        try:
            numbers = self._series(variable, elements, value)
        except (TypeError, ValueError) as error:
            self.problems.append(f"input '{name}' {error}")
            return
        if self._in_range(variable, numbers):
            self._merge(self.request.series, variable.name, numbers)

    # -- names -------------------------------------------------------------------------------------

    def _target(self, name: str, what: str) -> tuple[Variable, tuple[str, ...] | None] | None:
        """Return the variable, and the elements if the key names some; None after noting a problem."""
        variable, elements = self.structure.find(name), None
        bracket = _ELEMENT.match(name)
        if variable is None and bracket:
            variable = self.structure.find(bracket["name"])
            elements = tuple(part.strip() for part in bracket["elements"].split(","))
        if variable is None:
            hint = nearest(name, self.structure.variables)
            self.problems.append(f"unknown {what} '{name}'.{hint}")
            return None
        if variable.kind == "stock":
            flows = ", ".join(f"'{cause}'" for cause in variable.depends_on if cause != variable.name)
            self.problems.append(
                f"'{variable.name}' is a stock: its value follows from its flows. Change what it "
                f"starts from or flows by instead: {flows or 'give them names in the model'}."
            )
            return None
        if variable.kind == "time":
            argument = _TIME_ARGUMENTS[name_key(variable.name)]
            self.problems.append(f"'{variable.name}' is set by {argument}=, not as a {what}.")
            return None
        found = None if elements is None else self._elements(variable, elements)
        if elements is not None and found is None:
            return None
        label = variable.name + (f"[{','.join(found)}]" if found else "")
        overlap = [
            key
            for key in self.seen
            if key == label
            or key == variable.name
            or (label == variable.name and key.startswith(f"{label}["))
        ]
        if overlap:
            self.problems.append(f"'{label}' is given twice (as {self.seen[overlap[0]]} too). Give it once.")
            return None
        self.seen[label] = what
        return variable, found

    def _elements(self, variable: Variable, elements: tuple[str, ...]) -> tuple[str, ...] | None:
        coordinates = list(self.structure.coordinates(variable.name).values())
        if len(elements) != len(coordinates):
            dims = ", ".join(variable.dims) or "none"
            self.problems.append(
                f"'{variable.name}' has {len(coordinates)} subscripts ({dims}), not {len(elements)}."
            )
            return None
        found = []
        for element, known in zip(elements, coordinates, strict=True):
            match = next((k for k in known if name_key(k) == name_key(element)), None)
            if match is None:
                self.problems.append(
                    f"'{variable.name}' has no element '{element}'.{nearest(element, known)} "
                    f"It has {', '.join(known)}."
                )
                return None
            found.append(match)
        return tuple(found)

    # -- values ------------------------------------------------------------------------------------

    def _shape(self, variable: Variable) -> tuple[int, ...]:
        return tuple(len(known) for known in self.structure.coordinates(variable.name).values())

    def _numbers(self, variable: Variable, elements: tuple[str, ...] | None, value: Any) -> np.ndarray:
        """Return (members or 1, *dims) numbers, NaN where not given."""
        shape = self._shape(variable)
        if elements is not None:
            inner = _array(value)
            if inner.ndim > 1:
                raise ValueError(f"has {inner.ndim} dimensions. Give one number, or one per draw.")
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
            f"has shape {array.shape}. Give {wanted or 'one number'}, or that per draw in front."
        )

    def _from_mapping(self, variable: Variable, value: Mapping[Any, Any]) -> np.ndarray:
        result = np.full((1, *self._shape(variable)), np.nan)
        for key, number in value.items():
            parts = key if isinstance(key, tuple) else tuple(str(key).split(","))
            elements = self._elements(variable, tuple(str(part).strip() for part in parts))
            if elements is not None:
                result = _overlaid(result, self._numbers(variable, elements, number))
        return result

    def _from_labelled(self, variable: Variable, value: Any, with_time: bool) -> np.ndarray:
        """Return numbers from a DataArray, in the model's order: (members or 1, [points,] *dims)."""
        coordinates = self.structure.coordinates(variable.name)
        leading = [DRAW, TIME] if with_time else [DRAW]
        unknown = [str(dim) for dim in value.dims if dim not in {*leading, *coordinates}]
        if unknown:
            raise ValueError(f"has dimension '{unknown[0]}'. Use {', '.join([*leading, *coordinates])}.")
        for dim, known in coordinates.items():
            if dim not in value.dims:
                value = value.expand_dims({dim: list(known)})
            elif dim in value.coords:
                missing = [k for k in known if k not in value[dim].values]
                if missing:
                    raise ValueError(f"has no '{missing[0]}' along '{dim}'. Give every element.")
                value = value.sel({dim: list(known)})
            elif value.sizes[dim] != len(known):
                raise ValueError(f"has {value.sizes[dim]} along '{dim}'. Give {len(known)}.")
        drawn = DRAW in value.dims
        order = [dim for dim in (*leading, *coordinates) if dim in value.dims]
        array = np.asarray(value.transpose(*order).values, float)
        return self._drawn(array, True) if drawn else self._finite(array)[None]

    def _series(self, variable: Variable, elements: tuple[str, ...] | None, value: Any) -> np.ndarray:
        """Return (members or 1, points, *dims): linear between the times given, flat outside."""
        if hasattr(value, "dims"):
            if TIME not in value.dims or TIME not in value.coords:
                raise ValueError(
                    f"has no '{TIME}' coordinate. Give a DataArray over {TIME}, or a pandas Series."
                )
            index = value[TIME].values
            bare = Variable(variable.name, variable.kind)
            array = (self._from_labelled(bare, value, with_time=True) if elements is not None
                     else self._from_labelled(variable, value, with_time=True))  # fmt: skip
        elif hasattr(value, "index") and hasattr(value, "to_numpy"):
            index, array = value.index.to_numpy(), self._finite(_array(value.to_numpy()))
            if array.ndim != 1:
                raise ValueError("is a table. Give a pandas Series, or a DataArray over time and subscripts.")
            array = array[None].reshape((1, len(index)) + (1,) * (0 if elements else len(variable.dims)))
        else:
            raise TypeError("is no time series. Give a pandas Series (index: time) or a DataArray over time.")
        along = self._interpolated(index, array)
        if elements is not None:
            return self._placed(variable, elements, along)
        return np.broadcast_to(along, (*along.shape[:2], *self._shape(variable))).copy()

    def _interpolated(self, index: np.ndarray, array: np.ndarray) -> np.ndarray:
        try:
            index = np.asarray(index, float)
        except (TypeError, ValueError):
            raise ValueError(
                "has an index that is not numbers. Use the model's time, for example 2024.0."
            ) from None
        if len(index) == 0 or not np.isfinite(index).all() or len(np.unique(index)) < len(index):
            raise ValueError("has an empty, repeated or missing time. Give each time once.")
        order = np.argsort(index)
        index, array = index[order], array[:, order]
        times = np.clip(self.request.times, index[0], index[-1])
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
            if self.request.members not in (None, size):
                raise ValueError(f"has {size} draws where another parameter has {self.request.members}.")
            if size == 0:
                raise ValueError("has no draws. Give at least one.")
            self.request.members = size
        return self._finite(array)

    def _finite(self, array: np.ndarray) -> np.ndarray:
        if not np.isfinite(array).all():
            bad = np.asarray(array)[~np.isfinite(array)].flat[0]
            raise ValueError(f"is {bad}. Give a finite number.")
        return array

    def _in_range(self, variable: Variable, numbers: np.ndarray) -> bool:
        low, high = variable.limits
        for limit, outside, word in ((low, np.less, "below"), (high, np.greater, "above")):
            if limit is not None and np.isfinite(limit) and outside(numbers, limit).any():
                worst = np.nanmin(numbers) if word == "below" else np.nanmax(numbers)
                bounds = f"[{'?' if low is None else f'{low:g}'}, {'?' if high is None else f'{high:g}'}]"
                self.problems.append(
                    f"'{variable.name}' is {worst:g}, {word} the model's limits {bounds}"
                    f"{' ' + variable.unit if variable.unit else ''}."
                )
                return False
        return True

    def _merge(self, store: dict[str, np.ndarray], name: str, numbers: np.ndarray) -> None:
        store[name] = _overlaid(store[name], numbers) if name in store else numbers

    def _table(self, variable: Variable, elements: tuple[str, ...] | None, value: Any) -> None:
        """Take in a lookup's points."""
        if hasattr(value, "index") and hasattr(value, "to_numpy"):
            value = (value.index.to_numpy(), value.to_numpy())
        try:
            x, y = (np.asarray(part, float) for part in value)
        except (TypeError, ValueError):
            self.problems.append(f"'{variable.name}' is a lookup. Give it a pandas Series or (x, y).")
            return
        order = np.argsort(x) if x.ndim == 1 else None
        if order is None or x.shape != y.shape or len(x) == 0 or not np.isfinite([x, y]).all():
            self.problems.append(f"lookup '{variable.name}' needs as many finite x as y, in one dimension.")
        elif np.any(np.diff(x[order]) == 0):
            self.problems.append(f"lookup '{variable.name}' has two points at one x. Remove one.")
        else:
            self.request.tables[variable.name, elements] = (x[order], y[order])


def _array(value: Any) -> np.ndarray:
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError):
        raise TypeError(f"is {value!r}, not a number. Give a number.") from None


def _overlaid(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(above), below, above)
