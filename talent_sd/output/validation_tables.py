"""Evidence, checks, standard tests and laws of a model put together, and the tables they are written to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.files import write_frame
from talent_sd.base.language import N_, fixed, tell
from talent_sd.evidence import measure_evidence
from talent_sd.inputs.evidence_ledger import read_evidence
from talent_sd.inputs.labels import shipped_labels
from talent_sd.laboratory.cases import Laboratory
from talent_sd.laboratory.findings import MISSED, Finding, evidence_outputs, experiments_for, is_city_model
from talent_sd.laws.judge_laws import (
    ALL,
    COUNT,
    EXCUSED,
    FAILED,
    HELD,
    MEDIAN,
    NATION,
    NOT_MEASURABLE,
    Judged,
    Row,
)
from talent_sd.model_tests.behaviour_checks import Verdict, run_checks, run_reality_checks
from talent_sd.model_tests.check_files import read_checks
from talent_sd.output.evidence_tables import forbidden_by
from talent_sd.output.speech import digits

if TYPE_CHECKING:
    from rich.table import Table

    from talent_sd.engine.runner import Model
    from talent_sd.inputs.readings import Reading
    from talent_sd.laws.law_findings import PolicyCost
    from talent_sd.model_tests.sensitivity import Influence
    from talent_sd.model_tests.standard_tests import StandardTest
    from talent_sd.model_tests.verification import Agreement

_PLACES = {MEDIAN: N_("median"), COUNT: N_("cities inside"), ALL: N_("all"),
           NATION: N_("nation")}  # fmt: skip
PER = {"person_year": N_("per person-year"), "output": N_("output per yuan")}
VERDICTS = {HELD: N_("holds"), EXCUSED: N_("excused"), FAILED: N_("failed"),
            NOT_MEASURABLE: N_("not measurable")}  # fmt: skip
POLICIES = N_(
    "What each policy costs, alone and at its default, 2025-2034: median of cities, lowest … highest"
)
NOTE = N_(
    "Gross: paid from outside. Net: from the city's services. Literature: green where the gross median is "
    "inside; sources in models/laws.yaml."
)
WAYS = (
    N_("1000 yuan per person-year, gross"), N_("the same, net"), N_("Output per yuan, gross"),
    N_("the same, net"), N_("Literature"),
)  # fmt: skip
SUMMARY = N_("{held} of {all} laws hold; {missing} cannot be measured here, which counts as failing.")
_COLOURS = {HELD: "green", EXCUSED: "green", FAILED: "red", NOT_MEASURABLE: "red"}


@dataclass(frozen=True)
class Validation:
    """Everything that `validate` finds; `beside`: the same figures in another reading, `reading`."""

    findings: tuple[Finding, ...] = ()
    checks: tuple[Verdict, ...] = ()
    tests: tuple[StandardTest, ...] = ()
    influences: tuple[Influence, ...] = ()
    beside: tuple[Finding, ...] = ()
    reading: Reading | None = None

    @property
    def passed(self) -> bool:
        """Return whether no calibrate figure, no check and no standard test fails."""
        return (
            not any(finding.fails for finding in self.findings)
            and all(check.passed for check in self.checks)
            and all(test.verdict != "failed" for test in self.tests)
        )


def validate(
    model: Model,
    engine: str = "auto",
    done: Callable[[], None] = lambda: None,
    reading: Reading | None = None,
) -> Validation:
    """Measure the evidence, try the checks and the standard tests.

    A model other than the shipped city's is put through its own Reality Checks only:
    the article's figures are about the city's variables.

    Parameters
    ----------
    done : called after each of the four parts
    reading : one to measure the figures in besides

    Raises
    ------
    InputError
        If the ledger or the checks name what the model lacks.
    """
    from talent_sd.model_tests.sensitivity import measure_influences
    from talent_sd.model_tests.standard_tests import run_standard_tests

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
    other = Laboratory(model, laboratory.outputs, engine, reading) if reading else None
    beside = measure_evidence(model, figures, engine, other) if other else []
    done()
    checks = run_checks(model, read_checks(), engine)
    done()
    influences = measure_influences(laboratory)
    tests = run_standard_tests(laboratory, findings, checks, influences)
    done()
    return Validation(
        tuple(findings), (*checks, *reality), tuple(tests), tuple(influences), tuple(beside), reading
    )


def write_validation(validation: Validation, folder: Path) -> list[str]:
    """Write evidence.csv, checks.csv, standard_tests.csv and sensitivity.csv, those that have rows.

    Returns
    -------
    the files' names
    """
    import pandas as pd

    tables: dict[str, list[dict[str, Any]]] = {
        "evidence.csv": _evidence_rows(validation),
        "checks.csv": [
            _columns(check, "id", "sector", "message", "runs", "verdict", "failure")
            for check in validation.checks
        ],
        "standard_tests.csv": [
            {"test": test.name, "question": test.question["en"]}
            | _columns(test, "verdict", "finding", "backed_by")
            for test in validation.tests
        ],
        "sensitivity.csv": [asdict(influence) for influence in validation.influences],
    }
    for name, rows in tables.items():
        if rows:
            write_frame(folder / name, pd.DataFrame(rows))
    return [name for name, rows in tables.items() if rows]


def _evidence_rows(validation: Validation) -> list[dict[str, object]]:
    """Return the ledger's rows, with what the figures come to in the other reading."""
    rows = [_evidence_row(finding) for finding in validation.findings]
    reading = validation.reading
    for row, other in zip(rows, validation.beside, strict=False):
        row |= {
            "other_reading": reading.name if reading else None,
            "other_value": other.measurement.value,
            "other_comes_out": other.comes_out,
            "other_conditions_broken": "; ".join(other.measurement.broken),
            "other_forbidden_by": forbidden_by(reading, other.figure, "en") if reading else "",
        }
    return rows


