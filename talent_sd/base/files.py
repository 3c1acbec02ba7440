"""Folders and files: what ships with the package, names, tables."""

from __future__ import annotations

import codecs
import csv
import hashlib
import itertools
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import pandas as pd

ENDING = [
    number
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if (number := getattr(signal, name, None)) and signal.getsignal(number) != signal.SIG_IGN
]
"""Signals that end the program in order; one that the user lets the system ignore (nohup) stays ignored."""

inputs_read: set[Path] = set()
"""Files that this process was given to read: no output folder is cleared of them."""
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


def content_of(file: Path, most: int = 2**30) -> bytes:
    """Return what a file holds; OSError of one of more bytes than it can have, or of what is no plain file.

    A pipe in a file's place would be waited for without end, a huge one would take all memory.
    """
    if not file.is_file():
        raise FileNotFoundError(2, "no such file", str(file))
    if file.stat().st_size > most:
        raise OSError(27, "File too large", str(file))
    return file.read_bytes()


def write_safely(file: Path, content: bytes) -> None:
    """Write a new file, in place of what is there; on return it is on the disk, even if the machine stops."""
    file.unlink(missing_ok=True)  # a link is replaced: what it leads to is another's
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def mark_of(file: Path) -> str:
    """Return size and checksum of a plain file, "" where none is."""
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as stream:
            return f"{file.stat().st_size} {hashlib.file_digest(stream, 'sha256').hexdigest()}"
    except OSError:
        return ""


def set_aside(file: Path) -> str:
    """Give a file the first free name of plan.yaml.~1~, plan.yaml.~2~, ... and return it."""
    aside = next(
        one for n in itertools.count(1) if not os.path.lexists(one := file.with_name(f"{file.name}.~{n}~"))
    )
    file.rename(aside)
    return aside.name


def mark_tables(folder: Path) -> None:
    """Begin CSV files with the mark by which spreadsheets know UTF-8: without it Chinese is gibberish there."""
    for table in folder.rglob("*.csv"):
        content = table.read_bytes()
        if not content.startswith(codecs.BOM_UTF8):
            table.write_bytes(codecs.BOM_UTF8 + content)


def is_free(folder: Path) -> bool:
    """Whether a folder is empty, or nothing is there."""
    try:
        return not any(folder.iterdir())
    except (OSError, ValueError):
        return not os.path.exists(folder)  # noqa: PTH110 (Path.exists raises where a name is too long)


def existing_folder(target: Path) -> Path:
    """Return `target`, else its nearest ancestor that exists; refuse a path through a file."""
    for place in (target, *target.absolute().parents):
        if place.is_dir():
            if not os.access(place, os.W_OK | os.X_OK):
                raise PermissionError(13, "no permission to write")
            return place
        if place.exists():
            raise NotADirectoryError(20, "is a file, not a folder")
    raise FileNotFoundError(2, "no such folder")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put off signals that end the program until the block is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = {number: signal.signal(number, lambda number, _: heard.append(number)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        raise KeyboardInterrupt
