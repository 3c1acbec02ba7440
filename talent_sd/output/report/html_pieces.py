"""What the page's template puts together: tables, plots, keys. Text only; the template escapes it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.output.style import BODY, HEADING

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Cell:
    """A cell: what is shown, and the number behind it in full."""

    text: str
    value: float | None = None
    column: str = ""
    kind: str = ""

    @property
    def full(self) -> str:
        """Return the number as Python and CSV files write it, "" where there is none."""
        return "" if self.value is None or self.value != self.value else repr(float(self.value))


@dataclass(frozen=True)
class Row:
    """A row: its heading, its cells, and attributes that say what it is about."""

    heading: str
    cells: Sequence[Cell]
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Rows that belong together, such as those of one scenario; no title where there is one group."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Table:
    """A table: caption, headings (the first is the row headings'), groups of rows.

    Parameters
    ----------
    texts : columns that hold text rather than numbers, counted from 0 (the row headings)
    """

    caption: str
    headings: Sequence[str]
    groups: Sequence[Group]
    texts: frozenset[int] = frozenset({0})
    note: str = ""


@dataclass(frozen=True)
class Plot:
    """A picture and the words that stand for it."""

    svg: Markup
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class KeyEntry:
    """A line of the key: its name and how it is drawn."""

    title: str
    colour: str
    dashes: str


@dataclass(frozen=True)
class Part:
    """A part of a chapter: sentences, plots, and the tables behind them."""

    ident: str
    title: str
    plots: Sequence[Plot]
    tables: Sequence[Table]
    sentences: Sequence[str] = ()


def plain_table(
    caption: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    texts: Sequence[int] | None = None,
) -> Table:
    """Make a table of one group; all columns are text unless told otherwise."""
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    made = [Row(first.text, others) for first, *others in cells]
    kinds = frozenset(range(len(headings)) if texts is None else texts)
    return Table(caption, headings, [Group("", made)], kinds)


FOLDER = Path(__file__).parents[1] / "fonts"


def font_faces(text: str) -> str:
    """Return the CSS of the fonts that a text needs, as data inside it.

    Characters that the shipped fonts lack are left to the reader's own.
    """
    # the shipped quotation marks are as wide as a Chinese character: English takes the reader's own
    points = {ord(character) for character in text} - {0x2018, 0x2019, 0x201C, 0x201D}
    faces = []
    for family, file in ((BODY, "regular.otf"), (HEADING, "bold.otf")):
        data = base64.b64encode(_cut(FOLDER / file, points)).decode("ascii")
        faces.append(
            f'@font-face{{font-family:"{family}";src:url(data:font/woff;base64,{data}) format("woff")}}'
        )
    return "\n".join(faces)


def _cut(file: Path, points: set[int]) -> bytes:
    """Return a font with these characters alone, as WOFF."""
    from fontTools import subset

    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=True, recalc_timestamp=False)
    target = io.BytesIO()
    with subset.load_font(str(file), options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=points)
        cutter.subset(font)
        subset.save_font(font, target, options)
    return target.getvalue()
