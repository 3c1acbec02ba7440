"""From PySD's syntax trees, element by element, to the program's expressions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from talent_sd.base.errors import ModelError, TooLargeError, UnsupportedError, nearest
from talent_sd.base.language import N_, tell
from talent_sd.engine.equations import functions
from talent_sd.engine.equations.definitions import Cell, Definition, Elements, collect_definitions
from talent_sd.engine.equations.draft import Draft, DraftSlot, Scope
from talent_sd.engine.ir import Call, Expression, Number, Ref, TableCall, Time, operands_of
from talent_sd.model.names import name_key
from talent_sd.model.subscripts import Subscripts
from talent_sd.model.syntax import fixed_value, kind_of

_OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "=": "eq", "<>": "ne", "<": "lt", "<=": "le",
              ">": "gt", ">=": "ge", ":AND:": "and", ":OR:": "or", "AND": "and", "OR": "or"}  # fmt: skip


@dataclass(frozen=True)
class Context:
    """Where an expression stands: its scope, its slot, and what each range stands for here."""

    scope: Scope
    slot: int
    bound: dict[str, str]


MOST_SLOTS, MOST_WORK = 100_000, 1_000_000
"""Scalar elements, hidden ones included, and operations that a model may come to."""
DEEPEST = 300
"""Operations within operations that an equation may have."""
_MANY = 100
"""Terms of a sum that are added one after the other; more are added as a tree."""
_DEEP = N_("is nested too deeply. Divide it into several variables.")
MOST_STAGES = 1000
"""Order that a delay or smooth may have."""
Handler = Callable[["Lowerer", Any, Context], Expression]
StockHandler = Callable[["Lowerer", Any, Context, int], None]


class Lowerer:
    """Lowers the equations of one model into a draft program.

    Parameters
    ----------
    source : the translated model
    handlers : kind of tree -> what lowers it, for calls and functions with memory
    stock : what lowers INTEG into a slot
    """

    def __init__(self, source: Any, handlers: Mapping[str, Handler], stock: StockHandler) -> None:
        self.source = source
        self.handlers, self.stock = handlers, stock
        main, *macros = source.model.sections
        self.subscripts = Subscripts(main.subscripts, source.mappings, source.place)
        self.macros = {name_key(macro.name): macro for macro in macros}
        self.draft = Draft()
        self.work = 0
        self.queue: deque[tuple[Scope, str, Elements, Cell, int]] = deque()
        self.main = Scope(collect_definitions(main, self.subscripts, source.place, source.path.parent))

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
            place = self.source.place(name, scope.macros[-1] if scope.macros else "")
            try:
                self._equation(cell.tree, Context(scope, slot, cell.bound))
                _refuse_deep(self.draft.slots[slot].expression)
            except TooLargeError as error:
                raise ModelError("{place}: '{name}': {error}", place=place, name=name, error=error) from None
            except RecursionError:
                problems[f"{place}: '{name}': {tell(_DEEP)}"] = None
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
        try:
            return self.draft.add_table(name, cell.tree)
        except ModelError as error:
            raise ModelError(
                "{place}: '{definition}': {error}", place=place, definition=definition.name, error=error
            ) from None

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
            self.stock(self, tree, at, at.slot)
        elif kind == "Initial":
            draft.kind, draft.expression = "initial", self.lower(tree.initial, at)
        elif kind == "Call" and name_key(tree.function.reference) == "active_initial":
            self.active_initial(tree, at, at.slot)
        else:
            draft.expression = self.lower(tree, at)
            if isinstance(draft.expression, Number):
                draft.kind = "constant"

    def active_initial(self, tree: Any, at: Context, slot: int) -> None:
        """Fill a slot from ACTIVE INITIAL (equation, initial value)."""
        if len(tree.arguments) != 2:
            raise ModelError(tell("ACTIVE INITIAL takes 2 arguments: the equation and its initial value."))
        self.draft.slots[slot].expression = self.lower(tree.arguments[0], at)
        self.draft.initial_expression[slot] = self.lower(tree.arguments[1], at)

    # -- expressions -------------------------------------------------------------------------------

    def charge(self, work: int) -> None:
        """Count expressions that are about to be made.

        Raises
        ------
        TooLargeError
            If a model has more of them than `MOST_WORK`, or more than `MOST_SLOTS` elements.
        """
        self.work += work
        if self.work > MOST_WORK or len(self.draft.slots) > MOST_SLOTS:
            raise TooLargeError(
                "the model comes to more than {slots} elements, or {work} operations, here. Make ranges, orders or "
                "macros smaller.",
                slots=MOST_SLOTS,
                work=MOST_WORK,
            )

    def lower(self, tree: Any, at: Context) -> Expression:
        """Return the expression of a tree, for the elements bound at `at`."""
        self.charge(1)
        kind = kind_of(tree)
        if kind == "number":
            return Number(float(tree))
        handler: Callable[[Any, Context], Expression] | None = getattr(self, f"_{kind.lower()}", None)
        if handler is not None:
            return handler(tree, at)
        if kind in self.handlers:
            return self.handlers[kind](self, tree, at)
        raise UnsupportedError(
            "uses {titles}, which the native engine lacks.", titles=_TITLES.get(kind, kind)
        )

    def _arithmetic(self, tree: Any, at: Context) -> Expression:
        operators = [str(op) for op in tree.operators]
        operands = [self.lower(argument, at) for argument in tree.arguments]
        if operators == ["negative"]:
            return _negative(operands[0])
        if operators[-1] == "^":
            result = operands[-1]
            for base in operands[-2::-1]:
                result = Call("pow", (base, result))
            return result
        if len(operands) > _MANY and set(operators) <= {"+", "-"}:
            signs = ["+", *operators]
            signed = [x if s == "+" else _negative(x) for s, x in zip(signs, operands, strict=True)]
            return functions.fold("add", signed)
        result = operands[0]
        for operator, operand in zip(operators, operands[1:], strict=True):
            result = Call(_OPERATORS[operator], (result, operand))
        return result

    def _logic(self, tree: Any, at: Context) -> Expression:
        operands = [self.lower(argument, at) for argument in tree.arguments]
        operators = [str(operator).upper() for operator in tree.operators]
        if operators == [":NOT:"]:
            return Call("not", (operands[0],))
        if len(operators) > 1 and len(set(operators)) == 1 and operators[0] in {":AND:", ":OR:"}:
            return functions.fold(_OPERATORS[operators[0]], operands)
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
        self.stock(self, tree, at, slot)
        return Ref(slot)

    # -- references --------------------------------------------------------------------------------

    def _reference(self, tree: Any, at: Context) -> Expression:
        key = name_key(tree.reference)
        if key in at.scope.arguments:
            return Ref(at.scope.arguments[key])
        if key == "time":
            return Time()
        scope = self.scope_of(key, at.scope)
        if scope is None:
            number = self.subscripts.number(tree.reference, at.bound)
            if number is None:
                known = [d.name for d in (*at.scope.definitions.values(), *self.main.definitions.values())]
                raise ModelError(
                    "uses '{reference}', which is not defined.{hint}",
                    reference=tree.reference.replace("_", " "),
                    hint=nearest(tree.reference.replace("_", " "), known),
                )
            return Number(number)
        definition = scope.definitions[key]
        if definition.kind == "lookup":
            raise ModelError(
                "uses the lookup '{definition}' without an argument. Write {definition}(x).",
                definition=definition.name,
            )
        return Ref(scope.slots[key, self.elements(definition, tree.subscripts, at)])

    def scope_of(self, key: str, scope: Scope) -> Scope | None:
        """Return the scope that defines a name: a macro sees its own and the time settings."""
        if key in scope.definitions:
            return scope
        settings = {"time_step", "initial_time", "final_time", "saveper"}
        return self.main if key in settings and key in self.main.definitions else None

    def elements(self, definition: Definition, subscripts: Any, at: Context) -> Elements:
        """Return which element of a variable a reference means here."""
        written = list(subscripts.subscripts) if subscripts is not None else []
        if not written and () not in definition.cells:
            written = self._implied(definition, at)
        elements = tuple(self.element(subscript, at) for subscript in written)
        if elements not in definition.cells:
            length = len(next(iter(definition.cells)))
            what = (
                f"has {length} subscripts, not {len(elements)}"
                if length != len(elements)
                else f"has no element [{','.join(elements)}]"
            )
            raise ModelError(
                "uses '{definition}', which {what}. Correct the subscripts.",
                definition=definition.name,
                what=what,
            )
        return elements

    def _implied(self, definition: Definition, at: Context) -> list[str]:
        """Return the ranges that an array referred to without subscripts must mean: those on the left."""
        for ranges in definition.ranges:
            if all(key in at.bound for key in ranges):
                return ranges
        raise ModelError(
            "uses the array '{definition}' without subscripts. Write {definition}[…].",
            definition=definition.name,
        )

    def element(self, subscript: str, at: Context) -> str:
        """Return the element that a subscript means here."""
        subscript = subscript.strip()
        if subscript.endswith("!"):
            key = name_key(subscript[:-1]) + "!"
            if key not in at.bound:
                raise ModelError("uses [{subscript}] outside SUM, PROD, VMIN or VMAX.", subscript=subscript)
            return at.bound[key]
        if element := self.subscripts.element_name(subscript):
            return element
        if self.subscripts.range_name(subscript) is None:
            known = [*self.subscripts.ranges, *(e for r in self.subscripts.ranges.values() for e in r)]
            raise ModelError(
                "unknown subscript '{subscript}'.{hint}", subscript=subscript, hint=nearest(subscript, known)
            )
        if name_key(subscript) + "!" in at.bound and name_key(subscript) not in at.bound:
            return at.bound[name_key(subscript) + "!"]
        mapped = self.subscripts.mapped(subscript, at.bound)
        if mapped is None:
            raise ModelError(
                "uses range '{subscript}' on the right only. Put it on the left too, map it, or write "
                "'{subscript}!' inside SUM, PROD, VMIN or VMAX.",
                subscript=subscript,
            )
        return mapped

    # -- for calls and stateful functions ----------------------------------------------------------

    def time_step(self) -> Expression:
        """Return the reference to TIME STEP."""
        if ("time_step", ()) not in self.main.slots:
            raise ModelError(tell("needs TIME STEP, which the model does not define. Add TIME STEP = …."))
        return Ref(self.main.slots["time_step", ()])

    def fixed_order(self, tree: Any, at: Context) -> int:
        """Return an order that the program is compiled with, remembering the constant that gave it.

        Raises
        ------
        UnsupportedError
            If it is not a number or a constant.
        ModelError
            If it is below 1 or :NA:.
        """
        value = fixed_value(tree, {})
        if value is None and kind_of(tree) == "Reference":
            key = name_key(tree.reference)
            scope = self.scope_of(key, at.scope)
            if scope is not None and scope.definitions[key].kind == "equation":
                elements = self.elements(scope.definitions[key], tree.subscripts, at)
                value = fixed_value(scope.definitions[key].cells[elements].tree, {})
                self.draft.frozen.add(scope.slots[key, elements])
        if value is None:
            raise UnsupportedError(
                tell("has an order that is not a constant, which the native engine lacks.")
            )
        if not 1 <= value <= MOST_STAGES:  # nor is :NA:
            raise ModelError(
                "has a delay or smooth of order {order}. The order is 1 to {most}.",
                order=f"{value:g}",
                most=MOST_STAGES,
            )
        return int(value)


def _refuse_deep(expression: Expression) -> None:
    """Raise a `RecursionError` for an expression that others could not walk."""
    level = [expression]
    for _ in range(DEEPEST):
        level = [child for node in level for child in operands_of(node)]
        if not level:
            return
    raise RecursionError


def _negative(operand: Expression) -> Expression:
    return Number(-operand.value) if isinstance(operand, Number) else Call("neg", (operand,))


_TITLES = {"AllocateAvailable": "ALLOCATE AVAILABLE", "AllocateByPriority": "ALLOCATE BY PRIORITY",
           "GetLookups": "GET … LOOKUPS", "GetData": "GET … DATA", "GetConstants": "GET … CONSTANTS",
           "Data": "data inside an expression", "str": "a text",
           "array": "a list of numbers inside an expression",
           "Lookups": "a lookup inside an expression"}  # fmt: skip
