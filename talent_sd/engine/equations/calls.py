"""Calls: functions, lookups, reductions over subscripts, macros, and the VECTOR functions as PySD reads them."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from talent_sd.base.errors import ModelError, UnsupportedError, nearest
from talent_sd.base.language import tell
from talent_sd.engine.equations import functions, lookups, stateful
from talent_sd.engine.equations.definitions import collect_definitions
from talent_sd.engine.equations.draft import Scope
from talent_sd.engine.ir import OPERATIONS, Call, Expression, Number, Random, Ref, TableCall
from talent_sd.model.names import name_key
from talent_sd.model.syntax import children, kind_of, references

if TYPE_CHECKING:
    from talent_sd.engine.equations.lower import Context, Lowerer

_OWN_RANGES = {*functions.REDUCERS, "vector_select"}
"""Functions that run over ranges marked with "!"."""
VECTOR_ARGUMENTS = {"vector_select": 5, "vector_sort_order": 2, "vector_rank": 2, "vector_reorder": 2}
_JOINED = {"add": 0.0, "mul": 1.0, "min": math.inf, "max": -math.inf}
"""Operation -> what stands for an element that is not selected."""
_ACTIONS = ("add", "mul", "min", "max", "mean", "mul", "add", "mul", "min", "max", "mean")
"""VECTOR SELECT's numerical action -> how the selected are joined; from 6 on without weights, 5 as powers."""
_POWERS, _UNWEIGHTED = 5, 6
_MACRO_WORK = 50
"""What writing a macro out takes, in operations."""
PYSD_ONLY = {"invert_matrix", "get_time_value"}
"""Functions that PySD alone has."""


def call(lowerer: Lowerer, tree: Any, at: Context) -> Expression:
    """Return the expression of a call: a macro, a lookup, a reducer or a plain function."""
    key = name_key(tree.function.reference)
    if key in lowerer.macros:
        return _macro(lowerer, key, tree, at)
    scope = lowerer.scope_of(key, at.scope)
    if scope is not None:
        return _lookup(lowerer, scope, key, tree, at)
    if key in functions.REDUCERS:
        return _reduce(lowerer, key, tree, at)
    if key in VECTOR_ARGUMENTS:
        return _vector(lowerer, key, tree, at)
    if key == "active_initial":
        slot = lowerer.draft.add_hidden(at.slot, "active", "auxiliary", Number(0.0))
        lowerer.active_initial(tree, at, slot)
        return Ref(slot)
    if key == "npv":
        _check_count(key, list(tree.arguments), 4)
        return stateful.net_present_value(lowerer, tree.arguments, at)
    if key == "vector_elm_map":
        return _element_map(lowerer, tree, at)
    if key == "elmcount":
        return _count(lowerer, tree)
    if key.startswith("lookup_"):
        return _lookup_form(lowerer, key, tree, at)
    args = [lowerer.lower(argument, at) for argument in tree.arguments]
    return _function(lowerer, key, args, at)


def _function(lowerer: Lowerer, key: str, args: list[Expression], at: Context) -> Expression:
    """Return a plain function's expression."""
    if key in functions.DIRECT:
        operation = functions.DIRECT[key]
        _check_count(key, args, OPERATIONS[operation])
        return Call(operation, tuple(args))
    if key in functions.LOWERED:
        count, make = functions.LOWERED[key]
        _check_count(key, args, count)
        made = make(args, lowerer.time_step())
        if made is not None:
            return made
    if key in functions.RANDOM:
        distribution, count = functions.RANDOM[key]
        if not count <= len(args) <= count + 1:
            _check_count(key, args, count)
        lowerer.draft.streams += 1
        operands = tuple(args[:count]) or (Number(0.0), Number(1.0))
        return Random(distribution, operands, lowerer.draft.streams)  # type: ignore[arg-type]
    if key == "a_function_of":
        raise ModelError(tell("has no equation yet (A FUNCTION OF). Write one."))
    title = functions.function_title(key)
    if key in functions.LOWERED:
        raise UnsupportedError("uses {title} with arguments that the native engine lacks.", title=title)
    if key in PYSD_ONLY:
        raise UnsupportedError("uses {title}, which the native engine lacks.", title=title)
    known = [
        functions.function_title(f)
        for f in (*functions.DIRECT, *functions.LOWERED, *functions.REDUCERS, *VECTOR_ARGUMENTS)
    ]
    raise ModelError(
        "calls {reference}, which is neither a lookup nor a function known here.{hint}",
        reference=title,
        hint=nearest(title, known),
    )


