"""Years and labels stay with their values: signals that are another every year, numbers that cannot be swapped."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.backtest.run_backtest import Backtest, forecast_table, run_backtest
from talent_sd.engine.runner import Model
from talent_sd.forecast.ensemble import prior_draws
from talent_sd.forecast.posterior_draws import PosteriorDraws
from talent_sd.forecast.prepare import Prepared, prepare
from talent_sd.forecast.spread import variance_table
from talent_sd.inputs import DatedFigure, Panel, load_city, read_national
from talent_sd.uncertainty.city_tables import make_window
from talent_sd.uncertainty.noise import NoiseModel
from talent_sd.uncertainty.posterior import read_posterior
from talent_sd.uncertainty.windows import GDP, RESIDENTS, Window, run_levels

BEFORE = 10
"""Years of noise before the start: the census is at most so long ago."""
SHARE = "city tertiary share"
SIZES = {
    "tertiary growth noise": 1.0,
    "residents growth noise": 0.8,
    "value added growth noise": 0.6,
    "revenue growth noise": 0.4,
}
"""Each noise input's signal has a size of its own."""


def yearly(years: int) -> np.ndarray:
    """Return noise that is another each year, and its steps too; within the model's limits."""
    return 1e-4 * np.arange(1.0, years + 1) ** 2


@dataclass(frozen=True)
class Signal:
    """Noise that tells its year, in place of random one."""

    province: np.ndarray
    city: np.ndarray

    def draw(
        self, first: int, last: int, _provinces: object, cities: list[str], years: int, _seed: int
    ) -> dict[str, np.ndarray]:
        values = np.broadcast_to(yearly(years), (last - first, len(cities), years))
        return {name: size * values for name, size in SIZES.items()}


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare(["baseline"], "wuxi")


@pytest.fixture(scope="module")
def drawn(prepared: Prepared) -> PosteriorDraws:
    draws = prior_draws(prepared, 80, 3)
    assert isinstance(draws, PosteriorDraws)
    return draws


@pytest.fixture(scope="module")
def signalled(drawn: PosteriorDraws) -> PosteriorDraws:
    noise = Signal(drawn.posterior.noise.province, drawn.posterior.noise.city)
    return replace(drawn, posterior=replace(drawn.posterior, noise=noise))


def midway(values: np.ndarray) -> np.ndarray:
    """Return what holds at the turn of each year: half of either year's; beyond the ends the outermost."""
    return np.concatenate([values[:1], (values[:-1] + values[1:]) / 2, values[-1:]])


def window_of(start: int, end: int, *, without: tuple[int, ...] = ()) -> Window:
    """Return the window of three shipped cities whose residents and GDP go another way each year."""
    cities = {}
    for number, name in enumerate(("hefei", "wuxi", "handan")):
        city = load_city(name)
        levels = {
            year: 4e6 * (1 + number) * np.exp(0.001 * (year - 1999) ** 1.7)
            for year in range(1999, 2025)
            if year not in without
        }
        figures = city.figures | {
            "residents": DatedFigure(levels, "person"),
            "gdp": DatedFigure({year: 5e4 * level**1.02 for year, level in levels.items()}, "yuan/year"),
        }
        cities[name] = replace(city, figures=figures)
    return make_window(Panel(cities, ()), ts.load_model(), read_national("central"), start, end)


@pytest.mark.parametrize("age", [1, 2, 5, 10])
def test_a_citys_share_has_strayed_by_the_noise_of_the_years_since_its_census(
    signalled: PosteriorDraws, age: int
) -> None:
    place = signalled.place
    assert place is not None
    assert place.census_age == 2  # the census of 2020, the start in 2022
    old = replace(signalled, place=replace(place, census_age=age))
    found = old.params({SHARE: 0.2}, 0, 3)[SHARE]
    np.testing.assert_allclose(found, 0.2 * np.exp(yearly(BEFORE)[BEFORE - age :].sum()), rtol=1e-12)


def test_a_share_counted_at_the_start_has_not_strayed(signalled: PosteriorDraws) -> None:
    assert signalled.place is not None
    fresh = replace(signalled, place=replace(signalled.place, census_age=0))
    assert SHARE not in fresh.params({SHARE: 0.2}, 0, 3)


def test_each_forecast_years_noise_is_felt_in_the_middle_of_its_own_year(
    model: Model, prepared: Prepared, signalled: PosteriorDraws
) -> None:
    params = next(iter(prepared.resolved.values())).params()
    years = np.arange(2022, 2034)
    run = model.run(
        params,
        signalled.inputs(0, 2),
        list(SIZES),
        times=np.sort(np.concatenate([years, years + 0.5, [2034]])),
        initial_time=2022,
        final_time=2034,
    ).isel(draw=0)
    for name, size in SIZES.items():
        own = size * yearly(BEFORE + 12)[BEFORE:]
        np.testing.assert_allclose(run[name].sel(time=years + 0.5), own, rtol=1e-12)
        np.testing.assert_allclose(run[name].sel(time=[*years, 2034]), midway(own), rtol=1e-12)


def test_a_back_tests_noise_is_felt_in_the_middle_of_its_own_year(model: Model) -> None:
    window = window_of(2010, 2020)
    values = yearly(BEFORE + 10)
    apart = np.array([1.0, 0.5, 0.25])[:, None] * values  # cities, years
    noise = {name: size * np.stack([apart, 0.9 * apart]) for name, size in SIZES.items()}
    found = run_levels(model, window, tuple(SIZES), noise=noise)
    for name, size in SIZES.items():
        for draw, scale in enumerate((1.0, 0.9)):
            for city, own in enumerate((1.0, 0.5, 0.25)):
                expected = midway(size * scale * own * values[BEFORE:])
                np.testing.assert_allclose(found[name][draw, :, city], expected, rtol=1e-12)


