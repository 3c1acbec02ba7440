"""A reference built once runs any number of times, and no run leaves a trace in it."""

import pickle

import numpy as np
import pandas as pd
import pytest

from talent_sd.engine.runner import load_model

TEXT = """{UTF-8}
place: here, there ~~|
level= INTEG(inflow - level*loss, start) ~~|
start=10 ~~|
inflow=2 ~~|
loss=0.1 ~~|
rate[place]=1, 2 ~~|
output[place]=rate[place]*level ~~|
INITIAL TIME=0 ~~|
FINAL TIME=4 ~~|
TIME STEP=0.5 ~~|
SAVEPER=TIME STEP ~~|
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "level.mdl"
    path.write_text(TEXT)
    return load_model(path)


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_two_runs_in_either_order_equal_fresh_ones(model):
    plain = model.request()
    changed = model.request({"start": 50, "rate[there]": 7}, {"inflow": pd.Series([1.0, 9.0], [0.0, 4.0])})
    fresh = {"plain": model.reference_values(plain), "changed": model.reference_values(changed)}
    assert not same(fresh["plain"], fresh["changed"])
    with model.built_reference(plain) as reference:
        for request, name in ((changed, "changed"), (plain, "plain"), (changed, "changed")):
            assert same(reference.run(request), fresh[name])


def test_a_run_that_fails_leaves_no_parameters_behind(model):
    plain = model.request()
    with model.built_reference(plain) as reference:
        broken = model.request({"start": 99})
        broken.outputs = ("nowhere",)
        with pytest.raises(Exception, match="nowhere"):
            reference.run(broken)
        assert same(reference.run(plain), model.reference_values(plain))


def test_a_reference_serves_other_processes_while_its_folder_stands(model):
    request = model.request()
    with model.built_reference(request) as reference:
        assert same(pickle.loads(pickle.dumps(reference)).run(request), reference.run(request))
    assert not reference.file.exists()


def test_other_times_than_it_was_built_for_are_refused(model):
    with (
        model.built_reference(model.request()) as reference,
        pytest.raises(ValueError, match=r"built for \(0\.0, 4\.0, 0\.5\) .*, not \(0\.0, 2\.0, 0\.5\)"),
    ):
        reference.run(model.request(final_time=2))
