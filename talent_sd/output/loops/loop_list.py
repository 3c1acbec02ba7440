"""The list of loops under a diagram: sign, name, story, and shares in the years shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from talent_sd.base.messages import word
from talent_sd.output.loops.loop_arrows import draw_badge
from talent_sd.output.loops.loop_numbers import loop_sign, percent_of, three_years
from talent_sd.output.style import FAINT, GREY, INK, heading

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy

LEFT, BREADTH = 0.04, 0.93
ROW = 0.345
"""Inches that a loop takes: its name and two lines of its story."""
LETTERS = 76
"""In a line of a story; a Chinese character counts as two."""
WIDE, APART = 0.955, 0.08


def rows_of(study: LoopStudy | ModelStudy) -> int:
    """Return how many rows the list has."""
    return max(min(4, len(study.names.loops)), (len(study.names.loops) + 1) // 2)


def list_height(rows: int) -> float:
    """Return how high the list is, with its heading, in inches."""
    return (rows + 0.55) * ROW


def draw_list(
    figure: Figure, study: LoopStudy | ModelStudy, lang: str, bottom: float, rows: int, page: float
) -> None:
    """List the loops in two columns.

    Parameters
    ----------
    bottom : of the list, as a part of the page's height
    page : the page's height, inches
    """
    axes = figure.add_axes((LEFT, bottom, BREADTH, list_height(rows) / page))
    axes.set_xlim(0, 2)
    axes.set_axis_off()
    loops, years = study.names.loops, three_years(study)
    axes.set_ylim(rows, -0.55)
    part = word("loops.part" if "city" in study.shares.attrs else "loops.part_shown", lang)
    rights = [WIDE - APART * (len(years) - 1 - place) for place in range(len(years))]
    for column in (0, 1)[: 1 + (len(loops) > rows)]:
        for right, (_, year) in zip(rights, years, strict=True):
            axes.text(column + right, -0.25, year, fontsize=6.2, ha="right", va="center", color=GREY)
        axes.text(column, -0.25, part, fontsize=6.2, va="center", color=GREY)
        axes.plot([column, column + WIDE], [0, 0], color=FAINT, linewidth=0.8)
    for number, loop in enumerate(loops):
        column, row = divmod(number, rows)
        draw_badge(axes, (column + 0.022, row + 0.47), loop.polarity, loop_sign(study.names, number))
        axes.text(column + 0.06, row + 0.22, loop.label[lang], fontsize=6.8, va="center", **heading())
        share = study.shares["share"].sel(loop=loop.name).values
        for right, (index, _) in zip(rights, years, strict=True):
            axes.text(column + right, row + 0.22, percent_of(share[:, index], lang), fontsize=6.8, ha="right", va="center",
                      color=INK)  # fmt: skip
        story = "\n".join(shortened(wrapped(loop.story[lang], LETTERS), 2))
        axes.text(column + 0.06, row + 0.46, story, fontsize=6.0, va="top", color=GREY, linespacing=1.05)


def shortened(lines: list[str], most: int) -> list[str]:
    """Return so many lines at most, the last one ending in an ellipsis if there were more.

    >>> shortened(["a", "b", "c"], 2)
    ['a', 'b …']
    """
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1] + " …"]


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines; a Chinese character counts as two.

    >>> wrapped("Saturation and convergence", 13)
    ['Saturation', 'and', 'convergence']
    >>> wrapped("饱和与趋同循环", 8)
    ['饱和与趋', '同循环']
    """
    lines, line, size = [], "", 0
    for part in re.findall(r"[\u3000-\uffef]|[^\s\u3000-\uffef]+\s*", text):
        own = sum(2 if ord(character) >= 0x3000 else 1 for character in part.rstrip())
        if line and size + own > width and part not in "，。；、：）”》":
            lines.append(line.rstrip())
            line, size = "", 0
        line += part
        size += own + (len(part) - len(part.rstrip()))
    return [*lines, line.rstrip()]
