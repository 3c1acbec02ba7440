"""The posterior's centre as the model's constants: a single run is the middle of its own fan."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.uncertainty.posterior import read_posterior
from talent_sd.uncertainty.priors import constant_values

SCRIPT = Path(__file__).parents[2] / ".ci" / "ship_posterior.py"
TEXT = "a rate=\n\t1.6\n\t~\t1/year [0,2]\n\t~\tA rate of 1.6.\n\t|\nanother a rate=\n\t1.6\n\t~\t1\n\t|\n"


def _script() -> ModuleType:
    if not SCRIPT.is_file():
        pytest.skip("needs the repository's own scripts")
    spec = importlib.util.spec_from_file_location("ship_posterior", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ship the shipped posterior again, into a copy of the models."""
    source, models = tmp_path_factory.mktemp("fit"), tmp_path_factory.mktemp("models")
    shutil.copy(shipped_folder("models") / "posterior.json", source)
    shutil.copy(shipped_folder("models") / "city.mdl", models)
    _script().ship(source, models)
    return models


def test_the_centre_is_the_median_draw_of_what_is_no_factor() -> None:
    posterior = read_posterior()
    found = _script().centre(posterior)
    assert set(found) == {
        n for n, factor in zip(posterior.names, posterior.factor, strict=True) if not factor
    }
    column = posterior.values[:, posterior.names.index("convergence rate")]
    assert found["convergence rate"] == pytest.approx(np.median(column), rel=5e-3)


def test_constants_are_set_and_nothing_else_changes() -> None:
    assert _script().with_constants(TEXT, {"a rate": 0.96}) == TEXT.replace("1.6", "0.96", 1)
    with pytest.raises(InputError, match="the model has 0 constants 'b rate'"):
        _script().with_constants(TEXT, {"b rate": 1.0})


def test_a_shipped_models_constants_are_the_centre_of_its_posterior(shipped: Path) -> None:
    posterior = read_posterior(shipped / "posterior.json")
    assert posterior.note["centre"] == _script().centre(posterior)
    model = ts.load_model(shipped / "city.mdl")
    values = constant_values(model.program)
    assert {name: values[name][()] for name in posterior.note["centre"]} == posterior.note["centre"]
    before = (shipped_folder("models") / "city.mdl").read_text("utf-8").splitlines()
    after = (shipped / "city.mdl").read_text("utf-8").splitlines()
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(after, before, strict=True)) <= len(posterior.note["centre"])


def test_what_ships_keeps_to_its_centre() -> None:
    posterior = read_posterior()
    values = constant_values(ts.load_model().program)
    for name, value in posterior.note.get("centre", {}).items():  # none before the first `ship_posterior.py`
        assert values[name][()] == value, f"{name}: run .ci/ship_posterior.py"


@pytest.mark.parametrize("city", ["wuxi", "handan", "shenzhen"])
def test_a_single_run_is_the_middle_of_its_own_fan(shipped: Path, city: str) -> None:
    given = {"city": city, "outputs": ["Residents", "total talent", "value added", "fiscal revenue"]}
    alone = ts.simulate("baseline", model=shipped / "city.mdl", **given)  # type: ignore[arg-type]
    fan = ts.ensemble(
        "baseline",
        draws=300,
        seed=1,
        model=shipped / "city.mdl",
        posterior=shipped / "posterior.json",
        **given,
    )  # type: ignore[arg-type]
    for name in given["outputs"]:
        below = (fan[name].isel(time=-1) < alone[name].isel(time=-1, draw=0)).mean()
        assert 0.35 < float(below) < 0.65, name
