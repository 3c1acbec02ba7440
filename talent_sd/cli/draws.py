"""The ensemble that the options ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, tell
from talent_sd.cli.options import STORE

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.forecast.prepare import Prepared
    from talent_sd.uncertainty.prior_draws import Draws

KEPT = N_("Interrupted. What was simulated is kept in {folder}; the same command goes on from there.")
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

        return prior_draws(prepared, self.draws, self.seed, sampling=self.sampling)


def draw_forecast(
    prepared: Prepared, out: Path, wanted: Wanted, engine: str, lang: str
) -> tuple[xr.Dataset, bool]:
    """Run an ensemble; one that exceeds the memory goes to a store in `out`, which a later run can finish.

    Returns
    -------
    dims (scenario, draw, time, ...), and whether it lies in a store
    """
    from talent_sd.forecast.ensemble import Options, fits_memory, run_ensemble

    drawn = wanted.drawn(prepared)
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


def refuse_without_draws(draws: int | None, cluster: str | None) -> None:
    """Refuse an option that does nothing without draws.

    Raises
    ------
    InputError
        If there is a cluster for one run.
    """
    if draws is None and cluster is not None:
        raise InputError(tell("--cluster is for many draws. Add --draws, for example --draws 1000."))
