"""One comparison told six ways: every number that stands in two of them is the same."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from talent_sd.output.speech import hundredth, percent, year_spans

from .conftest import Outcome

Told = tuple[Outcome, Path]
Book = dict[str, list[list[object]]]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
LAST = 2034


@pytest.fixture(scope="module")
def told(talent_sd: Callable[..., Outcome], tmp_path_factory: pytest.TempPathFactory) -> Told:
    out = tmp_path_factory.mktemp("truth") / "out"
    outcome = talent_sd(
        "compare", "cash_subsidy_only", "hefei_combination", "--city", "wuxi", "--draws", "8", "--no-plots", "--xlsx",
        "--out", out,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return outcome, out


@pytest.fixture(scope="module")
def book(told: Told) -> Book:
    return sheets(told[1] / "compare.xlsx")


class Cells(HTMLParser):
    """Collects every cell of a report that holds a number in full: what it is about, column, number, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.about: dict[str, str] = {}
        self.cells: list[tuple[dict[str, str], str, float, str]] = []
        self._open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key.removeprefix("data-"): value or "" for key, value in attrs}
        if tag == "tr":
            self.about = given
        elif tag == "td" and "value" in given:
            self.cells.append((self.about, given.get("column", ""), float(given["value"]), ""))
            self._open = True

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            about, column, value, text = self.cells[-1]
            self.cells[-1] = (about, column, value, text + data)

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "td"


