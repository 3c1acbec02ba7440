"""Forecasts of the past against what happened, and what the data changed of every fitted constant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.backtest import forecast_scores as scores
from talent_sd.backtest.run_backtest import SCORED, Backtest, actual_levels
from talent_sd.base.dims import BANDS
from talent_sd.base.language import N_, tell
from talent_sd.base.version import __version__
from talent_sd.inputs.labels import shipped_labels
from talent_sd.output.backtest_tables import OUTCOMES as OUTCOME_NAMES
from talent_sd.output.figures.panels import CUT, mark_cut
from talent_sd.output.figures.sheet import foot_lines
from talent_sd.output.speech import chance
from talent_sd.output.style import GREY, INK, heading, house_style, line_look, new_figure, save_figure
from talent_sd.uncertainty.fitted_constants import Beliefs
from talent_sd.uncertainty.growth_target import last_known
from talent_sd.uncertainty.posterior import Posterior
from talent_sd.uncertainty.windows import OUTCOMES, national_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from talent_sd.model.structure import Structure

FANS = N_("Forecast of {outcome} from {year}, level of {year} = 1")
CARRIED = N_(
    " No census fell in {year}: that level is carried on from the last one, so forecasts begin a little beside 1."
)
PRIOR_AND_POSTERIOR = N_("What the data changed: densities, each on its own scale")
PREDICTIVE = N_(
    "Share of draws below what happened, in tenths (the line: as many cities in each, as honest forecasts have)"
)
RELIABILITY = N_("Outcomes inside the forecast intervals, {start}–{end}: {cities}")
BARS = N_(" Bars: one standard error over provinces, either way.")
SHOWN = {True: N_("{count} cities that the fit did not see"), False: N_("{count} cities, all of them fitted")}
SOURCE = N_("Source: {source}, model {model} ({hash}). {draws} draws.")

NAMED = ("邯郸市", "绵阳市", "无锡市", "东莞市", "成都市", "苏州市", "长沙市", "合肥市", "深圳市", "沈阳市", "杭州市",
         "郑州市", "上海市", "北京市")  # fmt: skip
"""The cities that the article names; the panel's own first ones where it has none of them."""
PAGE = 8.0
"""Inches across: what a printed page takes."""
COLUMNS = 5
PRIORS_ACROSS = 4
BESIDE = 1e-3
"""A forecast that begins farther from 1 is told to."""
BINS = 32
"""Bars of each histogram: a thousand draws show their shape, not their chance."""
BLUE = str(line_look(0)["color"])
RED = str(line_look(1)["color"])
FAN = {80: "#d1dae7", 50: "#92adca"}
"""Colours of bands: opaque, so that a key shows them as they are."""

ON_ITS_LINE = "beside the heading"
"""Mark of a key that stands on the heading's line."""


def backtest_source(test: Backtest, structure: Structure, lang: str) -> str:
    """Say what made the forecasts of a back-test."""
    return tell(
        SOURCE, lang, source=f"talent_sd {__version__}", model=Path(structure.path).name,
        hash=structure.sha256[:8], draws=len(test.spread[SCORED[0]]),
    )  # fmt: skip


def save_backtest_plots(test: Backtest, source: str, folder: Path, lang: str = "en") -> None:
    """Draw `forecast_and_actual.png`, `reliability.png` and `cities_<outcome>.png` into a folder.

    Parameters
    ----------
    source : what is written below each, as `backtest_source` gives it
    """
    save_reliability_plot(test, source, folder, lang)
    with house_style():
        _scatter(test, source, folder / "forecast_and_actual.png", lang)
        for outcome in OUTCOMES:
            if last_known(actual_levels(test.window, outcome)) is not None:
                _fans(test, outcome, source, folder / f"cities_{outcome}.png", lang)