def test_in_a_back_test_each_citys_share_strays_since_its_own_census(model: Model) -> None:
    window = replace(window_of(2010, 2020), census_age=np.array([0, 3, 10]))
    values = np.broadcast_to(yearly(BEFORE + 10), (1, 3, BEFORE + 10))
    noise = {name: size * values for name, size in SIZES.items()}
    found = run_levels(model, window, (SHARE,), noise=noise)[SHARE]
    gone = [0.0, values[0, 0, 7:10].sum(), values[0, 0, :10].sum()]
    np.testing.assert_allclose(found[0, 0], window.constants[SHARE] * np.exp(gone), rtol=1e-12)


@pytest.mark.parametrize("place", range(4))
def test_each_variance_is_that_of_its_own_input(place: int) -> None:
    alone = np.zeros((4, 4))
    alone[place, place] = 1e-4
    noise = NoiseModel(np.zeros(4), alone, alone)
    drawn = noise.draw(0, 3, ["A"], ["x"], 4, seed=1)
    assert [bool(np.abs(drawn[name]).min() > 0) for name in SIZES] == [row == place for row in range(4)]


def test_past_growth_is_of_the_ten_years_before_the_start_against_the_nations() -> None:
    national = read_national("central")
    for start, without, first in (
        (2010, (), 2000),
        (2010, (2000,), 2001),
        (2010, (2000, 2001, 2002), 2003),
        (2012, (), 2002),
    ):
        window = window_of(start, start + 8, without=without)
        own = 0.001 * ((start - 1999) ** 1.7 - (first - 1999) ** 1.7)
        for outcome, rise in ((RESIDENTS, own), (GDP, 1.02 * own)):
            nation = np.log(national.value(outcome, start) / national.value(outcome, first))
            np.testing.assert_array_equal(window.past_years[outcome], start - first)
            np.testing.assert_allclose(window.past[outcome], rise - nation, rtol=1e-9)


def test_no_past_growth_is_told_from_less_than_seven_years() -> None:
    window = window_of(2010, 2020, without=(2000, 2001, 2002, 2003))
    assert np.isnan(window.past[RESIDENTS]).all()
    assert np.isnan(window.past_years[RESIDENTS]).all()


def test_what_happened_stands_at_its_year_and_city() -> None:
    window = window_of(2012, 2020)
    assert window.years == tuple(range(2012, 2021))
    rise = 0.001 * (np.arange(2012, 2021) - 1999.0) ** 1.7
    expected = rise[:, None] + np.log([4e6, 8e6, 12e6])
    np.testing.assert_allclose(window.actual[RESIDENTS], expected, rtol=1e-12)
    np.testing.assert_allclose(window.start[RESIDENTS], expected[0], rtol=1e-12)
    np.testing.assert_array_equal(window.census_age, 2)  # the census of 2010


def test_a_table_of_forecasts_gives_each_city_and_year_its_own_quantiles(model: Model) -> None:
    window = window_of(2010, 2020)
    tested = run_backtest(model, window, read_posterior(), draws=2, seed=1)
    # log level: the draw in thousandths, the year in tenths, the city in tens
    level = (
        0.001 * np.arange(101.0)[:, None, None]
        + 0.1 * np.arange(11)[None, :, None] ** 1.5
        + 10.0 * np.arange(3)[None, None, :]
    )
    made: Backtest = replace(tested, spread=dict.fromkeys(tested.spread, level))
    table = forecast_table(made).set_index(["variable", "city", "year"])
    for city, tens in (("hefei", 0), ("wuxi", 10), ("handan", 20)):
        for year in (2010, 2013, 2020):
            row = np.log(table.loc[(RESIDENTS, city, year), ["lower_80", "median", "upper_80"]].astype(float))
            base = tens + 0.1 * (year - 2010) ** 1.5
            np.testing.assert_allclose(row, [base + 0.01, base + 0.05, base + 0.09], atol=1e-9)


@pytest.mark.parametrize("silent", ["province", "city", "national", "parameters"])
def test_a_source_that_is_silent_has_no_part_in_the_spread_and_the_others_have(
    prepared: Prepared, drawn: PosteriorDraws, silent: str
) -> None:
    noise = drawn.posterior.noise
    still = np.zeros_like(noise.city)
    quiet = {
        "province": lambda: replace(
            drawn, posterior=replace(drawn.posterior, noise=replace(noise, province=still))
        ),
        "city": lambda: replace(drawn, posterior=replace(drawn.posterior, noise=replace(noise, city=still))),
        "national": lambda: replace(drawn, paths=()),
        "parameters": lambda: replace(
            drawn,
            picked=np.repeat(drawn.picked[:1], drawn.size, axis=0),
            rest=replace(drawn.rest, columns=np.repeat(drawn.rest.columns[:, :1], drawn.size, axis=1)),
        ),
    }[silent]()
    table = variance_table(prepared, quiet, ["fiscal revenue"]).iloc[0]
    shares = {name: table[name] for name in ("parameters", "province", "city", "national")}
    assert abs(shares.pop(silent)) < 1e-12
    assert all(abs(share) > 1e-3 for share in shares.values())
