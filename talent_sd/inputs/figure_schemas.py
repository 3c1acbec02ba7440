"""What the files may contain that turn figures of cities and provinces into the model's constants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from talent_sd.base.language import N_, language, tell
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


class SharedFigure(Part):
    """What a city's own may be that takes a constant from its province or the nation: a forecast draws it over the range."""

    figures: list[str] = Field(min_length=1, description="The city's own, which would take its place")
    range: Range = Field(description="Lowest and highest that a city's own may be over what stands in")
    why: str = Field(min_length=1, max_length=LONGEST)


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
    counted: dict[str, float] = Field(description="City: thousands of residents counted in 2020")
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
    shared: SharedFigure | None = None

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


FIGURES = {
    "age_0": N_("People under 1"),
    "age_0_14": N_("People aged 0 to 14"),
    "age_10_14": N_("People aged 10 to 14"),
    "age_15_19": N_("People aged 15 to 19"),
    "age_15_59": N_("People aged 15 to 59"),
    "age_1_4": N_("People aged 1 to 4"),
    "age_20_24": N_("People aged 20 to 24"),
    "age_20_34": N_("People aged 20 to 34"),
    "age_25_29": N_("People aged 25 to 29"),
    "age_30_34": N_("People aged 30 to 34"),
    "age_35_39": N_("People aged 35 to 39"),
    "age_40_44": N_("People aged 40 to 44"),
    "age_45_49": N_("People aged 45 to 49"),
    "age_50_54": N_("People aged 50 to 54"),
    "age_55_59": N_("People aged 55 to 59"),
    "age_5_9": N_("People aged 5 to 9"),
    "age_60_64": N_("People aged 60 to 64"),
    "age_60_plus": N_("People aged 60 and over"),
    "age_65_69": N_("People aged 65 to 69"),
    "age_70_74": N_("People aged 70 to 74"),
    "age_75_79": N_("People aged 75 to 79"),
    "age_80_84": N_("People aged 80 to 84"),
    "age_85_plus": N_("People aged 85 and over"),
    "average_wage": N_("Average wage of urban units' employees"),
    "bachelor_or_above": N_("People with a bachelor's degree or more"),
    "census_population": N_("People counted in the census"),
    "births": N_("Births of the year"),
    "deposit_balance": N_("Deposits with banks, end of the year"),
    "employed": N_("People employed"),
    "fiscal_expenditure": N_("General public budget expenditure"),
    "fiscal_revenue": N_("General public budget revenue"),
    "gdp": N_("Gross domestic product, nominal"),
    "gdp_real_2000": N_("Gross domestic product at prices of 2000"),
    "gdp_secondary": N_("Value added of the secondary sector"),
    "gdp_tertiary": N_("Value added of the tertiary sector"),
    "home_area_per_person": N_("Home area per person"),
    "homes_bought": N_("Households of the long form that bought their home"),
    "homes_rented": N_("Households of the long form that rent their home"),
    "house_price": N_("Price of homes, mean of the year"),
    "household_size": N_("People per household"),
    "invention_patents_granted": N_("Invention patents granted to the city's own"),
    "jobs": N_("People at work in the city, by the yearbook"),
    "life_expectancy": N_("Life expectancy; the province's stands in"),
    "loan_balance": N_("Loans of banks, end of the year"),
    "migrants_other_province": N_("Residents registered in another province"),
    "migrants_same_province": N_("Residents registered elsewhere in the province"),
    "national_life_expectancy": N_("Life expectancy of the nation"),
    "national_oldest": N_("Part of the nation's elders who are 75 or over"),
    "pension_fund_balance": N_("Balance of the city's pension fund, end of the year"),
    "pension_fund_payments": N_("Payments of the city's pension fund in the year"),
    "pensioners_against_nation": N_("Pensioners per elder, against the nation's"),
    "province_invention_patents_granted": N_("Invention patents granted in the province"),
    "province_research_intensity": N_("Research and development per GDP of the province"),
    "province_tertiary_educated": N_("Tertiary-educated people of the province"),
    "registered_population": N_("Registered (hukou) population"),
    "residents": N_("Residents, end of the year"),
    "residents_ceiling": N_("Most residents that the master plan allows, where it names them"),
    "share_administration": N_("Share of the employed in public administration"),
    "share_business_services": N_("Share of the employed in business services"),
    "share_clerks": N_("Share of the employed who are clerks"),
    "share_construction": N_("Share of the employed in construction"),
    "share_education": N_("Share of the employed in education"),
    "share_farmers": N_("Share of the employed who farm"),
    "share_finance": N_("Share of the employed in finance"),
    "share_health": N_("Share of the employed in health and social work"),
    "share_information": N_("Share of the employed in information services"),
    "share_leaders": N_("Share of the employed who head offices, firms or institutions"),
    "share_manufacturing": N_("Share of the employed in manufacturing"),
    "share_production_workers": N_("Share of the employed in production and transport by occupation"),
    "share_professional_occupations": N_("Share of the employed in professional and technical occupations"),
    "share_property": N_("Share of the employed in property"),
    "share_science": N_("Share of the employed in scientific research and technical services"),
    "share_service_workers": N_("Share of the employed in trade and services by occupation"),
    "tertiary_educated": N_("People with a junior-college degree or more"),
}
"""Figure -> what it is."""


def figure_name(name: str, lang: str | None = None) -> str:
    """Name a figure as its file does; in Chinese by its label, with the file's name in the same brackets.

    >>> figure_name("house_price", "en"), figure_name("house_price", "zh"), figure_name("gdp_secondary", "zh")
    ('house_price', '住房均价（全年平均，house_price）', '第二产业增加值（gdp_secondary）')
    """
    if (own := name.removeprefix("national ")) != name:
        return tell("the nation's {name}", lang, name=figure_name(own, lang))
    if (lang or language()) == "en" or name not in FIGURES:
        return name
    label, bracket, inside = tell(FIGURES[name], lang).removesuffix("）").partition("（")
    return f"{label}（{inside + '，' * bool(bracket)}{name}）"
