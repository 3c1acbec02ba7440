"""The evidence, the checks and the standard tests of a model together, and the tables they are written to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.errors import InputError
from talent_sd.evidence.evidence_findings import measure_evidence
from talent_sd.inputs.evidence_ledger import read_evidence
from talent_sd.laboratory.cases import Laboratory
from talent_sd.laboratory.findings import MISSED, Finding, evidence_outputs, experiments_for, is_city_model
from talent_sd.model_tests.behaviour_checks import Verdict, run_checks, run_reality_checks
from talent_sd.model_tests.check_files import read_checks

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.model_tests.standard_tests import Influence, StandardTest


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
    from talent_sd.model_tests.standard_tests import measure_influences, run_standard_tests

    reality = run_reality_checks(model, engine)
    done()
    if not is_city_model(model):
        if not reality:
            raise InputError(
                "{model}: no Reality Checks, and no model of a city. Write checks into it (name :THE "
                "CONDITION: … :IMPLIES: …), or leave --model out.",
                model=model.path.name,
            )
        return Validation(checks=tuple(reality))
    figures = read_evidence()
    laboratory = Laboratory(model, evidence_outputs(list(experiments_for(figures).values())), engine)
    findings = measure_evidence(model, figures, engine, laboratory)
    done()
    checks = run_checks(model, read_checks(), engine)
    done()
    influences = measure_influences(laboratory)
    tests = run_standard_tests(laboratory, findings, checks, influences)
    done()
    return Validation(tuple(findings), (*checks, *reality), tuple(tests), tuple(influences))


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
