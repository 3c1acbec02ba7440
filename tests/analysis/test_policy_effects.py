"""What policies add and cost: shares that add up, treat equals alike, and money that is all accounted for."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from talent_sd import attribution
from talent_sd.base.errors import InputError, ModelError
from talent_sd.forecast.compare import compare
from talent_sd.forecast.ensemble import prior_draws, run_ensemble
from talent_sd.forecast.prepare import Prepared, prepare
from talent_sd.policies.policy_effects import SHOWN, attribution_steps, policy_effects, with_policies
from talent_sd.policies.policy_runs import Runs, _split_block, spread_evenly
from talent_sd.policies.policy_table import MIX, Money, read_costs, write_policies_table

DRAWS, SEED = 3, 4
RNG = np.random.default_rng(0)


class Invented:
    """Runs of a made-up city: `worth(rows)` is its one output, money is what is switched on."""

    def __init__(self, worth: Callable[[np.ndarray], np.ndarray], many: int) -> None:
        self.worth = worth
        self.many = many
        self.model = self
        self.structure = self
        self.variables: dict[str, Any] = {}

    def find(self, name: str) -> None:
        """Know of no loops."""

    def coordinates(self, name: str) -> dict[str, list[str]]:
        """Name the policies of the subscripted variable."""
        return {"policy": [f"p{i}" for i in range(self.many)]}

    def values(
        self,
        policies: Sequence[str],
        rows: np.ndarray,
        outputs: Sequence[str],
        first: int,
        last: int,
        changes: Any = None,
    ) -> dict[str, np.ndarray]:
        """Return (rows, 1, 1[, policies]) for each output."""
        found = {name: self.worth(rows)[:, None, None] for name in outputs}
        found["Cumulative Policy Budget Use"] = rows.sum(axis=1)[:, None, None]
        found["Cumulative Policy Spending"] = rows[:, None, None, :]
        return {name: found[name] for name in outputs}


def split(worth: Callable[[np.ndarray], np.ndarray], many: int) -> Any:
    names = tuple(f"p{i}" for i in range(many))
    return _split_block(Invented(worth, many), names, ["people"], 0, 1, 8, np.random.default_rng(0))  # type: ignore[arg-type]


@st.composite
def worths(draw: st.DrawFn) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    many = draw(st.integers(1, 5))
    table = np.random.default_rng(draw(st.integers(0, 10**6))).normal(size=2**many) * 1e5
    return (lambda rows: table[(rows @ 2 ** np.arange(many)).astype(int)]), many


@settings(deadline=None, max_examples=40)
@given(worths())
def test_shares_add_up_and_synergy_is_the_mix_less_its_parts(case: Any) -> None:
    worth, many = case
    found = split(worth, many)
    every, none = worth(np.ones((1, many)))[0], worth(np.zeros((1, many)))[0]
    assert abs(found.contribution.sum() - (every - none)) <= 1e-9 * abs(every - none) + 1e-7
    assert found.total.item() == every - none
    np.testing.assert_array_equal(found.alone[:, 0, 0, 0], worth(np.eye(many)) - none)
    np.testing.assert_array_equal(found.dropped[:, 0, 0, 0], every - worth(1 - np.eye(many)))


def test_two_policies_that_do_the_same_get_the_same_and_one_that_does_nothing_gets_0() -> None:
    found = split(lambda rows: np.sqrt(rows[:, 0] + rows[:, 2]) * (1 + rows[:, 3]), 4)
    np.testing.assert_allclose(found.contribution[0], found.contribution[2], rtol=1e-14)
    assert found.contribution[1].item() == 0
    assert not found.interaction[1].any()
    assert found.interaction[0, 2].item() < 0 < found.interaction[0, 3].item()


def test_of_two_policies_the_interaction_is_the_mix_less_the_sum_of_its_parts() -> None:
    found = split(lambda rows: rows @ [3.0, 4.0] - 2 * rows.prod(axis=1), 2)
    assert found.interaction[0, 1].item() == -2
    assert (found.total - found.alone.sum(axis=0)).item() == -2


def test_the_order_of_policies_does_not_matter() -> None:
    table = RNG.normal(size=16)

    def worth(rows: np.ndarray) -> np.ndarray:
        return table[(rows @ [1, 2, 4, 8]).astype(int)]

    order = [2, 0, 3, 1]
    moved = split(lambda rows: worth(rows[:, np.argsort(order)]), 4)
    np.testing.assert_allclose(moved.contribution, split(worth, 4).contribution[order], rtol=1e-12)


def test_beyond_16_policies_orders_are_sampled_and_an_error_is_told() -> None:
    effect = np.arange(17.0)
    found = split(lambda rows: rows @ effect + 50 * rows[:, 0] * rows[:, 16], 17)
    assert found.interaction.isnull().all()
    np.testing.assert_allclose(found.contribution.sum(), effect.sum() + 50, rtol=1e-12)
    np.testing.assert_allclose(found.contribution[1:16, 0, 0, 0], effect[1:16], rtol=1e-12)
    assert not found.standard_error[1:16].any()
    assert (found.standard_error[[0, 16]] >= 0).all()
    np.testing.assert_allclose(found.alone[:, 0, 0, 0], effect, rtol=1e-12)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The baseline, a shipped mix, and a mix with a policy that is on and does nothing; a shock beside."""
    folder = tmp_path_factory.mktemp("scenarios")
    idle = folder / "idle.yaml"
    idle.write_text(
        "title: {en: Idle, zh: 空转}\nquestion: {en: Is 0 nothing?, zh: 零是否无效？}\nextends: baseline\npolicies:\n"
        "  venture_fund: {from: 2025}\n  quality_education: {from: 2025, intensity: 0}\n  industry_fund: {from: 2025}\n"
        "shocks:\n  core_team_exit: {at: 2027, size: 0.2}\n",
        encoding="utf-8",
    )
    return prepare(["baseline", "hefei_combination", idle], "hefei")


