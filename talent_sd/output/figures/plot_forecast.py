"""Pictures of forecasts: a dataset in, a figure out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels, Sector
from talent_sd.output.figures.panels import (
    LABEL_SIZE,
    Line,
    draw_panel,
    end_labels,
    end_room,
    foot_lines,
    label_heights,
)
from talent_sd.output.speech import city_name, digits, scale_for, scenario_titles, source_line
from talent_sd.output.style import GREY, INK, heading, house_style, line_look, new_figure, save_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

LEFT, ACROSS, UP, BETWEEN, TOP, BOTTOM, EDGE, KEY = 0.52, 1.78, 1.35, 0.88, 1.12, 0.62, 0.12, 0.3
"""Inches: room left of a panel, its width and height, room between rows, margins, the key's height."""
FOOT = 6.2
"""Points of the note below."""
PRINTED = 8.0
"""Inches that a page has across; a picture is no wider, so that its letters are printed as large as they are drawn."""
KEY_COLUMNS, KEY_ROW = 3, 0.17
MANY_ALIKE = 4
"""More identical lines than this share one label."""
IDLE = N_("Not drawn, the same in every year and draw: {names}.")
NEXT_TO_NOTHING = 1e-6
LATER = frozenset({"cohort retention"})
"""Shares of a group that is formed on the way: drawn from the year before the first one in which they move."""
TOO_DIFFERENT = 8.0
"""Lines whose sizes differ by more than this factor are drawn as an index."""


@dataclass(frozen=True)
class Panel:
    """What one panel shows: lines in a unit under a title."""

    title: str
    unit: str
    lines: tuple[Line, ...]


def plot_overview(
    forecast: xr.Dataset, labels: Labels, lang: str = "en", scenario: str | None = None
) -> Figure:
    """Draw the headline outputs of one scenario, a panel each.

    Parameters
    ----------
    forecast : dims (scenario, draw, time, ...), as `simulate` gives it
    labels : names and the list of headline variables
    scenario : name on the scenario axis; the first if not given

    Raises
    ------
    InputError
        If the forecast holds none of the headline variables.
    """
    panels = [(name,) for name in labels.headline]
    return _plot_panels(forecast, panels, labels, tell("Ten-year forecast", lang), lang, scenario)


def plot_sector(
    forecast: xr.Dataset, sector: Sector, labels: Labels, lang: str = "en", scenario: str | None = None
) -> Figure:
    """Draw one sector of the model for one scenario, a panel for each group of its variables.

    Raises
    ------
    InputError
        If the forecast holds none of the sector's variables.
    """
    return _plot_panels(forecast, sector.plots, labels, sector.title[lang], lang, scenario)


MOST_LOOPS = 8


def plot_shares(loops: xr.Dataset, labels: Labels, lang: str = "en") -> Figure:
    """Draw the shares of the strongest loops over time, + where a loop reinforces.

    Parameters
    ----------
    loops : as `feedback_loops` gives them
    """
    share = loops["share"].transpose("loop", DRAW, TIME).dropna(TIME, how="all")
    strongest = (
        abs(share).mean((DRAW, TIME)).sortby(abs(share).mean((DRAW, TIME)), ascending=False)["loop"].values
    )
    lines = [
        Line(
            labels.element(str(name), lang),
            share[TIME].values,
            100 * np.nan_to_num(share.sel(loop=name).values),
            number,
        )
        for number, name in enumerate(strongest[:MOST_LOOPS])
    ]
    title = tell(N_("Shares of the loops' activity"), lang)
    panel = Panel(title, "%", tuple(lines))
    start = loops.attrs.get("forecast_from")
    name = city_name(loops, lang) or str(loops.attrs.get("model", ""))
    return compose(
        [panel], tell("Feedback loops", lang), name, source_line(loops, lang), lang, start, zero_line=True
    )


def save_forecast_plots(
    forecast: xr.Dataset,
    labels: Labels,
    lang: str,
    folder: Path,
    done: Callable[[int], None] = lambda _: None,
) -> None:
    """Write `overview.png` and `sector_<name>.png` for each sector; `done(1)` is called after each."""
    save_figure(plot_overview(forecast, labels, lang), folder / "overview.png")
    done(1)
    for sector in labels.sectors:
        if _shown(forecast.isel({SCENARIO: 0}), sector.plots)[0]:
            save_figure(plot_sector(forecast, sector, labels, lang), folder / f"sector_{sector.name}.png")
        done(1)


