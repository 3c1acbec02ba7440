"""Laws that no formula measures: what loops carry over all shipped pairs, what policies cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.analysis.laws_experiments import Missing
from talent_sd.base.messages import tell

if TYPE_CHECKING:
    from talent_sd.analysis.laws_experiments import Bench
    from talent_sd.analysis.laws_file import Law

LEAST_CHANGE = 0.01
"""Headline changes smaller than this part of the baseline are no change to carry."""
END = 2034.0
_LEFT_OUT = ("Fund",)
"""A balance near nought: a per cent of it says nothing."""


def loop_carries(bench: Bench, law: Law) -> Mapping[str, float]:
    """Return the largest part of a headline change, over all scenarios and the law's cities, that is gone with a loop cut."""
    carried = _carried(bench, bench.file.cities_of(law))
    loop = law.finding.removeprefix("loop_carries_")
    if loop not in carried:
        raise Missing(tell("the model has no loop '{name}'", name=loop))
    return {"all": carried[loop]}


def _carried(bench: Bench, cities: Sequence[str]) -> dict[str, float]:
    """Run every scenario and the baseline in some cities, whole and with each loop cut.

    Of a change against the baseline a loop carries |change - change with it cut| / |change|, both against
    baselines of their own kind.
    """
    key = ("carried", *cities)
    if key in bench.kept:
        return dict(bench.kept[key])
    from talent_sd.analysis.evidence import HEADLINES
    from talent_sd.scenario import list_scenarios

    structure = bench.model.structure
    loops = list(structure.subscripts.get("loop", ()))
    outputs = [name for name in HEADLINES if structure.find(name) is not None and name not in _LEFT_OUT]
    scenarios = list(list_scenarios())
    lanes = [
        {**bench.places.inputs(scenario, city), **({f"loop closed[{cut}]": 0.0} if cut else {})}
        for cut in (None, *loops)
        for scenario in scenarios
        for city in cities
    ]
    run = bench.run_lanes(lanes, outputs, [END])
    shape = (1 + len(loops), len(scenarios), len(cities))
    base = scenarios.index("baseline")
    largest = np.zeros(len(loops))
    for name in outputs:
        values = np.asarray(run[name].values, float).reshape(*shape, -1).sum(axis=-1)
        change = values - values[:, [base]]
        whole = change[0]
        counts = np.abs(whole) >= LEAST_CHANGE * np.abs(values[0, [base]])
        with np.errstate(all="ignore"):
            part = np.where(counts, np.abs(change[1:] - whole) / np.abs(whole), 0.0)
        largest = np.maximum(largest, np.nan_to_num(part).reshape(len(loops), -1).max(axis=1))
    bench.kept[key] = dict(zip(loops, map(float, largest), strict=True))
    return dict(bench.kept[key])


def loops_named_share(bench: Bench, law: Law) -> Mapping[str, float]:
    """Return, city by city, the part of named loops and of the routes their switches cut in the baseline's activity.

    Stocks' own turnover is left out of the whole; mean over the years.
    """
    from talent_sd.analysis.loop_classes import NAMED, OTHER_ROUTES, TURNOVER
    from talent_sd.analysis.loop_names import read_loops
    from talent_sd.analysis.loop_shares import KIND, loop_shares
    from talent_sd.base.errors import TalentError

    try:
        names = read_loops(bench.model.structure)
    except TalentError as error:
        raise Missing(str(error)) from None
    found = {}
    for city in bench.file.cities_of(law):
        shares, _ = loop_shares(bench.model, names, bench.places.inputs("baseline", city))
        activity = shares["activity"]
        named = activity.sel({KIND: [NAMED, OTHER_ROUTES]}).sum(KIND)
        found[city] = float((named / (1 - activity.sel({KIND: TURNOVER}))).mean())
    return found


def policies_inside(bench: Bench, law: Law) -> Mapping[str, float]:
    """Return how many policies, paid from outside, lie in the literature's range in the median of cities."""
    from talent_sd.analysis.laws_policies import policy_costs

    return {"all": float(sum(one.inside for one in policy_costs(bench) if one.way == "gross"))}


def policies_told(bench: Bench, law: Law) -> Mapping[str, float]:
    """Return how many lie in it, or have an argument why they do not."""
    from talent_sd.analysis.laws_policies import policy_costs

    gross = [one for one in policy_costs(bench) if one.way == "gross" and one.told is not None]
    return {"all": float(sum(one.inside or bool(one.told and one.told.argued) for one in gross))}


FINDINGS = {
    "loop_carries": loop_carries,
    "loops_named_share": loops_named_share,
    "policies_inside": policies_inside,
    "policies_told": policies_told,
}
"""Name (a law's finding, or its beginning) -> measurement: city or "all" -> value."""
