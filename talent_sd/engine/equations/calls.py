"""Calls: functions, lookups, reductions over subscripts, macros."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from talent_sd.base.errors import ModelError, UnsupportedError, nearest
from talent_sd.base.language import tell
from talent_sd.engine.equations import functions, vectors
from talent_sd.engine.equations.definitions import collect_definitions
from talent_sd.engine.equations.draft import Scope
from talent_sd.engine.ir import OPERATIONS, Call, Expression, Number, Random, Ref, TableCall
from talent_sd.model.names import name_key
from talent_sd.model.syntax import children, kind_of

if TYPE_CHECKING:
    from talent_sd.engine.equations.lower import Context, Lowerer

_OWN_RANGES = {*functions.REDUCERS, "vector_select"}
"""Functions that run over ranges marked with "!"."""


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
    if key in vectors.ARGUMENTS:
        return _vector(lowerer, key, tree, at)
    if key == "active_initial":
        slot = lowerer.draft.add_hidden(at.slot, "active", "auxiliary", Number(0.0))
        lowerer.active_initial(tree, at, slot)
        return Ref(slot)
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
    known = [
        functions.function_title(f)
        for f in (*functions.DIRECT, *functions.LOWERED, *functions.REDUCERS, *vectors.ARGUMENTS)
    ]
    raise UnsupportedError(
        "uses {title}, which the native engine lacks.{hint}", title=title, hint=nearest(title, known)
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
    """LOOKUP EXTRAPOLATE and LOOKUP BACKWARD (lookup, x): the same points, read another way."""
    forms = {"lookup_extrapolate": {"outside": "extrapolate"}, "lookup_backward": {"between": "step"}}
    if key not in forms:
        raise UnsupportedError(
            "uses {function_title}, which the native engine lacks.",
            function_title=functions.function_title(key),
        )
    if len(tree.arguments) != 2 or kind_of(tree.arguments[0]) != "Reference":
        raise ModelError(
            "{function_title} takes a lookup and a number.", function_title=functions.function_title(key)
        )
    reference, x = tree.arguments
    scope = lowerer.scope_of(name_key(reference.reference), at.scope)
    if scope is None or scope.definitions[name_key(reference.reference)].kind != "lookup":
        raise ModelError(
            "{function_title} is given '{reference}', not a lookup.",
            function_title=functions.function_title(key),
            reference=reference.reference,
        )
    table_key = name_key(reference.reference)
    elements = lowerer.elements(scope.definitions[table_key], reference.subscripts, at)
    table = replace(lowerer.draft.tables[scope.tables[table_key, elements]], **forms[key])  # type: ignore[arg-type]
    lowerer.draft.tables.append(table)
    return TableCall(len(lowerer.draft.tables) - 1, lowerer.lower(x, at))


def _reduce(lowerer: Lowerer, key: str, tree: Any, at: Context) -> Expression:
    """SUM and the like: every combination of the ranges marked with "!" (XMILE: free ranges)."""
    _check_count(key, list(tree.arguments), 1)
    ranges = _free_ranges(lowerer, tree.arguments[0], at, unmarked=key.endswith("_xmile"))
    choices = [lowerer.subscripts.choices(name) for name in ranges]
    terms = []
    for elements in product(*choices):
        marks = {name_key(name) + "!": e for name, e in zip(ranges, elements, strict=True)}
        terms.append(lowerer.lower(tree.arguments[0], replace(at, bound=at.bound | marks)))
    return functions.fold(functions.REDUCERS[key], terms)


def _vector(lowerer: Lowerer, key: str, tree: Any, at: Context) -> Expression:
    _check_count(key, list(tree.arguments), vectors.ARGUMENTS[key])
    if key == "vector_select":
        ranges = dict.fromkeys(
            name for part in tree.arguments[:2] for name in _free_ranges(lowerer, part, at, unmarked=False)
        )
        return vectors.select(lowerer, tree, at, list(ranges))
    return vectors.ordered(lowerer, key, tree, at)


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
    definitions = collect_definitions(macro, lowerer.subscripts, lambda name: lowerer.source.place(name, key))
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