def _columns(found: object, *names: str) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}


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
        "comes_out": finding.comes_out,
        # of figures kept out of the fit: whether the test was clean, and why not; do not count one that was not
        "clean": (not figure.unclean) if figure.role == "holdout" else None,
        "unclean_because": figure.unclean,
        "conditions_broken": "; ".join(finding.measurement.broken),
        "explanation": figure.miss if finding.verdict == MISSED or finding.differs else "",
        "one_effect": figure.one_effect,
        "conditions": "; ".join(text for text, _ in finding.measurement.conditions),
        "experiment": figure.experiment,
        "reading": figure.reading,
        "test": figure.test,
        "shown": "; ".join(f"{name}: {number:.4g}" for name, number in finding.measurement.shown.items()),
        "provenance": "claimed by the article; primary source not seen",
    }


def laws_table(judged: Iterable[Judged], lang: str = "en", *, held: bool = True) -> Table:
    """Make the table of laws, one row each: the sentence, the row that is furthest out, the band, the draws.

    Parameters
    ----------
    judged : the laws
    lang : "en" or "zh"
    held : whether laws that hold are listed too
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=tell("Laws that the model must obey", lang), box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left",
                  expand=True, padding=(0, 1, 0, 0))  # fmt: skip
    for key, ratio in (
        (N_("Law"), 1),
        (N_("Value"), None),
        (N_("Band"), None),
        (N_("Verdict"), None),
    ):
        table.add_column(tell(key, lang), overflow="fold", ratio=ratio, max_width=None if ratio else 16)
    for one in judged:
        if one.held and not held:
            continue
        row = furthest_row(one)
        verdict = HELD if one.held else row.verdict
        table.add_row(
            Text.assemble((one.law.id, "bold"), f"\n{getattr(one.law.says, lang)}",
                          (f"\n{row.why}" if row.why else "", "dim")),
            Text(f"{place_name(row.city, lang)}\n{_number(row.value)}"),
            band_text(row.lower, row.upper),
            Text.assemble((tell(VERDICTS[verdict], lang), _COLOURS[verdict]), (_share(row, lang), "dim")),
        )  # fmt: skip
    return table


def cities_table(one: Judged, lang: str = "en") -> Table:
    """Make the table of one law: every city with its value, band and draws."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{one.law.id}: {getattr(one.law.says, lang)}", box=box.SIMPLE_HEAD, pad_edge=False,
                  title_justify="left")  # fmt: skip
    for key in (
        N_("City"),
        N_("Value"),
        N_("Band"),
        N_("Draws in twice the band"),
        N_("Draws with its sign"),
        N_("Verdict"),
    ):
        table.add_column(tell(key, lang), overflow="fold")
    for row in one.rows:
        verdict = tell(VERDICTS[row.verdict] if row.counts else N_("shown"), lang)
        colour = _COLOURS[row.verdict] if row.counts else "dim"
        table.add_row(
            place_name(row.city, lang),
            _number(row.value),
            band_text(row.lower, row.upper) if row.counts else "",
            _percent(row.share_of_draws),
            _percent(row.share_of_sign),
            Text.assemble((verdict, colour), (f" {row.why}" if row.why else "", "dim")),
        )
    return table


