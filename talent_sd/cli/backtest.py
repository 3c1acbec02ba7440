"""`talent-sd backtest`: forecasts of the past against what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.files import write_frame
from talent_sd.base.language import N_, tell
from talent_sd.cli import options as o
from talent_sd.cli.common import add_workbook, console, reporting, say, show_written

if TYPE_CHECKING:
    import pandas as pd

    from talent_sd.backtest.run_backtest import Backtest
    from talent_sd.engine.runner import Model
    from talent_sd.uncertainty.city_tables import Sources
    from talent_sd.uncertainty.posterior import Posterior
    from talent_sd.uncertainty.windows import Window

LEFT_OUT = N_("{used} cities forecast, {left} left out for want of figures (notes.txt).")
NOTED = N_("{count} notes on the tables themselves stand in notes.txt, on what cannot be first: {first}")


def say_of_tables(notes: Sequence[str], lang: str) -> None:
    """Tell how many notes there are on figures that cannot be, are odd or were left out, and the first."""
    if notes:
        say(tell(NOTED, lang, count=len(notes), first=notes[0]))


def write_notes(folder: Path, made: Mapping[str, str], window: Window) -> None:
    """Write notes.txt: the hash of each file that a result was made from, cities left out, and what is odd of the tables."""
    hashes = [f"{digest}  {name}" for name, digest in made.items()]
    notes = [*hashes, *window.left_out, *window.adjusted]
    (folder / "notes.txt").write_text("".join(f"{line}\n" for line in notes), encoding="utf-8")


@reporting
def backtest(
    panel: o.PanelOption,
    census: o.CensusOption,
    province: o.ProvinceOption = None,
    national: o.NationOption = "central",
    ages: o.AgesOption = None,
    structure: o.StructureOption = None,
    borders: o.BordersOption = None,
    start: o.StartOption = 2010,
    end: o.EndOption = 2020,
    draws: o.PosteriorDrawsOption = 500,
    seed: o.ChanceOption = 0,
    posterior: o.PosteriorOption = None,
    cross_fit: o.FoldsOption = None,
    hindsight: o.HindsightOption = True,
    out: o.OutOption = Path("backtest"),
    xlsx: o.XlsxOption = False,
    lang: o.LangOption = o.Language.en,
    plots: o.PlotsOption = True,
) -> None:
    """Start every city of a panel in the past, forecast it, and score the forecast.

    Each city gets its own figures up to the start year and the path of the nation, nothing of its own
    future. Writes scores.csv, forecasts.csv, misses.csv (the worst of each outcome, with a line on why),
    patents.csv (by province, given --province), notes.txt (first the hashes of what it was made from) and plots.

    Example:  [bold]talent-sd backtest --panel city_panel.csv --census city_census.csv --start 2010[/bold]
    """
    from talent_sd.backtest.run_backtest import run_backtest, run_cross_fitted
    from talent_sd.base.output_folders import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.engine.runner import load_model
    from talent_sd.output.backtest_tables import scores_text
    from talent_sd.uncertainty.city_tables import Sources
    from talent_sd.uncertainty.posterior import read_cross_fit, read_posterior
    from talent_sd.uncertainty.windows import without_hindsight

    with written_together(out) as folder:
        drawn = read_posterior(posterior)
        folds = read_cross_fit(cross_fit) if cross_fit else []
        model = load_model()
        sources = Sources(panel, census, province, national, ages, structure, borders)
        window = sources.window(model, start, end)
        if not hindsight:
            window = without_hindsight(window)
        with progress_bar(tell("Forecasting the past", lang.value), 2 * draws * max(len(folds), 1)) as done:
            if folds:
                test = run_cross_fitted(model, window, folds, draws=draws, seed=seed, done=done)
            else:
                test = run_backtest(model, window, drawn, draws=draws, seed=seed, done=done)
        scores = _write(test, model, drawn, sources, folder, lang.value if xlsx else "")
        if plots:
            from talent_sd.output.figures.plot_backtest import backtest_source, save_backtest_plots

            save_backtest_plots(test, backtest_source(test, model.structure, lang.value), folder, lang.value)
        files = sorted(file.name for file in folder.iterdir())
    console().print(scores_text(scores, lang.value))
    say(tell(LEFT_OUT, lang.value, used=len(window.cities), left=len(window.left_out)))
    say_of_tables(window.adjusted, lang.value)
    show_written(out, files, lang.value)


def _write(
    test: Backtest, model: Model, drawn: Posterior, sources: Sources, folder: Path, book: str
) -> pd.DataFrame:
    """Write the tables, the notes with the hashes of what they were made from, and a workbook in `book`'s language."""
    from talent_sd.backtest.largest_misses import miss_table
    from talent_sd.backtest.run_backtest import forecast_table, patent_table, score_table

    scores = score_table(test)
    write_frame(folder / "scores.csv", scores, "%.6g")
    write_frame(folder / "forecasts.csv", forecast_table(test), "%.6g")
    write_frame(folder / "misses.csv", miss_table(test), "%.4f")
    patents = patent_table(model, test.window, drawn)
    if len(patents):
        write_frame(folder / "patents.csv", patents, "%.6g")
    made = {Path(model.path).name: model.structure.sha256, "posterior.json": drawn.sha256, **sources.hashes()}
    write_notes(folder, made, test.window)
    if book:
        add_workbook(folder, "backtest", [], lang=book)
    return scores
