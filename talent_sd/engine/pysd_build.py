"""A model as PySD's Python file, in a folder of its own, with PySD's slips mended."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from talent_sd.engine.pysd_built_code import refuse_other_code
from talent_sd.engine.pysd_safe_names import SafeNames, give_safe_names, told_of
from talent_sd.engine.request import Request
from talent_sd.model.names import name_key
from talent_sd.model.pysd_guard import refuse_odd
from talent_sd.model.syntax import kind_of, rewrite
from talent_sd.model.translate import Source


def load_fresh(file: Path, initialize: bool = False) -> Any:
    """Return PySD's model, loaded anew: none has lived through a run.

    It is not initialized before parameters are set, since a delay of an array keeps
    the shape of its first order. What `initialize=True` returns serves for looking.
    """
    import pysd

    return pysd.load(str(file), initialize=initialize)


def build_reference(source: Source, request: Request, folder: Path) -> tuple[Path, SafeNames]:
    """Return PySD's Python file of a model, built in `folder`, and what the names in it stand for.

    Raises
    ------
    ModelError
        If it uses a name that it does not define, or PySD makes other Python of it than a model needs.
    """
    from pysd.builders.python.python_model_builder import ModelBuilder

    abstract = copy.deepcopy(source.model)
    abstract.original_path = folder / "model.mdl"
    for number, section in enumerate(abstract.sections):
        inline: list[Any] = []
        section.path = folder / ("model.py" if number == 0 else f"macro_{number}.py")
        for element in section.elements:
            for component in element.components:
                component.ast = _mended(component.ast, inline)
        section.elements = [*section.elements, *_named_tables(inline)]
    settings = {
        "initial_time": request.times[0],
        "final_time": request.times[-1],
        "time_step": request.time_step,
    }
    for element in abstract.sections[0].elements:
        if name_key(element.name) in settings:
            element.components[0].ast = float(settings[name_key(element.name)])
    refuse_odd(abstract, source.path, source.place)
    names = give_safe_names(abstract, source.path, folder, source.place)
    with _unformatted(), told_of(source.path.name, names, folder):
        file = Path(ModelBuilder(abstract).build_model())
    refuse_other_code([section.path for section in abstract.sections], names, source.path.name)
    return file, names


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

    kind = kind_of(tree)
    if kind == "Arithmetic" and list(tree.operators) == ["negative"]:
        inner = tree.arguments[0]
        if kind_of(inner) == "Arithmetic" and inner.operators[-1] in {"*", "/"}:
            tree = type(tree)(["*"], (-1, inner))
    rewrite(tree, lambda part: _mended(part, inline))
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
