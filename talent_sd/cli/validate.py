"""`talent-sd validate`: evidence, behaviour checks and standard tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from talent_sd.base.language import N_, tell
from talent_sd.cli import options as o
from talent_sd.cli.common import console, reporting, save_tables, say, show_written

if TYPE_CHECKING:
    from rich.table import Table

    from talent_sd.engine.runner import Model
    from talent_sd.inputs.readings import Reading
    from talent_sd.laws.judge_laws import Judged
    from talent_sd.laws.law_bench import Bench
    from talent_sd.output.validation_tables import Validation

ALL_WELL = N_("Every figure used in the fit and every check holds.")
EXPLAINED = N_("Figures kept out of the fit that the model misses, and why:")
FITTED = N_("Fitted in {seconds:.0f} s: misfit {misfit:.3g}, distance from first guesses {distance:.3g}.")
NOT_WELL = N_("A figure used in the fit, a check or a standard test fails.")
UNFIT = N_(
    "The reading '{name}' was made for another model, and is left out. {problem} Make it anew with --fit-reading {name}."
)
ONE_EFFECT = N_(
    "* One free effect was fitted to this one figure: its value is no test, its timing, capacity and "
    "composition are."
)
UNCLEAN = N_("† No clean holdouts: the model was changed after their values had been seen.")

ARTICLE = "article"
PARTS = 4
FAILED = 1
EVERY = "all"
SOURCES = {"posterior": N_("posterior"), "priors": N_("priors")}
FEW = 3
"""So many laws are shown city by city."""


@reporting
def validate(
    out: o.OutOption = Path("validation"),
    model: o.ModelOption = None,
    refit: o.RefitOption = False,
    law: o.LawOption = None,
    draws: o.LawDrawsOption = 100,
    policies: o.CostsOption = False,
    reading: o.BesideOption = None,
    fit_reading: o.FitReadingOption = None,
    priors: o.RangesOption = None,
    panel: o.NoPanelOption = None,
    census: o.NoCensusOption = None,
    province: o.ProvinceOption = None,
    ages: o.AgesOption = None,
    structure: o.StructureOption = None,
    borders: o.BordersOption = None,
    engine: o.EngineOption = o.Engine.auto,
    xlsx: o.XlsxFileOption = None,
    lang: o.LangOption = o.Language.en,
) -> None:
    """Try the laws, measure the article's figures, try the behaviour checks and the standard tests.

    Prints the laws that do not hold, with band and what the model does, target, tolerance, measured value and verdict of each
    figure; writes laws.csv, evidence.csv, checks.csv, standard_tests.csv and sensitivity.csv. Exit code 1 when a
    law, a figure that the fit uses, a check or a standard test fails. Figures kept out of the fit are shown as
    they fall: a miss is explained, not failed.

    Example:  [bold]talent-sd validate --law people_follow_posts[/bold]
    """
    from talent_sd.cli.fit_reading import fit_reading as run_fit
    from talent_sd.cli.fit_reading import tables_given
    from talent_sd.engine.runner import load_model

    if fit_reading is not None:
        tables = tables_given(panel, census, province, ages, structure, borders)
        return run_fit(load_model(model), fit_reading, out, lang.value, priors, tables)
    loaded = load_model(model)
    if policies and not law:
        return save_tables(
            xlsx, _policies(_bench(loaded, None, engine.value), out, lang.value), lang=lang.value
        )
    if law:
        held, shown = _laws(_bench(loaded, law, engine.value), draws, out, lang.value)
    else:
        held, shown = _everything(
            loaded, draws, out, engine.value, lang.value, refit=refit, beside=_reading(loaded, reading)
        )
    save_tables(xlsx, shown, lang=lang.value)
    if not held:
        raise typer.Exit(FAILED)


def _everything(
    model: Model, draws: int, out: Path, engine: str, lang: str, *, refit: bool, beside: Reading | None
) -> tuple[bool, list[Table]]:
    """Try the laws, measure the evidence, try checks and standard tests; returns whether they hold, and the tables shown."""
    from talent_sd.base.output_folders import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.laboratory.findings import is_city_model
    from talent_sd.output.validation_tables import validate as run_validation
    from talent_sd.output.validation_tables import write_validation

    with written_together(out) as folder:
        extra = [_refit(model, folder, engine, lang)] if refit else []
        with progress_bar(tell("Simulating and drawing", lang), PARTS) as done:
            result = run_validation(model, engine, lambda: done(1), beside)
        files = write_validation(result, folder) + extra
        bench = _bench(model, None, engine)
        judged = _judged(bench, draws, lang) if is_city_model(model) else []
        if judged:
            from talent_sd.laws.judge_laws import write_laws

            files.insert(0, write_laws(judged, folder, draws, model.structure.sha256))
    tables = _show(result, lang)
    if judged:
        tables += _show_laws(judged, bench, draws, lang, held=False)
    show_written(out, files, lang)
    return result.passed and all(one.held for one in judged), tables


def _reading(model: Model, asked: str | None) -> Reading | None:
    """Return the reading to show beside; the shipped one only where the model has its constants."""
    from talent_sd.base.errors import InputError
    from talent_sd.inputs import resolve_scenario
    from talent_sd.inputs.readings import load_reading
    from talent_sd.laboratory.findings import is_city_model

    reading = load_reading(ARTICLE if asked is None else asked)
    if not is_city_model(model):
        return None
    try:
        resolve_scenario("baseline", "hefei", model.structure, reading=reading)
    except InputError as error:
        if asked is not None:
            raise
        say(tell(UNFIT, name=reading.name, problem=error.problems[0]), errors=True)
        return None
    return reading


def _bench(model: Model, ids: list[str] | None, engine: str) -> Bench:
    """Return the bench of all laws or of some."""
    from talent_sd.laws.law_bench import Bench
    from talent_sd.laws.law_files import read_laws

    file = read_laws()
    return Bench(model, file.pick(ids) if ids and EVERY not in ids else file, engine)


def _judged(bench: Bench, draws: int, lang: str) -> list[Judged]:
    """Try a bench's laws."""
    from talent_sd.base.progress import progress_bar
    from talent_sd.laws.judge_laws import judge_laws, passes
    from talent_sd.laws.law_findings import FINDINGS

    with progress_bar(tell("Trying the laws", lang), passes(draws)) as done:
        return judge_laws(bench, draws, FINDINGS, done)