def save_predictive_plot(test: Backtest, source: str, folder: Path, lang: str = "en") -> None:
    """Draw `predictive_check.png`: where in their forecasts outcomes fell, in ten equal parts.

    Flat bars are honest intervals; a heap in the middle, intervals that are too wide; heaps at the
    ends, too narrow ones; a slope, a bias.
    """
    from matplotlib.ticker import MultipleLocator

    with house_style():
        figure = new_figure(PAGE, 2.6)
        axes = figure.subplots(1, len(SCORED), sharey=True)
        for axis, outcome in zip(axes, SCORED, strict=True):
            actual = actual_levels(test.window, outcome)
            row = last_known(actual)
            if row is None:
                axis.set_axis_off()
                continue
            known = np.isfinite(actual[row]) & np.isfinite(test.spread[outcome][0, row])
            rank = (test.spread[outcome][:, row] < actual[row]).mean(axis=0)[known]
            axis.hist(
                rank, np.linspace(0, 1, 11), color=BLUE, alpha=0.6, weights=np.full(len(rank), 1 / len(rank))
            )
            axis.axhline(0.1, color=INK, lw=0.7)
            named = tell(OUTCOME_NAMES[outcome], lang)
            axis.set_title(named[:1].upper() + named[1:], loc="left")
            axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axis.set_xlabel(tell("draws below", lang))
        axes[0].set_ylabel(tell("share of cities", lang))
        axes[0].yaxis.set_major_locator(MultipleLocator(0.05))
        _finish(figure, tell(PREDICTIVE, lang), folder / "predictive_check.png", source, top=0.94)


def save_reliability_plot(test: Backtest, source: str, folder: Path, lang: str = "en") -> None:
    """Draw `reliability.png`: how many outcomes fell inside intervals of every width, a panel an outcome.

    On the diagonal intervals are honest; above it too wide, below too narrow. Only cities
    that took no part in the fit, where there are any.
    """
    unseen = bool((~test.fitted).any())
    keep = ~test.fitted if unseen else test.fitted
    with house_style():
        figure = new_figure(PAGE, 2.9)
        axes = figure.subplots(1, len(SCORED), sharey=True, sharex=True)
        for axis, outcome in zip(axes, SCORED, strict=True):
            named = tell(OUTCOME_NAMES[outcome], lang)
            axis.set_title(named[:1].upper() + named[1:], loc="left")
            row = last_known(actual_levels(test.window, outcome))
            if row is not None:
                _reliability(axis, test, outcome, row, keep, lang)
            axis.set_xlabel(tell("claimed, %", lang))
        axes[0].set_ylabel(tell("found, %", lang))
        cities = tell(SHOWN[unseen], lang, count=int(keep.sum()))
        title = tell(RELIABILITY, lang, start=test.window.years[0], end=test.window.years[-1], cities=cities)
        figure.legend(*axes[1].get_legend_handles_labels(), loc="lower center", ncols=3, frameon=False,
                      bbox_to_anchor=(0.5, 0.05))  # fmt: skip
        _finish(figure, title, folder / "reliability.png", source + tell(BARS, lang), bottom=0.07)


def _reliability(axis: Axes, test: Backtest, outcome: str, row: int, keep: np.ndarray, lang: str) -> None:
    """Draw one outcome's curve, with error bars at the intervals that fans show."""
    actual = actual_levels(test.window, outcome)[row]
    known = keep & np.isfinite(actual) & np.isfinite(test.spread[outcome][0, row])
    provinces = np.array(test.window.provinces)[known]
    shares = np.linspace(0.05, 0.95, 19)
    axis.plot([0, 100], [0, 100], color=INK, lw=0.7, label=tell(N_("honest: as many found as claimed"), lang))
    axis.grid(visible=True, axis="x")
    for spread, colour, dash, key in (
        (test.spread, BLUE, "-", N_("with noise")),
        (test.parameters_only, GREY, "--", N_("parameters alone")),
    ):
        values = spread[outcome][:, row, known]
        found = [100 * scores.coverage(values, actual[known], share) for share in shares]
        axis.plot(100 * shares, found, color=colour, linestyle=dash, lw=1.3, label=tell(key, lang))
    for share in (band / 100 for band in BANDS):
        inside = scores.covered(test.spread[outcome][:, row, known], actual[known], share)
        error = 100 * scores.province_error(inside, provinces)
        axis.errorbar(100 * share, 100 * inside.mean(), error, fmt="o", ms=3, color=BLUE, lw=1, capsize=2)
    axis.set_xlim(0, 100)
    axis.set_ylim(0, 100)
    axis.set_xticks([0, 50, 80, 100])
    axis.set_yticks([0, 25, 50, 75, 100])


