"""What the theory says of cash, of three dimensions together, and of mature cities, in Hefei and in Handan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

PARTS = {
    "industry": ("industry_fund", "venture_fund", "knowledge_platform", "open_labs"),
    "policy": ("talent_apartments", "talent_tax_credit", "flexible_benefits", "career_tracking"),
    "ecology": ("medical_cluster", "childcare_eldercare", "quality_education", "culture_ip"),
}
CITIES = ("hefei", "handan")


@pytest.mark.parametrize("city", CITIES)
def test_cash_alone_lifts_and_fades_after_it_ends(run: Any, city: str) -> None:
    gain = run("cash_subsidy_only", city)["total talent"] - run("baseline", city)["total talent"]
    arrivals = run("cash_subsidy_only", city)["cash arrivals"].sum("tier")
    assert float(arrivals.sel(time=2026)) > 0
    assert float(arrivals.sel(time=slice(2030, None)).max()) == 0
    peak = float(gain.max())
    assert peak > 0.005 * float(run("baseline", city)["total talent"].sel(time=2030))
    assert 2028 <= float(gain.time[int(gain.values.argmax())]) <= 2030
    after = gain.sel(time=[2030, 2031, 2032, 2033, 2034]).values
    assert (np.diff(after) < 0).all()
    assert after[3] <= 0.3 * peak


@pytest.mark.parametrize("output", ["total talent", "value added"])
@pytest.mark.parametrize("city", CITIES)
def test_three_dimensions_together_gain_more_than_any_two(run: Any, city: str, output: str) -> None:
    base = run("baseline", city)[output]

    def gain(without: str = "") -> float:
        # paid from outside: what a dimension costs the services is another question
        off = {f"policy switch[{policy}]": 0.0 for policy in PARTS.get(without, ())} | {
            "paid from outside": 1.0
        }
        return float((run("three_dimensional", city, off)[output] - base)[-1])

    together = gain()
    pairs = {without: gain(without) for without in PARTS}
    assert all(pair > 0 for pair in pairs.values())
    # people need posts to make output: what draws them alone adds little to it
    assert together > (1.05 if output == "total talent" else 1) * max(pairs.values())


@pytest.mark.parametrize(
    "scenario", ["industry_upgrade", "hefei_combination", "talent_policy_3", "golden_blue_collar", "three_dimensional"]
)  # fmt: skip
def test_a_mature_city_gains_more_from_the_same_mix(run: Any, scenario: str) -> None:
    assert float(run("baseline", "hefei")["Cluster Maturity"][0]) > 2
    assert float(run("baseline", "handan")["Cluster Maturity"][0]) < 1.5
    for output in ("total talent", "value added"):
        gains = {
            city: float(run(scenario, city)[output][-1] / run("baseline", city)[output][-1]) - 1
            for city in CITIES
        }
        assert gains["hefei"] > gains["handan"] > 0, output


@pytest.mark.parametrize("policy", ["industry_fund", "venture_fund", "open_labs", "housing_voucher", "skill_certification"])  # fmt: skip
def test_the_same_city_gains_more_from_a_policy_the_deeper_its_cluster(run: Any, policy: str) -> None:
    """Only the cluster differs: research jobs at a third, and as they are."""
    own = float(run()["city knowledge employment share"][0])
    on = {f"policy switch[{policy}]": 1.0}
    gains, depth = [], []
    for factor in (0.33, 1.0):
        share = {"city knowledge employment share": own * factor}
        base, with_policy = run(changes=share), run(changes={**share, **on})
        depth.append(float(base["Cluster Maturity"][0]))
        gains.append(float(with_policy["value added"][-1] / base["value added"][-1]) - 1)
    assert depth[0] < depth[1] - 0.5
    assert gains[1] > 1.1 * gains[0] > 0


def test_what_a_combination_gains_is_worth_more_to_the_country_than_what_cash_gains(run: Any) -> None:
    base = run()
    shared = {
        name: float((run(name)["shared value"] - base["shared value"]).sum())
        for name in ("three_dimensional", "cash_subsidy_only")
    }
    assert shared["three_dimensional"] > 0
    assert shared["cash_subsidy_only"] < 0.1 * shared["three_dimensional"]


def test_the_skill_programmes_together_lower_leaving_by_two_fifths_in_dongguan(run: Any) -> None:
    policies = ("manufacturing_academy", "skill_certification", "career_tracking")

    def effect(chosen: tuple[str, ...]) -> float:
        off = {f"policy switch[{policy}]": 0.0 for policy in policies if policy not in chosen}
        data = run("golden_blue_collar", "dongguan", off)
        return float(data["skill programme effect"].sel(tier="skilled", time=2034))

    assert effect(policies) == pytest.approx(0.6, abs=0.04)
    assert all(effect((policy,)) > 0.8 for policy in policies)


def test_satisfaction_is_made_of_three_parts_and_waits_for_them_to_be_built(run: Any) -> None:
    services = ("medical_cluster", "childcare_eldercare", "quality_education")
    on = {f"policy switch[{name}]": 1.0 for name in services}
    strong = {f"{name.replace('_', ' ')} intensity": 0.1 for name in services}
    gross = {"policy budget share": 0.5, "loop closed[fiscal_services]": 0.0}
    data, base = run("baseline", "chengdu", {**gross, **strong, **on}), run("baseline", "chengdu", gross)
    np.testing.assert_allclose(data["service coverage"].sel(time=2034), 1, rtol=1e-9)
    rise = (data["service satisfaction"] / base["service satisfaction"]).sel(time=[2025, 2026, 2034]).values
    parts = 1 + data["coverage gain"].sel(time=2034).values
    assert rise[0] == 1
    assert rise[1] < 1.05
    assert rise[2] == pytest.approx(parts.prod(), rel=0.03)
    assert parts.max() < 1 + 0.5 * (parts.prod() - 1)
    # what the programmes cost is missed by the ordinary services
    net = run("baseline", "chengdu", {**strong, **on, "policy budget share": 0.5})
    assert float(net["services per resident"].sel(time=2034).max()) < float(
        data["services per resident"].sel(time=2034).min()
    )
    access = data["medical access time ratio"]
    assert float(access.sel(time=2025)) > 2
    assert float(access.sel(time=2034)) < 1.1
