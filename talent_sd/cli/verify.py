"""`talent-sd verify`: hold the native engine against PySD."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talent_sd.base.language import N_, tell
from talent_sd.cli.common import console, reporting, save_tables, say, show_written
from talent_sd.cli.options import LangOption, Language, XlsxFileOption

AGREE = N_("All {count} pairs agree to within rounding (1 = the parity tolerance).")
DIFFER = N_("{bad} of {count} pairs differ by more than rounding allows (1 = the parity tolerance).")

DISAGREED = 1


@reporting
def verify(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help="Shipped scenarios or paths; every shipped one by default.")
    ] = None,
    city: Annotated[str | None, typer.Option("--city", help="A shipped city or a path.")] = None,
    cities: Annotated[
        str | None, typer.Option("--cities", help="Several cities, as A,B,C; every shipped one by default.")
    ] = None,
    time_step: Annotated[
        float,
        typer.Option("--time-step", help="Years. With the model's own, 0.0625, it takes four times as long."),
    ] = 0.25,
    until: Annotated[
        float | None, typer.Option("--until", help="Last year of the runs; the model's own by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for verify.csv.")] = None,
    xlsx: XlsxFileOption = None,
    lang: LangOption = Language.en,
) -> None:
    """Run scenarios of cities in the native engine and in PySD, and compare every variable.

    Prints, pair by pair, the largest difference as a multiple of what rounding allows
    (1e-9 of a variable's size). Ends with 0 if all pairs agree, 1 if one does not.

    Example:  [bold]talent-sd verify baseline --cities hefei,wuxi[/bold]
    Example:  [bold]talent-sd verify --out verified[/bold]
    """
    from contextlib import nullcontext

    from talent_sd.base.output_folders import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.inputs.shipped_names import shipped_names
    from talent_sd.model_tests.verification import verify_pairs, write_agreements
    from talent_sd.output.validation_tables import agreement_table

    chosen = scenarios or list(shipped_names("scenario"))
    places = _places(city, cities) or list(shipped_names("city"))
    with nullcontext() if out is None else written_together(out) as folder:
        with progress_bar(tell("Running both engines", lang.value), len(chosen) * len(places)) as done:
            found = verify_pairs(chosen, places, time_step=time_step, until=until, done=done)
        if folder is not None:
            write_agreements(found, folder / "verify.csv")
    table = agreement_table(found, time_step, lang.value)
    console().print(table)
    save_tables(xlsx, [table], lang=lang.value)
    differing = sum(not one.agrees for one in found)
    key = DIFFER if differing else AGREE
    say(tell(key, lang.value, count=len(found), bad=differing))
    if out is not None:
        show_written(out, ["verify.csv"], lang.value)
    if differing:
        raise typer.Exit(DISAGREED)


def _places(city: str | None, cities: str | None) -> list[str]:
    """Return the cities that the options name."""
    from talent_sd.base.errors import InputError

    if city is not None and cities is not None:
        raise InputError(tell("--city and --cities exclude each other. Give one of them."))
    if city is not None:
        return [city]
    if cities is None:
        return []
    named = [name.strip() for name in cities.split(",") if name.strip()]
    if not named:
        raise InputError(tell("--cities names no city. Give them as A,B,C."))
    return named
