"""Labels in either language are taken wherever names are."""

from __future__ import annotations

from pathlib import Path

import pytest

import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.base.language import speaking

FILE = """title: 安居
extends: 不出台新政策
policies:
  住房券: {from: 2027, intensity: 0.1}
  Open laboratories: on
assumptions:
  迁入弹性: {value: 0.9, why: 试算}
  薪酬权重: {value: {领军人才: 0.9}, why: 试算}
"""
NAMED = (
    FILE.replace("住房券", "housing_voucher").replace("Open laboratories", "open_labs")
    .replace("迁入弹性", "arrival elasticity").replace("薪酬权重", "pay weight").replace("领军人才", "leading")
)  # fmt: skip


def test_a_scenario_file_may_name_policies_and_assumptions_by_their_labels(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text(FILE, "utf-8")
    (tmp_path / "names.yaml").write_text(NAMED, "utf-8")
    structure = ts.load_model().structure
    given, named = (
        ts.resolve_scenario(tmp_path / f"{one}.yaml", city="无锡", structure=structure)
        for one in ("labels", "names")
    )
    assert given.params() == named.params()
    assert given.params()["policy switch[housing_voucher]"] == 1
    # each keeps the line that it stands on
    assert given.values["arrival elasticity"].origin.line == 7


def test_a_policy_by_name_and_by_label_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text(
        "title: x\npolicies:\n  housing_voucher: on\n  住房券: off\n", "utf-8"
    )
    with pytest.raises(
        InputError,
        match=r"twice.yaml:4: '住房券' is housing_voucher, which stands on line 3 already. Keep one\.",
    ):
        ts.load_scenario(tmp_path / "twice.yaml")
    with (
        speaking("zh"),
        pytest.raises(InputError, match=r"“住房券”就是housing_voucher，第3行已有。请只保留一个。"),
    ):
        ts.load_scenario(tmp_path / "twice.yaml")


def test_outputs_are_taken_by_their_labels() -> None:
    run = ts.simulate("合肥式组合拳", city="合肥", outputs=["人才总量", "Tax base"])
    drawn = ts.ensemble("合肥式组合拳", city="合肥", draws=2, outputs=["人才总量", "税基（企业利润）"])
    assert {"total talent", "tax base"} <= set(run) & set(drawn)


def test_loops_and_goals_are_asked_for_by_labels() -> None:
    from talent_sd.loops.feedback_loops import split_output
    from talent_sd.search.generations import read_goal

    model = ts.load_model()
    assert split_output(model, "人才存量[领军人才]") == ("Talent", {"tier": "leading"})
    assert read_goal("人才总量@2030", model, 2034.0).name == "total talent"
