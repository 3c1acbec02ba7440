"""The city as a model of the EMA Workbench, and its priors as a problem of SALib."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.forecast.any_model import prior_name
from talent_sd.uncertainty.priors import read_priors

pytest.importorskip("ema_workbench", reason="needs EMA Workbench: pip install 'talent_sd[optimise]'")


def test_the_city_runs_as_a_model_of_the_ema_workbench_to_the_same_numbers() -> None:
    from ema_workbench import Policy, Scenario, perform_experiments
    from ema_workbench.em_framework.evaluators import SequentialEvaluator

    city = ts.ema_model("wuxi", ["total talent", "Talent"])
    levers = {lever.name: lever.lower_bound for lever in city.levers}
    levers |= {"open labs intensity": 0.008, "open_labs from": 2026, "open_labs until": 2035}
    model = ts.load_model()
    middle = {prior_name(prior): prior.centre for prior in read_priors(model.structure, model.program)}
    middle = {one.name: middle[one.name] for one in city.uncertainties}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with SequentialEvaluator(city) as evaluator:
            _, found = perform_experiments(
                city, [Scenario("own", **middle)], [Policy("labs", **levers)], evaluator=evaluator
            )
    assert float(found["total talent"][0]) == pytest.approx(float(found["Talent"][0]), rel=1e-12)
    assert found["total talent by year"].shape == (1, 13)
    params = ts.resolve_scenario("baseline", "wuxi", model.structure).params()
    params |= {"policy switch[open_labs]": 1.0, "policy start[open_labs]": 2026.0}
    run = model.run(params, outputs=["total talent"], times=np.arange(2022.0, 2035.0))
    np.testing.assert_allclose(found["total talent by year"][0], run["total talent"].values, rtol=1e-9)


def test_salib_samples_the_priors_themselves() -> None:
    from SALib.sample import latin

    problem = ts.salib_problem("wuxi")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sample = latin.sample(problem, 400, seed=1)
    assert sample.shape == (400, problem["num_vars"])
    model = ts.load_model()
    priors = {prior_name(p): p for p in read_priors(model.structure, model.program)}
    for column, name in enumerate(problem["names"]):
        prior = priors[name]
        assert sample[:, column].min() >= prior.low
        assert sample[:, column].max() <= prior.high
        middle = float(prior.quantile(np.array([0.5]))[0])
        assert np.median(sample[:, column]) == pytest.approx(middle, abs=0.02 * (prior.high - prior.low))
