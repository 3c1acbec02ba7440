"""`talent-sd check`: lint scenario, city, national and model files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talent_sd.cli.common import LangOption, Language, reporting, say


@reporting
def check(
    files: Annotated[
        list[Path], typer.Argument(help="Scenario, city, national (.yaml) or model (.mdl, .xmile) files.")
    ],
    lang: LangOption = Language.en,
) -> None:
    """Check files without simulating; exit code 0 or 2.

    Every problem of every file is shown at once, with file, line and remedy.

    Example:  [bold]talent-sd check my_scenario.yaml my_city.yaml[/bold]
    """
    from talent_sd.base.errors import InputError
    from talent_sd.base.messages import word
    from talent_sd.forecast.prepare import check_file

    problems: list[str] = []
    for file in files:
        try:
            kind = check_file(file)
        except InputError as error:
            problems += error.problems
        else:
            say(word("check.fine", lang.value, file=file, kind=word(f"check.{kind}", lang.value)))
    if problems:
        raise InputError(problems)
