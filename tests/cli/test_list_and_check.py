"""`talent-sd list` and `talent-sd check`."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

import talent_sd
from talent_sd.base.files import shipped_folder
from talent_sd.cli.listing import Shelf
from talent_sd.cli.options import Engine
from talent_sd.forecast.prepare import prepare
from talent_sd.forecast.simulate import simulate
from talent_sd.forecast.what_if import gaps
from talent_sd.inputs.city_figures import read_mapping
from talent_sd.inputs.city_files import read_provinces
from talent_sd.inputs.labels import shipped_labels
from talent_sd.model.read import read_structure
from talent_sd.output.city_tables import gaps_line, gaps_table, shared_line, told_gaps
from talent_sd.output.listings import shelf_table
from talent_sd.uncertainty.priors import assumed_figures

from .conftest import Outcome

Command = Callable[..., Outcome]


def test_the_cities_and_the_average_are_listed_in_both_languages(talent_sd: Command) -> None:
    english, chinese = talent_sd("list", "cities"), talent_sd("list", "cities", "--lang", "zh")
    assert (english.code, chinese.code) == (0, 0)
    rows = [line.split() for line in english.out.splitlines() if line.strip()][2:]
    assert len(rows) == 15
    assert ["hefei", "Hefei", "Anhui", "Centre"] in rows
    assert "合肥" in chinese.out


def test_every_policy_of_the_model_is_listed(talent_sd: Command) -> None:
    outcome = talent_sd("list", "policies")
    structure = read_structure(shipped_folder("models") / "city.mdl")
    listed = [line.split()[0] for line in outcome.out.splitlines() if line.strip()][2:]
    assert listed == list(structure.subscripts["policy"])


@pytest.mark.parametrize(
    ("shelf", "words"),
    [
        ("policies", {"apartments", "subsidy", "Manufacturing", "Evidence"}),
        ("evidence", {"people", "manufacturing", "industries", "cities"}),
        ("scenarios", {"combination", "apartments"}),
        ("loops", {"suppliers", "hospitals"}),
    ],
)
def test_no_common_word_is_broken_in_a_terminal_of_80_columns(shelf: str, words: set[str]) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(shelf_table(shelf))
    assert words <= set(console.export_text().split())


def test_scenarios_are_listed_with_the_question_they_answer(talent_sd: Command) -> None:
    outcome = talent_sd("list", "scenarios", "--lang", "zh")
    assert outcome.code == 0
    for text in ("hefei_combination", "合肥式组合拳", "cash_subsidy_only", "baseline"):
        assert text in outcome.out


def test_variables_are_listed_with_unit_and_meaning(talent_sd: Command) -> None:
    outcome = talent_sd("list", "variables")
    assert outcome.code == 0
    row = next(line for line in outcome.out.splitlines() if line.strip().startswith("tax base"))
    assert "auxiliary" in row
    assert "yuan/year" in row


def test_every_loop_is_listed_with_polarity_and_story(talent_sd: Command) -> None:
    outcome = talent_sd("list", "loops", "--lang", "zh")
    assert outcome.code == 0, outcome.err
    structure = read_structure(shipped_folder("models") / "city.mdl")
    firsts = [line.split()[:2] for line in outcome.out.splitlines() if line.strip()]
    for loop in structure.subscripts["loop"]:
        assert [loop, "R"] in firsts or [loop, "B"] in firsts, loop


def test_an_unknown_shelf_is_refused(talent_sd: Command) -> None:
    assert talent_sd("list", "towns").code == 2


def test_shipped_files_pass_the_check(talent_sd: Command) -> None:
    scenarios = shipped_folder("scenarios")
    files = [*scenarios.rglob("*.yaml"), shipped_folder("models") / "city.mdl"]
    outcome = talent_sd("check", *files)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"{scenarios / 'cities' / 'wuxi.yaml'}: fine (city)" in outcome.out.splitlines()
    assert outcome.out.count(": fine (") == len(files)


def test_problems_of_form_hide_no_others(talent_sd: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "title: {en: Mine}\ncolour: red\nquestion:\npolicies:\n  cash_subsidi: on\n"
        "  venture_fund: {from: soon}\n  industry_fund: {from: 2040}\nassumptions:\n  none: {value: 1, why: x}\n"
        "shocks:\n  core_team_exit: {at: 2050}\ncontext: national/nowhere\n"
        "extends: baselin\n"
    )
    outcome = talent_sd("check", mine)
    assert outcome.code == 2
    lines = [int(line.removeprefix(f"{mine}:").split(":")[0]) for line in outcome.err.splitlines()]
    assert sorted(lines) == [1, 2, 3, 5, 6, 7, 9, 11, 12, 13]
    ran = talent_sd("run", mine, "--central", "--out", tmp_path / "new")
    assert set(outcome.err.splitlines()) < set(ran.err.splitlines())


def test_the_last_line_of_a_check_sums_up_what_stands_above(talent_sd: Command, tmp_path: Path) -> None:
    text = (shipped_folder("scenarios") / "cities" / "handan.yaml").read_text("utf-8")
    odd = re.sub(r"(  fiscal_revenue: .*2022: )[\d.e]+", r"\g<1>9000000000", text)
    assert odd != text
    (tmp_path / "odd.yaml").write_text(odd)
    lacking = re.sub(r"(?m)^  (house_price|births|age_\w+): .*\n", "", odd)
    (tmp_path / "lacking.yaml").write_text(lacking)
    outcome = talent_sd("check", tmp_path / "odd.yaml")
    *_, last = outcome.out.splitlines()
    count = len(outcome.err.splitlines())
    assert count >= 1
    told = "1 warning" if count == 1 else f"{count} warnings"
    assert (outcome.code, last) == (
        0,
        f"{tmp_path / 'odd.yaml'}: {told}, on what stands above; it runs (city)",
    )
    outcome = talent_sd("check", tmp_path / "lacking.yaml", "--lang", "zh")
    first, *_, last = outcome.out.splitlines()
    assert first.startswith("以下并非邯郸自有数据，而是取全国值或假设值：学历与专利（"), first
    assert "年龄与出生（人才总量" in first
    assert "住房与房价（人才总量" in first
    assert "一般公共预算收入（fiscal_revenue）" in outcome.err
    assert last.endswith("条警告（见上），可以运行（城市）")


def test_check_reports_all_files_and_exits_2(talent_sd: Command, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("title: Good\nextends: baseline\n")
    (tmp_path / "bad.yaml").write_text("title: Bad\ntitle: Worse\n")
    (tmp_path / "empty.mdl").write_text("")
    outcome = talent_sd("check", *(tmp_path / name for name in ("bad.yaml", "good.yaml", "empty.mdl")))
    assert outcome.code == 2
    assert outcome.out == f"{tmp_path / 'good.yaml'}: fine (scenario)\n"
    assert "bad.yaml:2: " in outcome.err
    assert "empty.mdl" in outcome.err
    assert "simulated" not in outcome.err


def test_thousands_of_missing_files_are_told_quickly_and_counted(talent_sd: Command, tmp_path: Path) -> None:
    start = time.process_time()
    outcome = talent_sd("check", *[tmp_path / f"{number % 2000}.yaml" for number in range(2500)])
    assert (outcome.code, time.process_time() - start < 10) == (2, True)
    told = outcome.err.splitlines()
    assert told[0] == f"{tmp_path / '0.yaml'}: no such file. Check the path."
    assert told[20:] == ["… and 1980 more problems. Mend these first."]


@pytest.mark.parametrize("command", ["run", "compare", "list", "check"])
def test_help_has_an_example(talent_sd: Command, command: str) -> None:
    outcome = talent_sd(command, "--help")
    assert outcome.code == 0
    assert f"Example:  talent-sd {command} " in outcome.out


def test_the_version_is_the_packages(talent_sd: Command) -> None:
    assert talent_sd("--version").out == f"talent-sd {_version()}\n"


def _version() -> str:
    return talent_sd.__version__


def test_choices_are_the_documented_ones() -> None:
    assert [engine.value for engine in Engine] == ["auto", "kernel", "pysd"]
    assert [shelf.value for shelf in Shelf] == [
        "cities",
        "policies",
        "scenarios",
        "evidence",
        "variables",
        "loops",
    ]


def test_a_citys_gaps_are_those_of_figures_it_lacks_and_what_cancels_moves_nothing(tmp_path: Path) -> None:
    kept = ("residents", "gdp", "gdp_secondary", "fiscal_revenue", "fiscal_expenditure", "average_wage", "deposit_balance",
            "census_population", "tertiary_educated", "bachelor_or_above", "age_0_14", "age_15_59", "age_60_plus")  # fmt: skip
    lines = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8").splitlines()
    lines = [
        line
        for line in lines
        if not line.startswith("  ") or line.split(":")[0].strip() in kept or "- " in line
    ]
    patents = '  invention_patents_granted: {unit: patent/year, source: "Yearbook", values: {2022: 6000}}'
    text = re.sub("(?m)^province: .*", "province: Nation", "\n".join([*lines, patents]))
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    prepared = prepare("baseline", tmp_path / "mine.yaml")
    found = gaps(prepared)
    given = prepared.first.city.figures
    assert all(name not in given for gap in found if not gap.shared for name in gap.figures)
    assert not any(gap.unused for gap in found)
    (province,) = (gap for gap in found if gap.constant == "province tertiary educated")
    assert province.most < 1e-12
    drawn = {prior.key for prior in assumed_figures(prepared.first, prepared.model)}
    assert drawn == {gap.constant for gap in found} - {province.constant}
    assert {gap.constant for gap in found if gap.shared} == {
        "start fund years",
        "pensioners of state firms",
    }
    told = gaps_line(prepared, found)
    needs = {
        gap.constant: gaps_line(prepared, [gap]) for gap in found if not gap.shared and gap.most > 0.0005
    }
    assert "age 15–19 (with 18 other figures, all needed): up to" in needs["city share aged 15 to 19"]
    assert "on births: up to" in needs["city share aged 0 to 4"]
    assert f"lacks figures for {sum(not gap.shared for gap in found)} inputs" in told
    first = next(gap for gap in found if not gap.shared)
    assert f"of {shipped_labels().variable(first.where, 'en')} in 2034" in told
    # what moves nothing has no row, and is counted in one line
    listed = told_gaps(prepared, found, shipped_labels())
    assert listed is not None
    moving = [gap for gap in found if gap.moving]
    assert [row[0][0] for row in listed.rows] == [gap.figures[0] for gap in moving]
    assert listed.notes[0].startswith(
        f"Missing too, but moving none of these results ({len(found) - len(moving)}): "
    )
    for lang in ("en", "zh"):
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(gaps_table(prepared, found, shipped_labels(), lang))
        shown = console.export_text()
        assert max(map(cell_len, shown.splitlines())) <= 80
        words = shown.split()
        title = shipped_labels().variable("invention grants", lang)
        assert all(part in words or lang == "zh" for part in title.split()), shown


SHARED = {
    "invention_patents_granted": ("{unit: patent/year, source: Y, values: {2022: 6000}}", "province invention grants"),
    "life_expectancy": ("{unit: year, source: Y, values: {2020: 80}}", "city longevity"),
    "pension_fund_balance": ("{unit: yuan, source: Y, values: {2022: 5e10}}\n"
        "  pension_fund_payments: {unit: yuan/year, source: Y, values: {2022: 2.5e10}}", "start fund years"),
}  # fmt: skip


@pytest.mark.parametrize("figure", SHARED)
def test_what_a_province_or_the_nation_gives_is_told_until_the_city_gives_its_own(
    figure: str, tmp_path: Path
) -> None:
    text = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8")
    written, constant = SHARED[figure]
    (tmp_path / "mine.yaml").write_text(f"{text}  {figure}: {written}\n", "utf-8")
    without, own = prepare("baseline", "wuxi"), prepare("baseline", tmp_path / "mine.yaml")
    (gap,) = (one for one in gaps(without) if one.constant == constant)
    assert constant not in {one.constant for one in gaps(own)}
    assert gap.shared
    assert gap.moving
    assert gap.low < gap.value < gap.high
    (prior,) = (one for one in assumed_figures(without.first, without.model) if one.key == constant)
    assert prior.quantile(np.array([0.5])) == pytest.approx(prior.centre)
    assert constant not in {one.key for one in assumed_figures(own.first, own.model)}
    told = shared_line(without, gaps(without))
    assert figure.replace("_", " ") in told
    assert "With draws, the 80 % intervals allow for them" in told
    # what is told is what a run says
    end = [simulate("baseline", city=one.first.city.path).isel(time=-1) for one in (without, own)]
    if figure == "invention_patents_granted":
        assert gap.value == pytest.approx(
            float(simulate("baseline", city="wuxi")["invention grants"][0, 0, 0]), rel=1e-9
        )
        change = float(end[1]["invention grants"].squeeze() / end[0]["invention grants"].squeeze()) - 1
        assert change == pytest.approx(6000 / gap.value - 1, rel=1e-9)
        assert gap.moves["invention grants"] == pytest.approx(
            (gap.low / gap.value - 1, gap.high / gap.value - 1), rel=1e-6
        )
    if figure == "pension_fund_balance":
        change = float(end[1]["years of balance"].squeeze() - end[0]["years of balance"].squeeze())
        assert 0 < change < gap.cover[1]


def test_each_figure_that_a_starter_says_may_be_left_out_is_told_when_it_is() -> None:
    content = read_mapping().content
    for name, rule in content.constants.items():
        unsaid = rule.optional or (rule.own and rule.figure[0].startswith("province"))
        unsaid = unsaid or any(figure in read_provinces().content.figures for figure in rule.figure[:1])
        # a national figure is the nation's in any city; one of a province is its own
        assert not unsaid or rule.shared or rule.figure[0].startswith(("national_", "province_")), name
        assert not rule.shared or set(rule.shared.figures) <= set(content.figures), name


def test_a_city_that_is_a_province_has_its_patents_and_its_years_of_life() -> None:
    beijing, hefei = (
        {one.constant for one in gaps(prepare("baseline", city)) if one.shared}
        for city in ("beijing", "hefei")
    )
    assert hefei - beijing == {"province invention grants", "city longevity"}
