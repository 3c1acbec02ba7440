"""The options that several commands share, each declared once, and the ensemble that those of draws ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, tell
from talent_sd.base.output_folders import STORE, begun, holds_store, written

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.forecast.prepare import Prepared
    from talent_sd.uncertainty.prior_draws import Draws

HEADLINE_DRAWS = 200
"""Draws of a forecast unless told otherwise."""
CITY_ONLY = N_("{options}: only for the city model; {file} is another one. Leave out: {options}.")


class Language(StrEnum):
    """Languages of tables and plots."""

    en = "en"
    zh = "zh"


class Engine(StrEnum):
    """Engines that can run a model."""

    auto = "auto"
    kernel = "kernel"
    pysd = "pysd"


class HeldOut(StrEnum):
    """What a third of the cities is held out by."""

    cities = "cities"
    provinces = "provinces"
    none = "none"


class SamplingMethod(StrEnum):
    """How draws are spread over the uncertain constants."""

    latin = "latin"
    sobol = "sobol"


OutOption = Annotated[
    Path,
    typer.Option(
        "--out", help="Folder to write to. What a run before wrote there goes; what you changed is kept."
    ),
]
LangOption = Annotated[Language, typer.Option("--lang", help="Language of tables and plots.")]
PlotsOption = Annotated[bool, typer.Option("--plots/--no-plots", help="Draw the plots.")]
ReportOption = Annotated[
    bool, typer.Option("--report/--no-report", help="Write report.html, one offline page to hand over.")
]
EngineOption = Annotated[
    Engine,
    typer.Option("--engine", help="auto: the native kernel where it can, else PySD, the slow reference."),
]

# ---- what is forecast
CityOption = Annotated[str, typer.Option("--city", help="A shipped city (see `list cities`) or a path.")]
CitiesOption = Annotated[
    str | None,
    typer.Option(
        "--cities", help="Several cities, separated by commas, or all: their differences side by side."
    ),
]
NationalOption = Annotated[
    str | None, typer.Option("--national", help="National path: central, low_growth, high_growth, or a file.")
]
ReadingOption = Annotated[
    str | None,
    typer.Option(
        "--reading", help="How the world works: evidence (default), article, or a file of assumptions."
    ),
]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help='"name=number" for a constant of the model, or "name[element]=number"; once for each.'
    ),
]
PolicyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        help="NAME, NAME=off, or NAME=from:2026,size:5e8 (also until, ramp, intensity); once for each.",
    ),
]
HorizonOption = Annotated[
    float | None, typer.Option("--horizon", help="Last year of the forecast; 2034 by default.")
]

XlsxOption = Annotated[
    bool,
    typer.Option("--xlsx", help="Write all tables into one workbook too, with a sheet of units and sources."),
]
XlsxFileOption = Annotated[
    Path | None, typer.Option("--xlsx", help="A workbook to write the tables to, such as tables.xlsx.")
]

# ---- what a model is tried by
ModelOption = Annotated[
    Path | None,
    typer.Option("--model", help="Another .mdl: a variant of the city, or any model with Reality Checks."),
]
RefitOption = Annotated[
    bool,
    typer.Option("--refit", help="Fit the free effects anew; write evidence_fit.yaml beside the tables."),
]
LawOption = Annotated[
    list[str] | None,
    typer.Option(
        "--law", help="Only this law, or all that begin with it; 'all' for every law and nothing else."
    ),
]
LawDrawsOption = Annotated[
    int,
    typer.Option(
        "--draws", min=0, max=100_000, help="Draws that each law is tried on; 0 for the central run alone."
    ),
]
CostsOption = Annotated[
    bool, typer.Option("--policies", help="Only what each policy costs, beside the literature's range.")
]

BesideOption = Annotated[
    str | None, typer.Option("--reading", help="The reading shown beside the evidence's: article, or a file.")
]
FitReadingOption = Annotated[
    str | None,
    typer.Option("--fit-reading", help="Only find a reading's assumptions anew; write it beside its tables."),
]
RangesOption = Annotated[
    Path | None, typer.Option("--priors", help="With --fit-reading: ranges; the shipped ones by default.")
]

# ---- many draws
DrawsOption = Annotated[
    int | None,
    typer.Option(
        "--draws",
        help=f"Forecast so many times, each with its own draw of what is uncertain; {HEADLINE_DRAWS} by default.",
    ),
]
CentralOption = Annotated[
    bool,
    typer.Option(
        "--central", help="One run with every uncertain number at its central value, in place of draws."
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", help="What the draws follow from.")]
SamplingOption = Annotated[
    SamplingMethod, typer.Option("--sampling", help="Latin hypercube, or Sobol (draws: a power of two).")
]
MemoryOption = Annotated[
    float,
    typer.Option("--memory", help=f"Gigabytes for draws and results; what is larger goes to {STORE}."),
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", help="Of the kernel; all by default.", min=1)]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster", help="Address of a dask scheduler to run the draws on: on this machine, or with TLS."
    ),
]

# ---- mixes split among their policies
PoliciesOption = Annotated[
    bool, typer.Option("--policies/--no-policies", help="Split each mix among its policies, with costs.")
]
PolicyDrawsOption = Annotated[
    int | None,
    typer.Option(
        "--policy-draws",
        min=1,
        help="Draws to split the mixes in: by default all, of mixes of six policies or more the fewer the larger "
        "they are (20 of nine). What a mix does and costs is told in all draws.",
    ),
]
DiscountOption = Annotated[
    float | None,
    typer.Option("--discount-rate", help="Real yearly rate for present costs, a share (0.08 is 8 %)."),
]

# ---- tables of many cities
PanelOption = Annotated[Path, typer.Option("--panel", help="CSV of cities and years (yearbook figures).")]
CensusOption = Annotated[Path, typer.Option("--census", help="CSV of cities and census years.")]
NoPanelOption = Annotated[
    Path | None, typer.Option("--panel", help="CSV of cities and years (yearbook figures).")
]
NoCensusOption = Annotated[Path | None, typer.Option("--census", help="CSV of cities and census years.")]
ProvinceOption = Annotated[
    Path | None, typer.Option("--province", help="CSV of provinces and years; its patents set start values.")
]
NationOption = Annotated[
    str, typer.Option("--national", help="CSV of national totals, or a national path by name or file.")
]
AgesOption = Annotated[
    Path | None, typer.Option("--ages", help="CSV of cities and census years: residents by five-year age.")
]
StructureOption = Annotated[
    Path | None,
    typer.Option("--structure", help="CSV of cities and census years: jobs and homes of the long form."),
]
BordersOption = Annotated[
    Path | None,
    typer.Option("--borders", help="CSV of cities: people of 2010 and 2020 on the borders of 2020."),
]
PosteriorOption = Annotated[
    Path | None, typer.Option("--posterior", help="A posterior.json; the shipped one by default.")
]
FoldsOption = Annotated[
    Path | None,
    typer.Option(
        "--cross-fit", help="A cross_fit.json of `calibrate`: each city by the fit without its province."
    ),
]
HindsightOption = Annotated[
    bool,
    typer.Option("--hindsight/--no-hindsight", help="Whether the nation's fading mobility is known."),
]
PosteriorDrawsOption = Annotated[
    int, typer.Option("--draws", min=2, max=100_000, help="Draws of the posterior.")
]
ChanceOption = Annotated[int, typer.Option("--seed", min=0)]
HoldOutOption = Annotated[HeldOut, typer.Option("--hold-out", help="A third of what is not fitted.")]
StepsOption = Annotated[
    int, typer.Option("--steps", min=100, max=100_000, help="Of each walker of the sampler.")
]
KnownUntilOption = Annotated[
    int | None,
    typer.Option("--known-until", help="Last year that noise may be sized on. Default: --end + 3."),
]
CrossFitOption = Annotated[
    bool, typer.Option("--cross-fit/--no-cross-fit", help="Fit again without each fold of provinces.")
]
StartOption = Annotated[int, typer.Option("--start", help="Year that forecasts start from.")]
EndOption = Annotated[int, typer.Option("--end", help="Last year of the forecasts.")]


COPIES_TO_COMPARE = 4
"""Arrays of an ensemble's size while it is compared: itself, changes, relative changes, one on its way."""


