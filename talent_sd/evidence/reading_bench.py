"""What a reading may move, and what the article's figures come to at many settings of it at once."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.errors import NonFiniteWarning, RangeNotice
from talent_sd.evidence.evidence_fit import Recorded, read_fit
from talent_sd.inputs.city_figures import read_mapping
from talent_sd.laboratory.cases import Laboratory, Trace
from talent_sd.laboratory.findings import Finding, experiments_for
from talent_sd.uncertainty.priors import Prior, constant_values, read_priors

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.inputs.evidence_ledger import Figure
    from talent_sd.model.structure import Variable

_ASSUMED = re.compile(r"\bassum(?:ption|ed)|\bfitted\b|\bposterior\b")
_OFFICIAL = re.compile(r"NBS|Ministry|Council|census|yearbook|law\b|national path|city file", re.IGNORECASE)
_SET_ELSEWHERE = re.compile(
    r"scenario file|setting of an experiment|definition|convention|guard", re.IGNORECASE
)
_GUARD = re.compile(r"(?:smallest|largest|longest|least|lowest|half|no|one|two)\b")
CONTROL = "Control"
SETTINGS = ("policy ", "loop closed")
SETTING_ENDS = (" intensity", " unit cost", " noise")
"""Constants that a user sets, policies' sizes above all, and the noise of a run: no views of the world."""
WHOLE = 0.01
"""So near to 1 elements are taken to be the parts of a whole."""
QUANTILES = (np.arange(2000) + 0.5) / 2000


@dataclass(frozen=True)
class Free:
    """A constant that may be moved.

    Parameters
    ----------
    key : as a reading writes it, "constant" or "constant[element]"
    own : parameter key -> the model's value
    low, high, sd : range and prior standard deviation, of the value; of the factor on all elements where `factor`
    factor : whether one factor moves all elements
    source : of the range: priors.yaml, evidence_fit.yaml or the model's limits
    """

    key: str
    own: Mapping[str, float]
    low: float
    high: float
    sd: float
    factor: bool
    source: str

    @property
    def centre(self) -> float:
        """Return where it stands in the model."""
        return 1.0 if self.factor else next(iter(self.own.values()))

    def moved(self, by: float) -> float:
        """Return the value, or factor, that lies some prior standard deviations from the model's, in its range."""
        return float(np.clip(self.centre + by * self.sd, self.low, self.high))

    def values(self, at: float) -> dict[str, float]:
        """Return the constants at a value, or factor."""
        return (
            {key: value * at for key, value in self.own.items()}
            if self.factor
            else dict.fromkeys(self.own, at)
        )


def free_constants(model: Model, priors: str | Path | None = None) -> tuple[Free, ...]:
    """Return the constants that a reading may move.

    All with a prior; all that the fit to the article moves; and every other constant of the model that has
    limits and is a view of the world, believed to lie around its value (triangular over the limits). Facts of
    cities and of official statistics, the national path, settings of policies, shocks and experiments, guards
    and shares that add up to one are not among them.

    Parameters
    ----------
    priors : the shipped `models/priors.yaml` by default
    """
    found = {prior.key: _of_prior(prior) for prior in read_priors(model.structure, model.program, priors)}
    taken = {key for one in found.values() for key in one.own}
    own = constant_values(model.program)
    flat = {
        name + (f"[{','.join(where)}]" if where else ""): value
        for name, elements in own.items()
        for where, value in elements.items()
    }
    for free in _of_fit(read_fit(), flat, model.structure.variables):
        if not taken & set(free.own):
            found[free.key] = free
            taken |= set(free.own)
    cities = {name.split("[")[0] for name in read_mapping().content.constants}
    shocks = {name.removesuffix("size") for name in own if name.endswith(" size")}
    for name in own:
        variable = model.structure.variables[name]
        keys = {key: value for key, value in flat.items() if key.split("[")[0] == name}
        shock = any(name.startswith(prefix) for prefix in shocks)
        if name not in cities and not shock and not taken & set(keys) and _assumed(variable):
            limited = _of_limits(variable, keys)
            if limited is not None:
                found[limited.key] = limited
    return tuple(found.values())


def _of_prior(prior: Prior) -> Free:
    sd = float(np.std(prior.quantile(QUANTILES)))
    return Free(prior.key, prior.elements, prior.low, prior.high, sd, prior.factor, "priors.yaml")


def _of_fit(recorded: Recorded, flat: Mapping[str, float], variables: Mapping[str, Variable]) -> list[Free]:
    """Return the effects that the fit to the article moves one constant by."""
    found = []
    for effect in recorded.effects.values():
        if len(effect.constants) == 1 and (key := next(iter(effect.constants))) in flat:
            lowest, highest = variables[key.split("[")[0]].limits
            low = max(min(effect.low, flat[key]), -np.inf if lowest is None else lowest)
            high = min(max(effect.high, flat[key]), np.inf if highest is None else highest)
            sd = _triangular_sd(low, flat[key], high)
            found.append(Free(key, {key: flat[key]}, low, high, sd, False, "evidence_fit.yaml"))
    return found


def _assumed(variable: Variable) -> bool:
    """Return whether a constant is a view of the world: no setting, no guard, no official figure."""
    name, doc = variable.name, variable.doc
    if (
        variable.group == CONTROL
        or name.startswith(SETTINGS)
        or name.endswith(SETTING_ENDS)
        or _GUARD.match(name)
        or _SET_ELSEWHERE.search(doc)
    ):
        return False
    return bool(_ASSUMED.search(doc)) or not _OFFICIAL.search(doc)


