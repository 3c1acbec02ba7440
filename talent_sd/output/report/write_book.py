"""The reviewer's book put together: what is run for it, the HTML file, and its PDF."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import talent_sd
from talent_sd.backtest.forecast_scores import read_track_record
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import TalentError
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import N_
from talent_sd.base.version import __version__
from talent_sd.calibration.fit import ROUNDS, RUNS_PER_COEFFICIENT
from talent_sd.calibration.likelihood import PROBES, feature_count
from talent_sd.engine.runner import load_model
from talent_sd.evidence import read_fit
from talent_sd.forecast.compare import compare
from talent_sd.forecast.ensemble import prior_draws
from talent_sd.forecast.posterior_draws import PosteriorDraws
from talent_sd.forecast.prepare import files_read, package_versions, prepare
from talent_sd.forecast.simulate import run_prepared
from talent_sd.forecast.spread import (
    constant_moves,
    loop_moves,
    moved_runs,
    sources_added,
    split_variance,
    step_error,
    tenth_moves,
)
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.settings import loop_key, policy_key
from talent_sd.inputs.strict_yaml import shown
from talent_sd.laboratory.cases import Laboratory
from talent_sd.laboratory.findings import is_city_model
from talent_sd.laws.judge_laws import judge_laws, read_law_record
from talent_sd.laws.law_bench import Bench
from talent_sd.laws.law_files import read_laws
from talent_sd.laws.law_findings import FINDINGS, policy_costs
from talent_sd.loops.feedback_loops import study_loops
from talent_sd.loops.loops_of_model import study_model
from talent_sd.model.translate import translate
from talent_sd.model_tests.behaviour_checks import named_lanes
from talent_sd.model_tests.check_files import read_checks
from talent_sd.output.evidence_tables import statement
from talent_sd.output.headline_outputs import TOTAL
from talent_sd.output.report.book import Book
from talent_sd.output.report.book_carriers import gather_carried
from talent_sd.output.report.book_entries import Chapters
from talent_sd.output.report.book_results import Forecast, LoopCase, Push
from talent_sd.output.report.book_tables import ALONE, EXTREMES, Result
from talent_sd.output.report.html_pieces import font_faces
from talent_sd.output.report.inputs_section import facts_table, mix_of, repeat_table, starts_table
from talent_sd.output.report.page import TEMPLATES, digest, environment
from talent_sd.output.report.trust_section import (
    back_files_table,
    certain_words,
    files_table,
    fit_errors,
    lost_words,
    options_table,
    others_table,
    record_table,
)
from talent_sd.output.speech import Speech
from talent_sd.output.validation_tables import validate
from talent_sd.uncertainty.fitted_constants import read_beliefs
from talent_sd.uncertainty.growth_target import FREEDOM
from talent_sd.uncertainty.noise import LARGEST
from talent_sd.uncertainty.posterior import read_posterior
from talent_sd.uncertainty.priors import assumed_figures, read_priors

if TYPE_CHECKING:
    from xarray import Dataset

    from talent_sd.engine.runner import Model
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.forecast.spread import Move

MIX = "three_dimensional"
"""The mix whose effect is held against every constant, beside the levels."""
ALSO_USED = ("scipy", "emcee", "arviz", "pysimlin", "pydantic", "matplotlib", "jinja2")
"""Packages that the fit, the tests and this document use, beside those that a forecast depends on."""
CASES = (("hefei_combination", "hefei"), ("core_team_exit", "shenyang"))
"""Scenario and city of the effects that are taken apart by loops: the article's gain and its loss."""
DRAWS, SEED = 4000, 0
"""Of the forecast that the book tells: noise has heavy tails, and few draws tell medians and shares badly."""


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
    started = time.perf_counter()
    prepared = prepare(["baseline", MIX], city, model=model.path)
    fixed, posterior = prepared.first.params(), read_posterior()
    moves = [*constant_moves(prepared, posterior), *loop_moves(model)]
    say, year = Speech(lang, shipped_labels()), float(prepared.years[-1])
    outputs = [TOTAL if name == "Talent" else name for name in say.labels.headline]
    begun = time.perf_counter()
    runs = [moved_runs(model, one.params(), moves, outputs, year) for one in prepared.resolved.values()]
    seconds = time.perf_counter() - begun
    results = [
        Result(say.variable(name), model.structure[name].unit, runs[0][name])
        for name in dict.fromkeys(outputs)
    ]
    mixed = prepared.resolved[MIX].scenario.title[lang]
    adds = say("What “{mix}” adds: {output}", mix=mixed, output=say.variable(TOTAL))
    results.append(Result(adds, model.structure[TOTAL].unit, runs[1][TOTAL] - runs[0][TOTAL]))
    forecast = _forecast(prepared, outputs)
    done(1)
    study = study_loops("baseline", city)
    cases = [_loop_case(*one) for one in CASES]
    done(1)
    validation = validate(model)
    findings = validation.findings
    done(1)
    bench = Bench(model, read_laws(), "auto")
    judged = judge_laws(bench, 0, FINDINGS)
    done(1)
    alone = replace(prepared, resolved={"baseline": prepared.first})
    settings = {name: lane for name, lane in named_lanes(model, read_checks()) if not name.endswith(ALONE)}
    ends = Laboratory(model, EXTREMES).run_lanes(list(settings.values()), [year])
    moved = np.array([ends[name].values.reshape(len(settings), -1).sum(axis=1) for name in EXTREMES])
    extremes = dict(zip(list(settings)[1:], (moved / moved[:, :1] - 1).T[1:], strict=True))
    chapters = Chapters(
        model, translate(model.path), say, prepared.first,
        run_prepared(alone).isel({SCENARIO: 0, DRAW: 0}),
        {one.key: one for one in (*read_priors(model.structure, model.program), *assumed_figures(prepared.first, model))},
        posterior, study.names.loops, {one.figure.id: statement(one.figure, lang) for one in findings},
        {one.key: one for one in read_beliefs(model).priors},
    )  # fmt: skip
    steps = step_error(model, fixed, outputs, year)
    return Book(
        chapters, study, moves, results, seconds, steps, prepared, read_beliefs(model), findings, judged,
        forecast=forecast, cases=cases, tests=validation.tests, checks=validation.checks, extremes=extremes,
        law_record=read_law_record(), carried_by=gather_carried(prepared, moves, list(dict.fromkeys(outputs))),
        all_seconds=time.perf_counter() - started, costs=policy_costs(bench),
    )  # fmt: skip


