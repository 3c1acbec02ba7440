"""Runs of a mix with every combination of its policies, and its effect split among them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.attribution import MEMBERS_AT_ONCE, MOST_EXACT, run_coalitions, split_worth
from talent_sd.base.dims import DRAW, TIME
from talent_sd.engine.member_blocks import noted_warnings
from talent_sd.forecast.ensemble import with_draws
from talent_sd.inputs.settings import LOOP_SWITCH, loop_key, policy_key
from talent_sd.policies.policy_table import OTHER, OUTPUT, POLICY

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model
    from talent_sd.uncertainty.prior_draws import Draws


@dataclass
class Runs:
    """One scenario's runs: every draw has the same constants in all combinations of policies.

    Parameters
    ----------
    model : with `policy switch`
    name : of the scenario
    fixed : what scenario and city set
    draws : of the uncertain constants; None: a single run with the model's own
    places : numbers of the draws that are meant; None: all
    years : points of time to return
    threads : of the kernel
    heard : kind -> text of what the engine warned of
    """

    model: Model
    name: str
    fixed: Mapping[str, Any]
    draws: Draws | None
    years: Sequence[float]
    threads: int | None = None
    places: np.ndarray | None = None
    heard: dict[type[Warning], str] = field(default_factory=dict)

    def values(
        self,
        policies: Sequence[str],
        rows: np.ndarray,
        outputs: Sequence[str],
        first: int,
        last: int,
        changes: Mapping[str, Any] | None = None,
    ) -> dict[str, np.ndarray]:
        """Run combinations of policies for some draws.

        Parameters
        ----------
        policies : what the columns of `rows` switch
        rows : (combinations, policies) of 1 on and 0 off
        outputs : names
        first, last : draws from `first` to before `last`
        changes : further parameters, over the scenario's

        Returns
        -------
        output -> (combinations, last - first, years, *subscripts)
        """
        params, inputs = self.given(first, last)
        keys = [policy_key(policy) for policy in policies]
        with noted_warnings() as notices:
            found = run_coalitions(
                self.model,
                {**params, **(changes or {})},
                inputs,
                keys,
                rows,
                outputs,
                self.years,
                draws=last - first,
                threads=self.threads,
            )
        for kind, text in notices:
            self.heard.setdefault(kind, text)
        return found

    def given(self, first: int, last: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return parameters and inputs over time of some draws."""
        if self.draws is None:
            return dict(self.fixed), {}
        start, end, rows = first, last, np.arange(last - first)
        if self.places is not None:
            wanted = self.places[first:last]
            start, end = int(wanted.min()), int(wanted.max()) + 1
            rows = wanted - start
        params, noise = with_draws(self.fixed, self.draws, start, end)
        params = {
            key: value[rows] if isinstance(value, np.ndarray) else value for key, value in params.items()
        }
        return params, {name: series.isel({DRAW: rows}) for name, series in noise.items()}

    def warn(self) -> None:
        """Pass on what the engine warned of, each kind once."""
        for kind, text in self.heard.items():
            warnings.warn(f"{self.name}: {text}", kind, stacklevel=4)


SPENT, ALL_SPENT = "Cumulative Policy Spending", "Cumulative Policy Budget Use"
PRICES = "national price path ratio"
BUDGET_LOOP = "policy_budget"


