"""The points of time that a run passes, and those it keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.base.messages import tell

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


def saved_points(times: np.ndarray, saveper: float, step: float) -> np.ndarray:
    """Return the indices of the points that lie on a multiple of SAVEPER after the first.

    >>> saved_points(time_points(0, 1, 0.25), 0.5, 0.25)
    array([0, 2, 4])
    """
    elapsed, near = times - times[0], step * _CLOSE
    return np.flatnonzero((elapsed % saveper < near) | (-elapsed % saveper < near))


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
                tell(
                    "time {time:g} is no point of the run, which goes from {start:g} to {end:g} by TIME "
                    "STEP. The nearest is {closest:g}.",
                    time=float(time),
                    start=times[0],
                    end=times[-1],
                    closest=times[index],
                )
            )
        found.append(index)
    return np.array(found, dtype=np.intp)
