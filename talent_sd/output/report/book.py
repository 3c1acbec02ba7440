"""The reviewer's book: one HTML file that answers what the reporting guidelines ask of a model's document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from talent_sd.base.dims import DRAW, SCENARIO
from talent_sd.base.language import N_, fixed
from talent_sd.evidence import read_fit
from talent_sd.forecast.spread import SOURCES, last_year, telling_constants
from talent_sd.loops.feedback_loops import LoopStudy
from talent_sd.loops.loop_names import cut_links
from talent_sd.loops.stocks_and_flows import StockFlows, stock_flows
from talent_sd.output.figures.plot_comparison import plot_differences
from talent_sd.output.figures.plot_forecast import plot_overview
from talent_sd.output.headline_outputs import TOTAL, known_figures
from talent_sd.output.loops.dominance import plot_dominance, plot_waterfall
from talent_sd.output.loops.loop_diagram import plot_loops
from talent_sd.output.loops.loop_plots import plot_stock_flow, stock_key
from talent_sd.output.report.book_carriers import FACTOR, BookCarriers
from talent_sd.output.report.book_entries import SHAPES, raw
from talent_sd.output.report.book_tables import Result, Rows
from talent_sd.output.report.html_pieces import Cell, Table, inline_svg, plain_table, quoted
from talent_sd.output.report.policies_section import median_error
from talent_sd.output.speech import digits, sentences, signed

if TYPE_CHECKING:
    from markupsafe import Markup


STRONGEST = 10
"""Constants told for each result."""
CARRIERS = 15
"""Constants told of those that carry a spread."""
LEFT_OUT = 1e-4
"""Moves of a smaller part of a result are not told."""
FORECAST = N_(
    "Under “{baseline}”: {outputs}. Medians, and bands that hold 50, 80 and 95 % of the draws, the darkest 50."
)
CHANGE = N_(
    "What “{mix}” changes against “{baseline}”, draw by draw: medians, and bands that hold 50, 80 and 95 % of the draws."
)
LOOPS = N_(
    "Who moves whom. Arrows are as wide as the activity that runs along them in the middle year. The list below gives each "
    "named loop's share of the named loops' activity in three years: those that head its columns."
)
DOMINANCE = N_(
    "Above, the named loops among themselves, reinforcing upwards and balancing downwards; below, what part of all "
    "activity they are. A loop that fills the upper panel may still be a small part of the whole."
)
WATERFALL = N_(
    "From the run with all named loops cut to the run with all closed: exact Shapley shares of total talent in the last year."
)
METHODS = {
    "euler": N_("Euler"),
    "rk2": N_("Runge-Kutta, second order"),
    "rk4": N_("Runge-Kutta, fourth order"),
}


def _part(size: float) -> str:
    """Write a small part in per cent."""
    return f"{100 * size:.2g} %" if np.isfinite(size) else "–"


@dataclass(frozen=True)
class Book(BookCarriers):
    """The tables of what was found of the model, and the pictures."""

    @cached_property
    def fitted(self) -> Table:
        """List the fitted constants: believed before, found, how well the sampler mixed."""
        assert self.beliefs is not None and self.chapters.posterior is not None  # noqa: PT018
        mixed = self.chapters.posterior.note.get("diagnostics", {}).get("parameters", {})
        rows: Rows = [
            [
                self._drawn_link(prior.key),
                f"{prior.centre:g} ± {prior.sd:g}",
                f"{prior.low:g} … {prior.high:g}",
                self.chapters.after(prior.key),
                f"{mixed.get(prior.key, {}).get('r_hat', float('nan')):.3f}",
                f"{mixed.get(prior.key, {}).get('effective_size', float('nan')):,.0f}",
                self.chapters.cited(prior.source),
            ]
            for prior in self.beliefs.priors
        ]
        headings = (
            N_("Constant"), N_("Believed before"), N_("Limits"), N_("After the fit"), "R-hat", N_("Effective draws"),
            N_("Source"),
        )  # fmt: skip
        return self._told_factors(
            self._table(N_("Constants fitted to cities"), headings, rows, (0, 1, 2, 3, 6))
        )

    @cached_property
    def drawn(self) -> Table:
        """List the constants that are drawn from what is believed of them, and were not fitted."""
        fitted = self.chapters.posterior.names if self.chapters.posterior else ()
        rows: Rows = [
            [
                self._drawn_link(key),
                self.say(SHAPES[one.distribution]),
                f"{one.low:g} … {one.high:g}",
                f"{one.centre:g}",
                self.chapters.cited(one.source),
            ]
            for key, one in self.chapters.priors.items()
            if key not in fitted
        ]
        headings = (N_("Constant"), N_("Distribution"), N_("Limits"), N_("Centre"), N_("Source"))
        return self._told_factors(
            self._table(N_("Constants drawn from what is believed of them"), headings, rows)
        )

    @cached_property
    def effects(self) -> Table:
        """List the free effects that were fitted to the article's figures."""
        rows: Rows = [
            [
                quoted(name, self.say.lang),
                self.chapters.links(one.constants),
                f"{one.low:g} … {one.high:g}",
                f"{one.first_guess:g}",
                "–" if one.value is None else f"{one.value:g}",
                self.chapters.cited(one.figure),
                self.chapters.cited(one.source),
            ]
            for name, one in read_fit().effects.items()
        ]
        headings = (
            N_("Effect"),
            N_("Constants"),
            N_("Limits"),
            N_("First guess"),
            N_("Fitted"),
            N_("Figure"),
            N_("Source"),
        )
        return self._table(N_("Free effects fitted to the article's figures"), headings, rows)

    def carried(self, result: Result) -> Table:
        """List the constants that move a result most, the run at both ends of each."""
        start = result.values[0]
        pairs: dict[str, list[tuple[float, float]]] = {}
        for move, value in zip(self.moves, result.values[1:], strict=True):
            if not np.isnan(move.end):
                pairs.setdefault(move.name, []).append((move.end, value))
        reach = {name: max(abs(value - start) for _, value in ends) for name, ends in pairs.items()}
        scale = self.say.scale(abs(start), result.unit)
        rows: Rows = []
        for name in sorted(reach, key=lambda one: -reach[one])[:STRONGEST]:
            if reach[name] <= LEFT_OUT * abs(start):
                break
            ends, base = [end for end, _ in pairs[name]], self._base(name)
            own = f"{base:.4g}".replace("-", "−")
            if not min(ends) <= base <= max(ends):
                own = self.say("{value}, outside", value=own)
            row: list[str | Cell] = [
                self._drawn_link(name),
                own,
                " … ".join(f"{end:.4g}" for end in ends).replace("-", "−"),
            ]
            rows.append(
                [
                    *row,
                    *(
                        f"{digits(value / scale.factor, 4)} ({self._moved(value, start)})"
                        for _, value in pairs[name]
                    ),
                ]
            )
        caption = self.say(
            N_("{result}: {value} {unit} as it is"),
            result=result.title,
            value=digits(start / scale.factor, 4),
            unit=scale.unit,
        )
        headings = (
            N_("Constant"),
            N_("As it is"),
            N_("Moved over"),
            N_("Result at the lower end"),
            N_("Result at the upper end"),
        )
        return self._told_factors(plain_table(caption, [self.say(one) for one in headings], rows))

    def _moved(self, value: float, start: float) -> str:
        return self.say.percent(value / start - 1) if start > 0 and value > 0 else signed(value - start)

    @cached_property
    def opened(self) -> Table | None:
        """List what each loop's opening alone does to each result; None of a model without switches."""
        loops = {loop.name: loop for loop in self.chapters.loops}
        rows: Rows = []
        for number, move in enumerate(self.moves, 1):
            if np.isnan(move.end) and move.name in loops:
                cells = []
                for result in self.results:
                    start, opened = result.values[0], result.values[number]
                    scale = self.say.scale(abs(start), result.unit)
                    cells.append(
                        self.say.percent(opened / start - 1)
                        if start > 0
                        else f"{signed((opened - start) / scale.factor, beside=start / scale.factor)} {self.say.unit(scale)}"
                    )
                rows.append([self.chapters.loop_link(loops[move.name]), *cells])
        if not rows:
            return None
        headings = [self.say("Loop opened"), *(one.title for one in self.results)]
        return plain_table(
            self.say(N_("Loops opened one by one: what becomes of each result")), headings, rows, (0,)
        )

    @cached_property
    def medians(self) -> Table:
        """Lead from the central run to the forecast's median, as the sources of spread are switched on one after another."""
        assert self.forecast is not None
        steps, rows = self.forecast.steps, list[list[str | Cell]]()
        names = [*self.forecast.variance["variable"], ""]
        for name, result in zip(names, self.results, strict=True):
            of, gain = name or TOTAL, not name
            found = [
                last_year(one, of, 1) - last_year(one, of) if gain else last_year(one, of) for one in steps
            ]
            values = [float(result.values[0]), *(float(np.median(one)) for one in found)]
            scale = self.say.scale(max(map(abs, values)), result.unit)
            cells = (digits(value / scale.factor, 4, beside=values[0] / scale.factor) for value in values)
            rows.append([result.title if gain else self.chapters.link(name), self.say.unit(scale), *cells])
        headings = (
            N_("Output"), N_("Unit"), N_("Central run"), N_("Median: constants drawn"), N_("and noise of the province"),
            N_("and noise of the city"), N_("and national paths: the forecast"),
        )  # fmt: skip
        return self._table(N_("From the central run to the median of the draws"), headings, rows, (0, 1))

    @cached_property
    def carriers(self) -> list[Table]:
        """List the constants that carry the spread of total talent in the last year, and that of what the mix adds to it."""
        assert self.forecast is not None
        alone, drawn = self.forecast.steps[0], self.forecast.drawn
        gain = last_year(alone, TOTAL, 1) - last_year(alone, TOTAL)
        captions = (
            self.say("Constants that carry the spread of total talent"),
            self.say("Constants that carry the spread of: {result}", result=self.results[-1].title),
        )
        headings = [self.say(one) for one in (
            N_("Constant"), N_("Rank correlation"), N_("Part of the spread that constants make"), N_("In the central run"),
            N_("Median of the draws"), N_("Draws below the central run's value"),
        )]  # fmt: skip
        tables = []
        for caption, values in zip(captions, (last_year(alone, TOTAL), gain), strict=True):
            rows: Rows = []
            for name, found in telling_constants(drawn, values)[:CARRIERS]:
                key = name.removesuffix(FACTOR)
                own = self._base(key)
                below = float((drawn[name] < own).mean())
                rows.append([
                    self._drawn_link(key), signed(found, 2), f"{fixed(100 * found**2)} %",
                    *(f"{value:.4g}".replace("-", "−") for value in (own, drawn[name].median())), self.say.chance(below),
                ])  # fmt: skip
            tables.append(self._told_factors(plain_table(caption, headings, rows, (0,))))
        return tables

    @cached_property
    def chance_words(self) -> str:
        """Say how far medians of the last year would stray by chance, had other draws been taken."""
        assert self.forecast is not None
        spread, change = self.forecast.spread, self.forecast.change
        kept = len(self.chapters.posterior.values) if self.chapters.posterior else spread.sizes[DRAW]
        times = max(1.0, spread.sizes[DRAW] / kept)

        def again(constants: float) -> float:
            """Return how much larger an error is as fitted constants come again, by the part of the variance they make."""
            return (1 + (times - 1) * min(1.0, max(0.0, float(constants)))) ** 0.5

        told = []
        for name in self.forecast.variance["variable"]:
            level, gain = (last_year(one, name) for one in (spread, change))
            sizes = [
                again(found.set_index("variable")[SOURCES[0]][name])
                * float(median_error(xr.DataArray(one, dims=DRAW)))
                / abs(float(np.median(one)) or np.nan)
                for one, found in ((level, self.forecast.variance), (gain, self.forecast.gains))
            ]
            told.append(self.say("{output} {level}, what the mix changes {gain}", output=self.chapters.shown(name),
                                 level=_part(sizes[0]), gain=_part(sizes[1])))  # fmt: skip
        words = [self.say("Other draws would have given somewhat other medians: by chance, one standard error, {errors}.",
                          errors=self.say("; ").join(told))]  # fmt: skip
        if times > 1:
            words.append(self.say(
                "The fitted constants have {kept} posterior draws, of which each is used {times} times; the errors allow for "
                "it as if all that constants add to the spread came from these, and are rather too large than too small.",
                kept=kept, times=f"{times:.3g}"))  # fmt: skip
        words.append(self.say(
            "Hold a number of fewer draws against these with that in mind: of 200 draws the errors are up to {times} times as "
            "large.", times=fixed((spread.sizes[DRAW] / 200) ** 0.5, 1)))  # fmt: skip
        return sentences(self.say.lang, *words)

    @property
    def shares_words(self) -> str:
        """Say what part of the spread in the last year the constants make."""
        assert self.forecast is not None
        level, gain = (
            found.set_index("variable")[SOURCES[0]] for found in (self.forecast.variance, self.forecast.gains)
        )
        ends = (
            f"{fixed(100 * float(one))} %" for shares in (level, gain) for one in (shares.min(), shares.max())
        )
        return self.say(
            "Hold these moves against the spread of a forecast: of its variance in the last year the constants all together "
            "make {low} to {high}, by output; growth noise and the national path make the rest. Of the variance of what the "
            "mix changes they make {lower} to {higher} (total talent {talent}): hold a move of what the mix adds against "
            "that part, not against the first.",
            low=next(ends), high=next(ends), lower=next(ends), higher=next(ends), talent=f"{fixed(100 * float(gain[TOTAL]))} %",
        )  # fmt: skip

    # ---- pictures and text ---------------------------------------------------------------------------

    def pictures(self, *names: str) -> list[tuple[Markup, str]]:
        """Draw some of "forecast", "loops", "dominance", "waterfall" and "stocks": (SVG, caption); those that there are."""
        study, labels, lang = self.study, self.say.labels, self.say.lang
        drawn: dict[str, tuple[Callable[[], Any], str]] = {}
        if self.forecast is not None and self.prepared is not None:
            spread, known = self.forecast.spread, known_figures(self.prepared.first.city)
            half = len(labels.headline) // 2  # all on one page would be too small to read
            for number, shown in enumerate((labels.headline[:half], labels.headline[half:])):
                own, outputs = (
                    replace(labels, headline=shown),
                    self.say(", ").join(map(self.say.variable, shown)),
                )
                title = self.say(FORECAST, baseline=self.baseline, outputs=outputs)
                drawn[f"forecast-{number}"] = partial(plot_overview, spread, own, lang, known=known), title
            change = self.forecast.change
            mix = self.say.both(self.prepared.resolved[str(change[SCENARIO].values[0])].scenario.title)
            title = self.say(CHANGE, mix=mix, baseline=self.baseline)
            drawn["change"] = lambda: plot_differences(change, labels, lang), title
        if study is not None and study.names.layout is not None:
            drawn["loops"] = lambda: plot_loops(study, labels, lang), self.say(LOOPS)
        if study is not None:
            drawn["dominance"] = lambda: plot_dominance(study, lang), self.say(DOMINANCE)
        if isinstance(study, LoopStudy):
            drawn["waterfall"] = lambda: plot_waterfall(study, labels, lang), self.say(WATERFALL)
        if "stocks" in names and not self.model.lacks:
            stocks = self._stock_flows
            for number, sector in enumerate(dict.fromkeys(one.group for one in stocks)):
                drawn[f"stocks-{number}"] = self._sector(stocks, sector)
        return [
            (inline_svg(make(), f"d-{name}", title, title), title)
            for name, (make, title) in drawn.items()
            if name.partition("-")[0] in names
        ]

    def _sector(self, stocks: Sequence[StockFlows], sector: str) -> tuple[Callable[[], Any], str]:
        """Return what draws a sector's stocks and flows, and its caption."""
        labels, lang = self.say.labels, self.say.lang
        title = self.say("Stocks and flows: {sector}", sector=self.chapters.sector_title(sector))
        return lambda: plot_stock_flow(stocks, labels, lang, sector), title

    @property
    def _stock_flows(self) -> Sequence[StockFlows]:
        groups = {name: variable.group for name, variable in self.model.structure.variables.items()}
        return stock_flows(self.model.program, groups, accounts=True)[0]

    @property
    def stock_key(self) -> str:
        """Return how the stock-and-flow diagrams are read."""
        return stock_key(self._stock_flows, self.say.labels, self.say.lang)

    def route(self, loop: Any) -> Markup:
        """Return the first circle that a loop's file writes as links, and the others' further variables."""
        first = loop.routes[0]
        others = list(dict.fromkeys(n for route in loop.routes for n in route if n not in first))
        told = " → ".join(map(self.chapters.link, (*first, first[0])))
        if others:
            told += f"<br>{escape(self.say('Also through:'))} {self.chapters.links(others)}"
        return raw(told)

    def closing(self, loop: Any) -> Markup:
        """Return links to the variables whose equations hold the loop's switch, and to what each carries at 0."""
        link, cut = self.chapters.link, cut_links(self.chapters.source)[loop.name]
        key = N_("{link} (at 0: {instead})")
        told = (self.say(key, link=link(one), instead=" × ".join(map(link, cut[one]))) for one in cut)
        return raw(self.say("; ").join(told))

    @property
    def pictures_possible(self) -> bool:
        """Return whether there is any diagram."""
        return self.study is not None or (not self.model.lacks and bool(stock_flows(self.model.program)[0]))

    @property
    def method(self) -> str:
        """Return how the model is integrated, in words."""
        return self.say(METHODS[self.chapters.source.method])
