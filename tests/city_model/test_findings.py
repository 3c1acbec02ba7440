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
        ("29 300 people", "2.93万人", people(2030)), ("22 billion", "220亿", spent),
        ("1.1 %", "1.1%", change("total talent", 2030)),
    ]),
    "hefei_combination": ("hefei", [
        ("58 %", "58%", level("cohort retention", 2030, tier="professional")), ("68 billion", "680亿", spent),
        ("197 000 people", "19.7万人", people()), ("4.3 %", "4.3%", change("total talent")),
        ("4.7 %", "4.7%", change("value added")),
    ]),
    "industry_upgrade": ("suzhou", [
        ("25 firms", "25家", level("Suppliers")), ("305 000 people", "30.5万人", people()),
        ("6.7 %", "6.7%", change("value added")), ("123 billion", "1230亿", spent),
        ("201 billion", "2010亿", gap("shared value")),
    ]),
    "talent_policy_3": ("shenzhen", [
        ("197 000 people", "19.7万人", people()), ("1.7 %", "1.7%", change("total talent")),
        ("362 billion", "3620亿", spent),
    ]),
    "quality_city": ("chengdu", [
        ("18 %", "18%", change("service satisfaction")), ("1.37 times", "1.37倍", level("medical access time ratio")),
        ("47 000 people", "4.7万人", people()), ("99 billion", "990亿", spent),
    ]),
    "golden_blue_collar": ("dongguan", [
        ("621 000 people", "62.1万人", people()), ("28 billion", "280亿", spent),
        ("19 %", "19%", change("total talent")), ("2.1 %", "2.1%", change("value added")),
    ]),
    "culture_capital": ("hangzhou", [
        ("80 000 people", "8万人", people()), ("10 %", "10%", change("City Brand")),
        ("30 billion", "300亿", spent),
        ("80 billion", "800亿", lambda pair: float((pair[0]["value added"] - pair[1]["value added"]).sum())),
    ]),
    "hometown_return": ("changsha", [
        ("81 000 people", "8.1万人", people()), ("50 billion", "500亿", spent),
        ("1.6 %", "1.6%", change("total talent")),
    ]),
    "mass_recruitment": ("zhengzhou", [
        ("403 000 people", "40.3万人", people(2030)), ("6.9 %", "6.9%", change("total talent", 2030)), ("343 000", "34.3万人", people()),
        ("16 billion", "160亿", spent),
    ]),
    "three_dimensional": ("hefei", [
        ("353 000 people", "35.3万人", people()), ("7.6 %", "7.6%", change("total talent")),
        ("175 billion", "1750亿", spent), ("48 billion", "480亿", gap("shared value")),
    ]),
    "core_team_exit": ("shenyang", [
        ("133 leading", "133名", lambda pair: -gap("Talent", 2028, tier="leading")(pair)),
        ("6.2 billion", "62亿", lambda pair: -gap("supporting investment", 2028)(pair)),
        ("149 a year", "149件", lambda pair: -gap("invention grants")(pair)),
        ("0.64 %", "0.64%", lambda pair: -change("value added")(pair)), ("3.4 yuan", "3.4元", per_pay),
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
