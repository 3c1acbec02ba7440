"""From PySD's syntax trees, element by element, to the program's expressions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from talent_sd.base.errors import ModelError, UnsupportedError, nearest
from talent_sd.engine.equations import functions, stateful
from talent_sd.engine.equations.definitions import Cell, Definition, Elements, collect_definitions
from talent_sd.engine.equations.draft import Draft, DraftSlot, Scope
from talent_sd.engine.ir import OPERATIONS, Call, Expression, Number, Random, Ref, TableCall, Time
from talent_sd.model.names import name_key
from talent_sd.model.subscripts import Subscripts
from talent_sd.model.syntax import children, fixed_value, kind_of

_OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "=": "eq", "<>": "ne", "<": "lt", "<=": "le",
              ">": "gt", ">=": "ge", ":AND:": "and", ":OR:": "or", "AND": "and", "OR": "or"}  # fmt: skip
_DEEPEST_MACRO = 20


@dataclass(frozen=True)
class Context:
    """Where an expression stands: its scope, its slot, and what each range stands for here."""

    scope: Scope
    slot: int
    bound: dict[str, str]


class Lowerer:
    """Lowers the equations of one model into a draft program.

    Parameters
    ----------
    source : the translated model
    orders : delay group -> order, where a DELAY needs a lower order than declared
    """

    def __init__(self, source: Any, orders: dict[str, int]) -> None:
        self.source = source
        main, *macros = source.model.sections
        self.subscripts = Subscripts(main.subscripts, source.mappings)
        self.macros = {name_key(macro.name): macro for macro in macros}
        self.draft = Draft(orders)
        self.queue: deque[tuple[Scope, str, Elements, Cell, int]] = deque()
        self.main = Scope(collect_definitions(main, self.subscripts, source.place))

    def lower_all(self) -> None:
        """Lower every equation.

        Raises
        ------
        ModelError
            With every problem found.
        UnsupportedError
            If the model is sound but uses what the flat program lacks.
        """
        problems: dict[str, None] = {}
        unsupported: dict[str, None] = {}
        self.declare(self.main)
        while self.queue:
            scope, key, elements, cell, slot = self.queue.popleft()
            name = scope.definitions[key].name
            place = self.source.place(name, scope.macro)
            try:
                self._equation(cell.tree, Context(scope, slot, cell.bound))
            except ModelError as error:
                problems |= dict.fromkeys(f"{place}: '{name}': {problem}" for problem in error.problems)
            except UnsupportedError as error:
                unsupported[f"{place}: '{name}' {error}"] = None
        if problems:
            raise ModelError(problems)
        if unsupported:
            raise UnsupportedError("\n".join(unsupported))

    def declare(self, scope: Scope) -> None:
        """Give each element of a scope's variables a slot or a table, and queue its equation."""
        for key, definition in scope.definitions.items():
            for elements, cell in definition.cells.items():
                name = f"{scope.prefix}{definition.name}" + (f"[{','.join(elements)}]" if elements else "")
                if definition.kind == "lookup":
                    scope.tables[key, elements] = self._table(name, definition, cell)
                    continue
                variable = f"{scope.prefix}{definition.name}"
                draft = DraftSlot(name, variable, elements, hidden=bool(scope.prefix))
                slot = scope.slots[key, elements] = self.draft.add_slot(draft)
                self.queue.append((scope, key, elements, cell, slot))

    def _table(self, name: str, definition: Definition, cell: Cell) -> int:
        place = self.source.place(definition.name)
        if kind_of(cell.tree) == "GetLookups":
            raise UnsupportedError(f"{place}: '{definition.name}' reads a spreadsheet (GET … LOOKUPS).")
        try:
            return self.draft.add_table(name, cell.tree)
        except ModelError as error:
            raise ModelError(f"{place}: '{definition.name}': {error}") from None

    # -- whole equations ---------------------------------------------------------------------------

    def _equation(self, tree: Any, at: Context) -> None:
        """Fill a slot from its equation's tree."""
        while kind_of(tree) == "Game":
            tree = tree.expression
        draft = self.draft.slots[at.slot]
        kind = kind_of(tree)
        if kind == "Data":
            draft.kind, draft.expression = "constant", Number(float("nan"))
        elif kind == "Integ":
            stateful.stock(self, tree, at, at.slot)
        elif kind == "Initial":
            draft.kind, draft.expression = "initial", self.lower(tree.initial, at)
        elif kind == "Call" and name_key(tree.function.reference) == "active_initial":
            self._active_initial(tree, at, at.slot)
        else:
            draft.expression = self.lower(tree, at)
            if isinstance(draft.expression, Number):
                draft.kind = "constant"

    def _active_initial(self, tree: Any, at: Context, slot: int) -> None:
        if len(tree.arguments) != 2:
            raise ModelError("ACTIVE INITIAL takes 2 arguments: the equation and its initial value.")
        self.draft.slots[slot].expression = self.lower(tree.arguments[0], at)
        self.draft.initial_expression[slot] = self.lower(tree.arguments[1], at)

    # -- expressions -------------------------------------------------------------------------------

    def lower(self, tree: Any, at: Context) -> Expression:
        """Return the expression of a tree, for the elements bound at `at`."""
        kind = kind_of(tree)
        if kind == "number":
            return Number(float(tree))
        handler: Callable[[Any, Context], Expression] | None = getattr(self, f"_{kind.lower()}", None)
        if handler is not None:
            return handler(tree, at)
        if kind in stateful.HANDLERS:
            return stateful.HANDLERS[kind](self, tree, at)
        raise UnsupportedError(f"uses {_TITLES.get(kind, kind)}, which the native engine lacks.")

    def _arithmetic(self, tree: Any, at: Context) -> Expression:
        operators, trees = [str(op) for op in tree.operators], list(tree.arguments)
        operands = [self.lower(argument, at) for argument in trees]
        if operators == ["negative"]:
            return _negative(operands[0])
        if operators[-1] == "^":
            result = operands[-1]
            for base, base_tree in zip(operands[-2::-1], trees[-2::-1], strict=True):
                # a minus before a literal base is applied last, as PySD's output has it: -2^2 is -4
                literal = kind_of(base_tree) == "number" and isinstance(base, Number) and base.value < 0
                power = Call(
                    "pow", (Number(-base.value) if literal and isinstance(base, Number) else base, result)
                )
                result = _negative(power) if literal else power
            return result
        result = operands[0]
        for operator, operand in zip(operators, operands[1:], strict=True):
            result = Call(_OPERATORS[operator], (result, operand))
        return result

    def _logic(self, tree: Any, at: Context) -> Expression:
        operands = [self.lower(argument, at) for argument in tree.arguments]
        operators = [str(operator).upper() for operator in tree.operators]
        if operators == [":NOT:"]:
            return Call("not", (operands[0],))
        result = operands[-1]
        for operator, operand in zip(reversed(operators), reversed(operands[:-1]), strict=True):
            result = Call(_OPERATORS[operator], (operand, result))
        return result

    def _game(self, tree: Any, at: Context) -> Expression:
        return self.lower(tree.expression, at)

    def _inlinelookups(self, tree: Any, at: Context) -> Expression:
        return TableCall(self.draft.inline_table(tree.lookups), self.lower(tree.argument, at))

    def _initial(self, tree: Any, at: Context) -> Expression:
        return Ref(self.draft.add_hidden(at.slot, "initial", "initial", self.lower(tree.initial, at)))

    def _integ(self, tree: Any, at: Context) -> Expression:
        slot = self.draft.add_hidden(at.slot, "stock", "state", Number(0.0))
        stateful.stock(self, tree, at, slot)
        return Ref(slot)

    # -- references --------------------------------------------------------------------------------

    def _reference(self, tree: Any, at: Context) -> Expression:
        key = name_key(tree.reference)
        if key in at.scope.arguments:
            return Ref(at.scope.arguments[key])
        if key == "time":
            return Time()
        scope = self._scope_of(key, at.scope)
        if scope is None:
            number = self.subscripts.number(tree.reference, at.bound)
            if number is None:
                known = [d.name for d in (*at.scope.definitions.values(), *self.main.definitions.values())]
                raise ModelError(
                    f"uses '{tree.reference.replace('_', ' ')}', which is not defined."
                    f"{nearest(tree.reference.replace('_', ' '), known)}"
                )
            return Number(number)
        definition = scope.definitions[key]
        if definition.kind == "lookup":
            raise ModelError(
                f"uses the lookup '{definition.name}' without an argument. Write {definition.name}(x)."
            )
        return Ref(scope.slots[key, self._elements(definition, tree.subscripts, at)])

    def _scope_of(self, key: str, scope: Scope) -> Scope | None:
        """Return the scope that defines a name: a macro sees its own and the time settings."""
        if key in scope.definitions:
            return scope
        settings = {"time_step", "initial_time", "final_time", "saveper"}
        return self.main if key in settings and key in self.main.definitions else None

    def _elements(self, definition: Definition, subscripts: Any, at: Context) -> Elements:
        """Return which element of a variable a reference means here."""
        written = list(subscripts.subscripts) if subscripts is not None else []
        if not written and () not in definition.cells:
            written = self._implied(definition, at)
        elements = tuple(self._element(subscript, at) for subscript in written)
        if elements not in definition.cells:
            length = len(next(iter(definition.cells)))
            what = (
                f"has {length} subscripts, not {len(elements)}"
                if length != len(elements)
                else f"has no element [{','.join(elements)}]"
            )
            raise ModelError(f"uses '{definition.name}', which {what}. Correct the subscripts.")
        return elements

    def _implied(self, definition: Definition, at: Context) -> list[str]:
        """Return the ranges that an array referred to without subscripts must mean: those on the left."""
        for ranges in definition.ranges:
            if all(key in at.bound for key in ranges):
                return ranges
        raise ModelError(
            f"uses the array '{definition.name}' without subscripts. Write {definition.name}[…]."
        )

    def _element(self, subscript: str, at: Context) -> str:
        subscript = subscript.strip()
        if subscript.endswith("!"):
            key = name_key(subscript[:-1]) + "!"
            if key not in at.bound:
                raise ModelError(f"uses [{subscript}] outside SUM, PROD, VMIN or VMAX.")
            return at.bound[key]
        if element := self.subscripts.element_name(subscript):
            return element
        if self.subscripts.range_name(subscript) is None:
            known = [*self.subscripts.ranges, *(e for r in self.subscripts.ranges.values() for e in r)]
            raise ModelError(f"unknown subscript '{subscript}'.{nearest(subscript, known)}")
        if name_key(subscript) + "!" in at.bound and name_key(subscript) not in at.bound:
            return at.bound[name_key(subscript) + "!"]
        mapped = self.subscripts.mapped(subscript, at.bound)
        if mapped is None:
            raise ModelError(
                f"uses range '{subscript}' on the right only. Put it on the left too, map it, or "
                f"write '{subscript}!' inside SUM, PROD, VMIN or VMAX."
            )
        return mapped

    # -- calls -------------------------------------------------------------------------------------

    def _call(self, tree: Any, at: Context) -> Expression:
        key = name_key(tree.function.reference)
        if key in self.macros:
            return self._macro(key, tree, at)
        scope = self._scope_of(key, at.scope)
        if scope is not None:
            return self._lookup(scope, key, tree, at)
        if key in functions.REDUCERS:
            return self._reduce(key, tree, at)
        if key == "active_initial":
            slot = self.draft.add_hidden(at.slot, "active", "auxiliary", Number(0.0))
            self._active_initial(tree, at, slot)
            return Ref(slot)
        if key == "elmcount":
            return self._count(tree)
        if key.startswith("lookup_"):
            return self._lookup_form(key, tree, at)
        args = [self.lower(argument, at) for argument in tree.arguments]
        return self._function(key, args, at)

    def _function(self, key: str, args: list[Expression], at: Context) -> Expression:
        """Return a plain function's expression."""
        if key in functions.DIRECT:
            operation = functions.DIRECT[key]
            _check_count(key, args, OPERATIONS[operation])
            return Call(operation, tuple(args))
        if key in functions.LOWERED:
            count, make = functions.LOWERED[key]
            _check_count(key, args, count)
            made = make(args, self.time_step())
            if made is not None:
                return made
        if key in functions.RANDOM:
            distribution, count = functions.RANDOM[key]
            if not count <= len(args) <= count + 1:
                _check_count(key, args, count)
            self.draft.streams += 1
            operands = tuple(args[:count]) or (Number(0.0), Number(1.0))
            return Random(distribution, operands, self.draft.streams)  # type: ignore[arg-type]
        if key == "a_function_of":
            raise ModelError("has no equation yet (A FUNCTION OF). Write one.")
        known = [
            functions.function_title(f) for f in (*functions.DIRECT, *functions.LOWERED, *functions.REDUCERS)
        ]
        title = functions.function_title(key)
        raise UnsupportedError(f"uses {title}, which the native engine lacks.{nearest(title, known)}")

    def time_step(self) -> Expression:
        """Return the reference to TIME STEP."""
        if ("time_step", ()) not in self.main.slots:
            raise ModelError("needs TIME STEP, which the model does not define. Add TIME STEP = ….")
        return Ref(self.main.slots["time_step", ()])

    def _lookup(self, scope: Scope, key: str, tree: Any, at: Context) -> Expression:
        definition = scope.definitions[key]
        if definition.kind != "lookup":
            raise ModelError(
                f"calls '{definition.name}', which is neither a function nor a lookup. "
                f"Write '*' for a product."
            )
        if len(tree.arguments) != 1:
            raise ModelError(
                f"gives the lookup '{definition.name}' {len(tree.arguments)} arguments. It takes 1."
            )
        elements = self._elements(definition, tree.function.subscripts, at)
        return TableCall(scope.tables[key, elements], self.lower(tree.arguments[0], at))

    def _lookup_form(self, key: str, tree: Any, at: Context) -> Expression:
        """LOOKUP EXTRAPOLATE and LOOKUP BACKWARD (lookup, x): the same points, read another way."""
        forms = {"lookup_extrapolate": {"outside": "extrapolate"}, "lookup_backward": {"between": "step"}}
        if key not in forms:
            raise UnsupportedError(f"uses {functions.function_title(key)}, which the native engine lacks.")
        if len(tree.arguments) != 2 or kind_of(tree.arguments[0]) != "Reference":
            raise ModelError(f"{functions.function_title(key)} takes a lookup and a number.")
        reference, x = tree.arguments
        scope = self._scope_of(name_key(reference.reference), at.scope)
        if scope is None or scope.definitions[name_key(reference.reference)].kind != "lookup":
            raise ModelError(
                f"{functions.function_title(key)} is given '{reference.reference}', not a lookup."
            )
        table_key = name_key(reference.reference)
        elements = self._elements(scope.definitions[table_key], reference.subscripts, at)
        table = replace(self.draft.tables[scope.tables[table_key, elements]], **forms[key])  # type: ignore[arg-type]
        self.draft.tables.append(table)
        return TableCall(len(self.draft.tables) - 1, self.lower(x, at))

    def _reduce(self, key: str, tree: Any, at: Context) -> Expression:
        """SUM and the like: every combination of the ranges marked with "!" (XMILE: free ranges)."""
        _check_count(key, list(tree.arguments), 1)
        ranges = self._free_ranges(tree.arguments[0], at, unmarked=key.endswith("_xmile"))
        choices = [self.subscripts.choices(name) for name in ranges]
        terms = []
        for elements in product(*choices):
            marks = {name_key(name) + "!": e for name, e in zip(ranges, elements, strict=True)}
            terms.append(self.lower(tree.arguments[0], replace(at, bound=at.bound | marks)))
        return functions.fold(functions.REDUCERS[key], terms)

    def _free_ranges(self, tree: Any, at: Context, unmarked: bool) -> list[str]:
        """Return the ranges that a reducer runs over; an inner reducer keeps its own."""
        found: dict[str, str] = {}
        stack = [tree]
        while stack:
            node = stack.pop()
            if kind_of(node) == "Call" and name_key(node.function.reference) in functions.REDUCERS:
                continue
            parts = (
                [node] if kind_of(node) == "Reference" else [node.function] if kind_of(node) == "Call" else []
            )
            for part in parts:
                for subscript in part.subscripts.subscripts if part.subscripts is not None else ():
                    name = subscript.strip()
                    free = unmarked and self.subscripts.range_name(name) and name_key(name) not in at.bound
                    if name.endswith("!") or free:
                        found.setdefault(name_key(name.rstrip("!")), name.rstrip("!"))
            stack += reversed(children(node))
        return list(found.values())

    def _count(self, tree: Any) -> Expression:
        names = [argument.reference for argument in tree.arguments if kind_of(argument) == "Reference"]
        if len(names) != 1 or self.subscripts.range_name(names[0]) is None:
            raise ModelError("ELMCOUNT takes one subscript range.")
        return Number(float(len(self.subscripts.choices(names[0]))))

    def _macro(self, key: str, tree: Any, at: Context) -> Expression:
        """Write a macro's equations out for this use, its parameters being hidden slots."""
        macro = self.macros[key]
        if len(tree.arguments) != len(macro.params):
            raise ModelError(
                f"gives macro '{macro.name}' {len(tree.arguments)} arguments. It takes {len(macro.params)}."
            )
        if at.scope.depth >= _DEEPEST_MACRO:
            raise ModelError(f"macro '{macro.name}' uses itself.")
        arguments = {}
        for name, argument in zip(macro.params, tree.arguments, strict=True):
            expression = self.lower(argument, at)
            arguments[name_key(name)] = self.draft.add_hidden(
                at.slot, f"{key} {name}", "auxiliary", expression
            )
        anchor = self.draft.add_hidden(at.slot, key, "auxiliary", Number(0.0))
        definitions = collect_definitions(macro, self.subscripts, lambda name: self.source.place(name, key))
        scope = Scope(
            definitions,
            f"{self.draft.slots[anchor].name} ",
            arguments=arguments,
            macro=key,
            depth=at.scope.depth + 1,
        )
        self.declare(scope)
        if (key, ()) not in scope.slots:
            raise ModelError(f"macro '{macro.name}' does not define '{macro.name}'. Its result has its name.")
        self.draft.slots[anchor].expression = Ref(scope.slots[key, ()])
        return Ref(anchor)

    # -- for stateful functions --------------------------------------------------------------------

    def fixed_order(self, tree: Any, at: Context) -> int:
        """Return an order that the program is compiled with, remembering the constant that gave it.

        Raises
        ------
        UnsupportedError
            If it is not a number or a constant.
        """
        value = fixed_value(tree, {})
        if value is None and kind_of(tree) == "Reference":
            key = name_key(tree.reference)
            scope = self._scope_of(key, at.scope)
            if scope is not None and scope.definitions[key].kind == "equation":
                elements = self._elements(scope.definitions[key], tree.subscripts, at)
                value = fixed_value(scope.definitions[key].cells[elements].tree, {})
                self.draft.frozen.add(scope.slots[key, elements])
        if value is None:
            raise UnsupportedError("has an order that is not a constant, which the native engine lacks.")
        return int(value)


def _negative(operand: Expression) -> Expression:
    return Number(-operand.value) if isinstance(operand, Number) else Call("neg", (operand,))


def _check_count(key: str, args: list[Any], count: int) -> None:
    if len(args) != count:
        raise ModelError(f"gives {functions.function_title(key)} {len(args)} arguments. It takes {count}.")


_TITLES = {"AllocateAvailable": "ALLOCATE AVAILABLE", "AllocateByPriority": "ALLOCATE BY PRIORITY",
           "GetLookups": "GET … LOOKUPS", "GetData": "GET … DATA", "GetConstants": "GET … CONSTANTS",
           "Data": "data inside an expression", "str": "a text",
           "array": "a list of numbers inside an expression",
           "Lookups": "a lookup inside an expression"}  # fmt: skip
