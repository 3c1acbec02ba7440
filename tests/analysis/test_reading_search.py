"""The search for a reading, on figures whose answers are known; the constants that it may move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from talent_sd.engine.runner import load_model
from talent_sd.evidence import reading_search
from talent_sd.evidence.reading_bench import Bench, Free, free_constants, miss
from talent_sd.inputs.evidence_ledger import Figure
from talent_sd.laboratory.cases import Measurement
from talent_sd.laboratory.findings import Finding

COMMON = {"topic": "t", "unit": "u", "statement": "s", "reading": "r", "test": "t", "experiment": "e"}


def figure(ident: str, value: float | None, tolerance: float = 0.1, bound: str = "") -> Figure:
    return Figure(id=ident, role="calibrate", value=value, tolerance=tolerance, bound=bound, **COMMON)


def constant(key: str, low: float, high: float) -> Free:
    return Free(key, {key: 0.0}, low, high, 1.0, False, "priors.yaml")


@dataclass
class Known(Bench):
    """A bench whose figures are functions of the point."""

    functions: dict[str, Callable[[np.ndarray], float]]

    def __init__(self, figures: Sequence[Figure], free: Sequence[Free], functions: dict) -> None:
        self.figures, self.free, self.functions = tuple(figures), tuple(free), functions
        self.low = np.array([(one.low - one.centre) / one.sd for one in free])
        self.high = np.array([(one.high - one.centre) / one.sd for one in free])

    def of(self, figures: Sequence[Figure]) -> Known:
        return Known(figures, self.free, self.functions)

    def find(self, points, cut=None) -> list[list[Finding]]:
        return [
            [Finding(one, Measurement(self.functions[one.id](point))) for one in self.figures]
            for point in points
        ]


def search(monkeypatch: pytest.MonkeyPatch, bench: Known) -> reading_search.Found:
    monkeypatch.setattr(reading_search, "Bench", lambda model, figures, free: bench)
    monkeypatch.setattr(reading_search, "_with_loops", lambda bench, alone: alone)
    return reading_search.search_reading(None, bench.figures, bench.free)


def test_the_least_moves_bring_all_out(monkeypatch: pytest.MonkeyPatch) -> None:
    free = [constant("a", -3, 3), constant("b", -3, 3), constant("idle", -3, 3)]
    bench = Known(
        [figure("E01", 2.0), figure("E02", 0.0)],
        free,
        {"E01": lambda p: p[0] + p[1], "E02": lambda p: p[0] - p[1]},
    )
    found = search(monkeypatch, bench)
    assert all(one.comes_out for one in found.findings)
    assert found.point == pytest.approx(
        [0.96, 0.96, 0], abs=0.02
    )  # halves of the nearest edge, a margin kept
    assert not found.cannot
    assert found.distance == pytest.approx(np.hypot(0.96, 0.96), abs=0.03)


def test_a_figure_beyond_every_range_cannot_come_out_and_costs_no_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = [constant("a", -1, 1), constant("b", -2, 1)]
    bench = Known(
        [figure("E01", 9.0), figure("E02", 0.5)],
        free,
        {"E01": lambda p: p[0] - 2 * p[1], "E02": lambda p: p[0]},
    )
    found = search(monkeypatch, bench)
    assert list(found.cannot) == ["E01"]
    assert found.cannot["E01"].finding.measurement.value == pytest.approx(5.0)  # both at the end that helps
    assert found.findings[1].comes_out
    assert found.point[1] == 0


def test_a_figure_that_no_constant_moves_cannot_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Known([figure("E01", 9.0)], [constant("a", -1, 1)], {"E01": lambda p: 5.0})
    found = search(monkeypatch, bench)
    assert list(found.cannot) == ["E01"]
    assert not found.point.any()


def test_figures_at_odds_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    free = [constant("a", -3, 3)]
    bench = Known(
        [figure("E01", 1.0), figure("E02", -2.0)], free, {"E01": lambda p: p[0], "E02": lambda p: p[0]}
    )
    found = search(monkeypatch, bench)
    assert not found.cannot
    assert len(found.apart) >= 1
    assert sum(one.comes_out for one in found.findings) + len(found.apart) == 2


def test_a_bound_has_a_good_side() -> None:
    over, under = figure("E01", 1.0, bound="at_least"), figure("E02", 1.0, bound="at_most")
    assert over.met_by(5.0)
    assert not over.met_by(0.8)
    assert under.met_by(-5.0)
    assert not under.met_by(1.2)


def test_a_miss_keeps_its_sign_and_adds_what_conditions_lack() -> None:
    one = figure("E01", 1.0)
    assert miss(Finding(one, Measurement(1.05))) == 0
    assert miss(Finding(one, Measurement(1.3))) == pytest.approx(2.1)
    assert miss(Finding(one, Measurement(0.7))) == pytest.approx(-2.1)
    assert miss(Finding(one, Measurement(1.0, (("c", False),), lacking=0.4))) == pytest.approx(0.4)
    assert miss(Finding(one, Measurement(float("inf"), stand_in=3.0))) == pytest.approx(2.1)


def test_free_constants_are_views_of_the_world_inside_the_models_limits() -> None:
    model = load_model()
    found = {one.key: one for one in free_constants(model)}
    settings = (
        "policy ",
        "loop closed",
        "city ",
        "core team exit",
        "cohort",
        "INITIAL",
        "TIME STEP",
        "national ",
    )
    assert not [key for key in found if key.startswith(settings)]
    assert {"product over pay", "cluster midpoint", "newcomer hazard reference"} <= set(found)
    elements = [key for one in found.values() for key in one.own]
    assert len(elements) == len(set(elements))
    for one in found.values():
        assert one.low <= one.centre <= one.high
        lowest, highest = model.structure.variables[one.key.split("[")[0]].limits
        for end in (one.low, one.high):
            for value in one.values(end).values():
                assert lowest is None or value >= lowest - 1e-9
                assert highest is None or value <= highest + 1e-9
