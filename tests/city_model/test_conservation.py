"""What goes in less what comes out is the change: people by age, talent, yuan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

STEP = 0.0625
EVERY_STEP = np.arange(2022, 2034 + STEP / 2, STEP)
CASES = [
    ("baseline", "hefei"), ("cash_subsidy_only", "handan"), ("three_dimensional", "zhengzhou"),
    ("core_team_exit", "shenyang"), ("mass_recruitment", "dongguan"),
]  # fmt: skip


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def steps(run: Any, request: pytest.FixtureRequest) -> xr.Dataset:
    """Return a run with every step."""
    return run(*request.param, times=EVERY_STEP)


def same(one: xr.DataArray, other: xr.DataArray, scale: float) -> None:
    """Assert that two accounts agree to rounding."""
    np.testing.assert_allclose(*xr.broadcast(one, other), rtol=1e-9, atol=scale * 1e-9)


def change(stock: xr.DataArray) -> xr.DataArray:
    """Return the change over each step, at the time the step starts."""
    return stock.diff("time", label="lower")


def test_residents_of_every_age_are_accounted_for(steps: xr.Dataset) -> None:
    net = (
        steps["births by age"] + steps["ageing in"] - steps["ageing out"] - steps["deaths by age"]
        + steps["resident arrivals"] - steps["resident departures"] + steps["residents adjustment"]
    )  # fmt: skip
    people = steps["Residents by Age"]
    same(change(people), STEP * net.isel(time=slice(None, -1)), float(people.max()))
    same(steps["ageing in"].sum("age"), steps["ageing out"].sum("age"), float(people.max()))
    account = steps["Cumulative Births"] - steps["Cumulative Deaths"] + steps["Cumulative Net Migration"]
    same(steps["Residents"] - steps["Residents"][0], account, float(people.max()))


def test_talent_in_less_talent_out_is_the_change(steps: xr.Dataset) -> None:
    account = steps["Cumulative Talent In"] - steps["Cumulative Talent Out"]
    same(steps["total talent"] - steps["total talent"][0], account, float(steps["total talent"].max()))
    assert float(steps["Cumulative Talent In"][-1]) > 0
    for flow in ("newcomer", "settled"):
        moved = steps[f"{flow} promotions out"].sum("tier"), steps[f"{flow} promotions in"].sum("tier")
        same(*moved, 1e6)


def test_a_yuan_of_policy_is_a_yuan_of_the_budget(steps: xr.Dataset) -> None:
    spent = steps["Cumulative Policy Spending"].sum("policy")
    same(spent, steps["Cumulative Policy Budget Use"], float(steps["fiscal expenditure"].max()))
    uses = (
        steps["service spending"]
        + steps["total policy spending"]
        + steps["fund subsidy heard"]
        + steps["debt interest"]
    )
    money = steps["fiscal expenditure"] + steps["land part for services"] * steps["land income"]
    same(money, uses, float(steps["fiscal expenditure"].max()))
    assert float((steps["total policy spending"] / steps["policy budget"]).max()) <= 1 + 1e-9


def test_value_added_is_pay_profit_depreciation_and_taxes(steps: xr.Dataset) -> None:
    rest = 1 - 0.1 - 0.14
    parts = steps["tax base"] + steps["talent pay"].sum("tier") + steps["other pay"]
    same(rest * steps["value added"], parts, float(steps["value added"].max()))


def test_the_pension_fund_adds_up_and_never_owes(steps: xr.Dataset) -> None:
    net = (
        steps["contributions"]
        + steps["fund subsidy"]
        + steps["fund interest"]
        + steps["pool transfer"]
        + steps["last grant"]
        - steps["benefits"]
    )
    same(change(steps["Fund"]), STEP * net.isel(time=slice(None, -1)), float(steps["benefits"].max()))
    assert float(steps["Fund"].min()) >= -1e-6 * float(steps["benefits"].max())


def test_shares_that_make_a_whole_add_up_to_one(steps: xr.Dataset) -> None:
    for name, dim in {"industry part": "industry", "industry allocation": "industry"}.items():
        np.testing.assert_allclose(steps[name].sum(dim), 1, rtol=1e-12)


def test_settings_that_make_a_whole_add_up_to_one(run: Any) -> None:
    start = run("baseline", "mianyang", times=[2022.0])
    for name, dim in {
        "migrant age profile": "age", "start age share": "age", "service part": "service", "start industry part": "industry",
    }.items():  # fmt: skip
        assert float(start[name].sum(dim).squeeze()) == pytest.approx(1, abs=1e-9), name
    assert float(start["start talent"].sum()) == pytest.approx(float(start["start total talent"].squeeze()))
