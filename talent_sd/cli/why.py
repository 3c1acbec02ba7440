"""`talent-sd why`: what moved a variable, cause by cause, down to figures and sources."""

from __future__ import annotations

from typing import Annotated

import typer

from talent_sd.cli import options as o
from talent_sd.cli.common import console, reporting, save_tables


@reporting
def why(
    variable: Annotated[str, typer.Argument(help='A variable\'s name or label, or "name[element]".')],
    year: Annotated[
        float, typer.Option("--year", help="What moved it since the year before this one.")
    ] = 2030,
    city: o.CityOption = "hefei",
    scenario: Annotated[
        str, typer.Option("--scenario", help="A shipped scenario (see `list scenarios`) or a path.")
    ] = "baseline",
    national: o.NationalOption = None,
    reading: o.ReadingOption = None,
    settings: o.SetOption = None,
    policy: o.PolicyOption = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="A scenario, run without --set and --policy, to hold the year against instead of the year before.",
        ),
    ] = None,
    links: Annotated[int, typer.Option("--links", min=1, help="How many links to follow.")] = 6,
    xlsx: o.XlsxFileOption = None,
    lang: o.LangOption = o.Language.en,
) -> None:
    """Say why a variable is what it is in a year: what moved it since the year before, or against another scenario.

    Shows the causes as a strip and follows one of them link by link along the model's equations: the strongest that moved it
    the same way, unless that leads back to what was shown. Ends with the figures on that way and their sources. Any other
    way: ask for the cause that you want to follow.

    Example:  [bold]talent-sd why "total talent" --year 2030 --city wuxi[/bold]
    Example:  [bold]talent-sd why arrivals --scenario hefei_combination[/bold]
    Example:  [bold]talent-sd why "total talent" --set "arrival elasticity=0.8" --against baseline[/bold]
    """
    from talent_sd.forecast.prepare import prepare
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.inputs.typed_settings import Typed
    from talent_sd.loops.why import explain
    from talent_sd.output.listings import why_tables

    overrides = Typed(settings, policy)
    prepared = prepare([scenario], city, national=national, reading=reading, overrides=overrides)
    labels = shipped_labels()
    other = None if against is None else prepare([against], city, national=national, reading=reading)
    found = explain(prepared, labels.name_of(variable), year, other)
    tables = list(why_tables(found, labels, links, lang.value))
    for table in tables:
        console().print(table)
    save_tables(xlsx, tables, prepared, lang.value)
