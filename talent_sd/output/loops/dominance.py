"""Which loops dominate when, shares of activity stacked over the years; and what each adds, from all cut to all closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BAND
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.loops.loop_shares import NAMED, OTHER_ROUTES, REST, TURNOVER
from talent_sd.output.figures.panels import draw_step, dress_bars, mark_cut, spread_apart
from talent_sd.output.figures.sheet import foot_lines
from talent_sd.output.loops.loop_numbers import (
    Row,
    kind_parts,
    loop_sign,
    loops_source,
    mean_size,
    output_name,
    percent_of,
    split_rows,
    subtitle,
)
from talent_sd.output.speech import Scale, digits, scale_for, signed
from talent_sd.output.style import FAINT, GREY, INK, heading, house_style, new_figure

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
OF_ALL = N_("Share of the activity of all loops found")
OF_NAMED = N_("Share of the named loops' activity in each year")
OF_SHOWN = N_("Share of the activity of the loops shown, by time")

PAGE = (7.6, 5.6)
FILLS = (
    "#cdb4db", "#c28f1b", "#8fb8a8", "#7b5ea7", "#00a6a6", "#e3c878", "#3a8f7b", "#bb5566",
    "#5aa5d6", "#8c510a", "#f2a0a8", "#6b8e23", "#004488", "#e07b39", "#b8d8e8", "#5e3c58",
)  # fmt: skip
"""A loop has a colour of its own in every picture, by its number."""
HATCHES = ("", "////")
"""From the seventeenth on hatched."""
SMALL = 0.03
"""Loops whose share stays below this in every year are drawn together."""
TOGETHER = "#d9d9d9"
NOTHING = 1e-6
"""Kinds of loops that never have a larger part are not told."""
KIND_LOOKS = (
    (NAMED, N_("named loops"), INK),
    (OTHER_ROUTES, N_("other routes of named loops"), "#5b7088"),
    (REST, N_("loops without a name"), "#f4dc3c"),
    (TURNOVER, N_("stocks' own turnover"), "#eef2f6"),
)
"""Kinds of loops from the bottom up: word and fill."""
LINE = 10.0
"""Points between labels."""


def plot_dominance(study: LoopStudy | ModelStudy, lang: str = "en") -> Figure:
    """Draw the loops' shares, reinforcing ones upwards, balancing ones downwards, and what none of them covers.

    With several draws the mean is stacked, and strokes show the middle 80 % of the
    reinforcing and of the balancing loops together.
    """
    years = study.shares["time"].values
    with house_style():
        figure = new_figure(*PAGE)
        top = figure.add_axes((0.085, 0.315, 0.645, 0.53))
        low = figure.add_axes((0.085, 0.11, 0.645, 0.135), sharex=top)
        stacks = _stacks(study, lang)
        for side in (1, -1):
            own = [stack for stack in stacks if stack[3] == side]
            looks = [
                {"facecolor": fill, "hatch": hatch, "linewidth": 0.5, "zorder": 2}
                for _, _, (fill, hatch), _ in own
            ]
            _pile(top, years, [size for _, size, *_ in own], looks, side)
        _label(top, stacks)
        _strokes(top, study)
        _frame(top, years, study, lang)
        _cover(low, study, lang)
        figure.text(0.03, 0.97, tell("Who dominates when", lang), fontsize=12, va="top", **heading())
        figure.text(0.03, 0.92, subtitle(study, lang), fontsize=8.5, color=GREY, va="top")
        strokes = tell(" Strokes: 80 % of the draws.", lang) if study.shares.sizes["draw"] > 1 else ""
        source = loops_source(study, lang, 0.94 * PAGE[0], 6.2, strokes)
        figure.text(0.03, 0.018, source, fontsize=6.2, color=GREY, va="bottom")
    return figure


Stack = tuple[str, np.ndarray, tuple[str, str], int]
"""Label, (time,) sizes, fill and hatch, 1 reinforcing or -1 balancing."""


def _stacks(study: LoopStudy | ModelStudy, lang: str) -> list[Stack]:
    """Return what is stacked, the largest nearest to zero, small loops of a kind together."""
    found: list[Stack] = []
    rest: dict[int, list[np.ndarray]] = {1: [], -1: []}
    loops = list(enumerate(study.names.loops))
    sizes = {loop.name: mean_size(study.shares["share"].sel(loop=loop.name).values) for _, loop in loops}
    for number, loop in sorted(loops, key=lambda item: -np.nanmean(_or_zero(sizes[item[1].name]))):
        size, share = sizes[loop.name], study.shares["share"].sel(loop=loop.name).values
        sides = _sides(loop.polarity, size, share)
        if np.nanmax(_or_zero(size)) < SMALL:
            for side, part in sides.items():
                rest[side].append(_or_zero(part))
            continue
        look = (FILLS[number % len(FILLS)], HATCHES[number // len(FILLS) % len(HATCHES)])
        label = f"{loop_sign(study.names, number)} {loop.label[lang]}"
        # a loop that turns has an area on both sides, and its name where it ends
        last = next((s for s, part in sides.items() if _or_zero(part)[-1] > 0), next(iter(sides)))
        found += [(label if side == last else "", part, look, side) for side, part in sides.items()]
    for side, parts in rest.items():
        total = np.sum(parts, axis=0) if parts else np.zeros(1)
        if np.max(total) > 0:
            named = any(look == (TOGETHER, "") for _, _, look, _ in found)  # one look, one entry
            found.append(("" if named else tell("other named loops", lang), total, (TOGETHER, ""), side))
    return found


def _sides(polarity: str, size: np.ndarray, share: np.ndarray) -> dict[int, np.ndarray]:
    """Return side (1 reinforcing, -1 balancing) -> (time,) sizes of a loop's area on it."""
    if polarity != "U":
        return {1 if polarity == "R" else -1: size}
    return {side: mean_size(np.where(side * share > 0, share, 0.0 * share)) for side in (1, -1)}


