"""From a city's figures to the constants of the model, without a look into the future."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError, Problems, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import tell
from talent_sd.inputs.schema_problems import StrictFile, read_strict
from talent_sd.inputs.settings import Origin, split_key

if TYPE_CHECKING:
    from talent_sd.inputs.figure_schemas import CityFigures, DefaultFigure, FigureToConstant
    from talent_sd.inputs.national_paths import NationalPath

    Mapped = StrictFile[CityFigures]

NOWHERE = Origin("", 0)
"""Of what stands in no file."""
LATER = 2
"""Years past the start in which a forecast looks for a figure that stands in no year before."""
EARLIER = 4
"""Years before the start from which a line to a later year may begin."""
CENSUSES = 10
"""Years from one census to the next: its figures are no older than they must be."""


@dataclass(frozen=True)
class Bridge:
    """A year of a figure that was not counted: taken between two years, or from the one before or after it alone.

    Parameters
    ----------
    where : the figure's place in its file
    held : whether the year before stands as it is, and not along the nation's change
    """

    figure: str
    year: int
    before: int | None
    after: int | None
    where: Origin = NOWHERE
    held: bool = False

    def __str__(self) -> str:
        """Return the reckoning."""
        if self.before and self.after:
            return f"between {self.before} and {self.after}, along the nation's"
        return f"{self.figure} {self.year} from {self.before or self.after}, as the nation's"


@dataclass(frozen=True)
class DatedFigure:
    """A figure of a city over the years.

    Parameters
    ----------
    values : year to value
    unit, source : of the values
    origin : where it stands; no file when it comes from memory
    bridged : years that were not counted, and the years that they were taken from
    """

    values: Mapping[int, float]
    unit: str = ""
    source: str = ""
    origin: Origin = NOWHERE
    bridged: Mapping[int, Bridge] = field(default_factory=dict)


@dataclass(frozen=True)
class City:
    """A city's facts, whether from a city file or from a panel of cities."""

    name: str
    title: Mapping[str, str]
    province: Mapping[str, str]
    region: Mapping[str, str]
    figures: Mapping[str, DatedFigure]
    notes: tuple[str, ...] = ()
    file: str = ""
    path: Path | None = None


@dataclass(frozen=True)
class Value:
    """A constant's value for a city, and how it came about.

    Parameters
    ----------
    value, unit : of the model's constant
    how : the reckoning in words, such as "residents 2022"
    source : publication, or "assumption: why"
    year : year of the figure; None for an assumption
    origin : where the figure stands
    bridges : years that were not counted, and what was taken for them
    """

    value: float
    unit: str
    how: str
    source: str
    year: int | None
    origin: Origin
    bridges: tuple[Bridge, ...] = ()


@cache
def read_mapping(path: Path | None = None) -> Mapped:
    """Read how figures become constants (the shipped mapping by default).

    Raises
    ------
    InputError
        If it is not well formed, or uses a figure it does not know.
    """
    from talent_sd.inputs.figure_schemas import CityFigures

    file = read_strict(path or shipped_folder("models") / "city_figures.yaml", CityFigures)
    figures, problems = file.content.figures, Problems()
    for user, rule in file.content.constants.items():
        for name in (name for name in (*rule.figure, *rule.divisors, *rule.owned) if name not in figures):
            problems.say(
                "{file}:{line}: '{constant}' uses unknown figure '{name}'.{hint}",
                file=file.file, line=file.line("constants", user), constant=user, name=name,
                hint=nearest(name, figures),
            )  # fmt: skip
    problems.refuse()
    return file


def city_constants(
    city: City | Mapping[str, Mapping[int, float]],
    start_year: int,
    national: NationalPath,
    mapping: Mapped | None = None,
    only: Container[str] | None = None,
    known_years: bool = False,
) -> dict[str, Value]:
    """Return the model's constants for a city in a start year.

    Each figure is the start year's, or the latest before it carried on by the nation's change; where `known_years` says so a
    later one is carried back if there is none, and uncounted years lie between counted ones.

    Parameters
    ----------
    city : a city, or figure name to {year: value}
    start_year : first year of the run
    national : carries older figures, and gives some defaults
    mapping : the shipped one by default
    only : the constants wanted, such as a model's; all by default
    known_years : give the years past the start that the file knows; a back-test must not see them

    Raises
    ------
    InputError
        If a figure that has no default is missing, or a national variable is.
    """
    mapping = mapping or read_mapping()
    if not isinstance(city, City):
        figures = {name: DatedFigure(dict(values)) for name, values in city.items()}
        city = City(tell("the city"), {}, {}, {}, figures)
    if known_years:
        city = _bridged(city, start_year, national, mapping.content)
    at = _Place(city, start_year, national, mapping, LATER if known_years else 0, found := {})
    problems = Problems()
    for constant, rule in mapping.content.constants.items():
        if only is not None and split_key(constant)[0] not in only:
            continue
        if rule.after:
            if known_years:
                found[constant] = _of_known_year(at, rule)
            continue
        with problems.gathered():
            value = _from_own(at, rule) or _from_figures(at, rule) or _of_other_year(at, rule)
            value = value or (_from_figures(at, rule, later=LATER) if known_years else None)
            if value or not rule.optional:
                found[constant] = value or _from_default(at, constant)
    problems.refuse()
    return _scaled_groups(found, mapping)


