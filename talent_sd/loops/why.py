"""Why a variable is what it is in a year: what moved it since the year before, cause by cause, down to figures.

Each cause is moved alone, all others as they were the year before, by the model's own equations on the run's own values
(`kept_run`, as loop scores do). Of a stock it is told what each flow brought over the year, which adds up to its change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.arguments import checked
from talent_sd.base.errors import InputError
from talent_sd.engine.ir import Call, Expression, TableCall
from talent_sd.engine.order import references
from talent_sd.inputs.settings import split_key
from talent_sd.loops.kept_run import Trajectory, follow, value_of

if TYPE_CHECKING:
    from talent_sd.forecast.prepare import Prepared, Scenarios

CLOCK, TOGETHER = "time", "together"
"""Causes that are no variable: what the equation itself does as time passes, and what causes do only together."""
SMALL = 1e-9
COUNTED = ("person", "yuan", "patent", "m*m", "firm")
"""Units of what may be added over the elements of a range; of anything else the mean is told."""


@dataclass(frozen=True)
class Study:
    """A central run with everything kept, and where its constants come from."""

    prepared: Prepared
    run: Trajectory
    by_variable: Mapping[str, tuple[int, ...]]

    @cached_property
    def _places(self) -> dict[float, int]:
        return {float(time): place for place, time in enumerate(self.run.times)}

    def place(self, year: float) -> int:
        """Return the point of the run at the start of a year."""
        return self._places[min(self._places, key=lambda time: abs(time - year))]

    def value(self, slot: int, year: float) -> float:
        """Return a slot's value at a year."""
        return float(self.run.values[slot, self.place(year), 0])


