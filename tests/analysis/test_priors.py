"""Uncertain constants are read strictly and stay within the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.engine.runner import Model
from talent_sd.uncertainty.priors import Prior, read_priors


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


def _problems(model: Model, folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "priors.yaml"
    file.write_text("parameters:\n" + text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_priors(model.structure, model.program, file)
    return tuple(problem.removeprefix(str(file)) for problem in caught.value.problems)


def test_every_shipped_prior_names_a_constant_of_the_model_and_holds_its_value(model: Model) -> None:
    priors = read_priors(model.structure, model.program)
    assert len(priors) >= 30
    for prior in priors:
        assert prior.low <= prior.centre <= prior.high
        assert prior.source
        for key in prior.elements:
            assert model.structure[key.partition("[")[0]].kind == "constant"


def test_the_whole_range_of_every_shipped_prior_can_be_run(model: Model) -> None:
    """Lowest and highest values pass the engine's check of the model's limits, and give finite results."""
    priors = read_priors(model.structure, model.program)
    ends = np.array([0.0, 1.0])
    params = {
        key: prior.quantile(ends) * (own if prior.factor else 1)
        for prior in priors
        for key, own in prior.elements.items()
    }
    run = model.run(params=params, outputs=["value added", "Residents"])
    assert np.isfinite(run["value added"].values).all()
    assert not np.allclose(run["value added"][0], run["value added"][1])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "  arrival elastisity: {distribution: uniform, range: [0.02, 0.2], source: s}",
            ":2: unknown constant 'arrival elastisity'. Did you mean 'arrival elasticity'?",
        ),
        (
            "  value added: {distribution: uniform, range: [0.02, 0.2], source: s}",
            ":2: 'value added' is no constant (auxiliary). Name a constant.",
        ),
        (
            "  grant lag: {distribution: uniform, range: [2.6, 4], source: s}",
            ":2: the model's grant lag is 2.5, outside the range [2.6, 4]. "
            "Widen the range, or correct the model.",
        ),
        (
            "  grant lag: {distribution: uniform, range: [1, 4], source: s}",
            ":2: 'grant lag' would range over [1, 4], beyond the model's limits [1.5, 4]. Narrow the range.",
        ),
        (
            "  grant lag: {distribution: normal, range: [2, 4], source: s}",
            ":2: grant lag: `sd` belongs to distribution normal, and only there. Add or remove it.",
        ),
        (
            "  grant lag: {distribution: uniform, range: [4, 2], source: s}",
            ":2: grant lag: the range [4, 2] does not increase. Exchange or correct its ends.",
        ),
        (
            "  mean net migration: {distribution: loguniform, range: [-0.01, 0.01], source: s}",
            ":2: mean net migration: loguniform needs a range above 0, not from -0.01. "
            "Raise it or use uniform.",
        ),
        (
            "  career weight: {distribution: uniform, range: [0.02, 0.2], source: s}",
            ":2: 'career weight' has a value for each tier. Name one, as in 'career weight[leading]', "
            "or add factor: true.",
        ),
        (
            "  'career weight[leader]': {distribution: uniform, range: [0.02, 0.2], source: s}",
            ":2: 'career weight' has no element 'leader'. It has leading, professional, skilled, graduate.",
        ),
        (
            "  career weight: {distribution: uniform, factor: true, range: [2, 3], source: s}",
            ":2: career weight: a factor's range must hold 1, [2, 3] does not. Widen it.",
        ),
        (
            "  grant lag: {distribution: uniform, range: [2, 4], source: s, sigma: 1}",
            ":2: unknown key 'sigma' in grant lag. Known keys: distribution, factor, range, sd, source.",
        ),
    ],
)
def test_a_wrong_prior_is_refused_with_its_line(
    model: Model, tmp_path: Path, entry: str, message: str
) -> None:
    assert _problems(model, tmp_path, entry) == (message,)


def test_all_problems_come_at_once(model: Model, tmp_path: Path) -> None:
    text = (
        "  a: {distribution: uniform, range: [0, 1], source: s}\n"
        "  b: {distribution: uniform, range: [0, 1], source: s}\n"
    )
    assert [problem[:4] for problem in _problems(model, tmp_path, text)] == [":2: ", ":3: "]


def test_one_constant_has_one_prior(model: Model, tmp_path: Path) -> None:
    text = (
        "  career weight: {distribution: uniform, factor: true, range: [0.5, 1.5], source: s}\n"
        "  'career weight[leading]': {distribution: uniform, range: [0.02, 0.2], source: s}\n"
    )
    (problem,) = _problems(model, tmp_path, text)
    assert problem.startswith(":3: 'career weight[leading]' has a prior already, at ")


@pytest.mark.parametrize(
    ("distribution", "sd", "median"),
    [
        ("uniform", None, 2.5),
        ("loguniform", None, 2.0),
        # area left of the peak 2 is 1/3: the median lies where the falling side has 1/2 left
        ("triangular", None, 4 - np.sqrt(0.5 * 3 * 2)),
        ("normal", 0.1, 2.0),
    ],
)
def test_quantiles_are_those_of_the_distribution(distribution: str, sd: float | None, median: float) -> None:
    prior = Prior("x", distribution, 1.0, 4.0, 2.0, sd, False, {"x": 2.0}, "s", "f:1")
    ends = prior.quantile(np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(ends, [1.0, median, 4.0], rtol=1e-12)
    assert (np.diff(prior.quantile(np.linspace(0, 1, 101))) >= 0).all()


@given(
    ends=st.tuples(st.floats(0.01, 1), st.floats(1, 100)),
    chances=st.lists(st.floats(0, 1), min_size=2, max_size=20),
)
def test_half_of_a_split_triangle_lies_on_either_side_of_its_centre(
    ends: tuple[float, float], chances: list[float]
) -> None:
    low, high = ends
    prior = Prior("x", "split triangular", low, high, 1.0, None, False, {"x": 1.0}, "s", "f:1", True)
    values = prior.quantile(np.sort(chances))
    assert (np.diff(values) >= -1e-12).all()
    assert ((values >= low) & (values <= high)).all()
    assert prior.quantile(np.array([0, 0.5, 1])) == pytest.approx([low, 1, high])
    # a triangle on each side: three quarters of it lie in the nearer half
    quarter = prior.quantile(np.array([0.125, 0.875]))
    assert quarter == pytest.approx([(1 + low) / 2, (1 + high) / 2])