def sheets(file: Path) -> Book:
    """Return a workbook's sheets as rows of numbers and texts."""
    with zipfile.ZipFile(file) as book:
        strings = [
            "".join(part.text or "" for part in one.iter(f"{SHEET}t"))
            for one in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        names = [
            one.attrib["name"]
            for one in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{SHEET}sheet")
        ]

        def rows(number: int) -> Iterator[list[object]]:
            root = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            for row in root.iter(f"{SHEET}row"):
                values = [
                    (cell.attrib.get("t"), cell.findtext(f"{SHEET}v")) for cell in row.iter(f"{SHEET}c")
                ]
                yield [strings[int(v)] if kind == "s" else float(v) for kind, v in values if v is not None]

        return {name: list(rows(number)) for number, name in enumerate(names, 1)}


def numbers_of(text: str) -> list[float]:
    """Return the numbers that a cell of a table tells."""
    found = re.findall(r"[−+-]?\d[\d,]*(?:\.\d+)?", re.sub(r"\(.*?\)", "", text))
    return [float(one.replace("−", "-").replace("+", "").replace(",", "")) for one in found]


def agree(shown: float, full: float, factor: float = 1.0) -> bool:
    """Whether a number written to three digits is a full one."""
    return (
        abs(shown * factor - full) <= 0.0051 * max(abs(full), abs(shown * factor))
        or abs(shown * factor - full) < 1e-9
    )


def test_the_dataset_and_the_table_of_differences_are_the_same(told: Told) -> None:
    table = pd.read_csv(told[1] / "comparison.csv", keep_default_na=False)
    with xr.open_dataset(told[1] / "comparison.nc", engine="netcdf4") as change:
        for (name, scenario), rows in table.groupby(["variable", "scenario"]):
            array = change[str(name).replace("/", "∕")].sel(scenario=scenario).transpose("draw", "time", ...)
            for column, chance in (("change", 0.5), ("lower", 0.1), ("upper", 0.9)):
                np.testing.assert_array_equal(
                    rows[column].astype(float).values.reshape(array.shape[1:]),
                    array.quantile(chance, "draw").values,
                )


def test_the_workbook_holds_the_csv_files_and_the_terminals_tables(told: Told, book: Book) -> None:
    files = {file.stem: file for file in told[1].glob("*.csv")}
    assert files.keys() >= {"comparison", "forecast", "policies", "duels"}
    for name, file in files.items():
        table = pd.read_csv(file, keep_default_na=False, dtype=str)
        rows = book[name]
        assert len(rows) == len(table) + 1
        for row, own in zip(rows[1:], table.itertuples(index=False), strict=True):
            full = [float(v) for v in own if _is_number(str(v))]
            shown = [v for v in row if isinstance(v, float)]
            assert set(full) <= set(shown)
    screen = told[0].out.replace("\N{NO-BREAK SPACE}", " ")
    told_there = {abs(number) for number in numbers_of(screen.replace("(", " ").replace(")", " "))}
    heads = [
        next(row for row in rows if len(row) > 3)
        for rows in book.values()
        if any(len(row) > 3 for row in rows)
    ]
    assert not [
        head
        for row in heads
        for head in row
        if "\n" in str(head) or re.fullmatch("[a-z]+_[a-z_]+", str(head))
    ]
    shown_tables = book.keys() - files.keys() - {"Read me"}
    assert len(shown_tables) >= 3
    for name in shown_tables:
        cells = [cell for row in book[name][1:] for cell in row]
        assert any(isinstance(cell, float) for cell in cells), name
        for cell in cells:
            if isinstance(cell, float):  # a relative change is held in full
                share = numbers_of(percent(cell))[0]
                assert {abs(cell), abs(round(100 * cell, 6)), abs(share)} & told_there, (name, cell)
            else:  # an interval's ends have a heading each, which the screen has no room for
                words = re.sub(r": (Relative|80 % from|80 % to|Note)$", "", str(cell))
                assert all(part in screen for part in words.split()), (name, cell)


def test_the_workbook_begins_with_what_a_reader_needs(told: Told, book: Book) -> None:
    first, *others = book
    assert first == "Read me"
    rows = book[first]
    assert rows[0] == ["Wuxi: No new policy; Cash subsidy only; Hefei-style combination"]
    assert rows[1] == ["Medians of 8 draws, each with its 80 % interval."]
    held = {str(row[0]): row[1] for row in rows if len(row) == 2 and row[0] in others}
    assert list(held) == others
    assert held["comparison"] == "Numbers in full, as in comparison.csv"
    assert rows.index(["How it was made"]) > rows.index(["Sheet", "What it holds"])
    for name in others:
        assert len(name) <= 31
        assert not name.endswith((" ", ",", "("))


def test_the_years_told_beside_a_cost_are_those_in_which_money_is_spent(told: Told) -> None:
    page = (told[1] / "report.html").read_text("utf-8")
    spending = pd.read_csv(told[1] / "spending.csv")
    assert {"cash_subsidy_only", "hefei_combination"} == set(spending["scenario"])
    for (scenario, policy), rows in spending.groupby(["scenario", "policy"]):
        years = year_spans(rows["year"])
        assert years in told[0].out
        rows_there = re.findall(
            rf'<tr[^>]*data-scenario="{scenario}"[^>]*data-policy="{policy}".*?</tr>', page, re.S
        )
        assert any(f">{years}<" in row for row in rows_there), (scenario, policy, years)


def test_a_year_in_which_a_policy_pauses_is_told_as_paid_nowhere(
    talent_sd: Callable[..., Outcome], tmp_path: Path
) -> None:
    plan = tmp_path / "paused.yaml"
    plan.write_text(
        "title: {en: Paused, zh: 停一年}\nextends: baseline\npolicies:\n"
        "  cash_subsidy: {from: 2026, until: 2034, pause: {from: 2028, until: 2030}}\n"
        "  talent_apartments: {from: 2027, until: 2034, pause: {from: 2029, until: 2030}}\n"
    )
    out = tmp_path / "out"
    outcome = talent_sd("compare", plan, "--draws", "2", "--no-plots", "--xlsx", "--out", out)
    assert outcome.code == 0, outcome.err
    mix, cash, flats = "2026–2028, 2030–2033", "2026–2027, 2030–2033", "2027–2028, 2030–2033"
    screen = " ".join(outcome.out.split())
    cells = [str(cell) for rows in sheets(out / "compare.xlsx").values() for row in rows for cell in row]
    page = (out / "report.html").read_text("utf-8")
    for years in (mix, cash, flats):
        first, rest = years.split(", ")
        assert re.search(rf"{first},.* {rest}", screen)
        assert any(first in cell and rest in cell for cell in cells)
        # in both languages; of a policy also beside its settings
        assert len(re.findall(rf">{years}[<;]", page)) == (1 if years == mix else 2)
        assert len(re.findall(rf">{years.replace(', ', '、')}[<；]", page)) == (1 if years == mix else 2)
    assert not re.search("202[67]–2033", outcome.out + page + "".join(cells))
    paid = pd.read_csv(out / "policies.csv").query("year == 2034").set_index("policy")
    for policy, years in (("cash_subsidy", cash), ("talent_apartments", flats), ("mix", mix)):
        found = paid.loc[[policy], ["first_year_paid", "last_year_paid", "years_paid"]].drop_duplicates()
        assert found.values.tolist() == [[int(years[:4]), 2033, {mix: 7, cash: 6, flats: 6}[years]]]


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def test_the_terminal_tells_the_medians_of_the_table(told: Told, book: Book) -> None:
    from talent_sd.inputs.labels import shipped_labels

    labels = shipped_labels()
    table = pd.read_csv(told[1] / "comparison.csv", keep_default_na=False).query(f"year == {LAST}")
    (title,), (how,), heading, *rows = next(
        rows for name, rows in book.items() if name.startswith("Wuxi, 2034")
    )
    assert title == "Wuxi, 2034: difference from the baseline (No new policy)"
    assert how == (
        "Medians of the differences in each of 8 draws, not differences of medians; 80 % intervals. "
        "No per cent is told of years, nor of what may be nought or below. "
        "Years of balance suppose that the ageing of the next two years goes on: they compare cities and years, and "
        "date no end. They rise where ageing slows, even while the balance falls."
    )
    titles = ["Cash subsidy only", "Hefei-style combination"]
    ends = ["", ": Relative", ": 80 % from", ": 80 % to"]
    assert heading == ["Output", "Unit", *(title + end for title in titles for end in ends)]
    seen = 0
    for row in rows:
        full_row = len(row) in (9, 10)  # an output without unit has one cell less, a debt no per cent
        title, unit = row[0], row[1] if isinstance(row[1], str) else ""
        told_cells = [cell for cell in row[1:] if isinstance(cell, float)]
        width = len(told_cells) // 2
        assert width in (3, 4)  # no per cent of years or of a debt
        assert full_row or width == 3
        cells = [told_cells[at : at + 1] + told_cells[at + width - 2 : at + width] for at in (0, width)]
        factor = next((factor for word, factor in SCALES.items() if str(unit).startswith(word)), 1.0)
        name, _, part = str(title).partition(": ")
        (found,) = {v for v in table["variable"] if labels.variable(v, "en") == name}
        own = table[(table["variable"] == found)]
        if part:
            own = own[[labels.element(one, "en") == part for one in own["subscript"]]]
        for scenario, cell in zip(("cash_subsidy_only", "hefei_combination"), cells, strict=True):
            (numbers,) = own[own["scenario"] == scenario].to_dict("records")
            shown = cell
            full = [float(numbers[key]) for key in ("change", "lower", "upper")]
            assert all(agree(a, b, factor) for a, b in zip(shown, full, strict=True)), (title, cell, full)
            seen += 1
    assert seen >= 10


def test_every_number_of_the_report_that_names_its_place_is_the_tables(told: Told) -> None:
    page = Cells((told[1] / "report.html").read_text("utf-8"))
    policies = xr.open_dataset(told[1] / "policies.nc", engine="netcdf4").load()
    table = pd.read_csv(told[1] / "comparison.csv", keep_default_na=False)
    policy_cells = [
        cell for cell in page.cells if cell[0].get("policy") and cell[1].startswith("contribution:")
    ]
    assert policy_cells
    for about, column, value, text in policy_cells:
        own = (
            policies["contribution"]
            .sel(scenario=about["scenario"], policy=about["policy"], output=column.partition(":")[2])
            .isel(time=-1)
        )
        assert value == pytest.approx(float(own.median()), rel=1e-12), about
        assert numbers_of(text)
    known = {float(v) for key in ("change", "lower", "upper") for v in table[key] if v != ""}
    changes = [
        cell for cell in page.cells if cell[1] in ("change", "lower", "upper") and "variable" in cell[0]
    ]
    assert all(value in known for _, _, value, _ in changes)


def test_what_stands_in_is_a_table_in_the_report_as_in_check(
    told: Told, talent_sd: Callable[..., Outcome]
) -> None:
    page = (told[1] / "report.html").read_text("utf-8")
    assert "stand in for Wuxi" not in page
    assert page.count("Wuxi: what stands in for missing figures, and how far it moves 2034</caption>") == 1
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t", page)
    shown = " ".join(talent_sd("list", "cities", "--of", "wuxi").out.split())
    at = cells.index("pensioners_against_nation")
    ends = [
        end.replace("\N{NO-BREAK SPACE}", " ") for cell in cells[at + 2 : at + 7] for end in cell.split(" … ")
    ]
    assert len(ends) >= 6
    assert all(end in shown for end in ends)
    assert "Every scenario was run 8 times (seed 0)" in page


def test_a_per_cent_is_told_everywhere_or_nowhere_and_is_the_same(told: Told, book: Book) -> None:
    from talent_sd.inputs.labels import shipped_labels

    labels = shipped_labels()
    table = pd.read_csv(told[1] / "comparison.csv", keep_default_na=False).query(f"year == {LAST}")
    shares = {
        (row["scenario"], row["variable"], row["subscript"]): row["relative_change"]
        for row in table.to_dict("records")
        if row["variable"] in labels.headline
    }
    given = {key: float(share) for key, share in shares.items() if share != ""}
    assert {key[1] for key in shares.keys() - given.keys()} >= {"years of balance"}
    assert {key[1] for key in given} >= {"total talent", "Talent", "Residents", "value added", "City Brand"}
    cells = [
        ((about["scenario"], about["variable"], about["subscript"]), value, text)
        for about, column, value, text in Cells((told[1] / "report.html").read_text("utf-8")).cells
        if column == "relative_change" and about["year"] == str(LAST)
    ]
    assert {key for key, *_ in cells} == given.keys()  # a blank cell holds no number
    assert all(value == pytest.approx(given[key], rel=1e-12) for key, value, text in cells)
    assert all(text in (percent(value, "en"), percent(value, "zh")) for _, value, text in cells)
    screen = " ".join(told[0].out.split())
    assert all(
        f"({percent(share, 'en')})".replace("\N{NO-BREAK SPACE}", " ") in screen for share in given.values()
    )
    _, _, heading, *rows = next(rows for name, rows in book.items() if name.startswith("Wuxi, 2034"))
    assert [end for end in heading if str(end).endswith(": Relative")]
    for row in rows:
        name, _, part = str(row[0]).partition(": ")
        found = [
            share for key, share in given.items()
            if labels.variable(key[1], "en") == name and (not part or labels.element(key[2], "en") == part)
        ]  # fmt: skip
        numbers = [cell for cell in row if isinstance(cell, float)]
        assert len(numbers) == 6 + len(found), row
        assert all(any(one == pytest.approx(share, rel=1e-12) for one in numbers) for share in found), row
    report = (told[1] / "report.html").read_text("utf-8")
    for note in (
        "No per cent is told of years",
        "They rise where ageing slows, even while the balance falls.",
    ):
        assert note in " ".join(told[0].out.split())
        assert note in report


def test_what_is_paid_over_a_year_and_the_rate_of_a_day_are_called_apart(told: Told, book: Book) -> None:
    paid, paths = (pd.read_csv(told[1] / f"{name}.csv") for name in ("spending", "forecast"))
    assert set(paid.columns) & set(paths.columns) == {"scenario", "year", "unit"}
    assert set(paid["unit"]) == {"yuan"}
    assert set(paths[paths["variable"].str.contains("spending")]["unit"]) <= {"yuan/year", "yuan", "Dmnl"}
    assert book["spending"][0][3:7] == [
        "Paid over the year", "Paid, 80 % from", "Paid, 80 % to", "Paid over the year, in prices of one year",
    ]  # fmt: skip
    names = {str(row[4]) for row in book["forecast"][1:] if len(row) > 4 and "olicy spending" in str(row[4])}
    assert names <= {
        "Policy spending, yearly rate",
        "Total policy spending, yearly rate",
        "Cumulative policy spending",
    }
    policies = xr.open_dataset(told[1] / "policies.nc", engine="netcdf4")
    assert policies["paid_in_year"].attrs["units"] == "yuan"
    last = paid.query("scenario == 'cash_subsidy_only'").iloc[-1]
    own = policies["paid_in_year"].sel(
        scenario=last["scenario"], policy=last["policy"], time=last["year"] + 1
    )
    assert float(own.median()) == pytest.approx(last["paid_in_year"], rel=1e-9)


def test_ranks_and_duels_are_the_same_in_terminal_csv_report_and_workbook(told: Told, book: Book) -> None:
    ranks = pd.read_csv(told[1] / "ranking.csv").query("variable == 'total talent'").set_index("scenario")
    duels = pd.read_csv(told[1] / "duels.csv").query("variable == 'total talent'")
    titles = {
        "baseline": "No new policy", "cash_subsidy_only": "Cash subsidy only",
        "hefei_combination": "Hefei-style combination",
    }  # fmt: skip
    order = [titles[name] for name in ranks.sort_values("rank").index]
    sheet = next(rows for name, rows in book.items() if name.startswith("Who beats whom"))
    assert [row[1] for row in sheet if len(row) > 3 and row[1] in order] == order
    page = (told[1] / "report.html").read_text("utf-8").replace("\N{NO-BREAK SPACE}", " ")
    for name, row in ranks.iterrows():
        for other, share in duels[duels["scenario"] == name].set_index("other")["probability_better"].items():
            assert hundredth(share) == 100 - hundredth(
                float(duels.query("scenario == @other and other == @name")["probability_better"].iloc[0])
            )
            if "baseline" not in (name, other):
                assert f"{row['rank']} of {len(ranks)}" in page
                assert f"beats {titles[other]} in {hundredth(share)} % of the draws" in page


def test_the_mix_exceeds_its_parts_by_one_number_everywhere(told: Told) -> None:
    policies = xr.open_dataset(told[1] / "policies.nc", engine="netcdf4").load()
    of = policies.sel(scenario="hefei_combination", output="total talent").isel(time=-1)
    excess = of["total"] - of["alone"].dropna("policy").sum("policy")
    np.testing.assert_allclose(excess.values, of["synergy"].values, rtol=1e-9)
    page = Cells((told[1] / "report.html").read_text("utf-8"))
    shown = [
        value for about, column, value, _ in page.cells
        if column == "synergy" and about.get("scenario") == "hefei_combination" and about.get("output") == "total talent"
    ]  # fmt: skip
    assert shown
    assert all(value == pytest.approx(float(excess.median()), rel=1e-9) for value in shown)
    size = abs(float(excess.median()))
    said = re.search(
        r"The mix (?:exceeds|falls short of) the sum of what its policies do on their own by ([\d,.]+) (thousand |million |)people",
        " ".join(told[0].out.split()),
    )
    assert said is not None
    factor = SCALES.get(said[2].strip(), 1.0)
    last = 10.0 ** -len(
        said[1].partition(".")[2]
    )  # of the digits told, which are as many as the interval has
    assert abs(float(said[1].replace(",", "")) - size / factor) <= 0.5001 * last
    assert last * factor < 0.2 * size
