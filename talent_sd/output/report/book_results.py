"""The reviewer's book: what comes out of the model, and which loops and constants carry it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.attribution import PART
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.language import N_
from talent_sd.forecast.spread import SOURCES
from talent_sd.loops.loop_shares import KIND, KINDS, LOOP, NAMED, OTHER_ROUTES, REST, TURNOVER
from talent_sd.output.headline_outputs import TOTAL
from talent_sd.output.loops.loop_numbers import mean_size, three_years
from talent_sd.output.report.book_sources import BookSources
from talent_sd.output.report.book_tables import Rows
from talent_sd.output.report.html_pieces import Table, plain_table
from talent_sd.output.speech import digits, signed

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loop_names import NamedLoop

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
KIND_NAMES = {
    NAMED: N_("Named loops together"),
    OTHER_ROUTES: N_("Other routes of the named loops"),
    TURNOVER: N_("Stocks' own turnover"),
    REST: N_("Loops without a name"),
}
SOURCE_NAMES = dict(
    zip(SOURCES, (N_("Constants"), N_("Province noise"), N_("City noise"), N_("National path")), strict=True)
)


@dataclass(frozen=True)
class LoopCase:
    """A scenario's effect on total talent in a city, taken apart by loops.

    `opened`: loop -> how much smaller the effect of the last year is when that loop alone is open.
    """

    study: LoopStudy
    opened: Mapping[str, float]


@dataclass(frozen=True)
class Forecast:
    """The forecast that the book tells.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...), the baseline first
    change : of the other scenarios against it, as `compare` gives it
    variance : where the spread of the last year comes from, as `variance_table` gives it
    constants : (constant, rank correlation with total talent of the last year), from draws of constants alone
    """

    spread: xr.Dataset
    change: xr.Dataset
    variance: pd.DataFrame
    constants: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class BookResults(BookSources):
    """The tables of results: the forecast, its spread, and three measures of the loops side by side."""

    forecast: Forecast | None = None
    cases: Sequence[LoopCase] = ()

    # ---- the forecast ------------------------------------------------------------------------------

    def _band(self, values: xr.DataArray, factor: float, *, sign: bool = False) -> list[str]:
        """Return median and ends of the 80 % band of the last year, in words."""
        own = values.isel({TIME: -1})
        last = own.sum([dim for dim in own.dims if dim != DRAW]).values / factor
        low, middle, high = np.quantile(last, (0.1, 0.5, 0.9))
        told = (lambda v: signed(v, beside=high)) if sign else (lambda v: digits(v, 3, beside=high))
        return [told(middle), f"{told(low)} … {told(high)}"]

    @cached_property
    def results_table(self) -> Table:
        """List the headline outputs: at the end of what is known, in the last year, and what the mix changes."""
        assert self.forecast is not None
        spread, change = self.forecast.spread, self.forecast.change
        rows: Rows = []
        for name in dict.fromkeys([TOTAL, *(n for n in self.say.labels.headline if n != "Talent")]):
            own = spread[name].isel({SCENARIO: 0})
            first = own.isel({TIME: 0}).median(DRAW)
            scale = self.say.scale(
                float(abs(own.isel({TIME: -1}).median(DRAW)).max()), str(own.attrs["units"])
            )
            rows.append([
                self.chapters.link(name), self.say.unit(scale), digits(float(first.sum()) / scale.factor),
                *self._band(own, scale.factor), *self._band(change[name].isel({SCENARIO: 0}), scale.factor, sign=True),
            ])  # fmt: skip
        years = spread[TIME].values
        headings = [
            self.say("Output"), self.say("Unit"), f"{years[0]:g}",
            self.say("{year}, median", year=f"{years[-1]:g}"), self.say("80 % of draws"),
            self.say("What the mix changes, median"), self.say("80 % of draws"),
        ]  # fmt: skip
        title = (
            self.prepared.resolved[str(change[SCENARIO].values[0])].scenario.title if self.prepared else {}
        )
        caption = self.say(
            "Headline outputs under “baseline”, and what “{mix}” changes", mix=self.say.both(title)
        )
        return plain_table(caption, headings, rows, (0, 1))

    @cached_property
    def distribution(self) -> Table:
        """List quantiles of total talent in the last year, under each scenario and of the difference."""
        assert self.forecast is not None
        spread = self.forecast.spread
        scale = self.say.scale(float(spread[TOTAL].median()), str(spread[TOTAL].attrs["units"]))
        rows: Rows = []
        for name in spread[SCENARIO].values:
            last = spread[TOTAL].sel({SCENARIO: name}).isel({TIME: -1}).values / scale.factor
            title = self.prepared.resolved[str(name)].scenario.title if self.prepared else {}
            rows.append([self.say.both(title), *(digits(v, 4) for v in np.quantile(last, QUANTILES))])
        year = f"{spread[TIME].values[-1]:g}"
        caption = self.say("{output} in {year}: its distribution over draws, {unit}",
                           output=self.say.variable(TOTAL), year=year, unit=self.say.unit(scale))  # fmt: skip
        return plain_table(
            caption, [self.say("Scenario"), *(f"{100 * q:g} %" for q in QUANTILES)], rows, (0,)
        )

    @cached_property
    def spread_table(self) -> Table:
        """List which sources the spread of each output in the last year comes from."""
        assert self.forecast is not None
        rows: Rows = []
        for one in self.forecast.variance.to_dict("records"):
            unit = "" if one["sd_unit"].startswith("log") else f" {one['sd_unit']}"
            shares = (f"{100 * one[source]:.0f} %" for source in SOURCES)
            rows.append([self.chapters.link(one["variable"]), f"{one['sd']:.3g}{unit}", *shares])
        headings = (
            N_("Output"),
            N_("Standard deviation (of logs where no unit stands)"),
            *SOURCE_NAMES.values(),
        )
        return self._table(
            N_("Where the spread of the last year comes from, “baseline”"), headings, rows, (0,)
        )

    @cached_property
    def carriers(self) -> Table:
        """List the constants that carry the spread of total talent in the last year."""
        assert self.forecast is not None
        part = float(self.forecast.variance.set_index("variable").loc[[TOTAL], SOURCES[0]].iloc[0])
        rows: Rows = [
            [
                self.chapters.link(name),
                signed(found, 2),
                f"{100 * found**2:.0f} %",
                f"{100 * found**2 * part:.1f} %",
            ]
            for name, found in self.forecast.constants
        ]
        headings = (
            N_("Constant"), N_("Rank correlation"), N_("Part of the spread that constants make"),
            N_("Part of the whole spread"),
        )  # fmt: skip
        return self._table(N_("Constants that carry the spread of total talent"), headings, rows, (0,))

    # ---- loops -------------------------------------------------------------------------------------

    @cached_property
    def activity(self) -> Table | None:
        """List what part of the activity each loop has in three years: of the named loops', and of all loops'."""
        study = self.study
        if study is None or "activity" not in study.shares:
            return None
        years = three_years(study)
        named = mean_size(study.shares["activity"].sel({KIND: NAMED}).values)
        rows: Rows = []
        for loop in study.names.loops:
            share = mean_size(study.shares["share"].sel({LOOP: loop.name}).values)
            cells = (f"{100 * of * share[i]:.1f} %" for i, _ in years for of in (1.0, named[i]))
            rows.append([self.chapters.loop_link(loop), *cells])
        for kind in KINDS:
            part = mean_size(study.shares["activity"].sel({KIND: kind}).values)
            cells = (
                cell
                for i, _ in years
                for cell in ("100 %" if kind == NAMED else "", f"{100 * part[i]:.1f} %")
            )
            rows.append([self.say(KIND_NAMES[kind]), *cells])
        of = (N_("{year}: of the named"), N_("{year}: of all"))
        headings = [self.say("Loop"), *(self.say(one, year=year) for _, year in years for one in of)]
        return plain_table(self.say(N_("Shares of activity in the city's “baseline”")), headings, rows, (0,))

    def compared(self, case: LoopCase) -> Table:
        """Put three measures of each loop side by side for one effect."""
        study = case.study
        shares, adds = study.shares, study.adds.isel({TIME: -1, DRAW: 0})
        late = shares[TIME].values >= shares.attrs["forecast_from"]
        named = mean_size(shares["activity"].sel({KIND: NAMED}).values)[late]
        scale = self.say.scale(float(abs(adds["share"]).max()), str(study.adds.attrs["units"]))
        rows: Rows = []
        for loop in study.names.loops:
            share = mean_size(shares["share"].sel({LOOP: loop.name}).values)[late]
            rows.append([
                self.chapters.loop_link(loop), f"{100 * np.nanmean(share):.1f} %", f"{100 * np.nanmean(share * named):.1f} %",
                signed(case.opened[loop.name] / scale.factor, 3, beside=0.01),
                signed(float(adds["share"].sel({PART: loop.name})) / scale.factor, 3, beside=0.01),
            ])  # fmt: skip
        without, whole = (float(adds[name]) / scale.factor for name in ("without", "whole"))
        rows += [
            [
                self.say("All named loops"),
                "100 %",
                f"{100 * np.nanmean(named):.1f} %",
                "–",
                signed(whole - without),
            ],
            [self.say("Direct effect, all loops cut"), "–", "–", "–", signed(without)],
            [self.say("Whole effect"), "–", "–", "–", signed(whole)],
        ]
        headings = [
            self.say("Loop"), self.say("Activity: of the named loops"), self.say("Activity: of all loops"),
            self.say("Opened alone: the effect is smaller by, {unit}", unit=self.say.unit(scale)),
            self.say("Shapley share, {unit}", unit=self.say.unit(scale)),
        ]  # fmt: skip
        return plain_table(self.case_title(case), headings, rows, (0,))

    def case_title(self, case: LoopCase) -> str:
        """Return what a case is called."""
        about, lang = case.study.shares.attrs, self.say.lang
        return self.say(
            "{scenario} in {city}: what it does to {output} by {year}",
            scenario=about[f"scenario_{lang}"], city=about[f"city_{lang}"], output=self.say.variable(TOTAL),
            year=f"{case.study.adds[TIME].values[-1]:g}",
        )  # fmt: skip

    def case_words(self, case: LoopCase) -> str:
        """Say which loop carries most of an effect, by each measure, and which reinforcing ones take away."""
        adds = case.study.adds["share"].isel({TIME: -1, DRAW: 0})
        sizes: list[dict[str, float]] = [
            {one.name: float(np.nanmean(mean_size(case.study.shares["share"].sel({LOOP: one.name}).values)))
             for one in case.study.names.loops},
            {name: abs(value) for name, value in case.opened.items()},
            {str(name): abs(float(adds.sel({PART: name}))) for name in adds[PART].values},
        ]  # fmt: skip
        loops = {one.name: one for one in case.study.names.loops}
        first, second, third = (self._named(loops[max(one, key=lambda key: one[key])]) for one in sizes)
        told = self.say(
            "Most of it by activity: {first}; by opening alone: {second}; by Shapley share: {third}.",
            first=first, second=second, third=third,
        )  # fmt: skip
        whole = float(case.study.adds["whole"].isel({TIME: -1, DRAW: 0}))
        if whole < 0:
            told += self.chapters.gap + self.say(
                "It is a loss: a reinforcing loop that deepens it stands below zero."
            )
        against = [
            self._named(one)
            for one in loops.values()
            if one.polarity == "R" and float(adds.sel({PART: one.name})) * whole < 0
        ]
        if not against:
            return told
        return told + self.chapters.gap + self.say(
            "Reinforcing, and yet against the effect: {names}. Such a loop enlarges whatever moves on its own path. Where "
            "that moves the other way, as money for services falls where a mix is paid from the budget, it works against.",
            names=self.say(", ").join(against),
        )  # fmt: skip

    def _named(self, loop: NamedLoop) -> str:
        return f"{loop.label[self.say.lang]} ({loop.polarity})"
