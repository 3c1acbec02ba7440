"""Policies' table and pictures: they carry the numbers, say "no effect", and stay within the page."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from rich.console import Console

from talent_sd.analysis.forecast import prepare
from talent_sd.analysis.policy_effects import policy_effects
from talent_sd.base.labels import shipped_labels
from talent_sd.output.numbers import Scale
from talent_sd.output.plot_policies import policy_figures, policy_pictures
from talent_sd.output.policy_plane import ellipse
from talent_sd.output.tables_policies import excess_text, policies_table, ratio_text


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
