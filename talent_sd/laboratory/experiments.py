"""What an experiment on the model is, and the register of them all: one per figure."""

from __future__ import annotations

from talent_sd.laboratory.cases import Experiment


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