def _forecast(prepared: Prepared, outputs: list[str]) -> Forecast:
    """Run the forecast that the book tells, and split its spread."""
    many = prior_draws(prepared, DRAWS, SEED)
    assert isinstance(many, PosteriorDraws)
    told = list(dict.fromkeys(outputs))
    # tiers by themselves are pictured, and a sum over them is no output of its own
    steps = sources_added(prepared, many, list(dict.fromkeys([*told, *shipped_labels().headline])))
    drawn = pd.DataFrame(many.values(0, DRAWS), columns=list(many.names))
    changes = [compare(one) for one in steps]
    return Forecast(
        steps[-1], changes[-1], split_variance(steps, told), steps, drawn, split_variance(changes, told)
    )


def _loop_case(scenario: str, city: str) -> LoopCase:
    """Take a scenario's effect in a city apart by loops, and open each of them alone."""
    study = study_loops(scenario, city)
    prepared = prepare(["baseline", scenario], city)
    params = [one.params() for one in prepared.resolved.values()]
    moves, year = loop_moves(prepared.model), float(study.adds["time"].values[-1])
    before, after = (moved_runs(prepared.model, one, moves, [TOTAL], year)[TOTAL] for one in params)
    effect = after - before
    opened = {move.name: float(effect[0] - own) for move, own in zip(moves, effect[1:], strict=True)}
    cut = {loop_key(loop.name): 0.0 for loop in study.names.loops}
    closings = [replace(move, params={key: 1.0 for key in move.params}) for move in moves]
    low, high = (moved_runs(prepared.model, one | cut, closings, [TOTAL], year)[TOTAL] for one in params)
    single = {
        move.name: float(own) for move, own in zip(moves, (high - low)[1:] - (high - low)[0], strict=True)
    }
    levels = {loop.name: _level_part(prepared.model, loop.closes, cut | {loop_key(loop.name): 1.0}, params, year)
              - float((high - low)[0]) for loop in study.names.loops if loop.closes}  # fmt: skip
    carried = {
        loop.name: list(dict.fromkeys(route[route.index(loop.closes) - 1] for route in loop.routes if loop.closes in route))
        for loop in study.names.loops
    }  # fmt: skip
    outputs = [*dict.fromkeys(name for names in carried.values() for name in names), TOTAL]
    runs = [
        [prepared.model.run(params={**one, **given}, outputs=outputs, times=[year]) for one in params]
        for given in (cut, {})
    ]
    pushes = {loop: [_push(name, runs) for name in names] for loop, names in carried.items()}
    policies = mix_of(list(prepared.resolved.values())[1].scenario)
    off = [{policy_key(other): 0.0 for other in policies if other != one} for one in policies]
    direct = [
        float(prepared.model.run(params={**params[1], **cut, **own}, outputs=[TOTAL], times=[year])[TOTAL].sum())
        - float(runs[0][0][TOTAL].sum())
        for own in off
    ]  # fmt: skip
    return LoopCase(study, opened, single, pushes, dict(zip(policies, direct, strict=True)), levels)


