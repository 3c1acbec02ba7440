"""Policies in yuan: sizes turned into intensities by running the model, and what was spent on each, year by year."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BAND_AND_MEDIAN, DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.files import write_rows
from talent_sd.base.language import language, tell
from talent_sd.engine.runner import model_constants
from talent_sd.inputs.setting_checks import BUDGET, POLICY
from talent_sd.inputs.settings import Curve, policies_on

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.inputs import Resolved

WISHED, LEVEL, PAID_TO_DATE = "desired spending", "policy level", "Cumulative Policy Spending"
"""What policies would cost a year at their settings; how far each is on; what was paid since the start."""
PRICES, PRICE_YEAR = "national price index path", BUDGET["price_basis"]
BASIS = 2024.0
"""Year in whose prices yuan are, where a scenario names none."""
PAID = "affordability"
"""The model's variable: part of the desired spending on policies that the budget pays."""
UNEVEN = 1.05
"""Plans whose spending differs by more than this factor are not equally dear."""
IN_FULL = 0.995
"""A budget that pays so much pays in full: what is short would be shown as 100 %."""
EXACT, MOST_TRIES = 1e-5, 60
QUARTER = 0.25
SPENDING_COLUMNS = (
    "scenario", "policy", "year", "paid_in_year", "paid_lower", "paid_upper", "paid_in_year_real", "price_basis", "unit",
)  # fmt: skip


def intensity_key(policy: str) -> str:
    """Return the constant of a policy's intensity.

    >>> intensity_key("cash_subsidy")
    'cash subsidy intensity'
    """
    return f"{policy.replace('_', ' ')} intensity"


def price_basis(params: Mapping[str, Any]) -> float:
    """Return the year in whose prices a scenario's yuan are."""
    return float(params.get(PRICE_YEAR, BASIS))


def worth(params: Mapping[str, Any], times: np.ndarray) -> np.ndarray:
    """Return what a yuan of each point of time is worth in yuan of the price basis; 1 where no price path is known."""
    curve: Curve | None = params.get(PRICES)
    if curve is None:
        return np.ones(len(times))
    return float(np.interp(price_basis(params), *curve)) / np.interp(times, *curve)


def yearly_cost(run: xr.Dataset, params: Mapping[str, Any]) -> xr.DataArray:
    """Return what each policy would cost a year at full strength, at the prices of the basis.

    Parameters
    ----------
    run : with `desired spending` and `policy level`: dims (..., time, policy)

    Returns
    -------
    dims (..., policy), yuan a year: the mean over the time at full strength, else over the time on; 0 of a
    policy that is off. The budget's cap is left out of account.
    """
    import xarray as xr

    real = run[WISHED] * xr.DataArray(worth(params, run[TIME].values), dims=TIME)
    level = run[LEVEL]
    full, on = level >= 1, level > 0
    return real.where(full).mean(TIME).fillna(real.where(on).mean(TIME)).fillna(0.0)


def sized(model: Model, resolved: Resolved) -> Resolved:
    """Turn a scenario's sizes in yuan into intensities: those at which the city's central run spends so much.

    Parameters
    ----------
    model : that the scenario was resolved for

    Returns
    -------
    the same without `sizes`; without any it is returned as it is

    Raises
    ------
    InputError
        For each size that the policy's highest intensity does not reach in this city.
    """
    if not resolved.sizes:
        return resolved
    plain = replace(resolved, sizes={})
    params: dict[str, Any] = dict(plain.params())
    structure = model.structure
    keys = {policy: intensity_key(policy) for policy in structure.subscripts[POLICY]}
    wanted = {p: resolved.sizes[key] for p, key in keys.items() if key in resolved.sizes}
    on = policies_on(params)
    highest = {p: float(structure[keys[p]].limits[1] or np.inf) for p in wanted}
    own = model_constants(model)
    found = {p: min(own[keys[p]], highest[p]) for p in wanted}
    miss = dict.fromkeys(wanted, 1.0)
    for _ in range(MOST_TRIES):
        tried = {**params, **{keys[p]: value for p, value in found.items()}}
        run = model.run(tried, outputs=[WISHED, LEVEL], times=_quarters(model))
        cost = yearly_cost(run, params)
        spent = {p: float(cost.sel({POLICY: p})) for p in wanted if p in on}
        if all(
            abs(s / wanted[p].value - 1) < EXACT or _short(s, p, found, highest, wanted)
            for p, s in spent.items()
        ):
            break
        for p, s in spent.items():
            if s <= 0:
                found[p] = highest[p]
                continue
            miss[p], before = wanted[p].value / s, miss[p]
            # where money grows with the square of the intensity, whole steps would go back and forth for ever
            swings = abs(math.log(miss[p])) > abs(math.log(before)) / 2 and (miss[p] - 1) * (before - 1) < 0
            found[p] = min(found[p] * miss[p] ** (0.5 if swings else 1), highest[p])
    _refuse_short(resolved, spent, found, highest, wanted)
    values = dict(resolved.values)
    for p, value in found.items():
        origin = replace(wanted[p].origin, text=f"size: {wanted[p].value:g} yuan/year")
        unit = structure[keys[p]].unit
        values[keys[p]] = replace(
            wanted[p], key=keys[p], value=float(f"{value:.6g}"), origin=origin, unit=unit
        )
    return replace(plain, values=values)


