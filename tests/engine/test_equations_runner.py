"""Running a model through `load_model(...).run(...)`: parameters, inputs, outputs, refusals."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from talent_sd.base import cache
from talent_sd.base.errors import EngineNotice, ModelError, NonFiniteWarning, UnsupportedError
from talent_sd.engine.runner import load_model

# lookups are read beyond their points on purpose
pytestmark = pytest.mark.filterwarnings("ignore::talent_sd.base.errors.RangeNotice")

CUP = """{UTF-8}
kind: cup, mug ~ ~ |
size: small, large ~ ~ |
Temperature[kind] = INTEG(-loss[kind], start[kind]) ~ degree ~ Of the drink [E01]. Falls. |
loss[kind] = (Temperature[kind] - room) / time constant * strength(Time) ~ degree/minute ~ |
room = 20 ~ degree [0, 40] ~ Of the air. |
time constant = 10 ~ minute [1,?] ~ |
start[kind] = 90, 80 ~ degree [0, 100] ~ |
grid[kind, size] = 1, 2; 3, 4; ~ ~ |
strength((0,1),(10,2)) ~ ~ |
lag = 3 ~ minute ~ |
late[kind] = DELAY3(loss[kind], lag) + SUM(grid[kind, size!]) ~ ~ |
INITIAL TIME = 0 ~ minute ~ |
FINAL TIME = 10 ~ minute ~ |
TIME STEP = 0.5 ~ minute ~ |
SAVEPER = 1 ~ minute ~ |
"""

SMALL = """{UTF-8}
%s
INITIAL TIME = 0 ~ ~ |
FINAL TIME = 2 ~ ~ |
TIME STEP = 0.5 ~ ~ |
SAVEPER = 0.5 ~ ~ |
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))


def write(folder: Path, text: str) -> Path:
    path = folder / "cup.mdl"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def cup(tmp_path):
    return load_model(write(tmp_path, CUP))


def test_a_run_returns_labelled_results(cup):
    result = cup.run()
    assert result.sizes == {"time": 11, "kind": 2, "size": 2}
    assert set(result.data_vars) == {
        "Temperature",
        "loss",
        "room",
        "time constant",
        "start",
        "grid",
        "lag",
        "late",
    }
    assert result["Temperature"].dims == ("time", "kind")
    assert list(result["kind"].values) == ["cup", "mug"]
    assert result["Temperature"].attrs == {"units": "degree", "long_name": "Of the drink"}
    assert result["time"].attrs["units"] == "minute"
    assert result["Temperature"].sel(time=0).values.tolist() == [90, 80]
    assert result["grid"].sel(kind="mug", size="small", time=3) == 3


def test_every_engine_gives_the_same(cup):
    params = {"room": 15, "start": {"mug": 60}, "grid[cup,large]": 7.0, "strength": ([0, 5], [2, 1])}
    inputs = {"time constant": pd.Series([5.0, 20.0], index=[2.0, 8.0])}
    runs = [cup.run(params, inputs, engine=engine) for engine in ("kernel", "arrays", "pysd")]
    for other in runs[1:]:
        xr.testing.assert_allclose(runs[0], other, rtol=1e-9)
    assert runs[0]["time constant"].sel(time=[0, 2, 5, 8, 10]).values.tolist() == [5, 5, 12.5, 20, 20]
    assert runs[0]["start"].isel(time=0).values.tolist() == [90, 60]
    assert runs[0]["grid"].isel(time=0).values.tolist() == [[1, 7], [3, 4]]


def test_the_order_of_runs_does_not_matter(cup):
    before = cup.run(engine="pysd", outputs=["Temperature"])
    cup.run({"room": 30, "lag": 2.0}, engine="pysd", outputs=["Temperature"])
    xr.testing.assert_identical(before, cup.run(engine="pysd", outputs=["Temperature"]))
    assert {path.name for path in cup.path.parent.iterdir()} == {"cup.mdl", "cache"}


