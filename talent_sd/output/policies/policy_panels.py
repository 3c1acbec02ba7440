"""What policies do together: the cost-effectiveness plane, from the parts to the mix, who helps whom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import FALL, RISE, draw_step, dress_bars, spread_apart
from talent_sd.output.speech import Scale, digits, scale_for, signed
from talent_sd.output.style import FAINT, GREY, INK, heading, line_look

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INSIDE = 0.8
"""Share of the draws within an ellipse, were they normal."""
STEPS = (1, 2, 5)


def draw_plane(
    left: Axes, right: Axes, last: xr.Dataset, labels: Labels, lang: str, people: Scale, money: Scale
) -> list[tuple[str, int]]:
    """Draw the policies of a mix in one plane, the mix and the sum of its parts in another.

    Returns
    -------
    name and style of each policy, the one that adds most first; nearly all lie in one corner, so
    that names beside the points would hide them
    """
    unit = str(last["unit"].values)
    cost = last["present_cost"].transpose(DRAW, "policy").values / money.factor
    share = last["contribution"].transpose(DRAW, "policy").values / people.factor
    order = np.argsort(-np.median(share, 0), kind="stable")
    _points(left, cost[:, order], share[:, order])
    _limits(left, cost, share)
    _dress(left, unit, people, money, lang, N_("Each policy (Shapley share)"))
    if last.sizes["policy"] > 1:
        whole = np.stack([last["mix_cost"].values] * 2, 1) / money.factor
        both = np.stack([last["total"].values, last["alone"].sum("policy").values], 1) / people.factor
        _points(right, whole, both)
        _limits(right, whole, both, margin=0.3)
        _dress(right, unit, people, money, lang, N_("The mix", "plot"))
    else:
        right.set_visible(False)
    return [
        (labels.element(str(policy), lang), style)
        for style, policy in enumerate(last["policy"].values[order])
    ]


def _dress(axes: Axes, unit: str, people: Scale, money: Scale, lang: str, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    wide = axes.get_position().width > 0.4
    axes.xaxis.set_major_locator(MaxNLocator(6 if wide else 3))
    axes.yaxis.set_major_locator(MaxNLocator(6 if wide else 4))
    _ratios(axes, unit, people, money, lang, 4 if wide else 2)
    axes.set_xlabel(tell("Present cost ({unit})", lang, unit=money.unit), fontsize=7.5)
    axes.set_ylabel(people.unit or "1", fontsize=7.5)
    axes.axhline(0, color=INK, linewidth=0.7, zorder=1)
    axes.set_title(tell(title, lang), fontsize=8, color=INK, loc="left", pad=14)


def draw_key(figure: Figure, x: float, y: float, entries: Sequence[tuple[str, int]]) -> None:
    """Write names beside their markers, one below the other from (x, y) of the figure."""
    from matplotlib.lines import Line2D

    step = 0.162 / figure.get_figheight()
    for row, (name, style) in enumerate(entries):
        look, here = line_look(style), y - row * step
        marker = Line2D([x], [here], marker=look["marker"], color=look["color"], markersize=4.5,
                        linestyle="none", transform=figure.transFigure)  # fmt: skip
        figure.add_artist(marker)
        figure.text(x + 0.015, here, name, fontsize=6.8, va="center", color=INK)


def ellipse(x: np.ndarray, y: np.ndarray, inside: float = INSIDE) -> tuple[np.ndarray, np.ndarray]:
    """Return the outline that holds so large a share of normal draws (draws,): x and y, (points,).

    Of draws without spread it is the point itself:

    >>> [float(v[7]) for v in ellipse(np.ones(9), np.full(9, 2.0))]
    [1.0, 2.0]
    """
    reach = math.sqrt(-2 * math.log(1 - inside))  # of a chi-square with two degrees of freedom
    spread, turn = np.linalg.eigh(np.cov(x, y))
    angle = np.linspace(0, 2 * np.pi, 73)
    circle = np.stack([np.cos(angle), np.sin(angle)]) * np.sqrt(np.maximum(spread, 0))[:, None] * reach
    outline = turn @ circle
    return outline[0] + x.mean(), outline[1] + y.mean()


def outline_of(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the outline of draws as in `ellipse`; of costs (x) that are all above 0, above 0.

    Costs are skewed and never negative: the ellipse is of their logarithms.
    """
    if (x > 0).all():
        logs, heights = ellipse(np.log(x), y)
        return np.exp(logs), heights
    return ellipse(x, y)


def _points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    for style in range(x.shape[1]):
        look, own = line_look(style), (x[:, style], y[:, style])
        if len(x) > 2:
            outline = outline_of(*own)
            axes.fill(*outline, color=look["color"], alpha=0.08, linewidth=0)
            axes.plot(*outline, color=look["color"], linewidth=0.6, alpha=0.8)
            axes.plot(*own, ".", color=look["color"], markersize=1.6, alpha=0.5)
        axes.plot(np.median(own[0]), np.median(own[1]), look["marker"], color=look["color"],
                  markersize=5, markeredgecolor="white", markeredgewidth=0.6, zorder=4)  # fmt: skip


