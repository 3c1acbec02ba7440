"""Curves between labels: the geometry that placing a diagram and drawing it share."""

from __future__ import annotations

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
    p, q = first[:, None, :-1, None, :], first[:, None, 1:, None, :]
    r, s = second[None, :, None, :-1, :], second[None, :, None, 1:, :]
    one = _side(p, q, r) * _side(p, q, s) < 0
    other = _side(r, s, p) * _side(r, s, q) < 0
    return np.asarray((one & other).sum(axis=(2, 3)))


def _side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return on which side of a line points lie."""
    along, to = b - a, c - a
    return np.asarray(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0])
