"""What holds for every scenario, seen in runs of the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from talent_sd.engine.runner import Model, load_model
from talent_sd.inputs import Scenario, list_cities, list_scenarios, load_scenario, resolve_scenario

Write = Callable[[str, str], Path]
CHILDREN = [name for name in list_scenarios() if len(load_scenario(name).chain) > 1]
# Stocks that may be negative: balances, and accounts of change against the start.
SIGNED = {
    "Carried Migration",
    "Year Net Flow",
    "Cumulative Net Migration",
    "Poached Talent",
    "Created Talent",
    "Retained Talent",
}
YEARS = list(range(2022, 2035))


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def run(model: Model, scenario: str | Path | Scenario, city: str = "hefei", **changes: Any) -> xr.Dataset:
    params = resolve_scenario(scenario, city, model.structure).params()
    return model.run(params={**params, **changes}, times=YEARS)


def stocks(model: Model) -> list[str]:
    return [name for name, variable in model.structure.variables.items() if variable.kind == "stock"]


def first_start(scenario: Scenario) -> float:
    """Return the first year in which the scenario does something."""
    starts = [float(parts["from"].value) for parts in scenario.policies.values() if "from" in parts]
    starts += [float(parts["at"].value) for parts in scenario.shocks.values()]
    return min(starts)


@pytest.mark.parametrize("name", CHILDREN)
def test_a_scenario_differs_from_its_parent_but_not_before_its_first_start(model: Model, name: str) -> None:
    scenario = load_scenario(name)
    parent = Path(scenario.chain[-2]).stem
    own, before = run(model, name), run(model, parent)
    start = first_start(scenario)
    assert start > YEARS[0]
    assert not own.equals(before)
    moved = [v for v in stocks(model) if not own[v].sel(time=YEARS[-1]).equals(before[v].sel(time=YEARS[-1]))]
    assert len(moved) > 5
    early = [year for year in YEARS if year <= start]
    for variable in stocks(model):
        xr.testing.assert_identical(own[variable].sel(time=early), before[variable].sel(time=early))


def test_a_policy_switched_off_equals_the_policy_absent(model: Model, write: Write) -> None:
    path = write(
        "off.yaml",
        """\
        title: Off
        extends: hefei_combination
        policies: {industry_fund: off, venture_fund: off, talent_apartments: off}
        """,
    )
    xr.testing.assert_identical(run(model, path), run(model, "baseline"))


@pytest.mark.parametrize("name", CHILDREN)
def test_the_settings_of_a_policy_that_is_off_do_not_matter(model: Model, name: str) -> None:
    off = {f"policy switch[{policy}]": 0.0 for policy in load_scenario(name).policies}
    if load_scenario(name).shocks:
        off = {f"{shock.replace('_', ' ')} size": 0.0 for shock in load_scenario(name).shocks}
    own, base = run(model, name, **off), run(model, "baseline")
    for variable in stocks(model):
        xr.testing.assert_identical(own[variable], base[variable])


def test_the_order_of_runs_never_matters(model: Model) -> None:
    first = run(model, "baseline")
    for name in CHILDREN:
        run(model, name, "wuxi")
    xr.testing.assert_identical(run(model, "baseline"), first)


@pytest.mark.parametrize("city", list_cities())
def test_every_city_starts_at_its_own_figures_and_stays_plausible(model: Model, city: str) -> None:
    resolved = resolve_scenario("baseline", city, model.structure)
    forecast = model.run(params=resolved.params(), times=YEARS)
    for name in forecast.data_vars:
        assert np.isfinite(forecast[name].values).all(), name
    for name in set(stocks(model)) - SIGNED:
        # sums of billions of yuan cancel to a ten-thousandth of one
        tolerance = 1e-2 if model.structure[name].unit.startswith("yuan") else 0.0
        assert float(forecast[name].min()) >= -tolerance, name
    for name in [name for name in forecast.data_vars if name.endswith(" share") and "relative" not in name]:
        assert 0 <= float(forecast[name].min()) <= float(forecast[name].max()) <= 1, name
    residents = float(forecast["Residents"].sel(time=2022))
    assert residents == pytest.approx(resolved.params()["city residents"], rel=1e-6)
