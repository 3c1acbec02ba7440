"""`talent-sd optimise`: its plans are scenario files that run to the numbers told, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import talent_sd as ts
from talent_sd.cli.app import app

pytest.importorskip("pymoo", reason="needs pymoo: pip install 'talent_sd[optimise]'")
ASKED = (
    "optimise",
    "--city",
    "wuxi",
    "--budget",
    "1e9",
    "--draws",
    "3",
    "--population",
    "6",
    "--generations",
    "1",
)
GOALS = (
    "--goal",
    "total talent",
    "--goal",
    "tax base@sum",
    "--without",
    "manufacturing_academy",
    "--plans",
    "2",
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("optimise") / "plans"
    outcome = CliRunner().invoke(app, [*ASKED, *GOALS, "--searches", "1", "--lang", "zh", "--out", str(out)])
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert "无锡，每年10亿元：人才总量，2034年" in outcome.stdout
    return out


def test_what_is_promised_is_written(out: Path) -> None:
    names = {file.name for file in out.iterdir()}
    pictures = {f"plans_{name}.png" for name in ("gain", "spending", "duels")}
    decides = "correlation" in pd.read_csv(out / "factors.csv").dropna(axis=1, how="all")
    pictures |= (
        {"plans_factors.png"} if decides else set()
    )  # there is nothing to draw where no constant decides
    tables = {"plans.nc", "plans.csv", "duels.csv", "factors.csv", "spending.csv"}
    assert names - {"plan_b.yaml"} == {*pictures, *tables, "plan_a.yaml", "search"}
    assert {file.name for file in (out / "search").iterdir()} == {"search.json", "seed_0_generation_0000.npz"}


def test_the_plans_run_to_the_same_numbers_wherever_they_are_run(out: Path) -> None:
    files = sorted(out.glob("plan_*.yaml"))
    given = {"draws": 3, "outputs": ["total talent", "tax base"], "progress": False}
    spread = ts.ensemble(["baseline", *files], "wuxi", **given)
    with xr.open_dataset(out / "plans.nc", engine="netcdf4") as plans:
        gain = plans["gain"].values
    assert len(gain) == len(files) >= 1
    last = spread["total talent"].sel(time=2034)
    sums = spread["tax base"].sel(time=slice(2026, 2034)).sum("time")
    for number in range(len(files)):
        assert (gain[number, :, 0] == (last[number + 1] - last[0]).values).all()
        assert gain[number, :, 1] == pytest.approx((sums[number + 1] - sums[0]).values, rel=1e-12)


def test_no_plan_spends_more_than_the_budget_in_any_draw_or_year(out: Path) -> None:
    spending = pd.read_csv(out / "spending.csv")
    yearly = spending.groupby(["scenario", "year"])["paid_in_year_real"].sum()
    assert yearly.max() <= 1e9 * 1.01
    assert "manufacturing_academy" not in set(spending["policy"])


def test_a_misspelt_policy_is_refused(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, [*ASKED, "--keep", "open_lab", "--out", str(tmp_path / "out")])
    told = "unknown policy 'open_lab'. Did you mean 'open_labs'?\nNothing was simulated.\n"
    assert (outcome.exit_code, outcome.stderr) == (2, told)


def test_a_misspelt_option_is_refused() -> None:
    outcome = CliRunner().invoke(app, ["optimise", "--budgt", "1e9"])
    assert outcome.exit_code == 2
    assert re.search("No such option", outcome.stderr)
