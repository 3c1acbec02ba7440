"""Put the page together: both languages in one file, nothing fetched, nothing of the user's obeyed."""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from talent_sd.backtest.forecast_scores import read_track_record
from talent_sd.base.dims import CITY, DRAW, SCENARIO, TIME
from talent_sd.base.errors import TalentError
from talent_sd.base.language import LANGUAGES, N_
from talent_sd.base.version import __version__
from talent_sd.engine.runner import load_model
from talent_sd.evidence import measure_evidence
from talent_sd.forecast.compare import RELATIVE
from talent_sd.forecast.prepare import files_read, package_versions, prepare
from talent_sd.forecast.simulate import run_prepared
from talent_sd.forecast.spread import constant_moves, loop_moves, moved_runs, step_error, tenth_moves
from talent_sd.inputs.labels import shipped_labels
from talent_sd.laboratory.findings import is_city_model
from talent_sd.laws.judge_laws import judge_laws
from talent_sd.laws.law_bench import Bench
from talent_sd.laws.law_files import read_laws
from talent_sd.laws.law_findings import FINDINGS
from talent_sd.loops.feedback_loops import study_loops
from talent_sd.loops.loops_of_model import study_model
from talent_sd.model.translate import translate
from talent_sd.output.evidence_tables import in_language, statement
from talent_sd.output.figures.plot_comparison import by_change
from talent_sd.output.headline_outputs import TOTAL, headline_outputs
from talent_sd.output.report.book import Book
from talent_sd.output.report.book_entries import Chapters
from talent_sd.output.report.book_tables import Result
from talent_sd.output.report.headlines import cards, output_sentences
from talent_sd.output.report.html_pieces import font_faces
from talent_sd.output.report.inputs_section import facts_table, mix_table, reasons_table, settings_table
from talent_sd.output.report.material import CitiesMaterial, Material
from talent_sd.output.report.outputs_section import (
    cities_sentences,
    city_part,
    elements_part,
    key_entries,
    output_part,
)
from talent_sd.output.report.policies_section import draws_among, policy_parts
from talent_sd.output.report.trust_section import (
    city_trust,
    files_table,
    provenance_table,
    record_table,
    trust,
)
from talent_sd.output.speech import Speech, city_name
from talent_sd.uncertainty.fitted_constants import read_beliefs
from talent_sd.uncertainty.posterior import read_posterior
from talent_sd.uncertainty.priors import assumed_figures, read_priors

if TYPE_CHECKING:
    from jinja2 import Environment

    from talent_sd.engine.runner import Model
    from talent_sd.forecast.spread import Move

SECTIONS = {
    "short": N_("In short"),
    "asked": N_("What was asked"),
    "changes": N_("What would change"),
    "policies": N_("What each policy adds and costs"),
    "settings": N_("What differs from the baseline"),
    "sources": N_("Assumptions and sources"),
    "trust": N_("How far to trust it"),
    "repeat": N_("How to repeat it"),
}
TEMPLATES = Path(__file__).parent / "templates"


def write_report(path: str | Path, material: Material | CitiesMaterial) -> None:
    """Write a report as one HTML file that needs nothing else.

    Parameters
    ----------
    path : of the file
    material : what it tells, of one city or of several
    """
    Path(path).write_text(render_report(material), encoding="utf-8", newline="\n")


def render_report(material: Material | CitiesMaterial) -> str:
    """Return the report's HTML, the material's language shown first."""
    from markupsafe import Markup

    editions = {lang: edition(material, lang) for lang in LANGUAGES}
    first = editions[material.first.lang]
    body = environment().get_template("body.html.j2").render(editions=editions.values(), first=first)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    style = f"{font_faces(body)}\n{(TEMPLATES / 'report.css').read_text(encoding='utf-8')}"
    page = environment().get_template("page.html.j2")
    # the body is escaped where it was made; script and style hold nothing of the user's
    return page.render(
        first=first,
        body=Markup(body),  # noqa: S704
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=digest(style),
        script_hash=digest(script),
    )


