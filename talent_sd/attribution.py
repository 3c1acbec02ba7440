"""What each part of a whole adds, be it loops or policies: runs of coalitions, and Shapley shares that add up.

A part is taken out by its switch in the model. A loop is cut by its own (`loop closed[...]`): its closing link
then carries the city's own start value. A coalition is the set of switches that are on; it is numbered by its
bits, switch i being bit i. Running every combination gives each switch its exact Shapley share, all orders of
switching alike. Shares add up to the whole, switches that never change the result get 0, and switches that do
the same get the same.

In: a model, and the switches to be taken apart.
Out: shares of the whole.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import COALITION, DRAW, TIME
from talent_sd.base.errors import ModelError
from talent_sd.base.language import listed, tell
from talent_sd.engine.lanes import Params, stack_lanes
from talent_sd.engine.member_blocks import by_draw

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model

PART = "part"
"""Dimension of what a whole is split into: loops, or policies."""
MOST_EXACT = 16
"""With more switches than this, combinations are sampled: 2^16 runs take seconds, 2^20 minutes."""
MEMBERS_AT_ONCE = 1 << 15
"""Runs held in memory together."""
DRAW_BY_DRAW = 1 << 10
"""Combinations from which on each draw has a run of its own."""


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
        shares[player] = np.tensordot(weights[sizes], _gain(worth, player, players), axes=1)
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
    for second in range(players - 1):
        gain = _gain(worth, second, players)
        for first in range(second + 1, players):
            both = _gain(gain, first - 1, players - 1)
            found[first, second] = found[second, first] = np.tensordot(weights[sizes], both, axes=1)
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


def _gain(worth: np.ndarray, player: int, players: int) -> np.ndarray:
    """Return what a player adds to each coalition of the others, in the order of their bits."""
    shaped = worth.reshape(2 ** (players - 1 - player), 2, 2**player, *worth.shape[1:])
    return (shaped[:, 1] - shaped[:, 0]).reshape(-1, *worth.shape[1:])


def attribute(
    model: Model,
    params: Params,
    switches: str,
    parts: Sequence[str],
    of: str,
    years: Sequence[float],
    *,
    against: Params | None = None,
    draws: int | None = None,
    permutations: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    inputs: Params | None = None,
) -> xr.Dataset:
    """Split an output, or its change against another run, into what each switch adds.

    Parameters
    ----------
    model : with the switches as a subscripted constant, 1 on and 0 off
    params : of the run, as in `Model.run`; may hold one value per draw (first axis)
    switches : name of that constant
    parts : elements of it to split by; the others keep the value that `params` gives them
    of : the output
    years : when
    against : params of the run to compare with; the split is then of `params` less `against`
    draws : how many draws the params hold; None: no draw axis
    permutations : None: exact, from all 2^parts combinations; else sampled from so many orders
    seed : of the sampled orders
    threads : of the kernel
    inputs : of all runs, as in `Model.run`: name -> DataArray over draw and time

    Returns
    -------
    `share` and `standard_error` over (part, [draw,] time, the output's subscripts), in the
    output's unit; `without` (all parts off), `whole` (all on) over the same without part; for an exact
    split also `interaction` (part, other, ...). Shares add up to whole - without.

    Raises
    ------
    ModelError
        If the model lacks the switches, one of the parts or the output.
    """
    _check_parts(model, switches, parts, exact=permutations is None)
    keys = [f"{switches}[{part}]" for part in parts]

    def run(given: Params, rows: np.ndarray) -> np.ndarray:
        found = run_coalitions(model, given, inputs, keys, rows, [of], years, draws=draws, threads=threads)
        return found[of]

    def worth(rows: np.ndarray) -> np.ndarray:
        return run(params, rows) if against is None else run(params, rows) - run(against, rows)

    ends = np.array([np.zeros(len(parts)), np.ones(len(parts))])
    split = split_worth(worth, len(parts), permutations, np.random.default_rng(seed), ends)
    return _dataset(model, parts, of, years, draws, split)


@dataclass(frozen=True)
class Split:
    """What switches do.

    Parameters
    ----------
    share : (switches, ...) Shapley shares
    error : their standard errors, 0 where exact
    pairs : (switches, switches, ...) interactions; None where sampled
    ends : (rows, ...) worth of the coalitions asked for
    """

    share: np.ndarray
    error: np.ndarray
    pairs: np.ndarray | None
    ends: np.ndarray


def split_worth(
    worth: Callable[[np.ndarray], np.ndarray],
    players: int,
    permutations: int | None,
    rng: np.random.Generator,
    ends: np.ndarray,
) -> Split:
    """Split what coalitions are worth among their switches.

    Parameters
    ----------
    worth : coalitions (rows, players) of 0 and 1 -> results (rows, ...)
    permutations : None: exact, from all combinations; else sampled from so many orders
    rng : of the sampled orders
    ends : (rows, players) coalitions whose own worth is wanted too
    """
    if permutations is None:
        table = worth(coalitions(players))
        bits = (ends @ (1 << np.arange(players))).astype(int)
        share = shapley_values(table)
        return Split(share, np.zeros_like(share), shapley_interactions(table), table[bits])
    share, error = shapley_sampled(worth, players, permutations, rng)
    return Split(share, error, None, worth(ends))


def run_coalitions(
    model: Model,
    params: Params,
    inputs: Params | None,
    keys: Sequence[str],
    rows: np.ndarray,
    outputs: Sequence[str],
    years: Sequence[float],
    *,
    draws: int | None = None,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Run combinations of switches, each with every draw.

    Parameters
    ----------
    params, inputs : as for `Model.run`
    keys : constants that the columns of `rows` switch; on is what the params say, 1 by default
    rows : (coalitions, keys) of 1 on and 0 off
    draws : length of the axis of draws; None for none

    Returns
    -------
    output -> (coalitions, [draws,] years, *subscripts)
    """
    import xarray as xr

    if draws and len(rows) >= DRAW_BY_DRAW:
        found = _run_draw_by_draw(model, params, inputs, keys, rows, outputs, years, threads)
        if found is not None:
            return found
    on = np.array([float(params.get(key, 1.0)) for key in keys])
    at_once = max(1, MEMBERS_AT_ONCE // (draws or 1))
    parts: list[dict[str, np.ndarray]] = []
    for first in range(0, len(rows), at_once):
        given = rows[first : first + at_once] * on
        switched = {key: xr.DataArray(given[:, row], dims=(COALITION,)) for row, key in enumerate(keys)}
        run = model.run({**params, **switched}, inputs, outputs, times=years, threads=threads)
        parts.append({name: by_draw(run[name], draws) if draws else run[name].values for name in outputs})
    return {name: np.concatenate([part[name] for part in parts]) for name in outputs}


def _run_draw_by_draw(
    model: Model,
    params: Params,
    inputs: Params | None,
    keys: Sequence[str],
    rows: np.ndarray,
    outputs: Sequence[str],
    years: Sequence[float],
    threads: int | None,
) -> dict[str, np.ndarray] | None:
    """Run many combinations of each draw by themselves: what the draw alone decides is computed once for all of them.

    None where more than draws differ, or where there is something to warn of, which is to be told of all draws together.
    """
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        lanes = stack_lanes(model.structure, params, inputs or {})
        if lanes is None or list(lanes.axes) != [DRAW] or model.program.draws_at_random:
            return None
        parts = []
        for draw in range(lanes.size):
            own, series = lanes.one(draw)
            parts.append(run_coalitions(model, own, series, keys, rows, outputs, years, threads=threads))
            if heard:
                return None
    return {name: np.stack([part[name] for part in parts], axis=1) for name in outputs}


def switch_parts(model: Model, switches: str) -> tuple[str, ...]:
    """Return the elements of a model's switches, () if it has none of that name."""
    found = model.structure.find(switches)
    if found is None or len(found.dims) != 1:
        return ()
    return tuple(model.structure.subscripts[found.dims[0]])


def _check_parts(model: Model, switches: str, parts: Sequence[str], *, exact: bool) -> None:
    known = switch_parts(model, switches)
    missing = [part for part in parts if part not in known]
    if missing or not parts:
        what = f"no switch {', '.join(missing)}" if missing else "no switches to split by"
        raise ModelError(
            "{model}: '{switches}' has {what}. It has {known}.",
            model=model.path.name,
            switches=switches,
            what=what,
            known=listed(known) or "no elements",
        )
    if exact and len(parts) > MOST_EXACT:
        raise ModelError(
            "{count} switches have {value} combinations. Ask for a sample: permutations=64.",
            count=len(parts),
            value=2 ** len(parts),
        )


def _dataset(
    model: Model,
    parts: Sequence[str],
    of: str,
    years: Sequence[float],
    draws: int | None,
    split: Split,
) -> xr.Dataset:
    import xarray as xr

    coordinates = model.structure.coordinates(of)
    dims = [*([DRAW] if draws else []), TIME, *coordinates]
    data: dict[str, Any] = {
        "share": ((PART, *dims), split.share),
        "standard_error": ((PART, *dims), split.error),
        "without": (dims, split.ends[0]),
        "whole": (dims, split.ends[1]),
    }
    if split.pairs is not None:
        data["interaction"] = ((PART, "other", *dims), split.pairs)
    coords: dict[str, Any] = {PART: list(parts), TIME: np.asarray(years, float)}
    coords |= {dim: list(elements) for dim, elements in coordinates.items()}
    if split.pairs is not None:
        coords["other"] = list(parts)
    if draws:
        coords[DRAW] = np.arange(draws)
    variable = model.structure[of]
    attrs = {"of": variable.name, "units": variable.unit, "exact": int(split.pairs is not None)}
    return xr.Dataset(data, coords, attrs)
