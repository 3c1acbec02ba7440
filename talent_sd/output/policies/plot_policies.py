"""Pictures of a mix's policies (cost and effect, parts and mix, who helps whom), and of the plans that a search found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BAND, DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, fixed, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import dress_bars
from talent_sd.output.figures.sheet import foot_lines
from talent_sd.output.policies.policy_panels import (
    ALONE,
    WHOLE,
    draw_key,
    draw_over_time,
    draw_pairs,
    draw_plane,
    draw_shares,
)
from talent_sd.output.policies.policy_tables import EXACT, SAMPLED, cost_words, excess_text
from talent_sd.output.speech import (
    Scale,
    city_name,
    digits,
    letter,
    scale_for,
    scenario_titles,
    sentences,
    source_line,
    unit_label,
    years_of_plan,
)
from talent_sd.output.style import (
    GREY,
    INK,
    heading,
    house_style,
    line_look,
    new_figure,
    save_figure,
)
from talent_sd.policies.policy_table import mix_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INTERACTIONS_NOTE = N_(
    "How much more two policies do together than apart, on average over the rest of the mix ({unit}). "
    "Blue: they help each other; red, hatched: one does what the other has done, or takes its money."
)
MEDIANS = N_("Medians of {draws} draws and the middle 80 %, as in the tables; medians need not add up. ")
MONEY = N_(
    "Costs discounted to {year} at {rate} % a year, in its prices; what comes after the last year counts for nothing."
)
PLANE_NOTE = N_(
    "Point: median of {draws} draws. Cross: the middle 80 % of costs and of effects. Grey lines: the same cost "
    "in {unit} (k: thousand, m: million, bn: billion)."
)

DUEL_COLOURS = N_("Blue: the row's plan is ahead in more than half of the draws, red: in fewer.")
WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}

WIDTH = 7.2


def save_policy_plots(
    effects: xr.Dataset, labels: Labels, lang: str, folder: Path, done: Callable[[int], None] = lambda _: None
) -> None:
    """Write the pictures of each scenario as `policies_<scenario>_<picture>.png`; `done(1)` after each scenario."""
    for name in map(str, effects[SCENARIO].values):
        for picture, figure in policy_pictures(effects, name, labels, lang).items():
            save_figure(figure, folder / f"policies_{name}_{picture}.png")
        done(1)


def policy_figures(effects: xr.Dataset, labels: Labels, lang: str) -> dict[str, list[tuple[str, Figure]]]:
    """Return scenario -> captions and figures of its policies, for the report."""
    found: dict[str, list[tuple[str, Figure]]] = {}
    first = effects.isel(output=0)
    for name in map(str, effects[SCENARIO].values):
        pictures = policy_pictures(effects, name, labels, lang).items()
        found[name] = [(_title(picture, first, labels, lang), figure) for picture, figure in pictures]
    return found


def policy_pictures(
    effects: xr.Dataset, scenario: str, labels: Labels, lang: str = "en", output: str | None = None
) -> dict[str, Figure]:
    """Draw one scenario's pictures: `cost`; and `contributions` and `interactions` of several policies.

    Parameters
    ----------
    effects : as `policy_effects` gives them
    output : what policies add to; the first of the effects by default
    """
    mix = mix_of(effects, scenario)
    of = mix.sel(output=str(mix["output"].values[0]) if output is None else output)
    plots = {"cost": _plane}
    if of.sizes["policy"] > 1:
        plots["contributions"] = _contributions
        if of["interaction"].notnull().all():
            plots["interactions"] = _interactions
    under = f"{city_name(of, lang)} · {scenario_titles(of, lang)[scenario]}"
    pictures = {}
    for picture, plot in plots.items():
        with house_style():
            figure, note = plot(of, labels, lang)
            height = figure.get_figheight()
            title = _title(picture, of, labels, lang)
            figure.text(0.03, 1 - 0.14 / height, title, fontsize=12, va="top", **heading())
            figure.text(0.03, 1 - 0.42 / height, under, fontsize=8.5, color=GREY, va="top", parse_math=False)
            _foot(figure, sentences(lang, note, source_line(of, lang, [])))
        pictures[picture] = figure
    return pictures


def _plane(of: xr.Dataset, labels: Labels, lang: str) -> tuple[Figure, str]:
    """Draw each policy's present cost against its share in the last year, and the mix beside the sum of its parts."""
    people, money = _scales(of, lang)
    height = max(5.1, 4.2 + 0.162 * of.sizes["policy"])
    figure = new_figure(WIDTH, height)
    left = figure.add_axes((0.085, 0.95 / height, 0.53, 1 - 1.95 / height))
    right = figure.add_axes((0.785, 0.95 / height, 0.155, 1.35 / height))
    entries = draw_plane(left, right, of.isel({TIME: -1}), labels, lang, people, money)
    draw_key(figure, 0.755, 1 - 1.0 / height, entries)
    if of.sizes["policy"] > 1:
        mix = [(tell("Whole mix", lang), WHOLE), (tell("Sum of its policies alone", lang), ALONE)]
        draw_key(figure, 0.755, 2.95 / height, mix)
    one = str(of["unit"].values).partition("/")[0]
    unit = unit_label("yuan" if one in ("1", "Dmnl") else f"yuan/{one}", lang)
    note = tell(PLANE_NOTE, lang, draws=of.sizes[DRAW], unit=unit) if of.sizes[DRAW] > 1 else ""
    return figure, sentences(lang, note, tell(MONEY, lang, **cost_words(of)))


