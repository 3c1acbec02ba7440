"""The options that several commands share, each declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

STORE = "forecast.zarr"
"""Folder, beside a run's files, of draws that memory cannot hold."""


class Language(StrEnum):
    """Languages of tables and plots."""

    en = "en"
    zh = "zh"


class Engine(StrEnum):
    """Engines that can run a model."""

    auto = "auto"
    kernel = "kernel"
    pysd = "pysd"


class SamplingMethod(StrEnum):
    """How draws are spread over the uncertain constants."""

    latin = "latin"
    sobol = "sobol"


OutOption = Annotated[Path, typer.Option("--out", help="Folder to write to.")]
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

# ---- many draws
DrawsOption = Annotated[
    int | None,
    typer.Option("--draws", help="Forecast so many times, each with its own draw of what is uncertain."),
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
    str | None, typer.Option("--cluster", help="Address of a dask scheduler to run the draws on.")
]

# ---- mixes split among their policies
PoliciesOption = Annotated[
    bool, typer.Option("--policies/--no-policies", help="Split each mix among its policies, with costs.")
]
PolicyDrawsOption = Annotated[
    int | None,
    typer.Option(
        "--policy-draws", min=1, help="Draws to split the mixes in: 20 by default, at most --draws."
    ),
]
DiscountOption = Annotated[
    float | None,
    typer.Option("--discount-rate", help="Real yearly rate for present costs, a share (0.08 is 8 %)."),
]

# ---- tables of many cities
PanelOption = Annotated[Path, typer.Option("--panel", help="CSV of cities and years (yearbook figures).")]
CensusOption = Annotated[Path, typer.Option("--census", help="CSV of cities and census years.")]
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
StartOption = Annotated[int, typer.Option("--start", help="Year that forecasts start from.")]
EndOption = Annotated[int, typer.Option("--end", help="Last year of the forecasts.")]
