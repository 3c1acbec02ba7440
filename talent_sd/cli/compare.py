"""`talent-sd compare`: set scenarios against a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talent_sd.cli import options as o
from talent_sd.cli.common import given, reporting
from talent_sd.cli.comparison import Asked, write_comparison


@reporting
def compare(
    context: typer.Context,
    scenarios: Annotated[list[str], typer.Argument(help="Shipped scenarios or paths.")],
    city: o.CityOption = "hefei",
    cities: o.CitiesOption = None,
    baseline: Annotated[
        str, typer.Option("--baseline", help="What the others are compared with.")
    ] = "baseline",
    out: o.OutOption = Path("comparison"),
    engine: o.EngineOption = o.Engine.auto,
    national: o.NationalOption = None,
    draws: o.DrawsOption = None,
    seed: o.SeedOption = 0,
    sampling: o.SamplingOption = o.SamplingMethod.latin,
    memory: o.MemoryOption = 1.0,
    threads: o.ThreadsOption = None,
    cluster: o.ClusterOption = None,
    lang: o.LangOption = o.Language.en,
    plots: o.PlotsOption = True,
    report: o.ReportOption = True,
    policies: o.PoliciesOption = True,
    policy_draws: o.PolicyDrawsOption = None,
    discount_rate: o.DiscountOption = None,
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
    typed = {name: value for name, value in locals().items() if name != "context"}
    asked = Asked(**typed)
    asked.refuse_idle_options(given(context, "city"))
    write_comparison(asked)
