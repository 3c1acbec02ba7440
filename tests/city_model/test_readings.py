"""The article's reading on the shipped model: inside the ranges, what comes out, and what cannot."""

from __future__ import annotations

import numpy as np
import pytest

from talent_sd.engine.runner import Model
from talent_sd.evidence import measure_evidence
from talent_sd.evidence.reading_bench import Bench, Free, free_constants
from talent_sd.inputs.evidence_ledger import read_evidence
from talent_sd.inputs.readings import load_reading
from talent_sd.laboratory.cases import Laboratory
from talent_sd.laboratory.findings import Finding, evidence_outputs, experiments_for

ARTICLE = load_reading("article")
FIGURES = {figure.id: figure for figure in read_evidence()}


@pytest.fixture(scope="module")
def free(model: Model) -> tuple[Free, ...]:
    return free_constants(model)


@pytest.fixture(scope="module")
def findings(model: Model) -> dict[str, Finding]:
    outputs = evidence_outputs(list(experiments_for(list(FIGURES.values())).values()))
    laboratory = Laboratory(model, outputs, reading=ARTICLE)
    return {one.figure.id: one for one in measure_evidence(model, laboratory=laboratory)}


def test_every_assumption_lies_inside_its_range(free: tuple[Free, ...]) -> None:
    ranges = {key: one for one in free for key in one.own}
    assert ARTICLE.assumptions
    for key, setting in ARTICLE.assumptions.items():
        one, value = ranges[key], float(setting.value)  # type: ignore[arg-type]
        ends = sorted(one.values(end)[key] for end in (one.low, one.high))
        rounding = 1e-3 * max(abs(end) for end in ends)
        assert ends[0] - rounding <= value <= ends[1] + rounding, key


def test_what_the_reading_says_comes_out_comes_out_at_once(findings: dict[str, Finding]) -> None:
    out = {ident for ident, one in findings.items() if one.comes_out}
    assert out == set(FIGURES) - set(ARTICLE.cannot) - set(ARTICLE.apart)
    assert set(ARTICLE.cannot).isdisjoint(ARTICLE.apart)


def test_no_corner_of_the_ranges_brings_out_what_cannot_come_out(
    model: Model, free: tuple[Free, ...]
) -> None:
    """`--fit-reading` tries each with all constants free for it alone, which takes minutes; here chance tries."""
    bench = Bench(model, [FIGURES[ident] for ident in ARTICLE.cannot], free)
    corners = np.where(np.random.default_rng(1).random((24, len(free))) < 0.5, bench.low, bench.high)
    assert ARTICLE.cannot
    assert not [one.figure.id for row in bench.find(list(corners)) for one in row if one.comes_out]
