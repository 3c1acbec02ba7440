"""The search for the best plans: generations of pymoo on common draws, kept on disk, so that it goes on after a stop.

Every generation is written as an archive of arrays. A search is repeated from its seed, and what a generation's
plans gain is read from there where it is known: a search that was stopped and one that was not are the same bits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import content_of, write_safely
from talent_sd.base.language import reason_of, tell
from talent_sd.base.output_folders import UNWRITABLE, keep_arrays, kept_arrays, scratch_folder
from talent_sd.inputs.labels import name_in
from talent_sd.search.plans import Levers, Plans, joined

if TYPE_CHECKING:
    import xarray as xr
    from pymoo.core.algorithm import Algorithm
    from pymoo.core.population import Population

    from talent_sd.engine.runner import Model

FOLDER, IDENTITY, ANY = "search", "search.json", "seed_*_generation_*.npz"
NEIGHBOURS = 3
"""A generation's part that lies one move from the best: one in so many."""
MORE_GOALS = 3
"""From so many goals on, NSGA-III takes the place of NSGA-II."""
SUM = "sum"
RISKS = ("median", "p10", "regret")


@dataclass(frozen=True)
class Goal:
    """An output that a plan should raise, or lower where less is better.

    Parameters
    ----------
    name : of the variable; a subscripted one is summed over its subscripts
    year : at which it is read; None: its sum over the years from the budget's start
    sign : 1 where more is better, -1 where less is
    """

    name: str
    year: float | None
    sign: float = 1.0

    @property
    def text(self) -> str:
        """Return the goal as an option has it.

        >>> Goal("total talent", 2034.0).text, Goal("invention grants", None).text
        ('total talent@2034', 'invention grants@sum')
        """
        return f"{self.name}@{SUM if self.year is None else format(self.year, 'g')}"

    def read(self, run: xr.Dataset, first: float) -> xr.DataArray:
        """Return the goal of a run, more being better: its dims without time and subscripts.

        Parameters
        ----------
        first : year from whose end on sums are taken
        """
        array = run[self.name]
        array = array.sum([dim for dim in array.dims if dim not in (SCENARIO, DRAW, TIME)])
        if self.year is None:
            return self.sign * array.sel({TIME: slice(first + 0.5, None)}).sum(TIME)
        return self.sign * array.sel({TIME: self.year}, drop=True)


def read_goal(text: str, model: Model, last: float, lower_is_better: Collection[str] = ()) -> Goal:
    """Read "output", "output@year" or "output@sum".

    Raises
    ------
    InputError
        If there is no such output or year, or the output cannot be summed over its subscripts.
    """
    name, at, when = text.partition("@")
    structure = model.structure
    variable = structure.find(name_in(structure.find, name.strip()))
    if variable is None or variable.kind in ("lookup", "time"):
        hint = nearest(name.strip(), structure.variables) or tell(" See talent-sd list variables.")
        raise InputError("unknown goal '{name}'.{hint}", name=name.strip(), hint=hint)
    if variable.dims and variable.unit.strip().casefold() in ("1", "dmnl", "1/year", ""):
        raise InputError(
            "'{name}' has a value for each {dim}, and its sum means nothing. Ask for another output.",
            name=variable.name,
            dim=variable.dims[0],
        )
    first = structure.time["INITIAL TIME"]
    when = when.strip() if at else f"{last:g}"
    if when != SUM and not (when.isdecimal() and first < float(when) <= last):
        raise InputError(
            "the goal '{text}' is at no year of the plan: write {name}@YEAR with a year after {first:g} and up to "
            "{last:g}, or {name}@sum.",
            text=text,
            name=variable.name,
            first=first,
            last=last,
        )
    sign = -1.0 if variable.name in lower_is_better else 1.0
    return Goal(variable.name, None if when == SUM else float(when), sign)