def _lookup(lowerer: Lowerer, scope: Scope, key: str, tree: Any, at: Context) -> Expression:
    definition = scope.definitions[key]
    if definition.kind != "lookup":
        raise ModelError(
            "calls '{definition}', which is neither a function nor a lookup. Write '*' for a product.",
            definition=definition.name,
        )
    if len(tree.arguments) != 1:
        raise ModelError(
            "gives the lookup '{definition}' {count} arguments. It takes 1.",
            definition=definition.name,
            count=len(tree.arguments),
        )
    elements = lowerer.elements(definition, tree.function.subscripts, at)
    return TableCall(scope.tables[key, elements], lowerer.lower(tree.arguments[0], at))


def _lookup_form(lowerer: Lowerer, key: str, tree: Any, at: Context) -> Expression:
    """LOOKUP EXTRAPOLATE, FORWARD, INVERT and the like: a lookup's points, read another way."""
    title = functions.function_title(key)
    if key not in lookups.ARGUMENTS:
        raise ModelError("calls {reference}, which is neither a lookup nor a function known here.{hint}", reference=title,
                         hint=nearest(key, lookups.ARGUMENTS))  # fmt: skip
    _check_count(key, list(tree.arguments), lookups.ARGUMENTS[key])
    reference = tree.arguments[0]
    scope = (
        lowerer.scope_of(name_key(reference.reference), at.scope)
        if kind_of(reference) == "Reference"
        else None
    )
    if scope is None or scope.definitions[name_key(reference.reference)].kind != "lookup":
        raise ModelError(
            "{function_title} is given something else than a lookup first.", function_title=title
        )
    table_key = name_key(reference.reference)
    elements = lowerer.elements(scope.definitions[table_key], reference.subscripts, at)
    table = scope.tables[table_key, elements]
    return lookups.read(lowerer.draft, key, table, [lowerer.lower(x, at) for x in tree.arguments[1:]])


def _reduce(lowerer: Lowerer, key: str, tree: Any, at: Context) -> Expression:
    """SUM and the like: every combination of the ranges marked with "!" (XMILE: free ranges)."""
    _check_count(key, list(tree.arguments), 1)
    ranges = _free_ranges(lowerer, tree.arguments[0], at, unmarked=key.endswith("_xmile"))
    choices = [lowerer.subscripts.choices(name) for name in ranges]
    lowerer.charge(math.prod(map(len, choices)))
    terms = []
    for elements in product(*choices):
        marks = {name_key(name) + "!": e for name, e in zip(ranges, elements, strict=True)}
        terms.append(lowerer.lower(tree.arguments[0], replace(at, bound=at.bound | marks)))
    return functions.fold(functions.REDUCERS[key], terms)


def _vector(lowerer: Lowerer, key: str, tree: Any, at: Context) -> Expression:
    _check_count(key, list(tree.arguments), VECTOR_ARGUMENTS[key])
    if key == "vector_select":
        ranges = dict.fromkeys(
            name for part in tree.arguments[:2] for name in _free_ranges(lowerer, part, at, unmarked=False)
        )
        return _select(lowerer, tree, at, list(ranges))
    return _ordered(lowerer, key, tree, at)


def _free_ranges(lowerer: Lowerer, tree: Any, at: Context, unmarked: bool) -> list[str]:
    """Return the ranges that a reducer runs over; an inner reducer keeps its own."""
    found: dict[str, str] = {}
    stack = [tree]
    while stack:
        node = stack.pop()
        if kind_of(node) == "Call" and name_key(node.function.reference) in _OWN_RANGES:
            continue
        parts = [node] if kind_of(node) == "Reference" else [node.function] if kind_of(node) == "Call" else []
        for part in parts:
            for subscript in part.subscripts.subscripts if part.subscripts is not None else ():
                name = subscript.strip()
                free = unmarked and lowerer.subscripts.range_name(name) and name_key(name) not in at.bound
                if name.endswith("!") or free:
                    found.setdefault(name_key(name.rstrip("!")), name.rstrip("!"))
        stack += reversed(children(node))
    return list(found.values())


def _count(lowerer: Lowerer, tree: Any) -> Expression:
    names = [argument.reference for argument in tree.arguments if kind_of(argument) == "Reference"]
    if len(names) != 1 or lowerer.subscripts.range_name(names[0]) is None:
        raise ModelError(tell("ELMCOUNT takes one subscript range."))
    return Number(float(len(lowerer.subscripts.choices(names[0]))))


