"""How good the shipped model's forecasts of the past were (`models/track_record.yaml`)."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from talent_sd.base.files import shipped_folder
from talent_sd.inputs.file_schemas import Part, Range
from talent_sd.inputs.schema_problems import read_strict

Years = Annotated[tuple[int, int], BeforeValidator(lambda value: tuple(value))]


class Score(Part):
    """Errors |ln(forecast/actual)| of an outcome in a window, means over the unseen cities."""

    years: Years = Field(description="First and last")
    outcome: str
    model: float = Field(description="Mean error")
    constant_share: float
    against_best: Range = Field(description="90 % interval of the model's error less the best baseline's")
    crps: float
    coverage_80: float = Field(description="Share of the outcomes inside the 80 % interval")
    trend: float | None = Field(None, description="None where it needs figures there are none of")
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


class TrackRecord(Part):
    """The back-test of the shipped posterior."""

    posterior_sha256: str = Field(description="Of the posterior that was tested")
    unseen_cities: int = Field(description="How many cities the scores are means over")
    scores: list[Score]
    cities: dict[str, CityRecord]
    caveats: list[dict[str, str]] = Field(description="Texts by language")


@cache
def read_track_record() -> TrackRecord:
    """Read what ships."""
    return read_strict(shipped_folder("models") / "track_record.yaml", TrackRecord).content
