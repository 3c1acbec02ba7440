"""One sheet: panels in rows under a title, with a key and where the numbers come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.language import N_, tell
from talent_sd.output.figures.panels import (
    AS_COUNTED,
    LABEL_SIZE,
    TITLE,
    Line,
    band_opacity,
    draw_panel,
    end_labels,
    end_room,
    label_heights,
)
from talent_sd.output.speech import broken
from talent_sd.output.style import (
    BASELINE,
    DOTS_PER_INCH,
    GREY,
    INK,
    heading,
    house_style,
    line_look,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

NARROWEST = 0.8
"""Inches that names at the ends of lines have at least; where they have less, panels stand one below the other."""
LEFT, ACROSS, UP, BETWEEN, TOP, BOTTOM, EDGE, KEY = 0.52, 1.78, 1.35, 0.92, 1.16, 0.62, 0.12, 0.3
"""Inches: room left of a panel, its width and height, room between rows, margins, the key's height."""
HIGHEST, LOWEST, CLOSER = 10.8, 0.7, 0.78
"""Inches: of a sheet that a page holds, of its panels where there are many rows, and between those."""
FOOT = 6.2
"""Points of the note below."""
PRINTED = 8.2
"""Inches that a page has across; a picture is no wider, so that its letters are printed as large as they are drawn."""
KEY_COLUMNS, KEY_ROW = 3, 0.17
BANDS = {
    1: N_(" Lines: medians of {draws} draws; bands: 50, 80 and 95 % of them."),
    2: N_(" Where two lines share a panel, they are medians, bands 80 % of {draws} draws."),
    3: N_(
        " Where three lines or more share a panel, they are medians, bars at the end 80 % of {draws} draws."
    ),
}
"""By the lines of a panel: what its bands are."""
DOTS = N_(" Dots: as counted.")


@dataclass(frozen=True)
class Panel:
    """What one panel shows: lines in a unit under a title; and the names of those that are zero throughout."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    zeros: tuple[str, ...] = ()


def band_words(panels: Sequence[Panel]) -> list[str]:
    """Return the keys of what bands and bars of panels are: of those that there are."""
    return [BANDS[count] for count in sorted({min(len(panel.lines), 3) for panel in panels})]


def panel_letter(place: int) -> str:
    """Return the letter of a panel.

    >>> panel_letter(0)
    'a'
    """
    return chr(ord("a") + place)


def compose(
    panels: Sequence[Panel],
    title: str,
    subtitle: str,
    source: str,
    lang: str,
    forecast_from: float | None,
    *,
    zero_line: bool = False,
    key: Sequence[Line] = (),
) -> Figure:
    """Lay panels out on one page: title, an optional key, panels in rows, the source line.

    As many columns as a printed page takes, the same in every language: names are broken to the room beside
    their panel. Each column is as wide as a panel plus the widest label written at its lines' ends.
    """
    counted = any(line.dots.size for panel in panels for line in panel.lines)
    entries = _entries(key, lang, counted)
    source = _with_dots(source, lang) if counted and not key else source
    with house_style():
        columns, room = _columns(panels, bool(key))
        panels = panels if key else [replace(one, lines=_broken_names(one.lines, room)) for one in panels]
        rooms = [_label_room(panels[column::columns], bool(key)) for column in range(columns)]
        width = max(columns * (LEFT + ACROSS) + sum(rooms) + EDGE, 4.6)
        wide = [LEFT / 2 + ACROSS + rooms[place % columns] for place in range(len(panels))]
        titles = [_fitted(p.title, w, fontsize=9, **heading()) for p, w in zip(panels, wide, strict=True)]
        rows = math.ceil(len(panels) / columns)
        more = [TITLE / 72 * max(title.count("\n") for title in titles[row * columns : (row + 1) * columns])
                for row in range(rows)]  # fmt: skip
        top = TOP + (KEY + KEY_ROW * ((len(entries) - 1) // KEY_COLUMNS) if key else 0)
        foot = [line for part in source.splitlines() for line in foot_lines(part, width - LEFT, FOOT)]
        bottom = BOTTOM + 0.115 * (len(foot) - 1)
        between = BETWEEN if rows <= 4 else CLOSER
        up = _panel_height(
            [] if key else panels, (HIGHEST - top - bottom - sum(more) + between) / rows - between
        )
        height = top + rows * (up + between) - between + sum(more) + bottom
        figure = new_figure(width, height)
        for position, panel in enumerate(panels):
            row, column = divmod(position, columns)
            x = LEFT + column * (LEFT + ACROSS) + sum(rooms[:column])
            y = height - top - up - row * (up + between) - sum(more[: row + 1])
            axes = figure.add_axes((x / width, y / height, ACROSS / width, up / height))
            draw_panel(
                axes,
                panel.lines,
                title=titles[position],
                unit=panel.unit,
                letter=panel_letter(position),
                lang=lang,
                forecast_from=forecast_from,
                zero_line=zero_line,
                label_lines=not key,
            )
        left = (LEFT - 24 / 72) / width
        _write(figure, title, subtitle, foot, left)
        if key:
            _draw_key(figure, entries, left, 1 - 0.68 / height)
    return figure


def _panel_height(panels: Sequence[Panel], room: float) -> float:
    """Return how high panels are (inches): as ever, or less where many share a page, but with room for their names."""
    names = (sum(label_heights(end_labels(panel.lines))) / 72 for panel in panels)
    return max([LOWEST, min(UP, room), *names])


def _with_dots(source: str, lang: str) -> str:
    """Return a source whose first line says what the dots are."""
    first, *rest = source.split("\n")
    return "\n".join([first + tell(DOTS, lang), *rest])


def _write(figure: Figure, title: str, subtitle: str, foot: Sequence[str], left: float) -> None:
    """Write what stands above and below the panels, from `left` (a fraction of the width)."""
    height = figure.get_figheight()
    figure.text(left, 1 - 0.16 / height, title, fontsize=12, va="top", **heading())
    figure.text(left, 1 - 0.42 / height, subtitle, fontsize=8.5, color=GREY, va="top")
    figure.text(left, 0.12 / height, "\n".join(foot), fontsize=FOOT, color=GREY, va="bottom")


def _columns(panels: Sequence[Panel], keyed: bool) -> tuple[int, float]:
    """Return how many columns a page takes, and the room (inches) beside a panel for names."""
    bars = max(end_room(panel.lines) for panel in panels) / 72
    for columns in (3, 2, 1) if keyed else (2, 1):
        columns = min(columns, len(panels))
        room = (PRINTED - EDGE) / columns - LEFT - ACROSS - bars - 0.1
        if room >= (0.0 if keyed else NARROWEST):
            break
    return columns, room


def _broken_names(lines: Sequence[Line], room: float) -> tuple[Line, ...]:
    """Break what is written at the ends of lines to a room (inches)."""
    return tuple(replace(line, label=_fitted(line.label, room, fontsize=LABEL_SIZE)) for line in lines)


def _fitted(text: str, room: float, **look: Any) -> str:
    """Break those lines of a text that are wider than a room (inches)."""
    found: list[str] = []
    for line in text.splitlines():
        width = text_width(line, **look)
        found += [line] if width <= room else foot_lines(line, room, look["fontsize"])
    return "\n".join(found)


def text_width(text: str, *, fontsize: float, fontfamily: Sequence[str] = (), **_: Any) -> float:
    """Width of a text in inches."""
    from matplotlib import rcParams

    family = tuple(fontfamily or rcParams["font.family"])
    return max(_line_width(line, fontsize, family) for line in text.split("\n"))


@cache
def _line_width(line: str, size: float, family: tuple[str, ...]) -> float:
    from matplotlib.font_manager import FontProperties

    look = FontProperties(family=family, size=size)
    width, _, _ = _scratch().get_text_width_height_descent(line, look, False) if line else (0.0, 0.0, 0.0)
    return width / DOTS_PER_INCH


@cache
def _scratch() -> Any:
    """Return what measures texts."""
    return new_figure(1, 1).canvas.get_renderer()  # type: ignore[attr-defined]


def _label_room(panels: Sequence[Panel], keyed: bool) -> float:
    """Width (inches) that the labels at the ends of these panels' lines need."""
    bars = max(end_room(panel.lines) for panel in panels) / 72
    if keyed:
        return 0.1 + bars
    labels = [label for panel in panels for label in end_labels(panel.lines)]
    return max(text_width(label, fontsize=LABEL_SIZE) for label in labels) + 0.1 + bars


