"""The average city is the nation: every ratio, share and price over the nation's own is 1."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from talent_sd.base.files import shipped_folder
from talent_sd.inputs import city_constants, load_city, read_national

AVERAGE = load_city("average")
ONE_TO_ONE = {
    "city share aged 0 to 14": ("share_0_14",),
    "city share aged 0 to 4": ("share_0_4",),
    "city share aged 15 to 19": ("share_15_19",),
    "city share aged 55 to 59": ("share_55_59",),
    "city share aged 20 to 34": ("share_20_34",),
    "city share aged 15 to 59": ("share_15_59",),
    "city share aged 60 and over": ("share_60_plus",),
    "city tertiary share": ("tertiary_share",),
    "city bachelor share": ("bachelor_share",),
    "city migrant share": ("migrant_share",),
    "city manufacturing employment share": ("jobs_manufacturing",),
    "city knowledge employment share": ("jobs_knowledge",),
    "city building employment share": ("jobs_building",),
    "city secondary share": ("secondary_share",),
    "city average wage": ("average_wage",),
    "city house price": ("house_price",),
}
PER_RESIDENT = {
    "city value added": "gdp",
    "city fiscal revenue": "fiscal_revenue",
    "city fiscal expenditure": "fiscal_expenditure",
    "city deposits": "deposits",
}


@pytest.mark.parametrize("path", ["central", "low_growth", "high_growth"])
@pytest.mark.parametrize("year", [2000, 2010, 2013, 2020, 2022, 2024])
def test_every_start_value_is_the_nations_own(path: str, year: int) -> None:
    national = read_national(path)
    found = {name: value.value for name, value in city_constants(AVERAGE, year, national).items()}
    known = (
        set(ONE_TO_ONE)
        | set(PER_RESIDENT)
        | {"city residents", "city employed share", "province invention grants", "province tertiary educated"}
        | {
            "nation bachelor share",
            "nation employment rate",
            "national oldest share",
        }  # the nation's themselves
        | {"city oldest share", "city longevity", "pensioners of state firms"}
        | {"residents ceiling", "space per person"}  # the nation has no ceiling, and one space
    )
    assert known == set(found), "say what of the nation a new constant of a city is compared with"
    for name, (variable,) in ONE_TO_ONE.items():
        assert found[name] / national.value(variable, year) == pytest.approx(1, abs=1e-5), name
    for name, variable in PER_RESIDENT.items():
        ours = found[name] / found["city residents"]
        nations = national.value(variable, year) / national.value("residents", year)
        assert ours / nations == pytest.approx(1, abs=1e-5), name
    assert found["city oldest share"] / found["national oldest share"] == pytest.approx(1, abs=1e-5)
    assert found["city longevity"] == 1 and found["pensioners of state firms"] == 1  # noqa: PT018
    grants = found["province invention grants"] / found["province tertiary educated"]
    nations = national.value("invention_patents_granted", year) / national.value("tertiary_educated", year)
    assert grants / nations == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("year", [2010, 2013, 2022, 2024])
def test_ages_jobs_and_the_employed_are_the_nations_too(year: int) -> None:
    national = read_national("central")
    figures = {name: figure.values[year] for name, figure in AVERAGE.figures.items() if year in figure.values}
    bands = [name for name in national.variables if name.startswith("aged_")]
    people = national.value("population", year)
    figures["age_0_4"] = figures["age_0"] + figures["age_1_4"]
    for band in bands:
        share = figures[band.replace("aged", "age")] / figures["census_population"]
        assert share / (national.value(band, year) / people) == pytest.approx(1, abs=1e-5), band
    adults = sum(figures[band.replace("aged", "age")] for band in bands[3:])
    assert figures["employed"] / adults == pytest.approx(national.value("employment_rate", year), rel=1e-5)
    for whole, parts in {
        "jobs_knowledge": ("science", "information", "business_services"),
        "jobs_building": ("construction", "property"),
        "jobs_public": ("education", "health", "administration"),
        "jobs_clerks_services": ("clerks", "service_workers"),
        "jobs_leaders": ("leaders",),
        "jobs_finance": ("finance",),
        "jobs_production": ("production_workers",),
        "jobs_farmers": ("farmers",),
        "jobs_professionals": ("professional_occupations",),
    }.items():
        total = sum(figures[f"share_{part}"] for part in parts)
        assert total == pytest.approx(national.value(whole, year), rel=1e-5), whole


def test_the_file_is_the_central_path_written_out() -> None:
    script = Path(__file__).parents[2] / ".ci" / "average_city.py"
    text = (shipped_folder("scenarios") / "cities" / "average.yaml").read_text(encoding="utf-8")
    assert runpy.run_path(str(script))["rewritten"](text) == text, "run python .ci/average_city.py"
