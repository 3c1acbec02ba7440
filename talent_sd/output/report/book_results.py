"""The reviewer's book: what comes out of the model, and which loops and constants carry it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.attribution import PART
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, fixed
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


BALANCING_WITH = N_(
    "{loop} stands on the side of the effect, and adds {alone} when it alone is closed. The scenario itself pushes what its "
    "link carries, before any loop answers: it moves {moves}. The link passes that push on to people, and the loop takes back "
    "only a part of it. Cutting the link cuts the push with it."
)
REINFORCING_AGAINST = N_(
    "{loop} stands against the effect, and adds {alone} when it alone is closed. A reinforcing loop enlarges whatever its link "
    "is given, and here that works the other way: the scenario moves {moves}."
)
TOGETHER = N_(
    "{loop} stands on the side that its letter does not suggest only together with other loops: closed alone it adds {alone}. "
    "Its link passes on what they have changed by the end: the scenario moves {moves}."
)
BY_ITS_LEVEL = N_(
    "{loop} stands on the side that its letter does not suggest, and adds {alone} when it alone is closed, but not by its "
    "answer to the scenario: that is {response} (the scenario moves {moves}). Closed, its link moves by itself, without the "
    "scenario too, which then meets another city than at the start: that makes {level}."
)
CONTRARY = 0.005
"""Loops that add or take less than this part of an effect are not explained one by one."""


@dataclass(frozen=True)
class LoopCase:
    """A scenario's effect on total talent in a city, taken apart by loops.

    Parameters
    ----------
    opened : loop -> how much smaller the effect of the last year is when that loop alone is open
    alone : loop -> what it adds to the effect of the last year when it alone is closed
    pushes : loop -> what its closing link carries, and how far the scenario moves that with all named loops cut
    direct : policy -> its effect when it acts alone and all named loops are cut
    levels : loop -> the part of `alone` that is there though the scenario does not move the loop's link: what the link
        does by itself changes the city that the scenario meets
    """

    study: LoopStudy
    opened: Mapping[str, float]
    alone: Mapping[str, float] = field(default_factory=dict)
    pushes: Mapping[str, Sequence[Push]] = field(default_factory=dict)
    direct: Mapping[str, float] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Push:
    """How far a scenario moves a variable by the last year, a part of itself: (elements,), with loops cut and closed."""

    variable: str
    elements: tuple[str, ...]
    cut: np.ndarray
    closed: np.ndarray


@dataclass(frozen=True)
class Forecast:
    """The forecast that the book tells.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...), the baseline first
    change : of the other scenarios against it, as `compare` gives it
    variance : where the spread of the last year comes from, as `split_variance` gives it
    steps : many draws, the sources of spread switched on one after another: (scenario, draw, time, ...) each
    drawn : the constants of those draws, a row each
    gains : as `variance`, of what the other scenario changes
    """

    spread: xr.Dataset
    change: xr.Dataset
    variance: pd.DataFrame
    steps: Sequence[xr.Dataset]
    drawn: pd.DataFrame
    gains: pd.DataFrame


@dataclass(frozen=True)
class BookResults(BookSources):
    """The tables of results: the forecast, its spread, and four measures of the loops side by side."""

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
            self.say("Output"), self.say("Unit"),
            *(self.say("{year}, median", year=f"{years[place]:g}") for place in (0, -1)), self.say("80 % of draws"),
            self.say("What the mix changes, median"), self.say("80 % of draws"),
        ]  # fmt: skip
        title = (
            self.prepared.resolved[str(change[SCENARIO].values[0])].scenario.title if self.prepared else {}
        )
        caption = self.say(
            "Headline outputs under “{baseline}”, and what “{mix}” changes",
            baseline=self.baseline,
            mix=self.say.both(title),
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
    def spread_tables(self) -> list[Table]:
        """List which sources the spread of each output in the last year comes from, and that of what the mix changes."""
        assert self.forecast is not None and self.prepared is not None  # noqa: PT018
        mix = self.say.both(list(self.prepared.resolved.values())[1].scenario.title)
        return [
            self._spread(self.forecast.variance, self.say("Where the spread of the last year comes from, “{baseline}”",
                                                          baseline=self.baseline)),
            self._spread(self.forecast.gains, self.say("Where the spread of what “{mix}” changes comes from", mix=mix)),
        ]  # fmt: skip

    def _spread(self, variance: pd.DataFrame, caption: str) -> Table:
        rows: Rows = []
        for one in variance.to_dict("records"):
            scale = self.say.scale(one["sd"], "" if one["sd_unit"].startswith("log") else one["sd_unit"])
            told = self.say.amount(one["sd"], scale) if scale.unit else f"{one['sd']:.3g}"
            shares = (f"{fixed(100 * one[source])} %" for source in SOURCES)
            rows.append([self.chapters.link(one["variable"]), told, *shares])
        headings = (
            N_("Output"),
            N_("Standard deviation (of logs where no unit stands)"),
            *SOURCE_NAMES.values(),
        )
        return plain_table(caption, list(map(self.say, headings)), rows, (0,))

    @property
    def baseline(self) -> str:
        """Return what the scenario without a policy is called."""
        return self.say.both(self.prepared.first.scenario.title) if self.prepared else ""

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
            cells = (f"{fixed(100 * of * share[i], 1)} %" for i, _ in years for of in (1.0, named[i]))
            rows.append([self.chapters.loop_link(loop), *cells])
        for kind in KINDS:
            part = mean_size(study.shares["activity"].sel({KIND: kind}).values)
            cells = (
                cell
                for i, _ in years
                for cell in ("100 %" if kind == NAMED else "", f"{fixed(100 * part[i], 1)} %")
            )
            rows.append([self.say(KIND_NAMES[kind]), *cells])
        of = (N_("{year}: of the named"), N_("{year}: of all"))
        headings = [self.say("Loop"), *(self.say(one, year=year) for _, year in years for one in of)]
        caption = self.say("Shares of activity under “{baseline}”", baseline=self.baseline)
        return plain_table(caption, headings, rows, (0,))

    def compared(self, case: LoopCase) -> Table:
        """Put four measures of each loop side by side for one effect."""
        study = case.study
        shares, adds = study.shares, study.adds.isel({TIME: -1, DRAW: 0})
        late = shares[TIME].values >= shares.attrs["forecast_from"]
        named = mean_size(shares["activity"].sel({KIND: NAMED}).values)[late]
        scale = self.say.scale(float(abs(adds["share"]).max()), str(study.adds.attrs["units"]))
        rows: Rows = []
        for loop in study.names.loops:
            share = mean_size(shares["share"].sel({LOOP: loop.name}).values)[late]
            rows.append([
                self.chapters.loop_link(loop), f"{fixed(100 * np.nanmean(share), 1)} %",
                f"{fixed(100 * np.nanmean(share * named), 1)} %",
                *(signed(value / scale.factor, 3, beside=0.01) for value in (
                    case.alone[loop.name], case.levels.get(loop.name, 0.0), case.opened[loop.name])),
                signed(float(adds["share"].sel({PART: loop.name})) / scale.factor, 3, beside=0.01),
            ])  # fmt: skip
        without, whole = (float(adds[name]) / scale.factor for name in ("without", "whole"))
        rows += [
            [
                self.say("All named loops"),
                "100 %",
                f"{fixed(100 * np.nanmean(named), 1)} %",
                *"–––",
                signed(whole - without),
            ],
            [self.say("Direct effect, all loops cut"), *"–––––", signed(without)],
            [self.say("Whole effect"), *"–––––", signed(whole)],
        ]
        headings = [
            self.say("Loop"), self.say("Activity: of the named loops"), self.say("Activity: of all loops"),
            self.say("Closed alone: it adds, {unit}", unit=self.say.unit(scale)),
            self.say("Of that without the scenario's push on its link"),
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
        return told

    def direct_words(self, case: LoopCase) -> str:
        """Say what part of an effect is there with all loops cut, and which policies make it."""
        adds = case.study.adds.isel({TIME: -1, DRAW: 0})
        without, whole = float(adds["without"]), float(adds["whole"])
        scale = self.say.scale(abs(whole), str(case.study.adds.attrs["units"]))
        amount = partial(self.say.amount, scale=scale, sign=True)
        told = self.say(
            "With every named loop cut, so that no closing link passes on what happens in the city, the effect is "
            "{without} of {whole} ({share}). That is the direct effect: what is done at its own places in the equations, "
            "and how people answer to it before the city has changed around them. Closing all loops adds {rest}.",
            without=amount(without), whole=amount(whole), share=self.say.chance(without / whole) if whole else "–",
            rest=amount(whole - without),
        )  # fmt: skip
        if len(case.direct) < 2:
            return told
        alone = (
            f"{self.say.element(name)} {amount(value)}"
            for name, value in sorted(case.direct.items(), key=lambda item: -abs(item[1]))
        )
        return told + self.chapters.gap + self.say(
            "Each policy alone, loops cut: {policies}.", policies=self.say("; ").join(alone)
        )  # fmt: skip

    def contrary_words(self, case: LoopCase) -> list[str]:
        """Say of each loop that stands on the other side than its polarity suggests why, by what its link is given."""
        adds = case.study.adds.isel({TIME: -1, DRAW: 0})
        whole, told = float(adds["whole"]), []
        scale = self.say.scale(abs(whole), str(case.study.adds.attrs["units"]))
        for loop in case.study.names.loops:
            part = float(adds["share"].sel({PART: loop.name})) / (whole or np.nan)
            helps, pushes = part > 0, case.pushes.get(loop.name, ())
            if not abs(part) >= CONTRARY or helps == (loop.polarity == "R") or not pushes:
                continue
            words = {
                "loop": self._named(loop),
                "moves": self.say("; ").join(
                    self.say("{variable} by {cut} with all loops cut, by {closed} with all closed",
                             variable=self.chapters.shown(one.variable), cut=self._moves(one, one.cut),
                             closed=self._moves(one, one.closed))
                    for one in pushes
                ),
            }  # fmt: skip
            alone = case.alone[loop.name]
            level = case.levels.get(loop.name, 0.0)
            for key, value in (("alone", alone), ("level", level), ("response", alone - level)):
                words[key] = self.say.amount(value, scale, sign=True)
            if alone * part * whole <= 0:
                kind = TOGETHER
            elif level * alone > 0 and abs(level) > abs(alone - level):
                kind = BY_ITS_LEVEL
            else:
                kind = BALANCING_WITH if helps else REINFORCING_AGAINST
            told.append(self.say(kind, **words))
        return told

    def _moves(self, push: Push, moved: np.ndarray) -> str:
        shown = [fixed(one, 2, "+").replace("-", "−") if abs(one) >= 0.005 else "0.00" for one in 100 * moved]
        percent = "%" if self.say.lang == "zh" else " %"
        pairs = zip(push.elements, shown, strict=True)
        return self.say(", ").join(
            f"{self.say.element(name)} {value}{percent}".strip() if name else f"{value}{percent}" for name, value in pairs
        )  # fmt: skip

    def pushed(self, case: LoopCase) -> Table:
        """List what each loop's closing link carries and how far the scenario moves it."""
        loops = {one.name: one for one in case.study.names.loops}
        rows: Rows = [
            [self.chapters.loop_link(loops[name]), self.chapters.link(one.variable),
             *(self._moves(one, moved) if np.isfinite(moved).all() else "–" for moved in (one.cut, one.closed))]
            for name, pushes in case.pushes.items()
            for one in pushes
        ]  # fmt: skip
        headings = (
            N_("Loop"), N_("Its closing link carries"), N_("The scenario moves it, all named loops cut"),
            N_("The scenario moves it, all closed"),
        )  # fmt: skip
        return self._table(N_("What the scenario gives each loop"), headings, rows)

    def _named(self, loop: NamedLoop) -> str:
        return f"{loop.label[self.say.lang]} ({loop.polarity})"
