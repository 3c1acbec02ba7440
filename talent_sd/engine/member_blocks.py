"""An ensemble cut into blocks of draws: how many at once, and one block run."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.errors import EngineNotice, InputError, NonFiniteWarning

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model
    from talent_sd.model.structure import Structure

LARGEST_BLOCK = 8192
"""Draws per block where memory allows more: the kernel gains nothing beyond."""
BLOCK_BYTES = 64e6
"""Size of a block's results where memory allows more: with many outputs fewer draws are run at once."""
COPIES = 5
"""Arrays of a block's size alive at once: the kernel's, the assembled, the dataset's, two being written."""
GIGABYTE = 1e9
LEAST_MEMORY = 0.001
"""Gigabytes below which nothing can be drawn."""
NOTICES = (EngineNotice, NonFiniteWarning)


@dataclass(frozen=True)
class EnsembleLayout:
    """The shape of an ensemble.

    Parameters
    ----------
    scenarios : names
    draws : how many
    years : saved times
    outputs : variable -> its subscript ranges and their elements
    """

    scenarios: tuple[str, ...]
    draws: int
    years: tuple[float, ...]
    outputs: Mapping[str, Mapping[str, tuple[str, ...]]]

    def shape(self, name: str, draws: int) -> tuple[int, ...]:
        """Return the shape of an output for some draws of one scenario: (draws, years, *subscripts)."""
        return (draws, len(self.years), *(len(elements) for elements in self.outputs[name].values()))

    @property
    def numbers_per_draw(self) -> int:
        """Return how many numbers one draw of one scenario yields."""
        return sum(int(np.prod(self.shape(name, 1))) for name in self.outputs)

    @property
    def gigabytes(self) -> float:
        """Return the size of the whole result."""
        return 8 * self.numbers_per_draw * self.draws * len(self.scenarios) / GIGABYTE


def make_layout(
    structure: Structure, scenarios: Sequence[str], draws: int, years: Sequence[float], outputs: Sequence[str]
) -> EnsembleLayout:
    """Return the shape that a run of these outputs has.

    Raises
    ------
    ModelError
        If an output is unknown.
    """
    chosen = {structure[name].name: structure.coordinates(name) for name in outputs}
    return EnsembleLayout(tuple(scenarios), draws, tuple(float(year) for year in years), chosen)


def block_size(layout: EnsembleLayout, inputs_per_draw: int, memory: float, wanted: int | None = None) -> int:
    """Return how many draws to run at once.

    Parameters
    ----------
    inputs_per_draw : numbers that each draw is given
    memory : gigabytes for draws and results at hand
    wanted : by the user; None: as many as fit, at most `LARGEST_BLOCK` draws and about `BLOCK_BYTES`

    Raises
    ------
    InputError
        If not even the draws themselves fit, or `wanted` is no number of draws.
    """
    if wanted is not None and wanted < 1:
        raise InputError("block={wanted}. Run at least one draw at once.", wanted=wanted)
    per_draw = _bytes_at_once(layout, inputs_per_draw)
    refuse_too_many(layout.draws, inputs_per_draw, memory, per_draw)
    fitting = (memory * GIGABYTE - 8 * inputs_per_draw * layout.draws) / per_draw
    if wanted is None:
        wanted = min(LARGEST_BLOCK, max(1, int(BLOCK_BYTES / (8 * max(1, layout.numbers_per_draw)))))
    # the smallest first made whole: a memory of 1e300 overflows
    return int(min(wanted, fitting, layout.draws))


def refuse_block(layout: EnsembleLayout, inputs_per_draw: int, memory: float, block: int) -> None:
    """Refuse a block of a store begun with more memory than there is now; InputError, with what it needs."""
    if block_size(layout, inputs_per_draw, memory, block) < block:
        refuse_too_many(
            layout.draws, inputs_per_draw, memory, block * _bytes_at_once(layout, inputs_per_draw)
        )


def _bytes_at_once(layout: EnsembleLayout, inputs_per_draw: int) -> int:
    """Return the bytes that each draw of a block takes while it runs."""
    return 8 * (COPIES * layout.numbers_per_draw + 2 * inputs_per_draw)


