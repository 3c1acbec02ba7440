"""Measure every figure of the article on the model, and put the model through its tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from talent_sd.base.files import shipped_folder
from talent_sd.inputs.evidence_ledger import Figure, read_evidence
from talent_sd.laboratory.cases import Laboratory
from talent_sd.laboratory.findings import Finding, evidence_outputs, experiments_for, measure_experiments

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model


def measure_evidence(
    model: Model,
    figures: Sequence[Figure] | None = None,
    engine: str = "auto",
    laboratory: Laboratory | None = None,
) -> list[Finding]:
    """Run the experiment of each figure.

    Parameters
    ----------
    figures : the shipped ledger by default
    engine : "auto", "kernel", "arrays" or "pysd"
    laboratory : one that reads the experiments' outputs; made if not given

    Returns
    -------
    one finding for each figure, in the ledger's order

    Raises
    ------
    InputError
        If a figure names an experiment that does not exist.
    """
    figures = read_evidence() if figures is None else figures
    experiments = experiments_for(figures)
    laboratory = laboratory or Laboratory(model, evidence_outputs(list(experiments.values())), engine)
    measured = measure_experiments(laboratory, experiments)[0]
    return [Finding(figure, measured[figure.experiment]) for figure in figures]


def scenarios_citing(ident: str) -> list[str]:
    """Return the shipped scenarios whose files cite a figure."""
    folder = shipped_folder("scenarios")
    pattern = re.compile(rf"\b{re.escape(ident)}\b")
    return sorted(f.stem for f in folder.glob("*.yaml") if pattern.search(f.read_text(encoding="utf-8")))
