"""A condensed ensemble shows what the whole one shows."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from talent_sd.forecast import spread as module
from talent_sd.forecast.spread import condense


def _spread(draws: int) -> xr.Dataset:
    values = np.random.default_rng(0).lognormal(size=(2, draws, 3, 4))
    data = {
        "x": (("scenario", "draw", "time", "tier"), values, {"units": "person"}),
        "y": (("scenario", "draw", "time"), values[..., 0]),
    }
    coords = {
        "scenario": ["a", "b"],
        "draw": np.arange(draws),
        "time": [2022.0, 2023.0, 2024.0],
        "title_en": ("scenario", ["A", "B"]),
        "drawn": (("draw", "parameter"), np.ones((draws, 1))),
    }
    return xr.Dataset(data, coords, {"seed": 1})


@pytest.mark.parametrize("at_once", [10**8, 1])
def test_every_shown_quantile_is_the_same(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(module, "LARGE", 1000)
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    spread = _spread(1777)
    small = condense(spread)
    assert dict(small["x"].sizes) == {"scenario": 2, "draw": 1001, "time": 3, "tier": 4}
    for chance in (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975):
        for name in ("x", "y"):
            expected = spread[name].quantile(chance, "draw")
            np.testing.assert_allclose(small[name].quantile(chance, "draw"), expected, rtol=1e-12)


def test_labels_units_and_the_number_of_draws_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 10)
    small = condense(_spread(20))
    assert small.attrs == {"seed": 1, "draws": 20}
    assert small["x"].attrs == {"units": "person"}
    assert small["title_en"].values.tolist() == ["A", "B"]
    assert "drawn" not in small.variables


def test_few_draws_stay_as_they_are() -> None:
    spread = _spread(50)
    assert condense(spread) is spread
