"""The years of a national path: files laid over one another, then the future filled in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError, Problems, nearest
from talent_sd.base.language import listed, tell
from talent_sd.inputs.schema_problems import StrictFile
from talent_sd.inputs.settings import Origin, Setting

if TYPE_CHECKING:
    from talent_sd.inputs.file_schemas import Future, NationalFile

# Significant digits of the values: those a model file carries, so that naming the
# central path and leaving it to the model give the same run.
DIGITS = 6


Merged = dict[str, dict[str, Setting]]


def merge(chain: list[StrictFile[NationalFile]]) -> tuple[Merged, int | None]:
    """Lay each file over its parent, key by key, known years year by year."""
    merged: Merged = {}
    until = None
    for file in chain:
        until = file.content.until or until
        for variable, entry in file.content.variables.items():
            parts = merged.setdefault(variable, {})
            for key in ("unit", "what", "source", "past", "future"):
                value = getattr(entry, key)
                if value is not None:
                    if key == "past" and key in parts:
                        value = dict(sorted({**parts[key].value, **value}.items()))
                    origin = Origin(file.file, file.line("variables", variable, key))
                    parts[key] = Setting(key, value, origin)
    return merged, until


def incomplete(variable: str, parts: dict[str, Setting], merged: Merged) -> list[str]:
    """Return what is missing or wrong in one merged variable."""
    place = next(iter(parts.values()), None)
    at = f"{place.origin}: " if place else ""
    missing = [key for key in ("unit", "what", "source", "past", "future") if key not in parts]
    if missing:
        return [
            tell(
                "{at}the national variable '{variable}' lacks {missing}. Add it, or mend the name.",
                at=at,
                variable=variable,
                missing=listed(missing),
            )
        ]
    problems = Problems()
    past: dict[int, float] = parts["past"].value
    past_at = f"{parts['past'].origin}: "
    gaps = sorted(set(range(min(past), max(past) + 1)) - set(past))
    if gaps:
        problems.say(
            "{past_at}'{variable}' has no past value for {years}. Add the years.",
            past_at=past_at,
            variable=variable,
            years=listed(gaps),
        )
    future: Future = parts["future"].value
    future_at = f"{parts['future'].origin}: "
    numbers = future.growth or future.increase or future.values or {}
    early = [year for year in numbers if year <= max(past)]
    if early:
        problems.say(
            "{future_at}the future of '{variable}' names {early}, which is already known. Start "
            "after {past}.",
            future_at=future_at,
            variable=variable,
            early=early[0],
            past=max(past),
        )
    used = [*(future.follows.times + future.follows.over if future.follows else []), *(future.one_less or [])]
    for name in used:
        if name not in merged:
            problems.say(
                "{future_at}unknown national variable '{name}'.{hint}",
                future_at=future_at,
                name=name,
                hint=nearest(name, merged),
            )
    return problems


class Expansion:
    """Fills in the years after the known ones."""

    def __init__(self, merged: Merged, until: int) -> None:
        self.merged = merged
        self.until = until
        self.done: dict[str, dict[int, float]] = {}
        self.open: list[str] = []

    def all(self) -> dict[str, dict[int, float]]:
        """Return every variable's values, rounded to the digits a model file carries."""
        return {
            name: {year: float(f"{value:.{DIGITS}g}") for year, value in self.series(name).items()}
            for name in self.merged
        }

    def series(self, name: str) -> dict[int, float]:
        """Return one variable's values, first those it follows."""
        if name in self.done:
            return self.done[name]
        future_part = self.merged[name]["future"]
        if name in self.open:
            circle = " -> ".join([*self.open[self.open.index(name) :], name])
            raise InputError(
                "{file}:{line}: the variables follow one another in a circle: {circle}. Give one of them "
                "growth or values.",
                file=future_part.origin.file,
                line=future_part.origin.line,
                circle=circle,
            )
        self.open.append(name)
        past: dict[int, float] = self.merged[name]["past"].value
        values = dict(sorted(past.items()))
        last = max(values)
        for year in range(last + 1, self.until + 1):
            values[year] = self.next_value(future_part.value, values, last, year)
        self.open.pop()
        self.done[name] = values
        return values

    def next_value(self, future: Future, values: dict[int, float], last: int, year: int) -> float:
        """Return the value of `year`, given those before."""
        if future.growth:
            return values[year - 1] * (1 + straight_line(future.growth, year))
        if future.increase:
            return values[year - 1] + straight_line(future.increase, year)
        if future.values:
            return straight_line({last: values[last], **future.values}, year)
        if future.follows:
            return (
                values[last]
                * self._moved(future.follows.times, last, year)
                / self._moved(future.follows.over, last, year)
            )
        return 1 - sum(self.series(name)[year] for name in future.one_less or [])

    def _moved(self, names: list[str], last: int, year: int) -> float:
        """Return by what factor variables, multiplied, have moved since the last known year."""
        for name in names:
            if last not in self.series(name):
                past = self.merged[name]["past"]
                raise InputError(
                    "{file}:{line}: '{variable}' has no value for {year}, and another variable follows it from then on. Add "
                    "the year.",
                    file=past.origin.file, line=past.origin.line, variable=name, year=last,
                )  # fmt: skip
            if 0 in (self.series(name)[last], self.series(name)[year]):
                past = self.merged[name]["past"]
                raise InputError(
                    "{file}:{line}: '{variable}' is 0, and another variable follows it. Give it a value above 0.",
                    file=past.origin.file, line=past.origin.line, variable=name,
                )  # fmt: skip
        return math.prod(self.series(name)[year] / self.series(name)[last] for name in names)


def straight_line(points: Mapping[int, float], year: float) -> float:
    """Return the value at `year` on straight lines between points, flat outside.

    >>> straight_line({2024: 0.0, 2034: 1.0}, 2029), straight_line({2024: 0.0, 2034: 1.0}, 2050)
    (0.5, 1.0)
    """
    years = sorted(points)
    if year <= years[0]:
        return points[years[0]]
    for left, right in zip(years, years[1:], strict=False):
        if year <= right:
            part = (year - left) / (right - left)
            return points[left] + part * (points[right] - points[left])
    return points[years[-1]]
