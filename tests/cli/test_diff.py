"""`talent-sd diff`: what two scenarios set differently."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.engine.runner import load_model
from talent_sd.forecast.scenario_diff import Difference, scenario_differences
from talent_sd.inputs import list_scenarios, read_national

from .conftest import Outcome

Command = Callable[..., Outcome]

TIGHT = """\
title: tight
extends: hefei_combination
policies:
  industry_fund: {intensity: 0.05}
  venture_fund: off
  housing_voucher: on
  cash_subsidy: off
assumptions:
  policy budget share: {value: 0.05, why: thrift}
  core team exit share: {value: {graduate: 0.1}, why: they follow}
shocks:
  core_team_exit: {at: 2027}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def differences(first: str, second: str, city: str | None = None) -> list[Difference]:
    return scenario_differences(first, second, load_model(), city)[2]


def test_each_difference_has_both_values_and_both_places(place: Callable[[str, str], str]) -> None:
    mix = "hefei_combination"
    Path("tight.yaml").write_text(TIGHT, "utf-8")
    model = load_model().structure.place
    assert differences("hefei_combination", "tight.yaml") == [
        Difference("policies", "industry_fund.intensity", "Dmnl", 0.03, f"scenarios/{place(mix, 'industry_fund')}", 0.05, "tight.yaml:4"),
        Difference("policies", "venture_fund", "", True, f"scenarios/{place(mix, 'venture_fund')}", False, "tight.yaml:5"),
        Difference("policies", "venture_fund.from", "year", 2025.0, f"scenarios/{place(mix, 'venture_fund')}", None, ""),
        *(Difference("policies", f"venture_fund.{key}", "year", value, model(f"policy {name}"), None, "")
          for key, name, value in (("until", "end", 2035.0), ("ramp", "ramp time", 1.0))),
        Difference("policies", "housing_voucher", "", False, model("policy switch"), True, "tight.yaml:6"),
        *(Difference("policies", f"housing_voucher.{key}", "year", None, "", value, model(f"policy {name}"))
          for key, name, value in (("from", "start", 2025.0), ("until", "end", 2035.0), ("ramp", "ramp time", 0.5))),
        Difference(
            "assumptions", "policy budget share", "Dmnl", 0.1, model("policy budget share"), 0.05,
            "tight.yaml:9",
        ),
        Difference(
            "assumptions", "core team exit share[graduate]", "Dmnl", 0.0, model("core team exit share"), 0.1,
            "tight.yaml:10",
        ),
        Difference(
            "shocks", "core_team_exit.at", "year", 2100.0, model("core team exit time"), 2027.0, "tight.yaml:12"
        ),
    ]  # fmt: skip


def test_swapping_the_files_swaps_the_sides() -> None:
    Path("tight.yaml").write_text(TIGHT, "utf-8")
    there, back = differences("baseline", "tight.yaml"), differences("tight.yaml", "baseline")
    swapped = [
        Difference(d.part, d.key, d.unit, d.new, d.new_origin, d.old, d.old_origin, d.year) for d in back
    ]
    assert sorted(there, key=str) == sorted(swapped, key=str)


@pytest.mark.parametrize("name", list_scenarios())
def test_a_scenario_differs_from_baseline_and_not_from_itself(name: str) -> None:
    assert differences(name, name) == []
    assert bool(differences("baseline", name)) == (name != "baseline")


def test_the_model_s_own_value_written_out_is_no_difference() -> None:
    Path("same.yaml").write_text(
        "title: same\nextends: hefei_combination\npolicies:\n  venture_fund: {until: 2035, ramp: 1}\n"
        "assumptions:\n  policy budget share: {value: 0.1, why: as the model}\n",
        "utf-8",
    )
    assert differences("hefei_combination", "same.yaml") == []


def test_a_constant_set_for_every_element_alike_is_one_row() -> None:
    for name, value in (("one", "0.5"), ("two", "0.7")):
        Path(f"{name}.yaml").write_text(
            f"title: t\nassumptions:\n  core team exit share: {{value: {value}, why: trial}}\n", "utf-8"
        )
    assert differences("one.yaml", "two.yaml") == [
        Difference("assumptions", "core team exit share", "Dmnl", 0.5, "one.yaml:3", 0.7, "two.yaml:3")
    ]