def gains(values: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return what plans gain over the baseline, as parts of its median: (plans, draws, goals).

    Parameters
    ----------
    values : (plans, draws, goals), more being better
    base : (draws, goals)
    """
    size = np.abs(np.median(base, axis=0))
    return (values - base) / np.where(size > 0, size, 1.0)


def losses(gain: np.ndarray, risk: str, best: np.ndarray) -> np.ndarray:
    """Return what a search makes small, (plans, goals).

    Parameters
    ----------
    gain : (plans, draws, goals)
    risk : "median" and "p10" of the gain, or "regret": what is missed of the best plan known for each draw, at
        the nine-tenths quantile
    best : (draws, goals) best gain known; of regret alone
    """
    if risk == "regret":
        return np.quantile(best - gain, 0.9, axis=1)
    return -np.quantile(gain, 0.1 if risk == "p10" else 0.5, axis=1)


@dataclass(frozen=True)
class Quest:
    """What is searched for, and how.

    Parameters
    ----------
    base : (draws, goals) of the baseline
    weights : of goals that are one; None: a front
    seeds : searches, each with its own
    population, generations : of each search
    """

    levers: Levers
    goals: tuple[Goal, ...]
    base: np.ndarray
    risk: str
    weights: tuple[float, ...] | None
    seeds: tuple[int, ...]
    population: int
    generations: int
    known: Plans

    @property
    def losses(self) -> int:
        """Return how many numbers a search makes small."""
        return len(self.goals) if self.weights is None else 1

    def gain(self, values: np.ndarray) -> np.ndarray:
        """Return the gains of plans: (plans, draws, goals); weighted goals are one."""
        found = gains(values, self.base)
        if self.weights is None:
            return found
        shares = np.array(self.weights) / sum(self.weights)
        return (found * shares).sum(axis=-1, keepdims=True)

    def identity(self) -> dict[str, Any]:
        """Return what the numbers of a search follow from."""
        bench = self.levers.bench
        digest = hashlib.sha256()
        for array in (
            self.base,
            self.levers.knots,
            self.levers.cost,
            self.levers.kept,
            self.levers.free,
            self.known.intensity,
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        return {
            "model": bench.model.structure.sha256,
            "goals": [goal.text for goal in self.goals],
            "risk": self.risk,
            "weights": self.weights,
            "budget": self.levers.budget,
            "years": [self.levers.first, self.levers.last],
            "draws": bench.draws,
            "population": self.population,
            "inputs": digest.hexdigest(),
        }


@dataclass
class Found:
    """All plans that a search tried, in order: (plans, ...) each, and how it went.

    Parameters
    ----------
    values : (plans, draws, goals)
    points : as the search moved them
    volume : seed -> hypervolume after each generation, in parts of the baseline, over doing nothing
    """

    plans: Plans
    values: np.ndarray
    volume: dict[int, list[float]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many plans were tried."""
        return len(self.plans)


@dataclass
class Archive:
    """Generations on disk, as arrays; None: in memory only."""

    folder: Path | None
    identity: dict[str, Any]

    def open(self) -> None:
        """Make the folder, or see that what is there belongs to this search.

        Raises
        ------
        InputError
            If it cannot be written, or holds the search for something else.
        """
        if self.folder is None:
            return
        file, ours = self.folder / IDENTITY, self._text()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            there = content_of(file) if file.exists() else b""
            if there != ours and (not any(self.folder.glob(ANY)) or self._is_vouched_for(ours)):
                with scratch_folder(self.folder) as scratch:
                    write_safely(scratch / IDENTITY, ours)
                    (scratch / IDENTITY).replace(file)
                there = ours
        except OSError as error:
            raise InputError(tell(UNWRITABLE, target=self.folder, reason=reason_of(error))) from None
        if there != ours:
            raise InputError(
                "{folder} holds a search of something else. Choose another --out, or remove it."
                if self._is_vouched_for(there)
                else "{folder} holds a search that is damaged. Choose another --out, or remove it.",
                folder=self.folder,
            )

    def _is_vouched_for(self, text: bytes) -> bool:
        """Whether a generation in the folder is whole and of the search that a text tells of."""
        assert self.folder is not None
        told = text.decode(errors="replace")
        return any(kept_arrays(file, told) for file in sorted(self.folder.glob(ANY)))

    def read(self, seed: int, generation: int, points: np.ndarray) -> tuple[Plans, np.ndarray] | None:
        """Return a generation's plans and values; None where it is not there, whole and of these points."""
        kept = kept_arrays(self._file(seed, generation), self._text().decode()) if self.folder else {}
        if not kept or not np.array_equal(kept["points"], points):
            return None
        return Plans(kept["intensity"], kept["start"], kept["end"]), kept["values"]

    def write(self, seed: int, generation: int, points: np.ndarray, plans: Plans, values: np.ndarray) -> None:
        """Keep a generation; what is there is whole."""
        if self.folder:
            arrays = {"points": points, "intensity": plans.intensity, "start": plans.start, "end": plans.end}
            arrays |= {"values": values, "seed": np.array(seed), "generation": np.array(generation)}
            keep_arrays(self._file(seed, generation), self._text().decode(), arrays)

    def _text(self) -> bytes:
        return json.dumps(self.identity, ensure_ascii=False, indent=1, sort_keys=True).encode()

    def _file(self, seed: int, generation: int) -> Path:
        assert self.folder is not None
        return self.folder / f"seed_{seed}_generation_{generation:04d}.npz"


def search(quest: Quest, folder: Path | None = None, done: Callable[[int], None] = lambda _: None) -> Found:
    """Search with every seed.

    Parameters
    ----------
    folder : where generations are kept; a search that was stopped goes on from there
    done : called with 1 after each generation of each seed

    Raises
    ------
    InputError
        If pymoo is not installed; if the folder cannot be written or holds another search.
    """
    archive = Archive(folder, quest.identity())
    archive.open()
    algorithms = {seed: _algorithm(quest, seed) for seed in quest.seeds}
    best = {seed: np.zeros((len(quest.base), quest.losses)) for seed in quest.seeds}
    tried: list[tuple[Plans, np.ndarray]] = []
    populations: dict[int, list[np.ndarray]] = {seed: [] for seed in quest.seeds}
    for generation in range(quest.generations):
        offspring = {seed: _asked(quest, one, seed, generation) for seed, one in algorithms.items()}
        results = _tried(quest, archive, generation, {seed: one.get("X") for seed, one in offspring.items()})
        for seed, algorithm in algorithms.items():
            tried.append(results[seed])
            gain = quest.gain(results[seed][1])
            np.maximum(best[seed], gain.max(axis=0), out=best[seed])
            offspring[seed].set("gain", gain)
            # what is best for a draw may have risen, and with it the regret of those from before
            for one in (*offspring[seed], *(() if algorithm.pop is None else algorithm.pop)):
                one.F, one.evaluated = (
                    losses(one.data["gain"][None], quest.risk, best[seed])[0],
                    {"F", "G", "H"},
                )
            algorithm.tell(infills=offspring[seed])
            populations[seed].append(np.stack([one.data["gain"] for one in algorithm.pop]))
        done(1)
    known = np.max(list(best.values()), axis=0)
    return Found(
        joined([plans for plans, _ in tried]),
        np.concatenate([values for _, values in tried]),
        {seed: [hypervolume(quest, gain, known) for gain in each] for seed, each in populations.items()},
    )


def _tried(
    quest: Quest, archive: Archive, generation: int, points: dict[int, np.ndarray]
) -> dict[int, tuple[Plans, np.ndarray]]:
    """Return seed -> plans and values of a generation: what is known is read, the rest is run together and kept."""
    found = {seed: archive.read(seed, generation, own) for seed, own in points.items()}
    new = [seed for seed, one in found.items() if one is None]
    if new:
        plans = quest.levers.plans(np.concatenate([points[seed] for seed in new]))
        values = quest.levers.bench.values(plans, quest.goals)
        for number, rows in enumerate(np.split(np.arange(len(plans)), len(new))):
            seed, one = new[number], (plans.pick(rows), values[rows])
            archive.write(seed, generation, points[seed], *one)
            found[seed] = one
    return {seed: one for seed, one in found.items() if one is not None}


def _asked(quest: Quest, algorithm: Algorithm, seed: int, generation: int) -> Population:
    """Return a generation's points: the algorithm's own, and a few that lie one move from the best.

    Crossing alone may lose a policy for good: then no two plans differ in it any more.
    """
    from pymoo.core.population import Population

    own = algorithm.ask()
    if generation == 0:
        return own
    rng = np.random.default_rng([seed, generation])
    best = np.atleast_2d(algorithm.opt.get("X"))
    count = max(1, quest.population // NEIGHBOURS)
    near = quest.levers.moved(best[rng.integers(len(best), size=count)], rng)
    return Population.merge(own, Population.new(X=near))


def _algorithm(quest: Quest, seed: int) -> Algorithm:
    """Return pymoo's NSGA-II, or NSGA-III of many goals, at its start."""
    try:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.algorithms.moo.nsga3 import NSGA3
        from pymoo.core.problem import Problem
        from pymoo.util.ref_dirs import get_reference_directions
    except ImportError:
        raise InputError(
            tell(
                "the search needs pymoo, which is not installed. Install it with: pip install 'talent_sd[optimise]'"
            )
        ) from None
    goals = quest.losses
    rng = np.random.default_rng([seed, quest.population])
    begun = quest.levers.beginners(quest.population, rng, quest.known)
    common = {"pop_size": quest.population, "sampling": begun}
    if goals >= MORE_GOALS:
        ways = get_reference_directions("energy", goals, quest.population - 1, seed=seed)
        algorithm = NSGA3(ways, **common)
    else:
        algorithm = NSGA2(**common)
    problem = Problem(n_var=quest.levers.size, n_obj=goals, xl=0.0, xu=1.0)
    algorithm.setup(problem, seed=seed, termination=("n_gen", quest.generations + 1))
    return algorithm


def hypervolume(quest: Quest, gain: np.ndarray, best: np.ndarray) -> float:
    """Return the hypervolume of plans over doing nothing, in parts of the baseline."""
    from pymoo.indicators.hv import HV

    loss = losses(gain, quest.risk, best)
    nothing = losses(np.zeros_like(gain[:1]), quest.risk, best)[0]
    return float(HV(ref_point=nothing)(loss))
