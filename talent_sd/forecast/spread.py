"""The spread of an ensemble: as quantiles, small and good for bands and medians, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.progress import progress_bar
from talent_sd.forecast.posterior_draws import PosteriorDraws
from talent_sd.uncertainty.windows import MODEL_VARIABLES

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from talent_sd.forecast.prepare import Prepared

STEPS = 1000
LARGE = 5000
"""Draws above which an ensemble is condensed before it is shown."""
AT_ONCE = 100_000_000
"""Numbers of one variable read at once."""
ENOUGH = 500
"""Draws that tell shares to a few points."""
SOURCES = ("parameters", "province", "city", "national")


def forecast_variance(prepared: Prepared, draws: int, seed: int, *, engine: str = "auto") -> pd.DataFrame:
    """Split the spread of the headline outputs and of what the back-test scores; as `variance_table`.

    Parameters
    ----------
    draws, seed : of the forecast; `ENOUGH` draws at most are split
    """
    from talent_sd.forecast.ensemble import prior_draws
    from talent_sd.inputs.labels import shipped_labels

    drawn = prior_draws(prepared, min(draws, ENOUGH), seed)
    assert isinstance(drawn, PosteriorDraws)
    known = prepared.model.structure.variables
    outputs = [*MODEL_VARIABLES.values(), *shipped_labels().headline]
    return variance_table(prepared, drawn, [n for n in dict.fromkeys(outputs) if n in known], engine=engine)


def variance_table(
    prepared: Prepared, draws: PosteriorDraws, outputs: Sequence[str], *, engine: str = "auto"
) -> pd.DataFrame:
    """Split the spread in the last year over its sources, for the first scenario.

    The sources are switched on one after another, with the same draws, in the order
    parameters, province noise, city noise, national paths; each is given what the variance
    of the logs gains. An output that is not positive in every draw is split in its own unit.

    Parameters
    ----------
    draws : from the posterior, with noise
    outputs : names; a subscripted one is summed over its subscripts

    Returns
    -------
    One row an output: variable, sd_log (or sd), and the share of each source; shares sum to one, and a
    share may be slightly negative by chance.
    """
    import pandas as pd

    from talent_sd.forecast.ensemble import Options, run_ensemble

    noise = draws.posterior.noise
    only_province = replace(draws.posterior, noise=replace(noise, city=np.zeros_like(noise.city)))
    steps = (
        replace(draws, place=None, paths=()),
        replace(draws, posterior=only_province, paths=()),
        replace(draws, paths=()),
        draws,
    )
    spreads = [
        run_ensemble(prepared, step, Options(progress=False), engine=engine, outputs=outputs)
        for step in steps
    ]
    rows = []
    for name in outputs:
        last = [spread[name].isel({SCENARIO: 0, TIME: -1}) for spread in spreads]
        values = [array.sum([dim for dim in array.dims if dim != DRAW]).values for array in last]
        positive = all((found > 0).all() for found in values)
        # of values all alike rounding would leave next to nothing, and shares of that
        variances = [
            float((np.log(found) if positive else found).var()) if np.ptp(found) else 0.0 for found in values
        ]
        shares = np.diff([0.0, *variances]) / variances[-1] if variances[-1] > 0 else np.full(4, np.nan)
        unit = "1" if positive else str(last[-1].attrs.get("units", ""))
        row = {"variable": name, "sd": variances[-1] ** 0.5, "sd_unit": f"log, {unit}" if positive else unit}
        rows.append(row | dict(zip(SOURCES, shares.tolist(), strict=True)))
    return pd.DataFrame(rows)


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
