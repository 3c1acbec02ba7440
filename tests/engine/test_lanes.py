"""A run broadcasts over cities, scenarios, coalitions and draws, and gives what single runs give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.base.errors import ModelError
from talent_sd.engine.lanes import chosen_tables
from talent_sd.engine.runner import Model

MODEL = """{UTF-8}
kind: young, old ~~|
price((0,1),(10,2)) ~ 1 ~ . |
rate[kind] = 0.1, 0.2 ~ 1/year ~ . |
extra = 0 ~ 1/year ~ . |
Stock[kind] = INTEG(Stock[kind] * (rate[kind] + extra) * price(Time), 100) ~ person ~ . |
INITIAL TIME = 0 ~ year ~ . |
FINAL TIME = 4 ~ year ~ . |
TIME STEP = 0.5 ~ year ~ . |
SAVEPER = 1 ~ year ~ . |
"""
CURVES = (((0.0, 10.0), (1.0, 2.0)), ((0.0, 10.0), (3.0, 1.0)))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    file = tmp_path_factory.mktemp("model") / "small.mdl"
    file.write_text(MODEL, encoding="utf-8")
    return ts.load_model(file)


def test_values_along_different_axes_are_broadcast_and_equal_single_runs(model: Model) -> None:
    young = xr.DataArray([0.1, 0.15, 0.3], {"city": ["a", "b", "c"]}, ("city",))
    noise = xr.DataArray(
        np.random.default_rng(0).normal(0, 0.02, (2, 2, 5)),
        {"scenario": ["x", "y"], "time": np.arange(5.0)},
        ("scenario", "draw", "time"),
    )
    tables = chosen_tables(CURVES, np.array([1, 0]))
    given = {"rate[young]": young, "rate[old]": np.array([0.2, 0.4]), "price": tables}
    whole = model.run(given, {"extra": noise}, ["Stock"])
    assert whole["Stock"].dims == ("city", "scenario", "draw", "time", "kind")
    assert whole["city"].values.tolist() == ["a", "b", "c"]
    for c in range(3):
        for s in range(2):
            for d in range(2):
                alone = model.run(
                    {"rate[young]": float(young[c]), "rate[old]": (0.2, 0.4)[d], "price": CURVES[1 - d]},
                    {"extra": noise[s, d]},
                    ["Stock"],
                )
                np.testing.assert_array_equal(whole["Stock"][c, s, d], alone["Stock"])


def test_an_axis_of_length_one_stays_and_no_draw_axis_comes_by_itself(model: Model) -> None:
    one = xr.DataArray([[0.3, 0.4]], {"kind": ["young", "old"]}, ("coalition", "kind"))
    found = model.run({"rate": one}, outputs=["Stock"])["Stock"]
    assert found.dims == ("coalition", "time", "kind")
    alone = model.run({"rate": {"young": 0.3, "old": 0.4}}, outputs=["Stock"])
    np.testing.assert_array_equal(found[0], alone["Stock"])


def test_a_lookup_that_differs_by_draw_alone_gives_each_draw_its_own(model: Model) -> None:
    found = model.run(
        {"price": chosen_tables(CURVES, np.array([0, 1, 0]))}, outputs=["Stock"], first_member=7
    )
    assert found["draw"].values.tolist() == [7, 8, 9]
    for draw, number in enumerate((0, 1, 0)):
        alone = model.run({"price": CURVES[number]}, outputs=["Stock"])
        np.testing.assert_array_equal(found["Stock"][draw], alone["Stock"])


@pytest.mark.parametrize(
    "other",
    [
        xr.DataArray([0.1, 0.2, 0.3], dims=("city",)),
        xr.DataArray([0.1, 0.2], {"city": ["b", "a"]}, ("city",)),
    ],
)
def test_axes_of_another_length_or_order_are_refused(model: Model, other: xr.DataArray) -> None:
    first = xr.DataArray([0.1, 0.2], {"city": ["a", "b"]}, ("city",))
    with pytest.raises(ModelError, match="^'extra' has other labels along 'city' than another value. Give"):
        model.run({"rate[young]": first, "extra": other}, outputs=["Stock"])


def test_what_is_not_finite_is_told_with_its_own_draw(tmp_path: Path) -> None:
    text = MODEL.replace("extra = 0", "extra = 0 / (divisor + Time * 0) ~ 1/year ~ . |\ndivisor = 1")
    (tmp_path / "bad.mdl").write_text(text, encoding="utf-8")
    model = ts.load_model(tmp_path / "bad.mdl")
    given = {
        "price": chosen_tables(CURVES, np.array([0, 1, 0, 1])),
        "divisor": np.array([1.0, 1.0, 1.0, 0.0]),
    }
    with pytest.warns(match="in draw 3; 1 of 2 draws affected"):
        model.run(given, outputs=["Stock"])
