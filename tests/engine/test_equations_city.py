"""The shipped city model: the native engine equals PySD, and what the repository ships stays readable."""

import pytest

from talent_sd.engine.compare_engines import verify
from talent_sd.engine.runner import load_model
from talent_sd.scenario import resolve_scenario


@pytest.fixture(scope="module")
def city():
    return load_model()


@pytest.mark.parametrize(("scenario", "place"), [("hefei_combination", "hefei")])
def test_native_code_equals_pysd_on_a_shipped_scenario(city, scenario, place):
    resolved = resolve_scenario(scenario, place, city.structure)
    # a few coarse steps with the policies at work: PySD takes minutes for the whole horizon
    assert verify(city, resolved.params(), initial_time=2026, final_time=2027, time_step=0.25) == {}


def test_the_native_engine_lacks_nothing_for_the_city(city):
    assert city.lacks == ""
