"""The bench on which the article's figures are measured: many small runs, done together.

A case is one run described by its inputs: scenario, city, changed constants. Cases
of one horizon become one run side by side, so that a whole table of evidence
costs two passes of the native engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import SCENARIO, TIME
from talent_sd.base.errors import InputError, nearest
from talent_sd.engine.lanes import side_by_side

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model
    from talent_sd.inputs import City
    from talent_sd.inputs.national_paths import NationalPath
    from talent_sd.inputs.readings import Reading

AVERAGE = "average"
"""The city whose figures are the model's own: the nation's mean of 2022."""
END = 2034.0
"""Last year of the ten that experiments and laws look ahead, the model's own."""
LONG_HORIZON = 2050.0
SAVES_PER_YEAR = 16
EDGE = 0.01
"""Part by which a search keeps a condition from just failing."""
TWENTIETH = 0.05
"""Of a condition's number: what counts as much as one tolerance."""
NEVER = 20.0
"""What a condition lacks that is far from holding, in tolerances."""
Curve = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Case:
    """One run, by its inputs.

    Parameters
    ----------
    scenario : a shipped name
    city : a shipped name, or "average" for the nation's mean city
    changes : constant -> value ("name" or "name[element]"), on top of scenario and city
    shifts : constant -> what is added to the city's own value
    long : follow it to 2050 instead of the model's own end
    """

    scenario: str = "baseline"
    city: str = "hefei"
    changes: Mapping[str, float] = field(default_factory=dict)
    shifts: Mapping[str, float] = field(default_factory=dict)
    long: bool = False


class Trace:
    """What one case did: arrays over time, by variable (and element).

    Parameters
    ----------
    data : dims (time, ...), or (scenario, time, ...) with the number of the case among them
    """

    def __init__(self, data: xr.Dataset, number: int | None = None) -> None:
        self.data = data
        self.number = number
        self.time = np.asarray(data[TIME].values, float)

    def series(self, name: str, element: str | None = None) -> np.ndarray:
        """Return a variable over time; a subscripted one summed over its elements, or one element's."""
        array = self.data.variables[name]  # plain arrays: xarray's own selection takes longer than the run
        values, dims = array.values, [str(dim) for dim in array.dims]
        if self.number is not None and SCENARIO in dims:
            values = np.take(values, self.number, axis=dims.index(SCENARIO))
            dims.remove(SCENARIO)
        others = [dim for dim in dims if dim != TIME]
        if not others:
            return np.asarray(values, float)
        if element is None:
            return np.asarray(values.sum(axis=tuple(dims.index(dim) for dim in others)), float)
        place = self.data[others[0]].values.tolist().index(element)
        return np.asarray(np.take(values, place, axis=dims.index(others[0])), float)

    def at(self, name: str, time: float, element: str | None = None) -> float:
        """Return a variable's value at a time that was saved."""
        return float(self.series(name, element)[self._index(time)])

    def mean(self, name: str, start: float, end: float, element: str | None = None) -> float:
        """Return a variable's mean over [start, end): what flows in that span, per year."""
        first, last = self._index(start), self._index(end)
        return float(self.series(name, element)[first:last].mean())

    def total(self, name: str, start: float, end: float, element: str | None = None) -> float:
        """Return what a flow amounts to over [start, end)."""
        return self.mean(name, start, end, element) * (end - start)

    def _index(self, time: float) -> int:
        found = int(np.argmin(np.abs(self.time - time)))
        if abs(self.time[found] - time) > 0.5 / SAVES_PER_YEAR:
            raise ValueError(f"time {time:g} was not saved")
        return found


