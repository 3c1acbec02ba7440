"""Why a variable is what it is in a year: what moved it since the year before, cause by cause, down to figures.

Each cause is moved alone, all others as they were the year before, by the model's own equations on the run's own values
(`kept_run`, as loop scores do). Of a stock it is told what each flow brought over the year, which adds up to its change.
A table read at the clock, such as a national path, is a cause of its own: all its readings in an equation move together.

Against another run it is the same, with that run's values in the same year for those of the year before; of a stock it is
told what each flow brought more or less since the start.
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
from talent_sd.engine.ir import Expression, TableCall
from talent_sd.engine.order import references
from talent_sd.inputs.settings import split_key
from talent_sd.loops.kept_run import Trajectory, adds_up, brought, follow, reading_at, tables_in, value_at

if TYPE_CHECKING:
    from talent_sd.forecast.prepare import Prepared, Scenarios

CLOCK, TOGETHER = "time", "together"
"""Causes that are no variable: what the equation itself does as time passes, and what causes do only together."""
SMALL = 1e-9


@dataclass(frozen=True)
class Study:
    """A central run with everything kept, where its constants come from, and the run that it is held against, if any."""

    prepared: Prepared
    run: Trajectory
    by_variable: Mapping[str, tuple[int, ...]]
    base: Trajectory | None = None
    base_title: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _places(self) -> dict[float, int]:
        return {float(time): place for place, time in enumerate(self.run.times)}

    def place(self, year: float) -> int:
        """Return the point of the run at the start of a year."""
        return self._places[min(self._places, key=lambda time: abs(time - year))]

    def moments(self, year: float) -> tuple[tuple[Trajectory, int], tuple[Trajectory, int]]:
        """Return what is compared, run and point each: the year before, or the other run in the same year, and this one."""
        now = self.place(year)
        before = (self.run, self.place(year - 1)) if self.base is None else (self.base, now)
        return before, (self.run, now)

    def origin(self, name: str, place: str, doc: str = "") -> str:
        """Return where a constant or a table has its value from: file, line and source."""
        values = self.prepared.first.values
        if name in values:
            return f"{values[name].origin}: {values[name].origin.text}"
        return f"{place}: {doc}" if doc else place


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
        what cannot be added; against another run, that run's value and this one's
    effect : what it changed in the variable that reads it, in that one's unit; of the variable asked for its own change
    table : whether it is a table read at the clock, such as a national path
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
    table: bool = False

    def __deepcopy__(self, _: object = None) -> Cause:
        """Return it: nothing in it changes."""
        return self

    __copy__ = __deepcopy__

    def __reduce__(self) -> tuple[Any, ...]:
        """Refuse to be kept in a file: the model is in it."""
        raise InputError("{name}: a cause is not pickled. Keep names and effects.", name=self.name)

    @property
    def source(self) -> str:
        """Return where its value comes from, "" where an equation gives it: file, line, how and source."""
        if self.table:
            return self.study.origin(self.name, self.study.prepared.model.structure.place(self.name))
        return "; ".join(dict.fromkeys(filter(None, map(self._source_of, self.slots))))

    def _source_of(self, slot: int) -> str:
        own = self.study.run.program.slots[slot]
        if own.kind != "constant":
            return ""
        structure = self.study.prepared.model.structure
        doc = structure[own.variable].doc
        told = doc[doc.find("Source:") + 8 :] if "Source:" in doc else doc
        name = own.name if own.name in self.study.prepared.first.values else own.variable
        return self.study.origin(name, structure.place(own.variable), told)

    @property
    def is_figure(self) -> bool:
        """Whether it is a figure of the world or a choice: no definition, no nought or one by name, no switch."""
        if self.table:
            return True
        if not self.source or set(self.slots) & set(self.study.run.program.time_slots.values()):
            return False
        own = self.study.prepared.model.structure[self.name]
        low, high = own.limits
        told = own.doc.partition("Source:")[2].strip().casefold()
        return (low is None or low != high) and not told.startswith(
            ("definition", "setting of an experiment")
        )

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """What moved it since the year before, the strongest first; effects add up to its change."""
        if self.name == CLOCK:
            return ()
        found: dict[str, float] = {}
        read: dict[str, dict[int, None]] = {}
        tables: dict[str, TableCall] = {}
        for slot in self.slots:
            own = self.study.run.program.slots[slot]
            expression, calls = (
                (own.expression, {}) if own.kind == "state" else self.study.run.tables_apart(own.expression)
            )
            groups = self._groups(slot, expression, calls)
            for name, slots in groups.items():
                if slots[0] in calls:
                    tables.setdefault(name, calls[slots[0]])
                else:
                    read.setdefault(name, {}).update(dict.fromkeys(slots))
            stock = own.kind == "state"
            parts = self._brought(slot, groups) if stock else self._moved(slot, expression, calls, groups)
            for name, effect in parts.items():
                found[name] = found.get(name, 0.0) + effect / (1 if adds_up(self.unit) else len(self.slots))
        largest = max(map(abs, found.values()), default=0.0)
        made = [
            self._cause(name, tuple(read.get(name, ())), effect, tables.get(name))
            for name, effect in found.items()
            if name in read or name in tables or abs(effect) > SMALL * largest
        ]
        return tuple(sorted(made, key=lambda one: -abs(one.effect)))

    @cached_property
    def strip(self) -> tuple[Cause, ...]:
        """The same with sums taken apart: what only passes its own change on is told by its causes, down to flows.

        Of total talent these are arrivals, graduates, departures and retirements, not the stocks that it is the sum of.
        """
        found: dict[str, Cause] = {}
        waiting, passed = list(self.causes), {self.name}
        while waiting:
            one = waiting.pop(0)
            change = one.now - one.before
            passes = change and abs(one.effect - change) <= SMALL * abs(change)
            if one.causes and one.name not in passed and passes:
                passed.add(one.name)
                waiting += one.causes
                continue
            old = found.get(one.name)
            slots = tuple(dict.fromkeys((*(old.slots if old else ()), *one.slots)))
            effect = one.effect + (old.effect if old else 0.0)
            named = one.slots and one.name not in (CLOCK, TOGETHER)
            alike = replace(one, effect=effect)
            found[one.name] = _cause(self.study, one.name, slots, self.year, effect) if named else alike
        largest = max((abs(one.effect) for one in found.values()), default=0.0)
        moving = [one for one in found.values() if abs(one.effect) > SMALL * largest]
        return tuple(sorted(moving, key=lambda one: -abs(one.effect)))

    def element_of(self, cause: Cause) -> Cause:
        """Return the element through which a cause of it did most, where only a mean over them could be told."""
        if len(cause.slots) < 2 or adds_up(cause.unit) or cause.table:
            return cause
        effects = dict.fromkeys(cause.slots, 0.0)
        for slot in self.slots:
            expression, calls = self.study.run.tables_apart(self.study.run.program.slots[slot].expression)
            groups = self._groups(slot, expression, calls)
            apart = {str(one): (one,) for one in groups.pop(cause.name, ())}
            for name, effect in self._moved(slot, expression, calls, {**groups, **apart}).items():
                if name in apart:
                    effects[apart[name][0]] += effect
        most = max(effects, key=lambda one: abs(effects[one]))
        return _cause(self.study, cause.name, (most,), self.year, effects[most])

    @property
    def figures(self) -> tuple[Cause, ...]:
        """Constants and paths that its equation reads: what it rests on besides what moves it, each with its source."""
        return tuple(one for one in self.causes if one.is_figure)

    def _groups(
        self, slot: int, expression: Expression, calls: Mapping[int, TableCall]
    ) -> dict[str, tuple[int, ...]]:
        """Return the slots that an equation reads, by variable, and its readings of tables, by table."""
        study, program = self.study, self.study.run.program
        found: dict[str, list[int]] = {}
        if program.slots[slot].kind == "constant" or slot in study.run.given:
            return {}
        for one in dict.fromkeys(references(expression)):
            if one in calls:
                found.setdefault(program.tables[calls[one].table].name, []).append(one)
            elif not study.run.is_clock(one):
                found.setdefault(program.slots[one].variable, []).append(one)
        return {name: tuple(slots) for name, slots in found.items()}

    def _moved(
        self,
        slot: int,
        expression: Expression,
        calls: Mapping[int, TableCall],
        groups: Mapping[str, Sequence[int]],
    ) -> dict[str, float]:
        """Return what each cause alone changes in an equation between the two moments."""
        kind = self.study.run.program.slots[slot].kind
        (old_run, then), (run, now) = self.study.moments(self.year)
        if kind == "constant" or (kind == "initial" and old_run is run):
            return dict.fromkeys(groups, 0.0)
        if kind == "initial":
            then = now = 0
        read = [one for slots in groups.values() for one in slots]
        old = {one: reading_at(old_run, then, one, calls) for one in read}
        new = {one: reading_at(run, now, one, calls) for one in read}
        start = value_at(old_run, then, expression, old)
        still = value_at(run, now, expression, old)
        found = {
            name: value_at(run, now, expression, old | {one: new[one] for one in slots}) - still
            for name, slots in groups.items()
        }
        found[CLOCK] = still - start
        whole = float(run.values[slot, now, 0] - old_run.values[slot, then, 0])
        found[TOGETHER] = whole - sum(found.values())
        return found

    def _brought(self, slot: int, groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
        """Return what each flow brought a stock: over the year, or since the start more than in the other run."""
        (old_run, then), (run, now) = self.study.moments(self.year)
        if old_run is run:
            found = brought(run, slot, groups, slice(then, now))
        else:
            other = brought(old_run, slot, groups, slice(0, now))
            mine = brought(run, slot, groups, slice(0, now))
            found = {name: mine[name] - other[name] for name in groups}
        whole = float(run.values[slot, now, 0] - old_run.values[slot, then, 0])
        found[TOGETHER] = whole - sum(found.values())
        return found

    def _cause(
        self, name: str, slots: tuple[int, ...], effect: float, call: TableCall | None = None
    ) -> Cause:
        if slots:
            return _cause(self.study, name, slots, self.year, effect)
        before = now = np.nan
        known = self.study.prepared.model.structure.find(name) if call else None
        if call is not None:
            before, now = (value_at(run, point, call, {}) for run, point in self.study.moments(self.year))
        unit = known.unit if known else ""
        return Cause(name, (), unit, self.year, before, now, effect, (), self.study, call is not None)

    @property
    def tables(self) -> dict[str, str]:
        """Return the tables that its equation reads itself, of paths over time and of curves, with their sources."""
        program, structure = self.study.run.program, self.study.prepared.model.structure
        names = {
            program.tables[one].name
            for slot in self.slots
            for one in tables_in(program.slots[slot].expression)
        }
        return {name: self.study.origin(name, structure.place(split_key(name)[0])) for name in sorted(names)}

    def __str__(self) -> str:
        """Return the strip as lines of text, as `talent-sd why` shows it."""
        years = f"{self.year - 1:g} to {self.year:g}"
        if self.study.base is not None:
            years = f"{self.year:g}, against the other run"
        head = f"{self.name}: {self.before:,.6g} -> {self.now:,.6g} {self.unit} ({years}; one central run)"
        return "\n".join([head, *(f"  {cause.effect:+,.4g}  {cause.name}" for cause in self.strip)])


def _cause(
    study: Study, name: str, slots: tuple[int, ...], year: float, effect: float | None = None
) -> Cause:
    program, structure = study.run.program, study.prepared.model.structure
    variable = structure.find(name)
    unit = variable.unit if variable else ""
    values = [[float(run.values[slot, at, 0]) for slot in slots] for run, at in study.moments(year)]
    before, now = (float(np.sum(one) if adds_up(unit) else np.mean(one)) for one in values)
    own = (split_key(program.slots[slot].name)[1] for slot in slots)
    elements = tuple(one for one in own if one)
    return Cause(
        name, elements, unit, year, before, now, now - before if effect is None else effect, slots, study
    )


def explain(prepared: Prepared, variable: str, year: float, against: Prepared | None = None) -> Cause:
    """Return what moved a variable of a prepared central run, since the year before or against another's; as `why`."""
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
    base = None if against is None else follow(against.model, against.first.params())
    title = {} if against is None else against.first.scenario.title
    by_variable: dict[str, list[int]] = {}
    for number, slot in enumerate(run.program.slots):
        if not slot.hidden:
            by_variable.setdefault(slot.variable, []).append(number)
    slots = tuple(by_variable.get(known, ()))
    if element is not None:
        slots = tuple(one for one in slots if split_key(run.program.slots[one].name)[1] == element)
    if not slots:
        raise InputError("'{name}' has no value of its own over time. Ask for another.", name=variable)
    study = Study(prepared, run, {key: tuple(own) for key, own in by_variable.items()}, base, title)
    return _cause(study, known, slots, float(year))


