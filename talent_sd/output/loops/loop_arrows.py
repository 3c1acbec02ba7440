"""Arrows of a causal-loop diagram: from label to label, with sign, delay mark and weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.loops.loop_layout import Box, clipped, curve
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
HEAD = 0.55
"""Length of an arrow's head, as a part of its scale."""
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


def draw_arrows(axes: Axes, arrows: Sequence[Arrow], boxes: Mapping[str, Box]) -> None:
    """Draw arrows between boxes, the heaviest last.

    Parameters
    ----------
    axes : with equal units both ways
    arrows : to draw
    boxes : variable -> the room its label takes
    """
    for arrow in sorted(arrows, key=lambda arrow: arrow.weight):
        path, width = path_of(arrow, boxes), arrow.width
        body = path[: before_tip(path, 0.3 + 0.2 * width) + 1]
        axes.plot(*body.T, color=arrow.colour, linewidth=width, linestyle=LINES[arrow.sign],
                  zorder=2 + arrow.weight / 10, solid_capstyle="butt", dash_capstyle="butt")  # fmt: skip
        _head(axes, path, width, arrow.colour)


def _head(axes: Axes, path: np.ndarray, width: float, colour: str) -> None:
    tail, tip = path[before_tip(path, 1.2)], path[-1]
    axes.annotate(
        "",
        xy=(float(tip[0]), float(tip[1])),
        xytext=(float(tail[0]), float(tail[1])),
        arrowprops={
            "arrowstyle": f"-|>,head_length={HEAD},head_width=0.26",
            "color": colour,
            "linewidth": 0,
            "mutation_scale": _head_scale(width),
            "shrinkA": 0,
            "shrinkB": 0,
        },
        zorder=3,
    )


def _head_scale(width: float) -> float:
    return 5.5 + 1.7 * width


def head_length(width: float) -> float:
    """Return how long the head of an arrow of so many points is, in the diagram's units."""
    return HEAD * _head_scale(width) / POINTS_PER_UNIT


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
    axes.text(*at, sign, fontsize=6.7, ha="center", va="center_baseline", color=ink, zorder=7)


def before_tip(path: np.ndarray, distance: float) -> int:
    """Return the last point of a path that is so far from its tip; the middle of a shorter path."""
    far = np.flatnonzero(np.hypot(*(path - path[-1]).T) >= distance)
    return int(far[-1]) if far.size else max(0, len(path) // 2 - 1)


def _centre(box: Box) -> np.ndarray:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])


SIGN, STROKES = 0.62, 0.95
"""Half the side of a mark, in the diagram's units."""
CLEAR = 0.2
"""Marks keep so far from lines and from each other."""
SIGN_PLACES = (
    (1.6, 4.0, 0.25), (1.6, 4.0, 0.5), (4.0, 7.0, 0.25), (4.0, 7.0, 0.5), (1.6, 7.0, 0.75), (7.0, 11.0, 0.25), (7.0, 11.0, 0.5),
)  # fmt: skip
"""From and to so far behind the head, and so far off the arrow: where a sign is tried, the best first."""
NEARER, FROM_ENDS = 0.2, 0.8
"""A sign is so much nearer to its own arrow than to others; strokes of delay keep so far from head and tail."""
SPACING, FAR = 0.35, 3.0


@dataclass
class Room:
    """What is taken: boxes, and lines with half their widths."""

    boxes: list[Box] = field(default_factory=list)
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    halves: np.ndarray = field(default_factory=lambda: np.zeros(0))
    owners: np.ndarray = field(default_factory=lambda: np.zeros(0, int))

    def gap(self, box: Box, without: int = -1) -> float:
        """Return how far a box is from what is taken, below 0 where it overlaps.

        Parameters
        ----------
        without : number of a line to overlook
        """
        left, bottom, right, top = box
        away = self.from_lines(box)[self.owners != without]
        found = float(np.min(away, initial=np.inf))
        for a, b, c, d in self.boxes:
            apart = max(left - c, a - right, bottom - d, b - top)
            found = min(found, apart)
        return found

    def from_lines(self, box: Box) -> np.ndarray:
        """Return how far a box is from each point of the lines; of those far off, that they are."""
        left, bottom, right, top = box
        x, y = self.points.T
        beside, above = np.maximum(left - x, x - right), np.maximum(bottom - y, y - top)
        found = np.full(len(x), np.inf)
        near = np.flatnonzero((beside < FAR) & (above < FAR))
        found[near] = np.hypot(np.maximum(0, beside[near]), np.maximum(0, above[near])) - self.halves[near]
        return found

    def nearest_is(self, box: Box, owner: int) -> bool:
        """Return whether a line is clearly nearer to a box than all others."""
        away, own = self.from_lines(box), self.owners == owner
        return float(np.min(away[own], initial=np.inf)) + NEARER <= float(np.min(away[~own], initial=np.inf))


@dataclass(frozen=True)
class Marks:
    """Places of all marks: of signs and delays by the arrow's number, of badges by loop."""

    signs: tuple[Point, ...]
    delays: Mapping[int, tuple[Point, Point]]
    badges: Mapping[str, Point]