class Laboratory:
    """Runs cases on a model.

    Parameters
    ----------
    model : as `load_model` gives it
    outputs : variables that the measurements read, and no others: the kernel drops the rest
    engine : "auto", "kernel", "arrays" or "pysd"
    reading : assumptions under those of the cases' scenarios; none by default
    """

    def __init__(
        self, model: Model, outputs: Iterable[str], engine: str = "auto", reading: Reading | None = None
    ) -> None:
        self.model = model
        self.engine = engine
        self.reading = reading
        self.outputs = sorted(set(outputs))
        self._resolved: dict[tuple[str, str], dict[str, Any]] = {}
        self._contexts: dict[str, NationalPath] = {}
        self._places: dict[str, City] = {}
        self._defaults: dict[str, float] | None = None

    def constants(self) -> dict[str, float]:
        """Return the model's own value of every constant: "name", or "name[element]"."""
        if self._defaults is None:
            names = [v.name for v in self.model.structure.variables.values() if v.kind == "constant"]
            start = self.model.structure.time["INITIAL TIME"]
            run = self.model.run(outputs=names, engine=self.engine, final_time=start, times=[start])
            self._defaults = {}
            for name in names:
                values = run[name].isel({TIME: 0})
                dims = list(values.dims)
                if not dims:
                    self._defaults[name] = float(values)
                    continue
                for element in values[dims[0]].values.tolist():
                    self._defaults[f"{name}[{element}]"] = float(values.sel({dims[0]: element}))
        return self._defaults

    def run(
        self, cases: Mapping[str, Case], everywhere: Sequence[Mapping[str, float]] | None = None
    ) -> list[dict[str, Trace]]:
        """Run cases, once for each set of values given to all of them.

        Parameters
        ----------
        cases : by name
        everywhere : constants set in every case, one mapping for each repetition; by default
            one repetition with none

        Returns
        -------
        for each repetition, the traces by the cases' names

        Raises
        ------
        InputError
            If a case names an unknown constant, or gives one outside its limits.
        """
        repetitions = [{}] if everywhere is None else list(everywhere)
        found: list[dict[str, Trace]] = [{} for _ in repetitions]
        for long in (False, True):
            names = [name for name, case in cases.items() if case.long == long]
            if not names:
                continue
            lanes = [self._lane(cases[name], values) for values in repetitions for name in names]
            run = self.run_lanes(lanes, self._grid(LONG_HORIZON if long else None))
            for number in range(len(lanes)):
                repetition, which = divmod(number, len(names))
                found[repetition][names[which]] = Trace(run, number)
        return found

    def _grid(self, end: float | None) -> np.ndarray:
        """Return the saved times from the model's start to a year, the model's own end by default."""
        start = self.model.structure.time["INITIAL TIME"]
        last = self.model.structure.time["FINAL TIME"] if end is None else end
        return start + np.arange(round((last - start) * SAVES_PER_YEAR) + 1) / SAVES_PER_YEAR

    def _lane(self, case: Case, values: Mapping[str, float]) -> dict[str, Any]:
        """Return all inputs of one run: the city's and the scenario's, those given, the case's own."""
        lane = {**self.inputs(case), **values, **case.changes}
        for key, shift in case.shifts.items():
            lane[key] = (lane[key] if key in lane else self._own(key)) + shift
        return lane

    def run_lanes(
        self, lanes: Sequence[Mapping[str, Any]], times: Sequence[float] | np.ndarray
    ) -> xr.Dataset:
        """Run inputs side by side, up to the last of the times.

        Parameters
        ----------
        lanes : for each run, constant -> value, or lookup -> (x, y)
        times : points of time to return

        Returns
        -------
        dims (scenario, time, ...), a scenario for each of the lanes
        """
        return self.model.run(
            params=side_by_side(lanes, self._own),
            outputs=self.outputs,
            engine=self.engine,
            final_time=float(max(times)),
            times=times,
        )

    def _own(self, key: str) -> float:
        """Return the model's own value of a constant that this lane leaves alone."""
        known = self.constants()
        if key not in known:
            raise InputError(
                "no constant '{key}' in {name}.{hint}",
                key=key,
                name=self.model.path.name,
                hint=nearest(key, known),
            )
        return known[key]

    def inputs(self, case: Case) -> dict[str, Any]:
        """Return a case's parameters, subscripted ones element by element."""
        key = (case.scenario, case.city)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(*key)
        return self._resolved[key]

    def _resolve(self, scenario: str, city: str) -> dict[str, Any]:
        from talent_sd.inputs import load_city, load_scenario, read_mapping, resolve_scenario
        from talent_sd.inputs.resolved_inputs import named_context

        average = city == AVERAGE
        structure = self.model.structure
        place = "hefei" if average else city
        loaded = load_scenario(scenario)
        named = str(loaded.context)  # with the file that says so
        if named not in self._contexts:
            self._contexts[named] = named_context(loaded)
        if place not in self._places:
            self._places[place] = load_city(place)
        resolved = resolve_scenario(
            loaded, self._places[place], structure, context=self._contexts[named], reading=self.reading
        )
        params = dict(resolved.params())
        if average:
            for name in read_mapping().content.constants:
                params.pop(name, None)
        return params


Traces = Mapping[str, Trace]


@dataclass(frozen=True)
class Measurement:
    """What came out of an experiment.

    Parameters
    ----------
    value : in the figure's unit; None where the figure is a statement without a number
    conditions : what else must hold, in words, and whether it does
    shown : further numbers that a reader wants beside it
    lacking : how far the conditions with a number are from holding, 0 where they hold with a margin,
        in twentieths of what they ask (see `short`). A search steers by it
    stand_in : where `value` is infinite, how many tolerances off it is taken to be
    """

    value: float | None
    conditions: tuple[tuple[str, bool], ...] = ()
    shown: Mapping[str, float] = field(default_factory=dict)
    lacking: float = 0.0
    stand_in: float = 0.0

    @property
    def broken(self) -> tuple[str, ...]:
        """Return the conditions that do not hold."""
        return tuple(text for text, holds in self.conditions if not holds)


@dataclass(frozen=True)
class Experiment:
    """A figure's experiment: which runs, which outputs, what is made of them.

    Parameters
    ----------
    name : as models/evidence.yaml calls it
    cases : the runs, by name; they differ in inputs, never in equations
    reads : the variables that `measure` reads
    measure : from the runs to the figure
    """

    name: str
    cases: Mapping[str, Case]
    reads: tuple[str, ...]
    measure: Callable[[Traces], Measurement]


def short(smaller: float, larger: float) -> float:
    """Return how far one number is from being a hundredth smaller than another, in twentieths of it; 0 if it is.

    >>> short(1.0, 2.0), round(short(1.1, 1.0), 1)
    (0.0, 2.2)
    """
    return max(smaller / larger - 1 + EDGE, 0.0) / TWENTIETH if larger > 0 else NEVER


def gap(without: Trace, with_it: Trace, name: str, start: float, end: float) -> float:
    """Return how much more a variable averages over [start, end) without than with."""
    return without.mean(name, start, end) - with_it.mean(name, start, end)
