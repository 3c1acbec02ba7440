"""Judging every city without its province: folds, noise from what such fits leave over, real GDP."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.backtest.forecast_scores import coverage
from talent_sd.backtest.run_backtest import run_backtest, run_cross_fitted
from talent_sd.base.errors import InputError
from talent_sd.calibration import noise_fit
from talent_sd.calibration.fit import province_folds
from talent_sd.calibration.noise_fit import Judged, estimate_noise, judged_apart
from talent_sd.engine.runner import Model
from talent_sd.inputs import Panel, load_city, read_national
from talent_sd.uncertainty.city_tables import make_window
from talent_sd.uncertainty.fitted_constants import Beliefs, read_beliefs
from talent_sd.uncertainty.growth_target import national_growth, real_growth_share, real_levels
from talent_sd.uncertainty.noise import NOISE_INPUTS, NoiseModel
from talent_sd.uncertainty.posterior import make_posterior, read_posterior
from talent_sd.uncertainty.windows import CENSUS_GAP, GDP, GDP_REAL, OUTCOMES, RESIDENTS, Window, run_window


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


@pytest.fixture(scope="module")
def beliefs(model: Model) -> Beliefs:
    return read_beliefs(model)


@pytest.fixture(scope="module")
def window(model: Model) -> Window:
    panel = Panel({name: load_city(name) for name in ts.list_cities() if name != "average"}, ())
    return make_window(panel, model, read_national("central"), 2010, 2020)


def test_folds_hold_whole_provinces_and_much_the_same_number_of_cities() -> None:
    provinces = [f"p{i}" for i in range(27) for _ in range(3 + i % 5)]
    dealt = province_folds(provinces, seed=1)
    assert set(dealt) == set(provinces)
    cities = np.bincount([dealt[name] for name in provinces])
    assert len(cities) == 8
    assert cities.max() - cities.min() <= 7
    assert province_folds(provinces, seed=1) == dealt != province_folds(provinces, seed=2)
    assert set(province_folds(["a", "b", "b"], seed=1).values()) == {0, 1}


def test_each_city_is_forecast_by_the_fit_that_left_its_province_out(
    model: Model, window: Window, beliefs: Beliefs
) -> None:
    names = sorted(set(window.provinces))
    dealt = {name: place % 2 for place, name in enumerate(names[:-1])}
    best = np.stack([beliefs.mean, beliefs.mean + 0.5 * beliefs.sd])
    (judged,) = judged_apart(model, [window], beliefs, dealt, best)
    assert set(judged.window.provinces) == set(names[:-1])
    for number in (0, 1):
        run = run_window(model, judged.window, beliefs.params(best[number][None]))
        some = np.array([dealt[name] == number for name in judged.window.provinces])
        np.testing.assert_array_equal(judged.forecast[GDP][:, some], run[GDP][0][:, some])


def _many(window: Window, times: int) -> Window:
    """Repeat a window's cities under other names, each in a province of its own."""
    whole = window.chosen(np.tile(np.arange(len(window.cities)), times))
    numbers = range(len(whole.cities))
    return replace(
        whole, cities=tuple(f"c{n}" for n in numbers), provinces=tuple(f"p{n // 4}" for n in numbers)
    )


SIZE = np.diag([0.010, 0.007, 0.03, 0.06]) ** 2
TRUE = NoiseModel(np.array([0.8, 0.8, 0.5, 0.3]), 0.5 * SIZE, 0.5 * SIZE, 1.0, np.full(4, 5.0))


def _grown(model: Model, many: Window, best: dict[str, np.ndarray], seed: int) -> Window:
    """Return a window whose figures the model made with the true noise."""
    noise = TRUE.draw(0, 1, many.provinces, many.cities, CENSUS_GAP + 10, seed)
    levels = run_window(model, many, best, noise)
    return replace(many, actual={name: levels[name][0] for name in OUTCOMES})


def test_tails_that_made_the_figures_are_found_again(
    model: Model, window: Window, beliefs: Beliefs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise_fit, "CHECKS", 0)  # they set sizes, and leave tails as they are
    many = _many(window, 20)
    best = beliefs.params(beliefs.mean[None])
    central = {name: levels[0] for name, levels in run_window(model, many, best).items()}
    found = []
    for first in range(1, 17, 2):
        judged = [Judged(_grown(model, many, best, seed), central) for seed in (first, first + 1)]
        found.append(estimate_noise(model, judged, best, best).freedom)
    # 560 leftovers tell tails roughly: of eight histories the middle one counts, against a true 5
    middle = np.median(np.array(found, float), axis=0)
    assert ((middle > 3) & (middle < 10)).all(), middle


