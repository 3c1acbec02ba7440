"""`talent-sd run` prints a table, writes its files, and refuses bad input with one message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from PIL import Image

import talent_sd
from talent_sd.base.files import shipped_folder
from talent_sd.inputs.labels import shipped_labels

from .conftest import Outcome

ROOT = shipped_folder("models").parent
Ran = tuple[Outcome, Path]
Command = Callable[..., Outcome]


def test_run_prints_the_headline_table_of_a_real_city(ran: Ran) -> None:
    outcome, _ = ran
    assert (outcome.code, outcome.err) == (0, "")
    assert "average wage 2022 from 2021 (" in " ".join(outcome.out.split())
    lines = outcome.out.splitlines()
    assert lines[0].strip() == "Hefei: No new policy"
    for text in (
        "Talent: Leading",
        "Invention patents granted",
        "Tax base (profit)",
        "Years of balance",
        "City brand",
    ):
        assert any(line.strip().startswith(text) for line in lines), text


def test_run_writes_every_file_it_promises(ran: Ran) -> None:
    outcome, out = ran
    plots = {f"sector_{sector.name}.png" for sector in shipped_labels().sectors}
    plots.discard("sector_policy.png")  # without a policy nothing in it moves
    files = {file.name for file in out.iterdir()}
    assert files == {"forecast.nc", "forecast.csv", "overview.png", "run.json"} | plots
    assert outcome.out.rstrip().endswith(f"Written to {out}: {', '.join(sorted(files))}")


def test_the_dataset_has_the_promised_axes_units_and_provenance(ran: Ran) -> None:
    with xr.open_dataset(ran[1] / "forecast.nc", engine="netcdf4") as forecast:
        assert forecast["Talent"].dims == ("scenario", "draw", "time", "tier")
        assert forecast["time"].values.tolist() == [float(year) for year in range(2022, 2035)]
        assert forecast["Talent"].attrs["units"] == "person"
        assert forecast["Talent"].attrs["long_name"]
        assert forecast.attrs["source"] == f"talent_sd {talent_sd.__version__}"
        assert (forecast.attrs["city"], forecast.attrs["city_zh"]) == ("hefei", "合肥")
        assert all(bool(forecast[name].notnull().all()) for name in forecast.data_vars)


def test_table_and_dataset_hold_the_same_numbers(ran: Ran) -> None:
    table = pd.read_csv(ran[1] / "forecast.csv", keep_default_na=False, dtype=str)
    chosen = table.query("variable == 'tax base'").set_index("year")["value"].astype(float)
    with xr.open_dataset(ran[1] / "forecast.nc", engine="netcdf4") as forecast:
        assert chosen.tolist() == forecast["tax base"].values.ravel().tolist()


def test_the_capsule_names_versions_files_and_origins(ran: Ran) -> None:
    capsule = json.loads((ran[1] / "run.json").read_text("utf-8"))
    assert capsule["talent_sd"] == talent_sd.__version__
    assert {Path(entry["file"]).name for entry in capsule["files"]} >= {
        "city.mdl",
        "baseline.yaml",
        "hefei.yaml",
    }
    for entry in capsule["files"]:
        assert hashlib.sha256((ROOT / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    inputs = {value["name"]: value for value in capsule["scenarios"]["baseline"]["inputs"]}
    residents = inputs["city residents"]
    assert (Path(residents["file"]).name, residents["unit"]) == ("hefei.yaml", "person")
    assert residents["line"] > 0


def test_the_pictures_are_pictures(ran: Ran) -> None:
    for file in ran[1].glob("*.png"):
        with Image.open(file) as image:
            assert min(image.size) > 400, file.name


def test_a_mistyped_scenario_is_one_message_and_exit_2(talent_sd: Command, tmp_path: Path) -> None:
    outcome = talent_sd("run", "baselin", "--out", tmp_path / "new")
    assert outcome.code == 2
    assert outcome.out == ""
    first, last = outcome.err.splitlines()
    assert first.startswith("unknown scenario 'baselin'. Did you mean 'baseline'?")
    assert last == "Nothing was simulated."
    assert list(tmp_path.iterdir()) == []


def test_every_problem_of_every_file_comes_at_once(talent_sd: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "title: Mine\nextends: baseline\n"
        "policies:\n  housing_vouchers: on\n  cash_subsidy: {from: 2030, until: 2026}\n"
    )
    outcome = talent_sd("run", tmp_path / "mine.yaml", "--city", "hefai", "--out", tmp_path / "new")
    assert outcome.code == 2
    for text in ("mine.yaml:4: ", "mine.yaml:5: ", "unknown city 'hefai'. Did you mean 'hefei'?"):
        assert text in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "new").exists()


def test_an_unwritable_out_is_one_message_before_the_simulation(talent_sd: Command, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    outcome = talent_sd("run", "--out", blocked)
    assert outcome.code == 2
    assert outcome.err == (
        f"{blocked}: cannot write here (is a file, not a folder). Choose another folder with --out.\n"
        "Nothing was simulated.\n"
    )
    assert blocked.read_text() == ""


def test_messages_follow_the_language(talent_sd: Command, tmp_path: Path) -> None:
    outcome = talent_sd("run", "baselin", "--lang", "zh", "--out", tmp_path / "new")
    assert outcome.err.splitlines()[-1] == "未运行模拟。"


def test_an_interrupt_leaves_nothing_and_exits_130(
    talent_sd: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("talent_sd.forecast.simulate.run_prepared", interrupted)
    outcome = talent_sd("run", "--central", "--out", tmp_path / "new")
    assert (outcome.code, outcome.err) == (130, "Interrupted; nothing was written.\n")
    assert list(tmp_path.iterdir()) == []


def test_the_users_own_scenario_runs_under_its_own_name(talent_sd: Command, tmp_path: Path) -> None:
    mine = tmp_path / "more cash.yaml"
    mine.write_text(
        "title: {en: More cash, zh: 更多补贴}\nextends: baseline\npolicies: {cash_subsidy: on}\n", "utf-8"
    )
    outcome = talent_sd("run", mine, "--central", "--no-plots", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[0].strip() == "Hefei: More cash"
    with xr.open_dataset(tmp_path / "out" / "forecast.nc", engine="netcdf4") as forecast:
        assert forecast["scenario"].values.tolist() == ["more cash"]
    assert not list((tmp_path / "out").glob("*.png"))
