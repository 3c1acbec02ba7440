"""All the pictures of a loop study; drawn here: stocks with their flows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.loops.stocks_and_flows import CHANGE, StockFlows
from talent_sd.output.evidence_tables import sector_name
from talent_sd.output.loops.dominance import plot_dominance, plot_waterfall
from talent_sd.output.loops.loop_diagram import plot_loops
from talent_sd.output.speech import broken, sentences
from talent_sd.output.style import GREY, INK, heading, house_style, new_figure, save_figure, save_vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy

KEY = N_(
    "A box is a stock; inflows at its left, outflows at its right; a pipe between two boxes leads from one stock into "
    "the other. Round end: outside the model's stocks, or another element of the same stock. Two heads: a net change, "
    "either way, with what moves it."
)
SQUARE = N_("Square end: another stock, which is named.")

WIDTH, MARGIN, GUTTER = 7.4, 0.1, 0.2
LABEL, PIPE, BOX = 0.86, 0.28, 0.88
"""Inches: of a flow's name, of its pipe, of a stock's box."""
ROW, LINE, GAP, SECTOR = 0.27, 0.105, 0.13, 0.34
"""Inches: of a flow, of a line of text, between stocks, of a sector's heading."""
HEAD, FOOT, PAGE = 0.9, 0.15, 10.2
"""Inches: of title and key, below the last row, and that a page may take: A4 and Letter hold it."""
LETTERS_BOX, LETTERS_FLOW = 15, 16
"""In a line of a stock's name, and of a flow's; a Chinese character counts as two."""
CLOUD = "#5b7fb8"


def save_loop_plots(
    study: LoopStudy, labels: Labels, lang: str, folder: Path, done: Callable[[int], None] = lambda _: None
) -> None:
    """Write feedback_loops.png and .svg, dominance.png, attribution.png and, page by page, stock_and_flow.png and .svg.

    Parameters
    ----------
    done : is told of each picture
    """
    _save_shared(study, labels, lang, folder)
    done(2)
    save_figure(plot_waterfall(study, labels, lang), folder / "attribution.png")
    done(1)
    _save_stocks(study.stocks, labels, lang, folder)
    done(1)


def save_model_plots(study: ModelStudy, lang: str, folder: Path) -> None:
    """Write feedback_loops.png and .svg, dominance.png and stock_and_flow.png and .svg of a model that is not the city's."""
    _save_shared(study, Labels(), lang, folder)
    if study.stocks:
        _save_stocks(study.stocks, Labels(), lang, folder)


def _save_shared(study: LoopStudy | ModelStudy, labels: Labels, lang: str, folder: Path) -> None:
    if study.names.layout is not None:
        _save_both(plot_loops(study, labels, lang), folder / "feedback_loops")
    save_figure(plot_dominance(study, lang), folder / "dominance.png")


def _save_stocks(stocks: Sequence[StockFlows], labels: Labels, lang: str, folder: Path) -> None:
    """Write the stocks and flows as pictures that print on a page each; numbered if there are several."""
    pages = plot_stock_pages(stocks, labels, lang)
    for number, figure in enumerate(pages, 1):
        _save_both(figure, folder / ("stock_and_flow" + (f"_{number}" if len(pages) > 1 else "")))


def _save_both(figure: Figure, file: Path) -> None:
    save_figure(figure, file.with_suffix(".png"))
    save_vector(figure, file.with_suffix(".svg"))


@dataclass(frozen=True)
class _End:
    """A flow beside a stock: its words; whether it leads in, has another stock at its other end, goes both ways."""

    lines: list[str]
    inward: bool
    joined: bool
    net: bool

    @property
    def height(self) -> float:
        return max(ROW, len(self.lines) * LINE + 0.06)