def _level_part(
    model: Model, link: str, closed: Mapping[str, float], params: Sequence[Mapping[str, Any]], year: float
) -> float:
    """Return a scenario's effect where a loop's link carries in both runs what it carries in the baseline, loop closed."""
    start, step = model.structure.time["INITIAL TIME"], model.structure.time["TIME STEP"]
    steps = np.arange(round((year - start) / step) + 1) * step + start
    path = model.run(params={**params[0], **closed}, outputs=[link], times=steps)[link]
    before, after = (
        float(model.run(params={**one, **closed}, inputs={link: path}, outputs=[TOTAL], times=[year])[TOTAL].sum())
        for one in params
    )  # fmt: skip
    return after - before


def _push(name: str, runs: Sequence[Sequence[Dataset]]) -> Push:
    """Return how far a scenario moves a variable: of [cut, closed][baseline, scenario] runs."""
    first = runs[0][0][name]
    own = [dim for dim in first.dims if dim not in (SCENARIO, DRAW, TIME)]
    elements = tuple(map(str, first[own[0]].values)) if len(own) == 1 else ("",)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = [
            np.ravel(after[name].values if len(own) == 1 else after[name].sum())
            / np.ravel(before[name].values if len(own) == 1 else before[name].sum()) - 1
            for before, after in runs
        ]  # fmt: skip
    return Push(name, elements, *moved)


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


def book_files(prepared: Prepared) -> dict[str, str]:
    """Return every file of model and scenarios, and those of the user's that are read, with its SHA-256."""
    shipped = [
        one
        for folder in ("models", "scenarios")
        for one in sorted(shipped_folder(folder).rglob("*"))
        if one.suffix in (".mdl", ".yaml", ".json")
    ]
    return files_read(prepared) | {shown(one): _sha256(one) for one in shipped}


