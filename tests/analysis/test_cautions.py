"""A comparison that is sound but may not be what was meant says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from talent_sd.forecast.prepare import cautions_by_language, prepare

MIX = """\
title: {en: Dear mix, zh: 高价组合}
question: {en: What if it is too dear?, zh: 若过于昂贵？}
extends: three_dimensional
policies:
  talent_apartments: {from: 2025}
  industry_fund: {from: 2025, until: 2030, intensity: INTENSITY}
"""


def cautions(prepared):
    return cautions_by_language(prepared)["en"]


def test_a_mix_that_the_city_pays_for_needs_no_caution() -> None:
    assert cautions(prepare(["baseline", "hefei_combination"], "hefei")) == []


def test_a_mix_that_the_city_cannot_pay_for_says_how_far_and_when(tmp_path: Path) -> None:
    dear = tmp_path / "dear.yaml"
    dear.write_text(MIX.replace("INTENSITY", "0.1"), encoding="utf-8")
    (text,) = cautions(prepare(["baseline", str(dear)], "hefei"))
    assert text.startswith("Hefei cannot pay for all of 'dear': ")
    assert text.endswith("Lower a size or an intensity, start later, or leave a policy out.")
    share = float(text.split(": ")[1].split(" %")[0])
    assert 10 < share < 99


def test_a_plan_that_exceeds_its_own_budget_is_not_told_as_the_citys_poverty(tmp_path: Path) -> None:
    capped = tmp_path / "capped.yaml"
    own = "budget: {yuan per year: 100000000, from: 2025, until: 2035}\n"
    capped.write_text(MIX.replace("INTENSITY", "0.03") + own, encoding="utf-8")
    (text,) = cautions(prepare(["baseline", str(capped)], "hefei"))
    assert text.startswith(f"'capped' costs more than its own budget of 100 million yuan a year ({capped}:")
    assert text.endswith("Raise the budget, or lower a size or an intensity.")


@pytest.mark.parametrize("path", ["low_growth", "high_growth"])
def test_scenarios_on_different_national_paths_say_so(tmp_path: Path, path: str) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(
        f"title: {{en: Other, zh: 其他}}\nquestion: {{en: q, zh: 问}}\nextends: baseline\ncontext: national/{path}\n",
        encoding="utf-8",
    )
    assert cautions(prepare(["baseline", str(other)], "wuxi")) == [
        f"'other' runs on the national path '{path}', 'baseline' on 'central': part of the difference is the "
        "nation's, not the policies'. Give --national, or the same context in both files."
    ]
    assert cautions(prepare(["baseline", str(other)], "wuxi", national="central")) == [
        "'other' changes nothing against 'baseline' in Wuxi: every difference is exactly 0. If it should differ, look at "
        "what it sets with `talent-sd diff baseline other`."
    ]


def test_cautions_are_told_in_both_languages_whatever_the_users(tmp_path: Path) -> None:
    same = tmp_path / "same.yaml"
    same.write_text("title: {en: Same, zh: 相同}\nextends: baseline\n", encoding="utf-8")
    told = cautions_by_language(prepare(["baseline", str(same)], "hefei"))
    assert told["en"][0].startswith(
        "'same' changes nothing against 'baseline' in Hefei: every difference is exactly 0"
    )
    assert told["zh"][0].startswith("“same”在合肥与“baseline”没有差别：各项差异恰为0")


def test_a_year_alone_is_no_span(tmp_path: Path) -> None:
    dear = tmp_path / "dear.yaml"
    dear.write_text(MIX.replace("INTENSITY", "0.1").replace("until: 2030", "until: 2026"), encoding="utf-8")
    for text in cautions(prepare(["baseline", str(dear)], "hefei")):
        span = re.search(r"less than all in ([0-9–]+),", text)
        assert span is not None
        assert len(set(span[1].split("–"))) == len(span[1].split("–"))
