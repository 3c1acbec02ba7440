"""Why: effects add up, follow the equations, and end at figures with their sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import talent_sd as ts
from talent_sd.cli.app import app

TANK = """{UTF-8}
Tank= INTEG (inflow-outflow, 10)
	~	m3
	~	|
inflow=
	tap*opening
	~	m3/year
	~	|
outflow=
	Tank/residence
	~	m3/year
	~	|
tap=
	3
	~	m3/year
	~	What comes in. Source: the meter.
	|
opening=
	Time/10
	~	Dmnl
	~	|
residence=
	5
	~	year
	~	|
twice=
	Tank+Tank*opening
	~	m3
	~	|
INITIAL TIME = 0 ~ year ~ |
FINAL TIME = 10 ~ year ~ |
TIME STEP = 0.25 ~ year ~ |
SAVEPER = 1 ~ year ~ |
"""


@pytest.fixture(scope="module")
def talent() -> ts.Cause:
    return ts.why("total talent", 2030, "wuxi")


def test_causes_and_strip_add_up_to_the_change(talent: ts.Cause) -> None:
    change = talent.now - talent.before
    for told in (talent.causes, talent.strip):
        assert sum(one.effect for one in told) == pytest.approx(change, rel=1e-9)
    again = ts.simulate("baseline", city="wuxi", outputs=["total talent"])["total talent"].squeeze()
    assert talent.now == pytest.approx(float(again.sel(time=2030)), rel=1e-12)
    assert talent.before == pytest.approx(float(again.sel(time=2029)), rel=1e-12)


def test_a_sum_of_stocks_is_told_by_the_flows_of_the_year(talent: ts.Cause) -> None:
    names = {one.name: one for one in talent.strip}
    assert "Talent" not in names
    assert {"arrivals", "retirements"} <= set(names)
    assert names["arrivals"].effect > 0 > names["retirements"].effect


def test_the_way_down_ends_at_a_figure_with_file_line_and_source() -> None:
    found = ts.why("value added", 2030, "wuxi")
    seen, waiting, sources = set(), [found], []
    while waiting and len(seen) < 300:
        one = waiting.pop(0)
        if one.name not in seen:
            seen.add(one.name)
            sources += [figure.source for figure in one.figures]
            waiting += one.causes
    assert any("cities/wuxi.yaml:" in source for source in sources)
    assert all(sources)


def test_effects_of_a_stock_and_of_an_equation_are_those_of_the_equations(tmp_path: Path) -> None:
    from talent_sd.engine.runner import load_model
    from talent_sd.loops.kept_run import follow
    from talent_sd.loops.why import Study, _cause

    (tmp_path / "tank.mdl").write_text(TANK, "utf-8")
    model = load_model(tmp_path / "tank.mdl")
    run = follow(model)
    places = {slot.variable: number for number, slot in enumerate(run.program.slots) if not slot.hidden}
    values = {name: run.values[slot, :, 0] for name, slot in places.items()}

    class Bare:
        first = type("first", (), {"values": {}})
        model = None

    Bare.model = model  # type: ignore[assignment]
    study = Study(Bare, run, {name: (slot,) for name, slot in places.items()})  # type: ignore[arg-type]
    tank = {one.name: one.effect for one in _cause(study, "Tank", (places["Tank"],), 4.0).causes}
    assert tank["inflow"] == pytest.approx(values["inflow"][12:16].sum() * 0.25, rel=1e-12)
    assert tank["outflow"] == pytest.approx(-values["outflow"][12:16].sum() * 0.25, rel=1e-12)
    twice = {one.name: one.effect for one in _cause(study, "twice", (places["twice"],), 4.0).causes}
    level, opening = values["Tank"], values["opening"]
    assert twice["Tank"] == pytest.approx((level[16] - level[12]) * (1 + opening[12]), rel=1e-9)
    assert twice["opening"] == pytest.approx(level[12] * (opening[16] - opening[12]), rel=1e-9)
    assert twice["together"] == pytest.approx((level[16] - level[12]) * (opening[16] - opening[12]), rel=1e-9)
    inflow = _cause(study, "inflow", (places["inflow"],), 4.0)
    assert [(one.name, one.source) for one in inflow.figures] == [("tap", "tank.mdl:13: the meter.")]
    clock = {one.name: one.effect for one in _cause(study, "opening", (places["opening"],), 4.0).causes}
    assert clock["time"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("total talnt",), "no variable 'total talnt'. Did you mean 'total talent'?"),
        (("total talent", 2022), "the year is 2022. Give a whole one from 2023 to 2034."),
        (("total talent", np.nan), "the year is nan."),
    ],
)
def test_what_cannot_be_asked_is_told(asked: tuple[object, ...], told: str) -> None:
    with pytest.raises(ts.TalentError, match=told):
        ts.why(*asked)  # type: ignore[arg-type]


def test_the_command_takes_labels_and_tells_the_same_numbers(talent: ts.Cause) -> None:
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(
        app, ["why", "人才总量", "--city", "无锡", "--lang", "zh", "--links", "1"]
    )
    assert shown.exit_code == 0, shown.output
    assert f"2030年{talent.now / 1e4:.1f}万人" in shown.output
    assert "单次中心运行" in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80