def test_draws_give_a_draw_axis_and_equal_single_runs(cup):
    rooms = np.array([10.0, 20.0, 30.0])
    starts = xr.DataArray([[90.0, 80.0], [95.0, 85.0], [99.0, 70.0]], dims=("draw", "kind"))
    together = cup.run({"room": rooms, "start": starts}, outputs=["Temperature"])
    assert together["Temperature"].dims == ("draw", "time", "kind")
    for draw in range(3):
        alone = cup.run({"room": rooms[draw], "start": starts[draw].values}, outputs=["Temperature"])
        np.testing.assert_array_equal(together["Temperature"].sel(draw=draw), alone["Temperature"])
    reference = cup.run({"room": rooms, "start": starts}, outputs=["Temperature"], engine="pysd")
    np.testing.assert_allclose(together["Temperature"], reference["Temperature"], rtol=1e-9)


def test_inputs_may_differ_by_draw_and_replace_equations(cup):
    loss = xr.DataArray([[[1.0, 2.0], [1.0, 2.0]], [[3.0, 4.0], [3.0, 4.0]]], dims=("draw", "time", "kind"),
                        coords={"time": [0.0, 10.0], "kind": ["mug", "cup"]})  # fmt: skip
    for engine in ("auto", "pysd"):
        result = cup.run(inputs={"loss": loss}, outputs=["Temperature"], engine=engine)
        final = result["Temperature"].sel(time=10)
        assert final.sel(kind="cup").values.tolist() == [70, 50]
        assert final.sel(kind="mug").values.tolist() == [70, 50]


def test_a_parameter_may_replace_an_equation(cup):
    for engine in ("auto", "pysd"):
        result = cup.run({"loss": 2.0}, outputs=["Temperature"], engine=engine)
        assert result["Temperature"].sel(time=10).values.tolist() == [70, 60]


def test_a_short_delay_keeps_its_order_and_pysd_is_no_reference_for_it(cup):
    long, short = (cup.run({"lag": lag}, outputs=["late"])["late"].values for lag in (3.0, 0.4))
    both = cup.run({"lag": np.array([3.0, 0.4])}, outputs=["late"])["late"].values
    np.testing.assert_array_equal(both, [long, short])
    with pytest.raises(ModelError, match=r"^cup.mdl:\d+: PySD lowers the order of a delay that is short"):
        cup.run({"lag": 0.7}, outputs=["late"], engine="pysd")


def test_time_arguments_are_pysds_too(cup):
    span = {"initial_time": 2.0, "final_time": 5.0, "time_step": 0.25}
    ours = cup.run(**span, outputs=["Temperature", "late"])
    assert ours["time"].values.tolist() == [2, 3, 4, 5]
    xr.testing.assert_allclose(
        ours, cup.run(**span, outputs=["Temperature", "late"], engine="pysd"), rtol=1e-9
    )
    assert cup.run(times=[0.5, 10], outputs="room")["time"].values.tolist() == [0.5, 10]


