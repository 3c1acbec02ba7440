"""The comparison of engines sees what it should, and forgives rounding only."""

import numpy as np

from talent_sd.engine.ir import Call, Number, Ref
from talent_sd.model_tests.verification import addends, deviations

REFERENCE = {"x": np.array([[1.0, 100.0, -3.0]]), "y": np.array([[0.0, np.nan, np.inf]])}
NO_ADDENDS = {name: np.zeros((1, 3)) for name in REFERENCE}


def disagreements(*results):
    """Return the variables that differ by more than the tolerance."""
    return {name: worst for name, worst in deviations(*results).items() if worst > 1}


def moved(name, point, by):
    ours = {key: value.copy() for key, value in REFERENCE.items()}
    ours[name][0, point] += by
    return ours


def test_equal_results_agree_nan_and_infinity_too():
    assert disagreements(REFERENCE, REFERENCE, NO_ADDENDS) == {}


def test_a_difference_counts_against_the_variables_largest_value():
    assert disagreements(moved("x", 0, 0.9e-7), REFERENCE, NO_ADDENDS) == {}
    found = disagreements(moved("x", 0, 2e-7), REFERENCE, NO_ADDENDS)
    assert list(found) == ["x"]
    assert round(found["x"], 3) == 2


def test_a_difference_of_large_numbers_counts_against_them():
    large = NO_ADDENDS | {"x": np.full((1, 3), 1e6)}
    assert disagreements(moved("x", 0, 2e-7), REFERENCE, large) == {}


def test_a_number_in_place_of_nan_disagrees():
    ours = moved("y", 0, 0.0)
    ours["y"][0, 1] = 1.0
    assert disagreements(ours, REFERENCE, NO_ADDENDS) == {"y": np.inf}
    ours["y"][0, 1:] = np.nan
    assert disagreements(ours, REFERENCE, NO_ADDENDS) == {"y": np.inf}


def test_a_product_is_one_addend():
    product = Call("mul", (Ref(0), Call("add", (Ref(1), Ref(2)))))
    assert addends(Call("neg", (Call("sub", (product, Number(1.0))),))) == [product, Number(1.0)]
