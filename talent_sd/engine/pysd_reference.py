"""PySD as the reference integrator: slow, trusted, and asked anew for every run.

PySD keeps parameters between runs, even failed ones, and writes a Python file
beside the model. Here that file lies in its own temporary folder, is loaded afresh
for every member of every run, and is gone with the reference.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.base.output_folders import scratch_folder
from talent_sd.engine.pysd_build import build_reference, load_fresh
from talent_sd.engine.pysd_safe_names import LOWERED, SafeNames, told_of
from talent_sd.engine.request import Request
from talent_sd.model.names import name_key
from talent_sd.model.structure import Structure
from talent_sd.model.subscripts import Subscripts
from talent_sd.model.translate import Source


@contextmanager
def built_reference(source: Source, structure: Structure, request: Request) -> Iterator[Reference]:
    """Give the model as PySD's Python file, to be run many times: building it costs seconds.

    Parameters
    ----------
    source : the translated model
    structure : of the same model
    request : its times, which the file holds, are those of every later run

    Raises
    ------
    ModelError
        If PySD cannot build it, with PySD's reason in one line.
    """
    _refuse_partial(structure, request)
    _refuse_crossed_mappings(source)
    with scratch_folder(Path(tempfile.gettempdir())) as folder:
        with _quiet(request.seed), told_of(source.path.name):
            file, names = build_reference(source, request, folder)
        yield Reference(file, source.path.name, structure, _clock(request), names)


@dataclass(frozen=True)
class Reference:
    """A model as PySD's Python file: no run leaves a trace in it. Travels to other processes.

    Attributes
    ----------
    file : PySD's Python file; another process may run it while the folder stands
    name : of the model's own file
    structure : of the model
    clock : first time, last time and step of its runs
    names : what stands in PySD's file for the model's own names
    """

    file: Path
    name: str
    structure: Structure
    clock: tuple[float, float, float]
    names: SafeNames

    def run(self, request: Request) -> dict[str, np.ndarray]:
        """Run the model in PySD, member by member.

        Returns
        -------
        output name -> (members, saved, *dims)

        Raises
        ------
        ModelError
            If PySD cannot run it so, with PySD's reason in one line.
        ValueError
            If the request's times are not those the reference was built for.
        """
        if _clock(request) != self.clock:
            raise ValueError(f"built for {self.clock} (first, last, step), not {_clock(request)}")
        _refuse_partial(self.structure, request)
        with _quiet(request.seed), told_of(self.name, self.names, self.file.parent):
            runs = [self._run_member(request, member) for member in range(request.lanes)]
        return {name: np.stack([run[name] for run in runs]) for name in request.outputs}

    def _run_member(self, request: Request, member: int) -> dict[str, np.ndarray]:
        """Return one member's outputs, (saved, *dims) each."""
        import pandas as pd

        # replaced tables must find the file's own ones loaded
        model = load_fresh(self.file, initialize=bool(request.tables))
        params: dict[str, Any] = {}
        given = {name: values[min(member, len(values) - 1)] for name, values in request.constants.items()}
        for name, values in self._filled(given).items():
            params[self._made_up(name)] = self._labelled(model, name, values, whole=True)
        for name, values in request.series.items():
            own = values[min(member, len(values) - 1)]
            points = np.empty(len(request.times), dtype=object if self.structure[name].dims else float)
            for point in range(len(points)):
                points[point] = self._labelled(model, name, own[point])
            params[self._made_up(name)] = pd.Series(points, index=request.times)
        for (name, _), (x, y) in request.tables.items():
            params[self._made_up(name)] = pd.Series(y, index=x)
        kept = request.times[request.save]
        outputs = {name: self._made_up(name) for name in request.outputs}
        frame = model.run(
            params=params,
            return_columns=list(dict.fromkeys(outputs.values())),
            return_timestamps=kept,
            final_time=float(request.times[-1]),
            reload=False,
            flatten_output=False,
        )
        return {name: self._values(frame[column], name, len(kept)) for name, column in outputs.items()}

    def _made_up(self, name: str) -> str:
        """Return what stands for a variable in PySD's file."""
        return self.names.variables[name_key(name)]

    def _elements(self, name: str) -> list[list[str]]:
        """Return what stands for the elements of a variable's dimensions, in the structure's order."""
        return [
            [self.names.elements[element] for element in known]
            for known in self.structure.coordinates(name).values()
        ]

    def _filled(self, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return constants' values with the model's own where none is given."""
        partial = [name for name, values in given.items() if np.isnan(values).any()]
        if not partial:
            return given
        model = _looked_at(self.file)
        own = {name: self._aligned(model[self._made_up(name)], name) for name in partial}
        return given | {name: np.where(np.isnan(given[name]), own[name], given[name]) for name in partial}

    def _labelled(self, model: Any, name: str, values: np.ndarray, whole: bool = False) -> Any:
        """Return a number, or a DataArray with PySD's own dimension names."""
        import xarray as xr

        if values.ndim == 0:
            # a whole number stays one: PySD takes no other as an order of SMOOTH or DELAY
            return int(values) if whole and float(values).is_integer() else float(values)
        _, dims = model.get_coords(self._made_up(name))
        array = xr.DataArray(values, dict(zip(dims, self._elements(name), strict=True)), list(dims))
        return array.reindex({dim: model.subscripts[dim] for dim in dims})

    def _aligned(self, value: Any, name: str) -> np.ndarray:
        """Return PySD's value as (*dims) in the structure's order, NaN where PySD has no such element."""
        elements = self._elements(name)
        if not hasattr(value, "dims") or not value.dims:
            return np.broadcast_to(np.asarray(value, float), [len(known) for known in elements]).copy()
        return np.asarray(value.reindex(dict(zip(value.dims, elements, strict=True))).values, float)

    def _values(self, column: Any, name: str, count: int) -> np.ndarray:
        if len(column) != count:
            raise ModelError(
                "PySD returned {count} of {wanted} time points of '{name}'.",
                count=len(column),
                wanted=count,
                name=name,
            )
        if not self.structure[name].dims:
            return np.asarray(column.to_numpy(), float)
        first = column.iloc[0]
        if hasattr(first, "dims") and all(
            list(first[dim].values) == known
            for dim, known in zip(first.dims, self._elements(name), strict=True)
        ):
            return np.stack([np.asarray(value.values, float) for value in column])
        return np.stack([self._aligned(value, name) for value in column])


def _clock(request: Request) -> tuple[float, float, float]:
    return float(request.times[0]), float(request.times[-1]), float(request.time_step)


def _refuse_partial(structure: Structure, request: Request) -> None:
    """PySD replaces whole variables: refuse single elements of an equation."""
    for name, values in request.series.items():
        if np.isnan(values).any():
            raise ModelError(
                "PySD cannot replace single elements of '{name}'. Give all of them, or engine=\"kernel\".",
                name=name,
            )
    for (name, elements), _ in request.tables.items():
        if elements is not None:
            raise ModelError(
                "PySD cannot replace single elements of lookup '{name}'. Use engine=\"kernel\".", name=name
            )


def _refuse_crossed_mappings(source: Source) -> None:
    """PySD pairs mapped ranges by position: refuse a mapping that names another order."""
    ranges = Subscripts(source.model.sections[0].subscripts, {}).ranges
    elements = {name_key(name): [name_key(e) for e in known] for name, known in ranges.items()}
    for name, targets in source.mappings.items():
        for target, order in targets.items():
            if order and [name_key(e) for e in order] != elements.get(name_key(target)):
                raise ModelError(
                    "{source}: PySD cannot map '{name}' to '{target}' in another order than that of "
                    "'{target}'. Use engine=\"kernel\".",
                    source=source.path.name,
                    name=name,
                    target=target,
                )


@contextmanager
def _quiet(seed: int) -> Iterator[None]:
    """Silence PySD's warnings; give its global random state a seed and put the old one back."""
    state = np.random.get_state()  # noqa: NPY002 - PySD draws from numpy's global state
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message=LOWERED)
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


@lru_cache(maxsize=4)
def _looked_at(file: Path) -> Any:
    """Return a file's model that never runs: its constants stay the file's own."""
    return load_fresh(file, initialize=True)
