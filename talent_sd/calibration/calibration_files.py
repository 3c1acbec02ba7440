"""A calibration from files to files: what it reads, what a stopped one left, what it writes.

And all of it once more without each fold of provinces: posteriors that every city of a panel can be judged with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.files import write_frame
from talent_sd.base.language import tell
from talent_sd.base.output_folders import keep_arrays, kept_arrays
from talent_sd.base.version import __version__
from talent_sd.calibration.fit import Calibration, Fit, SamplerSettings, province_folds
from talent_sd.calibration.likelihood import EvidenceTarget
from talent_sd.calibration.noise_fit import estimate_noise, judged_apart
from talent_sd.inputs.evidence_ledger import read_evidence
from talent_sd.uncertainty.city_tables import Sources
from talent_sd.uncertainty.fitted_constants import Beliefs, read_beliefs
from talent_sd.uncertainty.posterior import Posterior, make_posterior, write_cross_fit, write_posterior
from talent_sd.uncertainty.windows import Window, fitting_cities

if TYPE_CHECKING:
    import pandas as pd

    from talent_sd.calibration.likelihood import Surrogate
    from talent_sd.engine.runner import Model
    from talent_sd.uncertainty.noise import NoiseModel


FOLD_DRAWS = 300
"""Draws of each fold's posterior: of a normal distribution around its best draw."""
LATER_STARTS = (2, 3)
"""Years after the fit's start from which more windows begin, of the same length, that the noise is sized on."""
STATE = "calibration_state.npz"
"""Finished parts of a calibration that was stopped; the next one with the same inputs goes on from there."""


@dataclass(frozen=True)
class Calibrated:
    """A finished calibration.

    Parameters
    ----------
    posterior : what ships
    found : the fit, with its diagnostics
    beliefs : before the data
    window : the fitting cities
    apart : posteriors that each left whole provinces of all cities out; empty without a cross-fit
    """

    posterior: Posterior
    found: Fit
    beliefs: Beliefs
    window: Window
    apart: tuple[Posterior, ...] = ()


def calibrate(
    model: Model,
    sources: Sources,
    *,
    start: int = 2010,
    end: int = 2020,
    held_out: str = "cities",
    seed: int = 0,
    sampling: SamplerSettings | None = None,
    beliefs: str | Path | None = None,
    state: Path | None = None,
    done: Callable[[int, int], None] = lambda _work, _all: None,
    known_until: int | None = None,
    cross_fitted: bool = True,
) -> Calibrated:
    """Fit the model to the growth of cities.

    Parameters
    ----------
    model : the city model
    sources : the tables
    start, end : years of the window
    held_out : "cities", "provinces" or "none": what a third of the cities is held out by
    seed : of all chance
    sampling : how long the sampler runs
    beliefs : constants to fit; the shipped `calibration.yaml` by default
    state : file for finished parts, from which a stopped calibration goes on; removed at the end
    done : called with the work just done and the work in all
    known_until : last year whose figures the size of the noise may rest on; by default three years after `end`
    cross_fitted : whether all is done again without each fold of provinces, to judge every city

    Raises
    ------
    InputError
        With every problem of the tables; if emcee or arviz is not installed.
    """
    sampling = sampling or SamplerSettings()
    believed = read_beliefs(model, beliefs)
    years = noise_windows(start, end, known_until)
    wholes = sources.windows(model, years)
    window = wholes[0].chosen(fitting_cities(wholes[0], held_out, seed))
    note = _note(model, sources, years, window, held_out=held_out, seed=seed, sampling=asdict(sampling))
    identity = _identity(note, believed)
    keep = (lambda parts: keep_arrays(state, identity, parts)) if state else (lambda _parts: None)
    task = Calibration(model, window, believed, seed, sampling, kept_arrays(state, identity) if state else {}, keep,
                       evidence=EvidenceTarget(model, read_evidence()))  # fmt: skip
    work = task.work + (2 * task.runs if cross_fitted else 0)
    task.done = lambda amount: done(amount, work)
    found = task.fit()
    noise = _fitted_noise(model, wholes, window, believed, found)
    note["diagnostics"] = found.diagnostics
    posterior = make_posterior(believed, found.draws, noise, window.cities, note)
    apart: list[Posterior] = []
    if cross_fitted:
        apart = cross_fit(
            model, wholes, believed, found, seed=seed, note={"data_sha256": sources.hashes()}, done=task.done
        )
    if state:
        state.unlink(missing_ok=True)
    return Calibrated(posterior, found, believed, window, tuple(apart))


def evidence_table(posterior: Posterior) -> pd.DataFrame:
    """Return one row a figure of the article: target, what draws of the posterior come to, share that meet it.

    Empty for a posterior that no figure took part in.
    """
    import pandas as pd

    told = posterior.note.get("diagnostics", {}).get("evidence", {})
    return pd.DataFrame([{"figure": ident, **found} for ident, found in told.items()])


def noise_windows(start: int, end: int, known_until: int | None = None) -> list[tuple[int, int]]:
    """Return the windows that noise is sized on: the fit's, and later ones of its length.

    >>> noise_windows(2010, 2020)
    [(2010, 2020), (2012, 2022), (2013, 2023)]
    >>> noise_windows(2010, 2016, known_until=2016)
    [(2010, 2016)]
    """
    last = end + max(LATER_STARTS) if known_until is None else known_until
    return [(start, end), *((start + n, end + n) for n in LATER_STARTS if end + n <= last)]


