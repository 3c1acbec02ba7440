"""Where a diagram's small marks go: signs beside arrows' heads, delay strokes, loops' badges.

Each takes the first place of a list, from the best downwards, where it touches nothing; so a mark
is where a reader looks for it unless something stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from talent_sd.loops.loop_curves import Box
from talent_sd.output.loops.loop_arrows import BADGE, POINTS_PER_UNIT, Arrow, Point, before_tip, path_of

SIGN, STROKES = 0.62, 0.95
"""Half the side of a mark, in the diagram's units."""
CLEAR = 0.2
"""Marks keep so far from lines and from each other."""
SPACING = 0.35


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
        found = np.inf
        if len(self.points):
            x, y = self.points.T
            away = np.hypot(
                np.maximum(0, np.maximum(left - x, x - right)), np.maximum(0, np.maximum(bottom - y, y - top))
            )
            away = np.where(self.owners == without, np.inf, away - self.halves)
            found = float(away.min())
        for a, b, c, d in self.boxes:
            apart = max(left - c, a - right, bottom - d, b - top)
            found = min(found, apart)
        return found


@dataclass(frozen=True)
class Marks:
    """Places of all marks: of signs and delays by the arrow's number, of badges by loop."""

    signs: tuple[Point, ...]
    delays: Mapping[int, tuple[Point, Point]]
    badges: Mapping[str, Point]


def place_marks(
    arrows: Sequence[Arrow],
    boxes: Mapping[str, Box],
    wanted: Mapping[str, Point],
    frame: tuple[float, float],
) -> Marks:
    """Find places for all marks.

    Parameters
    ----------
    arrows, boxes : as drawn
    wanted : loop -> where its badge should stand
    frame : width and height of the diagram
    """
    room = taken_room(arrows, boxes)
    badges = {}
    for loop, place in wanted.items():
        badges[loop] = _first_clear(room, ((square(at, BADGE), at) for at in _badges(place, frame)))
        room.boxes.append(square(badges[loop], BADGE))
    delays: dict[int, tuple[Point, Point]] = {}
    paths = [path_of(arrow, boxes) for arrow in arrows]
    for number, arrow in enumerate(arrows):
        if arrow.slow:
            options = list(_strokes(paths[number]))
            at = _first_clear(room, ((box, at) for at, _, box in options), number)
            delays[number] = at, next(direction for other, direction, _ in options if other == at)
            room.boxes.append(square(at, STROKES))
    signs = []
    for number, arrow in enumerate(arrows):
        at = _first_clear(room, ((square(at, SIGN), at) for at in _signs(paths[number], arrow)))
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
    for near, far, off in ((2.0, 4.0, 0.5), (2.0, 4.0, 0.9), (4.0, 9.0, 0.5), (2.0, 9.0, 1.3)):
        for side in (outer, -outer):
            for back in np.arange(near, far, 0.4):
                here = before_tip(path, float(back))
                tangent = path[min(here + 3, len(path) - 1)] - path[here]
                normal = np.array([-tangent[1], tangent[0]]) / max(float(np.hypot(*tangent)), 1e-9)
                x, y = path[here] + normal * side * (SIGN + half + off)
                yield float(x), float(y)


def _strokes(path: np.ndarray) -> Iterator[tuple[Point, Point, Box]]:
    """Yield places for delay strokes with the arrow's direction there: from its middle outwards."""
    middle = len(path) // 2
    for shift in sorted(range(-int(0.3 * len(path)), int(0.3 * len(path)) + 1, 4), key=abs):
        here = middle + shift
        along = path[min(here + 2, len(path) - 1)] - path[max(here - 2, 0)]
        x, y = (float(v) for v in along / max(float(np.hypot(*along)), 1e-9))
        at = float(path[here, 0]), float(path[here, 1])
        yield at, (x, y), square(at, STROKES)


def _badges(wanted: Point, frame: tuple[float, float]) -> Iterator[Point]:
    """Yield places for a badge: from the wanted one outwards."""
    for radius in np.arange(0, 14, 0.5):
        for angle in np.linspace(0, 2 * np.pi, max(1, int(radius * 8)), endpoint=False):
            x, y = wanted[0] + radius * float(np.cos(angle)), wanted[1] + radius * float(np.sin(angle))
            if BADGE <= x <= frame[0] - BADGE and BADGE <= y <= frame[1] - BADGE:
                yield x, y
