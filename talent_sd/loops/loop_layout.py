"""Places of a diagram's variables, so that arrows cross little and labels stand free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in the diagram's units."""


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
    inside = [within(path, box) for box in (start_box, end_box)]
    first = int(np.max(np.flatnonzero(inside[0]), initial=-1)) + 1
    last = int(np.min(np.flatnonzero(inside[1]), initial=len(path)))
    if last - first < 2:
        half = len(path) // 2
        return path[half - 1 : half + 1]
    return path[first:last]


def within(points: np.ndarray, box: Box) -> np.ndarray:
    """Return which points lie in a box."""
    left, bottom, right, top = box
    x, y = points[..., 0], points[..., 1]
    return np.asarray((x >= left) & (x <= right) & (y >= bottom) & (y <= top))


def crossings(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return how often each path of one set crosses each of another, (a, b).

    Parameters
    ----------
    first, second : (a, points, 2) and (b, points, 2)

    >>> across = np.array([[[0.0, 0.0], [2.0, 2.0]]]), np.array([[[0.0, 2.0], [2.0, 0.0]]])
    >>> crossings(*across).tolist()
    [[1]]
    """
    found = np.zeros((len(first), len(second)), int)
    # only what shares some room is looked at
    low, high = (
        [bound(paths, axis=1) for paths in (first, second)]
        for bound in (np.minimum.reduce, np.maximum.reduce)
    )
    near = ((low[0][:, None] <= high[1]) & (low[1] <= high[0][:, None])).all(axis=2)
    a, b = np.nonzero(near)
    one, other = _sides(first[a], second[b]), _sides(second[b], first[a]).swapaxes(1, 2)
    crossed = (one[:, :, :-1] * one[:, :, 1:] < 0) & (other[:, :-1] * other[:, 1:] < 0)
    found[a, b] = crossed.sum(axis=(1, 2))
    return found


def _sides(paths: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return on which side of each stretch of a path each point of its partner lies, (pairs, stretches, points)."""
    along = np.diff(paths, axis=1)[:, :, None]
    to = points[:, None] - paths[:, :-1, None]
    return np.asarray(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0])


WIDE, HIGH, EDGE = 100.0, 70.0, 4.0
POINTS = 15
"""Points that an arrow is looked at."""
APART = 2.4
"""Arrows' ends and labels keep so far apart, in the diagram's units."""
SHARP, MOST_BENT = 0.5, 0.75
CROSSING, THROUGH_LABEL, CLOSE, LABELS_MEET, CROWDED_END = 1.0, 6.0, 0.08, 30.0, 0.7
LENGTH, BENT = 0.012, 0.5
"""Weights of what is unwanted."""
WARM, COLD = 1.5, 0.02
Link = tuple[str, str]


