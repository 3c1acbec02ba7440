"""`talent-sd check`: lint scenario, city, national and model files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talent_sd.cli.common import reporting, say
from talent_sd.cli.options import LangOption, Language


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
    from talent_sd.base.language import tell
    from talent_sd.forecast.prepare import check_file
    from talent_sd.inputs.shipped_names import FILE_KINDS

    problems: list[str] = []
    for file in files:
        try:
            kind = check_file(file)
        except InputError as error:
            problems += error.problems
        else:
            say(tell("{file}: fine ({kind})", lang.value, file=file, kind=tell(FILE_KINDS[kind], lang.value)))
    if problems:
        raise InputError(problems)
