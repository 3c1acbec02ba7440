"""The best mixes for a budget: plans of policies tried on the model in common draws, searched, and set beside each other.

In: a city, a budget, goals.
Out: few distinct plans as scenario files, what they gain, and what decides between them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.arguments import checked
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError, Problems, nearest
from talent_sd.base.language import LANGUAGES, N_, listed, tell
from talent_sd.base.progress import progress_bar
from talent_sd.forecast.compare import beaten, regret
from talent_sd.forecast.ensemble import DRAWN, Options, prior_draws, run_ensemble, shown_outputs
from talent_sd.forecast.money import PAID_TO_DATE
from talent_sd.forecast.prepare import Prepared, prepare
from talent_sd.forecast.spread import deciding_factors
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.scenario_chain import scenario_text
from talent_sd.inputs.setting_checks import BUDGET
from talent_sd.inputs.shipped_names import shipped_names
from talent_sd.search.generations import FOLDER, RISKS, Found, Quest, losses, read_goal, search
from talent_sd.search.plans import Levers, Plans, joined, known_plans, make_bench, make_levers

if TYPE_CHECKING:
    import xarray as xr

SAME = 0.3
"""Plans are distinct where more of the money goes elsewhere, or to other years."""
NEAR = 0.75
"""A plan is worth showing beside the best of one goal if it gains at least this part of it."""
IDLE, MOST_CHANGES = 0.002, 12
"""A policy that adds less than this part of a plan's gain is left out of it; changes to a plan at the most."""
TITLE = N_("Plan {letter} for {city}: {budget} million yuan a year")
QUESTION = N_("Found by talent-sd optimise for {goals}: where does the money do most?")
MOST_MONEY, LEAST_PLANS, MOST_PLANS, MOST_TRIED = 1e12, 4, 10_000, 1e9
BASE_YEAR, PLAN, OTHER, GOAL, POLICY = 2024, "plan", "other", "goal", "policy"


@dataclass(frozen=True)
class Asked:
    """What is asked of a search.

    Parameters
    ----------
    city, budget, goals : as in `optimise`
    risk : what of the gain in the draws is made large: "median", "p10" (its lowest tenth), or "regret" (made
        small: what is missed of the best plan of each draw, at its highest tenth)
    weights : of the goals, which are then one; None: a front
    keep, without : policies that are on in every plan, or in none
    horizon, start : last year of the goals, the model's by default; first year of policies, by default the next
    price_basis : year in whose prices the budget is
    draws, seed : those of `ensemble`
    searches : how many, with the seeds from `seed` on; whether their ends agree tells whether they converged
    population, generations : of each search
    most : plans to show at the most
    baseline : scenario that plans extend, and are compared with
    national, reading : as in `simulate`
    """

    city: str | Path
    budget: float
    goals: tuple[str, ...]
    risk: str = "median"
    weights: tuple[float, ...] | None = None
    keep: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    horizon: int | None = None
    start: int = field(default_factory=lambda: date.today().year + 1)
    price_basis: int = BASE_YEAR
    draws: int = 100
    seed: int = 0
    searches: int = 2
    population: int = 40
    generations: int = 30
    most: int = 5
    baseline: str | Path = "baseline"
    national: str | Path | None = None
    reading: str | Path | None = None

    def prepared(self, scenarios: str | Path | Sequence[str | Path]) -> Prepared:
        """Return scenarios of the city, ready to run."""
        return prepare(scenarios, self.city, national=self.national, reading=self.reading)

    def refuse(self, end: int) -> None:
        """Refuse what makes no search.

        Raises
        ------
        InputError
            With every problem at once.
        """
        problems = Problems()
        if not (np.isfinite(self.budget) and 0 < self.budget <= MOST_MONEY):
            text = N_("the budget is {budget:g} yuan a year. Give a number above 0, up to {most:g}.")
            problems.say(text, budget=self.budget, most=MOST_MONEY)
        if self.risk not in RISKS:
            text = N_("unknown risk '{risk}'.{hint} Use one of {names}.")
            problems.say(text, risk=self.risk, hint=nearest(self.risk, RISKS), names=listed(RISKS))
        if not self.goals or len(set(self.goals)) < len(self.goals):
            problems.say("name at least one goal, and each once.")
        if self.weights is not None and (
            len(self.weights) != len(self.goals) or not min(self.weights, default=0) > 0
        ):
            problems.say("{count} goals need {count} weights, each above 0.", count=len(self.goals))
        last = end if self.horizon is None else self.horizon
        if not self.start < last <= end:
            text = N_(
                "plans from {first} to {last}: they must end after they start, and by {end}. Correct the years."
            )
            problems.say(text, first=self.start, last=last, end=end)
        if min(self.draws, self.searches, self.generations, self.most) < 1 or self.population < LEAST_PLANS:
            text = N_(
                "draws, searches, generations and plans must be 1 or more, the population {least} or more."
            )
            problems.say(text, least=LEAST_PLANS)
        tried = float(self.draws * self.population * self.generations * self.searches)
        if self.population > MOST_PLANS or tried > MOST_TRIED:
            text = N_(
                "{population} plans a generation, {tried:.2g} trials: at most {plans:,} and {most:,.0f}."
            )
            problems.say(text, population=self.population, tried=tried, plans=MOST_PLANS, most=MOST_TRIED)
        problems.refuse()


