"""Each instrument works at its own place, with its sign and delay, for its own money, and ends as it should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from talent_sd.engine.runner import Model

QUARTERS = np.arange(2022.0, 2034.25, 0.25)
START, END = 2025.0, 2030.0
# Policy: where it works, element (None: the sum over all), direction, how it comes, how it goes.
# soon: three tenths of its peak after half a year. built: next to nothing by then.
# stops: gone a year after the end. fades: between. stays: what was built remains.
PLACES: dict[str, tuple[str, str | None, int, str, str]] = {
    "cash_subsidy": ("cash arrivals", None, 1, "soon", "stops"),
    "industry_fund": ("fund money", "emerging", 1, "soon", "stops"),
    "venture_fund": ("Start Ups", None, 1, "built", "fades"),
    "talent_apartments": ("apartment effect on leaving", None, -1, "built", "stays"),
    "housing_voucher": ("voucher effect", "graduate", 1, "soon", "stops"),
    "talent_tax_credit": ("relative net pay", "leading", 1, "soon", "stops"),
    "flexible_benefits": ("relative net pay", "graduate", 1, "soon", "stops"),
    "medical_cluster": ("medical access time ratio", None, -1, "built", "stays"),
    "childcare_eldercare": ("service coverage", "life_circle", 1, "built", "stays"),
    "knowledge_platform": ("retraining time", None, -1, "built", "fades"),
    "manufacturing_academy": ("academy graduates", "skilled", 1, "built", "fades"),
    "skill_certification": ("skill programme effect", "skilled", -1, "built", "fades"),
    "career_tracking": ("skill programme effect", "skilled", -1, "built", "fades"),
    "convention_venue": ("Openness", None, 1, "built", "fades"),
    "open_labs": ("research output", None, 1, "built", "fades"),
    "culture_ip": ("relative culture", None, 1, "built", "fades"),
    "quality_education": ("return effect", "leading", 1, "built", "stays"),
    "mass_recruitment": ("recruited arrivals", "graduate", 1, "soon", "stops"),
}
# A policy for some tiers brings those; the budget that it takes from services costs a few of the others.
FOR = {"talent_tax_credit": ["leading", "professional"]}
TIERS = ("leading", "professional", "skilled", "graduate")
LEFT = {"stops": (0, 0.15), "fades": (0.05, 0.7), "stays": (0.9, 1)}


def alone(policy: str, **more: float) -> dict[str, float]:
    """Return the settings that switch one policy on, from 2025 to 2030."""
    timing = {f"policy start[{policy}]": START, f"policy end[{policy}]": END}
    return {f"policy switch[{policy}]": 1.0, **timing, **more}


def at_place(data: xr.Dataset, policy: str) -> xr.DataArray:
    """Return what a policy acts on first."""
    name, element = PLACES[policy][:2]
    found = data[name]
    inner = [dim for dim in found.dims if dim != "time"]
    return found.sel({inner[0]: element}) if element else found.sum(inner)


@pytest.fixture(scope="module")
def runs(run: Any) -> Any:
    """Give (baseline, one policy alone), each run once."""
    known = {"": run(times=QUARTERS)}

    def pair(policy: str) -> tuple[xr.Dataset, xr.Dataset]:
        if policy not in known:
            known[policy] = run(changes=alone(policy), times=QUARTERS)
        return known[""], known[policy]

    return pair


def test_the_places_are_given_for_every_policy_of_the_model(model: Model) -> None:
    assert tuple(PLACES) == model.structure.subscripts["policy"]


@pytest.mark.parametrize("policy", PLACES)
def test_it_moves_its_place_in_its_direction_after_its_delay_and_no_sooner(runs: Any, policy: str) -> None:
    base, own = runs(policy)
    _, _, sign, comes, _ = PLACES[policy]
    effect = sign * (at_place(own, policy) - at_place(base, policy))
    assert float(np.abs(effect.sel(time=slice(None, START))).max()) == 0
    during = effect.sel(time=slice(START + 1, END - 0.25))
    assert float(during.min()) > 0
    early = float(effect.sel(time=START + 0.5) / effect.max())
    assert early >= 0.3 if comes == "soon" else early <= 0.1


@pytest.mark.parametrize("policy", PLACES)
def test_it_ends_as_its_nature_has_it(runs: Any, policy: str) -> None:
    base, own = runs(policy)
    effect = PLACES[policy][2] * (at_place(own, policy) - at_place(base, policy))
    low, high = LEFT[PLACES[policy][4]]
    year = END + 1 if high == 0.15 else 2034
    assert low <= max(float(effect.sel(time=year) / effect.max()), 0.0) <= high
    spent = own["policy spending"].sel(policy=policy)
    assert float(spent.sel(time=slice(END, None)).max()) == 0


@pytest.mark.parametrize("policy", PLACES)
def test_it_costs_its_own_money_and_brings_people_and_output(runs: Any, policy: str) -> None:
    base, own = runs(policy)
    spent = own["Cumulative Policy Spending"].isel(time=-1)
    assert float(spent.sel(policy=policy)) > 1e8
    assert float(spent.sum() - spent.sel(policy=policy)) == 0
    gain = own - base
    gain["people"] = gain["Talent"].sel(tier=FOR.get(policy, list(TIERS))).sum("tier")
    for name in ("people", "value added"):
        # laboratories bring people late: they are built, patents are granted, and only then a name is made
        assert float(gain[name].sel(time=slice(END, None)).max()) > 0, name


@pytest.mark.parametrize("policy", PLACES)
def test_without_money_it_is_no_policy(run: Any, policy: str) -> None:
    intensity = f"{policy.replace('_', ' ')} intensity"
    broke, none = run(changes=alone(policy, **{intensity: 0.0})), run()
    for name in ("total talent", "value added", "City Brand", "invention grants", "fiscal revenue"):
        np.testing.assert_allclose(broke[name], none[name], rtol=1e-9, err_msg=name)
    assert float(broke["Cumulative Policy Spending"].sum()) == 0


@pytest.mark.parametrize("policy", PLACES)
def test_more_money_moves_its_place_further(run: Any, policy: str) -> None:
    intensity = f"{policy.replace('_', ' ')} intensity"
    usual = float(run()[intensity].isel(time=0))
    base, half, whole = (
        at_place(run(changes=alone(policy, **{intensity: part * usual}), times=QUARTERS), policy)
        for part in (0.0, 0.5, 1.0)
    )
    effect = [float(PLACES[policy][2] * (own - base).sel(time=END - 0.25)) for own in (half, whole)]
    assert 0 < effect[0] < 0.95 * effect[1]


def test_cash_leaves_next_to_nothing_behind_and_buildings_go_on_working(runs: Any) -> None:
    gain = {}
    for policy in ("cash_subsidy", "talent_apartments", "quality_education", "medical_cluster"):
        base, own = runs(policy)
        gain[policy] = (own["total talent"] - base["total talent"]).sel(time=[END, 2034]).values
    assert gain.pop("cash_subsidy")[1] < 0.1 * gain.get("talent_apartments", [1])[1] + 1e4
    assert all(later > at_end for at_end, later in gain.values())


def test_an_interrupted_fund_does_clearly_less_per_yuan(run: Any) -> None:
    pause = {"policy pause start[industry_fund]": 2027.0, "policy pause end[industry_fund]": 2028.0}
    base = run()

    def per_yuan(changes: dict[str, float]) -> float:
        own = run(changes=changes)
        gain = (own["Industry Capital"] - base["Industry Capital"]).sel(industry="emerging", time=END)
        return float(gain / own["Cumulative Policy Spending"].sel(policy="industry_fund", time=END))

    whole, broken = per_yuan(alone("industry_fund")), per_yuan(alone("industry_fund", **pause))
    assert broken < 0.9 * whole


@pytest.mark.parametrize("policy", ["cash_subsidy", "open_labs", "housing_voucher", "culture_ip"])
def test_money_that_misses_its_people_does_less(run: Any, policy: str) -> None:
    base = run()
    gains = []
    for targeting in (0.4, 0.8, 1.0):
        own = run(changes=alone(policy, **{f"policy targeting[{policy}]": targeting}))
        gains.append(abs(float((at_place(own, policy) - at_place(base, policy)).sel(time=2029))))
    assert gains == sorted(gains)
    assert gains[0] < 0.7 * gains[1]


def test_a_certificate_never_costs_more_than_the_ceiling(run: Any, model: Model) -> None:
    assert model.structure["skill certification intensity"].limits == (0, 20000)
    own = run("golden_blue_collar", "dongguan")
    spent, people = own["policy spending"].sel(policy="skill_certification"), own["certified people"]
    years = slice(2026, 2034)
    np.testing.assert_allclose((spent / people).sel(time=years), 8000, rtol=1e-9)


def test_a_budget_that_cannot_pay_scales_every_policy_down(run: Any, model: Model) -> None:
    everything = {f"policy switch[{policy}]": 1.0 for policy in model.structure.subscripts["policy"]}
    own = run(city="zhengzhou", changes=everything).sel(time=slice(2026, 2029))
    assert float(own["affordability"].max()) < 1
    np.testing.assert_allclose(own["total policy spending"], own["policy budget"], rtol=1e-9)
    part = own["policy spending"] / own["desired spending"]
    np.testing.assert_allclose(part.transpose("policy", "time")[0], own["affordability"], rtol=1e-9)
    assert float((part.max("policy") - part.min("policy")).max()) < 1e-12
