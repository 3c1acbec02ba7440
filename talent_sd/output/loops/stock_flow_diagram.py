"""The stock-and-flow picture: every stock a box, its inflows at the left and its outflows at the right.

A flow has a row of its own beside each stock that it fills or empties, so that nothing crosses and every
name can be read, however many flows a stock has. What joins two stocks is drawn at both, and says to
or from which other it runs. (An automatic layout of boxes joined by lines, pysimlin's for one, lays the
nine flows of newcomers over each other.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.loops.stocks_and_flows import CHANGE, StockFlows
from talent_sd.output.evidence_tables import sector_name
from talent_sd.output.loops.loop_list import wrapped
from talent_sd.output.style import GREY, INK, heading, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KEY = N_(
    "A box is a stock; inflows at its left, outflows at its right. Round end: outside the model's stocks. "
    "Square end: another stock, which is named. Two heads: a net change, either way."
)

WIDTH, MARGIN, GUTTER = 9.0, 0.2, 0.35
LABEL, PIPE, BOX = 1.06, 0.52, 1.02
"""Inches: of a flow's name, of its pipe, of a stock's box."""
ROW, LINE, GAP, SECTOR = 0.27, 0.098, 0.11, 0.34
"""Inches: of a flow, of a line of text, between stocks, of a sector's heading."""
HEAD, FOOT = 0.75, 0.45
LETTERS_BOX, LETTERS_FLOW = 19, 23
"""In a line of a stock's name, and of a flow's; a Chinese character counts as two."""
CLOUD = "#5b7fb8"


@dataclass(frozen=True)
class _End:
    """A flow beside a stock: its words, whether another stock is at its other end, both ways or not."""

    lines: list[str]
    joined: bool
    net: bool

    @property
    def height(self) -> float:
        return max(ROW, len(self.lines) * LINE + 0.06)


@dataclass(frozen=True)
class _Block:
    """A stock with its flows, in words."""

    sector: str
    stock: list[str]
    inflows: list[_End]
    outflows: list[_End]

    @property
    def height(self) -> float:
        sides = [sum(end.height for end in ends) for ends in (self.inflows, self.outflows)]
        return max(*sides, ROW, len(self.stock) * LINE + 0.09)


def save_stock_flow(stocks: Sequence[StockFlows], labels: Labels, lang: str, file: Path) -> None:
    """Write the stock-and-flow picture as SVG."""
    figure = plot_stock_flow(stocks, labels, lang)
    with house_style():
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": "talent_sd"})


def plot_stock_flow(stocks: Sequence[StockFlows], labels: Labels, lang: str = "en") -> Figure:
    """Draw stocks and flows by sector, in two columns.

    Parameters
    ----------
    stocks : as `stock_flows` returns them
    labels : names of the variables
    """
    columns = _columns(_blocks(stocks, labels, lang))
    height = HEAD + FOOT + max(_height(column) for column in columns)
    with house_style():
        figure = new_figure(WIDTH, height)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(height, 0)
        axes.set_axis_off()
        axes.text(MARGIN, 0.2, tell("Stocks and flows", lang), fontsize=13, va="top", **heading())
        axes.text(MARGIN, 0.48, tell(KEY, lang), fontsize=7, va="top", color=GREY)
        for number, column in enumerate(columns):
            _draw_column(axes, column, MARGIN + number * (2 * (LABEL + PIPE) + BOX + GUTTER), lang)
    return figure


def _blocks(stocks: Sequence[StockFlows], labels: Labels, lang: str) -> list[_Block]:
    fills = {flow: one.stock for one in stocks for flow in one.inflows}
    empties = {flow: one.stock for one in stocks for flow in one.outflows}

    def end(flow: str, other: str, key: str) -> _End:
        net = flow.startswith(CHANGE.partition("{")[0])
        name = tell("net change", lang) if net else labels.variable(flow, lang)
        lines = wrapped(name, LETTERS_FLOW)
        if other:
            lines += wrapped(tell(key, lang, stock=labels.variable(other, lang)), LETTERS_FLOW)
        return _End(lines, bool(other), net)

    return [
        _Block(
            one.group,
            wrapped(labels.variable(one.stock, lang), LETTERS_BOX),
            [end(flow, empties.get(flow, ""), N_("from {stock}")) for flow in one.inflows],
            [end(flow, fills.get(flow, ""), N_("to {stock}")) for flow in one.outflows],
        )
        for one in stocks
    ]


