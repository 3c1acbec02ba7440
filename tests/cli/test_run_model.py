"""`talent-sd run MODEL`: any model gets the table, the files and the plots that the city has."""

import json

import pytest
import xarray as xr
from typer.testing import CliRunner

from talent_sd.cli.app import app

CUP = """{UTF-8}
Tea= INTEG(-loss, start)~degree~Tea. |
loss= (Tea-room)/lag~degree/minute~ |
start= 90~degree~|
room= 20~degree [0,40]~|
lag= 10~minute~|
share= loss/10~ [0,0.65]~|
INITIAL TIME=0~minute~|
FINAL TIME=4~minute~|
TIME STEP=1~minute~|
SAVEPER=1~minute~|
"""


@pytest.fixture
def cup(tmp_path):
    file = tmp_path / "cup.mdl"
    file.write_text(CUP, "utf-8")
    return file


def run(*arguments):
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, ["run", *map(str, arguments)])


def test_a_model_is_run_shown_and_written(cup, tmp_path):
    out = tmp_path / "out"
    result = run(cup, "--set", "room=30", "--set", "start = 80", "--out", out)
    assert result.exit_code == 0, result.output
    assert "cup: room = 30, start = 80" in result.output
    assert {file.name for file in out.iterdir()} == {
        "forecast.nc",
        "forecast.csv",
        "run.json",
        "overview.png",
    }
    with xr.open_dataset(out / "forecast.nc") as forecast:
        assert forecast["Tea"].dims == ("scenario", "draw", "time")
        assert forecast["Tea"].values.ravel().tolist() == pytest.approx([30 + 50 * 0.9**t for t in range(5)])
        assert forecast["Tea"].attrs["units"] == "degree"
    rows = (out / "forecast.csv").read_text("utf-8").splitlines()
    assert rows[0] == "scenario,draw,year,variable,subscript,value,unit"
    assert "model,0,1,Tea,,75.0,degree" in rows
    capsule = json.loads((out / "run.json").read_text("utf-8"))
    assert capsule["settings"] == {"room": 30, "start": 80}
    assert capsule["files"][0]["file"] == "cup.mdl"


def test_a_model_in_which_nothing_moves_is_drawn_too(cup, tmp_path):
    result = run(cup, "--set", "start=20", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "overview.png").stat().st_size > 5000


def test_what_leaves_its_range_is_told_and_kept(cup, tmp_path):
    result = run(cup, "--no-plots", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "'share' is 0.7 at 0, outside its range [0, 0.65]." in result.stderr
    capsule = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    assert capsule["notices"] == ["'share' is 0.7 at 0, outside its range [0, 0.65]."]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--set", "rom=30"], "cup.mdl: unknown parameter 'rom'. Did you mean 'room'?"),
    (["--set", "room=50"], "cup.mdl: 'room' is 50, above the model's limits [0, 40] degree."),
    (["--set", "room=x", "--set", "lag=1", "--set", "lag=2"], "--set 'room=x' is no setting. Write --set \"name=number\".\n--set: 'lag' is given twice."),
    (["--city", "wuxi", "--draws", "3"], "--city, --draws: only for the city model; cup.mdl is another one."),
])  # fmt: skip
def test_a_setting_that_cannot_be_is_refused(cup, tmp_path, arguments, message):
    result = run(cup, *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("setting", "message"), [
    ("lag=1", "unknown constant 'lag'. Did you mean 'tax lag'?"),
    ("lag=x", "--set 'lag=x' is no setting. Write --set \"name=number\"."),
    ("tax lag=-1", "tax lag is -1, below the model's minimum"),
    ("Residents=1", "'Residents' is computed by the model (auxiliary); only constants can be set."),
    ("city residents=1e6", "'city residents' is a city's figure, not an assumption. Set residents in the city file."),
])  # fmt: skip
def test_a_setting_that_a_scenario_cannot_take_is_refused(tmp_path, setting, message):
    result = run("baseline", "--set", setting, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Nothing was simulated." in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_setting_that_a_scenario_can_take_is_told(tmp_path):
    result = run("baseline", "--set", "tax lag=1.5", "--central", "--no-plots", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "tax lag = 1.5" in " ".join(result.stdout.split())
    assert (tmp_path / "out" / "what_if.csv").is_file()


def test_check_tells_units_that_do_not_fit(tmp_path):
    file = tmp_path / "m.mdl"
    file.write_text("{UTF-8}\nlength=2~meter~|\nweight=3~kilogram~|\nboth=length+weight~Meters~|\n"
                    "pile=INTEG(length, length)~meter~|\nfine=MAX(length,pile)*2/length~Dmnl~|\n"
                    "INITIAL TIME=0~day~|\nFINAL TIME=2~day~|\nTIME STEP=1~day~|\nSAVEPER=1~day~|\n", "utf-8")  # fmt: skip
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["check", str(file)])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[:2] == [
        "m.mdl:4: 'both': has meter where kilogram belongs. Mend the equation or the units.",
        "m.mdl:5: 'pile': has meter*day where meter belongs. Mend the equation or the units.",
    ]
