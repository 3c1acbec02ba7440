"""`talent-sd compare` shows explainable differences and writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import xarray as xr

from .conftest import Outcome

Ran = tuple[Outcome, Path]
Command = Callable[..., Outcome]


def test_compare_prints_the_differences_in_chinese(compared: Ran) -> None:
    outcome, _ = compared
    assert (outcome.code, outcome.err.count("\n")) == (0, 2)
    assert outcome.err.startswith(
        "合肥缺少以下本市数据，以所在省份或全国的数值代替：本市发明专利授权量（invention_patents_granted）"
    )
    assert "城镇单位就业人员平均工资（average_wage） 2022年由2021年推算" in outcome.err
    assert outcome.out.splitlines()[0].strip() == "合肥，2034年：与基准“不出台新政策”之差"
    assert "只发补贴" in outcome.out
    assert "合肥式组合拳" in outcome.out


def test_compare_writes_every_file_it_promises(compared: Ran) -> None:
    assert sorted(file.name for file in compared[1].iterdir()) == [
        "comparison.csv",
        "comparison.nc",
        "comparison_iamc.csv",
        "differences.png",
        "forecast.csv",
        "paths.png",
        "policies.csv",
        "policies.nc",
        "policies_cash_subsidy_only_cost.png",
        "policies_hefei_combination_contributions.png",
        "policies_hefei_combination_cost.png",
        "policies_hefei_combination_interactions.png",
        "report.html",
        "run.json",
        "spending.csv",
    ]


def test_before_any_policy_starts_nothing_differs(compared: Ran) -> None:
    table = pd.read_csv(compared[1] / "comparison.csv", keep_default_na=False)
    assert (table.query("year <= 2024")["change"].astype(float) == 0.0).all()


def test_cash_lifts_arrivals_and_fades_while_the_combination_holds_people(compared: Ran) -> None:
    with xr.open_dataset(compared[1] / "comparison.nc", engine="netcdf4") as change:
        talent = change["total talent"].isel(draw=0)
        cash, mix = (talent.sel(scenario=name) for name in ("cash_subsidy_only", "hefei_combination"))
        assert change.attrs["baseline"] == "baseline"
        assert float(cash.max()) > 0
        assert float(cash.isel(time=-1)) < float(cash.max())
        assert float(mix.isel(time=-1)) > float(cash.isel(time=-1))


def test_the_baseline_is_added_where_it_is_missing(talent_sd: Command, tmp_path: Path) -> None:
    outcome = talent_sd(
        "compare", "cash_subsidy_only", "--central", "--no-plots", "--no-report", "--out", tmp_path / "out"
    )
    assert outcome.code == 0, outcome.err
    table = pd.read_csv(tmp_path / "out" / "comparison.csv", keep_default_na=False)
    assert table["scenario"].unique().tolist() == ["cash_subsidy_only"]


def test_a_baseline_alone_is_refused_before_the_simulation(talent_sd: Command, tmp_path: Path) -> None:
    outcome = talent_sd("compare", "baseline", "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "only 'baseline' was given: name at least one more scenario to compare it with.\n"
        "Nothing was simulated.\n"
    )


def test_two_files_of_one_name_are_refused(talent_sd: Command, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text("title: Mine\nextends: baseline\n")
    files = (tmp_path / folder / "mine.yaml" for folder in ("a", "b"))
    outcome = talent_sd("compare", *files, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "two scenarios are called 'mine'. Rename one of the files.\n" in outcome.err
