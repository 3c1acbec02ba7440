"""The article's `calibrate` figures as a part of the likelihood."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from talent_sd.laboratory.findings import FigureTargets

PROBES = 64
"""Draws at which the figures are measured; between them each is taken as linear in the parameters."""


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
