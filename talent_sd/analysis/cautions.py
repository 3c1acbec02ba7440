"""What a planner should know before believing a comparison: it is sound, but may not be what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.messages import language, tell

if TYPE_CHECKING:
    from talent_sd.analysis.forecast import Prepared
    from talent_sd.scenario import Resolved

PAID = "affordability"
"""The model's variable: part of the desired spending on policies that the budget pays."""
IN_FULL = 0.995
"""A budget that pays so much pays in full: what is short would be shown as 100 %."""


class ComparisonNotice(UserWarning):
    """Something about a comparison that its numbers do not show."""


def cautions(prepared: Prepared) -> list[str]:
    """Return what to know of scenarios that are compared, the first being the baseline.

    Policies that the city cannot pay for, and national paths that differ between scenarios.

    Parameters
    ----------
    prepared : scenarios of one city; each is run once with the model's own constants
    """
    return [*_nations(prepared), *_budgets(prepared)]


def _nations(prepared: Prepared) -> Iterator[str]:
    baseline, *others = prepared.resolved.items()
    for name, one in others:
        if one.national.name != baseline[1].national.name:
            yield tell(
                "'{scenario}' runs on the national path '{path}', '{baseline}' on '{other}': part of the "
                "difference is the nation's, not the policies'. Give --national, or the same context in both files.",
                scenario=name,
                path=one.national.name,
                baseline=baseline[0],
                other=baseline[1].national.name,
            )


def _budgets(prepared: Prepared) -> Iterator[str]:
    if prepared.model.structure.find(PAID) is None:
        return
    for name, one in prepared.resolved.items():
        years, paid = _paid(prepared, one)
        short = paid < IN_FULL
        if short.any():
            yield tell(
                "{city} cannot pay for all of '{scenario}': {least:.0f} % at the least ({year}), less than all "
                "in {first}-{last}, and every policy is scaled down so far. Lower an intensity, start later, "
                "or leave a policy out.",
                city=one.city.title[language()],
                scenario=name,
                least=100 * float(paid.min()),
                year=f"{years[int(paid.argmin())]:g}",
                first=f"{years[short][0]:g}",
                last=f"{years[short][-1]:g}",
            )


def _paid(prepared: Prepared, resolved: Resolved) -> tuple[np.ndarray, np.ndarray]:
    """Return (years,) and the part of the desired spending that is paid in each."""
    time = prepared.model.structure.time
    years = np.arange(time["INITIAL TIME"], time["FINAL TIME"] + 1e-9)
    run = prepared.model.run(params=resolved.params(), outputs=[PAID], times=years)
    return years, run[PAID].values.ravel()
