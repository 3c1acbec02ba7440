"""Policies' table and pictures: they carry the numbers, say "no effect", and stay within the page."""

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
from talent_sd.output.policies.plot_policies import broken, policy_figures, policy_pictures
from talent_sd.output.policies.policy_panels import ellipse, outline_of
from talent_sd.output.policies.policy_tables import excess_text, policies_table, ratio_text
from talent_sd.output.speech import Scale, digits
from talent_sd.policies.policy_effects import policy_effects
from talent_sd.policies.policy_table import write_policies_table


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
    assert "…" not in "".join(line[:14] for line in body.splitlines())


def test_a_cost_per_unit_without_effect_says_so_and_is_no_number() -> None:
    nothing = xr.DataArray([np.inf, np.inf, 5.0], dims="draw")
    assert ratio_text(nothing, "en", True).replace("\N{NO-BREAK SPACE}", " ") == "no effect"
    assert ratio_text(nothing, "zh", True) == "无效果"
    some = xr.DataArray([2.0, 4.0, np.inf], dims="draw")
    assert ratio_text(some, "en", True).replace("\N{NO-BREAK SPACE}", " ") == "4.00\n2.00 … ∞"


def test_the_sentence_names_the_excess_and_where_it_comes_from() -> None:
    data = {
        "total": ("draw", [90.0]),
        "synergy": ("draw", [-10.0]),
        "synergy_budget": ("draw", [-12.0]),
        "alone": (("policy", "draw"), [[60.0], [40.0]]),
    }
    one = xr.Dataset(data, {"policy": ["a", "b"]})
    assert excess_text(one, Scale(1.0, "people"), "en") == (
        "The mix does 10.0 people less than its policies one by one: −12.0 through the capped budget they share, "
        "+2.00 through complementarity, less overlap and what services lose."
    )
    assert excess_text(one.isel(policy=[0]), Scale(1.0, "people"), "en") == "A mix of one policy."


def test_an_ellipse_holds_four_fifths_of_normal_draws() -> None:
    draws = np.random.default_rng(0).multivariate_normal([1, 2], [[2, 1.2], [1.2, 1]], 4000).T
    outline = np.stack(ellipse(*draws))
    from matplotlib.path import Path

    assert Path(outline.T).contains_points(draws.T).mean() == pytest.approx(0.8, abs=0.02)


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


def test_a_single_run_is_drawn_without_ellipses() -> None:
    single = policy_effects(prepare(["hefei_combination"], "handan"))
    figures = policy_figures(single, shipped_labels(), "en")
    assert [caption for caption, _ in figures["hefei_combination"]] == [
        "What each policy adds for its money: Talent (all tiers), 2034",
        "What each policy adds: Talent (all tiers)",
        "Which policies help each other: Talent (all tiers), 2034",
    ]
    assert not figures["hefei_combination"][0][1].axes[0].patches


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
        " ".join(text.split()).count("Median of 4 of the 20 draws, spread evenly over what the mix does,")
        == 1
    )
    last = some.isel(time=-1, scenario=0, output=0)
    for values in (last["total"], last["total_among"]):
        assert f"+{digits(float(values.median()) / 1e3)}" in text
    every = printed(
        some.drop_vars(["total_among", "split_member", "member"]).assign_attrs(among=4),
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
    assert table.loc["mix_in_all_draws", "present_cost"].isna().all()


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "Means over the 6 draws, not medians"), ("zh", "图中为6次抽样的均值，而非表中的中位数")],
)
def test_the_picture_of_contributions_says_that_it_has_means_and_why(
    effects: xr.Dataset, lang: str, words: str
) -> None:
    figure = policy_pictures(effects, "hefei_combination", shipped_labels(), lang)["contributions"]
    note = next(text for text in texts(figure) if words[:8] in text).replace(
        "\n", " " if lang == "en" else ""
    )
    assert note.startswith(words)
    middle = float(
        effects["total"].sel(scenario="hefei_combination", output="total talent").isel(time=-1).median()
    )
    assert digits(middle / (1e3 if lang == "en" else 1e4)) in note


def test_outlines_of_costs_stay_above_zero_and_inside_the_frame(effects: xr.Dataset) -> None:
    spread_out = effects.copy()
    # costs that differ by a factor of forty: an ellipse of them would reach below zero
    factor = xr.DataArray(np.geomspace(1, 40, 6), dims="draw")
    for name in ("present_cost", "mix_cost"):
        spread_out[name] = spread_out[name] * factor
    for data in (effects, spread_out):
        figure = policy_pictures(data, "hefei_combination", shipped_labels())["cost"]
        for axes in figure.axes:
            (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
            outlines = [line for line in axes.lines if len(line.get_xdata()) == 73]
            assert len(outlines) in (2, 3)
            for line in outlines:
                x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
                assert (x > 0).all()
                assert left <= x.min() <= x.max() <= right
                assert low <= y.min() <= y.max() <= high
    costs = spread_out["present_cost"].isel(scenario=-1, policy=-1).values
    share = spread_out["contribution"].isel(scenario=-1, policy=-1, output=0, time=-1).values
    assert ellipse(costs, share)[0].min() < 0 < outline_of(costs, share)[0].min()


def test_no_chinese_line_begins_with_a_closing_mark_or_splits_a_number() -> None:
    text = "各次抽样的均值，可相加。组合效果多3.69万人，占2034年总量的12.5%；其余不计。"
    for width in range(6, 30):
        lines = broken(text, width)
        assert "".join(lines) == text
        assert all(len(line) <= width for line in lines)
        assert not any(line[0] in "，。；%" for line in lines)
        assert sum("3.69" in line for line in lines) == sum("2034" in line for line in lines) == 1
