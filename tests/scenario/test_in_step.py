"""The files that ship agree with one another and with the model."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError, OddFigure
from talent_sd.base.files import shipped_folder
from talent_sd.inputs import (
    check_file,
    list_cities,
    list_scenarios,
    load_city,
    load_scenario,
    read_mapping,
    resolve_scenario,
)
from talent_sd.inputs.checking import same_unit
from talent_sd.inputs.file_schemas import schemas_folder
from talent_sd.inputs.setting_checks import shocks_of
from talent_sd.inputs.settings import split_key
from talent_sd.model.read import read_structure
from talent_sd.model.structure import Structure

Write = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def model() -> Structure:
    return read_structure(shipped_folder("models") / "city.mdl")


@pytest.fixture(name="schemas", scope="module")
def schemas_fixture() -> dict[str, str]:
    path = Path(__file__).parents[2] / ".ci" / "json_schemas.py"
    return dict(runpy.run_path(str(path))["schema_texts"]())


@pytest.mark.parametrize("name", sorted(path.name for path in schemas_folder().glob("*.json")))
def test_the_json_schemas_are_those_of_the_models(name: str, schemas: dict[str, str]) -> None:
    text = (schemas_folder() / name).read_text(encoding="utf-8")
    assert text == schemas[name], "run python .ci/json_schemas.py"
    assert json.loads(text)["additionalProperties"] is False


def test_no_stray_schema_is_kept(schemas: dict[str, str]) -> None:
    assert {path.name for path in schemas_folder().glob("*.json")} == set(schemas)


@pytest.mark.parametrize("city", list_cities())
def test_every_scenario_resolves_for_every_city(city: str, model: Structure) -> None:
    loaded = load_city(city)
    for name in list_scenarios():
        resolved = resolve_scenario(name, loaded, model)
        assert all(key.split("[")[0] in model.variables for key in resolved.params())


@pytest.mark.parametrize("kind", ["cities", "national", "."])
def test_every_shipped_file_passes_its_own_check(kind: str, model: Structure) -> None:
    paths = sorted((shipped_folder("scenarios") / kind).glob("*.yaml"))
    assert paths
    assert {path.name: check_file(path, model)[1] for path in paths} == {path.name: () for path in paths}


def test_a_scenario_sets_something_its_parent_does_not(model: Structure) -> None:
    for name in list_scenarios():
        scenario = load_scenario(name)
        if len(scenario.chain) > 1:
            own = resolve_scenario(name, "wuxi", model).params()
            parent = resolve_scenario(scenario.chain[-2].split("/")[-1].removesuffix(".yaml"), "wuxi", model)
            assert own != parent.params()


TOLD = ("city ", "province ", "known ", "residents ceiling", "nation bachelor", "nation employment", "national oldest",
        "pensioners of state firms", "space per person")  # fmt: skip


def test_the_models_city_constants_are_all_mapped_in_their_unit(model: Structure) -> None:
    mapped = read_mapping().content.constants
    wanted = {n for n, v in model.variables.items() if v.kind == "constant" and n.startswith(TOLD)}
    assert wanted
    assert wanted == {split_key(name)[0] for name, rule in mapped.items() if not rule.optional}
    optional = {name for name, rule in mapped.items() if rule.optional}
    assert optional == {"start fund years"}
    assert {model.variables[name].kind for name in optional} == {"constant"}
    for name, rule in mapped.items():
        assert same_unit(rule.unit, model.variables[split_key(name)[0]].unit), name


SHOCKS = ("core_team_exit", "rival_pay", "job_loss", "revenue_loss", "house_price_shock")


def test_a_time_that_is_a_span_makes_no_shock(model: Structure, write: Write) -> None:
    assert {"cohort time", "cohort size"} <= set(model.variables)
    assert shocks_of(model) == SHOCKS
    path = write("s.yaml", "title: S\nshocks:\n  cohort: {at: 2027, size: 2}\n")
    with pytest.raises(InputError) as caught:
        resolve_scenario(path, "wuxi", model)
    assert list(caught.value.problems) == [
        "s.yaml:3: unknown shock 'cohort'. Known: " + ", ".join(SHOCKS) + "."
    ]


def test_a_scenario_goes_before_a_city_where_the_models_own_value_may_stand(
    model: Structure, write: Write
) -> None:
    fund = "  pension_fund_balance: {unit: yuan, source: yearbook, values: {2022: 6.0e10}}\n"
    fund += "  pension_fund_payments: {unit: yuan/year, source: yearbook, values: {2022: 5.0e10}}\n"
    shipped = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8")
    city = write("mine.yaml", shipped.replace("\nfigures:\n", f"\nfigures:\n{fund}"))
    assert "start fund years" not in resolve_scenario("baseline", "wuxi", model).params()
    assert resolve_scenario("baseline", city, model).params()["start fund years"] == 1.2
    assumed = "title: S\nassumptions:\n  start fund years: {value: 0.5, why: tried}\n"
    assert resolve_scenario(write("s.yaml", assumed), city, model).params()["start fund years"] == 0.5
    city = write(
        "rich.yaml", shipped.replace("\nfigures:\n", f"\nfigures:\n{fund.replace('6.0e10', '2.0e11')}")
    )
    with (
        pytest.warns(OddFigure, match=r"pension_fund_balance / pension_fund_payments in 2022 is 4, out of"),
        pytest.raises(InputError, match=r"start fund years is 4, above the model's maximum 3 year"),
    ):
        resolve_scenario("baseline", city, model)


def test_the_fourteen_cities_and_the_average_ship_with_their_facts() -> None:
    assert list_cities() == (
        "average", "beijing", "changsha", "chengdu", "dongguan", "handan", "hangzhou", "hefei",
        "mianyang", "shanghai", "shenyang", "shenzhen", "suzhou", "wuxi", "zhengzhou",
    )  # fmt: skip
    for name in list_cities():
        city = load_city(name)
        assert city.title["en"].lower() == ("average city" if name == "average" else name)
        assert all(figure.source and figure.origin.line for figure in city.figures.values())
        assert {2010, 2020} <= set(city.figures["census_population"].values)
        assert city.notes
