"""`talent-sd list`: what ships."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from talent_sd.cli.common import console, reporting, say
from talent_sd.cli.options import LangOption, Language


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
    what: Annotated[Shelf, typer.Argument(help="What to list.")],
    of: Annotated[
        str | None,
        typer.Option("--of", help="One figure (evidence) or one variable (variables), with all behind it."),
    ] = None,
    lang: LangOption = Language.en,
) -> None:
    """List cities, policies, scenarios, evidence, variables or loops.

    Example:  [bold]talent-sd list policies --lang zh[/bold]
    Example:  [bold]talent-sd list evidence --of E08[/bold]
    """
    from talent_sd.output.listings import shelf_table

    if of is None:
        console().print(shelf_table(what.value, lang.value))
        return
    say(_one(what, of, lang.value))


def _one(what: Shelf, name: str, lang: str) -> str:
    """Return everything behind one figure or one variable."""
    from talent_sd.base.errors import InputError, nearest
    from talent_sd.base.files import shipped_folder
    from talent_sd.inputs.evidence_ledger import read_evidence
    from talent_sd.laboratory.findings import experiments_for
    from talent_sd.model.read import read_structure
    from talent_sd.output.evidence_tables import figure_trace, variable_trace

    figures = {figure.id: figure for figure in read_evidence()}
    structure = read_structure(shipped_folder("models") / "city.mdl")
    if what is Shelf.variables:
        return variable_trace(structure[name].name, structure, figures, lang)
    if what is not Shelf.evidence:
        raise InputError(
            "--of goes with evidence or variables, not with {shelf}. Leave it out.", shelf=what.value
        )
    figure = figures.get(name.upper())
    if figure is None:
        raise InputError(
            "no figure '{name}'.{hint} See `talent-sd list evidence`.", name=name, hint=nearest(name, figures)
        )
    return figure_trace(figure, experiments_for([figure])[figure.experiment], structure, lang)
