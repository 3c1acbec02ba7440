"""Scenario files: form, inheritance, and every problem with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError
from talent_sd.inputs import list_scenarios, load_scenario

Write = Callable[[str, str], Path]


def problems_of(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    return list(caught.value.problems)


def test_every_problem_of_form_is_told_at_once_with_its_line(write: Write) -> None:
    path = write(
        "bad.yaml",
        """\
        title: {en: Bad}
        polices: {}
        policies:
          venture_fund: yes
          industry_fund: {from: soon, ramp: -1, intensity: on}
        assumptions:
          retirement rate: 0.02
          other: {value: 1}
        shocks:
          core_team_exit: {at: 2027, size: big}
        extends: 7
        """,
    )
    assert problems_of(path) == [
        "bad.yaml:1: the key 'zh' is missing in title. Add it.",
        "bad.yaml:2: unknown key 'polices'. Did you mean 'policies'?",
        "bad.yaml:4: venture_fund: write on, off, or settings such as {from: 2025, until: 2030} "
        "(it is the text 'yes').",
        "bad.yaml:5: industry_fund.from is the text 'soon'; give a number.",
        "bad.yaml:5: industry_fund.intensity is the text 'on'; give a number.",
        "bad.yaml:5: industry_fund.ramp is -1; give 0 or more.",
        "bad.yaml:7: retirement rate: an assumption needs a reason; "
        "write {value: 0.02, why: ...} (it is 0.02).",
        "bad.yaml:8: the key 'why' is missing in other. Add it.",
        "bad.yaml:10: core_team_exit.size is the text 'big'; give a number.",
        "bad.yaml:11: extends is 7; give text.",
    ]


def test_evidence_that_the_ledger_lacks_is_refused_line_by_line(write: Write) -> None:
    path = write(
        "cites.yaml",
        """\
        title: {en: Cites, zh: 引用}
        extends: baseline
        policies:
          industry_fund: {from: 2025, evidence: [E19, E99]}
          venture_fund:
            evidence:
              - E08
              - e10
        """,
    )
    see = "See `talent-sd list evidence`."
    assert problems_of(path) == [
        f"cites.yaml:4: no evidence 'E99' in the ledger. Did you mean 'E19'? {see}",
        f"cites.yaml:8: no evidence 'e10' in the ledger. Did you mean 'E10'? {see}",
    ]


def test_a_key_without_a_value_is_refused_not_read_as_absent(write: Write) -> None:
    path = write(
        "bad.yaml",
        """\
        title:
        policies:
          venture_fund:
          industry_fund: {from: , from_: 2025}
        assumptions:
        """,
    )
    assert problems_of(path) == [
        "bad.yaml:1: title is empty. Fill it, or leave the key out.",
        "bad.yaml:3: venture_fund is empty. Fill it, or leave the key out.",
        "bad.yaml:4: industry_fund.from is empty. Fill it, or leave the key out.",
        "bad.yaml:5: assumptions is empty. Fill it, or leave the key out.",
    ]


def test_a_shock_without_settings_is_refused(write: Write) -> None:
    path = write("bad.yaml", "title: {en: A, zh: B}\nshocks:\n  core_team_exit: {}\n  nope: {}\n")
    assert problems_of(path) == [
        "bad.yaml:3: core_team_exit is empty. Fill it, or leave the key out.",
        "bad.yaml:4: nope is empty. Fill it, or leave the key out.",
    ]


def test_a_number_in_place_of_a_name_is_refused(write: Write) -> None:
    path = write("bad.yaml", "title: {en: A, zh: B}\npolicies:\n  1: on\nshocks:\n  2027: {at: 2027}\n")
    assert problems_of(path) == [
        "bad.yaml:3: the key '1' in policies is a number; give a name.",
        "bad.yaml:5: the key '2027' in shocks is a number; give a name.",
    ]


def test_a_child_wins_key_by_key_and_remembers_what_it_replaced(write: Write) -> None:
    write(
        "parent.yaml",
        """\
        title: Parent
        policies:
          industry_fund: {from: 2025, until: 2030, intensity: 0.02}
          venture_fund: on
        assumptions:
          retirement rate: {value: 0.03, why: yearbook}
        context: national/low_growth
        """,
    )
    path = write(
        "child.yaml",
        """\
        title: Child
        extends: parent.yaml
        policies:
          industry_fund: {intensity: 0.03}
          venture_fund: off
        """,
    )
    child = load_scenario(path)
    fund = child.policies["industry_fund"]
    assert {key: setting.value for key, setting in fund.items()} == {
        "switch": True,
        "from": 2025,
        "until": 2030,
        "intensity": 0.03,
    }
    assert str(fund["intensity"].origin) == "child.yaml:4"
    assert fund["intensity"].origin.text == "industry_fund.intensity: 0.03"
    assert fund["intensity"].replaced is not None
    assert fund["intensity"].replaced.value == 0.02
    assert str(fund["intensity"].replaced.origin) == "parent.yaml:3"
    assert child.policies["venture_fund"]["switch"].value is False
    assert child.assumptions["retirement rate"].value == 0.03
    assert child.context is not None
    assert child.context.value == "national/low_growth"
    assert child.chain == ("parent.yaml", "child.yaml")
    assert child.title == {"en": "Child", "zh": "Child"}


@pytest.mark.parametrize(("word", "switch"), [("on", True), ("off", False)])
def test_on_and_off_replace_a_parents_settings_whole(write: Write, word: str, switch: bool) -> None:
    write("parent.yaml", "title: P\npolicies:\n  industry_fund: {from: 2025, intensity: 0.02}\n")
    path = write("child.yaml", f"title: C\nextends: parent.yaml\npolicies:\n  industry_fund: {word}\n")
    assert {k: s.value for k, s in load_scenario(path).policies["industry_fund"].items()} == {
        "switch": switch
    }


def test_a_mapping_switches_a_policy_on_again(write: Write) -> None:
    write("parent.yaml", "title: P\npolicies:\n  industry_fund: off\n")
    path = write("child.yaml", "title: C\nextends: parent.yaml\npolicies:\n  industry_fund: {from: 2026}\n")
    assert load_scenario(path).policies["industry_fund"]["switch"].value is True


def test_a_circle_of_parents_is_refused(write: Write) -> None:
    write("a.yaml", "title: A\nextends: b.yaml\n")
    write("b.yaml", "title: B\n\nextends: c.yaml\n")
    write("c.yaml", "title: C\nextends: b.yaml\n")
    assert problems_of(Path("a.yaml")) == [
        "c.yaml:2: the scenarios extend one another in a circle: b.yaml -> c.yaml -> b.yaml. "
        "Remove one 'extends'."
    ]


def test_a_missing_parent_is_refused_with_the_nearest_name(write: Write) -> None:
    path = write("a.yaml", "title: A\nextends: base_line\n")
    assert problems_of(path) == [
        "a.yaml:2: unknown scenario 'base_line'. Did you mean 'baseline'? "
        f"Shipped: {', '.join(list_scenarios())}; or give a path to a .yaml file."
    ]
    path = write("b.yaml", "title: B\nextends: gone.yaml\n")
    assert problems_of(path) == ["b.yaml:2: gone.yaml: no such file. Check the path."]


def test_an_unknown_scenario_is_refused(write: Write) -> None:
    write("x.yaml", "title: X\n")
    assert problems_of(Path("hefei_combinatoin"))[0].startswith(
        "unknown scenario 'hefei_combinatoin'. Did you mean 'hefei_combination'? Shipped: "
    )


@pytest.mark.parametrize("name", ["a" * 2000, "a/" * 400 + "b.yaml", "x\0y.yaml", "   ", "a" * 300 + ".yaml"])
def test_a_name_that_no_file_can_have_is_refused(write: Write, name: str) -> None:
    write("x.yaml", "title: X\n")
    with pytest.raises(
        InputError, match=r"(is no name of a scenario|no such file|has no name|cannot be read)"
    ):
        load_scenario(name)


def test_a_folder_in_place_of_a_file_is_refused(write: Write) -> None:
    write("mine.yaml/inner.yaml", "title: X\n")
    assert problems_of(Path("mine.yaml")) == [
        "mine.yaml: this is a folder, not a file. Give the path of a file in it."
    ]


def test_a_users_path_wins_over_a_shipped_name(write: Write) -> None:
    write("baseline", "title: Mine\n")
    assert load_scenario("baseline").title["en"] == "Mine"


def test_a_copy_of_baseline_may_extend_the_shipped_baseline(write: Write) -> None:
    path = write("baseline.yaml", "title: Mine\nextends: baseline\n")
    assert load_scenario(path).chain == ("scenarios/baseline.yaml", "baseline.yaml")


@pytest.mark.parametrize("name", list_scenarios())
def test_a_shipped_scenario_speaks_both_languages_and_asks_a_question(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.title["en"] != scenario.title["zh"]
    assert scenario.question["en"] != scenario.question["zh"]
    assert scenario.context is not None
