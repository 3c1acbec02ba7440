"""Many draws of one forecast or several: in memory, streamed to disk, or on a cluster."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.arguments import checked
from talent_sd.base.dims import DRAW
from talent_sd.base.errors import InputError, NonFiniteWarning
from talent_sd.base.language import tell
from talent_sd.base.progress import progress_bar
from talent_sd.engine.member_blocks import (
    Block,
    EnsembleLayout,
    Task,
    block_edges,
    block_size,
    machine_memory,
    make_layout,
    refuse_block,
    refuse_too_many,
    run_block,
)
from talent_sd.forecast.prepare import Prepared, Scenarios, prepare
from talent_sd.uncertainty.prior_draws import Draws, draw_priors
from talent_sd.uncertainty.priors import assumed_figures, read_priors

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.model.structure import Structure

PARAMETER = "parameter"
DRAWN = "drawn"
NO_POSTERIOR = "none"
FILES = (".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".csv", ".xlsx", ".parquet", ".json", ".zip")
"""Endings of files: a store is a folder."""
Keep = Callable[[int, int, dict[str, np.ndarray]], None]
"""Keeps a block's values: number of the scenario, number of the block, output -> values."""


@dataclass(frozen=True)
class Options:
    """How an ensemble is run; none of these changes a number.

    Parameters
    ----------
    out : folder of the Zarr store; None: in memory
    threads : of the kernel; None: all processors
    block : draws at once; None: as many as suit
    memory : gigabytes for draws and results at hand
    cluster : address of a dask.distributed scheduler; None: here
    progress : whether to show a bar
    title : of the bar
    """

    out: Path | None = None
    threads: int | None = None
    block: int | None = None
    memory: float = 1.0
    cluster: str | None = None
    progress: bool = True
    title: str = "talent_sd"

    def __post_init__(self) -> None:
        """Refuse a memory in which nothing can be drawn, a store that is no folder and an unsafe cluster, first of all."""
        refuse_too_many(0, 1, self.memory)
        if self.out is not None and self.out.suffix.lower() in FILES:
            raise InputError(
                "out is {out}: `ensemble` writes a folder, a Zarr store. Give a name without {ending}, or write what it "
                "returns with `.to_netcdf`.",
                out=self.out, ending=self.out.suffix,
            )  # fmt: skip
        if self.cluster is not None:
            from talent_sd.engine.cluster import safe_address

            object.__setattr__(self, "cluster", safe_address(self.cluster))


@checked
def ensemble(
    scenarios: Scenarios = "baseline",
    city: str | Path = "hefei",
    *,
    draws: int = 1000,
    seed: int = 0,
    outputs: Sequence[str] | None = None,
    out: str | Path | None = None,
    sampling: str = "latin",
    threads: int | None = None,
    block: int | None = None,
    memory: float = 1.0,
    cluster: str | None = None,
    engine: str = "auto",
    model: str | Path | None = None,
    national: str | Path | None = None,
    priors: str | Path | None = None,
    posterior: str | Path | None = None,
    progress: bool = True,
    reading: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    horizon: float | None = None,
) -> xr.Dataset:
    """Forecast a city many times, each with its own draw of the uncertain constants.

    Draw i has the same constants in every scenario. No result depends on `threads`, `block`, `memory`, `cluster`, `out`.

    Parameters
    ----------
    scenarios, city, engine, model, national, reading, overrides, horizon : as in `simulate`
    draws, seed, sampling : how many, from what, and "latin" (hypercube) or "sobol" (a power of two)
    outputs : names of variables; by default what plots and tables show
    out : a folder for a Zarr store, for what exceeds memory; the same call goes on there with a stopped run
    threads, block, memory, cluster : of the kernel; draws at once; gigabytes at hand; address of a dask scheduler
    priors, posterior : files to draw from in place of the shipped posterior, one of uncertain constants or
        one of `talent-sd calibrate`; posterior "none": priors only, no noise
    progress : show a bar on a terminal

    Returns
    -------
    dims (scenario, draw, time, ...), one value a year; the coordinate `drawn` (draw, parameter): what each got.

    Raises
    ------
    InputError
        With every problem of every file; where `memory` is too little without `out`, or `out` is of other inputs.

    Examples
    --------
    >>> import talent_sd as ts
    >>> spread = ts.ensemble("baseline", city="wuxi", draws=4, outputs=["Residents"])
    >>> dict(spread["Residents"].sizes)
    {'scenario': 1, 'draw': 4, 'time': 13}
    """
    options = Options(None if out is None else Path(out), threads, block, memory, cluster, progress)
    laid: dict[str, Any] = {"overrides": overrides, "horizon": horizon}
    prepared = prepare(scenarios, city, model=model, national=national, reading=reading, **laid)
    files = {"priors": priors, "posterior": posterior}
    drawn = prior_draws(prepared, draws, seed, sampling=sampling, memory=memory, **files)
    return run_ensemble(prepared, drawn, options, engine=engine, outputs=outputs)