@dataclass
class Arrangement:
    """Variables, links and how good their places are.

    Parameters
    ----------
    places : (nodes, 2) centres
    bends : (links,) bows, to the left above 0
    sizes : (nodes, 2) width and height of labels
    ends : (links, 2) numbers of cause and effect
    """

    places: np.ndarray
    bends: np.ndarray
    sizes: np.ndarray
    ends: np.ndarray
    high: float = HIGH
    paths: np.ndarray = field(init=False)
    pairs: np.ndarray = field(init=False)
    through: np.ndarray = field(init=False)
    own: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.ends)
        self.paths = np.zeros((count, POINTS, 2))
        self.pairs = np.zeros((count, count))
        self.through = np.zeros((count, len(self.places)))
        self.own = np.zeros(count)
        self.renew(np.arange(count))

    def cost(self) -> float:
        """Return how bad the places are."""
        gap = np.abs(self.places[:, None] - self.places) - (self.sizes[:, None] + self.sizes) / 2
        meet = np.maximum(0.0, APART - gap.max(axis=2))
        np.fill_diagonal(meet, 0.0)
        out = np.maximum(0.0, self.sizes / 2 + 0.5 - self.places)
        out += np.maximum(0.0, self.places + self.sizes / 2 + 0.5 - np.array([WIDE, self.high]))
        labels = LABELS_MEET * (meet.sum() / 2 + out.sum())
        return float(labels + self.pairs.sum() / 2 + self.through.sum() + self.own.sum())

    def touched(self, node: int) -> np.ndarray:
        """Return the links of a node."""
        return np.flatnonzero((self.ends == node).any(axis=1))

    def renew(self, links: np.ndarray, node: int | None = None) -> None:
        """Work out again what some links cost, and what all cost that pass a node that moved."""
        if len(links):
            self.paths[links] = self._paths(links)
            along = self.paths[links]
            step = np.hypot(*np.diff(along, axis=1).T).sum(axis=0)
            bent = np.abs(self.bends[links])
            outside = (along < 0.5) | (along > np.array([WIDE, self.high]) - 0.5)
            self.own[links] = (
                LENGTH * step + BENT * bent**2 + 20 * np.maximum(0, bent - SHARP) + outside.sum(axis=(1, 2))
            )
            near = self._pairs(links)
            self.pairs[links] = near
            self.pairs[:, links] = near.T
            self.through[links] = self._through(self.paths[links], self.ends[links], slice(None))
        if node is not None:
            self.through[:, [node]] = self._through(self.paths, self.ends, slice(node, node + 1))

    def _paths(self, links: np.ndarray) -> np.ndarray:
        """Return curves from edge to edge of their labels, (links, points, 2)."""
        start, end = self.places[self.ends[links, 0]], self.places[self.ends[links, 1]]
        along = end - start
        bow = self.bends[links, None] * np.stack([-along[:, 1], along[:, 0]], axis=1)
        middle = (start + end) / 2 + bow
        halves = self.sizes[self.ends[links]] / 2
        leave = _until_out(start, middle, end, halves[:, 0], reverse=False)
        arrive = _until_out(start, middle, end, halves[:, 1], reverse=True)
        arrive = np.maximum(arrive, leave + 0.05)
        t = leave[:, None] + (arrive - leave)[:, None] * np.linspace(0, 1, POINTS)
        return _at(start, middle, end, t)

    def _pairs(self, links: np.ndarray) -> np.ndarray:
        """Return what each link costs with each other, (links, all)."""
        own, others = self.paths[links], self.paths
        found = CROSSING * crossings(own, others).astype(float)
        inner = slice(2, POINTS - 2, 2)
        gap = np.hypot(*np.moveaxis(own[:, None, inner, None] - others[None, :, None, inner], -1, 0))
        found += CLOSE * np.maximum(0.0, 1.8 - gap.min(axis=3)).sum(axis=2)
        # where two arrows leave or reach the same label, their ends stand apart
        for side in (0, -1):
            for other_side in (0, -1):
                ends = np.hypot(*np.moveaxis(own[:, None, side] - others[None, :, other_side], -1, 0))
                found += CROWDED_END * np.maximum(0.0, APART - ends)
        found[np.arange(len(links)), links] = 0.0
        return found

    def _through(self, paths: np.ndarray, ends: np.ndarray, nodes: slice) -> np.ndarray:
        """Return what links cost that pass the labels of others, (links, nodes)."""
        centres, halves = self.places[nodes], self.sizes[nodes] / 2 + 0.8
        between = [paths[:, :-1] + (paths[:, 1:] - paths[:, :-1]) * part for part in (0.0, 0.33, 0.67)]
        along = np.concatenate(
            between, axis=1
        )  # a long arrow's points lie further apart than a label is high
        inside = np.abs(along[:, None] - centres[None, :, None]) < halves[None, :, None]
        hits = inside.all(axis=3).sum(axis=2).astype(float)
        numbers = np.arange(len(self.places))[nodes]
        hits[(ends[:, 0][:, None] == numbers) | (ends[:, 1][:, None] == numbers)] = 0.0
        return THROUGH_LABEL * np.minimum(hits, 3)


def arrange(start: Arrangement, rounds: int, seed: int = 0, reach: float = 12.0) -> Arrangement:
    """Improve places and bends by simulated annealing; the same start and seed give the same places.

    Parameters
    ----------
    start : changed in place
    rounds : tries
    reach : how far a label is moved at first, in the diagram's units
    """
    rng = np.random.default_rng(seed)
    cost = start.cost()
    best = cost, start.places.copy(), start.bends.copy()
    for turn in range(rounds):
        left = 1 - turn / rounds
        heat = COLD + (WARM - COLD) * left**2
        places, bends = start.places.copy(), start.bends.copy()
        kept = [part.copy() for part in (start.paths, start.pairs, start.through, start.own)]
        _try(start, rng, reach * left + 0.5)
        new = start.cost()
        if new < cost or rng.random() < np.exp((cost - new) / heat):
            cost = new
            if cost < best[0]:
                best = cost, start.places.copy(), start.bends.copy()
        else:
            start.places, start.bends = places, bends
            start.paths, start.pairs, start.through, start.own = kept
    start.places, start.bends = best[1:]
    start.renew(np.arange(len(start.ends)))
    return start


