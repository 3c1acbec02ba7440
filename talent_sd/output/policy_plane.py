"""The cost-effectiveness plane: present cost against effect, with the draws' spread and lines of equal ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW
from talent_sd.base.labels import Labels
from talent_sd.base.words import word
from talent_sd.output.numbers import Scale, digits, scale_for
from talent_sd.output.panels import spread_apart
from talent_sd.output.style import FAINT, GREY, INK, line_look

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

INSIDE = 0.8
"""Share of the draws within an ellipse, were they normal."""
STEPS = (1, 2, 5)


def draw_plane(
    left: Axes, right: Axes, last: xr.Dataset, labels: Labels, lang: str, people: Scale, money: Scale
) -> None:
    """Draw the policies of a mix in one plane, the mix and the sum of its parts in another."""
    unit = str(last["unit"].values)
    cost = last["present_cost"].transpose(DRAW, "policy").values / money.factor
    share = last["contribution"].transpose(DRAW, "policy").values / people.factor
    names = [labels.element(str(policy), lang) for policy in last["policy"].values]
    _points(left, cost, share, range(len(names)))
    _limits(left, cost, share)
    _label_points(left, np.median(cost, 0), np.median(share, 0), names)
    whole = np.stack([last["mix_cost"].values] * 2, 1) / money.factor
    both = np.stack([last["total"].values, last["alone"].sum("policy").values], 1) / people.factor
    if len(names) > 1:
        _points(right, whole, both, (0, 1))
        _limits(right, whole, both, margin=0.3)
        _label_ends(right, whole, both, lang)
        right.set_title(word("policies.mix_panel", lang), fontsize=8, color=INK, loc="left", pad=14)
    else:
        right.set_visible(False)
    for axes in (left, right) if len(names) > 1 else (left,):
        _ratios(axes, unit, people, money, lang)
        axes.set_xlabel(word("policies.cost_axis", lang, unit=money.unit), fontsize=7.5)
        axes.axhline(0, color=INK, linewidth=0.7, zorder=1)
    left.set_title(word("policies.policies_panel", lang), fontsize=8, color=INK, loc="left", pad=14)
    left.set_ylabel(people.unit or "1", fontsize=7.5)


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


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, styles: range | tuple[int, ...]) -> None:
    for column, style in enumerate(styles):
        look = line_look(style)
        if len(x) > 2:
            axes.fill(*ellipse(x[:, column], y[:, column]), color=look["color"], alpha=0.10, linewidth=0)
            axes.plot(*ellipse(x[:, column], y[:, column]), color=look["color"], linewidth=0.6, alpha=0.8)
            axes.plot(x[:, column], y[:, column], ".", color=look["color"], markersize=1.6, alpha=0.5)
        axes.plot(np.median(x[:, column]), np.median(y[:, column]), look["marker"], color=look["color"],
                  markersize=5, markeredgecolor="white", markeredgewidth=0.6, zorder=4)  # fmt: skip


def _limits(axes: Axes, x: np.ndarray, y: np.ndarray, margin: float = 0.06) -> None:
    """Show the origin, and the middle nine tenths of the draws at least."""
    low, high = np.quantile(y, (0.05, 0.95), axis=0)
    bottom, top = min(0.0, low.min()), max(0.0, high.max())
    room = (top - bottom) or 1.0
    axes.set_xlim(0, np.quantile(x, 0.95, axis=0).max() * (1 + 3 * margin))
    axes.set_ylim(bottom - 0.04 * room, top + margin * room)
    axes.grid(visible=False)


def _label_points(axes: Axes, x: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    """Write names right of the points, spread apart where they would overlap."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6))
    low, high = axes.get_ylim()
    pixels = axes.get_window_extent().height / axes.get_figure(root=True).dpi * 72  # type: ignore[union-attr]
    per_point = (high - low) / pixels
    order = np.argsort(y)
    heights = spread_apart([(y[i] - low) / per_point for i in order], [8.5] * len(order), pixels)
    for place, number in zip(heights, order, strict=True):
        target = low + place * per_point
        shift = (target - y[number]) / per_point
        axes.annotate(names[number], (x[number], y[number]), xytext=(10, shift), textcoords="offset points",
                      fontsize=6.8, va="center", color=INK, zorder=6,
                      arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 3},
                      bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.6})  # fmt: skip


def _label_ends(axes: Axes, x: np.ndarray, y: np.ndarray, lang: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(3))
    middle = np.median(y, 0)
    above = middle[0] >= middle[1]
    for column, key in enumerate(("policies.mix", "policies.parts")):
        up = above == (column == 0)
        text = word(key, lang).replace(" of its ", " of its\n")
        axes.annotate(text, (float(np.median(x[:, column])), middle[column]), xytext=(-6, 7 if up else -7),
                      textcoords="offset points", ha="right", va="bottom" if up else "top", fontsize=6.8,
                      color=line_look(column)["color"], zorder=6)  # fmt: skip


def _ratios(axes: Axes, unit: str, people: Scale, money: Scale, lang: str) -> None:
    """Draw lines of equal cost per unit from the origin, with what a unit costs at their ends."""
    right, top = axes.get_xlim()[1], axes.get_ylim()[1]
    corner = right * money.factor / (top * people.factor)  # yuan per unit on the diagonal
    for ratio in nice_ratios(corner):
        slope = money.factor / people.factor / ratio
        x, y = (right, right * slope) if right * slope <= top else (top / slope, top)
        axes.plot([0, x], [0, y], color=FAINT, linewidth=0.8, zorder=0)
        scale = scale_for(ratio, f"yuan/{unit.partition('/')[0]}" if unit != "1" else "yuan", lang)
        text = f"{digits(ratio / scale.factor, 2)} {scale.unit}" if lang == "en" else f"{digits(ratio / scale.factor, 2)}{scale.unit}"
        side = {"ha": "left", "va": "center"} if x == right else {"ha": "center", "va": "bottom"}
        short = text if axes.get_position().width > 0.4 else text.partition("/")[0].removesuffix(" yuan")
        axes.annotate(short, (x, y), xytext=(2, 0) if x == right else (0, 1), textcoords="offset points",
                      fontsize=5.2, color=GREY, annotation_clip=False, **side)  # fmt: skip


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