def place_marks(
    arrows: Sequence[Arrow],
    boxes: Mapping[str, Box],
    beside: Mapping[str, tuple[Sequence[int], Point]],
    frame: tuple[float, float],
) -> Marks:
    """Find places for all marks.

    Parameters
    ----------
    arrows, boxes : as drawn
    beside : loop -> numbers of the arrows that its badge may stand at, the best first; and where it stands without any
    frame : width and height of the diagram
    """
    room = taken_room(arrows, boxes)
    paths = [path_of(arrow, boxes) for arrow in arrows]
    badges = {}
    for loop, (own, without) in beside.items():
        places = (
            at for number in own for at in _along(paths[number], arrows[number].width, own, room, frame)
        )
        badges[loop] = _first_clear(room, ((square(at, BADGE), at) for at in chain(places, [without])))
        room.boxes.append(square(badges[loop], BADGE))
    delays: dict[int, tuple[Point, Point]] = {}
    for number, arrow in enumerate(arrows):
        if arrow.slow:
            options = list(_strokes(paths[number], arrow.width))
            at = _first_clear(room, ((box, at) for at, _, box in options), number)
            delays[number] = at, next(direction for other, direction, _ in options if other == at)
            room.boxes.append(square(at, STROKES))
    signs = []
    for number, arrow in enumerate(arrows):
        tries = [((square(at, SIGN), at) for at in _signs(paths[number], arrow)) for _ in range(2)]
        # where its own arrow is the nearest, nobody asks whose sign it is
        alone = (one for one in tries[0] if room.nearest_is(one[0], number) and room.gap(one[0]) >= CLEAR)
        at = _first_clear(room, chain(islice(alone, 1), tries[1]))
        signs.append(at)
        room.boxes.append(square(at, SIGN))
    return Marks(tuple(signs), delays, badges)


def taken_room(arrows: Sequence[Arrow], boxes: Mapping[str, Box]) -> Room:
    """Return what labels, arrows and their heads take."""
    if not arrows:  # every loop is a stock that moves itself
        return Room(list(boxes.values()))
    points, halves, owners = [], [], []
    for number, arrow in enumerate(arrows):
        path = path_of(arrow, boxes)
        length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
        even = np.linspace(0, length[-1], max(2, int(length[-1] / SPACING)))
        own = np.stack([np.interp(even, length, path[:, axis]) for axis in (0, 1)], axis=1)
        half = np.full(len(own), arrow.width / 2 / POINTS_PER_UNIT)
        half[length[-1] - even < 1.2] += 0.25  # the head
        points.append(own)
        halves.append(half)
        owners.append(np.full(len(own), number))
    return Room(list(boxes.values()), np.concatenate(points), np.concatenate(halves), np.concatenate(owners))


def square(at: Point, half: float) -> Box:
    """Return the square round a point."""
    return (at[0] - half, at[1] - half, at[0] + half, at[1] + half)


def _first_clear(room: Room, options: Iterable[tuple[Box, Point]], without: int = -1) -> Point:
    """Return the first place that is clear; if none is, the one that is the least in the way."""
    best: tuple[float, Point] | None = None
    for box, place in options:
        gap = room.gap(box, without)
        if gap >= CLEAR:
            return place
        if best is None or gap > best[0]:
            best = gap, place
    assert best is not None
    return best[1]


def _signs(path: np.ndarray, arrow: Arrow) -> Iterator[Point]:
    """Yield places for a sign: near the head and on the outer side of the bow first."""
    outer = 1.0 if arrow.bend >= 0 else -1.0
    half = arrow.width / 2 / POINTS_PER_UNIT
    for near, far, off in SIGN_PLACES:
        for side in (outer, -outer):
            for back in np.arange(near, far, 0.4):
                yield _off(path, before_tip(path, float(back)), side * (SIGN + half + off))


def _off(path: np.ndarray, here: int, distance: float) -> Point:
    """Return the point so far to the left of a path's point, below 0 to the right."""
    tangent = path[min(here + 3, len(path) - 1)] - path[max(here - 3, 0)]
    normal = np.array([-tangent[1], tangent[0]]) / max(float(np.hypot(*tangent)), 1e-9)
    x, y = path[here] + normal * distance
    return float(x), float(y)


def _strokes(path: np.ndarray, width: float) -> Iterator[tuple[Point, Point, Box]]:
    """Yield places for delay strokes with the arrow's direction there: from its middle outwards, clear of both ends."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    first, last = FROM_ENDS, along[-1] - head_length(width) - FROM_ENDS
    middle = (along[-1] - head_length(width)) / 2
    for shift in sorted(np.arange(-0.3, 0.31, 0.02) * along[-1], key=abs):
        if shift and not first <= middle + shift <= last:
            continue
        here = int(np.searchsorted(along, middle + shift))
        towards = path[min(here + 2, len(path) - 1)] - path[max(here - 2, 0)]
        x, y = (float(v) for v in towards / max(float(np.hypot(*towards)), 1e-9))
        at = float(path[here, 0]), float(path[here, 1])
        yield at, (x, y), square(at, STROKES)


def _along(
    path: np.ndarray, width: float, own: Sequence[int], room: Room, frame: tuple[float, float]
) -> Iterator[Point]:
    """Yield places for a badge beside an arrow: from its middle outwards, where no other loop's arrow is nearer."""
    foreign = room.points[~np.isin(room.owners, own)]
    middle = len(path) // 2
    for off in np.arange(0.1, 1.3, 0.2):
        distance = BADGE + width / 2 / POINTS_PER_UNIT + float(off)
        for here in sorted(
            range(len(path) // 12, len(path) - len(path) // 12, 12), key=lambda i: abs(i - middle)
        ):
            for side in (1.0, -1.0):
                x, y = _off(path, here, side * distance)
                inside = BADGE <= x <= frame[0] - BADGE and BADGE <= y <= frame[1] - BADGE
                if inside and (not len(foreign) or np.hypot(*(foreign - (x, y)).T).min() > distance):
                    yield x, y
