"""The native engine against PySD on pairs of a scenario and a city, whatever ships."""

from __future__ import annotations

import gc
import hashlib
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.cache import load_cached, save_cached
from talent_sd.base.errors import InputError, ModelError, TalentError
from talent_sd.base.files import write_rows
from talent_sd.base.language import tell
from talent_sd.engine.evaluate import evaluate
from talent_sd.engine.ir import Call, Expression, Program, Slot
from talent_sd.engine.request import Request
from talent_sd.engine.slot_plan import SlotPlan, assemble
from talent_sd.forecast.prepare import prepare
from talent_sd.model.structure import Structure

if TYPE_CHECKING:
    from talent_sd.engine.pysd_reference import Reference
    from talent_sd.engine.runner import Model

MOST_PROCESSES = 2
TIME_STEP = 0.25
"""Year. PySD takes four times as long with the city model's own step, and the equations are the same."""
TOLERANCE = 1e-9
KIND = "verified"
"""Agreements found for a model by this very code, in the user's cache folder."""


def verify(
    model: Model,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    *,
    reference: Reference | None = None,
    threads: int | None = None,
    **arguments: Any,
) -> dict[str, float]:
    """Run a model in the native engine and in PySD and compare every variable at every saved time.

    Parameters
    ----------
    params, inputs, threads, arguments : as in `Model.run`
    reference : the model built for the same times, where many runs share it

    Returns
    -------
    variable -> how many times the tolerance they differ at most (`deviations`); above 1 they disagree

    Raises
    ------
    ModelError
        If a single point of time would be compared, or PySD is no reference for the model: it integrates by
        Euler's method alone, and lowers the order of short delays.
    """
    request = model.request(params, inputs, **arguments)
    if len(request.save) < 2:
        raise ModelError(
            "{file}: one point of time alone would be compared, which shows no agreement. Choose a longer "
            "horizon, or a TIME STEP that SAVEPER is a multiple of.",
            file=model.path.name,
        )
    program, plan = model.prepare(request)
    names = list(request.outputs)
    native = model.run(params, inputs, names, engine="kernel", threads=threads, **arguments)
    drawn = request.members is not None
    ours = {name: native[name].values if drawn else native[name].values[None] for name in names}
    theirs = reference.run(request) if reference else model.reference_values(request)
    return deviations(ours, theirs, largest_addends(program, model.structure, request, plan))


def deviations(
    ours: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], addends: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Return how many times the tolerance two results differ at most, variable by variable.

    The tolerance is 1e-9 times the largest of: the value, the largest addend of its
    equation (a difference of large numbers is only as exact as they are), and the
    variable's largest value in the run. NaN agrees with NaN, infinity with itself.

    Parameters
    ----------
    ours, reference : name -> (members, saved, *dims)
    addends : name -> the same shape, from `largest_addends`
    """
    found = {}
    for name, theirs in reference.items():
        mine = ours[name]
        same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
        finite = theirs[np.isfinite(theirs)]
        peak = np.abs(finite).max(initial=0.0)
        scale = np.maximum(np.maximum(np.abs(theirs), peak), np.nan_to_num(addends[name], posinf=0.0))
        with np.errstate(all="ignore"):
            excess = np.where(same, 0.0, np.abs(mine - theirs) / (TOLERANCE * scale))
        found[name] = float(np.max(np.where(np.isnan(excess), np.inf, excess), initial=0.0))
    return found


def largest_addends(
    program: Program, structure: Structure, request: Request, plan: SlotPlan
) -> dict[str, np.ndarray]:
    """Return the largest absolute addend in each output's equation at each time, (members, saved, *dims)."""
    slots, groups = list(program.slots), []
    for index in plan.outputs:
        terms = addends(program.slots[index].expression) if program.slots[index].kind != "constant" else []
        groups.append(range(len(slots), len(slots) + len(terms)))
        slots += [
            Slot(f"_addend {len(slots) + n}", "", (), "auxiliary", term, True) for n, term in enumerate(terms)
        ]
    added = tuple(range(len(program.slots), len(slots)))
    wider = replace(program, slots=tuple(slots), step_order=(*program.step_order, *added))
    values = np.abs(
        evaluate(
            wider,
            plan.constants,
            plan.series,
            request.times,
            tables=plan.tables,
            outputs=added,
            save=request.save,
            members=request.lanes,
            seed=request.seed,
        )
    )
    empty = np.zeros((len(request.save), request.lanes))
    first = len(program.slots)
    largest = [
        values[[one - first for one in group]].max(axis=0) if len(group) else empty for group in groups
    ]
    return assemble(program, structure, request.outputs, np.stack(largest) if largest else values)


