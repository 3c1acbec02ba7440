"""Options for many draws, and the ensemble they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, tell

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.forecast.prepare import Prepared

KEPT = N_("Interrupted. What was simulated is kept in {folder}; the same command goes on from there.")

STORE = "forecast.zarr"
COPIES_TO_COMPARE = 4
"""Arrays of an ensemble's size while it is compared: itself, changes, relative changes, one on its way."""


class SamplingMethod(StrEnum):
    """How draws are spread over the uncertain constants."""

    latin = "latin"
    sobol = "sobol"


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


@dataclass(frozen=True)
class Wanted:
    """What the options say of draws."""

    draws: int
    seed: int
    sampling: str
    memory: float
    threads: int | None
    cluster: str | None


def draw_forecast(
    prepared: Prepared, out: Path, wanted: Wanted, engine: str, lang: str
) -> tuple[xr.Dataset, bool]:
    """Run an ensemble; one that exceeds the memory goes to a store in `out`, which a later run can finish.

    Returns
    -------
    dims (scenario, draw, time, ...), and whether it lies in a store
    """
    from talent_sd.forecast.ensemble import Options, fits_memory, prior_draws, run_ensemble

    drawn = prior_draws(prepared, wanted.draws, wanted.seed, sampling=wanted.sampling)
    store = None if fits_memory(prepared, drawn, wanted.memory) else out / STORE
    title = tell("Simulating and drawing", lang)
    options = Options(store, wanted.threads, None, wanted.memory, wanted.cluster, title=title)
    try:
        return run_ensemble(prepared, drawn, options, engine=engine), store is not None
    except KeyboardInterrupt:
        if store is None:
            raise
        raise KeyboardInterrupt(tell(KEPT, lang, folder=store)) from None


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
    from talent_sd.forecast.ensemble import Options, fits_memory, prior_draws, run_ensemble

    drawn = prior_draws(prepared, wanted.draws, wanted.seed, sampling=wanted.sampling)
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


def refuse_without_draws(draws: int | None, cluster: str | None) -> None:
    """Refuse an option that does nothing without draws.

    Raises
    ------
    InputError
        If there is a cluster for one run.
    """
    if draws is None and cluster is not None:
        raise InputError(tell("--cluster is for many draws. Add --draws, for example --draws 1000."))
