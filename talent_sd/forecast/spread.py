"""The spread of an ensemble: as quantiles, and where it comes from; what one constant or loop moves alone."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, tell
from talent_sd.base.progress import progress_bar
from talent_sd.engine.runner import model_constants
from talent_sd.forecast.posterior_draws import PosteriorDraws
from talent_sd.inputs.settings import LOOP_SWITCH, loop_key
from talent_sd.uncertainty.prior_draws import PriorDraws
from talent_sd.uncertainty.priors import Prior, assumed_figures, read_priors
from talent_sd.uncertainty.windows import MODEL_VARIABLES

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from talent_sd.engine.runner import Model
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.uncertainty.posterior import Posterior

NO_EMA = N_(
    "this needs EMA Workbench, which is not installed. Install it with: pip install 'talent_sd[optimise]'"
)
STEPS = 1000
LARGE = 5000
"""Draws above which an ensemble is condensed before it is shown."""
AT_ONCE = 10_000_000
"""Numbers of one variable read at once."""
ENOUGH = 4000
"""Draws that tell shares to a few points: noise has heavy tails, and 200 miss by ten points."""
SOURCES = ("parameters", "province", "city", "national")
ENDS = (0.1, 0.9)
"""Quantiles of what is believed of a constant, between which it is moved."""
TENTH = 0.1
"""How far a constant of which nothing is believed is moved, a part of itself."""


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
    outputs = [name for name in outputs if name != "Talent"]  # its sum over tiers is a headline of its own
    return variance_table(prepared, drawn, [n for n in dict.fromkeys(outputs) if n in known], engine=engine)


def variance_table(
    prepared: Prepared, draws: PosteriorDraws, outputs: Sequence[str], *, engine: str = "auto"
) -> pd.DataFrame:
    """Split the spread in the last year over its sources, for the first scenario; as `split_variance`.

    Parameters
    ----------
    draws : from the posterior, with noise
    outputs : names; a subscripted one is summed over its subscripts
    """
    return split_variance(sources_added(prepared, draws, outputs, engine=engine), outputs)


def sources_added(
    prepared: Prepared, draws: PosteriorDraws, outputs: Sequence[str], *, engine: str = "auto"
) -> list[xr.Dataset]:
    """Run the same draws four times, as the sources of spread are switched on one after another, in the order of `SOURCES`."""
    from talent_sd.forecast.ensemble import Options, run_ensemble

    noise = draws.posterior.noise
    only_province = replace(draws.posterior, noise=replace(noise, city=np.zeros_like(noise.city)))
    steps = (
        replace(draws, place=None, paths=()),
        replace(draws, posterior=only_province, paths=()),
        replace(draws, paths=()),
        draws,
    )
    quiet = Options(progress=False)
    return [run_ensemble(prepared, step, quiet, engine=engine, outputs=outputs) for step in steps]


def last_year(spread: xr.Dataset, name: str, scenario: int = 0) -> np.ndarray:
    """Return (draws,) an output of the last year; a subscripted one is summed over its subscripts."""
    array = spread[name].isel({SCENARIO: scenario, TIME: -1})
    return np.asarray(array.sum([dim for dim in array.dims if dim != DRAW]).values)


def split_variance(spreads: Sequence[xr.Dataset], outputs: Sequence[str]) -> pd.DataFrame:
    """Give each source what the variance of the logs gains when it is switched on.

    An output that is not positive in every draw, or is in years, is split in its own unit.

    Returns
    -------
    One row an output: variable, sd_log (or sd), and the share of each source; shares sum to one, and a
    share may be slightly negative by chance.
    """
    import pandas as pd

    rows = []
    for name in outputs:
        values = [last_year(spread, name) for spread in spreads]
        unit = str(spreads[-1][name].attrs.get("units", ""))
        positive = unit != "year" and all((found > 0).all() for found in values)
        # of values all alike rounding would leave next to nothing, and shares of that
        variances = [
            float((np.log(found) if positive else found).var()) if np.ptp(found) else 0.0 for found in values
        ]
        shares = np.diff([0.0, *variances]) / variances[-1] if variances[-1] > 0 else np.full(4, np.nan)
        row = {"variable": name, "sd": variances[-1] ** 0.5, "sd_unit": "log, 1" if positive else unit}
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


# ---- one thing moved at a time -------------------------------------------------------------------------


@dataclass(frozen=True)
class Move:
    """One thing done to a run: a constant put to one end of what is believed of it, or a loop opened.

    Parameters
    ----------
    name : constant, or loop
    end : the constant's value (or factor) there; NaN of a loop
    params : what the run is given
    """

    name: str
    end: float
    params: Mapping[str, float]


def constant_moves(prepared: Prepared, posterior: Posterior | None) -> list[Move]:
    """Return both ends of every constant that a forecast draws, the lower first; what the city's file fixes stays.

    Parameters
    ----------
    prepared : its first scenario says what is fixed
    posterior : of the fitted constants, which win over their priors
    """
    model, fixed = prepared.model, prepared.first.params()
    fitted = () if posterior is None else posterior.names
    priors = [one for one in read_priors(model.structure, model.program) if one.key not in fitted]
    moves = []
    for prior in (*priors, *assumed_figures(prepared.first, model)):
        ends = prior.quantile(np.array(ENDS))
        moves += _both_ends(prior.key, ends, PriorDraws((prior,), ends[None], {}).params(fixed, 0, 2))
    for column, name in enumerate(fitted):
        assert posterior is not None
        ends = np.quantile(posterior.values[:, column], ENDS)
        own = posterior.elements[name]
        like = Prior(name, "normal", ends[0], ends[1], 1.0, 1.0, bool(posterior.factor[column]), own, "", "")
        moves += _both_ends(name, ends, PriorDraws((like,), ends[None], {}).params(fixed, 0, 2))
    return moves


def _both_ends(name: str, ends: np.ndarray, params: Mapping[str, np.ndarray]) -> list[Move]:
    return [
        Move(name, float(end), {key: float(value[place]) for key, value in params.items()})
        for place, end in enumerate(ends)
        if params
    ]


def tenth_moves(model: Model) -> list[Move]:
    """Return every constant of a model a tenth below and above its value, inside its limits; 0 stays."""
    moves = []
    for key, value in model_constants(model).items():
        variable = model.structure[key.partition("[")[0]]
        low, high = variable.limits
        for factor in (1 - TENTH, 1 + TENTH):
            moved = float(
                np.clip(value * factor, -np.inf if low is None else low, np.inf if high is None else high)
            )
            if value and variable.kind == "constant":
                moves.append(Move(key, moved, {key: moved}))
    return moves


def loop_moves(model: Model) -> list[Move]:
    """Return every named loop opened alone; none of a model without switches."""
    switch = model.structure.find(LOOP_SWITCH)
    loops = model.structure.subscripts[switch.dims[0]] if switch is not None and switch.dims else ()
    return [Move(loop, float("nan"), {loop_key(loop): 0.0}) for loop in loops]


def moved_runs(
    model: Model, fixed: Mapping[str, Any], moves: Sequence[Move], outputs: Sequence[str], year: float
) -> dict[str, np.ndarray]:
    """Run a model as it is and then with each move alone.

    Parameters
    ----------
    fixed : params of all runs
    moves : what is done in each
    outputs : names; subscripted ones are added up
    year : of the values

    Returns
    -------
    output -> (1 + moves,) values, the run as it is first
    """
    own = model_constants(model)
    columns: dict[str, np.ndarray] = {}
    for number, move in enumerate(moves, 1):
        for key, value in move.params.items():
            if key not in columns:
                base = fixed.get(key, fixed.get(key.partition("[")[0], own.get(key)))
                columns[key] = np.full(1 + len(moves), base, float)
            columns[key][number] = value
    run = model.run(params={**fixed, **columns}, outputs=list(outputs), times=[year])
    lanes = np.arange(1 + len(moves))
    return {
        name: np.asarray(run[name].reindex(draw=lanes).values, float).reshape(len(lanes), -1).sum(axis=1)
        for name in outputs
    }


def step_error(
    model: Model, fixed: Mapping[str, Any], outputs: Sequence[str], year: float
) -> dict[str, float]:
    """Return how far half the time step moves each output, as a part of it; subscripted ones are added up."""
    step = model.structure.time["TIME STEP"]
    runs = [
        model.run(params=dict(fixed), outputs=list(outputs), times=[year], time_step=length)
        for length in (step, step / 2)
    ]
    found = {}
    for name in outputs:
        whole, half = (float(run[name].sum()) for run in runs)
        found[name] = abs(half / whole - 1) if whole else abs(half)
    return found


def deciding_factors(drawn: xr.DataArray, gain: xr.DataArray, axis: str) -> list[dict[str, Any]]:
    """Return what decides between the plan that gains most, the others, and doing nothing.

    Parameters
    ----------
    drawn : dims (draw, parameter), as an ensemble has it
    gain : dims (axis, draw) over the baseline, more being better
    axis : of the plans

    Returns
    -------
    `plan` that leads, `other` ("" for doing nothing), `leads` (share of draws), and one of `deciding_constants`, whose
    keys are left out where no constant decides
    """
    import pandas as pd

    _, names = drawn.transpose(DRAW, ...).indexes.values()
    table = pd.DataFrame(drawn.transpose(DRAW, ...).values, columns=list(names))
    ordered = gain[axis].values[np.argsort(-gain.median(DRAW).values, kind="stable")]
    best, found = ordered[0], []
    for other in (*ordered[1:], ""):
        lead = gain.sel({axis: best}) - (gain.sel({axis: other}) if other else 0)
        first, second, values = best, other, lead.values
        if other and (values > 0).mean() < 0.5:
            first, second, values = other, best, -values
        leads = {"plan": str(first), "other": str(second), "leads": float((values > 0).mean())}
        found += [{**leads, **one} for one in deciding_constants(table, values)] or [leads]
    return found


def deciding_constants(
    drawn: pd.DataFrame, lead: np.ndarray, most: int = 3
) -> list[dict[str, float | str | bool]]:
    """Return the constants that decide which of two scenarios does better, strongest first; none where none does.

    A constant counts if its rank correlation with the lead is no chance at 5 % though all are tried (Bonferroni).
    Where the trailing one wins in some draws, PRIM (Friedman & Fisher 1999) says beyond which value it tends to.

    Parameters
    ----------
    drawn : a row a draw, a column a constant
    lead : (draws,) of the first over the second; the first leads in most draws

    Returns
    -------
    `constant`, `correlation`; `unless`: whether there is a box in which the second tends to win, then `low` and `high`
    (NaN: no bound) and `share`, how often it wins there

    Raises
    ------
    InputError
        If EMA Workbench is not installed.
    """
    varied = drawn.loc[:, drawn.nunique() > 1]
    chosen = telling_constants(varied, lead)[:most]
    boxes = _winning_box(varied[[name for name, _ in chosen]], lead < 0) if chosen else {}
    return [
        {"constant": name, "correlation": correlation, "unless": name in boxes, **boxes.get(name, {})}
        for name, correlation in chosen
    ]


def telling_constants(drawn: pd.DataFrame, values: np.ndarray) -> list[tuple[str, float]]:
    """Return (constant, rank correlation with values), strongest first; those that are no chance (Bonferroni, 5 %)."""
    from scipy.stats import spearmanr

    tests = {str(name): spearmanr(drawn[name], values) for name in drawn.columns if drawn[name].nunique() > 1}
    found = [(name, float(one.statistic)) for name, one in tests.items() if one.pvalue * len(tests) < 0.05]
    return sorted(found, key=lambda one: (-abs(one[1]), one[0]))


def _winning_box(drawn: pd.DataFrame, wins: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the bounds of the smallest box in which something happens in most draws; nothing where there is none."""
    if not 0.02 <= wins.mean() <= 0.5:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # EMA Workbench warns as it is imported
        try:
            from ema_workbench.analysis.prim import Prim
        except ImportError:
            raise InputError(tell(NO_EMA)) from None
        level = logging.getLogger("EMA").level
        logging.getLogger("EMA").setLevel(logging.ERROR)
        try:
            box = Prim(
                drawn.reset_index(drop=True), wins.astype(int), threshold=0.5, peel_alpha=0.1
            ).find_box()
        finally:
            logging.getLogger("EMA").setLevel(level)
    if box is None or box.density <= 0.5:
        return {}
    limits, whole = box.box_lims[-1], box.box_lims[0]
    bounds = {}
    for name in drawn.columns:
        low, high = (float(limits[name][end]) for end in (0, 1))
        ends = low if low > whole[name][0] else np.nan, high if high < whole[name][1] else np.nan
        if not np.isnan(ends).all():
            bounds[str(name)] = {"low": ends[0], "high": ends[1], "share": float(box.density)}
    return bounds
