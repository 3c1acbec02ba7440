"""`talent-sd run`: forecast a city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talent_sd.cli.common import (
    CityOption,
    Engine,
    EngineOption,
    LangOption,
    Language,
    NationalOption,
    PlotsOption,
    console,
    reporting,
    show_written,
)


@reporting
def run(
    scenario: Annotated[str, typer.Argument(help="A shipped scenario or a path.")] = "baseline",
    city: CityOption = "hefei",
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("forecast"),
    engine: EngineOption = Engine.auto,
    national: NationalOption = None,
    lang: LangOption = Language.en,
    plots: PlotsOption = True,
) -> None:
    """Forecast a city's next ten years under a scenario.

    Prints the headline outputs; writes forecast.nc, forecast.csv, run.json,
    overview.png and one plot per sector.

    Example:  [bold]talent-sd run hefei_combination --city hefei --lang zh[/bold]
    """
    from talent_sd.analysis.forecast import prepare, run_prepared
    from talent_sd.analysis.provenance import write_capsule
    from talent_sd.analysis.store import write_dataset, write_forecast_table
    from talent_sd.base.files import written_together
    from talent_sd.base.labels import shipped_labels
    from talent_sd.base.progress import progress_bar
    from talent_sd.base.words import word
    from talent_sd.output.tables import forecast_table

    with written_together(out) as folder:
        prepared = prepare([scenario], city=city, national=national)
        labels = shipped_labels()
        with progress_bar(word("cli.working", lang.value), 1 + plots * (1 + len(labels.sectors))) as done:
            forecast = run_prepared(prepared, engine=engine.value, done=done)
            if plots:
                from talent_sd.output.plot import save_forecast_plots

                save_forecast_plots(forecast, labels, lang.value, folder, done)
        write_dataset(forecast, folder / "forecast.nc")
        write_forecast_table(forecast, folder / "forecast.csv")
        write_capsule(prepared, forecast, folder / "run.json")
        files = sorted(file.name for file in folder.iterdir())
    console().print(forecast_table(forecast, labels, lang.value))
    show_written(out, files, lang.value)
