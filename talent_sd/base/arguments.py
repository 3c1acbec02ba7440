"""What the package's functions are called with: a wrong type is told in one sentence."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import Problems
from talent_sd.base.language import N_, tell

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Kind = tuple[str, Callable[[Any], bool]]


LARGEST = 10**30
MANY = 10_000
"""More values than this are no argument: an iterator may be endless."""


def _is_name(value: object) -> bool:
    try:
        return isinstance(value, (str, Path)) and os.fsencode(value) is not None
    except UnicodeEncodeError:
        return False


def _bare(value: Any) -> Any:
    """Return a number or text of any kind (numpy's, a fraction, an array of no dimension) as Python's own; in mappings each."""
    if type(value) is dict:
        return {key: _bare(one) for key, one in value.items()}
    if type(value) is list:
        return [*map(_bare, value)]
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind and kind in "biufUO" and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, str):
        return str.__str__(value)
    with contextlib.suppress(ArithmeticError, TypeError, ValueError):
        if isinstance(value, Integral) and not isinstance(value, bool):
            return int(value)
        if isinstance(value, (Real, Decimal)) and not isinstance(value, bool):
            return float(value)
    return value


def _is_number(value: object) -> bool:
    """Whether a value is a number that a double may hold, in the end; True and False are none."""
    if (
        getattr(getattr(value, "dtype", None), "kind", "") == "m"
    ):  # a time span, which numpy calls a whole number
        return False
    if isinstance(value, Integral):
        return not isinstance(value, bool) and abs(int(value)) < LARGEST
    return isinstance(value, Real)


def _each(is_one: Callable[[Any], bool], values: Iterable[Any]) -> bool:
    """Whether values are each of a kind, and not endless."""
    first = list(islice(values, MANY + 1))
    return len(first) <= MANY and all(map(is_one, first))


def _all(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether a value is one of a kind, or several."""
    return lambda value: (
        is_one(value)
        or (
            isinstance(value, Iterable)
            and getattr(value, "ndim", None) != 0
            and not isinstance(value, (str, bytes, Mapping))
            and _each(is_one, value)
        )
    )


def _is_result(value: Any) -> bool:
    """Whether a value is a dataset of numbers that has something in every direction, scenarios with a name each."""
    if not hasattr(value, "data_vars") or hasattr(value, "subtree") or not all(value.sizes.values()):
        return False
    drawn = [array for array in value.data_vars.values() if {SCENARIO, DRAW} & set(array.dims)]
    names = list(value.indexes.get(SCENARIO, ()))
    years = [value.indexes[TIME]] if TIME in value.indexes else []
    numbers = all(array.dtype.kind in "biuf" for array in (*drawn, *years))
    numbers = numbers and {SCENARIO, TIME} & set(value.dims) <= set(value.indexes)
    numbers = numbers and all(one.is_unique for one in years)
    return numbers and len(set(names)) == len(names) and all(isinstance(name, str) for name in names)


def _is_variable(value: Any) -> bool:
    """Whether a value is one variable of a result."""
    if not hasattr(value, "to_dataset") or not getattr(value, "ndim", 0) or value.name in value.coords:
        return False
    return _is_result(value.to_dataset(name="value"))


NAME: Kind = (N_("a name or a path"), _is_name)
PATH: Kind = (NAME[0], lambda value: _is_name(value) and str(value) != "" and "\0" not in str(value))
NAMES: Kind = (N_("names or paths"), _all(_is_name))
SCENARIOS: Kind = (
    N_("names, paths, or mappings of what a scenario's file holds"),
    lambda value: (
        isinstance(value, Mapping) or _all(lambda one: _is_name(one) or isinstance(one, Mapping))(value)
    ),
)
TEXT: Kind = (N_("text"), lambda value: isinstance(value, str))
TEXTS: Kind = (N_("names"), _all(TEXT[1]))
WHOLE: Kind = (N_("a whole number"), lambda value: isinstance(value, Integral) and _is_number(value))
COUNT: Kind = (N_("a whole number above 0"), lambda value: WHOLE[1](value) and value > 0)
NUMBER: Kind = (N_("a number"), lambda value: _is_number(value))
YEAR: Kind = (N_("a year"), lambda value: _is_number(value) and math.isfinite(value))
FLAG: Kind = (N_("True or False"), lambda value: isinstance(value, (bool, Integral)))
MAPPING: Kind = (
    N_("a mapping of names to values"),
    lambda value: isinstance(value, Mapping) and _each(TEXT[1], value),
)
DATASET: Kind = (
    N_("a dataset with scenarios and years, as `simulate`, `ensemble` or `compare` return it"),
    _is_result,
)
FORECAST: Kind = (DATASET[0], lambda value: _is_result(value) and {SCENARIO, TIME} <= set(value.indexes))
RESULT: Kind = (
    N_("a result, as `simulate`, `ensemble`, `compare` or `why` return it, or a variable of one"),
    lambda v: _is_result(v) or _is_variable(v) or hasattr(v, "strip") and hasattr(v, "causes"),
)
STRUCTURE: Kind = (
    N_("the structure of a model, such as load_model().structure"),
    lambda value: all(
        isinstance(getattr(value, part, None), Mapping) for part in ("variables", "subscripts", "time")
    ),
)
FIGURES: Kind = (
    N_("what `talent_sd.inputs.read_mapping` returns"),
    lambda value: all(
        isinstance(getattr(getattr(value, "content", None), part, None), Mapping)
        for part in ("constants", "figures")
    ),
)
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("scenario", "scenarios"), NAMES),
    **dict.fromkeys(("city", "national", "context", "name", "reading"), NAME),
    **dict.fromkeys(("model", "priors", "posterior", "out", "path"), PATH),
    **dict.fromkeys(("engine", "sampling", "cluster", "of", "against", "baseline", "lang"), TEXT),
    **dict.fromkeys(("outputs", "goals", "keep", "without"), TEXTS),
    "risk": TEXT,
    **dict.fromkeys(("seed", "block", "first_member", "start", "price_basis"), WHOLE),
    **dict.fromkeys(("searches", "population", "generations", "most"), WHOLE),
    **dict.fromkeys(("draws", "among", "threads"), COUNT),
    **dict.fromkeys(
        (
            "memory",
            "budget",
            "discount_rate",
            "time_step",
        ),
        NUMBER,
    ),
    **dict.fromkeys(("year", "start_year", "final_year", "initial_time", "final_time", "horizon"), YEAR),
    "progress": FLAG,
    "structure": STRUCTURE,
    "mapping": FIGURES,
    "times": (N_("years"), _all(NUMBER[1])),
    "weights": (N_("numbers"), lambda value: not _is_number(value) and _all(NUMBER[1])(value)),
    "problems": (N_("a list"), lambda value: isinstance(value, list)),
    **dict.fromkeys(("params", "inputs", "overrides"), MAPPING),
    "spread": FORECAST,
    "result": RESULT,
}
"""Parameter -> what it takes; the same name means the same everywhere."""
SHOWN = 60


