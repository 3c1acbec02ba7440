"""Differences are paired, exact where they must be, and refuse what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from talent_sd.base.errors import InputError, UnitError
from talent_sd.forecast.compare import compare, first_clear_year, probability_better, ranking, relative_change

Invent = Callable[..., xr.Dataset]


def test_a_scenario_against_itself_changes_exactly_nothing(invented_forecast: Invent) -> None:
    forecast = invented_forecast(("baseline",), 50)
    twice = xr.concat([forecast, forecast.assign_coords(scenario=["copy"])], "scenario")
    change = compare(twice, "baseline")
    assert list(change["scenario"].values) == ["copy"]
    blank = {name for name in map(str, change.data_vars) if change[name].isnull().all()}
    assert blank == {"years of balance, relative"}
    assert all(float(abs(change[name]).max()) == 0.0 for name in change.data_vars if name not in blank)


def test_a_per_cent_is_told_of_what_is_above_nought_in_more_than_95_draws_of_100_and_never_of_years() -> None:
    above = np.arange(100) >= np.array([[4], [5], [0]])  # years by draws: how many are not above nought
    level = xr.DataArray(np.where(above, 50.0, -50.0).T[None], dims=("scenario", "draw", "time"))
    both = xr.concat([level, level + 5.0], "scenario").assign_attrs(units="yuan/year")
    axes = {"scenario": ["baseline", "plan"], "time": [2024.0, 2025.0, 2026.0]}
    change = compare(xr.Dataset({"balance": both, "left": both.assign_attrs(units="year")}, axes))
    assert change["balance, relative"].notnull().all(("scenario", "draw")).values.tolist() == [
        True,
        False,
        True,
    ]
    assert change["balance, relative"].median("draw").values[0, [0, 2]] == pytest.approx(0.1)
    assert change["left, relative"].isnull().all()
    assert (change["left"] == 5.0).all()


def test_changes_have_the_value_worked_out_by_hand() -> None:
    values = np.array([[[100.0, 50.0]], [[110.0, 40.0]]])
    spread = xr.Dataset(
        {"Residents": (("scenario", "draw", "time"), values, {"units": "person"})},
        {"scenario": ["baseline", "plan"], "draw": [0], "time": [2022.0, 2023.0]},
    )
    change = compare(spread)
    assert change["Residents"].values.tolist() == [[[10.0, -10.0]]]
    assert change["Residents, relative"].values.tolist() == [[[0.1, -0.2]]]
    assert change["Residents"].attrs["units"] == "person"
    assert change["Residents, relative"].attrs["units"] == "1"


def test_a_relative_change_is_measured_against_the_size_of_the_baseline() -> None:
    baseline = xr.DataArray([-10.0, 0.0], dims="time")
    relative = relative_change(xr.DataArray([-5.0, 1.0], dims="time"), baseline)
    assert relative.values[0] == 0.5
    assert np.isnan(relative.values[1])


def test_uncertainty_that_both_share_cancels(invented_forecast: Invent) -> None:
    spread = invented_forecast(("baseline", "cash_subsidy_only"), 400)
    change = compare(spread)["tax base"].isel(scenario=0, time=-1)
    paired = float(change.quantile(0.9) - change.quantile(0.1))
    ends = spread["tax base"].isel(time=-1)
    shuffled = ends.isel(scenario=1).values - np.random.default_rng(0).permutation(
        ends.isel(scenario=0).values
    )
    assert paired < 0.3 * np.diff(np.quantile(shuffled, [0.1, 0.9]))[0]


def test_probability_of_being_better_counts_ties_as_half() -> None:
    change = xr.DataArray([[[1.0], [0.0], [-1.0], [2.0]]], dims=("scenario", "draw", "time"))
    assert probability_better(change).values.tolist() == [[0.625]]
    assert probability_better(change, lower_is_better=True).values.tolist() == [[0.375]]


def test_the_baseline_title_travels_along(invented_forecast: Invent) -> None:
    change = compare(invented_forecast(("baseline", "hefei_combination")))
    assert (change.attrs["baseline_title_en"], change.attrs["baseline_title_zh"]) == ("Baseline", "基准情景")


def test_an_unknown_baseline_is_refused_with_the_nearest_name(invented_forecast: Invent) -> None:
    with pytest.raises(InputError) as caught:
        compare(invented_forecast(("baseline", "hefei_combination")), "hefei_combinatoin")
    assert caught.value.problems == (
        "the baseline 'hefei_combinatoin' is not among the scenarios compared: baseline, hefei_combination. "
        "Did you mean 'hefei_combination'?",
    )


def test_a_baseline_alone_is_refused(invented_forecast: Invent) -> None:
    with pytest.raises(InputError, match="^only 'baseline' was given: name at least one more scenario"):
        compare(invented_forecast())


def test_different_units_are_refused() -> None:
    ours = xr.DataArray([1.0], dims="time", name="tax base", attrs={"units": "yuan/year"})
    with pytest.raises(UnitError, match="^'tax base' is in 'yuan/year', its baseline in 'person'"):
        relative_change(ours, ours.assign_attrs(units="person"))


def test_an_effect_is_clear_from_the_year_on_in_which_nine_draws_in_ten_agree_to_the_end() -> None:
    years, draws = np.arange(2024.0, 2029.0), 10
    values = np.ones((1, draws, len(years)))
    values[0, :2, 0] = -1  # 2024: eight of ten
    values[0, :2, 2] = -1  # 2026 again: clear in 2025 does not last
    change = xr.DataArray(
        values, {"scenario": ["a"], "draw": range(draws), "time": years}, ("scenario", "draw", "time")
    )
    assert first_clear_year(change).values.tolist() == [2027.0]
    assert first_clear_year(-change).values.tolist() == [2027.0]
    values[0, :2, -1] = -1
    assert np.isnan(first_clear_year(change).values).all()
    assert np.isnan(first_clear_year(change.isel(draw=[5])).values).all()


def test_the_order_is_that_of_duels_and_not_of_medians() -> None:
    draws = np.array([[3.0, 3.0, 3.3, 3.3, 3.3], [3.1, 3.1, 3.2, 3.2, 9.0], [2.5, 2.5, 2.9, 9.0, 2.5]])
    spread = xr.Dataset(
        {"talent": (("scenario", "draw", "time"), draws[:, :, None], {"units": "person"})},
        {"scenario": ["steady", "often", "rare"], "time": [2034.0]},
    )
    found = ranking(spread, ["talent"]).isel(output=0)
    assert float(found["better"].sel(scenario="often", other="steady")) == 0.6
    assert np.median(draws[0]) > np.median(draws[1])
    assert found["rank"].values.tolist() == [2, 1, 3]
