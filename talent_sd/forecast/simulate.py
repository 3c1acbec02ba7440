"""Forecasts: scenarios of a city resolved, run and put together as one dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.arguments import checked
from talent_sd.base.dims import DRAW, SCENARIO
from talent_sd.forecast.prepare import Prepared, Scenarios, prepare

if TYPE_CHECKING:
    import xarray as xr


def run_prepared(
    prepared: Prepared,
    *,
    engine: str = "auto",
    outputs: Sequence[str] | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> xr.Dataset:
    """Simulate prepared scenarios, year by year.

    Parameters
    ----------
    engine : "auto", "kernel" or "pysd"
    outputs : names of variables; stocks and auxiliaries by default
    done : called with 1 after each scenario

    Returns
    -------
    dims (scenario, draw, time, ...), one value a year; units and long names as attributes,
    and where the numbers come from.

    Raises
    ------
    ModelError
        If an output is unknown.
    UnsupportedError
        If the kernel was asked for and cannot run the model.
    """
    from talent_sd.forecast.prepare import describe

    model, years = prepared.model, prepared.years
    if outputs is None:
        outputs = [v.name for v in model.structure.variables.values() if v.kind in ("stock", "auxiliary")]
    runs = []
    for resolved in prepared.resolved.values():
        runs.append(
            model.run(
                params=resolved.params(),
                outputs=list(outputs),
                engine=engine,
                times=years,
                final_time=float(years[-1]),
            )
        )
        done(1)
    return describe(_joined(runs, list(prepared.resolved)), prepared)


def _joined(runs: Sequence[xr.Dataset], names: list[str]) -> xr.Dataset:
    """Put single runs of several scenarios on one axis, beside a draw axis of one.

    Stacked as plain arrays: `xarray.concat` takes half a second on 250 variables.
    """
    import numpy as np
    import xarray as xr

    first = runs[0]
    data: dict[str, xr.Variable] = {}
    for name in map(str, first.data_vars):
        variable = first.variables[name]
        stacked = np.stack([run.variables[name].values[np.newaxis] for run in runs])
        data[name] = xr.Variable((SCENARIO, DRAW, *variable.dims), stacked, variable.attrs)
    coords = {name: first.coords[name].variable for name in first.coords}
    return xr.Dataset(data, {SCENARIO: names, DRAW: [0], **coords}, first.attrs)


@checked
def simulate(
    scenario: Scenarios = "baseline",
    city: str | Path = "hefei",
    *,
    engine: str = "auto",
    model: str | Path | None = None,
    national: str | Path | None = None,
    outputs: Sequence[str] | None = None,
    reading: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    horizon: float | None = None,
) -> xr.Dataset:
    """Forecast a city's next ten years under one scenario or several.

    Parameters
    ----------
    scenario : a shipped name or a path, what a scenario's file would hold as a mapping, or several
    city : a shipped name or a path
    engine : "auto" (the kernel where it can, else PySD with a notice), "kernel" or "pysd"
    model : a model file; the shipped city model by default
    national : a national path, which wins over the scenario's own
    outputs : names of variables; stocks and auxiliaries by default
    reading : assumptions under the scenario's own: "evidence" (the default, none), "article" or a path
    overrides : settings laid over every scenario: constant to number, policy to "on", "off" or its settings,
        shock to its settings, such as {"arrival elasticity": 0.8, "cash_subsidy": {"from": 2026, "intensity": 20000}}
    horizon : last year of the forecast; 2034 by default

    Returns
    -------
    dims (scenario, draw, time, ...), one value a year, in the units of the attributes.

    Raises
    ------
    InputError
        With every problem of every file at once.

    Examples
    --------
    >>> import talent_sd as ts
    >>> forecast = ts.simulate("baseline", city="wuxi", outputs=["Residents"])
    >>> forecast["Residents"].dims
    ('scenario', 'draw', 'time')
    >>> mild = ts.simulate("baseline", city="wuxi", overrides={"retirement age rise": 0.0}, horizon=2030)
    >>> int(mild["time"][-1])
    2030
    """
    prepared = prepare(
        scenario, city, model=model, national=national, reading=reading,
        overrides=overrides, horizon=horizon,
    )  # fmt: skip
    return run_prepared(prepared, engine=engine, outputs=outputs)
