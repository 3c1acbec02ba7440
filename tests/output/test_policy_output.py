"""Policies' table and pictures: they carry the numbers, say why there is none, and stay within the page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure
from rich.console import Console

from talent_sd.forecast.prepare import prepare
from talent_sd.inputs.labels import shipped_labels
from talent_sd.output.figures.sheet import NARROW
from talent_sd.output.policies.plot_policies import policy_figures, policy_pictures
from talent_sd.output.policies.policy_tables import excess_text, mixes_table, policies_table, ratio_text
from talent_sd.output.speech import NO_BREAK, broken, digits, signed
from talent_sd.policies.policy_effects import policy_effects
from talent_sd.policies.policy_table import mix_of, mixes_by_worth, ranked, write_policies_table


@pytest.fixture(scope="module")
def effects() -> xr.Dataset:
    return policy_effects(prepare(["cash_subsidy_only", "hefei_combination"], "hefei"), draws=6, seed=1)


def printed(effects: xr.Dataset, scenario: str, lang: str, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO())
    console.print(policies_table(effects, scenario, shipped_labels(), lang))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def texts(figure: Figure) -> list[str]:
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts] + [
            label.get_text() for label in axes.get_yticklabels()
        ]
    return found


def test_the_table_puts_the_policy_that_adds_most_first_and_the_mix_last(effects: xr.Dataset) -> None:
    text = printed(effects, "hefei_combination", "en")
    share = effects["contribution"].sel(scenario="hefei_combination", output="total talent").isel(time=-1)
    middle = share.median("draw").dropna("policy")
    order = middle.sortby(-middle)
    first_words = [
        shipped_labels().element(str(policy), "en").split()[0] for policy in order["policy"].values
    ]
    places = [text.index(f"\n {word} ") for word in [*first_words, "Whole"]]
    assert places == sorted(places)
    assert max(map(len, text.splitlines())) <= 80
    assert "Median of 6" in text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_table_fits_80_columns_in_both_languages_and_cuts_no_word(effects: xr.Dataset, lang: str) -> None:
    body = printed(effects, "hefei_combination", lang)
    assert all(len(line) <= 80 for line in body.splitlines())
    rows, words, _ = body.partition({"en": "The mix ", "zh": "组合效果"}[lang])
    assert words
    assert "…" not in "".join(line[:14] for line in rows.splitlines())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_table_of_policies_is_wider_than_the_terminal_where_words_stand_for_costs(
    effects: xr.Dataset, lang: str
) -> None:
    spoilt = effects.copy()
    for name in ("cost_per", "mix_cost_per"):
        spoilt[name] = xr.full_like(effects[name], np.inf)
    spoilt["amount"], spoilt["mix_amount"] = -abs(effects["amount"]), -abs(effects["mix_amount"])
    table = policies_table(spoilt, "hefei_combination", shipped_labels(), lang)
    console = Console(width=80, file=io.StringIO())
    console.print(table)
    shown = "".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    for text in (str(table.title), str(table.caption)):
        assert "".join(text.split()) in shown


def test_a_cost_per_unit_without_effect_says_so_and_is_no_number() -> None:
    def told(ratio: list[float], adds: list[float], lang: str = "en", band: bool = True) -> str:
        ratios, amount = (xr.DataArray(one, dims="draw") for one in (ratio, adds))
        return ratio_text(ratios, amount, lang, band).replace(NO_BREAK, " ")

    nothing = [np.inf, np.inf, 5.0]
    assert told(nothing, [0.0, -1.0, 2.0]) == "adds nothing"
    assert told(nothing, [0.0, -1.0, 2.0], "zh") == "没有增加"
    assert told([2.0, 4.0, np.inf], [4.0, 2.0, -1.0]) == "4.00\n2.40 … ∞"
    assert told([4.0], [2.0], band=False) == told([2.0, 6.0], [4.0, 1.0], band=False) == "4.00"


def test_a_median_of_costs_is_the_ordinary_one_and_infinite_from_half_the_draws_on() -> None:
    generator = np.random.default_rng(5)
    for draws in range(1, 30):
        finite = generator.uniform(1, 9, (draws, 3))
        np.testing.assert_array_equal(ranked(finite), np.quantile(finite, [0.1, 0.5, 0.9], axis=0))
    assert ranked(np.array([1.0, 2.0, 9.0, np.inf]), (0.5,)).tolist() == [5.5]
    assert ranked(np.array([1.0, 2.0, np.inf, np.inf]), (0.5,)).tolist() == [np.inf]
    assert ranked(np.array([1.0, 2.0, np.inf]), (0.5,)).tolist() == [2.0]
    assert ranked(np.full(2, np.inf), (0.5,)).tolist() == [np.inf]
    assert np.isnan(ranked(np.array([1.0, np.nan]), (0.5,))).all()


def test_only_what_falls_in_more_than_nine_draws_of_ten_takes_away() -> None:
    never = xr.DataArray(np.full(10, np.inf), dims="draw")
    for above, en, zh in ((0, "takes away", "反而减少"), (1, "adds nothing", "没有增加")):
        adds = xr.DataArray(np.where(np.arange(10) < above, 1.0, -1.0), dims="draw")
        assert ratio_text(never, adds, "en", True).replace(NO_BREAK, " ") == en
        assert ratio_text(never, adds, "zh", True) == zh


def test_the_sentence_names_the_excess_and_where_it_comes_from() -> None:
    data = {
        "total": ("draw", [90.0]),
        "synergy": ("draw", [-10.0]),
        "synergy_budget": ("draw", [-12.0]),
        "alone": (("policy", "draw"), [[60.0], [40.0]]),
    }
    one = xr.Dataset(data, {"policy": ["a", "b"], "unit": "person"})
    assert excess_text(one, "en") == (
        "The mix falls short of the sum of what its policies do on their own by 10.0 people: −12.0 through the "
        "budget they share, +2.00 through complementarity less overlap."
    )
    assert excess_text(one, "zh") == (
        "组合效果比各项单独实施之和少10.0人：其中共用预算的作用为−12.0，互补减去重叠为+2.00。"
    )
    assert excess_text(one.isel(policy=[0]), "en") == "A mix of one policy."


def test_of_several_draws_the_excess_has_its_interval_and_its_parts_are_medians() -> None:
    synergy = np.array([-30.0, -20.0, -10.0, 10.0, 0.0])
    data = {
        "total": ("draw", np.full(5, 90.0)),
        "synergy": ("draw", synergy),
        "synergy_budget": ("draw", np.array([-12.0, -11.0, -13.0, -12.0, -14.0])),
        "alone": (("policy", "draw"), np.full((2, 5), 50.0)),
    }
    one = xr.Dataset(data, {"policy": ["a", "b"], "unit": "person"})
    assert excess_text(one, "en").replace(NO_BREAK, " ") == (
        "The mix falls short of the sum of what its policies do on their own by 10.0 people (80 % of the draws: "
        "−26.0 … +6.0; more than the sum in 20 %). Of it −12.0 comes through the budget they share, +3.0 through complementarity "
        "less overlap: medians each, which need not add up."
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pictures_name_every_policy_and_keep_within_the_page(effects: xr.Dataset, lang: str) -> None:
    labels = shipped_labels()
    pictures = policy_pictures(effects, "hefei_combination", labels, lang)
    assert list(pictures) == ["cost", "contributions", "interactions"]
    for name, figure in pictures.items():
        shown = " ".join(texts(figure) + [t.get_text() for a in figure.axes for t in a.get_xticklabels()])
        for policy in ("industry_fund", "venture_fund", "talent_apartments"):
            assert labels.element(policy, lang) in shown, (name, policy)
        figure.canvas.draw()
        edge = figure.get_window_extent()
        for text in figure.texts:
            box = text.get_window_extent()
            assert box.x0 >= 0, text.get_text()
            assert box.x1 <= edge.x1, text.get_text()


def test_a_lone_policy_has_a_plane_and_nothing_to_hold_it_against(effects: xr.Dataset) -> None:
    assert list(policy_pictures(effects, "cash_subsidy_only", shipped_labels())) == ["cost"]


def test_a_single_run_is_drawn_without_intervals() -> None:
    single = policy_effects(prepare(["hefei_combination"], "handan"))
    figures = policy_figures(single, shipped_labels(), "en")
    assert [caption for caption, _ in figures["hefei_combination"]] == [
        "What each policy adds for its money: Total talent, 2034",
        "What each policy adds: Total talent",
        "Which policies help each other: Total talent, 2034",
    ]
    assert not figures["hefei_combination"][0][1].axes[0].collections


def few_of_many(draws: int = 4, among: int = 20) -> xr.Dataset:
    prepared = prepare(["hefei_combination"], "hefei")
    return policy_effects(prepared, ["total talent"], draws=draws, among=among, seed=1)


@pytest.fixture(scope="module")
def some() -> xr.Dataset:
    return few_of_many()


def test_a_mix_split_in_few_draws_is_told_in_those_and_in_all(some: xr.Dataset) -> None:
    text = printed(some, "hefei_combination", "en")
    assert "Whole mix," in text
    assert "all 20" in text
    assert (
        " ".join(text.split()).count("Median of 4 of the 20 draws, spread evenly over what the mix does") == 1
    )
    last = some.isel(time=-1, scenario=0, output=0)
    for values in (last["total"], last["total_among"]):
        assert f"+{digits(float(values.median()) / 1e3)}" in text
    every = printed(
        some.drop_dims("member").drop_vars("split_member").assign_attrs(among=4),
        "hefei_combination",
        "en",
    )
    assert "all 20" not in every


def test_the_policies_table_has_the_mix_in_all_draws(some: xr.Dataset, tmp_path: Path) -> None:
    write_policies_table(some, tmp_path / "policies.csv")
    table = pd.read_csv(tmp_path / "policies.csv").set_index(["policy", "year"])
    total = some["total_among"].isel(scenario=0, output=0, time=-1)
    row = table.loc[("mix_in_all_draws", 2034)]
    assert row["contribution"] == float(np.quantile(total, 0.5))
    assert [row["lower"], row["upper"]] == np.quantile(total, [0.1, 0.9]).tolist()
    cost = some["mix_cost_among"].isel(scenario=0)
    costs = row[["present_cost_lower", "present_cost", "present_cost_upper"]].astype(float).tolist()
    assert costs == np.quantile(cost, [0.1, 0.5, 0.9]).tolist()
    split = cost.sel(member=some["split_member"].values[0])
    assert split.values.tolist() == some["mix_cost"].isel(scenario=0).values.tolist()
    assert table.loc[("mix", 2034), "present_cost"] == np.quantile(split, 0.5)


def test_each_cost_is_told_with_its_interval_in_all_draws(some: xr.Dataset) -> None:
    text = printed(some, "hefei_combination", "en")
    last = some.isel(scenario=0)
    told = [
        last["mix_cost_among"],
        *(last["present_cost_among"].sel(policy=p) for p in last["policy"].values),
    ]
    for cost in told:
        low, middle, high = (digits(end / 1e9) for end in np.quantile(cost, [0.1, 0.5, 0.9]))
        assert all(number in text for number in (low, middle, high))
    shown = io.StringIO()
    Console(width=80, file=shown).print(mixes_table(some, shipped_labels()))
    (mix,) = mixes_by_worth(some)
    for values, factor in ((mix.cost, 1e9), (mix.yearly, 1e9)):
        for end in np.quantile(values, [0.1, 0.5, 0.9]):
            assert digits(end / factor) in shown.getvalue()
    assert "Medians of all 20 draws" in shown.getvalue()


def test_mixes_stand_in_the_order_of_what_a_person_costs() -> None:
    both = policy_effects(
        prepare(["cash_subsidy_only", "hefei_combination"], "hefei"), ["total talent"], draws=3, among=9
    )
    found = mixes_by_worth(both)
    per = {one.name: float(ranked(one.per_person.values)[1]) for one in found}
    assert list(per.values()) == sorted(per.values())
    costs = np.stack([one.per_person.values for one in found])
    assert [one.cheapest for one in found] == [
        float(((row == costs.min(0)) & np.isfinite(row)).mean()) for row in costs
    ]
    paid = both["mix_yearly_among"].sel(scenario="hefei_combination")
    spent = both["paid_in_year"].sel(scenario="hefei_combination").sum("policy")
    years = spent.time[(spent > 0).any("draw")]
    split = both["split_member"].sel(scenario="hefei_combination").values
    np.testing.assert_allclose(paid.values[split], spent.sel(time=years).mean("time").values, rtol=1e-12)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_bars_of_contributions_tell_the_numbers_of_the_table(effects: xr.Dataset, lang: str) -> None:
    table = printed(effects, "hefei_combination", lang)
    figure = policy_pictures(effects, "hefei_combination", shipped_labels(), lang)["contributions"]
    told = [text.get_text() for text in figure.axes[0].texts]
    of = mix_of(effects, "hefei_combination").isel(time=-1).sel(output="total talent")
    factor = 1e3 if lang == "en" else 1e4
    middles = sorted(of["contribution"].median("draw").values / factor, reverse=True)
    assert told[:-2] == [signed(float(value)) for value in middles]
    assert told[-1] == digits(float(of["total"].median()) / factor)
    assert all(text in table for text in told)


def test_a_cross_reaches_no_farther_than_the_draws(effects: xr.Dataset) -> None:
    figure = policy_pictures(effects, "hefei_combination", shipped_labels())["cost"]
    left = figure.axes[0]
    of = mix_of(effects, "hefei_combination").isel(time=-1).sel(output="total talent")
    cost, share = of["present_cost"].values / 1e9, of["contribution"].values / 1e3
    ends = np.concatenate([line for lines in left.collections for line in lines.get_segments()])
    assert cost.min() <= ends[:, 0].min() <= ends[:, 0].max() <= cost.max()
    assert share.min() <= ends[:, 1].min() <= ends[:, 1].max() <= share.max()
    assert left.get_xlim()[1] >= ends[:, 0].max()


def test_no_chinese_line_begins_with_a_closing_mark_or_splits_a_number() -> None:
    text = "各次抽样的均值，可相加。组合效果多3.69万人，占2034年总量的12.5%；其余不计。"
    for width in range(6, 30):
        lines = broken(text, width, NARROW)
        assert "".join(lines) == text
        assert all(sum(1.0 if one > "\u2e80" else NARROW for one in line) <= width + 1e-9 for line in lines)
        assert not any(line[0] in "，。；%" for line in lines)
        assert sum("3.69万人" in line for line in lines) == sum("2034年" in line for line in lines) == 1
