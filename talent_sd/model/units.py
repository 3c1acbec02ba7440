"""Do the units of a model's equations fit? A metre plus a kilogram does not.

A literal number, a variable without a unit and a function whose unit is not known fit anything, so that what
is told is wrong for certain. Units are compared by name: plural and case do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from talent_sd.base.errors import ModelError
from talent_sd.base.language import tell
from talent_sd.model.names import name_key
from talent_sd.model.syntax import kind_of
from talent_sd.model.translate import Source

Unit = Mapping[str, Fraction]
"""Base unit -> exponent; none: dimensionless."""

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([^\s\d*/^()\-+][^*/^()]*)|([*/^()\-]))")
_PURE = {"dmnl", "dimensionless", "fraction", "percent", "%", "ratio", "1", "unitless", "index", ""}
_SAME = {
    "people": "person",
    "persons": "person",
    "yr": "year",
    "mo": "month",
    "wk": "week",
    "hr": "hour",
    "$": "dollar",
}
_LIKE_FIRST = {"abs", "step", "sum", "vmin", "vmax", "integer", "floor", "min", "max", "modulo", "floored_modulo",
               "active_initial", "random_uniform", "sample_if_true"}  # fmt: skip
_MUST_AGREE = {"min", "max", "modulo", "floored_modulo", "active_initial"}
_INPUT = {"Delay": "input", "DelayN": "input", "DelayFixed": "input", "Smooth": "input", "SmoothN": "input",
          "Initial": "initial", "Game": "expression", "SampleIfTrue": "input", "Forecast": "input"}  # fmt: skip


class UnitClash(Exception):
    """Two units that should be the same are not; in words."""


def parse_unit(text: str) -> Unit | None:
    """Return a unit's dimensions, None for a text that is none.

    >>> dict(parse_unit("yuan/(Persons*year)")) == {"yuan": 1, "person": -1, "year": -1}
    True
    >>> parse_unit("Dmnl"), parse_unit("a/b)")
    ({}, None)
    """
    tokens = [match.groups() for match in _TOKEN.finditer(text)]
    if "".join(text.split()) != "".join("".join(part or "" for part in t) for t in tokens).replace(" ", ""):
        return None
    try:
        found, rest = _product(tokens, 0)
    except (IndexError, ValueError):
        return None
    return found if rest == len(tokens) else None


def after_number(unit: str) -> str:
    """Return a unit as it follows a number in a message, with a space before it; "" where it is none.

    >>> after_number("person"), after_number("Dmnl"), after_number("1")
    (' person', '', '')
    """
    return "" if unit.strip().casefold() in _PURE else f" {unit}"


def _product(tokens: list[Any], at: int) -> tuple[Unit, int]:
    found, at = _power(tokens, at)
    while at < len(tokens) and tokens[at][2] in {"*", "/"}:
        sign = 1 if tokens[at][2] == "*" else -1
        factor, at = _power(tokens, at + 1)
        found = _times(found, factor, Fraction(sign))
    return found, at


def _power(tokens: list[Any], at: int) -> tuple[Unit, int]:
    if not tokens:
        return {}, 0
    number, name, sign = tokens[at]
    if sign == "(":
        found, at = _product(tokens, at + 1)
        if tokens[at][2] != ")":
            raise ValueError
        at += 1
    elif number or name:
        found, at = ({} if number else _named(name)), at + 1
    else:
        raise ValueError
    if at < len(tokens) and tokens[at][2] == "^":
        negative = tokens[at + 1][2] == "-"
        at += 2 if negative else 1
        exponent = Fraction(tokens[at][0] or "x") * (-1 if negative else 1)
        return _times({}, found, exponent), at + 1
    return found, at


def _named(name: str) -> Unit:
    key = name_key(name)
    key = _SAME.get(key, key[:-1] if len(key) > 3 and key.endswith("s") and not key.endswith("ss") else key)
    return {} if key in _PURE else {_SAME.get(key, key): Fraction(1)}


def _times(one: Unit, other: Unit, exponent: Fraction) -> Unit:
    found = dict(one)
    for base, power in other.items():
        found[base] = found.get(base, Fraction(0)) + power * exponent
    return {base: power for base, power in found.items() if power}


def unit_problems(source: Source) -> Iterator[str]:
    """Yield what does not fit in the equations of a model, ``file:line: 'name': what. remedy``."""
    elements = source.model.sections[0].elements
    texts = {name_key(each.name): each.units for each in elements}
    units = {key: parse_unit(text) if text.strip() else None for key, text in texts.items()}
    units["time"] = units.get("time_step")
    lookups = {
        name_key(e.name) for e in elements if any(type(c).__name__ == "AbstractLookup" for c in e.components)
    }
    checker = _Checker({key: unit for key, unit in units.items() if key not in lookups})
    for element in elements:
        if name_key(element.name) in lookups:
            continue
        told: dict[str, None] = {}
        for component in element.components:
            try:
                found = checker.unit(component.ast)
                checker.same(found, units[name_key(element.name)])
            except UnitClash as clash:
                told[str(clash)] = None
        for what in told:
            yield tell(
                "{place}: '{name}': {what}. Mend the equation or the units.",
                place=source.place(element.name), name=element.name.strip('"'), what=what,
            )  # fmt: skip


def refuse_clashing_units(source: Source) -> None:
    """Raise a `ModelError` with all that `unit_problems` finds, if anything."""
    found = list(unit_problems(source))
    if found:
        raise ModelError(found)


class _Checker:
    """Works out units of trees; None fits anything."""

    def __init__(self, units: Mapping[str, Unit | None]) -> None:
        self.units = units

    def same(self, one: Unit | None, other: Unit | None) -> Unit | None:
        """Return the unit of two that must be alike."""
        if one is None or other is None:
            return other if one is None else one
        if dict(one) != dict(other):
            raise UnitClash(tell("has {one} where {other} belongs", one=shown(one), other=shown(other)))
        return one

    def unit(self, tree: Any) -> Unit | None:
        """Return a tree's unit; raises `UnitClash`."""
        kind = kind_of(tree)
        if kind == "Reference":
            return self.units.get(name_key(tree.reference))
        if kind == "Arithmetic":
            return self._arithmetic(tree)
        if kind == "Logic":
            found: Unit | None = None
            joins = tree.operators[0] in {":NOT:", ":AND:", ":OR:"}
            for argument in tree.arguments:
                unit = self.unit(argument)
                found = None if joins else self.same(found, unit)
            return None
        if kind == "Call":
            return self._call(tree)
        if kind == "Integ":
            return self._stock(tree)
        if kind in _INPUT:
            return self.unit(getattr(tree, _INPUT[kind]))
        return None

    def _arithmetic(self, tree: Any) -> Unit | None:
        operators = list(tree.operators)
        found = self.unit(tree.arguments[0])
        if operators == ["negative"]:
            return found
        if operators[0] == "^":
            exponent = tree.arguments[1]
            if len(operators) > 1 or found is None or kind_of(exponent) != "number" or exponent != exponent:
                return {} if found is not None and not found else None
            return _times({}, found, Fraction(float(exponent)).limit_denominator(64))
        if operators[0] in "*/":
            return self._product(tree)
        for argument in tree.arguments[1:]:
            found = self.same(found, self.unit(argument))
        return found

    def _product(self, tree: Any) -> Unit | None:
        """A literal number may carry a unit of its own: what it scales fits anything."""
        units = [self.unit(argument) for argument in tree.arguments]
        if any(unit is None for unit in units):
            return None
        found: Unit = units[0] or {}
        for operator, unit in zip(tree.operators, units[1:], strict=True):
            found = _times(found, unit or {}, Fraction(1 if operator == "*" else -1))
        return found

    def _call(self, tree: Any) -> Unit | None:
        key = name_key(tree.function.reference)
        units = [self.unit(argument) for argument in tree.arguments]
        if key == "if_then_else" and len(units) == 3:
            return self.same(units[1], units[2])
        if key in {"zidz", "xidz"} and len(units) >= 2:
            one, other = units[:2]
            ratio = None if one is None or other is None else _times(one, other, Fraction(-1))
            return self.same(ratio, units[2]) if len(units) > 2 else ratio
        if key == "sqrt" and units and units[0] is not None:
            return _times({}, units[0], Fraction(1, 2))
        if key in _MUST_AGREE and len(units) == 2:
            return self.same(units[0], units[1])
        return units[0] if key in _LIKE_FIRST and units else None

    def _stock(self, tree: Any) -> Unit | None:
        flow, start, step = self.unit(tree.flow), self.unit(tree.initial), self.units.get("time_step")
        gathered = None if flow is None or step is None else _times(flow, step, Fraction(1))
        return self.same(gathered, start)


def shown(unit: Unit) -> str:
    """Return a unit as text."""
    above = [_power_text(base, power) for base, power in unit.items() if power > 0]
    below = [_power_text(base, -power) for base, power in unit.items() if power < 0]
    top = "*".join(above) or "1"
    if not below:
        return top if above else "Dmnl"
    return f"{top}/{below[0] if len(below) == 1 else '(' + '*'.join(below) + ')'}"


def _power_text(base: str, power: Fraction) -> str:
    return base if power == 1 else f"{base}^{power}"
