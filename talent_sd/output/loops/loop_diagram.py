"""The causal-loop diagram: variables placed by hand, links as wide as what runs through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.loops.loop_layout import HIGH, WIDE, Box, curve
from talent_sd.loops.loop_names import DiagramLayout, LoopNames
from talent_sd.loops.loop_scores import Route
from talent_sd.output.loops.loop_arrows import (
    FAINT_BELOW,
    PLUS,
    Arrow,
    Marks,
    draw_arrows,
    draw_badge,
    draw_delay,
    draw_sign,
    path_of,
    place_marks,
)
from talent_sd.output.loops.loop_numbers import (
    LEFT,
    draw_list,
    list_height,
    loop_sign,
    loops_source,
    mean_size,
    percent_of,
    rows_of,
    subtitle,
    three_years,
)
from talent_sd.output.style import GREY, INK, heading, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loop_shares import LinkPicture
    from talent_sd.loops.loops_of_model import ModelStudy

TURNING_LINKS = N_(
    "Dash-dotted, ±: turns in the run; U: a loop that turns between reinforcing and balancing."
)
WIDTHS = N_(
    "Width: part of the named loops' activity in {year}. Solid, +: same direction. Dashed, −: opposite "
    "direction. Two strokes: with delay. Pale: hardly any."
)
WIDTHS_SHOWN = N_(
    "Width: part of the activity of the loops shown at {year}. Solid, +: same direction. Dashed, −: "
    "opposite direction. Two strokes: with delay. Pale: hardly any."
)

PAGE = (8.27, 10.07)
"""Inches, of the city's diagram: as wide as A4; a model with little to show has a lower page."""
MARGIN = 9.0
"""Above and below what a smaller diagram shows, in its units."""
CLEAR = 3.0
"""Beyond an arrow that reaches farther than that: its sign stands beside it."""
MAIN = 0.96
"""Width of the diagram, as a part of the page's."""
FULL_WIDTH = 0.35
"""An arrow is at its widest when this part of the named loops' activity runs through it."""


@dataclass(frozen=True)
class DrawnLink:
    """A link between two variables of the diagram, what runs through it, (time,), and the loops that pass it."""

    cause: str
    effect: str
    sign: int
    slow: bool
    weight: np.ndarray
    loops: frozenset[str] = frozenset()


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
    passing: dict[tuple[str, str], set[str]] = {}
    for loop in names.loops:
        for route in loop.routes:
            weight = np.nan_to_num(mean_size(links.weights[route]))
            for cause, effect, sign, slow in _collapsed(route, names.layout.shown_as, links, names.late):
                found.setdefault((cause, effect), []).append((sign, slow, weight))
                passing.setdefault((cause, effect), set()).add(loop.name)
    return tuple(
        DrawnLink(
            cause,
            effect,
            _joint_sign([sign for sign, _, _ in parts]),
            all(slow for _, slow, _ in parts),
            np.sum([weight for _, _, weight in parts], axis=0),
            frozenset(passing[cause, effect]),
        )
        for (cause, effect), parts in found.items()
    )


def _joint_sign(signs: Sequence[int]) -> int:
    """Return the sign that most of the links drawn as one have; 0 if one of them turns in the run."""
    if 0 in signs:
        return 0
    return 1 if sum(signs) >= 0 else -1


def _collapsed(
    route: Route, shown_as: Mapping[str, str], links: LinkPicture, late: frozenset[str]
) -> list[tuple[str, str, int, bool]]:
    """Return (cause, effect, sign, slow) between consecutive variables shown along a route."""
    places = [place for place, variable in enumerate(route) if variable in shown_as]
    if not places:
        return []
    if len(route) == 1:  # a stock that its own equation moves
        link = route[0], route[0]
        sign = 0 if link in links.turning else links.signs[link] or 1
        return [(shown_as[route[0]], shown_as[route[0]], sign, link in links.delayed)]
    turned = [*route[places[0] :], *route[: places[0]], route[places[0]]]
    found, sign, slow, last = [], 1, False, turned[0]
    for cause, effect in pairwise(turned):
        sign *= 0 if (cause, effect) in links.turning else links.signs[cause, effect] or 1
        own = shown_as.get(effect)
        # a stock that is shown is seen to pile up; one on the way is a delay, as is what a link hides or a time holds back
        slow = slow or (cause, effect) in links.delayed or (own is None and (cause, effect) in links.slow)
        slow = slow or effect in late
        if own is not None:
            if own != shown_as[last]:
                found.append((shown_as[last], own, sign, slow))
            last, sign, slow = effect, 1, False
    return found