@dataclass(frozen=True)
class Optimum:
    """What a search found.

    Parameters
    ----------
    plans : dims (plan, ...), as `optimise` gives it
    spread : baseline and plans in all draws, as `ensemble` gives it: dims (scenario, draw, time, ...)
    prepared : what they were run from
    files : plan -> its scenario file, as text
    factors : what decides between plans, as `deciding_factors` tells it, by the first goal
    """

    plans: xr.Dataset
    spread: xr.Dataset
    prepared: Prepared
    files: dict[str, str]
    factors: list[dict[str, Any]]


@checked
def optimise(
    city: str | Path = "hefei",
    budget: float = 1e9,
    goals: str | Sequence[str] = "total talent",
    *,
    out: str | Path | None = None,
    threads: int | None = None,
    progress: bool = True,
    **settings: Any,
) -> xr.Dataset:
    """Find the policies that do most for a city with a yearly budget.

    Parameters
    ----------
    city : a shipped name or a path
    budget : yuan a year, at the prices of 2024
    goals : outputs, each "output" (in the last year), "output@2030" or "output@sum"; several give a front
    out : folder in which every generation is kept, from which a stopped search goes on; None: in memory
    threads, progress : as in `ensemble`
    settings : those of `Asked`: risk, weights, keep, without, horizon, draws, seed, ...

    Returns
    -------
    dims (plan, policy, draw, goal, other): `intensity`, `start`, `end`, `cost` (yuan a year) of each policy; `gain` over
    the baseline, in the goal's unit; `better` (plan, other, goal), the share of draws in which a plan beats another;
    `regret` (plan, draw, goal), what it misses of the best of them; `volume` (seed, generation).

    Raises
    ------
    InputError
        With every problem of what is given; if the extra `optimise` is not installed.

    Examples
    --------
    >>> import talent_sd as ts
    >>> found = ts.optimise("wuxi", 1e9, draws=2, population=4, generations=1, searches=1)
    >>> found["better"].dims
    ('plan', 'other', 'goal')
    """
    known = [field.name for field in fields(Asked)]
    for name in set(settings).difference(known):
        raise InputError("unknown setting '{name}'.{hint}", name=name, hint=nearest(name, known))
    given: dict[str, Any] = {"city": city, "budget": budget, "goals": goals, **settings}
    asked = checked(Asked)(**given)
    lists: dict[str, Any] = {name: tuple(getattr(asked, name)) for name in ("goals", "keep", "without")}
    asked = replace(asked, budget=float(budget), **lists)
    return find_plans(asked, None if out is None else Path(out), threads, progress=progress).plans


