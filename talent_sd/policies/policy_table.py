"""`policies.csv`: what each policy adds and costs, a row per scenario, policy, year and variable."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BAND_AND_MEDIAN, DRAW, SCENARIO, TIME
from talent_sd.policies.policy_costs import ranked

if TYPE_CHECKING:
    import xarray as xr

MIX = "mix"
"""Stands in the place of a policy in rows of all together; `alone` there is the sum of all alone."""
MIX_AMONG = "mix_in_all_draws"
"""The mix in all draws of the forecast, of which few were split."""
COLUMNS = (
    "scenario",
    "policy",
    "year",
    "variable",
    "contribution",
    "lower",
    "upper",
    "alone",
    "standard_error",
    "unit",
)
COST_COLUMNS = ("present_cost", "present_cost_lower", "present_cost_upper", "caused_cost")


def write_policies_table(effects: xr.Dataset, path: Path) -> None:
    """Write the tidy table of what policies add and cost.

    Medians over draws with the ends of the 80 % interval. Costs stand in rows of the last year.
    A cost per unit is empty where the policy is not effective in the median draw, its
    upper end where it is not in a tenth of them; `effective_...` is the share of draws in which it is.
    Where mixes were split in few of a forecast's draws, rows of `MIX_AMONG` tell the mix in all of them.

    Parameters
    ----------
    effects : as `policy_effects` gives them
    """
    measures = [str(measure) for measure in effects["measure"].values]
    per = [f"{start}{m}{end}" for m in measures for start, end in
           (("cost_per_", ""), ("cost_per_", "_lower"), ("cost_per_", "_upper"), ("effective_", ""))]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow((*COLUMNS, *COST_COLUMNS, *per))
        for name in effects[SCENARIO].values:
            writer.writerows(_rows(mix_of(effects, str(name)), str(name)))


def mix_of(effects: xr.Dataset, scenario: str) -> xr.Dataset:
    """Return one scenario's part of the effects: the policies of its mix only."""
    one = effects.sel({SCENARIO: scenario})
    kept = one["policy"].values[one["present_cost"].notnull().any(DRAW).values]
    return one.sel(policy=kept, other=kept)


def effective_share(ratio: xr.DataArray) -> float:
    """Return the share of draws in which a cost per unit is finite: the policy has an effect."""
    return float(np.isfinite(ratio.values).mean())


def _rows(one: xr.Dataset, scenario: str) -> Iterator[tuple[Any, ...]]:
    last = one[TIME].values[-1]
    for policy in (*one["policy"].values, MIX):
        costs = _costs(one, policy)
        for output, unit in zip(one["output"].values, one["unit"].values, strict=True):
            share, alone, error = _effect(one, policy, output)
            for number, year in enumerate(one[TIME].values):
                low, middle, high = np.quantile(share[:, number], BAND_AND_MEDIAN).tolist()
                yield (scenario, policy, f"{year:g}", output, middle, low, high,
                       float(np.median(alone[:, number])), error[number], unit,
                       *(costs if year == last else [""] * len(costs)))  # fmt: skip
    if one.sizes.get("member", 0) > one.sizes[DRAW]:
        yield from _rows_among(one, scenario, len(costs))


def _rows_among(one: xr.Dataset, scenario: str, costs: int) -> Iterator[tuple[Any, ...]]:
    """Yield what the mix does in all draws; nothing else is known of them."""
    for output, unit in zip(one["output"].values, one["unit"].values, strict=True):
        total = one["total_among"].sel(output=output).transpose("member", TIME).values
        bands = np.quantile(total, BAND_AND_MEDIAN, axis=0).T.tolist()
        for year, (low, middle, high) in zip(one[TIME].values, bands, strict=True):
            yield (scenario, MIX_AMONG, f"{year:g}", output, middle, low, high, "", "", unit, *[""] * costs)


def _effect(one: xr.Dataset, policy: str, output: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return share and effect alone (draws, years), and the standard error over years."""
    of = one.sel(output=output)
    if policy == MIX:
        total = of["total"].transpose(DRAW, TIME).values
        return total, of["alone"].sum("policy").transpose(DRAW, TIME).values, np.zeros(total.shape[1])
    of = of.sel(policy=policy)
    share, alone = (of[name].transpose(DRAW, TIME).values for name in ("contribution", "alone"))
    return share, alone, np.sqrt((of["standard_error"].transpose(DRAW, TIME).values ** 2).mean(axis=0))


def _costs(one: xr.Dataset, policy: str) -> list[Any]:
    if policy == MIX:
        cost, ratio = one["mix_cost"], one["mix_cost_per"]
        caused = one["caused_cost"].sum("policy")
    else:
        own = one.sel(policy=policy)
        cost, ratio, caused = own["present_cost"], own["cost_per"], own["caused_cost"]
    low, middle, high = np.quantile(cost.values, BAND_AND_MEDIAN).tolist()
    cells: list[Any] = [middle, low, high, float(caused.median())]
    for measure in one["measure"].values:
        values = ratio.sel(measure=measure)
        low, middle, high = ranked(values.values).tolist()
        cells += [value if np.isfinite(value) else "" for value in (middle, low, high)]
        cells.append(effective_share(values))
    return cells


POLICY, OTHER, OUTPUT, MEASURE, MEMBER = "policy", "other", "output", "measure", "member"


def in_order(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset with every variable's axes in the written order, units and names."""
    axes = (MEASURE, SCENARIO, OUTPUT, MEMBER, DRAW, POLICY, OTHER, TIME)
    dataset = dataset.transpose(*axes, missing_dims="ignore")
    for name, (unit, text) in NAMES.items():
        if name in dataset:
            dataset[name].attrs.update(units=unit, long_name=text)
    for name, text in AXES.items():
        if name in dataset.coords:
            dataset[name].attrs["long_name"] = text
    return dataset


AXES = {
    POLICY: "policy",
    OTHER: "the other policy of a pair",
    OUTPUT: "output split",
    MEASURE: "what a cost is set against",
    MEMBER: "draw of the forecast",
    "unit": "unit of the output",
    "cost_unit": "unit of the cost per unit of effect",
}

NAMES = {
    "contribution": ("see unit", "Shapley share of what the mix does"),
    "standard_error": ("see unit", "standard error of a sampled share"),
    "alone": ("see unit", "effect of the policy as the only one"),
    "dropped": ("see unit", "what the mix would lose without the policy"),
    "interaction": ("see unit", "how much more two policies do together than apart"),
    "total": ("see unit", "what the mix does over none of its policies"),
    "total_among": ("see unit", "what the mix does over none of its policies, in all draws of the forecast"),
    "split_member": ("1", "draw of the forecast that was split"),
    "synergy": ("see unit", "what the mix does less the sum of its policies alone"),
    "synergy_budget": ("see unit", "part of the synergy that the capped budget makes"),
    "spending": ("yuan/year", "paid for the policy in the year before"),
    "spending_caused": ("yuan/year", "Shapley share of all policy spending in the year before"),
    "present_cost": ("yuan", "present value of spending"),
    "caused_cost": ("yuan", "present value of spending caused"),
    "mix_cost": ("yuan", "present value of all policy spending"),
    "amount": ("see cost_unit", "effect that costs are set against"),
    "mix_amount": ("see cost_unit", "effect of the mix that costs are set against"),
    "cost_per": ("see cost_unit", "present cost per unit of effect"),
    "mix_cost_per": ("see cost_unit", "present cost of the mix per unit of its effect"),
}
