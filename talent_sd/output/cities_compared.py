"""Cities side by side: what scenarios change in each of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import CITY, DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, tell
from talent_sd.forecast.compare import RELATIVE, probability_better
from talent_sd.inputs.labels import Labels
from talent_sd.output.numbers import percent
from talent_sd.output.style import GREY, heading, house_style, line_look, new_figure, save_figure
from talent_sd.output.titles import scenario_titles, source_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.table import Table

BAND = N_(" Medians of {draws} draws; lines: 80 % interval.")
INTERVAL = N_("Median of {draws} draws, 80 % interval, share of draws better than the baseline.")
PLOT = N_("Changes in {year} against {baseline}")
TITLE = N_("{output} in {year}, change against {baseline}")

SHOWN = "total talent"
PICTURED = (SHOWN, "invention grants", "tax base")


def cities_table(change: xr.Dataset, labels: Labels, lang: str = "en") -> Table:
    """Make the table of relative changes of all talent in the last year: a row a city, a column a scenario.

    Parameters
    ----------
    change : dims (scenario, city, draw, time), as `compare_cities` gives it
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    last = change[SHOWN + RELATIVE].isel({TIME: -1})
    better = probability_better(last)
    many = last.sizes[DRAW] > 1
    year, baseline = f"{float(last[TIME]):g}", change.attrs.get(f"baseline_title_{lang}", "")
    title = tell(TITLE, lang, year=year, baseline=baseline, output=labels.variable(SHOWN, lang))
    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    if many:
        draws = change.attrs.get("draws", last.sizes[DRAW])
        table.caption = tell(INTERVAL, lang, draws=draws)
    table.add_column(tell("City", lang), no_wrap=True)
    titles = scenario_titles(change, lang)
    for name in titles.values():
        table.add_column(Text(name), justify="right")
    for city in ranked(last):
        cells = []
        for scenario in titles:
            one = last.sel({CITY: city, SCENARIO: scenario})
            cell = percent(float(one.median()))
            if many:
                low, high = one.quantile([0.1, 0.9]).values.tolist()
                chance = float(better.sel({CITY: city, SCENARIO: scenario}))
                held = tell("better in {chance} %", lang, chance=f"{100 * chance:.0f}")
                cell += f"\n{percent(low)} … {percent(high)}\n{held}"
            cells.append(cell)
        table.add_row(Text(str(change[f"{CITY}_{lang}"].sel({CITY: city}).item())), *cells)
    return table


def ranked(last: xr.DataArray) -> list[str]:
    """Return the cities by the median change of the last scenario, the largest first."""
    medians = last.isel({SCENARIO: -1}).median(DRAW)
    order = np.argsort(-medians.values, kind="stable")
    return [str(last[CITY].values[place]) for place in order]


def plot_cities_output(
    last: xr.DataArray, order: list[str], names: list[str], titles: Mapping[str, str], unit: str
) -> Figure:
    """Draw one output's changes: a row a city, a mark a scenario, without words of its own but names and unit.

    Parameters
    ----------
    last : dims (scenario, city, draw), in the unit told
    order, names : cities from the top down, and what they are called
    """
    with house_style():
        height = 0.55 + 0.27 * len(order)
        figure = new_figure(7.2, height)
        axis = figure.add_axes((0.14, 0.42 / height, 0.84, 1 - 0.5 / height))
        _draw_rows(axis, last, order[::-1], titles)
        axis.set_yticks(np.arange(len(order)), names[::-1])
        axis.set_ylim(-0.6, len(order) - 0.4)
        axis.set_xlabel(unit)
    return figure


def _draw_rows(axis: Axes, last: xr.DataArray, order: list[str], titles: Mapping[str, str]) -> None:
    """Draw medians as marks and 80 % intervals as lines, cities from the bottom up."""
    for number, scenario in enumerate(titles):
        shift = (number - (len(titles) - 1) / 2) * 0.22
        places = np.arange(len(order)) - shift
        values = last.sel({SCENARIO: scenario, CITY: order})
        look = line_look(number)
        if last.sizes[DRAW] > 1:
            low, high = values.quantile([0.1, 0.9], DRAW).values
            axis.hlines(places, low, high, color=look["color"], linewidth=1.1, alpha=0.55)
        axis.plot(
            values.median(DRAW).values, places, look["marker"], color=look["color"], markersize=3.6,
            label=titles[scenario],
        )  # fmt: skip
    axis.axvline(0, color=GREY, linewidth=0.7)
    axis.grid(axis="x")
    axis.grid(visible=False, axis="y")


def save_cities_plot(change: xr.Dataset, labels: Labels, lang: str, file: Path) -> None:
    """Write the picture of `plot_cities`."""
    save_figure(plot_cities(change, labels, lang), file)


def plot_cities(change: xr.Dataset, labels: Labels, lang: str = "en") -> Figure:
    """Draw relative changes in the last year: a row a city, a panel an output, a mark a scenario.

    Parameters
    ----------
    change : dims (scenario, city, draw, time), as `compare_cities` gives it; of several draws
        the median with the 80 % interval
    """
    order = ranked(change[SHOWN + RELATIVE].isel({TIME: -1}))[::-1]
    titles = scenario_titles(change, lang)
    with house_style():
        height = 1.5 + 0.30 * len(order)
        figure = new_figure(7.6, height)
        top, bottom = 1 - 1.02 / height, 0.62 / height
        axes = figure.subplots(1, len(PICTURED), sharey=True)
        figure.subplots_adjust(left=0.12, right=0.98, top=top, bottom=bottom, wspace=0.10)
        for axis, name in zip(axes, PICTURED, strict=True):
            _draw_rows(axis, 100 * change[name + RELATIVE].isel({TIME: -1}), order, titles)
            axis.set_title(labels.variable(name, lang), loc="left", fontsize=8.5, **heading())
            axis.set_xlabel("%")
        names = [str(change[f"{CITY}_{lang}"].sel({CITY: city}).item()) for city in order]
        axes[0].set_yticks(np.arange(len(order)), names)
        axes[0].set_ylim(-0.6, len(order) - 0.4)
        baseline = change.attrs.get(f"baseline_title_{lang}", "")
        title = tell(PLOT, lang, year=f"{float(change[TIME][-1]):g}", baseline=baseline)
        figure.text(0.02, 1 - 0.28 / height, title, fontsize=12, **heading())
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, names, loc="upper left", bbox_to_anchor=(0.015, 1 - 0.40 / height), ncols=4, frameon=False,
            fontsize=8, handletextpad=0.3, columnspacing=1.4,
        )  # fmt: skip
        figure.text(
            0.02,
            0.10 / height,
            source_line(change, lang, BAND, N_("Source: {source}, model {model} ({hash}).")),
            fontsize=6.5,
            color=GREY,
        )
    return figure
