"""The reviewer's book: the fit that it rests on, what stands in for figures that a city lacks, and what is cited."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from talent_sd.base.files import shipped_folder
from talent_sd.base.language import N_, fixed
from talent_sd.evidence import read_fit
from talent_sd.forecast.posterior_draws import CENTRAL, NATIONAL_PATHS
from talent_sd.forecast.prepare import KNOWN_UNTIL
from talent_sd.inputs.city_figures import read_mapping
from talent_sd.inputs.city_files import list_cities, load_city
from talent_sd.inputs.file_schemas import Part
from talent_sd.inputs.national_paths import lookup_name, read_national
from talent_sd.inputs.schema_problems import read_strict
from talent_sd.inputs.settings import split_key
from talent_sd.output.backtest_tables import OUTCOMES
from talent_sd.output.city_tables import CEILED, CEILING, NO_CEILING
from talent_sd.output.report.book_entries import raw
from talent_sd.output.report.book_tables import BookTables, Rows
from talent_sd.output.report.html_pieces import Cell, Table, obtained, plain_table, quoted
from talent_sd.output.speech import digits, signed
from talent_sd.uncertainty.noise import NOISE_INPUTS, summed_variance
from talent_sd.uncertainty.windows import OUTCOMES as NOISY

if TYPE_CHECKING:
    from markupsafe import Markup

    from talent_sd.backtest.forecast_scores import TrackRecord
    from talent_sd.inputs.national_paths import NationalPath

KNOWN, DECADE = ("known residents", "known value added", "known revenue"), 10
TABLES = {
    "city_panel": N_(
        "yearly figures of prefecture-level cities, 2000–2024: residents, GDP, revenue, pay, house prices. China City "
        "Statistical Yearbook, provincial yearbooks, city communiqués"
    ),
    "city_census": N_(
        "counts of the censuses of 2010 and 2020 by city: education, ages, migrants, industries. Yearbooks of the 6th and "
        "7th Population Census"
    ),
    "province_panel": N_(
        "yearly figures of 31 provinces, 2010–2023: patents, research. China Statistical Yearbook on Science and Technology"
    ),
    "city_ages": N_("residents by age, 2010 and 2020. Yearbooks of the 6th and 7th Population Census"),
    "city_structure": N_(
        "employed people by industry and occupation, homes, schooling. Long form of the same censuses"
    ),
    "city_borders": N_("residents of 2010 on the borders of 2020. The same censuses"),
    "national_totals": N_("sums over 300 cities, 2000–2024. The same yearbooks and censuses"),
    "central": N_("the central national path, with a source for each series"),
}
"""Table of a calibration -> what it holds, and the publications that it was compiled from."""
_NAME = r"[A-Z][\w’'-]+(?: (?:Van )?[A-Z][\w’'-]+)?"
WORK = re.compile(rf"({_NAME}(?:, {_NAME})*(?: & {_NAME})?),? \(?((?:19|20)\d\d)\b")
INSTITUTION = re.compile(
    r"NBS|CNIPA|PBC|IMF World Economic Outlook|UN World Population Prospects|(?:Ministry of|National) [A-Z][\w']+"
    r"(?: (?:and |for )?[A-Z]\w+)*|State Council|Population Census|[A-Z]\w+(?: [A-Z]\w+)* Statistical Yearbook"
    r"(?: on Science and Technology)?|China Migrants Dynamic Survey|[A-Z]\w+ [A-Z]\w+ Law|14th Five-Year Plan"
)
NO_NAME = {"Census", "Outlook", "Prospects", "October", "September", "January"}
UNKNOWN = N_("not known: remembered by authors and findings alone; do not cite it from here")
NAMED_HERE = {"Monks and others 2018": "checklist", "Rahmandad & Sterman 2012": "checklist",
              "Forrester & Senge 1980": "tests", "Sterman 2000": "tests",
              "Schoenberg, Hayward & Eberlein 2023": "loops"}  # fmt: skip
"""Works that the document itself names -> chapter."""


class References(Part):
    """Works in full, and where institutions publish."""

    works: dict[str, str] = Field(description="Author and year, as sources name them -> title")
    institutions: dict[str, str] = Field(description="What it is called in sources -> address")


@dataclass(frozen=True)
class BookSources(BookTables):
    """What the numbers rest on; `all_seconds`: how long the book took to gather."""

    all_seconds: float = 0.0

    # ---- the fit -----------------------------------------------------------------------------------

    @property
    def _note(self) -> Mapping[str, Any]:
        return self.chapters.posterior.note if self.chapters.posterior else {}

    @property
    def effective_draws(self) -> str:
        """Return how many of the weighted draws count in effect."""
        share = self._note.get("diagnostics", {}).get("weights_effective_share")
        return "–" if share is None else fixed(share * self._note["sampling"]["kept"], 0, ",")

    @cached_property
    def noise(self) -> list[Table]:
        """List the growth noise by output, its sizes and its correlations; nothing without a posterior."""
        if self.chapters.posterior is None:
            return []
        noise, say = self.chapters.posterior.noise, self.say
        parts = [noise.province, noise.city]
        sd = [np.sqrt(np.diag(one)) for one in parts]
        decade = np.sqrt(np.diag((noise.province + noise.city) * summed_variance(noise.persistence, DECADE)))
        names = [self.chapters.link(NOISE_INPUTS[name]) for name in NOISY]
        free = ["∞"] * len(NOISY) if noise.freedom is None else [fixed(one, 1) for one in noise.freedom]
        rows: Rows = [
            [name, say(OUTCOMES[outcome]), fixed(100 * sd[0][k], 2), fixed(100 * sd[1][k], 2),
             fixed(noise.persistence[k], 2), free[k], fixed(100 * decade[k], 1)]
            for k, (name, outcome) in enumerate(zip(names, NOISY, strict=True))
        ]  # fmt: skip
        headings = (
            N_("Input of the model"), N_("Output"), N_("Province, sd of a year, %"), N_("City, sd of a year, %"),
            N_("Left a year later"), N_("Degrees of freedom ν"), N_("Both, sd of ten years' sum, %"),
        )  # fmt: skip
        together: Rows = [
            [name, *(" / ".join(fixed(one[k, j] / (s[k] * s[j]), 2, '+') if s[k] * s[j] else "–"
                                for one, s in zip(parts, sd, strict=True)).replace("-", "−")
                     for j in range(len(NOISY)))]
            for k, name in enumerate(names)
        ]  # fmt: skip
        columns = [N_("Input of the model"), *(OUTCOMES[name] for name in NOISY)]
        return [
            self._table(
                N_("Growth noise: how large, how lasting, how heavy its tails"), headings, rows, (0, 1)
            ),
            self._table(N_("Growth noise: correlations of a year, province / city"), columns, together, (0,)),
        ]

    @property
    def noise_years(self) -> str:
        """Return the windows whose leftovers the noise was estimated from."""
        return self.say(", ").join(f"{first}→{last}" for first, last in self._note.get("noise_windows", ()))

    @cached_property
    def paths(self) -> dict[str, NationalPath]:
        """Return the national paths that draws are spread over."""
        return {name: read_national(name) for name in dict.fromkeys(NATIONAL_PATHS)}

    @cached_property
    def nations(self) -> Table:
        """Hold the national paths side by side: the last known year, and the last year on each."""
        assert self.prepared is not None
        year = int(self.prepared.first.final_year)
        rows: Rows = []
        for name, series in self.paths[CENTRAL].variables.items():
            if (found := self.model.structure.find(lookup_name(name))) is None:
                continue
            values = [path.variables[name].values[year] for path in self.paths.values()]
            known = series.values[series.known_until]
            scale = self.say.scale(max(map(abs, [known, *values])), series.unit)
            cells = (f"{value / scale.factor:.4g}" for value in (known, *values))
            title, until = self.chapters.link(found.name), f"{series.known_until}"
            rows.append([title, self.say.unit(scale), until, *cells])
        headings = [
            self.say("Series"),
            self.say("Unit"),
            self.say(N_("Past until, some years estimated")),
            self.say("Value then"),
        ]
        headings += [f"{self.say.both(path.title)}{self.say(', ')}{year}" for path in self.paths.values()]
        return plain_table(self.say(N_("The national paths, side by side")), headings, rows, (0, 1))

    @cached_property
    def nation_reasons(self) -> list[tuple[str, str, list[str]]]:
        """Return each other path's title, its file, and what it assumes otherwise than the central one."""
        central = self.paths[CENTRAL].variables
        return [
            (
                self.say.both(path.title),
                path.files[-1],
                list(
                    dict.fromkeys(
                        quoted(s.why, self.say.lang)
                        for name, s in path.variables.items()
                        if s.values != central[name].values
                        and lookup_name(name) in self.model.structure.variables
                    )
                ),
            )
            for key, path in self.paths.items()
            if key != CENTRAL
        ]

    @cached_property
    def known_words(self) -> str:
        """Say until which year what is known of the city and of the nation, and where the forecast begins."""
        assert self.prepared is not None
        first = self.prepared.first
        start, told = int(first.start_year), []
        for name in KNOWN:
            values = [one.value for key, one in first.values.items() if key.partition("[")[0] == name]
            known = sum(isinstance(value, float) and value > 0 for value in values)
            told.append(f"{self.chapters.shown(name)} {start + known}")
        held = self.model.structure.variables
        nation = [s.known_until for name, s in first.national.variables.items() if lookup_name(name) in held]
        ends = "–".join(map(str, dict.fromkeys((min(nation), max(nation)))))
        return self.say(
            "A run starts in {start} from the city's figures of that year. Figures of later years come in as "
            "they are, as far as the city's file has them: {series}. The past of the nation's series ends in {nation}; some of "
            "its last years are carried on or estimated, as the source at a series' link says. Each series "
            "is forecast from its own last year on; pictures mark {mark}, the last year in which anything of a city is known.",
            start=start, series=self.say(", ").join(told), nation=ends, mark=f"{max(KNOWN_UNTIL, start):g}",
        )  # fmt: skip

    @cached_property
    def origins(self) -> list[tuple[str, str, str]]:
        """Return (file, SHA-256, what it holds and where its figures come from) of each table behind the fit."""
        hashes = dict(self._note.get("data_sha256", {}))
        unused = self.say(N_("no part of the fit; the back-test reads it"))
        if hashes:
            hashes.setdefault("national_totals.csv", unused)
        return [
            (name, sha, self.say(TABLES.get(Path(name).stem, N_("not named"))))
            for name, sha in hashes.items()
        ]

    @property
    def fitting_cities(self) -> str:
        """Return the cities that took part in the fit, as the tables call them."""
        return "、".join(sorted(self.chapters.posterior.fitted)) if self.chapters.posterior else ""

    @property
    def posterior_sha(self) -> str:
        """Return the hash of the posterior in use."""
        return self.chapters.posterior.sha256 if self.chapters.posterior else ""

    def fit_words(self, record: TrackRecord | None) -> str:
        """Say whether the posterior was made for this model file, and what can be checked of it from the files."""
        sha, here = str(self._note.get("model_sha256", "")), self.model.structure.sha256
        centre = {name: float(value) for name, value in self._note.get("centre", {}).items()}
        own = {name: next(iter(self.chapters.constants.get(name, {}).values()), np.nan) for name in centre}
        apart = [
            name for name, value in centre.items() if not np.isclose(own[name], value, rtol=1e-3, atol=0)
        ]
        told = [
            self.say("The posterior was made for this very model file ({sha}).", sha=here[:16])
            if sha == here
            else self.say(
                "No, strictly: it was made for an earlier state of the model file ({sha}), not for this one ({here}). "
                "The hash changes with every word of the file, and with the fitted constants themselves, which are written "
                "into it after the fit. The fit was not repeated: R-hat, what it left over and the size of the noise "
                "are those of the earlier file.", sha=sha[:16] or "–", here=here[:16])
        ]  # fmt: skip
        told.append(
            self.say(
                "Checked here: all {count} fitted constants stand in this file at the posterior's middle.", count=len(centre)
            )
            if not apart
            else self.say("Checked here: of {count} fitted constants these do not stand at the posterior's middle: {names}.",
                          count=len(centre), names=self.say(", ").join(map(self.chapters.shown, apart)))
        )  # fmt: skip
        if self.fit_table is not None:
            told.append(
                self.say(
                    "The calibrated figures, as the fit found them and as this file gives them, stand side by side:"
                )
            )
        return self.chapters.gap.join(told)

    @cached_property
    def fit_table(self) -> Table | None:
        """Hold the calibrated figures as the fit found them against what this model gives; None without both."""
        then = self._note.get("diagnostics", {}).get("evidence", {})
        rows: Rows = []
        for one in self.findings:
            told, value = then.get(one.figure.id), one.measurement.value
            if told is not None and value is not None:
                off = (value - told["median"]) / told["allowance"]
                rows.append([self.chapters.cited(one.figure.id), digits(told["target"]), digits(told["allowance"]),
                             digits(told["median"]), digits(value), signed(off, 2)])  # fmt: skip
        headings = (
            N_("Figure"), N_("Target"), N_("Tolerance"), N_("In the fit, median"), N_("On this file"),
            N_("Difference in tolerances"),
        )  # fmt: skip
        return (
            self._table(N_("The calibrated figures in the fit and on this file"), headings, rows, (0,))
            if rows
            else None
        )

    # ---- what stands in, and what is cited ---------------------------------------------------------

    @cached_property
    def city_notes(self) -> list[tuple[str, str]]:
        """Return each note of the cities' files with the cities that have it, this city's first."""
        assert self.prepared is not None
        found: dict[str, list[str]] = {}
        for city in (self.prepared.first.city, *map(load_city, list_cities())):
            for note in city.notes:
                found.setdefault(note, []).append(city.title[self.say.lang])
        return [
            (self.say(", ").join(dict.fromkeys(names)), quoted(note, self.say.lang))
            for note, names in found.items()
        ]

    @cached_property
    def stood_in_for(self) -> frozenset[str]:
        """Return the constants that the city's file does not give for the start year."""
        given = self.prepared.first.values if self.prepared else {}
        asked = read_mapping().content.constants
        return frozenset(
            key for key, one in given.items() if key in asked and self._stands_in(one.origin.text)
        )

    @cached_property
    def gaps(self) -> Table:
        """List each constant that a city could give and this one does not, with what stands in for it."""
        resolved = self.prepared.first if self.prepared else None
        given = resolved.values if resolved else {}
        rows: Rows = []
        for key in read_mapping().content.constants if resolved else ():
            name, element = split_key(key)
            value = given.get(key)
            if value is None:
                own = self.chapters.constants.get(name, {})
                number = own.get(element or "", next(iter(own.values()), float("nan")))
                why = self.say("the model's own value; the city's file gives no figure")
                rows.append([self.chapters.link(key), self._number(name, number), why,
                             Cell(self.model.structure.place(name), kind="code")])  # fmt: skip
            elif (stands := self._stands_in(value.origin.text)) and isinstance(value.value, float):
                stands = obtained(stands, self.say.lang)
                rows.append([self.chapters.link(key), self._number(name, value.value), stands,
                             Cell(str(value.origin) or "–", kind="code")])  # fmt: skip
        headings = (N_("Constant"), N_("Value"), N_("What stands in"), N_("File and line"))
        return self._table(
            N_("What the city's file does not give for the start year, and what stands in"), headings, rows
        )

    def _number(self, name: str, value: float) -> str:
        scale = self.say.scale(abs(value), self.model.structure[name].unit)
        return self.say(NO_CEILING) if name == CEILED and value >= CEILING else self.say.amount(value, scale)

    @staticmethod
    def _stands_in(text: str) -> str:
        """Return how a value came about where it is not the city's own figure of the year, else ""."""
        told = text.partition("; ")
        kinds = ("assumption", "default", " as national", "national ", "held to")
        return (
            text
            if "assumption" in text or "default" in text
            else told[0]
            if any(k in told[0] for k in kinds)
            else ""
        )

    @cached_property
    def _named_in(self) -> dict[str, list[Markup]]:
        """Return each text that may name a source, of the model, of its fits and of the laws -> links to what has it."""
        found: dict[str, list[Markup]] = {}
        for variable in self.model.structure.variables.values():
            found.setdefault(variable.doc, []).append(self.chapters.link(variable.name))
        for effect in read_fit().effects.values() if self.city else ():
            found.setdefault(effect.source, []).extend(map(self.chapters.link, effect.constants))
        for one in (*self.chapters.priors.values(), *self.chapters.believed.values()):
            found.setdefault(one.source, []).append(self.chapters.link(next(iter(one.elements))))
        for law in (one.law for one in self.judged):
            found.setdefault(law.source, []).append(raw(f'<a href="#law-{law.id}">{law.id}</a>'))
        for work, chapter in NAMED_HERE.items() if self.city else ():
            here = self.say("this document")
            found.setdefault(work, []).append(raw(f'<a href="#{chapter}">{escape(here)}</a>'))
        return found

    @cached_property
    def references(self) -> Table:
        """List the works and the institutions that the sources name, each with the variables that rest on it."""
        works: dict[str, dict[Markup, None]] = {}
        offices: dict[str, dict[Markup, None]] = {}
        listed = read_strict(shipped_folder("models") / "references.yaml", References).content
        titles, known = listed.works, listed.institutions
        for text, names in self._named_in.items():
            for found in INSTITUTION.finditer(text):
                offices.setdefault(found[0], {}).update(dict.fromkeys(names))
            for name in (
                name for name in titles if name in text
            ):  # whatever its form: without a year, with others
                works.setdefault(name, {}).update(dict.fromkeys(names))
            for found in WORK.finditer(INSTITUTION.sub("", text)):
                if not NO_NAME & set(re.findall(r"\w+", found[1])):
                    works.setdefault(f"{found[1]} {found[2]}", {}).update(dict.fromkeys(names))
        full = {name: self.say(UNKNOWN) if title == "?" else title for name, title in titles.items()}
        told = self.say("institution")
        full |= {
            name: self.say(": ").join([told, known[name]]) if name in known else told for name in offices
        }
        rows: Rows = [
            [raw(escape(quoted(name, self.say.lang))), full.get(name, "–"), raw(self.say(", ").join(using))]
            for group in (works, offices)
            for name, using in sorted(group.items())
        ]
        headings = (N_("Reference"), N_("Title, and where it came out"), N_("Where it is named"))
        return self._table(N_("Works and institutions named in the sources"), headings, rows)