def addends(expression: Expression) -> Sequence[Expression]:
    """Return the terms that an expression adds and subtracts; a reference is one term.

    >>> from talent_sd.engine.ir import Number, Ref
    >>> len(addends(Call("sub", (Call("add", (Number(1), Number(2))), Ref(0)))))
    3
    """
    if isinstance(expression, Call) and expression.op in {"add", "sub", "neg"}:
        return [term for arg in expression.args for term in addends(arg)]
    return [expression]


def pair_key(names: Sequence[str], params: Mapping[str, Any], times: Mapping[str, float]) -> str:
    """Return a hash of what a pair's runs follow from, the model aside.

    Parameters
    ----------
    names : of the scenario and the city
    params : name -> number, or (x, y)
    times : name -> number
    """
    digest = hashlib.sha256("\0".join(names).encode())
    for name, value in sorted({**params, **times}.items()):
        digest.update(f"\0{name}\0".encode())
        numbers = np.asarray(value, float)
        digest.update(f"{numbers.shape}".encode() + numbers.tobytes())
    return digest.hexdigest()


def _native_code() -> str:
    """Return a hash of the native engine and of the comparison; the rest is in the cache's own key."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for file in [*sorted(package.glob("engine/llvm/*.py")), Path(__file__)]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


class VerificationNotice(UserWarning):
    """That part of a verification was found earlier."""


@dataclass(frozen=True)
class Agreement:
    """How far the two engines lie apart on a scenario of a city.

    Attributes
    ----------
    variables : compared
    worst_variable : the one that differs most
    times_tolerance : by how many times the tolerance (1e-9, `deviations`)
    """

    scenario: str
    city: str
    variables: int
    worst_variable: str
    times_tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is no more than rounding allows."""
        return self.times_tolerance <= 1


@dataclass(frozen=True, eq=False)
class _Task:
    scenario: str
    city: str
    params: dict[str, Any]
    times: dict[str, Any]

    def key(self) -> str:
        """Return a hash of the pair's names, parameters and times."""
        return pair_key((self.scenario, self.city), self.params, self.times)


def verify_pairs(
    scenarios: Sequence[str | Path],
    cities: Sequence[str | Path],
    *,
    time_step: float | None = TIME_STEP,
    until: float | None = None,
    model: str | Path | None = None,
    processes: int = MOST_PROCESSES,
    done: Callable[[int], None] = lambda _: None,
) -> list[Agreement]:
    """Run every scenario in every city in both engines.

    The model is built for PySD once; every run loads it afresh with its own parameters.
    More than one pair is shared among processes, which import the caller's main module:
    a script that calls this keeps its work under ``if __name__ == "__main__":``.

    Parameters
    ----------
    scenarios, cities : shipped names or paths
    time_step : of both engines, year; None: the model's own
    until : last year of the runs; None: the model's own
    model : a model file; the shipped city model by default
    processes : at most
    done : called with 1 after each pair

    Returns
    -------
    an agreement for each pair, city by city. What a stopped call had found is not run again
    (`verification_kept`); one that came to its end leaves nothing behind.

    Warns
    -----
    VerificationNotice
        How many pairs a stopped call had found.

    Raises
    ------
    InputError
        With every problem of every file at once, before anything runs.
    UnsupportedError
        If the native engine lacks what the model needs.
    """
    loaded, tasks = _tasks(scenarios, cities, time_step, until, model)
    key = f"{loaded.structure.sha256} {_native_code()}"
    kept: dict[str, Any] = load_cached(KIND, key) or {}
    found = {task: Agreement(*kept[task.key()]) for task in tasks if task.key() in kept}
    open_tasks = [task for task in tasks if task not in found]
    if len(open_tasks) < len(tasks):
        known = len(tasks) - len(open_tasks)
        done(known)
        notice = f"{known} pairs come from the run that was stopped; the others were run now."
        warnings.warn(notice, VerificationNotice, stacklevel=2)
    for task, one in _compared(loaded, open_tasks, processes):
        found[task] = one
        kept[task.key()] = astuple(one)
        save_cached(KIND, key, kept)
        done(1)
    save_cached(KIND, key, {})
    return [found[task] for task in tasks]


