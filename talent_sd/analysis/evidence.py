"""Measure every figure of the article on the model, and put the model through its tests."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.analysis.checks import Verdict, run_checks
from talent_sd.analysis.checks_file import read_checks
from talent_sd.analysis.checks_reality import run_reality_checks
from talent_sd.analysis.evidence_laboratory import Laboratory
from talent_sd.analysis.experiments import Experiment, Measurement, all_experiments
from talent_sd.base.errors import InputError, nearest
from talent_sd.base.messages import tell
from talent_sd.base.shipped import shipped_folder
from talent_sd.model.evidence import Figure, read_evidence

if TYPE_CHECKING:
    from talent_sd.analysis.standard_tests import StandardTest
    from talent_sd.analysis.standard_tests_inputs import Influence
    from talent_sd.engine.runner import Model

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
        if self.measurement.broken:
            return MISSED
        if self.figure.role in ("initial", "policy"):
            return SHOWN
        value = self.measurement.value
        if self.figure.value is None:
            return MET
        return MET if value is not None and self.figure.met_by(value) else MISSED

    @property
    def fails(self) -> bool:
        """Return whether the miss is a failure: a holdout's is not."""
        return self.verdict == MISSED and self.figure.role != "holdout"


@dataclass(frozen=True)
class Validation:
    """Everything that `validate` finds."""

    findings: tuple[Finding, ...] = ()
    checks: tuple[Verdict, ...] = ()
    tests: tuple[StandardTest, ...] = ()
    influences: tuple[Influence, ...] = ()

    @property
    def passed(self) -> bool:
        """Return whether no calibrate figure, no check and no standard test fails."""
        return (
            not any(finding.fails for finding in self.findings)
            and all(check.passed for check in self.checks)
            and all(test.verdict != "failed" for test in self.tests)
        )


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
    cases = {
        f"{name}|{case}": inputs
        for name, experiment in experiments.items()
        for case, inputs in experiment.cases.items()
    }
    traces = laboratory.run(cases)[0]
    return [
        Finding(
            figure,
            experiments[figure.experiment].measure(
                {case: traces[f"{figure.experiment}|{case}"] for case in experiments[figure.experiment].cases}
            ),
        )
        for figure in figures
    ]


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


def evidence_outputs(experiments: Sequence[Experiment]) -> set[str]:
    """Return what a laboratory must read to measure experiments and the headline outputs."""
    return {name for experiment in experiments for name in experiment.reads} | set(HEADLINES)


def validate(model: Model, engine: str = "auto", done: Callable[[], None] = lambda: None) -> Validation:
    """Measure the evidence, try the checks and the standard tests.

    A model other than the shipped city's is put through its own Reality Checks only:
    the article's figures are about the city's variables.

    Parameters
    ----------
    done : called after each of the four parts

    Raises
    ------
    InputError
        If the ledger or the checks name what the model lacks.
    """
    from talent_sd.analysis.standard_tests import run_standard_tests
    from talent_sd.analysis.standard_tests_inputs import measure_influences

    reality = run_reality_checks(model, engine)
    done()
    if not is_city_model(model):
        if not reality:
            raise InputError(
                tell(
                    "{model}: no Reality Checks, and no model of a city. Write checks into it (name :THE "
                    "CONDITION: … :IMPLIES: …), or leave --model out.",
                    model=model.path.name,
                )
            )
        return Validation(checks=tuple(reality))
    figures = read_evidence()
    laboratory = Laboratory(model, evidence_outputs(list(experiments_for(figures).values())), engine)
    findings = measure_evidence(model, figures, engine, laboratory)
    done()
    checks = run_checks(model, read_checks(structure=model.structure), engine)
    done()
    influences = measure_influences(laboratory)
    tests = run_standard_tests(laboratory, findings, checks, influences)
    done()
    return Validation(tuple(findings), (*checks, *reality), tuple(tests), tuple(influences))


def scenarios_citing(ident: str) -> list[str]:
    """Return the shipped scenarios whose files cite a figure."""
    folder = shipped_folder("scenarios")
    pattern = re.compile(rf"\b{re.escape(ident)}\b")
    return sorted(f.stem for f in folder.glob("*.yaml") if pattern.search(f.read_text(encoding="utf-8")))


def is_city_model(model: Model) -> bool:
    """Return whether a model has the outputs that the evidence is about."""
    return all(model.structure.find(name) is not None for name in HEADLINES)


def write_validation(validation: Validation, folder: Path) -> list[str]:
    """Write evidence.csv, checks.csv, standard_tests.csv and sensitivity.csv, those that have rows.

    Returns
    -------
    the files' names
    """
    import pandas as pd

    tables: dict[str, list[dict[str, Any]]] = {
        "evidence.csv": [_evidence_row(finding) for finding in validation.findings],
        "checks.csv": [
            {
                "id": check.id,
                "sector": check.sector,
                "message": check.message,
                "runs": check.runs,
                "verdict": check.verdict,
                "failure": check.failure,
            }
            for check in validation.checks
        ],
        "standard_tests.csv": [
            {
                "test": test.name,
                "question": test.question["en"],
                "verdict": test.verdict,
                "finding": test.finding,
                "backed_by": test.backed_by,
            }
            for test in validation.tests
        ],
        "sensitivity.csv": [asdict(influence) for influence in validation.influences],
    }
    for name, rows in tables.items():
        if rows:
            pd.DataFrame(rows).to_csv(folder / name, index=False)
    return [name for name, rows in tables.items() if rows]


def _evidence_row(finding: Finding) -> dict[str, object]:
    figure, value = finding.figure, finding.measurement.value
    bounds = figure.value if isinstance(figure.value, tuple) else (figure.value, figure.value)
    return {
        "id": figure.id,
        "topic": figure.topic,
        "role": figure.role,
        "statement": figure.statement,
        "target": None if math.isnan(figure.target) else figure.target,
        "target_low": bounds[0],
        "target_high": bounds[1],
        "tolerance": None if math.isnan(figure.allowance) else figure.allowance,
        "unit": figure.unit,
        "value": value,
        "verdict": finding.verdict,
        # of figures kept out of the fit: whether the test was clean, and why not; do not count one that was not
        "clean": (not figure.unclean) if figure.role == "holdout" else None,
        "unclean_because": figure.unclean,
        "conditions_broken": "; ".join(finding.measurement.broken),
        "explanation": figure.miss if finding.verdict == MISSED else "",
        "one_effect": figure.one_effect,
        "conditions": "; ".join(text for text, _ in finding.measurement.conditions),
        "experiment": figure.experiment,
        "reading": figure.reading,
        "test": figure.test,
        "shown": "; ".join(f"{name}: {number:.4g}" for name, number in finding.measurement.shown.items()),
        "provenance": "claimed by the article; primary source not seen",
    }