def _entries(lines: Sequence[Line], lang: str, counted: bool) -> list[Artist]:
    """Return a key's entries: what lines are, what the band around the baseline is, and dots if something was counted."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    found: list[Artist] = []
    for line in lines:
        look = line_look(line.style)
        found.append(Line2D([], [], **look, markersize=3.2, markevery=[-1], label=line.label))
        if line.style == BASELINE and len(line.values) > 1:
            told = tell(N_("{scenario}: 80 % of draws"), lang, scenario=line.label)
            opacity = band_opacity(80, len(lines) - 1)
            found.append(Patch(color=look["color"], alpha=opacity, label=told, linewidth=0))
    if counted:
        told = tell(AS_COUNTED, lang)
        found.append(Line2D([], [], color=INK, marker="o", markersize=2.2, linestyle="none", label=told))
    return found


def _draw_key(figure: Figure, handles: Sequence[Artist], left: float, top: float) -> None:
    legend = figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(left, top),
        frameon=False,
        ncols=min(len(handles), KEY_COLUMNS),
        fontsize=8,
        borderpad=0,
        borderaxespad=0,
        handlelength=3.2,
        columnspacing=2.0,
        labelcolor=INK,
    )
    legend.set_in_layout(False)


NARROW = 0.62
"""Width of a letter that is not Chinese, in Chinese ones."""


def foot_lines(text: str, inches: float, size: float = 6.0) -> list[str]:
    """Break a note to a width in letters of so many points: Chinese anywhere, English at spaces."""
    width = inches * 6 / size
    if any("\u4e00" <= letter <= "\u9fff" for letter in text):
        return broken(text, width * 10.8, NARROW)
    return broken(text, int(width * 23.5), 1.0)


def up_to(lines: Sequence[Line], most: float, lang: str) -> list[Line]:
    """Draw no more than tables tell: what lies beyond `most` is drawn there."""
    over = tell("over {most}", lang, most=f"{most:g}")
    return [
        replace(one, values=np.minimum(one.values, most), over=over) if (one.values > most).any() else one
        for one in lines
    ]


def unit_drawn(unit: str, lines: Sequence[Line], lang: str) -> str:
    """Return a panel's unit, and that lines end at its top, if they do."""
    over = next((line.over for line in lines if line.over), "")
    return (
        tell(N_("{unit}; {over} is drawn at the top", "plot"), lang, unit=unit, over=over) if over else unit
    )
