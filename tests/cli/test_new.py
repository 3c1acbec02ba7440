"""`talent-sd new`: starter files that are right from the first minute."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import xarray as xr

from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.forecast.prepare import check_file
from talent_sd.forecast.simulate import simulate
from talent_sd.inputs import load_city, load_scenario
from talent_sd.model.read import read_structure

from .conftest import Outcome

Command = Callable[..., Outcome]
LANGUAGES = ("en", "zh")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def uncommented(text: str) -> str:
    """Take the "# " off every line that is YAML put in comments: headings and what is indented below."""
    keys = r"(question|context|policies|assumptions|shocks):"
    return re.sub(
        rf"(?m)^# (?=  |{keys})|^  # (?=\w+: \{{unit)", lambda m: "  " * m[0].startswith("  "), text
    )


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("extends", ["baseline", "hefei_combination"])
def test_a_new_scenario_passes_check_and_runs_like_its_parent(
    talent_sd: Command, extends: str, lang: str
) -> None:
    assert talent_sd("new", "scenario", "plan", "--extends", extends, "--lang", lang).code == 0
    outcome = talent_sd("check", "plan.yaml")
    assert (outcome.code, outcome.out) == (0, "plan.yaml: fine (scenario)\n")
    ours = outcome_of("plan.yaml")
    xr.testing.assert_equal(ours, outcome_of(extends))


def outcome_of(scenario: str) -> xr.Dataset:
    """Run a scenario; what the run is called does not matter."""
    outputs = simulate(scenario, city="hefei", outputs=["total talent", "tax base"])
    return outputs.isel(scenario=0, drop=True).drop_attrs()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_policy_stands_in_a_new_scenario_and_passes_check_once_uncommented(
    talent_sd: Command, lang: str
) -> None:
    talent_sd("new", "scenario", "plan", "--lang", lang)
    text = Path("plan.yaml").read_text("utf-8")
    Path("all.yaml").write_text(uncommented(text), "utf-8")
    assert check_file("all.yaml") == "scenario"
    policies = read_structure(shipped_folder("models") / "city.mdl").subscripts["policy"]
    scenario = load_scenario("all.yaml")
    assert tuple(scenario.policies) == policies
    assert all(
        {"from", "until", "ramp", "intensity"} <= set(settings) for settings in scenario.policies.values()
    )
    assert set(scenario.shocks) >= {"core_team_exit", "job_loss"}
    assert set(scenario.assumptions) == {"policy budget share"}
    assert all("http" not in line or line.startswith("# yaml-language-server") for line in text.splitlines())


def test_settings_shown_in_a_new_scenario_are_those_a_policy_has_anyway_but_begin_next_year(
    talent_sd: Command,
) -> None:
    talent_sd("new", "scenario", "plan")
    written_out = uncommented(Path("plan.yaml").read_text("utf-8"))
    written_out = re.sub(r"(?ms)^shocks:.*?(?=^#)", "", written_out)
    Path("settings.yaml").write_text(written_out, "utf-8")
    year = date.today().year + 1
    dates = re.findall(r"(?m)^  \w+: \{from: (\d+), until: (\d+)", written_out)
    assert len(dates) == 18
    assert set(dates) == {(str(year), str(min(year + 5, 2035))), (str(year), "2035")}
    bare = re.sub(r"\{from: \d+, until: \d+, ", "{", written_out)
    assert talent_sd("check", "plan.yaml").out == "plan.yaml: fine (scenario)\n"
    Path("bare.yaml").write_text(bare, "utf-8")
    Path("on.yaml").write_text(re.sub(r"(?m)^(  \w+): \{ramp.*\}$", r"\1: on", bare), "utf-8")
    outcome = talent_sd("diff", "on.yaml", "bare.yaml")
    assert outcome.out == "on and bare set the same: a run cannot tell them apart.\n"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_plan_that_leaves_its_first_year_to_the_model_is_told_so(talent_sd: Command, lang: str) -> None:
    head = "title: t\nextends: baseline\npolicies:\n"
    Path("bare.yaml").write_text(head + "  venture_fund: on\n  open_labs: {intensity: 0.01}\n", "utf-8")
    Path("dated.yaml").write_text(head + "  venture_fund: {from: 2027}\n  cash_subsidy: off\n", "utf-8")
    told = {
        "en": "'bare' does not say when these begin: Venture fund, Open laboratories. The model's own year holds, 2025, which is "
        "past. Give their `from`.\n",
        "zh": "“bare”没有说明这些政策何时开始：创业投资基金、开放实验室。现按模型自带的2025年，这一年已经过去。请写明各自的 `from`。\n",
    }  # fmt: skip
    outcome = talent_sd("check", "bare.yaml", "--lang", lang)
    assert (outcome.code, outcome.err) == (0, told[lang])
    for fine in ("dated.yaml", str(shipped_folder("scenarios") / "hefei_combination.yaml")):
        assert talent_sd("check", fine, "--lang", lang).err == ""


def test_the_parents_own_settings_are_shown_with_their_line(
    talent_sd: Command, place: Callable[[str, str], str]
) -> None:
    talent_sd("new", "scenario", "plan", "--extends", "hefei_combination", "--lang", "zh")
    lines = Path("plan.yaml").read_text("utf-8").splitlines()
    assert (
        f"#   # 产业基金：产业基金占财政收入比重，0 至 0.2；scenarios/{place('hefei_combination', 'industry_fund')} 已设定"
        in lines
    )
    assert "#   industry_fund: {from: 2025, until: 2030, ramp: 1, intensity: 0.03}" in lines


def test_a_new_scenario_may_extend_a_file_in_another_folder(talent_sd: Command) -> None:
    Path("plans").mkdir()
    Path("mine.yaml").write_text("title: mine\nextends: baseline\npolicies: {cash_subsidy: on}\n", "utf-8")
    assert talent_sd("new", "scenario", "plans/next.yaml", "--extends", "mine.yaml").code == 0
    scenario = load_scenario("plans/next.yaml")
    assert scenario.chain == ("scenarios/baseline.yaml", "mine.yaml", "plans/next.yaml")
    assert scenario.policies["cash_subsidy"]["switch"].value is True


@pytest.mark.parametrize("kind", ["scenario", "city"])
def test_a_new_file_names_the_schema_that_ships_for_its_kind(talent_sd: Command, kind: str) -> None:
    talent_sd("new", kind, "mine")
    line = Path("mine.yaml").read_text("utf-8").splitlines()[0]
    schema = Path(line.removeprefix("# yaml-language-server: $schema=file://"))
    assert schema.name == f"{kind}.json"
    assert "title" in json.loads(schema.read_text("utf-8"))


def test_check_lists_what_is_still_to_be_filled_in_a_new_city(talent_sd: Command) -> None:
    talent_sd("new", "city", "nanjing")
    outcome = talent_sd("check", "nanjing.yaml")
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "nanjing.yaml:8: province is still to be filled in: en, zh.",
        "nanjing.yaml:9: region is still to be filled in: en, zh.",
        "nanjing.yaml:14: residents is still to be filled in: source, 2022.",
        "nanjing.yaml:17: gdp is still to be filled in: source, 2022.",
        "nanjing.yaml:20: fiscal_revenue is still to be filled in: source, 2022.",
        "nanjing.yaml:23: fiscal_expenditure is still to be filled in: source, 2022.",
        "nanjing.yaml:26: deposit_balance is still to be filled in: source, 2022.",
        "nanjing.yaml:29: census_population is still to be filled in: source, 2020.",
        "nanjing.yaml:32: tertiary_educated is still to be filled in: source, 2020.",
    ]


def test_a_new_city_in_chinese_is_checked_in_chinese(talent_sd: Command) -> None:
    talent_sd("new", "city", "南京", "--lang", "zh")
    outcome = talent_sd("check", "南京.yaml", "--lang", "zh")
    assert outcome.err.splitlines()[1:3] == [
        "南京.yaml:9: region 待填：en、zh。",
        "南京.yaml:14: residents 待填：source、2022。",
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_new_city_names_every_figure_and_runs_once_filled_in(talent_sd: Command, lang: str) -> None:
    talent_sd("new", "city", "mine", "--lang", lang)
    facts = load_city("handan")
    text = uncommented(Path("mine.yaml").read_text("utf-8")).replace("待填", "FILL_IN")

    def filled(line: re.Match[str]) -> str:
        name, year = line["name"], int(line["year"])
        if name not in facts.figures:
            return ""
        known = facts.figures[name].values
        at = max(year for year in known if year <= int(line["year"]))
        return line[0].replace(f"{year}: FILL_IN", f"{at}: {known[at]}").replace("FILL_IN", "yearbook")

    text = re.sub(r"(?m)^  (?P<name>\w+): \{unit.*\{(?P<year>\d+): FILL_IN\}\}$", filled, text)
    text = re.sub("(?m)^province: .*", "province: Hebei", text)
    Path("mine.yaml").write_text(text.replace("FILL_IN", "somewhere"), "utf-8")
    outcome = talent_sd("check", "mine.yaml")
    *missing, fine = outcome.out.splitlines()
    # all that the starter asks for and Handan gives is there; patents, fund and pensions are the province's or the nation's
    assert missing[0].startswith("Not mine's own, but the nation's or assumed: degrees and patents (")
    assert (outcome.code, fine) == (0, "mine.yaml: fine (city)")
    carried = "Not counted in mine, taken along the nation's change: average wage 2022 from 2021 ("
    beside = next(line for line, one in enumerate(missing) if one.startswith(carried)) + 1
    assert missing[beside].startswith("mine's figures beside those of cities like it")
    assert set(load_city("mine.yaml").figures) == set(facts.figures)
    # Handan's file knows residents, GDP and revenue of years past the start too
    assert talent_in_the_end("mine.yaml") == pytest.approx(talent_in_the_end("handan"), rel=0.03)


def talent_in_the_end(city: str) -> float:
    """Return a city's talent in the last year."""
    forecast = simulate("baseline", city=city, outputs=["total talent"])
    return forecast["total talent"].isel(time=-1).item()