def _of_limits(variable: Variable, own: Mapping[str, float]) -> Free | None:
    """Return a constant as free within the model's limits; None where they leave no room, or not even for its value."""
    low, high = variable.limits
    if low is None or high is None or not low < high:
        return None
    if len(own) == 1:
        centre = next(iter(own.values()))
        key = next(iter(own))
        if not low <= centre <= high:
            return None
        return Free(key, own, low, high, _triangular_sd(low, centre, high), False, "limits of the model")
    values = [value for value in own.values() if value != 0]
    if not values or min(values) < 0 or low < 0 or abs(sum(values) - 1) < WHOLE:
        return None
    least, most = low / min(values), min(high / value for value in values)
    if not least < most or not least <= 1 <= most:
        return None
    return Free(variable.name, own, least, most, _triangular_sd(least, 1, most), True, "limits of the model")


def _triangular_sd(low: float, peak: float, high: float) -> float:
    """Return the standard deviation of a triangular distribution.

    >>> round(_triangular_sd(0, 0.5, 1), 4)
    0.2041
    """
    squares = low * low + peak * peak + high * high
    return float(np.sqrt((squares - low * peak - low * high - peak * high) / 18))


AT_ONCE = 16
"""Settings run together: bounds the memory that saved outputs take."""
MARGIN = 0.1
"""Part of the tolerance that a search keeps away from its edge."""
NO_ANSWER = 20.0
"""Tolerances that a figure without an answer counts as being off."""


class Bench:
    """Figures and free constants, as functions of a point: how far each constant is moved, in prior sd.

    Parameters
    ----------
    model : the city model
    figures : those to measure
    free : the constants that a point moves, in its order
    """

    def __init__(self, model: Model, figures: Sequence[Figure], free: Sequence[Free]) -> None:
        self.figures = tuple(figures)
        self.free = tuple(free)
        self.experiments = experiments_for(self.figures)
        reads = {name for experiment in self.experiments.values() for name in experiment.reads}
        self.laboratory = Laboratory(model, reads)
        # experiments share runs: each is made once
        self.places = {
            (name, case): repr(inputs)
            for name, experiment in self.experiments.items()
            for case, inputs in experiment.cases.items()
        }
        self.cases = {
            repr(inputs): inputs
            for experiment in self.experiments.values()
            for inputs in experiment.cases.values()
        }
        self.low = np.array([(one.low - one.centre) / one.sd for one in self.free])
        self.high = np.array([(one.high - one.centre) / one.sd for one in self.free])

    def of(self, figures: Sequence[Figure]) -> Bench:
        """Return a bench of other figures with the same constants."""
        return Bench(self.laboratory.model, figures, self.free)

    def constants(self, point: np.ndarray) -> dict[str, float]:
        """Return the constants that a point moves, in the model's own units."""
        return {
            key: value
            for one, move in zip(self.free, point, strict=True)
            if move
            for key, value in one.values(one.moved(move)).items()
        }

    def find(
        self, points: Sequence[np.ndarray], cut: Mapping[str, float] | None = None
    ) -> list[list[Finding]]:
        """Measure every figure at every point.

        Parameters
        ----------
        points : each (free,), in prior sd
        cut : constants set besides, such as a loop's switch

        Returns
        -------
        for each point, one finding for each figure
        """
        found: list[list[Finding]] = []
        with warnings.catch_warnings():
            # at the ends of all ranges at once a run may break: that setting has no answer, and counts as such
            for kind in (NonFiniteWarning, RangeNotice, RuntimeWarning):
                warnings.simplefilter("ignore", kind)
            for first in range(0, len(points), AT_ONCE):
                some = points[first : first + AT_ONCE]
                everywhere = [{**self.constants(point), **(cut or {})} for point in some]
                found += [self._read(traces) for traces in self.laboratory.run(self.cases, everywhere)]
        return found

    def _read(self, traces: Mapping[str, Trace]) -> list[Finding]:
        """Return what one point's runs say to every figure."""
        row = []
        for figure in self.figures:
            experiment = self.experiments[figure.experiment]
            own = {case: traces[self.places[figure.experiment, case]] for case in experiment.cases}
            row.append(Finding(figure, experiment.measure(own)))
        return row

    def misses(self, points: Sequence[np.ndarray]) -> np.ndarray:
        """Return (points, figures): `miss` of each."""
        return np.array([[miss(finding) for finding in row] for row in self.find(points)])

    def positions(self, points: Sequence[np.ndarray]) -> np.ndarray:
        """Return (points, figures, 2): how many tolerances a value is off, signed, and what conditions lack."""
        return np.array([[position(finding) for finding in row] for row in self.find(points)])


def hinge(off: np.ndarray) -> np.ndarray:
    """Return how far values are out of their tolerance, a margin kept; signed."""
    return np.asarray(np.sign(off) * np.maximum(np.abs(off) - (1 - MARGIN), 0))


def position(finding: Finding) -> tuple[float, float]:
    """Return how many tolerances the value is off (0 on the good side of a bound), and what conditions lack."""
    figure, measured = finding.figure, finding.measurement
    lacking = measured.lacking + 0.02 * bool(measured.broken and not measured.lacking)
    if figure.value is None:
        return 0.0, float(lacking)
    value = measured.value
    if value is None or np.isnan(value):
        return NO_ANSWER, float(lacking)
    return float(figure.miss_of(value) if np.isfinite(value) else measured.stand_in or NO_ANSWER), float(
        lacking
    )


def miss(finding: Finding) -> float:
    """Return how far a figure is from coming out, in tolerances; 0 once it does, a margin kept.

    Signed where the value decides; a broken condition adds how far it is from holding.
    """
    off, lacking = position(finding)
    return float(hinge(np.array(off)) + (np.sign(off) or 1.0) * lacking)
