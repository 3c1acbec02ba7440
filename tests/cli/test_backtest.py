"""`talent-sd calibrate` and `talent-sd backtest` on tables made from the shipped cities."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from talent_sd.base.files import shipped_folder
from talent_sd.calibration import calibration_files, fit
from talent_sd.calibration.fit import province_folds
from talent_sd.inputs import list_cities, load_city, read_mapping, read_national

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a panel, a census and national totals of the shipped cities into a folder."""
    folder = tmp_path_factory.mktemp("tables")
    kinds = read_mapping().content.figures
    for kind in ("panel", "census"):
        rows = []
        columns = {
            getattr(rule, kind): (name, rule.scale) for name, rule in kinds.items() if getattr(rule, kind)
        }
        for name in (name for name in list_cities() if name != "average"):
            city = load_city(name)
            years = {y for figure, _ in columns.values() if figure in city.figures
                     for y in city.figures[figure].values}  # fmt: skip
            for year in sorted(years):
                row: dict[str, Any] = {
                    "city": name,
                    "province": city.province["zh"],
                    "region": city.region["zh"],
                    "year": year,
                }
                for column, (figure, scale) in columns.items():
                    known = city.figures[figure].values if figure in city.figures else {}
                    row[column] = known[year] / scale if year in known else None
                rows.append(row)
        pd.DataFrame(rows).to_csv(folder / f"{kind}.csv", index=False)
    nation = read_national("central")
    totals = {"resident_population": "residents", "gdp": "gdp", "gdp_real_2000": "gdp_real",
              "fiscal_revenue": "fiscal_revenue"}  # fmt: skip
    frame = pd.DataFrame({"year": range(2000, 2025)})
    for column, variable in totals.items():
        levels = [nation.value(variable, year) for year in frame["year"]]
        frame[f"{column}_matched_growth"] = pd.Series(levels).pct_change()
    frame.to_csv(folder / "national.csv", index=False)
    return folder


def _given(folder: Path, *more: object) -> list[object]:
    return ["--panel", folder / "panel.csv", "--census", folder / "census.csv", *more]


def test_a_backtest_writes_scores_forecasts_and_plots(
    talent_sd: Callable[..., Any], tables: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    national = ("--national", tables / "national.csv", "--draws", 20)
    run = talent_sd("backtest", *_given(tables, *national, "--start", 2010, "--end", 2020, "--out", out))
    assert (run.code, run.err) == (0, "")
    assert "14 cities forecast, 0 left out" in run.out
    scores = pd.read_csv(out / "scores.csv")
    assert list(scores.columns[:8]) == [
        "variable", "cities", "mae_model", "mae_constant_share", "mae_trend_share", "mae_damped_trend",
        "crps_model", "coverage_80",
    ]  # fmt: skip
    assert set(scores["variable"]) == {"tertiary_educated", "residents", "gdp", "gdp_real", "fiscal_revenue"}
    assert {"forecasts.csv", "misses.csv", "notes.txt", "forecast_and_actual.png", "cities_gdp.png"} <= {
        file.name for file in out.iterdir()
    }
    model, fit = (shipped_folder("models") / name for name in ("city.mdl", "posterior.json"))
    hashes = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in (model, fit)]
    assert (out / "notes.txt").read_text(encoding="utf-8").splitlines()[:2] == hashes
    again = tmp_path / "again"
    talent_sd("backtest", *_given(tables, "--draws", 20, "--no-plots", "--out", again))
    pd.testing.assert_frame_equal(pd.read_csv(again / "scores.csv"), scores)


