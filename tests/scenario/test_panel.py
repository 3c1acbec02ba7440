"""Tables of many cities: strict columns and units, no interpolated values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError
from talent_sd.inputs import Panel, city_constants, load_city, read_mapping, read_national, read_panel

Write = Callable[[str, str], Path]
KINDS = read_mapping().content.figures
PANEL = {rule.panel: name for name, rule in KINDS.items() if rule.panel}
CENSUS = {rule.census: name for name, rule in KINDS.items() if rule.census}
PROVINCE = {rule.province: name for name, rule in KINDS.items() if rule.province}
WUXI = load_city("wuxi")


def table(columns: dict[str, str], keys: dict[str, str], years: tuple[int, ...]) -> list[list[str]]:
    rows = [[*keys, "year", *columns]]
    for year in years:
        cells = []
        for name in columns.values():
            value = WUXI.figures[name].values.get(year)
            cells.append("" if value is None else repr(value / KINDS[name].scale))
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


def test_a_panel_row_gives_the_constants_of_the_city_file(read: Callable[[], Panel]) -> None:
    panel = read()
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
        "(middle value 637.56). Give it in person."
    ]


def test_a_single_implausible_value_is_left_out_and_told(
    read: Callable[[], Panel], tables: dict[str, list[list[str]]]
) -> None:
    panel = tables["panel"]
    more = [[*panel[1][:3], str(year), *panel[1][4:]] for year in range(2000, 2006)]
    panel[1:1] = more
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
