"""Tables of many cities: strict columns and units, no interpolated values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError
from talent_sd.inputs import Panel, city_constants, load_city, read_mapping, read_national, read_panel

Write = Callable[[str, str], Path]
KINDS = read_mapping().content.figures
PANEL = {rule.panel: name for name, rule in KINDS.items() if rule.panel}
CENSUS = {rule.census: name for name, rule in KINDS.items() if rule.census}
AGES = {rule.ages: name for name, rule in KINDS.items() if rule.ages}
STRUCTURE = {rule.structure: name for name, rule in KINDS.items() if rule.structure}
PROVINCE = {rule.province: name for name, rule in KINDS.items() if rule.province}
WUXI = load_city("wuxi")


def table(columns: dict[str, str], keys: dict[str, str], years: tuple[int, ...]) -> list[list[str]]:
    rows = [[*keys, "year", *columns]]
    for year in years:
        cells = []
        for name in columns.values():
            value, scale = WUXI.figures[name].values.get(year), KINDS[name].scale
            times = scale[year] if isinstance(scale, dict) else scale
            cells.append("" if value is None else repr(value / times))
        rows.append([*keys.values(), str(year), *cells])
    return rows


def as_csv(rows: list[list[str]]) -> str:
    return "\n".join(",".join(row) for row in rows) + "\n"


@pytest.fixture
def tables() -> dict[str, list[list[str]]]:
    return {
        "panel": table(PANEL, {"city": "无锡市", "province": "江苏省", "region": "东部"}, (2009, 2010, 2012)),
        "census": table(CENSUS, {"city": "无锡市"}, (2010, 2020)),
        "province": table(PROVINCE, {"province": "江苏"}, (2010, 2011, 2020)),
    }


@pytest.fixture
def read(write: Write, tables: dict[str, list[list[str]]]) -> Callable[[], Panel]:
    def read_tables() -> Panel:
        paths = [write(f"{name}.csv", as_csv(rows)) for name, rows in tables.items()]
        return read_panel(*paths)

    return read_tables


def problems_of(read: Callable[[], Panel]) -> list[str]:
    with pytest.raises(InputError) as caught:
        read()
    return list(caught.value.problems)


def test_a_panel_row_gives_the_constants_of_the_city_file(
    write: Write, tables: dict[str, list[list[str]]]
) -> None:
    tables["structure"] = table(STRUCTURE, {"city": "无锡市"}, (2010, 2020))
    tables["ages"] = table(AGES, {"city": "无锡市"}, (2010, 2020))
    *paths, structure, ages = (write(f"{name}.csv", as_csv(rows)) for name, rows in tables.items())
    panel = read_panel(*paths, structure_csv=structure, ages_csv=ages)
    assert panel.dropped == ()
    national = read_national("central")
    ours = city_constants(panel.cities["无锡市"], 2010, national)
    files = city_constants(WUXI, 2010, national)
    assert {k: v.value for k, v in ours.items()} == pytest.approx(
        {k: v.value for k, v in files.items()}, rel=1e-9
    )


def test_interpolated_residents_are_left_out(
    read: Callable[[], Panel], tables: dict[str, list[list[str]]]
) -> None:
    for row, flag in zip(
        tables["panel"], ("resident_population_observed", "True", "False", "True"), strict=True
    ):
        row.append(flag)
    assert set(read().cities["无锡市"].figures["residents"].values) == {2009, 2012}


def test_missing_columns_doubled_rows_and_text_are_told_with_their_lines(
    read: Callable[[], Panel], tables: dict[str, list[list[str]]]
) -> None:
    panel, census, province = tables["panel"], tables["census"], tables["province"]
    panel[0][panel[0].index("gdp")] = "gdpp"
    panel[2][panel[0].index("average_wage")] = "n/a?"
    census.append(list(census[1]))
    province[1][1] = "2010.5"
    assert problems_of(read) == [
        "panel.csv:1: the column 'gdp' is missing. Did you mean 'gdpp'? Add it.",
        "panel.csv:3: average_wage is 'n/a?', not a number. Mend or empty it.",
        "census.csv:4: 无锡市 2010 appears twice. Keep one row.",
        "province.csv:2: the year is '2010.5'. Give a whole year.",
    ]


def test_a_column_in_the_wrong_unit_is_refused(
    read: Callable[[], Panel], tables: dict[str, list[list[str]]]
) -> None:
    column = tables["panel"][0].index("resident_population")
    for row in tables["panel"][1:]:
        row[column] = repr(float(row[column]) / 1e4)
    assert problems_of(read) == [
        "panel.csv:1: resident_population is mostly outside the plausible 20000 to 4e+07 person "
        "(middle value 637.56). Check its unit."
    ]


def test_a_single_implausible_value_is_left_out_and_told(
    read: Callable[[], Panel], tables: dict[str, list[list[str]]]
) -> None:
    panel = tables["panel"]
    panel[1:1] = table(PANEL, dict(zip(panel[0], panel[1][:3], strict=False)), tuple(range(2000, 2009)))[1:]
    panel[2][panel[0].index("deposit_balance")] = "0"
    found = read()
    assert found.dropped == (
        "panel.csv:3: 无锡市 2001: deposit_balance 0 left out, outside 1e+08 to 1e+14 yuan.",
    )
    assert 2001 not in found.cities["无锡市"].figures["deposit_balance"].values


def test_a_file_that_is_no_table_is_refused(
    read: Callable[[], Panel], tables: dict[str, list[list[str]]]
) -> None:
    tables["panel"] = [["city", "province", "region", "year"]]
    tables["census"] = [["city"], ["x", "y", "z"]]
    tables["province"] = []
    found = problems_of(read)
    assert found[0] == "panel.csv:1: the table has no rows. Give one row per city and year."
    assert found[1].startswith("census.csv:1: ")
    assert found[2] == "province.csv: the file is empty. Fill it or give another."


def test_ages_jobs_and_borders_come_from_tables_of_their_own(
    write: Write, tables: dict[str, list[list[str]]]
) -> None:
    paths = [write(f"{name}.csv", as_csv(rows)) for name, rows in tables.items()]
    ages = write("ages.csv", "city,year,age_0,age_1_4\n无锡市,2010,50000,200000\n")
    jobs = write("jobs.csv", "city,year,employed_long_form\n无锡市,2010,300000\n无锡市,2020,300000\n")
    with pytest.raises(InputError, match=r"ages\.csv:1: the column 'age_5_9' is missing"):
        read_panel(*paths, ages_csv=ages)
    columns = {
        kind: {getattr(rule, kind): name for name, rule in KINDS.items() if getattr(rule, kind)}
        for kind in ("ages", "structure")
    }
    ages = write("ages.csv", as_csv(table(columns["ages"], {"city": "无锡市"}, (2010, 2020))))
    rows = [["city", "year", *columns["structure"]], ["无锡市", "2010"], ["无锡市", "2020"]]
    for row in rows[1:]:
        row += ["300000" if column == "employed_long_form" else "" for column in columns["structure"]]
    jobs = write("jobs.csv", as_csv(rows))
    found = read_panel(*paths, ages_csv=ages, structure_csv=jobs).cities["无锡市"].figures
    for name in columns["ages"].values():
        assert found[name].values == WUXI.figures[name].values
    scale = KINDS["employed"].scale
    assert isinstance(scale, dict)
    assert found["employed"].values == {year: pytest.approx(300000 * scale[year]) for year in (2010, 2020)}


BORDERS = "city,population_2010_as_listed,population_2010_on_2020_borders,population_2020\n"


def _moved(
    write: Write, residents: dict[int, float], ratio: float, row: str = "", head: str = BORDERS
) -> dict[str, dict[int, float]]:
    """Return the figures of a city of 4 million in 2010 and 2020, whose borders changed by a ratio."""
    kinds = {
        kind: [(c, n) for c, n in columns.items()] for kind, columns in (("panel", PANEL), ("census", CENSUS))
    }
    people = {"census_population": 4e6, "tertiary_educated": 4e5}
    rows = [["city", "province", "region", "year", *(column for column, _ in kinds["panel"])]]
    for year, value in residents.items():
        rows.append(["甲市", "省", "东", str(year)])
        rows[-1] += [repr(value) if name == "residents" else "" for _, name in kinds["panel"]]
    panel = write("panel.csv", as_csv(rows))
    rows = [["city", "year", *(column for column, _ in kinds["census"])]]
    for year, times in ((2010, 1.0), (2020, ratio)):
        rows.append(["甲市", str(year)])
        rows[-1] += [repr(people[name] * times) if name in people else "" for _, name in kinds["census"]]
    census = write("census.csv", as_csv(rows))
    borders = write("borders.csv", head + (row or f"甲市,4000000,{4e6 * ratio},{4e6 * ratio}\n"))
    figures = read_panel(panel, census, borders_csv=borders).cities["甲市"].figures
    return {name: dict(figure.values) for name, figure in figures.items()}


def test_people_of_2010_are_counted_on_the_borders_of_2020(write: Write) -> None:
    old = {2009: 4e6, 2010: 4e6, 2012: 4.1e6, 2015: 2.9e6, 2020: 2.8e6}
    found = _moved(write, old, 0.7)
    assert found["census_population"] == {2010: pytest.approx(2.8e6), 2020: pytest.approx(2.8e6)}
    assert found["tertiary_educated"] == {
        2010: pytest.approx(3.4e5),
        2020: pytest.approx(2.8e5),
    }  # half a county's worth
    assert found["residents"] == pytest.approx({**old, 2009: 2.8e6, 2010: 2.8e6, 2012: 2.87e6})


def test_residents_on_the_new_borders_already_stay(write: Write) -> None:
    new = {2010: 2.81e6, 2012: 2.8e6, 2020: 2.8e6}
    assert _moved(write, new, 0.7)["residents"] == new


def test_without_a_jump_only_the_years_to_2010_move(write: Write) -> None:
    found = _moved(write, {2010: 4e6, 2015: 4.1e6, 2020: 4.2e6}, 1.1)
    assert found["residents"] == pytest.approx({2010: 4.4e6, 2015: 4.1e6, 2020: 4.2e6})


@pytest.mark.parametrize(
    ("row", "column", "ratio"),
    [
        ("甲市,4000000,4000000,40000000,1", "population_2020 is 4e+07", "10.00"),
        ("甲市,4100000,4100000,4000000,1", "population_2010_as_listed is 4.1e+06", "1.02"),
        ("甲市,4000000,6400000,4000000,1", "population_2010_on_2020_borders is 6.4e+06", "1.60"),
        ("甲市,4000000,8000000,4000000,2", "population_2020 is 4e+06", "0.50"),
    ],
)
def test_people_of_the_borders_are_those_of_the_census(
    write: Write, row: str, column: str, ratio: str
) -> None:
    head = BORDERS.replace("\n", ",ratio\n")
    assert _moved(write, {2010: 4e6}, 1.0, "甲市,4000000,4400000,4000000,1.1\n", head)["residents"] == {
        2010: 4.4e6
    }
    with pytest.raises(InputError, match=f"borders.csv:2: 甲市: {re.escape(column)}, {ratio} times"):
        _moved(write, {2010: 4e6}, 1.0, f"{row}\n", head)


def test_a_faulty_table_of_borders_is_refused(write: Write, tables: dict[str, list[list[str]]]) -> None:
    paths = [write(f"{name}.csv", as_csv(rows)) for name, rows in tables.items()]
    borders = write("borders.csv", BORDERS + "甲市,4,x,5\n甲市,4,0,5\n")
    with pytest.raises(InputError) as caught:
        read_panel(*paths, borders_csv=borders)
    assert caught.value.problems == (
        "borders.csv:3: 甲市 appears twice. Keep one row.",
        "borders.csv:2: population_2010_on_2020_borders is 'x'. Give a number of people above 0.",
        "borders.csv:3: population_2010_on_2020_borders is '0'. Give a number of people above 0.",
    )