def _edges(years: np.ndarray) -> np.ndarray:
    """Return the starts of the spans, and the end of the last."""
    width = years[1] - years[0] if len(years) > 1 else 1.0
    return np.append(years, years[-1] + width)


def _middles(years: np.ndarray) -> np.ndarray:
    edges = _edges(years)
    return (edges[1:] + edges[:-1]) / 2


def _or_zero(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, 0.0)


def _pile(
    axes: Axes, years: np.ndarray, sizes: Sequence[np.ndarray], looks: Sequence[dict[str, Any]], side: int = 1
) -> list[float]:
    """Pile areas up from zero; each year is a step wide, as shares are of the whole year.

    Returns
    -------
    the middle of each area in the last year
    """
    floor, middles = np.zeros(len(years)), []
    for size, look in zip(sizes, looks, strict=True):
        ceiling = floor + side * _or_zero(size)
        low, high = (np.append(edge, edge[-1]) for edge in (floor, ceiling))
        axes.fill_between(_edges(years), low, high, step="post", edgecolor="white", **look)
        middles.append(float(floor[-1] + ceiling[-1]) / 2)
        floor = ceiling
    return middles


def _label(axes: Axes, stacks: Sequence[Stack]) -> None:
    """Write each loop at the right, at the height of its area in the last year."""
    axes.set_ylim(-1, 1)
    height = axes.get_window_extent().height * 72 / axes.figure.dpi
    floors, wanted = {1: 0.0, -1: 0.0}, []
    for _, size, _, side in stacks:
        last = float(_or_zero(size)[-1])
        wanted.append((side * (floors[side] + last / 2) + 1) / 2 * height)
        floors[side] += last
    wanted = [at for at, (label, *_) in zip(wanted, stacks, strict=True) if label]
    stacks = [stack for stack in stacks if stack[0]]
    # where areas vanish, the order of the stack still holds among their labels
    ordered = [
        at + 1e-3 * side * rank for rank, (at, (_, _, _, side)) in enumerate(zip(wanted, stacks, strict=True))
    ]
    places = spread_apart(ordered, [LINE] * len(stacks), height)
    _key(axes, [(label, look) for label, _, look, _ in stacks], wanted, places)


