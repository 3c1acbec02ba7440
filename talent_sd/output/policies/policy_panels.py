"""What policies do together: the cost-effectiveness plane, from the parts to the mix, who helps whom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BAND, DRAW, TIME
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import FALL, RISE, draw_step, dress_bars, plain_ticks, spread_apart
from talent_sd.output.speech import Scale, digits, scale_for, signed
from talent_sd.output.style import FAINT, GREY, INK, heading, line_look

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Look = dict[str, Any]
STEPS = (1, 2, 5)
WHOLE: Look = {"color": INK, "marker": "X", "linestyle": "-"}
ALONE: Look = {"color": "#8c8c8c", "marker": "P", "linestyle": (0, (3, 1.5))}
"""Looks of the whole mix and of the sum of its parts, in every picture of a mix."""


def _name_height(axes: Axes, unit: str) -> None:
    """Write the unit beside the upright axis, a single character upright too."""
    axes.set_ylabel(unit, fontsize=7.5, rotation=0 if len(unit) == 1 else 90)


def draw_plane(
    left: Axes, right: Axes, last: xr.Dataset, labels: Labels, lang: str, people: Scale, money: Scale
) -> list[tuple[str, Look]]:
    """Draw the policies of a mix in one plane, the mix and the sum of its parts in another.

    Returns
    -------
    name and look of each policy, the one that adds most first; nearly all lie in one corner, so
    that names beside the points would hide them
    """
    unit = str(last["unit"].values)
    cost = last["present_cost"].transpose(DRAW, "policy").values / money.factor
    share = last["contribution"].transpose(DRAW, "policy").values / people.factor
    order = np.argsort(-np.median(share, 0), kind="stable")
    _points(left, cost[:, order], share[:, order])
    _limits(left, cost, share)
    several = last.sizes["policy"] > 1
    _dress(
        left,
        unit,
        people,
        money,
        lang,
        N_("Each policy (Shapley share)") if several else N_("The policy", "plot"),
    )
    if several:
        whole = np.stack([last["mix_cost"].values] * 2, 1) / money.factor
        both = np.stack([last["total"].values, last["alone"].sum("policy").values], 1) / people.factor
        _points(right, whole[:, ::-1], both[:, ::-1], (ALONE, WHOLE))
        _limits(right, whole, both, margin=0.3)
        _dress(right, unit, people, money, lang, N_("The mix", "plot"))
    else:
        right.set_visible(False)
    return [
        (labels.element(str(policy), lang), line_look(style))
        for style, policy in enumerate(last["policy"].values[order])
    ]


def _dress(axes: Axes, unit: str, people: Scale, money: Scale, lang: str, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    wide = axes.get_position().width > 0.4
    axes.xaxis.set_major_locator(MaxNLocator(6 if wide else 3))
    axes.yaxis.set_major_locator(MaxNLocator(6 if wide else 4))
    plain_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    _ratios(axes, unit, people, money, lang, 4 if wide else 2)
    axes.set_xlabel(tell("Present cost ({unit})", lang, unit=money.unit), fontsize=7.5)
    _name_height(axes, people.unit or tell("dimensionless", lang))
    axes.axhline(0, color=INK, linewidth=0.7, zorder=1)
    axes.set_title(tell(title, lang), fontsize=8, color=INK, loc="left", pad=14)


def draw_key(figure: Figure, x: float, y: float, entries: Sequence[tuple[str, Look]]) -> None:
    """Write names beside their markers, one below the other from (x, y) of the figure."""
    from matplotlib.lines import Line2D

    step = 0.162 / figure.get_figheight()
    for row, (name, look) in enumerate(entries):
        here = y - row * step
        marker = Line2D([x], [here], marker=look["marker"], color=look["color"], markersize=4.5,
                        linestyle="none", transform=figure.transFigure)  # fmt: skip
        figure.add_artist(marker)
        figure.text(x + 0.015, here, name, fontsize=6.8, va="center", color=INK)


def _ends(values: np.ndarray) -> np.ndarray:
    """Return the middle 80 % of draws (draws, policies): (2, policies)."""
    return np.quantile(values, BAND, axis=0)


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, looks: Sequence[Look] = ()) -> None:
    """Draw medians with the middle 80 % of costs and of effects as a cross: it reaches nothing that no draw has."""
    (left, right), (bottom, top) = _ends(x), _ends(y)
    for place, look in enumerate(looks or map(line_look, range(x.shape[1]))):
        width = 3.0 if look is ALONE else 1.0  # seen behind the mix, which lies upon it
        at = float(np.median(x[:, place])), float(np.median(y[:, place]))
        if len(x) > 1:
            axes.hlines(at[1], left[place], right[place], color=look["color"], linewidth=width)
            axes.vlines(at[0], bottom[place], top[place], color=look["color"], linewidth=width)
        axes.plot(*at, look["marker"], color=look["color"], markersize=5, markeredgecolor="white",
                  markeredgewidth=0.6, zorder=4)  # fmt: skip


def _limits(axes: Axes, x: np.ndarray, y: np.ndarray, margin: float = 0.06) -> None:
    """Show the origin and every cross to its end."""
    bottom, top = min(0.0, float(_ends(y).min())), max(0.0, float(_ends(y).max()))
    room = (top - bottom) or 1.0
    axes.set_xlim(0, (float(_ends(x).max()) or 1.0) * (1 + margin))
    axes.set_ylim(bottom - 0.04 * room, top + margin * room)
    axes.grid(visible=False)


ABBREVIATED = {"thousand": "k", "million": "m", "billion": "bn"}
"""In English, where room is short; the note below says so."""


def _ratios(axes: Axes, unit: str, people: Scale, money: Scale, lang: str, count: int) -> None:
    """Draw lines of equal cost per unit from the origin, with what a unit costs at their ends."""
    right, top = axes.get_xlim()[1], axes.get_ylim()[1]
    one = unit.partition("/")[0]
    for ratio in nice_ratios(right * money.factor / (top * people.factor), count):
        slope = money.factor / people.factor / ratio
        aside = right * slope <= top
        x, y = (right, right * slope) if aside else (top / slope, top)
        axes.plot([0, x], [0, y], color=FAINT, linewidth=0.8, zorder=0)
        scale = scale_for(ratio, "yuan" if one in ("1", "Dmnl") else f"yuan/{one}", lang)
        text = f"{digits(ratio / scale.factor, 2)} {scale.unit}".partition("/")[0]
        for long, short in ABBREVIATED.items():
            text = text.replace(f" {long} yuan", f" {short}")
        axes.annotate(text.removesuffix(" yuan"), (x, y), textcoords="offset points", xytext=(2, 0) if aside else (0, 1),
                      ha="left" if aside else "center", va="center" if aside else "bottom", fontsize=6, color=GREY,
                      annotation_clip=False)  # fmt: skip


def nice_ratios(corner: float, count: int = 4) -> list[float]:
    """Return round ratios around the one of the plane's diagonal, a factor of 2 to 2.5 apart.

    >>> nice_ratios(100.0)
    [20.0, 50.0, 100.0, 200.0, 500.0]
    >>> nice_ratios(0.0)
    []
    """
    if not corner > 0 or not math.isfinite(corner):
        return []
    low = math.floor(math.log10(corner)) - 2
    every = [step * 10.0**power for power in range(low, low + 5) for step in STEPS]
    nearest = int(np.argmin([abs(math.log(value / corner)) for value in every]))
    return every[nearest - count // 2 : nearest + count // 2 + 1]


PARTS = N_("Sum of its policies alone")
BARS = N_("What each adds in {year}, as in the tables")
LEAST = 0.02
"""Policies that add less than this part of the mix, or of the largest, are put together."""
MOST_LINES = 5
"""So many policies have a line of their own over time."""


def draw_shares(axes: Axes, last: xr.Dataset, labels: Labels, lang: str, scale: Scale) -> None:
    """Draw each policy's Shapley share, what they do alone, and the mix: medians and middle 80 %, as the tables."""
    share = last["contribution"].transpose("policy", DRAW).values / scale.factor
    total, alone = last["total"].values / scale.factor, last["alone"].sum("policy").values / scale.factor
    middles = np.median(share, axis=1)
    order = np.argsort(-middles, kind="stable")
    large = max(abs(float(np.median(total))), float(np.abs(middles).max()))
    small = [i for i in order if abs(middles[i]) < LEAST * large]
    kept = [i for i in order if i not in small] if len(small) > 1 else list(order)
    rows = [(labels.element(str(last["policy"].values[i]), lang), share[i]) for i in kept]
    if len(kept) < len(order):
        rows.append((tell("{count} others", lang, count=len(small)), share[small].sum(axis=0)))
    rows += [(tell(PARTS, lang), alone), (tell("Whole mix", lang), total)]
    for row, (_, values) in enumerate(rows):
        _bar(axes, row, values, (ALONE, WHOLE)[row - len(rows)]["color"] if row >= len(rows) - 2 else "")
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.axhline(len(rows) - 2.5, color=FAINT, linewidth=0.8)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0), max(high, 0) + 0.22 * (max(high, 0) - min(low, 0)))
    axes.axvline(0, color=INK, linewidth=0.7)
    dress_bars(axes)
    axes.set_xlabel(scale.unit or tell("dimensionless", lang), fontsize=7.5)
    axes.set_title(tell(BARS, lang, year=f"{float(last[TIME]):g}"), fontsize=8, color=INK,
                   loc="left", x=-0.62, pad=8)  # fmt: skip