@dataclass(frozen=True)
class Wanted:
    """What the options say of draws."""

    draws: int
    seed: int
    sampling: str
    memory: float
    threads: int | None
    cluster: str | None

    def drawn(self, prepared: Prepared) -> Draws:
        """Draw what is uncertain."""
        from talent_sd.forecast.ensemble import prior_draws

        return prior_draws(prepared, self.draws, self.seed, sampling=self.sampling, memory=self.memory)


def draw_forecast(
    prepared: Prepared, out: Path, wanted: Wanted, engine: str, lang: str
) -> tuple[xr.Dataset, bool]:
    """Run an ensemble; one that exceeds the memory goes to a store in `out`, which a later run finishes.

    A store that lies there is gone on with, whatever the memory now.

    Returns
    -------
    dims (scenario, draw, time, ...), and whether it lies in a store
    """
    from talent_sd.forecast.ensemble import Options, fits_memory, run_ensemble

    drawn = wanted.drawn(prepared)
    fits = fits_memory(prepared, drawn, wanted.memory) and not holds_store(out)
    store = None if fits else out / STORE
    title = tell("Simulating and drawing", lang)
    options = Options(store, wanted.threads, None, wanted.memory, wanted.cluster, title=title)
    begun.extend([store] if store else [])
    forecast = run_ensemble(prepared, drawn, options, engine=engine)
    written.extend([store] if store else [])
    return forecast, store is not None


