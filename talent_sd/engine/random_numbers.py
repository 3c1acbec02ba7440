"""Random numbers by counter: nothing but (seed, member, step, stream) decides them.

The generator is Philox4x32-10 (Salmon et al. 2011), bit for bit that of the native
engine, so that both draw the same ensemble however it is cut into blocks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Drawn = tuple[np.ndarray, np.ndarray]
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
_LOW = np.uint64(0xFFFF_FFFF)
_HALF = np.uint64(32)
MAX_ATTEMPTS = 4096


def units(seed: int, members: np.ndarray, step: int, stream: int) -> Drawn:
    """Return two independent numbers in [0, 1) per member.

    Parameters
    ----------
    seed, step, stream : integers from 0
    members : (members,) numbers of the members in the whole ensemble
    """
    member = members.astype(np.uint64)
    counter = [member & _LOW, member >> _HALF, np.full_like(member, step), np.full_like(member, stream)]
    seed &= (1 << 64) - 1
    key = [seed & 0xFFFF_FFFF, seed >> 32]
    for turn in range(ROUNDS):
        if turn:
            key = [(part + weyl) & 0xFFFF_FFFF for part, weyl in zip(key, WEYL, strict=True)]
        first, third = counter[0] * np.uint64(MULTIPLIERS[0]), counter[2] * np.uint64(MULTIPLIERS[1])
        counter = [(third >> _HALF) ^ counter[1] ^ np.uint64(key[0]), third & _LOW,
                   (first >> _HALF) ^ counter[3] ^ np.uint64(key[1]), first & _LOW]  # fmt: skip
    return _unit(counter[0], counter[1]), _unit(counter[2], counter[3])


def _unit(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Return a double in [0, 1) of 52 random bits."""
    return (((high << _HALF) | low) >> np.uint64(12)).astype(np.float64) * 2.0**-52


def draw(distribution: str, source: Callable[[int], Drawn], stream: int, *args: np.ndarray) -> np.ndarray:
    """Return one number of a distribution per member.

    Parameters
    ----------
    distribution : "uniform" (low, high), "normal" (low, high, mean, sd; truncated) or
        "exponential" (low, high, shift, stretch; truncated)
    source : stream -> the numbers that `units` gives for it
    stream : of this draw
    """
    low, high = args[:2]
    if distribution == "normal":
        return _normal(source, stream, *args)
    first, _ = source(stream)
    if distribution == "uniform":
        return low + (high - low) * first
    shift, stretch = args[2:]
    start = np.maximum(low, shift)
    mass = 1.0 - np.exp(-((high - start) / stretch))
    return start - stretch * np.log(1.0 - first * mass)


def _normal(source: Callable[[int], Drawn], stream: int, low: np.ndarray, high: np.ndarray, mean: np.ndarray,
            sd: np.ndarray) -> np.ndarray:  # fmt: skip
    """Draw again, member by member, until within the bounds; NaN if that never happens."""
    kept: np.ndarray | None = None
    open_: np.ndarray | None = None
    for attempt in range(MAX_ATTEMPTS):
        first, second = source(stream | attempt << 16)
        value = mean + sd * (np.sqrt(-2.0 * np.log(1.0 - first)) * np.cos(2 * np.pi * second))
        if kept is None or open_ is None:
            kept, open_ = np.full(value.shape, np.nan), np.ones(value.shape, bool)
        outside = (value < low) | (value > high)
        kept = np.where(open_ & ~outside, value, kept)
        open_ &= outside
        if not open_.any():
            break
    return np.asarray(kept)
