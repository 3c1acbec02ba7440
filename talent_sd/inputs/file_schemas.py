"""What the files that users write may contain: scenarios, cities, national paths.

The JSON Schemas in `talent_sd/schemas` are generated from these models, by `.ci/json_schemas.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from talent_sd.base.language import listed, tell

LONGEST = 4000
"""Characters of a text: a page."""
MOST_MONEY = 1e12
"""Yuan a year that no policy takes, as of `policy money` in the model."""
Year = Annotated[float, Field(ge=1900, le=2200)]
YearKey = Annotated[int, Field(ge=1900, le=2200)]
Range = Annotated[
    tuple[float, float], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
]
Series = Annotated[dict[YearKey, float], Field(min_length=1)]


class Part(BaseModel):
    """Base of every model here: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _or(schema: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema that takes either form, keeping the title outside."""
    return {"anyOf": [other, schema]}


class Words(Part):
    """A text in English and Chinese; one text alone stands for both."""

    en: str = Field(min_length=1, max_length=LONGEST, description="English")
    zh: str = Field(min_length=1, max_length=LONGEST, description="Chinese")

    @model_validator(mode="before")
    @classmethod
    def one_text_for_both(cls, value: object) -> object:
        """Accept plain text."""
        return {"en": value, "zh": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        """Show both forms in the JSON Schema."""
        return _or(handler(core), {"type": "string", "minLength": 1})


class Title(Words):
    """A title or name in English and Chinese, short enough for a heading; one text alone stands for both."""

    en: str = Field(min_length=1, max_length=200, description="English")
    zh: str = Field(min_length=1, max_length=200, description="Chinese")


class Pause(Part):
    """A gap in a policy: trust in it is lost at once and comes back slowly."""

    from_: Year = Field(alias="from", description="Year the policy is interrupted")
    until: Year = Field(description="Year it is taken up again")


class PolicyEntry(Part):
    """`on`, `off`, or settings; a setting left out keeps the model's default.

    Further keys set the model's constant named "<policy> <key>".
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, float]

    from_: Year | None = Field(None, alias="from", description="Year the policy starts")
    until: Year | None = Field(None, description="Year it ends")
    ramp: float | None = Field(None, ge=0, description="Years from the start to full strength")
    pause: Pause | None = Field(None, description="An interruption, {from: 2027, until: 2028}")
    targeting: float | None = Field(None, description="Part of the money that reaches those it is for")
    intensity: float | None = Field(None, description="Strength, in the unit of the model's constant")
    size: float | None = Field(
        None, gt=0, le=MOST_MONEY, description="Yuan a year at full strength, not with `intensity`"
    )
    unit_cost: float | None = Field(None, alias="unit cost", ge=0, description="In the model's unit")
    evidence: list[str] | None = Field(None, description="Ids in the evidence ledger; a note")
    why: str | None = Field(None, max_length=LONGEST, description="A note")
    source: str | None = Field(None, max_length=LONGEST, description="A note")

    @model_validator(mode="after")
    def without_switch(self) -> PolicyEntry:
        """Refuse a switch: a policy with settings is on."""
        if "switch" in (self.__pydantic_extra__ or {}):
            raise ValueError(
                tell("leave `switch` out: a policy with settings is on; write off to switch it off.")
            )
        return self

    @model_validator(mode="after")
    def one_size(self) -> PolicyEntry:
        """Refuse a size told twice."""
        if self.size is not None and self.intensity is not None:
            raise ValueError(tell("give either `intensity` or `size` (yuan a year), not both."))
        return self


