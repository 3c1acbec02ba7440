"""Figures of a month for a year's, or in tens of what they should be: told in every form of a city file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product

from talent_sd.inputs import City, list_cities, load_city, read_mapping
from talent_sd.inputs.city_files import odd_of_province
from talent_sd.inputs.figure_bounds import beside_others, odd_figures

from .conftest import chosen

Attacked = Callable[[], None]
NEEDED = (
    "residents", "gdp", "fiscal_revenue", "fiscal_expenditure", "deposit_balance", "census_population", "tertiary_educated",
)  # fmt: skip
UNHELD = {
    "homes_bought": "moves nothing",
    "share_farmers": "moves nothing, and is 0.1 % to 88 % of jobs",
    "migrants_other_province": "0.1 % to 65 % of the people of a city",
    **dict.fromkeys(("share_construction", "share_manufacturing"), "cities differ tenfold, and no other share is given"),
    **{key: "one age group alone moves nothing" for key in read_mapping().content.figures if re.fullmatch(r"age_\d+_(\d+|plus)", key)
       and key not in ("age_0_14", "age_15_59", "age_20_34", "age_60_plus")},
    "homes_rented": "moves nothing",
    "province_research_intensity": "moves nothing",
    "invention_patents_granted": "cities of as many graduates differ tenfold",
}  # fmt: skip
"""Figures that may be ten times too large or too small in silence, and why."""
NEEDED_ALONE = {
    ("dongguan", "fiscal_expenditure", 10.0): "its budget is a seventh of others' of its deposits"
}
"""The same of one city."""


def _forms(city: City) -> Iterator[tuple[str, dict[str, dict[int, float]]]]:
    """Yield each own figure, and what may be given with it: all years, the last of each, and that of the needed ones alone."""
    figures = {key: dict(one.values) for key, one in city.figures.items()}
    last = {key: {max(one): one[max(one)]} for key, one in figures.items()}
    small = {key: last[key] for key in last if key in NEEDED or city.figures[key].origin.file != city.file}
    gdp, people = last["gdp"], last["residents"]
    # what no city that ships has, about as in the nation
    made = {
        "births": {year: 0.0068 * value for year, value in people.items()},
        "jobs": {year: 0.5 * value for year, value in people.items()},
        "pension_fund_payments": {year: 0.04 * value for year, value in gdp.items()},
    }
    made["pension_fund_balance"] = made["pension_fund_payments"]
    for key in figures:
        if city.figures[key].origin.file == city.file:
            yield key, figures
            yield key, last
            yield key, {**small, key: last[key]}
    for key in made:
        yield key, {**last, **made}


def test_figures_of_a_month_or_in_another_unit_are_told(attacked: Attacked) -> None:
    kinds = read_mapping().content.figures
    cases = [
        (name, city, key, given, factor)
        for name, city in ((name, load_city(name)) for name in list_cities() if name != "average")
        for key, given in _forms(city)
        for factor in (10.0, 0.1, *((12.0, 1 / 12) if "year" in kinds[key].unit else ()))
    ]
    silent = []
    for name, city, key, given, factor in chosen(cases, 400):
        slipped = {**given, key: {year: factor * value for year, value in given[key].items()}}
        low, high = kinds[key].plausible
        told = any(not low <= value <= high for value in slipped[key].values()) or odd_figures(
            slipped, "city", city.province["zh"]
        )
        told = told or [*odd_of_province(city.title, city.region, city.province, slipped)]
        if not told and key not in UNHELD and (name, key, factor) not in NEEDED_ALONE:
            silent.append((name, key, factor, len(given)))
        attacked()
    assert silent == []


THREEFOLD = {("dongguan", "fiscal_expenditure", 3.0)}
"""Slips of few figures that no other city's figures tell: this budget is a seventh of those of as many deposits."""
TWOFOLD = {("dongguan", "fiscal_expenditure", 2.0)}
"""Slips that no warning tells and after which nine in ten cities like it have all its figures."""
BESIDE = {
    "residents": ("residents", "census_population", "tertiary_educated"),
    "gdp": ("gdp", "fiscal_revenue", "fiscal_expenditure", "deposit_balance"),
}
"""Figures that slip together."""


def test_few_figures_three_times_too_large_or_small_are_told_beside_like_cities(attacked: Attacked) -> None:
    silent, unseen = set(), set()
    for name in (name for name in list_cities() if name != "average"):
        city = load_city(name)
        place = city.province["zh"]
        few = {
            key: {2022: one.values[2022]} if 2022 in one.values else {2020: one.values[2020]}
            for key, one in city.figures.items()
            if key in NEEDED
        }
        slips = {(key,): key for key in NEEDED} | {together: f"all {key}" for key, together in BESIDE.items()}
        assert odd_figures(few, "city", place) == ()
        for (keys, what), factor in product(slips.items(), (3.0, 1 / 3, 2.0, 0.5)):
            slipped = {
                key: {year: value * (factor if key in keys else 1) for year, value in one.items()}
                for key, one in few.items()
            }
            told = odd_figures(slipped, "city", place)
            if not told and factor not in (2.0, 0.5):
                silent.add((name, what, factor))
            if not told and all(one.is_common for one in beside_others(slipped, place)):
                unseen.add((name, what, factor))
            attacked()
    assert (silent, unseen) == (THREEFOLD, TWOFOLD)
