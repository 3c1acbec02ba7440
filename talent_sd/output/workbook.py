"""Tables as a workbook: a read-me sheet with units and sources, then one sheet for each table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from talent_sd.base.language import N_, tell
from talent_sd.base.version import __version__
from talent_sd.inputs.labels import shipped_labels
from talent_sd.output.speech import unit_label

if TYPE_CHECKING:
    from talent_sd.forecast.prepare import Prepared

HEADINGS = {
    "city": N_("City"), "scenario": N_("Scenario"), "draw": N_("Draw"), "quantile": N_("Quantile"), "year": N_("Year"),
    "variable": N_("Variable"), "subscript": N_("Part"), "value": N_("Value"), "unit": N_("Unit"),
    "change": N_("Difference"), "lower": N_("80 % from"), "upper": N_("80 % to"),
    "probability_better": N_("Share of draws doing better"), "relative_change": N_("Relative difference"),
    "relative_lower": N_("Relative, 80 % from"), "relative_upper": N_("Relative, 80 % to"),
    "lower_50": N_("50 % from"), "upper_50": N_("50 % to"), "lower_95": N_("95 % from"), "upper_95": N_("95 % to"),
    "first_clear_year": N_("Clear from the year"), "policy": N_("Policy"), "output": N_("Output"), "loop": N_("Loop"),
    "polarity": N_("Polarity"), "share": N_("Share of the named loops' activity"), "contribution": N_("Adds"),
    "alone": N_("Alone"), "part": N_("Part"), "other": N_("Against"), "rank": N_("Rank"),
    "best_share": N_("Best in, share of draws"),
    "regret": N_("Regret, median"), "regret_upper": N_("Regret, in nine draws of ten at most"),
    "paid_in_year": N_("Paid over the year"), "paid_lower": N_("Paid, 80 % from"), "paid_upper": N_("Paid, 80 % to"),
    "paid_in_year_real": N_("Paid over the year, in prices of one year"), "price_basis": N_("Prices of"),
    "standard_error": N_("Standard error of sampled orders"),
    "present_cost": N_("Cost, present value"), "present_cost_lower": N_("Cost, 80 % from"),
    "present_cost_upper": N_("Cost, 80 % to"),
    "caused_cost": N_("Spending it causes, present value"),
    "first_year_paid": N_("Pays from the year"), "last_year_paid": N_("Pays until the year"),
    "years_paid": N_("Years in which it pays"),
    "component": N_("Component"), "constant": N_("Constant"), "Model": N_("Model"), "Region": N_("Region"),
    "Scenario": N_("Scenario"), "Variable": N_("Variable"), "Unit": N_("Unit"), "source": N_("Source"),
}  # fmt: skip
"""Columns of our CSV files, as a workbook heads them."""
MEASURES = {
    "person": N_("Cost per person added"), "person_year": N_("Cost per person and year"), "patent": N_("Cost per patent"),
    "tax_base": N_("Cost per yuan of tax base"),
}  # fmt: skip
ENDS = {"_lower": N_("80 % from"), "_upper": N_("80 % to"), "_effective": N_("share of draws that add any")}
"""Of a cost per unit: what its column tells."""


class Full(float):
    """A number that a workbook holds in full: XlsxWriter would write 16 digits, and some need 17."""

    def __format__(self, _: str) -> str:
        return float.__repr__(self).removesuffix(".0")


class Share(Full):
    """A number that a workbook shows in per cent."""


LONGEST_NAME, MOST_ROWS, WIDTH = 31, 1_000_000, 16
NAMED = ("variable", "output")
"""Columns that hold a variable's name; beside each stands what it is called."""


