"""What figures can be and usually are: `models/figure_bounds.yaml` held against any file of figures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from math import prod
from typing import Literal

from pydantic import Field

from talent_sd.base.errors import MOST, OddFigure, Problems
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import apart, language, listed, tell
from talent_sd.inputs.figure_schemas import figure_name
from talent_sd.inputs.file_schemas import Part, Range, Words
from talent_sd.inputs.schema_problems import read_strict

Figures = Mapping[str, Mapping[int, float]]
"""Figure -> year -> value; what has no year stands under 0."""
Place = Callable[[str, int], str]
"""Where the figure of a year stands: "file:line"."""
NEARBY, DRIFT = 4, 1.1
"""Years from a figure to those that it is held against where they have none of its year, and what may change in each."""
ANYWHERE = 1.3
"""How much wider what is likely in a province is in a city of none."""
NATION = "national "
"""A rule's word before a variable of the national path that ships."""


class Rule(Part):
    """What some figures can be and usually are; see the head of the table."""

    of: list[str] = Field(default_factory=list)
    sum: bool = False
    times: list[str] = Field(default_factory=list)
    per: list[str] = Field(default_factory=list)
    yearly: bool = False
    latest: bool = False
    within: int = 0
    since: int = 0
    until: int = 9999
    can: Range = (float("-inf"), float("inf"))
    usual: Range | None = None
    each: dict[str, Range] = Field(default_factory=dict)
    why: Words

    def of_these(self, names: Mapping[str, object]) -> list[str]:
        """Return the names that the rule is about."""
        wanted = {*self.of, *self.each}
        patterns = [name for name in wanted if "*" in name]
        return [name for name in names if name in wanted or any(fnmatchcase(name, one) for one in patterns)]


class Likely(Part):
    """What a figure, or its change a year, is likely to be: `level` times a power of each of a city's others.

    `.ci/likely_figures.py` fits it, to years from `since` on. By `until` prices have moved too far from those. With
    `places` it is of the last year, each figure over the nation's of its year, in a city of a province; nine in ten cities
    are within `common`, which is told per another figure, in a unit.
    """

    of: str
    like: dict[str, float] = Field(default_factory=dict)
    level: float = 1.0
    since: int
    until: int = 2030
    yearly: bool = False
    usual: Range
    places: dict[str, float] = Field(default_factory=dict)
    common: Range | None = None
    per: str = ""
    unit: str = ""

    def over_likely(self, figures: Figures, place: str = "") -> dict[int, float]:
        """Return year -> figure over what is likely, the others of the nearest year."""
        if any(name not in figures for name in (self.of, *self.like)):
            return {}
        own = {year for year in figures[self.of] if self.since <= year <= self.until}
        held = {name: figures[name] for name in (self.of, *self.like)}
        level = self.level
        if self.places:
            own, held = {max(own)} if own else own, {name: over_nation(name, held[name]) for name in held}
            level *= next((factor for one, factor in self.places.items() if place.startswith(one)), 1.0)
        beside = {name: near(held[name], own, NEARBY) for name in self.like}
        found = {}
        for year in sorted(own.intersection(held[self.of], *beside.values())):
            others = [(beside[name][year], power) for name, power in self.like.items()]
            if held[self.of][year] > 0 and all(value > 0 for value, _ in others):
                found[year] = held[self.of][year] / prod(value**power for value, power in others) / level
        return _a_year(found) if self.yearly else found

    def range_in(self, place: str, ends: Range | None = None) -> Range:
        """Return the usual range (or another) in a province, wider where it is not known."""
        low, high = ends or self.usual
        known = not self.places or any(place.startswith(one) for one in self.places)
        return (low, high) if known else _wider((low, high), ANYWHERE)


class BoundsFile(Part):
    """The table of bounds."""

    city: list[Rule]
    national: list[Rule]
    posterior: list[Rule]
    nation: dict[str, str] = Field(default_factory=dict)
    likely: list[Likely] = Field(default_factory=list)


