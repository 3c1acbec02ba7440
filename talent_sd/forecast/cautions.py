"""What a planner should know before believing a comparison: it is sound, but may not be what was meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.messages import language, speaking, tell
from talent_sd.base.words import LANGUAGES

if TYPE_CHECKING:
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.inputs import Resolved

PAID = "affordability"
"""The model's variable: part of the desired spending on policies that the budget pays."""
IN_FULL = 0.995
"""A budget that pays so much pays in full: what is short would be shown as 100 %."""

Told = Callable[[], str]
"""A text that is written in the language of the moment."""


class ComparisonNotice(UserWarning):
    """Something about a comparison that its numbers do not show."""


def cautions(prepared: Prepared) -> list[str]:
    """Return what to know of scenarios that are compared, the first being the baseline, in the user's language.

    Scenarios that change nothing, policies that the city cannot pay for, and national paths that
    differ between scenarios.

    Parameters
    ----------
    prepared : scenarios of one city; each is run once with the model's own constants
    """
    return cautions_by_language(prepared)[language()]


def cautions_by_language(prepared: Prepared) -> dict[str, list[str]]:
    """Return the same in every language: language -> texts."""
    found = [*_idle(prepared), *_nations(prepared), *_budgets(prepared)]
    told = {}
    for lang in LANGUAGES:
        with speaking(lang):
            told[lang] = [text() for text in found]
    return told


def _idle(prepared: Prepared) -> Iterator[Told]:
    """Yield scenarios whose every input is the baseline's: their differences are exactly 0."""
    (baseline, first), *others = prepared.resolved.items()
    for name, one in others:
        if one.national.name == first.national.name and _inputs(one) == _inputs(first):
            yield partial(_tell_idle, name, baseline, first)


def _tell_idle(name: str, baseline: str, first: Resolved) -> str:
    return tell(
        "'{scenario}' sets nothing else than '{baseline}' in {city}: every difference is exactly 0. If it should "
        "differ, look at what it sets with `talent-sd diff {baseline} {scenario}`.",
        scenario=name,
        baseline=baseline,
        city=first.city.title[language()],
    )


def _inputs(resolved: Resolved) -> dict[str, object]:
    return {key: value.value for key, value in resolved.values.items()}


def _nations(prepared: Prepared) -> Iterator[Told]:
    (baseline, first), *others = prepared.resolved.items()
    for name, one in others:
        if one.national.name != first.national.name:
            yield partial(_tell_nations, name, one.national.name, baseline, first.national.name)


def _tell_nations(name: str, path: str, baseline: str, other: str) -> str:
    return tell(
        "'{scenario}' runs on the national path '{path}', '{baseline}' on '{other}': part of the "
        "difference is the nation's, not the policies'. Give --national, or the same context in both files.",
        scenario=name,
        path=path,
        baseline=baseline,
        other=other,
    )


def _budgets(prepared: Prepared) -> Iterator[Told]:
    if prepared.model.structure.find(PAID) is None:
        return
    for name, one in prepared.resolved.items():
        years, paid = _paid(prepared, one)
        if (paid < IN_FULL).any():
            yield partial(_tell_budget, name, one, years, paid)


def _tell_budget(name: str, one: Resolved, years: np.ndarray, paid: np.ndarray) -> str:
    short = years[paid < IN_FULL]
    return tell(
        "{city} cannot pay for all of '{scenario}': {least:.0f} % at the least ({year}), less than all "
        "in {span}, and every policy is scaled down so far. Lower an intensity, start later, "
        "or leave a policy out.",
        city=one.city.title[language()],
        scenario=name,
        least=100 * float(paid.min()),
        year=f"{years[int(paid.argmin())]:g}",
        # a year alone is no span
        span="–".join(dict.fromkeys(f"{year:g}" for year in short[[0, -1]])),
    )


def _paid(prepared: Prepared, resolved: Resolved) -> tuple[np.ndarray, np.ndarray]:
    """Return (years,) and the part of the desired spending that is paid in each."""
    time = prepared.model.structure.time
    years = np.arange(time["INITIAL TIME"], time["FINAL TIME"] + 1e-9)
    run = prepared.model.run(params=resolved.params(), outputs=[PAID], times=years)
    return years, run[PAID].values.ravel()
