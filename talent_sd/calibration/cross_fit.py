"""Posteriors that each left whole provinces out: what every city of a panel can be judged with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.language import tell
from talent_sd.calibration.fit import Calibration, Fit, SamplerSettings, province_folds
from talent_sd.calibration.noise_fit import estimate_noise, judged_apart
from talent_sd.uncertainty.posterior import Posterior, make_posterior

if TYPE_CHECKING:
    from talent_sd.calibration.surrogate import Surrogate
    from talent_sd.engine.runner import Model
    from talent_sd.uncertainty.fitted_constants import Beliefs
    from talent_sd.uncertainty.windows import Window

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
    task = Calibration(model, whole, beliefs, seed, SamplerSettings(), done=done)
    box = task.around(found.best, 4 * found.draws.std(axis=0))
    surrogate = task.surrogate("folds", *box)
    start = np.clip(found.best, *box)
    dealt = province_folds(whole.provinces, seed)
    numbers = sorted(set(dealt.values()))
    if len(numbers) < 3:
        raise InputError(tell("leaving whole provinces out in turn needs cities of three provinces or more."))
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