Kind = Literal["city", "national", "posterior"]


@dataclass(frozen=True)
class Odd:
    """What cannot be (`wrong`) or is out of the ordinary.

    Parameters
    ----------
    rule, names : that is broken, by which figures (together)
    years : in which it is; 0 of what has no year
    value, bounds : in the first of them, and what it should be within
    nearby : whether the others are of another year
    """

    rule: Rule | Likely
    names: list[str]
    years: list[int]
    value: float
    bounds: tuple[float, float]
    wrong: bool
    nearby: bool = False

    def __str__(self) -> str:
        """Return what is said of it."""
        more = tell(" Other years like it: {count}.", count=len(self.years) - 1) if self.years[1:] else ""
        if isinstance(self.rule, Likely) and self.rule.yearly:
            return tell(
                "{name} in {year}, over the year before, is {value:.4g}, out of the ordinary {low:g} to {high:g} of late "
                "years in Chinese cities. Check its unit and its digits.{more}",
                name=self.rule.of, year=self.years[0], more=more,
                **apart(value=self.value, low=self.bounds[0], high=self.bounds[1]),
            )  # fmt: skip
        if isinstance(self.rule, Likely):
            return tell(
                "{name} in {year} is {value:.2g} times what goes with its {others} in Chinese cities, out of the "
                "ordinary {low:g} to {high:g}. Check its unit and its digits, and those of {others}.{more}",
                name=figure_name(str(self.rule.of)), year=self.years[0], others=listed(map(figure_name, self.rule.like)),
                more=more,
                **apart(value=self.value, low=self.bounds[0], high=self.bounds[1]),
            )  # fmt: skip
        names = list(map(figure_name, self.names))
        shown = " + ".join(names) if len(names) < 6 else f"{names[0]} + … + {names[-1]}"
        shown = " × ".join([shown, *map(figure_name, self.rule.times)])
        shown += "".join(f" / {figure_name(name)}" for name in self.rule.per)
        if self.nearby:
            shown = tell("{name}, in {year} and the years nearest to it,", name=shown, year=self.years[0])
        elif self.years[0]:
            shown = tell("{name} in {year}", name=shown, year=self.years[0])
        if self.rule.yearly:
            shown = tell("{name}, over the year before,", name=shown)
        (low, high), why = self.bounds, getattr(self.rule.why, language())
        told = {
            "name": shown,
            "year": self.years[0],
            "why": why,
            **apart(value=self.value, low=low, high=high),
        }
        if self.wrong:
            return tell(
                "{name} is {value:.4g}. It can only be {low:g} to {high:g}: {why}. Check it.{more}",
                more=more, **told,
            )  # fmt: skip
        return tell(
            "{name} is {value:.4g}, out of the ordinary {low:g} to {high:g}: {why}. Check it.{more}",
            more=more, **told,
        )  # fmt: skip


@cache
def bounds() -> BoundsFile:
    """Return the shipped table."""
    return read_strict(shipped_folder("models") / "figure_bounds.yaml", BoundsFile).content


def odd_figures(figures: Figures, kind: Kind, place: str | None = None, room: float = 1.0) -> tuple[Odd, ...]:
    """Return what breaks a rule: of each rule and figure the first year that does, of the worse kind.

    Parameters
    ----------
    place : a city's province in Chinese; without it the city is not held to what is likely there
    room : how much wider that is taken
    """
    return _odd(kind, place, room, tuple((name, tuple(values.items())) for name, values in figures.items()))


@lru_cache(maxsize=64)
def _odd(
    kind: Kind, place: str | None, room: float, given: tuple[tuple[str, tuple[tuple[int, float], ...]], ...]
) -> tuple[Odd, ...]:
    figures = {name: dict(values) for name, values in given}
    found = list(_broken({**figures, **_nation()} if kind == "city" else figures, kind))
    return (*found, *_unlikely(figures, found, place, room)) if kind == "city" else tuple(found)


