"""Every quantile stands under its own name, in each file, table and picture: 201 draws at 0, 1, ... 200 of a
hundredth part of the level, so that each quantile is a number known beforehand."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.base.errors import NonFiniteWarning
from talent_sd.forecast.result_files import (
    iamc_rows,
    write_comparison_table,
    write_forecast_table,
    write_iamc,
)
from talent_sd.inputs.labels import Labels
from talent_sd.output.figures.panels import Line
from talent_sd.output.report.html_pieces import draw_plots
from talent_sd.output.speech import Scale
from talent_sd.output.summary_rows import comparison_records, policy_records

Invent = Callable[..., xr.Dataset]
DRAWS = 201
RANKED = {0.025: 5, 0.1: 20, 0.25: 50, 0.5: 100, 0.75: 150, 0.9: 180, 0.975: 195}
"""Quantile -> the draw's number, which is its value here."""
TIERS = {"leading": 1e5, "professional": 2e5, "skilled": 3e5, "graduate": 4e5}


@pytest.fixture
def spread(invented_forecast: Invent) -> xr.Dataset:
    """A forecast whose value tells scenario (thousands), year (millions) and draw (ones) of it."""
    made = invented_forecast(("baseline", "hefei_combination"), DRAWS)
    # in no order, as draws come
    draw = xr.DataArray(np.random.default_rng(1).permutation(DRAWS).astype(float), dims="draw")
    year = 1e6 * (made["time"] - 2000)
    scenario = xr.DataArray([0.0, 1e3], dims="scenario")
    for name in made.data_vars:
        attrs = made[name].attrs
        own = year + scenario + draw * (1 + xr.DataArray([0.0, 1.0], dims="scenario"))
        if "tier" in made[name].dims:
            own = own + xr.DataArray(list(TIERS.values()), dims="tier")
        made[name] = own.transpose(*made[name].dims).assign_attrs(attrs)
    return made


def level(scenario: str, year: int, quantile: float, tier: str = "") -> float:
    """Return what a quantile of the level is by hand."""
    other = scenario == "hefei_combination"
    return 1e6 * (year - 2000) + TIERS.get(tier, 0.0) + 1e3 * other + RANKED[quantile] * (1 + other)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_forecasts_table_has_each_quantile_under_its_name(spread: xr.Dataset, tmp_path: Path) -> None:
    write_forecast_table(spread, tmp_path / "forecast.csv")
    rows = rows_of(tmp_path / "forecast.csv")
    assert len(rows) == 2 * 7 * 13 * 9
    for row in rows:
        found = level(row["scenario"], int(row["year"]), float(row["quantile"]), row["subscript"])
        assert float(row["value"]) == pytest.approx(found, rel=1e-12)


def test_the_comparisons_table_has_each_bands_ends_under_their_names(
    spread: xr.Dataset, tmp_path: Path
) -> None:
    write_comparison_table(ts.compare(spread), tmp_path / "comparison.csv")
    rows = rows_of(tmp_path / "comparison.csv")
    assert len(rows) == 13 * 9
    wanted = {"change": 0.5, "lower": 0.1, "upper": 0.9, "lower_50": 0.25, "upper_50": 0.75,
              "lower_95": 0.025, "upper_95": 0.975}  # fmt: skip
    for row in rows:
        for column, quantile in wanted.items():
            assert float(row[column]) == pytest.approx(1e3 + RANKED[quantile], rel=1e-9), column
        base = 1e6 * (int(row["year"]) - 2000) + TIERS.get(row["subscript"], 0.0)
        # relative to the very draw: (1000 + d) / (base + d)
        for column, quantile in {
            "relative_change": 0.5,
            "relative_lower": 0.1,
            "relative_upper": 0.9,
        }.items():
            if row["unit"] == "year":  # no per cent of years
                assert row[column] == ""
                continue
            draw = RANKED[quantile]
            assert float(row[column]) == pytest.approx((1e3 + draw) / (base + draw), rel=1e-6), column
        assert float(row["probability_better"]) == 1.0


