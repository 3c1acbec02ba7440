"""What settings are checked with: limits, units and names as messages tell them, and the years of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property

from talent_sd.base.errors import MOST, InputError, Problems, hints_are_shown, nearest
from talent_sd.base.language import apart, listed, tell
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.settings import ModelStructure, ModelVariable, Setting, split_key
from talent_sd.model.units import after_number


def outside(label: str, value: float, variable: ModelVariable) -> str | None:
    """Return the message for a value outside the model's limits, None if inside."""
    low, high = variable.limits
    unit = after_number(variable.unit)
    hint = ""
    if not unit and high is not None and high <= 1 < value and value / 100 <= high:
        hint = tell(" (a share: {value:g} % is {share:g})", value=value, share=value / 100)
    if high is not None and value > high:
        return tell(
            "{label} is {value:g}, above the model's maximum {high:g}{unit}{hint}.",
            label=label,
            **apart(value=value, high=high),
            unit=unit,
            hint=hint,
        )
    if low is not None and value < low:
        return tell(
            "{label} is {value:g}, below the model's minimum {low:g}{unit}.",
            label=label,
            **apart(value=value, low=low),
            unit=unit,
        )
    return None


def hint_of(name: str, known: Iterable[str]) -> str:
    """Return the nearest known name as a hint, else one with a part of it, else the first of them all."""
    names = list(known)
    parts = [part for part in name.casefold().replace(" ", "_").split("_") if len(part) > 3]
    like = sorted((o.casefold().find(part), o) for part in parts for o in names if part in o.casefold())
    more = tell(" and {count} more", count=len(names) - MOST) if len(names) > MOST else ""
    return (
        nearest(name, names)
        or nearest_label(name, names)
        or nearest(like[0][1] if like else name, names)
        or tell(" Known: {names}{more}.", names=listed(names[:MOST]) or tell("none in this model"), more=more)
    )


def nearest_label(name: str, known: Iterable[str]) -> str:
    """Return the known name whose Chinese label is closest to a Chinese name, as a hint, or "".

    >>> nearest_label("现金补帖", ["cash_subsidy", "venture_fund"])
    " Did you mean 'cash_subsidy'?"
    """
    if name.isascii() or not hints_are_shown():
        return ""
    labels = shipped_labels()
    told = {**labels.variables, **labels.elements}
    by_label = {told[key]["zh"]: key for key in known if key in told}
    found = get_close_matches(name, by_label, n=1, cutoff=0.5)
    return tell(" Did you mean '{name}'?", name=by_label[found[0]]) if found else ""


def same_unit(one: str, other: str) -> bool:
    """Tell whether two units are written alike, apart from spaces and the name of 1.

    >>> same_unit("1", "Dmnl"), same_unit("yuan/(m*m)", "yuan / (m * m)"), same_unit("person", "yuan")
    (True, True, False)
    """
    names = [re.sub(r"\s+", "", unit).lower() for unit in (one, other)]
    first, second = ("1" if unit in ("", "dmnl", "dimensionless") else unit for unit in names)
    return first == second


@dataclass(frozen=True)
class Horizon:
    """First and last year of a run."""

    start: float
    final: float

    @classmethod
    def of(cls, structure: ModelStructure, start: float | None = None, final: float | None = None) -> Horizon:
        """Return the years given, else the model's own.

        Raises
        ------
        InputError
            If the model has no fixed INITIAL TIME or FINAL TIME and none is given, or a run would end before it begins.
        """
        given = {"INITIAL TIME": start, "FINAL TIME": final}
        years = {name: structure.time.get(name) if year is None else year for name, year in given.items()}
        lacking = [name for name, year in years.items() if year is None]
        if lacking:
            raise InputError(
                "the model gives no fixed {names}. Give the year of the run.",
                names=tell(" and ").join(lacking),
            )
        horizon = cls(*(float(year) for year in years.values() if year is not None))
        if (start, final) != (None, None) and not horizon.start < horizon.final:
            raise InputError(
                "a run from {start:g} to {final:g} would end before it begins. Correct the years.",
                **apart(start=horizon.start, final=horizon.final),
            )
        return horizon


@dataclass
class Checking:
    """Settings of one scenario checked against one model.

    Parameters
    ----------
    structure, horizon : the model, and the years of the run
    found : key of the model to its resolved setting
    sizes : constant of a policy's intensity to its size in yuan a year, where a file tells that instead
    """

    structure: ModelStructure
    horizon: Horizon
    found: dict[str, Setting] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    sizes: dict[str, Setting] = field(default_factory=dict)

    def variable(self, key: str) -> ModelVariable | None:
        """Return the model's variable that a key is of, None if there is none."""
        return self.structure.variables.get(split_key(key)[0])

    def is_constant(self, name: str) -> bool:
        """Tell whether the model has a constant of that name."""
        variable = self.structure.variables.get(name)
        return variable is not None and variable.kind == "constant"

    @cached_property
    def constants(self) -> list[str]:
        """Names of the model's constants."""
        return [name for name in self.structure.variables if self.is_constant(name)]

    def after(self, prefix: str) -> list[str]:
        """Return what follows a prefix in the names of variables that begin with it."""
        return [name.removeprefix(prefix) for name in self.structure.variables if name.startswith(prefix)]

    def say(self, text: str, setting: Setting, /, **values: object) -> None:
        """Note a problem at the line of a setting; text and values as `tell` takes them."""
        self.problems.append(f"{setting.origin}: {tell(text, **values)}")

    def put(self, key: str, setting: Setting, label: str) -> None:
        """Check a value's limits and keep it under the model's key."""
        variable = self.variable(key)
        if variable is None:
            self.say(
                "this model has no constant '{name}', which {label} sets. Leave it out.",
                setting, name=split_key(key)[0], label=label or key,
            )  # fmt: skip
            return
        number = float(setting.value)
        problem = outside(label, number, variable)
        if problem:
            self.problems.append(f"{setting.origin}: {problem}")
        self.found[key] = replace(setting, key=key, value=number, unit=variable.unit)

    def is_in_run(self, setting: Setting, label: str) -> bool:
        """Tell whether something begins within the run; note a problem if not."""
        low, high = self.horizon.start, self.horizon.final
        inside = bool(low <= setting.value < high)
        if not inside:
            self.say(
                "{label} is {value:g}, outside the run ({low:g} to before {high:g}). Move it.",
                setting, label=label, **apart(value=setting.value, low=low, high=high),
            )  # fmt: skip
        return inside
