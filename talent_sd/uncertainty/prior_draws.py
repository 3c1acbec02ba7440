"""Draws of the uncertain constants: Latin hypercube or Sobol."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.language import tell
from talent_sd.engine.member_blocks import refuse_too_many
from talent_sd.uncertainty.priors import Prior

METHODS = ("latin", "sobol")


class Draws(Protocol):
    """A source of draws: of a prior, or of a posterior with its process noise.

    Draw i is the same whatever the blocks that draws are asked for in.
    """

    @property
    def size(self) -> int:
        """Return how many draws there are."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return what is drawn."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return what the draws follow from, as numbers and texts: equal for equal draws."""

    def values(self, first: int, last: int) -> np.ndarray:
        """Return (last - first, names) draws."""

    def params(self, fixed: Mapping[str, Any], first: int, last: int) -> dict[str, np.ndarray]:
        """Return key -> (last - first,) values for `Model.run`.

        Parameters
        ----------
        fixed : what the scenario and the city set, by key
        """

    def inputs(self, first: int, last: int) -> dict[str, Any]:
        """Return name -> DataArray (draw, time): noise that differs by draw and year."""


@dataclass(frozen=True)
class PriorDraws:
    """Draws from priors.

    Parameters
    ----------
    priors : what is drawn
    columns : (priors, draws) values, in the priors' order; a factor where the prior is one
    identity : what they follow from
    """

    priors: tuple[Prior, ...]
    columns: np.ndarray
    identity: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Return how many draws there are."""
        return self.columns.shape[1]

    @property
    def names(self) -> tuple[str, ...]:
        """Return what is drawn; a factor says so."""
        return tuple(prior.key + (" (factor)" if prior.factor else "") for prior in self.priors)

    def values(self, first: int, last: int) -> np.ndarray:
        """Return (last - first, names) draws."""
        return self.columns[:, first:last].T

    def params(self, fixed: Mapping[str, Any], first: int, last: int) -> dict[str, np.ndarray]:
        """Return key -> (last - first,) values.

        What the scenario or the city sets keeps its value in every draw; a factor multiplies it.
        A figure that the city lacks and that is only assumed is drawn.
        """
        found: dict[str, np.ndarray] = {}
        for prior, column in zip(self.priors, self.columns, strict=True):
            drawn = column[first:last]
            for key, own in prior.elements.items():
                whole = fixed.get(key.partition("[")[0])
                if prior.factor:
                    found[key] = drawn * fixed.get(key, own if whole is None else whole)
                elif prior.stands_in or (key not in fixed and whole is None):
                    found[key] = drawn
        return found

    def inputs(self, first: int, last: int) -> dict[str, Any]:
        """Return nothing: priors say nothing of noise over time."""
        return {}


def _refuse(draws: int, seed: int, method: str) -> None:
    problems = []
    if method not in METHODS:
        hint = nearest(method, METHODS)
        problems.append(
            tell(
                "unknown sampling '{method}'.{hint} Use {names}.",
                method=method,
                hint=hint,
                names=tell(" or ").join(METHODS),
            )
        )
    if draws < 1:
        problems.append(tell("{draws} draws. Ask for at least one.", draws=draws))
    if not 0 <= seed < 2**63:
        problems.append(tell("the seed {seed} is not between 0 and 2^63 - 1.", seed=seed))
    if method == "sobol" and draws > 0 and draws & (draws - 1):
        lower = 1 << (draws.bit_length() - 1)
        problems.append(
            tell(
                "Sobol points come in powers of two. Ask for {lower} or {upper} draws, not {draws}.",
                lower=lower,
                upper=2 * lower,
                draws=draws,
            )
        )
    if problems:
        raise InputError(problems)


def draw_priors(
    priors: Sequence[Prior], draws: int, seed: int, method: str = "latin", memory: float = 1.0
) -> PriorDraws:
    """Draw from all priors together.

    Each parameter's draws follow from the seed, its name and the number of draws
    only, so that adding a parameter leaves the draws of the others as they were
    (Latin hypercube; Sobol points are drawn for all parameters at once).

    Parameters
    ----------
    priors : what to draw
    draws : how many; for Sobol a power of two
    seed : from 0
    method : "latin" (one draw in each of `draws` equal slices of every parameter) or "sobol"
    memory : gigabytes that they may take

    Raises
    ------
    InputError
        If the number of draws, the seed or the method is none, or the draws would not fit.
    """
    _refuse(draws, seed, method)
    refuse_too_many(draws, len(priors), memory)
    columns = np.empty((len(priors), draws))
    if method == "latin":
        for row, prior in enumerate(priors):
            columns[row] = prior.quantile(_slices(prior.key, draws, seed))
    else:
        for row, chance in enumerate(_sobol(len(priors), draws, seed)):
            columns[row] = priors[row].quantile(chance)
    digest = hashlib.sha256(repr([(p.key, p.distribution, p.low, p.high, p.centre, p.sd, p.factor,
                                   sorted(p.elements.items())) for p in priors]).encode())  # fmt: skip
    identity = {"sampling": method, "draws": draws, "seed": seed, "priors": digest.hexdigest()}
    return PriorDraws(tuple(priors), columns, identity)


def _slices(name: str, draws: int, seed: int) -> np.ndarray:
    """Return one Latin hypercube column in (0, 1], as scipy's `qmc` draws it, which takes a quarter of a second to import."""
    salt = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    (generator,) = np.random.default_rng([seed, salt]).spawn(1)
    within, slices = generator.uniform(size=draws), np.arange(1, draws + 1)
    generator.shuffle(slices)
    return (slices - within) / draws


def _sobol(dimensions: int, draws: int, seed: int) -> np.ndarray:
    """Return (dimensions, draws) scrambled Sobol points."""
    from scipy.stats import qmc

    if not dimensions:
        return np.empty((0, draws))
    return qmc.Sobol(dimensions, rng=np.random.default_rng(seed)).random(draws).T