@pytest.fixture(scope="module")
def effects(prepared: Prepared) -> xr.Dataset:
    return policy_effects(prepared, draws=DRAWS, seed=SEED)


def test_the_dataset_has_the_axes_that_it_is_read_by(effects: xr.Dataset) -> None:
    by_policy = ("scenario", "output", "draw", "policy", "time")
    assert effects["contribution"].dims == effects["alone"].dims == effects["dropped"].dims == by_policy
    assert effects["total"].dims == ("scenario", "output", "draw", "time")
    assert effects["interaction"].dims == (*by_policy[:4], "other", "time")
    assert effects["paid_in_year"].dims == ("scenario", "draw", "policy", "time")
    assert effects["present_cost"].dims == ("scenario", "draw", "policy")
    assert effects["cost_per"].dims == ("measure", "scenario", "draw", "policy")
    assert effects["measure"].values.tolist() == ["person", "person_year", "patent", "tax_base"]
    assert effects["output"].values.tolist() == list(SHOWN)
    assert effects["unit"].values.tolist()[:3] == ["person", "patent/year", "yuan/year"]
    assert (effects.attrs["exact"], effects.attrs["draws"], effects.attrs["city"]) == (1, DRAWS, "hefei")
    assert (effects.attrs["discount_rate"], effects.attrs["price_basis"]) == (0.08, "constant prices of 2024")


def test_only_scenarios_with_policies_are_split_and_others_policies_are_nan(
    prepared: Prepared, effects: xr.Dataset
) -> None:
    assert effects["scenario"].values.tolist() == ["hefei_combination", "idle"] == with_policies(prepared)
    assert effects["contribution"].sel(scenario="idle", policy="talent_apartments").isnull().all()
    assert effects["contribution"].sel(scenario="idle", policy="quality_education").notnull().all()


def test_contributions_add_up_to_the_mix(effects: xr.Dataset) -> None:
    gap = abs(effects["contribution"].sum("policy") - effects["total"]).sel(time=slice(2026, None))
    assert float((gap / abs(effects["total"])).max()) < 1e-9


def test_the_mix_does_what_the_forecast_says_with_the_same_draws(
    prepared: Prepared, effects: xr.Dataset
) -> None:
    spread = run_ensemble(prepared, prior_draws(prepared, DRAWS, SEED), outputs=["total talent"])[
        "total talent"
    ]
    change = spread.sel(scenario="hefei_combination") - spread.sel(scenario="baseline")
    total = effects["total"].sel(scenario="hefei_combination", output="total talent")
    np.testing.assert_array_equal(total.values, change.values)


def test_a_policy_of_no_intensity_gets_exactly_0_and_costs_nothing(effects: xr.Dataset) -> None:
    idle = effects.sel(scenario="idle", policy="quality_education")
    for name in ("contribution", "alone", "dropped", "paid_in_year", "present_cost"):
        assert not idle[name].values.any(), name
    assert np.isinf(idle["cost_per"].values).all()


def test_before_the_first_policy_starts_nothing_differs(effects: xr.Dataset) -> None:
    early = effects.sel(scenario="hefei_combination", time=slice(None, 2025))
    assert not early["total"].values.any()
    assert not early["paid_in_year"].dropna("policy", how="all").values.any()


