"""`talent-sd run`: forecast a city."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from talent_sd.base.errors import EngineNotice, NonFiniteWarning, RangeNotice
from talent_sd.base.files import write_frame
from talent_sd.base.language import tell
from talent_sd.cli import options as o
from talent_sd.cli.common import (
    add_workbook,
    console,
    fail_on,
    lacks,
    reporting,
    say,
    show_written,
)

if TYPE_CHECKING:
    from rich.table import Table

    from talent_sd.forecast.prepare import Prepared

CITY_ONLY = (
    "city",
    "national",
    "reading",
    "draws",
    "central",
    "seed",
    "sampling",
    "memory",
    "threads",
    "cluster",
    "policy",
    "horizon",
)
"""Options that mean nothing for another model."""
NOTICES = (EngineNotice, NonFiniteWarning, RangeNotice)


@reporting
def run(
    context: typer.Context,
    scenario: Annotated[
        str, typer.Argument(help="A shipped scenario, a path, or any model file (.mdl, .xmile).")
    ] = "baseline",
    city: o.CityOption = "hefei",
    out: o.OutOption = Path("forecast"),
    engine: o.EngineOption = o.Engine.auto,
    national: o.NationalOption = None,
    reading: o.ReadingOption = None,
    draws: o.DrawsOption = None,
    central: o.CentralOption = False,
    seed: o.SeedOption = 0,
    sampling: o.SamplingOption = o.SamplingMethod.latin,
    memory: o.MemoryOption = 1.0,
    threads: o.ThreadsOption = None,
    cluster: o.ClusterOption = None,
    lang: o.LangOption = o.Language.en,
    plots: o.PlotsOption = True,
    settings: o.SetOption = None,
    policy: o.PolicyOption = None,
    horizon: o.HorizonOption = None,
    xlsx: o.XlsxOption = False,
) -> None:
    """Forecast a city's next ten years under a scenario, or run any model.

    Prints the headline outputs: medians of 200 draws of what is uncertain, with their 80 % intervals. Writes
    forecast.nc, forecast.csv (quantiles), variance.csv (where the width comes from), run.json, and fans of 50,
    80 and 95 %: overview.png and one plot per sector. More draws than fit into --memory go to forecast.zarr,
    and forecast.nc holds their quantiles; if such a run is stopped, the same command goes on from there.
    With --set and --policy the forecast is told beside the same one without them, in the same draws.
    With --central it is one run without intervals, and forecast.nc holds every variable of the model.

    Example:  [bold]talent-sd run hefei_combination --city hefei --lang zh[/bold]
    Example:  [bold]talent-sd run baseline --city wuxi --draws 1000 --seed 1[/bold]
    Example:  [bold]talent-sd run --set "arrival elasticity=0.8" --policy cash_subsidy=from:2026,intensity:20000[/bold]
    Example:  [bold]talent-sd run teacup.mdl --set "Room Temperature=20"[/bold]
    """
    from talent_sd.inputs.file_kinds import MODEL_ENDINGS
    from talent_sd.inputs.typed_settings import Typed

    if Path(scenario).suffix.lower() in MODEL_ENDINGS:
        o.refuse_typed(context, CITY_ONLY, Path(scenario).name, lang.value)
        _run_model(Path(scenario), settings or [], out, engine.value, lang.value, plots, xlsx)
        return
    wanted = o.wanted_draws(draws, seed, sampling, memory, threads, cluster, central=central, engine=engine)
    preparing = {"city": city, "national": national, "reading": reading, "horizon": horizon}
    overrides = Typed(settings, policy)
    _run_city(scenario, preparing, overrides, out, engine.value, wanted, seed, lang.value, plots, xlsx)


def _run_city(
    scenario: str, preparing: dict[str, Any], overrides: dict[str, Any], out: Path, engine: str,
    wanted: o.Wanted | None, seed: int, lang: str, plots: bool, xlsx: bool,
) -> None:  # fmt: skip
    """Forecast the city, and write and show the forecast."""
    from talent_sd.base.output_folders import STORE, written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.forecast.compare import not_finite
    from talent_sd.forecast.money import write_spending_table
    from talent_sd.forecast.prepare import prepare, write_capsule
    from talent_sd.forecast.result_files import write_dataset, write_forecast_table
    from talent_sd.forecast.simulate import run_prepared
    from talent_sd.forecast.spread import condense
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.terminal_tables import forecast_table

    with written_together(out, store=wanted is not None) as folder:
        prepared = prepare([scenario], overrides=overrides, **preparing)
        labels = shipped_labels()
        steps = (wanted is None) + plots * (1 + len(labels.sectors))
        with progress_bar(tell("Simulating and drawing", lang), steps) as done:
            if wanted is None:
                forecast, stored = run_prepared(prepared, engine=engine, done=done), False
            else:
                forecast, stored = o.draw_forecast(prepared, out, wanted, engine, lang)
            shown = condense(forecast, tell("Simulating and drawing", lang))
            if plots:
                from talent_sd.output.figures.plot_forecast import save_forecast_plots
                from talent_sd.output.headline_outputs import known_figures

                save_forecast_plots(shown, labels, lang, folder, done, known_figures(prepared.first.city))
        write_dataset(shown if stored else forecast, folder / "forecast.nc")
        write_forecast_table(shown, folder / "forecast.csv")
        write_spending_table(prepared, forecast, folder / "spending.csv")
        if wanted is not None and wanted.draws > 1:
            _write_variance(prepared, wanted, engine, folder / "variance.csv")
        lacking = lacks(prepared)
        write_capsule(prepared, forecast, folder / "run.json", seed=seed, notices=lacking["en"])
        tables, texts = [forecast_table(shown, labels, lang)], lacking[lang]
        if overrides:
            plain = prepare([scenario], **preparing)
            table, more = _what_if(prepared, plain, wanted, engine, lang, folder)
            tables.append(table)
            texts += more
        if xlsx:
            add_workbook(folder, "run", tables, forecast.attrs, prepared, lang, texts)
        files = sorted([file.name for file in folder.iterdir()] + [STORE] * stored)
    for each in tables:
        console().print(each)
    for text in texts:
        say(text)
    show_written(out, files, lang)
    fail_on(not_finite(shown, labels.headline))


def _what_if(
    prepared: Prepared, plain: Prepared, wanted: o.Wanted | None, engine: str, lang: str, folder: Path
) -> tuple[Table, list[str]]:
    """Tell what typed settings change: a table, and sentences on each; write what_if.csv."""
    from dataclasses import replace

    from talent_sd.forecast.result_files import write_comparison_table
    from talent_sd.forecast.spread import ENOUGH
    from talent_sd.forecast.what_if import explanations, what_if
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.terminal_tables import comparison_table

    labels = shipped_labels()
    few = wanted and replace(wanted, draws=min(wanted.draws, ENOUGH), cluster=None)
    drawn = few.drawn(prepared) if few else None
    found = what_if(prepared, plain, drawn, engine=engine)
    write_comparison_table(found.change, folder / "what_if.csv", labels.lower_is_better)
    return comparison_table(found.change, labels, lang), explanations(found, lang)


def _run_model(
    file: Path, given: Sequence[str], out: Path, engine: str, lang: str, plots: bool, xlsx: bool
) -> None:
    """Run a model that is not the city's, and write and show what a forecast has."""
    from talent_sd.base.output_folders import written_together
    from talent_sd.engine.runner import load_model
    from talent_sd.forecast.any_model import model_labels, run_model, write_model_capsule
    from talent_sd.forecast.compare import not_finite
    from talent_sd.forecast.result_files import write_dataset, write_forecast_table
    from talent_sd.inputs.typed_settings import read_settings
    from talent_sd.output.terminal_tables import forecast_table

    settings = read_settings(given)
    with written_together(out) as folder:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            model = load_model(file)
            forecast = run_model(model, settings, engine=engine)
        labels = model_labels(model)
        notices = [str(one.message) for one in told if issubclass(one.category, NOTICES)]
        if plots:
            from talent_sd.output.figures.plot_forecast import save_forecast_plots

            save_forecast_plots(forecast, labels, lang, folder)
        write_dataset(forecast, folder / "forecast.nc")
        write_forecast_table(forecast, folder / "forecast.csv")
        write_model_capsule(model, forecast, settings, folder / "run.json", notices)
        table = forecast_table(forecast, labels, lang)
        if xlsx:
            add_workbook(folder, "run", [table], forecast.attrs, lang=lang)
        files = sorted(one.name for one in folder.iterdir())
    console().print(table)
    for notice in notices:
        say(notice, errors=True)
    show_written(out, files, lang)
    fail_on(not_finite(forecast, labels.headline))


def _write_variance(prepared: Prepared, wanted: o.Wanted, engine: str, file: Path) -> None:
    """Write where the spread comes from."""
    from talent_sd.forecast.spread import forecast_variance

    shares = forecast_variance(prepared, wanted.draws, wanted.seed, engine=engine)
    write_frame(file, shares, "%.4g")