def _contributions(of: xr.Dataset, labels: Labels, lang: str) -> tuple[Figure, str]:
    """Draw how the policies one by one make up the mix in the last year, and the shares over time."""
    (people, _), last = _scales(of, lang), of.isel({TIME: -1})
    height = 2.1 + 0.21 * max(of.sizes["policy"] + 4, 8)
    figure = new_figure(WIDTH, height)
    bottom, top = 1.05 / height, 1 - 0.95 / height
    left = figure.add_axes((0.215, bottom, 0.29, top - bottom))
    right = figure.add_axes((0.575, bottom, 0.215, top - bottom))
    draw_shares(left, last, labels, lang, people)
    draw_over_time(right, of, labels, lang, people)
    note = tell(MEDIANS, lang, draws=of.sizes[DRAW]).strip() if of.sizes[DRAW] > 1 else ""
    how = tell(EXACT if of.attrs["exact"] else SAMPLED, lang).strip()
    return figure, sentences(lang, note, excess_text(last, lang), how)


def _interactions(of: xr.Dataset, labels: Labels, lang: str) -> tuple[Figure, str]:
    """Draw the matrix of pairwise interactions in the last year."""
    count = of.sizes["policy"] - 1
    side = max(0.42 * count, min(0.8 * count, 2.0))  # few cells are large ones, so that no page is blank
    width, height = max(side + 2.9, 4.6), side + 2.1
    figure = new_figure(width, height)
    axes = figure.add_axes((1.75 / width, 0.55 / height, side / width, side / height))
    scale = draw_pairs(axes, of.isel({TIME: -1}), labels, lang)
    return figure, tell(INTERACTIONS_NOTE, lang, unit=scale.unit or tell("dimensionless", lang))


def _scales(of: xr.Dataset, lang: str) -> tuple[Scale, Scale]:
    last = of.isel({TIME: -1})
    people = scale_for(float(abs(last["total"]).median()), str(of["unit"].values), lang)
    return people, scale_for(float(of["mix_cost"].median()), "yuan", lang)


TITLES = {
    "cost": N_("What each policy adds for its money: {output}, {year}"),
    "contributions": N_("What each policy adds: {output}"),
    "interactions": N_("Which policies help each other: {output}, {year}"),
}


def _title(picture: str, of: xr.Dataset, labels: Labels, lang: str) -> str:
    year, output = f"{float(of[TIME][-1]):g}", labels.variable(str(of["output"].values), lang)
    return tell(TITLES[picture], lang, output=output, year=year)


def _foot(figure: Figure, text: str, left: float = 0.03) -> None:
    """Write the note below, broken to the figure's width."""
    lines = foot_lines(text, figure.get_figwidth())
    figure.text(left, 0.08 / figure.get_figheight(), "\n".join(lines), fontsize=6, color=GREY, va="bottom")


def save_plan_plots(
    plans: xr.Dataset, factors: Sequence[Mapping[str, Any]], labels: Labels, lang: str, folder: Path
) -> None:
    """Write the pictures of the plans that a search found; each factor has its sentence in `lang`."""
    with house_style():
        save_figure(_plot_gains(plans, labels, lang), folder / "plans_gain.png")
        save_figure(_plot_spending(plans, labels, lang), folder / "plans_spending.png")
        save_figure(_plot_duels(plans, labels, lang), folder / "plans_duels.png")
        if any(
            "correlation" in factor for factor in factors
        ):  # else there are only sentences, which are told
            save_figure(_plot_factors(plans, factors, lang), folder / "plans_factors.png")


