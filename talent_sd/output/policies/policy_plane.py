"""The cost-effectiveness plane: present cost against effect, with the draws' spread and lines of equal ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.numbers import Scale, digits, scale_for
from talent_sd.output.style import FAINT, GREY, INK, line_look

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
