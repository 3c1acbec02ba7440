"""A large ensemble as its quantiles: small, and good for whatever shows bands and medians."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.progress import progress_bar

if TYPE_CHECKING:
    import xarray as xr

STEPS = 1000
LARGE = 5000
"""Draws above which an ensemble is condensed before it is shown."""
AT_ONCE = 100_000_000
"""Numbers of one variable read at once."""


def condense(spread: xr.Dataset, title: str = "talent_sd") -> xr.Dataset:
    """Put the quantiles 0, 0.001, ... 1 of every output and year in place of its draws.

    Any quantile at a whole thousandth, linear between neighbours, is the same as of
    the draws themselves: medians, bands and tables do not change. What belongs to single
    draws is lost: differences between scenarios must be taken before.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...), in memory or in a store
    title : of the progress bar

    Returns
    -------
    The same with STEPS + 1 entries along `draw`, and the attribute `draws`: how many there
    were. A spread of at most `LARGE` draws is returned as it is.
    """
    draws = spread.sizes[DRAW]
    if draws <= LARGE:
        return spread
    kept = spread.drop_dims(DRAW).assign_attrs({**spread.attrs, "draws": draws})
    arrays = {}
    with progress_bar(title, len(spread.data_vars)) as advance:
        for name, array in spread.data_vars.items():
            dims = (SCENARIO, DRAW, TIME, *[dim for dim in array.dims if dim not in (SCENARIO, DRAW, TIME)])
            arrays[name] = (dims, _quantiles(array.transpose(*dims)), array.attrs)
            advance(1)
    coords = {name: spread.coords[name] for name in spread.coords if DRAW not in spread.coords[name].dims}
    return kept.assign_coords(coords).assign(arrays).assign_coords({DRAW: np.arange(STEPS + 1)})


def _quantiles(array: xr.DataArray) -> np.ndarray:
    """Return quantiles along the second axis, reading as many subscripts at once as are wise."""
    shape = array.shape
    result = np.empty((shape[0], STEPS + 1, *shape[2:]))
    chances = np.linspace(0, 1, STEPS + 1)
    width = max(1, AT_ONCE // (shape[1] * shape[2] * int(np.prod(shape[4:]))))
    for scenario in range(shape[0]):
        if array.ndim == 3:
            result[scenario] = np.quantile(array[scenario].values, chances, axis=0)
            continue
        for first in range(0, shape[3], width):
            part = slice(first, first + width)
            result[scenario, :, :, part] = np.quantile(array[scenario, :, :, part].values, chances, axis=0)
    return result
