"""Fit the model's constants and its noise to the growth of cities.

The model is run at a few hundred draws; a quadratic surrogate stands in between them, so
that the sampler's hundreds of thousands of likelihoods cost seconds. The surrogate is made
twice, the second time around the best draw; what is left of its error is made good by
weighting the final draws with the exact likelihood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.calibration.likelihood import (
    PROBES,
    EvidenceTarget,
    Surrogate,
    between,
    feature_count,
    fit_surrogate,
)
from talent_sd.uncertainty.fitted_constants import Beliefs
from talent_sd.uncertainty.growth_target import (
    Errors,
    Quadratic,
    Target,
    estimate_errors,
    log_likelihood,
    make_target,
    quadratic_likelihood,
)
from talent_sd.uncertainty.windows import Window, blocks, run_window

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model

RUNS_PER_COEFFICIENT = 1.8
ROUNDS = 4
"""Times that errors and best draw are estimated in turn: both settle by the third."""
FOLDS = 8
"""Groups of whole provinces that are left out in turn."""
EXTRA = "Install it: pip install 'talent_sd[calibration]'"
Done = Callable[[int], None]


@dataclass(frozen=True)
class SamplerSettings:
    """How long the sampler runs; the defaults take a few minutes.

    Parameters
    ----------
    ensembles : independent ones, for R-hat
    walkers : of each, at least twice the number of parameters
    steps : of each walker, the first half thrown away
    kept : draws weighted with the exact likelihood
    shipped : draws in the posterior
    """

    ensembles: int = 4
    walkers: int = 60
    steps: int = 6000
    kept: int = 1500
    shipped: int = 1000


@dataclass(frozen=True)
class Folds:
    """Fits that each left some whole provinces out.

    Parameters
    ----------
    provinces : province -> number of its fold
    best : (folds, parameters) most probable draw of the provinces outside each fold
    """

    provinces: Mapping[str, int]
    best: np.ndarray


def province_folds(provinces: Sequence[str], seed: int, count: int = FOLDS) -> dict[str, int]:
    """Deal provinces into folds, of much the same number of cities each.

    Parameters
    ----------
    provinces : names, one a city
    count : of folds; fewer where there are fewer provinces
    """
    names, cities = np.unique(np.asarray(provinces), return_counts=True)
    shuffled = np.random.default_rng([seed, 55]).permutation(len(names))
    order = shuffled[np.argsort(-cities[shuffled], kind="stable")]
    held = np.zeros(min(count, len(names)))
    found = {}
    for place in order:
        fold = int(np.argmin(held))
        found[str(names[place])] = fold
        held[fold] += cities[place]
    return found


@dataclass
class Fit:
    """What a calibration found, and how well.

    Parameters
    ----------
    best : (parameters,) most probable draw
    errors : of cities and provinces around it
    chains : (ensembles x walkers, steps, parameters) kept half of the sampler's
    draws : (shipped, parameters)
    diagnostics : R-hat and effective sample size by parameter, surrogate error, weights' sample size
    folds : fits that each left some provinces out
    """

    best: np.ndarray
    errors: Errors
    chains: np.ndarray
    draws: np.ndarray
    diagnostics: dict[str, Any] = field(default_factory=dict)
    folds: Folds | None = None


def run_target(model: Model, window: Window, beliefs: Beliefs, target: Target, values: np.ndarray, done: Done
               ) -> np.ndarray:  # fmt: skip
    """Run the model at (draws, parameters) values; return (draws, cities, columns)."""
    parts = []
    for some in blocks(len(values), len(window.cities)):
        parts.append(target.take(run_window(model, window, beliefs.params(values[some]))))
        done(len(parts[-1]))
    return np.concatenate(parts)


class Calibration:
    """One fit on its way; `state` holds what is finished, so that a stopped fit can go on.

    Parameters
    ----------
    model, window, beliefs : what is fitted to what; the window holds the fitting cities only
    seed : of all chance
    sampling : how long
    state : finished parts of an earlier run
    keep : called with the state after each finished part
    done : called with the amount of work just done, `work` in all
    evidence : figures that draws are held against, besides the cities
    """

    def __init__(
        self,
        model: Model,
        window: Window,
        beliefs: Beliefs,
        seed: int = 0,
        sampling: SamplerSettings | None = None,
        state: Mapping[str, np.ndarray] | None = None,
        keep: Callable[[Mapping[str, np.ndarray]], None] = lambda _: None,
        done: Done = lambda _: None,
        evidence: EvidenceTarget | None = None,
    ) -> None:
        self.model, self.window, self.beliefs, self.seed = model, window, beliefs, seed
        self.sampling = sampling or SamplerSettings()
        self.target = make_target(window)
        self.state = dict(state or {})
        self.keep, self.done, self.evidence = keep, done, evidence
        self.runs = int(RUNS_PER_COEFFICIENT * feature_count(len(beliefs.names)))

    @property
    def work(self) -> int:
        """Amount of work in all: runs of all cities, and steps of the sampler, each counted as one."""
        probes = PROBES if self.evidence else 0
        return (
            2 * self.runs + probes + self.sampling.kept + self.sampling.ensembles * self.sampling.steps // 10
        )

    def fit(self) -> Fit:
        """Fit, going on from `state`.

        Raises
        ------
        InputError
            If the package `emcee` is not installed.
        """
        wide = self.around(self.beliefs.mean, 1.5 * self.beliefs.sd)
        surrogate = self.surrogate("first", *wide)
        best, errors, quadratic = self.settle(surrogate, np.clip(self.beliefs.mean, *wide), wide)
        sd = np.sqrt(np.diag(self.laplace(surrogate, quadratic, best)))
        near = self.around(best, 3 * sd)
        surrogate = self.surrogate("second", *near)
        best, errors, quadratic = self.settle(surrogate, best, near)
        sd = np.sqrt(np.diag(self.laplace(surrogate, quadratic, best)))
        chains = self.chains(surrogate, quadratic, best, sd, near)
        draws, weights = self.weighted(chains, surrogate, errors)
        told = errors.told([outcome for outcome, _ in self.target.columns])
        found = Fit(
            best,
            errors,
            chains,
            draws,
            {"surrogate_error": float(surrogate.error.max()), **weights, "errors": told},
        )
        found.folds = self.cross_fitted(surrogate, best, near)
        found.diagnostics["parameters"] = diagnose(self.beliefs.names, chains)
        return found

    def around(self, middle: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of a box within the ranges."""
        return np.maximum(self.beliefs.low, middle - reach), np.minimum(self.beliefs.high, middle + reach)

    def finished(self, name: str, make: Callable[[], np.ndarray], work: int) -> np.ndarray:
        """Return a part of the work, done now or in an earlier run."""
        if name in self.state:
            self.done(work)
            return self.state[name]
        self.state[name] = make()
        self.keep(self.state)
        return self.state[name]

    def surrogate(self, name: str, low: np.ndarray, high: np.ndarray) -> Surrogate:
        """Run the model all over a box, and fit a surrogate."""
        from scipy.stats import qmc

        generator = np.random.default_rng([self.seed, len(name)])
        points = qmc.LatinHypercube(len(low), rng=generator).random(self.runs)
        values = low + (high - low) * points
        outputs = self.finished(name, lambda: self.exact(values), self.runs)
        fine = np.isfinite(outputs).all(axis=(1, 2))
        return fit_surrogate(values[fine], outputs[fine].reshape(int(fine.sum()), -1))

    def exact(self, values: np.ndarray) -> np.ndarray:
        """Run the model; return (draws, cities, columns)."""
        return run_target(self.model, self.window, self.beliefs, self.target, values, self.done)

    def log_posterior(self, surrogate: Surrogate, likelihood: Quadratic, values: np.ndarray) -> np.ndarray:
        """Return (draws,) log posterior density up to a constant."""
        return likelihood(surrogate.features(values)) + self.beliefs.log_density(values)

    def settle(
        self,
        surrogate: Surrogate,
        start: np.ndarray,
        box: tuple[np.ndarray, np.ndarray],
        keep: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Errors, Quadratic]:
        """Find the most probable draw and the errors around it, in turn; of some cities where `keep` is given."""
        from scipy.optimize import minimize

        best = start
        width = box[1] - box[0]
        some = slice(None) if keep is None else keep
        target = replace(self.target, actual=self.target.actual[some], provinces=self.target.provinces[some])
        shape = (len(surrogate.coefficients), *self.target.actual.shape)
        coefficients = surrogate.coefficients.reshape(shape)[:, some].reshape(shape[0], -1)
        for _ in range(ROUNDS):
            left = target.actual - (surrogate.features(best[None]) @ coefficients).reshape(
                target.actual.shape
            )
            errors = estimate_errors(left, target.provinces)
            likelihood = quadratic_likelihood(target, errors, coefficients)

            def misfit(share: np.ndarray, likelihood: Quadratic = likelihood) -> tuple[float, np.ndarray]:
                """Return minus the log posterior at a point, and its slope by each constant."""
                points = box[0] + width * np.vstack([share, share + 1e-5 * np.eye(len(share))])
                found = -self.log_posterior(surrogate, likelihood, np.clip(points, *box))
                return float(found[0]), (found[1:] - found[0]) / 1e-5

            share = np.clip((best - box[0]) / width, 1e-4, 1 - 1e-4)
            bounds = [(0.0, 1.0 - 2e-5)] * len(best)
            best = box[0] + width * minimize(misfit, share, jac=True, method="L-BFGS-B", bounds=bounds).x
        return best, errors, likelihood

    def laplace(self, surrogate: Surrogate, likelihood: Quadratic, best: np.ndarray) -> np.ndarray:
        """Return (parameters, parameters) covariance of the bell curve that fits at the best draw.

        Curvature of the likelihood taken from the surrogate's linear part there.
        """
        step = 1e-4 * surrogate.scale
        base = surrogate.features(best[None])[0]
        slope = (
            np.stack([surrogate.features((best + h)[None])[0] - base for h in np.diag(step)]) / step[:, None]
        )
        information = slope @ likelihood.matrix @ slope.T + np.diag(1 / self.beliefs.sd**2)
        return np.linalg.inv(information)

    def cross_fitted(
        self, surrogate: Surrogate, best: np.ndarray, box: tuple[np.ndarray, np.ndarray]
    ) -> Folds:
        """Fit without each fold of whole provinces in turn."""
        dealt = province_folds(self.window.provinces, self.seed)
        fold = np.array([dealt[name] for name in self.window.provinces])
        numbers = sorted(set(dealt.values()))
        if len(numbers) < 2:
            return Folds(dealt, best[None])
        fits = [self.settle(surrogate, best, box, fold != number)[0] for number in numbers]
        return Folds(dealt, np.stack(fits))

    def chains(
        self, surrogate: Surrogate, likelihood: Quadratic, best: np.ndarray, sd: np.ndarray,
        box: tuple[np.ndarray, np.ndarray],
    ) -> np.ndarray:  # fmt: skip
        """Sample by independent ensembles of walkers; return (all walkers, steps kept, parameters)."""
        emcee = _emcee()
        size = self.sampling
        walkers = max(size.walkers, 2 * len(best) + 2)

        def density(values: np.ndarray) -> np.ndarray:
            return self.log_posterior(surrogate, likelihood, values)

        def one(number: int) -> np.ndarray:
            """Return the chain of one walker group, from a start of its own."""
            generator = np.random.default_rng([self.seed, 77, number])
            start = np.clip(best + 0.7 * sd * generator.standard_normal((walkers, len(best))), *box)
            start += 1e-6 * (box[1] - box[0]) * generator.random(start.shape) * np.where(start < best, 1, -1)
            moves = [(emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)]
            sampler = emcee.EnsembleSampler(walkers, len(best), density, vectorize=True, moves=moves)
            sampler.random_state = np.random.RandomState(int(generator.integers(2**31))).get_state()
            for step, _ in enumerate(sampler.sample(np.clip(start, *box), iterations=size.steps), 1):
                self.done(step % 10 == 0)
            return sampler.get_chain(discard=size.steps // 2, thin=10).transpose(1, 0, 2)

        work = size.steps // 10
        return np.concatenate(
            [self.finished(f"chain {n}", partial(one, n), work) for n in range(size.ensembles)]
        )

    def weighted(self, chains: np.ndarray, surrogate: Surrogate, errors: Errors
                 ) -> tuple[np.ndarray, dict[str, Any]]:  # fmt: skip
        """Weight draws with the exact likelihood; return draws (shipped, parameters) and how even the weights are."""
        generator = np.random.default_rng([self.seed, 99])
        flat = chains.reshape(-1, chains.shape[-1])
        values = flat[generator.choice(len(flat), min(self.sampling.kept, len(flat)), replace=False)]
        outputs = self.finished("exact", lambda: self.exact(values), len(values))
        near = surrogate(values).reshape(outputs.shape)
        gap = log_likelihood(self.target, errors, outputs) - log_likelihood(self.target, errors, near)
        measured = None
        if self.evidence is not None:
            probes = values[:PROBES]
            measured = self.finished("evidence", partial(self.measured, probes), len(probes))
            gap = gap + self.evidence.log_likelihood(between(probes, measured, values))
        weights = np.exp(gap - gap.max())
        weights /= weights.sum()
        told: dict[str, Any] = {"weights_effective_share": float(1 / (weights**2).sum() / len(weights))}
        if self.evidence is not None and measured is not None:
            told["evidence"] = self.evidence.held(measured, weights[:PROBES])
        places = (np.arange(self.sampling.shipped) + generator.random()) / self.sampling.shipped
        picks = np.minimum(np.searchsorted(np.cumsum(weights), places), len(values) - 1)
        return values[generator.permutation(picks)], told

    def measured(self, values: np.ndarray) -> np.ndarray:
        """Measure the evidence's figures at (draws, parameters) values."""
        assert self.evidence is not None
        found = []
        for first in range(0, len(values), 16):
            some = values[first : first + 16]
            found.append(self.evidence.measure_draws(self.beliefs.params(some)))
            self.done(len(some))
        return np.concatenate(found)


def diagnose(names: tuple[str, ...], chains: np.ndarray) -> dict[str, dict[str, float]]:
    """Return name -> R-hat, effective sample size, mean and sd; chains (walkers, steps, parameters).

    Raises
    ------
    InputError
        If the package `arviz` is not installed.
    """
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # notes on its own next version
            import arviz
    except ImportError:
        raise InputError("diagnostics need the package arviz. {extra}", extra=EXTRA) from None
    return {
        name: {
            "r_hat": float(arviz.rhat(chains[..., column])),
            "effective_size": float(arviz.ess(chains[..., column])),
            "mean": float(chains[..., column].mean()),
            "sd": float(chains[..., column].std()),
        }
        for column, name in enumerate(names)
    }


def _emcee() -> Any:  # noqa: ANN401 (a module)
    try:
        import emcee
    except ImportError:
        raise InputError("calibration needs the package emcee. {extra}", extra=EXTRA) from None
    return emcee
