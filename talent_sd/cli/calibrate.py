"""`talent-sd calibrate`: fit the model to the growth of cities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.language import N_
from talent_sd.cli import options as o
from talent_sd.cli.backtest import say_of_tables, write_notes
from talent_sd.cli.common import console, reporting, show_written

if TYPE_CHECKING:
    from talent_sd.calibration.calibration_files import Calibrated
    from talent_sd.engine.runner import Model

CALIBRATING = N_("Fitting to the cities")


@reporting
def calibrate(
    panel: o.PanelOption,
    census: o.CensusOption,
    province: o.ProvinceOption = None,
    national: o.NationOption = "central",
    ages: o.AgesOption = None,
    structure: o.StructureOption = None,
    borders: o.BordersOption = None,
    start: o.StartOption = 2010,
    end: o.EndOption = 2020,
    hold_out: o.HoldOutOption = o.HeldOut.cities,
    seed: o.ChanceOption = 0,
    steps: o.StepsOption = 6000,
    known_until: o.KnownUntilOption = None,
    cross_fit: o.CrossFitOption = True,
    out: o.OutOption = Path("calibration"),
    lang: o.LangOption = o.Language.en,
    plots: o.PlotsOption = True,
) -> None:
    """Fit the model's constants and its noise to the growth of cities.

    Writes posterior.json (for `backtest --posterior`), cross_fit.json (fits that each left whole provinces
    out, for `backtest --cross-fit`), diagnostics.csv, evidence.csv (the article's figures inside the
    posterior), notes.txt (as a back-test's) and plots. A run that was stopped goes on where it was when
    started again with the same inputs.

    Example:  [bold]talent-sd calibrate --panel city_panel.csv --census city_census.csv[/bold]
    """
    from talent_sd.base.language import tell
    from talent_sd.base.output_folders import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.calibration.calibration_files import (
        STATE,
        diagnostics_table,
        evidence_table,
        write_calibration,
    )
    from talent_sd.calibration.calibration_files import calibrate as fit
    from talent_sd.calibration.fit import SamplerSettings
    from talent_sd.engine.runner import load_model
    from talent_sd.output.backtest_tables import diagnostics_text, evidence_text
    from talent_sd.uncertainty.city_tables import Sources

    with written_together(out) as folder, progress_bar(tell(CALIBRATING, lang.value), 1000) as advance:
        model, done = load_model(), _in_thousandths(advance)
        sources = Sources(panel, census, province, national, ages, structure, borders)
        found = fit(
            model, sources, start=start, end=end,
            held_out=hold_out.value, seed=seed, sampling=SamplerSettings(steps=steps), state=out / STATE, done=done,
            known_until=known_until, cross_fitted=cross_fit,
        )  # fmt: skip
        write_calibration(found, folder)
        write_notes(folder, {Path(model.path).name: model.structure.sha256, **sources.hashes()}, found.window)
        if plots:
            _plot(model, found, seed, folder, lang.value)
        files = sorted(file.name for file in folder.iterdir())
    console().print(diagnostics_text(diagnostics_table(found), lang.value))
    console().print(evidence_text(evidence_table(found.posterior), lang.value))
    say_of_tables(found.window.adjusted, lang.value)
    show_written(out, files, lang.value)


def _in_thousandths(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    """Return what takes work done and work in all, and moves a bar of 1000 steps."""
    shown = [0.0, 0]

    def done(amount: int, work: int) -> None:
        """Move the bar on by a part of the work."""
        shown[0] += 1000 * amount / work
        advance(int(shown[0]) - int(shown[1]))
        shown[1] = int(shown[0])

    return done


def _plot(model: Model, found: Calibrated, seed: int, folder: Path, lang: str) -> None:
    """Draw prior and posterior, and the fitting cities as the posterior forecasts them."""
    from talent_sd.backtest.run_backtest import run_backtest
    from talent_sd.output.figures.plot_backtest import (
        backtest_source,
        save_calibration_plots,
        save_predictive_plot,
    )

    test = run_backtest(model, found.window, found.posterior, draws=200, seed=seed)
    source = backtest_source(test, model.structure, lang)
    save_calibration_plots(found.beliefs, found.posterior, source, folder, lang)
    save_predictive_plot(test, source, folder, lang)