def _scatter(test: Backtest, source: str, file: Path, lang: str) -> None:
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
        for keep, colour, key in ((test.fitted, GREY, N_("fitted")), (~test.fitted, BLUE, N_("unseen"))):
            if not keep.any():
                continue
            axis.plot(
                forecast[keep], happened[keep], "o", ms=3, mec="none", color=colour, alpha=0.75,
                label=tell(key, lang),
            )  # fmt: skip
        ends = np.nanquantile(np.concatenate([forecast, happened]), [0, 1])
        axis.plot(
            ends,
            ends,
            color=INK,
            lw=0.7,
            label=tell(N_("exactly as forecast; dots above it: more than forecast"), lang),
        )
        named = tell(OUTCOME_NAMES[outcome], lang)
        axis.set_title(f"{named[:1].upper()}{named[1:]}, {years[0]}–{years[row]}", loc="left")
        axis.set_xlabel(tell("forecast, log growth against the nation", lang))
        axis.set_ylabel(tell("actual, log growth against the nation", lang))
    keyed = {
        name: dot for axis in figure.axes for dot, name in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(keyed.values(), keyed, ncols=len(keyed), frameon=False).set_gid(
        ON_ITS_LINE
    )  # no dot is there
    _finish(figure, tell("Forecast against what happened", lang), file, source)


def _fans(test: Backtest, outcome: str, source: str, file: Path, lang: str) -> None:
    """Draw the named cities' fans with what happened, the level of the first year = 1."""
    names = [name for name in NAMED if name in test.window.cities] or list(test.window.cities[: len(NAMED)])
    rows = -(-len(names) // COLUMNS)
    titles = _city_titles(lang)
    figure = new_figure(PAGE, 1.75 * rows + 0.8)
    axes = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True).ravel()
    for axis, name in zip(axes, names, strict=False):
        _fan(axis, test, outcome, test.window.cities.index(name), lang)
        axis.set_title(titles.get(name, name), fontsize=8, loc="left")
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    for axis in axes[max(len(names) - COLUMNS, 0) : len(names)]:  # the lowest of each column
        axis.tick_params(labelbottom=True)
    title = tell(FANS, lang, outcome=tell(OUTCOME_NAMES[outcome], lang), year=test.window.years[0])
    below = 1 - 0.3 / figure.get_figheight()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.0, below), ncols=4,
                  frameon=False)  # fmt: skip
    begins = np.exp(np.median(test.spread[outcome][:, 0], axis=0) - test.window.start[outcome])
    if np.nanmax(np.abs(begins - 1)) > BESIDE:
        source += tell(CARRIED, lang, year=test.window.years[0])
    _finish(figure, title, file, source, top=1 - 0.5 / figure.get_figheight())


def _city_titles(lang: str) -> dict[str, str]:
    """Return the shipped cities' names in a language, by the names that panels may call them."""
    from talent_sd.inputs import list_cities, load_city

    cities = {name: load_city(name).title for name in list_cities()}
    return {
        key: title[lang] for name, title in cities.items() for key in (name, title["zh"], title["zh"] + "市")
    }