@checked
def why(
    of: str,
    year: float = 2030,
    city: str | Path = "hefei",
    scenario: Scenarios = "baseline",
    *,
    against: Scenarios | None = None,
    model: str | Path | None = None,
    national: str | Path | None = None,
    reading: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    horizon: float | None = None,
) -> Cause:
    """Say why a variable is what it is in a year of the central run: what moved it since the year before.

    Or, `against` another scenario, what makes it differ from that one's in the same year.

    Parameters
    ----------
    of : a variable's name, or "name[element]"
    year : the later of the two years compared
    against : a scenario that the year is held against instead of the year before; it is run without `overrides`
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
    >>> calm = ts.why("total talent", against="baseline", overrides={"arrival elasticity": 0.8})
    >>> round(sum(cause.effect for cause in calm.causes) - (calm.now - calm.before), 6)
    0.0
    """
    from talent_sd.forecast.prepare import prepare

    for name, one in {"scenario": scenario, "against": against}.items():
        if isinstance(one, Sequence) and not isinstance(one, str) and len(one) > 1:
            raise InputError("{name}: {count} scenarios. Give one.", name=name, count=len(one))
    shared = {"model": model, "national": national, "reading": reading, "horizon": horizon}
    prepared = prepare(scenario, city, overrides=overrides, **shared)  # type: ignore[arg-type]
    other = None if against is None else prepare(against, city, **shared)  # type: ignore[arg-type]
    return explain(prepared, of, year, other)
