"""Pictures of comparisons: paths of scenarios, their differences from the baseline, and cities side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BAND, CITY, DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, listed, tell
from talent_sd.forecast.compare import RELATIVE
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import Line, mark_cut
from talent_sd.output.figures.plot_forecast import Panel, compose
from talent_sd.output.headline_outputs import TOTAL, Output, headline_outputs
from talent_sd.output.speech import (
    MILLIONS,
    city_name,
    digits,
    goal_label,
    letter,
    scale_for,
    scenario_titles,
    source_line,
)
from talent_sd.output.style import (
    BASELINE,
    GREY,
    INK,
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

BANDS = N_(" Bands: 80 % of {draws} draws; where more than two lines share a panel, bars at the end.")
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
) -> None:
    """Write `paths.png` and `differences.png`; `done(1)` is called after each."""
    save_figure(plot_paths(spread, labels, lang, change.attrs["baseline"]), folder / "paths.png")
    done(1)
    save_figure(plot_differences(change, labels, lang), folder / "differences.png")
    done(1)


def plot_paths(spread: xr.Dataset, labels: Labels, lang: str = "en", baseline: str = "baseline") -> Figure:
    """Draw the headline outputs of all scenarios, an output a panel, a scenario a line.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...), as `simulate` gives it

    Raises
    ------
    InputError
        If it holds none of the headline variables.
    """
    styles = _styles(spread, baseline)
    panels = [_level_panel(one, styles, spread, labels, lang) for one in headline_outputs(spread, labels)]
    return compose(
        _some(panels, labels),
        tell(N_("Scenarios compared", "plot"), lang),
        city_name(spread, lang),
        source_line(spread, lang, BANDS),
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
        source_line(change, lang, BANDS),
        lang,
        change.attrs.get("forecast_from"),
        zero_line=True,
        key=panels[0].lines,
    )


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
    one: Output, styles: dict[str, int], dataset: xr.Dataset, labels: Labels, lang: str
) -> Panel:
    scale = scale_for(one.largest, one.unit, lang)
    lines = _lines(one.values / scale.factor, styles, dataset, lang)
    return Panel(_title(one, labels, lang), scale.unit or tell("dimensionless", lang), lines)


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
        source = source_line(change, lang, BAND_TOLD, N_("Source: {source}, model {model} ({hash})."))
        figure.text(0.02, 0.10 / height, source, fontsize=6.5, color=GREY)
    return figure


def save_plan_plots(
    plans: xr.Dataset, factors: Sequence[Mapping[str, Any]], labels: Labels, lang: str, folder: Path
) -> None:
    """Write the pictures of the plans that a search found; each factor has its sentence in `lang`."""
    with house_style():
        save_figure(_plot_gains(plans, labels, lang), folder / "plans_gain.png")
        save_figure(_plot_timelines(plans, labels, lang), folder / "plans_spending.png")
        save_figure(_plot_duels(plans, labels, lang), folder / "plans_duels.png")
        save_figure(_plot_factors(plans, factors, lang), folder / "plans_factors.png")


def _plan_figure(plans: xr.Dataset, height: float, title: str, lang: str, note: str = "") -> Figure:
    figure = new_figure(7.2, height)
    words = {"city": plans.attrs[f"city_{lang}"], "budget": f"{plans.attrs['budget'] / MILLIONS[lang]:,.6g}"}
    figure.text(0.02, 1 - 0.28 / height, title, fontsize=11, **heading())
    told = tell(
        "{city}, {budget} million yuan a year; {draws} draws.", lang, **words, draws=plans.sizes[DRAW]
    )
    figure.text(0.02, 0.10 / height, f"{told} {note}".strip(), fontsize=6.5, color=GREY)
    return figure


def _plot_gains(plans: xr.Dataset, labels: Labels, lang: str) -> Figure:
    """Draw what plans gain, with the 80 % interval: a row a plan; two goals against each other."""
    goals, names = list(map(str, plans["goal"].values)), list(map(str, plans["plan"].values))
    two = len(goals) == 2
    height = 4.6 if two else 1.25 + 0.34 * len(names)
    note = tell("Points: medians. Lines: 80 % of the draws.", lang)
    figure = _plan_figure(plans, height, tell("What the plans gain over the baseline", lang), lang, note)
    axes = figure.subplots(1, 1 if two else len(goals), squeeze=False)[0]
    figure.subplots_adjust(left=0.11, right=0.97, top=1 - 0.55 / height, bottom=0.75 / height, wspace=0.2)
    told = []
    for goal, unit in zip(goals, plans["unit"].values, strict=True):
        gain = plans["gain"].sel(goal=goal)
        scale = scale_for(float(abs(gain).max()), str(unit), lang)
        quantiles = (gain / scale.factor).quantile([BAND[0], 0.5, BAND[1]], DRAW).values
        told.append((quantiles, f"{goal_label(goal, labels, lang)} ({scale.unit})"))
    for number, name in enumerate(names):
        look = line_look(number)
        style = {key: look[key] for key in ("color", "marker")} | {"markersize": 5}
        if two:
            (x, x_label), (y, y_label) = told
            axes[0].hlines(y[1, number], x[0, number], x[2, number], color=look["color"], linewidth=1)
            axes[0].vlines(x[1, number], y[0, number], y[2, number], color=look["color"], linewidth=1)
            axes[0].plot(x[1, number], y[1, number], **style)
            axes[0].annotate(
                letter(name),
                (x[1, number], y[1, number]),
                (5, 5),
                textcoords="offset points",
                fontsize=9,
                **heading(),
            )
            axes[0].set_xlabel(x_label)
            axes[0].set_ylabel(y_label)
            continue
        for axis, (x, x_label) in zip(axes, told, strict=True):
            axis.hlines(number, x[0, number], x[2, number], color=look["color"], linewidth=1.4)
            axis.plot(x[1, number], number, **style)
            axis.set_xlabel(x_label)
    for axis in axes:
        axis.grid(axis="x")
        axis.axvline(0, color=GREY, linewidth=0.7)
        for along in "xy" if two else "x":
            mark_cut(axis, along=along)
        if not two:
            axis.set_yticks(range(len(names)), [letter(name) for name in names])
            axis.set_ylim(len(names) - 0.5, -0.5)
            axis.grid(visible=False, axis="y")
    return figure


def _plot_timelines(plans: xr.Dataset, labels: Labels, lang: str) -> Figure:
    """Draw each plan as bars over its years, a bar a policy, as tall as the money it gets."""
    names = list(map(str, plans["plan"].values))
    costs = plans["cost"].where(plans["intensity"] > 0)
    counts = [int(costs.sel(plan=name).notnull().sum()) for name in names]
    height = 1.1 + sum(0.30 + 0.26 * count for count in counts)
    note = tell("Bars are as tall as the money.", lang)
    figure = _plan_figure(plans, height, tell("What the plans spend, million yuan a year", lang), lang, note)
    axes = figure.subplots(
        len(names),
        1,
        squeeze=False,
        sharex=True,
        gridspec_kw={"height_ratios": [max(c, 1) + 0.7 for c in counts]},
    )[:, 0]
    figure.subplots_adjust(left=0.24, right=0.95, top=1 - 0.65 / height, bottom=0.5 / height, hspace=0.25)
    largest = float(costs.max())
    first, last = float(plans["start"].min()), float(plans["end"].max())
    for number, (axis, name) in enumerate(zip(axes, names, strict=True)):
        own = costs.sel(plan=name).dropna("policy")
        own = own.isel(policy=np.argsort(-own.values, kind="stable"))
        for row, policy in enumerate(own["policy"].values):
            begin, end = (float(plans[key].sel(plan=name, policy=policy)) for key in ("start", "end"))
            cost = float(own.sel(policy=policy))
            tall = 0.12 + 0.72 * cost / largest
            axis.barh(row, end - begin, tall, left=begin, color=line_look(number)["color"])
            axis.text(last + 0.1, row, digits(cost / MILLIONS[lang]), va="center", fontsize=7.5, color=GREY)
        axis.set_yticks(range(own.size), [labels.element(str(one), lang) for one in own["policy"].values])
        axis.set_ylim(own.size - 0.4, -0.6)
        axis.set_xlim(first, last)
        axis.grid(visible=False, axis="y")
        axis.grid(axis="x")
        axis.set_title(letter(name), loc="left", fontsize=9, pad=2, **heading())
    axes[-1].set_xticks(np.arange(first, last + 0.5))
    return figure


def _plot_duels(plans: xr.Dataset, labels: Labels, lang: str) -> Figure:
    """Draw how often the plan of a row beats that of a column, a square a goal."""
    goals, names = list(map(str, plans["goal"].values)), list(map(str, plans["plan"].values))
    told = [letter(name) for name in names]
    tall = 0.42 * len(names)
    height = (tall + 0.8) * len(goals) + 0.6
    figure = _plan_figure(plans, height, tell("How often one plan beats another, % of the draws", lang), lang)
    for number, goal in enumerate(goals):
        bottom = 0.35 + (len(goals) - 1 - number) * (tall + 0.8)
        axis = figure.add_axes((0.12, bottom / height, 0.83, tall / height))
        one = plans.sel(goal=goal)
        table = 100 * np.column_stack([one["better"].values, one["better_than_baseline"].values])
        axis.imshow(table, cmap="RdBu", vmin=0, vmax=100, aspect="auto")
        for row, column in np.ndindex(*table.shape):
            colour = "white" if abs(table[row, column] - 50) > 35 else INK
            text = "–" if row == column else f"{table[row, column]:.0f}"
            axis.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        axis.set_xticks(range(len(names) + 1), [*told, tell("Baseline", lang)])
        axis.set_yticks(range(len(names)), told)
        axis.xaxis.tick_top()
        axis.grid(visible=False)
        axis.set_title(goal_label(goal, labels, lang), loc="left", fontsize=8.5, pad=23, **heading())
    return figure


def _plot_factors(plans: xr.Dataset, factors: Sequence[Mapping[str, Any]], lang: str) -> Figure:
    """Draw what decides between plans: a bar as long as the rank correlation with the lead, under its sentence."""
    height = 1.1 + 0.46 * max(len(factors), 1)
    figure = _plan_figure(plans, height, tell("What decides between the plans", lang), lang)
    axis = figure.add_axes((0.04, 0.65 / height, 0.92, 1 - 1.15 / height))
    for row, factor in enumerate(factors):
        value = float(factor.get("correlation", 0.0))
        axis.barh(row + 0.22, value, 0.3, color=line_look(0 if value >= 0 else 1)["color"])
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        axis.text(-0.98, row - 0.12, str(factor[lang]), fontsize=6.5, va="center", bbox=box)
    axis.set_ylim(max(len(factors), 1) - 0.4, -0.5)
    axis.set_xlim(-1, 1)
    axis.set_yticks([])
    axis.set_xlabel(tell("Rank correlation of the constant with the lead", lang), fontsize=7)
    axis.axvline(0, color=GREY, linewidth=0.7)
    axis.grid(visible=False, axis="y")
    return figure
