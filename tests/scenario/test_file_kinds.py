"""A file of another kind than what is wanted is told in one message that says where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.base.messages import speaking
from talent_sd.inputs import check_file, load_city, load_scenario, read_national
from talent_sd.inputs.file_kinds import kind_of
from talent_sd.inputs.strict_yaml import read_yaml
from talent_sd.model.read import read_structure

SCENARIOS, MODELS = shipped_folder("scenarios"), shipped_folder("models")
FILES = {
    "a scenario": SCENARIOS / "hefei_combination.yaml",
    "a city file": SCENARIOS / "cities" / "hefei.yaml",
    "a national path": SCENARIOS / "national" / "central.yaml",
    "a file of loops": MODELS / "loops.yaml",
    "a file of checks": MODELS / "city.checks.yaml",
    "a file of ranges of constants": MODELS / "priors.yaml",
    "a ledger of evidence": MODELS / "evidence.yaml",
    "a model": MODELS / "city.mdl",
}
READERS: dict[str, Callable[[Path], object]] = {
    "a scenario": load_scenario,
    "a city file": load_city,
    "a national path": read_national,
}


@pytest.mark.parametrize("wanted", READERS)
@pytest.mark.parametrize("found", FILES)
def test_a_file_in_the_wrong_place_is_one_message(found: str, wanted: str) -> None:
    if found == wanted:
        READERS[wanted](FILES[found])
        return
    with pytest.raises(InputError) as caught:
        READERS[wanted](FILES[found])
    (problem,) = caught.value.problems
    assert f"{FILES[found].name}: this is {found}, not {wanted}." in problem


def test_the_message_says_where_it_belongs_in_both_languages() -> None:
    city = FILES["a city file"]
    with pytest.raises(InputError, match=r"Give it with --city\."):
        load_scenario(city)
    with speaking("zh"), pytest.raises(InputError, match=r"这是城市文件，不是情景文件。请用 --city 给出。"):
        load_scenario(city)


@pytest.mark.parametrize("name", ["baseline", "cash_subsidy_only", "core_team_exit", "three_dimensional"])
def test_every_kind_of_scenario_is_a_scenario(name: str) -> None:
    assert kind_of(read_yaml(SCENARIOS / f"{name}.yaml")) == "scenario"


def test_every_shipped_file_is_of_its_kind() -> None:
    for folder, kind in (("cities", "city"), ("national", "national")):
        for file in (SCENARIOS / folder).glob("*.yaml"):
            assert kind_of(read_yaml(file)) == kind, file


def test_a_scenario_with_one_mistyped_key_is_still_told_key_by_key(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("title: {en: A, zh: 甲}\npolcies: {}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine.yaml:2: unknown key 'polcies'. Did you mean 'policies'\?"):
        load_scenario(file)


def test_check_says_what_reads_a_part_of_a_model() -> None:
    structure = read_structure(MODELS / "city.mdl")
    kind, problems = check_file(FILES["a ledger of evidence"], structure)
    assert kind == "file"
    assert len(problems) == 1
    assert problems[0].endswith(
        "evidence.yaml: this is a ledger of evidence, which belongs to a model. `check` reads scenario, city, national and "
        "model files; `talent-sd validate` reads this one."
    )
