"""Pictures show the dataset's numbers, in its units, in either language, without touching labels."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from PIL import Image

from talent_sd.base.errors import InputError
from talent_sd.forecast.compare import compare
from talent_sd.inputs.labels import Labels, Sector
from talent_sd.output.figures.panels import AS_COUNTED, Line, draw_panel, end_labels
from talent_sd.output.figures.plot_comparison import plot_differences, plot_paths
from talent_sd.output.figures.plot_forecast import plot_overview, plot_sector, save_forecast_plots
from talent_sd.output.style import (
    BASELINE,
    DOTS_PER_INCH,
    house_style,
    line_look,
    new_figure,
    save_figure,
)

Invent = Callable[..., xr.Dataset]
ALL = ("baseline", "cash_subsidy_only", "hefei_combination")


def texts(figure: Figure) -> list[str]:
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts]
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_overview_has_a_panel_with_title_and_unit_per_headline(
    invented_forecast: Invent, invented_labels: Labels, lang: str
) -> None:
    figure = plot_overview(invented_forecast(), invented_labels, lang)
    assert len(figure.axes) == len(invented_labels.headline)
    shown = texts(figure)
    assert {invented_labels.variable(name, lang) for name in invented_labels.headline} <= set(shown)
    units = {"en": "billion yuan/year", "zh": "亿元/年"}
    cities = {"en": "Hefei · Baseline", "zh": "合肥 · 基准情景"}
    assert units[lang] in shown
    assert cities[lang] in shown


def test_a_line_carries_the_dataset_in_the_panels_scale(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    forecast = invented_forecast()
    axes = plot_overview(forecast, invented_labels).axes[invented_labels.headline.index("tax base")]
    years, values = axes.lines[0].get_data()
    np.testing.assert_array_equal(years, forecast["time"].values)
    np.testing.assert_allclose(values, forecast["tax base"].values.ravel() / 1e9)


def test_what_was_counted_stands_as_dots_before_and_inside_the_forecast(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    forecast = invented_forecast(ALL)
    inside = float(forecast["time"][1])
    known = {"tax base": [(2009, 1e9), (2013, 2.5e9), (inside, 7e9), (2090, 9e9)]}
    for figure in (
        plot_overview(forecast, invented_labels, known=known),
        plot_paths(forecast, invented_labels, known=known),
    ):
        titled = {axes.texts[1].get_text(): axes for axes in figure.axes}
        axes = titled[invented_labels.variable("tax base", "en")]
        (dots,) = [line for line in axes.lines if line.get_gid() == AS_COUNTED]
        np.testing.assert_array_equal(np.array(dots.get_data()), [[2013, inside], [2.5, 7.0]])
        assert axes.get_xlim() == (2013, float(forecast["time"][-1]))
        others = [own for own in figure.axes if own is not axes]
        assert others
        assert all(line.get_gid() != AS_COUNTED for own in others for line in own.lines)
    shown = " ".join(texts(plot_overview(forecast, invented_labels, known=known)))
    assert "Dots: as counted." in " ".join(shown.split())
    assert "as counted" not in " ".join(texts(plot_overview(forecast, invented_labels)))


def test_tiers_of_very_different_size_become_an_index(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    figure = plot_overview(invented_forecast(), invented_labels)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    assert len(lines) == 4
    assert [float(line.get_ydata()[2]) for line in lines] == pytest.approx([100.0] * 4)
    assert "index, 2024 = 100" in texts(figure)
    assert "Leading\n552 → 745 people" in texts(figure)


def test_what_can_be_a_debt_is_never_an_index(invented_forecast: Invent, invented_labels: Labels) -> None:
    figure = plot_sector(invented_forecast(), invented_labels.sectors[0], invented_labels)
    assert "billion yuan/year" in texts(figure)
    assert not [text for text in texts(figure) if text.startswith("index")]


def test_lines_that_are_nothing_throughout_are_left_out(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    forecast = invented_forecast()
    forecast["Talent"].loc[{"tier": ["professional", "skilled", "graduate"]}] = 0.0
    shown = texts(plot_overview(forecast, invented_labels))
    assert "Leading" in shown
    assert [text for text in shown if text.startswith(("Professional", "Skilled", "Graduate"))] == []
    assert any("Not drawn, zero throughout: Professional, Skilled, Graduate (a)." in text for text in shown)
    forecast["Talent"][:] = 0.0
    figure = plot_overview(forecast, invented_labels)
    assert len(figure.axes) == len(invented_labels.headline) - 1
    assert any("Not drawn, the same in every year and draw: Talent" in text for text in texts(figure))


def test_many_lines_alike_are_written_as_one(invented_forecast: Invent, invented_labels: Labels) -> None:
    forecast = invented_forecast()
    names = [f"policy {number}" for number in range(7)]
    level = (
        forecast["City Brand"]
        .expand_dims(policy=names)
        .transpose("scenario", "draw", "time", "policy")
        .copy()
    )
    level[..., :6] = 1.0
    labels = Labels(headline=("credibility",))
    shown = texts(plot_overview(forecast.assign(credibility=level), labels))
    assert "6 others" in shown
    assert "policy 6" in shown
    level[:] = level.values[..., 6:]
    assert "all 7" in texts(plot_overview(forecast.assign(credibility=level), labels))


def test_no_two_scenarios_of_thirty_look_the_same() -> None:
    looks = {tuple(map(str, line_look(style).values())) for style in (BASELINE, *range(30))}
    assert len(looks) == 31


def test_a_heading_too_long_for_its_panel_is_broken(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    names = ("tax base", "social security balance", "invention patents", "years of balance")
    forecast = invented_forecast()
    for name in names:
        forecast[name].attrs["units"] = "1"
    sector = Sector("long", {"en": "Long", "zh": "长"}, (names,))
    shown = texts(plot_sector(forecast, sector, invented_labels))
    told = [
        "Tax base (enterprise profit), social-security balance, invention patents granted, years the fund lasts"
    ]
    assert [
        " ".join(text.split()) for text in shown if text.startswith("Tax base (enterprise profit),")
    ] == told
    assert "dimensionless" in shown


def test_draws_are_drawn_as_three_bands_around_the_median(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    forecast = invented_forecast(draws=101)
    axes = plot_overview(forecast, invented_labels).axes[invented_labels.headline.index("City Brand")]
    draws = forecast["City Brand"].isel(time=-1).values.ravel()
    ends = [band.get_paths()[0].vertices for band in axes.collections]
    spans = [(v[v[:, 0] == 2034.0][:, 1].min(), v[v[:, 0] == 2034.0][:, 1].max()) for v in ends]
    expected = [np.quantile(draws, pair) for pair in ((0.025, 0.975), (0.1, 0.9), (0.25, 0.75))]
    np.testing.assert_allclose(spans, expected)
    assert float(axes.lines[0].get_ydata()[-1]) == pytest.approx(float(np.median(draws)))


def test_differences_start_at_zero_in_every_panel(invented_forecast: Invent, invented_labels: Labels) -> None:
    figure = plot_differences(compare(invented_forecast(ALL)), invented_labels)
    assert len(figure.axes) == 9
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert low <= 0 <= high
    assert "Difference from the baseline (Baseline)" in texts(figure)


def test_what_is_a_debt_at_times_differs_in_its_own_unit_not_in_percent(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    change = compare(invented_forecast(ALL))
    axes = plot_differences(change, invented_labels).axes[6]
    assert [text.get_text() for text in axes.texts][1:3] == ["Social-security balance", "billion yuan/year"]
    last = change["social security balance"].sel(scenario="cash_subsidy_only").isel(time=-1).item()
    assert float(axes.lines[0].get_ydata()[-1]) == pytest.approx(last / 1e9)


def test_a_scenario_keeps_its_colour_in_paths_and_differences(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    spread = invented_forecast(ALL)
    paths = plot_paths(spread, invented_labels).axes[0].lines
    differences = plot_differences(compare(spread), invented_labels).axes[0].lines
    first = {line.get_label(): line.get_color() for line in paths if not line.get_label().startswith("_")}
    second = {
        line.get_label(): line.get_color() for line in differences if not line.get_label().startswith("_")
    }
    assert set(first) == {"Baseline", "Cash subsidy only", "Hefei-style combination"}
    assert {name: first[name] for name in second} == second


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_two_texts_touch_and_none_leaves_the_page(
    invented_forecast: Invent, invented_labels: Labels, lang: str
) -> None:
    spread = invented_forecast(ALL, 20)
    figures = [
        plot_overview(spread, invented_labels, lang),
        plot_sector(spread, invented_labels.sectors[0], invented_labels, lang),
        plot_paths(spread, invented_labels, lang),
        plot_differences(compare(spread), invented_labels, lang),
    ]
    for figure in figures:
        with house_style():
            figure.canvas.draw()
            artists = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
            boxes = [(a.get_text(), a.get_window_extent()) for a in artists if a.get_text()]
        page = figure.bbox
        assert [
            t for t, box in boxes if box.x0 < 0 or box.x1 > page.x1 or box.y0 < 0 or box.y1 > page.y1
        ] == []
        # a pixel of common border is the fonts' own leading
        touching = [
            (a, b) for (a, x), (b, y) in combinations(boxes, 2) if x.padded(-1.5).overlaps(y.padded(-1.5))
        ]
        assert touching == []


def test_plots_leave_the_users_settings_alone(
    invented_forecast: Invent, invented_labels: Labels, tmp_path: Path
) -> None:
    before = mpl.rcParams.copy()
    save_forecast_plots(invented_forecast(), invented_labels, "zh", tmp_path)
    assert mpl.rcParams == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["overview.png", "sector_fiscal.png"]


def test_the_same_forecast_gives_the_same_bytes(
    invented_forecast: Invent, invented_labels: Labels, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save_forecast_plots(invented_forecast(), invented_labels, "en", tmp_path / name)
    first, second = ((tmp_path / name / "overview.png").read_bytes() for name in ("one", "two"))
    assert first == second


def test_a_picture_is_written_as_drawn(tmp_path: Path) -> None:
    figure = new_figure(1.03, 0.52)
    figure.text(0.1, 0.4, "Talent")
    save_figure(figure, tmp_path / "one.png")
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]
    with Image.open(tmp_path / "one.png") as read:
        assert read.mode == "RGB"
        assert read.info["Software"] == "talent_sd"
        assert read.info["dpi"] == pytest.approx((DOTS_PER_INCH, DOTS_PER_INCH), rel=1e-4)
        assert np.array_equal(np.asarray(read), drawn)
        assert drawn.min() < 255


def test_nothing_to_plot_is_said(invented_forecast: Invent) -> None:
    with pytest.raises(InputError, match="^nothing to plot: the forecast has none of 'Fund'.$"):
        plot_overview(invented_forecast(), Labels(headline=("Fund",)))


def test_what_is_next_to_nothing_is_told_and_has_no_axis_of_its_own(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    forecast = invented_forecast(draws=101)
    brand = forecast["City Brand"]
    brand[:] = 0.0
    brand[0, 7] = 0.0038  # one draw of 101: no band shows it
    shown = " ".join(" ".join(texts(plot_overview(forecast, invented_labels))).split())
    assert "Not drawn, next to nothing in 95 % of the draws: City brand 0 to 0.00380." in shown
    brand[:, :50] = 0.0038
    assert "next to nothing" not in " ".join(texts(plot_overview(forecast, invented_labels)))


def test_a_last_value_is_told_no_finer_than_its_panel_shows() -> None:
    def told(*values: float) -> list[str]:
        return end_labels([Line("x", np.arange(float(len(values))), np.array([values]))])

    assert (told(2.83, 0.00706), told(2.83, -0.00706), told(2830.0, 7.06)) == (["0.01"], ["−0.01"], ["10"])
    assert told(2.83, 1.234) == ["1.23"]


def test_lines_on_one_another_are_named(invented_forecast: Invent, invented_labels: Labels) -> None:
    forecast = invented_forecast()
    sector = Sector("x", {"en": "X", "zh": "X"}, (("tax base", "City Brand"),))
    forecast["City Brand"] = forecast["tax base"] * 1.001
    said = "On one another, apart by less than their width: "
    shown = " ".join(" ".join(texts(plot_sector(forecast, sector, invented_labels))).split())
    assert f"{said}Tax base (enterprise profit), City brand (a)." in shown
    forecast["City Brand"] = forecast["tax base"] * 1.1
    assert said not in " ".join(" ".join(texts(plot_sector(forecast, sector, invented_labels))).split())


@pytest.mark.parametrize("low", [0.7, 0.9, 0.999, -0.9, -0.7])
def test_nothing_lies_under_the_mark_of_a_cut_axis(low: float) -> None:
    values = np.array([[low, 1.0, low]]) if low > 0 else np.array([[low, -1.0, low]])
    with house_style():
        axes = Figure().add_subplot()
        draw_panel(
            axes,
            [Line("x", np.arange(3.0), values)],
            title="",
            unit="",
            letter="",
            lang="en",
            forecast_from=None,
        )
    at = axes.transAxes.inverted().transform(axes.transData.transform([(0.0, one) for one in values[0]]))[
        :, 1
    ]
    marks = [line.get_ydata() for line in axes.lines if str(line.get_gid() or "").startswith("cut")]
    assert len(marks) == 2
    edge = max(map(max, marks)) if low > 0 else min(map(min, marks))
    assert all(one > edge if low > 0 else one < edge for one in at)


def test_leaps_of_what_was_counted_are_named(invented_forecast: Invent, invented_labels: Labels) -> None:
    forecast = invented_forecast()
    forecast["tax base"].attrs["units"] = "person"
    known = {"tax base": [(2010, 5e9), (2011, 7e9), (2012, 7.1e9), (2020, 9e9)]}
    shown = " ".join(" ".join(texts(plot_overview(forecast, invented_labels, known=known))).split())
    assert "as counted leap in 2011: borders or the way of counting changed." in shown
