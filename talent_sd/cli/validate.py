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
    from talent_sd.engine.runner import Model
    from talent_sd.output.validation import Validation

PARTS = 4
FAILED = 1


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
    engine: EngineOption = Engine.auto,
    lang: LangOption = Language.en,
) -> None:
    """Measure the article's figures, try the behaviour checks and the standard tests.

    Prints target, tolerance, measured value and verdict of each figure; writes
    evidence.csv, checks.csv, standard_tests.csv and sensitivity.csv. Exit code 1 when a figure that the
    fit uses, a check or a standard test fails. Figures kept out of the fit are shown as
    they fall: a miss is explained, not failed.

    Example:  [bold]talent-sd validate --out validation[/bold]
    """
    from talent_sd.base.files import written_together
    from talent_sd.base.messages import word
    from talent_sd.base.progress import progress_bar
    from talent_sd.engine.runner import load_model
    from talent_sd.output.validation import validate as run_validation
    from talent_sd.output.validation import write_validation

    with written_together(out) as folder:
        loaded = load_model(model)
        extra = [_refit(loaded, folder, engine.value, lang.value)] if refit else []
        with progress_bar(word("cli.working", lang.value), PARTS) as done:
            result = run_validation(loaded, engine.value, lambda: done(1))
        files = write_validation(result, folder) + extra
    _show(result, lang.value)
    show_written(out, files, lang.value)
    if not result.passed:
        raise typer.Exit(FAILED)


def _refit(model: Model, folder: Path, engine: str, lang: str) -> str:
    """Repeat the fit from its first guesses and write its record."""
    from talent_sd.base.messages import word
    from talent_sd.evidence.evidence_fit import FILE, fit_evidence, read_fit, write_fit
    from talent_sd.model.evidence import read_evidence

    started, recorded = time.monotonic(), read_fit()
    fit = fit_evidence(model, read_evidence(), recorded, engine)
    write_fit(recorded, fit, folder / FILE)
    seconds = time.monotonic() - started
    say(word("validate.fitted", lang, seconds=seconds, misfit=fit.misfit, distance=fit.distance))
    return FILE


def _show(result: Validation, lang: str) -> None:
    """Print the tables, the misses with their reasons, and the outcome."""
    from talent_sd.base.messages import word
    from talent_sd.output.evidence_tables import (
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