@pytest.mark.parametrize(("arguments", "message"), [
    ({"params": {"rooom": 1}}, "cup.mdl: unknown parameter 'rooom'. Did you mean 'room'?"),
    ({"params": {"room": 41}}, "cup.mdl: 'room' is 41, above the model's limits [0, 40] degree."),
    ({"params": {"time constant": [2.0, 0.5]}},
     "'time constant' is 0.5, below the model's limits [1, ?] minute."),
    ({"params": {"start": {"mug": 120}}}, "'start[mug]' is 120, above the model's limits [0, 100] degree."),
    ({"params": {"start": 120}}, "cup.mdl: 'start' is 120, above the model's limits [0, 100] degree."),
    ({"params": {"room": float("nan")}}, "'room' is nan. Give a finite number."),
    ({"params": {"room": [1, float("inf")]}}, "'room' is inf. Give a finite number."),
    ({"params": {"room": "warm"}}, "'room' is 'warm', not a number. Give a number."),
    ({"params": {"grid": [1, 2, 3]}},
     "'grid' has shape (3,). Give 2 kind x 2 size, or that per draw in front."),
    ({"params": {"room": [1.0, 2.0], "lag": [3.0, 3.0, 3.0]}},
     "'lag' has 3 draws where another parameter has 2."),
    ({"params": {"start[pot]": 1}}, "'start' has no element 'pot'."),
    ({"params": {"start": {"mugg": 1}}},
     "'start' has no element 'mugg'. Did you mean 'mug'? It has cup, mug."),
    ({"params": {"grid[cup]": 1}}, "'grid' has 2 subscripts (kind, size), not 1."),
    ({"params": {"Temperature": 1}}, "'Temperature' is a stock: its value follows from its flows. "
                                     "Change what it starts from or flows by instead: 'loss', 'start'."),
    ({"params": {"TIME STEP": 1}}, "'TIME STEP' is set by time_step=, not as a parameter."),
    ({"params": {"strength": 3}}, "'strength' is a lookup. Give it a pandas Series or (x, y)."),
    ({"params": {"strength": ([1, 1], [2, 3])}}, "lookup 'strength' has two points at one x. Remove one."),
    ({"params": {"start": 1, "start[mug]": 2}},
     "'start[mug]' is given twice (as parameter too). Give it once."),
    ({"params": {"room": 1}, "inputs": {"room": pd.Series([1.0], index=[0])}},
     "'room' is given twice (as parameter too). Give it once."),
    ({"inputs": {"room": 3.0}},
     "input 'room' is no time series. Give a pandas Series (index: time) or a DataArray"),
    ({"inputs": {"room": pd.Series([1.0, 2.0], index=[0, 0])}}, "has an empty, repeated or missing time."),
    ({"inputs": {"room": pd.Series([1.0, 50.0], index=[0, 5])}},
     "'room' is 50, above the model's limits [0, 40]"),
    ({"inputs": {"room": pd.Series([1.0], index=["x"])}}, "has an index that is not numbers."),
    ({"inputs": {"start": xr.DataArray([[1.0]], dims=("time", "sort"), coords={"time": [0]})}},
     "input 'start' has dimension 'sort'. Use draw, time, kind."),
    ({"outputs": ["heat"]}, "unknown output 'heat'."),
    ({"outputs": ["strength"]}, "output 'strength' is a lookup: it has no value of its own. Leave it out."),
    ({"outputs": []}, "no outputs asked for. Name at least one variable."),
    ({"time_step": 0}, "time_step is 0. Give a number above 0."),
    ({"final_time": -1}, "final_time -1 lies before initial_time 0."),
    ({"times": [0.3]},
     "time 0.3 is no point of the run, which goes from 0 to 10 by TIME STEP. The nearest is 0.5."),
    ({"engine": "kernal"}, "unknown engine 'kernal'. Did you mean 'kernel'?"),
])  # fmt: skip
def test_a_bad_request_is_refused(cup, arguments, message):
    with pytest.raises(ModelError) as caught:
        cup.run(**arguments)
    assert message in str(caught.value)


def test_all_problems_come_at_once(cup):
    with pytest.raises(ModelError) as caught:
        cup.run({"rooom": 1, "room": 99}, outputs=["heat"])
    assert len(caught.value.problems) == 3


def test_what_the_native_engine_lacks_runs_in_pysd_with_one_notice(tmp_path):
    text = (
        SMALL
        % "k: a, b ~ ~ |\nx[k] = 2, 3 ~ ~ |\np[k] = 1, 2 ~ ~ |\ngot[k] = ALLOCATE BY PRIORITY(x[k], p[k], 2, 1, 4) ~ ~ |\n"
    )
    model = load_model(write(tmp_path, text))
    lacks = "cup.mdl:5: 'got' uses ALLOCATE BY PRIORITY, which the native engine lacks."
    with pytest.warns(EngineNotice) as caught:
        result = model.run(outputs=["got"])
    assert [str(warning.message) for warning in caught] == [
        f"{lacks} PySD runs the model instead, slowly."]  # fmt: skip
    assert result["got"].isel(time=0).values.tolist() == pytest.approx([1, 3])
    assert result.attrs["engine"] == "pysd"
    with pytest.raises(UnsupportedError) as refused:
        load_model(model.path).run(engine="kernel")  # the reason now comes from the cache
    assert str(refused.value) == lacks