def write_workbook(
    file: Path,
    tables: Iterable[object] = (),
    csv_files: Iterable[Path] = (),
    about: Mapping[str, object] | None = None,
    prepared: Prepared | None = None,
    lang: str = "en",
    notices: Sequence[str] = (),
) -> None:
    """Write tables, as the terminal shows them and as CSV files hold them, into one workbook.

    Parameters
    ----------
    tables : of rich, in words; texts of rich among them stand on the read-me sheet
    csv_files : numbers in full, a sheet each
    about : what the read-me sheet begins with: key -> value
    prepared : whose model gives units and sources of variables, and whose city the sources of figures
    notices : what the numbers do not show; they stand on the read-me sheet
    """
    import xlsxwriter

    given = list(tables)
    shown = [table for table in given if isinstance(table, Table)]
    notices = [*(_text(one) for one in given if isinstance(one, Text)), *notices]
    sheets = [(_name(_text(table.title)), _text(table.title), _rows_of(table, lang)) for table in shown]
    sheets += [
        (
            _name(one.stem),
            tell("Numbers in full, as in {file}", lang, file=one.name),
            (0, _rows_of_csv(one, lang)),
        )
        for one in csv_files
    ]
    start = tell("Read me", lang)
    names: dict[str, str] = {}
    for name, title, _ in sheets:
        names[_free_name(name, [start, "History", *names])] = title
    seen = {str(row[0]) for _, _, (_, rows) in sheets if rows for row in _variables(rows)}
    with xlsxwriter.Workbook(
        str(file), {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    ) as book:
        looks = {
            "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top"}),
            "wrapped": book.add_format({"text_wrap": True, "valign": "top"}),
            "share": book.add_format({"num_format": "0.0%"}),
            "small": book.add_format({"num_format": "0.00%"}),
        }
        first = book.add_worksheet(start)
        first.set_column(0, 2, 3 * WIDTH)
        _write(first, 0, list(_read_me(names, seen, about or {}, prepared, lang, notices)), looks)
        for name, (_, _, (head, rows)) in zip(names, sheets, strict=True):
            sheet = book.add_worksheet(name)
            sheet.set_column(0, 0, 2 * WIDTH)
            sheet.set_column(1, 30, WIDTH)
            sheet.freeze_panes(head + 1, 0)
            _write(sheet, head, rows, looks)


def _write(sheet: Any, head: int, rows: Sequence[Sequence[object]], looks: Mapping[str, Any]) -> None:
    """Write rows; the one numbered `head` is bold, and so is what stands above it alone."""
    for number, row in enumerate(rows[:MOST_ROWS]):
        for column, cell in enumerate(row):
            if isinstance(cell, (int, float)):
                small = 0 < abs(cell) < 0.00995  # as `percent` parts them
                look = [looks["small" if small else "share"]] if isinstance(cell, Share) else []
                sheet.write_number(number, column, Full(cell), *look)
            elif cell not in ("", None):
                name = (
                    "head" if number in (0, head) else "wrapped" if "\n" in str(cell) or len(row) == 3 else ""
                )
                sheet.write_string(number, column, str(cell), *([looks[name]] if name else []))


def _read_me(
    names: Mapping[str, str],
    seen: Iterable[str],
    about: Mapping[str, object],
    prepared: Prepared | None,
    lang: str,
    notices: Sequence[str],
) -> Iterator[Sequence[object]]:
    """Yield what a reader needs first; how it was made comes last."""
    if prepared is not None:
        titles = [one.scenario.title[lang] for one in prepared.resolved.values()]
        city = prepared.first.city.title[lang]
        yield (tell("{variable}: {element}", lang, variable=city, element=tell("; ", lang).join(titles)),)
    draws = int(str(about.get("draws", 1)))
    if draws > 1:
        yield (tell("Medians of {draws} draws, each with its 80 % interval.", lang, draws=draws),)
    yield from ((text,) for text in notices)
    yield ("",)
    yield tell("Sheet", lang), tell("What it holds", lang)
    yield from names.items()
    if prepared is not None:
        yield from _sources(prepared, seen, lang)
    yield ("",)
    yield (tell("How it was made", lang),)
    yield "talent_sd", __version__
    yield from about.items()


