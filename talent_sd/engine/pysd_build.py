"""A model as PySD's Python file, in a folder of its own, with PySD's slips mended."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from talent_sd.base.errors import ModelError
from talent_sd.engine.pysd_built_code import refuse_other_code
from talent_sd.engine.pysd_safe_names import SafeNames, give_safe_names, told_of
from talent_sd.engine.request import Request
from talent_sd.model.names import name_key
from talent_sd.model.pysd_guard import refuse_odd, refuse_other_pysd
from talent_sd.model.syntax import kind_of, rewrite
from talent_sd.model.translate import Source
from talent_sd.model.trees import AbstractElement, AbstractLookup, call, pysd_model


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

    refuse_other_pysd()
    if source.method != "euler":
        raise ModelError(
            '{file}: PySD integrates by Euler\'s method alone, and the model asks for {method}. Use engine="kernel".',
            file=source.path.name,
            method=source.method.upper(),
        )
    abstract = copy.deepcopy(source.model)
    for section in abstract.sections:
        inline: list[Any] = []
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
    with _unformatted(), _own_functions():
        names = give_safe_names(abstract, source.path, folder, source.place)
        theirs = pysd_model(abstract, folder / "model.mdl")
        with told_of(source.path.name, names, folder):
            file = Path(ModelBuilder(theirs).build_model())
    refuse_other_code([section.path for section in theirs.sections], names, source.path.name)
    return file, names


_HALF_ON = "(__data['time']() + 0.5 * __data['time'].time_step())"
_WIDTH = "if_then_else(%(w)s > 0, lambda: %(w)s, lambda: __data['time'].time_step())"
_SINCE = f"({_HALF_ON} - (%(0)s))"
_WHOLE = (("numpy",), ("functions", "if_then_else"))


def _pulse(width: str) -> str:
    return f"(1.0 * ({_SINCE} > 0) * ({_HALF_ON} <= (%(0)s) + {_WIDTH % {'w': width}}))"


def _train(interval: str, width: str, end: str) -> str:
    phase = f"({_SINCE} + {interval} * (np.floor(-{_SINCE} / {interval}) + 1))"
    on = f"if_then_else({interval} > 0, lambda: {phase} <= {_WIDTH % {'w': width}}, lambda: 1)"
    return f"(1.0 * ({_SINCE} > 0) * (__data['time']() <= {end} + 1e-06) * {on})"


_SIZE = "(%(1)s) / __data['time'].time_step()"
OWN_FUNCTIONS = {
    "floor": ("np.floor(%(0)s)", _WHOLE),
    "floored_modulo": ("(%(0)s - (%(1)s) * np.floor((%(0)s) / (%(1)s)))", _WHOLE),
    "pulse": (_pulse("(%(1)s)"), _WHOLE),
    "pulse_train": (_train("(%(1)s)", "(%(2)s)", "(%(3)s)"), _WHOLE),
    "xpulse": (f"({_SIZE} * {_pulse('0')})", _WHOLE),
    "xpulse_train": (
        "((%(2)s) / __data['time'].time_step() * if_then_else((%(1)s) > 0, "
        f"lambda: {_train('(%(1)s)', '0', 'np.inf')}, lambda: {_pulse('0')}))", _WHOLE,
    ),
    "xramp": ("ramp(__data['time'], %(0)s, %(1)s)", (("functions", "ramp"),)),
}  # fmt: skip
"""Functions as the kernel has them, in PySD's templates: PySD lacks some, and misses pulses between its steps."""


@contextmanager
def _own_functions() -> Iterator[None]:
    """Give PySD's builder our functions."""
    from pysd.builders.python import python_functions

    kept = dict(python_functions.functionspace)
    python_functions.functionspace.update(OWN_FUNCTIONS)
    try:
        yield
    finally:
        python_functions.functionspace.clear()
        python_functions.functionspace.update(kept)


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
    power or a division, and those of a negative number under a power. An inline table that
    extrapolates or steps becomes a call of
    a named one, collected in `inline`: PySD reads every inline table as linear and clamped.
    """
    kind = kind_of(tree)
    if kind == "Arithmetic" and tree.operators[0] == "^" and any(map(_is_negative, tree.arguments)):
        *bases, power = tree.arguments
        for base in reversed(bases):
            whole = kind_of(base) == "number"  # numpy takes no negative power of a whole number
            power = call("power", float(base) if whole else base, power)
        return _mended(power, inline)
    if kind == "Arithmetic" and list(tree.operators) == ["negative"]:
        inner = tree.arguments[0]
        if kind_of(inner) == "Arithmetic" and inner.operators[-1] in {"*", "/"}:
            tree = type(tree)(["*"], (-1, inner))
    rewrite(tree, lambda part: _mended(part, inline))
    if kind == "InlineLookups" and tree.lookups.type != "interpolate":
        inline.append(tree.lookups)
        return call(f"talent_sd_inline_{len(inline)}", tree.argument)
    return tree


def _is_negative(tree: Any) -> bool:
    return kind_of(tree) == "number" and tree < 0


def _named_tables(inline: list[Any]) -> list[Any]:
    """Return PySD lookups for the inline tables taken out by `_mended`."""
    return [
        AbstractElement(f"talent sd inline {number}", [AbstractLookup(([], []), table)])
        for number, table in enumerate(inline, 1)
    ]