def _plot_panels(
    forecast: xr.Dataset,
    groups: Sequence[Sequence[str]],
    labels: Labels,
    title: str,
    lang: str,
    scenario: str | None,
) -> Figure:
    one = forecast.sel({SCENARIO: scenario}) if scenario else forecast.isel({SCENARIO: 0})
    start = forecast.attrs.get("forecast_from")
    shown, idle = _shown(one, groups)
    if not shown:  # nothing moves: flat lines say so
        shown, idle = idle, []
    if not shown:
        wanted = ", ".join(f"'{name}'" for group in groups for name in group)
        raise InputError("nothing to plot: the forecast has none of {wanted}.", wanted=wanted)
    panels = [panel_of(one, part, labels, lang, start) for part in shown]
    names = scenario_titles(forecast, lang)
    subtitle = tell(
        "{city} · {scenario}", lang, city=city_name(forecast, lang), scenario=names[str(one[SCENARIO].values)]
    )
    source = source_line(forecast, lang)
    if idle:
        told = (
            f"{labels.variable(name, lang)} {digits(float(one[name].values.flat[0]))}"
            for part in idle
            for name in part
        )
        source = f"{source}\n{tell(IDLE, lang, names=tell('; ', lang).join(told))}"
    return compose(panels, title, subtitle, source, lang, start)


Groups = Sequence[Sequence[str]]


def _shown(one: xr.Dataset, groups: Groups) -> tuple[list[list[str]], list[list[str]]]:
    """Return the panels of one scenario worth drawing, and those in which nothing ever moves, which would be empty."""
    present = [part for group in groups for part in _apart([name for name in group if name in one], one)]
    idle = [part for part in present if all(_still(one[name].values) for name in part)]
    return [part for part in present if part not in idle], idle


def _apart(names: list[str], one: xr.Dataset) -> list[list[str]]:
    """Return the variables of a panel; each its own panel where several have elements, whose names would repeat."""
    several = sum(set(one[name].dims) - {DRAW, TIME} != set() for name in names) > 1
    return [[name] for name in names] if several else [names] if names else []


def _still(values: np.ndarray) -> bool:
    """Return whether a variable never moves, in no draw and for no element."""
    return bool(np.ptp(values) <= NEXT_TO_NOTHING * max(1.0, float(np.abs(values).max())))


def panel_of(
    one: xr.Dataset, names: Sequence[str], labels: Labels, lang: str, index_at: float | None = None
) -> Panel:
    """Make a panel of one scenario's variables: a line for each, and for each element of a subscripted one.

    Lines of very different size become an index with the first forecast year at 100,
    and their labels then say the values at the start and at the end.
    """
    lines: list[Line] = []
    years = one[TIME].values
    unit = one[names[0]].attrs.get("units", "")
    for name in names:
        array = one[name].transpose(DRAW, TIME, ...)
        stacked = array.values.reshape(*array.shape[:2], -1)
        elements = (
            [e for dim in array.dims[2:] for e in array[dim].values.tolist()] if array.ndim == 3 else []
        )
        for column in range(stacked.shape[2]):
            label = labels.element(str(elements[column]), lang) if elements else labels.variable(name, lang)
            lines.append(Line(label, years, stacked[:, :, column], len(lines)))
    if LATER.issuperset(names):
        moving = [np.flatnonzero((line.values != line.values[:, :1]).any(axis=0)) for line in lines]
        first = max(0, min((int(own[0]) for own in moving if own.size), default=1) - 1)
        lines = [replace(line, years=line.years[first:], values=line.values[:, first:]) for line in lines]
    title = tell(", ", lang).join(_sentence(labels.variable(name, lang) for name in names))
    return _scaled(title, unit, _tidied(lines, lang), lang, index_at)


def _sentence(names: Iterable[str]) -> list[str]:
    """Names in a row: a capital stays on the first one and on abbreviations."""
    first, *others = names
    return [first, *(name[:1].lower() + name[1:] if name[1:2].islower() else name for name in others)]


def _tidied(lines: Sequence[Line], lang: str) -> list[Line]:
    """Drop lines that are zero throughout, such as a policy that is off; write many alike as one.

    If all are zero, one line says so.
    """
    if len(lines) < 2:
        return list(lines)
    busy = [line for line in lines if np.any(line.values != 0)]
    if not busy:
        return [replace(lines[0], label=tell("none in this scenario", lang), note=True)]
    alike: dict[bytes, list[Line]] = {}
    for line in busy:
        alike.setdefault(line.values.tobytes(), []).append(line)
    kept: list[Line] = []
    for group in alike.values():
        if len(group) > MANY_ALIKE:
            key = N_("all {count}") if len(group) == len(busy) else N_("{count} others", "plot")
            kept.append(replace(group[0], label=tell(key, lang, count=len(group)), note=True))
        else:
            kept.extend(group)
    return [replace(line, note=len(kept) == 1) for line in kept]


