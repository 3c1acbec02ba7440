"""Pictures of forecasts: a dataset in, a figure out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import BANDS as DRAWN
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels, Sector
from talent_sd.output.figures.panels import FIRST_SHOWN, Line, outline
from talent_sd.output.figures.sheet import Panel, band_words, compose, panel_letter, unit_drawn, up_to
from talent_sd.output.headline_outputs import NOTES
from talent_sd.output.speech import city_name, digits, scale_for, scenario_titles, source_line
from talent_sd.output.style import (
    save_figure,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Known = Mapping[str, Sequence[tuple[float, float]]]
NOTHING_KNOWN: Known = MappingProxyType({})
MANY_ALIKE = 4
"""More identical lines than this share one label."""
IDLE = N_("Not drawn, the same in every year and draw: {names}.")
NOTHING = N_("Not drawn, next to nothing in 95 % of the draws: {names}.")
ZEROS = N_("Not drawn, zero throughout: {names}.")
TOGETHER = N_("On one another, apart by less than their width: {names}.")
THIN = 0.008
"""Lines that nowhere are farther apart than this part of what their panel spans lie on one another."""
SPAN = N_("{low} to {high}", "plot")
LEAPT = N_("{name} as counted leap in {years}: borders or the way of counting changed.")
NEXT_TO_NOTHING, ROUNDING = 1e-6, 1e-12
SMALL = 1e-4
"""A dimensionless variable that stays below is next to nothing: an axis of its own would blow it up."""
LEAP = 0.1
"""People do not grow by a larger part in a year."""
LATER = frozenset({"cohort retention"})
"""Shares of a group that is formed on the way: drawn from the year before the first one in which they move."""
TOO_DIFFERENT = 8.0
"""Lines whose sizes differ by more than this factor are drawn as an index."""


def plot_overview(
    forecast: xr.Dataset,
    labels: Labels,
    lang: str = "en",
    scenario: str | None = None,
    known: Known = NOTHING_KNOWN,
) -> Figure:
    """Draw the headline outputs of one scenario, a panel each.

    Parameters
    ----------
    forecast : dims (scenario, draw, time, ...), as `simulate` gives it
    labels : names and the list of headline variables
    scenario : name on the scenario axis; the first if not given
    known : variable -> (year, value) of what was counted, as `known_figures` gives it

    Raises
    ------
    InputError
        If the forecast holds none of the headline variables.
    """
    panels = [(name,) for name in labels.headline]
    title = N_("Ten-year forecast") if "city_en" in forecast.attrs else N_("Course of the model")
    return _plot_panels(forecast, panels, labels, tell(title, lang), lang, scenario, known)


def plot_sector(
    forecast: xr.Dataset, sector: Sector, labels: Labels, lang: str = "en", scenario: str | None = None,
    known: Known = NOTHING_KNOWN,
) -> Figure:  # fmt: skip
    """Draw one sector of the model for one scenario, a panel for each group of its variables.

    Raises
    ------
    InputError
        If the forecast holds none of the sector's variables.
    """
    return _plot_panels(forecast, sector.plots, labels, sector.title[lang], lang, scenario, known)


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
        [panel],
        tell("Feedback loops", lang),
        name,
        source_line(loops, lang, band_words([panel]), start),
        lang,
        start,
        zero_line=True,
    )


def save_forecast_plots(
    forecast: xr.Dataset,
    labels: Labels,
    lang: str,
    folder: Path,
    done: Callable[[int], None] = lambda _: None,
    known: Known = NOTHING_KNOWN,
) -> None:
    """Write `overview.png` and `sector_<name>.png` for each sector; `done(1)` is called after each."""
    save_figure(plot_overview(forecast, labels, lang, known=known), folder / "overview.png")
    done(1)
    for sector in labels.sectors:
        own = _of_panels(forecast, sector.plots)
        if _shown(own.isel({SCENARIO: 0}), sector.plots)[0]:
            figure = plot_sector(own, sector, labels, lang, known=known)
            save_figure(figure, folder / f"sector_{sector.name}.png")
        done(1)


def _plot_panels(
    forecast: xr.Dataset,
    groups: Sequence[Sequence[str]],
    labels: Labels,
    title: str,
    lang: str,
    scenario: str | None,
    known: Known,
) -> Figure:
    own = _of_panels(forecast, groups)
    one = own.sel({SCENARIO: scenario}) if scenario else own.isel({SCENARIO: 0})
    start = forecast.attrs.get("forecast_from")
    shown, idle = _shown(one, groups)
    if not shown:  # nothing moves: flat lines say so
        shown, idle = idle, []
    if not shown:
        wanted = ", ".join(f"'{name}'" for group in groups for name in group)
        raise InputError("nothing to plot: the forecast has none of {wanted}.", wanted=wanted)
    panels = [panel_of(one, part, labels, lang, start, known) for part in shown]
    names = scenario_titles(forecast, lang)
    subtitle = tell(
        "{city} · {scenario}", lang, city=city_name(forecast, lang), scenario=names[str(one[SCENARIO].values)]
    )
    line = None if start == one[TIME].values[0] else start  # where there is none, none is explained
    lines = [source_line(forecast, lang, band_words(panels), line)]
    still, nothing = (
        [_span(one[name], labels, lang) for part in idle for name in part if _still(one[name]) == of]
        for of in (True, False)
    )
    zeros, together = (
        [
            tell(
                N_("{names} ({letter})", "plot"),
                lang,
                names=tell(", ", lang).join(own),
                letter=panel_letter(place),
            )
            for place, panel in enumerate(panels)
            for own in found(panel)
        ]
        for found in (lambda panel: [panel.zeros] if panel.zeros else [], _on_one_another)
    )
    lines += [
        tell(key, lang, names=tell("; ", lang).join(names))
        for key, names in ((IDLE, still), (NOTHING, nothing), (ZEROS, zeros), (TOGETHER, together))
        if names
    ]
    drawn = [name for part in shown for name in part]
    lines += [tell(NOTES[name], lang) for name in drawn if name in NOTES]
    lines += [
        tell(LEAPT, lang, name=labels.variable(name, lang), years=tell(", ", lang).join(map(str, years)))
        for name in drawn
        if (years := _leaps(known.get(name, ()))) and one[name].attrs.get("units") == "person"
    ]
    return compose(panels, title, subtitle, "\n".join(lines), lang, start)


def _on_one_another(panel: Panel) -> list[list[str]]:
    """Return what lines are called that hide one another from the first year to the last."""
    edges = np.concatenate([np.ravel(outline(line, len(panel.lines))) for line in panel.lines])
    room = THIN * (np.nanmax(edges) - min(0.0, float(np.nanmin(edges))))
    groups: list[list[Line]] = []
    for line in panel.lines:
        near = (own for own in groups if len(own[0].middle) == len(line.middle)
                and np.nanmax(np.abs(own[0].middle - line.middle)) <= room)  # fmt: skip
        if (group := next(near, None)) is None:
            groups.append([line])
        else:
            group.append(line)
    return [[line.label.partition("\n")[0] for line in own] for own in groups if len(own) > 1]


Groups = Sequence[Sequence[str]]


def _of_panels(forecast: xr.Dataset, groups: Groups) -> xr.Dataset:
    """Return a forecast with what panels show alone, if it has any: to pick a scenario of every variable takes long."""
    shown = {name for group in groups for name in group if name in forecast}
    return forecast[sorted(shown)] if shown else forecast


def _shown(one: xr.Dataset, groups: Groups) -> tuple[list[list[str]], list[list[str]]]:
    """Return the panels of one scenario worth drawing, and those in which nothing ever moves, which would be empty."""
    present = [part for group in groups for part in _apart([name for name in group if name in one], one)]
    idle = [
        part for part in present if all(_still(one[name]) or _next_to_nothing(one[name]) for name in part)
    ]
    return [part for part in present if part not in idle], idle


def _apart(names: list[str], one: xr.Dataset) -> list[list[str]]:
    """Return the variables of a panel; each its own panel where several have elements, whose names would repeat."""
    several = sum(set(one[name].dims) - {DRAW, TIME} != set() for name in names) > 1
    return [[name] for name in names] if several else [names] if names else []


def _still(array: xr.DataArray) -> bool:
    """Return whether a variable never moves, in no draw and for no element."""
    return bool(np.ptp(array.values) <= NEXT_TO_NOTHING * max(1.0, float(np.abs(array.values).max())))


def _span(array: xr.DataArray, labels: Labels, lang: str) -> str:
    """Return a variable's name, and from where to where it goes in all draws."""
    ends = [digits(float(end)) for end in (array.min(), array.max())]
    told = tell(SPAN, lang, low=ends[0], high=ends[1]) if len(set(ends)) > 1 else ends[0]
    return f"{labels.variable(str(array.name), lang)} {told}"


