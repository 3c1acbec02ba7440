"""What an experiment on the model is, and the register of them all: one per figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from talent_sd.analysis.evidence_laboratory import Case, Trace

Traces = Mapping[str, Trace]


@dataclass(frozen=True)
class Measurement:
    """What came out of an experiment.

    Parameters
    ----------
    value : in the figure's unit; None where the figure is a statement without a number
    conditions : what else must hold, in words, and whether it does
    shown : further numbers that a reader wants beside it
    """

    value: float | None
    conditions: tuple[tuple[str, bool], ...] = ()
    shown: Mapping[str, float] = field(default_factory=dict)

    @property
    def broken(self) -> tuple[str, ...]:
        """Return the conditions that do not hold."""
        return tuple(text for text, holds in self.conditions if not holds)


@dataclass(frozen=True)
class Experiment:
    """A figure's experiment: which runs, which outputs, what is made of them.

    Parameters
    ----------
    name : as models/evidence.yaml calls it
    cases : the runs, by name; they differ in inputs, never in equations
    reads : the variables that `measure` reads
    measure : from the runs to the figure
    """

    name: str
    cases: Mapping[str, Case]
    reads: tuple[str, ...]
    measure: Callable[[Traces], Measurement]


def all_experiments() -> dict[str, Experiment]:
    """Return every experiment by name."""
    from talent_sd.analysis import experiments_money, experiments_people, experiments_policy

    found: dict[str, Experiment] = {}
    for module in (experiments_people, experiments_money, experiments_policy):
        for experiment in module.EXPERIMENTS:
            if experiment.name in found:
                raise ValueError(f"two experiments are called '{experiment.name}'")
            found[experiment.name] = experiment
    return found


def gap(without: Trace, with_it: Trace, name: str, start: float, end: float) -> float:
    """Return how much more a variable averages over [start, end) without than with."""
    return without.mean(name, start, end) - with_it.mean(name, start, end)