def test_a_division_by_zero_names_variable_draw_and_time(tmp_path):
    model = load_model(write(tmp_path, SMALL % "a = 1 ~ ~ |\nx = 1 / (Time - a) ~ ~ |\ny = x ~ ~ |\n"))
    for engine in ("kernel", "arrays"):
        with pytest.warns(NonFiniteWarning, match=r"^'x' is inf at 1 in draw 1; 1 of 2 draws affected\."):
            result = model.run({"a": np.array([5.0, 1.0])}, engine=engine)
        assert np.isfinite(result["y"].sel(draw=0)).all()
    with pytest.warns(NonFiniteWarning, match=r"^'x' is inf at 1\. Look for a division by zero"):
        model.run(outputs=["y"], engine="kernel")  # found where it began, asked for or not


def test_without_the_native_engine_numpy_runs_with_one_notice(cup, monkeypatch):
    monkeypatch.setattr("talent_sd.engine.runner.kernel_available", lambda: False)
    with pytest.warns(EngineNotice, match="^The native engine cannot be loaded here. Numpy runs the model"):
        result = cup.run()
    assert result.attrs["engine"] == "arrays"


def test_data_variables_come_as_inputs(tmp_path):
    model = load_model(write(tmp_path, SMALL % "gdp :INTERPOLATE: ~ ~ |\ntwice = 2 * gdp ~ ~ |\n"))
    with pytest.raises(ModelError, match="^cup.mdl:2: data variable 'gdp' has no values. Give it in inputs="):
        model.run()
    result = model.run(inputs={"gdp": pd.Series([1.0, 3.0], index=[0, 2])})
    assert result["twice"].values.tolist() == [2, 3, 4, 5, 6]


def test_a_range_called_like_an_axis_is_refused(tmp_path):
    model = load_model(write(tmp_path, SMALL % "draw: a, b ~ ~ |\nx[draw] = 1, 2 ~ ~ |\n"))
    with pytest.raises(ModelError, match="^subscript range 'draw' has the name of a variable or of an axis."):
        model.run()


def test_random_numbers_follow_seed_and_member(tmp_path):
    text = (
        SMALL.replace("FINAL TIME = 2", "FINAL TIME = 1")
        % "u = RANDOM UNIFORM(2, 4, 0) ~ ~ |\nn = RANDOM NORMAL(-1, 9, 3, 2, 0) ~ ~ |\n"
        "e = RANDOM EXPONENTIAL(0, 50, 1, 2, 0) ~ ~ |\nz = RANDOM 0 1() ~ ~ |\nk = 1 ~ ~ |\n"
    )
    model = load_model(write(tmp_path, text))
    many = {"k": np.ones(20_000)}
    first = model.run(many, seed=0)
    xr.testing.assert_identical(first, model.run(many, seed=0, threads=1))
    later = model.run({"k": np.ones(100)}, seed=0, first_member=50)
    xr.testing.assert_identical(later, first.isel(draw=slice(50, 150)))
    plain = model.run({"k": np.ones(100)}, seed=0, first_member=50, engine="arrays")
    xr.testing.assert_allclose(later, plain, rtol=1e-13)
    assert (model.run(many, seed=1)["u"] != first["u"]).mean() > 0.99
    from scipy import stats

    at = first.isel(time=2)
    expected = {"u": stats.uniform(2, 2), "z": stats.uniform(0, 1), "n": stats.truncnorm(-2, 3, 3, 2),
                "e": stats.truncexpon(49 / 2, 1, 2)}  # fmt: skip
    for name, law in expected.items():
        assert stats.kstest(at[name].values, law.cdf).pvalue > 0.001, name
    assert abs(np.corrcoef(at["u"], at["z"])[0, 1]) < 0.03
    assert abs(np.corrcoef(first["u"].isel(time=0), first["u"].isel(time=1))[0, 1]) < 0.03


