"""`--reading`, as users type it: in the run's record, in draws, and refused where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import talent_sd as ts
from talent_sd.cli.app import app

RUNNER = CliRunner(env={"COLUMNS": "120"})


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "title: t\nsummary: s\nassumptions:\n  cluster midpoint: {value: 2.4, why: w}\n", encoding="utf-8"
    )
    return file


def test_a_run_records_the_reading_and_each_constants_line(mine: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = RUNNER.invoke(app, ["run", "--central", "--reading", str(mine), "--no-plots", "--out", str(out)])
    assert result.exit_code == 0, result.output
    capsule = json.loads((out / "run.json").read_text(encoding="utf-8"))
    scenario = capsule["scenarios"]["baseline"]
    assert scenario["reading"] == "mine"
    (given,) = [one for one in scenario["inputs"] if one["name"] == "cluster midpoint"]
    assert (given["value"], given["line"]) == (2.4, 4)
    assert given["file"].endswith("mine.yaml")
    assert given["file"] in [one["file"] for one in capsule["files"]]


def test_a_reading_holds_in_every_draw(mine: Path, tmp_path: Path) -> None:
    """As a scenario's own assumption does: what it sets is no longer drawn."""
    priors = tmp_path / "priors.yaml"
    priors.write_text(
        "parameters:\n  cluster midpoint: {distribution: triangular, range: [1.6, 2.6], source: s}\n",
        encoding="utf-8",
    )
    how = {"city": "hefei", "outputs": ["Cluster Maturity"]}
    drawn = {"draws": 3, "priors": priors, "progress": False}
    plain, read = (
        ts.ensemble("baseline", **how, **drawn),
        ts.ensemble("baseline", reading=mine, **how, **drawn),
    )
    assert read.attrs["reading"] == "mine"
    starts = [one["Cluster Maturity"].isel(time=0).values.ravel() for one in (plain, read)]
    alone = ts.simulate("baseline", reading=mine, **how)["Cluster Maturity"].isel(time=0).values.ravel()
    assert len(np.unique(starts[0])) == 3
    assert starts[1] == pytest.approx(np.repeat(alone, 3), abs=0)


@pytest.mark.parametrize(
    ("lang", "told"),
    [("en", "unknown reading 'articel'. Did you mean 'article'?"), ("zh", "没有名为“articel”的解读")],
)
@pytest.mark.parametrize("command", [["run"], ["compare", "cash_subsidy_only"], ["loops"], ["validate"]])
def test_an_unknown_reading_is_refused(command: list[str], lang: str, told: str, tmp_path: Path) -> None:
    result = RUNNER.invoke(
        app, [*command, "--reading", "articel", "--lang", lang, "--out", str(tmp_path / "o")]
    )
    assert result.exit_code == 2
    assert told in result.output.replace("\n", " ")


def test_the_evidence_cannot_be_fitted_anew_and_tables_come_in_pairs(tmp_path: Path) -> None:
    out = str(tmp_path / "o")
    result = RUNNER.invoke(app, ["validate", "--fit-reading", "evidence", "--out", out])
    assert result.exit_code == 2
    assert "nothing to fit" in result.output
    table = tmp_path / "p.csv"
    result = RUNNER.invoke(app, ["validate", "--fit-reading", "article", "--panel", str(table), "--out", out])
    assert result.exit_code == 2
    assert "--panel and --census together" in result.output
