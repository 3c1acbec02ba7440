"""Pictures of comparisons: paths of scenarios, their differences from the baseline, and cities side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import BAND, CITY, DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, listed, tell
from talent_sd.forecast.compare import RELATIVE
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import FANS, Line, mark_cut
from talent_sd.output.figures.plot_forecast import NOTHING_KNOWN, Known
from talent_sd.output.figures.sheet import BANDS as SHEET_BANDS
from talent_sd.output.figures.sheet import Panel, compose, unit_drawn, up_to
from talent_sd.output.headline_outputs import TOTAL, Output, headline_outputs
from talent_sd.output.speech import (
    city_name,
    scale_for,
    scenario_titles,
    source_line,
)
from talent_sd.output.style import (
    BASELINE,
    GREY,
    heading,
    house_style,
    line_look,
    new_figure,
    save_figure,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BANDS = N_(" Lines: medians of {draws} draws; bands: 80 % of them.")
BARS = N_(" Lines: medians of {draws} draws; bars at the end: 80 % of them.")
ON_ONE_ANOTHER = N_(" Lines on one another differ by less than their width: see the differences.")
BAND_TOLD = N_(" Medians of {draws} draws; lines: 80 % interval.")
PLOT = N_("Changes in {year} against {baseline}")

PICTURED = (TOTAL, "invention grants", "tax base")


def save_comparison_plots(
    spread: xr.Dataset,
    change: xr.Dataset,
    labels: Labels,
    lang: str,
    folder: Path,
    done: Callable[[int], None] = lambda _: None,
    known: Known = NOTHING_KNOWN,
) -> None:
    """Write `paths.png` and `differences.png`; `done(1)` is called after each."""
    save_figure(plot_paths(spread, labels, lang, change.attrs["baseline"], known), folder / "paths.png")
    done(1)
    save_figure(plot_differences(change, labels, lang), folder / "differences.png")
    done(1)


def plot_paths(
    spread: xr.Dataset,
    labels: Labels,
    lang: str = "en",
    baseline: str = "baseline",
    known: Known = NOTHING_KNOWN,
) -> Figure:
    """Draw the headline outputs of all scenarios, an output a panel, a scenario a line.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...), as `simulate` gives it
    known : variable -> (year, value) of what was counted, as `known_figures` gives it

    Raises
    ------
    InputError
        If it holds none of the headline variables.
    """
    styles = _styles(spread, baseline)
    panels = [
        _level_panel(one, styles, spread, labels, lang, known, one.most)
        for one in headline_outputs(spread, labels)
    ]
    return compose(
        _some(panels, labels),
        tell(N_("Scenarios compared", "plot"), lang),
        city_name(spread, lang),
        _source(spread, lang, *([ON_ONE_ANOTHER] if spread.sizes[SCENARIO] > 1 else [])),
        lang,
        spread.attrs.get("forecast_from"),
        key=panels[0].lines,
    )


def plot_differences(change: xr.Dataset, labels: Labels, lang: str = "en") -> Figure:
    """Draw what each scenario changes against the baseline, an output a panel.

    Changes are relative; of an output whose baseline is zero or a debt at times, and of
    years, absolute.

    Parameters
    ----------
    change : as `compare` gives it

    Raises
    ------
    InputError
        If it holds none of the headline variables.
    """
    styles = _styles(change, change.attrs["baseline"])
    panels = [
        Panel(_title(one, labels, lang), "%", _lines(one.relative * 100, styles, change, lang))
        if one.percent_means_something and one.relative is not None
        else _level_panel(one, styles, change, labels, lang)
        for one in headline_outputs(change, labels)
    ]
    baseline = change.attrs.get(f"baseline_title_{lang}", change.attrs["baseline"])
    return compose(
        _some(panels, labels),
        tell("Difference from the baseline ({baseline})", lang, baseline=baseline),
        city_name(change, lang),
        _source(change, lang),
        lang,
        change.attrs.get("forecast_from"),
        zero_line=True,
        key=panels[0].lines,
    )


def _source(dataset: xr.Dataset, lang: str, *more: str) -> str:
    scenarios = dataset.sizes[SCENARIO]
    bands = SHEET_BANDS[1] if scenarios == 1 else BANDS if scenarios <= FANS else BARS
    return source_line(dataset, lang, [bands, *more], dataset.attrs.get("forecast_from"))


def _some(panels: Sequence[Panel], labels: Labels) -> Sequence[Panel]:
    if not panels:
        raise InputError(
            "nothing to plot: the comparison has none of {headline}.", headline=listed(labels.headline)
        )
    return panels


def _styles(dataset: xr.Dataset, baseline: str) -> dict[str, int]:
    """Give the baseline its grey, the others colours in order; the same in every picture."""
    others = [name for name in map(str, dataset[SCENARIO].values) if name != baseline]
    return {**{name: number for number, name in enumerate(others)}, baseline: BASELINE}


def _title(one: Output, labels: Labels, lang: str) -> str:
    """Return an output's name, of one element of it the element's alone: panels are narrow."""
    return one.elements(labels, lang) or labels.variable(one.name, lang)


def _level_panel(
    one: Output, styles: dict[str, int], dataset: xr.Dataset, labels: Labels, lang: str,
    known: Known = NOTHING_KNOWN, most: float = np.inf,
) -> Panel:  # fmt: skip
    scale = scale_for(min(one.largest, most), one.unit, lang)
    counted = () if one.chosen else known.get(one.name, ())
    lines = [
        replace(line, known=counted if line.style == BASELINE else ()).divided(scale.factor)
        for line in up_to(_lines(one.values, styles, dataset, lang), most, lang)
    ]
    unit = unit_drawn(scale.unit or tell("dimensionless", lang), lines, lang)
    return Panel(_title(one, labels, lang), unit, tuple(lines))


def _lines(array: xr.DataArray, styles: dict[str, int], dataset: xr.Dataset, lang: str) -> tuple[Line, ...]:
    titles = scenario_titles(dataset, lang)
    values = array.transpose(SCENARIO, DRAW, TIME).values
    years = dataset[TIME].values
    return tuple(
        Line(title, years, own, styles[name])
        for (name, title), own in zip(titles.items(), values, strict=True)
    )


def by_change(last: xr.DataArray) -> list[str]:
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
            low, high = values.quantile(BAND, DRAW).values
            axis.hlines(places, low, high, color=look["color"], linewidth=1.1, alpha=0.55)
        axis.plot(
            values.median(DRAW).values, places, look["marker"], color=look["color"], markersize=3.6,
            label=titles[scenario],
        )  # fmt: skip
    axis.axvline(0, color=GREY, linewidth=0.7)
    mark_cut(axis, along="x")
    axis.grid(axis="x")
    axis.grid(visible=False, axis="y")


def plot_cities(change: xr.Dataset, labels: Labels, lang: str = "en") -> Figure:
    """Draw relative changes in the last year: a row a city, a panel an output, a mark a scenario.

    Parameters
    ----------
    change : dims (scenario, city, draw, time), as `compare_cities` gives it; of several draws
        the median with the 80 % interval
    """
    order = by_change(change[TOTAL + RELATIVE].isel({TIME: -1}))[::-1]
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
        source = source_line(change, lang, [BAND_TOLD])
        figure.text(0.02, 0.10 / height, source, fontsize=6.5, color=GREY)
    return figure
