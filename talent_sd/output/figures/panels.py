"""One panel: lines over years with bands, direct labels and a unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BANDS
from talent_sd.base.language import N_, tell
from talent_sd.output.speech import digits
from talent_sd.output.style import BASELINE, FAINT, GREY, INK, heading, line_look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

OPACITIES = {95: 0.16, 80: 0.22, 50: 0.30}
"""Of the bands, widest first."""
RISE, FALL = "#004488", "#bb5566"
"""Of bars that add and that take away."""
LABEL_SIZE, TITLE = 7.5, 11
"""Points: of labels, and from line to line of a title."""
FANS = 2
"""So many lines of a panel have bands."""
BAR = 4.0
"""Points that a bar at the end of a line takes."""
QUIET = 0.05
"""Smallest span of a value axis, relative to the values: a flat line is to look flat."""
FIRST_SHOWN = 2010
"""First year of which what was counted is drawn before a forecast."""
AS_COUNTED = N_("as counted", "plot")


@dataclass(frozen=True)
class Line:
    """One line of a panel.

    Parameters
    ----------
    label : what it is called in the picture
    years : shape (time,)
    values : shape (draw, time), already in the panel's scale
    style : index of colour, dash and marker
    note : whether the label is written even if the line is alone
    known : (year, value) of what was counted, in the same scale
    over : what is told of a value at the top, where more is drawn no higher
    """

    label: str
    years: np.ndarray
    values: np.ndarray
    style: int = 0
    note: bool = False
    known: Sequence[tuple[float, float]] = ()
    over: str = ""

    @property
    def middle(self) -> np.ndarray:
        """Median over draws, shape (time,)."""
        return np.median(self.values, axis=0)

    @property
    def dots(self) -> np.ndarray:
        """What was counted and is drawn, shape (2, years): years over values."""
        first, last = min(FIRST_SHOWN, self.years[0]), self.years[-1]
        shown = [pair for pair in self.known if first <= pair[0] <= last]
        return np.array(shown, float).reshape(-1, 2).T

    def divided(self, by: float) -> Line:
        """Return the line in another scale."""
        known = [(year, value / by) for year, value in self.known]
        return replace(self, values=self.values / by, known=known)


def draw_panel(
    axes: Axes,
    lines: Sequence[Line],
    *,
    title: str,
    unit: str,
    letter: str,
    lang: str,
    forecast_from: float | None = None,
    zero_line: bool = False,
    label_lines: bool = True,
) -> None:
    """Draw lines with bands, a heading with the unit under it, and a mark where the forecast starts.

    Fans over one another are mud: of more than two lines the baseline keeps a band, and bars at the
    end tell the middle 80 % of each in the last year.
    """
    ends = [line for line in lines if len(line.values) > 1] if len(lines) > FANS else []
    for line in lines:
        _draw_line(axes, line, company=len(lines) - 1)
    for number, line in enumerate(ends):
        _draw_end(axes, line, number)
    _frame_values(axes, lines, zero_line)
    _frame_years(axes, lines, forecast_from, lang if letter in ("", "a") else None)
    if zero_line:
        axes.axhline(0, color=GREY, linewidth=0.8, zorder=1.5)
    _head(axes, letter, title, unit)
    if label_lines:
        label_ends(axes, lines, end_room(lines))


def end_room(lines: Sequence[Line]) -> float:
    """Return the points that bars at the ends of lines take."""
    return BAR * sum(len(line.values) > 1 for line in lines) if len(lines) > FANS else 0.0


def _draw_end(axes: Axes, line: Line, number: int) -> None:
    """Draw the middle 80 % of the last year beside the axes."""
    from matplotlib.transforms import offset_copy

    low, high = np.quantile(line.values[:, -1], BANDS[80])
    beside = offset_copy(
        axes.get_yaxis_transform(), axes.get_figure(root=True), x=4 + BAR * number, units="points"
    )
    axes.plot([1, 1], [low, high], color=line_look(line.style)["color"], linewidth=1.6, transform=beside,
              clip_on=False, solid_capstyle="butt", zorder=3, scalex=False)  # fmt: skip


def _draw_line(axes: Axes, line: Line, company: int) -> None:
    """Draw a line with its bands; the more lines keep it company, the paler the bands."""
    lone = not company
    look = line_look(line.style)
    colour = look["color"]
    if len(line.values) > 1:
        shown = list(OPACITIES) if lone else [80]
        if company >= FANS and line.style != BASELINE:
            shown = []
        for band in shown:
            edges = np.quantile(line.values, BANDS[band], axis=0)
            axes.fill_between(
                line.years, *edges, color=colour, alpha=band_opacity(band, company), linewidth=0, zorder=2
            )
    if line.dots.size:
        own = INK if lone or line.style == BASELINE else colour
        axes.plot(
            *line.dots,
            "o",
            color=own,
            markersize=2.2,
            markeredgewidth=0,
            zorder=5,
            clip_on=False,
            gid=AS_COUNTED,
        )
    dash = "-" if lone else look["linestyle"]
    axes.plot(line.years, line.middle, color=colour, linestyle=dash, zorder=3, label=line.label)
    axes.plot(
        line.years[-1:],
        line.middle[-1:],
        color=colour,
        marker=look["marker"],
        markersize=3.2,
        linestyle="none",
        zorder=4,
        clip_on=False,
    )


def band_opacity(band: int, company: int) -> float:
    """Return how opaque a band of a line is that so many others keep company."""
    return OPACITIES[band] * (2.5 / (2 + company) if company else 1.0)


def _frame_values(axes: Axes, lines: Sequence[Line], zero_line: bool) -> None:
    """Start at zero where the values come near it; never blow a flat line up."""
    from matplotlib.ticker import MaxNLocator

    everything = np.concatenate([np.append(outline(line, len(lines)), line.dots[1]) for line in lines])
    everything = everything[np.isfinite(everything)]
    low, high = (float(everything.min()), float(everything.max())) if everything.size else (0.0, 1.0)
    if zero_line:
        low, high = min(low, 0.0), max(high, 0.0)
    elif 0 < low < 0.6 * high:
        low = 0.0
    elif 0 > high > 0.6 * low:
        high = 0.0
    size = max(abs(low), abs(high))
    spare = max(QUIET * size - (high - low), 0) / 2 if not zero_line else max(2e-3 - (high - low), 0) / 2
    margin = 0.06 * (high - low) + spare
    cut = 0.05 * (high - low)  # more room where the mark of a cut axis stands, so that nothing lies under it
    if low == high == 0.0:
        high, margin = 1.0, 0.0
    axes.set_ylim(
        low - (margin + cut * (low > 0) if low != 0 else 0),
        high + (margin + cut * (high < 0) if high != 0 else 0),
    )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    plain_ticks(axes.yaxis)
    mark_cut(axes)


def outline(line: Line, lines: int) -> np.ndarray:
    """Values at the edge of what is drawn."""
    if len(line.values) == 1:
        return line.values[0]
    if lines > FANS and line.style != BASELINE:
        return np.append(line.middle, np.quantile(line.values[:, -1], BANDS[80]))
    return np.quantile(line.values, BANDS[95 if lines == 1 else 80], axis=0).ravel()


CUT = "cut axis"
"""What the mark of an axis that does not begin at zero is called."""


def mark_cut(axes: Axes, *, along: str = "y") -> None:
    """Mark an axis that does not reach zero by two strokes across its foot, with room between them and the ticks."""
    for old in [line for line in axes.lines if line.get_gid() == CUT + along]:
        old.remove()
    axis = axes.yaxis if along == "y" else axes.xaxis
    low, high = sorted(axis.get_view_interval())
    if low <= 0 <= high:
        return
    ticks = [tick for tick in axis.get_majorticklocs() if low <= tick <= high] or [(low + high) / 2]
    room = 0.13 * (high - low)
    if low > 0:
        low = max(0.0, min(low, min(ticks) - room))
    else:
        high = min(0.0, max(high, max(ticks) + room))
    (axes.set_ylim if along == "y" else axes.set_xlim)(low, high)
    if low <= 0 <= high:
        return
    at = 0.045 if low > 0 else 0.955
    for shift in (-0.014, 0.014):
        ends = ([-0.014, 0.014], [at + shift - 0.01, at + shift + 0.01])
        axes.plot(*(ends if along == "y" else ends[::-1]), color=INK, linewidth=0.8, transform=axes.transAxes,
                  clip_on=False, zorder=5, gid=CUT + along, scalex=False, scaley=False)  # fmt: skip


def plain_ticks(axis: Axis) -> None:
    """Write an axis' numbers with commas, and as many decimals as the distance between ticks needs."""
    from matplotlib.ticker import FuncFormatter

    formatter = FuncFormatter(lambda value, _: _tick(value, axis.get_majorticklocs()))
    # all at once: their places are looked for but once
    formatter.format_ticks = lambda values: [_tick(value, values) for value in values]  # type: ignore[method-assign]
    axis.set_major_formatter(formatter)