def _is_loaded(value: object, annotation: str) -> bool:
    """Whether a value is of a class of the package that the annotation names: a file that is read already."""
    kinds = [
        kind for kind in type(value).__mro__ if kind.__module__.startswith(__package__.partition(".")[0])
    ]
    return any(kind.__name__ in re.findall(r"\w+", annotation) for kind in kinds)


def _listed(value: Iterator[object]) -> object:
    """Return what an iterator gives; of one that gives nothing but an error, or without an end, its type."""
    try:
        first = list(islice(value, MANY + 1))
        return first if len(first) <= MANY else type(value)
    except Exception:  # noqa: BLE001 (another's code)
        return type(value)


def _is(value: object, kind: Kind) -> bool:
    """Whether a value is of a kind; one that cannot be looked at is of none."""
    try:
        return kind[1](value)
    except Exception:  # noqa: BLE001 (another's code)
        return False


def _shown(value: object) -> str:
    """Return what a value is; of one that cannot tell, its type."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 (another's code)
        return type(value).__name__


def checked(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Refuse arguments of a wrong type, all at once, before a function that users call does anything.

    Raises
    ------
    InputError
        When the function is called so.
    """
    # annotations are text here
    takes = {name: str(one.annotation) for name, one in inspect.signature(function).parameters.items()}
    kinds = {name: KINDS[name] for name in takes if name in KINDS}
    for name, kind in kinds.items():
        if kind in (NAME, NAMES):
            kinds[name] = NAMES if "Sequence" in takes[name] else NAME
        if kind is TEXT and "Path" in takes[name]:
            kinds[name] = NAME
        if "Scenarios" in takes[name]:
            kinds[name] = SCENARIOS

    @functools.wraps(function)
    def called(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Call the function if every argument is of its kind; else say of each what it takes."""
        problems = Problems()
        given = inspect.signature(function).bind(*args, **kwargs)
        for name, value in given.arguments.items():
            kind = kinds.get(name)
            if kind and isinstance(value, Iterator):  # it can be gone through but once
                value = _listed(value)
            with contextlib.suppress(RecursionError):  # of what holds itself: told as what no file could hold
                given.arguments[name] = value = _bare(value) if kind else value
            if getattr(value, "chunks", None):
                problems.say(
                    "{name} is in pieces that are not computed yet. Give {name}.compute().", name=name
                )
                continue
            if kind and not (
                "None" in takes[name] if value is None else _is_loaded(value, takes[name]) or _is(value, kind)
            ):
                text = " ".join(_shown(value).split())
                short = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
                problems.say("{name} is {value}. Give {kind}.", name=name, value=short, kind=tell(kind[0]))
        problems.refuse()
        for name, value in given.arguments.items():
            if kinds.get(name) is TEXTS and isinstance(value, str):
                given.arguments[name] = [value]  # one name is no list of its letters
        return function(*given.args, **given.kwargs)

    return called
