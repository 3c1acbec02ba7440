"""What is written can be read back and says the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from talent_sd.forecast.compare import compare
from talent_sd.forecast.result_files import (
    QUANTILES,
    write_comparison_table,
    write_dataset,
    write_forecast_table,
)

Invent = Callable[..., xr.Dataset]


def test_a_dataset_comes_back_as_it_was(invented_forecast: Invent, tmp_path: Path) -> None:
    forecast = invented_forecast(("baseline", "hefei_combination"), 3)
    forecast = forecast.assign_coords(parameter=["a", "b"], drawn=(("draw", "parameter"), np.ones((3, 2))))
    write_dataset(forecast, tmp_path / "forecast.nc")
    with xr.open_dataset(tmp_path / "forecast.nc", engine="netcdf4") as back:
        xr.testing.assert_identical(back.load(), forecast)


def test_a_slash_in_a_name_survives_the_file_format(tmp_path: Path) -> None:
    write_dataset(xr.Dataset({"jobs/talent": ("time", [1.0])}), tmp_path / "one.nc")
    with xr.open_dataset(tmp_path / "one.nc", engine="netcdf4") as back:
        assert list(back.data_vars) == ["jobs∕talent"]


def test_one_draw_gives_a_row_per_year_and_element(invented_forecast: Invent, tmp_path: Path) -> None:
    forecast = invented_forecast()
    write_forecast_table(forecast, tmp_path / "forecast.csv")
    table = pd.read_csv(tmp_path / "forecast.csv", keep_default_na=False)
    assert list(table.columns) == ["scenario", "draw", "year", "variable", "subscript", "value", "unit"]
    assert len(table) == 13 * (4 + 5)
    row = table.query("variable == 'Talent' and subscript == 'skilled' and year == 2030").iloc[0]
    expected = float(forecast["Talent"].sel(tier="skilled", time=2030.0).item())
    assert (row["scenario"], row["draw"], row["unit"]) == ("baseline", 0, "person")
    assert float(row["value"]) == expected


def test_many_draws_give_quantiles(invented_forecast: Invent, tmp_path: Path) -> None:
    forecast = invented_forecast(("baseline",), 101)
    write_forecast_table(forecast, tmp_path / "forecast.csv")
    table = pd.read_csv(tmp_path / "forecast.csv", keep_default_na=False)
    brand = table.query("variable == 'City Brand' and year == 2034").set_index("quantile")["value"]
    draws = forecast["City Brand"].sel(time=2034.0).values.ravel()
    assert list(brand.index) == list(QUANTILES)
    np.testing.assert_allclose(brand, np.quantile(draws, QUANTILES), rtol=1e-12)


def test_a_comparison_of_draws_has_intervals_and_probabilities(
    invented_forecast: Invent, tmp_path: Path
) -> None:
    change = compare(invented_forecast(("baseline", "cash_subsidy_only"), 101))
    write_comparison_table(change, tmp_path / "comparison.csv", frozenset({"City Brand"}))
    table = pd.read_csv(tmp_path / "comparison.csv", keep_default_na=False)
    last = table.query("year == 2034").set_index(["variable", "subscript"])
    draws = change["tax base"].sel(time=2034.0).values.ravel()
    row = last.loc[("tax base", "")]
    np.testing.assert_allclose(
        [row["change"], row["lower"], row["upper"]], np.quantile(draws, [0.5, 0.1, 0.9]), rtol=1e-12
    )
    assert row["probability_better"] == 1.0
    assert last.loc[("City Brand", ""), "probability_better"] == 0.0
    assert ("Talent", "leading") in last.index


def test_a_comparison_of_one_draw_claims_no_interval(invented_forecast: Invent, tmp_path: Path) -> None:
    write_comparison_table(compare(invented_forecast(("baseline", "hefei_combination"))), tmp_path / "c.csv")
    table = pd.read_csv(tmp_path / "c.csv", keep_default_na=False)
    empty = table[["lower", "upper", "probability_better", "relative_lower", "relative_upper"]]
    assert (empty == "").all(axis=None)