def prior_draws(
    prepared: Prepared,
    draws: int,
    seed: int,
    *,
    sampling: str = "latin",
    priors: str | Path | None = None,
    posterior: str | Path | None = None,
    memory: float = 1.0,
) -> Draws:
    """Draw a prepared forecast's uncertain constants; parameters as in `ensemble`.

    With them figures that the city lacks, and that an assumption stands in for.

    Raises
    ------
    InputError
        If the draws would not fit into the memory.
    """
    model = prepared.model
    found = read_priors(model.structure, model.program, priors)
    assumed = assumed_figures(prepared.first, model)
    if priors is not None or str(posterior) == NO_POSTERIOR:
        return draw_priors((*found, *assumed), draws, seed, sampling, memory)
    from talent_sd.forecast.posterior_draws import draw_posterior
    from talent_sd.uncertainty.posterior import read_posterior

    fitted = read_posterior(posterior)
    others = [prior for prior in found if prior.key not in fitted.names]
    rest = draw_priors((*others, *assumed), draws, seed, sampling, memory)
    return draw_posterior(prepared, fitted, rest, draws, seed)


def run_ensemble(
    prepared: Prepared,
    draws: Draws,
    options: Options | None = None,
    *,
    engine: str = "auto",
    outputs: Sequence[str] | None = None,
) -> xr.Dataset:
    """Run prepared scenarios for every draw; as `ensemble`, of draws from anywhere."""
    from talent_sd.forecast.zarr_store import open_or_create

    options = options or Options()
    layout = _layout(prepared, draws, outputs)
    block = block_size(layout, len(draws.names), options.memory, options.block)
    used = ("pysd" if prepared.model.lacks else "kernel") if engine == "auto" else engine
    seed = int(draws.identity.get("seed", 0))
    arguments = {"outputs": list(layout.outputs), "engine": engine, "times": layout.years, "seed": seed}
    arguments["final_time"] = prepared.first.final_year
    arguments["threads"] = options.threads
    if options.out is not None:
        identity = {**_identity(prepared, layout, used), **draws.identity}
        with open_or_create(
            options.out, lambda: _template(prepared, layout, draws, used), layout, identity, block
        ) as store:
            done = store.completed()
            if not done.all():
                refuse_block(layout, len(draws.names), options.memory, store.block)
            run_all(prepared, draws, layout, arguments, options, store.block, done, store.write)
            return store.dataset()
    arrays = _empty_arrays(layout, options.memory)
    edges = block_edges(layout.draws, block)

    def keep(scenario: int, number: int, values: dict[str, np.ndarray]) -> None:
        for name, array in values.items():
            arrays[name][scenario, slice(*edges[number])] = array

    done = np.zeros((len(layout.scenarios), len(edges)), dtype=bool)
    run_all(prepared, draws, layout, arguments, options, block, done, keep)
    template = _template(prepared, layout, draws, used)
    return template.assign({name: template[name].copy(data=array) for name, array in arrays.items()})


def fits_memory(
    prepared: Prepared, draws: Draws, memory: float, outputs: Sequence[str] | None = None
) -> bool:
    """Return whether a whole ensemble stays within so many gigabytes, and needs no store."""
    return _layout(prepared, draws, outputs).gigabytes <= memory


def _layout(prepared: Prepared, draws: Draws, outputs: Sequence[str] | None) -> EnsembleLayout:
    from talent_sd.inputs.labels import name_in

    structure = prepared.model.structure
    chosen = (
        shown_outputs(structure) if outputs is None else [name_in(structure.find, one) for one in outputs]
    )
    scenarios = list(prepared.resolved)
    return make_layout(prepared.model.structure, scenarios, draws.size, prepared.years.tolist(), chosen)


def shown_outputs(structure: Structure) -> list[str]:
    """Return the variables that plots and tables show; all of a model that has none of them."""
    from talent_sd.inputs.labels import shipped_labels

    labels = shipped_labels()
    plotted = [name for sector in labels.sectors for panel in sector.plots for name in panel]
    variables = structure.variables
    shown = [name for name in dict.fromkeys([*labels.headline, *plotted]) if name in variables]
    return shown or [v.name for v in variables.values() if v.kind in ("stock", "auxiliary")]


def _empty_arrays(layout: EnsembleLayout, memory: float) -> dict[str, np.ndarray]:
    memory = min(memory, machine_memory())
    if layout.gigabytes > memory:
        raise InputError(
            "{draws} draws x {count} scenarios x {count2} outputs x {count3} years are "
            "{gigabytes:.2g} gigabytes, more than memory={memory:g}. Give out= (a folder) to stream "
            "them to disk, fewer outputs, or more memory.",
            draws=layout.draws,
            count=len(layout.scenarios),
            count2=len(layout.outputs),
            count3=len(layout.years),
            gigabytes=layout.gigabytes,
            memory=memory,
        )
    scenarios = len(layout.scenarios)
    return {name: np.empty((scenarios, *layout.shape(name, layout.draws))) for name in layout.outputs}


