"""A back-test in which each city is forecast by the fit that left its province out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.backtest.run_backtest import Backtest, run_backtest
from talent_sd.base.errors import InputError
from talent_sd.base.messages import tell
from talent_sd.uncertainty.posterior import Posterior

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.uncertainty.windows import Window


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
