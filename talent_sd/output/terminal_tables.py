"""Tables for the terminal, and the one way in which any of them is made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.cells import cell_len
from rich.containers import Lines
from rich.table import Column, Table
from rich.text import Text

from talent_sd.base.dims import CITY, DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, tell
from talent_sd.forecast.compare import RELATIVE, probability_better
from talent_sd.inputs.labels import Labels
from talent_sd.inputs.setting_checks import shock_constant
from talent_sd.output.figures.plot_comparison import by_change
from talent_sd.output.headline_outputs import TOTAL, Output, headline_outputs, notes_of
from talent_sd.output.speech import (
    Scale,
    city_name,
    hundredth,
    interval,
    one_run_note,
    percent,
    pieces,
    scale_for,
    scenario_titles,
    sentences,
    signed,
    span,
    unit_label,
)

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console, ConsoleOptions, RenderResult

    from talent_sd.forecast.scenario_diff import Difference

NO_PER_CENT = N_("No per cent is told of years, nor of what may be nought or below.")
ROW_UNIT = N_("For these the last column is in the row's own unit.")
ROW_UNIT_OR_NONE = N_(
    "For these the last column is in the row's own unit, or “–” for years that are told only up to a limit."
)
CITIES = N_("{output} in {year}, change against {baseline}")
CITIES_INTERVAL = N_("Median of {draws} draws, 80 % interval, share of draws better than the baseline.")
COMPARISON = N_("{city}, {year}: difference from the baseline ({baseline})")
DIFFERENCES = N_(
    "Medians of the differences in each of {draws} draws, not differences of medians; 80 % intervals."
)
CENTRAL = N_(
    "One central run: every uncertain number at its central value, so no intervals. Medians of draws differ from it."
)
FORECAST = N_("{city}: {scenario}")

MOST_COLUMNS = 2


class Told(str):
    """A cell's text with the relative changes that it tells, in full, for a workbook."""

    shares: tuple[float, ...]

    def __new__(cls, text: str, *shares: float) -> Told:
        """Keep both."""
        told = super().__new__(cls, text)
        told.shares = shares
        return told


class Fitted(Table):
    """A table no wider than its terminal: what would be cut off is folded, and no line breaks inside a number and its unit."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show it with looser columns, as far as there is need."""
        shown = copy(self)
        shown.title, shown.caption = _prose(self.title), _prose(self.caption)
        shown.columns = [
            replace(one, _cells=[*map(_prose, one._cells)], overflow="fold") for one in self.columns
        ]
        room, ample = options.max_width - shown._extra_width, options.update_width(10 * options.max_width)
        for looser in ({"width": None}, {"min_width": None}, {"no_wrap": False}):
            widths = shown._calculate_column_widths(console, options.update_width(room))
            whole = [shown._measure_column(console, ample, one).maximum for one in shown.columns]
            # a Chinese character with its padding takes up to four cells
            least = [
                all_ if one.no_wrap else min(4, all_) for one, all_ in zip(shown.columns, whole, strict=True)
            ]
            cut = any(wide < need for wide, need in zip(widths, least, strict=True))
            if sum(widths) <= room and not cut:
                break
            shown.columns = [replace(one, **looser) for one in shown.columns]  # type: ignore[arg-type]
        yield from Table.__rich_console__(shown, console, options)


class Prose(Text):
    """A text that breaks between `pieces` only."""

    def wrap(self, console: Console, width: int, **look: Any) -> Lines:
        """Break it."""
        if look.get("no_wrap") or self.no_wrap or look.get("overflow") == "ignore":
            return super().wrap(console, width, **look)
        lines: list[Text] = []
        for line in self.split(allow_blank=True):
            places, place, used = [], 0, 0
            for piece in pieces(line.plain):
                own = cell_len(piece.rstrip())
                if used and used + own > width:
                    places.append(place)
                    used = 0
                place, used = place + len(piece), used + cell_len(piece)
            lines += line.divide(places)
        for line in lines:
            line.rstrip()
        look["justify"] = look.get("justify") or self.justify
        return Text("\n").join(lines).wrap(console, width, **look)