def _laws(bench: Bench, draws: int, out: Path, lang: str) -> tuple[bool, list[Table]]:
    """Try laws and nothing else; returns whether they hold, and the tables shown."""
    from talent_sd.base.output_folders import written_together
    from talent_sd.laws.judge_laws import write_laws

    judged = _judged(bench, draws, lang)
    with written_together(out) as folder:
        files = [write_laws(judged, folder, draws, bench.model.structure.sha256)]
    tables = _show_laws(judged, bench, draws, lang)
    show_written(out, files, lang)
    return all(one.held for one in judged), tables


def _policies(bench: Bench, out: Path, lang: str) -> list[Table]:
    """Show what every policy costs, and write it; returns the table."""
    from talent_sd.base.errors import InputError
    from talent_sd.base.output_folders import written_together
    from talent_sd.laws.law_bench import Missing
    from talent_sd.laws.law_findings import policy_costs, write_policy_costs
    from talent_sd.output.validation_tables import policy_costs_table

    try:
        costs = policy_costs(bench)
    except Missing as error:
        raise InputError(str(error)) from None
    with written_together(out) as folder:
        files = [write_policy_costs(costs, folder)]
    table = policy_costs_table(costs, lang)
    console().print(table)
    show_written(out, files, lang)
    return [table]


def _show_laws(
    judged: list[Judged], bench: Bench, draws: int, lang: str, *, held: bool = True
) -> list[Table]:
    """Print and return one law city by city, or the table of several, and where draws are from; `held`: those that hold too."""
    from talent_sd.output.validation_tables import cities_table, laws_table, summary

    screen = console()
    few = len(judged) <= FEW
    tables = [cities_table(one, lang) for one in judged] if few else [laws_table(judged, lang, held=held)]
    for table in tables:
        screen.print(table)
    source = tell(SOURCES[bench.places.drawn_from], lang) if bench.places.drawn_from else ""
    say(
        tell(
            "Draws of the uncertain constants: {draws}, from the {source}.", lang, draws=draws, source=source
        )
        if source
        else tell("The central run alone: no draws.", lang)
    )
    say(summary(judged, lang))
    return tables


def _refit(model: Model, folder: Path, engine: str, lang: str) -> str:
    """Repeat the fit from its first guesses and write its record."""
    from talent_sd.evidence import FILE, fit_evidence, read_fit, write_fit
    from talent_sd.inputs.evidence_ledger import read_evidence

    started = time.monotonic()
    fit = fit_evidence(model, read_evidence(), read_fit(), engine)
    write_fit(fit, folder / FILE)
    seconds = time.monotonic() - started
    say(tell(FITTED, lang, seconds=seconds, misfit=fit.misfit, distance=fit.distance))
    return FILE


def _show(result: Validation, lang: str) -> list[Table]:
    """Print the tables, which are returned, the misses with their reasons, and the outcome."""
    from talent_sd.output.evidence_tables import (
        checks_table,
        evidence_table,
        misses,
        readings_compared,
        standard_tests_table,
        unclean_holdouts,
    )

    screen, tables = console(), []
    if result.findings:
        reading = result.reading
        tables.append(evidence_table(result.findings, lang, result.beside, reading.name if reading else ""))
        screen.print(tables[-1])
        if reading:
            say("\n".join([*readings_compared(result.findings, result.beside, reading, lang), ""]))
        say(tell(ONE_EFFECT, lang))
        say(tell("All figures are claims of the article; the sources it names were not seen.", lang))
        told = misses(result.findings, lang)
        if told:
            say("\n".join(["", tell(EXPLAINED, lang), *told, ""]))
        unclean = unclean_holdouts((finding.figure for finding in result.findings), lang)
        if unclean:
            say("\n".join([tell(UNCLEAN, lang), *unclean, ""]))
    last = [checks_table(result.checks, lang)]
    last += [standard_tests_table(result.tests, lang)] if result.tests else []
    for table in last:
        screen.print(table)
    untried = sum(check.verdict == "not_tried" for check in result.checks)
    if untried:
        say(tell("Never tried, so neither held nor failed: {count}.", lang, count=untried))
    say(tell(ALL_WELL if result.passed else NOT_WELL, lang))
    return [*tables, *last]
