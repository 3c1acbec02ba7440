"""Every law of models/laws.yaml, on the shipped model."""

from __future__ import annotations

import pytest

from talent_sd.analysis.laws import Judged, judge_laws
from talent_sd.analysis.laws_experiments import Bench
from talent_sd.analysis.laws_file import read_laws
from talent_sd.analysis.laws_findings import FINDINGS
from talent_sd.base.shipped import shipped_folder
from talent_sd.engine.runner import load_model
from talent_sd.scenario.strict_yaml import read_yaml

DRAWS = 20
"""Fewer than `talent-sd validate` takes: enough to tell a sign that changes from one that does not."""
BROKEN = {
    "nation_value_added_ratio", "nation_residents_ratio", "nation_tertiary_ratio",
    "nation_children_ratio", "nation_elders_ratio", "nation_births_ratio", "nation_deaths_ratio",
    "nation_posts_ratio", "nation_pay_ratio", "nation_price_ratio", "nation_revenue_ratio",
    "nation_knowledge_ratio", "path_residents", "path_elders", "path_children", "path_tertiary",
    "path_value_added", "talent_within_bands", "talent_within_adults", "ordinary_departures",
    "ordinary_arrivals", "births_follow_parents", "children_bear_no_children", "known_residents",
    "known_value_added", "known_revenue", "some_without_post", "posts_follow_people",
    "ends_talent_shock", "ends_posts_shock", "ends_residents_shock", "ends_leaders_shock",
    "ends_brand_shock", "ends_knowledge_shock", "ends_cluster_shock", "ends_industry_shock",
    "ends_posts_lost", "ends_posts_talent_shock", "ends_posts_posts_shock",
    "ends_posts_residents_shock", "ends_posts_leaders_shock", "ends_posts_brand_shock",
    "ends_posts_knowledge_shock", "ends_posts_cluster_shock", "ends_posts_industry_shock",
    "ends_posts_posts_lost", "posts_make_output", "posts_make_profit", "people_follow_posts",
    "people_held_1", "doses_alike", "pay_draws", "marginal_product_leading",
    "marginal_product_professional", "marginal_product_skilled", "marginal_product_graduate",
    "social_product_skilled", "social_product_graduate", "talent_pay_share",
    "keeping_skilled_costs_no_profit", "movers_raise_prices", "land_short_prices",
    "loss_never_lengthens_fund", "fund_feels_posts", "revenue_share_stays", "campus_premium_smooth",
    "land_income_follows_prices", "debt_crowds_services", "dampens_policy_budget",
    "amplifies_cluster_depth", "amplifies_fiscal_services", "amplifies_culture", "loops_add_to_mix",
    "rivals_answer_gains", "domino_suppliers", "domino_cluster", "brand_moves_arrivals",
    "brand_follows_standing", "loops_named_share", "harmless_cash_subsidy",
    "harmless_manufacturing_academy", "harmless_skill_certification", "harmless_career_tracking",
    "cash_fades", "dear_homes_drive_graduates", "tax_credit_elasticity", "programme_new_firms",
    "programme_patents", "programme_more_where_innovative", "poached_nearby", "policies_inside",
    "policies_told", "national_births", "national_deaths", "national_elders_2025",
    "national_elders_2034", "national_children_2034", "national_patents_2025", "national_research_2023",
    "national_growth_2029",
}  # fmt: skip
"""Laws that the shipped model does not obey. Strict: a law that comes to hold must leave this list."""
LAWS = read_laws()


@pytest.fixture(scope="module")
def judged() -> dict[str, Judged]:
    return {one.law.id: one for one in judge_laws(Bench(load_model(), LAWS), DRAWS, FINDINGS)}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(law.id, marks=pytest.mark.xfail(reason="broken law", strict=True))
        if law.id in BROKEN
        else law.id
        for law in LAWS.laws
    ],
)
def test_the_model_obeys_the_law(judged: dict[str, Judged], name: str) -> None:
    one = judged[name]
    wrong = [
        f"{row.city}: {row.value:g} ({row.why})" for row in one.rows if row.counts and row.verdict != "held"
    ]
    assert one.held, "; ".join(wrong)


def test_every_broken_law_exists() -> None:
    assert BROKEN - {law.id for law in LAWS.laws} == set()


def test_the_lists_hold_every_tier_policy_and_loop_of_the_model() -> None:
    subscripts, lists = load_model().structure.subscripts, LAWS.content.lists
    assert set(lists["tier"]) == set(subscripts["tier"])
    assert set(lists["policy"]) == set(LAWS.content.policies) == set(subscripts["policy"])
    carried = {
        law.finding.removeprefix("loop_carries_")
        for law in LAWS.laws
        if law.finding.startswith("loop_carries_")
    }
    assert carried == set(subscripts["loop"])
    acting = {law.id.partition("_")[2] for law in LAWS.laws if law.id.startswith(("amplifies_", "dampens_"))}
    assert acting == set(subscripts["loop"])


def test_loops_amplify_or_dampen_by_their_polarity() -> None:
    told = read_yaml(shipped_folder("models") / "loops.yaml").plain()
    for law in LAWS.laws:
        verb, _, loop = law.id.partition("_")
        if verb in ("amplifies", "dampens"):
            assert told["loops"][loop]["polarity"] == {"amplifies": "R", "dampens": "B"}[verb], law.id  # type: ignore[index,call-overload]


def test_every_finding_is_known() -> None:
    findings = [law.finding for law in LAWS.laws if law.finding]
    assert findings
    assert [name for name in findings if not name.startswith(tuple(FINDINGS))] == []
