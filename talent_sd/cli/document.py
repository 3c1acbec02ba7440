"""`talent-sd document`: the whole model as a document for a reviewer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talent_sd.base.language import tell
from talent_sd.cli.common import command_line, reporting, say, show_written
from talent_sd.cli.options import CityOption, LangOption, Language, OutOption, refuse_typed

PARTS = 4


@reporting
def document(
    context: typer.Context,
    model: Annotated[
        Path | None,
        typer.Argument(help="Any model file (.mdl, .xmile); the city model by default.", show_default=False),
    ] = None,
    city: CityOption = "hefei",
    out: OutOption = Path("document"),
    pdf: Annotated[
        bool, typer.Option("--pdf/--no-pdf", help="Print a PDF where a browser is at hand.")
    ] = True,
    lang: LangOption = Language.en,
) -> None:
    """Write the whole model as a document: every equation, value, source, loop, law and test, with links.

    Answers STRESS-SD and the reporting guidelines of Rahmandad & Sterman (2012) item by item. Writes model.html, one
    file that needs nothing else, and model.pdf where Chromium, Chrome or Edge is at hand. Of a model that is not the
    city's it tells what the file holds.

    Example:  [bold]talent-sd document --city shenyang --lang zh[/bold]
    Example:  [bold]talent-sd document teacup.mdl --out teacup[/bold]
    """
    from talent_sd.base.output_folders import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.output.report.print_book import print_pdf
    from talent_sd.output.report.write_book import gather_book, write_book

    if model is not None:
        refuse_unless_city(context, model, lang.value)
    with written_together(out) as folder:
        with progress_bar(
            tell("Gathering all that is known of the model", lang.value), PARTS + 2 * pdf
        ) as done:
            book = gather_book(model, city, lang.value, done)
            options = {
                "--city": city if book.city else None,
                "--lang": lang.value if lang.value != "en" else None,
            }
            command = command_line("document", [model] if model else [], options)
            write_book(folder / "model.html", book, command)
            printed = pdf and print_pdf(folder / "model.html", folder / "model.pdf", done)
        files = sorted(one.name for one in folder.iterdir())
    if pdf and not printed:
        say(tell("No browser printed it: model.html has everything; print it from any browser.", lang.value))
    show_written(out, files, lang.value)


def refuse_unless_city(context: typer.Context, model: Path, lang: str) -> None:
    """Refuse a city for a model that has none."""
    from talent_sd.engine.runner import load_model
    from talent_sd.laboratory.findings import is_city_model

    if not is_city_model(load_model(model)):
        refuse_typed(context, ["city"], model.name, lang)
