"""What the pictures show: nothing overlaps, every loop is drawn, the words say what the pictures show."""

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from talent_sd.engine.runner import load_model
from talent_sd.inputs import resolve_scenario
from talent_sd.inputs.labels import Labels, shipped_labels
from talent_sd.loops.feedback_loops import study_loops
from talent_sd.loops.loop_layout import within
from talent_sd.loops.loop_names import read_loops
from talent_sd.loops.loop_shares import loop_shares
from talent_sd.loops.loops_of_model import study_model
from talent_sd.loops.stocks_and_flows import StockFlows
from talent_sd.output.loops.dominance import plot_dominance, plot_waterfall
from talent_sd.output.loops.loop_arrows import (
    BADGE,
    POINTS_PER_UNIT,
    SIGN,
    STROKES,
    head_length,
    path_of,
    square,
)
from talent_sd.output.loops.loop_diagram import (
    HIGH,
    PAGE,
    WIDE,
    diagram_axes,
    drawn_links,
    plan_diagram,
    plot_loops,
    sheet_of,
)
from talent_sd.output.loops.loop_numbers import split_rows, three_years
from talent_sd.output.loops.loop_plots import plot_stock_pages
from talent_sd.output.loops.loop_words import loop_words
from talent_sd.output.style import house_style, new_figure

from .conftest import SCENARIOS

MODELS = Path(__file__).parent / "models"


def texts(figure, place):
    axes = figure.axes[place]
    figure.canvas.draw()
    return [text for text in axes.texts if text.get_text().strip()]


@pytest.fixture(scope="module")
def canvas(studies):
    sheet = sheet_of(studies["baseline"])
    assert sheet.height == pytest.approx(PAGE[1], abs=0.02)
    with house_style():
        figure = new_figure(PAGE[0], sheet.height)
        yield diagram_axes(figure, sheet)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("turn", [0, 1, 2])
def test_nothing_in_the_diagram_touches_anything_else(studies, canvas, scenario, lang, turn):
    """No label, badge, sign or delay mark meets another or a line, and lines leave labels alone."""
    study = studies[scenario]
    links = drawn_links(study.names, study.links)
    plan = plan_diagram(canvas, study, shipped_labels(), lang, links, three_years(study)[turn][0])
    assert touching(plan) == []
    assert astray(plan, links) == []
    inside = [box for _, box, _ in things(plan)]
    assert all(box[0] >= 0 and box[1] >= 0 and box[2] <= WIDE and box[3] <= HIGH for box in inside)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_labels_drawn_keep_to_the_room_planned_for_them(studies, lang):
    study = studies["hefei_combination"]
    figure = plot_loops(study, shipped_labels(), lang)
    axes = figure.axes[0]
    drawn = {text.get_text(): text.get_window_extent().transformed(axes.transData.inverted())
             for text in texts(figure, 0)}  # fmt: skip
    plan = plan_diagram(axes, study, shipped_labels(), lang, drawn_links(study.names, study.links), 7)
    for variable, (left, bottom, right, top) in plan.boxes.items():
        box = drawn[study.names.layout.labels[variable][lang]]
        assert left < box.x0 < box.x1 < right
        assert bottom < box.y0 < box.y1 < top


def things(plan):
    """Return (name, box, number of the arrow it belongs to or -1) of all that is no line."""
    found = [(name, box, -1) for name, box in plan.boxes.items()]
    found += [(f"badge {loop}", square(at, BADGE), -1) for loop, at in plan.marks.badges.items()]
    found += [(f"sign {number}", square(at, SIGN), -1) for number, at in enumerate(plan.marks.signs)]
    found += [
        (f"delay {number}", square(at, STROKES), number) for number, (at, _) in plan.marks.delays.items()
    ]
    return found


