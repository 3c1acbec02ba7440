"""`talent-sd compare`: run the scenarios of its cities, compare, write, draw and report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from talent_sd.base.errors import InputError
from talent_sd.base.language import LANGUAGES, tell
from talent_sd.cli import options as o
from talent_sd.cli.common import (
    add_workbook,
    command_line,
    console,
    fail_on,
    given,
    reporting,
    show_written,
    warn_of,
)
from talent_sd.cli.options import Engine, Language, SamplingMethod, Wanted, draw_paired, wanted_draws

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

    from talent_sd.forecast.prepare import Prepared
    from talent_sd.inputs.labels import Labels

Done = Callable[[int], None]


@dataclass(frozen=True)
class Asked:
    """What was typed, option by option."""

    scenarios: list[str]
    city: str
    cities: str | None
    baseline: str
    out: Path
    engine: Engine
    national: str | None
    reading: str | None
    draws: int | None
    central: bool
    seed: int
    sampling: SamplingMethod
    memory: float
    threads: int | None
    cluster: str | None
    lang: Language
    plots: bool
    report: bool
    policies: bool
    policy_draws: int | None
    discount_rate: float | None
    xlsx: bool

    @property
    def side_by_side(self) -> bool:
        """Whether cities stand side by side; only the headline outputs are run then."""
        return self.cities is not None

    @property
    def wanted(self) -> Wanted | None:
        """The draws, None of a single run."""
        return wanted_draws(
            self.draws, self.seed, self.sampling, self.memory, self.threads, self.cluster,
            central=self.central, engine=self.engine,
        )  # fmt: skip

    @property
    def splits(self) -> bool:
        """Whether mixes are split among their policies."""
        return self.policies and self.engine is not Engine.pysd and not self.side_by_side

    def split(self, prepared: Prepared) -> dict[str, Any]:
        """Return how the mixes are split, as `policy_effects` takes it."""
        from talent_sd.policies.policy_effects import split_draws

        draws = self.wanted.draws if self.wanted else None
        return {
            "draws": None if draws is None else min(draws, self.policy_draws or split_draws(prepared, draws)),
            "among": draws,
            "seed": self.seed,
            "sampling": self.sampling.value,
            "threads": self.threads,
            "discount_rate": self.discount_rate,
        }

    @property
    def of_policies(self) -> dict[str, object]:
        """Options for the split alone, None where not typed."""
        return {"--policy-draws": self.policy_draws, "--discount-rate": self.discount_rate}

    def command(self) -> str:
        """Return what repeats the comparison, for the report."""
        wanted = self.wanted
        draws = {"--draws": wanted and wanted.draws, "--seed": self.seed, "--sampling": self.sampling.value}
        options = {
            **({"--cities": self.cities} if self.side_by_side else {"--city": self.city}),
            "--baseline": None if self.baseline == "baseline" else self.baseline,
            "--national": self.national,
            "--reading": self.reading,
            **(draws if wanted else {"--central": self.central}),
            **self.of_policies,
            "--engine": None if self.engine is Engine.auto else self.engine.value,
        }
        return command_line("compare", self.scenarios, options)

    def refuse_idle_options(self, city_typed: bool) -> None:
        """Refuse options that would do nothing: who types one expects something of it.

        Raises
        ------
        InputError
            With every such option at once.
        """
        drawn = self.wanted is not None  # this alone refuses a cluster for one run
        problems = []
        if self.side_by_side and city_typed:
            problems.append(tell("--city and --cities were both given. Leave one out."))
        idle = [name for name, value in self.of_policies.items() if value is not None]
        if idle and not self.splits:
            problems.append(
                tell(
                    "{options} would do nothing: policies are split in one city only, and not with "
                    "--no-policies or --engine pysd. Leave it out.",
                    options=" and ".join(idle),
                )
            )
        elif self.policy_draws is not None and not drawn:
            problems.append(tell("--policy-draws is for many draws. Leave out --central."))
        if problems:
            raise InputError(problems)


@dataclass
class Comparison:
    """What was run and found. `spreads` holds titles and attributes alone where cities stand side by side."""

    asked: Asked
    lang: str
    labels: Labels
    folder: Path
    done: Done
    prepared: dict[str, Prepared]
    notices: dict[str, dict[str, list[str]]]
    spreads: dict[str, xr.Dataset] = field(default_factory=dict)
    rows: list[tuple[object, ...]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    effects: xr.Dataset | None = None

    @property
    def only(self) -> str:
        """The city, where there is one."""
        return next(iter(self.prepared))

    def run(self) -> xr.Dataset:
        """Forecast and compare."""
        from talent_sd.forecast.compare import compare, compare_cities

        if self.asked.side_by_side:
            return compare_cities(self.prepared, self._forecast, self.done)
        spread = self._forecast(self.prepared[self.only])
        return compare(spread, baseline=str(spread["scenario"].values[0]))

    def _forecast(self, prepared: Prepared) -> xr.Dataset:
        from talent_sd.forecast.compare import not_finite
        from talent_sd.forecast.result_files import iamc_rows
        from talent_sd.forecast.simulate import run_prepared

        asked, apart = self.asked, self.asked.side_by_side
        # of fourteen cities all outputs would be gigabytes
        outputs = list(self.labels.headline) if apart else None
        if asked.wanted is None:
            steps = {} if apart else {"done": self.done}
            spread = run_prepared(prepared, engine=asked.engine.value, outputs=outputs, **steps)
        else:
            lang = "en" if apart else self.lang
            spread = draw_paired(
                prepared, asked.wanted, asked.engine.value, lang, outputs=outputs, progress=not apart
            )
        self.odd.extend(not_finite(spread, self.labels.headline))
        self.rows.extend(iamc_rows(spread, spread.attrs["city_en"], self.labels))
        self.spreads[str(spread.attrs["city"])] = (
            spread.drop_vars(list(spread.data_vars)) if apart else spread
        )
        return spread

    def draw_and_split(self, change: xr.Dataset) -> None:
        """Draw the plots; split each mix among its policies."""
        asked = self.asked
        if asked.plots and asked.side_by_side:
            from talent_sd.output.figures.plot_comparison import plot_cities
            from talent_sd.output.style import save_figure

            save_figure(plot_cities(change, self.labels, self.lang), self.folder / "cities.png")
            self.done(1)
        elif asked.plots:
            from talent_sd.output.figures.plot_comparison import save_comparison_plots
            from talent_sd.output.headline_outputs import known_figures

            spread, known = self.spreads[self.only], known_figures(self.prepared[self.only].first.city)
            save_comparison_plots(spread, change, self.labels, self.lang, self.folder, self.done, known)
        if asked.splits:
            self._split()

    def _split(self) -> None:
        from talent_sd.forecast.result_files import write_dataset
        from talent_sd.policies.policy_effects import policy_effects, with_policies
        from talent_sd.policies.policy_table import write_policies_table

        prepared = self.prepared[self.only]
        if not with_policies(prepared):
            return
        self.effects = policy_effects(prepared, done=self.done, **self.asked.split(prepared))
        write_policies_table(self.effects, self.folder / "policies.csv")
        write_dataset(self.effects, self.folder / "policies.nc")
        if self.asked.plots:
            from talent_sd.output.policies.plot_policies import save_policy_plots

            save_policy_plots(self.effects, self.labels, self.lang, self.folder, self.done)

    def report(self, change: xr.Dataset) -> None:
        """Write report.html."""
        from talent_sd.output import report

        file, labels, lang = self.folder / "report.html", self.labels, self.lang
        command = self.asked.command()
        if self.asked.side_by_side:
            cities = report.gather_cities(
                self.prepared, self.spreads, change, labels, lang, command=command, notices=self.notices
            )
            report.write_report(file, cities)
        else:
            pictures = None
            if self.effects is not None:
                from talent_sd.output.policies.plot_policies import policy_figures

                pictures = {each: policy_figures(self.effects, labels, each) for each in LANGUAGES}
            city = report.gather(
                self.prepared[self.only], self.spreads[self.only], change, labels, lang, command=command,
                policies=self.effects, policy_plots=pictures, notices=self.notices[self.only],
            )  # fmt: skip
            report.write_report(file, city)
        self.done(1)

    def write(self, change: xr.Dataset) -> None:
        """Write the tables, and a capsule for each city."""
        from talent_sd.forecast.money import write_spending_table
        from talent_sd.forecast.prepare import write_capsule
        from talent_sd.forecast.result_files import (
            write_comparison_table,
            write_dataset,
            write_forecast_table,
            write_iamc,
            write_ranking_tables,
        )

        folder = self.folder
        if (ranks := self.ranks()) is not None:
            write_ranking_tables(ranks, folder)
        write_dataset(change, folder / "comparison.nc")
        write_comparison_table(change, folder / "comparison.csv", self.labels.lower_is_better)
        write_iamc(self.rows, change["time"].values, folder / "comparison_iamc.csv")
        if not self.asked.side_by_side:
            write_forecast_table(self.spreads[self.only], folder / "forecast.csv")
            write_spending_table(self.prepared[self.only], self.spreads[self.only], folder / "spending.csv")
        for city, prepared in self.prepared.items():
            file = folder / (f"run_{city}.json" if self.asked.side_by_side else "run.json")
            notices = self.notices[city]["en"]
            write_capsule(prepared, self.spreads[city], file, seed=self.asked.seed, notices=notices)

    def ranks(self) -> xr.Dataset | None:
        """Return who beats whom; None of a single draw or of cities side by side."""
        from talent_sd.base.dims import DRAW, SCENARIO, TIME
        from talent_sd.forecast.compare import ranking

        if self.asked.wanted is None or self.asked.side_by_side:
            return None
        spread, plain = self.spreads[self.only], {SCENARIO, DRAW, TIME}
        names = [name for name in self.labels.headline if name in spread and set(spread[name].dims) == plain]
        return ranking(spread, names, self.labels.lower_is_better) if names else None

    def tables(self, change: xr.Dataset) -> Iterator[Table]:
        """Yield what the terminal shows."""
        from talent_sd.output.listings import duels_table
        from talent_sd.output.policies.policy_tables import mixes_table, policies_table
        from talent_sd.output.terminal_tables import cities_table, comparison_table

        table = cities_table if self.asked.side_by_side else comparison_table
        yield table(change, self.labels, self.lang)
        if (ranks := self.ranks()) is not None:
            yield duels_table(ranks, self.spreads[self.only], self.labels, self.lang)
        if self.effects is not None:
            yield mixes_table(self.effects, self.labels, self.lang)
            for name in self.effects["scenario"].values:
                yield policies_table(self.effects, str(name), self.labels, self.lang)


def write_comparison(asked: Asked) -> None:
    """Compare scenarios with the first of them; write and print what was found."""
    from talent_sd.base.output_folders import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.forecast.compare import named_cities, prepare_cities
    from talent_sd.inputs.labels import shipped_labels

    lang = asked.lang.value
    with written_together(asked.out) as folder:
        cities = [asked.city] if asked.cities is None else named_cities(asked.cities)
        scenarios = list(dict.fromkeys([asked.baseline, *asked.scenarios]))
        prepared = prepare_cities(scenarios, cities, asked.national, asked.reading)
        notices = {name: warn_of(one) for name, one in prepared.items()}
        with progress_bar(tell("Simulating and drawing", lang), _steps(asked, prepared)) as done:
            found = Comparison(asked, lang, shipped_labels(), folder, done, prepared, notices)
            change = found.run()
            found.draw_and_split(change)
            if asked.report:
                found.report(change)
        found.write(change)
        tables, about = list(found.tables(change)), {"command": asked.command(), **change.attrs}
        about["draws"] = change.sizes.get("draw", 1)
        if asked.xlsx:
            texts = sum((own[lang] for own in notices.values()), [])
            add_workbook(folder, "compare", tables, about, prepared[found.only], lang, texts)
        files = sorted(file.name for file in folder.iterdir())
    for table in tables:
        console().print(table)
    show_written(asked.out, files, lang)
    fail_on(found.odd)


def _steps(asked: Asked, prepared: Mapping[str, Prepared]) -> int:
    from talent_sd.policies.policy_effects import attribution_steps, with_policies

    if asked.side_by_side:
        return len(prepared) + asked.plots + asked.report
    (one,) = prepared.values()
    steps = (asked.wanted is None) * len(one.resolved) + 2 * asked.plots + asked.report
    if asked.splits:
        steps += attribution_steps(one, asked.split(one)["draws"]) + asked.plots * len(with_policies(one))
    return steps


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
    report: o.ReportOption = True,
    policies: o.PoliciesOption = True,
    policy_draws: o.PolicyDrawsOption = None,
    discount_rate: o.DiscountOption = None,
    xlsx: o.XlsxOption = False,
) -> None:
    """Compare scenarios with a baseline.

    Prints the differences in the last year; writes comparison.nc, comparison.csv,
    comparison_iamc.csv, forecast.csv, run.json, plots of paths and differences, and report.html, one
    offline page in both languages to hand over. A baseline that is
    not among the scenarios is added. Each of 200 draws is compared with the baseline's same draw: medians,
    intervals, and the probability of doing better. With --central it is one run of each, without intervals.
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