@dataclass
class _Chain:
    """Stocks that flows join, from source to sink, with the flows before the first, between, and behind the last.

    `between` holds for each gap the flows through it, in words, and the ends of other flows in it.
    """

    sector: str
    stocks: list[list[str]]
    before: list[_End]
    between: list[tuple[list[list[str]], list[_End]]]
    behind: list[_End]

    @property
    def width(self) -> float:
        return len(self.stocks) * BOX + (len(self.stocks) + 1) * (LABEL + PIPE)

    @property
    def height(self) -> float:
        gaps = [sum(max(ROW, len(words) * LINE + 0.1) for words in through) + sum(end.height for end in ends)
                for through, ends in self.between]  # fmt: skip
        sides = [sum(end.height for end in ends) for ends in (self.before, self.behind)]
        return max(*gaps, *sides, ROW, *(len(stock) * LINE + 0.09 for stock in self.stocks))


def plot_stock_pages(stocks: Sequence[StockFlows], labels: Labels, lang: str = "en") -> list[Figure]:
    """Draw stocks by sector with the flows into, between and out of them, as many sectors to a page as fit.

    Parameters
    ----------
    stocks : as `stock_flows` returns them
    """
    rows = _rows(_chains(stocks, labels, lang))
    pages: list[list[list[_Chain]]] = [[]]
    for sector in dict.fromkeys(row[0].sector for row in rows):
        own = [row for row in rows if row[0].sector == sector]
        if pages[-1] and HEAD + _height([*pages[-1], *own]) > PAGE:
            pages.append([])
        pages[-1] += own
    with house_style():
        return [_draw_rows(page, lang, (number, len(pages))) for number, page in enumerate(pages, 1)]


def plot_stock_flow(stocks: Sequence[StockFlows], labels: Labels, lang: str, sector: str) -> Figure:
    """Draw the stocks of one sector alone, without title and key."""
    with house_style():
        return _draw_rows(_rows([one for one in _chains(stocks, labels, lang) if one.sector == sector]), lang)


def stock_key(stocks: Sequence[StockFlows], labels: Labels, lang: str) -> str:
    """Return how the pictures of these stocks are read; what none of them shows is left out."""
    return _key(_chains(stocks, labels, lang), lang)


def _key(chains: Iterable[_Chain], lang: str) -> str:
    ends = (
        end
        for chain in chains
        for end in (*chain.before, *chain.behind, *(e for _, es in chain.between for e in es))
    )
    return sentences(
        lang, tell(KEY, lang), *([tell(SQUARE, lang)] if any(end.joined for end in ends) else [])
    )


def _height(rows: Sequence[Sequence[_Chain]]) -> float:
    """Return the inches that rows take, with the headings of their sectors."""
    sectors = {row[0].sector for row in rows}
    return FOOT + SECTOR * len(sectors) + sum(max(one.height for one in row) + GAP for row in rows)


