"""Many cities run at once for every draw, over some years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, TIME
from talent_sd.scenario.national import NationalPath, national_params

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model


def run_cities(
    model: Model,
    national: NationalPath,
    years: tuple[int, ...],
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
    constants : constant -> (draws, cities) values
    params : constant, or "constant[element]" -> (draws,) values, alike in all cities
    noise : noise input -> (draws, cities, years) growth of each year, per year

    Returns
    -------
    variable -> (draws, years, cities) level, summed over subscripts
    """
    draws, cities = next(iter(constants.values())).shape
    known = model.structure.variables
    given: dict[str, Any] = {
        name: curve for name, curve in national_params(national).items() if name in known
    }
    given |= {name: values.ravel() for name, values in constants.items()}
    given |= {name: np.repeat(values, cities) for name, values in params.items()}
    run = model.run(
        given,
        {name: yearly_series(values.reshape(draws * cities, -1), years) for name, values in noise.items()},
        list(variables),
        engine="kernel",
        initial_time=years[0],
        final_time=years[-1],
        times=years,
        threads=threads,
    )
    shape = (draws, cities, len(years), -1)
    return {name: run[name].values.reshape(shape).sum(axis=-1).transpose(0, 2, 1) for name in variables}


def yearly_series(values: np.ndarray, years: tuple[int, ...]) -> xr.DataArray:
    """Return yearly growth (draws, years) as a series for the model: centred in each year, linear between."""
    import xarray as xr

    times = np.array(years[: values.shape[-1]], float) + 0.5
    return xr.DataArray(values, dims=(DRAW, TIME), coords={TIME: times})