def split_scenario(
    runs: Runs,
    policies: tuple[str, ...],
    outputs: Sequence[str],
    draws: int,
    permutations: int,
    seed: int,
    done: Callable[[int], None],
) -> xr.Dataset:
    """Run a scenario's combinations for all draws and split what they do.

    Exact up to 16 policies; beyond, from `permutations` random orders for each draw.

    Parameters
    ----------
    done : called with the number of draws when a block of them is done

    Returns
    -------
    Dims (policy, draw, time, output), as `policy_effects` describes `contribution` to `synergy_budget`; and
    `caused`, shares of all policies' spending since the start
    """
    import xarray as xr

    rng = np.random.default_rng([seed, len(policies)])
    combinations = 2 ** min(len(policies), MOST_EXACT)
    at_once = max(1, MEMBERS_AT_ONCE // combinations)
    parts = []
    for first in range(0, draws, at_once):
        last = min(first + at_once, draws)
        parts.append(_split_block(runs, policies, outputs, first, last, permutations, rng))
        done(last - first)
    runs.warn()
    named = {POLICY: list(policies), OTHER: list(policies), OUTPUT: list(outputs), TIME: list(runs.years)}
    return xr.concat(parts, DRAW).assign_coords({**named, DRAW: np.arange(draws)})


def _split_block(
    runs: Runs,
    policies: tuple[str, ...],
    outputs: Sequence[str],
    first: int,
    last: int,
    permutations: int,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Split some draws of a scenario."""
    import xarray as xr

    players = len(policies)

    def worth(rows: np.ndarray) -> np.ndarray:
        found = runs.values(policies, rows, [*outputs, ALL_SPENT], first, last)
        return np.stack([_summed(found[name]) for name in [*outputs, ALL_SPENT]], axis=-1)

    orders = None if players <= MOST_EXACT else permutations
    split = split_worth(worth, players, orders, rng, _some_rows(players))
    pairs = np.full((players, *split.share.shape), np.nan) if split.pairs is None else split.pairs
    none, every, alone, dropped = np.split(split.ends, [1, 2, 2 + players])
    total, alone = (every - none)[0, ..., :-1], (alone - none)[..., :-1]
    share = split.share[..., :-1]
    synergy = total - alone.sum(axis=0)
    plain = (DRAW, TIME, OUTPUT)
    data = {
        "contribution": ((POLICY, *plain), share),
        "standard_error": ((POLICY, *plain), split.error[..., :-1]),
        "alone": ((POLICY, *plain), alone),
        "dropped": ((POLICY, *plain), (every - dropped)[..., :-1]),
        "interaction": ((POLICY, OTHER, *plain), pairs[..., :-1]),
        "total": (plain, total),
        "synergy": (plain, synergy),
        "synergy_budget": (plain, synergy - _synergy_uncapped(runs, policies, outputs, first, last)),
        "caused": ((POLICY, DRAW, TIME), split.share[..., -1]),
    }
    return xr.Dataset(data)


def _some_rows(players: int) -> np.ndarray:
    """Return none, all, each alone, all but each: (2 + 2 players, players)."""
    own = np.eye(players)
    return np.concatenate([np.zeros((1, players)), np.ones((1, players)), own, 1 - own])


def _summed(values: np.ndarray) -> np.ndarray:
    """Sum an output (combinations, draws, years, *subscripts) over its subscripts."""
    return values.sum(axis=tuple(range(3, values.ndim))) if values.ndim > 3 else values


def _synergy_uncapped(
    runs: Runs, policies: Sequence[str], outputs: Sequence[str], first: int, last: int
) -> np.ndarray:
    """Return the mix less the sum of its parts (draws, years, outputs) where no cap of the budget is heard."""
    rows = _some_rows(len(policies))[: 2 + len(policies)]
    loops = runs.model.structure.find(LOOP_SWITCH)
    known = loops is not None and BUDGET_LOOP in runs.model.structure.subscripts[loops.dims[0]]
    changes = {loop_key(BUDGET_LOOP): 0.0} if known else {}
    found = runs.values(policies, rows, outputs, first, last, changes)
    gain = np.stack([_summed(found[name]) for name in outputs], axis=-1)
    gain = gain[1:] - gain[0]
    return gain[0] - gain[1:].sum(axis=0)


def spread_evenly(effect: np.ndarray, count: int) -> np.ndarray:
    """Return the numbers of `count` draws spread evenly over the ranks of an effect, in ascending order.

    Cut into `count` slices of equal size by rank, each gives the draw in its middle, so that
    medians and quantiles of a few draws stay near those of all.

    Parameters
    ----------
    effect : (draws,)

    >>> spread_evenly(np.array([5.0, 1.0, 9.0, 3.0, 7.0, 2.0]), 3)
    array([0, 2, 5])
    """
    size = len(effect)
    ranks = ((np.arange(count) + 0.5) * size / count).astype(int)
    return np.sort(np.argsort(effect, kind="stable")[ranks])


@dataclass(frozen=True)
class Whole:
    """A mix in all draws of a forecast: little to run, for its policies are on together or off together.

    Parameters
    ----------
    total : (draws, years, outputs) what all policies add over none
    spent : (draws, policies, years) yuan paid for each since the start
    prices : (draws, years) the price level; 1 where the model has none
    priced : whether it has one
    """

    total: np.ndarray
    spent: np.ndarray
    prices: np.ndarray
    priced: bool


def run_whole(runs: Runs, policies: Sequence[str], outputs: Sequence[str], draws: int) -> Whole:
    """Run a mix and the same without its policies in every draw."""
    structure = runs.model.structure
    priced = PRICES in structure.variables
    order = structure.coordinates(SPENT)["policy"]
    places = [order.index(policy) for policy in policies]
    rows = np.stack([np.zeros(len(policies)), np.ones(len(policies))])
    at_once = MEMBERS_AT_ONCE // 2
    parts = []
    for first in range(0, draws, at_once):
        last = min(first + at_once, draws)
        found = runs.values(policies, rows, [*outputs, SPENT, *[PRICES] * priced], first, last)
        summed = [_summed(found[name]) for name in outputs]
        prices = found[PRICES][1] if priced else np.ones((last - first, len(runs.years)))
        total = np.stack([values[1] - values[0] for values in summed], axis=-1)
        parts.append((total, found[SPENT][1][..., places].transpose(0, 2, 1), prices))
    total, spent, prices = map(np.concatenate, zip(*parts, strict=True))
    return Whole(total, spent, prices, priced)