def _sources(prepared: Prepared, seen: Iterable[str], lang: str) -> Iterator[Sequence[object]]:
    """Yield units and sources, of variables and of the city's figures."""
    from talent_sd.inputs.figure_schemas import FIGURES

    labels, structure = shipped_labels(), prepared.model.structure
    yield ("",)
    yield tell("Variable", lang), tell("Unit", lang), tell("Meaning and source", lang)
    for one in sorted(filter(None, map(structure.find, seen)), key=lambda one: one.name):
        unit = unit_label(one.unit, lang) or tell("dimensionless", lang)
        yield f"{labels.variable(one.name, lang)} ({one.name})", unit, one.doc
    yield ("",)
    yield tell("Figure of the city", lang), tell("Unit", lang), tell("Source", lang)
    for name, figure in prepared.first.city.figures.items():
        unit = unit_label(figure.unit, lang) or tell("dimensionless", lang)
        yield tell(FIGURES[name], lang), unit, figure.source


def _text(cell: object) -> str:
    return str(getattr(cell, "plain", cell) or "").replace("\N{NO-BREAK SPACE}", " ")


def _one_line(heading: str, lang: str) -> str:
    """Return a heading without the breaks that a terminal needs: a sheet wraps its own."""
    return heading.replace("\n", "" if lang == "zh" else " ")


def _rows_of(table: Table, lang: str) -> tuple[int, list[Sequence[object]]]:
    """Return the number of the heading's row, and rows: title, notes, heading, cells. Numbers stand in cells of their own."""
    above = [[text] for text in (_text(table.title), _text(table.caption)) if text]
    columns = [
        split
        for number, column in enumerate(table.columns)
        for split in _split(_one_line(_text(column.header), lang), list(column.cells), number == 0, lang)
    ]
    rows = zip(*(cells for _, cells in columns), strict=True)
    return len(above), [*above, [head for head, _ in columns], *map(list, rows)]


def _split(
    heading: str, shown: Sequence[object], first: bool, lang: str
) -> Iterator[tuple[str, list[object]]]:
    """Yield a table's column as columns of single values: a unit, a per cent, an interval's ends, a note apart."""
    cells = [_text(cell) for cell in shown]
    if first and any("\n  " in cell for cell in cells):
        pairs = [cell.partition("\n  ") for cell in cells]
        yield heading, [name for name, _, _ in pairs]
        yield tell("Unit", lang), [unit for _, _, unit in pairs]
        return
    full = [list(getattr(cell, "shares", ())) for cell in shown]
    parts = [_parts(cell, shares) for cell, shares in zip(cells, map(iter, full), strict=True)]
    if not any(low != "" or share != "" for _, share, low, _, _ in parts):
        yield heading, [_number(cell, iter(shares)) for cell, shares in zip(cells, full, strict=True)]
        return
    told = (
        heading,
        tell("Relative", lang),
        tell("80 % from", lang),
        tell("80 % to", lang),
        tell("Note", lang),
    )
    for place, what in enumerate(told):
        values = [part[place] for part in parts]
        if place == 0 or any(value != "" for value in values):
            name = (
                heading if place == 0 else tell("{variable}: {element}", lang, variable=heading, element=what)
            )
            yield name if heading else what, values


def _parts(cell: str, shares: Iterator[float]) -> tuple[object, object, object, object, object]:
    """Return what a cell of several numbers holds: value, per cent in brackets, interval's ends, what follows."""
    head, *below = cell.split("\n")
    found = re.fullmatch(r"(.*?) \(([^()]*%)\)", head)
    value, share = found.groups() if found else (head, "")
    low, dots, high = below[0].partition(" … ") if below else ("", "", "")
    if not dots:
        return _number(value, shares), _number(share, shares), "", "", "\n".join(below)
    return *(_number(one, shares) for one in (value, share, low, high)), "\n".join(below[1:])  # type: ignore[return-value]


