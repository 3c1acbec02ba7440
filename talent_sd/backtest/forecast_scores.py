"""Scores of forecasts of the past: how they are taken, and those of the shipped model (`models/track_record.yaml`)."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from talent_sd.base.files import shipped_folder
from talent_sd.inputs.file_schemas import Part, Range, Words
from talent_sd.inputs.schema_problems import read_strict

COVERED = 0.8
"""Share of outcomes that the scored interval should hold."""
Years = Annotated[tuple[int, int], BeforeValidator(lambda value: tuple(value))]


def crps(ensemble: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score: the error of a whole distribution, in the unit of its values.

    E|X − y| − E|X − X'|/2 with distinct X and X' (the fair form), so that it does not
    depend on the number of draws; with one draw it is the absolute error.

    Parameters
    ----------
    ensemble : (draws, n)
    actual : (n,)

    Returns
    -------
    (n,), 0 for a forecast that was sure and right.

    >>> crps(np.array([[1.0], [3.0]]), np.array([2.0])).tolist()
    [0.0]
    >>> crps(np.array([[1.0]]), np.array([3.0])).tolist()
    [2.0]
    """
    draws = len(ensemble)
    error = np.abs(ensemble - actual).mean(axis=0)
    if draws == 1:
        return error
    weights = 2 * np.arange(1, draws + 1) - draws - 1
    spread = (weights[:, None] * np.sort(ensemble, axis=0)).sum(axis=0) / (draws * (draws - 1))
    return error - spread


def interval(ensemble: np.ndarray, share: float = COVERED) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends (n,) of the central interval that holds `share` of the draws."""
    low, high = np.quantile(ensemble, [(1 - share) / 2, (1 + share) / 2], axis=0)
    return low, high


def coverage(ensemble: np.ndarray, actual: np.ndarray, share: float = COVERED) -> float:
    """Return the part of the outcomes inside the interval; NaN for a single draw, which has none."""
    return float(covered(ensemble, actual, share).mean())


def covered(ensemble: np.ndarray, actual: np.ndarray, share: float = COVERED) -> np.ndarray:
    """Return (n,): 1 for an outcome inside the interval, 0 outside; NaN for a single draw, which has none."""
    if len(ensemble) == 1:
        return np.full(len(actual), np.nan)
    low, high = interval(ensemble, share)
    return ((actual >= low) & (actual <= high)).astype(float)


def province_interval(
    values: np.ndarray, provinces: np.ndarray, share: float = 0.9, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Interval of a mean over cities when whole provinces are drawn again, with replacement.

    Errors cluster by province, so provinces are the sample.

    Parameters
    ----------
    values : (cities,)
    provinces : (cities,) names
    """
    means = _drawn_again(values, provinces, draws, seed)
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def province_error(values: np.ndarray, provinces: np.ndarray, draws: int = 2000, seed: int = 0) -> float:
    """Return the standard error of a mean over cities when whole provinces are drawn again.

    >>> province_error(np.ones(4), np.array(["a", "a", "b", "b"]))
    0.0
    """
    return float(_drawn_again(values, provinces, draws, seed).std())


def _drawn_again(values: np.ndarray, provinces: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Return (draws,) means over the cities of provinces drawn with replacement."""
    names, group = np.unique(provinces, return_inverse=True)
    sums, counts = np.bincount(group, values), np.bincount(group)
    picks = np.random.default_rng(seed).integers(len(names), size=(draws, len(names)))
    return sums[picks].sum(axis=1) / counts[picks].sum(axis=1)


def baseline_forecasts(
    start: np.ndarray, past: np.ndarray, past_years: np.ndarray, national: tuple[float, float], years: int
) -> dict[str, np.ndarray]:
    """Forecasts that need no model, as log levels after `years`.

    Parameters
    ----------
    start : (cities,) log level at the start
    past : (cities,) log growth of the city less that of the nation over `past_years`; NaN unknown
    past_years : (cities,) length of that stretch
    national : log of the nation at the start and `years` later
    years : ahead

    Returns
    -------
    constant_share, trend_share (the share goes on as in the past) and damped_trend (half that).

    >>> baseline_forecasts(np.zeros(1), np.array([0.1]), np.array([10.0]), (0.0, 0.5), 10)["trend_share"]
    array([0.6])
    """
    constant = start + (national[1] - national[0])
    trend = past / past_years * years
    return {
        "constant_share": constant,
        "trend_share": constant + trend,
        "damped_trend": constant + trend / 2,
    }


class Score(Part):
    """Errors |ln(forecast/actual)| of an outcome in a window, means over the unseen cities."""

    years: Years = Field(description="First and last")
    outcome: str
    model: float = Field(description="Mean error")
    constant_share: float
    against_best: Range = Field(description="90 % interval of the model's error less the best baseline's")
    crps: float
    coverage_80: float = Field(description="Share of the outcomes inside the 80 % interval")
    trend: float | None = Field(None, description="None where the figures that it needs are missing")
    damped_trend: float | None = None

    @property
    def verdict(self) -> str:
        """Return "better", "worse" or "level": what the interval against the best baseline says."""
        low, high = self.against_best
        return "better" if high <= 0 and low < 0 else "worse" if low > 0 else "level"


class CityRecord(Part):
    """What the model missed a city by."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, float] = Field(init=False)

    fitted: bool
    borders_changed: bool

    @property
    def errors(self) -> dict[str, float]:
        """Return outcome -> ln(forecast/actual) in 2020 from 2010."""
        return dict(self.__pydantic_extra__)


class OtherTest(Part):
    """The same errors judged in another way."""

    way: Words = Field(description="Which cities, which years, fitted on what")
    cities: int = Field(description="How many")
    errors: dict[str, tuple[float, float]] = Field(
        description="Outcome: the model's error and the best baseline's"
    )
    options: str = Field("", description="Of the command that made it, beside the tables and the years")

    @field_validator("errors", mode="before")
    @classmethod
    def as_pairs(cls, value: object) -> object:
        """Take lists as pairs."""
        return {key: tuple(one) for key, one in value.items()} if isinstance(value, dict) else value


class TrackRecord(Part):
    """The back-test of the shipped posterior."""

    posterior_sha256: str = Field(description="Of the posterior that was tested")
    model_sha256: str = Field(
        description="Of the model file that ran; both stand in notes.txt of a back-test"
    )
    program_sha256: str = Field(
        description="Of its compiled equations, which stay the same where sentences of the file alone change"
    )
    files: dict[str, str] = Field(
        default_factory=dict, description="File that the back-test read or was made with -> SHA-256"
    )
    fit_errors: dict[str, Any] = Field(
        default_factory=dict,
        description="How far the fitting cities stray: `Errors.told`, and the model file",
    )
    unseen: list[str] = Field(
        description="The cities that the scores are means over, as the tables call them"
    )
    scores: list[Score]
    others: list[OtherTest] = Field(description="Judged in other ways, in the order of models/README.md")
    cities: dict[str, CityRecord]
    caveats: list[dict[str, str]] = Field(description="Texts by language")


@cache
def read_track_record() -> TrackRecord:
    """Read what ships."""
    return read_strict(shipped_folder("models") / "track_record.yaml", TrackRecord).content
