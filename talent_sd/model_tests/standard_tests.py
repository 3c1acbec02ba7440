"""The standard tests of system dynamics (Barlas 1996; Sterman 2000, ch. 21), each with what backs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.language import N_, fixed, language, listed, tell
from talent_sd.inputs.city_files import load_city
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.scenario_chain import load_scenario
from talent_sd.inputs.settings import loop_key, policy_key
from talent_sd.laboratory.cases import END, Case, Laboratory
from talent_sd.model_tests.behaviour_checks import Verdict
from talent_sd.model_tests.sensitivity import CITY, OUTCOME, Influence

if TYPE_CHECKING:
    from talent_sd.laboratory.findings import Finding

LARGEST_STEP_ERROR = 0.005
MOST_SENSITIVE = 3
LEAST_CHANGE, WEAK = 1e-6, 0.01
STIRRED_CITY = "mianyang"
STIRRED = {"policy budget share": 0.02, "core team exit time": 2025.0, "core team exit size": 0.5}
TESTS = {
    "boundary": N_("Boundary: is what matters explained inside?"),
    "structure": N_("Structure: do the accounts close?"),
    "units": N_("Units: do they agree in every equation?"),
    "parameters": N_("Parameters: has each a meaning, a source, a range?"),
    "extreme": N_("Extreme conditions: does it stay sensible?"),
    "integration": N_("Integration error: does half the step change results?"),
    "reproduction": N_("Behaviour reproduction: do the figures come out?"),
    "anomaly": N_("Behaviour anomaly: does each loop matter?"),
    "family": N_("Family member: does it carry other cities?"),
    "surprise": N_("Surprise: what was not expected?"),
    "sensitivity": N_("Sensitivity: which inputs matter most?"),
    "improvement": N_("System improvement: does advice from it help?"),
}


TOLD = frozenset({"reproduction", "anomaly", "surprise", "sensitivity", "improvement"})
"""Tests that have a finding and no mark to pass: figures that were fitted prove nothing, a miss explained is one, a loop may
matter little, and a model is no judge of its own advice."""


@dataclass(frozen=True)
class StandardTest:
    """One of the standard tests.

    Parameters
    ----------
    name : of `TESTS`
    passed : whether the model stood it; None where it could not be tried; of one that is `TOLD`, whether it can be told
    finding : what was measured
    backed_by : the test, table or plot that shows it
    """

    name: str
    passed: bool | None
    finding: str
    backed_by: str

    @property
    def verdict(self) -> str:
        """Return "passed", "failed", "told" of what has no mark to pass, or, where the means are missing, "not_tried"."""
        stood = "told" if self.name in TOLD else "passed"
        return {True: stood, False: "failed", None: "not_tried"}[self.passed]

    @property
    def question(self) -> dict[str, str]:
        """Return what the test asks, by language."""
        return {lang: tell(TESTS[self.name], lang) for lang in ("en", "zh")}


def run_standard_tests(
    laboratory: Laboratory,
    findings: Sequence[Finding],
    checks: Sequence[Verdict],
    influences: Sequence[Influence],
) -> list[StandardTest]:
    """Put the city model through the twelve tests.

    Parameters
    ----------
    laboratory : reads the headline outputs
    findings, checks, influences : as measured before

    Returns
    -------
    the tests in the order of `TESTS`
    """
    results = {
        "boundary": _boundary(laboratory),
        "structure": _structure(checks),
        "units": _units(laboratory),
        "parameters": _parameters(laboratory),
        "extreme": _extreme(checks),
        "integration": _integration(laboratory),
        "reproduction": _reproduction(findings),
        "anomaly": _anomaly(laboratory),
        "family": _family(laboratory),
        "surprise": _surprise(findings),
        "sensitivity": _sensitivity(influences),
        "improvement": _improvement(laboratory),
    }
    return [StandardTest(name, *results[name]) for name in TESTS]


Result = tuple[bool | None, str, str]


def _boundary(laboratory: Laboratory) -> Result:
    """Count what the model explains and what it is given."""
    variables = laboratory.model.structure.variables.values()
    stocks = sum(v.kind == "stock" for v in variables)
    given = sum(v.kind == "lookup" for v in variables)
    policies, loops = (len(laboratory.model.structure.subscripts[name]) for name in ("policy", "loop"))
    finding = tell(
        "{stocks} stocks explained, {given} paths given, {policies} policies, {loops} named loops",
        stocks=stocks,
        given=given,
        policies=policies,
        loops=loops,
    )
    return loops > 0 and stocks > given, finding, "models/city.mdl; talent-sd list variables"


def _structure(checks: Sequence[Verdict]) -> Result:
    sums = [check for check in checks if check.id.endswith(("add_up", "adds_up"))]
    broken = [check.id for check in sums if not check.passed]
    finding = tell(
        "{closed} of {all} accounts close in {runs} runs",
        closed=len(sums) - len(broken),
        all=len(sums),
        runs=max(c.runs for c in sums),
    )
    return not broken, finding, tell("checks.csv: people, talent, money, value added up")


def find_unit_faults(path: Path) -> list[str]:
    """Return pysimlin's complaints about a model's units.

    Raises
    ------
    ImportError
        If pysimlin is not installed.
    """
    import simlin

    return [str(fault) for fault in simlin.load(str(path)).check()]


def find_parameter_faults(laboratory: Laboratory) -> list[str]:
    """Return the constants without a source, or without a range that holds them."""
    own = laboratory.constants()
    faults = []
    for variable in laboratory.model.structure.variables.values():
        if variable.kind != "constant":
            continue
        low, high = variable.limits
        values = [v for key, v in own.items() if key.partition("[")[0] == variable.name]
        inside = low is not None and high is not None and all(low <= value <= high for value in values)
        if not inside or "Source:" not in variable.doc:
            faults.append(variable.name)
    return faults


def _units(laboratory: Laboratory) -> Result:
    try:
        faults = find_unit_faults(laboratory.model.path)
    except ImportError:
        return None, tell("pysimlin is not installed"), "pip install 'talent_sd[check]'"
    return (
        not faults,
        tell("{count} warnings of units", count=len(faults)),
        tell("pysimlin's check of every equation"),
    )


def _parameters(laboratory: Laboratory) -> Result:
    faults = find_parameter_faults(laboratory)
    constants = [v for v in laboratory.model.structure.variables.values() if v.kind == "constant"]
    finding = tell(
        "{sound} of {all} constants have a source and a range that holds them; {assumed} of the sources call it an assumption",
        sound=len(constants) - len(faults),
        all=len(constants),
        assumed=sum("assum" in one.doc.partition("Source:")[2].lower() for one in constants),
    )
    return not faults, finding + (tell("; not {names}", names=faults[0]) if faults else ""), "models/city.mdl"


def _extreme(checks: Sequence[Verdict]) -> Result:
    broken = [check.id for check in checks if not check.passed]
    runs = max(check.runs for check in checks)
    finding = tell(
        "{held} of {all} checks of bounds, balances and directions hold in up to {runs} runs; how much a condition does that "
        "stands from the start is not asked, since a city is measured by its own start",
        held=len(checks) - len(broken),
        all=len(checks),
        runs=runs,
    )
    return (
        not broken,
        finding + (tell("; not {names}", names=listed(broken[:3])) if broken else ""),
        "checks.csv",
    )


def _integration(laboratory: Laboratory) -> Result:
    """Halve the step: how far do the headline outputs move?"""
    from talent_sd.laboratory.findings import HEADLINES

    inputs = laboratory.inputs(Case(city=CITY))
    step = laboratory.model.structure.time["TIME STEP"]
    ends = [
        laboratory.model.run(
            params=inputs, outputs=laboratory.outputs, engine=laboratory.engine, time_step=size, times=[END]
        )
        for size in (step, step / 2)
    ]
    moved = {name: abs(float(ends[1][name].sum() / ends[0][name].sum()) - 1) for name in HEADLINES}
    worst = max(moved, key=lambda name: moved[name])
    finding = tell(
        "of {count} stocks and flows half the step moves {worst} most in {year}, by {size}; balances between them move more",
        worst=shipped_labels().variable(worst, language()),
        year=f"{END:g}",
        size=f"{fixed(100 * moved[worst], 2)}%",
        count=len(moved),
    )
    return (
        moved[worst] <= LARGEST_STEP_ERROR,
        finding,
        tell("limit {limit}; tests/city_model", limit=f"{fixed(100 * LARGEST_STEP_ERROR, 1)}%"),
    )


def _reproduction(findings: Sequence[Finding]) -> Result:
    targets = [finding for finding in findings if finding.figure.role == "calibrate"]
    met = sum(finding.verdict == "met" for finding in targets)
    held = [finding for finding in findings if finding.figure.role == "holdout"]
    out = [finding for finding in held if finding.verdict == "met"]
    finding = tell(
        "{met} of {all} figures that were fitted come out, which is no test; of {held} kept out of the fit {out} come out, "
        "{clean} of them never looked at before",
        met=met, all=len(targets), held=len(held), out=len(out), clean=sum(not one.figure.unclean for one in out),
    )  # fmt: skip
    return met == len(targets), finding, tell("evidence.csv; talent-sd backtest for 2010-2020")


def _city(name: str) -> str:
    return load_city(name).title[language()]


def _loop(name: str) -> str:
    return shipped_labels().element(name, language())


def _anomaly(laboratory: Laboratory) -> Result:
    """Open the loops one by one: every one must matter somewhere, or it should not be there.

    The city is one whose pension fund runs dry and whose policy budget is short, under
    a shock and every policy: there all loops have something to do.
    """
    from talent_sd.laboratory.findings import HEADLINES

    loops = laboratory.model.structure.subscripts["loop"]
    policies = laboratory.model.structure.subscripts["policy"]
    stirred = {policy_key(policy): 1.0 for policy in policies} | STIRRED
    cases = {"whole": Case(city=STIRRED_CITY, changes=stirred)}
    for loop in loops:
        cases[loop] = Case(city=STIRRED_CITY, changes={**stirred, loop_key(loop): 0.0})
    traces = laboratory.run(cases)[0]

    def change(loop: str) -> float:
        """Return the largest relative change of a headline output without a loop."""
        whole = traces["whole"]
        return max(
            abs(traces[loop].at(name, END) / whole.at(name, END) - 1) for name in HEADLINES if name != "Fund"
        )

    changes = {loop: change(loop) for loop in loops}
    idle = [loop for loop, size in changes.items() if size < LEAST_CHANGE]
    least = min(changes, key=lambda loop: changes[loop])
    finding = tell(
        "in {city}, under a shock and with every policy, each of {count} loops opened alone changes a headline output in "
        "{year}, {least} least, {size}; {weak} of them change each by less than {limit}",
        city=_city(STIRRED_CITY), count=len(loops), year=f"{END:g}", least=_loop(least),
        size=f"{fixed(100 * changes[least], 2)}%", weak=sum(size < WEAK for size in changes.values()),
        limit=f"{fixed(100 * WEAK)}%",
    )  # fmt: skip
    if idle:
        finding = tell("opened, these change nothing: {loops}", loops=listed(map(_loop, idle)))
    return not idle, finding, tell("talent-sd loops: shares and dominance")


def _family(laboratory: Laboratory) -> Result:
    """Run every shipped city: the same structure must carry all of them."""
    from talent_sd.inputs import list_cities

    cities = list(list_cities())
    traces = laboratory.run({city: Case(city=city) for city in cities})[0]
    growth = {city: traces[city].at(OUTCOME, END) / traces[city].at(OUTCOME, 2022) - 1 for city in cities}
    odd = [city for city, rate in growth.items() if not -0.5 < rate < 2]
    low, high = min(growth, key=lambda c: growth[c]), max(growth, key=lambda c: growth[c])
    finding = tell(
        "{count} cities run; talent to {year} from {least} ({low}) to {most} ({high})",
        count=len(cities),
        year=f"{END:g}",
        least=f"{fixed(100 * growth[low], 0, '+')}%",
        low=_city(low),
        most=f"{fixed(100 * growth[high], 0, '+')}%",
        high=_city(high),
    )
    return not odd, finding, tell("talent-sd run --city; talent-sd backtest for all cities with data")


def _surprise(findings: Sequence[Finding]) -> Result:
    held = [finding for finding in findings if finding.figure.role == "holdout"]
    missed = [finding for finding in held if finding.verdict == "missed"]
    unexplained = [finding.figure.id for finding in missed if not finding.figure.miss]
    finding = tell(
        "{missed} of {all} figures kept out are missed, each with its reason",
        missed=len(missed),
        all=len(held),
    )
    if unexplained:
        finding = tell("missed without a reason: {ids}", ids=listed(unexplained))
    return not unexplained, finding, tell("evidence.csv, explanation")


def _sensitivity(influences: Sequence[Influence]) -> Result:
    """Name the inputs that move talent most; a run that breaks down at an end of a range fails."""
    shown = [
        f"{shipped_labels().variable(one.name, language())} ({fixed(100 * one.width)}%)"
        for one in influences[:MOST_SENSITIVE]
    ]
    finding = tell(
        "of {count} inputs of {city}, each moved alone over all that the file allows (weights that add up to one against one "
        "another, by what their source allows), these move talent in {year} most: {names}",
        city=_city(CITY),
        count=len(influences),
        year=f"{END:g}",
        names=listed(shown),
    )
    return all(np.isfinite(one.width) for one in influences), finding, "sensitivity.csv"


def _improvement(laboratory: Laboratory) -> Result:
    """The mix that the article recommends must beat doing nothing, or the model helps nobody decide."""
    cases = {name: Case(name, CITY) for name in ("baseline", "cash_subsidy_only", "three_dimensional")}
    traces = laboratory.run(cases)[0]
    ends = {name: trace.at(OUTCOME, END) for name, trace in traces.items()}
    gains = {name: ends[name] / ends["baseline"] - 1 for name in cases}
    told = (
        f"{load_scenario(name).title[language()]} {fixed(100 * gains[name], 1, '+')}%"
        for name in list(gains)[:0:-1]
    )
    finding = tell("talent in {year} against the baseline: {gains}", year=f"{END:g}", gains=listed(told))
    return gains["three_dimensional"] > max(gains["cash_subsidy_only"], 0), finding, "talent-sd compare"
