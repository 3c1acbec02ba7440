"""Talent run from the census to the start of a forecast, among the residents known since."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.engine.runner import Model
from talent_sd.inputs import load_city, read_national
from talent_sd.inputs.city_panel import Panel
from talent_sd.uncertainty.city_runs import RunUp, grown_share
from talent_sd.uncertainty.city_tables import make_window
from talent_sd.uncertainty.posterior import read_posterior
from talent_sd.uncertainty.windows import CENSUS_GAP, RESIDENTS, TERTIARY, Window, run_levels, run_window

CITIES = ("wuxi", "handan", "shenyang", "zhengzhou", "chengdu", "hefei")
NATIONAL = read_national("central")


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel({name: load_city(name) for name in CITIES}, ())


@pytest.fixture(scope="module")
def window(model: Model, panel: Panel) -> Window:
    return make_window(panel, model, NATIONAL, 2013, 2020)


def of(window: Window) -> RunUp:
    assert window.run_up is not None
    return window.run_up


def test_a_start_in_a_census_year_has_none(model: Model, panel: Panel) -> None:
    assert make_window(panel, model, NATIONAL, 2010, 2020).run_up is None


def test_it_goes_from_the_census_to_the_start_with_what_was_known_then(
    model: Model, panel: Panel, window: Window
) -> None:
    run_up, census = of(window), make_window(panel, model, NATIONAL, 2010, 2020)
    assert run_up.years == (2010, 2011, 2012, 2013)
    for name, values in census.constants.items():
        assert values[run_up.runs].tolist() == run_up.constants[name][run_up.runs].tolist()
    known = panel.cities["wuxi"].figures["residents"].values
    own = run_up.residents[:, CITIES.index("wuxi")]
    assert own == pytest.approx(np.log([known[year] for year in run_up.years]), rel=1e-12)


def test_a_city_whose_borders_changed_in_between_is_carried_with_the_nation(
    model: Model, window: Window
) -> None:
    hefei = CITIES.index("hefei")
    assert of(window).runs.tolist() == [name != "hefei" for name in CITIES]
    forecast = run_window(model, window)[TERTIARY][0, 0]
    assert forecast[hefei] == pytest.approx(window.start[TERTIARY][hefei], abs=1e-6)


def test_residents_as_the_model_has_them_give_the_models_own_talent(
    model: Model, panel: Panel, window: Window
) -> None:
    """What is run up to 2013 is what a run from 2010 shows in 2013, where the residents agree."""
    census = make_window(panel, model, NATIONAL, 2010, 2020)
    levels = run_levels(model, census, ("Talent", "Residents"))
    share = np.log(levels["Talent"] / levels["Residents"])[0]
    agreeing = replace(of(window), residents=np.log(levels["Residents"][0, :4]))
    grown = grown_share(model, NATIONAL, agreeing, 1, {}, {})[0]
    assert grown[agreeing.runs] == pytest.approx((share[3] - share[0])[agreeing.runs], abs=2e-5)


def test_more_residents_bring_talent_and_the_forecast_starts_from_it(model: Model, window: Window) -> None:
    run_up = of(window)
    more = replace(run_up, residents=run_up.residents + 0.02 * np.arange(4)[:, None])
    grown, lifted = (grown_share(model, NATIONAL, one, 1, {}, {})[0] for one in (run_up, more))
    change = (lifted - grown)[run_up.runs] + 0.06
    assert np.all((change > 0.03) & (change < 0.09)), "talent comes with residents, about one for one"
    starts = [run_window(model, replace(window, run_up=one))[TERTIARY][0, 0] for one in (run_up, more)]
    assert starts[1] - starts[0] == pytest.approx(lifted - grown, abs=1e-6)


def test_every_draw_and_its_noise_since_the_census_has_a_start_of_its_own(
    model: Model, window: Window
) -> None:
    posterior = read_posterior()
    params = posterior.params(posterior.picked(3, 0))
    noise = {
        name: np.zeros((3, len(CITIES), CENSUS_GAP + 7))
        for name in (
            "residents growth noise",
            "tertiary growth noise",
            "value added growth noise",
            "revenue growth noise",
        )
    }
    quiet = run_window(model, window, params, noise)
    noise["tertiary growth noise"][1, :, CENSUS_GAP - 3 : CENSUS_GAP] = 0.01
    noise["tertiary growth noise"][2, :, : CENSUS_GAP - 3] = 0.01
    moved = run_window(model, window, params, noise)
    gain = (moved[TERTIARY] - quiet[TERTIARY])[:, 0]
    assert gain[0] == pytest.approx(0, abs=1e-9)
    assert gain[2] == pytest.approx(0, abs=1e-9), "noise before the census is in its count"
    assert np.all((gain[1] > 0.015) & (gain[1] < 0.04))  # less where many are graduates
    assert np.ptp(quiet[TERTIARY][:, 0, 0]) > 1e-5
    assert np.ptp(quiet[RESIDENTS][:, 0]) < 1e-6 + np.ptp(window.start[RESIDENTS])


def test_some_of_the_cities_have_the_same_run_up(model: Model, window: Window) -> None:
    keep = np.array([name in ("handan", "chengdu") for name in CITIES])
    some = run_window(model, window.chosen(keep))[TERTIARY]
    assert some == pytest.approx(run_window(model, window)[TERTIARY][:, :, keep], abs=1e-12)


def test_the_noise_of_each_year_since_the_census_counts_once(model: Model, window: Window) -> None:
    name, first = "tertiary growth noise", CENSUS_GAP - 3
    noise = {name: np.zeros((5, len(CITIES), CENSUS_GAP + 7))}
    for draw, years in enumerate(([], [first], [first + 1], [first + 2], range(first, CENSUS_GAP))):
        noise[name][draw, :, list(years)] = 0.01
    starts = run_window(model, window, noise=noise)[TERTIARY][:, 0]
    gains = starts[1:] - starts[0]
    # less where many are graduates already
    assert np.all((gains[:3] > 0.004) & (gains[:3] < 0.012)), "a year's noise is a year's growth"
    np.testing.assert_allclose(gains[:3].sum(axis=0), gains[3], rtol=0.02)