def write_calibration(calibrated: Calibrated, folder: Path) -> None:
    """Write `posterior.json`, `cross_fit.json` (where there is one), `diagnostics.csv` and `evidence.csv`."""
    write_posterior(calibrated.posterior, folder / "posterior.json")
    if calibrated.apart:
        write_cross_fit(calibrated.apart, folder / "cross_fit.json")
    write_frame(folder / "diagnostics.csv", diagnostics_table(calibrated), "%.6g")
    write_frame(folder / "evidence.csv", evidence_table(calibrated.posterior), "%.6g")


def diagnostics_table(calibrated: Calibrated) -> pd.DataFrame:
    """Return one row a parameter: prior and posterior mean and sd, 5 and 95 % points, R-hat, effective size."""
    import pandas as pd

    values, believed = calibrated.posterior.values, calibrated.beliefs
    found = calibrated.found.diagnostics["parameters"]
    prior = believed.spread((np.arange(999)[:, None] + 0.5) / 999 * np.ones(len(believed.names)))
    return pd.DataFrame(
        {
            "parameter": believed.names,
            "prior_mean": prior.mean(axis=0),
            "prior_sd": prior.std(axis=0),
            "posterior_mean": values.mean(axis=0),
            "posterior_sd": values.std(axis=0),
            "posterior_5": np.quantile(values, 0.05, axis=0),
            "posterior_95": np.quantile(values, 0.95, axis=0),
            "r_hat": [found[name]["r_hat"] for name in believed.names],
            "effective_size": [found[name]["effective_size"] for name in believed.names],
        }
    )


def _fitted_noise(
    model: Model, wholes: Sequence[Window], window: Window, beliefs: Beliefs, found: Fit
) -> NoiseModel:
    """Return the noise that the fitting cities' leftovers show, each judged by the fits without its province."""
    assert found.folds is not None
    windows = [one.chosen(np.isin(one.cities, window.cities)) for one in wholes]
    judged = judged_apart(model, windows, beliefs, found.folds.provinces, found.folds.best)
    return estimate_noise(model, judged, beliefs.params(found.best[None]), beliefs.params(found.draws))


def _note(
    model: Model, sources: Sources, years: Sequence[tuple[int, int]], window: Window, **asked: object
) -> dict[str, Any]:
    """Return what a calibration was made from; `years` of the window that it is fitted to come first."""
    return {
        "talent_sd": __version__,
        "model_sha256": model.structure.sha256,
        "data_sha256": sources.hashes(),
        "window": list(years[0]),
        "noise_windows": [list(pair) for pair in years],
        "cities": len(window.cities),
        **asked,
    }


def _identity(note: Mapping[str, Any], beliefs: Beliefs) -> str:
    """Return a hash of all that a calibration follows from."""
    ranges = [one.tolist() for one in (beliefs.mean, beliefs.sd, beliefs.low, beliefs.high)]
    content = json.dumps([note, [beliefs.names, *ranges]], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def cross_fit(
    model: Model,
    windows: Sequence[Window],
    beliefs: Beliefs,
    found: Fit,
    *,
    seed: int = 0,
    note: Mapping[str, Any] | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> list[Posterior]:
    """Fit constants and noise anew without each fold of whole provinces.

    All is repeated but the article's figures, which shift draws little: constants, the
    covariance of their draws, and the noise, whose leftovers come from fits that leave two
    folds out, the judged one and the leftovers' own.

    Parameters
    ----------
    windows : of all cities: the one that constants are fitted to, then more for the noise
    found : a fit of some of the cities, around whose spread the model is run
    done : called with the amount of work just done, `work_of(model, beliefs)` in all

    Raises
    ------
    InputError
        If there are fewer than three provinces.
    """
    whole = windows[0]
    task = Calibration(model, whole, beliefs, seed, SamplerSettings(), done=done)
    box = task.around(found.best, 4 * found.draws.std(axis=0))
    surrogate = task.surrogate("folds", *box)
    start = np.clip(found.best, *box)
    dealt = province_folds(whole.provinces, seed)
    numbers = sorted(set(dealt.values()))
    if len(numbers) < 3:
        raise InputError(tell("leaving whole provinces out in turn needs cities of three provinces or more."))
    fold = np.array([dealt[name] for name in whole.provinces])
    pairs = {
        (one, two): task.settle(surrogate, start, box, (fold != one) & (fold != two))[0]
        for one in numbers
        for two in numbers
        if one < two
    }
    posteriors = []
    for number in numbers:
        best, draws = _fold_draws(task, surrogate, start, box, fold != number, seed)
        without = np.stack([best if n == number else pairs[min(n, number), max(n, number)] for n in numbers])
        others = {name: n for name, n in dealt.items() if n != number}
        judged = judged_apart(model, windows, beliefs, others, without)
        noise = estimate_noise(model, judged, beliefs.params(best[None]), beliefs.params(draws))
        some = whole.chosen(fold != number)
        posteriors.append(make_posterior(beliefs, draws, noise, some.cities, note or {}))
        done(task.runs // len(numbers))
    return posteriors


def _fold_draws(
    task: Calibration, surrogate: Surrogate, start: np.ndarray, box: tuple[np.ndarray, np.ndarray],
    keep: np.ndarray, seed: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the best draw of some cities, and draws around it within the ranges."""
    best, _, likelihood = task.settle(surrogate, start, box, keep)
    covariance = task.laplace(surrogate, likelihood, best)
    generator = np.random.default_rng([seed, 56])
    draws = generator.multivariate_normal(best, covariance, FOLD_DRAWS)
    return best, np.clip(draws, task.beliefs.low, task.beliefs.high)
