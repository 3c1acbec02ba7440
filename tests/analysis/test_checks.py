"""Behaviour checks as data, and Vensim's Reality Checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from talent_sd.base.errors import InputError, ModelError
from talent_sd.engine.runner import Model, load_model
from talent_sd.model_tests.behaviour_checks import all_lanes, resolve_setting, run_checks, run_reality_checks
from talent_sd.model_tests.check_files import read_checks

TEACUP = """{UTF-8}
room temperature= 70 ~ degree [0,100] ~ Of the room. |
heat loss= (Teacup - room temperature)/cooling time ~ degree/minute ~ Loss. |
cooling time= 10 ~ minute [5,20] ~ Time to cool. |
Teacup= INTEG (-heat loss, 180) ~ degree ~ Temperature. |
cold room :TEST INPUT: room temperature = 0 ~ ~ |
never colder :THE CONDITION: cold room :IMPLIES: Teacup >= 0 ~ ~ Tea is never colder than the room. |
cools :THE CONDITION: Teacup > room temperature + 1 :IMPLIES: heat loss*cooling time > 0.5 ~ ~ |
INITIAL TIME= 0 ~ minute ~|
FINAL TIME= 30 ~ minute ~|
TIME STEP= 0.125 ~ minute ~|
SAVEPER= 1 ~ minute ~|
"""
CHECKS = """
years: [0, 10, 30]
settings:
  cold room: {room temperature: min}
  slow: {cooling time: max}
