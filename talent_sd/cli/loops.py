"""`talent-sd loops`: which feedback loops drive a scenario."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talent_sd.base.language import tell
from talent_sd.cli.common import add_workbook, console, reporting, say, show_written
from talent_sd.cli.options import (
    CityOption,
    LangOption,
    Language,
    NationalOption,
    OutOption,
    PlotsOption,
    ReadingOption,
    XlsxOption,
    refuse_typed,
)

if TYPE_CHECKING:
    from talent_sd.loops.feedback_loops import LoopStudy

CITY_ONLY = ("city", "of", "against", "draws", "seed", "national", "reading")


@reporting
def loops(
    context: typer.Context,
    scenario: Annotated[
        str, typer.Argument(help="A shipped scenario, a path, or any model file (.mdl, .xmile).")
    ] = "baseline",
    city: CityOption = "hefei",
    of: Annotated[str, typer.Option("--of", help="The output to split by loops.")] = "total talent",
    against: Annotated[
        str,
        typer.Option("--against", help="Scenario to compare with; none: the same run with all loops cut."),
    ] = "baseline",
    draws: Annotated[
        int, typer.Option("--draws", min=1, help="Draws of the uncertain constants; 1: the central ones.")
    ] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 0,
    out: OutOption = Path("loops"),
    national: NationalOption = None,
    reading: ReadingOption = None,
    lang: LangOption = Language.en,
    plots: PlotsOption = True,
    xlsx: XlsxOption = False,
) -> None:
    """Show which feedback loops drive a scenario, and when.

    Says in words what drives the city; writes loops.csv, attribution.csv, the
    causal-loop diagram, dominance over time, the waterfall and the stock-and-flow picture.

    Example:  [bold]talent-sd loops hefei_combination --city hefei --of "value added"[/bold]
    """
    from talent_sd.inputs.file_kinds import MODEL_ENDINGS

    if Path(scenario).suffix.lower() in MODEL_ENDINGS:
        refuse_typed(context, CITY_ONLY, Path(scenario).name, lang.value)
        _loops_of_model(Path(scenario), out, lang.value, plots, xlsx)
        return
    from talent_sd.loops.feedback_loops import study_loops

    held = None if against == "none" else against
    study_of = partial(
        study_loops,
        scenario,
        city,
        of=of,
        against=held,
        draws=draws,
        seed=seed,
        national=national,
        reading=reading,
    )
    _loops_of_city(study_of, out, lang.value, plots, xlsx)


def _loops_of_city(study_of: Callable[[], LoopStudy], out: Path, lang: str, plots: bool, xlsx: bool) -> None:
    """Study, write, and say what was found."""
    from talent_sd.base.output_folders import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.loops.loop_files import write_attribution, write_loops
    from talent_sd.output.loops.loop_words import loop_table, loop_words

    labels = shipped_labels()
    with written_together(out) as folder:
        with progress_bar(tell("Simulating and drawing", lang), 2 + 4 * plots) as done:
            study = study_of()
            done(2)
            write_loops(study, folder / "loops.csv")
            write_attribution(study, folder / "attribution.csv")
            if plots:
                from talent_sd.output.loops.loop_plots import save_loop_plots

                save_loop_plots(study, labels, lang, folder, done)
        table = loop_table(study, labels, lang)
        if xlsx:
            add_workbook(folder, "loops", [table], study.shares.attrs, lang=lang)
        files = sorted(file.name for file in folder.iterdir())
    console().print(table)
    for sentence in loop_words(study, labels, lang):
        say(sentence)
    show_written(out, files, lang)


def _loops_of_model(file: Path, out: Path, lang: str, plots: bool, xlsx: bool) -> None:
    """Do the same for a model that is not the city's: every loop it has, up to a limit."""
    from talent_sd.base.output_folders import written_together
    from talent_sd.loops.loop_files import write_loops
    from talent_sd.loops.loops_of_model import study_model
    from talent_sd.output.loops.loop_words import found_table, found_words

    with written_together(out) as folder:
        study = study_model(file)
        write_loops(study, folder / "loops.csv")
        if plots:
            from talent_sd.output.loops.loop_plots import save_model_plots

            save_model_plots(study, lang, folder)
        table = found_table(study, lang)
        if xlsx:
            add_workbook(folder, "loops", [table], study.shares.attrs, lang=lang)
        files = sorted(one.name for one in folder.iterdir())
    console().print(table)
    for sentence in found_words(study, lang):
        say(sentence)
    show_written(out, files, lang)