def _bar(axes: Axes, row: int, values: np.ndarray, colour: str) -> None:
    """Draw one bar with its interval and its number; `colour` marks a bar that is no policy."""
    middle = float(np.median(values))
    low, high = np.quantile(values, BAND)
    if colour:
        axes.barh(row, middle, height=0.62, color=colour, zorder=2)
    else:
        draw_step(axes, row, 0.0, middle)
    if len(values) > 1:
        axes.plot([low, high], [row, row], color=FAINT if colour == INK else INK, linewidth=1.0, zorder=3)
        if colour == INK:
            axes.plot(
                [max(middle, 0.0), max(high, middle, 0.0)], [row, row], color=INK, linewidth=1.0, zorder=3
            )
    look = heading() if colour else {"color": INK}
    axes.annotate(digits(middle) if colour else signed(middle), (max(middle, float(high), 0.0), row), xytext=(3, 0),
                  textcoords="offset points", fontsize=6.6, va="center", zorder=5, **look)  # fmt: skip


def draw_over_time(axes: Axes, of: xr.Dataset, labels: Labels, lang: str, scale: Scale) -> None:
    """Draw the medians of the largest shares, of the mix and of the sum of its parts over the years."""
    share = of["contribution"].median(DRAW).transpose("policy", TIME).values / scale.factor
    rank = np.argsort(-share[:, -1], kind="stable")  # as in the plane, so that a policy keeps its look
    largest = np.argsort(-np.abs(share[rank, -1]), kind="stable")[:MOST_LINES]
    years = of[TIME].values
    total = of["total"].median(DRAW).values / scale.factor
    parts = of["alone"].sum("policy").median(DRAW).values / scale.factor
    lines = [
        (labels.element(str(of["policy"].values[rank[n]]), lang), share[rank[n]], line_look(int(n)))
        for n in largest
    ]
    lines += [(tell("Whole mix", lang), total, WHOLE), (tell(PARTS, lang), parts, ALONE)]
    for _, values, look in lines:
        axes.plot(years, values, color=look["color"], linestyle=look["linestyle"], linewidth=1.2)
    start = float(of.attrs.get("forecast_from", years[0]))
    axes.set_xlim(start, years[-1])
    axes.set_xticks(np.linspace(start, years[-1], 3).round())
    axes.axhline(0, color=INK, linewidth=0.7)
    _name_height(axes, scale.unit or tell("dimensionless", lang))
    axes.set_title(tell("The largest over time", lang), fontsize=8, color=INK, loc="left", pad=8)
    _names(
        axes,
        [float(values[-1]) for _, values, _ in lines],
        [(name, str(look["color"])) for name, _, look in lines],
    )


