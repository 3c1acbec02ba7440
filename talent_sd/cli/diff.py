"""`talent-sd diff`: what two scenarios set differently."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talent_sd.base.language import N_
from talent_sd.cli.common import console, reporting, save_tables, say, show_written
from talent_sd.cli.options import LangOption, Language, XlsxFileOption

EQUAL = N_("{first} and {second} set the same: a run cannot tell them apart.")

FILE = "differences.csv"


@reporting
def diff(
    first: Annotated[str, typer.Argument(help="A shipped scenario or a path.")],
    second: Annotated[str, typer.Argument(help="What it is set against.")],
    city: Annotated[
        str | None, typer.Option("--city", help="Also what a national path changes in a city's start values.")
    ] = None,
    folder: Annotated[Path | None, typer.Option("--out", help="Folder for differences.csv.")] = None,
    xlsx: XlsxFileOption = None,
    lang: LangOption = Language.en,
) -> None:
    """Show what two scenarios set differently, after all that they extend, and where it is written.

    What a run cannot tell apart is no difference: the model's own value written out, a policy
    that is off where the other file has none.

    Example:  [bold]talent-sd diff baseline hefei_combination[/bold]
    Example:  [bold]talent-sd diff hefei_combination my_plan.yaml --out changes[/bold]
    """
    from talent_sd.base.language import tell
    from talent_sd.base.output_folders import written_together
    from talent_sd.engine.runner import load_model
    from talent_sd.forecast.scenario_diff import scenario_differences, write_differences
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.terminal_tables import diff_table

    one, two, found = scenario_differences(first, second, load_model(), city)
    if folder is not None:
        with written_together(folder) as temporary:
            write_differences(found, temporary / FILE)
    titles = (one.name, two.name) if one.name != two.name else (first, second)
    if found:
        table = diff_table(found, titles, shipped_labels(), lang.value)
        console().print(table)
        save_tables(xlsx, [table], lang=lang.value)
    else:
        say(tell(EQUAL, lang.value, first=titles[0], second=titles[1]))
    if folder is not None:
        show_written(folder, [FILE], lang.value)
