"""Posteriors that each left whole provinces out: what every city of a panel can be judged with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.analysis.backtest import Backtest, run_backtest
from talent_sd.analysis.calibrate import Calibration, Fit, Sampling
from talent_sd.analysis.folds import judged_apart, province_folds
from talent_sd.analysis.noise_fit import estimate_noise
from talent_sd.analysis.posterior import Posterior, make_posterior
from talent_sd.base.errors import InputError
from talent_sd.base.messages import tell

if TYPE_CHECKING:
    from talent_sd.analysis.beliefs import Beliefs
    from talent_sd.analysis.surrogate import Surrogate
    from talent_sd.analysis.windows import Window
    from talent_sd.engine.runner import Model

DRAWS = 300
"""Draws of each fold's posterior: of a normal distribution around its best draw."""


def cross_fit(
    model: Model,
    windows: Sequence[Window],
    beliefs: Beliefs,
    found: Fit,
    *,
    seed: int = 0,
    note: Mapping[str, Any] | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> list[Posterior]:
    """Fit constants and noise anew without each fold of whole provinces.

    All is repeated but the article's figures, which shift draws little: constants, the
    covariance of their draws, and the noise, whose leftovers come from fits that leave two
    folds out, the judged one and the leftovers' own.

    Parameters
    ----------
    windows : of all cities: the one that constants are fitted to, then more for the noise
    found : a fit of some of the cities, around whose spread the model is run
    done : called with the amount of work just done, `work_of(model, beliefs)` in all

    Raises
    ------
    InputError
        If there are fewer than three provinces.
    """
    whole = windows[0]
    task = Calibration(model, whole, beliefs, seed, Sampling(), done=done)
    box = task.around(found.best, 4 * found.draws.std(axis=0))
    surrogate = task.surrogate("folds", *box)
    start = np.clip(found.best, *box)
    dealt = province_folds(whole.provinces, seed)
    numbers = sorted(set(dealt.values()))
    if len(numbers) < 3:
        raise InputError(
            tell("leaving whole provinces out in turn needs cities of three provinces or more.")
        )
    fold = np.array([dealt[name] for name in whole.provinces])
    pairs = {
        (one, two): task.settle(surrogate, start, box, (fold != one) & (fold != two))[0]
        for one in numbers
        for two in numbers
        if one < two
    }
    posteriors = []
    for number in numbers:
        best, draws = _draws(task, surrogate, start, box, fold != number, seed)
        without = np.stack([best if n == number else pairs[min(n, number), max(n, number)] for n in numbers])
        others = {name: n for name, n in dealt.items() if n != number}
        judged = judged_apart(model, windows, beliefs, others, without)
        noise = estimate_noise(model, judged, beliefs.params(best[None]), beliefs.params(draws))
        some = whole.chosen(fold != number)
        posteriors.append(make_posterior(beliefs, draws, noise, some.cities, note or {}))
        done(task.runs // len(numbers))
    return posteriors


def _draws(
    task: Calibration, surrogate: Surrogate, start: np.ndarray, box: tuple[np.ndarray, np.ndarray],
    keep: np.ndarray, seed: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the best draw of some cities, and draws around it within the ranges."""
    best, _, likelihood = task.settle(surrogate, start, box, keep)
    covariance = task.laplace(surrogate, likelihood, best)
    generator = np.random.default_rng([seed, 56])
    draws = generator.multivariate_normal(best, covariance, DRAWS)
    return best, np.clip(draws, task.beliefs.low, task.beliefs.high)


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
            tell(
                "{city} took part in every fit. Give the cross_fit.json of this panel's calibration.", city=city
            )
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
        return {
            name: np.concatenate([part[name] for part in parts], axis=-1)[..., order] for name in parts[0]
        }

    return Backtest(
        window,
        np.zeros(len(order), bool),
        whole([test.spread for test in tests]),
        whole([test.parameters_only for test in tests]),
    )
