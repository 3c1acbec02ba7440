"""What an editor asks of every picture: no text on another or off the page, none too small, no empty panel, no colour
twice in one legend, no axis cut without its mark, no wider than a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from talent_sd.engine.runner import load_model
from talent_sd.forecast.compare import RELATIVE, compare
from talent_sd.inputs.labels import Labels, shipped_labels
from talent_sd.inputs.national_paths import read_national
from talent_sd.loops.feedback_loops import LoopStudy, study_loops
from talent_sd.loops.loop_names import LoopNames
from talent_sd.loops.loops_of_model import ModelStudy, study_model
from talent_sd.loops.stocks_and_flows import stock_flows
from talent_sd.output.figures import plot_backtest
from talent_sd.output.figures.panels import CUT
from talent_sd.output.figures.plot_comparison import plot_cities, plot_differences, plot_paths
from talent_sd.output.figures.plot_forecast import plot_overview, plot_sector
from talent_sd.output.headline_outputs import TOTAL
from talent_sd.output.loops.dominance import plot_dominance, plot_waterfall
from talent_sd.output.loops.loop_diagram import plot_loops
from talent_sd.output.loops.loop_plots import plot_stock_pages
from talent_sd.output.policies import plot_policies
from talent_sd.output.policies.plot_policies import policy_pictures, save_plan_plots
from talent_sd.output.style import house_style, line_look, new_figure, save_figure

from .conftest import invented_effects

Invent = Callable[..., xr.Dataset]
SMALLEST, PAGE, TALL = 6.0, 8.3, 10.9
"""Points of a letter, and inches of a page across and down."""
FOREIGN = re.compile(r"\d %|[\u4e00-\u9fff] \(|。 |， | 次|Shapley")
"""What stands in no Chinese text."""
LOOPS = Path(__file__).parents[1] / "loops" / "models"
SOME = ("baseline", "cash_subsidy_only", "hefei_combination")


def invented_cities() -> xr.Dataset:
    random = np.random.default_rng(2)
    names = [TOTAL, "invention grants", "tax base"]
    dims, sizes = ("scenario", "city", "draw", "time"), (2, 3, 5, 2)
    data = {name + RELATIVE: (dims, 0.05 + 0.01 * random.normal(size=sizes)) for name in names}
    coords = {
        "scenario": ["one", "two"], "city": ["hefei", "wuxi", "luohe"], "draw": range(5), "time": [2033.0, 2034.0],
        "title_en": ("scenario", ["One", "Two"]), "title_zh": ("scenario", ["甲", "乙"]),
        "city_en": ("city", ["Hefei", "Wuxi", "Luohe"]), "city_zh": ("city", ["合肥", "无锡", "漯河"]),
    }  # fmt: skip
    about = {"source": "talent_sd", "model": "city.mdl", "model_sha256": "0123", "baseline": "baseline",
             "baseline_title_en": "Baseline", "baseline_title_zh": "基准情景"}  # fmt: skip
    return xr.Dataset(data, coords, about)


def invented_backtest() -> SimpleNamespace:
    """Two provinces of five cities, a window of ten years, twenty draws."""
    random = np.random.default_rng(3)
    years, cities = tuple(range(2010, 2021)), tuple(f"{name}市" for name in "邯绵无东成苏长合深沈")
    path = np.linspace(0, 0.4, len(years))[:, None]
    outcomes = plot_backtest.SCORED
    actual = {name: 10 + path + 0.1 * random.normal(size=(len(years), 10)) for name in outcomes}
    for levels in actual.values():
        levels[0] = 10
    window = SimpleNamespace(
        years=years, cities=cities, provinces=("甲", "乙") * 5, national=read_national("central"), actual=actual,
        start={name: np.full(10, 10.0) for name in outcomes}, real=actual[plot_backtest.SCORED[3]],
    )  # fmt: skip
    spread = {name: 10 + path + 0.1 * random.normal(size=(20, len(years), 10)) for name in outcomes}
    fitted = np.arange(10) < 5
    return SimpleNamespace(window=window, fitted=fitted, spread=spread, parameters_only=spread)


def invented_plans(goals: int) -> xr.Dataset:
    """Three plans of four policies, one goal or two, twelve draws."""
    random = np.random.default_rng(4)
    plans, policies = ["plan_a", "plan_b", "plan_c"], list(shipped_labels().elements)[15:19]
    on = np.array([[1.0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 1]])
    data = {
        "intensity": (("plan", "policy"), on),
        "start": (("plan", "policy"), np.where(on, 2025.0, np.nan)),
        "end": (("plan", "policy"), np.where(on, 2034.0, np.nan)),
        "cost": (("plan", "policy"), on * np.array([2e7, 1.6e9, 3e8, 9e7])),
        "gain": (("plan", "draw", "goal"), 3e4 + 1e4 * random.normal(size=(3, 12, 1))),
        "better": (("plan", "other", "goal"), random.uniform(size=(3, 3, 1))),
        "better_than_baseline": (("plan", "goal"), np.ones((3, 1))),
    }
    coords = {"plan": plans, "other": plans, "policy": policies, "goal": ["total talent"], "draw": range(12),
              "unit": ("goal", ["person"])}  # fmt: skip
    about = {"city_en": "Hefei", "city_zh": "合肥", "budget": 2e9, "base_year": 2024, "source": "talent_sd",
             "model": "city.mdl", "model_sha256": "0123"}  # fmt: skip
    plans = xr.Dataset(data, coords, about)
    other = plans.assign_coords(goal=["tax base@sum"], unit=("goal", ["yuan"]))
    return plans if goals == 1 else xr.concat([plans, other], "goal", data_vars="minimal")


@cache
def studied() -> ModelStudy:
    return study_model(LOOPS / "workforce.mdl")


@cache
def city_study() -> LoopStudy:
    """A mix in a city, as if of 8 draws."""
    study = study_loops("hefei_combination", "hefei")
    return replace(study, shares=xr.concat([study.shares] * 8, "draw", data_vars="minimal"))


def figures(invent: Invent, labels: Labels, lang: str, kept: list[Figure]) -> Iterator[tuple[str, Figure]]:
    """Yield every picture, small cases."""
    for draws, scenarios in ((1, SOME[:2]), (20, SOME)):
        spread = invent(scenarios, draws)
        yield f"paths, {draws} draws", plot_paths(spread, labels, lang)
        yield f"differences, {draws} draws", plot_differences(compare(spread), labels, lang)
        yield f"overview, {draws} draws", plot_overview(spread, labels, lang)
        yield f"sector, {draws} draws", plot_sector(spread, labels.sectors[0], labels, lang)
    shown = replace(labels, headline=tuple(labels.variables)[:12])
    yield "many panels", plot_overview(invent(SOME[:1], 1), shown, lang)
    yield "cities", plot_cities(invented_cities(), shipped_labels(), lang)
    for policies in (
        ["industry_fund", "venture_fund", "talent_apartments"],
        list(shipped_labels().elements)[15:27],
    ):
        effects = invented_effects(["mix"], policies).assign_attrs(
            city_en="Hefei", city_zh="合肥", exact=1, forecast_from=2024.0
        )
        effects["synergy"] = effects["total"] - effects["alone"].sum("policy")
        effects["synergy_budget"] = effects["synergy"] / 3
        for name, figure in policy_pictures(effects, "mix", shipped_labels(), lang).items():
            yield f"{name} of {len(policies)} policies", figure
    study = studied()
    for draws in (1, 8):
        own = replace(study, shares=xr.concat([study.shares] * draws, "draw", data_vars="minimal"))
        yield f"loops, {draws} draws", plot_loops(own, Labels(), lang)
        yield f"dominance, {draws} draws", plot_dominance(own, lang)
    city = city_study()
    yield "loops of the city", plot_loops(city, shipped_labels(), lang)
    yield "dominance of the city", plot_dominance(city, lang)
    yield "waterfall", plot_waterfall(city, shipped_labels(), lang)
    model = load_model()
    sectors = {name: variable.group for name, variable in model.structure.variables.items()}
    for figure in plot_stock_pages(stock_flows(model.program, sectors)[0], shipped_labels(), lang):
        assert figure.get_figheight() < 10.3  # prints on a page
        yield "stocks and flows", figure
    test = invented_backtest()
    plot_backtest.save_backtest_plots(test, "Source.", Path(), lang)  # type: ignore[arg-type]
    plot_backtest.save_predictive_plot(test, "Source.", Path(), lang)  # type: ignore[arg-type]
    yield from ((f"back-test {number}", figure) for number, figure in enumerate(kept))
    kept.clear()
    for correlation, goals in (({}, 1), ({"correlation": -0.5}, 2)):
        factors = [{"en": "A beats B.", "zh": "A胜过B。", **correlation}]
        save_plan_plots(invented_plans(goals), factors, shipped_labels(), lang, Path())
        yield from ((f"plans {number}, {correlation}", figure) for number, figure in enumerate(kept))
        kept.clear()


def test_a_key_beside_a_heading_stands_on_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Figure] = []
    monkeypatch.setattr(plot_backtest, "save_figure", lambda figure, _: kept.append(figure))
    plot_backtest.save_backtest_plots(invented_backtest(), "Source.", tmp_path)  # type: ignore[arg-type]
    figure = kept[1]
    figure.canvas.draw()
    heading, key = (one.get_window_extent() for one in (figure._suptitle, figure.legends[0]))  # type: ignore[attr-defined]
    assert abs((heading.y0 + heading.y1) / 2 - (key.y0 + key.y1) / 2) < 2
    assert heading.x1 < key.x0


def written(figure: Figure) -> list[Text]:
    """Return the texts that are seen; of ticks those inside their axis."""
    hidden: set[int] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            room = 1e-6 * (high - low)
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                inside = low - room <= tick.get_loc() <= high + room and axes.axison
                hidden |= {
                    id(one) for one in (tick.label1, tick.label2) if not inside or not one.get_visible()
                }
    texts = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    shut = {id(one) for axes in figure.axes if not axes.get_visible() for one in axes.findobj(Text)}
    return [one for one in texts if id(one) not in hidden | shut]


def cut(axes: Axes) -> list[str]:
    """Return the axes of numbers that do not reach zero; years and logarithms never do."""
    found = []
    for along, (low, high) in (("y", axes.get_ylim()), ("x", axes.get_xlim())):
        low, high = sorted((low, high))
        names = axes.yaxis if along == "y" else axes.xaxis
        years = 1900 < low < high < 2100
        told = [label.get_text() for label in names.get_ticklabels() if label.get_visible()]
        numbers = any(text and text.lstrip("−").replace(",", "").replace(".", "").isdigit() for text in told)
        if axes.axison and axes.get_visible() and numbers and not years and (low > 0 or high < 0):
            found.append(along)
    return found


def look_of(handle: Artist) -> str:
    """Return the colour of what is drawn or stands in a key, as it is seen."""
    lines = isinstance(handle, Line2D | LineCollection)
    colour = handle.get_color() if lines else handle.get_facecolor()  # type: ignore[attr-defined]
    colour = colour if isinstance(colour, str) else np.ravel(colour)[:4]
    return to_hex(
        to_rgba(colour if isinstance(colour, str) else tuple(colour), handle.get_alpha()), keep_alpha=True
    )


def drawn_looks(figure: Figure) -> set[str]:
    """Return the colours of what panels draw; areas that shine through one another are seen as neither."""
    found = set()
    for axes in figure.axes:
        areas = [one for one in axes.collections if isinstance(one, PolyCollection)]
        clear = [one for one in areas if (one.get_alpha() or 1.0) < 1.0]
        found |= {look_of(one) for one in [*axes.lines, *axes.patches, *axes.collections]}
        found -= {look_of(one) for one in clear if len(areas) > 1}
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_picture_is_one_that_an_editor_keeps(
    invented_forecast: Invent, invented_labels: Labels, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Figure] = []
    for module in (plot_backtest, plot_policies):
        monkeypatch.setattr(module, "save_figure", lambda figure, _: kept.append(figure))
    wrong: list[str] = []
    for name, figure in figures(invented_forecast, invented_labels, lang, kept):
        with house_style():
            figure.canvas.draw()
            texts = written(figure)
            boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
        page = figure.bbox
        off = [
            t
            for t, box in boxes
            if box.x0 < -1 or box.x1 > page.x1 + 1 or box.y0 < -1 or box.y1 > page.y1 + 1
        ]
        level = [pair for pair, text in zip(boxes, texts, strict=True) if text.get_rotation() % 90 == 0]
        # a little common border is the fonts' own leading
        touching = [
            (a, b) for (a, x), (b, y) in combinations(level, 2) if x.padded(-2).overlaps(y.padded(-2))
        ]
        wrong += [f"{name}: cut: {text}" for text, _ in boxes if text.rstrip().endswith(("…", "..."))]
        small = [text.get_text() for text in texts if text.get_fontsize() < SMALLEST]
        wrong += [f"{name}: off the page: {t}" for t in off] + [
            f"{name}: {a!r} on {b!r}" for a, b in touching
        ]
        wrong += [f"{name}: too small: {text}" for text in small]
        if lang == "zh":
            wrong += [
                f"{name}: not Chinese: {text.get_text()!r}"
                for text in texts
                if FOREIGN.search(text.get_text())
            ]
        if all(axes.axison is False for axes in figure.axes) and not any(
            a.lines or a.patches for a in figure.axes
        ):
            wrong.append(f"{name}: nothing but words")
        if figure.get_figwidth() > PAGE:
            wrong.append(f"{name}: {figure.get_figwidth():.1f} inches wide")
        if figure.get_figheight() > TALL:
            wrong.append(f"{name}: {figure.get_figheight():.1f} inches high")
        for axes in figure.axes:
            drawn = [*axes.lines, *axes.patches, *axes.collections, *axes.images, *axes.texts]
            if axes.axison and axes.get_visible() and not drawn:
                wrong.append(f"{name}: an empty panel")
            if axes.axison and axes.lines and not (axes.patches or axes.collections or axes.images):
                values = np.concatenate(
                    [np.asarray(line.get_ydata(), float) for line in axes.lines if len(line.get_xdata()) > 2]
                    or [[0, 1]]
                )
                if np.ptp(values) == 0:
                    wrong.append(f"{name}: a panel in which nothing moves")
            marks = [line for line in axes.lines if str(line.get_gid()).startswith(CUT)]
            if bool(cut(axes)) != bool(marks) and not (
                name.startswith("back-test") and not marks and "x" in cut(axes)
            ):
                wrong.append(f"{name}: {axes.get_xlim()}, {axes.get_ylim()}: cut axis and marks disagree")
            strokes = [mark.get_window_extent() for mark in marks]
            wrong += [
                f"{name}: mark on {text.get_text()!r}"
                for text, (_, box) in zip(texts, boxes, strict=True)
                if text.axes is axes and any(box.padded(-2).overlaps(stroke) for stroke in strokes)
            ]
        for legend in [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]:
            looks = [look_of(handle) for handle in legend.legend_handles]
            if len(looks) != len(set(looks)):
                wrong.append(f"{name}: a colour twice in one legend")
            if missing := set(looks) - drawn_looks(figure):
                wrong.append(f"{name}: colours in the key that nothing has: {missing}")
    assert not wrong, "\n".join(wrong)


def test_every_stock_is_drawn_and_accounts_say_what_they_count() -> None:
    model = load_model()
    stocks = {name for name, variable in model.structure.variables.items() if variable.kind == "stock"}
    shown, everything = (stock_flows(model.program, accounts=accounts)[0] for accounts in (False, True))
    assert {one.stock for one in everything} == stocks > {one.stock for one in shown}
    held = {one.stock: one for one in everything}
    assert held["Cumulative Talent Out"].inflows == ("change of Cumulative Talent Out",)
    assert "newcomer departures" in held["Cumulative Talent Out"].drivers
    assert held["Poached Talent"].inflows == ("change of Poached Talent",)
    assert {"arrivals", "cash arrivals"} == set(held["Poached Talent"].drivers)
    assert [held[one.stock] for one in shown] == list(shown)  # what is drawn anyway is drawn the same


def test_no_number_of_a_loss_hides_behind_its_bar() -> None:
    loops = studied().names.loops[:2]
    size = np.array([[-3.0], [1.0]])
    adds = xr.Dataset(
        {"share": (("part", "draw", "time"), size[..., None]), "standard_error": (("part", "draw", "time"), 0 * size[..., None]),
         "without": (("draw", "time"), [[-4.0]]), "whole": (("draw", "time"), [[-6.0]])},
        {"part": [one.name for one in loops], "draw": [0], "time": [2034.0]},
        {"of": "total talent", "units": "person", "exact": 1},
    )  # fmt: skip
    about = {f"{what}_en": what for what in ("city", "scenario", "against")}
    shares = xr.Dataset(
        attrs={**about, "city": "x", "against": "y", "source": "s", "model": "m", "model_sha256": "0" * 64}
    )
    study = LoopStudy(LoopNames(loops), shares, adds, studied().links, ())
    with house_style():
        figure = plot_waterfall(study, shipped_labels(), "en")
        figure.canvas.draw()
        (axes,) = figure.axes
        bars = [bar.get_window_extent() for bar in axes.patches if bar.get_width()]
        numbers = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert {"−4.00", "−6.00", "−3.00", "+1.00"} <= set(numbers)
    assert [text for text, box in numbers.items() if any(bar.padded(-1).overlaps(box) for bar in bars)] == []


def test_english_pictures_have_straight_quotation_marks(tmp_path: Path) -> None:
    with house_style():
        figure = new_figure(3, 2)
        texts = [figure.text(0.1, y, told) for y, told in ((0.2, "“a” and ‘b’"), (0.6, "“合肥”"))]
    save_figure(figure, tmp_path / "one.png")
    assert [text.get_text() for text in texts] == ["\"a\" and 'b'", "“合肥”"]


def test_a_loop_is_called_the_same_in_every_picture() -> None:
    labels, loops = shipped_labels(), city_study().names.loops
    assert {one.name: one.label for one in loops} == {
        one.name: {lang: labels.element(one.name, lang) for lang in one.label} for one in loops
    }


def test_eighteen_scenarios_have_eighteen_colours() -> None:
    assert len({line_look(style)["color"] for style in range(18)}) == 18
