"""All the pictures of a loop study; drawn here: what each loop adds, from all cut to all closed, and stocks with flows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.loops.stocks_and_flows import CHANGE, StockFlows
from talent_sd.output.evidence_tables import sector_name
from talent_sd.output.figures.panels import draw_step, dress_bars
from talent_sd.output.loops.dominance import plot_dominance
from talent_sd.output.loops.loop_diagram import plot_loops
from talent_sd.output.loops.loop_numbers import Row, output_name, split_rows, subtitle, wrapped
from talent_sd.output.speech import Scale, digits, scale_for, signed
from talent_sd.output.style import GREY, INK, heading, house_style, new_figure, save_figure, save_vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy

EXACT = N_(
    "Source: {source}, model {model}. Exact Shapley shares from all {runs} combinations of the {loops} "
    "loop switches; they add up to the whole."
)
SAMPLED = N_(
    "Source: {source}, model {model}. Shapley shares of {loops} loops: means of {draws} draws (the median "
    "draw exact, the others from sampled orders); lines: middle 80 % of draws."
)
UNIT = N_("Unit: {unit}")
WATERFALL = N_("What each loop adds: {of}, {year}")
WATERFALL_CHANGE = N_("Which loops carry the change: {of}, {year}")
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


def save_loop_plots(
    study: LoopStudy, labels: Labels, lang: str, folder: Path, done: Callable[[int], None] = lambda _: None
) -> None:
    """Write feedback_loops.png and .svg, dominance.png, attribution.png and stock_and_flow.svg.

    Parameters
    ----------
    done : is told of each picture
    """
    _save_shared(study, labels, lang, folder)
    done(2)
    save_figure(plot_waterfall(study, labels, lang), folder / "attribution.png")
    done(1)
    save_vector(plot_stock_flow(study.stocks, labels, lang), folder / "stock_and_flow.svg")
    done(1)


def save_model_plots(study: ModelStudy, lang: str, folder: Path) -> None:
    """Write feedback_loops.png and .svg, dominance.png and stock_and_flow.svg of a model that is not the city's."""
    _save_shared(study, Labels(), lang, folder)
    if study.stocks:
        save_vector(plot_stock_flow(study.stocks, Labels(), lang), folder / "stock_and_flow.svg")


def _save_shared(study: LoopStudy | ModelStudy, labels: Labels, lang: str, folder: Path) -> None:
    if study.names.layout is not None:
        diagram = plot_loops(study, labels, lang)
        save_figure(diagram, folder / "feedback_loops.png")
        save_vector(diagram, folder / "feedback_loops.svg")
    save_figure(plot_dominance(study, lang), folder / "dominance.png")


def plot_waterfall(study: LoopStudy, labels: Labels, lang: str = "en", element: str | None = None) -> Figure:
    """Draw the split of the study's output in the last year.

    Parameters
    ----------
    study : with `adds` of one output
    labels : names of the output and its elements
    element : of a subscripted output; the sum over elements if not given
    """
    start, rows, end = split_rows(study, lang, element)
    with house_style():
        height = 1.75 + 0.235 * (len(rows) + 2)
        figure = new_figure(7.2, height)
        axes = figure.add_axes((0.3, 0.62 / height, 0.62, 1 - 1.62 / height))
        largest = max(abs(value) for _, value, _ in rows)
        scale = scale_for(largest, str(study.adds.attrs["units"]), lang)
        _bars(axes, start, rows, end, scale, study, lang)
        of = output_name(study, labels, lang)
        if element is not None:
            of = f"{of} · {labels.element(element, lang)}"
        year = int(study.adds["time"].values[-1])
        key = WATERFALL_CHANGE if study.shares.attrs["against"] else WATERFALL
        figure.text(
            0.03, 1 - 0.14 / height, tell(key, lang, of=of, year=year), fontsize=12, va="top", **heading()
        )
        figure.text(0.03, 1 - 0.42 / height, subtitle(study, lang), fontsize=8.5, color=GREY, va="top")
        figure.text(0.03, 1 - 0.62 / height, tell(UNIT, lang, unit=scale.unit or "1"), fontsize=7.5, color=GREY,
                    va="top")  # fmt: skip
        figure.text(0.03, 0.1 / height, _method(study, lang), fontsize=6, color=GREY, va="bottom")
    return figure


def _bars(
    axes: Axes, start: float, rows: list[Row], end: float, scale: Scale, study: LoopStudy, lang: str
) -> None:
    change = bool(study.shares.attrs["against"])
    names = [tell("Direct effect, all loops cut" if change else "All loops cut", lang)]
    names += [label for label, _, _ in rows] + [tell("Total change" if change else "All loops closed", lang)]
    here = start / scale.factor
    reach = [here, end / scale.factor] + ([0.0] if change else [])
    if change:
        axes.barh(0, here, height=0.62, color=GREY, zorder=2)
        axes.axvline(0, color=INK, linewidth=0.7, zorder=1.2)
    _write(axes, 0, here, digits(here), bold=True)
    for place, (_, value, spread) in enumerate(rows, 1):
        step = value / scale.factor
        draw_step(axes, place, here, step)
        axes.plot([here, here], [place - 1.31 + 0.62, place + 0.31], color=GREY, linewidth=0.6, zorder=1)
        here += step
        if spread > 0:
            half = spread / scale.factor
            axes.plot([here - half, here + half], [place, place], color=INK, linewidth=1.0, zorder=3)
            reach += [here - half, here + half]
        reach.append(here)
        half = spread / scale.factor
        x = max(here, here - step, here + half) if step >= 0 else min(here, here - step, here - half)
        _write(axes, place, x, signed(step), left=step < 0)
    final = len(rows) + 1
    if change:
        axes.barh(final, here, height=0.62, color=INK, zorder=2)
    else:
        axes.plot([start / scale.factor] * 2, [-0.4, 0.4], color=INK, linewidth=2.5)
        axes.plot([here] * 2, [final - 0.4, final + 0.4], color=INK, linewidth=2.5)
    _write(axes, final, here, digits(here), bold=True)
    room = (max(reach) - min(reach)) or 1.0
    axes.set_xlim(min(reach) - 0.16 * room, max(reach) + 0.16 * room)
    axes.set_ylim(final + 0.6, -0.6)
    axes.set_yticks(range(final + 1), names)
    dress_bars(axes)
    for tick in (axes.yaxis.get_ticklabels()[0], axes.yaxis.get_ticklabels()[-1]):
        tick.set(**heading())


def _write(axes: Axes, row: int, x: float, text: str, *, left: bool = False, bold: bool = False) -> None:
    look = heading() if bold else {"color": INK}
    axes.annotate(text, (x, row), xytext=(-4 if left else 4, 0), textcoords="offset points", fontsize=7.2, va="center",
                  ha="right" if left else "left", zorder=1.5, **look,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # fmt: skip


def _method(study: LoopStudy, lang: str) -> str:
    about = study.shares.attrs
    key = EXACT if study.adds.attrs["exact"] else SAMPLED
    loops, draws = len(study.names.loops), study.adds.sizes["draw"]
    where = {"source": about["source"], "model": about["model"]}
    return tell(key, lang, **where, loops=loops, draws=draws, runs=2**loops)


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
