"""What the reviewer's book is made from, and its tables of the model itself: parts, stocks, delays, scenarios, policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.language import N_
from talent_sd.engine.runner import model_constants
from talent_sd.inputs.scenario_chain import list_scenarios, load_scenario, read_notes
from talent_sd.inputs.setting_checks import shock_constant
from talent_sd.inputs.settings import split_key
from talent_sd.loops.loop_names import SPANS
from talent_sd.model_tests.behaviour_checks import DEFAULT, Verdict, resolve_setting
from talent_sd.model_tests.check_files import STOCKS, Bounds, Check, Compare, Sum, read_checks
from talent_sd.output.evidence_tables import VERDICTS as OWN_VERDICTS
from talent_sd.output.report.book_entries import Chapters, raw
from talent_sd.output.report.html_pieces import Cell, Table, filled, plain_table, quoted
from talent_sd.output.report.inputs_section import ages_table, mix_of, timing
from talent_sd.output.speech import Speech

if TYPE_CHECKING:
    from markupsafe import Markup

    from talent_sd.engine.runner import Model
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.forecast.spread import Move
    from talent_sd.inputs.scenario_chain import Note, Scenario
    from talent_sd.laboratory.findings import Finding
    from talent_sd.laws.judge_laws import Judged
    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy
    from talent_sd.model.structure import Variable
    from talent_sd.uncertainty.fitted_constants import Beliefs

STRONGEST = 10
"""Constants told for each result."""
LEFT_OUT = 1e-4
"""Moves of a smaller part of a result are not told."""
EXTREMES = (
    "total talent",
    "Residents",
    "value added",
    "fiscal revenue",
    "posts",
    "City Brand",
    "affordability",
)
"""What is told of every extreme condition."""
ALONE = " alone"
CONDITIONS = {
    "no talent": N_("no talent"), "no jobs": N_("no jobs"), "no budget": N_("no budget"),
    "every policy at once": N_("every policy at once"), "every policy at its highest": N_("every policy at its highest"),
    "everyone young": N_("everyone young"), "everyone old": N_("everyone old"),
    "hundredfold house price": N_("hundredfold house price"), "nobody leaves": N_("nobody leaves"),
    "everybody leaves": N_("everybody leaves"), "leaders leave": N_("leaders leave"),
    "leaders and professionals leave": N_("leaders and professionals leave"), "every loop open": N_("every loop open"),
    "leaders and professionals leave, every loop open": N_("leaders and professionals leave, every loop open"),
    "rich city": N_("rich city"), "poor city": N_("poor city"), "late retirement repealed": N_("late retirement repealed"),
    "children everywhere": N_("children everywhere"), DEFAULT: N_("nothing changed"),
}  # fmt: skip
"""Settings of the checks' file, as they are called; a policy alone is told by the policy's name."""
HIGHER = N_("higher")
EXPECTED = {"higher": HIGHER, "lower": N_("lower")}
Rows = list[list[str | Cell]]


@dataclass(frozen=True)
class Result:
    """A result with what it comes to under each move: (1 + moves,), the run as it is first."""

    title: str
    unit: str
    values: np.ndarray


@dataclass(frozen=True)
class BookTables:
    """What the book is made from, beside the chapters' links; empty where a model has none of it.

    Parameters
    ----------
    study : of the loops; `missing` says why there is none
    moves, results : what was moved, and what became of the results; `seconds` all of it took
    steps : output -> how far half the time step moves it
    findings, judged : the article's figures and the laws, as the model stands
    checks, extremes : behaviour checks; extreme condition -> change of each of `EXTREMES` in the last year
    """

    chapters: Chapters
    study: LoopStudy | ModelStudy | None
    moves: Sequence[Move]
    results: Sequence[Result]
    seconds: float
    steps: Mapping[str, float]
    prepared: Prepared | None = None
    beliefs: Beliefs | None = None
    findings: Sequence[Finding] = ()
    judged: Sequence[Judged] = ()
    missing: str = ""
    checks: Sequence[Verdict] = ()
    extremes: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def say(self) -> Speech:
        """Return the language."""
        return self.chapters.say

    @property
    def model(self) -> Model:
        """Return the model."""
        return self.chapters.model

    @property
    def city(self) -> bool:
        """Return whether it is a city's model."""
        return self.prepared is not None

    # ---- tables ------------------------------------------------------------------------------------

    def _table(
        self, caption: str, headings: Sequence[str], rows: Rows, texts: Sequence[int] | None = None
    ) -> Table:
        return filled(plain_table(self.say(caption), [self.say(one) for one in headings], rows, texts))

    def _base(self, key: str) -> float:
        """Return a constant's value in the run as it is; 1 of a factor."""
        if self.chapters.factor(key):
            return 1.0
        if self.prepared is not None and key in (given := self.prepared.first.params()):
            return float(np.asarray(given[key], float))
        name, element = split_key(key)
        own = self.chapters.constants[name]
        return own.get(element or "", next(iter(own.values())))

    @cached_property
    def ages(self) -> Table:
        """List for every constant read from city figures how old a figure may be, and of which year each city's is."""
        assert self.prepared is not None
        return ages_table(self.prepared.first, self.chapters)

    @cached_property
    def boundary(self) -> Table:
        """Count what each sector holds, and link to it."""
        kinds = ("stock", "auxiliary", "constant", "lookup", "data", "time")
        rows: Rows = []
        for number, (sector, entries) in enumerate(self.chapters.sectors.items(), 1):
            found: list[str] = [entry.variable.kind for entry in entries]
            title = raw(f'<a href="#sector-{number}">{escape(self.chapters.sector_title(sector))}</a>')
            rows.append([title, *(str(found.count(kind) or "–") for kind in kinds)])
        headings = (
            N_("Sector"), N_("Stocks"), N_("Flows and auxiliaries"), N_("Constants"), N_("Given series and curves"), N_("Data"),
            N_("Settings of time"),
        )  # fmt: skip
        return self._table(N_("What the model holds, by sector"), headings, rows, (0,))

    @cached_property
    def given(self) -> Table:
        """List the series and curves that the model is given."""
        rows: Rows = [
            [
                self.chapters.link(one.name),
                self.chapters.unit(one.unit),
                self.chapters.cited(self.chapters.docs[one.name]),
            ]
            for one in self.model.structure.variables.values()
            if one.kind in ("lookup", "data")
        ]
        return self._table(
            N_("What is given from outside: series over time, and curves"),
            (N_("Variable"), N_("Unit"), N_("Meaning and source")),
            rows,
        )

    @cached_property
    def stocks(self) -> Table:
        """List the stocks with their start values in the run."""
        run = self.chapters.run
        rows: Rows = []
        for one in self.model.structure.variables.values():
            if one.kind == "stock":
                told = "–" if run is None else self.chapters.at(one.name, 0)
                rows.append([self.chapters.link(one.name), told, self.chapters.unit(one.unit)])
        headings = (N_("Stock"), N_("At the start"), N_("Unit"))
        return self._table(N_("Stocks and where they start"), headings, rows)

    @cached_property
    def delays(self) -> Table:
        """List the variables that are a delay or a smooth by their equation, and times that name one."""
        rows: Rows = [
            [
                self.chapters.link(one.name),
                "; ".join(f"{v:g}" for v in self.chapters.constants[one.name].values()),
                self.chapters.cited(self.chapters.docs[one.name]),
            ]
            for one in self.model.structure.variables.values()
            if one.unit == "year"
            and one.name in self.chapters.constants
            and max(self.chapters.constants[one.name].values())
            < self.model.structure.time["INITIAL TIME"]  # no date
            and SPANS & set(one.name.split())
        ]
        return self._table(
            N_("Delays: the times over which things happen"),
            (N_("Constant"), N_("Value"), N_("Meaning and source")),
            rows,
        )

    @cached_property
    def assumptions(self) -> Table:
        """List what rests on an assumption by its own source."""
        words = ("assum", "convention", "judgement", "memory")
        rows: Rows = [
            [
                raw(f'<a href="#s-{number}">{escape(quoted(text, self.say.lang))}</a>'),
                self.chapters.links(names),
            ]
            for number, (text, names) in enumerate(self.chapters.sources.items(), 1)
            if any(word in text.lower() for word in words)
        ]
        return self._table(
            N_("What is assumed, by the model's own word"), (N_("Assumption"), N_("Variables")), rows
        )

    @cached_property
    def sources(self) -> Table:
        """List every source with the variables that name it."""
        rows: Rows = [
            [raw(f'<span id="s-{number}">{self.chapters.cited(text)}</span>'), self.chapters.links(names)]
            for number, (text, names) in enumerate(self.chapters.sources.items(), 1)
        ]
        return self._table(N_("Sources named in the model's file"), (N_("Source"), N_("Variables")), rows)

    @cached_property
    def scenarios(self) -> list[tuple[str, Scenario, list[tuple[Markup, str, Markup]]]]:
        """Return each shipped scenario with what it sets: (what, how, why)."""
        found = []
        defaults = model_constants(self.model)
        for name in list_scenarios():
            scenario = load_scenario(name)
            notes = {note.about: note for note in read_notes(scenario)}
            active = mix_of(scenario)
            rows = []
            for policy in active:
                why = self._why(notes.get(policy))
                link = raw(f'<a href="#p-{policy}">{escape(self.say.element(policy))}</a>')
                rows.append((link, timing(policy, active[policy], defaults, self.say), why))
            for key, value in scenario.assumptions.items():
                shown = f"{value.value:g}" if isinstance(value.value, float) else self.say("a series")
                rows.append((self.chapters.link(key), shown, self._why(notes.get(key))))
            for shock, settings in scenario.shocks.items():
                for key, one in settings.items():
                    rows.append((self.chapters.link(shock_constant(shock, key)), f"{one.value:g}", raw("")))
            found.append((name, scenario, rows))
        return found

    def _why(self, note: Note | None) -> Markup:
        """Return why a scenario sets something, with its source and the figures cited."""
        if note is None:
            return raw("")
        told = (quoted(note.why, self.say.lang), quoted(note.source, self.say.lang), ", ".join(note.evidence))
        return self.chapters.cited(self.say("; ").join(filter(None, told)))

    def measured_words(self, scenario: Scenario) -> str:
        """Say what a finding was measured on: medians of how many draws, which city, which model file."""
        told, here = scenario.measured, self.model.structure.sha256
        same = here.startswith(str(told.get("model", "–")))
        return self.say(
            "Medians of {draws} draws, seed {seed}, {city}; model file {model}: {which}.",
            draws=told.get("draws", "–"), seed=told.get("seed", "–"), model=told.get("model", "–"),
            city=self.chapters.city(str(told["city"])) if "city" in told else "–",
            which=self.say("this one") if same else self.say("an earlier state of this one"),
        )  # fmt: skip

    @cached_property
    def policies(self) -> Table:
        """List the policies: where each enters the equations, its constants, the figures cited."""
        structure = self.model.structure
        rows: Rows = []
        for policy in structure.subscripts.get("policy", ()):
            words = policy.replace("_", " ")
            own = [
                one.name
                for one in structure.variables.values()
                if one.name.startswith(f"{words} ") and one.kind == "constant"
            ]
            strength = structure.find(f"{words} intensity")
            rows.append([
                raw(f'<span id="p-{policy}">{escape(self.say.element(policy))}</span>'),
                self.chapters.links(self.chapters.naming.get(policy, ())),
                self.chapters.links(own),
                "" if strength is None else self._size(strength),
            ])  # fmt: skip
        headings = (
            N_("Policy"), N_("Where it enters the equations"), N_("Its constants"), N_("Its size, and where that comes from"),
        )  # fmt: skip
        return self._table(N_("The policies"), headings, rows)

    def _size(self, strength: Variable) -> Markup:
        """Return how strong a policy is by the model's own value, and where that comes from."""
        told = self.say("; ").join(f"{one:g}" for one in self.chapters.constants[strength.name].values())
        doc = self.chapters.cited(self.chapters.docs[strength.name])
        return raw(f"{told} {escape(self.say.unit_of(strength.unit))}".rstrip() + self.say(": ") + doc)

    # ---- extreme conditions and checks --------------------------------------------------------------

    def _condition(self, name: str) -> str:
        """Return what a setting of the checks' file is called."""
        policy = name.removesuffix(ALONE)
        return (
            self.say(CONDITIONS.get(name, name))
            if policy == name
            else self.say("{policy} alone", policy=self.say.element(policy))
        )

    @cached_property
    def extreme_conditions(self) -> Table:
        """List every extreme condition with what it sets, and what becomes of the average city."""
        settings, rows = read_checks().settings, list[list[str | Cell]]()
        for name, changes in self.extremes.items():
            given = self.say(", ").join(
                f"{self.chapters.link(key)} = {value:.4g}"
                for key, value in self._grouped(resolve_setting(self.model, settings[name])).items()
            )
            rows.append([self._condition(name), raw(given), *map(self.say.percent, changes)])
        headings = [
            self.say("Extreme condition"),
            self.say("What is set"),
            *map(self.chapters.shown, EXTREMES),
        ]
        caption = self.say("Extreme conditions: the last year against the same run without")
        return plain_table(caption, headings, rows, (0, 1))

    def _grouped(self, changes: Mapping[str, float]) -> dict[str, float]:
        """Name a constant without an element where all of its elements are set alike."""
        found = {}
        for key, value in changes.items():
            name = split_key(key)[0]
            own = {changes.get(f"{name}[{one}]" if one else name) for one in self.chapters.constants[name]}
            found[name if own == {value} else key] = value
        return found

    @cached_property
    def checked(self) -> Table:
        """List every behaviour check: what must hold, where, in how many runs, and whether it did."""
        known = {one.id: one for one in read_checks().checks}
        rows: Rows = []
        for one in self.checks:
            told = self._demand(known[one.id]) if one.id in known else raw(escape(one.message))
            if self.say.lang == "en" and one.id in known:
                told = raw(f"{escape(one.message)}<br>{told}")
            verdict = self.say(OWN_VERDICTS[one.verdict]) + (f": {one.failure}" if one.failure else "")
            name = raw(f'<span class="code">{one.id.replace("_", "_<wbr>")}</span>')
            rows.append([name, told, f"{one.runs}", verdict])
        headings = (N_("Check"), N_("What must hold"), N_("Runs"), N_("Result"))
        return self._table(N_("Behaviour checks, one by one"), headings, rows, (0, 1, 3))

    def _demand(self, check: Check) -> Markup:
        """Return what a check demands: of which variables, when, in which runs."""
        links = self.chapters.links
        if isinstance(check, Sum):
            told = " = ".join(
                " + ".join(map(self.chapters.link, side)) for side in (check.terms, check.equals)
            )
        elif isinstance(check, Compare):
            words = N_("{variable} with “{setting}”: {expected} than with “{against}” by more than {by}")
            if check.expect == "same":
                words = N_("{variable} with “{setting}”: within {by} of that with “{against}”")
            expected = self.say(EXPECTED.get(check.expect, HIGHER))
            told = self.say(words, variable="%s", expected=expected, by=f"{100 * check.by:g} %",
                            setting=self._condition(check.setting), against=self._condition(check.against))  # fmt: skip
            key = check.variable + (f"[{check.element}]" if check.element else "")
            told = escape(told).replace("%s", self.chapters.link(key))
        else:
            assert isinstance(check, Bounds)
            every = STOCKS in check.variables
            told = escape(self.say("every stock")) if every else links(check.variables)
            if check.exempt:
                told += f" ({escape(self.say('not'))} {links(check.exempt)})"
            told += "".join(f" {sign} {value:g}" for sign, value in (("≥", check.at_least), ("≤", check.at_most))
                            if value is not None)  # fmt: skip
        when = [f"{year:g}" for year in check.at] + [self._condition(name) for name in check.under]
        return raw(told + (f" ({escape(self.say(', ').join(when))})" if when else ""))
