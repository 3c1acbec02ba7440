"""The worth of every combination of one scenario's policies, split among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from talent_sd.attribution.coalitions import MOST_EXACT
from talent_sd.attribution.shapley import coalitions, shapley_interactions, shapley_sampled, shapley_values
from talent_sd.policies.policy_runs import MEMBERS_AT_ONCE, Runs

SPENT, ALL_SPENT = "Cumulative Policy Spending", "Cumulative Policy Budget Use"
PRICES = "national price path ratio"
LOOPS, BUDGET_LOOP = "loop closed", "policy_budget"


@dataclass(frozen=True)
class ScenarioSplit:
    """What the policies of one scenario do; outputs last, in the order asked for.

    Parameters
    ----------
    policies : in the order of the axes
    share, alone, dropped : (policies, draws, years, outputs)
    error : standard error of a sampled share, same form; None: exact
    pairs : (policies, policies, draws, years, outputs); None where sampled
    total, synergy_budget : (draws, years, outputs)
    spent : (draws, policies, years) yuan paid since the start, in the full mix
    caused : (policies, draws, years) share of all policies' spending since the start
    prices : (draws, years) price level; None: the model has none
    """

    policies: tuple[str, ...]
    share: np.ndarray
    error: np.ndarray | None
    pairs: np.ndarray | None
    alone: np.ndarray
    dropped: np.ndarray
    total: np.ndarray
    synergy_budget: np.ndarray
    spent: np.ndarray
    caused: np.ndarray
    prices: np.ndarray | None


def split_scenario(
    runs: Runs,
    policies: tuple[str, ...],
    outputs: Sequence[str],
    draws: int,
    permutations: int,
    rng: np.random.Generator,
    done: Callable[[int], None],
) -> ScenarioSplit:
    """Run a scenario's combinations for all draws and split what they do.

    Exact up to 16 policies; beyond, from `permutations` random orders for each draw.

    Parameters
    ----------
    done : called with the number of draws when a block of them is done
    """
    combinations = 2 ** min(len(policies), MOST_EXACT)
    at_once = max(1, MEMBERS_AT_ONCE // combinations)
    parts = []
    for first in range(0, draws, at_once):
        last = min(first + at_once, draws)
        parts.append(_split_block(runs, policies, outputs, first, last, permutations, rng))
        done(last - first)
    return _joined(policies, parts)


def _split_block(
    runs: Runs,
    policies: tuple[str, ...],
    outputs: Sequence[str],
    first: int,
    last: int,
    permutations: int,
    rng: np.random.Generator,
) -> ScenarioSplit:
    """Split some draws of a scenario."""
    players = len(policies)

    def worth(rows: np.ndarray) -> np.ndarray:
        found = runs.values(policies, rows, [*outputs, ALL_SPENT], first, last)
        return np.stack([_summed(found[name]) for name in [*outputs, ALL_SPENT]], axis=-1)

    if players <= MOST_EXACT:
        table = worth(coalitions(players))
        share, pairs, error = shapley_values(table), shapley_interactions(table)[..., :-1], None
        bits = 1 << np.arange(players)
        none, every, alone, dropped = table[0], table[-1], table[bits], table[-1 - bits]
    else:
        share, error = shapley_sampled(worth, players, permutations, rng)
        pairs, error = None, error[..., :-1]
        ends = worth(_some_rows(players))
        none, every, alone, dropped = ends[0], ends[1], ends[2 : 2 + players], ends[2 + players :]
    total = (every - none)[..., :-1]
    alone = (alone - none)[..., :-1]
    spent, prices = _paid(runs, policies, first, last)
    return ScenarioSplit(
        policies,
        share[..., :-1],
        error,
        pairs,
        alone,
        (every - dropped)[..., :-1],
        total,
        total - alone.sum(axis=0) - _synergy_uncapped(runs, policies, outputs, first, last),
        spent,
        share[..., -1],
        prices,
    )


def _some_rows(players: int) -> np.ndarray:
    """Return none, all, each alone, all but each: (2 + 2 players, players)."""
    own = np.eye(players)
    return np.concatenate([np.zeros((1, players)), np.ones((1, players)), own, 1 - own])


def _summed(values: np.ndarray) -> np.ndarray:
    """Sum an output (combinations, draws, years, *subscripts) over its subscripts."""
    return values.sum(axis=tuple(range(3, values.ndim))) if values.ndim > 3 else values


def _paid(runs: Runs, policies: Sequence[str], first: int, last: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return cumulative spending (draws, policies, years) in the full mix, and the price level (draws, years)."""
    structure = runs.model.structure
    known = PRICES in structure.variables
    found = runs.values(policies, np.ones((1, len(policies))), [SPENT, *[PRICES] * known], first, last)
    order = structure.coordinates(SPENT)["policy"]
    places = [order.index(policy) for policy in policies]
    return found[SPENT][0][..., places].transpose(0, 2, 1), found[PRICES][0] if known else None


def _synergy_uncapped(
    runs: Runs, policies: Sequence[str], outputs: Sequence[str], first: int, last: int
) -> np.ndarray:
    """Return the mix less the sum of its parts (draws, years, outputs) where no cap of the budget is heard."""
    rows = _some_rows(len(policies))[: 2 + len(policies)]
    loops = runs.model.structure.find(LOOPS)
    known = loops is not None and BUDGET_LOOP in runs.model.structure.subscripts[loops.dims[0]]
    changes = {f"{LOOPS}[{BUDGET_LOOP}]": 0.0} if known else {}
    found = runs.values(policies, rows, outputs, first, last, changes)
    gain = np.stack([_summed(found[name]) for name in outputs], axis=-1)
    gain = gain[1:] - gain[0]
    return gain[0] - gain[1:].sum(axis=0)


def _joined(policies: tuple[str, ...], parts: Sequence[ScenarioSplit]) -> ScenarioSplit:
    """Put blocks of draws together."""

    def along(name: str, axis: int) -> np.ndarray | None:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays, axis=axis)

    axes = {"share": 1, "error": 1, "pairs": 2, "alone": 1, "dropped": 1, "total": 0}
    axes |= {"synergy_budget": 0, "spent": 0, "caused": 1, "prices": 0}
    return ScenarioSplit(policies, **{name: along(name, axis) for name, axis in axes.items()})  # type: ignore[arg-type]
