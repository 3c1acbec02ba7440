"""Plans of policies as points that a search moves, and what the model makes of them.

A plan says of each policy whether it is on, its intensity, its first year and the year it ends. No economics are
reckoned here: what a policy costs at an intensity, and what a plan would spend in a year, come from runs of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.attribution import MEMBERS_AT_ONCE
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError, nearest
from talent_sd.base.language import listed, tell
from talent_sd.engine.member_blocks import noted_warnings
from talent_sd.engine.runner import model_constants
from talent_sd.forecast.ensemble import prior_draws, with_draws
from talent_sd.forecast.money import LEVEL, QUARTER, WISHED, intensity_key, yearly_cost
from talent_sd.inputs.labels import name_in
from talent_sd.inputs.setting_checks import BUDGET, POLICY
from talent_sd.inputs.settings import policy_key

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.search.generations import Goal

ON, MONEY, START, LENGTH = range(4)
"""What a plan's point says of each policy, in this order, from 0 to 1."""
DIGITS = 4
"""Significant digits of an intensity, in the search as in the files written of it."""
INSIDE, LEAST = 0.998, 0.01
"""A plan's dearest quarter costs at most this part of the budget; below this part of it a policy is left out."""
AT_ONCE, KNOTS = 2, 9
WANTED, ALLOWED = "total desired spending", "policy budget"


@dataclass(frozen=True)
class Plans:
    """Several plans at once: (plans, policies) each.

    Parameters
    ----------
    intensity : 0 where a policy is off
    start, end : years
    """

    intensity: np.ndarray
    start: np.ndarray
    end: np.ndarray

    @property
    def on(self) -> np.ndarray:
        """Return which policies are on."""
        return self.intensity > 0

    def __len__(self) -> int:
        """Return how many plans there are."""
        return len(self.intensity)

    def pick(self, places: Any) -> Plans:
        """Return some of the plans."""
        return Plans(self.intensity[places], self.start[places], self.end[places])