def find_plans(
    asked: Asked, out: Path | None = None, threads: int | None = None, *, progress: bool = True
) -> Optimum:
    """Search plans for a city, choose few, and run them in all draws; the rest and errors as in `optimise`."""
    prepared = asked.prepared(asked.baseline)
    end = int(prepared.model.structure.time["FINAL TIME"])
    asked.refuse(end)
    last = end if asked.horizon is None else asked.horizon
    lower = shipped_labels().lower_is_better
    goals = tuple(read_goal(text, prepared.model, float(last), lower) for text in asked.goals)
    years = {"from": float(asked.start), "until": float(last + 1), "price_basis": float(asked.price_basis)}
    bench = make_bench(prepared, asked.draws, asked.seed, {"yuan per year": asked.budget, **years}, threads)
    levers = make_levers(bench, asked.budget, asked.start, last + 1, keep=asked.keep, without=asked.without)
    none = Plans(*(np.full((1, len(bench.policies)), float(x)) for x in (0, asked.start, last + 1)))
    shipped = asked.prepared([name for name in shipped_names("scenario") if name != "baseline"])
    quest = Quest(
        levers,
        goals,
        bench.values(none, goals)[0],
        asked.risk,
        asked.weights,
        tuple(range(asked.seed, asked.seed + asked.searches)),
        asked.population,
        asked.generations,
        levers.afforded(known_plans(levers, shipped)),
    )
    with progress_bar(tell("Searching"), asked.generations, shown=progress) as done:
        found = search(quest, None if out is None else out / FOLDER, done)
    chosen = tidied(quest, found.plans.pick(choose(quest, found, asked.most)))
    names = [f"plan_{letter}" for letter in ascii_lowercase[: len(chosen)]]
    files = {name: _file(levers, chosen, n, name, prepared, asked, out) for n, name in enumerate(names)}
    ready = _ready(files, asked)
    drawn = prior_draws(ready, asked.draws, asked.seed)
    outputs = [*shown_outputs(ready.model.structure), PAID_TO_DATE, *(goal.name for goal in goals)]
    options = Options(threads=threads, progress=False)
    spread = run_ensemble(ready, drawn, options, outputs=list(dict.fromkeys(outputs)))
    plans = _dataset(quest, found, chosen, names, spread)
    factors = deciding_factors(spread[DRAWN], plans["gain"].isel({GOAL: 0}), PLAN)
    return Optimum(plans, spread, ready, files, factors)


def _file(
    levers: Levers, plans: Plans, number: int, name: str, prepared: Prepared, asked: Asked, out: Path | None
) -> str:
    """Return a plan as a scenario file: its intensities are those of the search, to the last digit."""
    bench, city = levers.bench, prepared.first.city.title
    costs = bench.costs(plans.pick([number]))[0]
    budget = {key: float(bench.fixed[constant]) for key, constant in BUDGET.items()}
    named, words = shipped_labels().goal, {"letter": name[-1].upper()}
    goals = {lang: tell(", ", lang).join(named(one, lang) for one in asked.goals) for lang in LANGUAGES}
    # Chinese counts in hundreds of millions
    money = {"en": f"{levers.budget / 1e6:,.6g}", "zh": f"{levers.budget / 1e8:.6g}"}
    shipped = str(asked.baseline) in shipped_names("scenario")
    base = os.path.relpath(Path(asked.baseline).resolve(), (out or Path()).resolve())
    policies = {
        bench.policies[column]: {
            "from": plans.start[number, column],
            "until": plans.end[number, column],
            "intensity": plans.intensity[number, column],
            "why": tell("{cost:.0f} million yuan a year at full strength", "en", cost=costs[column] / 1e6),
        }
        for column in np.flatnonzero(plans.on[number])
    }
    path = prepared.first.national.name
    return scenario_text(
        {lang: tell(TITLE, lang, city=city[lang], budget=money[lang], **words) for lang in LANGUAGES},
        {lang: tell(QUESTION, lang, goals=goals[lang]) for lang in LANGUAGES},
        str(asked.baseline) if shipped else base,
        policies,
        budget,
        None if path == "central" else f"national/{path}",
    )