def test_noise_that_made_the_figures_is_found_again_and_covers_them(
    model: Model, window: Window, beliefs: Beliefs
) -> None:
    many = _many(window, 20)
    best = beliefs.params(beliefs.mean[None])

    def grown(seed: int) -> Window:
        return _grown(model, many, best, seed)

    central = {name: levels[0] for name, levels in run_window(model, many, best).items()}
    judged = [Judged(grown(seed), central) for seed in (1, 2)]
    drawn = {key: np.repeat(value, 120) for key, value in best.items()}
    found = estimate_noise(model, judged, best, drawn)
    # what GDP strays by reaches revenue as well, so revenue's own noise is found a fifth too large: wide, not narrow
    size = np.sqrt(np.diag(found.province + found.city)[1:])
    np.testing.assert_allclose(size[:2], np.sqrt(np.diag(SIZE)[1:3]), rtol=0.2)
    assert 0.06 / 1.2 < size[2] < 0.06 * 1.27
    np.testing.assert_allclose(found.persistence[1:], TRUE.persistence[1:], atol=0.15)
    shared = np.diag(found.province) / np.diag(found.province + found.city)
    np.testing.assert_allclose(shared[1:], 0.5, atol=0.2)
    fresh = grown(3)
    spread = run_window(
        model, fresh, {key: value[:100] for key, value in drawn.items()},
        found.draw(0, 100, fresh.provinces, fresh.cities, CENSUS_GAP + 10, 9),
    )  # fmt: skip
    for name in OUTCOMES:
        for share in (0.5, 0.8, 0.95):
            inside = coverage(spread[name][:, -1], fresh.actual[name][-1], share)
            assert inside == pytest.approx(share, abs=0.07), (name, share)


def test_noise_needs_figures(model: Model, window: Window, beliefs: Beliefs) -> None:
    best = beliefs.params(beliefs.mean[None])
    central = {name: levels[0] for name, levels in run_window(model, window, best).items()}
    nothing = {**window.actual, GDP: np.full_like(window.actual[GDP], np.nan)}
    with pytest.raises(ValueError, match="no window has figures of gdp"):
        estimate_noise(model, [Judged(replace(window, actual=nothing), central)], best, best)


def test_every_city_is_judged_by_a_posterior_without_it(
    model: Model, window: Window, beliefs: Beliefs
) -> None:
    noise = read_posterior().noise
    half = len(window.cities) // 2
    sets = [window.cities[:half], window.cities[half:]]
    draws = [np.tile(beliefs.mean + shift * beliefs.sd, (5, 1)) for shift in (0, 0.5)]
    both = [make_posterior(beliefs, d, noise, fitted, {}) for d, fitted in zip(draws, sets, strict=True)]
    test = run_cross_fitted(model, window, both, draws=4, seed=2)
    assert not test.fitted.any()
    for posterior, some in zip(both, (slice(half, None), slice(0, half)), strict=True):
        alone = run_backtest(model, window, posterior, draws=4, seed=2)
        for outcome in (*OUTCOMES, GDP_REAL):
            np.testing.assert_array_equal(test.spread[outcome][..., some], alone.spread[outcome][..., some])
    everywhere = make_posterior(beliefs, draws[0], noise, window.cities, {})
    with pytest.raises(
        InputError, match=f"{window.cities[0]} took part in every fit. Give the cross_fit.json"
    ):
        run_cross_fitted(model, window, [everywhere], draws=4)


def test_real_gdp_keeps_its_share_where_gains_are_prices_alone(window: Window) -> None:
    gain = np.linspace(-0.3, 0.3, len(window.cities))
    nominal = (
        window.start[GDP] + national_growth(window, GDP)[:, None] + np.linspace(0, 1, 11)[:, None] * gain
    )[None]
    nation = window.real[0] + national_growth(window, GDP_REAL)[:, None]
    np.testing.assert_allclose(real_levels(window, nominal, 0.0)[0], nation)
    np.testing.assert_allclose(real_levels(window, nominal, 1.0)[0][-1], nation[-1] + gain)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_real_part_of_gains_is_found_again(window: Window, share: float) -> None:
    gain = np.linspace(-0.3, 0.3, len(window.cities))
    nominal = (
        window.start[GDP] + national_growth(window, GDP)[:, None] + np.linspace(0, 1, 11)[:, None] * gain
    )
    known = replace(window, real=real_levels(window, nominal[None], share)[0])
    assert real_growth_share([(known, nominal)]) == pytest.approx(share)
    unknown = replace(window, real=np.full_like(window.real, np.nan))
    assert real_growth_share([(unknown, nominal)]) == 1.0


def test_every_noise_input_is_the_models(model: Model) -> None:
    assert set(NOISE_INPUTS.values()) <= set(model.structure.variables)
    assert RESIDENTS in NOISE_INPUTS