def touching(plan):
    """Return pairs of things that overlap, and of things and lines that meet."""
    every = things(plan)
    found = [
        (a, b)
        for (a, one, _), (b, other, _) in combinations(every, 2)
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]  # fmt: skip
    for number, arrow in enumerate(plan.arrows):
        path = path_of(arrow, plan.boxes)
        half = arrow.width / 2 / POINTS_PER_UNIT
        for name, box, owner in every:
            if owner == number or name in (arrow.cause, arrow.effect):
                continue
            wider = (box[0] - half, box[1] - half, box[2] + half, box[3] + half)
            if within(path, wider).any():
                found.append((f"{arrow.cause} > {arrow.effect}", name))
    return found


def astray(plan, links):
    """Return the marks that do not stand where they are read: by their own arrow, off its ends, at their loop's arrows."""
    paths = [path_of(arrow, plan.boxes) for arrow in plan.arrows]
    halves = np.array([arrow.width / 2 / POINTS_PER_UNIT for arrow in plan.arrows])
    found = []
    for number, (arrow, at) in enumerate(zip(plan.arrows, plan.marks.signs, strict=True)):
        away = np.array([np.hypot(*(path - at).T).min() for path in paths]) - halves
        if away.argmin() != number or away[number] > 1.5 or np.hypot(*(paths[number][-1] - at)) > 11:
            found.append(("sign", arrow.cause, arrow.effect))
        assert arrow.slow == (number in plan.marks.delays)
    for number, (at, _) in plan.marks.delays.items():
        arrow, path = plan.arrows[number], paths[number]
        to_tail, to_head = (np.hypot(*(end - at)) for end in (path[0], path[-1]))
        on_it = np.hypot(*(path - at).T).min() < 1e-9
        if not on_it or to_tail < 0.75 or to_head < head_length(arrow.width) + 0.75:
            found.append(("delay", arrow.cause, arrow.effect))
    for loop, at in plan.marks.badges.items():
        own = [number for number, link in enumerate(links) if loop in link.loops]
        fewest = min(len(links[number].loops) for number in own)
        away = [np.hypot(*(path - at).T).min() for path in paths]
        if int(np.argmin(away)) not in own:
            found.append(("badge by another's arrow", loop))
        if min(away[number] for number in own if len(links[number].loops) == fewest) > 3:
            found.append(("badge", loop))
    return found


def test_every_variable_shown_has_an_arrow_in_and_out_and_every_loop_its_sign(studies):
    study = studies["baseline"]
    links = drawn_links(study.names, study.links)
    nodes = set(study.names.layout.nodes)
    assert {link.cause for link in links} == {link.effect for link in links} == nodes
    signs = {text.get_text() for text in texts(plot_loops(study, shipped_labels(), "en"), 0)}
    assert {f"R{n}" for n in range(1, 10)} | {f"B{n}" for n in range(1, 7)} <= signs
    assert all(0 <= x <= WIDE and 0 <= y <= HIGH for x, y in study.names.layout.nodes.values())


def test_signs_on_the_way_round_a_loop_multiply_to_its_polarity(studies):
    study = studies["baseline"]
    for loop in study.names.loops:
        for route in loop.routes:
            pairs = zip(route, (*route[1:], route[0]), strict=True)
            product = np.prod([study.links.signs[pair] for pair in pairs])
            assert product == (1 if loop.polarity == "R" else -1), (loop.name, route)


def test_shares_add_up_to_one_in_every_year_that_moves(studies):
    for study in studies.values():
        share = study.shares["share"].values[:, 0]
        moving = np.isfinite(share).all(axis=0)
        np.testing.assert_allclose(np.abs(share[:, moving]).sum(axis=0), 1, rtol=1e-9)
        assert moving.any()
    assert not np.isfinite(studies["cash_subsidy_only"].shares["share"].sel(time=2024)).any()
    assert np.isfinite(studies["baseline"].shares["share"]).all()


def test_the_split_adds_up_and_a_loop_that_cannot_matter_gets_0(studies):
    for study in studies.values():
        adds = study.adds
        effect = adds["whole"] - adds["without"]
        gap = abs(adds["share"].sum("part") - effect)
        assert float(gap.max()) <= 1e-9 * float(abs(effect).isel(time=-1).item())
    # Hefei's fund lasts, so that pensions take nothing from services
    assert (studies["baseline"].adds["share"].sel(part="pension_squeeze") == 0).all()