def draw_paired(
    prepared: Prepared,
    wanted: Wanted,
    engine: str,
    lang: str,
    *,
    outputs: Sequence[str] | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Run an ensemble whose scenarios are to be compared draw by draw, in memory.

    Raises
    ------
    InputError
        If the draws, their changes and their relative changes would not fit.
    """
    from talent_sd.forecast.ensemble import Options, fits_memory, run_ensemble

    drawn = wanted.drawn(prepared)
    if not fits_memory(prepared, drawn, wanted.memory / COPIES_TO_COMPARE, outputs):
        raise InputError(
            "{draws} draws of {count} scenarios do not fit into --memory {memory:g} (gigabytes) "
            "together with their differences. Ask for fewer draws, or give more memory.",
            draws=wanted.draws,
            count=len(prepared.resolved),
            memory=wanted.memory,
        )
    title = tell("Simulating and drawing", lang)
    options = Options(
        None, wanted.threads, None, wanted.memory, wanted.cluster, progress=progress, title=title
    )
    return run_ensemble(prepared, drawn, options, engine=engine, outputs=outputs)


def wanted_draws(
    draws: int | None,
    seed: int,
    sampling: SamplingMethod,
    memory: float,
    threads: int | None,
    cluster: str | None,
    *,
    central: bool,
    engine: Engine,
) -> Wanted | None:
    """Return what the options say of draws, None of a single central run: asked for, or all that PySD does in time.

    Raises
    ------
    InputError
        If draws or a cluster are asked for together with one central run.
    """
    if central and draws is not None:
        raise InputError(tell("--central is one run, --draws are many. Leave one out."))
    if draws is None and cluster is not None:
        raise InputError(tell("--cluster is for many draws. Add --draws, for example --draws 1000."))
    if draws is None and (central or engine is Engine.pysd):
        return None
    from talent_sd.engine.member_blocks import refuse_too_many

    if draws == 1:
        raise InputError(
            tell("--draws is 1: a draw alone is chance. Give 2 or more, or --central for the central run.")
        )
    draws = HEADLINE_DRAWS if draws is None else draws
    refuse_too_many(draws, 1, memory)  # before a model is read for them
    return Wanted(draws, seed, sampling.value, memory, threads, cluster)


def refuse_typed(context: typer.Context, options: Sequence[str], file: str, lang: str) -> None:
    """Refuse options that mean nothing for a model that is not the city's, rather than drop them."""
    # the source is an enum of click's, of which typer may hold a copy of its own: its name is the same
    sources = {name: context.get_parameter_source(name) for name in options}
    typed = [f"--{name}" for name, source in sources.items() if source and source.name == "COMMANDLINE"]
    if typed:
        raise InputError(tell(CITY_ONLY, lang, options=", ".join(typed), file=file))


GoalsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--goal",
        help='What to raise: "total talent", "total talent@2030", "tax base@sum". Several: a front.',
    ),
]
WeightsOption = Annotated[
    list[float] | None,
    typer.Option("--weight", help="Of each goal, in their order: one sum instead of a front."),
]
