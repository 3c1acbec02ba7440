"""National paths: known years, then assumptions with a reason and a range."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.inputs import national_lookups_text, national_params, read_national

Write = Callable[[str, str], Path]
small = pytest.mark.filterwarnings("ignore::talent_sd.base.errors.OddFigure")
"""Of a nation of fifty people."""
NAMES = ("central", "low_growth", "high_growth")
PATH = """\
title: {en: T, zh: T}
until: 2030
variables:
  gdp:
    unit: yuan/year
    what: value added
    source: here
    past: {2022: 100, 2023: 110, 2024: 121}
    future: {growth: {2025: 0.1, 2027: 0.3}, range: [0, 0.5], why: guess}
  residents:
    unit: person
    what: people
    source: here
    past: {2022: 50, 2023: 50, 2024: 40}
    future: {increase: {2025: -1}, range: [-2, 0], why: guess}
  gdp_per_head:
    unit: yuan/person
    what: ratio
    source: here
    past: {2024: 3}
    future: {follows: {times: [gdp], over: [residents]}, why: definition}
  young:
    unit: "1"
    what: share
    source: here
    past: {2024: 0.2}
    future: {values: {2026: 0.1}, range: [0, 1], why: guess}
  rest:
    unit: "1"
    what: share
    source: here
    past: {2024: 0.8}
    future: {one_less: [young], why: definition}
