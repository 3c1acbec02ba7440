"""Random numbers by counter: the same for (seed, member, step, stream) however a run is cut into blocks."""

from __future__ import annotations

import numpy as np

_GOLDEN, _MIX1, _MIX2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_MASK = (1 << 64) - 1


def _mix(bits: np.ndarray) -> np.ndarray:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(_MIX1)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(_MIX2)
    return bits ^ (bits >> np.uint64(31))


def uniform(seed: int, members: np.ndarray, step: int, stream: int) -> np.ndarray:
    """Return one number in (0, 1) per member.

    Parameters
    ----------
    seed, step, stream : integers from 0
    members : (members,) numbers of the members in the whole ensemble

    Notes
    -----
    splitmix64's finaliser, applied to each part of the counter in turn.
    """
    bits = np.full(members.shape, (seed + 1) * _GOLDEN & _MASK, dtype=np.uint64)
    for part in (members.astype(np.uint64), np.uint64(step), np.uint64(stream)):
        bits = _mix(bits + (part + np.uint64(1)) * np.uint64(_GOLDEN))
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def draw(distribution: str, chance: np.ndarray, *args: np.ndarray) -> np.ndarray:
    """Return numbers of a distribution, by inverting it at `chance` in (0, 1).

    Parameters
    ----------
    distribution : "uniform" (low, high), "normal" (low, high, mean, sd; truncated) or
        "exponential" (low, high, shift, stretch; truncated), as in PySD
    """
    if distribution == "uniform":
        low, high = args
        return low + chance * (high - low)
    if distribution == "normal":
        from scipy.special import ndtr, ndtri

        low, high, mean, sd = args
        below, above = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
        return np.clip(mean + sd * ndtri(below + chance * (above - below)), low, high)
    low, high, shift, stretch = args
    start = np.maximum(low, shift)
    whole = -np.expm1(-(high - start) / stretch)
    return start - stretch * np.log1p(-chance * whole)