def _plan_figure(plans: xr.Dataset, height: float, title: str, lang: str, note: str = "") -> Figure:
    figure = new_figure(WIDTH, height)
    figure.text(0.02, 1 - 0.28 / height, title, fontsize=11, **heading())
    scale = scale_for(float(plans.attrs["budget"]), "yuan", lang)
    words = {
        "city": plans.attrs[f"city_{lang}"],
        "budget": f"{plans.attrs['budget'] / scale.factor:,.6g}{'' if lang == 'zh' else ' '}{scale.unit}",
    }
    told = tell("{city}, {budget} a year; {draws} draws.", lang, **words, draws=plans.sizes[DRAW])
    _foot(figure, sentences(lang, told, note, source_line(plans, lang, [])), 0.02)
    return figure


def _plot_gains(plans: xr.Dataset, labels: Labels, lang: str) -> Figure:
    """Draw what plans gain, with the 80 % interval: a row a plan; two goals against each other."""
    goals, names = list(map(str, plans["goal"].values)), list(map(str, plans["plan"].values))
    two = len(goals) == 2
    height = 4.6 if two else 1.4 + 0.34 * len(names)
    note = tell("Points: medians. Lines: 80 % of the draws.", lang)
    figure = _plan_figure(plans, height, tell("What the plans gain over the baseline", lang), lang, note)
    axes = figure.subplots(1, 1 if two else len(goals), squeeze=False)[0]
    figure.subplots_adjust(left=0.11, right=0.97, top=1 - 0.55 / height, bottom=0.85 / height, wspace=0.2)
    told = []
    for goal, unit in zip(goals, plans["unit"].values, strict=True):
        gain = plans["gain"].sel(goal=goal)
        scale = scale_for(float(abs(gain).max()), str(unit), lang)
        quantiles = (gain / scale.factor).quantile([BAND[0], 0.5, BAND[1]], DRAW).values
        told.append(
            (
                quantiles,
                tell(N_("{what} ({unit})"), lang, what=labels.goal(goal, lang), unit=scale.unit),
            )
        )
    for number in range(len(names)):
        look = line_look(number)
        style = {key: look[key] for key in ("color", "marker")} | {"markersize": 5}
        if two:
            (x, x_label), (y, y_label) = told
            axes[0].hlines(y[1, number], x[0, number], x[2, number], color=look["color"], linewidth=1)
            axes[0].vlines(x[1, number], y[0, number], y[2, number], color=look["color"], linewidth=1)
            axes[0].plot(x[1, number], y[1, number], **style)
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
        if two:
            axis.axhline(0, color=GREY, linewidth=0.7)
            places = zip(names, told[0][0][1], told[1][0][1], strict=True)
            _letters(axis, [(letter(name), float(x), float(y)) for name, x, y in places])
        if not two:
            axis.set_yticks(range(len(names)), [letter(name) for name in names])
            axis.set_ylim(len(names) - 0.5, -0.5)
            axis.grid(visible=False, axis="y")
    return figure