@cache
def _nation() -> dict[str, Mapping[int, float]]:
    """Return the variables of the shipped national path, as rules name them."""
    from talent_sd.inputs.national_paths import SHIPPED, read_national

    return {NATION + name: one.values for name, one in read_national(SHIPPED).variables.items()}


def _wider(ends: Range, room: float) -> Range:
    """Return a range with room at either end, to three digits."""
    return float(f"{ends[0] / room:.3g}"), float(f"{ends[1] * room:.3g}")


def over_nation(name: str, values: Mapping[int, float]) -> Mapping[int, float]:
    """Return a city's figure over the nation's of each year, where there is one."""
    theirs = bounds().nation.get(name)
    if theirs is None:
        return values
    nation = _nation()[NATION + theirs]
    return {year: value / nation[year] for year, value in values.items() if nation.get(year)}


def _unlikely(figures: Figures, told: list[Odd], place: str | None, room: float) -> Iterator[Odd]:
    """Yield the figures farthest from what is likely, one for all that hang together: a slip moves each that is held to it."""
    known = {
        name
        for odd in told
        if isinstance(odd.rule, Rule)
        for name in (*odd.names, *odd.rule.per, *odd.rule.times)
    }
    found = []
    for rule in bounds().likely:
        if rule.places and place is None:
            continue
        low, high = rule.range_in(place or "")
        if rule.places:
            low, high = _wider((low, high), room)
        over = rule.over_likely(figures, place or "")
        beyond = {year: max(value / high, low / value) for year, value in over.items()}
        if years := [year for year, excess in beyond.items() if excess > 1]:
            odd = Odd(rule, [rule.of], years, over[years[0]], (low, high), False)
            found.append((max(beyond.values()), {rule.of, *rule.like}, odd))
    for _, names, odd in sorted(found, key=lambda one: -one[0]):
        if not names & known:
            yield odd
        known |= names


@dataclass(frozen=True)
class Beside:
    """A figure (per another, in a unit) of a year, and the range that nine in ten cities have whose others are like these."""

    name: str
    per: str
    unit: str
    year: int
    value: float
    low: float
    high: float

    @property
    def is_common(self) -> bool:
        """Tell whether the value is in the range."""
        return self.low <= self.value <= self.high


def beside_others(figures: Figures, place: str) -> Iterator[Beside]:
    """Yield the figures of a city of a province (in Chinese) beside those of cities like it."""
    for rule in bounds().likely:
        over = rule.over_likely(figures, place) if rule.common else {}
        for year, times in over.items():
            per = near(figures[rule.per], {year}, NEARBY).get(year) if rule.per in figures else None
            value = figures[rule.of][year] / (per or 1.0)
            if per or not rule.per:
                low, high = (value / times * end for end in rule.range_in(place, rule.common))
                yield Beside(rule.of, rule.per, rule.unit, year, value, low, high)


def _broken(figures: Figures, kind: Kind) -> Iterator[Odd]:
    told, held = set[tuple[str, ...]](), set[tuple[tuple[str, ...], ...]]()
    for rule in getattr(bounds(), kind):
        names = rule.of_these(figures)
        if rule.sum and rule.can[0] > 0 and any("*" not in name and name not in names for name in rule.of):
            continue  # parts that make up the whole: only where all are known
        for group in [names] if rule.sum else [[name] for name in names]:
            usual = rule.each.get(group[0], rule.usual) if group else None
            found, off = _quantity(figures, group, rule)
            for wrong, (low, high) in {True: rule.can, False: usual or rule.can}.items():
                room = {year: DRIFT ** off.get(year, 0) for year in found}
                years = [y for y, value in found.items() if not low / room[y] <= value <= high * room[y]]
                if years:
                    whose = {(name, *rule.per) for name in group}
                    what = (tuple(group), tuple(rule.times), tuple(rule.per), ("yearly",) * rule.yearly)
                    # a part that is too large alone is told alone, and what breaks two rules by the first
                    if not (rule.sum and told & whose) and (wrong or what not in held):
                        held.add(what)
                        year, near_one = years[0], years[0] in off
                        if near_one:
                            low, high = (float(f"{end:.2g}") for end in (low / room[year], high * room[year]))
                        yield Odd(rule, group, years, found[year], (low, high), wrong, near_one)
                    told |= whose if wrong else set()
                    break


