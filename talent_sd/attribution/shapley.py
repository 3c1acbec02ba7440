"""Shapley values: what each of several switches adds to a result, all orders of switching alike.

A coalition is the set of switches that are on; it is numbered by its bits, switch i
being bit i. Shares add up to the whole, switches that never change the result get 0,
and switches that do the same get the same.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np

from talent_sd.base.messages import tell


def coalitions(players: int) -> np.ndarray:
    """Return every combination of switches, (2^players, players) of 0 and 1, row number = bits.

    >>> coalitions(2).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    numbers = np.arange(2**players)[:, None]
    return ((numbers >> np.arange(players)) & 1).astype(float)


def shapley_values(worth: np.ndarray) -> np.ndarray:
    """Return each switch's exact share of the worth of all together.

    Parameters
    ----------
    worth : (2^players, ...) result of each coalition, any unit

    Returns
    -------
    (players, ...), adding up over players to worth[all] - worth[none]

    Raises
    ------
    ValueError
        If the number of coalitions is no power of two.

    Two people earn 10 only together; each alone earns nothing:

    >>> shapley_values(np.array([0.0, 0.0, 0.0, 10.0])).tolist()
    [5.0, 5.0]
    """
    players = _players(worth)
    weights = np.array([1 / (players * comb(players - 1, size)) for size in range(players)])
    sizes = coalitions(players - 1).sum(axis=1).astype(int) if players else np.zeros(0, int)
    shares = np.empty((players, *worth.shape[1:]))
    for player in range(players):
        without, with_it = _split(worth, player, players)
        shares[player] = np.tensordot(weights[sizes], with_it - without, axes=1)
    return shares


def shapley_interactions(worth: np.ndarray) -> np.ndarray:
    """Return how much more each pair of switches does together than apart, on average over coalitions.

    Parameters
    ----------
    worth : (2^players, ...) result of each coalition

    Returns
    -------
    (players, players, ...), symmetric, 0 on the diagonal; above 0 where a pair complements each
    other, below 0 where one does what the other has done already (Grabisch & Roubens 1999)

    >>> shapley_interactions(np.array([0.0, 0.0, 0.0, 10.0]))[0, 1].item()
    10.0
    """
    players = _players(worth)
    found = np.zeros((players, players, *worth.shape[1:]))
    if players < 2:
        return found
    weights = np.array([1 / ((players - 1) * comb(players - 2, size)) for size in range(players - 1)])
    sizes = coalitions(players - 2).sum(axis=1).astype(int)
    for first in range(players):
        without, with_it = _split(worth, first, players)
        for second in range(first):
            low, high = (_split(part, second, players - 1) for part in (without, with_it))
            mixed = (high[1] - high[0]) - (low[1] - low[0])
            found[first, second] = found[second, first] = np.tensordot(weights[sizes], mixed, axes=1)
    return found


def shapley_sampled(
    worth: Callable[[np.ndarray], np.ndarray], players: int, permutations: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return estimates of each switch's share from random orders, and their standard errors.

    Every order is also walked backwards, which evens out much of the chance. Whatever
    the sample, estimates add up to the whole, and a switch that never matters gets 0.

    Parameters
    ----------
    worth : coalitions (rows, players) of 0 and 1 -> results (rows, ...)
    players : number of switches
    permutations : orders drawn, each walked both ways; 2 at least
    rng : source of chance

    Returns
    -------
    shares (players, ...), standard errors (players, ...)
    """
    orders = np.array([rng.permutation(players) for _ in range(permutations)])
    walks = np.concatenate([orders, orders[:, ::-1]])
    switched = np.argsort(walks, axis=1)  # when each switch is put on
    moments = np.arange(players + 1)
    rows = (switched[:, None, :] < moments[None, :, None]).astype(float)
    distinct, where = np.unique(rows.reshape(-1, players), axis=0, return_inverse=True)
    found = worth(distinct)
    results = found[where.reshape(-1)].reshape(len(walks), players + 1, -1)
    steps = results[:, 1:] - results[:, :-1]
    gains = np.take_along_axis(steps, switched[:, :, None], axis=1)
    pairs = (gains[:permutations] + gains[permutations:]) / 2
    shape = (players, *found.shape[1:])
    error = pairs.std(axis=0, ddof=1) / np.sqrt(permutations)
    return pairs.mean(axis=0).reshape(shape), error.reshape(shape)


def _players(worth: np.ndarray) -> int:
    players = int(len(worth)).bit_length() - 1
    if len(worth) != 2**players:
        raise ValueError(
            tell("{count} coalitions are not all combinations of switches: give 2^n.", count=len(worth))
        )
    return players


def _split(worth: np.ndarray, player: int, players: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the coalitions without a player and the same with it, in the order of the others' bits."""
    shaped = worth.reshape(2 ** (players - 1 - player), 2, 2**player, *worth.shape[1:])
    return tuple(shaped[:, on].reshape(-1, *worth.shape[1:]) for on in (0, 1))  # type: ignore[return-value]