def test_synergy_is_the_mix_less_the_sum_of_its_parts(effects: xr.Dataset) -> None:
    expected = effects["total"] - effects["alone"].sum("policy")
    np.testing.assert_allclose(
        effects["synergy"], expected, rtol=1e-9, atol=1e-9 * float(abs(expected).max())
    )


def test_money_paid_and_money_caused_add_up_to_the_same_and_stay_within_the_budget(
    prepared: Prepared, effects: xr.Dataset
) -> None:
    spread = run_ensemble(prepared, prior_draws(prepared, DRAWS, SEED), outputs=["policy budget"])
    budget = spread["policy budget"].sel(scenario="hefei_combination").max("time")
    paid = effects["paid_in_year"].sel(scenario="hefei_combination").sum("policy")
    assert bool((paid <= budget * (1 + 1e-9)).all())
    assert float(paid.min()) >= 0
    caused = effects["caused_in_year"].sel(scenario="hefei_combination").sum("policy")
    np.testing.assert_allclose(caused, paid, rtol=1e-6, atol=1e3)
    np.testing.assert_allclose(effects["present_cost"].sum("policy"), effects["mix_cost"], rtol=1e-12)


def test_one_capped_budget_takes_from_a_mix_and_is_told_apart(tmp_path: Path) -> None:
    poor = tmp_path / "poor.yaml"
    poor.write_text(
        "title: poor\nextends: three_dimensional\nassumptions:\n"
        "  policy budget share: {value: 0.05, why: half of what the mix would like}\n"
    )
    crowded = policy_effects(prepare([poor], "hefei"), ["total talent"])
    assert crowded["synergy_budget"].isel(time=-1).item() < 0
    assert float(crowded["paid_in_year"].sum("policy").max()) > 1e9
    roomy = policy_effects(prepare(["hefei_combination"], "hefei"), ["total talent"])
    assert not roomy["synergy_budget"].values.any()


def test_a_run_without_draws_has_one_and_reports_its_steps(prepared: Prepared) -> None:
    steps: list[int] = []
    single = policy_effects(prepared, ["Talent"], years=[2030.0, 2034.0], done=steps.append)
    assert single["contribution"].sizes == {"scenario": 2, "output": 1, "draw": 1, "policy": 4, "time": 2}
    assert sum(steps) == attribution_steps(prepared, None) == 2
    whole = policy_effects(prepared, ["total talent"])
    np.testing.assert_allclose(single["total"], whole["total"].sel(time=[2030.0, 2034.0]), rtol=1e-6)
    np.testing.assert_allclose(single["present_cost"], whole["present_cost"], rtol=1e-12)


def test_without_discounting_and_inflation_a_present_value_is_the_sum() -> None:
    years = np.arange(2024.0, 2028.0)
    paid = np.array([[0.0, 10.0, 20.0, 30.0]])
    assert Money(years, 0.0, 2024, np.ones((1, 4))).present_value(paid).tolist() == [60.0]
    doubled = Money(years, 0.0, 2024, np.array([[1.0, 4.0, 4.0, 4.0]])).present_value(paid)
    np.testing.assert_allclose(doubled, [10 / 2 + 20 / 4 + 30 / 4])
    late = Money(years, 0.21, 2024, np.ones((1, 4))).present_value(np.array([[0.0, 1.21**0.5, 0.0, 0.0]]))
    np.testing.assert_allclose(late, [1.0])


def test_a_higher_discount_rate_makes_late_money_cheaper(prepared: Prepared) -> None:
    costs = [
        float(policy_effects(prepared, discount_rate=rate)["mix_cost"][0, 0]) for rate in (0.0, 0.03, 0.12)
    ]
    assert costs == sorted(costs, reverse=True)


def test_the_shipped_rate_lies_within_its_range_and_has_a_source() -> None:
    rate = read_costs().discount_rate
    assert (rate.value, rate.range, rate.price_basis) == (0.08, (0.03, 0.12), "real")
    assert "Methods and Parameters" in rate.source


def test_what_cannot_be_split_is_refused_with_the_remedy(prepared: Prepared) -> None:
    with pytest.raises(InputError) as told:
        policy_effects(prepared, discount_rate=8)
    assert str(told.value) == "the discount rate 8 is not from 0 to below 1. It is a share: 8 % is 0.08."
    alone = Prepared(prepared.model, {"baseline": prepared.resolved["baseline"]})
    with pytest.raises(InputError) as told:
        policy_effects(alone)
    assert str(told.value) == (
        "no policy is switched on in baseline: there is nothing to attribute. Name a scenario with policies."
    )
    with pytest.raises(ModelError) as wrong:
        policy_effects(prepared, ["departure hazard"])
    assert str(wrong.value) == (
        "'departure hazard' has a value for each tier, and its sum means nothing. Ask for another output."
    )