def _prose(cell: Any) -> Any:
    """Return a text as one that breaks well; anything else as it is."""
    if isinstance(cell, str):
        return Prose(cell)
    if not isinstance(cell, Text):
        return cell
    look = {key: getattr(cell, key) for key in ("style", "justify", "overflow", "no_wrap", "spans")}
    return Prose(cell.plain, **look)


def rich_table(title: str, *columns: Column, style: str = "bold", **look: Any) -> Table:
    """Return a table without rows; no text of a user's in it is obeyed as markup.

    Parameters
    ----------
    columns : as `words` and `numbers` make them
    style : of the title
    look : what rich's own Table takes
    """
    heading = Text(title, style=style)
    table = Fitted(*columns, title=heading, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, **look)
    table.caption_justify = "left"
    return table


def explain(table: Table, *told: str, lang: str = "en") -> None:
    """Write sentences below a table, after what stands there."""
    table.caption = sentences(lang, str(table.caption or ""), *told) or None


def words(*headings: str, **look: Any) -> list[Column]:
    """Return columns of text."""
    return [Column(Text(heading), **look) for heading in headings]


def numbers(*headings: str, **look: Any) -> list[Column]:
    """Return columns of numbers."""
    return words(*headings, justify="right", **look)


def forecast_table(forecast: xr.Dataset, labels: Labels, lang: str = "en") -> Table:
    """Make the table of the first scenario's headline outputs: some years, and the change over the forecast.

    Of several draws the median, and below it the 80 % interval.
    """
    many = forecast.sizes.get(DRAW, 1) > 1
    since = forecast.attrs.get("forecast_from", float(forecast[TIME][0]))
    years = [year for year in shown_years(forecast) if year >= since or not many]  # intervals take much room
    first, *_ = scenario_titles(forecast, lang).values()
    wide = 20 if many and lang == "zh" else None  # where a word has no place to break
    table = rich_table(
        tell(FORECAST, lang, city=city_name(forecast, lang), scenario=first),
        *words(tell("Output", lang), min_width=12 + 2 * many, width=wide, overflow="fold"),
        *([] if many else words(tell("Unit", lang), min_width=6, overflow="fold")),
        *numbers(*(f"{year:g}" for year in years), no_wrap=True),
        *numbers(tell("since {year}", lang, year=f"{since:g}"), min_width=7),
    )
    outputs = list(headline_outputs(forecast.isel({SCENARIO: 0}), labels))
    for one in outputs:
        shown = [one.values.sel({TIME: year}) for year in years]
        medians = np.array([float(values.median()) for values in shown])
        largest = float(np.nanmax(np.abs(medians), initial=0.0))
        scale = scale_for(min(largest, one.most), one.unit, lang)
        cells = [one.level(value, scale, largest, lang) for value in medians]
        title = [one.title(labels, lang), scale.unit]
        if many:
            ends = [one.band(*interval(values), scale, lang) for values in shown]
            cells = [f"{cell}\n{band}" for cell, band in zip(cells, ends, strict=True)]
            title = ["\n  ".join(filter(None, title))]
        table.add_row(*title, *cells, since_text(one, since, scale, lang))
    apart = [one for one in outputs if np.isnan(one.since(since)[1])]
    unit = ROW_UNIT if all(one.most == np.inf for one in apart) else ROW_UNIT_OR_NONE
    keys = [NO_PER_CENT, unit] * bool(apart)
    explain(table, run_note(forecast, lang), *notes_of(outputs, lang, *keys), lang=lang)
    return table


def since_text(one: Output, year: float, scale: Scale, lang: str = "en") -> str:
    """Write an output's change from a year to the last: in per cent where that is a number, else in its unit."""
    change, relative = one.since(year)
    if relative == relative:
        return Told(percent(relative, lang), relative)
    return "–" if one.most < np.inf else signed(change / scale.factor)


