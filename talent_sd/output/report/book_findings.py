"""The reviewer's book: what the model was held against, the article's figures and the laws."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.language import N_, fixed
from talent_sd.evidence import scenarios_citing
from talent_sd.inputs.evidence_ledger import ROLES
from talent_sd.inputs.scenario_chain import load_scenario
from talent_sd.laboratory.findings import experiments_for
from talent_sd.laws.judge_laws import FAILED, HELD, LawRecord, Row, asked_of_draws
from talent_sd.laws.law_files import Law, LawFile, read_laws
from talent_sd.laws.law_findings import PolicyCost, policies_inside, policies_told
from talent_sd.output.evidence_tables import VERDICTS as OWN_VERDICTS
from talent_sd.output.evidence_tables import in_language, number_text, statement, target_text, verdict_text
from talent_sd.output.report.book_entries import raw, year_or_years
from talent_sd.output.report.book_results import BookResults
from talent_sd.output.report.book_tables import Rows
from talent_sd.output.report.html_pieces import Cell, Table, quoted
from talent_sd.output.report.inputs_section import ranges_table
from talent_sd.output.report.trust_section import experiments_table
from talent_sd.output.speech import digits, signed
from talent_sd.output.validation_tables import VERDICTS, band_text, furthest_row

if TYPE_CHECKING:
    from markupsafe import Markup

    from talent_sd.laboratory.cases import Case, Experiment
    from talent_sd.laboratory.findings import Finding
    from talent_sd.model_tests.standard_tests import StandardTest

NEAR, HAIR = 0.05, 0.01
"""A law whose value is nearer to an edge than the first part of its band is marked, than the second listed."""
NEAREST = 20
"""Laws of which the shares of draws are told one by one."""
FACTOR_MARK = " ×"
FACTOR_NOTE = N_(
    "× after a name: its numbers are factors on every value at the link; at 1 the values are as they stand there."
)
CHANGES = 8
"""Settings of a run that are told."""
LAW_KINDS = {
    "identity": N_("Identities: they hold by construction"),
    "input": N_("Checks of inputs: the model reproduces what it was given"),
    "behaviour": N_("Laws of behaviour"),
}


def room_left(row: Row) -> float:
    """Return how far a value is from the nearer edge, as a part of its band, or of the edge where there is one alone."""
    low = np.inf if row.lower is None else row.value - row.lower
    high = np.inf if row.upper is None else row.upper - row.value
    return min(low, high) / (abs((row.upper or 0.0) - (row.lower or 0.0)) or 1.0)


@dataclass(frozen=True)
class BookFindings(BookResults):
    """The tables of the article's figures, the standard tests and the laws."""

    tests: Sequence[StandardTest] = ()
    law_record: LawRecord | None = None
    costs: Sequence[PolicyCost] = ()

    def _drawn_link(self, key: str) -> Markup:
        """Link to a constant, marked where its numbers are those of a factor."""
        return self.chapters.link(key) + raw(FACTOR_MARK * self.chapters.factor(key))

    def _told_factors(self, table: Table) -> Table:
        """Say below a table what the mark means, where it has one."""
        marked = any(row.heading.endswith(FACTOR_MARK) for group in table.groups for row in group.rows)
        return replace(table, note=self.say(FACTOR_NOTE)) if marked else table

    @cached_property
    def standard_tests(self) -> Table:
        """List the standard tests of system dynamics with what was measured."""
        rows: Rows = [
            [one.question[self.say.lang], self.say(OWN_VERDICTS[one.verdict]), one.finding, one.backed_by]
            for one in self.tests
        ]
        headings = (N_("Test"), N_("Verdict"), N_("Finding"), N_("Backed by"))
        return self._table(N_("Standard tests of system dynamics"), headings, rows)

    @cached_property
    def evidence(self) -> Table:
        """List the article's figures with what the model says; each is told in full below."""
        rows: Rows = []
        for one in self.findings:
            figure, value = one.figure, one.measurement.value
            rows.append([
                raw(f'<a href="#e-{figure.id}">{figure.id}</a>'),
                statement(figure, self.say.lang), self.say(ROLES[figure.role]),
                f"{told} {quoted(figure.unit, self.say.lang)}".strip() if (told := target_text(figure)) else "–",
                "–" if np.isnan(figure.allowance) else f"± {digits(figure.allowance)}",
                "–" if value is None else number_text(value), verdict_text(one, self.say.lang),
            ])  # fmt: skip
        headings = (
            N_("Id"), N_("Statement"), N_("Role"), N_("Target"), N_("Tolerance"), N_("Measured"), N_("Verdict"),
        )  # fmt: skip
        return self._table(N_("The article's figures, measured on the model"), headings, rows, (0, 1, 2, 6))

    @cached_property
    def figures(self) -> list[tuple[str, str, str, list[tuple[str, Markup]]]]:
        """Return each figure's id, claim and verdict with (what, told): how it is measured, why it is missed, who cites it."""
        cases = experiments_for(tuple(one.figure for one in self.findings))
        return [
            (one.figure.id, statement(one.figure, self.say.lang), verdict_text(one, self.say.lang),
             [(self.say(what), told) for what, told in self._figure_facts(one, cases) if told])
            for one in self.findings
        ]  # fmt: skip

    def _figure_facts(self, one: Finding, cases: Mapping[str, Experiment]) -> Iterable[tuple[str, Markup]]:
        say, figure, found = self.say, one.figure, one.measurement
        if one.verdict == "missed":
            yield N_("Why it is missed"), raw(escape(in_language(figure, "miss", say.lang)))
        if one.differs:
            yield N_("Why the data differ"), raw(escape(in_language(figure, "miss", say.lang)))
        if figure.unclean:
            yield N_("Why it is not counted"), raw(escape(in_language(figure, "unclean", say.lang)))
        if figure.one_effect:
            yield N_("Remark"), raw(escape(say("one free effect of its own: the value is no test")))
        yield N_("Named by the article"), self.chapters.cited(figure.named_source)
        yield N_("How it is read"), self.chapters.cited(figure.reading)
        yield N_("Experiment"), self.chapters.cited(figure.test)
        cities = dict.fromkeys(case.city for case in cases[figure.experiment].cases.values())
        yield N_("Runs"), raw("; ".join(map(self._case_told, cases[figure.experiment].cases.values())))
        yield (
            N_("Beside a scenario's finding"),
            raw(escape(self._beside(figure.id, cases[figure.experiment]))),
        )
        yield N_("Cities"), raw(escape(say(", ").join(map(self.chapters.city, cities))))
        shown = (
            say(", ").join(quoted(self.chapters.place(part), say.lang) for part in self._parts(name))
            + f" {year_or_years(value) if name.endswith(' in') else digits(value, 4)}"
            for name, value in found.shown.items()
        )
        yield N_("Measured one by one"), raw(escape(say("; ").join(shown)))
        if apart := self._one_by_one(one, {case.city for case in cases[figure.experiment].cases.values()}):
            yield N_("City by city"), raw(escape(apart))
        held = (f"{'✓' if holds else '✗'} {text}" for text, holds in found.conditions)
        if one.verdict == "met" and not target_text(figure):
            yield N_("Of the verdict"), raw(escape(say(
                "The article names no size here. It is met if the conditions below hold, by however little; what was measured "
                "stands above.")))  # fmt: skip
        yield N_("Conditions tried"), raw(escape("; ".join(held)))
        yield N_("Cited by"), self._citing(figure.id)

    def _parts(self, name: str) -> list[str]:
        """Return a measured name as it can be told: whole, or a city and what was measured there."""
        city, comma, rest = name.partition(", ")
        return [city, rest] if comma and self.chapters.place(city) != city else [name]

    def _one_by_one(self, one: Finding, cities: set[str]) -> str:
        """Say how many cities come out alone where the figure is the mean over cities; "" of any other."""
        own, value = (
            [shown for name, shown in one.measurement.shown.items() if name in cities],
            one.measurement.value,
        )
        if (
            len(own) < 2
            or value is None
            or np.isnan(one.figure.allowance)
            or not np.isclose(np.mean(own), value)
        ):
            return ""
        inside = sum(map(one.figure.met_by, own))
        told = self.say("The value is the mean of the cities; alone {inside} of {all} lie inside the tolerance.",
                        inside=inside, all=len(own))  # fmt: skip
        if one.verdict != "met" or inside == len(own):
            return told
        key = (
            N_("It is met by their mean, not by each: take it for met in part.")
            if inside
            else N_(
                "It is met by their mean alone: no city comes out, so take it for no success of the model."
            )
        )
        return told + self.chapters.gap + self.say(key)

    def _case_told(self, case: Case) -> str:
        """Return a run of an experiment: its scenario, its city, what is set besides; links to what they name."""
        told = f'<a href="#x-{case.scenario}">{case.scenario}</a>, {escape(self.chapters.city(case.city))}'
        changes = [(self.chapters.link(key), f"= {value:g}") for key, value in case.changes.items()]
        changes += [(self.chapters.link(key), signed(value)) for key, value in case.shifts.items()]
        shown = [f"{link} {value}" for link, value in changes[:CHANGES]] + ["…"] * (len(changes) > CHANGES)
        return told + (f" ({', '.join(shown)})" if shown else "")

    def _beside(self, figure: str, experiment: Experiment) -> str:
        """Say how a figure's runs differ from the findings of the scenarios that cite it; "" where none has one."""
        told, cases = [], experiment.cases.values()
        for name in scenarios_citing(figure):
            measured = load_scenario(name).measured
            if not measured:
                continue
            own = [case for case in cases if case.scenario == name]
            elsewhere = measured.get("city") not in {case.city for case in cases}
            if elsewhere and not own:
                continue  # nobody would hold them together
            draws = measured.get("draws", "–")
            differs = [self.say("the central run here, the median of {draws} draws there", draws=draws)]
            if elsewhere:
                differs.append(
                    self.say("another city there: {city}", city=self.chapters.city(str(measured.get("city"))))
                )
            if not own:
                differs.append(self.say("other policies, strengths or years here, as the runs above say"))
            elif any(case.changes or case.shifts for case in own):
                differs.append(self.say("further settings here, as the runs above say"))
            told.append(
                self.say("{scenario}: {differs}", scenario=name, differs=self.say(", ").join(differs))
            )
        if not told:
            return ""
        return self.say(
            "The two need not agree, nor are years and quantity always the same. {told}.",
            told=self.say("; ").join(told),
        )

    def _citing(self, figure: str) -> Markup:
        """Return links to the variables and the scenarios that cite a figure."""
        scenarios = [f'<a href="#x-{name}">{name}</a>' for name in scenarios_citing(figure)]
        return raw(
            self.say(", ").join([*map(self.chapters.link, self.chapters.citing.get(figure, ())), *scenarios])
        )

    def laws(self, kind: str) -> Table:
        """List the laws of a kind with what the model does in its central run, nearest to an edge."""
        file, rows = read_laws(), list[list[str | Cell]]()
        for one in (one for one in self.judged if one.law.kind == kind):
            row = furthest_row(one)
            if one.held:
                row = min((own for own in one.rows if own.counts), key=room_left)
            verdict = self.say(VERDICTS[HELD if one.held else row.verdict])
            if one.held and room_left(row) < NEAR:
                verdict = self.say("{verdict}, at the edge", verdict=verdict)
            years = sorted({int(year) for measure in file.measures[one.law.id] for year in measure.years})
            rows.append(
                [
                    raw(f'<span id="law-{one.law.id}">{one.law.id.replace("_", "_<wbr>")}</span>'),
                    self._says(one.law),
                    band_text(row.lower, row.upper),
                    f"{digits(row.value)} {self._law_unit(one.law, file)}".strip(),
                    "–".join(f"{year}" for year in dict.fromkeys((years[0], years[-1])))
                    if years
                    else "2024–2034",
                    self.chapters.place(row.city),
                    verdict,
                    self.chapters.cited(one.law.source),
                ]
            )
        headings = (
            N_("Law"), N_("What it says"), N_("Band"), N_("Value"), N_("Years"), N_("City"), N_("Verdict"),
            N_("Source"),
        )  # fmt: skip
        return self._table(LAW_KINDS[kind], headings, rows)

    def _says(self, law: Law) -> Markup:
        """Return what a law says; of a loop, with a link by the name that the loop has elsewhere."""
        own = (
            one
            for one in self.chapters.loops
            if law.says.en.startswith("Loop ") and law.id.endswith(f"_{one.name}")
        )
        told = raw(escape(getattr(law.says, self.say.lang)))
        if law.finding in (policies_inside.__name__, policies_told.__name__):
            told += raw(f' (<a href="#ranges">{escape(self.ranges.caption)}</a>)')
        return told + raw("".join(f" ({self.chapters.loop_link(one)})" for one in own))

    @cached_property
    def ranges(self) -> Table:
        """List what each policy costs or yields beside the literature's range, those outside first."""
        return ranges_table(self.costs, self.say)

    @cached_property
    def experiments(self) -> Table:
        """List what each experiment of the laws sets, how large, and the laws that read it."""
        return experiments_table(read_laws(), [one.law for one in self.judged], self.chapters, self.say)

    @cached_property
    def hairs(self) -> Table:
        """List the laws of behaviour that hold by less than a hundredth of their band, the nearest first."""
        held = [one for one in self.judged if one.law.kind == "behaviour" and one.held]
        near = sorted(
            ((min(map(room_left, filter(attrgetter("counts"), one.rows))), one) for one in held),
            key=itemgetter(0),
        )
        rows: Rows = []
        for room, one in near:
            if 1e-9 < room < HAIR:
                row = min(filter(attrgetter("counts"), one.rows), key=room_left)
                rows.append([raw(f'<a href="#law-{one.law.id}">{one.law.id.replace("_", "_<wbr>")}</a>'),
                             getattr(one.law.says, self.say.lang), band_text(row.lower, row.upper), digits(row.value, 5),
                             self.chapters.place(row.city), f"{100 * room:.2g} %",
                             self._in_band(row)])  # fmt: skip
        headings = (
            N_("Law"), N_("What it says"), N_("Band"), N_("Value"), N_("City"), N_("Room left, part of the band"),
            N_("Draws inside the band"),
        )  # fmt: skip
        return self._table(
            N_("Laws of behaviour that hold by a hair: by less than a hundredth of their band"),
            headings,
            rows,
            (0, 1, 4),
        )

    def _in_band(self, row: Row) -> str:
        """Return in what share of the record's draws a law kept to its band itself."""
        told = self.law_record.laws.get(row.law, {}).get(row.city) if self.law_record else None
        return "–" if told is None or told[3] is None else f"{fixed(100 * told[3])} %"

    @cached_property
    def law_words(self) -> str:
        """Say how many laws held in the draws of the record, and on which model that was."""
        record, here = self.law_record, self.model.structure.sha256
        if record is None:
            return self.say(
                "No result of many draws is kept with this model; talent-sd validate --law all makes one."
            )
        held = [all(row[2] != FAILED for row in rows.values()) for rows in record.laws.values()]
        told = self.say(
            "In {draws} draws from the posterior {held} of {all} laws hold. These results are read from "
            "models/law_record.json, not made for this book. {given} of these laws are identities or checks of inputs: they "
            "hold by construction and say nothing of behaviour.", draws=record.draws, held=sum(held), all=len(held),
            given=sum(one.id in record.laws and one.kind != "behaviour" for one in read_laws().laws),
        )  # fmt: skip
        same = record.model_sha256 == here
        return told + self.chapters.gap + (
            self.say("They are of this very model file ({sha}).", sha=here[:16]) if same
            else self.say("They are of an earlier state of the model file ({sha}), not of this one ({here}).",
                          sha=record.model_sha256[:16], here=here[:16])
        )  # fmt: skip

    @cached_property
    def laws_in_draws(self) -> Table:
        """List the laws of behaviour that some draws leave, each where it comes nearest to failing, the nearest first."""
        record, found = self.law_record, list[tuple[float, list[str | Cell]]]()
        for law in (one.law for one in self.judged if one.law.kind == "behaviour"):
            asked, sign_asked = asked_of_draws(law)
            cities = [
                (
                    min((share or 0.0) - asked, 1.0 if sign is None else sign - sign_asked),
                    city,
                    share,
                    sign,
                    verdict,
                )
                for city, (share, sign, verdict, _) in (record.laws.get(law.id, {}) if record else {}).items()
                if share is not None and min(share, 1.0 if sign is None else sign) < 1
            ]
            if not cities:
                continue
            room, city, share, sign, verdict = min(cities)
            signs = (
                [f"{fixed(100 * sign)} %", f"{fixed(100 * sign_asked)} %"]
                if sign is not None and sign_asked
                else ["–", "–"]
            )
            found.append((room, [
                raw(f'<a href="#law-{law.id}">{law.id.replace("_", "_<wbr>")}</a>'), self.chapters.place(city),
                self.say(N_("twice the band") if sign_asked else N_("the band")), f"{fixed(100 * (share or 0.0))} %",
                f"{fixed(100 * asked)} %", *signs, self.say(VERDICTS[verdict]),
            ]))  # fmt: skip
        rows = [row for _, row in sorted(found, key=itemgetter(0))[:NEAREST]]
        headings = (
            N_("Law"), N_("City"), N_("Judged by"), N_("Draws inside"), N_("Asked for"), N_("Draws with the band's sign"),
            N_("Asked for"), N_("Verdict"),
        )  # fmt: skip
        return self._table(
            N_("Laws of behaviour that some draws leave: those nearest to what is asked for"),
            headings,
            rows,
            (0, 1, 2, 7),
        )

    def _law_unit(self, law: Law, file: LawFile) -> str:
        """Return the unit of a law's value, "" of a ratio or a relative difference."""
        for factor, unit in (("*1000", "‰"), ("*100", "%")):
            if law.measure.endswith(factor):
                return unit
        found = re.fullmatch(
            r"(?:level|change|lowest|highest|lowest_change|highest_change)\((\w+),[^()]*\)", law.measure
        )
        of = file.content.quantities[found[1]].of if found else []
        return self.say.unit_of(self.model.structure[of[0].partition("[")[0]].unit) if of else ""

    @property
    def law_kinds(self) -> tuple[str, ...]:
        """Return the kinds of laws, those that say something of the model last."""
        return tuple(LAW_KINDS)
