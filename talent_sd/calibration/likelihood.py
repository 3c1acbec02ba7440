"""What a likelihood in microseconds is made of: a quadratic stand-in for the model, and the article's `calibrate` figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from talent_sd.base.language import tell
from talent_sd.laboratory.findings import FigureTargets

PROBES = 64
"""Draws at which the figures are measured; between them each is taken as linear in the parameters."""


@dataclass(frozen=True)
class Surrogate:
    """Outputs as a full quadratic in the parameters, fitted by least squares.

    Parameters
    ----------
    centre, scale : (parameters,); the quadratic is in (value - centre) / scale
    coefficients : (features, outputs)
    error : (outputs,) root mean square error on draws that took no part in the fit
    """

    centre: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray
    error: np.ndarray

    def features(self, values: np.ndarray) -> np.ndarray:
        """Return (draws, features) of (draws, parameters): 1, each, and each product of two."""
        z = (values - self.centre) / self.scale
        one, two = np.triu_indices(z.shape[1])
        return np.concatenate([np.ones((len(z), 1)), z, z[:, one] * z[:, two]], axis=1)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return (draws, outputs)."""
        return self.features(values) @ self.coefficients


def feature_count(parameters: int) -> int:
    """Return the number of coefficients of a full quadratic.

    >>> feature_count(2)
    6
    """
    return 1 + parameters + parameters * (parameters + 1) // 2


def fit_surrogate(values: np.ndarray, outputs: np.ndarray, tested: float = 0.15) -> Surrogate:
    """Fit a surrogate to runs of the model.

    Parameters
    ----------
    values : (runs, parameters)
    outputs : (runs, outputs) without NaN
    tested : share of the runs, the last ones, that the error is measured on

    Raises
    ------
    ValueError
        If there are too few runs.
    """
    used = len(values) - int(tested * len(values))
    if used < feature_count(values.shape[1]):
        raise ValueError(
            tell(
                "{used} runs cannot fix {wanted} coefficients. Run more.",
                used=used,
                wanted=feature_count(values.shape[1]),
            )
        )
    centre, scale = values[:used].mean(axis=0), values[:used].std(axis=0)
    empty = Surrogate(centre, scale, np.empty((0, 0)), np.empty(0))
    coefficients = np.linalg.lstsq(empty.features(values[:used]), outputs[:used], rcond=None)[0]
    fitted = Surrogate(centre, scale, coefficients, np.empty(0))
    gap = fitted(values[used:]) - outputs[used:]
    return Surrogate(centre, scale, coefficients, np.sqrt((gap**2).mean(axis=0)))


class EvidenceTarget(FigureTargets):
    """The figures that a draw is held against, besides the cities' growth."""

    def measure_draws(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """Measure every figure for every draw.

        Parameters
        ----------
        params : parameter key -> (draws,)

        Returns
        -------
        (draws, figures), NaN where an experiment has no answer
        """
        rows = zip(*(values.tolist() for values in params.values()), strict=True)
        return self.measure([dict(zip(params, row, strict=True)) for row in rows])

    def log_likelihood(self, measured: np.ndarray) -> np.ndarray:
        """Return (draws,): half the squared misses, each in its figure's tolerance, below 0."""
        return -0.5 * np.nansum(self.misses(measured) ** 2, axis=1)

    def held(self, measured: np.ndarray, weights: np.ndarray) -> dict[str, dict[str, float]]:
        """Return id -> what a figure comes to inside a posterior: target, median, 90 % interval, share that meet it.

        Parameters
        ----------
        measured : (draws, figures), NaN where an experiment has no answer: that meets nothing
        weights : (draws,) of the draws in the posterior
        """
        found = {}
        for figure, column in zip(self.figures, measured.T, strict=True):
            known = np.isfinite(column)
            order = np.argsort(column[known])
            chance = np.cumsum(weights[known][order]) / weights[known].sum()
            low, median, high = (
                column[known][order][np.minimum(np.searchsorted(chance, at), known.sum() - 1)]
                for at in (0.05, 0.5, 0.95)
            )
            met = np.array([figure.met_by(value) for value in column])
            found[figure.id] = {
                "target": float(figure.target),
                "allowance": float(figure.allowance),
                "median": float(median),
                "low_90": float(low),
                "high_90": float(high),
                "met": float((weights * met).sum() / weights.sum()),
            }
        return found


def between(probes: np.ndarray, measured: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return figures at draws between those that they were measured at, linear in the parameters.

    Parameters
    ----------
    probes : (measured draws, parameters)
    measured : (measured draws, figures), NaN unknown
    values : (draws, parameters)

    Returns
    -------
    (draws, figures); NaN for a figure with fewer answers than it has coefficients

    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> between(x, 1 + 2 * x, np.array([[1.5]])).round(9).tolist()
    [[4.0]]
    """
    middle, scale = probes.mean(axis=0), probes.std(axis=0)
    known, wanted = (np.column_stack([np.ones(len(x)), (x - middle) / scale]) for x in (probes, values))
    found = np.full((len(values), measured.shape[1]), np.nan)
    for figure, column in enumerate(measured.T):
        fine = np.isfinite(column)
        if fine.sum() >= known.shape[1]:
            found[:, figure] = wanted @ np.linalg.lstsq(known[fine], column[fine], rcond=None)[0]
    return found