@dataclass(frozen=True)
class _Place:
    """Where and when constants are sought, how many years past the start count too, and what was found before."""

    city: City
    start: int
    national: NationalPath
    mapping: Mapped
    later: int
    found: dict[str, Value]

    def grown(self, variable: str, year: int, to: int) -> float:
        """Return the nation's value of one year over that of another."""
        return self.national.value(variable, to) / self.national.value(variable, year)

    def product(self, times: Sequence[str], over: Sequence[str]) -> float:
        """Return factors over divisors."""
        return math.prod(map(self._factor, times)) / math.prod(map(self._factor, over))

    def _factor(self, name: str) -> float:
        """Return one of the city's constants, else the nation's figure of the start."""
        if name in self.found:
            return self.found[name].value
        if name not in self.mapping.content.constants:
            return self.national.value(name, self.start)
        alone = city_constants(self.city, self.start, self.national, self.mapping, {name}, self.later > 0)
        return alone[name].value


def _bridged(city: City, start: int, national: NationalPath, mapping: CityFigures) -> City:
    """Return the city with the uncounted years from the start on, of figures whose known years a forecast takes.

    A year between two counted ones lies on the straight line of the logarithms of the city's figure over the nation's; before
    the first counted one the nation's change carries it back.
    """
    found = dict(city.figures)
    for name, last_known in {r.figure[0]: r.after for r in mapping.constants.values() if r.after}.items():
        figure, carry = found.get(name, DatedFigure({})), mapping.figures[name].carry
        counted = {year: value for year, value in figure.values.items() if year >= start - EARLIER}
        last = max(counted, default=start)
        if not carry or not start < last <= start + last_known:
            continue
        over = {year: value / national.value(carry, year) for year, value in counted.items()}
        years = sorted(over)
        bridges = {}
        for year in (year for year in range(start, last) if year not in counted):
            earlier, after = [one for one in years if one < year], min(one for one in years if one > year)
            before = max(earlier, default=None)
            share = 1.0 if before is None else (year - before) / (after - before)
            ratio = over[after] ** share * over[after if before is None else before] ** (1 - share)
            counted[year] = ratio * national.value(carry, year)
            bridges[year] = Bridge(name, year, before, after, figure.origin)
        found[name] = replace(figure, values={**figure.values, **counted}, bridged=bridges)
    return replace(city, figures=found)


def _from_figures(at: _Place, rule: FigureToConstant, *, later: int = 0, told: bool = True) -> Value | None:
    """Return the constant from the city's own figures; None where there are none in time, or `later` years past it.

    A part is held against what was counted beside it, where `told` says so.
    """
    if rule.national is not None:
        return _from_nation(at, rule, rule.national)
    figures, start, names = at.city.figures, at.start, (*rule.figure, *rule.divisors)
    if any(name not in figures for name in names):
        return None
    years = set.intersection(*(set(figures[name].values) for name in names))
    if rule.divisors and told:
        years -= {year for name in names for year in figures[name].bridged}
    if later:
        years = {-year for year in years if start < year <= start + later}
    else:
        years = {year for year in years if start - rule.max_age <= year <= start}
    if not years:
        return None
    year = abs(max(years))
    value = sum(figures[name].values[year] for name in rule.figure)
    name = " + ".join(rule.figure)
    if rule.divisors:
        value /= sum(figures[name].values[year] for name in rule.divisors)
        name = " / ".join(f"({' + '.join(x)})" if len(x) > 1 else x[0] for x in (rule.figure, rule.divisors))
    how = f"{name} {year}"
    if year != start and rule.carry:
        factor = at.grown(rule.carry, year, start)
        value *= factor
        how += f", × {factor:.4g} as national {rule.carry} to {start}"
    elif year != start:
        how += f", held to {start}"
    first = figures[rule.figure[0]]
    bridges = dict.fromkeys(b for one in names if (b := figures[one].bridged.get(year)))
    how += "".join(f", {bridge}" for bridge in bridges)
    if year > start:
        bridges[Bridge(name, start, None, year, first.origin)] = None
    elif year < start - (CENSUSES if rule.max_age > CENSUSES else 0):
        bridges[Bridge(name, start, year, None, first.origin, held=not rule.carry)] = None
    return Value(value, rule.unit, how, first.source, year, first.origin, tuple(bridges))


