"""How good the shipped model's forecasts of the past were (`models/track_record.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from talent_sd.base.files import shipped_folder


@dataclass(frozen=True)
class Score:
    """Errors |ln(forecast/actual)| of an outcome in a window, means over the unseen cities.

    Parameters
    ----------
    years : first and last
    outcome : as in the words "outcome.<name>"
    model, constant_share, trend, damped_trend : mean errors; None where a baseline needs figures there are none of
    against_best : 90 % interval of the model's error less the best baseline's
    crps : of the model
    coverage_80 : share of the outcomes inside the 80 % interval
    """

    years: tuple[int, int]
    outcome: str
    model: float
    constant_share: float
    against_best: tuple[float, float]
    crps: float
    coverage_80: float
    trend: float | None = None
    damped_trend: float | None = None

    @property
    def verdict(self) -> str:
        """Return "better", "worse" or "level": what the interval against the best baseline says."""
        low, high = self.against_best
        return "better" if high <= 0 and low < 0 else "worse" if low > 0 else "level"


@dataclass(frozen=True)
class CityRecord:
    """What the model missed a city by: outcome to ln(forecast/actual) in 2020 from 2010."""

    fitted: bool
    borders_changed: bool
    errors: Mapping[str, float]


@dataclass(frozen=True)
class TrackRecord:
    """The back-test of the shipped posterior.

    Parameters
    ----------
    posterior_sha256 : of the posterior that was tested
    unseen_cities : how many cities the scores are means over
    caveats : texts by language
    """

    posterior_sha256: str
    unseen_cities: int
    scores: tuple[Score, ...]
    cities: Mapping[str, CityRecord]
    caveats: tuple[Mapping[str, str], ...]


@cache
def read_track_record() -> TrackRecord:
    """Read what ships."""
    from ruamel.yaml import YAML

    text = (shipped_folder("models") / "track_record.yaml").read_text(encoding="utf-8")
    raw: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    scores = tuple(
        Score(**{**row, "years": tuple(row["years"]), "against_best": tuple(row["against_best"])})
        for row in raw["scores"]
    )
    cities = {name: _city(row) for name, row in raw["cities"].items()}
    return TrackRecord(raw["posterior_sha256"], raw["unseen_cities"], scores, cities, tuple(raw["caveats"]))


def _city(row: dict[str, Any]) -> CityRecord:
    errors = {name: float(value) for name, value in row.items() if name not in ("fitted", "borders_changed")}
    return CityRecord(row["fitted"], row["borders_changed"], errors)