def _template(prepared: Prepared, layout: EnsembleLayout, draws: Draws, engine: str) -> xr.Dataset:
    """Return the result without its numbers: axes, units, names, provenance, what each draw was given."""
    from talent_sd.engine.dataset import attributes
    from talent_sd.forecast.prepare import describe
    from talent_sd.forecast.zarr_store import template_of

    template = template_of(layout).assign_attrs(engine=engine)
    for name, array in template.data_vars.items():
        structure = prepared.model.structure
        array.attrs.update(attributes(structure[str(name)], structure))
    given = draws.values(0, draws.size)
    template = template.assign_coords({PARAMETER: list(draws.names), DRAWN: ((DRAW, PARAMETER), given)})
    template[DRAWN].attrs.update(
        units="each constant's own", long_name="values of the uncertain constants in each draw"
    )
    identity = {key: value for key, value in draws.identity.items() if key != "draws"}
    return describe(template, prepared).assign_attrs(identity)


def _identity(prepared: Prepared, layout: EnsembleLayout, engine: str) -> dict[str, Any]:
    """Return what the numbers of an ensemble follow from, besides the draws."""
    from talent_sd.base.version import __version__

    identity: dict[str, Any] = {
        "talent_sd": __version__,
        "model": prepared.model.structure.sha256,
        "engine": engine,
        "years": f"{layout.years[0]:g} to {layout.years[-1]:g}",
        "outputs": ", ".join(layout.outputs),
        "scenarios": ", ".join(layout.scenarios),
    }
    for name, resolved in prepared.resolved.items():
        content = json.dumps(resolved.params(), sort_keys=True)
        identity[f"inputs of {name}"] = hashlib.sha256(content.encode()).hexdigest()
    return identity


def run_all(
    prepared: Prepared,
    draws: Draws,
    layout: EnsembleLayout,
    arguments: Mapping[str, Any],
    options: Options,
    block: int,
    done: np.ndarray,
    keep: Keep,
) -> None:
    """Run every block that is not done, and keep each result; one is kept while the next one runs.

    Parameters
    ----------
    arguments : of `Model.run`, the same for all blocks
    """
    edges = block_edges(layout.draws, block)
    todo = [(s, b) for b in range(len(edges)) for s in range(len(layout.scenarios)) if not done[s, b]]
    total = sum(edges[b][1] - edges[b][0] for _, b in todo)
    tasks = _tasks(prepared, draws, todo, edges)
    if options.cluster is None:
        results: Iterator[Block] = (run_block(prepared.model, task, arguments) for task in tasks)
    else:
        from talent_sd.engine.cluster import run_on_cluster

        results = run_on_cluster(options.cluster, prepared.model, tasks, arguments)
    with (
        progress_bar(options.title, total, shown=options.progress) as advance,
        ThreadPoolExecutor(1) as writer,
    ):
        pending = None
        heard: dict[tuple[int, type[Warning]], list[str]] = {}
        for result in results:
            if pending is not None:
                pending.result()
            task = result.task
            pending = writer.submit(keep, task.scenario, task.block, result.values)
            for kind, text in result.notices:
                heard.setdefault((task.scenario, kind), []).append(text)
            advance(task.last - task.first)
        if pending is not None:
            pending.result()
    _warn(heard, layout.scenarios)


def _warn(heard: Mapping[tuple[int, type[Warning]], list[str]], scenarios: Sequence[str]) -> None:
    """Pass on what the engine warned of in any block: one warning of a kind for each scenario."""
    for (scenario, kind), texts in heard.items():
        text = texts[0]
        if kind is NonFiniteWarning:
            more = tell(" So in {count} more blocks.", count=len(texts) - 1) if len(texts) > 1 else ""
            text = f"{scenarios[scenario]}: {text}{more}"
        warnings.warn(text, kind, stacklevel=4)


def _tasks(
    prepared: Prepared, draws: Draws, todo: Sequence[tuple[int, int]], edges: Sequence[tuple[int, int]]
) -> Iterator[Task]:
    resolved = [one.params() for one in prepared.resolved.values()]
    for scenario, block in todo:
        first, last = edges[block]
        yield Task(scenario, block, first, last, *with_draws(resolved[scenario], draws, first, last))


def with_draws(
    fixed: Mapping[str, Any], draws: Draws, first: int, last: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return params and inputs of some draws: what is drawn in the place of what scenario and city set.

    Where elements are drawn they cover the whole constant.
    """
    drawn = draws.params(fixed, first, last)
    whole = {key.partition("[")[0] for key in drawn if "[" in key}
    params = {key: value for key, value in fixed.items() if key not in whole} | dict(drawn)
    return params, draws.inputs(first, last)
