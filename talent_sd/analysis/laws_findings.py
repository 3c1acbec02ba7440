"""Laws that no formula measures: what loops carry over all shipped pairs, what policies cost."""

from __future__ import annotations

from collections.abc import Mapping
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
    """Return the largest part of a headline change, over all shipped pairs, that is gone with a loop cut."""
    carried = _carried(bench)
    loop = law.finding.removeprefix("loop_carries_")
    if loop not in carried:
        raise Missing(tell("the model has no loop '{name}'", name=loop))
    return {"all": carried[loop]}


def _carried(bench: Bench) -> dict[str, float]:
    """Run every scenario and the baseline in every city, whole and with each loop cut.

    Of a change against the baseline a loop carries |change - change with it cut| / |change|, both against
    baselines of their own kind.
    """
    if "carried" in bench.kept:
        return bench.kept["carried"]
    from talent_sd.analysis.evidence import HEADLINES
    from talent_sd.scenario import list_cities, list_scenarios

    structure = bench.model.structure
    loops = list(structure.subscripts.get("loop", ()))
    outputs = [name for name in HEADLINES if structure.find(name) is not None and name not in _LEFT_OUT]
    scenarios, cities = list(list_scenarios()), list(list_cities())
    lanes = [
        {**bench.inputs(scenario, city), **({f"loop closed[{cut}]": 0.0} if cut else {})}
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
    bench.kept["carried"] = dict(zip(loops, map(float, largest), strict=True))
    return bench.kept["carried"]


FINDINGS = {"loop_carries": loop_carries}
"""Name (a law's finding, or its beginning up to "_…") -> measurement."""