def _next_to_nothing(array: xr.DataArray) -> bool:
    """Return whether a share or a ratio is next to nothing in all that would be drawn."""
    drawn = np.quantile(array.transpose(DRAW, ...).values, DRAWN[95], axis=0)
    return array.attrs.get("units", "") in ("Dmnl", "1") and bool(np.abs(drawn).max() <= SMALL)


def _leaps(counted: Sequence[tuple[float, float]]) -> list[int]:
    """Return the years that are drawn in which what was counted leaps against the year before."""
    values = {int(year): value for year, value in counted}
    return [year for year in values if year > FIRST_SHOWN and year - 1 in values
            and abs(values[year] / values[year - 1] - 1) > LEAP]  # fmt: skip


def panel_of(
    one: xr.Dataset, names: Sequence[str], labels: Labels, lang: str, index_at: float | None = None,
    known: Known = NOTHING_KNOWN,
) -> Panel:  # fmt: skip
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
        # what rounding left of a difference is nothing, or it would fill an axis of its own
        stacked = np.where(np.abs(stacked) <= ROUNDING * np.abs(stacked).max(initial=0), 0.0, stacked)
        elements = [tell(", ", lang).join(labels.element(str(one), lang) for one in ones)
                    for ones in product(*(array[dim].values.tolist() for dim in array.dims[2:]))]  # fmt: skip
        elements = elements if array.ndim > 2 else []
        for column in range(stacked.shape[2]):
            label = elements[column] if elements else labels.variable(name, lang)
            counted = () if elements else known.get(name, ())
            lines.append(Line(label, years, stacked[:, :, column], len(lines), known=counted))
    if LATER.issuperset(names):
        moving = [np.flatnonzero((line.values != line.values[:, :1]).any(axis=0)) for line in lines]
        first = max(0, min((int(own[0]) for own in moving if own.size), default=1) - 1)
        lines = [replace(line, years=line.years[first:], values=line.values[:, first:]) for line in lines]
    title = tell(", ", lang).join(_sentence(labels.variable(name, lang) for name in names))
    kept, zeros = _tidied(lines, lang)
    most = min(labels.told_up_to.get(name, np.inf) for name in names)
    panel = _scaled(title, unit, up_to(kept, most, lang), lang, index_at)
    return replace(panel, unit=unit_drawn(panel.unit, panel.lines, lang), zeros=zeros)


