"""The register of experiments, and a figure of the article beside what its experiment came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.language import tell
from talent_sd.inputs.evidence_ledger import Figure
from talent_sd.laboratory.cases import Experiment, Laboratory, Measurement

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model


def all_experiments() -> dict[str, Experiment]:
    """Return every experiment by name."""
    from talent_sd.laboratory import experiments_money, experiments_people, experiments_policy

    found: dict[str, Experiment] = {}
    for module in (experiments_people, experiments_money, experiments_policy):
        for experiment in module.EXPERIMENTS:
            if experiment.name in found:
                raise ValueError(f"two experiments are called '{experiment.name}'")
            found[experiment.name] = experiment
    return found


HEADLINES = (
    "Residents",
    "total talent",
    "value added",
    "fiscal revenue",
    "tax base",
    "invention grants",
    "Fund",
    "City Brand",
    "Cluster Maturity",
)
"""Outputs that the tests of integration error, family and sensitivity look at."""
MET, MISSED, SHOWN = "met", "missed", "shown"


@dataclass(frozen=True)
class Finding:
    """A figure, and what the model says to it.

    Parameters
    ----------
    figure : as the ledger has it
    measurement : of its experiment
    """

    figure: Figure
    measurement: Measurement

    @property
    def verdict(self) -> str:
        """Return "met" or "missed" for targets and holdouts, "shown" for start values and settings.

        A start value or a setting whose conditions fail is missed too: its behaviour is a test.
        """
        if self.figure.role in ("initial", "policy") and not self.measurement.broken:
            return SHOWN
        return MET if self.comes_out else MISSED

    @property
    def fails(self) -> bool:
        """Return whether the miss is a failure: a holdout's, or one of the article's reading, is not."""
        return self.verdict == MISSED and self.figure.role not in ("holdout", "article")

    @property
    def differs(self) -> bool:
        """Return whether it is a start value that is only shown, and the cities' own figures say otherwise."""
        return self.figure.role == "initial" and self.verdict == SHOWN and not self.comes_out

    @property
    def comes_out(self) -> bool:
        """Return whether value and conditions are as the article says, whatever the figure's role."""
        value = self.measurement.value
        if self.measurement.broken:
            return False
        return self.figure.value is None or (value is not None and self.figure.met_by(value))


def experiments_for(figures: Sequence[Figure]) -> dict[str, Experiment]:
    """Return the experiments that figures name.

    Raises
    ------
    InputError
        If one does not exist.
    """
    known = all_experiments()
    problems = [
        tell(
            "evidence.yaml:{line}: {id}: no experiment '{experiment}'.{hint}",
            line=figure.line,
            id=figure.id,
            experiment=figure.experiment,
            hint=nearest(figure.experiment, known),
        )
        for figure in figures
        if figure.experiment not in known
    ]
    if problems:
        raise InputError(problems)
    return {figure.experiment: known[figure.experiment] for figure in figures}


def measure_experiments(
    laboratory: Laboratory,
    experiments: Mapping[str, Experiment],
    everywhere: Sequence[Mapping[str, float]] | None = None,
) -> list[dict[str, Measurement]]:
    """Return what experiments come to, by name, for each set of values given to all of them.

    Parameters
    ----------
    laboratory : reads the experiments' outputs
    everywhere : as in `Laboratory.run`
    """
    cases = {
        f"{name}|{case}": inputs
        for name, experiment in experiments.items()
        for case, inputs in experiment.cases.items()
    }
    return [
        {
            name: experiment.measure({case: traces[f"{name}|{case}"] for case in experiment.cases})
            for name, experiment in experiments.items()
        }
        for traces in laboratory.run(cases, everywhere)
    ]


class FigureTargets:
    """The figures of the role `calibrate`, measured and held against what they should come to.

    Parameters
    ----------
    model : the city model
    figures : the ledger; those of other roles are left out
    engine : "auto", "kernel", "arrays" or "pysd"
    """

    def __init__(self, model: Model, figures: Sequence[Figure], engine: str = "auto") -> None:
        self.figures = [figure for figure in figures if figure.role == "calibrate"]
        self.experiments = experiments_for(self.figures)
        outputs = [name for experiment in self.experiments.values() for name in experiment.reads]
        self.laboratory = Laboratory(model, outputs, engine)

    def measure(self, everywhere: Sequence[Mapping[str, float]]) -> np.ndarray:
        """Return (sets of values, figures), NaN where an experiment has no answer."""
        found = measure_experiments(self.laboratory, self.experiments, everywhere)
        return np.array([[one[figure.experiment].value for figure in self.figures] for one in found], float)

    def misses(self, measured: np.ndarray) -> np.ndarray:
        """Return how far measured figures (sets, figures) are from their targets, in tolerances."""
        targets, allowances = np.array([(f.target, f.allowance) for f in self.figures], float).T
        return (measured - targets) / allowances


def evidence_outputs(experiments: Sequence[Experiment]) -> set[str]:
    """Return what a laboratory must read to measure experiments and the headline outputs."""
    return {name for experiment in experiments for name in experiment.reads} | set(HEADLINES)


def is_city_model(model: Model) -> bool:
    """Return whether a model has the outputs that the evidence is about."""
    return all(model.structure.find(name) is not None for name in HEADLINES)
