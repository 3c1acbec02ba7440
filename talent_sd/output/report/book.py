"""The reviewer's book: one HTML file that answers what the reporting guidelines ask of a model's document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.language import N_
from talent_sd.evidence import read_fit, scenarios_citing
from talent_sd.inputs.evidence_ledger import ROLES, cited_by
from talent_sd.laws.judge_laws import HELD
from talent_sd.loops.feedback_loops import LoopStudy
from talent_sd.loops.stocks_and_flows import stock_flows
from talent_sd.output.evidence_tables import number_text, statement, target_text, verdict_text
from talent_sd.output.loops.dominance import plot_dominance
from talent_sd.output.loops.loop_diagram import plot_loops
from talent_sd.output.loops.loop_plots import plot_stock_flow, plot_waterfall
from talent_sd.output.report.book_entries import SHAPES, raw
from talent_sd.output.report.book_tables import BookTables, Result, Rows
from talent_sd.output.report.html_pieces import Cell, Table, inline_svg, plain_table
from talent_sd.output.report.trust_section import remark
from talent_sd.output.speech import digits, signed
from talent_sd.output.validation_tables import VERDICTS, band_text, furthest_row, place_name

if TYPE_CHECKING:
    from markupsafe import Markup


STRONGEST = 10
"""Constants told for each result."""
LEFT_OUT = 1e-4
"""Moves of a smaller part of a result are not told."""
METHODS = {
    "euler": N_("Euler"),
    "rk2": N_("Runge-Kutta, second order"),
    "rk4": N_("Runge-Kutta, fourth order"),
}


@dataclass(frozen=True)
class Book(BookTables):
    """The tables of what was found of the model, and the pictures."""

    @cached_property
    def fitted(self) -> Table:
        """List the fitted constants: believed before, found, how well the sampler mixed."""
        assert self.beliefs is not None and self.chapters.posterior is not None  # noqa: PT018
        mixed = self.chapters.posterior.note.get("diagnostics", {}).get("parameters", {})
        rows: Rows = [
            [
                self.chapters.link(prior.key),
                f"{prior.centre:g} ± {prior.sd:g}",
                f"{prior.low:g} … {prior.high:g}",
                self.chapters.after(prior.key),
                f"{mixed.get(prior.key, {}).get('r_hat', float('nan')):.3f}",
                f"{mixed.get(prior.key, {}).get('effective_size', float('nan')):,.0f}",
                prior.source,
            ]
            for prior in self.beliefs.priors
        ]
        headings = (
            N_("Constant"),
            N_("Believed before"),
            N_("Limits"),
            N_("After the fit"),
            "R-hat",
            N_("Effective draws"),
            N_("Source"),
        )
        return self._table(N_("Constants fitted to cities"), headings, rows, (0, 1, 2, 3, 6))

    @cached_property
    def drawn(self) -> Table:
        """List the constants that are drawn from what is believed of them, and were not fitted."""
        fitted = self.chapters.posterior.names if self.chapters.posterior else ()
        rows: Rows = [
            [
                self.chapters.link(key),
                self.say(SHAPES[one.distribution]),
                f"{one.low:g} … {one.high:g}",
                f"{one.centre:g}",
                self.chapters.cited(one.source),
            ]
            for key, one in self.chapters.priors.items()
            if key not in fitted
        ]
        headings = (N_("Constant"), N_("Distribution"), N_("Limits"), N_("Centre"), N_("Source"))
        return self._table(N_("Constants drawn from what is believed of them"), headings, rows)

    @cached_property
    def effects(self) -> Table:
        """List the free effects that were fitted to the article's figures."""
        rows: Rows = [
            [
                name,
                self.chapters.links(one.constants),
                f"{one.low:g} … {one.high:g}",
                f"{one.first_guess:g}",
                "–" if one.value is None else f"{one.value:g}",
                self.chapters.cited(one.figure),
                one.source,
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

    @cached_property
    def evidence(self) -> Table:
        """List the article's figures with what the model says, and who cites them."""
        cited = cited_by(self.model.structure)
        rows: Rows = []
        for one in self.findings:
            figure, value = one.figure, one.measurement.value
            rows.append([
                raw(f'<span id="e-{figure.id}">{figure.id}</span>'),
                statement(figure, self.say.lang), self.say(ROLES[figure.role]),
                f"{target_text(figure)} {figure.unit}".strip(),
                "–" if value is None else number_text(value), verdict_text(one, self.say.lang),
                remark(one, self.say), self.chapters.links(cited.get(figure.id, ())),
                raw(", ".join(f'<a href="#x-{name}">{name}</a>' for name in scenarios_citing(figure.id))),
            ])  # fmt: skip
        headings = (
            N_("Id"),
            N_("Statement"),
            N_("Role"),
            N_("Target"),
            N_("Measured"),
            N_("Verdict"),
            N_("Remark"),
            N_("Variables"),
            N_("Scenarios"),
        )
        return self._table(N_("The article's figures, measured on the model"), headings, rows)

    @cached_property
    def laws(self) -> Table:
        """List the laws with what the model does in its central run."""
        rows: Rows = []
        for one in self.judged:
            row = furthest_row(one)
            rows.append(
                [
                    one.law.id,
                    getattr(one.law.says, self.say.lang),
                    band_text(row.lower, row.upper),
                    digits(row.value),
                    place_name(row.city, self.say.lang),
                    self.say(VERDICTS[HELD if one.held else row.verdict]),
                    self.chapters.cited(one.law.source),
                ]
            )
        headings = (
            N_("Law"),
            N_("What it says"),
            N_("Band"),
            N_("Value"),
            N_("City"),
            N_("Verdict"),
            N_("Source"),
        )
        return self._table(N_("Laws that the model must obey"), headings, rows)

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
            row: list[str | Cell] = [
                self.chapters.link(name),
                " … ".join(f"{end:.4g}" for end, _ in pairs[name]),
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
            N_("Moved over"),
            N_("Result at the lower end"),
            N_("Result at the upper end"),
        )
        return plain_table(caption, [self.say(one) for one in headings], rows)

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
                    scale = self.say.scale(abs(result.values[0]), result.unit)
                    change = (result.values[number] - result.values[0]) / scale.factor
                    share = (
                        self.say.percent(result.values[number] / result.values[0] - 1)
                        if result.values[0] > 0
                        else ""
                    )
                    cells.append(
                        f"{signed(change, beside=result.values[0] / scale.factor)} {f'({share})' if share else ''}".strip()
                    )
                rows.append([self.chapters.loop_link(loops[move.name]), *cells])
        if not rows:
            return None
        scales = [self.say.scale(abs(one.values[0]), one.unit) for one in self.results]
        headings = [
            self.say("Loop opened"),
            *(
                f"{one.title}, {self.say.unit(scale)}"
                for one, scale in zip(self.results, scales, strict=True)
            ),
        ]
        return plain_table(
            self.say(N_("Loops opened one by one: what becomes of each result")), headings, rows, (0,)
        )

    # ---- pictures and text ---------------------------------------------------------------------------

    def pictures(self, *names: str) -> list[tuple[Markup, str]]:
        """Draw some of "loops", "dominance", "waterfall" and "stocks": (SVG, caption); those that the model has."""
        study, labels, lang = self.study, self.say.labels, self.say.lang
        drawn: dict[str, tuple[Callable[[], Any], str]] = {}
        if study is not None and study.names.layout is not None:
            drawn["loops"] = lambda: plot_loops(study, labels, lang), self.say("Causal-loop diagram")
        if study is not None:
            drawn["dominance"] = lambda: plot_dominance(study, lang), self.say("Which loops are active when")
        if isinstance(study, LoopStudy):
            drawn["waterfall"] = lambda: plot_waterfall(study, labels, lang), self.say("What each loop adds")
        if not self.model.lacks and (stocks := stock_flows(self.model.program, self._groups)[0]):
            drawn["stocks"] = (
                lambda: plot_stock_flow(stocks, labels, lang),
                self.say("Stock-and-flow diagram"),
            )
        return [
            (inline_svg(make(), f"d-{name}", title, title), title)
            for name, (make, title) in drawn.items()
            if name in names
        ]

    @property
    def _groups(self) -> dict[str, str]:
        return {name: variable.group for name, variable in self.model.structure.variables.items()}

    def route(self, loop: Any) -> Markup:
        """Return the shortest circle of a loop as links, and the others' further variables."""
        shortest = min(loop.routes, key=len)
        others = list(dict.fromkeys(n for route in loop.routes for n in route if n not in shortest))
        told = " → ".join(map(self.chapters.link, (*shortest, shortest[0])))
        if others:
            told += f"<br>{escape(self.say('Also through:'))} {self.chapters.links(others)}"
        return raw(told)

    def closing(self, loop: Any) -> Markup:
        """Return a link to the variable whose equation holds the loop's switch."""
        return self.chapters.link(loop.closes) if loop.closes else raw("")

    @property
    def pictures_possible(self) -> bool:
        """Return whether there is any diagram."""
        return self.study is not None or (not self.model.lacks and bool(stock_flows(self.model.program)[0]))

    @property
    def method(self) -> str:
        """Return how the model is integrated, in words."""
        return self.say(METHODS[self.chapters.source.method])
