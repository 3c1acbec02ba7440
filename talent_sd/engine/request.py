"""What a user asks of a run, checked against the model and brought into one form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError, nearest
from talent_sd.base.language import apart, tell
from talent_sd.engine.given_values import ValueReader, find_elements, overlaid
from talent_sd.engine.time_points import matching_points, saved_points, time_points
from talent_sd.inputs.labels import shipped_labels
from talent_sd.model.names import name_key
from talent_sd.model.structure import Structure, Variable
from talent_sd.model.units import after_number

_ELEMENT = re.compile(r"^(?P<name>.*?)\s*\[(?P<elements>[^\[\]]*)\]$", re.DOTALL)
MOST_STEPS = 1_000_000
_TIME_ARGUMENTS = {"initial_time": "initial_time", "final_time": "final_time", "time_step": "time_step",
                   "saveper": "times"}  # fmt: skip


@dataclass
class Request:
    """A run in numbers, by variable name.

    `save`: the points to return, told under `saved_times`.
    `constants`: (members or 1, *dims), NaN where the model's own value stands.
    `series`: values at every time point, (members or 1, points, *dims), in place of the
    equation; NaN elements keep it. `tables`: (name, elements or None for all) -> (x, y).
    """

    times: np.ndarray
    time_step: float
    save: np.ndarray
    saved_times: np.ndarray
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
    points, step, save, saved = _time_grid(structure, initial_time, final_time, time_step, times)
    checker = _Checker(structure, Request(points, step, save, saved, (), seed=int(seed)))
    checker.request.outputs = checker.outputs(outputs)
    for name, value in (params or {}).items():
        checker.param(name, value)
    for name, value in (inputs or {}).items():
        checker.input(name, value)
    if checker.problems:
        raise ModelError(checker.problems)
    checker.request.members = checker.reader.members
    return checker.request


def _time_grid(
    structure: Structure, initial: float | None, final: float | None, step: float | None,
    times: Sequence[float] | np.ndarray | None,
) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:  # fmt: skip
    given = {"INITIAL TIME": initial, "FINAL TIME": final, "TIME STEP": step}
    values: dict[str, float] = {}
    for name, value in given.items():
        if value is None and name not in structure.time:
            raise ModelError(
                "the model gives no fixed {name}. Give {argument}=.",
                name=name,
                argument=name.lower().replace(" ", "_"),
            )
        values[name] = float(structure.time[name] if value is None else value)
        if not np.isfinite(values[name]):
            raise ModelError(
                "{name} is {value}. Give a finite number.",
                name=name.lower().replace(" ", "_"),
                value=values[name],
            )
    start, end, dt = values.values()
    if dt <= 0:
        raise ModelError("time_step is {dt:g}. Give a number above 0.", dt=dt)
    if end < start:
        raise ModelError(
            "final_time {end:g} lies before initial_time {start:g}. Exchange or correct them.",
            end=end,
            start=start,
        )
    if (end - start) / dt > MOST_STEPS:
        raise ModelError(
            "{steps:.0f} steps from {start:g} to {end:g}. Use a longer time_step.",
            steps=(end - start) / dt,
            start=start,
            end=end,
        )
    points = time_points(start, end, dt)
    if times is not None:
        wanted = [*map(float, times)] if isinstance(times, Iterable) else float(times)
        save = matching_points(points, np.unique(wanted).tolist())
        return points, dt, save, points[save]
    saveper = structure.time.get("SAVEPER", dt)
    if step is not None and saveper == structure.time.get("TIME STEP"):
        saveper = dt
    return points, dt, *saved_points(points, saveper, dt)


class _Checker:
    """Collects the problems of one request."""

    def __init__(self, structure: Structure, request: Request) -> None:
        self.structure, self.request = structure, request
        self.problems: list[str] = []
        self.seen: dict[str, str] = {}
        self.parameter, self.series = tell("parameter"), tell("input")
        self.reader = ValueReader(structure, request.times)

    def outputs(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """Return the names of the variables to return."""
        if names is None:
            kinds = {"lookup", "time"}
            return tuple(name for name, v in self.structure.variables.items() if v.kind not in kinds)
        if isinstance(names, str):
            names = [names]
        found: dict[str, None] = {}
        for name in names:
            variable = self.structure.find(name) or self.structure.find(shipped_labels().name_of(name))
            if variable is None:
                hint = nearest(name, self.structure.variables)
                self.problems.append(tell("unknown output '{name}'.{hint}", name=name, hint=hint))
            elif variable.kind == "lookup":
                self.problems.append(
                    tell(
                        "output '{variable}' is a lookup: it has no value of its own. Leave it out.",
                        variable=variable.name,
                    )
                )
            else:
                found[variable.name] = None
        if not found and not self.problems:
            self.problems.append(tell("no outputs asked for. Name at least one variable."))
        return tuple(found)

    def param(self, name: str, value: Any) -> None:
        """Take in one parameter."""
        target = self._target(name, self.parameter)
        if target is None:
            return
        variable, elements = target
        if variable.kind == "lookup":
            self._table(variable, elements, value)
            return
        try:
            numbers = self.reader.numbers(variable, elements, value)
        except ModelError as error:
            self.problems += error.problems
            return
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
        target = self._target(name, self.series)
        if target is None:
            return
        variable, elements = target
        if variable.kind == "lookup":
            self.problems.append(
                tell(
                    "'{variable}' is a lookup, not a variable over time. Give it in params=.",
                    variable=variable.name,
                )
            )
            return
        try:
            numbers = self.reader.series(variable, elements, value)
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
            self.problems.append(tell("unknown {what} '{name}'.{hint}", what=what, name=name, hint=hint))
            return None
        if variable.kind == "stock":
            flows = ", ".join(f"'{cause}'" for cause in variable.depends_on if cause != variable.name)
            self.problems.append(
                tell(
                    "'{variable}' is a stock: its value follows from its flows. Change what it starts from "
                    "or flows by instead: {flows}.",
                    variable=variable.name,
                    flows=flows or tell("give them names in the model"),
                )
            )
            return None
        if variable.kind == "time":
            argument = _TIME_ARGUMENTS[name_key(variable.name)]
            self.problems.append(
                tell(
                    "'{variable}' is set by {argument}=, not as a {what}.",
                    variable=variable.name,
                    argument=argument,
                    what=what,
                )
            )
            return None
        found = None
        if elements is not None:
            try:
                found = find_elements(self.structure, variable, elements)
            except ModelError as error:
                self.problems += error.problems
                return None
        label = variable.name + (f"[{','.join(found)}]" if found else "")
        overlap = [key for key in (label, variable.name) if key in self.seen]
        if found is None and not overlap and variable.dims:
            overlap = [key for key in self.seen if key.startswith(f"{label}[")]
        if overlap:
            self.problems.append(
                tell(
                    "'{label}' is given twice (as {seen} too). Give it once.",
                    label=label,
                    seen=self.seen[overlap[0]],
                )
            )
            return None
        self.seen[label] = what
        return variable, found

    def _in_range(self, variable: Variable, numbers: np.ndarray) -> bool:
        low, high = variable.limits
        for limit, outside in ((low, np.less), (high, np.greater)):
            if limit is not None and np.isfinite(limit) and outside(numbers, limit).any():
                worst = np.nanmin(numbers) if outside is np.less else np.nanmax(numbers)
                element = self._worst_element(variable, outside(numbers, limit))
                shown = apart(
                    worst=worst,
                    **{word: end for word, end in (("low", low), ("high", high)) if end is not None},
                )
                ends = [f"{shown[end]:g}" if end in shown else "?" for end in ("low", "high")]
                self.problems.append(
                    tell(
                        "'{variable}{element}' is {worst:g}, {word} the model's limits {bounds}{unit}.",
                        variable=variable.name,
                        element=element,
                        worst=shown["worst"],
                        word=tell("below") if outside is np.less else tell("above"),
                        bounds=f"[{', '.join(ends)}]",
                        unit=after_number(variable.unit),
                    )
                )
                return False
        return True

    def _worst_element(self, variable: Variable, outside: np.ndarray) -> str:
        """Return "[element]" of the only element outside its limits, "" if there are none or several."""
        known = list(self.structure.coordinates(variable.name).values())
        places = np.unique(np.argwhere(outside)[:, outside.ndim - len(known) :], axis=0)
        if not known or len(places) != 1:
            return ""
        return f"[{','.join(names[index] for names, index in zip(known, places[0], strict=True))}]"

    def _merge(self, store: dict[str, np.ndarray], name: str, numbers: np.ndarray) -> None:
        store[name] = overlaid(store[name], numbers) if name in store else numbers

    def _table(self, variable: Variable, elements: tuple[str, ...] | None, value: Any) -> None:
        """Take in a lookup's points."""
        if hasattr(value, "index") and hasattr(value, "to_numpy"):
            value = (value.index.to_numpy(), value.to_numpy())
        try:
            x, y = (np.asarray(part, float) for part in value)
        except (TypeError, ValueError):
            self.problems.append(
                tell("'{variable}' is a lookup. Give it a pandas Series or (x, y).", variable=variable.name)
            )
            return
        order = np.argsort(x) if x.ndim == 1 else None
        if order is None or x.shape != y.shape or len(x) == 0 or not np.isfinite([x, y]).all():
            self.problems.append(
                tell(
                    "lookup '{variable}' needs as many finite x as y, in one dimension.",
                    variable=variable.name,
                )
            )
        elif np.any(np.diff(x[order]) == 0):
            self.problems.append(
                tell("lookup '{variable}' has two points at one x. Remove one.", variable=variable.name)
            )
        else:
            self.request.tables[variable.name, elements] = (x[order], y[order])