def digest(text: str) -> str:
    """Return what a Content-Security-Policy knows an inline text by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def environment() -> Environment:
    """Return what renders the templates, every text escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def edition(material: Material | CitiesMaterial, lang: str) -> SimpleNamespace:
    """Make the page's content in a language: what the template asks for, under its names there."""
    first = material.first
    say = Speech(lang, first.labels)
    if isinstance(material, CitiesMaterial):
        order = by_change(material.change[TOTAL + RELATIVE].isel({TIME: -1}))
        names = {city: str(material.change[f"{CITY}_{lang}"].sel({CITY: city}).item()) for city in order}
        cities = [(names[city], material.cities[city]) for city in order]
        own = _side_by_side(material, names, say)
    else:
        cities, own = [(say("This city"), material)], _one_city(material, say)
    titles, years = first.titles(lang), first.spread[TIME].values
    facts = [facts_table(one.resolved[one.baseline], say) for _, one in cities]
    if own["many_cities"]:
        facts = [
            replace(table, caption=f"{table.caption}{say(': ')}{name}")
            for (name, _), table in zip(cities, facts, strict=True)
        ]
    subtitle = say(
        "{names}: what would differ from “{baseline}”, {first} to {last}",
        names=say(", ").join(titles[name] for name in first.compared),
        baseline=titles[first.baseline],
        first=f"{first.spread.attrs.get('forecast_from', years[0]):g}",
        last=f"{years[-1]:g}",
    )
    return SimpleNamespace(
        lang=lang,
        say=say,
        subtitle=subtitle,
        titles=titles,
        sections={k: text for k, text in SECTIONS.items() if k != "policies" or first.policies is not None},
        baseline=titles[first.baseline],
        draws=int(first.spread.attrs.get("draws", first.spread.sizes[DRAW])),
        notices=list(dict.fromkeys(text for one in material.every for text in one.notices.get(lang, ()))),
        scenarios={name: first.resolved[name].scenario for name in first.names},
        mix=mix_table(first, say),
        settings=settings_table(first, say),
        reasons=reasons_table(first, say),
        facts=facts,
        trust=trust(first, say),
        in_language=in_language,
        none=say(N_("none", "count")),
        city_trust=[found for name, one in cities if (found := city_trust(one, say, name))],
        provenance=provenance_table(first, say),
        files=files_table({name: sha for one in material.every for name, sha in one.files.items()}, say),
        command=first.command,
        **own,
    )


def _one_city(material: Material, say: Speech) -> dict[str, Any]:
    """Return what is told of one city alone: headlines, paths, what each policy does."""
    outputs = list(headline_outputs(material.change, say.labels))
    apart: dict[str, list[Any]] = {}
    for one in outputs:
        if one.chosen:
            apart.setdefault(one.name, []).append(one)
    return {
        "many_cities": False,
        "title": say("{city}: policies compared", city=city_name(material.spread, say.lang)),
        "cards": cards(outputs, material, say),
        "key": list(key_entries(material, say).values()),
        "totals": [
            output_part(one, material, say, output_sentences(one, material, say))
            for one in outputs
            if not one.chosen
        ],
        "elements": [elements_part(own, material, say) for own in apart.values()],
        "policies": policy_parts(material, say),
        "effects": material.policies,
        "among": draws_among(material.policies) if material.policies is not None else 0,
    }


def _side_by_side(material: CitiesMaterial, names: Mapping[str, str], say: Speech) -> dict[str, Any]:
    """Return what is told of several cities: each output, city by city."""
    first = material.first
    outputs = list(headline_outputs(material.change, say.labels))
    parts = {
        whole: [
            city_part(one, names, first, say, picture=whole)
            for one in outputs
            if whole is not bool(one.chosen)
        ]
        for whole in (True, False)
    }
    return {
        "many_cities": True,
        "title": say("{count} cities: policies compared", count=len(names)),
        "sentences": cities_sentences(next(one for one in outputs if one.name == TOTAL), names, first, say),
        "key": list(key_entries(first, say).values())[1:],
        "totals": parts[True],
        "elements": parts[False],
    }


# ---- the reviewer's book ------------------------------------------------------------------------------