def _draw_rows(rows: Sequence[Sequence[_Chain]], lang: str, page: tuple[int, int] | None = None) -> Figure:
    """Draw rows under the names of their sectors; with title and key where `page` says which of how many it is."""
    head = HEAD if page else 0.05
    height = head + _height(rows)
    figure = new_figure(WIDTH, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    if page:
        title = tell("Stocks and flows", lang)
        if page[1] > 1:
            title = tell("{title}, {number} of {all}", lang, title=title, number=page[0], all=page[1])
        axes.text(MARGIN, 0.2, title, fontsize=13, va="top", **heading())
        key = "\n".join(broken(_key((chain for row in rows for chain in row), lang), 135 / 2))
        axes.text(MARGIN, 0.48, key, fontsize=6.5, va="top", color=GREY)
    y, last = head, None
    for row in rows:
        if row[0].sector != last:
            last = row[0].sector
            axes.text(MARGIN, y + 0.2, sector_name(last, lang), fontsize=8.5, va="center", **heading())
            y += SECTOR
        tall = max(chain.height for chain in row)
        for place, chain in enumerate(row):
            _draw_chain(axes, chain, MARGIN + place * (chain.width + GUTTER), y, tall)
        y += tall + GAP
    return figure


def _chains(stocks: Sequence[StockFlows], labels: Labels, lang: str) -> list[_Chain]:
    """Put stocks of a sector that flows join into chains, from the first source to the last sink."""
    held = {one.stock: one for one in stocks}
    fills = {flow: one.stock for one in stocks for flow in one.inflows}
    empties = {flow: one.stock for one in stocks for flow in one.outflows}
    follows: dict[str, str] = {}
    for flow, source in empties.items():
        sink = fills.get(flow)
        free = source not in follows and sink not in follows.values()
        if sink and free and held[sink].group == held[source].group and not _leads(follows, sink, source):
            follows[source] = sink

    def end(flow: str, *, inward: bool, stock: str) -> _End:
        """Return how a flow is drawn at a stock: its name, and where it comes from or goes to."""
        net = flow.startswith(CHANGE.partition("{")[0])
        other = (empties if inward else fills).get(flow, "")
        if net:
            drivers = held[stock].drivers
            names = tell(", ", lang).join(labels.variable(name, lang) for name in drivers[:3])
            key = N_("net change; reads {names}") if drivers else N_("net change")
            key = N_("net change; reads {names} and others") if drivers[3:] else key
            lines = broken(tell(key, lang, names=names), LETTERS_FLOW / 2)
        else:
            lines = broken(labels.variable(flow, lang), LETTERS_FLOW / 2)
        if other:
            key = N_("from {stock}") if inward else N_("to {stock}")
            lines += broken(tell(key, lang, stock=labels.variable(other, lang)), LETTERS_FLOW / 2)
        return _End(lines, inward, bool(other), net)

    chains = []
    for first in (one.stock for one in stocks if one.stock not in follows.values()):
        names = [first]
        while names[-1] in follows:
            names.append(follows[names[-1]])
        joined = set()
        between: list[tuple[list[list[str]], list[_End]]] = []
        for source, sink in pairwise(names):
            through = [flow for flow in held[source].outflows if fills.get(flow) == sink]
            joined |= set(through)
            words = [broken(labels.variable(flow, lang), LETTERS_FLOW / 2 + 3) for flow in through]
            between.append((words, []))
        sides: dict[str, list[_End]] = {"before": [], "behind": []}
        for place, name in enumerate(names):
            for flow in (flow for flow in held[name].inflows if flow not in joined):
                (between[place - 1][1] if place else sides["before"]).append(
                    end(flow, inward=True, stock=name)
                )
            for flow in (flow for flow in held[name].outflows if flow not in joined):
                last = place == len(names) - 1
                (sides["behind"] if last else between[place][1]).append(end(flow, inward=False, stock=name))
        words = [broken(labels.variable(name, lang), LETTERS_BOX / 2) for name in names]
        chains.append(_Chain(held[first].group, words, sides["before"], between, sides["behind"]))
    return chains


def _leads(follows: Mapping[str, str], start: str, goal: str) -> bool:
    return start == goal or (start in follows and _leads(follows, follows[start], goal))


def _rows(chains: Sequence[_Chain]) -> list[list[_Chain]]:
    """Set chains in rows: sectors together, a long one alone, single stocks two by two."""
    rows: list[list[_Chain]] = []
    for sector in dict.fromkeys(chain.sector for chain in chains):
        own = [chain for chain in chains if chain.sector == sector]
        rows += [[chain] for chain in own if len(chain.stocks) > 1]
        single = [chain for chain in own if len(chain.stocks) == 1]
        rows += [single[place : place + 2] for place in range(0, len(single), 2)]
    return rows


def _draw_chain(axes: Axes, chain: _Chain, left: float, top: float, tall: float) -> None:
    """Draw a chain in a row so tall: boxes, and the flows before, between and behind them."""
    from matplotlib.patches import Rectangle

    low = top + (tall - chain.height) / 2
    edge = left + LABEL + PIPE
    for place, words in enumerate(chain.stocks):
        box = edge + place * (BOX + LABEL + PIPE)
        axes.add_patch(
            Rectangle(
                (box, low), BOX, chain.height, facecolor="white", edgecolor=INK, linewidth=1.0, zorder=3
            )
        )
        axes.text(box + BOX / 2, low + chain.height / 2, "\n".join(words), fontsize=6.3, ha="center", va="center",
                  zorder=4, linespacing=1.05, **heading())  # fmt: skip
        if place < len(chain.between):
            _draw_gap(axes, chain.between[place], box + BOX, low, chain.height)
    _draw_side(axes, chain.before, edge, low, chain.height)
    _draw_side(axes, chain.behind, edge + len(chain.stocks) * BOX + (len(chain.stocks) - 1) * (LABEL + PIPE), low,
               chain.height)  # fmt: skip


def _draw_side(axes: Axes, ends: Sequence[_End], edge: float, top: float, height: float) -> None:
    room = (height - sum(end.height for end in ends)) / max(len(ends), 1)
    y = top
    for end in ends:
        away = -1 if end.inward else 1
        _draw_flow(axes, end, edge, edge + away * PIPE, y + (end.height + room) / 2)
        y += end.height + room


def _draw_gap(
    axes: Axes, gap: tuple[list[list[str]], list[_End]], left: float, top: float, height: float
) -> None:
    """Draw what runs between two stocks: pipes from one to the other, and ends of other flows in rows of their own."""
    through, ends = gap
    right, y = left + LABEL + PIPE, top
    taken = sum(max(ROW, len(words) * LINE + 0.1) for words in through) + sum(end.height for end in ends)
    spare = (height - taken) / (len(through) + len(ends))
    for words in through:
        tall = max(ROW, len(words) * LINE + 0.1)
        pipe = y + spare / 2 + tall - 0.05
        _pipe(axes, left, right, pipe, (right,))
        axes.text((left + right) / 2, pipe - 0.06, "\n".join(words), fontsize=6.3, ha="center", va="bottom", color=INK,
                  linespacing=1.0)  # fmt: skip
        y += tall + spare
    for end in ends:
        inner = right if end.inward else left
        _draw_flow(axes, end, inner, inner + (-1 if end.inward else 1) * PIPE, y + (end.height + spare) / 2)
        y += end.height + spare


def _pipe(axes: Axes, start: float, stop: float, y: float, tips: Sequence[float]) -> None:
    """Draw a pipe with its valve, and an arrow's head at each tip."""
    for shift in (-0.014, 0.014):
        axes.plot([start, stop], [y + shift] * 2, color=INK, linewidth=0.6, zorder=1)
    middle = (start + stop) / 2
    for tip in tips:
        away = 1 if tip > middle else -1
        axes.annotate(
            "", (tip, y), (tip - away * 0.08, y),
            arrowprops={
                "arrowstyle": "-|>,head_length=0.6,head_width=0.28", "color": INK, "linewidth": 0,
                "mutation_scale": 8, "shrinkA": 0, "shrinkB": 0,
            },
            zorder=2,
        )  # fmt: skip
    axes.plot([middle], [y], "o", markersize=5.2, markerfacecolor="white", markeredgecolor=INK,
              markeredgewidth=0.7, zorder=2)  # fmt: skip


def _draw_flow(axes: Axes, end: _End, inner: float, outer: float, y: float) -> None:
    """Draw a flow between a stock's edge and what lies at the other end, and its name."""
    away = 1 if outer > inner else -1
    tips = [inner] if end.inward or end.net else []
    tips += [outer - away * 0.05] if not end.inward or end.net else []
    _pipe(axes, inner, outer, y, tips)
    look: dict[str, Any] = {"marker": "s", "color": INK} if end.joined else {"marker": "o", "color": CLOUD}
    axes.plot([outer], [y], markersize=4.2, markerfacecolor="white", markeredgewidth=0.9, zorder=3, **look)
    axes.text(outer + away * 0.07, y, "\n".join(end.lines), fontsize=6.3, va="center", ha="left" if away > 0 else "right",
              color=INK, linespacing=1.0)  # fmt: skip
