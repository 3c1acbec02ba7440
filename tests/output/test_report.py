"""The report tells the comparison's numbers, in both languages, and obeys nothing that a file says."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr

from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import Line
from talent_sd.output.report import render_report
from talent_sd.output.report.html_pieces import draw_plots, quoted
from talent_sd.output.report.inputs_section import _figure
from talent_sd.output.report.policies_section import median_error
from talent_sd.output.speech import Scale, Speech

from .conftest import DRAWS, POISON, Page

VOID = {"meta", "link", "img", "input", "br", "hr"}
ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "script",
        "body",
        "header",
        "main",
        "nav",
        "section",
        "article",
    ),
    *(
        "h1",
        "h2",
        "h3",
        "p",
        "div",
        "span",
        "strong",
        "a",
        "ol",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "pre",
        "button",
        "footer",
    ),
    *("details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"),
    *("svg", "desc", "g", "defs", "path", "use", "text", "rect", "line", "clippath"),
}
BARE = Labels(headline=("City Brand",))


class Tree(HTMLParser):
    """Every element with its attributes, its text and the language it stands in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.cells: list[tuple[str, dict[str, str], dict[str, str], str]] = []
        self.open: list[str] = []
        self.edition, self.row, self.cell = "", {}, None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        self.elements.append((tag, own))
        if tag not in VOID:
            self.open.append(tag)
        if own.get("class") == "edition":
            self.edition = own["data-lang"]
        if tag == "tr":
            self.row = own
        if tag == "td":
            self.cells.append((self.edition, self.row, own, ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "td":
            edition, row, own, text = self.cells[-1]
            self.cells[-1] = (edition, row, own, text + data)
        self.texts.append(data)


@pytest.fixture(scope="module")
def tree(page: Page) -> Tree:
    return Tree(page.html)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_tables_carry_the_numbers_of_comparison_csv(page: Page, tree: Tree, lang: str) -> None:
    with page.table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = {
        "change": "change",
        "lower": "lower_80",
        "upper": "upper_80",
        "lower_50": "lower_50",
        "upper_50": "upper_50",
        "lower_95": "lower_95",
        "upper_95": "upper_95",
        "probability_better": "probability_better",
        "relative_change": "relative_change",
    }
    shown = {
        (
            row["data-scenario"],
            row["data-year"],
            row["data-variable"],
            row["data-subscript"],
            cell["data-column"],
        ): cell
        for edition, row, cell, _ in tree.cells
        if edition == lang and "data-variable" in row
    }
    compared = 0
    for row in rows:
        for column, name in columns.items():
            cell = shown[row["scenario"], row["year"], row["variable"], row["subscript"], name]
            assert cell.get("data-value", "") == (repr(float(row[column])) if row[column] else "")
            compared += 1
    assert compared == len(rows) * len(columns) == 2 * 13 * 10 * 9


def test_what_a_cell_shows_is_its_number_rounded(tree: Tree) -> None:
    factors = {"billion yuan/year": 1e9}
    seen = 0
    for edition, row, cell, text in tree.cells:
        if edition == "en" and row.get("data-variable") == "tax base" and cell.get("data-column") == "change":
            value = float(cell["data-value"]) / factors["billion yuan/year"]
            shown = float(text.replace(",", "").replace("−", "-"))
            assert shown == pytest.approx(value, rel=5.1e-3, abs=1e-3)
            seen += 1
    assert seen == 2 * 13


def test_every_id_is_there_once_and_every_reference_meets_one(tree: Tree) -> None:
    ids = Counter(own["id"] for _, own in tree.elements if "id" in own)
    assert [name for name, count in ids.items() if count > 1] == []
    wanted = {
        name
        for _, own in tree.elements
        for key, value in own.items()
        for name in (
            value.split()
            if key == "aria-labelledby"
            else [value[1:]]
            if key == "href" and value.startswith("#")
            else re.findall(r"url\(#([^)]+)\)", value)
        )
    }
    assert wanted - set(ids) == set()
    assert len(wanted) > 100


def test_nothing_is_fetched_and_the_policy_of_the_page_forbids_it(tree: Tree, page: Page) -> None:
    assert {
        own[key] for _, own in tree.elements for key in ("src", "href") if key in own and own[key][:1] != "#"
    } == {"data:,"}
    policy = next(
        own["content"] for tag, own in tree.elements if own.get("http-equiv") == "Content-Security-Policy"
    )
    assert re.sub(r"sha256-[\w+/=]{44}", "…", policy) == (
        "default-src 'none'; style-src '…'; script-src '…'; font-src data:; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert [own for _, own in tree.elements if "style" in own] == []
    assert "@import" not in page.html
    assert page.path.stat().st_size < 5e6


def test_headings_are_in_order_and_every_picture_has_a_name(tree: Tree) -> None:
    levels = [int(tag[1]) for tag, _ in tree.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 2  # one in each language
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    pictures = [own for tag, own in tree.elements if tag == "svg" and own["class"] == "picture"]
    assert len(pictures) == 2 * (6 * 3 + 4)  # languages; outputs with the paths and two differences; tiers
    assert all(own["role"] == "img" and len(own["aria-labelledby"].split()) == 2 for own in pictures)


def test_both_languages_are_there_and_the_one_asked_for_comes_first(page: Page) -> None:
    few = replace(page.material, labels=BARE)
    for lang, attribute in (("en", "en"), ("zh", "zh-Hans")):
        made = render_report(replace(few, lang=lang))
        root = next(own for tag, own in Tree(made).elements if tag == "html")
        assert root == {"lang": attribute, "data-lang": lang}
        assert "Do an industrial policy, a venture fund and apartments hold the people" in made
        assert "产业政策、风险投资加人才公寓，能否留住补贴留不住的人？" in made


def test_the_same_material_gives_the_same_file(page: Page) -> None:
    assert render_report(page.material) == page.html


def test_every_setting_that_differs_is_told_with_file_and_line(
    tree: Tree, place: Callable[[str, str], str]
) -> None:
    told = {
        (row["data-scenario"], row["data-setting"], text)
        for edition, row, cell, text in tree.cells
        if edition == "en" and "data-setting" in row and cell.get("class") == "code"
    }
    assert (
        "hefei_combination",
        "industry fund intensity",
        f"scenarios/{place('hefei_combination', 'industry_fund')}",
    ) in told
    assert (
        "cash_subsidy_only",
        "policy end[cash_subsidy]",
        f"scenarios/{place('cash_subsidy_only', 'cash_subsidy')}",
    ) in told
    assert len(told) == 8 + 3


def test_the_page_says_which_figures_came_out_and_which_test_was_not_clean(tree: Tree) -> None:
    text = " ".join(tree.texts)
    assert "Of the 9 figures of the article used in the fit, the model meets 9." in text
    assert (
        "Of the 7 figures kept out of the fit, 4 are missed; of those that the model was never changed for, 1 came out."
        in text
    )
    assert "No clear difference from the best simple rule: GDP, nominal, GDP, real, fiscal revenue." in text
    assert "In that test Hefei was under-forecast in every outcome" in text


def test_a_mix_that_falls_short_of_its_parts_says_by_how_much(tree: Tree) -> None:
    text = " ".join(tree.texts)
    assert (
        len(re.findall(r"It falls short of the sum of its parts by [\d.,]+ \w+ people \(−10\.0.%\)\.", text))
        == 2
    )
    assert "组合比各项单独实施之和少" in text
    assert text.count("Industry fund and Talent apartments help each other most") == 2
    assert text.count("Industry fund and Venture fund stand in each other’s way most") == 2
    assert text.count("that is 200 thousand yuan for each person more") == 2


def test_the_shares_of_a_mix_are_shown_in_full_and_add_up(page: Page, tree: Tree) -> None:
    effects = page.material.policies
    assert effects is not None
    shown = {
        row["data-policy"]: float(cell["data-value"])
        for edition, row, cell, _ in tree.cells
        if edition == "zh"
        and row.get("data-scenario") == "hefei_combination"
        and cell.get("data-column") == "contribution:total talent"
    }
    one = effects.sel(scenario="hefei_combination", output="total talent").isel(time=-1).median("draw")
    assert shown.pop("") == float(one["total"])
    assert shown == {
        str(name): float(one["contribution"].sel(policy=name)) for name in effects["policy"].values
    }


def test_a_single_run_has_no_intervals_and_says_so(page: Page) -> None:
    one = page.material.spread.isel(draw=[0])
    change = page.material.change.isel(draw=[0])
    few = replace(page.material, labels=BARE, policies=None)
    made = render_report(replace(few, spread=one.assign_attrs(draws=1), change=change))
    assert "There are no intervals: run it with --draws" in made
    assert "probability_better" not in made
    assert "four draws in five" not in made
    assert "What each policy adds and costs" not in made


def test_a_model_without_labels_or_record_still_has_a_report(page: Page) -> None:
    made = render_report(replace(page.material, labels=BARE, findings=(), record=None, policies=None))
    assert "No back-test is known of this model." in made
    assert "The article&#39;s figures were not measured for this report." in made


def test_hostile_texts_stay_texts(hostile: Page) -> None:
    tree = Tree(hostile.html)
    tags = Counter(tag for tag, _ in tree.elements)
    assert set(tags) - ALLOWED == set()
    assert (tags["script"], tags["style"], tags["img"]) == (1, 1, 0)
    names = {name for _, own in tree.elements for name in own}
    assert [name for name in names if name.startswith("on")] == []
    assert not [own for _, own in tree.elements if "javascript:" in own.get("href", "")]
    words = " ".join(tree.texts)
    # title, question, claim, finding, why, source, city, notes, labels of policies: all there, letter by letter
    assert words.count(POISON) > 40
    assert "49" not in Counter(words.split())  # {{7*7}} was not reckoned


def test_the_clear_year_is_the_first_from_which_nine_draws_in_ten_agree_to_the_end(
    page: Page, tree: Tree
) -> None:
    change = page.material.change["total talent"].sel(scenario="hefei_combination")
    assert change.sizes["draw"] == DRAWS
    agree = ((change > 0).mean("draw") >= 0.9).values.tolist()
    first = int(change["time"].values[len(agree) - agree[::-1].index(False)])
    assert agree[-1]
    sentence = next(
        text for text in tree.texts if text.startswith("Hefei-style combination: ") and "people" in text
    )
    assert sentence.endswith(f"clearly better from {first} on.")


def test_what_is_not_certain_is_not_told_as_certain() -> None:
    assert Speech("en").chance(0.999) == "99\N{NO-BREAK SPACE}%"
    assert Speech("en").chance(1.0) == "100\N{NO-BREAK SPACE}%"


def test_cautions_stand_first_in_both_languages_and_are_not_obeyed(page: Page) -> None:
    texts = {"en": f"Hefei cannot pay. {POISON}", "zh": f"合肥无力负担。{POISON}"}
    few = replace(page.material, labels=BARE, policies=None)
    tree = Tree(render_report(replace(few, notices={lang: [text] for lang, text in texts.items()})))
    told = " ".join(tree.texts)
    assert texts["en"] in told
    assert texts["zh"] in told
    assert told.index(texts["en"]) < told.index(
        "What was asked", told.index("What these numbers do not show")
    )
    assert "What these numbers do not show" not in render_report(few)
    assert [tag for tag, _ in tree.elements].count("script") == 1


def test_a_difference_that_would_be_flat_has_its_own_scale_and_says_so() -> None:
    years = np.arange(2022.0, 2035.0)
    steep, half, flat = (Line("", years, size * (years - 2022)[None, :]) for size in (100.0, 50.0, 10.0))
    panels = [("steep", [steep]), ("half", [half]), ("flat", [flat])]
    figures = draw_plots(panels, Scale(1.0, "people"), "difference, people", "en", 2024.0, zero_line=True)
    first, second, third = (figure.axes[0] for figure in figures)
    assert first.get_ylim() == second.get_ylim()
    assert third.get_ylim()[1] < 0.2 * first.get_ylim()[1]
    units = [[text.get_text() for text in axes.texts][-1] for axes in (first, second, third)]
    assert units == ["difference, people", "difference, people", "difference, people (its own scale)"]


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_every_bar_and_mark_of_a_plot_is_inside_it(count: int) -> None:
    years = np.arange(2024.0, 2031.0)
    lines = [Line(f"{n}", years, np.random.default_rng(n).normal(n, 1, (9, 7)), n) for n in range(count)]
    (figure,) = draw_plots([("All", lines)], Scale(1.0, "people"), "people", "en", 2024.0)
    drawn = [line.get_window_extent() for line in figure.axes[0].lines]
    assert len(drawn) >= count
    assert max(box.x1 for box in drawn) < figure.bbox.x1 - 2


def test_the_report_says_what_its_bars_are_where_there_are(page: Page) -> None:
    text = " ".join(Tree(page.html).texts)
    assert ("a bar at the right for each line holds 80 % of its draws" in text) is (
        len(page.material.compared) > 1
    )


def test_every_unit_of_a_measured_figure_and_a_ceiling_that_is_none_are_told_in_chinese(page: Page) -> None:
    units = {one.figure.unit for one in page.material.findings}
    assert not [one for one in units if re.search("[A-Za-z]", quoted(one, "zh"))]
    assert _figure("residents ceiling", 1e9, 1e8, Speech("zh")) == "无上限"
    assert _figure("residents ceiling", 1e9, 1e6, Speech("en")) == "none"


def test_the_mix_is_told_in_the_draws_split_and_in_all(page: Page) -> None:
    effects = page.material.policies
    assert effects is not None
    total = (
        xr.concat([effects["total"]] * 4, "draw").rename(draw="member").assign_coords(member=np.arange(12))
    )
    material = replace(
        page.material, policies=effects.assign(total_among=total * 1.25), findings=(), labels=BARE
    )
    tree = Tree(render_report(material))
    shown = {
        cell["data-column"]: float(cell["data-value"])
        for edition, row, cell, _ in tree.cells
        if edition == "en"
        and row.get("data-scenario") == "hefei_combination"
        and row.get("data-policy") == ""
    }
    last = effects["total"].sel(scenario="hefei_combination", output="tax base").isel(time=-1)
    assert shown["contribution:tax base"] == float(last.median())
    assert shown["total_among:tax base"] == pytest.approx(1.25 * float(last.median()), rel=1e-12)
    told = " ".join(tree.texts)
    assert "These are 3 of the 12 draws told above" in told
    assert "in all 12 draws" in told
    assert "全部12次抽样" in told


def test_the_error_of_a_median_is_that_of_random_draws() -> None:
    draws = np.random.default_rng(0).normal(size=(4000, 20))
    true = np.median(draws, axis=1).std()
    told = median_error(xr.DataArray(draws, dims=("sample", "draw"))).mean()
    assert float(told) == pytest.approx(true, rel=0.1)


def test_a_picture_inside_a_picture_keeps_its_own_data() -> None:
    from talent_sd.output.report.html_pieces import inline_svg
    from talent_sd.output.style import new_figure

    figure = new_figure(2, 2)
    figure.subplots().imshow(np.arange(4.0).reshape(2, 2))
    assert 'href="data:image/png;base64,' in str(inline_svg(figure, "en-1", "squares", "four squares"))


def test_a_cost_per_unit_is_ranked_as_in_the_policies_table() -> None:
    from talent_sd.output.report.policies_section import middle

    ratio = xr.DataArray([[4.0, np.inf], [1.0, 2.0], [3.0, np.inf], [2.0, 5.0]], dims=("draw", "measure"))
    assert middle(ratio).values.tolist() == [2.5, np.inf]