def _ready(files: dict[str, str], asked: Asked) -> Prepared:
    """Return baseline and plans, read from their files."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.yaml" for name in files]
        for path, text in zip(paths, files.values(), strict=True):
            path.write_text(text, "utf-8")
        return asked.prepared([asked.baseline, *paths])


def choose(quest: Quest, found: Found, most: int) -> list[int]:
    """Return the numbers of few, distinct plans: the best first.

    Of one goal, the best and what comes near it by other ways; of several, the best balanced one of the front, the
    best for each goal, and others that lie apart.
    """
    gain = quest.gain(found.values)
    loss = losses(gain, quest.risk, np.maximum(gain.max(axis=0), 0))
    nothing = losses(np.zeros_like(gain[:1]), quest.risk, np.maximum(gain.max(axis=0), 0))[0]
    worth = (nothing - loss) / np.maximum((nothing - loss).max(axis=0), 1e-12)
    balanced = worth.mean(axis=1) + worth.min(axis=1)
    ordered = np.argsort(-balanced, kind="stable")
    if loss.shape[1] > 1:
        from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

        front = set(NonDominatedSorting().do(loss, only_non_dominated_front=True).tolist())
        ordered = np.array([n for n in ordered if n in front])
        firsts = [int(ordered[0]), *(int(n) for n in loss.argmin(axis=0) if n in front)]
    else:
        ordered = ordered[worth[ordered, 0] >= NEAR]
        firsts = [int(n) for n in ordered[:1]]
    spent = quest.levers.shapes(found.plans.pick(ordered))
    rows = {int(n): row for n, row in zip(ordered, spent, strict=True)}
    chosen: list[int] = []
    for number in (*firsts, *map(int, ordered)):
        if len(chosen) == most:
            break
        if all(np.abs(rows[number] - rows[other]).sum() / 2 > SAME for other in chosen):
            chosen.append(number)
    return chosen


def tidied(quest: Quest, plans: Plans) -> Plans:
    """Return plans without policies that add next to nothing, and with those that add something for little money."""
    rows = []
    for number in range(len(plans)):
        one = plans.pick([number])
        for _ in range(MOST_CHANGES):
            others = joined([one, *_changed(quest.levers, one)])
            gain = quest.gain(quest.levers.bench.values(others, quest.goals))
            worth = -losses(gain, "median" if quest.risk == "regret" else quest.risk, gain.max(axis=0)).sum(
                axis=1
            )
            # a policy less is worth a little, a policy more has to be
            step = IDLE * abs(worth[0])
            value = worth - step * (others.on.sum(axis=1) - one.on.sum())
            best = int(value.argmax())
            if best == 0 or value[best] <= value[0]:
                break
            one = others.pick([best])
        rows.append(one)
    return joined(rows)


def _changed(levers: Levers, one: Plans) -> list[Plans]:
    """Return a plan with one policy less, for each that need not be, and with one more, for little money."""
    less = [c for c in np.flatnonzero(one.on[0]) if not levers.kept[c] and one.on.sum() > 1]
    more = [(c, part) for c in np.flatnonzero(~one.on[0] & levers.free) for part in (0.01, 0.03, 0.1)]
    found = Plans(*(np.repeat(part, len(less), axis=0) for part in (one.intensity, one.start, one.end)))
    found.intensity[np.arange(len(less)), less] = 0.0
    if not more:
        return [found]
    points = np.repeat(levers.points(one), len(more), axis=0).reshape(len(more), 4, -1)
    for row, (column, part) in zip(points, more, strict=True):
        row[:, column] = 0.75, part, 0.0, 0.999
    return [found, levers.plans(points.reshape(len(more), -1))]


def _dataset(quest: Quest, found: Found, plans: Plans, names: list[str], spread: xr.Dataset) -> xr.Dataset:
    """Put together what `optimise` returns; goals are read from the spread, as anyone would from the files."""
    import xarray as xr

    bench = quest.levers.bench
    read = [goal.read(spread, bench.quarters[0]) for goal in quest.goals]
    values = xr.concat(read, GOAL, coords="minimal", compat="override").transpose(SCENARIO, DRAW, GOAL)
    base, tried = values[0].values, values[1:].values
    labels = [goal.text for goal in quest.goals]
    signs = np.array([goal.sign for goal in quest.goals])
    data = {
        "intensity": ((PLAN, POLICY), plans.intensity),
        "start": ((PLAN, POLICY), np.where(plans.on, plans.start, np.nan)),
        "end": ((PLAN, POLICY), np.where(plans.on, plans.end, np.nan)),
        "cost": ((PLAN, POLICY), bench.costs(plans)),
        "gain": ((PLAN, DRAW, GOAL), (tried - base) * signs),
        "baseline": ((DRAW, GOAL), base * signs),
        "better": ((PLAN, OTHER, GOAL), beaten(tried)),
        "better_than_baseline": ((PLAN, GOAL), beaten(values.values)[1:, 0]),
        "regret": ((PLAN, DRAW, GOAL), regret(tried)),
        "volume": (("seed", "generation"), np.array([found.volume[seed] for seed in quest.seeds])),
    }
    coords = {
        PLAN: names,
        OTHER: names,
        GOAL: labels,
        POLICY: list(bench.policies),
        "seed": list(quest.seeds),
    }
    held = quest.levers.bench.model.structure
    # a sum over years of what a year brings is no longer by the year
    units = [held[one.name].unit.removesuffix("/year" if one.year is None else "") for one in quest.goals]
    told = ("city", "city_en", "city_zh", "source", "model", "model_sha256", "national_path")
    attrs = {name: spread.attrs[name] for name in told}
    return xr.Dataset(data, {**coords, "unit": (GOAL, units)}).assign_attrs(
        {
            **attrs, "budget": quest.levers.budget, "base_year": BASE_YEAR,
            "risk": quest.risk,
            "tried": len(found),
            "draws": bench.draws, "forecast_until": float(spread[TIME].values[-1]),
        }
    )  # fmt: skip
