"""PySD as the reference integrator: slow, trusted, and asked anew for every run.

PySD keeps parameters between runs, even failed ones, and writes a Python file
beside the model. Here each call builds in its own temporary folder, loads afresh
for every member, and leaves nothing behind.
"""

from __future__ import annotations

import copy
import dataclasses
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.engine.request import Request
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.structure import Structure
from talent_sd.model.subscripts import Subscripts
from talent_sd.model.syntax import children, kind_of, walk
from talent_sd.model.translate import Source


def run_reference(source: Source, structure: Structure, request: Request) -> dict[str, np.ndarray]:
    """Run a model in PySD, member by member.

    Parameters
    ----------
    source : the translated model
    structure : of the same model
    request : what to run

    Returns
    -------
    output name -> (members, saved, *dims)

    Raises
    ------
    ModelError
        If PySD cannot run it so, with PySD's reason in one line.
    """
    _refuse_partial(structure, request)
    _refuse_crossed_mappings(source)
    with tempfile.TemporaryDirectory(prefix="talent_sd-") as folder, _quiet(request.seed):
        try:
            file = _build(source, request, Path(folder))
            model = _fresh(file)
            names = {name_key(key): key for key in model.namespace}
            outputs = {name: names[name_key(name)] for name in request.outputs}
            runs = [
                _run_member(file, structure, request, outputs, names, member)
                for member in range(request.lanes)
            ]
        except ModelError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                f"{source.path.name}: PySD cannot run this: {type(error).__name__}: {reason}"
            ) from error
    return {name: np.stack([run[name] for run in runs]) for name in outputs}


def _refuse_partial(structure: Structure, request: Request) -> None:
    """PySD replaces whole variables: refuse single elements of an equation."""
    for name, values in request.series.items():
        if np.isnan(values).any():
            raise ModelError(
                f"PySD cannot replace single elements of '{name}'. Give all of them, or engine=\"kernel\"."
            )
    for (name, elements), _ in request.tables.items():
        if elements is not None:
            raise ModelError(
                f"PySD cannot replace single elements of lookup '{name}'. Use engine=\"kernel\"."
            )


def _refuse_crossed_mappings(source: Source) -> None:
    """PySD pairs mapped ranges by position: refuse a mapping that names another order."""
    ranges = Subscripts(source.model.sections[0].subscripts, {}).ranges
    elements = {name_key(name): [name_key(e) for e in known] for name, known in ranges.items()}
    for name, targets in source.mappings.items():
        for target, order in targets.items():
            if order and [name_key(e) for e in order] != elements.get(name_key(target)):
                raise ModelError(
                    f"{source.path.name}: PySD cannot map '{name}' to '{target}' in another order than "
                    f"that of '{target}'. Use engine=\"kernel\"."
                )


@contextmanager
def _quiet(seed: int) -> Iterator[None]:
    """Silence PySD's warnings; give its global random state a seed and put the old one back."""
    state = np.random.get_state()  # noqa: NPY002 - PySD draws from numpy's global state
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _fresh(file: Path, initialize: bool = False) -> Any:
    """Return PySD's model, loaded anew: none has lived through a run.

    It is not initialized before parameters are set, since a delay of an array keeps
    the shape of its first order. What `initialize=True` returns serves for looking.
    """
    import pysd

    return pysd.load(str(file), initialize=initialize)


def _build(source: Source, request: Request, folder: Path) -> Path:
    """Return PySD's Python file of a model, built in `folder`."""
    from pysd.builders.python.python_model_builder import ModelBuilder

    abstract = copy.deepcopy(source.model)
    abstract.original_path = folder / "model.mdl"
    for number, section in enumerate(abstract.sections):
        inline: list[Any] = []
        section.path = folder / ("model.py" if number == 0 else f"macro_{number}.py")
        section.split = False
        for element in section.elements:
            # PySD pastes documentation into Python code: leave it out
            element.documentation = ""
            for component in element.components:
                component.ast = _mended(component.ast, inline)
                _absolute_files(component.ast, source.path.parent)
        section.elements = [*section.elements, *_named_tables(inline)]
        for subscript in section.subscripts:
            if isinstance(subscript.subscripts, dict):
                subscript.subscripts["file"] = str(
                    (source.path.parent / subscript.subscripts["file"]).resolve()
                )
    _refuse_odd_functions(abstract)
    settings = {
        "initial_time": request.times[0],
        "final_time": request.times[-1],
        "time_step": request.time_step,
    }
    for element in abstract.sections[0].elements:
        if name_key(element.name) in settings:
            element.components[0].ast = float(settings[name_key(element.name)])
    with _unformatted():
        return Path(ModelBuilder(abstract).build_model())


@contextmanager
def _unformatted() -> Iterator[None]:
    """Leave PySD's Python file as written: formatting a file that nobody reads takes longer than a run."""
    from pysd.builders.python import python_model_builder as builder

    black = builder.black
    builder.black = SimpleNamespace(format_file_contents=lambda text, **_: text, FileMode=lambda: None)
    try:
        yield
    finally:
        builder.black = black


