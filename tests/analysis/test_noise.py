"""Growth noise: as spread, as correlated and as lasting as it says, whoever asks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from talent_sd.uncertainty.noise import (
    LARGEST,
    NOISE_INPUTS,
    NoiseModel,
    fitted_persistence,
    split_covariance,
    summed_variance,
)

PROVINCE = np.diag([0.01, 0.006, 0.02, 0.03]) ** 2
CITY = np.array([[1.0, 0.5, 0.3, 0.2], [0.5, 1, 0.4, 0.1], [0.3, 0.4, 1, 0.6], [0.2, 0.1, 0.6, 1]]) * 0.01**2
NOISE = NoiseModel(np.array([0.8, 0.8, 0.8, 0.3]), PROVINCE, CITY)


def test_draws_have_the_stated_covariances() -> None:
    drawn = NOISE.draw(0, 20_000, ["A", "A", "B"], ["x", "y", "z"], 3, seed=5)
    found = np.stack([drawn[name] for name in NOISE_INPUTS.values()], axis=-1)
    for year in (0, 2):
        np.testing.assert_allclose(np.cov(found[:, 0, year].T), PROVINCE + CITY, atol=4e-5)
    shared = (found[:, 0, 1, :, None] * found[:, 1, 1, None, :]).mean(axis=0)
    np.testing.assert_allclose(shared, PROVINCE, atol=4e-5)
    apart = (found[:, 0, 1, :, None] * found[:, 2, 1, None, :]).mean(axis=0)
    np.testing.assert_allclose(apart, 0, atol=4e-5)


def test_noise_lasts_as_stated() -> None:
    drawn = NOISE.draw(0, 20_000, ["A"], ["x"], 10, seed=5)["revenue growth noise"][:, 0]
    assert np.corrcoef(drawn[:, 4], drawn[:, 5])[0, 1] == pytest.approx(0.3, abs=0.03)
    expected = (PROVINCE + CITY)[3, 3] * summed_variance(np.array([0.3]), 10)[0, 0]
    assert drawn.sum(axis=1).var() == pytest.approx(expected, rel=0.05)


def test_tails_are_students_t_and_the_rest_of_the_draw_stays() -> None:
    alone = NoiseModel(NOISE.persistence, np.zeros((4, 4)), CITY)
    tailed = replace(alone, freedom=np.array([4.0, 4.0, 4.0, 1e7]))
    normal, drawn = (one.draw(0, 20_000, ["A"], ["x"], 6, seed=5) for one in (alone, tailed))
    name = "residents growth noise"
    sums, plain = drawn[name][:, 0].sum(axis=1), normal[name][:, 0].sum(axis=1)
    for share in (0.5, 0.8, 0.95):
        found = np.quantile(np.abs(sums), share) / plain.std()
        assert found == pytest.approx(stats.t.ppf((1 + share) / 2, 4), rel=0.04)
    revenue = "revenue growth noise"
    np.testing.assert_allclose(drawn[revenue], normal[revenue], rtol=1e-3, atol=1e-9)
    scale = drawn[name][:, 0] / normal[name][:, 0]
    free = np.abs(drawn[name][:, 0]).max(axis=1) < LARGEST
    np.testing.assert_allclose(scale[free], np.broadcast_to(scale[free][:, :1], scale[free].shape), rtol=1e-9)
    few = tailed.draw(450, 700, ["A"], ["x"], 6, seed=5)
    np.testing.assert_array_equal(few[name], drawn[name][450:700])


def test_a_city_that_strays_strays_in_all_outcomes() -> None:
    tailed = replace(NOISE, province=np.zeros((4, 4)), city=np.diag(np.diag(CITY)), freedom=np.full(4, 4.0))
    drawn = tailed.draw(0, 20_000, ["A"], ["x"], 8, seed=5)
    sizes = [np.abs(drawn[n][:, 0]).mean(axis=1) for n in ("residents growth noise", "revenue growth noise")]
    assert np.corrcoef(*sizes)[0, 1] > 0.3


def test_a_citys_noise_is_the_same_whoever_else_is_asked_for() -> None:
    many = NOISE.draw(0, 900, ["A", "B"], ["x", "y"], 4, seed=1)
    few = NOISE.draw(450, 700, ["B"], ["y"], 4, seed=1)
    for name in NOISE_INPUTS.values():
        np.testing.assert_array_equal(few[name][:, 0], many[name][450:700, 1])
    other = NOISE.draw(450, 700, ["B"], ["y"], 4, seed=2)
    assert not np.array_equal(other["residents growth noise"], few["residents growth noise"])


def test_no_noise_goes_beyond_the_models_limit() -> None:
    wild = NoiseModel(np.zeros(4), np.eye(4), np.eye(4))
    assert np.abs(wild.draw(0, 50, ["A"], ["x"], 5, 0)["residents growth noise"]).max() == LARGEST


@pytest.mark.parametrize("phi", [0.3, 0.6, 0.85])
def test_persistence_is_found_again(phi: float) -> None:
    variance = {years: 0.01 * summed_variance(np.array([phi]), years)[0, 0] for years in (3, 5, 8, 10)}
    assert fitted_persistence(variance) == pytest.approx(phi, abs=0.01)


def test_persistence_needs_two_horizons() -> None:
    with pytest.raises(ValueError, match="two horizons"):
        fitted_persistence({10: 0.1})


def test_the_split_over_provinces_and_cities_is_found_again() -> None:
    generator = np.random.default_rng(0)
    provinces = np.repeat([f"p{i}" for i in range(400)], 6)
    shared = np.repeat(generator.multivariate_normal(np.zeros(4), PROVINCE, 400), 6, axis=0)
    own = generator.multivariate_normal(np.zeros(4), CITY, len(provinces))
    province, city = split_covariance(shared + own, provinces.tolist())
    np.testing.assert_allclose(city, CITY, rtol=0.15, atol=6e-6)
    np.testing.assert_allclose(np.diag(province), np.diag(PROVINCE), rtol=0.2)


def test_provinces_of_unlike_size_are_split_as_worked_out_by_hand() -> None:
    leftover = np.array([[1.0], [2.0], [3.0], [4.0], [6.0], [9.0]])
    province, city = split_covariance(leftover, ["a", "a", "a", "b", "b", "c"])
    # within: (2 + 2) / (6 - 3); between: 1398/36 / 2; cities of a province: (6 - 14/6) / 2
    assert city.item() == pytest.approx(4 / 3)
    assert province.item() == pytest.approx((1398 / 72 - 4 / 3) / (11 / 6))


def test_of_one_province_nothing_is_shared() -> None:
    province, city = split_covariance(np.array([[1.0], [2.0], [3.0]]), ["a", "a", "a"])
    assert (province.item(), city.item()) == (0.0, 1.0)
