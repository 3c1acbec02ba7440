"""Folders and files: what ships with the package, names, tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula."""

CONTROLS = dict.fromkeys(
    [
        *range(9), *range(11, 32), *range(127, 160),
        0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF,
        *range(0xE0000, 0xE0080),
    ],
    "\N{REPLACEMENT CHARACTER}",
)  # fmt: skip
"""Characters that a terminal may obey, that turn the direction of a text, break its line or stand for nothing that could
be seen; a tab and the end of a line are none."""


def tellable(name: str) -> str:
    r"""Return a name, or a sentence with names, as one line that anything can show: what is no UTF-8 is told as "?".

    >>> tellable("a\x1b[31m\nb")
    'a�[31m b'
    """
    return name.encode("utf-8", "replace").decode().translate(CONTROLS | {9: " ", 10: " "})


def obeyed_by_none(text: str) -> str:
    """Return a text with line ends alone, and a replacement character for each that is obeyed and not shown."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(CONTROLS)


@cache
def shipped_folder(name: str) -> Path:
    """Folder `models` or `scenarios`: beside the checkout's package, else the wheel's copy.

    A wheel carries the folders inside the package (`talent_sd/shipped/`). In an
    editable install a build back end may leave a stale copy there, so the
    checkout's own folder wins whenever the package lies in a checkout.

    Raises
    ------
    FileNotFoundError
        If neither exists: the installation is broken.
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent
    candidates = [package / "shipped" / name]
    if (checkout / "pyproject.toml").is_file():
        candidates.insert(0, checkout / name)
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installed package has no folder '{name}'; reinstall talent_sd")


class TableWriter:
    """Writes CSV in which no text is a formula: one that begins like one gets an apostrophe before it."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream)

    def writerow(self, row: Iterable[object]) -> None:
        """Write a row; numbers in full, nothing for None."""
        self._writer.writerow(map(_harmless, row))

    def writerows(self, rows: Iterable[Iterable[object]]) -> None:
        """Write rows."""
        for row in rows:
            self.writerow(row)


def _harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; a number written as text is none."""
    if not isinstance(cell, str) or not cell.startswith(FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def write_rows(file: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table as CSV: names of columns, then rows; numbers in full, nothing for None."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = TableWriter(stream)
        writer.writerow(columns)
        writer.writerows(rows)


def write_frame(file: Path, frame: pd.DataFrame, number: str | None = None) -> None:
    """Write a frame as CSV, numbers by a format such as "%.6g"; its texts are no formulas either."""
    # a carriage return alone would begin a row: pandas does not quote it
    frame.replace("\r", "\n", regex=True).map(_harmless).to_csv(file, index=False, float_format=number)
