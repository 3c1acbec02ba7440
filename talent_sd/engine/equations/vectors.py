"""VECTOR SELECT, VECTOR SORT ORDER, VECTOR RANK and VECTOR REORDER, as PySD reads them."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.base.language import tell
from talent_sd.engine.equations import functions
from talent_sd.engine.ir import Call, Expression, Number
from talent_sd.model.names import name_key
from talent_sd.model.syntax import references

if TYPE_CHECKING:
    from talent_sd.engine.equations.lower import Context, Lowerer

ARGUMENTS = {"vector_select": 5, "vector_sort_order": 2, "vector_rank": 2, "vector_reorder": 2}
_JOINED = {"add": 0.0, "mul": 1.0, "min": math.inf, "max": -math.inf}
"""Operation -> what stands for an element that is not selected."""
_ACTIONS = ("add", "mul", "min", "max", "mean", "mul", "add", "mul", "min", "max", "mean")
"""VECTOR SELECT's numerical action -> how the selected are joined; from 6 on without weights, 5 as powers."""
_POWERS, _UNWEIGHTED = 5, 6


def select(lowerer: Lowerer, tree: Any, at: Context, ranges: list[str]) -> Expression:
    """VECTOR SELECT (selection, values, if none, action, error): over the ranges marked with "!"."""
    if not ranges:
        raise ModelError(tell("VECTOR SELECT has no subscript marked with '!'. Mark what it selects from."))
    missing, action, error = (lowerer.lower(argument, at) for argument in tree.arguments[2:])
    if error != Number(0.0):
        raise UnsupportedError(
            tell("uses VECTOR SELECT with an error action, which the native engine lacks.")
        )
    if not isinstance(action, Number) or action.value not in range(len(_ACTIONS)):
        raise UnsupportedError(
            tell(
                "uses VECTOR SELECT with an action other than a number from 0 to 10, which the native "
                "engine lacks."
            )
        )
    number = int(action.value)
    joined = "add" if _ACTIONS[number] == "mean" else _ACTIONS[number]
    terms, chosen = [], []
    for elements in product(*(lowerer.subscripts.choices(name) for name in ranges)):
        marks = {name_key(name) + "!": e for name, e in zip(ranges, elements, strict=True)}
        here = replace(at, bound=at.bound | marks)
        weight = lowerer.draft.bind(at.slot, "weight", lowerer.lower(tree.arguments[0], here))
        value = _weighted(number, weight, lowerer.lower(tree.arguments[1], here))
        is_chosen = Call("ne", (weight, Number(0.0)))
        chosen.append(is_chosen)
        terms.append(Call("if", (is_chosen, value, Number(_JOINED[joined]))))
    count = lowerer.draft.bind(at.slot, "chosen", functions.fold("add", chosen))
    result = functions.fold(joined, terms)
    if _ACTIONS[number] == "mean":
        result = Call("div", (result, count))
    return Call("if", (Call("eq", (count, Number(0.0))), missing, result))


def _weighted(action: int, weight: Expression, value: Expression) -> Expression:
    if action == _POWERS:
        return Call("pow", (value, weight))
    return value if action >= _UNWEIGHTED else Call("mul", (weight, value))


def ordered(lowerer: Lowerer, key: str, tree: Any, at: Context) -> Expression:
    """VECTOR SORT ORDER, VECTOR RANK (vector, direction) and VECTOR REORDER (vector, order).

    They go along the last subscript. Equals keep their order, upwards; downwards it is
    turned round whole.
    """
    name = _last_range(lowerer, tree.arguments[0], at)
    elements = lowerer.subscripts.choices(name)
    place = elements.index(lowerer.element(name, at))
    values = [
        lowerer.draft.bind(at.slot, "vector", lowerer.lower(tree.arguments[0], _set(at, name, element)))
        for element in elements
    ]
    if key == "vector_reorder":
        wanted = lowerer.draft.bind(at.slot, "order", Call("int", (lowerer.lower(tree.arguments[1], at),)))
        return _pick(wanted, values)
    direction = lowerer.lower(tree.arguments[1], at)
    if not isinstance(direction, Number):
        title = functions.function_title(key)
        raise UnsupportedError(
            "uses {title} with a direction that is not a number, which the native engine lacks.", title=title
        )
    upwards = direction.value > 0
    if key == "vector_rank":
        return Call("add", (_position(values, place, upwards), Number(1.0)))
    positions = [_position(values, other, upwards) for other in range(len(values))]
    found = [
        Call("if", (Call("eq", (position, Number(float(place)))), Number(float(other)), Number(0.0)))
        for other, position in enumerate(positions)
    ]
    return functions.fold("add", found)


def _position(values: list[Expression], place: int, upwards: bool) -> Expression:
    """Return how many elements stand before one once sorted."""
    before = [
        Call(("le" if other < place else "lt"), (value, values[place]))
        for other, value in enumerate(values)
        if other != place
    ]
    position: Expression = functions.fold("add", before) if before else Number(0.0)
    return position if upwards else Call("sub", (Number(len(values) - 1.0), position))


def _pick(wanted: Expression, values: list[Expression]) -> Expression:
    """Return the value whose number is wanted; counted from the end where negative; NaN beyond."""
    result: Expression = Number(math.nan)
    for number, value in enumerate(values):
        from_end = Number(float(number - len(values)))
        here = Call("or", (Call("eq", (wanted, Number(float(number)))), Call("eq", (wanted, from_end))))
        result = Call("if", (here, value, result))
    return result


def _last_range(lowerer: Lowerer, tree: Any, at: Context) -> str:
    """Return the range along which a vector goes: the last subscript of its first array."""
    for reference in references(tree):
        written = reference.subscripts.subscripts if reference.subscripts is not None else ()
        for subscript in reversed(written):
            if lowerer.subscripts.range_name(subscript.strip()) and name_key(subscript) in at.bound:
                return str(subscript.strip())
    raise UnsupportedError(
        tell(
            "sorts a vector whose subscript is not on the left of the equation, which the native engine lacks."
        )
    )


def _set(at: Context, name: str, element: str) -> Context:
    return replace(at, bound=at.bound | {name_key(name): element})
