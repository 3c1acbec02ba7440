"""What the files may contain that turn figures of cities and provinces into the model's constants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from talent_sd.base.language import tell
from talent_sd.inputs.file_schemas import LONGEST, Part, Range, Series


class DefaultFigure(Part):
    """What stands in when a city has no figure: an assumption."""

    value: float | None = None
    national: str | None = Field(None, description="A national variable, at the start year")
    times: float = Field(1.0, description="Factor on the national variable")
    by: list[str] = Field(default_factory=list, description="Constants found before that multiply it")
    over: list[str] = Field(default_factory=list, description="National variables that divide it")
    why: str = Field(min_length=1, max_length=LONGEST)
    range: Range = Field(description="Lowest and highest in cities: of the value, or over what stands in")

    @model_validator(mode="after")
    def one_form(self) -> DefaultFigure:
        """Need a value, or a national variable."""
        if (self.value is None) == (self.national is None):
            raise ValueError(tell("give either `value` or `national`."))
        return self

    def ends(self, value: float) -> tuple[float, float]:
        """Return the lowest and the highest that a city may have where `value` stands in."""
        low, high = self.range
        return (low, high) if self.value is not None else (low * value, high * value)


class FigureKind(Part):
    """A figure that city files may hold, and where a panel of cities keeps it."""

    unit: str = Field(min_length=1, max_length=120)
    plausible: Range = Field(description="Bounds that catch a wrong unit")
    panel: str | None = Field(None, description="Column of the city panel")
    observed: str | None = Field(None, description="Column saying whether the panel's value was observed")
    census: str | None = Field(None, description="Column of the city census table")
    ages: str | None = Field(None, description="Column of the table of ages")
    structure: str | None = Field(None, description="Column of the table of jobs and homes")
    province: str | None = Field(None, description="Column of the province table")
    carry: str | None = Field(None, description="National variable that carries it to the year of its part")
    scale: float | Series = Field(1.0, description="Column times this is in `unit`; one, or one a year")
    parts: list[str] = Field(
        [], description="Figures that add up to it: of a city that gives those, it is their sum"
    )

    @property
    def is_counted(self) -> bool:
        """Whether a census counts it."""
        return bool(self.census or self.ages or self.structure or (self.province or "").startswith("census"))


class ProvinceFigure(Part):
    """A figure that all cities of a province share, by the Chinese beginning of its name; 全国 is everywhere."""

    source: str = Field(min_length=1, max_length=LONGEST)
    values: Annotated[dict[str, Series], Field(min_length=1)]


class Region(Part):
    """Provinces of a region, and what it is called besides its Chinese name."""

    also: list[str]
    places: list[str]


class ProvincesFile(Part):
    """What all cities of a province share, where a city gives no figure of its own; what a city's province must agree with."""

    names: dict[str, str] = Field(description="Chinese name: English name; the nation for a city of none")
    regions: dict[str, Region] = Field(description="Chinese name: what it is")
    people: dict[str, float] = Field(description="Place: residents counted in 2020")
    cities: dict[str, dict[str, str]] = Field(description="Place: its cities, Chinese name: English name")
    figures: Annotated[dict[str, ProvinceFigure], Field(min_length=1)]


class OwnFigure(Part):
    """A figure that goes before a constant's usual ones: times and over constants found before, or national variables."""

    figure: str
    per: str | None = Field(None, description="Figure of the same year that divides")
    times: list[str] = Field(default_factory=list)
    over: list[str] = Field(default_factory=list)


class FigureToConstant(Part):
    """How a constant of the model follows from a city's figures, or from the nation's own."""

    unit: str = Field(min_length=1, max_length=120)
    figure: list[str] = Field(default_factory=list, description="Figures; several are summed")
    national: str | None = Field(None, description="A national variable at the start year, not figures")
    per: str | list[str] | None = Field(None, description="Figure of the same year that divides, or several")
    carry: str | None = Field(None, description="National variable that carries an older value on")
    max_age: int = Field(0, ge=0, description="Years a figure may be old")
    after: int = Field(0, ge=0, description="Years past the start: a known year of a forecast; else 0")
    own: OwnFigure | None = Field(None, description="A figure that goes before, where the city has it")
    optional: bool = Field(False, description="The model's own value stands where the city has no figure")
    group: str | None = Field(None, description="Constants of one group are scaled to sum to one")
    default: DefaultFigure | None = None

    @model_validator(mode="after")
    def one_form(self) -> FigureToConstant:
        """Need either figures or a national variable."""
        if bool(self.figure) == (self.national is not None):
            raise ValueError(tell("give either `figure` or `national`."))
        return self

    @property
    def divisors(self) -> tuple[str, ...]:
        """Figures whose sum divides; none where nothing does."""
        return (self.per,) if isinstance(self.per, str) else tuple(self.per or ())

    @property
    def owned(self) -> tuple[str, ...]:
        """Figures that go before the usual ones where a city has them."""
        return tuple(name for name in (self.own.figure, self.own.per) if name) if self.own else ()


class CityFigures(Part):
    """The mapping from a city's figures to the constants of the model."""

    figures: dict[str, FigureKind]
    constants: dict[str, FigureToConstant]
