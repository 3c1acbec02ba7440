"""Calibration: the surrogate, the likelihood, and constants that are found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.calibration.fit import Calibration, SamplerSettings
from talent_sd.calibration.likelihood import EvidenceTarget, feature_count, fit_surrogate
from talent_sd.engine.runner import Model
from talent_sd.inputs import Panel, load_city, read_national
from talent_sd.inputs.evidence_ledger import read_evidence
from talent_sd.uncertainty.city_tables import make_window
from talent_sd.uncertainty.fitted_constants import Beliefs, read_beliefs
from talent_sd.uncertainty.growth_target import (
    Target,
    estimate_errors,
    log_likelihood,
    make_target,
    quadratic_likelihood,
)
from talent_sd.uncertainty.windows import OUTCOMES, Window, run_window

FILE = """parameters:
  wealth effect on migration: {mean: 0, sd: 0.015, range: [-0.01, 0.05], source: a test}
  convergence rate: {mean: 0.02, sd: 0.02, range: [0, 0.08], source: a test}
  revenue reversion rate: {mean: 0.05, sd: 0.05, range: [0, 0.2], source: a test}
"""
TRUTH = np.array([[0.022, 0.045, 0.09]])


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


@pytest.fixture(scope="module")
def beliefs(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Beliefs:
    file = tmp_path_factory.mktemp("beliefs") / "calibration.yaml"
    file.write_text(FILE, encoding="utf-8")
    return read_beliefs(model, file)


@pytest.fixture(scope="module")
def window(model: Model, beliefs: Beliefs) -> Window:
    """The shipped cities, as if they had grown by the model with known constants, and a little chance."""
    panel = Panel({name: load_city(name) for name in ts.list_cities() if name != "average"}, ())
    real = make_window(panel, model, read_national("central"), 2010, 2020)
    grown = run_window(model, real, beliefs.params(TRUTH))
    generator = np.random.default_rng(8)
    invented = {
        name: grown[name][0] + 0.02 * generator.standard_normal(grown[name][0].shape) for name in OUTCOMES
    }
    return replace(real, actual=invented)


def test_a_surrogate_is_exact_for_a_quadratic() -> None:
    generator = np.random.default_rng(1)
    values = generator.uniform(-2, 3, (60, 3))
    outputs = np.stack([1 + values[:, 0] * values[:, 2], values[:, 1] ** 2 - values[:, 0]], axis=1)
    surrogate = fit_surrogate(values, outputs)
    assert surrogate.error.max() < 1e-12
    np.testing.assert_allclose(surrogate(np.array([[1.0, 2.0, 3.0]])), [[4.0, 3.0]], atol=1e-12)


def test_a_surrogate_needs_enough_runs() -> None:
    with pytest.raises(ValueError, match=f"cannot fix {feature_count(3)} coefficients"):
        fit_surrogate(np.zeros((8, 3)), np.zeros((8, 1)))


def test_both_forms_of_the_likelihood_agree_also_where_figures_are_missing() -> None:
    generator = np.random.default_rng(2)
    actual = generator.standard_normal((20, 3))
    errors = estimate_errors(actual, np.repeat(["a", "b", "c", "d"], 5))
    actual[3, 1] = actual[7] = np.nan
    target = Target((("x", 1), ("y", 1), ("z", 1)), actual, np.repeat(["a", "b", "c", "d"], 5))
    values = generator.standard_normal((30, 2))
    coefficients = generator.standard_normal((6, 60))
    surrogate = fit_surrogate(
        values, fit_surrogate(values, np.zeros((30, 60))).features(values) @ coefficients
    )
    draws = generator.standard_normal((4, 2))
    direct = log_likelihood(target, errors, surrogate(draws).reshape(4, 20, 3))
    quick = quadratic_likelihood(target, errors, surrogate.coefficients)(surrogate.features(draws))
    np.testing.assert_allclose(quick, direct, rtol=1e-9)


def test_errors_that_provinces_share_count_less() -> None:
    generator = np.random.default_rng(3)
    provinces = np.repeat([f"p{i}" for i in range(30)], 8)
    apart = generator.standard_normal((240, 2))
    alike = np.repeat(generator.standard_normal((30, 2)), 8, axis=0) + 0.1 * apart
    assert estimate_errors(apart, provinces).design_effect == pytest.approx(1, abs=0.5)
    assert estimate_errors(alike, provinces).design_effect == pytest.approx(8, abs=0.5)
    apart[0] = 30
    assert estimate_errors(apart, provinces).weight[0] < 0.05


def _calibration(model: Model, window: Window, beliefs: Beliefs, **options: object) -> Calibration:
    size = SamplerSettings(ensembles=2, walkers=16, steps=400, kept=150, shipped=100)
    return Calibration(model, window, beliefs, 5, size, **options)  # type: ignore[arg-type]


def test_known_constants_are_found_again_and_a_stopped_fit_goes_on(
    model: Model, window: Window, beliefs: Beliefs
) -> None:
    kept: dict[str, np.ndarray] = {}
    whole = _calibration(model, window, beliefs, keep=kept.update).fit()
    off = (whole.draws.mean(axis=0) - TRUTH[0]) / whole.draws.std(axis=0)
    assert np.abs(off).max() < 3.5
    assert (whole.draws.std(axis=0) < 0.5 * beliefs.sd).all()
    assert whole.diagnostics["weights_effective_share"] > 0.8
    assert all(found["r_hat"] < 1.1 for found in whole.diagnostics["parameters"].values())
    half = {name: part for name, part in kept.items() if name in ("first", "second", "chain 0")}
    again = _calibration(model, window, beliefs, state=half).fit()
    np.testing.assert_array_equal(again.draws, whole.draws)


def test_work_done_adds_up(model: Model, window: Window, beliefs: Beliefs) -> None:
    amounts: list[int] = []
    task = _calibration(model, window, beliefs, done=lambda amount: amounts.append(int(amount)))
    task.fit()
    assert sum(amounts) == task.work


def test_the_target_is_the_last_year_that_most_cities_know(window: Window) -> None:
    late = window.actual["residents"].copy()
    late[-1, : len(window.cities) // 2 + 1] = np.nan
    target = make_target(replace(window, actual={**window.actual, "residents": late}))
    assert dict(target.columns) == {"tertiary_educated": 10, "residents": 9, "gdp": 10, "fiscal_revenue": 10}
    nothing = {name: np.full_like(values, np.nan) for name, values in window.actual.items()}
    with pytest.raises(InputError, match="most cities have no figures after 2010 to 2020"):
        make_target(replace(window, actual=nothing))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("convergence rate", "convergence rats"),
         r":3: 'convergence rats' is no constant of the model. Did you mean 'convergence rate'"),
        (lambda text: text.replace("[0, 0.08]", "[0, 8]"), r":3: 'convergence rate' would range over \[0, 8\]"),
        (lambda text: text.replace("mean: 0.05", "mean: 0.5"), r"the mean 0.5 lies outside \[0, 0.2\]"),
        (lambda text: text.replace("convergence rate", "pay weight"), "Add factor: true"),
    ],
)  # fmt: skip
def test_wrong_beliefs_are_refused(
    model: Model, tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    file = tmp_path / "calibration.yaml"
    file.write_text(change(FILE), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_beliefs(model, file)


def test_the_articles_figures_pull_draws_towards_them(model: Model, window: Window, beliefs: Beliefs) -> None:
    figure = next(f for f in read_evidence() if f.id == "E16")
    target = EvidenceTarget(model, [figure, next(f for f in read_evidence() if f.role == "policy")])
    assert [f.id for f in target.figures] == ["E16"]
    values = np.repeat(TRUTH, 3, axis=0) * np.array([[0.5], [1.0], [1.4]])
    measured = target.measure_draws(beliefs.params(values))
    assert measured.shape == (3, 1)
    off = (measured[:, 0] - figure.target) / figure.allowance
    np.testing.assert_allclose(target.log_likelihood(measured), -0.5 * off**2)
    assert len(np.unique(measured)) == 3


def test_a_fit_tells_what_the_articles_figures_come_to(
    model: Model, window: Window, beliefs: Beliefs
) -> None:
    target = EvidenceTarget(model, [f for f in read_evidence() if f.id == "E16"])
    amounts: list[int] = []
    task = _calibration(model, window, beliefs, evidence=target, done=lambda work: amounts.append(int(work)))
    found = task.fit()
    told = found.diagnostics["evidence"]["E16"]
    assert told["median"] == pytest.approx(2.4, abs=0.6)
    assert 0 <= told["met"] <= 1
    assert sum(amounts) == task.work
