"""Axes, units and names of the dataset that tells what policies add and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talent_sd.base.dims import DRAW, SCENARIO, TIME

if TYPE_CHECKING:
    import xarray as xr

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
