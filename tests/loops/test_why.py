"""Why: effects add up, follow the equations, and end at figures with their sources."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.table import Table
from typer.testing import CliRunner

import talent_sd as ts
from talent_sd.cli.app import app
from talent_sd.engine.runner import load_model
from talent_sd.inputs.labels import shipped_labels
from talent_sd.loops.kept_run import follow
from talent_sd.loops.why import Study, _cause
from talent_sd.output.listings import why_tables

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
end of step=
	Time + TIME STEP
	~	year
	~	|
rain path((0,1),(10,4))
	~	m3
	~	What falls. Source: the gauge. |
rain growth=
	(rain path(end of step)/rain path(Time) - 1)*nothing/TIME STEP
	~	1/year
	~	|
nothing=
	1
	~	Dmnl [1,1]
	~	What leaves things as they are. Source: definition. |
kept growth=
	INITIAL(rain growth)
	~	1/year
	~	|
passed on=
	kept growth
	~	1/year
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


def test_causes_of_elements_told_by_their_mean_add_up_to_its_change() -> None:
    shares = ts.why("post ratio", year=2030)
    assert len(shares.elements) > 1
    assert shares.now != shares.before
    for causes in (shares.causes, shares.strip):
        assert sum(cause.effect for cause in causes) == pytest.approx(shares.now - shares.before, rel=1e-9)


def test_a_sum_of_stocks_is_told_by_the_flows_of_the_year(talent: ts.Cause) -> None:
    names = {one.name: one for one in talent.strip}
    assert "Talent" not in names
    assert {"arrivals", "retirements"} <= set(names)
    assert names["arrivals"].effect > 0 > names["retirements"].effect


def test_the_way_down_ends_at_a_figure_with_file_line_and_source() -> None:
    found = ts.why("value added", 2030, "wuxi")
    seen: set[str] = set()
    waiting, sources = [found], []
    while waiting and len(seen) < 300:
        one = waiting.pop(0)
        if one.name not in seen:
            seen.add(one.name)
            sources += [figure.source for figure in one.figures]
            waiting += one.causes
    assert any("cities/wuxi.yaml:" in source for source in sources)
    assert all(sources)


@pytest.fixture
def tank(tmp_path: Path) -> Study:
    (tmp_path / "tank.mdl").write_text(TANK, "utf-8")
    model = load_model(tmp_path / "tank.mdl")
    bare = SimpleNamespace(first=SimpleNamespace(values={}), model=model)
    run = follow(model)
    places = {slot.variable: (number,) for number, slot in enumerate(run.program.slots) if not slot.hidden}
    return Study(bare, run, places)  # type: ignore[arg-type]


def of(study: Study, name: str, year: float = 4.0) -> ts.Cause:
    return _cause(study, name, study.by_variable[name], year)


def test_effects_of_a_stock_and_of_an_equation_are_those_of_the_equations(tank: Study) -> None:
    run, study = tank.run, tank
    places = {slot.variable: number for number, slot in enumerate(run.program.slots) if not slot.hidden}
    values = {name: run.values[slot, :, 0] for name, slot in places.items()}

    stock = {one.name: one.effect for one in of(study, "Tank").causes}
    assert stock["inflow"] == pytest.approx(values["inflow"][12:16].sum() * 0.25, rel=1e-12)
    assert stock["outflow"] == pytest.approx(-values["outflow"][12:16].sum() * 0.25, rel=1e-12)
    twice = {one.name: one.effect for one in of(study, "twice").causes}
    level, opening = values["Tank"], values["opening"]
    assert twice["Tank"] == pytest.approx((level[16] - level[12]) * (1 + opening[12]), rel=1e-9)
    assert twice["opening"] == pytest.approx(level[12] * (opening[16] - opening[12]), rel=1e-9)
    assert twice["together"] == pytest.approx((level[16] - level[12]) * (opening[16] - opening[12]), rel=1e-9)
    inflow = of(study, "inflow")
    assert [(one.name, one.source) for one in inflow.figures] == [("tap", "tank.mdl:13: the meter.")]
    clock = {one.name: one.effect for one in of(study, "opening").causes}
    assert clock["time"] == pytest.approx(0.1)


def test_a_path_read_at_two_times_is_one_cause_with_its_source(tank: Study) -> None:
    growth = of(tank, "rain growth")
    causes = {one.name: one for one in growth.causes}
    assert causes.keys() == {"rain path", "nothing", "TIME STEP"}
    assert causes["rain path"].effect == pytest.approx(growth.now - growth.before, rel=1e-9)
    assert causes["rain path"].effect == pytest.approx(0.3 / 2.2 - 0.3 / 1.9, rel=1e-9)
    assert (causes["rain path"].before, causes["rain path"].now) == pytest.approx(
        (1.975, 2.275)
    )  # both readings move; the first is told
    assert causes["rain path"].source.startswith("tank.mdl:")
    assert [one.name for one in growth.strip] == ["rain path"]
    assert [one.name for one in growth.figures] == ["rain path"]


def test_what_is_kept_from_the_start_moves_nothing(tank: Study) -> None:
    assert of(tank, "kept growth").now > 0
    assert [one.effect for one in of(tank, "kept growth").causes] == [0.0]
    assert of(tank, "passed on").strip == ()


def test_no_two_causes_are_a_clock_that_cancels_itself(talent: ts.Cause) -> None:
    for name in ("renewal rate", "home supply ratio", "value added", "Residents", "national tertiary growth"):
        found = of(talent.study, name, 2030.0)
        for one in found.strip:
            assert one.name != "next time"
            if one.name in ("time", "together"):
                assert abs(one.effect) < 0.5 * abs(found.now - found.before), (name, one)


def test_against_another_run_each_link_has_its_part_of_the_difference(talent: ts.Cause) -> None:
    found = ts.why("total talent", 2030, "wuxi", against="baseline", overrides={"arrival elasticity": 0.8})
    difference = found.now - talent.now
    assert found.before == pytest.approx(talent.now, rel=1e-12)
    run = ts.simulate("baseline", "wuxi", overrides={"arrival elasticity": 0.8}, outputs=["total talent"])
    assert found.now == pytest.approx(float(run["total talent"].sel(time=2030).squeeze()), rel=1e-12)
    assert found.now - found.before == pytest.approx(difference, rel=1e-9)
    for told in (found.causes, found.strip):
        assert sum(one.effect for one in told) == pytest.approx(difference, rel=1e-9)
    pull, seen = found, {found.name}
    names: dict[str, ts.Cause]
    while "arrival elasticity" not in (names := {one.name: one for one in pull.strip}):
        pull = next(one for one in pull.strip if one.name not in seen and one.strip)
        seen.add(pull.name)
    assert (names["arrival elasticity"].before, names["arrival elasticity"].now) == (
        pytest.approx(1.9, abs=0.9),
        0.8,
    )
    assert names["arrival elasticity"].effect != 0


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("total talnt",), "no variable 'total talnt'. Did you mean 'total talent'?"),
        (("total talent", 2022), "the year is 2022. Give a whole one from 2023 to 2034."),
        (("total talent", np.nan), "year is nan. Give a year."),
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


def test_the_largest_cause_is_followed_or_it_is_told_why_another_is() -> None:
    found = ts.why("total talent", year=2030, city="wuxi")
    *strips, _ = (one for one in why_tables(found, shipped_labels(), 7) if isinstance(one, Table))
    assert len(strips) >= 5
    told = 0
    for one, following in itertools.pairwise(strips):
        strongest, followed = (
            str(next(iter(one.columns[0].cells))),
            str(following.title).split(": ")[0].partition("[")[0],
        )
        caption = str(one.caption or "").partition("“(loop")[0].strip()
        if not caption:
            assert strongest == followed
        else:
            reason = re.fullmatch(
                r"Followed: (.*); “(.*)” (leads back to what stands above|has .*|moved it the other way)\."
                r"( It is the strongest of those left that moved it the same way\.)?",
                caption,
            )
            assert reason is not None
            assert (reason[1], reason[2]) == (followed, strongest)
            told += 1
    assert told >= 1


def test_a_mean_over_elements_is_followed_by_the_element_that_did_most() -> None:
    found = ts.why("home graduates", 2030, "handan")
    several = [one for one in found.strip if len(one.slots) > 1 and one.unit == "Dmnl"]
    assert several
    for cause in several:
        own = found.element_of(cause)
        parts = [replace(found, slots=(slot,)).element_of(cause).effect for slot in found.slots]
        assert len(own.slots) == 1
        # each tier of graduates has its own; together they are the whole, and the one told is the largest
        assert sum(parts) == pytest.approx(cause.effect, rel=1e-6)
        assert abs(own.effect) == pytest.approx(max(map(abs, parts)), rel=1e-9)


def test_what_is_followed_moved_the_way_that_is_explained_and_its_numbers_show_it() -> None:
    found = ts.why("home graduates", 2030, "handan")
    *strips, _ = (one for one in why_tables(found, shipped_labels(), 7) if isinstance(one, Table))
    told: list[str] = []
    for lang, mark in [("en", r"\(loop[^)]*\)"), ("zh", "（(?:循环用|回路链接)）")]:
        told.clear()
        for one in why_tables(found, shipped_labels(), 7, lang):
            if isinstance(one, Table):
                causes = "\n".join(str(cell) for column in one.columns[:1] for cell in column.cells)
                new = sorted({*re.findall(mark, causes)} - {*told})
                assert re.findall(mark, str(one.caption)) == new
                told += new
        assert told
    for one in strips:
        name, before, now = re.fullmatch(r"(.*): ([^ ]+) in 2029, ([^ ]+).* in 2030", str(one.title)).groups()  # type: ignore[union-attr]
        assert before != now, name
    for one, following in itertools.pairwise(strips):
        causes, effects = ([str(cell) for cell in one.columns[n].cells] for n in (0, 1))
        followed = str(following.title).split(": ")[0].partition("[")[0]
        same_way = [causes[n] for n, effect in enumerate(effects[:-1]) if effect[0] == effects[-1][0]]
        assert followed in same_way or not same_way or "leads back" in str(one.caption), one.title
