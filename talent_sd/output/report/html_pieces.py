"""What the page's template puts together: tables, plots, keys. Text only; the template escapes it.

Figures are SVG inside the page: text stays text, ids never collide, nothing of the user's is obeyed.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.cache import cache_folder, keep, read_kept
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import N_, tell
from talent_sd.inputs.city_files import load_city
from talent_sd.output.figures.panels import Line, draw_panel, end_room, mark_cut
from talent_sd.output.speech import Scale, Speech
from talent_sd.output.style import BODY, HEADING, house_style, new_figure

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
WIDTH, HEIGHT = 3.5, 2.3
LEFT, RIGHT, TOP, BOTTOM = 0.52, 0.14, 0.46, 0.26
"""Inches: size of a plot, and the room around its axes."""
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_DROPPED = {"metadata", "style"}

FOLDER = Path(__file__).parents[1] / "fonts"

SOURCE = " Source: "


@cache
def chinese() -> dict[str, str]:
    """Return what the shipped files say in English -> the same in Chinese; a text that is new is not there."""
    found: dict[str, str] = json.loads(
        (shipped_folder("models") / "texts.zh.json").read_text(encoding="utf-8")
    )
    return found


@cache
def city_title(name: str) -> Mapping[str, str]:
    """Return what a city that ships is called, by language; its file is read once."""
    return load_city(name).title


def quoted(text: str, lang: str) -> str:
    """Return what a shipped file says in a language, its source told; English where there is no other."""
    if lang != "zh" or not text:
        return text
    meaning, mark, source = text.partition(SOURCE)
    return chinese().get(meaning, meaning) + (f"来源：{chinese().get(source, source)}" if mark else "")


HOW_OBTAINED = {
    r", held to (?P<year>\d+)": N_(", held to {year}"),
    r", × (?P<factor>[\d.]+) as national (?P<series>\w+) to (?P<year>\d+)": N_(
        ", × {factor} as national {series} to {year}"
    ),
    r", / (?P<sum>[\d.]+) so that ages sum to one": N_(", / {sum} so that ages sum to one"),
    r"^national (?P<series>\w+) (?P<year>\d+)$": N_("national {series} {year}"),
    r"^default (?P<value>[^,]+), range (?P<low>\S+) to (?P<high>\S+)$": N_(
        "default {value}, range {low} to {high}"
    ),
    r"^National path \(central\.yaml\):": N_("National path (central.yaml):"),
}
"""How a city's figure was obtained, as its origin says it -> the same to be told."""


def obtained(text: str, lang: str) -> str:
    """Return how a city's or the nation's figure was obtained, and its source, in a language."""
    name, colon, source = text.partition(": ")
    if name.isidentifier() and colon:  # a series of the nation's: its row has its name
        text = source
    if lang != "zh":
        return text
    if text in chinese():
        return chinese()[text]
    how, *rest = text.split("; ")
    sources = "; ".join(rest)
    parts = [chinese()[sources]] if sources in chinese() else [chinese().get(one, one) for one in rest]
    told = [chinese().get(how, how), *parts]
    for pattern, words in HOW_OBTAINED.items():
        for place, one in enumerate(told):
            if found := re.search(pattern, one):
                told[place] = one.replace(found[0], tell(words, lang, **found.groupdict()))
    return "；".join(told)


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


def filled(table: Table) -> Table:
    """Return a table of one group without the columns in which no row has anything."""
    (group,) = table.groups
    kept = [0] + [n for n in range(1, len(table.headings))
                  if not group.rows or any(row.cells[n - 1].text not in ("", "–") for row in group.rows)]  # fmt: skip
    rows = [replace(row, cells=[row.cells[n - 1] for n in kept[1:]]) for row in group.rows]
    texts = frozenset(place for place, n in enumerate(kept) if n in table.texts)
    return replace(
        table, headings=[table.headings[n] for n in kept], groups=[replace(group, rows=rows)], texts=texts
    )


def font_faces(text: str) -> str:
    """Return the CSS of the fonts that a text needs, as data inside it.

    Characters that the shipped fonts lack are left to the reader's own.
    """
    # the shipped quotation marks are as wide as a Chinese character: English takes the reader's own
    points = set(map(ord, set(text))) - {0x2018, 0x2019, 0x201C, 0x201D}
    faces = []
    for family, file in ((BODY, "regular.otf"), (HEADING, "bold.otf")):
        data = base64.b64encode(_cut(FOLDER / file, points)).decode("ascii")
        faces.append(
            f'@font-face{{font-family:"{family}";src:url(data:font/woff;base64,{data}) format("woff")}}'
        )
    return "\n".join(faces)


MOST_FONTS = 40


def _cut(file: Path, points: set[int]) -> bytes:
    """Return a font with these characters alone, as WOFF: one cut before is read again."""
    from fontTools import version

    about = f"{version} {sorted(points)}".encode() + file.read_bytes()
    folder = cache_folder("fonts")
    kept = None if folder is None else folder / f"{hashlib.sha256(about).hexdigest()}.woff"
    data = None if kept is None else read_kept(kept)
    if data is None:
        data = _cut_anew(file, points)
        if kept is not None:
            keep(kept, data, MOST_FONTS, MOST_FONTS // 2)
    return data


def _cut_anew(file: Path, points: set[int]) -> bytes:
    from fontTools import subset

    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=True, recalc_timestamp=False)
    target = io.BytesIO()
    with subset.load_font(str(file), options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=points)
        cutter.subset(font)
        subset.save_font(font, target, options)
    return target.getvalue()


