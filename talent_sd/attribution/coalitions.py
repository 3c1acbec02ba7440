"""What feedback loops add to a forecast, and to the change that a scenario makes: shares that add up.

A loop is cut by its switch in the model (`loop closed[...]`): its closing link then
carries the city's own start value. Running every combination of switches gives
each loop its exact Shapley share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.attribution.shapley import coalitions, shapley_interactions, shapley_sampled, shapley_values
from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.errors import ModelError
from talent_sd.base.messages import listed, tell

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model

PART = "part"
"""Dimension of what a whole is split into: loops, or policies."""
MOST_EXACT = 16
"""With more switches than this, combinations are sampled: 2^16 runs take seconds, 2^20 minutes."""
MEMBERS_AT_ONCE = 1 << 15
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
            tell(
                "{count} switches have {value} combinations. Ask for a sample: permutations=64.",
                count=len(parts),
                value=2 ** len(parts),
            )
        )

    def worth(rows: np.ndarray) -> np.ndarray:
        found = _run_rows(model, params, inputs, switches, parts, rows, of, years, draws, threads)
        if against is not None:
            found = found - _run_rows(
                model, against, inputs, switches, parts, rows, of, years, draws, threads
            )
        return found

    share, error, ends, pairs = _split(worth, len(parts), permutations, seed)
    return _dataset(model, parts, of, years, draws, share, error, ends, pairs)


def _split(
    worth: Callable[[np.ndarray], np.ndarray], players: int, permutations: int | None, seed: int
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray | None]:
    """Return shares, their errors (None: exact), the worth of none and all, and interactions (None: not known)."""
    if permutations is None:
        table = worth(coalitions(players))
        return shapley_values(table), None, table[[0, -1]], shapley_interactions(table)
    share, error = shapley_sampled(worth, players, permutations, np.random.default_rng(seed))
    return share, error, worth(np.array([np.zeros(players), np.ones(players)])), None


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
            tell(
                "{model}: '{switches}' has {what}. It has {known}.",
                model=model.path.name,
                switches=switches,
                what=what,
                known=listed(known) or "no elements",
            )
        )


def _run_rows(
    model: Model,
    params: Params,
    inputs: Params | None,
    switches: str,
    parts: Sequence[str],
    rows: np.ndarray,
    of: str,
    years: Sequence[float],
    draws: int | None,
    threads: int | None,
) -> np.ndarray:
    """Run each combination of switches for each draw: (rows, [draws,] years, *subscripts)."""
    size = draws or 1
    at_once = max(1, MEMBERS_AT_ONCE // size)
    found = []
    for first in range(0, len(rows), at_once):
        block = rows[first : first + at_once]
        given = {**_tiled(params, draws, len(block)), **_switched(params, switches, parts, block, size)}
        run = model.run(
            given, _tiled(inputs or {}, draws, len(block)), outputs=[of], times=years, threads=threads
        )
        values = run[of].transpose(DRAW, TIME, ...).values
        values = values.reshape(len(block), size, *values.shape[1:])
        found.append(values if draws else values[:, 0])
    return np.concatenate(found)


def _switched(
    params: Params, switches: str, parts: Sequence[str], rows: np.ndarray, draws: int
) -> dict[str, np.ndarray]:
    """Return the switches of each member: on where a row says so, else off; on is what the params say."""
    given = {}
    for column, part in enumerate(parts):
        on = params.get(f"{switches}[{part}]", 1.0)
        given[f"{switches}[{part}]"] = np.repeat(rows[:, column], draws) * float(on)
    return given


def _tiled(params: Params, draws: int | None, rows: int) -> dict[str, Any]:
    """Repeat what differs by draw once for each row of switches."""
    if draws is None:
        return dict(params)
    return {name: _repeated(value, draws, rows) for name, value in params.items()}


def _repeated(value: Any, draws: int, rows: int) -> Any:  # noqa: ANN401 (whatever a parameter may be)
    import xarray as xr

    if isinstance(value, xr.DataArray):
        if DRAW not in value.dims:
            return value
        return value.isel({DRAW: np.tile(np.arange(draws), rows)}).assign_coords(
            {DRAW: np.arange(draws * rows)}
        )
    if isinstance(value, np.ndarray) and value.ndim and value.shape[0] == draws:
        return np.concatenate([value] * rows)
    return value


def _dataset(
    model: Model,
    parts: Sequence[str],
    of: str,
    years: Sequence[float],
    draws: int | None,
    share: np.ndarray,
    error: np.ndarray | None,
    ends: np.ndarray,
    pairs: np.ndarray | None,
) -> xr.Dataset:
    import xarray as xr

    coordinates = model.structure.coordinates(of)
    dims = [*([DRAW] if draws else []), TIME, *coordinates]
    data: dict[str, Any] = {
        "share": ((PART, *dims), share),
        "standard_error": ((PART, *dims), np.zeros_like(share) if error is None else error),
        "without": (dims, ends[0]),
        "whole": (dims, ends[1]),
    }
    if pairs is not None:
        data["interaction"] = ((PART, "other", *dims), pairs)
    coords: dict[str, Any] = {PART: list(parts), TIME: np.asarray(years, float)}
    coords |= {dim: list(elements) for dim, elements in coordinates.items()}
    if pairs is not None:
        coords["other"] = list(parts)
    if draws:
        coords[DRAW] = np.arange(draws)
    variable = model.structure[of]
    attrs = {"of": variable.name, "units": variable.unit, "exact": int(error is None)}
    return xr.Dataset(data, coords, attrs)