pairs: [room temperature, cooling time]
checks:
"""


@pytest.fixture(name="teacup")
def teacup_fixture(tmp_path: Path) -> Model:
    return _model(tmp_path)


def _model(folder: Path, *changes: tuple[str, str]) -> Model:
    text = TEACUP
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "teacup.mdl"
    path.write_text(text, encoding="utf-8")
    return load_model(path)


def _checks(folder: Path, *lines: str) -> Path:
    path = folder / "tea.checks.yaml"
    path.write_text(CHECKS.lstrip() + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
    return path


def test_the_shipped_checks_hold_over_every_input() -> None:
    model = load_model()
    verdicts = run_checks(model, read_checks())
    assert {v.id: v.failure for v in verdicts if not v.passed} == {}
    assert max(v.runs for v in verdicts) > 500


def test_every_sector_of_the_model_has_a_check() -> None:
    model = load_model()
    sectors = {v.group for v in model.structure.variables.values() if v.group and v.group != "Control"}
    assert {check.sector for check in read_checks().checks} == sectors


def test_every_policy_and_extreme_condition_has_a_setting() -> None:
    model = load_model()
    settings = read_checks().settings
    extremes = {"no talent", "no jobs", "no budget", "every policy at once", "everyone young", "everyone old",
                "hundredfold house price", "nobody leaves", "everybody leaves"}  # fmt: skip
    assert extremes <= set(settings)
    assert {f"{policy} alone" for policy in model.structure.subscripts["policy"]} <= set(settings)


def test_lanes_are_the_default_the_settings_each_input_and_pairs(teacup: Model, tmp_path: Path) -> None:
    file = read_checks(_checks(tmp_path, "{id: a, sector: s, message: m, variables: Teacup, at_least: 0}"))
    names = [name for name, _ in all_lanes(teacup, file)]
    assert names[:3] == ["default", "cold room", "slow"]
    assert names[3:7] == [
        "room temperature at its min", "room temperature at its max",
        "cooling time at its min", "cooling time at its max",
    ]  # fmt: skip
    assert len(names) == 11
    assert resolve_setting(teacup, {"cooling time": "max"}) == {"cooling time": 20.0}


def test_a_bound_a_sum_and_a_comparison_can_fail(teacup: Model, tmp_path: Path) -> None:
    file = read_checks(
        _checks(
            tmp_path,
            "{id: warm, sector: s, message: m, variables: Teacup, at_least: 70}",
            "{id: whole, sector: s, message: m, terms: [Teacup], equals: [room temperature]}",
            "{id: slower, sector: s, message: m, setting: slow, variable: Teacup, expect: lower, at: 10}",
            "{id: hotter, sector: s, message: m, setting: slow, variable: Teacup, expect: higher, at: 10}",
        )
    )
    verdicts = {verdict.id: verdict for verdict in run_checks(teacup, file)}
    assert {name: v.passed for name, v in verdicts.items()} == {
        "warm": False, "whole": False, "slower": False, "hotter": True,
    }  # fmt: skip
    assert verdicts["warm"].failure.startswith("Teacup in 10: 65.8")
    assert verdicts["warm"].failure.endswith("with cold room")
    assert verdicts["slower"].failure.startswith("Teacup in 10: +")
    assert verdicts["slower"].failure.endswith("against 'default'")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{id: a, sector: s, message: m, variables: Teacup, at_laest: 0}",
         "unknown key 'at_laest'. Did you mean 'at_least'?"),
        ("{id: a, sector: s, variables: Teacup, at_least: 0}", "the key 'message' is missing. Add it."),
        ("{id: a, sector: s, message: m, setting: slow, variable: Teacup, expect: more}",
         "expect is one of higher, lower, same."),
    ],
)  # fmt: skip
def test_a_wrong_check_is_told_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_checks(_checks(tmp_path, line))
    assert caught.value.problems[0] == f"tea.checks.yaml:7: {message}"


def test_names_that_the_model_lacks_are_all_told(teacup: Model, tmp_path: Path) -> None:
    file = read_checks(
        _checks(
            tmp_path,
            "{id: a, sector: s, message: m, variables: Teacups, at_least: 0}",
            "{id: b, sector: s, message: m, setting: slo, variable: Teacup, expect: same}",
            "{id: c, sector: s, message: m, setting: slow, variable: Teacup, expect: same, at: [10, 20]}",
        )
    )
    with pytest.raises(InputError) as caught:
        run_checks(teacup, file)
    assert caught.value.problems == (
        "tea.checks.yaml:7: no variable 'Teacups'. Did you mean 'Teacup'?",
        "tea.checks.yaml:8: no setting 'slo'. Did you mean 'slow'?",
        "tea.checks.yaml:9: the year 20 is not among 'years', so nothing would be tried. Add it there.",
    )


def test_reality_checks_are_executed(teacup: Model) -> None:
    verdicts = run_reality_checks(teacup)
    assert [(v.id, v.passed) for v in verdicts] == [("never colder", True), ("cools", True)]
    assert verdicts[0].message == "Tea is never colder than the room."


def test_a_reality_check_that_fails_tells_when(tmp_path: Path) -> None:
    model = _model(tmp_path, ("Teacup >= 0", "Teacup >= 66"))
    broken = run_reality_checks(model)[0]
    assert not broken.passed
    assert broken.failure == "teacup.mdl:7: fails at 10"


@pytest.mark.parametrize(
    ("left", "passed"),
    [("MAX(Teacup, 10*room temperature, 3)", True), ("-ABS(2 - Teacup)/2^3", False), ("Teacup + Time", True)],
)
def test_a_reality_check_may_calculate(tmp_path: Path, left: str, passed: bool) -> None:
    model = _model(tmp_path, ("Teacup >= 0", f"{left} >= 0"))
    assert run_reality_checks(model)[0].passed is passed


def test_a_reality_check_whose_condition_is_never_met_is_not_passed(tmp_path: Path) -> None:
    model = _model(tmp_path, (":IMPLIES: Teacup >= 0", ":AND: Teacup > 1000 :IMPLIES: Teacup >= 0"))
    untried, tried = run_reality_checks(model)
    assert (untried.verdict, tried.verdict) == ("not_tried", "passed")
    assert untried.failure == "teacup.mdl:7: never tried, since its condition is never met"
    assert untried.passed  # it fails nothing


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cold room :IMPLIES:", "cold rom :IMPLIES:",
         "teacup.mdl:7: reality check 'never colder': 'cold rom' is neither a test input nor a comparison. "
         "Did you mean 'cold_room'?"),
        ("Teacup >= 0", "Teacups >= 0",
         "teacup.mdl:7: reality check 'never colder': no variable 'Teacups'. Did you mean 'Teacup'?"),
        ("Teacup >= 0", "RC COMPARE('base') = 0",
         "teacup.mdl:7: reality check 'never colder': Vensim's function 'RC COMPARE' is not supported. "
         "Compare values."),
        ("Teacup >= 0", "2*(Teacup >= 0",
         "teacup.mdl:7: reality check 'never colder': '2*(Teacup >= 0' cannot be read. Check its operators and "
         "brackets."),
        ("Teacup >= 0", "SQRT(Teacup) >= 0",
         "teacup.mdl:7: reality check 'never colder': no variable 'SQRT'."),
        (":TEST INPUT: room temperature", ":TEST INPUT: rom temperature",
         "teacup.mdl:6: test input 'cold room': no variable 'rom temperature'. "
         "Did you mean 'room temperature'?"),
    ],
)  # fmt: skip
def test_a_wrong_reality_check_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    model = _model(tmp_path, (old, new))
    with pytest.raises(ModelError) as caught:
        run_reality_checks(model)
    assert caught.value.problems[0] == message
