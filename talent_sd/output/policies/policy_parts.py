"""How policies make up a mix: one by one and with their synergy in the last year, and share by share over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import spread_apart
from talent_sd.output.numbers import Scale, digits
from talent_sd.output.style import FAINT, GREY, INK, heading, line_look

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

PARTS = N_("Sum of its policies alone")
WATERFALL = N_("From the policies one by one to the mix, {year}")

RISE, FALL = "#004488", "#bb5566"
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
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=FAINT, linewidth=0.5)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(scale.unit or "1", fontsize=7.5)
    axes.set_title(tell(WATERFALL, lang, year=f"{float(last[TIME]):g}"), fontsize=8, color=INK,
                   loc="left", x=-0.62, pad=8)  # fmt: skip


def _bar(axes: Axes, row: int, start: float, step: float) -> None:
    rises = step >= 0
    axes.barh(row, step, left=start, height=0.62, color=RISE if rises else FALL, hatch="" if rises else "////",
              edgecolor="white", linewidth=0.4, zorder=2)  # fmt: skip
    end = max(start, start + step)
    _write(axes, row, end, f"{'+' if step > 0 else ''}{digits(step)}")


def _whole(axes: Axes, row: int, value: float, colour: str) -> None:
    axes.barh(row, value, height=0.62, color=colour, zorder=2)
    _write(axes, row, max(value, 0.0), digits(value), bold=True)


def _write(axes: Axes, row: int, x: float, text: str, *, bold: bool = False) -> None:
    look = heading() if bold else {"color": INK}
    axes.annotate(
        text, (x, row), xytext=(3, 0), textcoords="offset points", fontsize=6.6, va="center", zorder=5, **look
    )


def draw_over_time(
    axes: Axes, of: xr.Dataset, effects: xr.Dataset, labels: Labels, lang: str, scale: Scale
) -> None:
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
    start = float(effects.attrs.get("forecast_from", years[0]))
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
