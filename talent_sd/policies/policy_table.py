"""What a policy costs: spending in constant prices, present values, cost per effect; and `policies.csv`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from talent_sd.base.dims import BAND_AND_MEDIAN, DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder, write_rows
from talent_sd.inputs.file_schemas import Part, Range
from talent_sd.inputs.schema_problems import validate
from talent_sd.inputs.strict_yaml import read_yaml, shown

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
COST_COLUMNS = (
    "first_year_paid", "last_year_paid", "years_paid",
    "present_cost", "present_cost_lower", "present_cost_upper", "caused_cost",
)  # fmt: skip


class DiscountEntry(Part):
    """A rate, how far off it may be, and where it is from."""

    value: float = Field(ge=0, lt=1)
    range: Range = Field(description="Lowest and highest rate that can be defended")
    price_basis: Literal["real"] = Field(description="Of the spending that it is applied to")
    source: str = Field(min_length=1, description="Publication, or assumption")

    @model_validator(mode="after")
    def fits_together(self) -> DiscountEntry:
        """Need a range around the value."""
        low, high = self.range
        if not low <= self.value <= high:
            raise ValueError(
                f"the rate {self.value:g} lies outside [{low:g}, {high:g}]. Correct one of them."
            )
        return self


class CostFile(Part):
    """What costs are reckoned with."""

    discount_rate: DiscountEntry


def read_costs(path: str | Path | None = None) -> CostFile:
    """Read `models/costs.yaml`, or another file of its form.

    Raises
    ------
    InputError
        With every problem: ``file:line: what. remedy``.
    """
    file = shipped_folder("models") / "costs.yaml" if path is None else Path(path)
    return validate(CostFile, read_yaml(file), shown(file))


def chosen_rate(rate: float | None) -> float:
    """Return a discount rate that was asked for, checked; else the shipped one.

    Raises
    ------
    InputError
        If it is no share from 0 to below 1.
    """
    if rate is None:
        return read_costs().discount_rate.value
    if not 0 <= rate < 1:
        raise InputError(
            "the discount rate {rate:g} is not from 0 to below 1. It is a share: 8 % is 0.08.", rate=rate
        )
    return float(rate)


def discount_factor(years: np.ndarray | float, rate: float, base: float) -> np.ndarray:
    """Return what one yuan of a year is worth in the base year: (1 + rate)^(base - year).

    Parameters
    ----------
    years : points of time, any shape
    rate : yearly, as a share
    base : year of the present

    A yuan ten years off at 8 %; of today; without discounting; of last year:

    >>> float(discount_factor(2034, 0.08, 2024).round(4))
    0.4632
    >>> float(discount_factor(2024, 0.08, 2024)), float(discount_factor(2034, 0.0, 2024))
    (1.0, 1.0)
    >>> float(discount_factor(2023, 0.25, 2024))
    1.25
    """
    return (1.0 + rate) ** (base - np.asarray(years, dtype=float))


@dataclass(frozen=True)
class Money:
    """How yuan of different years become yuan of one.

    Parameters
    ----------
    years : (years,) points of time, rising
    rate : yearly discount rate, as a share; real where `prices` differ
    base : year whose prices and whose present is meant
    prices : (draws, years) price level; all 1 for a nominal rate
    """

    years: np.ndarray
    rate: float
    base: float
    prices: np.ndarray

    @property
    def worth(self) -> np.ndarray:
        """Return (draws, years) yuan of the base year that one yuan at each point of time is worth."""
        at_base = np.array([np.interp(self.base, self.years, path) for path in self.prices])
        return at_base[:, None] / self.prices * discount_factor(self.years, self.rate, self.base)

    def present_value(self, yearly: np.ndarray) -> np.ndarray:
        """Return what is paid in the years up to each point of time, as yuan of the base year.

        Parameters
        ----------
        yearly : (draws, ..., years) yuan in the year before each point

        Returns
        -------
        (draws, ...) yuan. Payments lie in the middle of their year on average, and are
        valued at the geometric mean of its two ends.
        """
        ends = self.worth
        middle = np.sqrt(ends[:, :-1] * ends[:, 1:])
        shape = (len(middle), *([1] * (yearly.ndim - 2)), middle.shape[1])
        return (yearly[..., 1:] * middle.reshape(shape)).sum(axis=-1)


def over_time(values: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Return the integral of yearly points (..., years) over the years: straight lines between them.

    >>> over_time(np.array([0.0, 2.0, 2.0]), np.array([2024.0, 2025.0, 2026.0])).item()
    3.0
    """
    from scipy.integrate import trapezoid

    return np.asarray(trapezoid(values, years, axis=-1))