def run_note(forecast: xr.Dataset, lang: str = "en") -> str:
    """Say what the numbers of a dataset are: medians of so many draws, or one central run; "" of another model."""
    draws = int(forecast.attrs.get("draws", forecast.sizes.get(DRAW, 1)))
    if draws > 1:
        return tell(
            "Medians of {draws} draws, each with its 80 % interval; changes are medians of the draws' own.",
            lang,
            draws=draws,
        )
    if f"{CITY}_en" not in forecast.attrs:
        return ""
    return one_run_note(forecast, lang) if "sampling" in forecast.attrs else tell(CENTRAL, lang)


def comparison_table(change: xr.Dataset, labels: Labels, lang: str = "en") -> Table:
    """Make the table of differences from the baseline in the last year: a row per output.

    Parameters
    ----------
    change : as `compare` gives it; with several draws the 80 % interval is shown too
    """
    titles = scenario_titles(change, lang)
    last = change.isel({TIME: -1})
    baseline = change.attrs.get(f"baseline_title_{lang}", change.attrs.get("baseline", ""))
    year = f"{float(last[TIME]):g}"
    long = len(titles) > MOST_COLUMNS  # then a row for each: more columns than a terminal is wide help nobody
    table = rich_table(
        tell(COMPARISON, lang, city=city_name(change, lang), baseline=baseline, year=year),
        *words(tell("Output", lang), tell("Unit", lang), *([tell("Scenario", lang)] if long else [])),
        *numbers(*([tell("Difference", lang)] if long else titles.values())),
    )
    outputs = list(headline_outputs(last, labels))
    for one in outputs:
        scale = scale_for(one.largest, one.unit, lang)
        ahead = (one.title(labels, lang), scale.unit)
        cells = [_difference(one.at(scenario=name), scale, lang) for name in titles]
        if not long:
            table.add_row(*ahead, *cells)
            continue
        for number, (title, cell) in enumerate(zip(titles.values(), cells, strict=True)):
            table.add_row(*(ahead if number == 0 else ("", "")), Text(title), cell)
        table.add_section()
    draws = change.sizes.get(DRAW, 1)
    told = tell(DIFFERENCES, lang, draws=draws) if draws > 1 else ""
    blank = np.isnan([one.at(scenario=name).told.share for one in outputs for name in titles]).any()
    explain(table, told, *notes_of(outputs, lang, *[NO_PER_CENT] * int(blank)), lang=lang)
    return table


def cities_table(change: xr.Dataset, labels: Labels, lang: str = "en") -> Table:
    """Make the table of relative changes of total talent in the last year: a row a city, a column a scenario.

    Parameters
    ----------
    change : dims (scenario, city, draw, time), as `compare_cities` gives it
    """
    last = change[TOTAL + RELATIVE].isel({TIME: -1})
    better = probability_better(last)
    year, baseline = f"{float(last[TIME]):g}", change.attrs.get(f"baseline_title_{lang}", "")
    titles = scenario_titles(change, lang)
    table = rich_table(
        tell(CITIES, lang, year=year, baseline=baseline, output=labels.variable(TOTAL, lang)),
        *words(tell("City", lang), no_wrap=True),
        *numbers(*titles.values()),
    )
    if last.sizes[DRAW] > 1:
        explain(table, tell(CITIES_INTERVAL, lang, draws=change.attrs.get("draws", last.sizes[DRAW])))
    for city in by_change(last):
        cells = []
        for scenario in titles:
            place = {CITY: city, SCENARIO: scenario}
            one = last.sel(place)
            shares = [float(one.median())]
            cell = percent(shares[0], lang)
            if one.sizes[DRAW] > 1:
                low, high = interval(one)
                shares += low, high
                held = tell("better in {chance} %", lang, chance=hundredth(float(better.sel(place))))
                cell += f"\n{percent(low, lang)} … {percent(high, lang)}\n{held}"
            cells.append(Told(cell, *shares))
        table.add_row(Text(str(change[f"{CITY}_{lang}"].sel({CITY: city}).item())), *cells)
    return table