def plot_loops(study: LoopStudy | ModelStudy, labels: Labels, lang: str = "en") -> Figure:
    """Draw the diagram for a middle year, and a list of the loops with their shares in three years.

    Parameters
    ----------
    study : of a model whose loops have places
    labels : names of the variables
    """
    links = drawn_links(study.names, study.links)
    years = three_years(study)
    assert study.names.layout is not None
    sheet = sheet_of(study)
    with house_style():
        figure = new_figure(PAGE[0], sheet.height)
        _draw_scale(figure, sheet, lang)
        _draw_heading(figure, sheet, study, lang, years[len(years) // 2][1], links)
        main = diagram_axes(figure, sheet)
        plan = plan_diagram(main, study, labels, lang, links, years[len(years) // 2][0])
        _draw_plan(main, plan, study)
        draw_list(figure, study, lang, sheet.list_at / sheet.height, rows_of(study), sheet.height)
        source = loops_source(study, lang, PAGE[0] * (1 - 2 * LEFT), 6.7)
        figure.text(LEFT, 0.11 / sheet.height, source, fontsize=6.7, color=GREY, va="bottom")
    return figure


@dataclass(frozen=True)
class Sheet:
    """Where the parts of a page stand: A4 for the city, shorter where a model has little to show.

    Attributes
    ----------
    low, top : the part of the diagram's height that is shown, in its units
    main, list_at : inches from the foot to the diagram and to the list
    height : inches
    """

    low: float
    top: float
    main: float
    list_at: float
    height: float


def sheet_of(study: LoopStudy | ModelStudy) -> Sheet:
    """Return the page for a study: all of the frame for the city, of other models what is in use."""
    assert study.names.layout is not None
    low, top = 0.0, HIGH
    if "city" not in study.shares.attrs:
        nodes, bends = study.names.layout.nodes, study.names.layout.bends
        heights = [y for _, y in nodes.values()]
        heights += [loop.at[1] for loop in study.names.loops if loop.at is not None]
        paths = [
            curve(np.array(nodes[one]), np.array(nodes[other]), bend)[:, 1]
            for (one, other), bend in bends.items()
        ]
        low, top = max(0.0, min(heights) - MARGIN), min(HIGH, max(heights) + MARGIN)
        for path in paths:  # an arrow may reach out of the frame
            low, top = min(low, float(path.min()) - CLEAR), max(top, float(path.max()) + CLEAR)
    unit = PAGE[0] / WIDE  # inches, of a diagram as wide as the page
    list_at = 0.42  # above two lines of source
    main = list_at + list_height(rows_of(study)) + 0.1
    head = 0.79 if "city" in study.shares.attrs else 0.95
    return Sheet(low, top, main, list_at, main + MAIN * (top - low) * unit + head)


def _draw_heading(
    figure: Figure,
    sheet: Sheet,
    study: LoopStudy | ModelStudy,
    lang: str,
    year: str,
    links: Sequence[DrawnLink],
) -> None:
    """Write title, subtitle and how to read the arrows."""
    city = "city" in study.shares.attrs
    lines = [tell(WIDTHS if city else WIDTHS_SHOWN, lang, year=year)]
    if any(link.sign == 0 for link in links):
        lines.append(tell(TURNING_LINKS, lang))
    for down, text, how in (
        (
            0.187,
            tell(
                "What drives what: the city's feedback loops"
                if city
                else "What drives what: the model's feedback loops",
                lang,
            ),
            {"fontsize": 13, **heading()},
        ),
        (0.44, subtitle(study, lang), {"fontsize": 8.5, "color": GREY}),
        (0.616, "\n".join(lines), {"fontsize": 7, "color": GREY, "linespacing": 1.2}),
    ):
        figure.text(LEFT, 1 - down / sheet.height, text, va="top", **how)


@dataclass(frozen=True)
class DrawingPlan:
    """All that stands in a diagram, in its units: labels' room, arrows, and the places of marks."""

    boxes: Mapping[str, Box]
    arrows: tuple[Arrow, ...]
    marks: Marks


def plan_diagram(
    axes: Axes,
    study: LoopStudy | ModelStudy,
    labels: Labels,
    lang: str,
    links: Sequence[DrawnLink],
    year: int,
) -> DrawingPlan:
    """Write the variables' labels and find places for everything else.

    Parameters
    ----------
    axes : as wide and high as the diagram
    links : as `drawn_links` returns them
    year : index of the year whose weights count
    """
    layout = study.names.layout
    assert layout is not None
    boxes = draw_labels(axes, layout, labels, lang)
    arrows = _arrows(links, layout, year)
    beside = {
        loop.name: (_beside(loop.name, links, arrows, boxes), loop.at)
        for loop in study.names.loops
        if loop.at is not None
    }
    return DrawingPlan(boxes, arrows, place_marks(arrows, boxes, beside, (WIDE, HIGH)))


def _beside(
    loop: str, links: Sequence[DrawnLink], arrows: Sequence[Arrow], boxes: Mapping[str, Box]
) -> list[int]:
    """Return the numbers of the arrows that a loop passes, those first that are most its own: its badge belongs there.

    Of the arrows that as few share, those first that carry half of the most or more, and the longer ones of these.
    """
    own = [number for number, link in enumerate(links) if loop in link.loops]
    most = {len(links[number].loops): 0.0 for number in own}
    for number in own:
        shared = len(links[number].loops)
        most[shared] = max(most[shared], arrows[number].weight)

    def rank(number: int) -> tuple[int, bool, float]:
        shared, path = len(links[number].loops), path_of(arrows[number], boxes)
        length = float(np.hypot(*np.diff(path, axis=0).T).sum())
        return shared, arrows[number].weight < most[shared] / 2, -length

    return sorted(own, key=rank)


def _draw_scale(figure: Figure, sheet: Sheet, lang: str) -> None:
    """Draw what the widths of arrows mean, at the top right."""
    from matplotlib.lines import Line2D

    for place, part in enumerate((0.01, 0.15, FULL_WIDTH)):
        x, y = 0.74 + 0.08 * place, 1 - 0.25 / sheet.height
        width = Arrow("", "", 1, slow=False, weight=part / FULL_WIDTH).width
        figure.add_artist(
            Line2D(
                [x, x + 0.055],
                [y, y],
                color=PLUS,
                linewidth=width,
                solid_capstyle="butt",
                transform=figure.transFigure,
            )
        )
        told = percent_of(np.array([part]), lang)
        text = told if part < FULL_WIDTH else f"≥ {told}"
        figure.text(
            x + 0.0275, 1 - 0.33 / sheet.height, text, fontsize=6.7, color=GREY, ha="center", va="top"
        )


def _draw_plan(axes: Axes, plan: DrawingPlan, study: LoopStudy | ModelStudy) -> None:
    """Draw arrows, signs, delay strokes and badges."""
    draw_arrows(axes, plan.arrows, plan.boxes)
    for arrow, at in zip(plan.arrows, plan.marks.signs, strict=True):
        draw_sign(axes, at, arrow.sign, pale=arrow.weight < FAINT_BELOW)
    for number, (at, direction) in plan.marks.delays.items():
        draw_delay(axes, at, direction, plan.arrows[number].width)
    for number, loop in enumerate(study.names.loops):
        if loop.name in plan.marks.badges:
            draw_badge(axes, plan.marks.badges[loop.name], loop.polarity, loop_sign(study.names, number))


def diagram_axes(figure: Figure, sheet: Sheet) -> Axes:
    """Return the axes of the diagram on a page, with equal units both ways."""
    height = MAIN * PAGE[0] * (sheet.top - sheet.low) / WIDE
    axes = figure.add_axes((0.02, sheet.main / sheet.height, MAIN, height / sheet.height))
    axes.set_xlim(0, WIDE)
    axes.set_ylim(sheet.low, sheet.top)
    axes.set_axis_off()
    return axes


def draw_labels(
    axes: Axes, layout: DiagramLayout, labels: Labels, lang: str, size: float = 7.2
) -> dict[str, Box]:
    """Write the variables at their places; return the room each takes."""
    boxes = {}
    for variable, (x, y) in layout.nodes.items():
        text = layout.labels.get(variable, {}).get(lang) or labels.variable(variable, lang)
        drawn = axes.text(x, y, text, fontsize=size, ha="center", va="center", color=INK, zorder=5)
        extent = drawn.get_window_extent().transformed(axes.transData.inverted())
        boxes[variable] = (extent.x0 - 0.7, extent.y0 - 0.5, extent.x1 + 0.7, extent.y1 + 0.5)
    return boxes


def _away(node: str, links: Sequence[DrawnLink], layout: DiagramLayout) -> float:
    """Return the direction from a variable away from those it is linked with, radians."""
    others = {
        end for link in links if node in (link.cause, link.effect) for end in (link.cause, link.effect)
    } - {node}
    if not others:
        return np.pi / 2
    apart = np.array(layout.nodes[node]) - np.mean([layout.nodes[other] for other in sorted(others)], axis=0)
    # above or below its label rather than beside it: labels are wider than high
    return float(np.arctan2(apart[1] if abs(apart[1]) > 0.5 else 1.0, 0.3 * apart[0]))


def _arrows(links: Sequence[DrawnLink], layout: DiagramLayout, year: int) -> tuple[Arrow, ...]:
    return tuple(
        Arrow(
            link.cause,
            link.effect,
            link.sign,
            link.slow,
            min(1.0, float(link.weight[year]) / FULL_WIDTH),
            _away(link.cause, links, layout)
            if link.cause == link.effect
            else layout.bends.get((link.cause, link.effect), 0.12),
        )
        for link in links
    )
