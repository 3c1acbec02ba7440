"""The blocks of an ensemble run one after another, here or on a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.base.errors import NonFiniteWarning
from talent_sd.base.language import tell
from talent_sd.base.progress import progress_bar
from talent_sd.engine.member_blocks import Block, EnsembleLayout, Task, block_edges, run_block
from talent_sd.forecast.prepare import Prepared
from talent_sd.uncertainty.prior_draws import Draws

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
        fixed = resolved[scenario]
        drawn = draws.params(fixed, first, last)
        params = with_draws(fixed, drawn)
        yield Task(scenario, block, first, last, params, draws.inputs(first, last))


def with_draws(fixed: Mapping[str, Any], drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Put draws in the place of what a scenario and a city set; a drawn element replaces the whole."""
    whole = {key.partition("[")[0] for key in drawn if "[" in key}
    return {key: value for key, value in fixed.items() if key not in whole} | dict(drawn)
