"""`talent-sd compare --draws`: differences draw by draw, with intervals and probabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from .conftest import Outcome

Command = Callable[..., Outcome]
GIVEN = ("compare", "hefei_combination", "--city", "wuxi", "--seed", "2", "--no-plots", "--no-report")


@pytest.fixture(scope="module")
def drawn(talent_sd: Command, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    out = tmp_path_factory.mktemp("draws") / "out"
    return talent_sd(*GIVEN, "--draws", "40", "--out", out), out


def test_intervals_and_probabilities_are_those_of_the_paired_draws(drawn: tuple[Outcome, Path]) -> None:
    outcome, out = drawn
    assert (outcome.code, outcome.err.count("\n")) == (0, 2)
    assert outcome.err.startswith(
        "The province's or the nation's stand in for Wuxi's own invention patents granted ("
    )
    assert outcome.err.splitlines()[1].startswith(
        "Not counted in Wuxi, taken along the nation's change: average wage 2022 from 2021 ("
    )
    table = pd.read_csv(out / "comparison.csv", keep_default_na=False)
    row = table.query("variable == 'tax base' and year == 2034").iloc[0]
    with xr.open_dataset(out / "comparison.nc", engine="netcdf4") as comparison:
        change = comparison["tax base"].isel(scenario=0, time=-1).values
    assert len(change) == 40
    assert float(row["probability_better"]) == (change > 0).mean()
    assert float(row["lower"]) < float(row["change"]) < float(row["upper"])
    assert float(row["upper"]) == pytest.approx(pd.Series(change).quantile(0.9), rel=1e-12)


def test_who_beats_whom_and_by_how_much_follows_from_the_same_draws(drawn: tuple[Outcome, Path]) -> None:
    outcome, out = drawn
    duels = pd.read_csv(out / "duels.csv").set_index(["variable", "scenario", "other"])["probability_better"]
    with xr.open_dataset(out / "comparison.nc", engine="netcdf4") as comparison:
        change = comparison["tax base"].isel(scenario=0, time=-1).values
    assert duels["tax base", "hefei_combination", "baseline"] == (change > 0).mean()
    assert duels["tax base", "baseline", "hefei_combination"] == 1 - (change > 0).mean()
    ranks = pd.read_csv(out / "ranking.csv").set_index(["variable", "scenario"])
    assert ranks.loc[("tax base", "baseline"), "regret_upper"] == pytest.approx(
        pd.Series(change.clip(min=0)).quantile(0.9), rel=1e-9
    )
    assert ranks.loc[("total talent", "hefei_combination"), "rank"] == 1
    assert "Who beats whom: Total talent, 2034" in outcome.out


def test_what_memory_cannot_hold_is_refused(talent_sd: Command, tmp_path: Path) -> None:
    outcome = talent_sd(*GIVEN, "--draws", "1000", "--memory", "0.01", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert outcome.err == (
        "1000 draws of 2 scenarios do not fit into --memory 0.01 (gigabytes) together with their "
        "differences. Ask for fewer draws, or give more memory.\nNothing was simulated.\n"
    )