def cost_ratio(cost: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Return cost per unit of effect; infinite where there is no effect, or a harmful one.

    A negative ratio would mix up a policy that saves money with one that does harm. Infinite
    ones keep their place in an order (worse than every price), so that quantiles over
    draws stay right; whoever shows them writes "not effective".

    >>> cost_ratio(np.array([8.0, 8.0, 0.0]), np.array([4.0, -4.0, 0.0])).tolist()
    [2.0, inf, inf]
    """
    cost, effect = np.broadcast_arrays(cost, effect)
    ratio = np.full(effect.shape, np.inf)
    np.divide(cost, effect, out=ratio, where=effect > 0)
    ratio[np.isnan(effect) | np.isnan(cost)] = np.nan
    return ratio


def ranked(values: np.ndarray, chances: tuple[float, ...] = BAND_AND_MEDIAN) -> np.ndarray:
    """Return quantiles over the first axis, (chances, ...), of values that may be infinite.

    The ordinary ones, on a straight line between the two ranks beside them; infinite where the upper of these is.

    >>> ranked(np.array([1.0, 2.0, 4.0, np.inf]), (0.25, 0.5, 0.9)).tolist()
    [1.75, 3.0, inf]
    """
    finite = np.where(np.isinf(values), np.max(values, where=np.isfinite(values), initial=0.0), values)
    above = np.quantile(values, chances, axis=0, method="higher")
    return np.where(np.isinf(above), np.inf, np.quantile(finite, chances, axis=0))


def write_policies_table(effects: xr.Dataset, path: Path) -> None:
    """Write the tidy table of what policies add and cost.

    Medians over draws with the ends of the 80 % interval. Costs stand in rows of the last year, with the first and the last
    year in which money is paid and in how many it is: fewer than lie between them after a pause.
    A cost per unit is empty where the policy is not effective in the median draw, its
    upper end where it is not in a tenth of them; `effective_...` is the share of draws in which it is.
    Where mixes were split in few of a forecast's draws, rows of `MIX_AMONG` tell the mix in all of them. A policy's
    `present_cost` is of all draws, its cost per unit of those split.

    Parameters
    ----------
    effects : as `policy_effects` gives them
    """
    measures = [str(measure) for measure in effects["measure"].values]
    per = [f"{start}{m}{end}" for m in measures for start, end in
           (("cost_per_", ""), ("cost_per_", "_lower"), ("cost_per_", "_upper"), ("effective_", ""))]  # fmt: skip
    rows = (row for name in map(str, effects[SCENARIO].values) for row in _rows(mix_of(effects, name), name))
    write_rows(path, (*COLUMNS, *COST_COLUMNS, *per), rows)


def mix_of(effects: xr.Dataset, scenario: str) -> xr.Dataset:
    """Return one scenario's part of the effects: the policies of its mix only."""
    one = effects.sel({SCENARIO: scenario})
    kept = one["policy"].values[one["present_cost"].notnull().any(DRAW).values]
    return one.sel(policy=kept, other=kept)


def in_all_draws(one: xr.Dataset, name: str) -> xr.DataArray:
    """Return a cost, or what the mix adds, in all draws of the forecast (axis `draw`), of which few may have been split."""
    key = f"{name}_among"
    return one[key].rename({MEMBER: DRAW}) if key in one else one[name]


@dataclass(frozen=True)
class Worth:
    """What a mix does and costs in the last year, over all draws; the years it pays; in what share its people cost least."""

    name: str
    years: tuple[int, ...]
    adds: xr.DataArray
    cost: xr.DataArray
    yearly: xr.DataArray
    per_person: xr.DataArray
    cheapest: float


def mixes_by_worth(effects: xr.Dataset) -> list[Worth]:
    """Return the mixes, that whose people cost least first; the draws are the same in all of them."""
    last = effects.isel({TIME: -1, OUTPUT: 0})
    adds, cost, yearly = (in_all_draws(last, name) for name in ("total", "mix_cost", "mix_yearly"))
    per = in_all_draws(last, "mix_cost_per").sel({MEASURE: "person"})
    least = (per == per.min(SCENARIO)) & np.isfinite(per)
    found = []
    for name in map(str, effects[SCENARIO].values):
        own = [values.sel({SCENARIO: name}) for values in (adds, cost, yearly, per)]
        years = years_paid(effects["paid_in_year"].sel({SCENARIO: name}).sum(POLICY))
        share = float(least.sel({SCENARIO: name}).mean())
        found.append(Worth(name, years, own[0], own[1], own[2], own[3], share))
    return sorted(found, key=lambda one: float(ranked(one.per_person.values)[1]))


NOTHING_PAID = 1e-6
"""Part of the largest yearly sum that is none: what rounding leaves. The page (`state.js`) has the same."""


def are_paid(yearly: np.ndarray) -> np.ndarray:
    """Return (years,) whether anything is paid in them, in any of the (draws, years)."""
    return (yearly > NOTHING_PAID * yearly.max(initial=0.0)).any(axis=0)


def years_paid(spending: xr.DataArray) -> tuple[int, ...]:
    """Return the years in which money is paid.

    Parameters
    ----------
    spending : yuan paid in the year up to each point of its axis `time`: 2027.0 ends the year 2026
    """
    others = [dim for dim in spending.dims if dim != TIME]
    paid = are_paid(spending.max(others).values[None])
    return tuple(int(end) - 1 for end in spending[TIME].values[paid])


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
        yield from _rows_among(one, scenario)


def _rows_among(one: xr.Dataset, scenario: str) -> Iterator[tuple[Any, ...]]:
    """Yield what the mix does and costs in all draws; the spending that policies cause is known of those split alone."""
    ratio = in_all_draws(one, "mix_cost_per")
    years = years_paid(one["paid_in_year"].sum(POLICY))
    costs = _cost_cells(years, in_all_draws(one, "mix_cost"), ratio, "")
    last = one[TIME].values[-1]
    for output, unit in zip(one["output"].values, one["unit"].values, strict=True):
        total = in_all_draws(one, "total").sel(output=output).transpose(DRAW, TIME).values
        bands = np.quantile(total, BAND_AND_MEDIAN, axis=0).T.tolist()
        for year, (low, middle, high) in zip(one[TIME].values, bands, strict=True):
            yield (scenario, MIX_AMONG, f"{year:g}", output, middle, low, high, "", "", unit,
                   *(costs if year == last else [""] * len(costs)))  # fmt: skip


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
        caused = float(one["caused_cost"].sum("policy").median())
        years = years_paid(one["paid_in_year"].sum(POLICY))
        return _cost_cells(years, one["mix_cost"], one["mix_cost_per"], caused)
    own = one.sel(policy=policy)
    caused, years = float(own["caused_cost"].median()), years_paid(own["paid_in_year"])
    return _cost_cells(years, in_all_draws(own, "present_cost"), own["cost_per"], caused)


def _cost_cells(
    years: tuple[int, ...], cost: xr.DataArray, ratio: xr.DataArray, caused: float | str
) -> list[Any]:
    low, middle, high = np.quantile(cost.values, BAND_AND_MEDIAN).tolist()
    cells: list[Any] = [*(years[:1] or [""]), *(years[-1:] or [""]), len(years), middle, low, high, caused]
    for measure in ratio["measure"].values:
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
        for key, ending in ((name, ""), (f"{name}_among", ", in all draws of the forecast")):
            if key in dataset:
                dataset[key].attrs.update(units=unit, long_name=text + ending)
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
    "split_member": ("1", "draw of the forecast that was split"),
    "synergy": ("see unit", "what the mix does less the sum of its policies alone"),
    "synergy_budget": ("see unit", "part of the synergy that the capped budget makes"),
    "paid_in_year": ("yuan", "paid for the policy over the year before"),
    "caused_in_year": ("yuan", "Shapley share of all that policies were paid over the year before"),
    "present_cost": ("yuan", "present value of spending"),
    "caused_cost": ("yuan", "present value of spending caused"),
    "mix_cost": ("yuan", "present value of all policy spending"),
    "mix_yearly": ("yuan/year", "paid for all policies a year, over the years in which the mix pays"),
    "amount": ("see cost_unit", "effect that costs are set against"),
    "mix_amount": ("see cost_unit", "effect of the mix that costs are set against"),
    "cost_per": ("see cost_unit", "present cost per unit of effect"),
    "mix_cost_per": ("see cost_unit", "present cost of the mix per unit of its effect"),
}
