"""What feedback loops add to a forecast, and to the change that a scenario makes: shares that add up.

A loop is cut by its switch in the model (`loop closed[...]`): its closing link then
carries the city's own start value. Running every combination of switches gives
each loop its exact Shapley share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.attribution.shapley import coalitions, shapley_interactions, shapley_sampled, shapley_values
from talent_sd.base.dims import COALITION, DRAW, TIME
from talent_sd.base.errors import ModelError
from talent_sd.base.language import listed
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
Params = Mapping[str, Any]


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
    _check_parts(model, switches, parts)
    if permutations is None and len(parts) > MOST_EXACT:
        raise ModelError(
            "{count} switches have {value} combinations. Ask for a sample: permutations=64.",
            count=len(parts),
            value=2 ** len(parts),
        )
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

    on = np.array([float(params.get(key, 1.0)) for key in keys])
    at_once = max(1, MEMBERS_AT_ONCE // (draws or 1))
    parts: list[dict[str, np.ndarray]] = []
    for first in range(0, len(rows), at_once):
        given = rows[first : first + at_once] * on
        switched = {key: xr.DataArray(given[:, row], dims=(COALITION,)) for row, key in enumerate(keys)}
        run = model.run({**params, **switched}, inputs, outputs, times=years, threads=threads)
        parts.append({name: by_draw(run[name], draws) if draws else run[name].values for name in outputs})
    return {name: np.concatenate([part[name] for part in parts]) for name in outputs}


def switch_parts(model: Model, switches: str) -> tuple[str, ...]:
    """Return the elements of a model's switches, () if it has none of that name."""
    found = model.structure.find(switches)
    if found is None or len(found.dims) != 1:
        return ()
    return tuple(model.structure.subscripts[found.dims[0]])


def _check_parts(model: Model, switches: str, parts: Sequence[str]) -> None:
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