def test_the_table_carries_the_numbers_and_no_negative_or_infinite_cost(
    effects: xr.Dataset, tmp_path: Path
) -> None:
    file = tmp_path / "policies.csv"
    write_policies_table(effects, file)
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == (4 + 4) * len(SHOWN) * 13  # three policies and the mix, twice
    one = next(r for r in rows if (r["scenario"], r["policy"], r["year"], r["variable"]) ==
               ("hefei_combination", "venture_fund", "2034", "total talent"))  # fmt: skip
    share = effects["contribution"].sel(
        scenario="hefei_combination", policy="venture_fund", time=2034, output="total talent"
    )
    assert float(one["contribution"]) == float(share.median())
    assert float(one["effective_person"]) == 1
    assert {r["present_cost"] for r in rows if r["year"] != "2034"} == {""}
    idle = next(r for r in rows if r["policy"] == "quality_education" and r["year"] == "2034")
    assert (idle["cost_per_person"], idle["effective_person"], idle["present_cost"]) == ("", "0.0", "0.0")
    mix = next(r for r in rows if r["policy"] == MIX and r["year"] == "2034")
    assert float(mix["alone"]) > 0
    costs = [r[key] for r in rows for key in r if key.startswith("cost_per_") and r[key]]
    assert min(map(float, costs)) > 0
    assert np.isfinite([float(cost) for cost in costs]).all()


def test_mixes_are_split_in_the_very_draws_of_the_comparison() -> None:
    """Where a scenario differs by its policies alone, the mix does in each draw exactly what the comparison says."""
    names = ["baseline", "cash_subsidy_only", "hefei_combination"]
    prepared = prepare(names, "hefei")
    effects = policy_effects(prepared, draws=2, among=12, seed=1)
    spread = run_ensemble(prepared, prior_draws(prepared, 12, 1), outputs=["total talent", "tax base"])
    change = compare(spread)
    for output in ("total talent", "tax base"):
        for name in names[1:]:
            one = effects.sel(scenario=name, output=output)
            told = change[output].sel(scenario=name).values
            np.testing.assert_array_equal(one["total_among"].values, told)
            np.testing.assert_array_equal(one["total"].values, told[one["split_member"].values.astype(int)])
    assert (effects.attrs["draws"], effects.attrs["among"]) == (2, 12)


def test_the_draws_split_spread_evenly_over_what_the_mix_does() -> None:
    effect = RNG.normal(size=200)
    chosen = spread_evenly(effect, 20)
    ranks = np.sort(np.argsort(np.argsort(effect))[chosen])
    np.testing.assert_array_equal(ranks, np.arange(5, 200, 10))
    np.testing.assert_array_equal(spread_evenly(effect, 200), np.arange(200))


def test_chosen_draws_are_those_of_their_source_whatever_the_blocks() -> None:
    prepared = prepare(["hefei_combination"], "wuxi")
    source, places = prior_draws(prepared, 9, 2), np.array([1, 4, 7, 8])
    model, fixed = prepared.model, prepared.resolved["hefei_combination"].params()
    runs = Runs(model, "hefei_combination", fixed, source, [2034.0], places=places)
    every, (whole, noise), (part, _) = source.params(fixed, 0, 9), runs.given(0, 4), runs.given(1, 3)
    # constants, and the national path of each: 1 and 7 of the nine turn after turn, 4 and 8 begin one
    assert {values.dtype.kind for values in every.values()} == {"f", "O"}
    for key, values in every.items():
        np.testing.assert_array_equal(whole[key], values[places])
        np.testing.assert_array_equal(part[key], values[places][1:3])
    for name, series in source.inputs(0, 9).items():
        np.testing.assert_array_equal(noise[name].values, series.values[places])


def test_a_draw_by_itself_gives_the_bits_that_all_draws_together_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared = prepare("three_dimensional", "hefei")
    (resolved,) = prepared.resolved.values()
    drawn = prior_draws(prepared, 3, SEED)
    runs = Runs(
        prepared.model, "three_dimensional", resolved.params(), drawn, [2022.0, 2025.0, 2026.0, 2034.0]
    )
    policies = ["industry_fund", "talent_apartments", "culture_ip"]
    rows = np.tile(attribution.coalitions(3), (32, 1))
    found = []
    for least in (10**9, 1):
        monkeypatch.setattr(attribution, "DRAW_BY_DRAW", least)
        found.append(runs.values(policies, rows, ["total talent", "invention grants"], 0, 3))
    for name, together in found[0].items():
        assert together.shape[:3] == (len(rows), 3, 4)
        assert np.array_equal(found[1][name], together)
        assert len(np.unique(together[:, :, -1])) == 24
