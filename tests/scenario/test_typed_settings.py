"""Settings that stand in no file do what the same settings in a file do, and are refused as those are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.base.language import digits, percent
from talent_sd.forecast.prepare import prepare
from talent_sd.forecast.what_if import explanations, what_if
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.typed_settings import Typed, read_policies

FILE = """title: {en: Mine, zh: 我的}
extends: baseline
policies:
  cash_subsidy: {from: 2026, intensity: 20000}
assumptions:
  arrival elasticity: {value: 0.8, why: tried}
shocks:
  core_team_exit: {at: 2027, size: 0.2}
"""
GIVEN = {
    "cash_subsidy": {"from": 2026, "intensity": 20000},
    "arrival elasticity": 0.8,
    "core_team_exit": {"at": 2027, "size": np.float64(0.2)},
}


def _values(prepared: object) -> dict[str, object]:
    return prepared.first.params()  # type: ignore[attr-defined]


def test_a_file_a_mapping_and_overrides_are_the_same(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(FILE, "utf-8")
    wanted = _values(prepare(mine))
    as_mapping = {
        "title": {"en": "Mine", "zh": "我的"},
        "extends": "baseline",
        "policies": {"cash_subsidy": {"from": 2026, "intensity": 20000}},
        "assumptions": {"arrival elasticity": {"value": 0.8, "why": "tried"}},
        "shocks": {"core_team_exit": {"at": 2027, "size": 0.2}},
    }
    assert _values(prepare(as_mapping)) == wanted
    assert _values(prepare("baseline", overrides=GIVEN)) == wanted
    in_chinese = {
        "现金补贴": GIVEN["cash_subsidy"],
        **{k: v for k, v in GIVEN.items() if k != "cash_subsidy"},
    }
    assert _values(prepare("baseline", overrides=in_chinese)) == wanted
    labels = shipped_labels()
    for lang in ("en", "zh"):
        in_words = {
            "Cash subsidy": GIVEN["cash_subsidy"],
            labels.variable("arrival elasticity", lang).upper(): 0.8,
            "core_team_exit": GIVEN["core_team_exit"],
        }
        assert _values(prepare("baseline", overrides=in_words)) == wanted
        label = f"{labels.variable('pay weight', lang)}[{labels.element('leading', lang)}]"
        assert _values(prepare("baseline", overrides={label: 1.5}))["pay weight[leading]"] == 1.5
    assert prepare(as_mapping).first.scenario.title == {"en": "Mine", "zh": "我的"}


def test_off_and_true_switch_a_policy() -> None:
    off = prepare("three_dimensional", overrides={"venture_fund": "off", "open_labs": False})
    assert [_values(off)[f"policy switch[{p}]"] for p in ("venture_fund", "open_labs")] == [0.0, 0.0]


def test_typed_policies_are_read_and_refused() -> None:
    assert read_policies(["open_labs", "cash_subsidy=from:2026, until:2030"]) == {
        "open_labs": "on",
        "cash_subsidy": {"from": 2026.0, "until": 2030.0},
    }
    with pytest.raises(InputError, match="--policy 'cash_subsidy=2026' is no policy's setting"):
        read_policies(["cash_subsidy=2026"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"arrival elastcity": 0.8}, "overrides: unknown constant 'arrival elastcity'. Did you mean 'arrival elasticity'?"),
        ({"cash_subsidy": {"from": 1999}}, "overrides: cash_subsidy.from is 1999, outside the run (2022 to before 2034). Move it."),
        ({"cash_subsidy": {"intensity": -7}}, "overrides: cash_subsidy.intensity is -7, below the model's minimum 0"),
        ({"arrival elasticity": object()}, "overrides: holds what no file could"),
        ({"cash_subsidy": float("nan")}, "overrides: cash_subsidy: write on, off, or settings such as {from: 2025, until: 2030}"),
    ],
)  # fmt: skip
def test_a_fault_is_told_as_in_a_file(given: dict[str, object], told: str) -> None:
    with pytest.raises(InputError) as caught:
        ts.simulate("baseline", overrides=given)
    assert any(problem.startswith(told) for problem in caught.value.problems), caught.value


def test_what_was_typed_is_told_by_its_option_and_only_once() -> None:
    with pytest.raises(InputError) as caught:
        prepare(
            "baseline",
            overrides=Typed(["arrival elasticity=2.50000001", "cash_subsidy=3"], ["open_labs=fro:2026"]),
        )
    assert caught.value.problems == (
        "--set: cash_subsidy: write on, off, or settings such as {from: 2025, until: 2030} (it is 3).",
    )
    with pytest.raises(InputError) as caught:
        prepare("baseline", overrides=Typed(["arrival elasticity=2.50000001"], ["open_labs=fro:2026"]))
    assert caught.value.problems == (
        "--policy: unknown setting 'fro' of policy open_labs. Did you mean 'from'?",
        "--set: arrival elasticity is 2.50000001, above the model's maximum 2.5.",
    )
    with pytest.raises(InputError) as caught:
        Typed(["lag=0,8", "lag=1", "open_labs=1"], ["open_labs", "culture_ip", "culture_ip=off"])
    assert caught.value.problems == (
        "--set 'lag=0,8': commas do not belong in a number. Write 0.8.",
        "--policy: 'culture_ip' is given twice. Give it once.",
    )
    with pytest.raises(InputError, match="^--set, --policy: 'open_labs' is given twice"):
        Typed(["open_labs=1"], ["open_labs"])
    with pytest.raises(InputError, match="^--policy: 'cash_subsidy' is given twice"):
        prepare("baseline", overrides=Typed([], ["cash_subsidy", "现金补贴=off"]))


def test_scenarios_of_wrong_types_are_one_sentence() -> None:
    with pytest.raises(InputError, match="scenario is 3. Give names, paths, or mappings"):
        ts.simulate(3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="overrides is 3. Give a mapping of names to values"):
        ts.simulate("baseline", overrides=3)  # type: ignore[arg-type]


def test_the_horizon_ends_the_forecast_and_is_bounded_by_the_nations() -> None:
    short, longer = (ts.simulate("baseline", outputs=["Residents"], horizon=year) for year in (2028, 2036))
    assert [int(one["time"][-1]) for one in (short, longer)] == [2028, 2036]
    assert np.array_equal(short["Residents"].values[0, 0], longer["Residents"].values[0, 0, :7])
    for year, told in (
        (2040, "the national path central ends in 2036"),
        (2024, "Give a whole year after 2024"),
    ):
        with pytest.raises(InputError, match=told):
            ts.simulate("baseline", horizon=year)


def test_where_an_effect_is_lost_is_told_of_an_element_and_a_year_as_two_runs_have_it() -> None:
    given = {"arrival elasticity": 1.6}
    found = what_if(prepare("baseline", city="wuxi", overrides=given), prepare("baseline", city="wuxi"), None)
    with_it, without = (ts.simulate("baseline", city="wuxi", overrides=one) for one in (given, None))
    labels = shipped_labels()
    names = {labels.variable(str(name), "en"): str(name) for name in without.data_vars}
    lines = explanations(found, "en")[1:]
    assert lines
    steps = []
    for line in lines:
        told = re.fullmatch(
            r"What arrival elasticity does in the central run, 2034: (.*?)( \(beside .*\))?\.", line
        )
        assert told is not None, line
        steps += told[1].split("; ")
    assert len(steps) >= 3
    for step in steps:
        parts = re.fullmatch(r"(.*?)(?:: (\w+))? from (\S+) to (\S+)(?: \((\S+\s%)\))?", step)
        assert parts is not None, step
        before, after = (one[names[parts[1]]].isel(time=-1).squeeze() for one in (without, with_it))
        if parts[2]:  # one tier, industry and the like
            (dim,) = before.dims
            at = [labels.element(str(one), "en") for one in before[dim].values].index(parts[2])
            before, after = before.isel({dim: at}), after.isel({dim: at})
        assert (parts[3], parts[4]) == (digits(float(before)), digits(float(after)))
        assert parts[5] == (percent(float(after / before) - 1, "en") if before > 0 and after >= 0 else None)


def test_what_changes_nothing_says_why() -> None:
    plain = prepare("baseline")
    idle = prepare("baseline", overrides={"cash subsidy elasticity": 0.123})
    found = what_if(idle, plain, None)
    assert float(abs(found.change["total talent"]).max()) == 0.0
    lines = explanations(found, "en")
    replaced, *lines = lines
    before = float(plain.model.run(outputs=["cash subsidy elasticity"])["cash subsidy elasticity"][0])
    assert replaced.startswith(f"cash subsidy elasticity = 0.123 in place of {before:g} (city.mdl:"), replaced
    assert lines == [
        f"What cash subsidy elasticity does in the central run, 2034: {name}: Leading stays at 0, "
        f"because {still} is 0."
        for name, still in (
            ("Effect of cash on arrivals", "Policy strength"),
            ("Desired cash arrivals", "Policy level"),
        )
    ]
    same = prepare("baseline", overrides={"cash_subsidy": "off"})
    assert explanations(what_if(same, plain, None), "en") == [
        "Nothing that was set changes anything: it has that value already, or nothing reads it here."
    ]


def test_the_title_tells_what_was_set_by_label_in_both_languages() -> None:
    overrides = {
        "arrival elasticity": 0.8,
        "cash_subsidy": {"from": 2027, "intensity": 20000},
        "venture_fund": "on",
    }
    title = prepare("baseline", "wuxi", overrides=overrides).first.scenario.title
    assert title["en"] == (
        "No new policy, arrival elasticity = 0.8, Cash subsidy (from 2027, intensity 20,000), Venture fund = on"
    )
    assert title["zh"] == (
        "不出台新政策、迁入弹性 = 0.8、现金补贴（自2027年、强度20,000）、创业投资基金 = 启用"
    )
