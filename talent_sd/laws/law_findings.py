"""Laws that no formula measures: what loops carry over all shipped pairs, what policies cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.files import write_rows
from talent_sd.base.language import tell
from talent_sd.inputs.settings import loop_key
from talent_sd.laboratory.cases import END
from talent_sd.laws.law_bench import Bench, Missing
from talent_sd.laws.law_files import BASELINE, PolicyRange
from talent_sd.policies.policy_table import Money, chosen_rate, over_time

if TYPE_CHECKING:
    from talent_sd.laws.law_files import Law

CSV = "policy_costs.csv"
COLUMNS = (
    "policy", "paid", "city", "cost_per_person_year", "output_per_yuan", "present_cost", "person_years",
    "range_of", "lower", "upper", "inside", "assumption", "source",
)  # fmt: skip
WAYS = {"gross": "given", "net": "net"}
"""How a policy is paid -> what its experiment's name begins with."""
START = 2025.0
TALENT, OUTPUT = "talent", "value_added"
LEAST_CHANGE = 0.01
"""Headline changes smaller than this part of the baseline are no change to carry."""
_LEFT_OUT = ("Fund",)
"""A balance near nought: a per cent of it says nothing."""


@dataclass(frozen=True)
class PolicyCost:
    """One policy in all cities, paid in one way.

    Parameters
    ----------
    policy, way : names
    cities : of the arrays
    cost : (cities,) present cost, yuan of the first year
    person_years : (cities,) people more, over the years
    output : (cities,) value added more, discounted like the cost
    told : the literature's range
    """

    policy: str
    way: str
    cities: tuple[str, ...]
    cost: np.ndarray
    person_years: np.ndarray
    output: np.ndarray
    told: PolicyRange | None

    @property
    def per_person_year(self) -> np.ndarray:
        """Return (cities,) yuan per person and year; infinite where nobody is gained."""
        return np.where(self.person_years > 0, self.cost / np.maximum(self.person_years, 1e-9), np.inf)

    @property
    def per_yuan(self) -> np.ndarray:
        """Return (cities,) yuan of value added per yuan spent."""
        with np.errstate(all="ignore"):
            return np.where(self.cost > 0, self.output / self.cost, np.nan)

    @property
    def measured(self) -> np.ndarray:
        """Return (cities,) what the literature's range is about."""
        yuan = self.told is not None and self.told.per == "output"
        return self.per_yuan if yuan else self.per_person_year

    @property
    def judged(self) -> float:
        """Return the median over cities of what the literature's range is about; NaN without a range."""
        return float("nan") if self.told is None else float(np.median(self.measured))

    @property
    def inside(self) -> bool:
        """Return whether that median lies in the range."""
        return self.told is not None and self.told.range[0] <= self.judged <= self.told.range[1]


def policy_costs(bench: Bench, cities: Sequence[str] | None = None) -> list[PolicyCost]:
    """Try every policy of the file's list alone, in both ways; central runs.

    Raises
    ------
    Missing
        If the model lacks what an experiment or a quantity needs.
    """
    if "policy_costs" in bench.kept:
        return list(bench.kept["policy_costs"])
    file = bench.file
    places = tuple(file.content.cities if cities is None else cities)
    policies = list(file.content.lists.get("policy", {}))
    names = [f"{prefix}_{policy}" for prefix in WAYS.values() for policy in policies]
    money = [f"policy_money_{policy}" for policy in policies]
    for name in names:
        if name not in file.content.experiments:
            raise Missing(name)
        bench.check(name)
    variables = set().union(*(bench.needs(name) for name in (TALENT, OUTPUT, *money)))
    found = bench.run([(one, city) for one in (BASELINE, *names) for city in places], variables, ())
    reading = bench.reading(found, places)
    span = reading.span(START - 1, END)
    years = found.times[span]
    rate = chosen_rate(None)
    value = Money(years, rate, START, _prices(years)[None])
    result = []
    for policy in policies:
        for way, prefix in WAYS.items():
            series = {
                name: reading.series(name, f"{prefix}_{policy}")[:, 0, span]
                for name in (TALENT, OUTPUT, f"policy_money_{policy}")
            }
            base = {name: reading.series(name, BASELINE)[:, 0, span] for name in (TALENT, OUTPUT)}
            paid = np.diff(
                series[f"policy_money_{policy}"], axis=-1, prepend=series[f"policy_money_{policy}"][:, :1]
            )
            extra = (series[OUTPUT] - base[OUTPUT]) * value.worth[0]
            result.append(
                PolicyCost(
                    policy,
                    way,
                    places,
                    np.array([float(value.present_value(one[None])[0]) for one in paid]),
                    over_time(series[TALENT] - base[TALENT], years),
                    over_time(extra, years),
                    file.content.policies.get(policy),
                )
            )
    bench.kept["policy_costs"] = result
    return result


def _prices(years: np.ndarray) -> np.ndarray:
    """Return the price level of value added on the central national path."""
    from talent_sd.inputs.national_paths import read_national

    path = read_national("central").variables
    known = sorted(set(path["gdp"].values) & set(path["gdp_real"].values))
    level = [path["gdp"].values[year] / path["gdp_real"].values[year] for year in known]
    return np.interp(years, known, level)


def write_policy_costs(costs: Iterable[PolicyCost], folder: Path) -> str:
    """Write `policy_costs.csv`, whose `inside` is about the row's own city, and return its name."""
    rows = []
    for one in costs:
        for number, city in enumerate(one.cities):
            numbers = (one.per_person_year, one.per_yuan, one.cost, one.person_years)
            literature: list[object] = [""] * 6
            if (told := one.told) is not None:
                inside = told.range[0] <= one.measured[number] <= told.range[1]
                literature = [told.per, *told.range, inside, told.assumption, " ".join(told.source.split())]
            rows.append([one.policy, one.way, city, *(f"{n[number]:.6g}" for n in numbers), *literature])
    write_rows(folder / CSV, COLUMNS, rows)
    return CSV


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
    from talent_sd.inputs import list_scenarios
    from talent_sd.laboratory.findings import HEADLINES

    structure = bench.model.structure
    loops = list(structure.subscripts.get("loop", ()))
    outputs = [name for name in HEADLINES if structure.find(name) is not None and name not in _LEFT_OUT]
    scenarios = list(list_scenarios())
    lanes = [
        {**bench.places.inputs(scenario, city), **({loop_key(cut): 0.0} if cut else {})}
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
    from talent_sd.base.errors import TalentError
    from talent_sd.loops.loop_names import read_loops
    from talent_sd.loops.loop_shares import KIND, NAMED, OTHER_ROUTES, TURNOVER, loop_shares

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
    return {"all": float(sum(one.inside for one in policy_costs(bench) if one.way == "gross"))}


def policies_told(bench: Bench, law: Law) -> Mapping[str, float]:
    """Return how many lie in it, or have an argument why they do not."""
    gross = [one for one in policy_costs(bench) if one.way == "gross" and one.told is not None]
    return {"all": float(sum(one.inside or bool(one.told and one.told.argued) for one in gross))}


FINDINGS = {
    "loop_carries": loop_carries,
    "loops_named_share": loops_named_share,
    "policies_inside": policies_inside,
    "policies_told": policies_told,
}
"""Name (a law's finding, or its beginning) -> measurement: city or "all" -> value."""