def _fan(axis: Axes, test: Backtest, outcome: str, city: int, lang: str) -> None:
    """Draw one city: 50 and 80 % bands, median, and what happened."""
    years = np.array(test.window.years)
    start = test.window.start[outcome][city]
    values = np.exp(test.spread[outcome][:, :, city] - start)
    for band, colour in FAN.items():
        ends = np.quantile(values, BANDS[band], axis=0)
        axis.fill_between(years, *ends, color=colour, lw=0, label=chance(band / 100, lang))
    axis.plot(
        years, np.quantile(values, 0.5, axis=0), color=BLUE, lw=1.1, label=tell("median forecast", lang)
    )
    actual = np.exp(actual_levels(test.window, outcome)[:, city] - start)
    known = np.isfinite(actual)
    axis.plot(years[known], actual[known], "o-", color=RED, ms=2.5, lw=1, label=tell("what happened", lang))
    axis.set_xticks([years[0], years[-1]])
    mark_cut(axis)


def save_calibration_plots(
    beliefs: Beliefs, posterior: Posterior, source: str, folder: Path, lang: str = "en"
) -> None:
    """Draw `prior_and_posterior.png` into a folder."""
    count = len(beliefs.names)
    rows = -(-count // PRIORS_ACROSS)
    chance = (np.arange(4000)[:, None] + 0.5) / 4000 * np.ones(count)
    prior = beliefs.spread(chance)
    with house_style():
        figure = new_figure(PAGE, 1.45 * rows + 0.7)
        axes = figure.subplots(rows, PRIORS_ACROSS, squeeze=False).ravel()
        for column, name in enumerate(beliefs.names):
            axis = axes[column]
            inside = np.quantile(
                np.concatenate([prior[:, column], posterior.values[:, column]]), [0.001, 0.999]
            )
            edges = np.linspace(inside[0], inside[1], BINS + 1)
            for values, colour, key in (
                (prior[:, column], GREY, N_("prior")),
                (posterior.values[:, column], BLUE, N_("posterior")),
            ):
                axis.hist(values, edges, density=True, color=colour, alpha=0.55, label=tell(key, lang))
            axis.set_xlim(*inside)
            axis.set_yticks([])
            axis.grid(visible=False)
            title = foot_lines(shipped_labels().variable(name, lang), PAGE / PRIORS_ACROSS - 0.2, 7.5)
            axis.set_title("\n".join(title), fontsize=7.5, loc="left")
            axis.locator_params(axis="x", nbins=4)
        for axis in axes[count:]:
            axis.set_axis_off()
        figure.legend(*axes[0].get_legend_handles_labels(), ncols=2, frameon=False).set_gid(ON_ITS_LINE)
        _finish(figure, tell(PRIOR_AND_POSTERIOR, lang), folder / "prior_and_posterior.png", source)


def _finish(
    figure: Figure, title: str, file: Path, source: str, *, bottom: float = 0, top: float = 0.97
) -> None:
    """Write a title above what lies between bottom and top (parts of the height), the source below, and the file."""
    foot, high = foot_lines(source, figure.get_figwidth() - 0.2), figure.get_figheight()
    told = figure.suptitle(title, x=0.01, ha="left", **heading()).get_window_extent()
    for key in figure.legends:
        if key.get_gid() == ON_ITS_LINE:
            _, middle = figure.transFigure.inverted().transform((0, (told.y0 + told.y1) / 2))
            key.set_loc("center right")
            key.set_bbox_to_anchor((1, float(middle)), figure.transFigure)
    figure.text(0.01, 0.06 / high, "\n".join(foot), fontsize=6, color=GREY, va="bottom")
    figure.tight_layout(rect=(0, bottom + (0.1 + 0.11 * len(foot)) / high, 1, top))
    for axes in figure.axes:
        for along in {
            str(line.get_gid()).removeprefix(CUT)
            for line in axes.lines
            if str(line.get_gid()).startswith(CUT)
        }:
            mark_cut(axes, along=along)  # the layout has moved the ticks
    save_figure(figure, file)
