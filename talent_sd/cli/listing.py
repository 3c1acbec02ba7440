"""`talent-sd list`: what ships."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from talent_sd.cli.common import console, reporting, save_tables, say
from talent_sd.cli.options import LangOption, Language, XlsxFileOption


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
        typer.Option("--of", help="One figure (evidence), variable or city, with all behind it."),
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", help="Only rows that hold this text, in whatever column.")
    ] = None,
    city: Annotated[
        str | None, typer.Option("--city", help="With variables: their values for a city, central run.")
    ] = None,
    xlsx: XlsxFileOption = None,
    lang: LangOption = Language.en,
) -> None:
    """List cities, policies, scenarios, evidence, variables or loops.

    Example:  [bold]talent-sd list policies --lang zh[/bold]
    Example:  [bold]talent-sd list evidence --of E08[/bold]
    Example:  [bold]talent-sd list cities --of hefei[/bold]
    Example:  [bold]talent-sd list variables --search wage --city hefei[/bold]
    """
    from talent_sd.output.listings import shelf_table

    if what is Shelf.cities and of is not None:
        _show_city(of, lang.value, xlsx)
    elif of is None or (what is Shelf.variables and search is not None):
        table = shelf_table(what.value, lang.value, search or "", city)
        console().print(table)
        save_tables(xlsx, [table], lang=lang.value)
    else:
        say(_one(what, of, lang.value))


def _show_city(name: str, lang: str, xlsx: Path | None) -> None:
    """Show a city's figures, sources and gaps."""
    from talent_sd.forecast.prepare import prepare
    from talent_sd.forecast.what_if import gaps
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.city_tables import city_tables

    prepared = prepare("baseline", name)
    tables = list(city_tables(prepared, gaps(prepared), shipped_labels(), lang))
    for table in tables:
        console().print(table)
    save_tables(xlsx, tables, prepared, lang)


def _one(what: Shelf, name: str, lang: str) -> str:
    """Return everything behind one figure or one variable."""
    from talent_sd.base.errors import InputError, nearest
    from talent_sd.inputs.evidence_ledger import read_evidence
    from talent_sd.laboratory.findings import experiments_for
    from talent_sd.model.read import shipped_structure
    from talent_sd.output.evidence_tables import figure_trace, variable_trace

    figures = {figure.id: figure for figure in read_evidence()}
    structure = shipped_structure()
    if what is Shelf.variables:
        from talent_sd.inputs.labels import shipped_labels

        name = shipped_labels().name_of(name)
        return variable_trace(structure[name].name, structure, figures, lang)
    if what is not Shelf.evidence:
        raise InputError(
            "--of goes with cities, evidence or variables, not with {shelf}. Leave it out.", shelf=what.value
        )
    figure = figures.get(name.upper())
    if figure is None:
        raise InputError(
            "no figure '{name}'.{hint} See `talent-sd list evidence`.", name=name, hint=nearest(name, figures)
        )
    return figure_trace(figure, experiments_for([figure])[figure.experiment], structure, lang)