def test_the_iamc_table_has_each_percentile_part_scenario_and_year_under_its_name(
    spread: xr.Dataset, invented_labels: Labels, tmp_path: Path
) -> None:
    write_iamc(iamc_rows(spread, "Hefei", invented_labels), spread["time"].values, tmp_path / "iamc.csv")
    rows = rows_of(tmp_path / "iamc.csv")
    assert len(rows) == 2 * 7 * 9
    for row in rows:
        percentile = re.search(r"\|([\d.]+)th Percentile$", row["Variable"])
        assert percentile
        tier = row["Variable"].split("|")[1].casefold()
        for year in range(2022, 2035):
            found = level(row["Scenario"], year, round(float(percentile.group(1)) / 100, 3), tier)
            assert float(row[str(year)]) == pytest.approx(found, rel=1e-12)


def test_a_summary_tells_the_median_and_the_80_percent_interval(spread: xr.Dataset) -> None:
    frame = ts.summary(ts.compare(spread), "en").frame.set_index("variable")
    row = frame.loc["City Brand"]
    assert [row["lower"], row["change"], row["upper"]] == pytest.approx([1020, 1100, 1180])


def cells_of(change: xr.Dataset, labels: Labels, lang: str) -> Mapping[str, str]:
    return next(
        one.cells
        for one in comparison_records(change, labels, lang)
        if one.values["variable"] == "City Brand"
    )


def test_a_summarys_cells_are_its_numbers_as_people_read_them(
    spread: xr.Dataset, invented_labels: Labels
) -> None:
    surely = cells_of(ts.compare(spread), invented_labels, "en")
    assert {name: surely[name] for name in ("change", "interval", "better", "clear")} == {
        "change": "+1,100", "interval": "1,020 … 1,180", "better": "100 %", "clear": "2022",
    }  # fmt: skip
    less = spread.copy()
    offset = xr.DataArray([0.0, 1050.5], dims="scenario")
    less["City Brand"] = (spread["City Brand"] - offset).assign_attrs(spread["City Brand"].attrs)
    # a change of -50.5, -49.5, ... 149.5: 150 of 201 draws are above nought, and in no year nine of ten
    perhaps = cells_of(ts.compare(less), invented_labels, "zh")
    assert {name: perhaps[name] for name in ("change", "interval", "better", "clear")} == {
        "change": "+49.5", "interval": "−30.5 … 130", "better": "75%", "clear": "–",
    }  # fmt: skip


def test_what_is_not_known_is_an_empty_cell(spread: xr.Dataset, tmp_path: Path) -> None:
    spread["City Brand"][:, :, 3] = np.nan
    with pytest.warns(NonFiniteWarning, match="Not finite: City Brand"):
        compared = ts.compare(spread)
    write_comparison_table(compared, tmp_path / "comparison.csv")
    found = {
        row["year"]: (row["change"], row["upper_95"], row["relative_change"])
        for row in rows_of(tmp_path / "comparison.csv")
        if row["variable"] == "City Brand"
    }
    assert found.pop("2025") == ("", "", "")
    assert all("" not in cells for cells in found.values())