def _letters(axes: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """Write each plan's letter beside its point, where no other letter stands yet."""
    taken: list[Any] = []
    sides = [(across, up) for across in (5, -12, 16, -23, 27, -34) for up in (5, -12)]
    for name, x, y in points:
        text = axes.annotate(name, (x, y), sides[0], textcoords="offset points", fontsize=9, **heading())
        for side in sides:
            text.set_position(side)
            if not any(text.get_window_extent().overlaps(other) for other in taken):
                break
        taken.append(text.get_window_extent())


def _plot_spending(plans: xr.Dataset, labels: Labels, lang: str) -> Figure:
    """Draw what each plan spends: a bar a policy, as long as the money, with the years in which it is spent."""
    rows: list[tuple[int, str, float, str]] = []
    for number, name in enumerate(map(str, plans["plan"].values)):
        own = plans.sel(plan=name)
        own = own.isel(policy=np.flatnonzero(own["intensity"] > 0))
        own = own.isel(policy=np.argsort(-own["cost"].values, kind="stable"))
        for policy in own["policy"].values:
            one = own.sel(policy=policy)
            rows.append((number, str(policy), float(one["cost"]), years_of_plan(one, lang)))
    scale = scale_for(max((cost for *_, cost, _ in rows), default=1.0), "yuan", lang)
    height = 1.6 + 0.21 * len(rows) + 0.16 * plans.sizes["plan"]
    title = tell(N_("What the plans spend a year at full strength"), lang)
    figure = _plan_figure(plans, height, title, lang, tell(N_("Numbers: money (years)."), lang))
    axis = figure.add_axes((0.29, 0.85 / height, 0.57, 1 - 1.4 / height))
    places = [row + 0.75 * number for row, (number, *_) in enumerate(rows)]
    for place, (number, _, cost, years) in zip(places, rows, strict=True):
        axis.barh(place, cost / scale.factor, 0.62, color=line_look(number)["color"], zorder=2)
        told = tell(N_("{what} ({unit})"), lang, what=digits(cost / scale.factor), unit=years)
        axis.annotate(told, (cost / scale.factor, place), (3, 0), textcoords="offset points", va="center", fontsize=7,
                      color=INK)  # fmt: skip
    for number, name in enumerate(map(str, plans["plan"].values)):
        first = next((place for place, row in zip(places, rows, strict=True) if row[0] == number), None)
        if first is not None:
            axis.annotate(letter(name), (-0.46, first), xycoords=("axes fraction", "data"), va="center", fontsize=9,
                          annotation_clip=False, **heading())  # fmt: skip
    axis.set_yticks(places, [labels.element(policy, lang) for _, policy, _, _ in rows])
    axis.set_ylim(places[-1] + 0.6, -0.6)
    axis.set_xlabel(
        tell(
            N_("{unit} a year, prices of {year}"), lang, unit=scale.unit, year=f"{plans.attrs['base_year']:g}"
        )
    )
    dress_bars(axis)
    return figure


def _plot_duels(plans: xr.Dataset, labels: Labels, lang: str) -> Figure:
    """Draw how often the plan of a row beats that of a column, a square a goal."""
    goals, names = list(map(str, plans["goal"].values)), list(map(str, plans["plan"].values))
    told = [letter(name) for name in names]
    tall = 0.42 * len(names)
    height = (tall + 0.8) * len(goals) + 0.7
    title = tell("How often one plan beats another, % of the draws", lang)
    figure = _plan_figure(plans, height, title, lang, tell(DUEL_COLOURS, lang))
    for number, goal in enumerate(goals):
        bottom = 0.45 + (len(goals) - 1 - number) * (tall + 0.8)
        axis = figure.add_axes((0.12, bottom / height, 0.83, tall / height))
        one = plans.sel(goal=goal)
        table = 100 * np.column_stack([one["better"].values, one["better_than_baseline"].values])
        axis.imshow(table, cmap="RdBu", vmin=0, vmax=100, aspect="auto")
        for row, column in np.ndindex(*table.shape):
            colour = "white" if abs(table[row, column] - 50) > 25 else INK
            text = "–" if row == column else fixed(float(table[row, column]))
            axis.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        axis.set_xticks(range(len(names) + 1), [*told, tell("Baseline", lang)])
        axis.set_yticks(range(len(names)), told)
        axis.xaxis.tick_top()
        axis.grid(visible=False)
        axis.set_title(labels.goal(goal, lang), loc="left", fontsize=8.5, pad=23, **heading())
    return figure


def _plot_factors(plans: xr.Dataset, factors: Sequence[Mapping[str, Any]], lang: str) -> Figure:
    """Draw what decides between plans: under its sentence a bar as long as the rank correlation with the lead.

    Where no constant decides the sentence stands alone.
    """
    height = 1.15 + 0.46 * len(factors)
    figure = _plan_figure(plans, height, tell("What decides between the plans", lang), lang)
    axis = figure.add_axes((0.04, 0.75 / height, 0.92, 1 - 1.2 / height))
    for row, factor in enumerate(factors):
        axis.text(-0.98, row - 0.12, str(factor[lang]), fontsize=6.5, va="center", bbox=WHITE)
        if "correlation" in factor:
            value = float(factor["correlation"])
            axis.barh(row + 0.22, value, 0.3, color=line_look(0 if value >= 0 else 1)["color"])
    axis.set_ylim(len(factors) - 0.4, -0.5)
    axis.set_xlim(-1, 1)
    axis.set_yticks([])
    axis.grid(visible=False, axis="y")
    axis.set_xlabel(tell("Rank correlation of the constant with the lead", lang), fontsize=7)
    axis.axvline(0, color=GREY, linewidth=0.7)
    return figure
