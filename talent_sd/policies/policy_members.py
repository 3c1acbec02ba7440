"""Which draws of an ensemble a mix is split in: few of the very same, spread evenly over what the mix does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from talent_sd.base.dims import DRAW
from talent_sd.engine.member_blocks import Variant
from talent_sd.policies.policy_runs import MEMBERS_AT_ONCE, Runs
from talent_sd.uncertainty.prior_draws import Draws


@dataclass(frozen=True)
class ChosenDraws:
    """Some draws of a source, each the same as there.

    Parameters
    ----------
    source : what they are chosen from
    places : (draws,) their numbers in it
    """

    source: Draws
    places: np.ndarray

    @property
    def size(self) -> int:
        """Return how many draws there are."""
        return len(self.places)

    @property
    def names(self) -> tuple[str, ...]:
        """Return what is drawn."""
        return self.source.names

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return what the draws follow from: the source and the places."""
        return {**self.source.identity, "chosen": ", ".join(map(str, self.places.tolist()))}

    def values(self, first: int, last: int) -> np.ndarray:
        """Return (last - first, names) draws."""
        start, end, rows = self._range(first, last)
        return self.source.values(start, end)[rows]

    def params(self, fixed: Mapping[str, Any], first: int, last: int) -> dict[str, np.ndarray]:
        """Return key -> (last - first,) values."""
        start, end, rows = self._range(first, last)
        return {key: values[rows] for key, values in self.source.params(fixed, start, end).items()}

    def inputs(self, first: int, last: int) -> dict[str, Any]:
        """Return name -> DataArray (draw, time), its draws counted from 0."""
        start, end, rows = self._range(first, last)
        return {name: series.isel({DRAW: rows}) for name, series in self.source.inputs(start, end).items()}

    def variants(self, first: int, last: int) -> Sequence[Variant]:
        """Return draws that are told another national path."""
        start, end, rows = self._range(first, last)
        found = [
            (np.flatnonzero(np.isin(rows, one.places)), one.params)
            for one in self.source.variants(start, end)
        ]
        return tuple(Variant(places, params) for places, params in found if len(places))

    def _range(self, first: int, last: int) -> tuple[int, int, np.ndarray]:
        """Return the source's range that holds these draws, and their rows in it."""
        wanted = self.places[first:last]
        start = int(wanted.min())
        return start, int(wanted.max()) + 1, wanted - start


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


def mix_effect(runs: Runs, policies: Sequence[str], outputs: Sequence[str], draws: int) -> np.ndarray:
    """Return what all policies together add over none of them: (draws, years, outputs), in every draw."""
    rows = np.stack([np.zeros(len(policies)), np.ones(len(policies))])
    at_once = MEMBERS_AT_ONCE // 2
    parts = []
    for first in range(0, draws, at_once):
        found = runs.values(policies, rows, outputs, first, min(first + at_once, draws))
        summed = [
            values.sum(axis=tuple(range(3, values.ndim))) if values.ndim > 3 else values
            for values in (found[name] for name in outputs)
        ]
        parts.append(np.stack([values[1] - values[0] for values in summed], axis=-1))
    return np.concatenate(parts)
