"""A quadratic stand-in for the model between the draws it was run at, for a likelihood in microseconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from talent_sd.base.messages import tell


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
