"""The causal-loop diagram: variables placed by hand, links as wide as what runs through them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.analysis.loop_names import Layout, LoopNames, NamedLoop, Route
from talent_sd.base.labels import Labels
from talent_sd.base.words import word
from talent_sd.output.loop_arrows import Arrow, Box, draw_arrows
from talent_sd.output.loop_numbers import mean_size, percent_of, three_years
from talent_sd.output.loop_titles import loop_sign, loops_source, subtitle
from talent_sd.output.style import FAINT, GREY, INK, heading, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from talent_sd.analysis.loop_shares import LinkPicture
    from talent_sd.analysis.loops import LoopStudy
    from talent_sd.analysis.loops_of_model import ModelStudy

PAGE = (8.27, 11.0)
"""Inches: A4 upright, with room to trim."""
WIDE, HIGH = 100.0, 70.0
PANELS = 3
FULL_WIDTH = 0.35
"""An arrow is at its widest when this part of the named loops' activity runs through it."""


@dataclass(frozen=True)
class DrawnLink:
    """A link between two variables of the diagram, and what runs through it, (time,)."""

    cause: str
    effect: str
    sign: int
    slow: bool
    weight: np.ndarray


def drawn_links(names: LoopNames, links: LinkPicture) -> tuple[DrawnLink, ...]:
    """Return the links to draw: along each loop from one variable shown to the next.

    What lies between two of them is one arrow, with the product of the signs; it is slow if a
    stock or a delay lies between them. Draws are averaged.

    Raises
    ------
    ValueError
        If the loops have no layout.
    """
    if names.layout is None:
        raise ValueError("these loops have no places in a diagram")
    found: dict[tuple[str, str], list[tuple[int, bool, np.ndarray]]] = {}
    for loop in names.loops:
        for route in loop.routes:
            weight = np.nan_to_num(mean_size(links.weights[route]))
            for cause, effect, sign, slow in _collapsed(route, names.layout.shown_as, links):
                found.setdefault((cause, effect), []).append((sign, slow, weight))
    return tuple(
        DrawnLink(
            cause,
            effect,
            1 if sum(sign for sign, _, _ in parts) >= 0 else -1,
            all(slow for _, slow, _ in parts),
            np.sum([weight for _, _, weight in parts], axis=0),
        )
        for (cause, effect), parts in found.items()
    )


def _collapsed(
    route: Route, shown_as: Mapping[str, str], links: LinkPicture
) -> list[tuple[str, str, int, bool]]:
    """Return (cause, effect, sign, slow) between consecutive variables shown along a route."""
    places = [place for place, variable in enumerate(route) if variable in shown_as]
    if not places:
        return []
    turned = [*route[places[0] :], *route[: places[0]], route[places[0]]]
    found, sign, slow, last = [], 1, False, turned[0]
    for cause, effect in pairwise(turned):
        sign *= links.signs[cause, effect]
        own = shown_as.get(effect)
        # what piles up in a variable shown is seen to; a stock on the way is a delay
        slow = slow or (own is None and (cause, effect) in links.slow)
        if own is not None:
            if own != shown_as[last]:
                found.append((shown_as[last], own, sign, slow))
            last, sign, slow = effect, 1, False
    return found


