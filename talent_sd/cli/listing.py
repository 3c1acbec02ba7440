"""`talent-sd list`: what ships."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from talent_sd.cli.common import LangOption, Language, console, reporting


class Shelf(StrEnum):
    """What can be listed."""

    cities = "cities"
    policies = "policies"
    scenarios = "scenarios"
    evidence = "evidence"
    variables = "variables"
    loops = "loops"


@reporting
def listing(
    what: Annotated[Shelf, typer.Argument(help="What to list.")], lang: LangOption = Language.en
) -> None:
    """List cities, policies, scenarios, evidence, variables or loops.

    Example:  [bold]talent-sd list policies --lang zh[/bold]
    """
    from talent_sd.output.shelves import shelf_table

    console().print(shelf_table(what.value, lang.value))
