"""`talent-sd run`: forecast a city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    SamplingMethod,
    SamplingOption,
    SeedOption,
    ThreadsOption,
    Wanted,
    draw_forecast,
    refuse_without_draws,
)


@reporting
def run(
    scenario: Annotated[str, typer.Argument(help="A shipped scenario or a path.")] = "baseline",
    city: CityOption = "hefei",
    out: OutOption = Path("forecast"),
    engine: EngineOption = Engine.auto,
    national: NationalOption = None,
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

    Prints the headline outputs; writes forecast.nc, forecast.csv, run.json,
    overview.png and one plot per sector. With --draws the plots become fans of
    50, 80 and 95 %, variance.csv says where their width comes from, forecast.csv
    holds quantiles, and only what tables and plots show is kept. More draws than
    fit into --memory go to forecast.zarr, and forecast.nc holds their quantiles;
    if such a run is stopped, the same command goes on from there.

    Example:  [bold]talent-sd run hefei_combination --city hefei --lang zh[/bold]
    Example:  [bold]talent-sd run baseline --city wuxi --draws 1000 --seed 1[/bold]
    """
    from talent_sd.base.files import written_together
    from talent_sd.base.language import tell
    from talent_sd.base.progress import progress_bar
    from talent_sd.forecast.prepare import prepare, write_capsule
    from talent_sd.forecast.result_files import write_dataset, write_forecast_table
    from talent_sd.forecast.simulate import run_prepared
    from talent_sd.forecast.spread import condense, forecast_variance
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.terminal_tables import forecast_table

    refuse_without_draws(draws, cluster)
    with written_together(out) as folder:
        prepared = prepare([scenario], city=city, national=national)
        labels = shipped_labels()
        steps = (draws is None) + plots * (1 + len(labels.sectors))
        with progress_bar(tell("Simulating and drawing", lang.value), steps) as done:
            if draws is None:
                forecast, stored = run_prepared(prepared, engine=engine.value, done=done), False
            else:
                wanted = Wanted(draws, seed, sampling.value, memory, threads, cluster)
                forecast, stored = draw_forecast(prepared, out, wanted, engine.value, lang.value)
            shown = condense(forecast, tell("Simulating and drawing", lang.value))
            if plots:
                from talent_sd.output.figures.plot_forecast import save_forecast_plots

                save_forecast_plots(shown, labels, lang.value, folder, done)
        write_dataset(shown if stored else forecast, folder / "forecast.nc")
        write_forecast_table(shown, folder / "forecast.csv")
        if draws is not None and draws > 1:
            shares = forecast_variance(prepared, draws, seed, engine=engine.value)
            shares.to_csv(folder / "variance.csv", index=False, float_format="%.4g")
        write_capsule(prepared, forecast, folder / "run.json", seed=seed)
        files = sorted(file.name for file in folder.iterdir())
    console().print(forecast_table(shown, labels, lang.value))
    show_written(out, files, lang.value)
    fail_on(not_finite(shown, labels.headline))