"""


@small
def test_each_form_of_the_future_is_reckoned(write: Write) -> None:
    path = read_national(write("p.yaml", PATH))
    gdp = [121.0, 121 * 1.1, 121 * 1.1 * 1.2, 121 * 1.1 * 1.2 * 1.3]
    assert [path.value("gdp", y) for y in range(2024, 2028)] == pytest.approx(gdp, rel=1e-5)
    assert [path.value("residents", y) for y in (2024, 2025, 2030)] == [40, 39, 34]
    assert path.value("gdp_per_head", 2025) == pytest.approx(3 * 1.1 * 40 / 39, rel=1e-5)
    assert [path.value("young", y) for y in (2024, 2025, 2026, 2030)] == [0.2, 0.15, 0.1, 0.1]
    assert path.value("rest", 2025) == 0.85
    assert path.value("gdp", 2022.5) == 105


@small
def test_a_year_or_variable_outside_the_path_is_refused(write: Write) -> None:
    path = read_national(write("p.yaml", PATH))
    with pytest.raises(
        InputError, match=r"^p\.yaml:8: 'gdp' runs from 2022 to 2030, not to 2031\. Choose a year"
    ):
        path.value("gdp", 2031)
    with pytest.raises(
        InputError, match=r"^p\.yaml: the national path has no variable 'gpd'\. Did you mean 'gdp'\?$"
    ):
        path.value("gpd", 2025)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2023: 110, ", "", "p.yaml:8: 'gdp' has no past value for 2023. Add the years."),
        (
            "growth: {2025",
            "growth: {2024",
            "p.yaml:9: the future of 'gdp' names 2024, which is already known. Start after 2024.",
        ),
        ("2027: 0.3", "2027: 3", "p.yaml:9: gdp.future: 3.0 in 2027 lies outside its own range [0.0, 0.5]."),
        (
            "growth: {2025: 0.1, 2027: 0.3}, ",
            "",
            "p.yaml:9: gdp.future: give exactly one of growth, increase, values, follows, one_less.",
        ),
        (
            "over: [residents]",
            "over: [resident]",
            "p.yaml:21: unknown national variable 'resident'. Did you mean 'residents'?",
        ),
        (
            "one_less: [young]",
            "one_less: [rest]",
            "p.yaml:33: the variables follow one another in a circle: rest -> rest. "
            "Give one of them growth or values.",
        ),
        ("until: 2030\n", "", "p.yaml:1: the key 'until' (last year of the path) is missing. Add it."),
        (
            "what: people\n    source: here\n    past",
            "past",
            "p.yaml:11: the national variable 'residents' lacks what, source. Add it, or mend the name.",
        ),
        (
            ", range: [0, 0.5]",
            "",
            "p.yaml:9: gdp.future: a range [low, high] is missing: say how far off the assumption may be.",
        ),
    ],
)
def test_a_faulty_path_is_refused(write: Write, old: str, new: str, message: str) -> None:
    assert old in PATH
    path = write("p.yaml", PATH.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_national(path)
    assert caught.value.problems == (message,)


@small
def test_a_child_path_gives_only_what_differs(write: Write) -> None:
    write("p.yaml", PATH)
    child = write(
        "c.yaml",
        "title: C\nextends: p.yaml\nvariables:\n  gdp:\n"
        "    future: {growth: {2025: 0.0}, range: [0, 1], why: x}\n",
    )
    path = read_national(child)
    assert path.value("gdp", 2030) == 121
    assert path.value("residents", 2030) == 34
    series = path.variables["gdp"]
    assert (series.origin.file, series.future.file) == ("p.yaml", "c.yaml")
    write("p.yaml", PATH.replace("until: 2030", "extends: c.yaml"))
    with pytest.raises(
        InputError, match=r"^p\.yaml:2: the paths extend one another in a circle: c\.yaml -> p\.yaml"
    ):
        read_national(child)


def test_the_tidy_table_marks_assumptions() -> None:
    table = read_national("central").table
    assert list(table.columns) == ["path", "year", "variable", "value", "unit", "source"]
    rows = table[table.variable == "gdp"].set_index("year")
    assert rows.loc[2024, "source"].startswith("China City Statistical Yearbook")
    assert rows.loc[2025, "source"].startswith("assumption: ")
    assert not table.isna().any().any()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_path_covers_the_runs_and_stays_plausible(name: str) -> None:
    path = read_national(name)
    for variable, series in path.variables.items():
        assert list(series.values) == list(range(2000, 2037)), variable
        assert 2023 <= series.known_until <= 2025, variable
        assert min(series.values.values()) > 0
        if "share" in variable or variable.endswith("_rate"):
            assert max(series.values.values()) < 1
    for year in (2000, 2024, 2034):
        ages = [path.value(f"share_{band}", year) for band in ("0_14", "15_59", "60_plus")]
        assert sum(ages) == pytest.approx(1, abs=3e-6)


@pytest.mark.parametrize("name", NAMES)
def test_five_year_ages_add_up_to_the_people_and_to_the_broad_shares(name: str) -> None:
    path = read_national(name)
    bands = [variable for variable in path.variables if variable.startswith("aged_")]
    assert len(bands) == 18
    for year in range(2000, 2037):
        people = [path.value(band, year) for band in bands]
        whole = sum(people)
        assert whole == pytest.approx(path.value("population", year), rel=3e-5)
        for broad, part in (
            ("share_0_14", people[:3]), ("share_15_59", people[3:12]), ("share_60_plus", people[12:]),
            ("share_20_34", people[4:7]), ("share_0_4", people[:1]), ("share_15_19", people[3:4]), ("share_55_59", people[11:12]),
        ):  # fmt: skip
            assert sum(part) / whole == pytest.approx(path.value(broad, year), abs=3e-5), (broad, year)
    jobs = ("leaders", "professionals", "clerks_services", "production", "farmers")
    assert sum(path.value(f"jobs_{kind}", 2020) for kind in jobs) == pytest.approx(1, abs=0.005)


def test_a_cohort_shrinks_as_it_grows_older() -> None:
    path = read_national("central")
    bands = [variable for variable in path.variables if variable.startswith("aged_")]
    for young, old in zip(bands[3:15], bands[4:16], strict=True):
        for year in range(2021, 2032):
            assert path.value(old, year + 5) < 1.03 * path.value(young, year), (young, year)


def test_the_paths_agree_on_the_past_and_part_afterwards() -> None:
    central, low, high = (read_national(name) for name in NAMES)
    for variable, series in central.variables.items():
        for year in range(2000, 2025):
            assert low.value(variable, year) == series.values[year] == high.value(variable, year)
    for variable in ("gdp", "gdp_real", "fiscal_revenue", "average_wage", "residents", "tertiary_educated",
                     "mobility", "divergence"):  # fmt: skip
        assert low.value(variable, 2034) < central.value(variable, 2034) < high.value(variable, 2034)


def test_naming_the_central_path_changes_nothing_in_the_model() -> None:
    text = (shipped_folder("models") / "city.mdl").read_text(encoding="utf-8")
    pattern = r"^(national [a-z0-9 ]+ path)\(\s*\[[^\]]*\],(.*?)\)\s*\n\t~\s*(\S+)"
    curves = national_params(read_national("central"))
    found = re.findall(pattern, text, re.MULTILINE | re.DOTALL)
    assert len(found) == len(re.findall(r"^national .+ path\(", text, re.MULTILINE)) >= 15
    assert len({name for name, _, _ in found}) == len(found)
    for name, points, _unit in found:
        pairs = re.findall(r"\(\s*([\d.]+)\s*,\s*([\d.eE+-]+)\s*\)?", points)
        years, values = curves[name]
        assert tuple(float(x) for x, _ in pairs) == years
        # six digits: what depends on rounded values may differ in the last one
        assert [float(y) for _, y in pairs] == pytest.approx(values, rel=1e-5), name


@small
def test_the_text_for_the_model_holds_every_point(write: Write) -> None:
    text = national_lookups_text(read_national(write("p.yaml", PATH)))
    assert "national gdp per head path(\n\t[(2024,0)-(2030," in text
    assert "(2022,100),(2023,110),(2024,121),(2025,133.1),(2026,159.72)" in text
    assert "\t~\tDmnl\n\t~\tshare. Source: here. 2025-2030: guess.\n\t|\n" in text


def test_a_child_path_adds_known_years_to_those_of_its_parent(write: Write) -> None:
    known = "title: x\nextends: central\nvariables:\n  gdp:\n    past: {2025: 1.3e14}\n"
    path = read_national(
        write("p.yaml", known + "    future: {growth: {2026: 0.04}, range: [0, 0.1], why: guess}\n")
    )
    assert path.variables["gdp"].known_until == 2025
    assert path.value("gdp", 2024) == read_national("central").value("gdp", 2024)


@small
def test_what_another_follows_has_the_year_it_is_followed_from(write: Write) -> None:
    with pytest.raises(
        InputError, match=r"^p\.yaml:8: 'gdp' has no value for 2023, and another variable follows it"
    ):
        read_national(
            write("p.yaml", PATH.replace("{2022: 100, 2023: 110, ", "{").replace("{2024: 3}", "{2023: 3}"))
        )
