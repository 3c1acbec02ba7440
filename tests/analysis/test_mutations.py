"""Break the model on purpose, once in every sector: at least one check must notice.

All mutations stand in one file, each behind a switch, so that the model is
translated and compiled once: `broken part` = 0 is the model as it is.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from talent_sd.base.files import shipped_folder
from talent_sd.engine.runner import Model, load_model
from talent_sd.laboratory.cases import Laboratory
from talent_sd.laboratory.findings import HEADLINES
from talent_sd.model_tests.behaviour_checks import Verdict, run_checks
from talent_sd.model_tests.check_files import CheckFile, read_checks
from talent_sd.model_tests.standard_tests import find_parameter_faults, find_unit_faults

# sector: (what is broken, where it stands, the expression, what it becomes)
MUTATIONS = {
    "National": (
        "a sign flipped: the nation's balancing term",
        "national balance[age]=\n\t({} - nation flows of age[age])/nation by age[age]",
        "(nation by age next[age] - nation by age[age])/TIME STEP",
        "(nation by age[age] - nation by age next[age] - nation by age[age])/TIME STEP",
    ),
    "City figures": (
        "a ratio upside down: wealth",
        "start wealth ratio=\n\tINITIAL({})\n",
        "(city deposits/city residents)/(national deposits path(Time)/national residents path(Time))",
        "(national deposits path(Time)/national residents path(Time))/(city deposits/city residents)",
    ),
    "Residents": (
        "a term dropped: births are booked and nobody is born",
        "births by age[children]=\n\t{}\n",
        "births",
        "no flow of people",
    ),
    "Talent": (
        "a sign flipped: departures add",
        "- newcomer promotions out[tier] {} - settling[tier] - newcomer shock losses[tier],\n\tstart",
        "- newcomer departures[tier]",
        "+ newcomer departures[tier]",
    ),
    "Talent: posts": (
        "a term dropped: open posts draw nobody",
        "perceived attractiveness[tier]^arrival elasticity*{}*rival effort heard",
        "post ratio heard[tier]^arrivals to posts[tier]",
        "neutral",
    ),
    "Universities and schooling": (
        "a term dropped: nobody leaves the academy trained",
        "academy graduates[skilled]= {} ~~|",
        "academy additions",
        "no flow of people",
    ),
    "Rest of the country": (
        "a sign flipped: rivals give up when a city gains",
        "({} - Rival Effort)/rival response time",
        "relative total talent^rival sensitivity",
        "relative total talent^(-rival sensitivity)",
    ),
    "Attractiveness": (
        "a sign flipped: dear homes attract",
        "*relative price to income heard^({})*satisfaction heard^service weight[tier]",
        "-housing weight[tier]",
        "housing weight[tier]",
    ),
    "Culture": (
        "a term dropped: culture never wears out",
        "Cultural Capital= INTEG (\n\tculture investment - {},",
        "cultural wear",
        "no yearly money",
    ),
    "Jobs and cluster": (
        "a term dropped: fund money does not reach industry",
        "ordinary investment*industry allocation[industry] + {} - industry capital depreciation[industry],",
        "fund money[industry]*fund money in capital[industry]",
        "no yearly money",
    ),
    "Innovation": (
        "a sign flipped: leaders hinder research",
        "leading presence heard for research^{}*relative talent[professional]",
        "research exponent[leading]",
        "(-research exponent[leading])",
    ),
    "Economy and taxes": (
        "a term dropped: talent yields nothing",
        "value added as modelled=\n\tproductive capacity*{}*relative knowledge heard",
        "talent output effect",
        "neutral",
    ),
    "Housing": (
        "a term dropped: vouchers reach nobody",
        "(1 + newcomer housing part*MIN({}*price to income/dear homes + apartment relief*apartment coverage, largest relief)",
        "Policy Reach[housing_voucher]",
        "no level",
    ),
    "Public services": (
        "a term dropped: hospitals do not satisfy",
        "*(1 + coverage gain[medical]*{})*",
        "service coverage[medical]",
        "no level",
    ),
    "Social security": (
        "a sign flipped: pensions fill the fund",
        "contributions + fund subsidy + fund interest + pool transfer + last grant - {},",
        "benefits",
        "(-benefits)",
    ),
    "City brand": (
        "a sign flipped: losses make a name",
        "relative residents^{}*relative value added^",
        "people to brand",
        "(-people to brand)",
    ),
    "Policies and budget": (
        "a term dropped: policies cost the budget nothing",
        "- debt interest - (1 - paid from outside)*{} - fund subsidy heard",
        "total policy spending",
        "no yearly money",
    ),
    "Loops": (
        "a start value dropped from an open loop",
        "relative price to income + (1 - loop closed[housing])*{}\n",
        "relative price to income at start",
        "half of it",
    ),
    "Accounts": (
        "a term dropped: the retired are not counted out",
        "\n\t\t+ {} + SUM(newcomer shock losses[tier!]) + SUM(settled shock losses[tier!]), no people)",
        "SUM(retirements[tier!])",
        "no flow of people",
    ),
}


@pytest.fixture(name="broken_model", scope="module")
def broken_model_fixture(tmp_path_factory: pytest.TempPathFactory) -> Model:
    text = (shipped_folder("models") / "city.mdl").read_text(encoding="utf-8")
    for number, (_, where, right, wrong) in enumerate(MUTATIONS.values(), start=1):
        place = where.format(right)
        assert text.count(place) == 1, place
        text = text.replace(place, where.format(_switched(right, wrong, number)))
    constant = "broken part=\n\t0\n\t~\tDmnl [0,100]\n\t~\tWhich part is broken. Source: test.\n\t|\n"
    text = text.replace("loop closed[loop]=\n", constant + "loop closed[loop]=\n", 1)
    path: Path = tmp_path_factory.mktemp("broken") / "city.mdl"
    path.write_text(text, encoding="utf-8")
    return load_model(path)


def _switched(right: str, wrong: str, number: int) -> str:
    """Return an expression that is `wrong` when the part of that number is broken."""
    sign, one, other = "", right, wrong
    if right.startswith("- "):  # a term with its sign: "- x" becomes "+ (x or -x)"
        sign, one, other = "+ ", f"-{right[2:]}", wrong[2:]
    return f"{sign}IF THEN ELSE(broken part = {number}, {other}, {one})"


@pytest.fixture(name="checks", scope="module")
def checks_fixture(broken_model: Model) -> CheckFile:
    return read_checks()


def _failing(model: Model, checks: CheckFile, number: int) -> list[Verdict]:
    verdicts = run_checks(model, checks, thorough=False, everywhere={"broken part": float(number)})
    return [verdict for verdict in verdicts if not verdict.passed]


def test_every_sector_with_checks_is_broken_once(checks: CheckFile) -> None:
    broken = {name.partition(":")[0] for name in MUTATIONS}
    assert broken == {check.sector for check in checks.checks}


def test_the_model_unbroken_passes(broken_model: Model, checks: CheckFile) -> None:
    assert _failing(broken_model, checks, 0) == []


@pytest.mark.filterwarnings("ignore::talent_sd.base.errors.NonFiniteWarning")
@pytest.mark.parametrize("sector", list(MUTATIONS))
def test_a_check_notices_what_is_broken(broken_model: Model, checks: CheckFile, sector: str) -> None:
    number = list(MUTATIONS).index(sector) + 1
    assert _failing(broken_model, checks, number), MUTATIONS[sector][0]


def _laboratory(folder: Path, old: str, new: str) -> Laboratory:
    text = (shipped_folder("models") / "city.mdl").read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = folder / "city.mdl"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return Laboratory(load_model(path), HEADLINES)


def test_months_in_place_of_years_are_outside_the_range(tmp_path: Path) -> None:
    laboratory = _laboratory(tmp_path, "grant lag=\n\t2.5\n", "grant lag=\n\t30\n")
    assert find_parameter_faults(laboratory) == ["grant lag"]


def test_a_price_in_place_of_a_wage_is_a_fault_of_units(tmp_path: Path) -> None:
    laboratory = _laboratory(
        tmp_path, "average pay=\n\tcity average wage*", "average pay=\n\tcity house price*"
    )
    assert find_unit_faults(laboratory.model.path)
