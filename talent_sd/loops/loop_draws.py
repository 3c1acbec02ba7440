"""Draws for a study of loops, in groups that are told the same national path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW

if TYPE_CHECKING:
    from talent_sd.forecast.prepare import Prepared

Params = Mapping[str, Any]


@dataclass(frozen=True)
class DrawGroup:
    """Draws that one run can hold together.

    Attributes
    ----------
    params : of the scenario, as in `Model.run`
    against : of the scenario compared with, or None
    inputs : noise, the same for both
    places : numbers of the draws
    size : how many; None for a single run with the central constants
    """

    params: Params
    against: Params | None
    inputs: Params
    places: np.ndarray
    size: int | None

    def one(self, draw: int) -> DrawGroup:
        """Return one of the draws alone, by its number, as a single run."""
        assert self.size is not None
        where = int(np.flatnonzero(self.places == draw)[0])
        against = None if self.against is None else _picked(self.against, where, self.size)
        params, inputs = (_picked(given, where, self.size) for given in (self.params, self.inputs))
        return DrawGroup(params, against, inputs, np.array([draw]), None)


def draw_groups(prepared: Prepared, draws: int | None, seed: int) -> tuple[list[DrawGroup], int | None]:
    """Return the runs of one or two prepared scenarios, and how many draws there are; None for none.

    Draw i has the same constants, noise and national path in both scenarios, and is draw i
    of an `ensemble` of as many draws.
    """
    fixed: list[dict[str, Any]] = [one.params() for one in prepared.resolved.values()]
    if draws is None or draws <= 1:
        return [DrawGroup(fixed[0], fixed[1] if len(fixed) > 1 else None, {}, np.array([0]), None)], None
    from talent_sd.forecast.ensemble import prior_draws

    drawn = prior_draws(prepared, draws, seed)
    params = [_overlaid(one, drawn.params(one, 0, draws)) for one in fixed]
    inputs = drawn.inputs(0, draws)
    variants = drawn.variants(0, draws) or ()
    told = [(variant.places, variant.params) for variant in variants] or [(np.arange(draws), {})]
    groups = []
    for places, path in told:
        own = [{**_picked(one, places, draws), **path} for one in params]
        noise = _picked(inputs, places, draws)
        groups.append(DrawGroup(own[0], own[1] if len(own) > 1 else None, noise, places, len(places)))
    return groups, draws


def _overlaid(fixed: Params, drawn: Params) -> dict[str, Any]:
    """Return params with draws; where elements are drawn, the whole is left out: they cover it."""
    whole = {key.partition("[")[0] for key in drawn if "[" in key}
    return {key: value for key, value in fixed.items() if key not in whole} | dict(drawn)


def _picked(params: Params, places: np.ndarray | int, draws: int) -> dict[str, Any]:
    """Return what some of the draws are given; a single number is a run without draws."""
    import xarray as xr

    found: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, xr.DataArray) and DRAW in value.dims:
            found[name] = value.isel({DRAW: places}).drop_vars(DRAW, errors="ignore")
        elif isinstance(value, np.ndarray) and value.ndim and value.shape[0] == draws:
            found[name] = value[places]
        else:
            found[name] = value
    return found