def agreement_table(agreements: Sequence[Agreement], time_step: float, lang: str = "en") -> Table:
    """Make the table of how far two engines lie apart: a row per pair, those that disagree in red."""
    from rich.text import Text

    from talent_sd.output.terminal_tables import numbers, rich_table, words

    table = rich_table(
        tell("The native engine against PySD, time step {step}", lang, step=f"{time_step:g}"),
        *words(tell("Scenario", lang), tell("City", lang), overflow="fold"),
        *numbers(tell("Variables", lang), no_wrap=True),
        *words(tell("Largest difference", lang), overflow="fold"),
        *numbers(tell("× tolerance", lang), no_wrap=True),
    )
    for one in agreements:
        told = (one.scenario, one.city, str(one.variables), one.worst_variable, f"{one.times_tolerance:.2g}")
        table.add_row(*map(Text, told), style=None if one.agrees else "red")
    return table


def policy_costs_table(costs: Sequence[PolicyCost], lang: str = "en") -> Table:
    """Make the table of policies: what the median city pays and gets, both ways, beside the range told.

    Medians over cities, with the lowest and the highest below.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=tell(POLICIES, lang), box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left",
                  padding=(0, 1, 0, 0), caption=tell(NOTE, lang), caption_justify="left")  # fmt: skip
    table.add_column(tell("Policy", lang), overflow="fold")
    for key in WAYS:
        table.add_column(tell(key, lang), overflow="fold", justify="right")
    ways = {(one.policy, one.way): one for one in costs}
    for policy in dict.fromkeys(one.policy for one in costs):
        gross, net = ways[policy, "gross"], ways[policy, "net"]
        told = ""
        if gross.told is not None:
            scale = 1000 if gross.told.per == "person_year" else 1
            told = f"{gross.told.range[0] / scale:g} … {gross.told.range[1] / scale:g}"
            told += "\n" + tell(PER[gross.told.per], lang)
        colour = "green" if gross.inside else "red"
        table.add_row(
            shipped_labels().element(policy, lang),
            *(_spread(one.per_person_year / 1000) for one in (gross, net)),
            *(_spread(one.per_yuan) for one in (gross, net)),
            Text(told, style=colour),
        )
    return table


def _spread(values: np.ndarray) -> str:
    """Return the median over the lowest and the highest; what gains nobody is infinite."""
    told = [
        "∞" if np.isinf(v) else digits(float(v), 2) for v in (np.median(values), values.min(), values.max())
    ]
    return f"{told[0]}\n{told[1]} … {told[2]}"


def furthest_row(one: Judged) -> Row:
    """Return the row that says most: of those that count one that fails, else the last."""
    counting = [row for row in one.rows if row.counts]
    failing = [row for row in counting if row.verdict not in (HELD, EXCUSED)]
    return max(failing, key=_distance) if failing else counting[-1]


def place_name(city: str, lang: str) -> str:
    """Return what a row's city is called."""
    return tell(_PLACES[city], lang) if city in _PLACES else city


def band_text(lower: float | None, upper: float | None) -> str:
    """Return a band in few signs.

    >>> band_text(0.4, 0.9), band_text(None, 1.25), band_text(0.02, None)
    ('0.4 … 0.9', '≤ 1.25', '≥ 0.02')
    """
    if lower is None or upper is None:
        return f"≥ {lower:g}" if lower is not None else f"≤ {upper:g}"
    return f"{lower:g} … {upper:g}"


def summary(judged: Sequence[Judged], lang: str = "en") -> str:
    """Return how many laws hold, and how many cannot be measured."""
    held = sum(one.held for one in judged)
    missing = sum(any(row.verdict == NOT_MEASURABLE for row in one.rows if row.counts) for one in judged)
    return tell(SUMMARY, lang, held=held, all=len(judged), missing=missing)


def _distance(row: Row) -> float:
    """Return how far a value lies outside its band, in the band's own size."""
    if np.isnan(row.value):
        return np.inf
    low = -np.inf if row.lower is None else row.lower
    high = np.inf if row.upper is None else row.upper
    size = max(abs(end) for end in (row.lower, row.upper) if end is not None) or 1.0
    return max(low - row.value, row.value - high, 0.0) / size


def _number(value: float) -> str:
    return "" if np.isnan(value) else digits(value)


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{fixed(100 * share)}%"


def _share(row: Row, lang: str) -> str:
    return (
        ""
        if np.isnan(row.share_of_draws)
        else " " + tell("({share} of draws)", lang, share=_percent(row.share_of_draws))
    )
