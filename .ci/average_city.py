"""Write the figures of the average city anew from the central national path.

The average city is the nation scaled to one of its 300 cities. Run it after a change of
`scenarios/national/central.yaml`:  python .ci/average_city.py
Figures that the path does not tell (parts of jobs by industry) stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from talent_sd.base.files import shipped_folder
from talent_sd.inputs import read_national

CITIES, PROVINCES = 300, 31
UNDER_ONE = 0.17  # part of those under five, census 2010 and 2020
SAME_PROVINCE = 0.58  # part of migrants, census 2020
NATION = read_national("central")
BANDS = [name for name in NATION.variables if name.startswith("aged_")]
Reckoned = Callable[[int], float]


def of(*names: str, times: float = 1.0) -> Reckoned:
    """Return the product of national variables by year."""

    def reckon(year: int) -> float:
        value = times
        for name in names:
            value *= NATION.value(name, year)
        return value

    return reckon


def whole(*names: str, times: float = 1.0) -> Reckoned:
    """Return a product told of the whole nation, scaled to one of the 300 cities by residents."""
    people = of(*names, times=times / CITIES)
    return lambda year: people(year) * NATION.value("residents", year) / NATION.value("population", year)


def employed(year: int) -> float:
    """Return the employed: those of 15 and over by the employment rate."""
    return whole("employment_rate")(year) * sum(NATION.value(band, year) for band in BANDS[3:])


FIGURES: dict[str, Reckoned] = {
    "residents": of("residents", times=1 / CITIES),
    "gdp": of("gdp", times=1 / CITIES),
    "gdp_real_2000": of("gdp_real", times=1 / CITIES),
    "gdp_secondary": of("gdp", "secondary_share", times=1 / CITIES),
    "fiscal_revenue": of("fiscal_revenue", times=1 / CITIES),
    "fiscal_expenditure": of("fiscal_expenditure", times=1 / CITIES),
    "average_wage": of("average_wage"),
    "house_price": of("house_price"),
    "deposit_balance": of("deposits", times=1 / CITIES),
    "census_population": whole("population"),
    "tertiary_educated": whole("tertiary_share", "population"),
    "bachelor_or_above": whole("bachelor_share", "population"),
    **{f"age_{name}": whole(f"share_{name}", "population") for name in ("0_14", "20_34", "15_59", "60_plus")},
    "migrants_same_province": whole("migrant_share", "population", times=SAME_PROVINCE),
    "migrants_other_province": whole("migrant_share", "population", times=1 - SAME_PROVINCE),
    "age_0": whole("aged_0_4", times=UNDER_ONE),
    "age_1_4": whole("aged_0_4", times=1 - UNDER_ONE),
    **{band.replace("aged", "age"): whole(band) for band in BANDS[1:]},
    **{
        f"share_{name}": of(f"jobs_{name}")
        for name in ("manufacturing", "finance", "science", "leaders", "farmers")
    },
    "share_professional_occupations": of("jobs_professionals"),
    "share_production_workers": of("jobs_production"),
    "employed": employed,
    "household_size": of("household_size"),
    "province_invention_patents_granted": of("invention_patents_granted", times=1 / PROVINCES),
    "province_tertiary_educated": of("tertiary_educated", times=1 / PROVINCES),
    "province_research_intensity": of("research_intensity"),
}


def rewritten(text: str) -> str:
    """Return the city file with the values of the path.

    Raises
    ------
    ValueError
        If the file lacks one of the figures.
    """
    for name, reckon in FIGURES.items():
        values = ", ".join(f"{year}: {reckon(year):.10g}".replace("e+", "e") for year in range(2000, 2025))
        pattern = rf"^(  {name}: .*values: )\{{.*\}}\}}$"
        text, found = re.subn(pattern, rf"\g<1>{{{values}}}}}", text, flags=re.MULTILINE)
        if found != 1:
            raise ValueError(f"{name} stands {found} times in the file")
    return text


if __name__ == "__main__":
    path: Path = shipped_folder("scenarios") / "cities" / "average.yaml"
    path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