@pytest.mark.parametrize(("equations", "message"), [
    ("a = b + 1 ~ ~ |\nb = c ~ ~ |\nc = a * 2 ~ ~ |",
     "cup.mdl: variables depend on each other in a circle: a ← b ← c ← a. Break it with a stock or a delay."),
    ("S = INTEG(1, x) ~ ~ |\nx = S + y ~ ~ |\ny = 2 ~ ~ |",
     "cup.mdl: initial values depend on each other in a circle: S ← x ← S."),
    ("alpha = 1 ~ ~ |\nb = alfa * 2 ~ ~ |",
     "cup.mdl:3: 'b': uses 'alfa', which is not defined. Did you mean 'alpha'?"),
    ("a = 1 ~ ~ |\nb = a(2) ~ ~ |", "cup.mdl:3: 'b': calls 'a', which is neither a function nor a lookup."),
    ("f((0,0),(1,1)) ~ ~ |\nb = f + 1 ~ ~ |",
     "cup.mdl:3: 'b': uses the lookup 'f' without an argument. Write f(x)."),
    ("f((0,0),(0,1)) ~ ~ |\nb = f(1) ~ ~ |",
     "cup.mdl:2: 'f': its table has two points at x = 0. Remove one."),
    ("b = MIN(1, 2, 3) ~ ~ |", "cup.mdl:2: 'b': gives MIN 3 arguments. It takes 2."),
    ("k: a1, a2 ~ ~ |\nx[k] = 1, 2 ~ ~ |\nb = x[k] ~ ~ |",
     "cup.mdl:4: 'b': uses range 'k' on the right only."),
    ("k: a1, a2 ~ ~ |\nx[k] = 1, 2 ~ ~ |\nb = x ~ ~ |",
     "'b': uses the array 'x' without subscripts. Write x[…]."),
    ("k: a1, a2 ~ ~ |\nx[a1] = 1 ~ ~ |\nb = x[a2] ~ ~ |", "'b': uses 'x', which has no element [a2]."),
    ("k: a1, a2 ~ ~ |\nx[k] = 1, 2, 3 ~ ~ |", "cup.mdl:3: 'x': has 3 numbers for 2 elements."),
    ("k: a1, a2 ~ ~ |\nx[k] = 1, 2 ~ ~ |\nb = x[k!] ~ ~ |",
     "'b': uses [k!] outside SUM, PROD, VMIN or VMAX."),
    ("time = 3 ~ ~ |", "cup.mdl:2: 'time': is the name of the model's clock. Rename it."),
])  # fmt: skip
def test_a_wrong_equation_is_refused_with_its_place(tmp_path, equations, message):
    with pytest.raises(ModelError) as caught:
        load_model(write(tmp_path, SMALL % equations))
    assert message in str(caught.value)


def test_elements_of_one_variable_may_depend_on_each_other(tmp_path):
    text = SMALL % "k: a1, a2 ~ ~ |\nx[a1] = 3 ~ ~ |\nx[a2] = x[a1] * 2 ~ ~ |\n"
    assert load_model(write(tmp_path, text)).run()["x"].isel(time=0).values.tolist() == [3, 6]


def test_explicit_mappings_pair_the_elements_they_name(tmp_path):
    text = (
        SMALL % "here: n, s -> (there: down, up) ~ ~ |\nthere: up, down ~ ~ |\n"
        "x[here] = 1, 2 ~ ~ |\ny[there] = x[here] ~ ~ |\n"
    )
    result = load_model(write(tmp_path, text)).run()["y"].isel(time=0)
    assert result.sel(there="up") == 2
    assert result.sel(there="down") == 1