def _scaled(title: str, unit: str, lines: Sequence[Line], lang: str, index_at: float | None) -> Panel:
    sizes = [float(np.nanmax(np.abs(line.middle), initial=0.0)) for line in lines]
    # an index makes no sense of what can be zero or a debt
    positive = all(np.all(line.values > 0) for line in lines)
    if len(lines) > 1 and positive and max(sizes) / min(sizes) > TOO_DIFFERENT:
        return _indexed(title, unit, lines, lang, index_at)
    scale = scale_for(max(sizes), unit, lang)
    scaled = tuple(replace(line, values=line.values / scale.factor) for line in lines)
    return Panel(title, scale.unit or tell("dimensionless", lang), scaled)


def _indexed(title: str, unit: str, lines: Sequence[Line], lang: str, index_at: float | None) -> Panel:
    years = lines[0].years
    base = int(np.argmin(np.abs(years - index_at))) if index_at is not None else 0
    indexed = []
    for line in lines:
        first, last = line.middle[base], line.middle[-1]
        scale = scale_for(max(abs(first), abs(last)), unit, lang)
        span = tell(
            "{first} → {last} {unit}",
            lang,
            first=digits(first / scale.factor),
            last=digits(last / scale.factor),
            unit=scale.unit,
        )
        indexed.append(
            replace(
                line,
                values=line.values / line.values[:, base : base + 1] * 100,
                label=f"{line.label}\n{span}",
            )
        )
    return Panel(title, tell("index, {year} = 100", lang, year=int(years[base])), tuple(indexed))


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

    Each column is as wide as a panel plus the widest label written at its lines' ends.
    """
    top = TOP + (KEY + KEY_ROW * ((len(key) - 1) // KEY_COLUMNS) if key else 0)
    up = max([UP, *(sum(label_heights(end_labels(panel.lines))) / 72 for panel in panels if not key)])
    with house_style():
        for columns in (3, 2, 1):  # as many as a printed page takes at this size
            columns = min(columns, len(panels))
            rooms = [_label_room(panels[column::columns], bool(key)) for column in range(columns)]
            width = max(columns * (LEFT + ACROSS) + sum(rooms) + EDGE, 4.6)
            if width <= PRINTED:
                break
        rows = math.ceil(len(panels) / columns)
        foot = [line for part in source.splitlines() for line in foot_lines(part, width - LEFT, FOOT)]
        bottom = BOTTOM + 0.115 * (len(foot) - 1)
        height = top + rows * (up + BETWEEN) - BETWEEN + bottom
        figure = new_figure(width, height)
        for position, panel in enumerate(panels):
            row, column = divmod(position, columns)
            x = LEFT + column * (LEFT + ACROSS) + sum(rooms[:column])
            y = height - top - up - row * (up + BETWEEN)
            axes = figure.add_axes((x / width, y / height, ACROSS / width, up / height))
            heading_room = LEFT / 2 + ACROSS + rooms[column]
            draw_panel(
                axes,
                panel.lines,
                title=_fitted(panel.title, heading_room, lang),
                unit=panel.unit,
                letter=chr(ord("a") + position),
                lang=lang,
                forecast_from=forecast_from,
                zero_line=zero_line,
                label_lines=not key,
            )
        left = (LEFT - 24 / 72) / width
        figure.text(left, 1 - 0.16 / height, title, fontsize=12, va="top", **heading())
        figure.text(left, 1 - 0.42 / height, subtitle, fontsize=8.5, color=GREY, va="top")
        figure.text(left, 0.12 / height, "\n".join(foot), fontsize=FOOT, color=GREY, va="bottom")
        if key:
            _draw_key(figure, key, left, 1 - 0.68 / height)
    return figure


def _fitted(title: str, room: float, lang: str) -> str:
    """Leave the last of several names out of a heading until it fits the room (inches)."""
    comma = tell(", ", lang)
    text = title
    while text_width(text, fontsize=9, **heading()) > room and comma in title:
        title = title.rpartition(comma)[0]
        text = f"{title}{comma}…"
    return text


def text_width(text: str, **look: Any) -> float:
    """Width of a text in inches."""
    scratch = new_figure(1, 1)
    return scratch.text(0, 0, text, **look).get_window_extent().width / scratch.dpi


def _label_room(panels: Sequence[Panel], keyed: bool) -> float:
    """Width (inches) that the labels at the ends of these panels' lines need."""
    bars = max(end_room(panel.lines) for panel in panels) / 72
    if keyed:
        return 0.1 + bars
    labels = [label for panel in panels for label in end_labels(panel.lines)]
    return max(text_width(label, fontsize=LABEL_SIZE) for label in labels) + 0.1 + bars


def _draw_key(figure: Figure, lines: Sequence[Line], left: float, top: float) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], **line_look(line.style), markersize=3.2, markevery=[-1], label=line.label)
        for line in lines
    ]
    legend = figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(left, top),
        frameon=False,
        ncols=min(len(lines), KEY_COLUMNS),
        fontsize=8,
        borderpad=0,
        borderaxespad=0,
        handlelength=3.2,
        columnspacing=2.0,
        labelcolor=INK,
    )
    legend.set_in_layout(False)