def inline_svg(figure: Figure, prefix: str, title: str, description: str) -> Markup:
    """Return a figure as an SVG element to stand in an HTML page.

    Parameters
    ----------
    prefix : starts every id in it; no other picture of the page may have it
    title, description : what it is called and what it shows, for who cannot see it
    """
    from markupsafe import Markup

    root = ElementTree.fromstring(_ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", _drawn(figure, prefix)))
    _clean(root, prefix)
    for number, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": f"{prefix}-{tag}"})
        element.text = _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
        root.insert(number, element)
    root.attrib |= {
        "class": "picture",
        "role": "img",
        "aria-labelledby": f"{prefix}-title {prefix}-desc",
        "focusable": "false",
    }
    ElementTree.register_namespace("", SVG)
    # the tree escapes every text and attribute itself
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704


def _drawn(figure: Figure, prefix: str) -> str:
    import matplotlib as mpl

    target = io.StringIO()
    with (
        house_style(),
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix}),
        quiet_about_glyphs(),
    ):
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return target.getvalue()


def quiet_about_glyphs() -> warnings.catch_warnings[None]:
    """Return a block in which a character beyond the shipped fonts is no matter: the reader's own fonts have it."""
    return warnings.catch_warnings(category=UserWarning, action="ignore")


def _clean(root: ElementTree.Element, prefix: str) -> None:
    """Drop what the page has no use for; style becomes attributes, which a strict page allows."""
    for parent in root.iter():
        for child in list(parent):
            if child.tag.rpartition("}")[2] in _DROPPED:
                parent.remove(child)
    links = {element.get(f"{{{XLINK}}}href", "") for element in root.iter()}
    whole = " ".join(links) + " ".join(value for element in root.iter() for value in element.attrib.values())
    used = set(re.findall(r"#([\w.-]+)", whole))
    for element in root.iter():
        for part in filter(None, element.attrib.pop("style", "").split(";")):
            name, _, value = part.partition(":")
            element.set(name.strip(), value.strip())
        ident = element.attrib.pop("id", None)
        if ident in used:
            element.set("id", f"{prefix}-{ident}")
        target = element.attrib.pop(f"{{{XLINK}}}href", None)
        if target is not None:
            # a picture inside the picture carries its own data; the rest points to a part of it
            element.set("href", f"#{prefix}-{target[1:]}" if target.startswith("#") else target)
        for name, value in element.attrib.items():
            if "url(#" in value:
                element.set(name, value.replace("url(#", f"url(#{prefix}-"))
            elif name in ("d", "x", "y", "transform", "points"):
                element.set(name, _LONG_NUMBER.sub(_short, value))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)


def _short(match: re.Match[str]) -> str:
    return f"{float(match.group()):.2f}".rstrip("0").rstrip(".")


def draw_plots(
    panels: Sequence[tuple[str, Sequence[Line]]],
    scale: Scale,
    unit: str,
    lang: str,
    forecast_from: float | None,
    zero_line: bool = False,
) -> list[Figure]:
    """Draw a figure for each panel (title, lines), with one value axis, so that they can be set side by side.

    A panel that would be flat on that axis has its own, and says so.
    """
    figures = [new_figure(WIDTH, HEIGHT) for _ in panels]
    right = RIGHT + max(end_room(lines) for _, lines in panels) / 72
    with house_style(), quiet_about_glyphs():
        everything = []
        for figure, (title, lines) in zip(figures, panels, strict=True):
            box = (LEFT / WIDTH, BOTTOM / HEIGHT, 1 - (LEFT + right) / WIDTH, 1 - (TOP + BOTTOM) / HEIGHT)
            axes = figure.add_axes(box)
            scaled = [line.divided(scale.factor) for line in lines]
            draw_panel(
                axes,
                scaled,
                title=shortened(title, WIDTH - LEFT),
                unit=unit,
                letter="",
                lang=lang,
                forecast_from=forecast_from,
                zero_line=zero_line,
                label_lines=False,
            )
            everything.append(axes)
        _share_scale(everything, unit, lang)
    return figures


FLAT = 1 / 3
"""A panel whose values span less of the common axis than this has an axis of its own."""


def _share_scale(everything: Sequence[Axes], unit: str, lang: str) -> None:
    """Give panels one value axis; those that would be flat on it keep their own, and their unit says so."""
    limits = np.array([axes.get_ylim() for axes in everything])
    low, high = float(limits[:, 0].min()), float(limits[:, 1].max())
    for axes, (own_low, own_high) in zip(everything, limits, strict=True):
        if own_high - own_low >= FLAT * (high - low):
            axes.set_ylim(low, high)
            mark_cut(axes)
            continue
        for text in axes.texts:
            if text.get_text() == unit:
                text.set_text(Speech(lang)("{unit} (its own scale)", unit=unit))


def shortened(text: str, room: float) -> str:
    """Cut a heading that is wider than its room (inches); an ellipsis says so."""
    from talent_sd.output.figures.sheet import text_width
    from talent_sd.output.style import heading

    text = " ".join(text.split())
    if len(text) * 0.3 < room or text_width(text, fontsize=9, **heading()) <= room:
        return text
    while text and text_width(text + "…", fontsize=9, **heading()) > room:
        text = text[: min(len(text) - 1, 120)].rstrip()
    return text + "…"
