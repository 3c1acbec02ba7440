"""What no parameter explains: growth noise of provinces and cities, correlated over outcomes and years."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from talent_sd.uncertainty.windows import GDP, OUTCOMES, RESIDENTS, REVENUE, TERTIARY

NOISE_INPUTS = {
    TERTIARY: "tertiary growth noise",
    RESIDENTS: "residents growth noise",
    GDP: "value added growth noise",
    REVENUE: "revenue growth noise",
}
"""Outcome -> the model's input, in the order of `OUTCOMES`."""
LARGEST = 0.2
"""No year's noise goes beyond it, 1/year: the model's limit."""
CHUNK = 500
"""Draws made from one generator: a draw depends on its number only, not on how many there are."""


@dataclass(frozen=True)
class NoiseModel:
    """Yearly growth noise: each outcome's carries over from year to year, and goes with the others'.

    Parameters
    ----------
    persistence : (outcomes,) how much of a year's noise is left the year after
    province, city : (outcomes, outcomes) covariance of a year's noise, (1/year)^2: shared by the
        cities of a province, and each city's own
    real_share : spread of real GDP over that of nominal GDP: the rest is local prices
    freedom : (outcomes,) degrees of freedom of each outcome's tails, None for normal ones: every draw
        gives a city a scale of its own, high or low in all outcomes at once, so that summed
        noise is Student's t. `province` and `city` hold at the scale 1
    real_growth : part of a city's forecast gain in nominal GDP, against the nation, that is real
    """

    persistence: np.ndarray
    province: np.ndarray
    city: np.ndarray
    real_share: float = 1.0
    freedom: np.ndarray | None = None
    real_growth: float = 1.0

    def draw(
        self, first: int, last: int, provinces: Sequence[str], cities: Sequence[str], years: int, seed: int
    ) -> dict[str, np.ndarray]:
        """Draw noise for some cities.

        Follows from the seed, the names and the draw's number only: a city's noise is the
        same whatever other cities or draws are asked for.

        Parameters
        ----------
        first, last : numbers of the draws, from `first` to before `last`
        provinces, cities : names, one a city
        years : how many

        Returns
        -------
        noise input -> (last - first, cities, years), 1/year
        """
        shared = {
            name: self._paths(self.province, first, last, years, f"province {name}", seed)
            for name in sorted(set(provinces))
        }
        total = np.stack(
            [
                (shared[province] + self._paths(self.city, first, last, years, f"city {city}", seed))
                * self._scale(first, last, f"city {city}", seed)
                for province, city in zip(provinces, cities, strict=True)
            ]
        )
        return {
            NOISE_INPUTS[name]: np.clip(total[..., k].transpose(1, 0, 2), -LARGEST, LARGEST)
            for k, name in enumerate(OUTCOMES)
        }

    def _paths(
        self, covariance: np.ndarray, first: int, last: int, years: int, name: str, seed: int
    ) -> np.ndarray:
        """Return (last - first, years, outcomes) of a stationary process."""
        salt = _salt(name)
        begin = first // CHUNK
        white = np.concatenate(
            [
                np.random.default_rng([seed, salt, chunk]).standard_normal((CHUNK, years, len(OUTCOMES)))
                for chunk in range(begin, -(-last // CHUNK))
            ]
        )[first - begin * CHUNK : last - begin * CHUNK]
        phi = self.persistence
        fresh = white @ root(covariance * (1 - np.outer(phi, phi))).T
        paths = np.empty_like(fresh)
        paths[:, 0] = white[:, 0] @ root(covariance).T
        for year in range(1, years):
            paths[:, year] = phi * paths[:, year - 1] + fresh[:, year]
        return paths

    def _scale(self, first: int, last: int, name: str, seed: int) -> np.ndarray:
        """Return (last - first, 1, outcomes or 1): a city's scale in each draw."""
        if self.freedom is None:
            return np.ones((1, 1, 1))
        begin = first // CHUNK
        chance = np.concatenate(
            [
                np.random.default_rng([seed, _salt(name), chunk, 1]).random(CHUNK)
                for chunk in range(begin, -(-last // CHUNK))
            ]
        )[first - begin * CHUNK : last - begin * CHUNK]
        return own_scale(chance, self.freedom)[:, None, :]


def _salt(name: str) -> int:
    """Return a number that follows from a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def own_scale(chance: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Return (draws, outcomes): what makes normal noise Student's t, at a chance from 0 to 1.

    >>> own_scale(np.array([0.5]), np.array([1e6])).round(3).tolist()
    [[1.0]]
    """
    from scipy.special import gammaincinv

    half = freedom / 2
    return np.sqrt(half / gammaincinv(half[None, :], np.clip(chance, 1e-4, 1 - 1e-4)[:, None]))


def root(covariance: np.ndarray) -> np.ndarray:
    """Return A with A Aᵀ the covariance; slightly negative directions are taken as 0."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.clip(values, 0, None))


def summed_variance(persistence: np.ndarray, years: int) -> np.ndarray:
    """Return (outcomes, outcomes): covariance of the sums over `years`, per covariance of a year.

    >>> summed_variance(np.array([0.0, 1.0]), 10).round(6).tolist()
    [[10.0, 55.0], [55.0, 100.0]]
    """
    lag = np.arange(1, years)
    ahead = ((years - lag)[:, None] * persistence ** lag[:, None]).sum(axis=0)
    return years + ahead[:, None] + ahead[None, :]


def fitted_persistence(variance: dict[int, float], bounds: tuple[float, float] = (0.0, 0.98)) -> float:
    """Return the persistence at which sums over years spread as observed.

    Parameters
    ----------
    variance : years ahead -> variance of what was left over, of one outcome

    Raises
    ------
    ValueError
        If there are fewer than two horizons.
    """
    if len(variance) < 2:
        raise ValueError("persistence needs leftovers at two horizons or more")
    observed = np.log(list(variance.values()))

    def misfit(phi: float) -> float:
        """Return how far the variances of sums of years are from those observed."""
        expected = np.log([summed_variance(np.array([phi]), years)[0, 0] for years in variance])
        gap = observed - expected
        return float(((gap - gap.mean()) ** 2).sum())

    grid = np.linspace(*bounds, 99)
    return float(grid[np.argmin([misfit(phi) for phi in grid])])


def split_covariance(leftover: np.ndarray, provinces: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Split what is left over into a part that a province's cities share and each city's own.

    Moments of an unbalanced one-way layout. Shares only: extremes are drawn in to three
    robust standard deviations first, so that single breaks in the figures do not rule.

    Parameters
    ----------
    leftover : (cities, outcomes) without NaN
    provinces : (cities,) names

    Returns
    -------
    (province, city) covariances, (outcomes, outcomes) each, positive semidefinite
    """
    names, group = np.unique(np.asarray(provinces), return_inverse=True)
    counts = np.bincount(group).astype(float)
    near = drawn_in(leftover)
    means = np.stack([np.bincount(group, column) for column in near.T], axis=1) / counts[:, None]
    within = near - means[group]
    cities = len(leftover)
    city = within.T @ within / max(cities - len(names), 1)
    centred = means - near.mean(axis=0)
    between = (centred * counts[:, None]).T @ centred / max(len(names) - 1, 1)
    size = (cities - (counts**2).sum() / cities) / max(len(names) - 1, 1)
    province = (between - city) / max(size, 1.0)
    half = root((province + province.T) / 2)
    return half @ half.T, city


def drawn_in(leftover: np.ndarray) -> np.ndarray:
    """Return (cities, outcomes) with extremes drawn in to three robust standard deviations."""
    middle = np.median(leftover, axis=0)
    scale = 1.4826 * np.median(np.abs(leftover - middle), axis=0)
    return np.clip(leftover, middle - 3 * scale, middle + 3 * scale)
