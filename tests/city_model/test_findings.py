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
        ("8 390 people", "0.839万人", people(2030)), ("9.5 billion", "95亿", spent),
        ("0.33 %", "0.33%", change("total talent", 2030)),
    ]),
    "hefei_combination": ("hefei", [
        ("52 %", "52%", level("cohort retention", 2030, tier="professional")), ("48 billion", "480亿", spent),
        ("33 500 people", "3.35万人", people()), ("0.8 %", "0.8%", change("total talent")),
        ("1.6 %", "1.6%", change("value added")),
    ]),
    "industry_upgrade": ("suzhou", [
        ("21 firms", "21家", level("Suppliers")), ("99 000 people", "9.9万人", people()),
        ("3.1 %", "3.1%", change("value added")), ("132 billion", "1320亿", spent),
        ("111 billion", "1110亿", gap("shared value")),
    ]),
    "talent_policy_3": ("shenzhen", [
        ("250 000 people", "25万人", people()), ("2.7 %", "2.7%", change("total talent")),
        ("300 billion", "3000亿", spent),
    ]),
    "quality_city": ("chengdu", [
        ("18 %", "18%", change("service satisfaction")), ("1.34 times", "1.34倍", level("medical access time ratio")),
        ("29 600 people", "2.96万人", people()), ("100 billion", "1000亿", spent),
    ]),
    "golden_blue_collar": ("dongguan", [
        ("138 000 people", "13.8万人", people()), ("27 billion", "270亿", spent),
        ("4.8 %", "4.8%", change("total talent")), ("0.69 %", "0.69%", change("value added")),
    ]),
    "culture_capital": ("hangzhou", [
        ("91 000 people", "9.1万人", people()), ("8.5 %", "8.5%", change("City Brand")),
        ("34 billion", "340亿", spent),
        ("54 billion", "540亿", lambda pair: float((pair[0]["value added"] - pair[1]["value added"]).sum())),
    ]),
    "hometown_return": ("changsha", [
        ("31 200 people", "3.12万人", people()), ("52 billion", "520亿", spent),
        ("0.67 %", "0.67%", change("total talent")),
    ]),
    "mass_recruitment": ("zhengzhou", [
        ("311 000 people", "31.1万人", people(2030)), ("5.7 %", "5.7%", change("total talent", 2030)), ("264 000", "26.4万人", people()),
        ("14.9 billion", "149亿", spent),
    ]),
    "three_dimensional": ("hefei", [
        ("107 000 people", "10.7万人", people()), ("2.6 %", "2.6%", change("total talent")),
        ("153 billion", "1530亿", spent), ("34 billion", "340亿", gap("shared value")),
    ]),
    "core_team_exit": ("shenyang", [
        ("146 leading", "146名", lambda pair: -gap("Talent", 2028, tier="leading")(pair)),
        ("6.2 billion", "62亿", lambda pair: -gap("supporting investment", 2028)(pair)),
        ("192 a year", "192件", lambda pair: -gap("invention grants")(pair)),
        ("1.05 %", "1.05%", lambda pair: -change("value added")(pair)), ("2.4 yuan", "2.4元", per_pay),
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
