"""Readings: strict files, a layer under the scenario's own assumptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from talent_sd.base.errors import InputError
from talent_sd.base.language import speaking
from talent_sd.engine.runner import load_model
from talent_sd.inputs import resolve_scenario
from talent_sd.inputs.readings import load_reading
from talent_sd.inputs.shipped_names import shipped_names

STRUCTURE = load_model().structure
HEAD = "title: t\nsummary: s\nassumptions:\n"


def reading(folder: Path, text: str, head: str = HEAD) -> Path:
    file = folder / "mine.yaml"
    file.write_text(head + text, encoding="utf-8")
    return file


def problems(folder: Path, text: str, head: str = HEAD) -> list[str]:
    with pytest.raises(InputError) as caught:
        resolve_scenario("baseline", "hefei", STRUCTURE, reading=reading(folder, text, head))
    return [problem.rpartition("/")[2] for problem in caught.value.problems]


def test_both_readings_ship_and_evidence_changes_nothing() -> None:
    assert shipped_names("reading") == ("article", "evidence")
    assert not load_reading().assumptions
    plain = resolve_scenario("baseline", "hefei", STRUCTURE)
    assert resolve_scenario("baseline", "hefei", STRUCTURE, reading="evidence") == plain


def test_a_reading_sets_what_the_scenario_leaves_alone(tmp_path: Path) -> None:
    file = reading(tmp_path, "  cluster midpoint: {value: 2.2, why: w}\n")
    found = resolve_scenario("baseline", "hefei", STRUCTURE, reading=file)
    value = found.values["cluster midpoint"]
    assert value.value == 2.2
    assert str(value.origin).endswith("mine.yaml:4")
    assert found.sources[value.origin.file] == file.resolve()


def test_the_scenario_wins_and_remembers_the_reading(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "title: t\nextends: baseline\nassumptions:\n"
        "  cluster midpoint: {value: 2.5, why: w}\n  service weight: {value: 0.2, why: w}\n"
        "  'career weight[leading]': {value: 0.3, why: w}\n",
        encoding="utf-8",
    )
    file = reading(
        tmp_path,
        "  cluster midpoint: {value: 2.2, why: w}\n"
        "  service weight: {value: {leading: 0.3, skilled: 0.4}, why: w}\n"
        "  career weight: {value: {leading: 0.2, skilled: 0.1}, why: w}\n",
    )
    values = resolve_scenario(own, "hefei", STRUCTURE, reading=file).values
    assert values["cluster midpoint"].value == 2.5
    assert values["cluster midpoint"].replaced.value == 2.2
    assert str(values["cluster midpoint"].replaced.origin).endswith("mine.yaml:4")
    assert {key: v.value for key, v in values.items() if key.startswith("service weight")} == {
        "service weight": 0.2
    }
    kept = {key: v.value for key, v in values.items() if key.startswith("career weight")}
    assert kept == {"career weight[leading]": 0.3, "career weight[skilled]": 0.1}


def test_everything_wrong_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = (
        "  cluster midpoint: {value: 9, why: w}\n  claster steepness: {value: 2, why: w}\n"
        "  city residents: {value: 2, why: w}\n"
    )
    assert problems(tmp_path, text) == [
        "mine.yaml:4: cluster midpoint is 9, above the model's maximum 3.",
        "mine.yaml:5: unknown constant 'claster steepness'. Did you mean 'cluster steepness'?",
        "mine.yaml:6: 'city residents' is a city's figure, not an assumption. Set residents in the city file.",
    ]


@pytest.mark.parametrize(
    ("text", "head", "told"),
    [
        ("  cluster midpoint: 2\n", HEAD, "mine.yaml:4: cluster midpoint: an assumption needs a reason"),
        (
            "  cluster midpoint: {value: 2, why: w}\n",
            "title: t\nsumary: s\nassumptions:\n",
            "mine.yaml:2: unknown key",
        ),
        (
            "  cluster midpoint: {value: 2, why: w}\n  career weight: {value: 0.2, why: w}\n"
            "  'career weight[leading]': {value: 0.2, why: w}\n",
            HEAD,
            "mine.yaml:6: 'career weight[leading]' is already set on line 5. Keep one of them.",
        ),
    ],
)
def test_faults_of_form_are_refused(tmp_path: Path, text: str, head: str, told: str) -> None:
    assert any(problem.startswith(told) for problem in problems(tmp_path, text, head))


def test_an_unknown_name_is_told_in_both_languages() -> None:
    told = []
    for lang in ("en", "zh"):
        with speaking(lang), pytest.raises(InputError) as caught:
            load_reading("articel")
        told.append(str(caught.value))
    assert (
        told[0]
        == "unknown reading 'articel'. Did you mean 'article'? Shipped: article, evidence; or give a path to a .yaml file."
    )
    assert "articel" in told[1]