def test_a_program_comes_back_equal_from_the_cache(cup, monkeypatch):
    first = cup.run()
    monkeypatch.setattr("talent_sd.engine.program.translate", lambda path: pytest.fail("translated again"))
    again = load_model(cup.path)
    xr.testing.assert_identical(first, again.run())
    assert again.program.slots == cup.program.slots
    for file in (cup.path.parent / "cache").glob("*.program.json"):
        file.write_text('{"slots": [["x", "x", [], "auxiliary", ["system", "ls"], false]]}')
    monkeypatch.undo()
    monkeypatch.setenv(cache.ENVIRONMENT, str(cup.path.parent / "cache"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        xr.testing.assert_identical(first, load_model(cup.path).run())


def test_time_settings_may_be_equations(tmp_path):
    text = """{UTF-8}
steps per year = 4 ~ ~ |
S = INTEG(1, 0) ~ ~ |
late = DELAY3(S, 0.8) ~ ~ |
on = STEP(1, 1) + PULSE(0, TIME STEP) + FINAL TIME ~ ~ |
INITIAL TIME = 0 ~ ~ |
FINAL TIME = INITIAL TIME + 2 ~ ~ |
TIME STEP = 1 / steps per year ~ ~ |
SAVEPER = TIME STEP ~ ~ |
"""
    model = load_model(write(tmp_path, text))
    for arguments, points in (({}, 9), ({"time_step": 0.125}, 17)):
        runs = [model.run(engine=engine, **arguments) for engine in ("kernel", "arrays", "pysd")]
        assert runs[0].sizes["time"] == points
        for run in runs[:2]:
            xr.testing.assert_allclose(run, runs[2], rtol=1e-9)


def test_lookups_extrapolate_and_step_where_the_model_says_so(tmp_path):
    text = SMALL % "f((0,1),(1,3)) ~ ~ |\nout = LOOKUP EXTRAPOLATE(f, Time) ~ ~ |\n" \
                   "steps = LOOKUP BACKWARD(f, Time) ~ ~ |\nheld = f(Time) ~ ~ |\n"  # fmt: skip
    result = load_model(write(tmp_path, text)).run(engine="kernel")
    assert result["out"].values.tolist() == [1, 2, 3, 4, 5]
    assert result["steps"].values.tolist() == [1, 1, 3, 3, 3]
    assert result["held"].values.tolist() == [1, 2, 3, 3, 3]


def test_a_lookup_is_replaced_for_one_element_or_all(tmp_path):
    text = SMALL % "k: a, b ~ ~ |\nf[k]((0,0),(1,1)) ~ ~ |\nx[k] = f[k](Time) ~ ~ |\n"
    model = load_model(write(tmp_path, text))
    one = model.run({"f[b]": ([0, 1], [5, 6])})["x"].sel(time=1)
    assert one.values.tolist() == [1, 6]
    for engine in ("kernel", "pysd"):
        both = model.run({"f": pd.Series([5.0, 6.0], index=[0, 1])}, engine=engine)["x"].sel(time=1)
        assert both.values.tolist() == [6, 6]
    with pytest.raises(ModelError, match="PySD cannot replace single elements of lookup 'f'."):
        model.run({"f[b]": ([0, 1], [5, 6])}, engine="pysd")


def test_an_order_given_by_a_constant_is_compiled_in(tmp_path):
    model = load_model(write(tmp_path, SMALL % "n = 2 ~ ~ |\nx = SMOOTH N(Time, 1, 0, n) ~ ~ |\n"))
    with pytest.raises(
        UnsupportedError, match="^'n' is an order of SMOOTH or DELAY: the native engine cannot change"
    ):
        model.run({"n": 3}, engine="kernel")
    with pytest.warns(EngineNotice, match="^'n' is an order of SMOOTH or DELAY"):
        result = model.run({"n": 3})
    assert result["x"].values.tolist() == [0, 0, 0, 0, 0.5 * 1.5 * 1.5 * 1.5]


def test_elements_without_an_equation_are_empty(tmp_path):
    text = SMALL % "k: a, b, c ~ ~ |\nx[a] = 1 ~ ~ |\nx[c] = Time ~ ~ |\n"
    model = load_model(write(tmp_path, text))
    for engine in ("kernel", "arrays", "pysd"):
        final = model.run(engine=engine)["x"].isel(time=-1)
        np.testing.assert_array_equal(final, [1, np.nan, 2])


def test_macros_may_use_each_other_but_not_themselves(tmp_path):
    text = SMALL % ":MACRO: ONE(x)\nONE = x + 1 ~ ~ |\n:END OF MACRO:\n" \
                   ":MACRO: TWO(x)\nTWO = ONE(ONE(x)) ~ ~ |\n:END OF MACRO:\ny = TWO(Time) ~ ~ |\n"  # fmt: skip
    assert load_model(write(tmp_path, text)).run()["y"].isel(time=-1) == 4
    with pytest.raises(ModelError, match="cup.mdl:6: 'TWO': macro 'two' uses itself."):
        load_model(write(tmp_path, text.replace("ONE(ONE(x))", "TWO(x)")))
    with pytest.raises(ModelError, match="cup.mdl:8: 'y': gives macro 'two' 2 arguments. It takes 1."):
        load_model(write(tmp_path, text.replace("TWO(Time)", "TWO(Time, 2)")))
