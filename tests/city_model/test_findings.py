"""What a scenario file says the model finds is what the model finds, within a twentieth."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import xarray as xr

from talent_sd.inputs import list_scenarios, load_scenario

Pair = tuple[xr.Dataset, xr.Dataset]
UNITS = {"万": 1e4, "亿": 1e8, "billion": 1e9, "%": 0.01}


def number(quote: str) -> float:
    """Return the number in a quote, such as "27 500", "21 billion", "2.75万" or "1.1 %"."""
    digits = re.search(r"\d[\d ]*(?:\.\d+)?", quote)
    assert digits is not None
    factor = next((factor for unit, factor in UNITS.items() if unit in quote), 1.0)
    return float(digits[0].replace(" ", "")) * factor


def people(year: float = 2034) -> Callable[[Pair], float]:
    return lambda pair: float((pair[0]["total talent"] - pair[1]["total talent"]).sel(time=year))


def change(name: str, year: float = 2034) -> Callable[[Pair], float]:
    return lambda pair: float((pair[0][name] / pair[1][name]).sel(time=year)) - 1


def level(name: str, year: float = 2034, **where: str) -> Callable[[Pair], float]:
    return lambda pair: float(pair[0][name].sel(time=year, **where))


def gap(name: str, year: float = 2034, **where: str) -> Callable[[Pair], float]:
    return lambda pair: float((pair[0][name] - pair[1][name]).sel(time=year, **where))


def spent(pair: Pair) -> float:
    return float(pair[0]["Cumulative Policy Spending"].isel(time=-1).sum())


def per_pay(pair: Pair) -> float:
    own, base = pair
    lost = {name: float((own[name] - base[name]).sum()) for name in ("value added", "talent pay bill")}
    return lost["value added"] / lost["talent pay bill"]


# Scenario: city, then what is quoted in English and Chinese, and how to measure it.
QUOTES: dict[str, tuple[str, list[tuple[str, str, Callable[[Pair], float]]]]] = {
    "cash_subsidy_only": ("wuxi", [
        ("7 430 people", "0.743万人", people(2030)), ("9.9 billion", "99亿", spent),
        ("0.29 %", "0.29%", change("total talent", 2030)),
    ]),
    "hefei_combination": ("hefei", [
        ("52 %", "52%", level("cohort retention", 2030, tier="professional")), ("47 billion", "470亿", spent),
        ("45 300 people", "4.53万人", people()), ("1.0 %", "1.0%", change("total talent")),
        ("1.4 %", "1.4%", change("value added")),
    ]),
    "industry_upgrade": ("suzhou", [
        ("19 firms", "19家", level("Suppliers")), ("77 700 people", "7.77万人", people()),
        ("2.6 %", "2.6%", change("value added")), ("130 billion", "1300亿", spent),
        ("88 billion", "880亿", gap("shared value")),
    ]),
    "talent_policy_3": ("shenzhen", [
        ("217 000 people", "21.7万人", people()), ("2.3 %", "2.3%", change("total talent")),
        ("275 billion", "2750亿", spent),
    ]),
    "quality_city": ("chengdu", [
        ("19 %", "19%", change("service satisfaction")), ("1.33 times", "1.33倍", level("medical access time ratio")),
        ("55 200 people", "5.52万人", people()), ("104 billion", "1040亿", spent),
    ]),
    "golden_blue_collar": ("dongguan", [
        ("81 100 people", "8.11万人", people()), ("24 billion", "240亿", spent),
        ("3.2 %", "3.2%", change("total talent")), ("0.89 %", "0.89%", change("value added")),
    ]),
    "culture_capital": ("hangzhou", [
        ("41 200 people", "4.12万人", people()), ("8.0 %", "8.0%", change("City Brand")),
        ("35 billion", "350亿", spent),
        ("30 billion", "300亿", lambda pair: float((pair[0]["value added"] - pair[1]["value added"]).sum())),
    ]),
    "hometown_return": ("changsha", [
        ("44 000 people", "4.40万人", people()), ("53 billion", "530亿", spent),
        ("0.84 %", "0.84%", change("total talent")),
    ]),
    "mass_recruitment": ("zhengzhou", [
        ("42 600 people", "4.26万人", people(2030)), ("0.7 %", "0.7%", change("total talent", 2030)), ("31 900", "3.19万人", people()),
        ("15.2 billion", "152亿", spent),
    ]),
    "three_dimensional": ("hefei", [
        ("134 000 people", "13.4万人", people()), ("2.9 %", "2.9%", change("total talent")),
        ("163 billion", "1630亿", spent), ("27 billion", "270亿", gap("shared value")),
    ]),
    "core_team_exit": ("shenyang", [
        ("200 leading", "200名", lambda pair: -gap("Talent", 2028, tier="leading")(pair)),
        ("6.6 billion", "66亿", lambda pair: -gap("supporting investment", 2028)(pair)),
        ("201 a year", "201件", lambda pair: -gap("invention grants")(pair)),
        ("1.07 %", "1.07%", lambda pair: -change("value added")(pair)), ("2.4 yuan", "2.4元", per_pay),
    ]),
}  # fmt: skip


def test_every_scenario_but_the_baseline_says_what_is_claimed_and_what_is_found() -> None:
    assert set(QUOTES) | {"baseline"} == set(list_scenarios())
    for name in QUOTES:
        scenario = load_scenario(name)
        assert all(scenario.claims[lang] and scenario.finding[lang] for lang in ("en", "zh")), name
        assert all(scenario.title[lang] and scenario.question[lang] for lang in ("en", "zh")), name


@pytest.mark.parametrize("name", QUOTES)
def test_a_finding_quotes_the_same_per_cents_in_both_languages(name: str) -> None:
    finding = load_scenario(name).finding
    english = re.findall(r"(\d+(?:\.\d+)?) %", finding["en"])
    chinese = re.findall(r"(\d+(?:\.\d+)?)%", finding["zh"])
    assert sorted(english) == sorted(chinese)


@pytest.mark.parametrize("name", QUOTES)
def test_the_figures_in_a_finding_are_the_models(run: Any, name: str) -> None:
    city, quotes = QUOTES[name]
    finding = load_scenario(name).finding
    pair = run(name, city), run("baseline", city)
    for english, chinese, measure in quotes:
        assert english in finding["en"], english
        assert chinese in finding["zh"], chinese
        assert number(english) == pytest.approx(number(chinese), rel=1e-9)
        assert number(english) == pytest.approx(measure(pair), rel=1 / 20), english
