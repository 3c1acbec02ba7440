"""The city model on the native engine, and short ways to run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from talent_sd.engine.runner import Model, load_model
from talent_sd.inputs import load_city, read_national, resolve_scenario

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
    """Run a scenario in a city, with changes to its parameters, every year of the forecast; once each."""
    known: dict[str, xr.Dataset] = {}

    def run_once(
        scenario: str = "baseline", city: str = "hefei", changes: dict[str, Any] | None = None, **how: Any
    ) -> xr.Dataset:
        key = repr((scenario, city, changes or {}, how))
        if key not in known:
            params = {**params_of(scenario, city), **(changes or {})}
            how.setdefault("times", np.arange(2022.0, how.get("final_time", 2034.0) + 1))
            known[key] = model.run(params, **how)
        return known[key]

    return run_once


@pytest.fixture(scope="session")
def stacked(model: Model) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Put the parameters of several runs side by side, a member each; what one leaves out is the default."""
    defaults = model.run(times=[2022.0]).isel(time=0)

    def default(key: str) -> float:
        name, _, element = key.rstrip("]").partition("[")
        found = defaults[name]
        return float(found.sel({found.dims[0]: element}) if element else found)

    def stack(members: list[dict[str, Any]]) -> dict[str, Any]:
        lookups = {key: value for key, value in members[0].items() if isinstance(value, tuple)}
        numbers = {key for member in members for key in member} - set(lookups)
        return lookups | {
            key: np.array([member[key] if key in member else default(key) for member in members])
            for key in sorted(numbers)
        }

    return stack