def _key(
    axes: Axes, looks: Sequence[tuple[str, tuple[str, str]]], wanted: Sequence[float], places: Sequence[float]
) -> None:
    """Write labels at the right with a patch of the area's look, led to where it ends; heights in points."""
    height = axes.get_window_extent().height * 72 / axes.figure.dpi
    for (label, (fill, hatch)), at, place in zip(looks, wanted, places, strict=True):
        common: dict[str, Any] = {
            "xycoords": "axes fraction",
            "textcoords": "offset points",
            "annotation_clip": False,
        }
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5}
        patch = {"boxstyle": "square,pad=0.15", "facecolor": fill, "edgecolor": "white", "hatch": hatch}
        here = (1, at / height)
        axes.annotate("", here, xytext=(11, place - at), arrowprops=line, **common)
        axes.annotate("   ", here, xytext=(13, place - at), fontsize=6.2, va="center", bbox=patch, **common)
        axes.annotate(label, here, xytext=(25, place - at), fontsize=7.2, va="center", color=INK, **common)


def _strokes(axes: Axes, study: LoopStudy | ModelStudy) -> None:
    """Mark the middle 80 % of draws of all reinforcing and of all balancing loops."""
    share = study.shares["share"].values
    if share.shape[1] < 2:
        return
    years = _middles(study.shares["time"].values)
    reinforcing = np.array([loop.polarity == "R" for loop in study.names.loops])
    # loops that turn come from single runs only, which have no strokes
    for part in (share[reinforcing], share[~reinforcing]):
        total = part.sum(axis=0)
        for year, column in zip(years, total.T, strict=True):
            if np.isfinite(column).any():
                low, high = np.nanquantile(column, BAND)
                axes.plot([year, year], [low, high], color=INK, linewidth=0.9, zorder=4)


def _frame(axes: Axes, years: np.ndarray, study: LoopStudy | ModelStudy, lang: str) -> None:
    still = ~np.isfinite(study.shares["share"].values).any(axis=(0, 1))
    key = N_("no difference yet") if study.shares.attrs["against"] else N_("at rest")
    if "moves" in study.shares and study.shares["moves"].values[still].any():
        key = N_("no loop at work")
    first = 0 if still.all() else int(np.flatnonzero(~still)[0])
    axes.set_xlim(years[first], _edges(years)[-1])
    axes.set_yticks([-1, -0.5, 0, 0.5, 1], [percent_of(np.array([one]), lang) for one in (1, 0.5, 0, 0.5, 1)])
    axes.axhline(0, color=INK, linewidth=0.8, zorder=3)
    axes.tick_params(labelbottom=False)
    title = tell(OF_NAMED if "city" in study.shares.attrs else OF_SHOWN, lang)
    if first:
        title += tell(" (before {year}: {what})", lang, year=f"{years[first]:g}", what=tell(key, lang))
    axes.set_title(title, fontsize=7.5, color=GREY, loc="left", pad=4)
    # beside the axis: inside it an area would hide them, or they it
    for y, half in ((0.75, N_("reinforcing")), (0.25, N_("balancing"))):
        axes.text(-0.1, y, tell(half, lang), transform=axes.transAxes, fontsize=7.5, rotation=90, ha="center",
                  va="center", **heading())  # fmt: skip
    still[:first] = False
    for start, last in _runs(still):
        left, right = _edges(years)[[start, last + 1]]
        axes.axvspan(left, right, color="#f3f3f3", zorder=1, linewidth=0)
        axes.text((left + right) / 2, 0.08, tell(key, lang), fontsize=7, color=GREY, ha="center",
                  zorder=5)  # fmt: skip


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(first), int(last) - 1) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def _cover(axes: Axes, study: LoopStudy | ModelStudy, lang: str) -> None:
    """Draw what kinds of loops the activity of all loops found belongs to."""
    years = study.shares["time"].values
    kinds = [kind for kind in _kinds(study, lang) if np.nanmax(_or_zero(kind[1])) > NOTHING]
    height = axes.get_window_extent().height * 72 / axes.figure.dpi
    looks = [{"facecolor": colour, "linewidth": 0.3} for *_, colour in kinds]
    wanted = [at * height for at in _pile(axes, years, [part for _, part, _ in kinds], looks)]
    places = spread_apart([at + 1e-3 * rank for rank, at in enumerate(wanted)], [LINE] * len(kinds), height)
    _key(axes, [(label, (colour, "")) for label, _, colour in kinds], wanted, places)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 1], [percent_of(np.array([one]), lang) for one in (0, 1)])
    axes.set_title(tell(OF_ALL, lang), fontsize=7.5, color=GREY, loc="left", pad=4)
    shown = years >= axes.get_xlim()[0]  # `_frame` left out what comes before the first movement
    step = 1 + int(shown.sum()) // 9
    axes.set_xticks(_middles(years)[shown][::step], [f"{year:g}" for year in years[shown][::step]])


