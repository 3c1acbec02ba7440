"""Draws follow from seed, number and names, and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from talent_sd.base.errors import InputError
from talent_sd.uncertainty.prior_draws import PriorDraws, draw_priors
from talent_sd.uncertainty.priors import Prior


def _prior(key: str, low: float = 0.0, high: float = 1.0, *, factor: bool = False) -> Prior:
    elements = {f"{key}[a]": 2.0, f"{key}[b]": 3.0} if factor else {key: 0.5}
    return Prior(key, "uniform", low, high, 0.5, None, factor, elements, "source", "file:1")


def _draw(*keys: str, draws: int = 64, seed: int = 0, method: str = "latin") -> PriorDraws:
    return draw_priors([_prior(key) for key in keys], draws, seed, method)


def test_latin_hypercube_has_one_draw_in_every_slice() -> None:
    columns = _draw("x", "y", draws=50).columns
    for column in columns:
        assert sorted(np.ceil(column * 50).astype(int)) == list(range(1, 51))
    assert abs(np.corrcoef(columns)[0, 1]) < 0.5


def test_seed_zero_is_a_seed_like_any_other() -> None:
    assert np.array_equal(_draw("x").columns, _draw("x").columns)
    assert not np.array_equal(_draw("x").columns, _draw("x", seed=1).columns)


def test_another_parameter_leaves_the_draws_as_they_were() -> None:
    assert np.array_equal(_draw("x").columns[0], _draw("y", "x").columns[1])
    assert not np.array_equal(_draw("x").columns[0], _draw("y").columns[0])


def test_sobol_fills_every_half_evenly() -> None:
    columns = _draw("x", "y", draws=64, method="sobol").columns
    assert ((columns < 0.5).sum(axis=1) == 32).all()
    assert ((columns < 0.5).all(axis=0)).sum() == 16
    assert np.array_equal(columns, _draw("x", "y", draws=64, method="sobol").columns)
    assert not np.array_equal(columns, _draw("x", "y", draws=64, seed=1, method="sobol").columns)


def test_equal_draws_have_equal_identity_and_others_not() -> None:
    assert _draw("x").identity == _draw("x").identity
    others = [_draw("y"), _draw("x", seed=1), _draw("x", draws=32), _draw("x", method="sobol")]
    assert all(other.identity != _draw("x").identity for other in others)


def test_a_block_is_a_part_of_the_whole() -> None:
    draws = _draw("x", "y")
    assert np.array_equal(draws.values(10, 20), draws.values(0, 64)[10:20])
    part, whole = draws.params({}, 10, 20), draws.params({}, 0, 64)
    assert all(np.array_equal(part[key], whole[key][10:20]) for key in whole)


def test_what_a_scenario_sets_is_not_drawn_and_a_factor_multiplies_it() -> None:
    draws = draw_priors([_prior("x"), _prior("w", 0.5, 1.5, factor=True)], 8, 0)
    assert draws.names == ("x", "w (factor)")
    factor = draws.columns[1]
    free = draws.params({}, 0, 8)
    assert set(free) == {"x", "w[a]", "w[b]"}
    np.testing.assert_array_equal(free["w[b]"], factor * 3.0)
    fixed = draws.params({"x": 0.7, "w[a]": 5.0}, 0, 8)
    assert set(fixed) == {"w[a]", "w[b]"}
    np.testing.assert_array_equal(fixed["w[a]"], factor * 5.0)


@pytest.mark.parametrize(
    ("draws", "seed", "method", "message"),
    [
        (0, 0, "latin", "0 draws. Ask for at least one."),
        (8, -1, "latin", "the seed -1 is not between 0 and 2^63 - 1."),
        (8, 0, "latim", "unknown sampling 'latim'. Did you mean 'latin'? Use latin or sobol."),
        (100, 0, "sobol", "Sobol points come in powers of two. Ask for 64 or 128 draws, not 100."),
    ],
)
def test_wrong_numbers_are_refused(draws: int, seed: int, method: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        _draw("x", draws=draws, seed=seed, method=method)
    assert caught.value.problems == (message,)