def code_hash() -> tuple[int, str]:
    """Return how many files the program has, and one SHA-256 of all: of lines "hash  name", sorted by name."""
    root = Path(talent_sd.__file__).parent
    files = sorted(
        one
        for one in root.rglob("*")
        if one.suffix in (".py", ".j2", ".css", ".mo", ".otf") and one.is_file()
    )
    lines = "".join(f"{_sha256(one)}  {one.relative_to(root).as_posix()}\n" for one in files)
    return len(files), hashlib.sha256(lines.encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def installed(name: str) -> str:
    """Return the version of a package, or that it is not installed here."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "–"


def public_address(say: Speech) -> str:
    """Say where the code is published, by the package's own word."""
    try:
        urls = metadata("talent_sd").get_all("Project-URL") or []
    except PackageNotFoundError:
        urls = []
    return (
        say("Published at: {urls}.", urls=say("; ").join(urls))
        if urls
        else say("The package names no public repository and no DOI yet; ask whoever gave you this document for the "
                 "source, and check it by the hashes below.")
    )  # fmt: skip


def _design(book: Book) -> tuple[int, int]:
    """Return how many runs the fit's stand-in rests on, and how many coefficients it has."""
    count = feature_count(len(book.chapters.posterior.names)) if book.chapters.posterior else 0
    return int(RUNS_PER_COEFFICIENT * count), count


def numbered(body: str, say: Speech) -> str:
    """Give every picture and every table of a page its number, in the page's order."""
    for opening, words in (("<figcaption>", N_("Figure {number}. ")), ("<caption>", N_("Table {number}. "))):
        first, *parts = body.split(opening)
        body = first + "".join(f"{opening}{say(words, number=n)}{part}" for n, part in enumerate(parts, 1))
    return body


def _machine() -> str:
    """Return what this runs on: system, Python, processor and memory, as far as the system tells."""
    cpu, told = Path("/proc/cpuinfo"), [platform.platform(), f"Python {platform.python_version()}"]
    model = re.search(r"model name\s*: (.*)", cpu.read_text(encoding="utf-8")) if cpu.exists() else None
    told.append(f"{os.cpu_count()} × {model[1] if model else platform.processor() or platform.machine()}")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        told.append(f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB")
    return ", ".join(told)


def write_book(path: Path, book: Book, command: str = "") -> None:
    """Write the book as one HTML file that needs nothing else, not even a script."""
    from markupsafe import Markup

    say, record = book.say, read_track_record() if book.city else None
    first = book.prepared.first if book.prepared else None
    body = environment().get_template("book.html.j2").render(
        say=say, b=book, c=book.chapters, lang=say.lang, record=record, command=command,
        scores=record_table(record.scores, say) if record else None,
        facts=facts_table(first, say, book.stood_in_for) if first else None,
        files=files_table(book_files(book.prepared), say) if book.prepared else None, draws=DRAWS, book_seed=SEED,
        freedom=f"{FREEDOM:g}", rounds=ROUNDS, probes=PROBES, largest=LARGEST, code=code_hash(),
        mix_title=say.both(book.prepared.resolved[MIX].scenario.title) if book.prepared else "",
        others=others_table(record, say) if record else None,
        starts=starts_table(first, book.chapters) if first else None,
        certain=certain_words(record, say) if record else "",
        lost=lost_words(record, say) if record else "", options=options_table(record, say) if record else None,
        address=public_address(say), repeats=repeat_table(say, first.city.name, DRAWS) if first else None,
        back_files=back_files_table(record, say) if record else None,
        errors=fit_errors(book.chapters.posterior, record, say) if record and book.chapters.posterior else None,
        first_weight=read_fit().weight_of_first_guess, design=_design(book),
        title=Path(book.model.path).name, time=book.model.structure.time,
        city=first.city.title[say.lang] if first else "",
        versions={"talent_sd": __version__, **package_versions(), **{name: installed(name) for name in ALSO_USED}},
        machine=_machine(),
    )  # fmt: skip
    body = numbered(body, say)
    body = re.sub(
        r"(?:(?<=<p>)|(?<![\w#>-]))([mMτμσrwφθ])_([ijke])(?!\w)", r"<i>\1</i><sub>\2</sub>", body
    ).replace("</sub>^0", "</sub><sup>0</sup>")
    if say.lang == "zh":
        body = re.sub(r"(?<=[\d}])[ \u00a0]%", "%", body)
        body = re.sub("(?<=[。；：]) (?=见<a )", "", body)
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