def _kinds(study: LoopStudy | ModelStudy, lang: str) -> list[tuple[str, np.ndarray, str]]:
    """Return label, (time,) part and fill of each kind of loop, from the bottom up."""
    if "activity" in study.shares:
        parts = kind_parts(study)
        return [(tell(key, lang), parts[kind], fill) for kind, key, fill in KIND_LOOKS]
    named = mean_size(study.shares["named"].values)
    return [(tell("loops shown", lang), named, INK), (tell("weaker loops", lang), 1 - named, FAINT)]


def plot_waterfall(study: LoopStudy, labels: Labels, lang: str = "en", element: str | None = None) -> Figure:
    """Draw the split of the study's output in the last year.

    `study`: with `adds` of one output; `element`: of a subscripted output, the sum over elements if not given.
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
        unit = tell(UNIT, lang, unit=scale.unit or tell("dimensionless", lang))
        figure.text(0.03, 1 - 0.62 / height, unit, fontsize=7.5, color=GREY, va="top")
        method = "\n".join(foot_lines(_method(study, lang), 6.8, 6.2))
        figure.text(0.03, 0.1 / height, method, fontsize=6.2, color=GREY, va="bottom")
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
    _write(axes, 0, here, digits(here), bold=True, left=change and here < 0)
    for place, (_, value, spread) in enumerate(rows, 1):
        step, half = value / scale.factor, spread / scale.factor
        draw_step(axes, place, here, step)
        axes.plot([here, here], [place - 1.31 + 0.62, place + 0.31], color=GREY, linewidth=0.6, zorder=1)
        here += step
        if spread > 0:
            axes.plot([here - half, here + half], [place, place], color=INK, linewidth=1.0, zorder=3)
            reach += [here - half, here + half]
        reach.append(here)
        x = max(here, here - step, here + half) if step >= 0 else min(here, here - step, here - half)
        _write(axes, place, x, signed(step), left=step < 0)
    final = len(rows) + 1
    if change:
        axes.barh(final, here, height=0.62, color=INK, zorder=2)
    else:
        axes.plot([start / scale.factor] * 2, [-0.4, 0.4], color=INK, linewidth=2.5)
        axes.plot([here] * 2, [final - 0.4, final + 0.4], color=INK, linewidth=2.5)
    _write(axes, final, here, digits(here), bold=True, left=change and here < 0)
    room = (max(reach) - min(reach)) or 1.0
    axes.set_xlim(min(reach) - 0.16 * room, max(reach) + 0.16 * room)
    axes.set_ylim(final + 0.6, -0.6)
    axes.set_yticks(range(final + 1), names)
    dress_bars(axes)
    mark_cut(axes, along="x")
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
    loops, where = len(study.names.loops), {name: about[name] for name in ("source", "model")}
    return tell(key, lang, **where, loops=loops, draws=study.adds.sizes["draw"], runs=2**loops)