def joined(parts: Sequence[Plans]) -> Plans:
    """Return plans one after the other."""
    names = ("intensity", "start", "end")
    return Plans(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Bench:
    """What plans are tried on: a model, what city and scenario set, and the same draws for every plan.

    Parameters
    ----------
    fixed : of the central run, on which money is reckoned, budget included
    params, inputs : the same with what is drawn
    draws : how many; 1 for one run
    """

    model: Model
    fixed: Mapping[str, Any]
    params: Mapping[str, Any]
    inputs: Mapping[str, Any]
    draws: int
    policies: tuple[str, ...]
    threads: int | None = None

    @cached_property
    def quarters(self) -> np.ndarray:
        """Return the points of time at which a plan's money is looked at: the budget's years."""
        time = self.model.structure.time
        own = model_constants(self.model)
        first, last = (float(self.fixed.get(BUDGET[end], own[BUDGET[end]])) for end in ("from", "until"))
        return np.arange(
            max(first, time["INITIAL TIME"]), min(last, time["FINAL TIME"] + QUARTER) - 1e-9, QUARTER
        )

    def settings(self, plans: Plans) -> dict[str, Any]:
        """Return what plans set in the model, along an axis of scenarios."""
        import xarray as xr

        found: dict[str, Any] = {}
        own = model_constants(self.model)
        for column, policy in enumerate(self.policies):
            on, key = plans.on[:, column], intensity_key(policy)
            values = {
                policy_key(policy): on.astype(float),
                key: np.where(on, plans.intensity[:, column], self.fixed.get(key, own[key])),
                policy_key(policy, "start"): plans.start[:, column].astype(float),
                policy_key(policy, "end"): plans.end[:, column].astype(float),
            }
            found |= {name: xr.DataArray(value, dims=SCENARIO) for name, value in values.items()}
        return found

    def wanted(self, plans: Plans) -> np.ndarray:
        """Return what plans would spend over what the budget allows, in their dearest quarter of the central run."""
        run = self.model.run(
            {**self.fixed, **self.settings(plans)},
            outputs=[WANTED, ALLOWED],
            times=self.quarters,
            threads=self.threads,
        )
        wish, cap = (run[name].transpose(..., TIME).values for name in (WANTED, ALLOWED))
        return (wish / cap).max(axis=-1) * np.ones(len(plans))

    def costs(self, plans: Plans) -> np.ndarray:
        """Return yuan a year that each policy of plans costs in the central run: (plans, policies), the basis' prices."""
        run = self.model.run(
            {**self.fixed, **self.settings(plans)}, outputs=[WISHED, LEVEL], times=self.quarters
        )
        return (
            yearly_cost(run, self.fixed).sel({POLICY: list(self.policies)}).transpose(SCENARIO, POLICY).values
        )

    def values(self, plans: Plans, goals: Sequence[Goal]) -> np.ndarray:
        """Return goals of plans in every draw, more being better: (plans, draws, goals)."""
        time = self.model.structure.time
        years = np.arange(time["INITIAL TIME"], max(goal.year or time["FINAL TIME"] for goal in goals) + 1e-9)
        outputs = list(dict.fromkeys(goal.name for goal in goals))
        at_once = max(1, MEMBERS_AT_ONCE // self.draws)
        parts = []
        for first in range(0, len(plans), at_once):
            some = plans.pick(slice(first, first + at_once))
            params = {**self.params, **self.settings(some)}
            with noted_warnings():
                run = self.model.run(params, self.inputs, outputs, times=years, threads=self.threads)
            shape = (len(some), self.draws)
            read = [goal.read(run, self.quarters[0]) for goal in goals]
            parts.append(np.stack([_spread_over(array, shape) for array in read], axis=-1))
        return np.concatenate(parts)


def _spread_over(array: xr.DataArray, shape: tuple[int, int]) -> np.ndarray:
    """Return values (plans, draws), though all plans or all draws should be alike."""
    missing = [dim for dim in (SCENARIO, DRAW) if dim not in array.dims]
    return np.broadcast_to(array.expand_dims(missing).transpose(SCENARIO, DRAW).values, shape)


def make_bench(
    prepared: Prepared, draws: int | None, seed: int, budget: Mapping[str, float], threads: int | None = None
) -> Bench:
    """Return what plans for a city are tried on.

    Parameters
    ----------
    prepared : its first scenario is what plans extend; its draws are those of `ensemble`
    budget : as in a scenario file: "yuan per year", "from", "until", "price_basis"
    """
    fixed = {**prepared.first.params(), **{BUDGET[key]: float(value) for key, value in budget.items()}}
    params: Mapping[str, Any] = fixed
    inputs: Mapping[str, Any] = {}
    if draws is not None:
        drawn = prior_draws(prepared, draws, seed)
        params, inputs = with_draws(fixed, drawn, 0, draws)
    policies = tuple(
        policy
        for policy in prepared.model.structure.subscripts[POLICY]
        if intensity_key(policy) in prepared.model.structure.variables
    )
    return Bench(prepared.model, fixed, params, inputs, draws or 1, policies, threads)


@dataclass(frozen=True)
class Levers:
    """What a search may move, and how a point becomes a plan.

    Parameters
    ----------
    bench : that plans are tried on
    first, last : years between which policies run
    highest : (policies,) intensities
    knots, cost : (policies, knots) intensities, and what each policy alone would cost at them a year
    budget : yuan a year
    kept : (policies,) those that are on in every plan
    free : (policies,) those that may be on
    """

    bench: Bench
    first: int
    last: int
    highest: np.ndarray
    knots: np.ndarray
    cost: np.ndarray
    budget: float
    kept: np.ndarray
    free: np.ndarray

    @property
    def size(self) -> int:
        """Return how many numbers a point has."""
        return (LENGTH + 1) * len(self.free)

    def plans(self, points: np.ndarray) -> Plans:
        """Return the plans of points (plans, size) in [0, 1], none dearer than the budget in the central run.

        A point's money is a policy's part of the budget. Policies that together want more than there is are
        scaled down alike, by what the model says they would spend.
        """
        parts = points.reshape(len(points), LENGTH + 1, -1)
        on = ((parts[:, ON] >= 0.5) | self.kept) & self.free & (parts[:, MONEY] >= LEAST)
        on |= self.kept
        money = np.where(on, np.maximum(parts[:, MONEY], LEAST), 0.0) * self.budget
        intensity = np.stack([self._intensity(c, money[:, c]) for c in range(len(self.free))], axis=1)
        years = self.last - self.first
        start = np.minimum(self.first + np.floor(parts[:, START] * years), self.last - 1)
        longest = self.last - start
        end = start + 1 + np.minimum(np.floor(parts[:, LENGTH] * longest), longest - 1)
        return self.afforded(Plans(np.where(on, intensity, 0.0), start, end))

    def _intensity(self, column: int, money: np.ndarray) -> np.ndarray:
        return np.interp(money, self.cost[column], self.knots[column])

    def afforded(self, plans: Plans) -> Plans:
        """Return plans scaled down until their dearest quarter costs no more than the budget."""
        for _ in range(AT_ONCE):
            over = self.bench.wanted(plans)
            factor = (INSIDE / np.maximum(over, INSIDE))[:, None]
            plans = replace(plans, intensity=round_digits(plans.intensity * factor))
        return plans

    def scaled(self, plans: Plans) -> Plans:
        """Return plans scaled up or down until their dearest quarter costs the budget, or they are at their highest."""
        for _ in range(6):
            factor = (INSIDE / self.bench.wanted(plans))[:, None]
            plans = replace(plans, intensity=np.minimum(round_digits(plans.intensity * factor), self.highest))
        return plans

    def points(self, plans: Plans) -> np.ndarray:
        """Return points that become these plans, or nearly."""
        years = self.last - self.first
        start = np.clip(plans.start, self.first, self.last - 1)
        end = np.clip(plans.end, start + 1, self.last)
        parts = np.zeros((len(plans), LENGTH + 1, len(self.free)))
        parts[:, ON] = np.where(plans.on, 0.75, 0.25)
        parts[:, MONEY] = np.clip(self.money(plans) / self.budget, 0, 1)
        parts[:, START] = (start - self.first + 0.5) / years
        parts[:, LENGTH] = (end - start - 0.5) / (self.last - start)
        return parts.reshape(len(plans), -1)

    def money(self, plans: Plans) -> np.ndarray:
        """Return yuan a year that each policy would cost alone: (plans, policies)."""
        columns = range(len(self.free))
        return np.stack(
            [np.interp(plans.intensity[:, c], self.knots[c], self.cost[c]) for c in columns], axis=1
        )

    def shapes(self, plans: Plans) -> np.ndarray:
        """Return where the money of plans goes: (plans, policies * years), parts of all the budget's money."""
        years = np.arange(self.first, self.last)
        active = (plans.start[..., None] <= years) & (years < plans.end[..., None])
        spent = self.money(plans)[..., None] * active
        return spent.reshape(len(plans), -1) / (self.budget * len(years))

    def moved(self, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return points one move away: a policy switched, its money or years changed, or money given to another."""
        parts = points.reshape(len(points), LENGTH + 1, -1).copy()
        places = np.flatnonzero(self.free)
        for one in parts:
            first, second = rng.choice(places, 2, replace=len(places) < 2)
            active = np.flatnonzero((one[ON] >= 0.5) & self.free)
            kind = rng.integers(LENGTH + 2)
            if kind != ON and len(active):
                first = rng.choice(active)
            if kind == ON:
                one[ON, first] = 0.25 if one[ON, first] >= 0.5 else 0.75
                one[MONEY, first] = np.exp(rng.uniform(np.log(LEAST), np.log(0.6)))
            elif kind == MONEY:
                one[MONEY, first] *= np.exp(rng.normal(0, 0.5))
            elif kind <= LENGTH:
                one[kind, first] += rng.choice([-1, 1]) * rng.integers(1, 4) / (self.last - self.first)
            else:
                part = rng.uniform(0.1, 0.9) * one[MONEY, first]
                one[MONEY, second] = part + one[MONEY, second] * (one[ON, second] >= 0.5)
                one[MONEY, first] -= part
                one[ON, second] = 0.75
        return np.clip(parts, 0, 1).reshape(len(points), -1)

    def beginners(self, count: int, rng: np.random.Generator, known: Plans) -> np.ndarray:
        """Return points to start from: each policy alone for all the money, plans that are known, and chance."""
        policies = len(self.free)
        alone = np.zeros((policies, LENGTH + 1, policies))
        alone[:, LENGTH] = 0.999
        alone[:, [ON, MONEY]] = np.eye(policies)[:, None, :]
        chance = rng.random((count, LENGTH + 1, policies))
        chance[:, ON] = rng.random((count, policies)) < rng.uniform(0.1, 0.6, (count, 1))
        chance[:, START] **= 2
        chance[:, LENGTH] **= 0.5
        given = [alone[self.free].reshape(-1, self.size), self.points(known), chance.reshape(count, -1)]
        return np.concatenate(given)[:count]


def round_digits(values: np.ndarray, digits: int = DIGITS) -> np.ndarray:
    """Return numbers of so many significant digits, as a file has them.

    >>> round_digits(np.array([0.0, 0.0123456, 98765.4])).tolist()
    [0.0, 0.01235, 98770.0]
    """
    return np.array([float(f"{value:.{digits}g}") for value in values.ravel()]).reshape(values.shape)


def make_levers(
    bench: Bench,
    budget: float,
    first: int,
    last: int,
    *,
    keep: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Levers:
    """Ask the model what each policy costs at what intensity, and return what a search may move.

    Raises
    ------
    InputError
        If a policy to keep or to leave out is unknown, or both at once.
    """
    policies = bench.policies
    keep, without = ([name_in(set(policies).__contains__, one) for one in names] for names in (keep, without))
    problems = [
        tell(
            "unknown policy '{name}'.{hint}",
            name=name,
            hint=nearest(name, policies) or tell(" Known: {names}.", names=listed(policies)),
        )
        for name in (*keep, *without)
        if name not in policies
    ]
    problems += [
        tell("{name} is both kept and left out. Name it once.", name=name) for name in keep if name in without
    ]
    if problems:
        raise InputError(problems)
    count = len(policies)
    own, structure = model_constants(bench.model), bench.model.structure
    default = np.array([own[intensity_key(policy)] for policy in policies])
    limits = [structure[intensity_key(policy)].limits[1] for policy in policies]
    highest = np.array([np.inf if limit is None else limit for limit in limits])
    span = np.full((count, count), float(first)), np.full((count, count), float(last))

    def alone(values: np.ndarray) -> np.ndarray:
        return np.diag(bench.costs(Plans(np.diag(values), *span)))

    once = alone(np.minimum(default, highest))
    # what costs more than proportionally is reached before
    top = np.minimum(highest, 1.2 * default * budget / np.maximum(once, budget * 1e-6))
    knots = np.linspace(0, 1, KNOTS) * top[:, None]
    cost = np.stack([np.zeros(count), *(alone(knots[:, knot]) for knot in range(1, KNOTS))], axis=1)
    cost = np.maximum.accumulate(cost, axis=1)
    kept = np.array([policy in keep for policy in policies])
    free = np.array([policy not in without for policy in policies]) & (cost[:, -1] > 0)
    return Levers(bench, first, last, highest, knots, cost, budget, kept & free, free)


def known_plans(levers: Levers, prepared: Prepared) -> Plans:
    """Return the policies of scenarios as plans, scaled down to the budget."""
    own = model_constants(levers.bench.model)
    rows = []
    for one in prepared.resolved.values():
        params: Mapping[str, Any] = one.params()

        def get(key: str, params: Mapping[str, Any] = params) -> float:
            return float(params.get(key, own[key]))

        rows.append([
            (get(intensity_key(p)) * (get(policy_key(p)) > 0), get(policy_key(p, "start")), get(policy_key(p, "end")))
            for p in levers.bench.policies
        ])  # fmt: skip
    intensity, start, end = np.array(rows).transpose(2, 0, 1)
    return Plans(np.where(levers.free, intensity, 0.0), start, np.minimum(end, levers.last))
