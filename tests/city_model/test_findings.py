"""What a scenario file says the model finds was measured by `.ci/findings.py`, on the model and inputs of today."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from talent_sd.base.files import shipped_folder
from talent_sd.inputs import list_scenarios, load_scenario

COMMAND = Path(__file__).resolve().parents[2] / ".ci" / "findings.py"


@pytest.fixture(scope="module")
def findings() -> ModuleType:
    """The command as a module."""
    spec = importlib.util.spec_from_file_location("ci_findings", COMMAND)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_every_scenario_but_the_baseline_says_what_is_claimed_and_what_is_found(findings: ModuleType) -> None:
    assert set(findings.FINDINGS) | {"baseline"} == set(list_scenarios())
    for name in findings.FINDINGS:
        scenario = load_scenario(name)
        assert all(scenario.claims[lang] and scenario.finding[lang] for lang in ("en", "zh")), name
        assert all(scenario.title[lang] and scenario.question[lang] for lang in ("en", "zh")), name


def test_no_finding_is_stale(findings: ModuleType) -> None:
    assert findings.stale() == [], "the model or its inputs moved: run `python .ci/findings.py`"


def test_a_finding_is_what_the_command_measures(findings: ModuleType) -> None:
    text = (shipped_folder("scenarios") / "cash_subsidy_only.yaml").read_text("utf-8")
    assert findings.block("cash_subsidy_only") in text


def test_words_that_no_longer_hold_are_named_and_nothing_is_written(
    findings: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = findings.FINDINGS["cash_subsidy_only"]
    monkeypatch.setitem(one.holds, "cash holds people", lambda values: values["left"] > 1)
    with pytest.raises(SystemExit, match="no longer so: cash holds people"):
        findings.block("cash_subsidy_only")
