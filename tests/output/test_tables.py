"""Tables say the dataset's numbers and obey no markup in a user's text."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

import talent_sd as ts
from talent_sd.forecast.compare import compare
from talent_sd.inputs.labels import Labels, shipped_labels
from talent_sd.output.speech import pieces
from talent_sd.output.terminal_tables import (
    comparison_table,
    explain,
    forecast_table,
    numbers,
    rich_table,
    shown_years,
    words,
)
from talent_sd.output.workbook import write_workbook

Invent = Callable[..., xr.Dataset]


def lines(table: Table) -> list[str]:
    """Rows of the printed table, each with single blanks."""
    console = Console(file=io.StringIO(), width=140)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(row.split()) for row in console.file.getvalue().splitlines()]


def test_the_forecast_table_shows_values_and_change(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    rows = lines(forecast_table(invented_forecast(), invented_labels))
    assert rows[0] == "Hefei: Baseline"
    assert rows[2] == "Output Unit 2022 2024 2029 2034 since 2024"
    assert "Talent by tier: Leading people 520 552 642 745 +35.0 %" in rows
    assert "Tax base (enterprise profit) billion yuan/year 260 287 369 474 +64.9 %" in rows


def test_from_surplus_to_debt_no_percentage_is_claimed(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    rows = lines(forecast_table(invented_forecast(), invented_labels))
    assert "Social-security balance billion yuan/year 21.0 16.0 3.36 −9.24 −25.2" in rows


def test_the_table_speaks_chinese(invented_forecast: Invent, invented_labels: Labels) -> None:
    rows = lines(forecast_table(invented_forecast(), invented_labels, "zh"))
    assert rows[0] == "合肥：基准情景"
    assert "税基（企业利润） 亿元/年 2,600 2,873 3,690 4,738 +64.9%" in rows


def test_the_comparison_table_shows_changes_against_the_baseline(
    invented_forecast: Invent, invented_labels: Labels
) -> None:
    change = compare(invented_forecast(("baseline", "cash_subsidy_only", "hefei_combination")))
    rows = lines(comparison_table(change, invented_labels))
    assert rows[0] == "Hefei, 2034: difference from the baseline (Baseline)"
    assert "Years the fund lasts years −1.08 −2.16" in rows
    assert "Social-security balance billion yuan/year −4.54 −9.07" in rows


def test_many_scenarios_stand_below_each_other(invented_forecast: Invent, invented_labels: Labels) -> None:
    names = ("baseline", "cash_subsidy_only", "hefei_combination")
    spread = invented_forecast(names)
    more = spread.isel(scenario=[1, 2]).assign_coords(
        scenario=["four", "five"], title_en=("scenario", ["Four", "Five"])
    )
    rows = lines(comparison_table(compare(xr.concat([spread, more], "scenario")), invented_labels))
    assert "Output Unit Scenario Difference" in rows
    assert "Years the fund lasts years Cash subsidy only −1.08" in rows
    assert "Five −2.16" in rows


def test_draws_add_the_interval(invented_forecast: Invent, invented_labels: Labels) -> None:
    change = compare(invented_forecast(("baseline", "cash_subsidy_only"), 101))
    rows = lines(comparison_table(change, invented_labels))
    low, high = change["City Brand"].isel(time=-1).quantile([0.1, 0.9]).values
    assert f"{low:.5f} … {high:.5f}" in rows


def test_markup_in_a_title_is_shown_not_obeyed(invented_forecast: Invent, invented_labels: Labels) -> None:
    forecast = invented_forecast()
    forecast["title_en"] = ("scenario", ["[red]mine[/red]"])
    assert lines(forecast_table(forecast, invented_labels))[0] == "Hefei: [red]mine[/red]"


@pytest.mark.parametrize(
    ("start", "years"), [(2024.0, [2022, 2024, 2029, 2034]), (2022.0, [2022, 2028, 2034])]
)
def test_years_that_fit_a_terminal(invented_forecast: Invent, start: float, years: list[int]) -> None:
    forecast = invented_forecast().assign_attrs(forecast_from=start)
    assert shown_years(forecast) == years


def test_medians_with_intervals_fit_a_terminal_whole() -> None:
    spread = ts.ensemble("baseline", city="hefei", draws=100)
    table = forecast_table(spread, shipped_labels())

    def per_cents(width: int) -> list[str]:
        console = Console(width=width, file=io.StringIO())
        console.print(table)
        return re.findall(r"[+−][\d.,]+\xa0%", console.file.getvalue())

    assert len(per_cents(200)) > 9
    assert per_cents(80) == per_cents(200)


def test_every_sheet_of_a_workbook_has_a_name_of_its_own(tmp_path: Path) -> None:
    titles = [
        "Talent and money of a city that pays",
        "TALENT and money of a city that pays",
        "Read me",
        "history",
    ]
    titles = [*titles, *(f"Talent and money of a city that pays, {number}" for number in range(120))]
    for lang, more in (("en", []), ("zh", ["读我", "阅读说明"])):
        tables = [Table("a", title=title) for title in (*titles, *more)]
        write_workbook(tmp_path / "x.xlsx", tables, lang=lang)
        with zipfile.ZipFile(tmp_path / "x.xlsx") as book:
            names = re.findall(r'<sheet name="([^"]*)"', book.read("xl/workbook.xml").decode())
        assert len({name.casefold() for name in names}) == len(tables) + 1
        assert max(map(len, names)) <= 31


TEXTS = st.text("ab1,.%+ …万人年（）：", max_size=40)


@given(TEXTS)
def test_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(
    st.lists(
        st.tuples(TEXTS, st.sampled_from([{}, {"width": 14}, {"min_width": 12}, {"no_wrap": True}])),
        min_size=1,
        max_size=6,
    ),
    TEXTS,
)
def test_nothing_of_a_table_is_cut_off_at_the_terminals_edge(
    columns: list[tuple[str, dict[str, Any]]], note: str
) -> None:
    table = rich_table("", *(column for text, look in columns for column in numbers(text, **look)))
    table.add_row(*(text for text, _ in columns))
    explain(table, note)
    console = Console(file=io.StringIO(), width=60)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    told = Counter(console.file.getvalue())
    wanted = Counter("".join(text * 2 for text, _ in columns) + note)
    assert {letter: told[letter] for letter in wanted if not letter.isspace()} == {
        letter: count for letter, count in wanted.items() if not letter.isspace()
    }


def test_a_number_stays_with_its_unit_at_the_edge() -> None:
    for told in ("留住的人才2.54万人/年，", "区间：80%的", "between +0.01 % and"):
        for width in range(14, 30):
            table = rich_table(told * 3, *words("x"), width=width)
            console = Console(file=io.StringIO(), width=width)
            console.print(table)
            assert isinstance(console.file, io.StringIO)
            assert console.file.getvalue().count(re.findall(r"[\d+.]+ ?[%万人/年]+", told)[0]) == 3


@pytest.mark.parametrize(("r_hat", "told"), [(1.02, False), (1.4, True), (float("nan"), True)])
def test_chains_that_have_not_met_are_told(r_hat: float, told: bool) -> None:
    from talent_sd.output.backtest_tables import diagnostics_text

    row = {"parameter": "arrival elasticity", "prior_mean": 1.7, "prior_sd": 0.3, "posterior_mean": 1.8}
    table = pd.DataFrame(
        [{**row, "posterior_sd": 0.2, "effective_size": 90.0, "r_hat": one} for one in (1.01, r_hat)]
    )
    assert ("R-hat is above 1.05 for 1 of 2 constants" in " ".join(lines(diagnostics_text(table)))) is told
