"""`talent-sd run`: forecast a city."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talent_sd.base.language import tell
from talent_sd.cli.common import console, fail_on, not_finite, reporting, show_written
from talent_sd.cli.options import (
    CityOption,
    ClusterOption,
    DrawsOption,
    Engine,
    EngineOption,
    LangOption,
    Language,
    MemoryOption,
    NationalOption,
    OutOption,
    PlotsOption,
    ReadingOption,
    SamplingMethod,
    SamplingOption,
    SeedOption,
    ThreadsOption,
    Wanted,
    draw_forecast,
    wanted_draws,
)

if TYPE_CHECKING:
    from talent_sd.forecast.prepare import Prepared


@reporting
def run(
    scenario: Annotated[str, typer.Argument(help="A shipped scenario or a path.")] = "baseline",
    city: CityOption = "hefei",
    out: OutOption = Path("forecast"),
    engine: EngineOption = Engine.auto,
    national: NationalOption = None,
    reading: ReadingOption = None,
    draws: DrawsOption = None,
    seed: SeedOption = 0,
    sampling: SamplingOption = SamplingMethod.latin,
    memory: MemoryOption = 1.0,
    threads: ThreadsOption = None,
    cluster: ClusterOption = None,
    lang: LangOption = Language.en,
    plots: PlotsOption = True,
) -> None:
    """Forecast a city's next ten years under a scenario.

    Prints the headline outputs; writes forecast.nc, forecast.csv, run.json, overview.png and one plot per
    sector. With --draws the plots become fans of 50, 80 and 95 %, variance.csv says where their width comes
    from, forecast.csv holds quantiles, and only what tables and plots show is kept. More draws than fit
    into --memory go to forecast.zarr, and forecast.nc holds their quantiles; if such a run is stopped, the
    same command goes on from there.

    Example:  [bold]talent-sd run hefei_combination --city hefei --lang zh[/bold]
    Example:  [bold]talent-sd run baseline --city wuxi --draws 1000 --seed 1[/bold]
    """
    from talent_sd.base.files import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.forecast.prepare import prepare, write_capsule
    from talent_sd.forecast.result_files import write_dataset, write_forecast_table
    from talent_sd.forecast.simulate import run_prepared
    from talent_sd.forecast.spread import condense
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.terminal_tables import forecast_table

    wanted = wanted_draws(draws, seed, sampling, memory, threads, cluster)
    with written_together(out) as folder:
        prepared = prepare([scenario], city=city, national=national, reading=reading)
        labels = shipped_labels()
        steps = (wanted is None) + plots * (1 + len(labels.sectors))
        with progress_bar(tell("Simulating and drawing", lang.value), steps) as done:
            if wanted is None:
                forecast, stored = run_prepared(prepared, engine=engine.value, done=done), False
            else:
                forecast, stored = draw_forecast(prepared, out, wanted, engine.value, lang.value)
            shown = condense(forecast, tell("Simulating and drawing", lang.value))
            if plots:
                from talent_sd.output.figures.plot_forecast import save_forecast_plots

                save_forecast_plots(shown, labels, lang.value, folder, done)
        write_dataset(shown if stored else forecast, folder / "forecast.nc")
        write_forecast_table(shown, folder / "forecast.csv")
        if wanted is not None and wanted.draws > 1:
            _write_variance(prepared, wanted, engine.value, folder / "variance.csv")
        write_capsule(prepared, forecast, folder / "run.json", seed=seed)
        files = sorted(file.name for file in folder.iterdir())
    console().print(forecast_table(shown, labels, lang.value))
    show_written(out, files, lang.value)
    fail_on(not_finite(shown, labels.headline))


def _write_variance(prepared: Prepared, wanted: Wanted, engine: str, file: Path) -> None:
    """Write where the spread comes from."""
    from talent_sd.forecast.spread import forecast_variance

    shares = forecast_variance(prepared, wanted.draws, wanted.seed, engine=engine)
    shares.to_csv(file, index=False, float_format="%.4g")
