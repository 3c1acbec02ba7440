"""The ledger of evidence, its experiments, and the fit that the model's values come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError
from talent_sd.engine.runner import Model, load_model
from talent_sd.evidence import measure_evidence, read_fit
from talent_sd.inputs import list_scenarios
from talent_sd.inputs.evidence_ledger import Figure, cited_by, paths_between, read_evidence
from talent_sd.laboratory.cases import AVERAGE, Case, Laboratory, Measurement
from talent_sd.laboratory.findings import Finding, all_experiments, experiments_for

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture(name="model", scope="module")
def model_fixture() -> Model:
    return load_model()


@pytest.fixture(name="findings", scope="module")
def findings_fixture(model: Model) -> dict[str, Finding]:
    return {finding.figure.id: finding for finding in measure_evidence(model)}


def _entry(**changes: str) -> str:
    entry = {
        "id": "E01", "topic": "jobs", "role": "holdout", "unit": "share", "statement": "s", "reading": "r",
        "test": "t", "experiment": "hub_share_of_movers", "value": "0.5", **changes,
    }  # fmt: skip
    return "\n    ".join(f"{key}: {value}" for key, value in entry.items() if value != "-")


def _problems(path: Path, *entries: str) -> tuple[str, ...]:
    file = path / "evidence.yaml"
    file.write_text("figures:\n" + "".join(f"  - {entry}\n" for entry in entries), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_evidence(file)
    return tuple(problem.removeprefix(f"{path}/") for problem in caught.value.problems)


def test_the_ledger_holds_the_articles_25_figures() -> None:
    assert [figure.id for figure in read_evidence()] == [f"E{number:02d}" for number in range(1, 26)]


def test_every_citation_resolves_and_no_figure_is_orphaned(model: Model) -> None:
    known = {figure.id for figure in read_evidence()}
    assert known == {ident for ident in cited_by(model.structure) if re.fullmatch(r"E\d\d", ident)}


def test_every_figure_that_a_scenario_or_city_names_is_in_the_ledger() -> None:
    known = {figure.id for figure in read_evidence()}
    files = [*SCENARIOS.glob("*.yaml"), *SCENARIOS.glob("*/*.yaml")]
    cited = {ident for file in files for ident in re.findall(r"\bE\d\d\b", file.read_text(encoding="utf-8"))}
    assert len(files) > len(list_scenarios())
    assert cited
    assert cited <= known


def test_every_experiment_serves_one_figure_and_exists() -> None:
    named = [figure.experiment for figure in read_evidence()]
    assert sorted(named) == sorted(all_experiments())


def test_experiments_change_inputs_never_equations(model: Model) -> None:
    variables = model.structure.variables
    for experiment in all_experiments().values():
        for case in experiment.cases.values():
            for key in (*case.changes, *case.shifts):
                assert variables[key.partition("[")[0]].kind == "constant", (experiment.name, key)


def test_no_figure_is_an_outputs_own_constant(model: Model) -> None:
    for experiment in all_experiments().values():
        for name in experiment.reads:
            assert model.structure.variables[name].kind in {"stock", "auxiliary"}, (experiment.name, name)


@pytest.mark.parametrize("figure", [f for f in read_evidence() if f.role == "calibrate"], ids=lambda f: f.id)
def test_a_calibrated_figure_comes_out_of_its_experiment(
    figure: Figure, findings: dict[str, Finding]
) -> None:
    finding = findings[figure.id]
    assert finding.measurement.broken == ()
    assert finding.verdict == "met", finding.measurement.value


def test_start_values_and_settings_behave(findings: dict[str, Finding]) -> None:
    shown = [f for f in findings.values() if f.figure.role in ("initial", "policy")]
    assert [f.figure.id for f in shown if f.verdict != "shown"] == []


def test_a_figure_is_explained_if_and_only_if_it_is_missed_or_data_differ(
    findings: dict[str, Finding],
) -> None:
    missed = {f.figure.id for f in findings.values() if f.verdict == "missed" or f.differs}
    assert missed == {f.figure.id for f in findings.values() if f.figure.miss}
    assert missed == {f.figure.id for f in findings.values() if f.figure.miss_zh}
    roles = {findings[ident].figure.role for ident in missed}
    assert roles == {"holdout", "initial", "article"}


def test_the_readme_counts_what_comes_out_and_what_is_missed(findings: dict[str, Finding]) -> None:
    readme = " ".join((SCENARIOS.parent / "models" / "README.md").read_text(encoding="utf-8").split())
    used = [f for f in findings.values() if f.figure.role == "calibrate"]
    held = [f for f in findings.values() if f.figure.role == "holdout"]
    missed = sum(f.verdict == "missed" for f in held)
    assert f"All {len(used)} figures used in the fit come out." in readme
    assert (
        f"Of the {len(held)} figures kept out of the fit, {len(held) - missed} come out and {missed} are missed"
        in readme
    )


def test_the_models_values_are_the_fits(model: Model) -> None:
    own = Laboratory(model, ["Residents"]).constants()
    fitted = read_fit().values()
    assert {name: own[name] for name in fitted} == pytest.approx(fitted, rel=1e-5)


def test_the_record_of_the_fit_tells_what_the_model_shows(findings: dict[str, Finding]) -> None:
    recorded = read_fit().result["figures"]
    assert set(recorded) == {i for i, f in findings.items() if f.figure.role == "calibrate"}
    for ident, value in recorded.items():
        assert findings[ident].measurement.value == pytest.approx(value, rel=2e-3), ident


def test_the_fit_uses_no_holdout_and_stays_within_the_models_limits(model: Model) -> None:
    roles = {figure.id: figure.role for figure in read_evidence()}
    for effect in read_fit().effects.values():
        assert roles[effect.figure] == "calibrate"
        for end in (effect.low, effect.high):
            for name, value in effect.values(end).items():
                low, high = model.structure.variables[name.partition("[")[0]].limits
                assert low is not None
                assert high is not None
                assert low <= value <= high, (name, value)


def test_a_figure_is_traced_to_the_equation_parts_that_yield_it(model: Model) -> None:
    path = paths_between(model.structure, ["retention per maturity level"], "cohort retention")
    assert path == (
        "cohort retention",
        "Tagged Cohort",
        "cohort departures",
        "programme hazard",
        "retention per maturity level",
    )


def test_several_repetitions_of_a_case_are_those_of_one_by_one(model: Model) -> None:
    laboratory = Laboratory(model, ["Residents", "total talent"])
    cases = {"city": Case(city=AVERAGE), "wuxi": Case(city="wuxi")}
    values = [{"newcomer hazard reference": 0.4}, {"newcomer hazard reference": 0.5}]
    together = laboratory.run(cases, values)
    for traces, given in zip(together, values, strict=True):
        alone = laboratory.run({"wuxi": Case(city="wuxi", changes=given)})[0]
        assert traces["wuxi"].at("total talent", 2034) == alone["wuxi"].at("total talent", 2034)
    assert together[0]["city"].at("Residents", 2022) == pytest.approx(4435300)


def test_verdicts() -> None:
    figure = next(f for f in read_evidence() if f.id == "E12")
    met, missed = Finding(figure, Measurement(3.0)), Finding(figure, Measurement(2.9))
    broken = Finding(figure, Measurement(4.0, (("it lasts", False),)))
    assert (met.verdict, missed.verdict, broken.verdict) == ("met", "missed", "missed")
    assert missed.fails
    assert not Finding(figure.model_copy(update={"role": "holdout"}), Measurement(2.9)).fails
    assert Finding(figure.model_copy(update={"role": "initial"}), Measurement(2.9)).verdict == "shown"


def test_the_tolerance_is_the_stated_one_the_range_or_a_tenth() -> None:
    figure = read_evidence()[0]
    assert figure.allowance == 0.05
    assert figure.model_copy(update={"tolerance": None}).allowance == pytest.approx(0.072)
    assert figure.model_copy(update={"value": (3.0, 5.0)}).met_by(5.0)
    assert not figure.model_copy(update={"value": (3.0, 5.0)}).met_by(5.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role": "holduot"}, "2: E01: unknown role 'holduot'. Did you mean 'holdout'? Use one of initial, policy, "
         "calibrate, article, holdout."),
        ({"reading": "-"}, "2: the key 'reading' is missing in E01. Add it."),
        ({"id": "X1"}, "2: X1: 'X1' is no id. Write E and two digits."),
        ({"value": "[5, 3]"}, "10: E01.value: a range is [lowest, highest]."),
        ({"value": "much"}, "10: E01.value: value is 'much', not a number or a range [lowest, highest]."),
        ({"role": "calibrate", "value": "-"}, "2: E01: a figure to calibrate to needs a value."),
        ({"bound": "over"}, "2: E01: unknown bound 'over'. Use one of at_least, at_most."),
        ({"role": "article", "value": "-"}, "2: E01: a figure to calibrate to needs a value."),
        ({"role": "calibrate", "unclean": "x"},
         "2: E01: 'unclean' is for a figure held out, not for role 'calibrate'. Take it out."),
        ({"tolerence": "0.1"}, "11: unknown key 'tolerence' in E01. Did you mean 'tolerance'?"),
        ({"test": "[]"}, "8: E01.test is a list; give text."),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_told_with_its_line(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    assert _problems(tmp_path, _entry(**changes)) == (f"evidence.yaml:{message}",)


def test_an_id_twice_is_refused(tmp_path: Path) -> None:
    assert _problems(tmp_path, _entry(), _entry()) == (
        "evidence.yaml:11: E01 is there twice. Give each figure its own id.",
    )


def test_an_empty_ledger_is_refused(tmp_path: Path) -> None:
    assert _problems(tmp_path) == ("evidence.yaml:1: figures is empty. Fill it, or leave the key out.",)


def test_an_experiment_that_does_not_exist_is_refused() -> None:
    figure = read_evidence()[0].model_copy(update={"experiment": "hub_share"})
    with pytest.raises(InputError) as caught:
        experiments_for([figure])
    assert caught.value.problems == (
        f"evidence.yaml:{figure.line}: E01: no experiment 'hub_share'. Did you mean 'hub_share_of_movers'?",
    )


def test_a_standard_test_without_its_means_is_not_called_passed(monkeypatch):
    from types import SimpleNamespace

    from talent_sd.model_tests import standard_tests

    def missing(path):
        raise ImportError("pysimlin")

    monkeypatch.setattr(standard_tests, "find_unit_faults", missing)
    laboratory = SimpleNamespace(model=SimpleNamespace(path="city.mdl"))
    test = standard_tests.StandardTest("units", *standard_tests._units(laboratory))
    assert (test.verdict, test.finding) == ("not_tried", "pysimlin is not installed")