def test_the_three_scenarios_tell_three_stories_and_the_words_match_the_numbers(studies):
    stories = {name: tuple(loop_words(study, shipped_labels())) for name, study in studies.items()}
    assert len(set(stories.values())) == 3
    for study, story in zip(studies.values(), stories.values(), strict=True):
        for (index, year), sentence in zip(three_years(study), story, strict=False):
            sizes = np.abs(study.shares["share"].values[:, 0, index])
            strongest = study.names.loops[int(np.nanargmax(sizes))]
            assert sentence.startswith(f"{year}: {strongest.label['en']} ")
            assert f" {np.nanmax(sizes):.0%}".replace("%", " %") in sentence
    largest = {name: max(study.names.loops, key=lambda loop: abs(
        float(study.adds["share"].sel(part=loop.name).isel(time=-1, draw=0)))).name
        for name, study in studies.items()}  # fmt: skip
    assert len(set(largest.values())) >= 2


def test_a_scenario_that_changes_nothing_says_so(studies):
    model = load_model()
    params = resolve_scenario("baseline", "hefei", model.structure).params()
    shares, links = loop_shares(model, read_loops(model.structure), params, params)
    assert not np.isfinite(shares["share"]).any()
    changed = studies["cash_subsidy_only"]
    study = replace(changed, shares=shares.assign_attrs(changed.shares.attrs), links=links)
    assert loop_words(study, shipped_labels()) == [
        "The two scenarios do not differ here: there is no change for the loops to carry."
    ]


def test_dominance_and_waterfall_name_what_they_show(studies):
    study = studies["hefei_combination"]
    shown = [text.get_text() for text in texts(plot_dominance(study, "zh"), 0)]
    assert "增强型" in shown
    assert any(re.fullmatch("R9 岗位随人", text) for text in shown)
    axes = plot_waterfall(study, shipped_labels(), "en").axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[0] == "Direct effect, all loops cut"
    assert names[-1] == "Total change"
    start, rows, end = split_rows(study, "en")
    assert names[1:-1] == [label for label, _, _ in rows]
    assert start + sum(value for _, value, _ in rows) == pytest.approx(end, rel=1e-9)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_stock_and_flow_picture_names_every_stock_and_flow_and_nothing_touches(studies, lang):
    stocks = studies["baseline"].stocks
    held = {one.stock: one for one in stocks}
    assert "newcomer departures" in held["Newcomers"].outflows
    assert "arrivals" in held["Newcomers"].inflows
    assert "Cumulative Births" not in held
    pages = plot_stock_pages(stocks, shipped_labels(), lang)
    assert len(pages) > 1
    kept = []
    for figure in pages:
        figure.canvas.draw()
        kept.append([text for text in figure.axes[0].texts if text.get_text().strip()])
    written = {re.sub(r"\s+", "", text.get_text()) for texts in kept for text in texts}
    for one in stocks:
        assert re.sub(r"\s+", "", shipped_labels().variable(one.stock, lang)) in written
        for flow in (*one.inflows, *one.outflows):
            if not flow.startswith("change of"):
                name = re.sub(r"\s+", "", shipped_labels().variable(flow, lang))
                assert any(text.startswith(name) for text in written), flow
    for figure, texts in zip(pages, kept, strict=True):
        boxes = [text.get_window_extent() for text in texts]
        assert [
            (a.get_text(), b.get_text())
            for i, a in enumerate(texts)
            for j, b in enumerate(texts[:i])
            if boxes[i].overlaps(boxes[j])
        ] == []
        page = figure.bbox
        assert all(
            box.x0 >= 0 and box.x1 <= page.width and box.y0 >= 0 and box.y1 <= page.height for box in boxes
        )


def test_a_flow_between_two_stocks_leads_from_box_to_box(studies):
    figure, *_ = plot_stock_pages(studies["baseline"].stocks, shipped_labels())
    figure.canvas.draw()
    boxes = {" ".join(t.get_text().split()): t.get_window_extent() for t in figure.axes[0].texts}
    source, flow, sink = (boxes[name] for name in ("Newcomers", "Settling", "Settled talent"))
    assert source.x1 < flow.x0
    assert flow.x1 < sink.x0
    assert any(name.startswith("net change; reads ") for name in boxes)