def _quarters(model: Model) -> np.ndarray:
    time = model.structure.time
    return np.arange(time["INITIAL TIME"], time["FINAL TIME"] + 1e-9, QUARTER)


def _short(
    spent: float,
    policy: str,
    found: Mapping[str, float],
    highest: Mapping[str, float],
    wanted: Mapping[str, Any],
) -> bool:
    """Tell whether a policy spends less than wanted though at its highest."""
    return found[policy] >= highest[policy] and spent < wanted[policy].value * (1 - EXACT)


def _refuse_short(
    resolved: Resolved,
    spent: Mapping[str, float],
    found: Mapping[str, float],
    highest: Mapping[str, float],
    wanted: Mapping[str, Any],
) -> None:
    short = [p for p, s in spent.items() if _short(s, p, found, highest, wanted)]
    if short:
        raise InputError(
            tell(
                "{origin}: {policy}.size is {size:g} yuan a year, more than the policy takes in {city}: {most:.3g} at "
                "its highest intensity, {highest:g}. Lower it.",
                origin=wanted[p].origin,
                policy=p,
                size=wanted[p].value,
                city=resolved.city.title[language()],
                most=spent[p],
                highest=highest[p],
            )
            for p in short
        )


def write_spending_table(prepared: Prepared, spread: xr.Dataset, file: Path) -> bool:
    """Write what was paid for each policy in each year, in yuan of the year and of the price basis.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...), with `Cumulative Policy Spending`

    Returns
    -------
    whether there was any to write
    """
    if PAID_TO_DATE not in spread:
        return False
    rows = [row for name, one in prepared.resolved.items() for row in _spending(name, one, spread)]
    if rows:
        write_rows(file, SPENDING_COLUMNS, rows)
    return bool(rows)


def _spending(name: str, one: Resolved, spread: xr.Dataset) -> list[Sequence[object]]:
    params = one.params()
    paid = spread[PAID_TO_DATE].sel({SCENARIO: name})
    years = paid[TIME].values
    middle = worth(params, (years[1:] + years[:-1]) / 2)
    rows: list[Sequence[object]] = []
    for policy in policies_on(params):
        yearly = paid.sel({POLICY: policy}).transpose(DRAW, TIME).diff(TIME).values
        low, half, high = np.quantile(yearly, BAND_AND_MEDIAN, axis=0)
        for number in np.flatnonzero(half):
            bounds = (float(low[number]), float(high[number])) if len(yearly) > 1 else ("", "")
            value = float(half[number])
            real = value * float(middle[number])
            rows.append(
                (name, policy, f"{years[number]:g}", value, *bounds, real, f"{price_basis(params):g}", "yuan")
            )
    return rows


def short_budgets(prepared: Prepared) -> Iterator[Callable[[], str]]:
    """Yield what tells of each scenario that is not paid in full: the city's budget is too small, or the plan's own.

    Then of scenarios with the same budget, if they do not spend the same.
    """
    if prepared.model.structure.find(PAID) is None:
        return
    alike: dict[tuple[float, ...], dict[str, float]] = {}
    for name, one in prepared.resolved.items():
        run = prepared.model.run(
            params=one.params(), outputs=[PAID, PAID_TO_DATE], times=prepared.years, final_time=one.final_year
        )
        paid = run[PAID].values.ravel()
        if (paid < IN_FULL).any():
            yield partial(_tell_budget, name, one, prepared.years, paid)
        own = tuple(one.values[key].value for key in BUDGET.values() if key in one.values)
        if own:
            alike.setdefault(own, {})[name] = float(run[PAID_TO_DATE].isel({TIME: -1}).sum())
    for spent in alike.values():
        if max(spent.values()) > UNEVEN * min(spent.values()):
            yield partial(_tell_uneven, spent)


def _tell_uneven(spent: Mapping[str, float]) -> str:
    """Say that plans with one budget are not equally dear."""
    told = (
        tell(
            "'{scenario}' {amount:,.3g} billion yuan",
            scenario=name,
            amount=yuan / (1e8 if language() == "zh" else 1e9),
        )
        for name, yuan in spent.items()
    )
    return tell(
        "With the same budget, plans spend different sums over the years, as their sizes, ramps and starts have it: {sums}. "
        "Compare what a person costs, not gains alone.",
        sums=tell(", ").join(told),
    )


def _tell_budget(name: str, one: Resolved, years: np.ndarray, paid: np.ndarray) -> str:
    short = years[paid < IN_FULL]
    own = one.values.get(BUDGET["yuan per year"])
    told = {
        "city": one.city.title[language()],
        "scenario": name,
        "least": 100 * float(paid.min()),
        "year": f"{years[int(paid.argmin())]:g}",
        # a year alone is no span
        "span": "–".join(dict.fromkeys(f"{year:g}" for year in short[[0, -1]])),
    }
    if own is not None and own.value > 0:
        return tell(
            "'{scenario}' costs more than its own budget of {amount:,.4g} million yuan a year ({origin}): the budget pays "
            "{least:.0f} % at the least ({year}), less than all in {span}, and every policy is scaled down so far. Raise "
            "the budget, or lower a size or an intensity.",
            amount=own.value / (1e8 if language() == "zh" else 1e6),
            origin=own.origin,
            **told,
        )
    return tell(
        "{city} cannot pay for all of '{scenario}': {least:.0f} % at the least ({year}), less than all "
        "in {span}, and every policy is scaled down so far. Lower a size or an intensity, start later, "
        "or leave a policy out.",
        **told,
    )
