"""Limits, units and names, as messages tell them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from talent_sd.base.errors import nearest
from talent_sd.base.language import listed, tell
from talent_sd.inputs.labels import shipped_labels

if TYPE_CHECKING:
    from talent_sd.inputs.model_interface import ModelVariable


def outside(label: str, value: float, variable: ModelVariable) -> str | None:
    """Return the message for a value outside the model's limits, None if inside."""
    low, high = variable.limits
    unit = "" if variable.unit in ("", "1", "Dmnl") else f" {variable.unit}"
    hint = ""
    if not unit and high is not None and high <= 1 < value and value / 100 <= high:
        hint = tell(" (a share: {value:g} % is {share:g})", value=value, share=value / 100)
    if high is not None and value > high:
        return tell(
            "{label} is {value:g}, above the model's maximum {high:g}{unit}{hint}.",
            label=label,
            value=value,
            high=high,
            unit=unit,
            hint=hint,
        )
    if low is not None and value < low:
        return tell(
            "{label} is {value:g}, below the model's minimum {low:g}{unit}.",
            label=label,
            value=value,
            low=low,
            unit=unit,
        )
    return None


def hint_of(name: str, known: Iterable[str]) -> str:
    """Return the nearest known name as a hint, else all of them."""
    names = list(known)
    return (
        nearest(name, names)
        or nearest_label(name, names)
        or tell(" Known: {names}.", names=listed(names) or tell("none in this model"))
    )


def nearest_label(name: str, known: Iterable[str]) -> str:
    """Return the known name whose Chinese label is closest to a Chinese name, as a hint, or "".

    >>> nearest_label("现金补帖", ["cash_subsidy", "venture_fund"])
    " Did you mean 'cash_subsidy'?"
    """
    if name.isascii():
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