def _compared(loaded: Model, tasks: Sequence[_Task], processes: int) -> Iterator[tuple[_Task, Agreement]]:
    """Yield each task with what came of it, in order."""
    if not tasks:
        return
    request = loaded.request(tasks[0].params, **tasks[0].times)
    with loaded.built_reference(request) as reference:
        if processes < 2 or len(tasks) == 1:
            yield from ((task, _compare(loaded, reference, task)) for task in tasks)
            return
        with _pool(min(processes, len(tasks)), loaded.path, reference) as pool:
            yield from zip(tasks, pool.map(_compare_here, tasks), strict=True)


def write_agreements(agreements: Sequence[Agreement], file: Path) -> None:
    """Write a row per pair: scenario, city, variables, worst_variable, times_tolerance."""
    write_rows(file, [field.name for field in fields(Agreement)], map(astuple, agreements))


def _tasks(
    scenarios: Sequence[str | Path],
    cities: Sequence[str | Path],
    time_step: float | None,
    until: float | None,
    model: str | Path | None,
) -> tuple[Model, list[_Task]]:
    """Read and check everything; nothing runs yet."""
    if not scenarios or not cities:
        raise InputError(tell("nothing to verify: name at least one scenario and one city."))
    wanted = {"time_step": time_step, "final_time": until}
    times = {name: value for name, value in wanted.items() if value is not None}
    problems: list[str] = []
    tasks: list[_Task] = []
    for city in dict.fromkeys(cities):
        try:
            prepared = prepare(list(dict.fromkeys(scenarios)), city, model=model)
        except InputError as error:
            problems += error.problems
            continue
        for name, resolved in prepared.resolved.items():
            tasks.append(_Task(name, Path(city).stem, resolved.params(), times))
    if problems:
        raise InputError(dict.fromkeys(problems))
    return prepared.model, tasks


def _compare(model: Model, reference: Reference, task: _Task) -> Agreement:
    found = verify(model, task.params, reference=reference, threads=1, **task.times)
    worst = max(found, key=found.__getitem__)
    return Agreement(task.scenario, task.city, len(found), worst, found[worst])


@contextmanager
def _pool(processes: int, model: Path, reference: Reference) -> Iterator[ProcessPoolExecutor]:
    """Give a pool whose processes know the model; on a failure what has not begun never begins."""
    # spawned, not forked: the kernel's threads and a fork do not go together
    context = get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _enter, (model, reference))
    try:
        yield pool
    except BrokenProcessPool:
        raise TalentError(
            tell("a process was ended from outside, perhaps for lack of memory. Try again with fewer pairs.")
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


_here: tuple[Model, Reference] | None = None
"""What a process of the pool compares; set once as it starts."""


def _enter(model: Path, reference: Reference) -> None:
    """Load the model in a process of the pool, which an interrupt ends at once, without a word."""
    global _here
    from talent_sd.engine.runner import load_model

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(100_000, 20, 50)  # PySD makes millions of small objects: a tenth of its time
    _here = load_model(model), reference


def _compare_here(task: _Task) -> Agreement:
    if _here is None:
        raise RuntimeError("the process was not set up")
    return _compare(*_here, task)