def _quantity(figures: Figures, names: list[str], rule: Rule) -> tuple[dict[int, float], dict[int, int]]:
    """Return year -> what a rule is about, and year -> how far off the others are, of years that lack some of them."""
    others = [*rule.times, *rule.per]
    if not names or any(name not in figures for name in others):
        return {}, {}
    # parts no larger than their whole: so those that are known in a year, even if not all are
    some = rule.sum and rule.can[0] <= 0
    of_parts = (set.union if some else set.intersection)(*(set(figures[name]) for name in names))
    within = rule.within or (0 if rule.sum or rule.yearly or 0 in of_parts else NEARBY)
    beside = {name: near(figures[name], of_parts, within) for name in others}
    found = {}
    for year in sorted(of_parts.intersection(*beside.values())):
        divisor = prod(beside[name][year] for name in rule.per)
        if divisor:
            parts = sum(figures[name][year] for name in names if year in figures[name])
            found[year] = parts * prod(beside[name][year] for name in rule.times) / divisor
    if rule.yearly:
        found = _a_year(found)
    found = {year: value for year, value in found.items() if rule.since <= year <= rule.until}
    if rule.latest:
        found = dict(list(found.items())[-1:])
    off = {
        year: max((min(abs(year - one) for one in figures[name]) for name in others), default=0)
        for year in found
    }
    return found, {} if rule.within else {year: years for year, years in off.items() if years}


def near(values: Mapping[int, float], years: set[int], within: int) -> dict[int, float]:
    """Return the values of years, each that of the nearest year so far off."""
    here = {year: values[year] for year in years if year in values}
    if not within or not values or len(here) == len(years):
        return here
    chosen = {year: min(values, key=lambda one: (abs(one - year), one)) for year in years}
    return {year: values[one] for year, one in chosen.items() if abs(one - year) <= within}


def _a_year(found: Mapping[int, float]) -> dict[int, float]:
    """Return year -> change over the year before; over several years, the change a year. A change of sign stays what it is."""
    pairs = [(a, b) for a, b in zip(found, list(found)[1:], strict=False) if found[a]]
    return {b: abs(r := found[b] / found[a]) ** (1 / (b - a)) * (1 if r > 0 else -1) for a, b in pairs}


def years_to_come(figures: Figures) -> str:
    """Return what is said of figures of years that are still to come, "" where there are none."""
    this = date.today().year
    later = {name: max(values) for name, values in figures.items() if values and max(values) > this}
    if not later:
        return ""
    shown = listed([tell("{name} in {year}", name=name, year=year) for name, year in later.items()][:MOST])
    return tell(
        "{figures}: a year that is still to come. A city's figures are facts: check the years.", figures=shown
    )


def hold_to_bounds(
    figures: Figures, kind: Kind, at: Place, problems: Problems, warn: bool = True, place: str | None = None
) -> None:
    """Note what cannot be, and warn of what is out of the ordinary.

    Parameters
    ----------
    at : gives the place of a figure in a year, as a message begins
    warn : False to leave out what is out of the ordinary
    place : a city's province in Chinese
    """
    odd: list[str] = []
    for one in odd_figures(figures, kind, place):
        (problems if one.wrong else odd).append(f"{at(one.names[0], one.years[0])}: {one}")
    if warn and not problems:
        for text in odd:
            warnings.warn(text, OddFigure, stacklevel=3)