def split_of_a_mix(adds: Sequence[float], costs: Sequence[float]) -> xr.Dataset:
    """Make up a split: each policy does a quarter more alone, in draws that stray by -1, 0 and 1 of a hundred."""
    stray = xr.DataArray([0.99, 1.0, 1.01], dims="draw")
    axes = {"scenario": ["mix"], "output": ["total talent"], "policy": ["a", "b"], "time": [2034.0]}
    share = xr.DataArray(np.array(adds)[None, None, :, None], axes) * stray
    cost = xr.DataArray(np.array(costs)[None, :], {name: axes[name] for name in ("scenario", "policy")})
    paid = cost.expand_dims(draw=3)
    total, people = share.sum("policy"), share.isel(output=0, time=0)
    per = (paid / people).where(people > 0, np.inf).expand_dims(measure=["person"])
    made = xr.Dataset({
        "contribution": share, "alone": 1.25 * share, "total": total, "present_cost": paid, "cost_per": per,
        "amount": people.expand_dims(measure=["person"]),
        "mix_amount": total.isel(output=0, time=0).expand_dims(measure=["person"]),
        "mix_cost": paid.sum("policy"), "mix_cost_per": (paid.sum("policy") / total.isel(output=0, time=0)).expand_dims(measure=["person"]),
    })  # fmt: skip
    return made.assign_coords(unit=("output", ["person"]), other=("other", ["a", "b"]))


def test_a_split_mixs_cells_are_its_numbers_as_people_read_them(invented_labels: Labels) -> None:
    effects = split_of_a_mix([40_000.0, -8_000.0], [6e9, 2.5e8])
    first, second, mix = (one.cells for one in policy_records(effects, invented_labels, "en"))
    told = ("policy", "unit", "adds", "interval", "alone", "cost", "per_person")
    assert [first[name] for name in told] == [
        "a", "thousand people", "+40.0", "39.7 … 40.3", "+50.0", "6.00 billion yuan (6.00 … 6.00)", "150 thousand yuan",
    ]  # fmt: skip
    assert [second[name] for name in told[2:]] == [
        "−8.00", "−8.06 … −7.94", "−10.0", "0.250 billion yuan (0.250 … 0.250)", "takes away",
    ]  # fmt: skip
    assert [mix[name] for name in told[2:]] == [
        "+32.0", "31.7 … 32.3", "+40.0", "6.25 billion yuan (6.25 … 6.25)", "195 thousand yuan",
    ]  # fmt: skip
    chinese = next(policy_records(effects, invented_labels, "zh")).cells
    assert [chinese[name] for name in told[1:]] == [
        "万人", "+4.00", "3.97 … 4.03", "+5.00", "60.0亿元 (60.0 … 60.0)", "15.0万元",
    ]  # fmt: skip


def test_a_fans_bands_are_those_of_its_draws_the_widest_palest_and_first() -> None:
    values = np.arange(float(DRAWS))[:, None] + np.array([0.0, 1000.0, 3000.0])
    line = Line(
        "one", np.array([2022.0, 2023.0, 2024.0]), values[np.random.default_rng(2).permutation(DRAWS)], 0
    )
    (figure,) = draw_plots([("title", [line])], Scale(1.0, ""), "person", "en", None)
    fans = [one.get_paths()[0].vertices for one in figure.axes[0].collections]
    assert len(fans) == 3
    for fan, (low, high) in zip(fans, ((5, 195), (20, 180), (50, 150)), strict=True):
        for year, base in ((2022, 0), (2023, 1000), (2024, 3000)):
            ends = np.unique(fan[fan[:, 0] == year, 1])
            np.testing.assert_allclose(ends, [base + low, base + high])
    (middle, *_) = figure.axes[0].lines
    np.testing.assert_allclose(middle.get_ydata(), [100, 1100, 3100])


def test_fans_in_company_have_the_80_percent_band_each_of_its_own_draws() -> None:
    years = np.array([2022.0, 2023.0])
    lines = [Line(name, years, np.arange(float(DRAWS))[:, None] + base + np.array([0.0, 50.0]), style)
             for name, base, style in (("a", 0.0, 0), ("b", 5000.0, 1))]  # fmt: skip
    (figure,) = draw_plots([("title", lines)], Scale(1.0, ""), "person", "en", None)
    fans = [one.get_paths()[0].vertices for one in figure.axes[0].collections]
    for fan, base in zip(fans, (0.0, 5000.0), strict=True):
        np.testing.assert_allclose(np.unique(fan[fan[:, 0] == 2023, 1]), [base + 70, base + 230])