def _macro(lowerer: Lowerer, key: str, tree: Any, at: Context) -> Expression:
    """Write a macro's equations out for this use, its parameters being hidden slots."""
    macro = lowerer.macros[key]
    lowerer.charge(_MACRO_WORK)
    if len(tree.arguments) != len(macro.params):
        raise ModelError(
            "gives macro '{macro}' {count} arguments. It takes {count2}.",
            macro=macro.name,
            count=len(tree.arguments),
            count2=len(macro.params),
        )
    if key in at.scope.macros:
        raise ModelError("macro '{macro}' uses itself.", macro=macro.name)
    arguments = {}
    for name, argument in zip(macro.params, tree.arguments, strict=True):
        expression = lowerer.lower(argument, at)
        arguments[name_key(name)] = lowerer.draft.add_hidden(
            at.slot, f"{key} {name}", "auxiliary", expression
        )
    anchor = lowerer.draft.add_hidden(at.slot, key, "auxiliary", Number(0.0))
    definitions = collect_definitions(
        macro, lowerer.subscripts, lambda name: lowerer.source.place(name, key), lowerer.source.path.parent
    )
    scope = Scope(
        definitions,
        f"{lowerer.draft.slots[anchor].name} ",
        arguments=arguments,
        macros=(*at.scope.macros, key),
    )
    lowerer.declare(scope)
    if (key, ()) not in scope.slots:
        raise ModelError(
            "macro '{macro}' does not define '{macro}'. Its result has its name.", macro=macro.name
        )
    lowerer.draft.slots[anchor].expression = Ref(scope.slots[key, ()])
    return Ref(anchor)


def _check_count(key: str, args: list[Any], count: int) -> None:
    if len(args) != count:
        raise ModelError(
            "gives {function_title} {count} arguments. It takes {count2}.",
            function_title=functions.function_title(key),
            count=len(args),
            count2=count,
        )


def _select(lowerer: Lowerer, tree: Any, at: Context, ranges: list[str]) -> Expression:
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


def _ordered(lowerer: Lowerer, key: str, tree: Any, at: Context) -> Expression:
    """VECTOR SORT ORDER, VECTOR RANK (vector, direction) and VECTOR REORDER (vector, order).

    They go along the last subscript. Equals keep their order, upwards; downwards it is
    turned round whole.
    """
    name = _last_range(lowerer, tree.arguments[0], at)
    elements = lowerer.subscripts.choices(name)
    place = elements.index(lowerer.element(name, at))
    lowerer.charge(len(elements) ** (1 if key == "vector_reorder" else 2))
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


def _element_map(lowerer: Lowerer, tree: Any, at: Context) -> Expression:
    """VECTOR ELM MAP (vector[first], offset): the element so many places after the first, NaN beyond the ends."""
    _check_count("vector_elm_map", list(tree.arguments), 2)
    vector, offset = tree.arguments
    scope = lowerer.scope_of(name_key(vector.reference), at.scope) if kind_of(vector) == "Reference" else None
    definition = scope.definitions[name_key(vector.reference)] if scope is not None else None
    if scope is None or definition is None or {len(elements) for elements in definition.cells} != {1}:
        raise UnsupportedError(
            tell("uses VECTOR ELM MAP of something else than a variable with one subscript.")
        )
    key = name_key(vector.reference)
    cells: list[tuple[str, ...]] = [
        (element,) for element in lowerer.subscripts.in_order(element for (element,) in definition.cells)
    ]
    first = cells.index(lowerer.elements(definition, vector.subscripts, at))
    lowerer.charge(len(cells))
    place = Call("add", (lowerer.lower(offset, at), Number(first + 0.5)))
    wanted = lowerer.draft.bind(at.slot, "place", Call("floor", (place,)))
    return _pick(wanted, [Ref(scope.slots[key, elements]) for elements in cells], from_end=False)


def _pick(wanted: Expression, values: list[Expression], from_end: bool = True) -> Expression:
    """Return the value whose number is wanted; counted from the end where negative; NaN beyond."""
    result: Expression = Number(math.nan)
    for number, value in enumerate(values):
        here = Call("eq", (wanted, Number(float(number))))
        if from_end:
            other = Call("eq", (wanted, Number(float(number - len(values)))))
            here = Call("or", (here, other))
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