@dataclass(frozen=True)
class Cause:
    """A variable in a year, what it did to the one it was asked for, and its own causes.

    Parameters
    ----------
    name : of the variable, `CLOCK` or `TOGETHER`
    elements : the elements meant, empty of a variable without subscripts
    unit : the model's
    year : the later of the two years told
    before, now : values at the start of the year before and of the year; of several elements their sum, or mean of
        what cannot be added
    effect : what it changed in the variable that reads it, in that one's unit; of the variable asked for its own change
    """

    name: str
    elements: tuple[str, ...]
    unit: str
    year: float
    before: float
    now: float
    effect: float
    slots: tuple[int, ...] = field(repr=False)
    study: Study = field(repr=False, compare=False)

    @property
    def source(self) -> str:
        """Return where its value comes from, "" where an equation gives it: file, line, how and source."""
        return "; ".join(dict.fromkeys(filter(None, map(self._source_of, self.slots))))

    def _source_of(self, slot: int) -> str:
        own = self.study.run.program.slots[slot]
        if own.kind != "constant":
            return ""
        values = self.study.prepared.first.values
        given = values.get(own.name, values.get(own.variable))
        if given is not None:
            return f"{given.origin}: {given.origin.text}"
        structure = self.study.prepared.model.structure
        doc = structure[own.variable].doc
        return (
            f"{structure.place(own.variable)}: {doc[doc.find('Source:') + 8 :] if 'Source:' in doc else doc}"
        )

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """What moved it since the year before, the strongest first; effects add up to its change."""
        if self.name == CLOCK:
            return ()
        found: dict[str, float] = {}
        read: dict[str, dict[int, None]] = {}
        for slot in self.slots:
            own = self.study.run.program.slots[slot]
            groups = self._groups(slot)
            for name, slots in groups.items():
                read.setdefault(name, {}).update(dict.fromkeys(slots))
            parts = self._brought(slot, groups) if own.kind == "state" else self._moved(slot, groups)
            for name, effect in parts.items():
                found[name] = found.get(name, 0.0) + effect
        largest = max(map(abs, found.values()), default=0.0)
        made = [
            self._cause(name, tuple(read.get(name, ())), effect)
            for name, effect in found.items()
            if name in read or abs(effect) > SMALL * largest
        ]
        return tuple(sorted(made, key=lambda one: -abs(one.effect)))

    @cached_property
    def strip(self) -> tuple[Cause, ...]:
        """The same with sums taken apart: what only passes its own change on is told by its causes, down to flows.

        Of all talent these are arrivals, graduates, departures and retirements, not the stocks that it is the sum of.
        """
        found: dict[str, Cause] = {}
        waiting, passed = list(self.causes), {self.name}
        while waiting:
            one = waiting.pop(0)
            change = one.now - one.before
            if one.causes and one.name not in passed and abs(one.effect - change) <= SMALL * abs(change):
                passed.add(one.name)
                waiting += one.causes
                continue
            old = found.get(one.name)
            slots = tuple(dict.fromkeys((*(old.slots if old else ()), *one.slots)))
            effect = one.effect + (old.effect if old else 0.0)
            known = one.name not in (CLOCK, TOGETHER)
            found[one.name] = (
                _cause(self.study, one.name, slots, self.year, effect)
                if known
                else replace(one, effect=effect)
            )
        largest = max((abs(one.effect) for one in found.values()), default=0.0)
        moving = [one for one in found.values() if abs(one.effect) > SMALL * largest]
        return tuple(sorted(moving, key=lambda one: -abs(one.effect)))

    @property
    def figures(self) -> tuple[Cause, ...]:
        """Constants that its equation reads: what it rests on besides what moves it, each with its source."""
        return tuple(one for one in self.causes if one.source)

    def _groups(self, slot: int) -> dict[str, tuple[int, ...]]:
        """Return the slots that an equation reads, by variable; what is hidden (a delay's inside) by its own name."""
        program = self.study.run.program
        found: dict[str, list[int]] = {}
        if program.slots[slot].kind == "constant" or slot in self.study.run.given:
            return {}
        for one in dict.fromkeys(references(program.slots[slot].expression)):
            found.setdefault(program.slots[one].variable, []).append(one)
        return {name: tuple(slots) for name, slots in found.items()}

    def _evaluated(self, slot: int, points: slice, instead: Mapping[int, np.ndarray]) -> np.ndarray:
        run = self.study.run
        values = run.values[:, points]
        read = lambda one: instead[one] if one in instead else values[one]  # noqa: E731 (as `value_of` takes it)
        shape = (len(run.times[points]), 1)
        return np.broadcast_to(value_of(run.program.slots[slot].expression, read, run, points), shape)

    def _moved(self, slot: int, groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
        """Return what each cause alone changes in an equation from the year before to the year."""
        run, study = self.study.run, self.study
        if not groups and run.program.slots[slot].kind in ("constant", "initial"):
            return {}
        first, last = study.place(self.year - 1), study.place(self.year)
        then, today = slice(first, first + 1), slice(last, last + 1)
        old = {one: run.values[one, then] for slots in groups.values() for one in slots}
        start = float(self._evaluated(slot, then, {})[0, 0])
        still = float(self._evaluated(slot, today, old)[0, 0])
        found = {}
        for name, slots in groups.items():
            alone = old | {one: run.values[one, today] for one in slots}
            found[name] = float(self._evaluated(slot, today, alone)[0, 0]) - still
        found[CLOCK] = still - start
        whole = float(run.values[slot, last, 0] - run.values[slot, first, 0])
        found[TOGETHER] = whole - sum(found.values())
        return found

    def _brought(self, slot: int, groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
        """Return what each flow brought a stock over the year: its rate with that flow less its rate without."""
        run, study = self.study.run, self.study
        points = slice(study.place(self.year - 1), study.place(self.year))
        rate = self._evaluated(slot, points, {})
        found = {}
        for name, slots in groups.items():
            without = self._evaluated(
                slot, points, {one: np.zeros_like(run.values[one, points]) for one in slots}
            )
            found[name] = float((rate - without).sum() * run.time_step)
        whole = float(run.values[slot, points.stop, 0] - run.values[slot, points.start, 0])
        found[TOGETHER] = whole - sum(found.values())
        return found

    def _cause(self, name: str, slots: tuple[int, ...], effect: float) -> Cause:
        if not slots:
            return Cause(name, (), "", self.year, np.nan, np.nan, effect, self.slots, self.study)
        return _cause(self.study, name, slots, self.year, effect)

    @property
    def tables(self) -> dict[str, str]:
        """Return the tables over time that its equation reads itself, such as national paths, with their sources."""
        program, values = self.study.run.program, self.study.prepared.first.values
        names = {
            program.tables[one].name for slot in self.slots for one in _tables(program.slots[slot].expression)
        }
        structure = self.study.prepared.model.structure
        return {
            name: f"{values[name].origin}: {values[name].origin.text}"
            if name in values
            else structure.place(split_key(name)[0])
            for name in sorted(names)
        }

    def __str__(self) -> str:
        """Return the causes as lines of text."""
        head = f"{self.name}: {self.before:,.6g} -> {self.now:,.6g} {self.unit} ({self.year - 1:g} to {self.year:g})"
        return "\n".join([head, *(f"  {cause.effect:+,.4g}  {cause.name}" for cause in self.causes)])


def _tables(expression: Expression) -> set[int]:
    if isinstance(expression, TableCall):
        return {expression.table} | _tables(expression.x)
    return set().union(*map(_tables, expression.args)) if isinstance(expression, Call) else set()


def _cause(
    study: Study, name: str, slots: tuple[int, ...], year: float, effect: float | None = None
) -> Cause:
    program, structure = study.run.program, study.prepared.model.structure
    variable = structure.find(name)
    unit = variable.unit if variable else ""
    values = [[study.value(slot, at) for slot in slots] for at in (year - 1, year)]
    adds_up = unit.partition("/")[0].strip().casefold() in COUNTED and unit.partition("/")[2] in ("", "year")
    before, now = (float(np.sum(one) if adds_up else np.mean(one)) for one in values)
    own = (split_key(program.slots[slot].name)[1] for slot in slots)
    elements = tuple(one for one in own if one)
    return Cause(
        name, elements, unit, year, before, now, now - before if effect is None else effect, slots, study
    )


def explain(prepared: Prepared, variable: str, year: float) -> Cause:
    """Return what moved a variable of a prepared central run; as `why`."""
    structure = prepared.model.structure
    name, element = split_key(variable)
    known = structure[name].name
    first, last = prepared.years[0], prepared.years[-1]
    if not (first + 1 <= year <= last and year == int(year)):
        raise InputError(
            "the year is {year:g}. Give a whole one from {first:g} to {last:g}.",
            year=year,
            first=first + 1,
            last=last,
        )
    run = follow(prepared.model, prepared.first.params())
    by_variable: dict[str, list[int]] = {}
    for number, slot in enumerate(run.program.slots):
        if not slot.hidden:
            by_variable.setdefault(slot.variable, []).append(number)
    slots = tuple(by_variable.get(known, ()))
    if element is not None:
        slots = tuple(one for one in slots if split_key(run.program.slots[one].name)[1] == element)
    if not slots:
        raise InputError("'{name}' has no value of its own over time. Ask for another.", name=variable)
    study = Study(prepared, run, {key: tuple(own) for key, own in by_variable.items()})
    return _cause(study, known, slots, float(year))


@checked
def why(
    of: str,
    year: float = 2030,
    city: str | Path = "hefei",
    scenario: Scenarios = "baseline",
    *,
    model: str | Path | None = None,
    national: str | Path | None = None,
    reading: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    horizon: float | None = None,
) -> Cause:
    """Say why a variable is what it is in a year of the central run: what moved it since the year before.

    Parameters
    ----------
    of : a variable's name, or "name[element]"
    year : the later of the two years compared
    city, scenario, model, national, reading, overrides, horizon : as in `simulate`

    Returns
    -------
    A tree: its `causes` have their effects on it, in its unit (they add up to its change), and causes of their own; a
    constant has its `source`. Worked out as it is asked for.

    Raises
    ------
    InputError
        With every problem of every file; if the year is not one of the run.
    ModelError
        If there is no such variable.

    Examples
    --------
    >>> import talent_sd as ts
    >>> talent = ts.why("total talent", year=2030, city="wuxi")
    >>> sum(cause.effect for cause in talent.causes) - (talent.now - talent.before) < 1e-6
    True
    """
    from talent_sd.forecast.prepare import prepare

    prepared = prepare(
        scenario, city, model=model, national=national, reading=reading, overrides=overrides, horizon=horizon
    )
    return explain(prepared, of, year)