def _number(text: str, shares: Iterator[float]) -> object:
    """Return the number that a text is, written as tables write it, a per cent in full where it is at hand; else the text."""
    plain = text.replace("−", "-").strip()
    found = re.fullmatch(r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)( ?%)?", plain)
    if found is None:
        return text
    number = float(found[1].replace(",", ""))
    return Share(next(shares, round(number / 100, 9))) if found[2] else number


def _rows_of_csv(file: Path, lang: str) -> list[Sequence[object]]:
    """Return a CSV file's rows: headings in words, variables, scenarios and units by their labels beside their names."""
    labels = shipped_labels()
    with file.open(newline="", encoding="utf-8-sig") as stream:
        head, *rows = list(csv.reader(stream))
    named = [head.index(name) for name in NAMED if name in head][:1]
    units = [head.index("unit")] if "unit" in head else []
    found: list[Sequence[object]] = []
    for row in rows:
        cells: list[object] = [_full(cell) for cell in row]
        for place in units:
            cells[place] = unit_label(row[place], lang)
        for place in named:
            cells.insert(place + 1, labels.variable(row[place], lang))
        for key in ("subscript", "policy", "loop", "part"):
            if key in head:
                place = head.index(key) + sum(place < head.index(key) for place in named)
                cells[place] = (
                    ", ".join(labels.element(one, lang) for one in row[head.index(key)].split(", "))
                    if row[head.index(key)]
                    else ""
                )
        found.append(cells)
    heading: list[object] = [_heading(name, lang) for name in head]
    for place in named:
        heading.insert(place + 1, tell("Called", lang))
    return [heading, *found]


def _heading(name: str, lang: str) -> str:
    """Return a column's name in words; of what is not ours its own."""
    told = f"{name.removeprefix('effective_')}_effective" if name.startswith("effective_") else name
    end = next((end for end in ENDS if told.endswith(end)), "")
    measure = MEASURES.get(told.removeprefix("cost_per_").removesuffix(end))
    if measure is None:
        return _one_line(tell(HEADINGS[name], lang), lang) if name in HEADINGS else name
    words = tell(measure, lang)
    return (
        tell("{variable}: {element}", lang, variable=words, element=tell(ENDS[end], lang)) if end else words
    )


def _full(cell: str) -> object:
    try:
        return float(cell) if cell and cell.lower() not in ("nan", "inf", "-inf", "infinity") else cell
    except ValueError:
        return cell.removeprefix("'") if cell[:2] in ("'=", "'+", "'-", "'@") else cell


def _variables(rows: Sequence[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Yield, as rows of one cell, the variables named in a sheet made of a CSV file."""
    if len(rows) > 1 and len(rows[0]) > 2:
        called = [
            place
            for place, head in enumerate(rows[0])
            if head in (tell("Called", "en"), tell("Called", "zh"))
        ]
        yield from ([row[place - 1]] for place in called for row in rows[1:])


def _free_name(name: str, taken: Iterable[str]) -> str:
    """Return a sheet's name that no other has, in capitals or not: a number behind it, within the longest.

    >>> _free_name("Change of talent in a long run", ["change of talent in a long run"])
    'Change of talent in a long r ~2'
    """
    others = {one.casefold() for one in taken}
    ends = chain([""], (f" ~{number}" for number in count(2)))
    found = (name[: LONGEST_NAME - len(end)].rstrip() + end for end in ends)
    return next(one for one in found if one.casefold() not in others)


def _name(text: str) -> str:
    """Return a name that a sheet may have: some characters are not allowed, nor more than 31; words stay whole."""
    plain = " ".join(re.sub(r"[\[\]:*?/\\']", " ", text).split()) or "Table"
    if len(plain) <= LONGEST_NAME:
        return plain
    cut = plain[: LONGEST_NAME + 1].rpartition(" ")[0]
    return (cut if len(cut) > LONGEST_NAME / 2 else plain[:LONGEST_NAME]).strip(" ,;(")