MIX = "three_dimensional"
"""The mix whose effect is held against every constant, beside the levels."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PRINTING = 300
"""Seconds that a browser may take."""


def gather_book(
    path: Path | None, city: str, lang: str, done: Callable[[int], None] = lambda _: None
) -> Book:
    """Gather all that the book tells of a model.

    Parameters
    ----------
    path : a model file; None for the shipped city model
    city : whose baseline is told, where the model is the city's
    done : called with 1 after each of four parts

    Raises
    ------
    ModelError, InputError
        If the model or the city cannot be read.
    """
    model = load_model(path)
    return (
        _book_of_city(model, city, lang, done) if is_city_model(model) else _book_of_model(model, lang, done)
    )


def _book_of_city(model: Model, city: str, lang: str, done: Callable[[int], None]) -> Book:
    prepared = prepare(["baseline", MIX], city, model=model.path)
    fixed, posterior = prepared.first.params(), read_posterior()
    moves = [*constant_moves(prepared, posterior), *loop_moves(model)]
    say, year = Speech(lang, shipped_labels()), float(prepared.years[-1])
    outputs = [TOTAL if name == "Talent" else name for name in say.labels.headline]
    begun = time.perf_counter()
    runs = [moved_runs(model, one.params(), moves, outputs, year) for one in prepared.resolved.values()]
    seconds = time.perf_counter() - begun
    results = [Result(say.variable(name), model.structure[name].unit, runs[0][name]) for name in outputs]
    mixed = prepared.resolved[MIX].scenario.title[lang]
    adds = say("What “{mix}” adds: {output}", mix=mixed, output=say.variable(TOTAL))
    results.append(Result(adds, model.structure[TOTAL].unit, runs[1][TOTAL] - runs[0][TOTAL]))
    done(1)
    study = study_loops("baseline", city)
    done(1)
    findings = measure_evidence(model)
    done(1)
    judged = judge_laws(Bench(model, read_laws(), "auto"), 0, FINDINGS)
    done(1)
    alone = replace(prepared, resolved={"baseline": prepared.first})
    chapters = Chapters(
        model, translate(model.path), say, prepared.first,
        run_prepared(alone).isel({SCENARIO: 0, DRAW: 0}),
        {one.key: one for one in (*read_priors(model.structure, model.program), *assumed_figures(prepared.first))},
        posterior, study.names.loops, {one.figure.id: statement(one.figure, lang) for one in findings},
    )  # fmt: skip
    steps = step_error(model, fixed, outputs, year)
    return Book(
        chapters, study, moves, results, seconds, steps, prepared, read_beliefs(model), findings, judged
    )


def _book_of_model(model: Model, lang: str, done: Callable[[int], None]) -> Book:
    """Gather what any model tells of itself; what it cannot run is left out."""
    say, study, run, missing = Speech(lang), None, None, ""
    moves: list[Move] = []
    results: list[Result] = []
    steps: Mapping[str, float] = {}
    begun = time.perf_counter()
    try:
        study = study_model(model.path)
    except TalentError as error:
        missing = str(error)
    done(2)
    stocks = [one.name for one in model.structure.variables.values() if one.kind == "stock"]
    year = model.structure.time.get("FINAL TIME")
    if stocks and year is not None and not model.lacks:
        with warnings.catch_warnings(action="ignore"):
            moves = tenth_moves(model)
            found = moved_runs(model, {}, moves, stocks, year)
            steps, run = step_error(model, {}, stocks, year), model.run()
        results = [Result(name, model.structure[name].unit, found[name]) for name in stocks]
    done(2)
    chapters = Chapters(
        model, translate(model.path), say, None, run, loops=study.names.loops if study else ()
    )
    return Book(chapters, study, moves, results, time.perf_counter() - begun, steps, missing=missing)


def write_book(path: Path, book: Book, command: str = "") -> None:
    """Write the book as one HTML file that needs nothing else, not even a script."""
    from markupsafe import Markup

    say, record = book.say, read_track_record() if book.city else None
    first = book.prepared.first if book.prepared else None
    body = environment().get_template("book.html.j2").render(
        say=say, b=book, c=book.chapters, lang=say.lang, record=record, command=command,
        scores=record_table(record.scores, say) if record else None,
        facts=facts_table(first, say) if first else None,
        files=files_table(files_read(book.prepared), say) if book.prepared else None,
        title=Path(book.model.path).name, time=book.model.structure.time,
        city=first.city.title[say.lang] if first else "", notes=first.city.notes if first else (),
        versions={"talent_sd": __version__, **package_versions()},
        machine=f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} CPU",
    )  # fmt: skip
    own = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "book.css"))
    style = "\n".join([font_faces(body), *own])
    page = environment().get_template("book_page.html.j2")
    # the body is escaped where it was made; the style holds nothing of the user's
    html = page.render(
        say=say,
        lang=say.lang,
        title=book.model.path.name,
        body=Markup(body),
        style=Markup(style),
        style_hash=digest(style),
    )  # noqa: S704
    path.write_text(html, encoding="utf-8", newline="\n")


def print_pdf(html: Path, pdf: Path) -> bool:
    """Print a page with a browser of this machine, if there is one; tells whether it was done."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return False
    flags = [
        "--headless=new",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--no-pdf-header-footer",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium refuses its sandbox to the superuser
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            *flags,
            f"--user-data-dir={profile}",
            f"--print-to-pdf={pdf.resolve()}",
            html.resolve().as_uri(),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=PRINTING)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return False
    return pdf.exists()
