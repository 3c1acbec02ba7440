"""Forecasts of the past: each city from its own figures at the start, held against what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.backtest import forecast_scores as scores
from talent_sd.base.errors import InputError
from talent_sd.uncertainty.growth_target import last_known, real_levels
from talent_sd.uncertainty.noise import NoiseModel
from talent_sd.uncertainty.posterior import Posterior
from talent_sd.uncertainty.windows import (
    CENSUS_GAP,
    GDP,
    GDP_REAL,
    NORTH_EAST,
    OUTCOMES,
    Window,
    blocks,
    national_log,
    run_levels,
    run_window,
)

if TYPE_CHECKING:
    import pandas as pd

    from talent_sd.engine.runner import Model

SCORED = (*OUTCOMES[:3], GDP_REAL, *OUTCOMES[3:])
SHARES = (0.8, 0.5, 0.95)
"""Of the outcomes, inside the intervals scored."""
BASELINES = ("constant_share", "trend_share", "damped_trend")


@dataclass(frozen=True)
class Backtest:
    """What was forecast, and what happened.

    Parameters
    ----------
    window : the cities and their figures
    fitted : (cities,) whether a city took part in the fit
    spread : outcome -> (draws, years, cities) log levels, parameters and noise drawn
    parameters_only : the same without noise
    """

    window: Window
    fitted: np.ndarray
    spread: dict[str, np.ndarray]
    parameters_only: dict[str, np.ndarray]


def run_backtest(
    model: Model,
    window: Window,
    posterior: Posterior,
    *,
    draws: int = 500,
    seed: int = 0,
    done: Callable[[int], None] = lambda _: None,
) -> Backtest:
    """Forecast every city of a window from draws of a posterior, with and without noise.

    Parameters
    ----------
    done : called with the number of draws just run, twice `draws` in all
    """
    values = posterior.picked(draws, seed)
    years = len(window.years) - 1
    noise = posterior.noise.draw(0, draws, window.provinces, window.cities, CENSUS_GAP + years, seed)
    parts: tuple[list[dict[str, np.ndarray]], list[dict[str, np.ndarray]]] = ([], [])
    for some in blocks(draws, len(window.cities)):
        params = posterior.params(values[some])
        parts[0].append(run_window(model, window, params, {name: n[some] for name, n in noise.items()}))
        parts[1].append(run_window(model, window, params))
        done(2 * (some.stop - some.start))
    spread, alone = (_joined(part, window, posterior.noise) for part in parts)
    fitted = np.array([city in posterior.fitted for city in window.cities])
    return Backtest(window, fitted, spread, alone)


def _joined(
    parts: Sequence[dict[str, np.ndarray]], window: Window, noise: NoiseModel
) -> dict[str, np.ndarray]:
    """Put blocks of draws together, and reckon real GDP.

    The middle takes the real part of a city's gain on the nation, the spread around it the
    share that real GDP strays of what nominal GDP does.
    """
    found = {name: np.concatenate([part[name] for part in parts]) for name in OUTCOMES}
    middle = np.median(found[GDP], axis=0)
    real = real_levels(window, middle[None], noise.real_growth)
    found[GDP_REAL] = real + noise.real_share * (found[GDP] - middle)
    return found


def actual_levels(window: Window, outcome: str) -> np.ndarray:
    """Return (years, cities) log levels of what happened."""
    return window.real if outcome == GDP_REAL else window.actual[outcome]


def groups(test: Backtest) -> dict[str, np.ndarray]:
    """Return the groups of cities that are scored apart, those without members left out."""
    provinces = np.array(test.window.provinces)
    away = ~np.array([name.startswith(NORTH_EAST) for name in provinces])
    found = {
        "all": np.ones(len(provinces), bool),
        "fitted": test.fitted,
        "unseen": ~test.fitted,
        "all_without_north_east": away,
        "unseen_without_north_east": away & ~test.fitted,
    }
    return {name: keep for name, keep in found.items() if keep.any()}


def score_table(test: Backtest) -> pd.DataFrame:
    """Score every outcome for every group of cities.

    Returns
    -------
    One row for each outcome and group. Errors are |ln(forecast/actual)|, means over cities;
    the model's forecast is the median of its draws. A baseline without figures is NaN.
    `against_best` is the model's error less that of the best baseline, over the same cities,
    `against_best_low` and `_high` its 90 % interval from drawing whole provinces again, and
    `coverage_80_error` the standard error of the coverage from the same.
    """
    import pandas as pd

    rows = []
    for outcome in SCORED:
        row = last_known(actual_levels(test.window, outcome))
        if row is None:
            continue
        for name, keep in groups(test).items():
            found = _scores(test, outcome, row, keep)
            if found:
                years = {"start": test.window.years[0], "end": test.window.years[row]}
                rows.append({"variable": outcome, "cities": name, **found, **years})
    return pd.DataFrame(rows)


def _scores(test: Backtest, outcome: str, row: int, keep: np.ndarray) -> dict[str, float]:
    """Score one outcome for one group; nothing if it has no figures."""
    window = test.window
    actual = actual_levels(window, outcome)[row]
    known = keep & np.isfinite(actual) & np.isfinite(test.spread[outcome][0, row])
    if not known.any():
        return {}
    actual = actual[known]
    spread, alone = test.spread[outcome][:, row, known], test.parameters_only[outcome][:, row, known]
    error = np.median(spread, axis=0) - actual
    low, high = scores.interval(spread)
    found: dict[str, float] = {"mae_model": float(np.abs(error).mean())}
    baselines = baselines_of(window, outcome, row)
    errors = {name: np.abs(baselines[name][known] - actual) for name in BASELINES}
    means = {}
    for name in BASELINES:
        some = np.isfinite(errors[name])
        means[name] = float(errors[name][some].mean()) if some.mean() > 0.5 else float("nan")
        found[f"mae_{name}"] = means[name]
    found["crps_model"] = float(scores.crps(spread, actual).mean())
    provinces = np.array(window.provinces)[known]
    for share in SHARES:
        found[f"coverage_{round(100 * share)}"] = scores.coverage(spread, actual, share)
    found["coverage_80_error"] = scores.province_error(scores.covered(spread, actual), provinces)
    found["coverage_80_parameters_only"] = scores.coverage(alone, actual)
    found["width_80"] = float((high - low).mean())
    found["bias_model"] = float(error.mean())
    best = min((name for name in BASELINES if np.isfinite(means[name])), key=lambda name: means[name])
    both = np.isfinite(errors[best])
    gap = (np.abs(error) - errors[best])[both]
    ends = scores.province_interval(gap, provinces[both])
    found |= {"best_baseline": best, "against_best": float(gap.mean())}  # type: ignore[dict-item]
    return found | {"against_best_low": ends[0], "against_best_high": ends[1], "number": int(known.sum())}


def baselines_of(window: Window, outcome: str, row: int) -> dict[str, np.ndarray]:
    """Return baseline -> (cities,) log levels in a year of the window."""
    first, last = window.years[0], window.years[row]
    nation = (national_log(window.national, outcome, first), national_log(window.national, outcome, last))
    start = window.real[0] if outcome == GDP_REAL else window.start[outcome]
    return scores.baseline_forecasts(
        start, window.past[outcome], window.past_years[outcome], nation, last - first
    )


def forecast_table(test: Backtest) -> pd.DataFrame:
    """Return tidy forecasts: one row for each city, outcome and year, with what happened where it is known.

    Levels in persons or yuan a year; `error` is ln(median/actual).
    """
    import pandas as pd

    window = test.window
    frames = []
    for outcome in SCORED:
        ends = np.quantile(test.spread[outcome], [0.1, 0.5, 0.9], axis=0)
        actual = actual_levels(window, outcome)
        for row, year in enumerate(window.years):
            frames.append(
                pd.DataFrame(
                    {
                        "city": window.cities,
                        "province": window.provinces,
                        "fitted": test.fitted,
                        "variable": outcome,
                        "year": year,
                        "lower_80": np.exp(ends[0, row]),
                        "median": np.exp(ends[1, row]),
                        "upper_80": np.exp(ends[2, row]),
                        "actual": np.exp(actual[row]),
                        "error": ends[1, row] - actual[row],
                    }
                )
            )
    return pd.concat(frames, ignore_index=True).dropna(subset=["median"])


GRANTS = "invention grants"


def patent_table(model: Model, window: Window, posterior: Posterior) -> pd.DataFrame:
    """Set the growth of patents that a province's cities are forecast against what was granted there.

    One run at the posterior's mean. A city starts from its province's grants, shared out by
    tertiary-educated residents, so only growth is judged.

    Returns
    -------
    One row a province: province, cities, start, end, forecast, actual, nation (log growth each; the
    nation's is the forecast of a constant share) and error. Empty where no province's figures are known.
    """
    import pandas as pd

    known = np.flatnonzero(np.isfinite(window.patents).any(axis=1))
    if not len(known) or known[0] == known[-1]:
        return pd.DataFrame()
    first, last = int(known[0]), int(known[-1])
    values = posterior.values.mean(axis=0, keepdims=True)
    levels = run_levels(model, window, (GRANTS,), posterior.params(values))[GRANTS][0]
    years = (window.years[first], window.years[last])
    variable = "invention_patents_granted"
    nation = np.log(window.national.value(variable, years[1]) / window.national.value(variable, years[0]))
    rows = []
    provinces = np.array(window.provinces)
    for name in np.unique(provinces):
        own = provinces == name
        granted = window.patents[[first, last]][:, own][:, 0]
        if np.isfinite(granted).all():
            forecast = float(np.log(levels[last, own].sum() / levels[first, own].sum()))
            actual = float(granted[1] - granted[0])
            rows.append(
                {
                    "province": str(name),
                    "cities": int(own.sum()),
                    "start": years[0],
                    "end": years[1],
                    "forecast": forecast,
                    "actual": actual,
                    "nation": float(nation),
                    "error": forecast - actual,
                }
            )
    return pd.DataFrame(rows)


def run_cross_fitted(
    model: Model,
    window: Window,
    posteriors: Sequence[Posterior],
    *,
    draws: int = 500,
    seed: int = 0,
    done: Callable[[int], None] = lambda _: None,
) -> Backtest:
    """Forecast every city from the posterior that left its province out.

    Parameters
    ----------
    done : called with the number of draws just run, twice `draws` times the posteriors in all

    Raises
    ------
    InputError
        If a city took part in every one of the fits.
    """
    turn = np.full(len(window.cities), -1)
    for number, posterior in reversed(list(enumerate(posteriors))):
        turn[[city not in posterior.fitted for city in window.cities]] = number
    if (turn < 0).any():
        city = window.cities[int(np.argmin(turn))]
        raise InputError(
            "{city} took part in every fit. Give the cross_fit.json of this panel's calibration.", city=city
        )
    tests = []
    places = []
    for number in np.unique(turn):
        some = turn == number
        tests.append(
            run_backtest(model, window.chosen(some), posteriors[number], draws=draws, seed=seed, done=done)
        )
        places.append(np.flatnonzero(some))
    order = np.argsort(np.concatenate(places))

    def whole(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return the parts of all folds as one, cities in the order of the panel."""
        return {
            name: np.concatenate([part[name] for part in parts], axis=-1)[..., order] for name in parts[0]
        }

    return Backtest(
        window,
        np.zeros(len(order), bool),
        whole([test.spread for test in tests]),
        whole([test.parameters_only for test in tests]),
    )
