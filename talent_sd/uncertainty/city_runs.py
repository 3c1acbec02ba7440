"""Many cities run at once for every draw, over some years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import CITY, DRAW, TIME
from talent_sd.engine.member_blocks import by_draw
from talent_sd.inputs.national_paths import NationalPath, national_params

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model


def run_cities(
    model: Model,
    national: NationalPath,
    years: tuple[int, ...],
    draws: int,
    constants: Mapping[str, np.ndarray],
    variables: tuple[str, ...],
    params: Mapping[str, np.ndarray],
    noise: Mapping[str, np.ndarray],
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Run every city for every draw.

    Parameters
    ----------
    years : start to end, each year
    constants : constant -> (cities,) or (draws, cities) values
    params : constant, or "constant[element]" -> (draws,) values, alike in all cities
    noise : noise input -> (draws, cities, years) growth of each year, per year

    Returns
    -------
    variable -> (draws, years, cities) level, summed over subscripts
    """
    import xarray as xr

    known = model.structure.variables
    given: dict[str, Any] = {
        name: curve for name, curve in national_params(national).items() if name in known
    }
    given |= {n: xr.DataArray(values, dims=(DRAW, CITY)[-values.ndim :]) for n, values in constants.items()}
    run = model.run(
        {**given, **params},
        {name: yearly_series(values, years, (DRAW, CITY)) for name, values in noise.items()},
        list(variables),
        engine="kernel",
        initial_time=years[0],
        final_time=years[-1],
        times=years,
        threads=threads,
    )
    # cities inmost but for the years, whatever the axes: sums over draws are then the same to the last bit
    found = {name: np.ascontiguousarray(np.moveaxis(by_draw(run[name], draws), 0, 1)) for name in variables}
    return {
        name: values.reshape(draws, values.shape[1], len(years), -1).sum(axis=-1).transpose(0, 2, 1)
        for name, values in found.items()
    }


def yearly_series(
    values: np.ndarray, years: tuple[int, ...], axes: tuple[str, ...] = (DRAW,)
) -> xr.DataArray:
    """Return yearly growth (*axes, years) as a series for the model: centred in each year, linear between."""
    import xarray as xr

    times = np.array(years[: values.shape[-1]], float) + 0.5
    return xr.DataArray(values, dims=(*axes, TIME), coords={TIME: times})