def _of_other_year(at: _Place, rule: FigureToConstant) -> Value | None:
    """Return a part over its whole of the nearest year before the part's, else after it; None where one is missing."""
    names, figures, start = (*rule.figure, *rule.divisors), dict(at.city.figures), at.start
    if len(rule.divisors) != 1 or any(name not in figures for name in names):
        return None
    whole, carry = figures[names[-1]], at.mapping.content.figures[names[-1]].carry
    years = set.intersection(*(set(figures[name].values) for name in rule.figure))
    year = max((one for one in years if start - rule.max_age <= one <= start), default=None)
    counted = [one for one in whole.values if one <= start + at.later]
    if not carry or year is None or not counted:
        return None
    if year not in whole.values:
        near = max((one for one in counted if one < year), default=None) or min(counted)
        level = whole.values[near] * at.grown(carry, near, year)
        before, after = (near, None) if near < year else (None, near)
        bridge = Bridge(names[-1], year, before, after, whole.origin)
        figures[names[-1]] = replace(whole, values={**whole.values, year: level}, bridged={year: bridge})
    return _from_figures(replace(at, city=replace(at.city, figures=figures)), rule, told=False)


def _from_own(at: _Place, rule: FigureToConstant) -> Value | None:
    """Return the constant from the figure that goes before its usual ones; None where the city lacks it."""
    if rule.own is None:
        return None
    own = rule.model_copy(
        update={"figure": [rule.own.figure], "per": rule.own.per, "carry": None, "max_age": 4}
    )
    value = _from_figures(at, own) or _of_other_year(at, own)
    if value is None:
        return None
    times = at.product(rule.own.times, rule.own.over)
    told = "".join(f" × {name}" for name in rule.own.times) + "".join(f" / {name}" for name in rule.own.over)
    return replace(value, value=value.value * times, how=value.how + told)


def _of_known_year(at: _Place, rule: FigureToConstant) -> Value:
    """Return the figure of a year past the start, 0 where it is not known.

    Years count up to the first gap. A start further back than the known years reach asks what the model
    would have said without them: it gets none.
    """
    (name,), start, year = rule.figure, at.start, at.start + rule.after
    figure = at.city.figures.get(name, DatedFigure({}))
    rules = at.mapping.content.constants.values()
    longest = max(other.after for other in rules if other.figure == rule.figure)
    if any(y not in figure.values for y in range(start, year + 1)) or max(figure.values) > start + longest:
        return Value(0.0, rule.unit, tell("not known"), tell("the city's file ends before"), None, NOWHERE)
    bridges = tuple(bridge for at_year, bridge in figure.bridged.items() if at_year == year)
    how = f"{name} {year}" + "".join(f", {bridge}" for bridge in bridges)
    return Value(figure.values[year], rule.unit, how, figure.source, year, figure.origin, bridges)


def _from_nation(at: _Place, rule: FigureToConstant, variable: str) -> Value:
    """Return a constant that is the nation's own in the start year."""
    value, series = at.national.value(variable, at.start), at.national.variables[variable]
    source = series.source if at.start <= series.known_until else f"assumption: {series.why}"
    return Value(value, rule.unit, f"national {variable} {at.start}", source, at.start, series.origin)


def _from_default(at: _Place, constant: str) -> Value:
    """Return the assumption that stands in for a missing figure; an error where there is none."""
    city, start, mapping, rule = at.city, at.start, at.mapping, at.mapping.content.constants[constant]
    default: DefaultFigure | None = rule.default
    if default is None:
        raise InputError(
            "{where}{city_name} has no {names} for {first} to {last}, which '{constant}' needs. Add the figure of one of "
            "these years."
            if at.later
            else "{where}{city_name} has no {names} for {first} to {last}, which '{constant}' needs. Add the figure, or "
            "start in a year it covers.",
            where=f"{city.file}: " if city.file else "",
            city_name=city.name,
            names=tell(" and ").join(" + ".join(part) for part in (rule.figure, rule.divisors) if part),
            first=start - rule.max_age,
            last=start + at.later,
            constant=constant,
        )
    origin = Origin(mapping.file, mapping.line("constants", constant))
    source = f"assumption: {default.why}"
    if default.value is not None:
        low, high = default.range
        how = f"default {default.value:g}, range {low:g} to {high:g}"
        return Value(default.value, rule.unit, how, source, None, origin)
    names = [*default.by, str(default.national)]
    value = default.times * at.product(names, default.over)
    times = f"{default.times:g} × " if default.times != 1 else ""
    by = "".join(f"{name} × " for name in default.by)
    over = "".join(f" / {name}" for name in default.over)
    how = f"default {times}{by}national {default.national}{over} {start}"
    return Value(value, rule.unit, how, source, None, origin)


def _scaled_groups(found: dict[str, Value], mapping: Mapped) -> dict[str, Value]:
    """Scale the constants of each group so that they sum to one."""
    groups = {name: mapping.content.constants[name].group for name in found}
    totals: dict[str, float] = defaultdict(float)
    for name, value in found.items():
        totals[groups[name] or ""] += value.value
    scaled = {}
    for name, v in found.items():
        if (group := groups[name]) and abs(totals[group] - 1) > 1e-12:
            how = f"{v.how}, / {totals[group]:.4g} so that {group} sum to one"
            v = replace(v, value=v.value / totals[group], how=how)
        scaled[name] = v
    return scaled