def _limits(axes: Axes, x: np.ndarray, y: np.ndarray, margin: float = 0.06) -> None:
    """Show the origin, every draw, and every outline to its end."""
    edges = [(x, y)] + [outline_of(*pair) for pair in zip(x.T, y.T, strict=True) if len(x) > 2]
    bottom, top = (pick(0.0, *(pick(part[1].min(), part[1].max()) for part in edges)) for pick in (min, max))
    room = (top - bottom) or 1.0
    axes.set_xlim(0, max(part[0].max() for part in edges) * (1 + margin))
    axes.set_ylim(bottom - 0.04 * room, top + margin * room)
    axes.grid(visible=False)


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
        text = f"{digits(ratio / scale.factor, 2)} {scale.unit}".replace(" million yuan", " m yuan")
        text = text.replace(" thousand yuan", " k yuan").replace(" billion yuan", " bn yuan")
        axes.annotate(text if count > 2 else text.partition("/")[0].removesuffix(" yuan"), (x, y), textcoords="offset points",
                      xytext=(2, 0) if aside else (0, 1), ha="left" if aside else "center",
                      va="center" if aside else "bottom", fontsize=5.5, color=GREY, annotation_clip=False)  # fmt: skip


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
WATERFALL = N_("From the policies one by one to the mix, {year}")

MOST_AREAS = 5
"""So many policies have an area of their own; the others share one."""


def draw_waterfall(axes: Axes, last: xr.Dataset, labels: Labels, lang: str, scale: Scale) -> None:
    """Draw what each policy does alone, then the synergy in its two parts, then the mix: means over draws.

    Means, not medians: only they add up.
    """
    alone = last["alone"].mean(DRAW).values / scale.factor
    order = np.argsort(-alone, kind="stable")
    rows = [(labels.element(str(last["policy"].values[i]), lang), float(alone[i])) for i in order]
    budget = float(last["synergy_budget"].mean()) / scale.factor
    rest = float(last["synergy"].mean()) / scale.factor - budget
    parts = float(alone.sum())
    names, here = [], 0.0
    for row, (name, step) in enumerate(rows):
        _bar(axes, row, here, step)
        names.append(name)
        here += step
    _whole(axes, len(rows), parts, GREY)
    names.append(tell(PARTS, lang))
    for row, (key, step) in enumerate(
        ((N_("Shared budget"), budget), (N_("Overlap, complementarity"), rest)), len(rows) + 1
    ):
        _bar(axes, row, here, step)
        names.append(tell(key, lang))
        here += step
    _whole(axes, len(rows) + 3, here, INK)
    names.append(tell("Whole mix", lang))
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_ylim(len(names) - 0.4, -0.6)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0), high + 0.16 * (high - low))
    axes.axvline(0, color=INK, linewidth=0.7)
    dress_bars(axes)
    axes.set_xlabel(scale.unit or "1", fontsize=7.5)
    axes.set_title(tell(WATERFALL, lang, year=f"{float(last[TIME]):g}"), fontsize=8, color=INK,
                   loc="left", x=-0.62, pad=8)  # fmt: skip


def _bar(axes: Axes, row: int, start: float, step: float) -> None:
    draw_step(axes, row, start, step)
    _write(axes, row, max(start, start + step), signed(step))


def _whole(axes: Axes, row: int, value: float, colour: str) -> None:
    axes.barh(row, value, height=0.62, color=colour, zorder=2)
    _write(axes, row, max(value, 0.0), digits(value), bold=True)


def _write(axes: Axes, row: int, x: float, text: str, *, bold: bool = False) -> None:
    look = heading() if bold else {"color": INK}
    axes.annotate(
        text, (x, row), xytext=(3, 0), textcoords="offset points", fontsize=6.6, va="center", zorder=5, **look
    )


def draw_over_time(axes: Axes, of: xr.Dataset, labels: Labels, lang: str, scale: Scale) -> None:
    """Draw the shares over time as areas, gains above zero and losses below; lines of the mix and of the sum of parts."""
    share = of["contribution"].mean(DRAW).transpose("policy", TIME).values / scale.factor
    order = np.argsort(-np.abs(share[:, -1]), kind="stable")
    kept = sorted(order[:MOST_AREAS], key=lambda i: -share[i, -1])
    areas = [(labels.element(str(of["policy"].values[i]), lang), share[i]) for i in kept]
    left_over = order[MOST_AREAS:]
    if len(left_over):
        areas.append((tell("{count} others", lang, count=len(left_over)), share[left_over].sum(0)))
    years = of[TIME].values
    up, down = np.zeros(len(years)), np.zeros(len(years))
    places, names = [], []
    for number, (name, values) in enumerate(areas):
        colour = line_look(number)["color"] if number < MOST_AREAS else "#9a9a9a"
        gain, loss = np.maximum(values, 0), np.minimum(values, 0)
        axes.fill_between(years, up, up + gain, color=colour, alpha=0.75, linewidth=0)
        axes.fill_between(years, down, down + loss, color=colour, alpha=0.75, linewidth=0)
        places.append((up[-1] + gain[-1] / 2) if values[-1] >= 0 else down[-1] + loss[-1] / 2)
        names.append((name, colour))
        up, down = up + gain, down + loss
    total = of["total"].mean(DRAW).values / scale.factor
    parts = of["alone"].sum("policy").mean(DRAW).values / scale.factor
    axes.plot(years, total, color=INK, linewidth=1.4)
    axes.plot(years, parts, color=INK, linewidth=1.0, linestyle=(0, (3, 1.5)))
    places += [total[-1], parts[-1]]
    names += [(tell("Whole mix", lang), INK), (f"- - {tell(PARTS, lang)}", INK)]
    start = float(of.attrs.get("forecast_from", years[0]))
    axes.set_xlim(start, years[-1])
    axes.set_xticks(np.linspace(start, years[-1], 3).round())
    axes.axhline(0, color=INK, linewidth=0.7)
    axes.set_ylabel(scale.unit or "1", fontsize=7.5)
    axes.set_title(tell("Shapley shares over time", lang), fontsize=8, color=INK, loc="left", pad=8)
    _names(axes, places, names)


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