def shown_years(forecast: xr.Dataset) -> list[float]:
    """Years that fit a terminal: the first, the forecast's start, its middle and its end."""
    years = forecast[TIME].values.tolist()
    start = forecast.attrs.get("forecast_from", years[0])
    middle = years[(years.index(start) + len(years) - 1) // 2] if start in years else years[len(years) // 2]
    return sorted({years[0], start, middle, years[-1]})


def _difference(one: Output, scale: Scale, lang: str) -> str:
    """Write a change, the relative one, and its 80 % interval where there are several draws."""
    told, text = one.told, signed(one.told.middle / scale.factor)
    shares = (told.share,) * bool(np.isfinite(told.share))
    if shares:
        text += f" ({percent(told.share, lang)})"
    if one.values.sizes.get(DRAW, 1) > 1:
        text += f"\n{span(told.low / scale.factor, told.high / scale.factor)}"
    return Told(text, *shares)


PARTS = {
    "policies": N_("Policies"), "assumptions": N_("Assumptions"), "shocks": N_("Shocks"),
    "budget": N_("Budget"), "context": N_("National path", "difference"), "city": N_("City's start values"),
}  # fmt: skip
LARGE = 1e6
"""Numbers from here on are cut to six digits, so that two stand side by side."""


def diff_table(
    differences: Sequence[Difference], titles: tuple[str, str], labels: Labels, lang: str = "en"
) -> Table:
    """Make the table: a part after the other, each value above the place where it was written.

    Parameters
    ----------
    titles : what the two scenarios are called
    """
    heading = tell("What differs: {first} → {second}", lang, first=titles[0], second=titles[1])
    setting = tell(N_("Setting", "difference"), lang)
    table = rich_table(heading, *words(setting, *titles, overflow="fold"))
    for part, title in PARTS.items():
        rows = [item for item in differences if item.part == part]
        if not rows:
            continue
        table.add_row(Text(tell(title, lang), style="bold"))
        switched = {item.key for item in rows if "." not in item.key}
        for item in rows:
            sides = (_side(item.old, item.old_origin, lang), _side(item.new, item.new_origin, lang))
            table.add_row(_key(item, switched, labels, lang), *sides)
        table.add_section()
    return table


def _key(item: Difference, switched: set[str], labels: Labels, lang: str) -> Text:
    """Name what is set as the file does, short below a policy's own row; beneath it label and unit."""
    name, dot, rest = item.key.partition(".")
    below = item.part == "policies" and bool(dot) and name in switched
    label = ""
    if item.part == "policies" and not below:
        label = labels.element(name, lang)
    elif item.part == "shocks":
        label = labels.variable(shock_constant(name, rest), lang)
    elif item.part in ("assumptions", "city"):
        label = labels.variable(name.split("[")[0], lang)
    elif item.part == "context" and item.year:
        label = labels.variable(f"national {name.replace('_', ' ')}", lang)
        label = "" if label.startswith("national ") else label
    key = f"  .{rest}" if below else item.key
    key = tell("{variable}, {year}", lang, variable=key, year=item.year) if item.year else key
    # an English label only repeats the name, and a year needs no unit
    label = "" if lang == "en" else label
    unit = "" if item.unit == "year" else unit_label(item.unit, lang)
    note = tell(", ", lang).join(filter(None, (label, unit)))
    return Text.assemble(key, (f"\n{'  ' * below}{note}" if note else "", "dim"))


def _side(value: float | str | bool | None, origin: str, lang: str) -> Text:
    """Write a value, and below it where it stands."""
    if value is None:
        return Text(tell("not set", lang), style="dim")
    if isinstance(value, bool):
        text = tell(N_("on", "difference") if value else "off", lang)
    else:
        text = value if isinstance(value, str) else f"{value:.6g}" if abs(value) >= LARGE else f"{value:.12g}"
    return Text.assemble(text, (f"\n{short_place(origin)}", "dim"))


def short_place(source: str) -> str:
    """Name shipped files without their folder, which no narrow column holds; a user's own as they are.

    >>> short_place("scenarios/national/central.yaml:124"), short_place("my/plan.yaml:3")
    ('central.yaml:124', 'my/plan.yaml:3')
    """
    return re.sub(r"\bscenarios/(?:\w+/)?(?=[\w-]+\.yaml)", "", source)
