"""`talent-sd compare`: set scenarios against a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talent_sd.cli.cities import CitiesOption, compare_in_cities
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
    warn_of,
)
from talent_sd.cli.draws import (
    ClusterOption,
    DrawsOption,
    MemoryOption,
    Sampling,
    SamplingOption,
    SeedOption,
    ThreadsOption,
    Wanted,
    draw_paired,
    refuse_without_draws,
)
from talent_sd.cli.policies import (
    DiscountOption,
    PoliciesOption,
    PolicyDrawsOption,
    policy_draws_of,
    split_policies,
    steps_of_policies,
)
from talent_sd.cli.report import ReportOption, command_line


@reporting
def compare(
    scenarios: Annotated[list[str], typer.Argument(help="Shipped scenarios or paths.")],
    city: CityOption = "hefei",
    cities: CitiesOption = None,
    baseline: Annotated[
        str, typer.Option("--baseline", help="What the others are compared with.")
    ] = "baseline",
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("comparison"),
    engine: EngineOption = Engine.auto,
    national: NationalOption = None,
    draws: DrawsOption = None,
    seed: SeedOption = 0,
    sampling: SamplingOption = Sampling.latin,
    memory: MemoryOption = 1.0,
    threads: ThreadsOption = None,
    cluster: ClusterOption = None,
    lang: LangOption = Language.en,
    plots: PlotsOption = True,
    report: ReportOption = True,
    policies: PoliciesOption = True,
    policy_draws: PolicyDrawsOption = None,
    discount_rate: DiscountOption = None,
) -> None:
    """Compare scenarios with a baseline.

    Prints the differences in the last year; writes comparison.nc, comparison.csv,
    comparison_iamc.csv, forecast.csv, run.json, plots of paths and differences, and report.html, one
    offline page in both languages to hand over. A baseline that is
    not among the scenarios is added. With --draws every draw is compared with the
    baseline's same draw: intervals, and the probability of doing better.
    policies.csv tells what each policy of a mix adds (exact Shapley shares) and costs;
    with --engine pysd it is left out, for it needs thousands of runs.
    With --cities the headline differences of several cities stand side by side, without
    report and policies.

    Example:  [bold]talent-sd compare cash_subsidy_only hefei_combination --city hefei[/bold]
    Example:  [bold]talent-sd compare hefei_combination --draws 1000 --seed 1[/bold]
    Example:  [bold]talent-sd compare three_dimensional --cities hefei,wuxi,handan --draws 500[/bold]
    """
    from talent_sd.analysis.compare import compare as compared
    from talent_sd.analysis.forecast import prepare, run_prepared
    from talent_sd.analysis.iamc import iamc_rows, write_iamc
    from talent_sd.analysis.provenance import write_capsule
    from talent_sd.analysis.store import write_comparison_table, write_dataset, write_forecast_table
    from talent_sd.base.files import written_together
    from talent_sd.base.labels import shipped_labels
    from talent_sd.base.progress import progress_bar
    from talent_sd.base.words import word
    from talent_sd.output.tables import comparison_table

    refuse_without_draws(draws, cluster)
    wanted = None if draws is None else Wanted(draws, seed, sampling.value, memory, threads, cluster)
    if cities is not None:
        compare_in_cities(
            [baseline, *scenarios],
            cities,
            out,
            wanted,
            seed=seed,
            engine=engine.value,
            national=national,
            lang=lang.value,
            plots=plots,
        )
        return
    with written_together(out) as folder:
        prepared = prepare(list(dict.fromkeys([baseline, *scenarios])), city=city, national=national)
        labels = shipped_labels()
        warn_of(prepared)
        split = policies and engine != Engine.pysd
        split_in = policy_draws_of(draws, policy_draws)
        steps = (draws is None) * len(prepared.resolved) + 2 * plots + report
        steps += steps_of_policies(prepared, split_in, plots) if split else 0
        with progress_bar(word("cli.working", lang.value), steps) as done:
            if wanted is None:
                spread = run_prepared(prepared, engine=engine.value, done=done)
            else:
                spread = draw_paired(prepared, wanted, engine.value, lang.value)
            change = compared(spread, baseline=str(spread["scenario"].values[0]))
            if plots:
                from talent_sd.output.plot_comparison import save_comparison_plots

                save_comparison_plots(spread, change, labels, lang.value, folder, done)
            effects = None
            if split:
                effects = split_policies(
                    prepared,
                    folder,
                    labels,
                    lang.value,
                    done,
                    draws=split_in,
                    seed=seed,
                    threads=threads,
                    discount_rate=discount_rate,
                    plots=plots,
                )
            if report:
                from talent_sd.output.report import gather, write_report

                options = {
                    "--city": city,
                    "--baseline": None if baseline == "baseline" else baseline,
                    "--national": national,
                    "--draws": draws,
                    "--seed": None if draws is None else seed,
                    "--sampling": None if draws is None else sampling.value,
                    "--policy-draws": policy_draws,
                    "--discount-rate": discount_rate,
                    "--engine": None if engine == Engine.auto else engine.value,
                }
                told = command_line("compare", scenarios, options)
                pictures = None
                if effects is not None:
                    from talent_sd.output.plot_policies import policy_figures

                    pictures = {one: policy_figures(effects, labels, one) for one in ("en", "zh")}
                material = gather(
                    prepared,
                    spread,
                    change,
                    labels,
                    lang.value,
                    command=told,
                    policies=effects,
                    policy_plots=pictures,
                )
                write_report(folder / "report.html", material)
                done(1)
        write_dataset(change, folder / "comparison.nc")
        write_comparison_table(change, folder / "comparison.csv", labels.lower_is_better)
        write_forecast_table(spread, folder / "forecast.csv")
        rows = iamc_rows(spread, spread.attrs["city_en"], labels)
        write_iamc(rows, spread["time"].values, folder / "comparison_iamc.csv")
        write_capsule(prepared, spread, folder / "run.json", seed=seed)
        files = sorted(file.name for file in folder.iterdir())
    console().print(comparison_table(change, labels, lang.value))
    if effects is not None:
        from talent_sd.output.tables_policies import policies_table

        for name in effects["scenario"].values:
            console().print(policies_table(effects, str(name), labels, lang.value))
    show_written(out, files, lang.value)
