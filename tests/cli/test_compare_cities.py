"""`talent-sd compare --cities`, and the table that scenario databases read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from .conftest import Outcome

Command = Callable[..., Outcome]
DRAWS = ("--draws", "12", "--seed", "3", "--no-plots")


@pytest.fixture(scope="module")
def compared(talent_sd: Command, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    out = tmp_path_factory.mktemp("cities") / "out"
    outcome = talent_sd(
        "compare",
        "cash_subsidy_only",
        "hefei_combination",
        "--cities",
        "wuxi,hefei",
        *DRAWS,
        "--out",
        str(out),
    )
    return outcome, out


def test_every_city_stands_in_the_table_and_in_the_files(compared: tuple[Outcome, Path]) -> None:
    outcome, out = compared
    assert outcome.code == 0
    assert "Wuxi" in outcome.out
    assert "Hefei" in outcome.out
    assert sorted(file.name for file in out.iterdir()) == [
        "comparison.csv",
        "comparison.nc",
        "comparison_iamc.csv",
        "report.html",
        "run_hefei.json",
        "run_wuxi.json",
    ]
    table = pd.read_csv(out / "comparison.csv", keep_default_na=False)
    assert table.columns[:4].tolist() == ["city", "scenario", "year", "variable"]
    assert table["city"].drop_duplicates().tolist() == ["wuxi", "hefei"]


def test_a_city_is_the_same_whatever_other_cities_are_compared(
    compared: tuple[Outcome, Path], talent_sd: Command, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    outcome = talent_sd(
        "compare", "cash_subsidy_only", "hefei_combination", "--city", "hefei", *DRAWS, "--no-report",
        "--no-policies", "--out", str(alone),
    )  # fmt: skip
    assert outcome.code == 0
    with (
        xr.open_dataset(compared[1] / "comparison.nc") as both,
        xr.open_dataset(alone / "comparison.nc") as one,
    ):
        for name in ("total talent", "tax base", "Talent, relative"):
            xr.testing.assert_equal(
                both[name]
                .sel(city="hefei")
                .drop_vars(["city", "city_en", "city_zh"])
                .reset_coords(drop=True),
                one[name].reset_coords(drop=True),
            )


def test_the_iamc_table_has_a_row_for_each_quantile_part_and_region(compared: tuple[Outcome, Path]) -> None:
    table = pd.read_csv(compared[1] / "comparison_iamc.csv")
    assert table.columns[:5].tolist() == ["Model", "Scenario", "Region", "Variable", "Unit"]
    assert table.columns[5:].tolist() == [str(year) for year in range(2022, 2035)]
    assert set(table["Region"]) == {"Wuxi", "Hefei"}
    assert set(table["Scenario"]) == {"baseline", "cash_subsidy_only", "hefei_combination"}
    leading = table[table["Variable"].str.startswith("Talent|Leading|")]
    assert sorted(leading["Variable"].unique()) == sorted(
        f"Talent|Leading|{q}th Percentile" for q in (2.5, 10.0, 25.0, 50.0, 75.0, 90.0, 97.5)
    )
    assert not table.duplicated(["Scenario", "Region", "Variable"]).any()


def test_a_city_named_twice_and_none_named_are_refused(talent_sd: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    twice = talent_sd("compare", "cash_subsidy_only", "--cities", "wuxi,hefei,wuxi", "--out", str(out))
    assert (twice.code, twice.err) == (
        2,
        "--cities names wuxi twice. Take one out.\nNothing was simulated.\n",
    )
    none = talent_sd("compare", "cash_subsidy_only", "--cities", " , ", "--out", str(out))
    assert none.code == 2
    assert none.err.startswith("--cities names no city. Write --cities hefei,wuxi or --cities all.")
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--cities", "wuxi", "--city", "hefei"), "--city and --cities were both given. Leave one out."),
        (("--central", "--policy-draws", "5"), "--policy-draws is for many draws. Leave out --central."),
        (("--central", "--draws", "5"), "--central is one run, --draws are many. Leave one out."),
        (
            ("--cities", "wuxi", "--discount-rate", "0.05"),
            "--discount-rate would do nothing: policies are split in one city only, and not with --no-policies or "
            "--engine pysd. Leave it out.",
        ),
        (
            ("--no-policies", "--draws", "9", "--policy-draws", "5", "--discount-rate", "0.05"),
            "--policy-draws and --discount-rate would do nothing: policies are split in one city only, and not with "
            "--no-policies or --engine pysd. Leave it out.",
        ),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    talent_sd: Command, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    out = tmp_path / "out"
    outcome = talent_sd("compare", "cash_subsidy_only", *options, "--out", str(out))
    assert (outcome.code, outcome.err) == (2, f"{message}\nNothing was simulated.\n")
    assert not out.exists()


def test_the_report_and_the_capsules_tell_what_a_city_cannot_pay_for(
    talent_sd: Command, tmp_path: Path
) -> None:
    import json

    out = tmp_path / "out"
    outcome = talent_sd(
        "compare",
        "three_dimensional",
        "--cities",
        "zhengzhou,wuxi",
        "--central",
        "--no-plots",
        "--out",
        str(out),
    )
    assert outcome.code == 0
    notice, *carried = json.loads((out / "run_zhengzhou.json").read_text("utf-8"))["notices"]
    assert notice.startswith("Zhengzhou cannot pay for all of 'three_dimensional': ")
    others = json.loads((out / "run_wuxi.json").read_text("utf-8"))["notices"]
    assert [one.split(" in ")[0] for one in (*carried, *others)] == 2 * [
        "The province's or the nation's stand",
        "Not counted",
    ]
    page = (out / "report.html").read_text("utf-8")
    assert "Zhengzhou cannot pay for all of &#39;three_dimensional&#39;" in page
    assert "郑州无力全额支付“three_dimensional”" in page
    assert "talent-sd compare three_dimensional --cities zhengzhou,wuxi" in page


def test_without_a_report_there_is_none(talent_sd: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    talent_sd(
        "compare",
        "cash_subsidy_only",
        "--cities",
        "wuxi",
        "--central",
        "--no-plots",
        "--no-report",
        "--out",
        str(out),
    )
    assert (out / "comparison.csv").exists()
    assert not (out / "report.html").exists()