@pytest.mark.parametrize(("lang", "told"), [("en", "net change"), ("zh", "净变化")])
def test_a_stock_that_nothing_drives_has_a_net_change_by_nobody(lang, told):
    alone = StockFlows("Level", ("change of Level",), ())
    (figure,) = plot_stock_pages([alone], Labels(), lang)
    assert told in [text.get_text() for text in figure.axes[0].texts]


def test_switches_of_a_run_with_draws_add_up_for_every_draw():
    study = study_loops("baseline", "hefei", draws=2, seed=2)
    adds = study.adds
    assert adds.sizes["draw"] == 2
    gap = adds["share"].sum("part") - (adds["whole"] - adds["without"])
    assert float(abs(gap).max()) <= 1e-9 * float(abs(adds["without"]).max())
    median = adds.attrs["median_draw"]
    assert (adds["standard_error"].sel(draw=median) == 0).all()
    others = adds["standard_error"].isel(time=-1).drop_sel(draw=median)
    assert float(others.max()) > 0


@pytest.mark.parametrize("name", ["workforce.mdl", "tiers.mdl", "logistic.mdl"])
def test_nothing_touches_anything_in_an_automatic_layout(name, canvas):
    study = study_model(MODELS / name)
    plan = plan_diagram(canvas, study, Labels(), "en", drawn_links(study.names, study.links), 0)
    assert touching(plan) == []


@pytest.mark.parametrize("name", ["xmile_basic/model.xmile", "names/model.mdl", "arithmetic/model.mdl"])
def test_no_arrow_is_cut_off_and_nothing_stands_far_apart(name):
    study = study_model(MODELS.parents[1] / "engine" / "models" / name)
    sheet = sheet_of(study)
    with house_style():
        axes = diagram_axes(new_figure(PAGE[0], sheet.height), sheet)
        plan = plan_diagram(axes, study, Labels(), "en", drawn_links(study.names, study.links), 0)
    paths = [path_of(arrow, plan.boxes) for arrow in plan.arrows]
    points = np.concatenate([*paths, *(np.reshape(box, (2, 2)) for box in plan.boxes.values())])
    assert points[:, 1].min() >= sheet.low
    assert points[:, 1].max() <= sheet.top
    assert points[:, 0].min() >= 0
    assert points[:, 0].max() <= WIDE
    reach = sorted(
        (own[:, 1].min(), own[:, 1].max())
        for own in (*paths, *(np.reshape(box, (2, 2)) for box in plan.boxes.values()))
    )
    ends = np.maximum.accumulate([end for _, end in reach])
    assert all(start - end < 15 for (start, _), end in zip(reach[1:], ends, strict=False))


def test_years_before_the_first_difference_are_told_and_not_shown(studies):
    axes = plot_dominance(studies["cash_subsidy_only"], "en").axes[0]
    assert axes.get_xlim() == (2025.0, 2034.0)
    assert axes.get_title(loc="left").endswith("(before 2025: no difference yet)")
    assert plot_dominance(studies["baseline"], "en").axes[0].get_xlim() == (2022.0, 2034.0)


def test_an_arrow_into_what_follows_in_time_has_strokes_and_capacity_answers_output(studies):
    """The model's own constants of time say so: posts, brand, suppliers and universities take years to follow."""
    study = studies["hefei_combination"]
    slow = {(link.cause, link.effect) for link in drawn_links(study.names, study.links) if link.slow}
    late = {
        "City Brand",
        "Cluster Maturity",
        "Relative Jobs",
        "Rival Effort",
        "Suppliers",
        "University Capacity",
    }
    assert late <= study.names.late
    links = {(link.cause, link.effect): link for link in drawn_links(study.names, study.links)}
    assert {link for link in links if link[1] in late} <= slow
    assert (
        "saturation"
        in links["value added", "Relative Capacity"].loops & links["Relative Capacity", "value added"].loops
    )