def test_another_national_path_shows_its_name_and_every_variable_that_ends_elsewhere() -> None:
    Path("growth.yaml").write_text("title: t\nextends: baseline\ncontext: national/high_growth\n", "utf-8")
    found = differences("baseline", "growth.yaml", "wuxi")
    assert found[0] == Difference(
        "context", "context", "", "central", "scenarios/baseline.yaml:6", "high_growth", "growth.yaml:3"
    )
    gdp = next(item for item in found if item.key == "gdp")
    assert (gdp.part, gdp.unit, gdp.year) == ("context", "yuan/year", 2034)
    assert gdp.new > gdp.old  # type: ignore[operator]
    assert gdp.new_origin.startswith("scenarios/national/high_growth.yaml:")


def test_a_city_s_start_values_differ_where_the_nation_s_past_does() -> None:
    known = read_national("central").variables["tertiary_share"]
    past = {
        year: value * (1 + 0.04 * (year == 2022))
        for year, value in known.values.items()
        if year <= known.known_until
    }
    Path("past.yaml").write_text(
        f"title: t\nextends: central\nvariables:\n  tertiary_share: {{past: {past}}}\n", "utf-8"
    )
    Path("other.yaml").write_text("title: t\nextends: baseline\ncontext: past.yaml\n", "utf-8")
    without, with_city = differences("baseline", "other.yaml"), differences("baseline", "other.yaml", "wuxi")
    (start,) = with_city[len(without) :]
    assert (start.part, start.key) == ("city", "city tertiary share")
    assert start.new == pytest.approx(1.04 * start.old, rel=1e-5)  # type: ignore[operator]
    assert start.old_origin == start.new_origin
    assert start.old_origin.startswith("scenarios/cities/wuxi.yaml:")


def test_the_table_and_the_csv_say_the_same(talent_sd: Command) -> None:
    Path("tight.yaml").write_text(TIGHT, "utf-8")
    outcome = talent_sd("diff", "hefei_combination", "tight.yaml", "--out", "changes")
    assert outcome.code == 0
    with Path("changes/differences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == [d.key for d in differences("hefei_combination", "tight.yaml")]
    assert (rows[1]["old"], rows[1]["new"]) == ("on", "off")
    for row in rows:
        assert row["old"] in outcome.out
        assert row["new_origin"].rsplit("/", 1)[-1] in outcome.out


def test_the_table_is_in_chinese_with_the_policies_names(
    talent_sd: Command, place: Callable[[str, str], str]
) -> None:
    outcome = talent_sd("diff", "baseline", "hefei_combination", "--lang", "zh")
    assert outcome.code == 0
    lines = [line.split() for line in outcome.out.splitlines()]
    text = load_model().path.read_text("utf-8").splitlines()
    switch = text.index("policy switch[policy]=") + 1
    assert ["industry_fund", "关闭", "启用"] in lines
    assert ["产业基金", f"city.mdl:{switch}", place("hefei_combination", "industry_fund")] in lines
    assert [".from", "未设定", "2025"] in lines


def test_equal_scenarios_say_so(talent_sd: Command) -> None:
    outcome = talent_sd("diff", "baseline", "baseline", "--lang", "zh")
    assert (outcome.code, outcome.out) == (0, "baseline 与 baseline 设定相同，模拟结果不会有差别。\n")


def test_problems_of_both_files_are_told_at_once(talent_sd: Command) -> None:
    Path("a.yaml").write_text("title: a\npolicies:\n  cash_subsidie: on\n", "utf-8")
    Path("b.yaml").write_text("title: b\npolicies:\n  cash_subsidy: {intensity: -1}\n", "utf-8")
    outcome = talent_sd("diff", "a.yaml", "b.yaml")
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "a.yaml:3: unknown policy 'cash_subsidie'. Did you mean 'cash_subsidy'?",
        "b.yaml:3: cash_subsidy.intensity is -1, below the model's minimum 0 yuan/person.",
    ]