def _tick(value: float, ticks: Sequence[float] | np.ndarray) -> str:
    """Write a tick with as many decimals as the distance between ticks needs."""
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else 1.0
    decimals = 0
    while decimals < 6 and abs(step * 10**decimals - round(step * 10**decimals)) > 1e-6 * step * 10**decimals:
        decimals += 1
    if step < 1e-6:
        return f"{value + 0.0:.3g}".replace("-", "−")
    return f"{value + 0.0:,.{decimals}f}".replace("-", "−")


def _frame_years(axes: Axes, lines: Sequence[Line], forecast_from: float | None, lang: str | None) -> None:
    first = min(float(year) for line in lines for year in (line.years[0], *line.dots[0]))
    last = float(lines[0].years[-1])
    axes.set_xlim(first, last if last > first else first + 1)  # a single time would be no axis
    least = max(1, math.ceil((last - first) / 6))
    origin = first if forecast_from is None else forecast_from
    # the last year has a tick where that costs no more than two
    step = next((step for step in range(least, least + 3) if (last - origin) % step == 0), least)
    ticks = [year for year in range(math.ceil(first), math.floor(last) + 1) if (year - origin) % step == 0]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    if forecast_from is not None and first < forecast_from < last:
        axes.axvline(forecast_from, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
        if lang:
            axes.annotate(
                tell("forecast", lang),
                (forecast_from, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 2),  # above the frame, where no line comes
                textcoords="offset points",
                fontsize=6.2,
                color=GREY,
                va="baseline",
            )


def _head(axes: Axes, letter: str, title: str, unit: str) -> None:
    beside = letter + "\n" * title.count("\n")  # as many lines, so that both stand on the same
    rows: tuple[tuple[str, int, int, dict[str, Any]], ...] = (
        (beside, -24, 24, {"fontsize": 9, **heading()}),
        (title, -12, 24, {"fontsize": 9, **heading()}),
        (unit, -12, 13, {"fontsize": 7.5, "color": GREY}),
    )
    for text, across, up, look in rows:
        axes.annotate(
            text,
            (0, 1),
            xycoords="axes fraction",
            xytext=(across, up),
            textcoords="offset points",
            va="baseline",
            **look,
        )


def end_labels(lines: Sequence[Line]) -> list[str]:
    """What is written at the end of each line: its name; the last value if it is alone."""
    if len(lines) == 1 and not lines[0].note:
        middle = lines[0].middle
        if lines[0].over and middle[-1] >= lines[0].values.max():
            return [lines[0].over]
        last, largest = float(middle[-1]), float(np.nanmax(np.abs(middle), initial=0.0))
        if 0 < abs(last) < largest / 100:  # no finer than the panel shows
            return [f"{round(last, 2 - math.floor(math.log10(largest))) + 0.0:g}".replace("-", "−")]
        return [digits(last, beside=largest)]
    return [line.label for line in lines]


def label_heights(labels: Sequence[str]) -> list[float]:
    """Height of each label in points."""
    return [LABEL_SIZE * 1.42 * (1 + label.count("\n")) for label in labels]


def label_ends(axes: Axes, lines: Sequence[Line], aside: float = 0.0) -> None:
    """Write a label at the end of each line, `aside` points from there, pushed apart where they would touch."""
    height = axes.get_window_extent().height * 72 / axes.figure.dpi
    labels = end_labels(lines)
    tall = label_heights(labels)
    low, high = axes.get_ylim()
    wanted = [float(line.middle[-1] - low) / (high - low) * height for line in lines]
    for line, label, at, place in zip(lines, labels, wanted, spread_apart(wanted, tall, height), strict=True):
        if not math.isfinite(at):
            continue
        axes.annotate(
            label,
            (1, at / height),
            xycoords="axes fraction",
            xytext=(6 + aside, place - at),
            textcoords="offset points",
            va="center",
            fontsize=LABEL_SIZE,
            color=line_look(line.style)["color"],
            annotation_clip=False,
            linespacing=1.15,
        )


def spread_apart(wanted: Sequence[float], tall: Sequence[float], height: float) -> list[float]:
    """Move label centres so that none overlap, as little as a simple sweep allows.

    Parameters
    ----------
    wanted : where each label should be, points from the bottom
    tall : height of each label, points
    height : height of the panel, points; labels stay inside where they fit

    >>> spread_apart([50, 51], [10, 10], 100)
    [45.5, 55.5]
    >>> spread_apart([20, 80], [10, 10], 100)
    [20.0, 80.0]
    >>> spread_apart([1, 1, 22], [10, 10, 10], 100)
    [5.0, 15.0, 25.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[list[float]] = []  # centre, height, count: neighbours that touch become one block
    for i in order:
        blocks.append([float(wanted[i]), float(tall[i]), 1])
        while len(blocks) > 1 and blocks[-1][0] - blocks[-2][0] < (blocks[-1][1] + blocks[-2][1]) / 2:
            upper, lower = blocks.pop(), blocks.pop()
            count = lower[2] + upper[2]
            centre = (lower[0] * lower[2] + upper[0] * upper[2]) / count
            blocks.append([centre, lower[1] + upper[1], count])
    starts = [centre - size / 2 for centre, size, _ in blocks]
    for step in (
        1,
        -1,
    ):  # up from the foot, down from the top: what an edge pushes in pushes its neighbour on
        edge = 0.0 if step > 0 else max(height, sum(tall))
        for n in range(len(blocks))[::step]:
            size = blocks[n][1]
            starts[n] = max(starts[n], edge) if step > 0 else min(starts[n], edge - size)
            edge = starts[n] + (size if step > 0 else 0.0)
    placed: list[float] = []
    for start, (_, _, count) in zip(starts, blocks, strict=True):
        for i in order[len(placed) : len(placed) + int(count)]:
            placed.append(start + tall[i] / 2)
            start += tall[i]
    return [placed[order.index(i)] for i in range(len(wanted))]


def draw_step(axes: Axes, row: int, start: float, step: float) -> None:
    """Draw a bar of a waterfall; what takes away is hatched."""
    rises = step >= 0
    axes.barh(row, step, left=start, height=0.62, color=RISE if rises else FALL, hatch="" if rises else "////",
              edgecolor="white", linewidth=0.4, zorder=2)  # fmt: skip


def dress_bars(axes: Axes) -> None:
    """Give bars that lie grid lines and ticks to read them by."""
    plain_ticks(axes.xaxis)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=FAINT, linewidth=0.5)
    axes.spines["left"].set_visible(False)
