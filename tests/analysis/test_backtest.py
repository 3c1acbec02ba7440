"""Back-tests on the shipped cities: nothing of a city's future reaches its forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.backtest.largest_misses import miss_table
from talent_sd.backtest.run_backtest import Backtest, forecast_table, patent_table, run_backtest, score_table
from talent_sd.base.errors import InputError
from talent_sd.engine.runner import Model
from talent_sd.inputs import City, DatedFigure, Panel, load_city, read_national
from talent_sd.uncertainty.city_tables import make_window
from talent_sd.uncertainty.posterior import read_posterior
from talent_sd.uncertainty.windows import (
    GDP_REAL,
    OUTCOMES,
    RESIDENTS,
    TERTIARY,
    Window,
    fitting_cities,
    national_log,
    run_window,
    without_hindsight,
)

START, END = 2010, 2020


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


def _panel(change: Callable[[int, float], float] = lambda _year, value: value) -> Panel:
    """Make a panel of the shipped cities, with figures changed by year."""
    cities: dict[str, City] = {}
    for name in (name for name in ts.list_cities() if name != "average"):
        city = load_city(name)
        figures = {
            key: DatedFigure({year: change(year, v) for year, v in figure.values.items()}, figure.unit)
            for key, figure in city.figures.items()
        }
        cities[name] = replace(city, figures=figures)
    return Panel(cities, ())


@pytest.fixture(scope="module")
def window(model: Model) -> Window:
    return make_window(_panel(), model, read_national("central"), START, END)


@pytest.fixture(scope="module")
def tested(model: Model, window: Window) -> Backtest:
    return run_backtest(model, window, read_posterior(), draws=40, seed=1)


def _future(panel: Panel, start: int, change: Callable[[float], float | None]) -> Panel:
    """Change every figure of every city after the start, each apart; None takes it away."""
    cities = {}
    for name, city in panel.cities.items():
        figures = {}
        for key, figure in city.figures.items():
            values = {year: change(value) if year > start else value for year, value in figure.values.items()}
            kept = {year: value for year, value in values.items() if value is not None}
            figures[key] = replace(figure, values=kept)
        cities[name] = replace(city, figures=figures)
    return Panel(cities, ())


def _same_forecasts(model: Model, one: Window, other: Window) -> None:
    assert one.cities == other.cities
    for name, values in one.constants.items():
        np.testing.assert_array_equal(other.constants[name], values, err_msg=name)
    for kind in ("start", "past", "past_years"):
        for name, values in getattr(one, kind).items():
            np.testing.assert_array_equal(getattr(other, kind)[name], values, err_msg=f"{kind} {name}")
    np.testing.assert_array_equal(other.census_age, one.census_age)
    posterior = read_posterior()
    first, second = (run_backtest(model, window, posterior, draws=6, seed=1) for window in (one, other))
    for outcome in (*OUTCOMES, GDP_REAL):
        np.testing.assert_array_equal(first.spread[outcome], second.spread[outcome], err_msg=outcome)


@pytest.mark.parametrize("start", [2010, 2012, 2013])
def test_changing_every_figure_after_the_start_changes_no_forecast(model: Model, start: int) -> None:
    generator = np.random.default_rng(7)
    panel = _panel()
    # each by a factor of its own, so that no share or ratio of two figures stays as it was
    changed = _future(panel, start, lambda value: value * float(generator.uniform(0.5, 2)))
    for key in ("residents", "census_population", "tertiary_educated", "house_price", "gdp", "gdp_real_2000",
                "average_wage", "deposit_balance", "province_invention_patents_granted"):  # fmt: skip
        later = {
            name: [year for year in city.figures[key].values if year > start]
            for name, city in panel.cities.items()
            if key in city.figures
        }
        assert any(later.values()), key
        for name, years in later.items():
            for year in years:
                before = panel.cities[name].figures[key].values[year]
                assert changed.cities[name].figures[key].values[year] != before
    national = read_national("central")
    windows = [make_window(p, model, national, start, start + 10) for p in (panel, changed)]
    assert not np.array_equal(windows[0].actual[RESIDENTS][-1], windows[1].actual[RESIDENTS][-1])
    _same_forecasts(model, *windows)


def test_a_forecast_needs_no_figure_after_its_start(model: Model) -> None:
    national = read_national("central")
    whole = make_window(_panel(), model, national, START, END)
    cut = make_window(_future(_panel(), START, lambda _: None), model, national, START, END)
    assert not np.isfinite(cut.actual[RESIDENTS][1:]).any()
    _same_forecasts(model, whole, cut)


def test_a_city_alone_is_forecast_as_among_others(model: Model, window: Window, tested: Backtest) -> None:
    panel = _panel()
    lone = Panel({"wuxi": panel.cities["wuxi"]}, ())
    alone = make_window(lone, model, read_national("central"), START, END)
    test = run_backtest(model, alone, read_posterior(), draws=40, seed=1)
    for outcome in OUTCOMES:
        place = window.cities.index("wuxi")
        np.testing.assert_array_equal(test.spread[outcome][..., 0], tested.spread[outcome][..., place])


def test_figures_before_the_start_do_change_forecasts(model: Model, tested: Backtest) -> None:
    changed = _panel(lambda year, value: value * 1.02 if year <= START else value)
    earlier = make_window(changed, model, read_national("central"), START, END)
    again = run_backtest(model, earlier, read_posterior(), draws=2, seed=1)
    assert not np.array_equal(again.spread[RESIDENTS][:2], tested.spread[RESIDENTS][:2])


def test_forecasts_start_from_the_citys_own_figures(window: Window, tested: Backtest) -> None:
    city = load_city("wuxi").figures
    place = window.cities.index("wuxi")
    assert np.exp(tested.spread[RESIDENTS][0, 0, place]) == pytest.approx(city["residents"].values[START])
    assert np.exp(tested.parameters_only[TERTIARY][0, 0, place]) == pytest.approx(
        city["tertiary_educated"].values[START]
    )


def test_each_draw_is_a_run_of_the_model_of_its_own(model: Model, window: Window, tested: Backtest) -> None:
    posterior = read_posterior()
    values = posterior.picked(40, 1)[7:8]
    alone = run_window(model, window.chosen(np.arange(len(window.cities)) == 3), posterior.params(values))
    for outcome in OUTCOMES:
        np.testing.assert_array_equal(alone[outcome][0, :, 0], tested.parameters_only[outcome][7, :, 3])


def test_scores_follow_from_the_forecasts(window: Window, tested: Backtest) -> None:
    scores = score_table(tested).set_index(["variable", "cities"])
    error = np.median(tested.spread[RESIDENTS][:, -1], axis=0) - window.actual[RESIDENTS][-1]
    known = np.isfinite(error)
    row = scores.loc[(RESIDENTS, "all")]
    assert row["mae_model"] == pytest.approx(np.abs(error[known]).mean())
    assert row["number"] == known.sum()
    nation = window.national.value("residents", END) / window.national.value("residents", START)
    share = window.start[RESIDENTS] + np.log(nation) - window.actual[RESIDENTS][-1]
    assert row["mae_constant_share"] == pytest.approx(np.abs(share[known]).mean())
    assert row["coverage_80"] > row["coverage_80_parameters_only"]
    assert row["coverage_50"] <= row["coverage_80"] <= row["coverage_95"]
    assert 0 < row["coverage_80_error"] < 0.5
    assert row["against_best_low"] < row["against_best"] < row["against_best_high"]
    wanted = [
        "mae_model",
        "mae_constant_share",
        "mae_trend_share",
        "mae_damped_trend",
        "crps_model",
        "coverage_80",
    ]
    assert set(wanted) <= set(scores.columns)


def test_the_table_of_forecasts_holds_every_city_year_and_outcome(tested: Backtest) -> None:
    table = forecast_table(tested)
    assert len(table) == len(tested.window.cities) * len(tested.window.years) * 5
    assert (table["lower_80"] <= table["median"]).all()
    assert (table["median"] <= table["upper_80"]).all()


def test_the_worst_misses_come_first_each_with_a_reason(tested: Backtest) -> None:
    misses = miss_table(tested, 5)
    for _, rows in misses.groupby("variable"):
        assert rows["error"].abs().is_monotonic_decreasing
    assert misses["why"].str.len().min() > 10


def test_without_hindsight_only_the_faded_years_differ(model: Model) -> None:
    late = make_window(_panel(), model, read_national("central"), 2013, 2023)
    known, unknown = run_window(model, late), run_window(model, without_hindsight(late))
    same = late.years.index(2019)
    np.testing.assert_array_equal(known[RESIDENTS][:, : same + 1], unknown[RESIDENTS][:, : same + 1])
    assert not np.array_equal(known[RESIDENTS][:, -1], unknown[RESIDENTS][:, -1])


def test_a_city_without_figures_is_left_out_and_told(model: Model) -> None:
    panel = _panel()
    wuxi = panel.cities["wuxi"]
    lacking = ("deposit_balance", "fiscal_revenue")  # the first of its problems is told
    figures = {name: figure for name, figure in wuxi.figures.items() if name not in lacking}
    panel.cities["wuxi"] = replace(wuxi, figures=figures)
    window = make_window(panel, model, read_national("central"), START, END)
    assert set(window.cities) == set(panel.cities) - {"wuxi"}
    assert window.left_out == (
        "scenarios/cities/wuxi.yaml: wuxi has no fiscal_revenue for 2007 to 2010, which 'city fiscal revenue' "
        "needs. Add the figure, or start in a year it covers.",
    )


def test_the_nations_educated_are_the_censuss_share_of_its_residents() -> None:
    # of 100 000 people 15 467 had a tertiary education on 1 November 2020 (communiqué no. 6 of the census)
    educated, residents = (
        national_log(read_national("central"), name, 2020) for name in (TERTIARY, RESIDENTS)
    )
    assert np.exp(educated - residents) == pytest.approx(0.15467, rel=0.01)
    assert 1.2e9 < np.exp(residents) < 1.5e9


def test_a_share_beyond_the_models_limits_is_brought_within_them_and_told(model: Model) -> None:
    panel = _panel()
    wuxi = panel.cities["wuxi"]
    gdp = wuxi.figures["gdp"].values
    panel.cities["wuxi"] = replace(wuxi, figures={**wuxi.figures, "gdp_secondary": DatedFigure(dict(gdp))})
    window = make_window(panel, model, read_national("central"), START, END)
    assert window.constants["city secondary share"][window.cities.index("wuxi")] == 0.95
    assert any(line.startswith("wuxi: city secondary share is 1 ") for line in window.adjusted)


def test_a_window_must_end_after_it_starts(model: Model) -> None:
    with pytest.raises(InputError, match="the window 2015 to 2015 has no years"):
        make_window(_panel(), model, read_national("central"), 2015, 2015)


@pytest.mark.parametrize("held_out", ["cities", "provinces"])
def test_about_a_third_is_held_out(window: Window, held_out: str) -> None:
    keep = fitting_cities(window, held_out)
    assert 0.5 < keep.mean() < 0.85
    provinces = np.array(window.provinces)
    if held_out == "provinces":
        assert not set(provinces[keep]) & set(provinces[~keep])


def test_an_unknown_way_to_hold_out_is_refused(window: Window) -> None:
    with pytest.raises(InputError, match="cannot hold out 'city'. Did you mean 'cities'"):
        fitting_cities(window, "city")


def test_patents_are_judged_by_the_growth_of_the_province(model: Model, window: Window) -> None:
    table = patent_table(model, window, read_posterior()).set_index("province")
    wuxi = load_city("wuxi")
    granted = wuxi.figures["province_invention_patents_granted"].values
    row = table.loc[wuxi.province["zh"]]
    first, last = int(row["start"]), int(row["end"])
    assert row["actual"] == pytest.approx(np.log(granted[last] / granted[first]))
    assert row["error"] == pytest.approx(row["forecast"] - row["actual"])
    assert 0 < row["forecast"] < 4


def test_no_province_figures_no_table_of_patents(model: Model, window: Window) -> None:
    unknown = replace(window, patents=np.full_like(window.patents, np.nan))
    assert patent_table(model, unknown, read_posterior()).empty
