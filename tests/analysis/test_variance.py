"""Where a forecast's spread comes from, and what of it a draw of a national path is."""

from __future__ import annotations

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.forecast.ensemble import prior_draws
from talent_sd.forecast.posterior_draws import NATIONAL_PATHS, PosteriorDraws
from talent_sd.forecast.prepare import prepare
from talent_sd.forecast.spread import SOURCES, forecast_variance, variance_table


@pytest.fixture(scope="module")
def drawn() -> tuple[object, PosteriorDraws]:
    prepared = prepare(["baseline"], "wuxi")
    draws = prior_draws(prepared, 120, 3)
    assert isinstance(draws, PosteriorDraws)
    return prepared, draws


def test_shares_add_up_and_noise_leads(drawn: tuple[object, PosteriorDraws]) -> None:
    table = variance_table(*drawn, ["Residents", "fiscal revenue"]).set_index("variable")  # type: ignore[arg-type]
    np.testing.assert_allclose(table[list(SOURCES)].sum(axis=1), 1, rtol=1e-12)
    assert (table["province"] + table["city"] > 0.5).all()
    assert table.loc["fiscal revenue", "national"] > 0


def test_the_spread_is_that_of_the_forecast(drawn: tuple[object, PosteriorDraws]) -> None:
    table = variance_table(*drawn, ["Residents"])  # type: ignore[arg-type]
    spread = ts.ensemble("baseline", city="wuxi", draws=120, seed=3, outputs=["Residents"])
    last = np.log(spread["Residents"].isel(scenario=0, time=-1))
    assert table["sd"][0] == pytest.approx(float(last.std()), rel=1e-12)


def test_what_has_no_spread_has_no_shares(drawn: tuple[object, PosteriorDraws]) -> None:
    table = variance_table(*drawn, ["city residents"])  # type: ignore[arg-type]
    assert table["sd"].tolist() == [0.0]
    assert table[list(SOURCES)].isna().all(axis=None)


def test_years_are_split_in_years_as_a_tenth_of_a_day_has_a_log_without_a_meaning(
    drawn: tuple[object, PosteriorDraws],
) -> None:
    table = variance_table(*drawn, ["years of balance", "Residents"])  # type: ignore[arg-type]
    assert table["sd_unit"].tolist() == ["year", "log, 1"]
    spread = ts.ensemble("baseline", city="wuxi", draws=120, seed=3, outputs=["years of balance"])
    assert table["sd"][0] == pytest.approx(float(spread["years of balance"].isel(scenario=0, time=-1).std()))


def test_every_draw_is_a_run_on_its_own_national_path(drawn: tuple[object, PosteriorDraws]) -> None:
    prepared, draws = drawn
    spread = ts.ensemble("baseline", city="wuxi", draws=120, seed=3, outputs=["value added"])["value added"]
    model = ts.load_model()
    for draw in (4, 5, 7):
        path = NATIONAL_PATHS[draw % len(NATIONAL_PATHS)]
        params = ts.resolve_scenario("baseline", "wuxi", model.structure, context=path).params()
        own = {**params, **draws.params(params, draw, draw + 1)}
        run = model.run(own, draws.inputs(draw, draw + 1), ["value added"], times=spread["time"].values)
        np.testing.assert_allclose(
            run["value added"].values[0], spread.isel(scenario=0, draw=draw), rtol=1e-12
        )


def test_a_chosen_national_path_holds_in_every_draw() -> None:
    prepared = prepare(["baseline"], "wuxi", national="low_growth")
    draws = prior_draws(prepared, 8, 3)
    fixed = prepared.resolved["baseline"].params()
    assert not any(values.dtype == object for values in draws.params(fixed, 0, 8).values())
    assert "scenario" in draws.identity["national_paths"]


def test_the_headline_outputs_are_split() -> None:
    table = forecast_variance(prepare(["baseline"], "wuxi"), 40, 1)
    assert {"Residents", "City Brand", "social security balance"} <= set(table["variable"])
    assert (table["sd"] > 0).all()