def _columns(blocks: list[_Block]) -> list[list[_Block]]:
    """Share blocks among two columns of about one height; a sector stays together."""
    sectors: dict[str, list[_Block]] = {}
    for block in blocks:
        sectors.setdefault(block.sector, []).append(block)
    whole = _height(blocks)
    left: list[_Block] = []
    right: list[_Block] = []
    for own in sectors.values():
        fits = not right and _height(left) + _height(own) / 2 <= whole / 2
        (left if fits else right).extend(own)
    return [column for column in (left, right) if column]


def _height(column: Sequence[_Block]) -> float:
    return sum(block.height + GAP for block in column) + SECTOR * len({block.sector for block in column})


def _draw_column(axes: Axes, column: Sequence[_Block], left: float, lang: str) -> None:
    y, sector = HEAD, None
    for block in column:
        if block.sector != sector:
            sector = block.sector
            axes.text(left, y + 0.2, sector_name(sector, lang), fontsize=8.5, va="center", **heading())
            y += SECTOR
        _draw_block(axes, block, left, y)
        y += block.height + GAP


def _draw_block(axes: Axes, block: _Block, left: float, top: float) -> None:
    from matplotlib.patches import Rectangle

    box, middle = left + LABEL + PIPE, top + block.height / 2
    axes.add_patch(
        Rectangle((box, top), BOX, block.height, facecolor="white", edgecolor=INK, linewidth=1.0, zorder=3)
    )
    axes.text(box + BOX / 2, middle, "\n".join(block.stock), fontsize=6.6, ha="center", va="center", zorder=4,
              linespacing=1.05, **heading())  # fmt: skip
    for ends, side in ((block.inflows, -1), (block.outflows, 1)):
        room = (block.height - sum(end.height for end in ends)) / max(len(ends), 1)
        y, inner = top, box if side < 0 else box + BOX
        for end in ends:
            _draw_flow(axes, end, inner, inner + side * PIPE, y + (end.height + room) / 2)
            y += end.height + room


def _draw_flow(axes: Axes, end: _End, inner: float, outer: float, y: float) -> None:
    """Draw a pipe with its valve between a stock's edge and what lies at the other end, and its name."""
    away = 1 if outer > inner else -1
    for shift in (-0.014, 0.014):
        axes.plot([inner, outer], [y + shift] * 2, color=INK, linewidth=0.6, zorder=1)
    points_in = [inner] if away < 0 or end.net else []
    points_out = [outer - away * 0.05] if away > 0 or end.net else []
    for tip, direction in [(x, -away) for x in points_in] + [(x, away) for x in points_out]:
        axes.annotate(
            "", (tip, y), (tip - direction * 0.08, y),
            arrowprops={
                "arrowstyle": "-|>,head_length=0.6,head_width=0.28", "color": INK, "linewidth": 0,
                "mutation_scale": 8, "shrinkA": 0, "shrinkB": 0,
            },
            zorder=2,
        )  # fmt: skip
    valve = (inner + outer) / 2
    axes.plot([valve], [y], "o", markersize=5.2, markerfacecolor="white", markeredgecolor=INK,
              markeredgewidth=0.7, zorder=2)  # fmt: skip
    look: dict[str, Any] = {"marker": "s", "color": INK} if end.joined else {"marker": "o", "color": CLOUD}
    axes.plot([outer], [y], markersize=4.2, markerfacecolor="white", markeredgewidth=0.9, zorder=3, **look)
    axes.text(outer + away * 0.07, y, "\n".join(end.lines), fontsize=6, va="center", ha="left" if away > 0 else "right",
              color=INK, linespacing=1.0)  # fmt: skip
