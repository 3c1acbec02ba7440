"""What the reviewer's book is made from, and its tables of the model itself: parts, stocks, delays, scenarios, policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.language import N_
from talent_sd.inputs.city_figures import city_constants, read_mapping
from talent_sd.inputs.city_files import list_cities, load_city
from talent_sd.inputs.scenario_chain import list_scenarios, load_scenario, read_notes
from talent_sd.inputs.settings import split_key
from talent_sd.output.report.book_entries import Chapters, raw
from talent_sd.output.report.html_pieces import Cell, Table, plain_table
from talent_sd.output.report.inputs_section import mix_of, timing
from talent_sd.output.speech import Speech

if TYPE_CHECKING:
    from markupsafe import Markup

    from talent_sd.engine.runner import Model
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.forecast.spread import Move
    from talent_sd.inputs.scenario_chain import Scenario
    from talent_sd.laboratory.findings import Finding
    from talent_sd.laws.judge_laws import Judged
    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy
    from talent_sd.uncertainty.fitted_constants import Beliefs

STRONGEST = 10
"""Constants told for each result."""
MANY = 8
"""More cities than these are counted, not named."""
LEFT_OUT = 1e-4
"""Moves of a smaller part of a result are not told."""
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
        return plain_table(self.say(caption), [self.say(one) for one in headings], rows, texts)

    def _base(self, key: str) -> float:
        """Return a constant's value in the run as it is; 1 of a factor."""
        prior = self.chapters.believed.get(key) or self.chapters.priors.get(key)
        if prior is not None and prior.factor:
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
        start, nation = int(self.prepared.first.start_year), self.prepared.first.national
        rules = read_mapping().content.constants
        shipped = {name: load_city(name) for name in list_cities()}
        found = {name: city_constants(city, start, nation) for name, city in shipped.items()}
        rows: Rows = []
        for key, rule in rules.items():
            if rule.after or rule.national is not None:
                continue
            groups: dict[str, list[str]] = {}
            for name, values in found.items():
                year = values[key].year if key in values else None
                groups.setdefault(self.say("stands in") if year is None else f"{year}", []).append(name)
            told = self.say("; ").join(
                self.say("{year}: {cities}", year=year, cities=self.say("all cities") if len(names) == len(shipped)
                         else self.say("{count} cities", count=len(names)) if len(names) > MANY
                         else self.say(", ").join(map(self.chapters.city, names)))
                for year, names in sorted(groups.items())
            )  # fmt: skip
            carried = (
                self.say("with the nation's {series}", series=rule.carry.replace("_", " "))
                if rule.carry
                else self.say("held")
            )
            rows.append([self.chapters.link(key), f"{rule.max_age}", carried, told])
        headings = (
            N_("Constant"), N_("A figure may be so many years old"), N_("How an older one is carried"),
            N_("Year of the figure used, all shipped cities"),
        )  # fmt: skip
        return self._table(
            N_("How old a city's figure may be, and how old those in use are"), headings, rows, (0, 2, 3)
        )

    @cached_property
    def boundary(self) -> Table:
        """Count what each sector holds, and link to it."""
        kinds = ("stock", "auxiliary", "constant", "lookup", "data")
        rows: Rows = []
        for number, (sector, entries) in enumerate(self.chapters.sectors.items(), 1):
            found: list[str] = [entry.variable.kind for entry in entries]
            title = raw(f'<a href="#sector-{number}">{escape(self.chapters.sector_title(sector))}</a>')
            rows.append([title, *(str(found.count(kind) or "–") for kind in kinds)])
        headings = (
            N_("Sector"),
            N_("Stocks"),
            N_("Flows and auxiliaries"),
            N_("Constants"),
            N_("Given series and curves"),
            N_("Data"),
        )
        return self._table(N_("What the model holds, by sector"), headings, rows, (0,))

    @cached_property
    def given(self) -> Table:
        """List the series and curves that the model is given."""
        rows: Rows = [
            [
                self.chapters.link(one.name),
                self.chapters.unit(one.unit),
                self.chapters.cited(one.doc),
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
        words = ("time", "lag", "delay", "duration")
        rows: Rows = [
            [
                self.chapters.link(one.name),
                "; ".join(f"{v:g}" for v in self.chapters.constants[one.name].values()),
                self.chapters.cited(one.doc),
            ]
            for one in self.model.structure.variables.values()
            if one.unit == "year"
            and one.name in self.chapters.constants
            and set(words) & set(one.name.split())
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
            [raw(f'<a href="#s-{number}">{escape(text)}</a>'), self.chapters.links(names)]
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
            [
                raw(f'<span id="s-{number}">{self.chapters.cited(text)}</span>'),
                self.chapters.links(names),
            ]
            for number, (text, names) in enumerate(self.chapters.sources.items(), 1)
        ]
        return self._table(N_("Sources named in the model's file"), (N_("Source"), N_("Variables")), rows)

    @cached_property
    def scenarios(self) -> list[tuple[str, Scenario, list[tuple[Markup, str, Markup]]]]:
        """Return each shipped scenario with what it sets: (what, how, why)."""
        found = []
        for name in list_scenarios():
            scenario = load_scenario(name)
            notes = {note.about: note for note in read_notes(scenario)}
            active = mix_of(scenario)
            rows = []
            for policy in active:
                note = notes.get(policy)
                why = (
                    self.say("; ").join(filter(None, (note.why, note.source, ", ".join(note.evidence))))
                    if note
                    else ""
                )
                rows.append(
                    (
                        raw(f'<a href="#p-{policy}">{escape(self.say.element(policy))}</a>'),
                        timing(active[policy], self.say),
                        self.chapters.cited(why),
                    )
                )
            for key, value in scenario.assumptions.items():
                note = notes.get(key)
                why = self.say("; ").join(filter(None, (note.why, note.source))) if note else ""
                rows.append(
                    (
                        self.chapters.link(key),
                        f"{value.value:g}" if isinstance(value.value, float) else self.say("a series"),
                        self.chapters.cited(why),
                    )
                )
            for shock, settings in scenario.shocks.items():
                rows.append(
                    (
                        raw(escape(shock.replace("_", " "))),
                        ", ".join(f"{key} {one.value}" for key, one in settings.items()),
                        raw(""),
                    )
                )
            found.append((name, scenario, rows))
        return found

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
                self.chapters.cited("" if strength is None else strength.doc),
            ])  # fmt: skip
        headings = (
            N_("Policy"),
            N_("Where it enters the equations"),
            N_("Its constants"),
            N_("Its size, and where that comes from"),
        )
        return self._table(N_("The policies"), headings, rows)