def _try(now: Arrangement, rng: np.random.Generator, reach: float) -> None:
    """Change something: a label's place, two labels' places, or an arrow's bow."""
    kind = rng.random()
    if kind < 0.45:
        link = int(rng.integers(len(now.ends)))
        bend = rng.normal(0, 0.25) if rng.random() < 0.3 else now.bends[link] + rng.normal(0, 0.08)
        now.bends[link] = np.clip(bend, -MOST_BENT, MOST_BENT)
        now.renew(np.array([link]))
        return
    node = int(rng.integers(len(now.places)))
    if kind < 0.93:
        low, high = now.sizes[node] / 2 + 0.5, np.array([WIDE, now.high]) - now.sizes[node] / 2 - 0.5
        now.places[node] = np.clip(now.places[node] + rng.normal(0, reach, 2), low, high)
        now.renew(now.touched(node), node)
        return
    other = int(rng.integers(len(now.places)))
    now.places[[node, other]] = now.places[[other, node]]
    both = np.union1d(now.touched(node), now.touched(other))
    now.renew(both, node)
    now.renew(np.array([], int), other)


def _at(start: np.ndarray, middle: np.ndarray, end: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return points of quadratic curves, (links, times, 2)."""
    t = t[:, :, None]
    return np.asarray((1 - t) ** 2 * start[:, None] + 2 * t * (1 - t) * middle[:, None] + t**2 * end[:, None])


def _until_out(
    start: np.ndarray, middle: np.ndarray, end: np.ndarray, half: np.ndarray, *, reverse: bool
) -> np.ndarray:
    """Return the time at which curves leave their first label, or reach their last one, (links,)."""
    times = np.linspace(0, 1, 33)
    points = _at(start, middle, end, np.broadcast_to(times, (len(start), 33)))
    centre = end if reverse else start
    inside = (np.abs(points - centre[:, None]) <= half[:, None]).all(axis=2)
    if reverse:
        return times[32 - np.argmin(inside[:, ::-1], axis=1)]
    return times[np.argmin(inside, axis=1)]


def placed(
    nodes: Mapping[str, tuple[float, float]],
    bends: Mapping[Link, float],
    links: Sequence[Link],
    sizes: Mapping[str, tuple[float, float]],
    rounds: int,
    *,
    seed: int = 0,
    reach: float = 12.0,
    high: float = HIGH,
) -> tuple[dict[str, tuple[float, float]], dict[Link, float], float]:
    """Return better places and bows for a diagram, and what they cost.

    Parameters
    ----------
    nodes, bends : to start from; a link without a bow has a slight one
    links : (cause, effect)
    sizes : width and height of each label
    rounds : tries; a diagram of twenty labels is settled after some thousands
    """
    names = list(nodes)
    number = {name: place for place, name in enumerate(names)}
    ends = np.array([[number[cause], number[effect]] for cause, effect in links])
    start = Arrangement(
        np.array([nodes[name] for name in names], float),
        np.array([bends.get(link, 0.12) for link in links], float),
        np.array([sizes[name] for name in names], float),
        ends,
        high,
    )
    done = arrange(start, rounds, seed, reach)
    found = {
        name: (round(float(x), 1), round(float(y), 1))
        for name, (x, y) in zip(names, done.places, strict=True)
    }
    bows = {link: round(float(bend), 2) for link, bend in zip(links, done.bends, strict=True)}
    return found, bows, done.cost()


def drawn_together(
    nodes: Mapping[str, tuple[float, float]],
    bends: Mapping[Link, float],
    sizes: Mapping[str, tuple[float, float]],
    most: float = 12.0,
) -> dict[str, tuple[float, float]]:
    """Return places with no empty strip across the diagram, either way, that is wider than `most`; no arrow changes.

    >>> drawn_together({"a": (10.0, 10.0), "b": (10.0, 60.0)}, {}, {"a": (4.0, 2.0), "b": (4.0, 2.0)})
    {'a': (10.0, 10.0), 'b': (10.0, 24.0)}
    """
    found = {name: np.array(place) for name, place in nodes.items()}
    for axis in (0, 1):
        reach = [
            (own[axis] - sizes[name][axis] / 2, own[axis] + sizes[name][axis] / 2)
            for name, own in found.items()
        ]
        for (cause, effect), bend in bends.items():
            path = curve(found[cause], found[effect], bend, POINTS)[:, axis]
            reach.append((float(path.min()), float(path.max())))
        shift, end = dict.fromkeys(found, 0.0), -np.inf
        for low, high in sorted(reach):
            if low - end > most and np.isfinite(end):
                for name, own in found.items():
                    shift[name] += (low - end - most) * (own[axis] >= low)
            end = max(end, high)
        for name, own in found.items():
            own[axis] -= shift[name]
    return {name: (round(float(x), 1), round(float(y), 1)) for name, (x, y) in found.items()}
