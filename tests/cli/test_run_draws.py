"""`talent-sd run --draws`: quantiles, fans, and a store for what memory cannot hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from .conftest import Outcome

SHIPPED = Path(__file__).parents[2] / "scenarios" / "cities"
Command = Callable[..., Outcome]
Ran = tuple[Outcome, Path]
GIVEN = ("run", "baseline", "--city", "wuxi", "--seed", "7", "--no-plots")
STORED = (*GIVEN, "--draws", "300", "--memory", "0.001")


@pytest.fixture(scope="module")
def drawn(talent_sd: Command, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    out = tmp_path_factory.mktemp("draws") / "out"
    return talent_sd("run", "baseline", "--city", "wuxi", "--draws", "50", "--seed", "7", "--out", out), out


def test_the_table_shows_medians_and_intervals(drawn: Ran) -> None:
    outcome, out = drawn
    assert (outcome.code, outcome.err) == (0, "")
    assert "average wage 2022 from 2021 (" in " ".join(outcome.out.split())
    assert "Medians of 50 draws, each with its 80 % interval" in " ".join(outcome.out.split())
    with xr.open_dataset(out / "forecast.nc", engine="netcdf4") as forecast:
        last = forecast["tax base"].isel(scenario=0, time=-1)
        low, high = last.quantile([0.1, 0.9]).values / 1e9
    assert f"{low:,.0f} … {high:,.0f}" in outcome.out


def test_the_csv_holds_quantiles_of_the_dataset(drawn: Ran) -> None:
    table = pd.read_csv(drawn[1] / "forecast.csv", keep_default_na=False)
    assert sorted(set(table["quantile"])) == [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]
    chosen = table.query("variable == 'value added' and year == 2034 and quantile == 0.9")["value"]
    with xr.open_dataset(drawn[1] / "forecast.nc", engine="netcdf4") as forecast:
        assert forecast.sizes["draw"] == 50
        assert "drawn" in forecast.coords
        expected = float(forecast["value added"].sel(time=2034).quantile(0.9))
    assert float(chosen.iloc[0]) == pytest.approx(expected, rel=1e-12)


def test_the_capsule_says_how_the_draws_came_about(drawn: Ran) -> None:
    capsule = json.loads((drawn[1] / "run.json").read_text("utf-8"))
    assert (capsule["seed"], capsule["draws"], capsule["sampling"]) == (7, 50, "latin")
    assert len(capsule["priors_sha256"]) == 64


def test_the_same_seed_gives_the_same_file(drawn: Ran, talent_sd: Command, tmp_path: Path) -> None:
    again = talent_sd(*GIVEN, "--draws", "50", "--threads", "1", "--out", tmp_path)
    assert again.code == 0, again.err
    assert (tmp_path / "forecast.csv").read_bytes() == (drawn[1] / "forecast.csv").read_bytes()


@pytest.fixture(scope="module")
def stored(talent_sd: Command, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One `talent-sd run` with more draws than its memory holds; tables are made from its quantiles."""
    out = tmp_path_factory.mktemp("stored") / "large"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("talent_sd.forecast.spread.LARGE", 100)
        return talent_sd(*STORED, "--out", out), out


def test_what_memory_cannot_hold_goes_to_a_store_with_the_same_quantiles(
    talent_sd: Command, stored: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talent_sd.forecast.spread.LARGE", 100)
    small, (large, folder) = talent_sd(*GIVEN, "--draws", "300", "--out", tmp_path / "small"), stored
    assert (small.code, large.code) == (0, 0), large.err
    assert not (tmp_path / "small" / "forecast.zarr").exists()
    with xr.open_zarr(str(folder / "forecast.zarr"), chunks=None) as store:
        assert store.sizes["draw"] == 300
    assert "Medians of 300 draws" in large.out
    tables = [
        pd.read_csv(one / "forecast.csv", keep_default_na=False) for one in (tmp_path / "small", folder)
    ]
    np.testing.assert_allclose(tables[0]["value"].astype(float), tables[1]["value"].astype(float), rtol=1e-12)
    other = talent_sd(*GIVEN, "--draws", "301", "--memory", "0.001", "--out", folder)
    assert other.code == 2
    assert "holds an ensemble of other inputs: draws was 300, is 301." in other.err


def test_a_store_goes_on_whatever_the_memory_now(
    talent_sd: Command, stored: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talent_sd.forecast.spread.LARGE", 100)
    out = tmp_path / "out"
    shutil.copytree(stored[1] / "forecast.zarr", out / "forecast.zarr")
    lost = sorted((out / "forecast.zarr" / ".blocks").iterdir())[0]
    kept = lost.read_bytes()
    lost.unlink()  # half done
    again = talent_sd(*GIVEN, "--draws", "300", "--out", out)
    assert again.code == 0, again.err
    assert (out / "forecast.csv").read_bytes() == (stored[1] / "forecast.csv").read_bytes()
    assert lost.read_bytes() == kept


def test_an_interrupted_store_is_kept_and_finished(
    talent_sd: Command, stored: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from talent_sd.engine.member_blocks import run_block
    from talent_sd.forecast import ensemble as block_runs

    monkeypatch.setattr("talent_sd.forecast.spread.LARGE", 100)
    arguments = (*STORED, "--out", tmp_path / "out")

    def interrupted(model: object, task: object, settings: object) -> object:
        if task.block == 3:  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return run_block(model, task, settings)  # type: ignore[arg-type]

    monkeypatch.setattr(block_runs, "run_block", interrupted)
    stopped = talent_sd(*arguments)
    store = tmp_path / "out" / "forecast.zarr"
    assert stopped.code == 130
    assert stopped.err == (
        f"Interrupted. What was simulated is kept in {store}; the same command goes on from there.\n"
    )
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["forecast.zarr"]
    monkeypatch.setattr(block_runs, "run_block", run_block)
    assert talent_sd(*arguments).code == 0
    files = [folder / "forecast.csv" for folder in (tmp_path / "out", stored[1])]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--draws", "0"), "0 draws. Ask for at least one."),
        (
            ("--draws", "100", "--sampling", "sobol"),
            "Sobol points come in powers of two. Ask for 64 or 128 draws, not 100.",
        ),
        (("--draws", "9", "--memory", "0"), "memory=0. Give gigabytes, 0.001 or more, for example 1."),
        (
            ("--cluster", "tcp://127.0.0.1:8786"),
            "--cluster is for many draws. Add --draws, for example --draws 1000.",
        ),
    ],
)
def test_wrong_options_are_one_message(
    talent_sd: Command, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    outcome = talent_sd(*GIVEN, *options, "--out", tmp_path / "out")
    assert (outcome.code, outcome.err) == (2, f"{message}\nNothing was simulated.\n")
    assert not (tmp_path / "out").exists()


def test_one_draw_is_not_the_central_run(talent_sd: Command) -> None:
    found = talent_sd("run", "--draws", "1")
    assert found.code == 2
    assert "a draw alone is chance. Give 2 or more, or --central" in " ".join(found.err.split())


def test_a_workbook_does_not_go_over_a_city(talent_sd: Command, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_bytes((SHIPPED / "wuxi.yaml").read_bytes())
    for asked in (("list", "cities", "--of", own, "--xlsx", own), ("page", "--city", own, "--out", own)):
        found = talent_sd(*asked)
        assert found.code == 2
        assert "is there and does not end in ." in " ".join(found.err.split())
        assert own.read_bytes() == (SHIPPED / "wuxi.yaml").read_bytes()
