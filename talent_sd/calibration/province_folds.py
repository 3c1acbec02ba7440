"""Whole provinces left out of a fit in turn, so that every city is judged without its province."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.calibration.noise_fit import Judged
from talent_sd.uncertainty.windows import OUTCOMES, Window, run_window

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.uncertainty.fitted_constants import Beliefs

FOLDS = 8
"""Groups of whole provinces that are left out in turn."""


@dataclass(frozen=True)
class Folds:
    """Fits that each left some whole provinces out.

    Parameters
    ----------
    provinces : province -> number of its fold
    best : (folds, parameters) most probable draw of the provinces outside each fold
    """

    provinces: Mapping[str, int]
    best: np.ndarray


def province_folds(provinces: Sequence[str], seed: int, count: int = FOLDS) -> dict[str, int]:
    """Deal provinces into folds, of much the same number of cities each.

    Parameters
    ----------
    provinces : names, one a city
    count : of folds; fewer where there are fewer provinces
    """
    names, cities = np.unique(np.asarray(provinces), return_counts=True)
    shuffled = np.random.default_rng([seed, 55]).permutation(len(names))
    order = shuffled[np.argsort(-cities[shuffled], kind="stable")]
    held = np.zeros(min(count, len(names)))
    found = {}
    for place in order:
        fold = int(np.argmin(held))
        found[str(names[place])] = fold
        held[fold] += cities[place]
    return found


def judged_apart(
    model: Model, windows: Sequence[Window], beliefs: Beliefs, provinces: Mapping[str, int], best: np.ndarray
) -> list[Judged]:
    """Forecast each city by the fit that left its province out.

    Parameters
    ----------
    windows : of the cities to judge; cities of provinces without a fold are left out
    provinces : province -> number of its fold
    best : (folds, parameters)
    """
    found = []
    for whole in windows:
        window = whole.chosen(np.isin(whole.provinces, list(provinces)))
        fold = np.array([provinces[name] for name in window.provinces])
        levels = {name: np.full((len(window.years), len(fold)), np.nan) for name in OUTCOMES}
        for number in np.unique(fold):
            some = fold == number
            run = run_window(model, window.chosen(some), beliefs.params(best[number][None]))
            for name in OUTCOMES:
                levels[name][:, some] = run[name][0]
        found.append(Judged(window, levels))
    return found
