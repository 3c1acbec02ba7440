"""The points of time that a run passes, and those it keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talent_sd.base.errors import ModelError

_CLOSE = 1e-5  # of a step: nearer than this is the same time, as in PySD


def time_points(initial: float, final: float, step: float) -> np.ndarray:
    """Return every time point from `initial` to `final`, by adding `step` over and over.

    The sum carries its rounding on purpose: it is what PySD does, so that STEP and
    PULSE switch at the same point.

    >>> time_points(0, 1, 0.25)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    points, now = [float(initial)], float(initial)
    while now + step * _CLOSE < final:
        now += step
        points.append(now)
    return np.array(points)


def saved_points(times: np.ndarray, saveper: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the points nearest to the multiples of SAVEPER after the first, and their times.

    Where SAVEPER is a multiple of TIME STEP but for the last digits (1 and 0.0833), the times are those
    multiples; where a point lies further than a quarter of a step from one, they are the points' own.

    >>> points = time_points(0, 1, 0.25)
    >>> saved_points(points, 0.5, 0.25)
    (array([0, 2, 4]), array([0. , 0.5, 1. ]))
    >>> saved_points(points, 0.4, 0.25)
    (array([0, 2, 3]), array([0.  , 0.5 , 0.75]))
    """
    saveper = max(saveper, step)
    last = times[-1] - times[0]
    wanted = times[0] + saveper * np.arange(np.floor(last / saveper + 0.5 * step / saveper) + 1)
    index = np.searchsorted(times, wanted)
    index = np.clip(index, 1, max(len(times) - 1, 1)) if len(times) > 1 else index * 0
    below = np.abs(wanted - times[index - 1]) <= np.abs(times[index] - wanted)
    index = np.where(below & (index > 0), index - 1, index)
    index, first = np.unique(index, return_index=True)
    near = np.abs(times[index] - wanted[first]) <= 0.25 * step
    return index, wanted[first] if near.all() else times[index]


def matching_points(times: np.ndarray, wanted: Sequence[float]) -> np.ndarray:
    """Return the indices of the points at the wanted times.

    Raises
    ------
    ModelError
        If a wanted time is no point of the run.
    """
    found = []
    for time in wanted:
        index = int(np.argmin(np.abs(times - time)))
        if not abs(times[index] - time) <= 1e-6 * max(1.0, abs(float(time))):
            raise ModelError(
                "time {time:g} is no point of the run, which goes from {start:g} to {end:g} by TIME "
                "STEP. The nearest is {closest:g}.",
                time=float(time),
                start=times[0],
                end=times[-1],
                closest=times[index],
            )
        found.append(index)
    return np.array(found, dtype=np.intp)
