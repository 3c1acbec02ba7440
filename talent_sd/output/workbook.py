"""Tables as a workbook: a read-me sheet with units and sources, then one sheet for each table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

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
    "alone": N_("Alone"), "part": N_("Part"),
}  # fmt: skip
"""Columns of our CSV files, as a workbook heads them."""


class Full(float):
    """A number that a workbook holds in full: XlsxWriter would write 16 digits, and some need 17."""

    def __format__(self, _: str) -> str:
        return float.__repr__(self).removesuffix(".0")


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
) -> None:
    """Write tables, as the terminal shows them and as CSV files hold them, into one workbook.

    Parameters
    ----------
    tables : of rich, in words; texts among them are left out
    csv_files : numbers in full, a sheet each
    about : what the read-me sheet begins with: key -> value
    prepared : whose model gives units and sources of variables, and whose city the sources of figures
    """
    import xlsxwriter

    sheets = [
        (_name(_text(table.title)), list(_rows_of(table))) for table in tables if isinstance(table, Table)
    ]
    sheets += [(_name(one.stem), _rows_of_csv(one, lang)) for one in csv_files]
    names: list[str] = []
    for name, _ in sheets:
        taken = sum(each.rpartition(" ~")[0] == name or each == name for each in names)
        names.append(f"{name[: LONGEST_NAME - 4]} ~{taken + 1}" if taken else name)
    seen = {
        str(row[0]) for (_, rows), own in zip(sheets, names, strict=True) if rows for row in _variables(rows)
    }
    with xlsxwriter.Workbook(
        str(file), {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    ) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        _write(
            book.add_worksheet(tell("Read me", lang)),
            list(_read_me(names, seen, about or {}, prepared, lang)),
            None,
            wrapped,
        )
        for name, (_, rows) in zip(names, sheets, strict=True):
            _write(book.add_worksheet(name), rows, bold, wrapped)


def _write(sheet: Any, rows: Sequence[Sequence[object]], head: Any, wrapped: Any) -> None:
    sheet.set_column(0, 0, 2 * WIDTH)
    sheet.set_column(1, 30, WIDTH if head else 3 * WIDTH)
    if head:
        sheet.freeze_panes(1, 0)
    for number, row in enumerate(rows[:MOST_ROWS]):
        for column, cell in enumerate(row):
            if isinstance(cell, (int, float)):
                sheet.write_number(number, column, Full(cell))
            elif cell not in ("", None):
                look = head if head and number == 0 else wrapped if "\n" in str(cell) or not head else None
                sheet.write_string(number, column, str(cell), *([look] if look else []))


def _read_me(
    names: Sequence[str],
    seen: Iterable[str],
    about: Mapping[str, object],
    prepared: Prepared | None,
    lang: str,
) -> Iterator[Sequence[object]]:
    yield f"talent_sd {__version__}", ""
    yield from about.items()
    yield "", ""
    yield tell("Sheet", lang), ""
    for name in names:
        yield name, ""
    if prepared is None:
        return
    labels, structure = shipped_labels(), prepared.model.structure
    yield "", ""
    yield tell("Variable", lang), tell("Unit", lang), tell("Meaning and source", lang)
    for one in sorted(filter(None, map(structure.find, seen)), key=lambda one: one.name):
        unit = unit_label(one.unit, lang) or tell("dimensionless", lang)
        yield f"{labels.variable(one.name, lang)} ({one.name})", unit, one.doc
    yield "", ""
    yield tell("Figure of the city", lang), tell("Unit", lang), tell("Source", lang)
    from talent_sd.output.starter_files import FIGURES

    for name, figure in prepared.first.city.figures.items():
        yield (
            tell(FIGURES[name], lang),
            unit_label(figure.unit, lang) or tell("dimensionless", lang),
            figure.source,
        )


def _text(cell: object) -> str:
    return str(getattr(cell, "plain", cell) or "").replace("\N{NO-BREAK SPACE}", " ")


def _rows_of(table: Table) -> Iterator[Sequence[object]]:
    """Yield a table's heading, rows and caption as cells; what is a number alone becomes one."""
    yield [_text(column.header) for column in table.columns]
    yield from (
        [_number(_text(cell)) for cell in row]
        for row in zip(*(list(c.cells) for c in table.columns), strict=True)
    )
    for text in (_text(table.title), _text(table.caption)):
        if text:
            yield [text]


def _number(text: str) -> object:
    """Return the number that a text is, written as tables write it; else the text."""
    plain = text.replace("−", "-")
    if re.fullmatch(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", plain):
        return float(plain.replace(",", ""))
    return text


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
    heading: list[object] = [tell(HEADINGS[name], lang) if name in HEADINGS else name for name in head]
    for place in named:
        heading.insert(place + 1, tell("Called", lang))
    return [heading, *found]


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


def _name(text: str) -> str:
    """Return a name that a sheet may have: some characters are not allowed, nor more than 31."""
    return re.sub(r"[\[\]:*?/\\']", " ", text).strip()[:LONGEST_NAME].strip() or "Table"