def test_a_calibration_makes_a_posterior_that_a_backtest_takes(
    talent_sd: Callable[..., Any], tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # three folds of provinces take 6 fits without one or two of them, eight take 36: the way is the same
    for module in (fit, calibration_files):
        monkeypatch.setattr(module, "province_folds", partial(province_folds, count=3))
    out = tmp_path / "fit"
    run = talent_sd("calibrate", *_given(tables, "--steps", 100, "--seed", 3, "--out", out))
    assert (run.code, run.err) == (0, "")
    assert sorted(f.name for f in out.iterdir()) == [
        "cross_fit.json", "diagnostics.csv", "evidence.csv", "notes.txt", "posterior.json", "predictive_check.png",
        "prior_and_posterior.png",
    ]  # fmt: skip
    table = pd.read_csv(out / "diagnostics.csv")
    assert (table["posterior_sd"] <= 1.1 * table["prior_sd"]).all()
    posterior = (
        "--posterior",
        out / "posterior.json",
        "--draws",
        5,
        "--no-plots",
        "--out",
        tmp_path / "test",
    )
    assert talent_sd("backtest", *_given(tables, *posterior)).code == 0
    scores = pd.read_csv(tmp_path / "test" / "scores.csv")
    assert {"fitted", "unseen"} <= set(scores["cities"])
    assert "The article's figures inside the posterior: " in run.out
    assert len(pd.read_csv(out / "evidence.csv")) == 9
    apart = ("--cross-fit", out / "cross_fit.json")
    assert talent_sd("backtest", *_given(tables, *posterior, *apart)).code == 0
    scores = pd.read_csv(tmp_path / "test" / "scores.csv").set_index(["variable", "cities"])
    assert "fitted" not in scores.index.get_level_values("cities")
    assert scores.loc[("residents", "unseen"), "number"] == 14


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("panel", lambda t: t.drop(columns="gdp"), "panel.csv:1: the column 'gdp' is missing. Add it."),
        ("panel", lambda t: t.assign(gdp=t["gdp"] / 1e8),
         "panel.csv:1: gdp is mostly outside the plausible 1e+08 to 1e+13 yuan/year"),
        ("panel", lambda t: pd.concat([t, t[:1]]), "appears twice. Keep one row."),
        ("panel", lambda t: t.assign(province=t["province"].where(t.index != 3)),
         "panel.csv:5: the province is empty. Fill it or take the row out."),
        ("panel", lambda t: t.assign(city=t["city"].where(t.index != 0)),
         "panel.csv:2: the city is empty. Fill it or take the row out."),
        ("panel", lambda t: t.assign(year=t["year"].astype(str) + "年"),
         "panel.csv:2: the year is '2000年'. Give a whole year."),
        ("panel", lambda t: t.assign(gdp=t["gdp"].map("{:,.0f}".format)), "not a number. Write it without commas."),
        ("census", lambda t: t.assign(city=t["city"] + "市"),
         "census.csv:1: city: only 0 of the 14 cities of "),
        ("census", lambda t: t.assign(tertiary_educated=t["tertiary_educated"] / t["census_population"]),
         "census.csv:1: tertiary_educated is mostly outside the plausible"),
        ("census", lambda t: t[t["year"] > 2010], "beijing has no tertiary_educated"),
        ("census", lambda t: t.drop(columns="tertiary_educated"), "the column 'tertiary_educated' is missing"),
        ("national", lambda t: t.drop(columns="gdp_matched_growth"),
         "national.csv:1: the column 'gdp_matched_growth' is missing. Add it."),
        ("national", lambda t: t[t["year"] != 2015],
         "national.csv:1: resident_population_matched_growth has no growth for 2015. Give every year between."),
    ],
)  # fmt: skip
def test_wrong_tables_are_refused_with_column_row_and_remedy(
    talent_sd: Callable[..., Any],
    tables: Path,
    tmp_path: Path,
    file: str,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    message: str,
) -> None:
    for name in ("panel", "census", "national"):
        table = pd.read_csv(tables / f"{name}.csv")
        (change(table) if name == file else table).to_csv(tmp_path / f"{name}.csv", index=False)
    run = talent_sd(
        "backtest", *_given(tmp_path, "--national", tmp_path / "national.csv", "--out", tmp_path / "o")
    )
    assert run.code == 2
    assert message in run.err
    assert not (tmp_path / "o").exists()


def test_a_figure_left_out_is_told_in_the_notes(
    talent_sd: Callable[..., Any], tables: Path, tmp_path: Path
) -> None:
    panel = pd.read_csv(tables / "panel.csv")
    row = panel.index[(panel["city"] == "wuxi") & (panel["year"] == 2015)][0]
    panel.loc[row, "gdp"] /= 1e8  # one row in 100 million yuan
    panel.to_csv(tmp_path / "panel.csv", index=False)
    given = ["--panel", tmp_path / "panel.csv", "--census", tables / "census.csv", "--draws", 2]
    run = talent_sd("backtest", *given, "--no-plots", "--out", tmp_path / "out")
    notes = (tmp_path / "out" / "notes.txt").read_text("utf-8")
    assert (run.code, "notes on the tables themselves stand in notes.txt" in run.out) == (0, True)
    assert f"panel.csv:{row + 2}: wuxi 2015: gdp " in notes
    assert "left out, outside 1e+08 to 1e+13 yuan/year." in notes
