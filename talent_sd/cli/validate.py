"""`talent-sd validate`: evidence, behaviour checks and standard tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talent_sd.cli.common import (
    Engine,
    EngineOption,
    LangOption,
    Language,
    console,
    reporting,
    say,
    show_written,
)

if TYPE_CHECKING:
    from talent_sd.analysis.evidence import Validation
    from talent_sd.analysis.laws import Judged
    from talent_sd.analysis.laws_experiments import Bench
    from talent_sd.engine.runner import Model

PARTS = 4
FAILED = 1
EVERY = "all"
FEW = 3
"""So many laws are shown city by city."""


@reporting
def validate(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("validation"),
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", help="Another .mdl: a variant of the city, or any model with Reality Checks."
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="Fit the free effects anew; write evidence_fit.yaml beside the tables."),
    ] = False,
    law: Annotated[
        list[str] | None,
        typer.Option(
            "--law", help="Only this law, or all that begin with it; 'all' for every law and nothing else."
        ),
    ] = None,
    draws: Annotated[
        int,
        typer.Option("--draws", min=0, help="Draws that each law is tried on; 0 for the central run alone."),
    ] = 100,
    policies: Annotated[
        bool, typer.Option("--policies", help="Only what each policy costs, beside the literature's range.")
    ] = False,
    engine: EngineOption = Engine.auto,
    lang: LangOption = Language.en,
) -> None:
    """Try the laws, measure the article's figures, try the behaviour checks and the standard tests.

    Prints the laws that do not hold, with band and what the model does, target, tolerance, measured value and verdict of each
    figure; writes laws.csv, evidence.csv, checks.csv, standard_tests.csv and sensitivity.csv. Exit code 1 when a
    law, a figure that the fit uses, a check or a standard test fails. Figures kept out of the fit are shown as
    they fall: a miss is explained, not failed.

    Example:  [bold]talent-sd validate --law people_follow_posts[/bold]
    """
    from talent_sd.engine.runner import load_model

    if law:
        if not _laws(_bench(load_model(model), law, engine.value), draws, out, lang.value):
            raise typer.Exit(FAILED)
        return
    if policies:
        return _policies(_bench(load_model(model), None, engine.value), out, lang.value)
    from talent_sd.analysis.evidence import is_city_model, write_validation
    from talent_sd.analysis.evidence import validate as run_validation
    from talent_sd.base.files import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.base.words import word

    with written_together(out) as folder:
        loaded = load_model(model)
        extra = [_refit(loaded, folder, engine.value, lang.value)] if refit else []
        with progress_bar(word("cli.working", lang.value), PARTS) as done:
            result = run_validation(loaded, engine.value, lambda: done(1))
        files = write_validation(result, folder) + extra
        bench = _bench(loaded, None, engine.value)
        judged = _judged(bench, draws, lang.value) if is_city_model(loaded) else []
        if judged:
            from talent_sd.analysis.laws import write_laws

            files.insert(0, write_laws(judged, folder))
    _show(result, lang.value)
    if judged:
        _show_laws(judged, bench, draws, lang.value, held=False)
    show_written(out, files, lang.value)
    if not (result.passed and all(one.held for one in judged)):
        raise typer.Exit(FAILED)


def _bench(model: Model, ids: list[str] | None, engine: str) -> Bench:
    """Return the bench of all laws or of some."""
    from talent_sd.analysis.laws_experiments import Bench
    from talent_sd.analysis.laws_file import read_laws

    file = read_laws()
    return Bench(model, file.pick(ids) if ids and EVERY not in ids else file, engine)


def _judged(bench: Bench, draws: int, lang: str) -> list[Judged]:
    """Try a bench's laws."""
    from talent_sd.analysis.laws import judge_laws, passes
    from talent_sd.analysis.laws_findings import FINDINGS
    from talent_sd.base.progress import progress_bar
    from talent_sd.base.words import word

    with progress_bar(word("laws.working", lang), passes(draws)) as done:
        return judge_laws(bench, draws, FINDINGS, done)


def _laws(bench: Bench, draws: int, out: Path, lang: str) -> bool:
    """Try laws and nothing else; returns whether they hold."""
    from talent_sd.analysis.laws import write_laws
    from talent_sd.base.files import written_together

    judged = _judged(bench, draws, lang)
    with written_together(out) as folder:
        files = [write_laws(judged, folder)]
    _show_laws(judged, bench, draws, lang)
    show_written(out, files, lang)
    return all(one.held for one in judged)


def _policies(bench: Bench, out: Path, lang: str) -> None:
    """Show what every policy costs, and write it."""
    from talent_sd.analysis.laws_experiments import Missing
    from talent_sd.analysis.laws_policies import policy_costs, write_policy_costs
    from talent_sd.base.errors import InputError
    from talent_sd.base.files import written_together
    from talent_sd.output.laws import policy_costs_table

    try:
        costs = policy_costs(bench)
    except Missing as error:
        raise InputError(str(error)) from None
    with written_together(out) as folder:
        files = [write_policy_costs(costs, folder)]
    console().print(policy_costs_table(costs, lang))
    show_written(out, files, lang)


def _show_laws(judged: list[Judged], bench: Bench, draws: int, lang: str, *, held: bool = True) -> None:
    """Print one law city by city, or the table of several, and where the draws are from; `held`: also those that hold."""
    from talent_sd.base.words import word
    from talent_sd.output.laws import cities_table, laws_table, summary

    screen = console()
    for table in (
        [laws_table(judged, lang, held=held)]
        if len(judged) > FEW
        else [cities_table(one, lang) for one in judged]
    ):
        screen.print(table)
    sources = {"posterior": "laws.posterior", "priors": "laws.priors"}
    source = word(sources[bench.places.drawn_from], lang) if bench.places.drawn_from else ""
    say(word("laws.drawn_from", lang, draws=draws, source=source) if source else word("laws.central", lang))
    say(summary(judged, lang))


def _refit(model: Model, folder: Path, engine: str, lang: str) -> str:
    """Repeat the fit from its first guesses and write its record."""
    from talent_sd.analysis.evidence_fit import FILE, fit_evidence, read_fit, write_fit
    from talent_sd.base.words import word
    from talent_sd.model.evidence import read_evidence

    started, recorded = time.monotonic(), read_fit()
    fit = fit_evidence(model, read_evidence(), recorded, engine)
    write_fit(recorded, fit, folder / FILE)
    seconds = time.monotonic() - started
    say(word("validate.fitted", lang, seconds=seconds, misfit=fit.misfit, distance=fit.distance))
    return FILE


def _show(result: Validation, lang: str) -> None:
    """Print the tables, the misses with their reasons, and the outcome."""
    from talent_sd.base.words import word
    from talent_sd.output.evidence import (
        checks_table,
        evidence_table,
        misses,
        standard_tests_table,
        unclean_holdouts,
    )

    screen = console()
    if result.findings:
        screen.print(evidence_table(result.findings, lang))
        say(word("validate.one_effect", lang))
        say(word("validate.provenance", lang))
        told = misses(result.findings, lang)
        if told:
            say("\n".join(["", word("validate.explained", lang), *told, ""]))
        unclean = unclean_holdouts((finding.figure for finding in result.findings), lang)
        if unclean:
            say("\n".join([word("validate.unclean", lang), *unclean, ""]))
    screen.print(checks_table(result.checks, lang))
    if result.tests:
        screen.print(standard_tests_table(result.tests, lang))
    untried = sum(check.verdict == "not_tried" for check in result.checks)
    if untried:
        say(word("validate.untried", lang, count=untried))
    say(word("validate.all_well" if result.passed else "validate.not_well", lang))
