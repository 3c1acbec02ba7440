"""How pictures look: the shipped font, a palette that survives grey print and colour blindness."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

BODY, HEADING = "talent_sd Sans", "talent_sd Heading"
"""Families of the shipped fonts; a character that HEADING lacks is taken from BODY."""
RARE = ("Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "SimHei")
"""Families asked, where the machine has them, for characters beyond the shipped ones."""
INK, GREY, FAINT = "#1a1a1a", "#666666", "#dddddd"
BASELINE = -1
"""Style of what others are compared with: a quiet grey."""
_BASELINE_COLOUR = "#9a9a9a"
_COLOURS = (
    "#004488",
    "#bb5566",
    "#c28f1b",
    "#3a8f7b",
    "#7b5ea7",
    "#5aa5d6",
    "#8c510a",
    "#d17ac2",
    "#6b8e23",
    "#e07b39",
    "#2f5d50",
    "#a3a3d9",
    "#c9b037",
    "#5e3c58",
    "#00a6a6",
    "#d94f30",
    "#7a7a52",
    "#f2a0a8",
)
"""The first five told apart by hue and, in grey, by lightness (after Paul Tol's high-contrast set); none twice."""
_DASHES: tuple[tuple[float, tuple[float, ...] | None], ...] = (
    (0, None),
    (0, (5, 1.6)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
    (0, (3, 1.2)),
    (0, (8, 1.5, 1.2, 1.5, 1.2, 1.5)),
)
_MARKERS = ("o", "s", "^", "D", "v", "X")
DOTS_PER_INCH = 200

_RULES: dict[str, Any] = {
    "font.size": 8,
    "axes.unicode_minus": True,
    "text.parse_math": False,  # a "$" in a user's title is a dollar
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "talent_sd",  # names of parts: else other ones each time
}


def line_look(style: int) -> dict[str, Any]:
    """Colour, dash and marker of a line; of the first hundred styles no two look the same.

    >>> line_look(0)["color"], line_look(18)["color"], line_look(0)["marker"], line_look(18)["marker"]
    ('#004488', '#004488', 'o', 's')
    """
    if style == BASELINE:
        return {"color": _BASELINE_COLOUR, "linestyle": "-", "marker": "P"}
    turn = (style + style // len(_COLOURS)) % len(_MARKERS)
    return {"color": _COLOURS[style % len(_COLOURS)], "linestyle": _DASHES[turn], "marker": _MARKERS[turn]}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw inside this: the shipped font and our rules, the user's own settings untouched after."""
    import matplotlib as mpl

    rules: Any = {**dict(mpl.rcParamsDefault), **_RULES, "font.family": list(body_fonts())}
    with mpl.rc_context(rules):
        yield


STRAIGHT = str.maketrans("“”‘’", "\"\"''")


@cache
def body_fonts() -> tuple[str, ...]:
    """Families of running text, in order; the first has every character of ours."""
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    for file in sorted((Path(__file__).parent / "fonts").glob("*.otf")):
        font_manager.fontManager.addfont(file)
    return (BODY, *(name for name in RARE if name in known))


def heading() -> dict[str, Any]:
    """Text properties of a heading."""
    return {"fontfamily": [HEADING, *body_fonts()], "color": INK}


def new_figure(width: float, height: float) -> Figure:
    """Make a figure (inches) of its own, outside pyplot's global list."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    return figure


@cache
def _bold_letters() -> frozenset[int]:
    """Return the characters that the font of headings has."""
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(Path(__file__).parent / "fonts" / "bold.otf")).get_charmap())


def settle(figure: Figure) -> None:
    """Put straight quotation marks into texts without a Chinese character, and headings that are not all bold in one weight.

    The font's curly marks are as wide as a Chinese character; the bold font has our own words alone. Axes without a
    label are told not to look for its place, which takes as long as a fifth of the drawing.
    """
    from matplotlib.text import Text

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if not axis.label.get_text():
                axis.set_label_coords(0, 0)
    for text in figure.findobj(Text):
        told = text.get_text()
        if HEADING in text.get_fontfamily() and not _bold_letters().issuperset(
            map(ord, told.replace("\n", ""))
        ):
            text.set_fontfamily(list(body_fonts()))
        if told.translate(STRAIGHT) != told and not any(ord(character) >= 0x2E80 for character in told):
            text.set_text(told.translate(STRAIGHT))


def save_figure(figure: Figure, file: Path) -> None:
    """Write a figure as PNG, without a date in it: the same forecast gives the same file."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    settle(figure)
    with house_style():
        figure.set_dpi(DOTS_PER_INCH)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    file.write_bytes(_png(np.asarray(canvas.buffer_rgba())[..., :3]))


def _png(picture: np.ndarray) -> bytes:
    """Return an opaque picture, shape (height, width, 3), as a PNG file.

    Rows as they are, unfiltered: of lines on white a library's search for each row's best filter takes more than
    half of all writing, and the file gets no smaller.
    """
    import struct
    import zlib

    import numpy as np

    height, width, _ = picture.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = picture.reshape(height, -1)
    per_metre = round(DOTS_PER_INCH / 0.0254)
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0),
        b"tEXt": b"Software\0talent_sd",
        b"pHYs": struct.pack(">IIB", per_metre, per_metre, 1),
        b"IDAT": zlib.compress(rows.data, 2),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts.items()
    )


def save_vector(figure: Figure, file: Path) -> None:
    """Write a figure as SVG, letters as shapes: it looks the same on machines without our font."""
    settle(figure)
    with house_style():
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": "talent_sd"})