def _names(axes: Axes, places: list[float], names: list[tuple[str, str]]) -> None:
    """Write names right of the ends, spread apart."""
    low, high = axes.get_ylim()
    pixels = axes.get_window_extent().height / axes.get_figure(root=True).dpi * 72  # type: ignore[union-attr]
    per_point = (high - low) / pixels
    order = np.argsort(places, kind="stable")
    tall = [9.0] * len(order)
    heights = spread_apart([(places[i] - low) / per_point for i in order], tall, pixels)
    for place, number in zip(heights, order, strict=True):
        name, colour = names[number]
        axes.annotate(name, (1.02, low + place * per_point), xycoords=("axes fraction", "data"), fontsize=6.5,
                      va="center", color=colour, annotation_clip=False)  # fmt: skip


SILENT = 0.01
"""Interactions below this part of the largest are written as 0."""


def draw_pairs(axes: Axes, last: xr.Dataset, labels: Labels, lang: str) -> Scale:
    """Draw interactions below the diagonal, medians over draws; return the scale they are written in."""
    from matplotlib.colors import LinearSegmentedColormap

    order = np.argsort(-last["contribution"].median(DRAW).values, kind="stable")
    pairs = last["interaction"].median(DRAW).transpose("policy", "other").values[np.ix_(order, order)]
    largest = float(np.abs(pairs).max())
    scale = scale_for(largest, str(last["unit"].values), lang)
    shown = np.where(np.tril(np.ones(pairs.shape, bool), -1), pairs, np.nan)[1:, :-1] / scale.factor
    reach = largest / scale.factor or 1.0
    colours = LinearSegmentedColormap.from_list("pairs", [FALL, "white", RISE])
    axes.imshow(shown, cmap=colours, vmin=-1.3 * reach, vmax=1.3 * reach)
    for (row, column), value in np.ndenumerate(shown):
        if np.isfinite(value):
            _cell(axes, row, column, float(value), reach)
    names = [labels.element(str(policy), lang) for policy in last["policy"].values[order]]
    axes.set_yticks(range(len(names) - 1), names[1:], fontsize=7)
    axes.set_xticks(
        range(len(names) - 1), names[:-1], fontsize=7, rotation=35, ha="left", rotation_mode="anchor"
    )
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return scale


def _cell(axes: Axes, row: int, column: int, value: float, reach: float) -> None:
    from matplotlib.patches import Rectangle

    silent = abs(value) < SILENT * reach
    hatch = "////" if value < 0 and not silent else None
    axes.add_patch(
        Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch=hatch, edgecolor="white", linewidth=0.8)
    )
    text = "0" if silent else signed(value, 2)
    dark = value > 0.7 * reach
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8} if hatch else None
    ink = "white" if dark else INK
    axes.text(column, row, text, fontsize=6, ha="center", va="center", color=ink, bbox=box)
