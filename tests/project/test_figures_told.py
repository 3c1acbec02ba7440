"""Figures that stand in the READMEs' sentences are those of the model and files of today."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import talent_sd as ts

ROOT = Path(__file__).resolve().parents[2]
TENS = {"twelve": 12, "fourteen": 14, "sixteen": 16, "eighteen": 18, "twenty": 20}


def found(page: str, pattern: str) -> list[float]:
    """Numbers that a sentence of a page tells; line breaks do not matter."""
    text = " ".join((ROOT / page).read_text("utf-8").split())
    (groups,) = {match.groups() for match in re.finditer(pattern, text)}
    return [float(TENS.get(group.lower(), group.replace(" ", ""))) for group in groups]


def test_policies_cities_loops_and_variables_are_counted_right() -> None:
    structure = ts.load_model().structure
    policies, loops = structure.subscripts["policy"], structure.subscripts["loop"]
    assert found("README.md", r"switch (\w+) instruments on and off") == [len(policies)]
    assert found("scenarios/README.md", r"the (\w+) instruments") == [len(policies)]
    assert found("models/README.md", r"\*\*Policies\.\*\* (\w+) instruments") == [len(policies)]
    assert found("README.md", r"real: (\w+) ship") == [len(set(ts.list_cities()) - {"average"})]
    assert found("models/README.md", r"(\d+) named feedback loops") == [len(loops)]
    assert found("models/README.md", r"2\^(\d+) combinations") == [len(loops)]
    pairs = len(ts.list_cities()) * len(ts.list_scenarios())
    assert found("models/README.md", r"This edition has (\d+) pairs") == [pairs]


def test_the_shipped_scenarios_are_those_described() -> None:
    text = (ROOT / "scenarios" / "README.md").read_text("utf-8").split("## The shipped scenarios")[1]
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(ts.list_scenarios())


def test_the_files_of_the_model_are_those_described() -> None:
    text = (ROOT / "models" / "README.md").read_text("utf-8")
    files = {file.name for file in (ROOT / "models").iterdir() if file.is_file()} - {"README.md"}
    assert set(re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE)) == files


def test_the_calibration_is_the_one_told() -> None:
    posterior = json.loads((ROOT / "models" / "posterior.json").read_text("utf-8"))
    assert found("models/README.md", r"`talent-sd calibrate` fits (\d+) constants") == [
        len(posterior["parameters"])
    ]


def test_single_runs_and_draws_add_what_is_told() -> None:
    told = found(
        "models/README.md",
        r"adds ([\d ]+) people in Hefei by 2034 in a single run, and ([\d ]+) in 1000 draws"
        r" \(80 %: ([\d ]+) to ([\d ]+)\)",
    )
    names, outputs = ["baseline", "hefei_combination"], ["total talent"]
    single = ts.simulate(names, city="hefei", outputs=outputs)
    drawn = ts.ensemble(names, city="hefei", draws=1000, seed=1, outputs=outputs, progress=False)
    one, many = (
        ts.compare(run)["total talent"].sel(scenario="hefei_combination", time=2034).values
        for run in (single, drawn)
    )
    assert told == pytest.approx([one.item(), *np.quantile(many, [0.5, 0.1, 0.9])], rel=0.05)
