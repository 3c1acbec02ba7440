"""`talent-sd validate`: evidence, behaviour checks and standard tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talent_sd.base.language import N_
from talent_sd.cli.common import console, reporting, say, show_written
from talent_sd.cli.options import Engine, EngineOption, LangOption, Language, OutOption

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.output.validation import Validation

ALL_WELL = N_("Every figure used in the fit and every check holds.")
EXPLAINED = N_("Figures kept out of the fit that the model misses, and why:")
FITTED = N_("Fitted in {seconds:.0f} s: misfit {misfit:.3g}, distance from first guesses {distance:.3g}.")
NOT_WELL = N_("A figure used in the fit, a check or a standard test fails.")
ONE_EFFECT = N_(
    "* One free effect was fitted to this one figure: its value is no test, its timing, capacity and "
    "composition are."
)
UNCLEAN = N_("† No clean holdouts: the model was changed after their values had been seen.")

PARTS = 4
FAILED = 1


@reporting
def validate(
    out: OutOption = Path("validation"),
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
    from talent_sd.base.language import tell
    from talent_sd.base.progress import progress_bar
    from talent_sd.engine.runner import load_model
    from talent_sd.output.validation import validate as run_validation
    from talent_sd.output.validation import write_validation

    with written_together(out) as folder:
        loaded = load_model(model)
        extra = [_refit(loaded, folder, engine.value, lang.value)] if refit else []
        with progress_bar(tell("Simulating and drawing", lang.value), PARTS) as done:
            result = run_validation(loaded, engine.value, lambda: done(1))
        files = write_validation(result, folder) + extra
    _show(result, lang.value)
    show_written(out, files, lang.value)
    if not result.passed:
        raise typer.Exit(FAILED)


def _refit(model: Model, folder: Path, engine: str, lang: str) -> str:
    """Repeat the fit from its first guesses and write its record."""
    from talent_sd.base.language import tell
    from talent_sd.evidence.evidence_fit import FILE, fit_evidence, read_fit, write_fit
    from talent_sd.model.evidence import read_evidence

    started, recorded = time.monotonic(), read_fit()
    fit = fit_evidence(model, read_evidence(), recorded, engine)
    write_fit(recorded, fit, folder / FILE)
    seconds = time.monotonic() - started
    say(tell(FITTED, lang, seconds=seconds, misfit=fit.misfit, distance=fit.distance))
    return FILE


def _show(result: Validation, lang: str) -> None:
    """Print the tables, the misses with their reasons, and the outcome."""
    from talent_sd.base.language import tell
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
        say(tell(ONE_EFFECT, lang))
        say(tell("All figures are claims of the article; the sources it names were not seen.", lang))
        told = misses(result.findings, lang)
        if told:
            say("\n".join(["", tell(EXPLAINED, lang), *told, ""]))
        unclean = unclean_holdouts((finding.figure for finding in result.findings), lang)
        if unclean:
            say("\n".join([tell(UNCLEAN, lang), *unclean, ""]))
    screen.print(checks_table(result.checks, lang))
    if result.tests:
        screen.print(standard_tests_table(result.tests, lang))
    untried = sum(check.verdict == "not_tried" for check in result.checks)
    if untried:
        say(tell("Never tried, so neither held nor failed: {count}.", lang, count=untried))
    say(tell(ALL_WELL if result.passed else NOT_WELL, lang))
