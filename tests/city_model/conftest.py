"""The city model on the native engine, and short ways to run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from talent_sd.engine.runner import Model, load_model
from talent_sd.scenario import load_city, read_national, resolve_scenario

Run = Callable[..., xr.Dataset]


@pytest.fixture(scope="session")
def model() -> Model:
    return load_model()


@pytest.fixture(scope="session")
def params_of(model: Model) -> Callable[[str, str], dict[str, Any]]:
    """Give the parameters of a scenario in a city, resolved once."""
    national = read_national("central")
    known: dict[tuple[str, str], dict[str, Any]] = {}

    def resolved(scenario: str, city: str) -> dict[str, Any]:
        if (scenario, city) not in known:
            known[scenario, city] = resolve_scenario(
                scenario, load_city(city), model.structure, context=national
            ).params()
        return known[scenario, city]

    return resolved


@pytest.fixture(scope="session")
def run(model: Model, params_of: Callable[[str, str], dict[str, Any]]) -> Run:
    """Run a scenario in a city, with changes to its parameters, every year of the forecast."""

    def run_once(
        scenario: str = "baseline", city: str = "hefei", changes: dict[str, Any] | None = None, **how: Any
    ) -> xr.Dataset:
        params = {**params_of(scenario, city), **(changes or {})}
        how.setdefault("times", np.arange(2022.0, how.get("final_time", 2034.0) + 1))
        return model.run(params, **how)

    return run_once
