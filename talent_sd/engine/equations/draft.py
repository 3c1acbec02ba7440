"""The program while it is being built: slots may still be added and filled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.base.language import tell
from talent_sd.engine.equations.definitions import Definition, Elements
from talent_sd.engine.ir import (
    Expression,
    Number,
    Ref,
    Slot,
    SlotKind,
    State,
    Table,
)


@dataclass
class DraftSlot:
    """A slot whose equation may still be unknown."""

    name: str
    variable: str
    subscripts: Elements
    kind: SlotKind = "auxiliary"
    expression: Expression = Number(float("nan"))
    hidden: bool = False


@dataclass
class Scope:
    """The main model, or one use of a macro: names to slots and tables."""

    definitions: dict[str, Definition]
    prefix: str = ""  # of slot names, "" in the main model
    slots: dict[tuple[str, Elements], int] = field(default_factory=dict)
    tables: dict[tuple[str, Elements], int] = field(default_factory=dict)
    arguments: dict[str, int] = field(default_factory=dict)
    macros: tuple[str, ...] = ()  # the macros in use here, outermost first


@dataclass
class Draft:
    """Slots, states and tables as they come up."""

    slots: list[DraftSlot] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    initial_expression: dict[int, Expression] = field(default_factory=dict)
    frozen: set[int] = field(default_factory=set)
    streams: int = 0
    _names: dict[str, int] = field(default_factory=dict)
    _inline: dict[int, tuple[Any, int]] = field(default_factory=dict)

    def add_slot(self, slot: DraftSlot) -> int:
        """Append a slot and return its index."""
        self.slots.append(slot)
        return len(self.slots) - 1

    def add_hidden(self, owner: int, label: str, kind: SlotKind, expression: Expression) -> int:
        """Append a slot that a slot's equation needs beside itself; named "_label owner n"."""
        of = self.slots[owner]
        stem = f"_{label} {of.name.lstrip('_')}"
        self._names[stem] = self._names.get(stem, 0) + 1
        name = f"{stem} {self._names[stem]}"
        return self.add_slot(DraftSlot(name, of.variable, of.subscripts, kind, expression, hidden=True))

    def bind(self, owner: int, label: str, expression: Expression) -> Expression:
        """Return an expression that is cheap to repeat: a reference to a hidden slot unless it is simple."""
        if isinstance(expression, (Number, Ref)):
            return expression
        return Ref(self.add_hidden(owner, label, "auxiliary", expression))

    def add_table(self, name: str, lookup: Any) -> int:
        """Append a lookup's points; `lookup` is PySD's LookupsStructure.

        Raises
        ------
        ModelError
            If there are no points, or two share an x.
        """
        x, y = np.array(lookup.x, float), np.array(lookup.y, float)
        if len(x) == 0 or len(x) != len(y):
            raise ModelError(tell("its table has no points, or x and y differ in number"))
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
        if np.any(np.diff(x) <= 0):
            twice = x[np.flatnonzero(np.diff(x) <= 0)[0]]
            raise ModelError("its table has two points at x = {twice:g}. Remove one.", twice=twice)
        between, outside = _FORMS[lookup.type]
        self.tables.append(Table(name, x, y, outside, between))
        return len(self.tables) - 1

    def inline_table(self, lookup: Any) -> int:
        """Return the table of a WITH LOOKUP, one for all elements that share the equation."""
        if id(lookup) not in self._inline:
            self._inline[id(lookup)] = (lookup, self.add_table(f"_inline {len(self._inline) + 1}", lookup))
        return self._inline[id(lookup)][1]

    def add_state(self, slot: int, initial: Expression, **more: Any) -> None:
        """Make a slot a state."""
        self.slots[slot].kind = "state"
        self.states.append(State(slot, initial, **more))

    def frozen_slots(self) -> tuple[Slot, ...]:
        """Return the slots as a program holds them."""
        return tuple(
            Slot(s.name, s.variable, s.subscripts, s.kind, s.expression, s.hidden) for s in self.slots
        )


_FORMS: dict[str, tuple[Any, Any]] = {
    "interpolate": ("linear", "clamp"),
    "extrapolate": ("linear", "extrapolate"),
    "hold_backward": ("step", "clamp"),
}