class Policy(Part):
    """One policy of a scenario: whether it is on, and how it is set."""

    on: StrictBool
    settings: PolicyEntry | None = None

    @model_validator(mode="before")
    @classmethod
    def from_file(cls, value: object) -> object:
        """Read `on`, `off` or a mapping."""
        if value in ("on", "off") and isinstance(value, str):
            return {"on": value == "on"}
        if isinstance(value, dict):
            return {"on": True, "settings": value}
        raise PydanticCustomError(
            "policy_form",
            tell("write on, off, or settings such as {{from: 2025, until: 2030}}"),  # type: ignore[arg-type]
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        """Show the forms that a file may use."""
        from pydantic.json_schema import GetJsonSchemaHandler

        assert isinstance(handler, GetJsonSchemaHandler)
        settings = handler(core)
        inner = handler.resolve_ref_schema(settings)["properties"]["settings"]
        entry = next(form for form in inner["anyOf"] if form.get("type") != "null")
        return {"anyOf": [{"enum": ["on", "off"]}, entry], "description": "on, off, or the policy's settings"}


class Budget(Part):
    """Money set aside for all policies together; what they would spend beyond it is not paid."""

    yuan_per_year: float = Field(
        alias="yuan per year", gt=0, le=MOST_MONEY, description="At the prices of `price_basis`"
    )
    from_: Year | None = Field(None, alias="from", description="Year it starts; 2025 if left out")
    until: Year | None = Field(None, description="Year it ends; 2035 if left out")
    price_basis: Year | None = Field(None, description="Year of its and the sizes' prices; 2024 if left out")


class Assumption(Part):
    """A constant of the model set by the user, with the reason in sight."""

    value: float | Annotated[dict[str, float], Field(min_length=1)] = Field(
        description="A number, or a number per element of the constant's subscript"
    )
    why: str = Field(min_length=1, max_length=LONGEST, description="Why this value")
    source: str | None = Field(None, max_length=LONGEST, description="Where it comes from")

    @model_validator(mode="before")
    @classmethod
    def with_reason(cls, value: object) -> object:
        """Refuse a bare number: every assumption says why."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            raise PydanticCustomError(
                "bare_number",
                tell("an assumption needs a reason; write {{value: {value}, why: ...}}", value=value),  # type: ignore[arg-type]
            )
        return value


class ScenarioFile(Part):
    """A scenario: policies, assumptions and shocks on top of the scenario it extends."""

    title: Title
    question: Words | None = Field(None, description="What the scenario is meant to answer")
    claims: Words | None = Field(None, description="What the source of the idea claims; a note")
    finding: Words | None = Field(None, description="What the model says, with figures; a note")
    measured: dict[str, str | int] | None = Field(
        None, description="What the finding was measured on; a note"
    )
    extends: str | None = Field(None, min_length=1, description="A shipped scenario, or a file beside it")
    policies: dict[str, Policy] = Field(default_factory=dict)
    assumptions: dict[str, Assumption] = Field(default_factory=dict)
    shocks: dict[str, Annotated[dict[str, float], Field(min_length=1)]] = Field(default_factory=dict)
    context: str | None = Field(None, min_length=1, description="The national path, such as national/central")
    budget: Budget | None = Field(None, description="Yuan a year for all policies together")


class Figure(Part):
    """One figure of a city: a dated value or a dated series, with its source."""

    unit: str = Field(min_length=1, max_length=120)
    source: str = Field(min_length=1, max_length=LONGEST, description="The publication, not a folder")
    value: float | None = Field(None, description="A single value; needs `year`")
    year: YearKey | None = None
    values: Series | None = Field(None, description="A series: {year: value}")
    note: str | None = None

    @model_validator(mode="after")
    def one_form(self) -> Figure:
        """Need either value and year, or values."""
        single = self.value is not None and self.year is not None and self.values is None
        series = self.values is not None and self.value is None and self.year is None
        if not (single or series):
            raise ValueError(tell("give either `value` and `year`, or `values: {{year: value}}`."))
        return self

    def series(self) -> dict[int, float]:
        """Return year to value."""
        if self.values is not None:
            return dict(self.values)
        assert self.year is not None
        assert self.value is not None
        return {self.year: self.value}


class CityFile(Part):
    """A city: facts only, each with unit, year and source."""

    name: Title
    province: Title
    region: Title
    notes: list[Annotated[str, Field(max_length=LONGEST)]] = Field(
        default_factory=list, description="Breaks, traps"
    )
    figures: Annotated[dict[str, Figure], Field(min_length=1)]


class Follows(Part):
    """A variable that moves with others: times some, over others."""

    times: list[str] = Field(min_length=1)
    over: list[str] = Field(default_factory=list)


class Future(Part):
    """How a national variable goes on after its last known year: an assumption.

    Exactly one of the five forms. Years between those named lie on a straight line;
    the first and last named hold outside.
    """

    growth: Series | None = Field(None, description="Growth on the year before, a share")
    increase: Series | None = Field(None, description="Increase on the year before, in the variable's unit")
    values: Series | None = Field(None, description="Values; a straight line from the last known one")
    follows: Follows | None = Field(None, description="Moves with the product and ratio of other variables")
    one_less: list[str] | None = Field(None, min_length=1, description="One less the sum of other variables")
    why: str = Field(min_length=1, max_length=LONGEST)
    range: Range | None = Field(None, description="Plausible bounds of growth, increase or values")

    forms: ClassVar[tuple[str, ...]] = ("growth", "increase", "values", "follows", "one_less")

    @model_validator(mode="after")
    def one_form(self) -> Future:
        """Need exactly one form, inside its own range."""
        given = [form for form in self.forms if getattr(self, form) is not None]
        if len(given) != 1:
            raise ValueError(tell("give exactly one of {forms}.", forms=listed(self.forms)))
        numbers = self.growth or self.increase or self.values
        if numbers is None:
            return self
        if self.range is None:
            raise ValueError(tell("a range [low, high] is missing: say how far off the assumption may be."))
        low, high = self.range
        out = {year: value for year, value in numbers.items() if not low <= value <= high}
        if out:
            year, value = next(iter(out.items()))
            raise ValueError(
                tell(
                    "{value} in {year} lies outside its own range [{low}, {high}].",
                    value=value,
                    year=year,
                    low=low,
                    high=high,
                )
            )
        return self


class NationalVariable(Part):
    """A variable of the national context: known past, assumed future."""

    unit: str | None = Field(None, min_length=1, max_length=120)
    what: str | None = Field(None, min_length=1, max_length=LONGEST, description="What it measures")
    source: str | None = Field(None, min_length=1, max_length=LONGEST, description="Source of the past")
    past: Series | None = Field(None, description="Known values, a year without a gap each")
    future: Future | None = None


class NationalFile(Part):
    """A national path; one that extends another gives only what differs."""

    title: Title
    question: Words | None = None
    extends: str | None = Field(None, min_length=1)
    until: YearKey | None = Field(None, description="Last year of the path")
    variables: Annotated[dict[str, NationalVariable], Field(min_length=1)]


class SectorLabel(Part):
    """A part of the model: its title, and which variables share a picture's panels."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)
    plots: list[list[str]] = Field(min_length=1)


class LabelsFile(Part):
    """What the model's variables and elements are called; any other key holds the elements of a range."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, dict[str, Words]]

    headline: list[str]
    lower_is_better: list[str] = Field(default_factory=list)
    told_up_to: dict[str, float] = Field(default_factory=dict)
    sectors: dict[str, SectorLabel]
    variables: dict[str, Words]


def schemas_folder() -> Path:
    """Return the package's folder of schemas."""
    return Path(__file__).resolve().parents[1] / "schemas"
