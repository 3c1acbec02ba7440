"""Scores against values worked out by hand, and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talent_sd.backtest.forecast_scores import baseline_forecasts, coverage, crps, interval, province_interval


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12), st.floats(-5, 5))
def test_crps_is_its_definition(draws: list[float], actual: float) -> None:
    values = np.array(draws)
    pairs = np.abs(values[:, None] - values[None, :]).sum() / (len(values) * (len(values) - 1))
    expected = np.abs(values - actual).mean() - pairs / 2
    assert crps(values[:, None], np.array([actual]))[0] == pytest.approx(expected, abs=1e-12)


def test_crps_of_a_normal_forecast_is_the_known_value() -> None:
    draws = np.random.default_rng(1).standard_normal((200_000, 1))
    assert crps(draws, np.zeros(1))[0] == pytest.approx((np.sqrt(2) - 1) / np.sqrt(np.pi), abs=2e-3)


def test_the_interval_of_an_honest_forecast_covers_what_it_claims() -> None:
    generator = np.random.default_rng(2)
    ensemble, actual = generator.standard_normal((500, 4000)), generator.standard_normal(4000)
    assert coverage(ensemble, actual) == pytest.approx(0.8, abs=0.02)
    low, high = interval(ensemble)
    assert (high - low).mean() == pytest.approx(2 * 1.2816, abs=0.02)


def test_a_single_draw_has_no_coverage() -> None:
    assert np.isnan(coverage(np.zeros((1, 3)), np.zeros(3)))


def test_provinces_that_err_alike_widen_the_interval() -> None:
    provinces = np.repeat([f"p{i}" for i in range(20)], 10)
    alike = np.repeat(np.random.default_rng(3).standard_normal(20), 10)
    apart = np.random.default_rng(4).permutation(alike)
    wide, narrow = province_interval(alike, provinces), province_interval(apart, provinces)
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])
    assert wide[0] < alike.mean() < wide[1]


def test_baselines_carry_share_and_trend() -> None:
    found = baseline_forecasts(
        np.array([1.0, 2.0]), np.array([0.2, np.nan]), np.array([10.0, np.nan]), (5.0, 5.3), 5
    )
    np.testing.assert_allclose(found["constant_share"], [1.3, 2.3])
    np.testing.assert_allclose(found["trend_share"], [1.4, np.nan])
    np.testing.assert_allclose(found["damped_trend"], [1.35, np.nan])