def _sentence(names: Iterable[str]) -> list[str]:
    """Names in a row: a capital stays on the first one and on abbreviations."""
    first, *others = names
    return [first, *(name[:1].lower() + name[1:] if name[1:2].islower() else name for name in others)]


def _tidied(lines: Sequence[Line], lang: str) -> tuple[list[Line], tuple[str, ...]]:
    """Take out lines that are zero throughout, such as a policy that is off, and return what they are called.

    Many alike are written as one; if all are zero, one line says so.
    """
    if len(lines) < 2:
        return list(lines), ()
    busy = [line for line in lines if np.any(line.values != 0)]
    if not busy:
        return [replace(lines[0], label=tell("none in this scenario", lang), note=True)], ()
    zeros = tuple(line.label for line in lines if not np.any(line.values != 0))
    if len(zeros) > MANY_ALIKE:
        zeros = (tell(N_("{count} others", "plot"), lang, count=len(zeros)),)
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
    return [replace(line, note=len(kept) == 1) for line in kept], zeros


def _scaled(title: str, unit: str, lines: Sequence[Line], lang: str, index_at: float | None) -> Panel:
    sizes = [float(np.nanmax(np.abs(line.middle), initial=0.0)) for line in lines]
    # an index makes no sense of what can be zero or a debt
    positive = all(np.all(line.values > 0) for line in lines)
    if len(lines) > 1 and positive and max(sizes) / min(sizes) > TOO_DIFFERENT:
        return _indexed(title, unit, lines, lang, index_at)
    drawn = max(float(np.nanmax(np.abs(outline(line, len(lines))), initial=0.0)) for line in lines)
    scale = scale_for(drawn, unit, lang)
    scaled = tuple(line.divided(scale.factor) for line in lines)
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
                line.divided(first / 100),
                values=line.values / line.values[:, base : base + 1] * 100,
                label=f"{line.label}\n{span}",
            )
        )
    return Panel(title, tell("index, {year} = 100", lang, year=int(years[base])), tuple(indexed))
