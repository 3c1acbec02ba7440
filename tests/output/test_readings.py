"""Readings on the terminal: both beside each other in 80 columns, what a search found."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from talent_sd.inputs.evidence_ledger import Figure
from talent_sd.inputs.readings import load_reading
from talent_sd.laboratory.cases import Measurement
from talent_sd.laboratory.findings import Finding
from talent_sd.output.evidence_tables import evidence_table, readings_compared
from talent_sd.output.readings import cost_words, moves_shown
from talent_sd.output.validation_tables import Validation, write_validation

TEXT = "title: {en: Mine, zh: 我的}\nsummary: s\nassumptions:\n  cluster midpoint: {value: 2, why: w}\n"
TEXT += (
    "cannot:\n  E15: {best: 0.3, because: {en: Pay is near product., zh: 工资接近边际产出。}}\napart: [E14]\n"
)


def finding(ident: str, target: float, value: float | None, role: str = "calibrate") -> Finding:
    texts = {
        "topic": "t",
        "unit": "yuan/year per person",
        "statement": "what is claimed " * 6,
        "reading": "r",
    }
    figure = Figure(id=ident, role=role, value=target, tolerance=0.1, test="t", experiment="e", **texts)
    return Finding(figure, Measurement(value))


FIRST = (
    finding("E13", 8e7, 1.2e8),
    finding("E14", 6.5, float("inf"), "holdout"),
    finding("E15", 0.8, 0.07, "article"),
)
SECOND = (finding("E13", 8e7, 8e7), finding("E14", 6.5, 9.0, "holdout"), finding("E15", 0.8, 0.3, "article"))


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return load_reading(file)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_both_readings_stand_side_by_side_in_80_columns(lang: str) -> None:
    screen = Console(width=80, file=StringIO(), legacy_windows=False)
    screen.print(evidence_table(FIRST, lang, SECOND, "article"))
    printed = screen.file.getvalue()
    assert "article" in printed
    assert "0.07" in printed
    assert "0.3" in printed
    from rich.cells import cell_len

    assert max(cell_len(line) for line in printed.splitlines()) <= 80


@pytest.mark.parametrize(
    ("lang", "counted", "because", "apart"),
    [
        (
            "en",
            "Of the 3 figures 0 come out in the evidence's reading, 1 in “Mine”",
            "E15: Pay is near product.",
            "E14",
        ),
        ("zh", "3个数字中，证据解读达到0个，“我的”达到1个", "E15: 工资接近边际产出。", "E14"),
    ],
)
def test_how_many_come_out_and_what_forbids_the_rest(
    mine, lang: str, counted: str, because: str, apart: str
) -> None:
    lines = readings_compared(FIRST, SECOND, mine, lang)
    assert lines[0].startswith(counted)
    assert lines[1] == because
    assert apart in lines[2]


def test_the_table_written_has_both_values(mine, tmp_path) -> None:
    write_validation(Validation(FIRST, beside=SECOND, reading=mine), tmp_path)
    table = pd.read_csv(tmp_path / "evidence.csv")
    assert table["value"].tolist() == [1.2e8, np.inf, 0.07]
    assert table["other_value"].tolist() == [8e7, 9.0, 0.3]
    assert table["other_comes_out"].tolist() == [True, False, False]
    assert table["comes_out"].tolist() == [False, False, False]
    assert set(table["other_reading"]) == {"mine"}
    assert table["other_forbidden_by"].tolist()[2] == "Pay is near product."


def test_moves_and_costs_are_told() -> None:
    moves = pd.DataFrame(
        [{"constant": "a", "shipped": 1.0, "reading": 1.5, "moved_sd": 2.0, "needed_for": "E11"}]
    )
    screen = Console(width=80, file=StringIO())
    screen.print(moves_shown(moves, "zh"))
    assert "+2.00" in screen.file.getvalue()
    costs = pd.DataFrame([{"variable": "residents", "mae_evidence": 0.07, "mae_reading": 0.0812}])
    assert "residents 0.0700 → 0.0812" in cost_words(costs, "en")