def plot_loops(study: LoopStudy | ModelStudy, labels: Labels, lang: str = "en") -> Figure:
    """Draw the diagram for a middle year, the same for three years without words, and a list of the loops.

    Parameters
    ----------
    study : of a model whose loops have places
    labels : names of the variables
    """
    links = drawn_links(study.names, study.links)
    years = three_years(study)
    assert study.names.layout is not None
    with house_style():
        figure = new_figure(*PAGE)
        left = 0.04
        key = "loops.diagram" if "city" in study.shares.attrs else "loops.diagram_model"
        figure.text(left, 0.983, word(key, lang), fontsize=13, va="top", **heading())
        figure.text(left, 0.96, subtitle(study, lang), fontsize=8.5, color=GREY, va="top")
        height = 0.96 * PAGE[0] * HIGH / WIDE / PAGE[1]
        main = _canvas(figure, (0.02, 0.928 - height, 0.96, height))
        boxes = draw_labels(main, study.names.layout, labels, lang)
        _draw(main, links, boxes, study.names.layout, years[len(years) // 2][0])
        for number, loop in enumerate(study.names.loops):
            _draw_sign(main, loop, loop_sign(study.names, number), loop.label[lang])
        key = word("loops.widths", lang, year=years[len(years) // 2][1])
        figure.text(left, 0.944, key, fontsize=7, color=GREY, va="top")
        for place, (index, year) in enumerate(years):
            small = _canvas(
                figure, (0.04 + 0.315 * place, 0.268, 0.29, 0.29 * PAGE[0] * HIGH / WIDE / PAGE[1])
            )
            _draw(small, links, boxes, study.names.layout, index, small=True)
            small.text(0, 71, year, fontsize=8.5, va="bottom", **heading())
        _draw_list(figure, study, lang)
        figure.text(left, 0.012, loops_source(study, lang), fontsize=6.5, color=GREY, va="bottom")
    return figure


def _canvas(figure: Figure, place: tuple[float, float, float, float]) -> Axes:
    axes = figure.add_axes(place)
    axes.set_xlim(0, WIDE)
    axes.set_ylim(0, HIGH)
    axes.set_axis_off()
    return axes


def draw_labels(axes: Axes, layout: Layout, labels: Labels, lang: str, size: float = 7.2) -> dict[str, Box]:
    """Write the variables at their places; return the room each takes."""
    boxes = {}
    for variable, (x, y) in layout.nodes.items():
        text = layout.labels.get(variable, {}).get(lang) or labels.variable(variable, lang)
        drawn = axes.text(x, y, text, fontsize=size, ha="center", va="center", color=INK, zorder=5)
        extent = drawn.get_window_extent().transformed(axes.transData.inverted())
        boxes[variable] = (extent.x0 - 0.7, extent.y0 - 0.5, extent.x1 + 0.7, extent.y1 + 0.5)
    return boxes


def _draw(
    axes: Axes,
    links: Sequence[DrawnLink],
    boxes: Mapping[str, Box],
    layout: Layout,
    year: int,
    *,
    small: bool = False,
) -> None:
    arrows = [
        Arrow(
            link.cause,
            link.effect,
            link.sign,
            link.slow,
            min(1.0, float(link.weight[year]) / FULL_WIDTH),
            layout.bends.get((link.cause, link.effect), 0.12),
        )
        for link in links
    ]
    draw_arrows(axes, arrows, boxes, marks=not small, scale=0.55 if small else 1.0)
    if small:
        for left, bottom, right, top in boxes.values():
            axes.plot((left + right) / 2, (bottom + top) / 2, "o", color=INK, markersize=1.6, zorder=5)


def _draw_sign(axes: Axes, loop: NamedLoop, sign: str, label: str) -> None:
    """Put a loop's sign at its place: R or B with its number, in a ring, its name below."""
    if loop.at is None:
        return
    x, y = loop.at
    fill, ink = (INK, "white") if loop.polarity == "R" else ("white", INK)
    ring = {"boxstyle": "circle,pad=0.22", "facecolor": fill, "edgecolor": INK, "linewidth": 0.8}
    axes.text(x, y, sign, fontsize=6, ha="center", va="center", color=ink, zorder=6, bbox=ring)
    name = "\n".join(wrapped(label, 13))
    halo = {"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    axes.text(x, y - 1.75, name, fontsize=5.4, ha="center", va="top", color=GREY, zorder=5.5, linespacing=1.05,
              bbox=halo)  # fmt: skip


def _draw_list(figure: Figure, study: LoopStudy | ModelStudy, lang: str) -> None:
    """List the loops under the diagrams in two columns: story, and shares in the three years."""
    axes = figure.add_axes((0.04, 0.035, 0.93, 0.225))
    axes.set_xlim(0, 2)
    axes.set_axis_off()
    loops, years = study.names.loops, three_years(study)
    rows = (len(loops) + 1) // 2
    axes.set_ylim(rows, -0.55)
    for column in (0, 1):
        for place, (_, year) in enumerate(years):
            x = column + 0.94 - 0.075 * (len(years) - 1 - place)
            axes.text(x, -0.25, year, fontsize=5.8, ha="right", va="center", color=GREY)
        axes.text(column, -0.25, word("loops.part", lang), fontsize=5.8, va="center", color=GREY)
        axes.plot([column, column + 0.94], [0, 0], color=FAINT, linewidth=0.8)
    for number, loop in enumerate(loops):
        column, row = divmod(number, rows)
        axes.text(column, row + 0.26, loop_sign(study.names, number), fontsize=6.3, va="center", **heading())
        axes.text(column + 0.06, row + 0.26, loop.label[lang], fontsize=6.3, va="center", **heading())
        share = study.shares["share"].sel(loop=loop.name).values
        cells = [percent_of(share[:, index]) for index, _ in years]
        for place, cell in enumerate(cells):
            axes.text(column + 0.94 - 0.075 * (len(cells) - 1 - place), row + 0.26, cell, fontsize=6.3, ha="right",
                      va="center", color=INK)  # fmt: skip
        story = "\n".join(wrapped(loop.story[lang], 78))
        axes.text(column + 0.06, row + 0.43, story, fontsize=5.4, va="top", color=GREY, linespacing=1.1)


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
        if line and size + own > width and part not in "，。；、：":
            lines.append(line.rstrip())
            line, size = "", 0
        line += part
        size += own + (len(part) - len(part.rstrip()))
    return [*lines, line.rstrip()]
