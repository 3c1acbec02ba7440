"""The shipped city model: the native engine equals PySD, and what the repository ships stays readable."""

import numpy as np
import pytest

from talent_sd.engine.runner import load_model
from talent_sd.inputs import resolve_scenario
from talent_sd.model.names import name_key
from talent_sd.model_tests.verification import verify


@pytest.fixture(scope="module")
def city():
    return load_model()


@pytest.mark.parametrize(("scenario", "place"), [("hefei_combination", "hefei")])
def test_native_code_equals_pysd_on_a_shipped_scenario(city, scenario, place):
    resolved = resolve_scenario(scenario, place, city.structure)
    # a few coarse steps with the policies at work: PySD takes minutes for the whole horizon
    found = verify(city, resolved.params(), initial_time=2026, final_time=2027, time_step=0.25)
    assert {name: times for name, times in found.items() if times > 1} == {}
    assert "Residents" in found


def test_the_native_engine_lacks_nothing_for_the_city(city):
    assert city.lacks == ""


def test_the_city_model_comes_back_equal_from_xmile(city, tmp_path):
    simlin = pytest.importorskip("simlin")
    path = tmp_path / "city.xmile"
    path.write_bytes(simlin.load(str(city.path)).project.to_xmile())
    other = load_model(path)
    # a city that grows, with policies: in the average city net flows are next to nothing, and all rounding
    params = resolve_scenario("hefei_combination", "hefei", city.structure).params()
    ours, back = city.run(params, engine="kernel"), other.run(params, engine="kernel")
    names = {name_key(name): name for name in back.data_vars}
    for name in ours.data_vars:
        np.testing.assert_allclose(back[names[name_key(name)]], ours[name], rtol=1e-12, err_msg=name)
