"""Subscript ranges: their elements, which part of which other, and how they map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from talent_sd.base.errors import ModelError, nearest
from talent_sd.model.names import name_key, unquoted


class Subscripts:
    """The subscript ranges of a model.

    Parameters
    ----------
    definitions : PySD's AbstractSubscriptRange objects
    mappings : range -> {mapped range: its elements in order, () for "by position"}
    place : range -> "file:line", for errors
    """

    def __init__(
        self,
        definitions: Iterable,
        mappings: Mapping[str, Mapping[str, Sequence[str]]],
        place: Callable[[str], str] = str,
    ) -> None:
        self._place = place
        self.ranges: dict[str, tuple[str, ...]] = {}
        self._range_names: dict[str, str] = {}
        self._elements: dict[str, str] = {}
        self._copies: dict[str, str] = {}
        self._mapped: dict[tuple[str, str], dict[str, int]] = {}
        raw: dict[str, list[str]] = {}
        self._targets: dict[str, dict[str, tuple[str, ...]]] = {}
        for definition in definitions:
            key = name_key(definition.name)
            self._range_names[key] = unquoted(definition.name)
            if isinstance(definition.subscripts, str):
                self._copies[key] = name_key(definition.subscripts)
            else:
                raw[key] = list(definition.subscripts)
            given = mappings.get(key) or {target: () for target in definition.mapping}
            self._targets[key] = {
                name_key(target): tuple(map(name_key, order)) for target, order in given.items()
            }
        for key in self._range_names:
            self.ranges[self._range_names[key]] = tuple(self._expand(key, raw, ()))
        for elements in self.ranges.values():
            for element in elements:
                self._elements.setdefault(name_key(element), element)

    def _expand(self, key: str, raw: Mapping[str, list[str]], seen: tuple[str, ...]) -> list[str]:
        """Return a range's elements, the names of other ranges in it replaced by theirs."""
        if key in seen:
            name = self._range_names[key]
            raise ModelError(
                "{place}: subscript range '{name}' contains itself.", place=self._place(name), name=name
            )
        if key in self._copies:
            if self._copies[key] not in self._range_names:
                raise ModelError(
                    "{place}: subscript range '{name}' copies '{other}', which is not defined.",
                    place=self._place(self._range_names[key]),
                    name=self._range_names[key],
                    other=self._copies[key],
                )
            return self._expand(self._copies[key], raw, (*seen, key))
        found: list[str] = []
        for name in raw[key]:
            inner = name_key(name)
            found += (
                self._expand(inner, raw, (*seen, key))
                if inner in raw or inner in self._copies
                else [unquoted(name)]
            )
        return list(dict.fromkeys(found))

    def range_name(self, name: str) -> str | None:
        """Return a range's name as defined, None if there is no such range."""
        return self._range_names.get(name_key(name))

    def element_name(self, name: str) -> str | None:
        """Return an element's name as defined, None if there is no such element."""
        return self._elements.get(name_key(name))

    def in_order(self, elements: Iterable[str]) -> list[str]:
        """Return elements in the order of the smallest range that holds them all; as given if none does."""
        wanted = list(elements)
        holding = [known for known in self.ranges.values() if set(wanted) <= set(known)]
        order = min(holding, key=len, default=tuple(wanted))
        return [element for element in order if element in set(wanted)]

    def choices(self, subscript: str) -> tuple[str, ...]:
        """Return the elements that one subscript of a left-hand side stands for.

        Raises
        ------
        ModelError
            If it is neither an element nor a range.
        """
        if element := self.element_name(subscript):
            return (element,)
        if name := self.range_name(subscript):
            return self.ranges[name]
        known = [*self.ranges, *self._elements.values()]
        raise ModelError(
            "unknown subscript '{subscript}'.{hint} Define it first.",
            subscript=subscript,
            hint=nearest(subscript, known),
        )

    def mapped(self, name: str, bound: Mapping[str, str]) -> str | None:
        """Return the element of range `name` that the ranges bound on the left mean, None if none does.

        Parameters
        ----------
        name : a range used on the right-hand side
        bound : range key -> element, as bound by the left-hand side
        """
        key = name_key(name)
        elements = self.ranges[self._range_names[key]]
        if key in bound:
            return bound[key]
        for target, order in self._targets[key].items():
            if target in bound:
                partner = name_key(bound[target])
                found = self._partners(key, target, order).get(partner, len(elements))
                if found < len(elements):
                    return elements[found]
        same = {self._copies.get(key, key)} | {copy for copy, origin in self._copies.items() if origin == key}
        return next((bound[other] for other in same if other in bound), None)

    def _partners(self, key: str, target: str, order: Sequence[str]) -> dict[str, int]:
        """Return, by the key of an element mapped to, the number of the one that it means; the first of several."""
        if (key, target) not in self._mapped:
            found: dict[str, int] = {}
            for number, one in enumerate(order or self.ranges[self._range_names[target]]):
                for partner in self._keys(one):
                    found.setdefault(partner, number)
            self._mapped[key, target] = found
        return self._mapped[key, target]

    def _keys(self, name: str) -> set[str]:
        """Return the keys of the elements that a name in a mapping stands for: its own, or those of a range."""
        range_name = self._range_names.get(name_key(name))
        return {name_key(name)} if range_name is None else set(map(name_key, self.ranges[range_name]))

    def number(self, name: str, bound: Mapping[str, str]) -> float | None:
        """Return the position, from 1, that a subscript used as a number means; None if it is not one.

        An element counts in the largest range that holds it (the first by name among equals), as in PySD.
        """
        if range_name := self.range_name(name):
            element = self.mapped(range_name, bound)
            if element is None:
                return None
        elif found := self.element_name(name):
            element, range_name = found, None
        else:
            return None
        holding = [
            r
            for r, elements in self.ranges.items()
            if element in elements and (range_name is None or set(self.ranges[range_name]) <= set(elements))
        ]
        main = min(holding, key=lambda r: (-len(self.ranges[r]), name_key(r)))
        return float(self.ranges[main].index(element) + 1)

    def dimension(self, used: Sequence[str], elements: Sequence[str], taken: Iterable[str]) -> str | None:
        """Return the range that names a variable's dimension.

        Parameters
        ----------
        used : the subscripts written at that place on the left-hand sides
        elements : the elements they cover
        taken : ranges that name the variable's other dimensions
        """
        covered, free = set(elements), [r for r in self.ranges if r not in set(taken)]
        written = {self.range_name(u) for u in used if not self.element_name(u)}
        exact = [r for r in free if set(self.ranges[r]) == covered]
        for r in exact:
            if r in written:
                return r
        larger = sorted((r for r in free if set(self.ranges[r]) > covered), key=lambda r: len(self.ranges[r]))
        return next(iter(exact or larger), None)