def _mended(tree: Any, inline: list[Any]) -> Any:
    """Rewrite what PySD gets wrong, meaning unchanged.

    -(a * b) becomes -1 * (a * b): PySD drops the parentheses of the former under a
    power or a division. An inline table that extrapolates or steps becomes a call of
    a named one, collected in `inline`: PySD reads every inline table as linear and clamped.
    """
    from pysd.translators.structures.abstract_expressions import CallStructure, ReferenceStructure

    if not children(tree):
        return tree
    kind = kind_of(tree)
    if kind == "Arithmetic" and list(tree.operators) == ["negative"]:
        inner = tree.arguments[0]
        if kind_of(inner) == "Arithmetic" and inner.operators[-1] in {"*", "/"}:
            tree = type(tree)(["*"], (-1, inner))
    for part in dataclasses.fields(tree):
        value = getattr(tree, part.name)
        if part.name in {"function", "operators", "lookups", "non_negative"}:
            continue
        many = isinstance(value, (tuple, list))
        setattr(
            tree,
            part.name,
            type(value)(_mended(v, inline) for v in value) if many else _mended(value, inline),
        )
    if kind == "InlineLookups" and tree.lookups.type != "interpolate":
        inline.append(tree.lookups)
        return CallStructure(ReferenceStructure(f"talent_sd_inline_{len(inline)}"), (tree.argument,))
    return tree


def _named_tables(inline: list[Any]) -> list[Any]:
    """Return PySD lookups for the inline tables taken out by `_mended`."""
    from pysd.translators.structures.abstract_model import AbstractElement, AbstractLookup

    return [
        AbstractElement(f"talent sd inline {number}", [AbstractLookup(([], []), table)])
        for number, table in enumerate(inline, 1)
    ]


def _absolute_files(tree: Any, folder: Path) -> None:
    """Point spreadsheet references at the user's folder, since the model is built elsewhere."""
    for node in walk(tree):
        if kind_of(node) in {"GetLookups", "GetData", "GetConstants"} and not node.file.startswith("?"):
            node.file = str((folder / node.file).resolve())


def _refuse_odd_functions(abstract: Any) -> None:
    """Refuse function names with quotes: PySD would paste them into Python code."""
    for section in abstract.sections:
        for element in section.elements:
            for component in element.components:
                for node in walk(component.ast):
                    if (
                        kind_of(node) == "Call"
                        and not node.function.reference.replace("_", "").isalnum()
                        and not any(
                            name_key(e.name) == name_key(node.function.reference) for e in section.elements
                        )
                    ):
                        raise ModelError(
                            f"'{unquoted(element.name)}' calls {node.function.reference}, which is no "
                            f"function or lookup."
                        )


def _run_member(
    file: Path,
    structure: Structure,
    request: Request,
    outputs: dict[str, str],
    names: dict[str, str],
    member: int,
) -> dict[str, np.ndarray]:
    """Return one member's outputs, (saved, *dims) each."""
    import pandas as pd

    # replaced tables must find the file's own ones loaded
    model = _fresh(file, initialize=bool(request.tables))
    params: dict[str, Any] = {}
    for name, values in request.constants.items():
        own = values[min(member, len(values) - 1)]
        params[names[name_key(name)]] = _labelled(model, structure, name, _filled(file, structure, name, own))
    for name, values in request.series.items():
        own = values[min(member, len(values) - 1)]
        points = np.empty(len(request.times), dtype=object if structure[name].dims else float)
        for point in range(len(points)):
            points[point] = _labelled(model, structure, name, own[point])
        column = pd.Series(points, index=request.times)
        params[names[name_key(name)]] = column
    for (name, _), (x, y) in request.tables.items():
        params[names[name_key(name)]] = pd.Series(y, index=x)
    kept = request.times[request.save]
    frame = model.run(
        params=params,
        return_columns=list(dict.fromkeys(outputs.values())),
        return_timestamps=kept,
        final_time=float(request.times[-1]),
        reload=False,
        flatten_output=False,
    )
    return {name: _values(frame[column], structure, name, len(kept)) for name, column in outputs.items()}


def _filled(file: Path, structure: Structure, name: str, own: np.ndarray) -> np.ndarray:
    """Return a constant's values with the model's own where none is given."""
    if not np.isnan(own).any():
        return own
    present = _aligned(_fresh(file, initialize=True)[name], structure, name)
    return np.where(np.isnan(own), present, own)


def _labelled(model: Any, structure: Structure, name: str, values: np.ndarray) -> Any:
    """Return a number, or a DataArray with PySD's own dimension names."""
    import xarray as xr

    if values.ndim == 0:
        return float(values)
    _, dims = model.get_coords(name)
    elements = list(structure.coordinates(name).values())
    array = xr.DataArray(values, dict(zip(dims, map(list, elements), strict=True)), list(dims))
    return array.reindex({dim: model.subscripts[dim] for dim in dims})


def _aligned(value: Any, structure: Structure, name: str) -> np.ndarray:
    """Return PySD's value as (*dims) in the structure's order, NaN where PySD has no such element."""
    elements = list(structure.coordinates(name).values())
    if not hasattr(value, "dims") or not value.dims:
        return np.broadcast_to(np.asarray(value, float), [len(known) for known in elements]).copy()
    named = {dim: list(known) for dim, known in zip(value.dims, elements, strict=True)}
    return np.asarray(value.reindex(named).values, float)


def _values(column: Any, structure: Structure, name: str, count: int) -> np.ndarray:
    if len(column) != count:
        raise ModelError(f"PySD returned {len(column)} of {count} time points of '{name}'.")
    if not structure[name].dims:
        return np.asarray(column.to_numpy(), float)
    first = column.iloc[0]
    if hasattr(first, "dims") and all(
        list(first[d].values) == list(known)
        for d, known in zip(first.dims, structure.coordinates(name).values(), strict=True)
    ):
        return np.stack([np.asarray(value.values, float) for value in column])
    return np.stack([_aligned(value, structure, name) for value in column])
