"""Forecasts of the past against what happened: all cities at once, and the named ones as fans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.analysis.backtest import Backtest, actual_levels
from talent_sd.analysis.target import last_known
from talent_sd.analysis.windows import OUTCOMES, national_log
from talent_sd.base.words import word
from talent_sd.output.style import GREY, INK, heading, house_style, line_look, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = ("邯郸市", "绵阳市", "无锡市", "东莞市", "成都市", "苏州市", "长沙市", "合肥市", "深圳市", "沈阳市", "杭州市",
         "郑州市", "上海市", "北京市")  # fmt: skip
"""The cities that the article names; the panel's own first ones where it has none of them."""
COLUMNS = 5
BLUE = str(line_look(0)["color"])
RED = str(line_look(1)["color"])


def save_backtest_plots(test: Backtest, folder: Path, lang: str = "en") -> None:
    """Draw `forecast_and_actual.png` and `cities_<outcome>.png` into a folder."""
    with house_style():
        _scatter(test, folder / "forecast_and_actual.png", lang)
        for outcome in OUTCOMES:
            if last_known(actual_levels(test.window, outcome)) is not None:
                _fans(test, outcome, folder / f"cities_{outcome}.png", lang)


def save_predictive_plot(test: Backtest, folder: Path, lang: str = "en") -> None:
    """Draw `predictive_check.png`: where in their forecasts outcomes fell, in ten equal parts.

    Flat bars are honest intervals; a heap in the middle, intervals that are too wide; heaps at the
    ends, too narrow ones; a slope, a bias.
    """
    with house_style():
        figure = new_figure(8, 2.6)
        for axis, outcome in zip(figure.subplots(1, len(OUTCOMES), sharey=True), OUTCOMES, strict=True):
            actual = actual_levels(test.window, outcome)
            row = last_known(actual)
            if row is None:
                axis.set_axis_off()
                continue
            known = np.isfinite(actual[row])
            rank = (test.spread[outcome][:, row] < actual[row]).mean(axis=0)[known]
            axis.hist(
                rank, np.linspace(0, 1, 11), color=BLUE, alpha=0.6, weights=np.full(len(rank), 1 / len(rank))
            )
            axis.axhline(0.1, color=INK, lw=0.7)
            axis.set_title(word(f"outcome.{outcome}", lang), loc="left")
            axis.set_xticks([0, 0.5, 1])
        figure.suptitle(word("quality.predictive", lang), x=0.01, ha="left", **heading())
        figure.tight_layout(rect=(0, 0, 1, 0.94))
        save_figure(figure, folder / "predictive_check.png")


def _scatter(test: Backtest, file: Path, lang: str) -> None:
    """Draw growth against the nation, forecast against actual, a panel an outcome."""
    figure = new_figure(8, 8)
    for axis, outcome in zip(figure.subplots(2, 2).ravel(), OUTCOMES, strict=True):
        actual = actual_levels(test.window, outcome)
        row = last_known(actual)
        if row is None:
            axis.set_axis_off()
            continue
        years = test.window.years
        nation = national_log(test.window.national, outcome, years[row])
        nation -= national_log(test.window.national, outcome, years[0])
        start = test.window.start[outcome] + nation
        forecast = np.median(test.spread[outcome][:, row], axis=0) - start
        happened = actual[row] - start
        for keep, colour, key in ((test.fitted, GREY, "fitted"), (~test.fitted, BLUE, "unseen")):
            axis.plot(
                forecast[keep], happened[keep], "o", ms=3, mec="none", color=colour, alpha=0.75,
                label=word(f"quality.{key}", lang),
            )  # fmt: skip
        ends = np.nanquantile(np.concatenate([forecast, happened]), [0, 1])
        axis.plot(ends, ends, color=INK, lw=0.7)
        axis.set_title(f"{word(f'outcome.{outcome}', lang)}, {years[0]}–{years[row]}", loc="left")
        axis.set_xlabel(word("quality.forecast_growth", lang))
        axis.set_ylabel(word("quality.actual_growth", lang))
        axis.legend(frameon=False)
    figure.suptitle(word("quality.forecast_and_actual", lang), x=0.01, ha="left", **heading())
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    save_figure(figure, file)


def _fans(test: Backtest, outcome: str, file: Path, lang: str) -> None:
    """Draw the named cities' fans with what happened, start = 1."""
    names = [name for name in NAMED if name in test.window.cities] or list(test.window.cities[: len(NAMED)])
    rows = -(-len(names) // COLUMNS)
    figure = new_figure(9, 1.75 * rows + 0.6)
    axes = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True).ravel()
    for axis, name in zip(axes, names, strict=False):
        _fan(axis, test, outcome, test.window.cities.index(name), lang)
        axis.set_title(name, fontsize=8, loc="left")
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    title = word("quality.fans", lang, outcome=word(f"outcome.{outcome}", lang), year=test.window.years[0])
    figure.suptitle(title, x=0.01, ha="left", **heading())
    figure.legend(*axes[0].get_legend_handles_labels(), loc="upper right", ncols=3, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.96))
    save_figure(figure, file)


def _fan(axis: Axes, test: Backtest, outcome: str, city: int, lang: str) -> None:
    """Draw one city: 50 and 80 % bands, median, and what happened."""
    years = np.array(test.window.years)
    start = test.window.start[outcome][city]
    values = np.exp(test.spread[outcome][:, :, city] - start)
    low, quarter, middle, three, high = np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9], axis=0)
    axis.fill_between(years, low, high, color=BLUE, alpha=0.18, lw=0, label="80 %")
    axis.fill_between(years, quarter, three, color=BLUE, alpha=0.3, lw=0, label="50 %")
    axis.plot(years, middle, color=BLUE, lw=1.1)
    actual = np.exp(actual_levels(test.window, outcome)[:, city] - start)
    known = np.isfinite(actual)
    axis.plot(years[known], actual[known], "o-", color=RED, ms=2.5, lw=1, label=word("quality.actual", lang))
    axis.set_xticks([years[0], years[-1]])
