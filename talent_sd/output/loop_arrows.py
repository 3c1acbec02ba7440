"""Arrows of a causal-loop diagram: from label to label, with sign, delay mark and weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.output.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in the diagram's units."""
THINNEST, THICKEST = 0.5, 4.5
SIGN_FROM_TIP = 3.6
"""How far before its head an arrow's sign stands, in the diagram's units."""
PLUS, MINUS = "#004488", "#b0413e"


@dataclass(frozen=True)
class Arrow:
    """One arrow: `weight` from 0 to 1 is its width, `bend` its bow (to the left above 0, share of its length)."""

    cause: str
    effect: str
    sign: int
    slow: bool
    weight: float
    bend: float = 0.0


def curve(start: np.ndarray, end: np.ndarray, bend: float, points: int = 400) -> np.ndarray:
    """Return a quadratic curve between two points, (points, 2).

    >>> curve(np.array([0.0, 0.0]), np.array([2.0, 0.0]), 0.5, 3).tolist()
    [[0.0, 0.0], [1.0, 0.5], [2.0, 0.0]]
    """
    along = end - start
    middle = (start + end) / 2 + bend * np.array([-along[1], along[0]])
    t = np.linspace(0, 1, points)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end


def clipped(path: np.ndarray, start_box: Box, end_box: Box) -> np.ndarray:
    """Return the part of a curve between two boxes; at least its two middle points."""
    inside = [_inside(path, box) for box in (start_box, end_box)]
    first = int(np.max(np.flatnonzero(inside[0]), initial=-1)) + 1
    last = int(np.min(np.flatnonzero(inside[1]), initial=len(path)))
    if last - first < 2:
        half = len(path) // 2
        return path[half - 1 : half + 1]
    return path[first:last]


def draw_arrows(
    axes: Axes, arrows: Sequence[Arrow], boxes: Mapping[str, Box], *, marks: bool = True, scale: float = 1.0
) -> None:
    """Draw arrows between boxes.

    Parameters
    ----------
    axes : with equal units both ways
    arrows : to draw
    boxes : variable -> the room its label takes
    marks : whether to write signs and delay marks
    scale : of line widths and heads
    """
    for arrow in sorted(arrows, key=lambda arrow: arrow.weight):
        start, end = (_centre(boxes[name]) for name in (arrow.cause, arrow.effect))
        path = clipped(curve(start, end, arrow.bend), boxes[arrow.cause], boxes[arrow.effect])
        width = scale * (THINNEST + (THICKEST - THINNEST) * min(arrow.weight, 1.0))
        colour = PLUS if arrow.sign >= 0 else MINUS
        strength = 0.45 + 0.55 * min(1.0, arrow.weight * 3)
        dashes = (0, (3.2, 1.1)) if arrow.sign < 0 else "solid"
        body = path[: _before_tip(path, 0.3 + 0.2 * width) + 1]
        axes.plot(*body.T, color=colour, linewidth=width, linestyle=dashes, alpha=strength, zorder=2,
                  solid_capstyle="butt", dash_capstyle="butt")  # fmt: skip
        _head(axes, path, width, colour, strength, scale)
        if marks:
            _sign(axes, path, arrow, colour, width)
            if arrow.slow:
                _delay(axes, path, width)


def _head(axes: Axes, path: np.ndarray, width: float, colour: str, strength: float, scale: float) -> None:
    tail, tip = path[_before_tip(path, 1.2)], path[-1]
    size = scale * 5.0 + 1.7 * width
    axes.annotate(
        "",
        xy=(float(tip[0]), float(tip[1])),
        xytext=(float(tail[0]), float(tail[1])),
        arrowprops={
            "arrowstyle": "-|>,head_length=0.55,head_width=0.26",
            "color": colour,
            "alpha": strength,
            "linewidth": 0,
            "mutation_scale": size,
            "shrinkA": 0,
            "shrinkB": 0,
        },
        zorder=3,
    )


def _sign(axes: Axes, path: np.ndarray, arrow: Arrow, colour: str, width: float) -> None:
    """Write + or − beside the arrow, a little before its head, on its outer side."""
    place = path[_before_tip(path, SIGN_FROM_TIP + 0.3 * width)]
    direction = path[-1] - place
    normal = np.array([-direction[1], direction[0]]) / max(float(np.hypot(*direction)), 1e-9)
    side = 1.0 if arrow.bend >= 0 else -1.0
    x, y = place + normal * side * (1.15 + 0.12 * width)
    axes.text(float(x), float(y), "+" if arrow.sign >= 0 else "−", fontsize=8, color=colour, ha="center", va="center",
              zorder=4)  # fmt: skip


def _delay(axes: Axes, path: np.ndarray, width: float) -> None:
    """Cross the arrow with two short strokes: the effect follows later."""
    middle = len(path) // 2
    direction = path[min(middle + 2, len(path) - 1)] - path[middle - 1]
    along = direction / max(float(np.hypot(*direction)), 1e-9)
    across = np.array([-along[1], along[0]]) * (0.75 + 0.12 * width)
    for shift in (-0.28, 0.28):
        ends = path[middle] + along * shift + np.outer([-1, 1], across)
        axes.plot(*ends.T, color="white", linewidth=2.4, zorder=3.1, solid_capstyle="butt")
        axes.plot(*ends.T, color=INK, linewidth=0.9, zorder=3.2, solid_capstyle="butt")


def _before_tip(path: np.ndarray, distance: float) -> int:
    """Return the last point of a path that is so far from its tip; the middle of a shorter path."""
    far = np.flatnonzero(np.hypot(*(path - path[-1]).T) >= distance)
    return int(far[-1]) if far.size else max(0, len(path) // 2 - 1)


def _inside(path: np.ndarray, box: Box) -> np.ndarray:
    left, bottom, right, top = box
    return (path[:, 0] >= left) & (path[:, 0] <= right) & (path[:, 1] >= bottom) & (path[:, 1] <= top)


def _centre(box: Box) -> np.ndarray:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
