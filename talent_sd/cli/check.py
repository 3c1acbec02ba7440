"""`talent-sd check`: lint scenario, city, national and model files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from talent_sd.base.language import N_, tell
from talent_sd.cli.common import console, notices, reporting, say
from talent_sd.cli.options import LangOption, Language

ONE = N_("{file}: 1 warning, on what stands above; it runs ({kind})")
UNLIKE = N_("{file}: it runs ({kind}); figures marked * above are unlike those of nine in ten cities like it")
SEVERAL = N_("{file}: {count} warnings, on what stands above; it runs ({kind})")


@reporting
def check(
    files: Annotated[
        list[Path], typer.Argument(help="Scenario, city, national (.yaml) or model (.mdl, .xmile) files.")
    ],
    lang: LangOption = Language.en,
) -> None:
    """Check files; exit code 0 or 2.

    Every problem of every file is shown at once, with file, line and remedy. Of a city it is told which defaults
    stand in for missing figures, and how far each may move the last year; and what other cities have.

    Example:  [bold]talent-sd check my_scenario.yaml my_city.yaml[/bold]
    """
    from talent_sd.base.errors import InputError
    from talent_sd.forecast.prepare import check_file
    from talent_sd.inputs.shipped_names import FILE_KINDS

    problems: list[str] = []
    for file in dict.fromkeys(files):
        unlike = False
        with notices() as told:
            try:
                kind = check_file(file)
            except InputError as error:
                problems += error.problems
                continue
            if kind == "city":
                unlike = show_gaps(file, lang.value)
            if kind == "scenario":
                warn_of_begun(file, lang.value)
        words = {"file": file, "kind": tell(FILE_KINDS[kind], lang.value), "count": len(told)}
        text = (
            (UNLIKE if unlike else N_("{file}: fine ({kind})"))
            if not told
            else ONE
            if len(told) == 1
            else SEVERAL
        )
        say(tell(text, lang.value, **words))
    if problems:
        raise InputError(problems)


def warn_of_begun(file: Path, lang: str) -> None:
    """Warn of policies whose first year a plan leaves to the model, where that is past."""
    from talent_sd.engine.runner import load_model, model_constants
    from talent_sd.forecast.prepare import ComparisonNotice
    from talent_sd.forecast.scenario_diff import begun
    from talent_sd.inputs import load_scenario

    for text in begun(model_constants(load_model()), load_scenario(file), lang):
        warnings.warn(text, ComparisonNotice, stacklevel=2)


def show_gaps(city: Path, lang: str) -> bool:
    """Show what of a city is not its own, what stands in for the figures that it lacks, and the others beside other cities'.

    Returns
    -------
    whether some of a city that does not ship are unlike those of nine in ten cities like it
    """
    from talent_sd.forecast.prepare import prepare
    from talent_sd.forecast.what_if import gaps
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.city_tables import beside_line, beside_table, bridges_line, gaps_table, themes_line

    prepared = prepare("baseline", city)
    missing = gaps(prepared)
    if any(gap.moving for gap in missing):
        say(themes_line(prepared, missing, lang))
        console().print(gaps_table(prepared, missing, shipped_labels(), lang))
    if told := bridges_line(prepared, lang):
        say(told)
    console().print(beside_table(prepared.first.city, lang))
    return bool(beside_line(prepared.first.city))
