"""A block carries what the engine warned of; the ensemble says it once for each scenario."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.base.errors import NonFiniteWarning
from talent_sd.engine.member_blocks import Block, Task, run_block
from talent_sd.engine.runner import Model
from talent_sd.forecast import ensemble as block_runs

MODEL = """{UTF-8}
divisor = 2 ~ Dmnl ~ . |
ratio = 1 / (divisor + Time * 0) ~ Dmnl ~ . |
S = INTEG(ratio, 0) ~ Dmnl ~ . |
INITIAL TIME = 0 ~ year ~ . |
FINAL TIME = 4 ~ year ~ . |
TIME STEP = 1 ~ year ~ . |
SAVEPER = TIME STEP ~ year ~ . |
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    file = tmp_path_factory.mktemp("model") / "small.mdl"
    file.write_text(MODEL, encoding="utf-8")
    return ts.load_model(file)


def _block(model: Model, divisors: list[float]) -> Block:
    params = {"divisor": np.array(divisors)}
    task = Task(0, 2, 40, 40 + len(divisors), params, {})
    return run_block(
        model, task, {"outputs": ["S", "ratio"], "times": [0, 4], "engine": "kernel", "threads": 1}
    )


def test_a_division_by_zero_names_variable_draw_and_year_and_spares_the_others(model: Model) -> None:
    block = _block(model, [2.0, 0.0, 4.0])
    ((kind, text),) = block.notices
    assert kind is NonFiniteWarning
    assert "draw 41" in text
    np.testing.assert_array_equal(block.values["S"][[0, 2], 1], [2.0, 1.0])
    assert not np.isfinite(block.values["S"][1, 1])


def test_a_good_block_says_nothing(model: Model) -> None:
    assert _block(model, [2.0, 4.0]).notices == ()


def test_an_ensemble_warns_once_for_each_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    def troubled(model: Model, task: Task, arguments: dict[str, Any]) -> Block:
        notices = ((NonFiniteWarning, f"'x' is nan in draw {task.first}."),) if task.scenario else ()
        return Block(task, run_block(model, task, arguments).values, notices)

    monkeypatch.setattr(block_runs, "run_block", troubled)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ts.ensemble(["baseline", "cash_subsidy_only"], city="wuxi", draws=6, block=2, outputs=["value added"])
    assert [str(warning.message) for warning in caught] == [
        "cash_subsidy_only: 'x' is nan in draw 0. So in 2 more blocks."
    ]
