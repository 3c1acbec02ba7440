"""Arrows of a causal-loop diagram: from label to label, with sign, delay mark and weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.loops.loop_curves import Box, clipped, curve
from talent_sd.output.style import FAINT, GREY, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THINNEST, THICKEST = 0.6, 4.5
FAINT_BELOW = 0.04
"""Arrows of less weight are pale: they are there, and say little."""
PLUS, MINUS, TURNS, PALE = "#004488", "#b0413e", "#6b4c8a", "#b4b4b4"
DASHES, DOTTED = (0, (3.2, 1.3)), (0, (4, 1.2, 1, 1.2))
LINES: dict[int, Any] = {1: "solid", -1: DASHES, 0: DOTTED}
WRITTEN = {1: "+", -1: "−", 0: "±"}
Point = tuple[float, float]
BADGE = 1.4
"""Half the side of a loop's badge, in the diagram's units."""
POINTS_PER_UNIT = 5.72
"""Of a diagram on an A4 page upright."""
OWN, OPEN = 2.3, 0.55
"""Radius of the circle of a variable that moves itself, and half the gap in it, radians."""


@dataclass(frozen=True)
class Arrow:
    """One arrow: `weight` from 0 to 1 is its width, `bend` its bow (to the left above 0, share of its length).

    `sign` is 0 where it turns in the run.
    """

    cause: str
    effect: str
    sign: int
    slow: bool
    weight: float
    bend: float = 0.0

    @property
    def width(self) -> float:
        """Return its width in points."""
        return THINNEST + (THICKEST - THINNEST) * min(self.weight, 1.0)

    @property
    def colour(self) -> str:
        """Return its colour; the sign and the dashes say the same."""
        if self.weight < FAINT_BELOW:
            return PALE
        return PLUS if self.sign > 0 else MINUS if self.sign < 0 else TURNS


def path_of(arrow: Arrow, boxes: Mapping[str, Box]) -> np.ndarray:
    """Return an arrow's curve from the edge of one label to that of the other, (points, 2)."""
    if arrow.cause == arrow.effect:
        return own_path(boxes[arrow.cause], arrow.bend)
    start, end = (_centre(boxes[name]) for name in (arrow.cause, arrow.effect))
    return clipped(curve(start, end, arrow.bend), boxes[arrow.cause], boxes[arrow.effect])


def own_path(box: Box, direction: float) -> np.ndarray:
    """Return the curve of a variable that moves itself: most of a circle beside its label, (points, 2).

    Parameters
    ----------
    box : the label's room
    direction : of the circle's middle from the label's, radians

    >>> path = own_path((-4.0, -1.0, 4.0, 1.0), np.pi / 2)
    >>> bool(np.allclose(path[0][1], path[-1][1])), bool(path[:, 1].min() > 0.9), bool(path[:, 1].max() > 4)
    (True, True, True)
    """
    half = np.array([box[2] - box[0], box[3] - box[1]]) / 2
    along = np.array([np.cos(direction), np.sin(direction)])
    edge = min(half / np.maximum(np.abs(along), 1e-9))  # from the label's middle to its edge, that way
    middle = _centre(box) + along * (edge + 0.85 * OWN)
    turn = direction + np.pi + np.linspace(OPEN, 2 * np.pi - OPEN, 200)
    return np.asarray(middle + OWN * np.stack([np.cos(turn), np.sin(turn)], axis=1))


def draw_arrows(axes: Axes, arrows: Sequence[Arrow], boxes: Mapping[str, Box], scale: float = 1.0) -> None:
    """Draw arrows between boxes, the heaviest last.

    Parameters
    ----------
    axes : with equal units both ways
    arrows : to draw
    boxes : variable -> the room its label takes
    scale : of line widths and heads
    """
    for arrow in sorted(arrows, key=lambda arrow: arrow.weight):
        path, width = path_of(arrow, boxes), scale * arrow.width
        body = path[: before_tip(path, 0.3 + 0.2 * width) + 1]
        axes.plot(*body.T, color=arrow.colour, linewidth=width, linestyle=LINES[arrow.sign],
                  zorder=2 + arrow.weight / 10, solid_capstyle="butt", dash_capstyle="butt")  # fmt: skip
        _head(axes, path, width, arrow.colour, scale)


def _head(axes: Axes, path: np.ndarray, width: float, colour: str, scale: float) -> None:
    tail, tip = path[before_tip(path, 1.2)], path[-1]
    axes.annotate(
        "",
        xy=(float(tip[0]), float(tip[1])),
        xytext=(float(tail[0]), float(tail[1])),
        arrowprops={
            "arrowstyle": "-|>,head_length=0.55,head_width=0.26",
            "color": colour,
            "linewidth": 0,
            "mutation_scale": scale * 5.5 + 1.7 * width,
            "shrinkA": 0,
            "shrinkB": 0,
        },
        zorder=3,
    )


def draw_sign(axes: Axes, at: Point, sign: int, *, pale: bool) -> None:
    """Write + or − beside an arrow's head, ± where it turns."""
    axes.text(*at, WRITTEN[sign], fontsize=8.5, color=GREY if pale else INK, ha="center",
              va="center_baseline", zorder=4)  # fmt: skip


def draw_delay(axes: Axes, at: Point, direction: Point, width: float) -> None:
    """Cross the arrow with two short strokes: the effect follows later."""
    along = np.array(direction)
    across = np.array([-along[1], along[0]]) * (0.7 + 0.1 * width)
    for shift in (-0.26, 0.26):
        ends = np.array(at) + along * shift + np.outer([-1, 1], across)
        axes.plot(*ends.T, color="white", linewidth=2.2, zorder=3.1, solid_capstyle="butt")
        axes.plot(*ends.T, color=INK, linewidth=0.9, zorder=3.2, solid_capstyle="butt")


def draw_badge(axes: Axes, at: Point, polarity: str, sign: str) -> None:
    """Draw a loop's badge, its letter and number: a dark disc where it reinforces, a ring where it balances.

    A grey disc where it turns.
    """
    fill, ink = {"R": (INK, "white"), "B": ("white", INK), "U": (FAINT, INK)}[polarity]
    axes.plot(*at, "o", markersize=2 * (BADGE - 0.1) * POINTS_PER_UNIT, markerfacecolor=fill, markeredgecolor=INK,
              markeredgewidth=0.8, zorder=6, clip_on=False)  # fmt: skip
    axes.text(*at, sign, fontsize=6.2, ha="center", va="center_baseline", color=ink, zorder=7)


def before_tip(path: np.ndarray, distance: float) -> int:
    """Return the last point of a path that is so far from its tip; the middle of a shorter path."""
    far = np.flatnonzero(np.hypot(*(path - path[-1]).T) >= distance)
    return int(far[-1]) if far.size else max(0, len(path) // 2 - 1)


def _centre(box: Box) -> np.ndarray:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