def test_a_new_file_never_overwrites(talent_sd: Command) -> None:
    Path("mine.yaml").write_text("precious", "utf-8")
    outcome = talent_sd("new", "scenario", "mine")
    assert (outcome.code, outcome.err) == (2, "mine.yaml: is there already. Choose another name.\n")
    assert Path("mine.yaml").read_text("utf-8") == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("scenario", "baseline"), "'baseline' is the name of a file that ships. Choose another."),
        (("city", "hefei.yaml"), "'hefei' is the name of a file that ships. Choose another."),
        (("scenario", ""), "'' cannot be the name of a file. Choose another."),
        (("scenario", "a\nb"), "'a b' cannot be the name of a file. Choose another."),
        (("scenario", "nowhere/mine"), "nowhere/mine.yaml: cannot be written (No such file or directory). Choose another place."),
        (("city", "mine", "--extends", "baseline"), "--extends goes with a scenario, not with a city. Leave it out."),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_is_refused(
    talent_sd: Command, arguments: tuple[str, ...], message: str
) -> None:
    outcome = talent_sd("new", *arguments)
    assert (outcome.code, outcome.err) == (2, f"{message}\n")
    assert not list(Path().iterdir())


def test_an_unknown_parent_is_refused_before_anything_is_written(talent_sd: Command) -> None:
    outcome = talent_sd("new", "scenario", "mine", "--extends", "hefei_combinatoin")
    assert outcome.code == 2
    assert outcome.err.startswith("unknown scenario 'hefei_combinatoin'. Did you mean 'hefei_combination'?")
    assert not list(Path().iterdir())


def test_a_title_cannot_break_out_of_its_line(talent_sd: Command) -> None:
    name = 'a"}, evil: {"b'
    talent_sd("new", "scenario", name)
    assert load_scenario(f"{name}.yaml").title["en"] == name


def test_a_gap_in_any_file_is_told_apart_from_a_wrong_value() -> None:
    Path("gap.yaml").write_text(
        "title: t\nassumptions:\n  policy budget share: {value: FILL_IN, why: 待填}\n", "utf-8"
    )
    with pytest.raises(
        InputError, match=r"^gap.yaml:3: policy budget share is still to be filled in: value, why.$"
    ):
        check_file("gap.yaml")
