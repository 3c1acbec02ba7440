"""`talent-sd compare`: set scenarios against a baseline."""

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
    ReportOption,
    command_line,
    given,
    reporting,
)
from talent_sd.cli.compare_cities import CitiesOption, compare_in_cities
from talent_sd.cli.compare_one_city import Asked, compare_in_one_city, options_given
from talent_sd.cli.compare_policies import (
    DiscountOption,
    PoliciesOption,
    PolicyDrawsOption,
    Split,
    draws_to_split,
    refuse_idle_options,
)
from talent_sd.cli.draws import (
    ClusterOption,
    DrawsOption,
    MemoryOption,
    SamplingMethod,
    SamplingOption,
    SeedOption,
    ThreadsOption,
    Wanted,
    refuse_without_draws,
)


@reporting
def compare(
    context: typer.Context,
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
    sampling: SamplingOption = SamplingMethod.latin,
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
    With --cities the headline differences of several cities stand side by side, in the
    report too; policies are split in one city only.

    Example:  [bold]talent-sd compare cash_subsidy_only hefei_combination --city hefei[/bold]
    Example:  [bold]talent-sd compare hefei_combination --draws 1000 --seed 1[/bold]
    Example:  [bold]talent-sd compare three_dimensional --cities hefei,wuxi,handan --draws 500[/bold]
    """
    refuse_without_draws(draws, cluster)
    split = policies and engine != Engine.pysd
    refuse_idle_options(
        both=cities is not None and given(context, "city"),
        draws=draws,
        policy_draws=policy_draws,
        discount_rate=discount_rate,
        split=split and cities is None,
    )
    wanted = None if draws is None else Wanted(draws, seed, sampling.value, memory, threads, cluster)
    compared = [baseline, *scenarios]
    options = options_given(
        {
            "--city": (None if cities is not None else city, None),
            "--cities": (cities, None),
            "--baseline": (baseline, "baseline"),
            "--national": (national, None),
            "--draws": (draws, None),
            "--seed": (None if draws is None else seed, None),
            "--sampling": (None if draws is None else sampling.value, None),
            "--policy-draws": (policy_draws, None),
            "--discount-rate": (discount_rate, None),
            "--engine": (engine.value, Engine.auto.value),
        }
    )
    command = command_line("compare", scenarios, options) if report else None
    if cities is not None:
        compare_in_cities(
            compared,
            cities,
            out,
            wanted,
            seed=seed,
            engine=engine.value,
            national=national,
            lang=lang.value,
            plots=plots,
            command=command,
        )
        return
    compare_in_one_city(
        Asked(
            scenarios=compared,
            city=city,
            national=national,
            out=out,
            engine=engine.value,
            wanted=wanted,
            seed=seed,
            lang=lang.value,
            plots=plots,
            split=Split(
                draws_to_split(draws, policy_draws), seed, threads, discount_rate, draws, sampling.value
            )
            if split
            else None,
            command=command,
        )
    )
