"""What each policy costs, alone and at its default, paid from outside or from the city's services."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from talent_sd.analysis.laws_experiments import Bench, Missing
from talent_sd.analysis.laws_file import BASELINE, PolicyRange
from talent_sd.analysis.policy_costs import Money, chosen_rate, over_time

CSV = "policy_costs.csv"
WAYS = {"gross": "given", "net": "net"}
"""How a policy is paid -> what its experiment's name begins with."""
START, END = 2025.0, 2034.0
TALENT, OUTPUT = "talent", "value_added"


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
    def judged(self) -> float:
        """Return the median over cities of what the literature's range is about; NaN without a range."""
        if self.told is None:
            return float("nan")
        values = self.per_person_year if self.told.per == "person_year" else self.per_yuan
        return float(np.median(values))

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
    from talent_sd.scenario.national import read_national

    path = read_national("central").variables
    known = sorted(set(path["gdp"].values) & set(path["gdp_real"].values))
    level = [path["gdp"].values[year] / path["gdp_real"].values[year] for year in known]
    return np.interp(years, known, level)


def write_policy_costs(costs: Iterable[PolicyCost], folder: Path) -> str:
    """Write `policy_costs.csv` and return its name."""
    with (folder / CSV).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["policy", "paid", "city", "cost_per_person_year", "output_per_yuan", "present_cost",
                         "person_years", "range_of", "lower", "upper", "inside", "assumption", "source"])  # fmt: skip
        for one in costs:
            told = one.told
            literature = (
                ["", "", "", "", "", ""]
                if told is None
                else [told.per, *told.range, one.inside, told.assumption, " ".join(told.source.split())]
            )
            for number, city in enumerate(one.cities):
                numbers = (one.per_person_year, one.per_yuan, one.cost, one.person_years)
                writer.writerow(
                    [one.policy, one.way, city, *(f"{n[number]:.6g}" for n in numbers), *literature]
                )
    return CSV