def refuse_too_many(draws: int, inputs_per_draw: int, memory: float, besides: int = 0) -> None:
    """Refuse draws that do not fit, before they are made; parameters as in `block_size`, `besides` in bytes.

    Raises
    ------
    InputError
        If they do not fit, with what they need.
    """
    if not LEAST_MEMORY <= memory < float("inf"):
        raise InputError(
            "memory={memory:g}. Give gigabytes, {least:g} or more, for example 1.",
            memory=memory,
            least=LEAST_MEMORY,
        )
    needed = (8 * inputs_per_draw * draws + besides) / GIGABYTE
    if needed > memory and inputs_per_draw == 1:
        raise InputError(
            "{draws} draws do not fit into memory={memory:g} gigabytes: one number for each takes {needed:,.6g}. Ask for fewer "
            "draws.",
            draws=draws, memory=memory, needed=needed,
        )  # fmt: skip
    if needed > memory:
        raise InputError(
            "{draws} draws of {inputs_per_draw} inputs do not fit into memory={memory:g} gigabytes. "
            "Give at least {needed:,.6g}, or fewer draws or outputs.",
            draws=draws,
            inputs_per_draw=inputs_per_draw,
            memory=memory,
            needed=needed if needed < 1 else ceil(needed),
        )
    if needed > machine_memory():
        raise InputError(
            "{draws} draws of {inputs_per_draw} inputs take {needed:,.6g} gigabytes; this machine has {there:.3g}. Give fewer "
            "draws.",
            draws=draws, inputs_per_draw=inputs_per_draw, needed=ceil(needed), there=machine_memory(),
        )  # fmt: skip


def machine_memory() -> float:
    """Return the machine's gigabytes; without end where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE
    except (AttributeError, OSError, ValueError):
        return float("inf")


def block_edges(draws: int, block: int) -> list[tuple[int, int]]:
    """Return the first draw and the one after the last of every block.

    >>> block_edges(10, 4)
    [(0, 4), (4, 8), (8, 10)]
    """
    return [(first, min(first + block, draws)) for first in range(0, draws, block)]


@dataclass(frozen=True)
class Task:
    """One block of one scenario, with all that it depends on besides the model.

    Parameters
    ----------
    scenario, block : numbers of both
    first, last : draws from `first` to before `last`
    params, inputs : for `Model.run`; what differs between draws has last - first values
    """

    scenario: int
    block: int
    first: int
    last: int
    params: Mapping[str, Any]
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Block:
    """One block's results.

    Parameters
    ----------
    task : what was run
    values : output -> (draws of the block, years, *subscripts)
    notices : what the engine warned of: kind and text; they travel with the results
        because a warning on another machine is heard by nobody
    """

    task: Task
    values: dict[str, np.ndarray]
    notices: tuple[tuple[type[Warning], str], ...] = ()


def run_block(model: Model, task: Task, arguments: Mapping[str, Any]) -> Block:
    """Run one block; `arguments` of `Model.run` are those of all blocks. The engine's warnings are in the result."""
    with noted_warnings() as notices:
        run = model.run(task.params, task.inputs, first_member=task.first, **arguments)
    size = task.last - task.first
    return Block(task, {str(name): by_draw(run[name], size) for name in run.data_vars}, tuple(notices))


def by_draw(array: xr.DataArray, draws: int) -> np.ndarray:
    """Return a run's values with an axis of draws before that of time.

    A scenario may fix all that is drawn: then one run stands for every draw.
    """
    if DRAW in array.dims:
        return array.values
    before = array.dims.index(TIME)
    shape = (*array.shape[:before], draws, *array.shape[before:])
    return np.broadcast_to(np.expand_dims(array.values, before), shape)


@contextmanager
def noted_warnings() -> Iterator[list[tuple[type[Warning], str]]]:
    """Collect what the engine warns of, kind and text, for whoever passes it on; other warnings pass."""
    notices: list[tuple[type[Warning], str]] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notices
    notices += [(w.category, str(w.message)) for w in caught if issubclass(w.category, NOTICES)]
    for warning in caught:
        if not issubclass(warning.category, NOTICES):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
