"""What other people's models hold, Vensim's and XMILE's: each small model with values worked out by hand."""

import re
import warnings

import numpy as np
import pytest

from talent_sd.base.errors import EngineNotice, ModelError, UnsupportedError
from talent_sd.engine.runner import load_model

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<xmile version="1.0" xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0">\n'


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TALENT_SD_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def vensim(tmp_path):
    """Load a Vensim model: its equations, each with "~~|" put behind it."""

    def load(*lines, end=4, step=1, saveper=None, start=0, after="", codec="utf-8", head="{UTF-8}\n"):
        clock = f"INITIAL TIME={start}~~|FINAL TIME={end}~~|TIME STEP={step}~~|SAVEPER={saveper or step}~~|\n"
        text = (
            head
            + "".join(
                line if line == ":END OF MACRO:" else f"{line}|\n" if "~" in line else f"{line}~~|\n"
                for line in lines
            )
            + clock
            + after
        )
        file = tmp_path / "m.mdl"
        file.write_bytes(text.encode(codec))
        return load_model(file)

    return load


@pytest.fixture
def xmile(tmp_path):
    """Load an XMILE model: its variables, and what stands before and behind the model."""

    def load(variables, before="", after="", specs="", start=0, stop=4, dt=1, head=HEAD, codec="utf-8"):
        times = f"<start>{start}</start><stop>{stop}</stop><dt>{dt}</dt>"
        text = f"{head}<sim_specs{specs}>{times}</sim_specs>{before}\n<model><variables>{variables}</variables></model>{after}</xmile>"
        file = tmp_path / "m.stmx"
        file.write_bytes(text.encode(codec))
        return load_model(file)

    return load


def aux(name, equation, more="", dims=()):
    spans = f"<dimensions>{''.join(f'<dim name={d!r}/>' for d in dims)}</dimensions>" if dims else ""
    return f'<aux name="{name}">{spans}<eqn>{equation}</eqn>{more}</aux>'


def values(model, name, engine="kernel", **arguments):
    return model.run(engine=engine, outputs=[name], **arguments)[name].values.tolist()


def both(model, name, expected, **arguments):
    """Hold all three engines to values worked out by hand."""
    for engine in ("kernel", "arrays", "pysd"):
        np.testing.assert_allclose(
            values(model, name, engine, **arguments), expected, rtol=1e-12, atol=1e-12, err_msg=engine
        )


# ---- integration -------------------------------------------------------------------------------------

SETTINGS = "\\\\\\---/// Sketch information\n*View 1\n$0\n///---\\\\\\\n:L\x7f<%^E!@\n1:Current.vdf\n{}\n"


@pytest.mark.parametrize(("code", "growth"), [
    (0, 1.5), (1, 1.6484375), (2, 1.5), (3, 1.625), (4, 1.625), (5, 1.6484375),
])  # fmt: skip
@pytest.mark.parametrize("engine", ["kernel", "arrays"])
def test_vensims_settings_choose_the_method(vensim, code, growth, engine):
    # one step of S' = S with h = 0.5: 1 + h (Euler), + h²/2 (RK2), + h³/6 + h⁴/24 (RK4)
    model = vensim("S=INTEG(S, 1)", end=2, step=0.5, after=SETTINGS.format(f"15:0,0,0,{code},0,0"))
    np.testing.assert_allclose(values(model, "S", engine), growth ** np.arange(5), rtol=1e-14)


@pytest.mark.parametrize(
    ("method", "growth"), [("Euler", 1.5), ("rk2", 1.625), ("RK4", 1.6484375), ("RK45", 1.6484375)]
)
def test_xmiles_method_is_used(xmile, method, growth):
    model = xmile('<stock name="S"><eqn>1</eqn><inflow>g</inflow></stock>' '<flow name="g"><eqn>S</eqn></flow>',
                  specs=f' method="{method}"', dt=0.5)  # fmt: skip
    np.testing.assert_allclose(values(model, "S"), growth ** np.arange(9), rtol=1e-14)


def test_runge_kutta_turns_a_circle_and_the_kernel_equals_the_arrays(vensim):
    model = vensim("pull=-place", "place=INTEG(speed, 1)", "speed=INTEG(pull, 0)", "drive=RAMP(1, 3, 9)+push",
                   "pushed=INTEG(drive, 0)", "push=0", "late=SMOOTH3(drive, 4)", "kept=DELAY FIXED(place, 2, 5)",
                   "seen=SAMPLE IF TRUE(place > 0, place, 0)", end=20, step=0.25, saveper=5,
                   after=SETTINGS.format("15:0,0,0,5,0,0"))  # fmt: skip
    np.testing.assert_allclose(values(model, "place")[-1], np.cos(20), atol=1e-3)
    series = {"push": {"time": [0.0, 20.0], "value": [0.0, 20.0]}}
    import pandas as pd

    for inputs in (None, {"push": pd.Series(series["push"]["value"], series["push"]["time"])}):
        kernel = model.run(inputs=inputs, engine="kernel")
        arrays = model.run(inputs=inputs, engine="arrays")
        for name in kernel.data_vars:
            np.testing.assert_array_equal(kernel[name], arrays[name], err_msg=name)
    # RK4 is exact for what is linear in time: the area under push = t is t²/2, that under the ramp 6²/2 + 11 * 6
    np.testing.assert_allclose(kernel["pushed"][-1], 200 + 18 + 66)
    with pytest.raises(
        ModelError, match=r"^m.mdl: PySD integrates by Euler's method alone, and the model asks for RK4"
    ):
        model.run(engine="pysd")


def test_an_unknown_method_is_refused(xmile):
    with pytest.raises(
        ModelError, match=r"^m.stmx:3: unknown integration method 'magic'. Use Euler, RK2 or RK4.$"
    ):
        xmile(aux("a", "1"), specs=' method="magic"')


def test_members_differ_under_runge_kutta(vensim):
    model = vensim("rate=1", "S=INTEG(S*rate, 1)", end=2, step=0.5, after=SETTINGS.format("15:0,0,0,5,0,0"))
    run = model.run({"rate": np.array([0.0, 1.0, 2.0])}, outputs=["S"])
    np.testing.assert_allclose(run["S"][:, -1], np.array([1, 1.6484375, 1 + 1 + 1 / 2 + 1 / 6 + 1 / 24]) ** 4)


# ---- time --------------------------------------------------------------------------------------------


def test_rows_are_saved_at_the_nearest_step(vensim):
    model = vensim("S=INTEG(S*0.03, 100)", start=2024, end=2034, step=0.0833, saveper=1)
    run = model.run()
    assert run["time"].values.tolist() == list(range(2024, 2035))
    np.testing.assert_allclose(run["S"], 100 * (1 + 0.0833 * 0.03) ** np.round(np.arange(11) / 0.0833))
    uneven = vensim("now=Time", end=2, step=0.25, saveper=0.4)
    assert uneven.run()["time"].values.tolist() == values(uneven, "now") == [0, 0.5, 0.75, 1.25, 1.5, 2.0]


def test_one_compared_instant_is_no_agreement(vensim):
    from talent_sd.model_tests.verification import verify

    model = vensim("S=INTEG(S*0.03, 100)")
    with pytest.raises(ModelError, match=r"^m.mdl: one point of time alone would be compared"):
        verify(model, final_time=0.0)
    assert max(verify(model).values()) <= 1


@pytest.mark.parametrize(("equation", "expected"), [
    ("PULSE(2, 0)", [0, 0, 0, 0, 1, 0, 0, 0, 0]),
    ("PULSE(1, 1)", [0, 0, 1, 1, 0, 0, 0, 0, 0]),
    ("PULSE(1.2, 1)", [0, 0, 1, 1, 0, 0, 0, 0, 0]),  # from half a step before its start, as STEP
    ("PULSE TRAIN(1, 0, 2, 5)", [0, 0, 1, 0, 0, 0, 1, 0, 0]),
    ("PULSE TRAIN(1, 0.5, 1, 3)", [0, 0, 1, 0, 1, 0, 1, 0, 0]),  # the end belongs to it
    ("PULSE TRAIN(1, 0.5, 0, 3)", [0, 0, 1, 1, 1, 1, 1, 0, 0]),  # no interval: it lasts
    ("PULSE TRAIN(1, 3, 1, 3)", [0, 0, 1, 1, 1, 1, 1, 0, 0]),
    ("MODULO(7, 0)", [0] * 9), ("MODULO(Time, 1)", [0, 0.5] * 4 + [0]), ("INTEGER(-1.5)", [-1] * 9),
    ("(-2)^2 + 2^-1 - 2^2", [0.5] * 9), ("IF THEN ELSE(1=1 :OR: 1=1 :AND: 1=2, 1, 0)", [1] * 9),
    ("GET TIME VALUE(0, 3, 0)", [3 + t / 2 for t in range(9)]), ("GET TIME VALUE(1, 3, 0)", [3] * 9),
    ("2 {yuan} * 3 {* 9}", [6] * 9), ("IF THEN ELSE(IF THEN ELSE(Time=2, :NA:, 1)=:NA:, 1, 0)", [0] * 4 + [1] + [0] * 4),
    ("IF THEN ELSE(:NA:<>1, 1, 0)", [1] * 9),
])  # fmt: skip
def test_vensims_functions_mean_what_its_manual_says(vensim, equation, expected):
    both(vensim(f"x={equation}", step=0.5), "x", expected)


@pytest.mark.parametrize(("equation", "expected"), [
    ("PULSE(3, 1)", [0, 0, 6, 0, 0, 0, 0, 0, 0]), ("PULSE(3, 1.2)", [0, 0, 6, 0, 0, 0, 0, 0, 0]),
    ("PULSE(3, 1, 1)", [0, 0, 6, 0, 6, 0, 6, 0, 6]), ("PULSE(3, 1, 0)", [0, 0, 6, 0, 0, 0, 0, 0, 0]),
    ("INT(TIME - 2)", [-2, -2, -1, -1, 0, 0, 1, 1, 2]), ("(TIME - 2) MOD 1.5", [1, 0, 0.5, 1, 0, 0.5, 1, 0, 0.5]),
    ("4 // (TIME - 2)", [-2, -8 / 3, -4, -8, 0, 8, 4, 8 / 3, 2]), ("1 + IF TIME &gt;= 4 THEN 1 ELSE 2 {no}", [3] * 8 + [2]),
    ("IF TIME &lt; 2 THEN TIME ELSE PREVIOUS(SELF, 9)", [0, 0.5, 1, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]),
    ("IF TIME > 2 THEN TIME ELSE PREVIOUS(SELF, 9)", [9, 9, 9, 9, 9, 2.5, 3, 3.5, 4]),
    ("PREVIOUS(TIME, 9)", [9, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]), ("INIT(TIME + 1)", [1] * 9),
    ("NOT (TIME &lt; 4) AND TIME &gt; 1 OR 0", [0] * 8 + [1]), ("ROUND(-0.5) + DT + STOPTIME", [4.5] * 9),
    ("10 - 2 - 3 * -1 ^ 2", [11] * 9), ("SIGN(TIME - 2) + PERCENT(0.5)", [49] * 4 + [50] + [51] * 4),
    ("PREVIOUS(SELF, 0) + 1", [1, 2, 3, 4, 5, 6, 7, 8, 9]), ("SINWAVE(2, 4) + COSWAVE(1, 8) * 0", [2 * np.sin(np.pi * t / 4) for t in range(9)]),
])  # fmt: skip
def test_xmiles_functions_mean_what_its_standard_says(xmile, equation, expected):
    both(xmile(aux("x", equation), dt=0.5), "x", expected)


def test_a_modulus_of_nothing_is_told(xmile):
    from talent_sd.base.errors import NonFiniteWarning

    with pytest.warns(NonFiniteWarning, match="'x' is nan at 0"):
        xmile(aux("x", "TIME MOD 0")).run()


@pytest.mark.parametrize(
    ("order", "expected"), [("DELAY3(in, 1)", [10, 10, 10, 10, -260]), ("DELAY1(in, 1)", [10, 10, 0, 0, 0])]
)
def test_a_short_delay_keeps_its_order(vensim, order, expected):
    # a stage of DELAY3 with time 1 empties in a third of the step: it swings, in Vensim too
    assert values(vensim("in=10-STEP(10, 1)", f"out={order}"), "out") == expected


def test_vensims_functions_of_lookups(vensim):
    model = vensim("t((0,0),(5,10),(8,40))", "inverse=LOOKUP INVERT(t, 20)", "slope=LOOKUP SLOPE(t, Time*2, 1)",
                   "left=LOOKUP SLOPE(t, 5, -1)", "mean=LOOKUP SLOPE(t, 5, 0)", "area=LOOKUP AREA(t, 1, 6)",
                   "next=LOOKUP FORWARD(t, Time*2)", "last=LOOKUP BACKWARD(t, Time*2)",
                   "on=LOOKUP EXTRAPOLATE(t, 9)", end=4)  # fmt: skip
    run = model.run(engine="kernel")
    assert run["inverse"].values.tolist() == [6] * 5
    assert run["slope"].values.tolist() == [2, 2, 2, 10, 0]
    assert [float(run[name][0]) for name in ("left", "mean", "area", "on")] == [2, 6, 24 + 15, 50]
    assert run["next"].values.tolist() == [0, 10, 10, 40, 40]
    assert run["last"].values.tolist() == [0, 0, 0, 10, 40]
    with pytest.raises(UnsupportedError, match="'t' is inverted, or read by its slope, area or steps"):
        model.run({"t": ([0, 1], [0, 1])}, engine="kernel")
    with pytest.raises(
        ModelError, match=r"m.mdl:3: 'x': inverts a lookup that does not rise, or fall, throughout"
    ):
        vensim("t((0,0),(5,10),(8,4))", "x=LOOKUP INVERT(t, 2)")


# ---- Vensim's text -------------------------------------------------------------------------------------


def test_a_name_goes_on_in_the_next_line(vensim):
    both(vensim("a long \\\n\t name=1+\\\n\t2", "twice=A Long Name*2"), "twice", [6] * 5)


def test_net_present_value_and_element_map(vensim):
    model = vensim("worth=NPV(10, 0.1, 0, 1)", "kind: a, b, c", "v[kind]=1, 5, 3", "next[kind]=VECTOR ELM MAP(v[kind], 1)",
                   "before=VECTOR ELM MAP(v[b], -1)")  # fmt: skip
    np.testing.assert_allclose(values(model, "worth"), np.cumsum(10 * 1.1 ** -np.arange(5.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(values(model, "next")[0], [5, 3, np.nan])
    assert values(model, "before") == [1] * 5


def test_an_old_table_lists_all_x_then_all_y(vensim):
    both(vensim("curve(0,1,2,0,10,40)", "read=curve(Time/2)"), "read", [0, 5, 10, 25, 40])


@pytest.mark.parametrize("line", ["migrants", "migrants :INTERPOLATE:", "migrants :RAW:"])
def test_data_without_values_are_asked_for(vensim, line):
    model = vensim(line, "S=INTEG(migrants, 100)")
    with pytest.raises(ModelError) as caught:
        model.run()
    assert (
        str(caught.value)
        == "m.mdl:2: data variable 'migrants' has no values. Give it in inputs= of Python, or a number with --set."
    )
    assert values(model, "S", params={"migrants": 5}) == [100, 105, 110, 115, 120]


def test_a_macro_sees_the_callers_clock_and_its_globals(vensim):
    model = vensim(":MACRO: EASE(signal, span)\nEASE=INTEG((signal-EASE)/MAX(span, TIME STEP$)*speed$, 0)",
                   ":MACRO: TWICE(signal)\nTWICE=2*EASE(signal, 2)", ":END OF MACRO:", "speed=1", "felt=TWICE(5)")  # fmt: skip
    both(model, "felt", [0, 5, 7.5, 8.75, 9.375])


def test_a_macro_has_further_outputs(vensim):
    model = vensim(":MACRO: SPLIT(whole, part : rest)\nSPLIT=whole*part", "rest=whole*(1-part)", ":END OF MACRO:",
                   "mine=SPLIT(10, 0.3 : yours)", "both=mine+yours")  # fmt: skip
    for name, expected in {"mine": 3, "yours": 7, "both": 10}.items():
        both(model, name, [expected] * 5)


def test_a_range_is_a_number_and_a_mapping_may_name_a_part(vensim):
    model = vensim("kind: a, b, c", "other: x, y, z -> kind", "rank[kind]=kind", "mapped[kind]=other",
                   "part: b, c", "group: one, two -> (kind: a, part)", "tax[group]=1, 2", "due[kind]=tax[group]*10")  # fmt: skip
    for name, expected in {"rank": [1, 2, 3], "mapped": [1, 2, 3], "due": [10, 20, 20]}.items():
        assert values(model, name)[0] == expected


@pytest.mark.parametrize(("codec", "head", "after"), [
    ("gbk", "", SETTINGS.format("44:936")), ("gbk", "{GBK}\n", ""), ("gb2312", "{GB2312}\n", ""),
    ("utf-16", "", ""), ("cp1252", "", SETTINGS.format("44:1252")), ("utf-8", "", SETTINGS.format("44:65001")),
])  # fmt: skip
def test_a_file_is_read_in_the_encoding_that_it_declares(vensim, codec, head, after):
    name = "été" if codec == "cp1252" else "人才"
    assert values(vensim(f"{name}=Time+1", head=head, after=after, codec=codec), name) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("name", "codec", "guess"), [("人才", "gbk", "gb2312"), ("été", "cp1252", "cp1252")])
def test_a_file_that_declares_no_encoding_is_read_by_a_guess_that_is_told(vensim, name, codec, guess):
    for _ in range(2):  # from the cache as well
        with pytest.warns(EngineNotice) as caught:
            model = vensim(f"{name}=Time+1", head="", codec=codec)
        assert [str(each.message) for each in caught] == [
            f"m.mdl:1: not valid UTF-8, and the file names no encoding: read as {guess}. Save it as UTF-8."
        ]
        assert values(model, name) == [1, 2, 3, 4, 5]


def test_what_pysd_alone_reads_runs_there_with_one_notice(vensim):
    model = vensim("k: a, b", "three=3", "high[k]=MAX(5 three)")
    lacks = "m.mdl:4: no comma before 'three)' in the equation of 'high', which PySD alone takes. Write one."
    with pytest.warns(EngineNotice) as caught:
        run = model.run(outputs=["high"])
    assert [str(each.message) for each in caught] == [f"{lacks} PySD runs the model instead, slowly."]
    assert run.attrs["engine"] == "pysd"
    assert run["high"].values.tolist() == [[5, 5]] * 5
    for engine in ("kernel", "arrays"):
        with pytest.raises(UnsupportedError, match=f"^{re.escape(lacks)}$"):
            model.run(engine=engine)


@pytest.mark.parametrize(("lines", "told"), [
    (["a=MAX(5 nowhere)"], "m.mdl:2: 'a': uses 'nowhere', which is not defined."),  # as it would without PySD
    (["a=MAX(5 3)", "a=2"], "m.mdl:2: 'a': is defined twice. Remove one."),
    (["a=MAX(5 3", "b=2"], "m.mdl:2: cannot read the entry of 'a'"),
    (["k: (a1-a999999999)", "a=MAX(5 3)"], "m.mdl:2: cannot read the entry of 'k' near"),
    (["S=INTEG(MAX(1 2), 0)"], "m.mdl: PySD integrates by Euler's method alone, and the model asks for RK4."),
])  # fmt: skip
def test_pysd_runs_nothing_that_is_refused_for_the_sake_of_its_results(vensim, lines, told):
    warnings.simplefilter("ignore", EngineNotice)
    with pytest.raises(ModelError, match=re.escape(told)):
        vensim(*lines, after=SETTINGS.format("15:0,0,0,5,0,0")).run()


def test_a_point_given_twice_says_nothing_new(vensim):
    both(vensim("f((0,0),(2,4),(2,4),(4,0))", "y=f(Time)"), "y", [0, 2, 4, 2, 0])


# ---- XMILE -----------------------------------------------------------------------------------------------


def test_what_a_non_negative_stock_gives_is_what_its_receiver_gets(xmile):
    model = xmile('<stock name="Posts"><eqn>10</eqn><outflow>leaving</outflow><outflow>lost</outflow><non_negative/></stock>'
                  '<flow name="leaving"><eqn>4</eqn><non_negative/></flow><flow name="lost"><eqn>1</eqn></flow>'
                  '<stock name="Gone"><eqn>0</eqn><inflow>leaving</inflow></stock>'
                  '<flow name="back"><eqn>-1</eqn><non_negative/></flow>')  # fmt: skip
    # the first outflow comes first: 10 gives 4 + 1, 5 gives 4 + 1, 0 nothing
    for name, expected in {"Posts": [10, 5, 0, 0, 0], "leaving": [4, 4, 0, 0, 0], "lost": [1, 1, 0, 0, 0],
                           "Gone": [0, 4, 8, 8, 8], "back": [0] * 5}.items():  # fmt: skip
        both(model, name, expected)


def test_inflow_may_leave_in_the_same_step_unless_it_follows_from_the_outflow(xmile):
    model = xmile('<stock name="A"><eqn>1</eqn><inflow>new</inflow><outflow>on</outflow><non_negative/></stock>'
                  '<stock name="B"><eqn>0</eqn><inflow>on</inflow><outflow>round</outflow><non_negative/></stock>'
                  '<flow name="new"><eqn>2 + round</eqn></flow><flow name="on"><eqn>9</eqn></flow>'
                  '<flow name="round"><eqn>1</eqn></flow>')  # fmt: skip
    # A's inflow may leave at once; B's follows from B's outflow (round, new, on), so B gives what it holds
    both(model, "on", [3, 3, 3, 3, 3])
    both(model, "B", [0, 3, 5, 7, 9])


def test_an_initial_equation_starts_a_stock(xmile):
    model = xmile(aux("guess", "TIME", "<init_eqn>7</init_eqn>") + '<stock name="pile"><eqn>guess</eqn><inflow>gain</inflow></stock>'
                  '<flow name="gain"><eqn>1</eqn></flow>')  # fmt: skip
    both(model, "pile", [7, 8, 9, 10, 11])


@pytest.mark.parametrize(("head", "before", "codec"), [
    (HEAD, '<isee:prefs show="true"/>', "utf-8"), ('<xmile version="1.0">', "", "utf-8"),
    (HEAD.replace("utf-8", "gbk"), "", "gbk"), (HEAD.replace("utf-8", "utf-16"), "", "utf-16"),
    (HEAD, "<header><vendor>a&nbsp;b</vendor></header>", "utf-8"),
])  # fmt: skip
def test_lenient_xml_is_read(xmile, tmp_path, head, before, codec):
    model = xmile(aux("人才", "TIME * 2"), head=head, before=before, codec=codec)
    assert values(model, "人才") == [0, 2, 4, 6, 8]


DIMS = '<dimensions><dim name="shelf" size="3"/><dim name="Tier"><elem name="Top"/><elem name="Mid"/></dim></dimensions>'


def test_what_an_undeclared_prefix_or_a_bare_sign_stands_in_is_read(xmile):
    model = xmile(aux("R&amp;D", "1 + Time", "<doc>R&D, and more&nbsp;so</doc>") + aux("twice", '<![CDATA["R&D" * 2]]>'),
                  specs=' isee:sim_duration="1.5" isee:save_interval="2"')  # fmt: skip
    assert values(model, "R&D") == [1, 3, 5]
    assert values(model, "twice") == [2, 6, 10]


def test_arrays_of_xmile(xmile):
    elements = (
        '<element subscript="Top"><eqn>10</eqn></element><element subscript="Mid"><eqn>20</eqn></element>'
    )
    model = xmile(
        aux("books", "TIME", dims=["shelf"]) + aux("whole", "SUM(books[*])") + aux("third", "books[3] + SIZE(shelf)")
        + f'<stock name="Pop"><dimensions><dim name="Tier"/></dimensions>{elements}<inflow>growth</inflow></stock>'
        '<flow name="growth"><dimensions><dim name="Tier"/></dimensions><eqn>Pop*rate</eqn></flow>'
        '<aux name="rate"><dimensions><dim name="Tier"/></dimensions><element subscript="Top"><eqn>0.1</eqn></element>'
        '<element subscript="Mid"><eqn>0.2</eqn></element></aux>'
        + aux("total", "SUM(Pop)") + aux("mean", "MEAN(Pop[*])") + aux("many", "SIZE(Pop[*])")
        + aux("spread", "STDDEV(Pop[*])") + aux("most", "MAX(Pop[*]) - MIN(Pop) + PROD(rate[*])")
        + aux("share", "Pop / SUM(Pop)", dims=["Tier"])
        + '<aux name="bent"><dimensions><dim name="Tier"/></dimensions><element subscript="Top"><eqn>TIME</eqn>'
        '<gf><xscale min="0" max="4"/><ypts>0,4</ypts></gf></element><element subscript="Mid"><eqn>TIME</eqn>'
        '<gf type="discrete"><xpts>0,2,4</xpts><ypts>5,6,7</ypts></gf></element></aux>',
        before=DIMS, stop=2,
    )  # fmt: skip
    expected = {"whole": [0, 3, 6], "third": [3, 4, 5], "Pop": [[10, 20], [11, 24], [12.1, 28.8]], "total": [30, 35, 40.9],
                "mean": [15, 17.5, 20.45], "many": [2] * 3, "spread": [50**0.5, 84.5**0.5, 139.445**0.5],
                "most": [10.02, 13.02, 16.72], "share": [[1 / 3, 2 / 3], [11 / 35, 24 / 35], [12.1 / 40.9, 28.8 / 40.9]],
                "bent": [[0, 5], [1, 5], [2, 6]]}  # fmt: skip
    for name, numbers in expected.items():
        np.testing.assert_allclose(values(model, name), numbers, err_msg=name)
        np.testing.assert_allclose(values(model, name, "pysd"), numbers, err_msg=f"{name} in PySD")


def test_slices_of_arrays(xmile):
    model = xmile(aux("v", "10*shelf", dims=["shelf"]) + aux("u", "10*Tier+shelf", dims=["Tier", "shelf"])
                  + aux("some", "SUM(v[2:3])") + aux("squares", "SUM(v[2:3]*v[2:3])") + aux("last", "MEAN(u[Top:Mid, 3])")
                  + aux("one", "SUM(u[Mid, 1:2])"),
                  before=DIMS, stop=1)  # fmt: skip
    expected = {"some": 50, "squares": 1300, "last": 18, "one": 43}
    for name, number in expected.items():
        both(model, name, [number] * 2)


@pytest.mark.parametrize(("equation", "told"), [
    ("SUM(v[2:9])", "'a' '2:9' is no part of 'shelf'. Give its first and its last element."),
    ("v[INT(TIME)+1]", "cannot read the equation of 'a': 'v[INT(TIME)+1]'. A subscript is the name of an element or a range."),
    ("v[shelf-1]", "cannot read the equation of 'a': 'v[shelf-1]'. A subscript is the name of an element or a range."),
])  # fmt: skip
def test_what_is_no_slice_and_a_computed_subscript_are_refused(xmile, equation, told):
    with pytest.raises(ModelError) as caught:
        xmile(aux("v", "1", dims=["shelf"]) + aux("a", equation, dims=["shelf"]), before=DIMS)
    assert str(caught.value) == f"m.stmx:4: {told}"


@pytest.mark.parametrize("where", ["before", "inside"])
def test_a_graph_beside_the_variables_is_read(tmp_path, where):
    graph = '<gf name="curve"><xscale min="0" max="2"/><ypts>1,2,4</ypts></gf>'
    outer, inner = (graph, "") if where == "before" else ("", graph)
    file = tmp_path / "m.stmx"
    file.write_text(f"{HEAD}<sim_specs><start>0</start><stop>1</stop><dt>1</dt></sim_specs>{outer}<model>{inner}<variables>"
                    f"{aux('read', 'curve(1.5)')}</variables></model></xmile>")  # fmt: skip
    both(load_model(file), "read", [3, 3])


def test_random_functions_of_xmile_keep_to_their_bounds(xmile):
    model = xmile(
        aux("near", "NORMAL(1, 0.1, 3, 0.95, 1.05)")
        + aux("free", "NORMAL(1, 0.1)")
        + aux("late", "EXPRND(2)"),
        stop=400,
    )
    run = model.run()
    assert np.all(np.abs(run["near"] - 1) <= 0.05)
    assert abs(float(run["free"].mean()) - 1) < 0.03
    assert abs(float(run["late"].mean()) - 2) < 0.5


def test_names_of_xmile_may_have_line_breaks_and_elements_their_dimension(xmile):
    model = xmile('<aux name="two\\nlines"><eqn>2</eqn></aux>' + aux("twice", '"two\\nlines" + two_lines')
                  + aux("many", "TIME", dims=["Tier"]) + aux("top", "many[Tier.Top]") + aux("first", "IF Tier = Tier.Top THEN 1 ELSE 0", dims=["Tier"]),
                  before=DIMS)  # fmt: skip
    both(model, "twice", [4] * 5)
    assert values(model, "top") == [0, 1, 2, 3, 4]
    assert values(model, "first")[0] == [1, 0]


def test_a_variable_with_a_graph_can_be_looked_up(xmile):
    graph = '<gf><xscale min="0" max="4"/><ypts>0,1,4,9,16</ypts></gf>'
    model = xmile(aux("table", "TIME", graph) + aux("use", "LOOKUP(table, 2.5)"))
    both(model, "use", [6.5] * 5)
    both(model, "table", [0, 1, 4, 9, 16])


def test_modules_are_written_out(xmile):
    model = xmile(
        aux("give", "2") + '<module name="box"><connect to="box.take" from="give"/></module>' + aux("seen", "box.held + box.core.deep"),
        after='<model name="box"><variables><aux name="take" access="input"><eqn>0</eqn></aux>'
        '<stock name="held"><eqn>1</eqn><inflow>fill</inflow></stock><flow name="fill"><eqn>take</eqn></flow>'
        '<module name="core"><connect to="own" from="held"/></module></variables></model>'
        '<model name="core"><variables><aux name="own"><eqn>0</eqn></aux><aux name="deep"><eqn>own * 10</eqn></aux></variables></model>',
    )  # fmt: skip
    both(model, "box.held", [1, 3, 5, 7, 9])
    both(model, "seen", [11, 33, 55, 77, 99])


def test_macros_of_xmile_are_written_out(xmile):
    model = xmile(aux("x", "EASED(10, 2) + TWICE(3)"),
                  after='<macro name="TWICE"><parm>a</parm><eqn>2 * a</eqn></macro>'
                  '<macro name="EASED"><parm>goal</parm><parm>span</parm><eqn>level</eqn><variables>'
                  '<stock name="level"><eqn>0</eqn><inflow>fill</inflow></stock>'
                  '<flow name="fill"><eqn>(goal - level) / span</eqn></flow></variables></macro>')  # fmt: skip
    both(model, "x", [6, 11, 13.5, 14.75, 15.375])


@pytest.mark.parametrize(("variables", "after", "message"), [
    ("", "", "m.stmx:4: the model has no variables. Add a stock, a flow or an aux."),
    (aux("a", "1") + aux("A", "2"), "", "m.stmx:4: 'A' is defined twice. Remove one."),
    (aux("a", "1"), '<model name="b"><variables/></model>', "m.stmx:4: a second <model> 'b' that no module uses. Remove it or add a <module>."),
    ('<module name="m"/>', '<model name="m"><variables><module name="m"/></variables></model>', "m.stmx:4: module 'm.m' has no <model>"),
    ('<stock name="s"><eqn>1</eqn><inflow>f</inflow></stock>', "", "m.stmx:4: 's' has the flow 'f', which is not defined."),
    (aux("a", "SUM(3)"), "", "m.stmx:4: 'a' SUM is given no array."),
    (aux("a", "POISSON(3)"), "", "m.stmx:4: 'a': calls POISSON, which is neither a lookup nor a function known here."),
    (aux("a", "1", '<gf type="odd"><ypts>1</ypts><xpts>1</xpts></gf>'), "", "m.stmx:4: unknown type of graph 'odd'."),
    (aux("a", "TIME", "<gf><ypts>1,2</ypts></gf>"), "", "m.stmx:4: a <gf> needs <ypts>"),
])  # fmt: skip
def test_a_bad_xmile_model_is_refused_with_its_line(xmile, variables, after, message):
    with pytest.raises(ModelError) as caught:
        xmile(variables, after=after)
    assert str(caught.value).startswith(message), str(caught.value)


def test_a_range_comes_from_a_file_beside_the_model(vensim, tmp_path):
    (tmp_path / "figures.csv").write_text("tier,start\nlead,10\nkey,100\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = vensim("Tier: GET DIRECT SUBSCRIPT('figures.csv', ',', 'A2', 'A', 'T ')", "n[Tier]=Time*Tier")
        assert model.structure.subscripts == {"Tier": ("T lead", "T key")}
    assert values(model, "n")[2] == [2, 4]


def test_what_leaves_its_range_is_told_with_its_time(vensim):
    from talent_sd.base.errors import RangeNotice

    model = vensim("share=Time*0.15~Dmnl [0,1]~", "t((0,0),(5,1))", "eff=t(Time)", "level=WITH LOOKUP(Time-1,((0,0),(9,9)))",
                   end=10, step=0.25)  # fmt: skip
    with pytest.warns(RangeNotice) as told:
        model.run()
    assert [str(each.message) for each in told] == [
        "'share' is 1.0125 at 6.75, outside its range [0, 1]; lookup 't' is read at 5.25 at 5.25, beyond its points "
        "from 0 to 5; lookup in 'level' is read at -1 at 0, beyond its points from 0 to 9."
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.run(final_time=5, initial_time=1)


DOUBLING = "".join(
    f":MACRO: M{n}(x)\nM{n}=M{n - 1}(x)+M{n - 1}(x+1)~~|\n:END OF MACRO:\n" for n in range(1, 40)
)


@pytest.mark.parametrize(("lines", "place"), [
    (["k: (a1-a1000000000)", "x[k]=1"], "2: cannot read the entry of 'k' near ': (a1-a1000000000)'. A range has at most 100000"),
    (["a: (a1-a1000)", "b: (b1-b1000)", "c: (c1-c1000)", "x[a,b,c]=Time"], "5: 'x': spans 1000000000 elements."),
    (["a: (a1-a3000)", "b: (b1-b3000)", "x=SUM(y[a!]*z[b!])", "y[a]=Time", "z[b]=Time"], "4: 'x': the model comes to more than"),
    (["x=DELAY N(Time, 2, 1, 1000000000)"], "2: 'x': has a delay or smooth of order 1e+09. The order is 1 to 1000."),
    ([f":MACRO: M0(x)\nM0=x+1~~|\n:END OF MACRO:\n{DOUBLING}y=M39(Time)"], "81: 'M26': the model comes to more than"),
    (["x=" + "(" * 5000 + "1" + ")" * 5000], "2: cannot read the entry of 'x' near"), (["x=1" + "^2" * 3000], "2: 'x': is nested too deeply."),
    (["a" * 3000000 + "=1"], "2: a name of 3000000 characters."),
])  # fmt: skip
def test_a_bomb_is_refused_with_its_line(vensim, lines, place):
    with pytest.raises(ModelError) as caught:
        vensim(*lines)
    assert str(caught.value).startswith(f"m.mdl:{place}"), str(caught.value)[:300]


def test_a_long_sum_and_a_long_condition_run(vensim):
    model = vensim(*[f"a{n}=Time+{n}" for n in range(1000)], "x=" + "-".join(f"a{n}" for n in range(1000)),
                   "y=IF THEN ELSE(" + ":OR:".join(f"a{n}>1000" for n in range(1000)) + ", 1, 0)")  # fmt: skip
    assert values(model, "x") == [-998 * t - 499500 for t in range(5)]
    assert values(model, "y") == [0, 0, 1, 1, 1]


def test_modules_that_double_are_refused(xmile):
    inner = "".join(
        f'<model name="{a}{n}"><variables><module name="m{n + 1}"/><module name="n{n + 1}"/></variables></model>'
        for n in range(40)
        for a in "mn"
    )
    last = "".join(f'<model name="{a}40"><variables>{aux("x", "1")}</variables></model>' for a in "mn")
    with pytest.raises(ModelError, match=r"^m.stmx:4: more than 1000 modules within modules"):
        xmile('<module name="m0"/>', after=inner + last)


def test_a_plain_run_gives_what_a_dataset_holds(vensim):
    model = vensim("kind: a, b", "rate[kind]=0.1, 0.2", "start=10~ [0,50]~", "S[kind]=INTEG(S[kind]*rate[kind]+push, start)", "push=1",
                   "late=DELAY FIXED(S[a], 2, 5)", "drawn=RANDOM UNIFORM(0, 1, 0)", end=6)  # fmt: skip
    plain = model.plain(["rate[b]", "start"], ["S", "late"], {"push": 2})
    few = model.plain(["rate[b]", "start"], ["S", "late"], {"push": 2}, few=True)
    assert plain.outputs == ("S[a]", "S[b]", "late")
    with pytest.raises(UnsupportedError, match="a plain run draws nothing at random"):
        model.plain(["start"], ["drawn"])
    for rate, start in ((0.3, 20), (0.0, 5), (0.3, 20)):
        run = model.run({"rate[b]": rate, "start": start, "push": 2}, outputs=["S", "late"])
        expected = [*run["S"].values.T, run["late"].values]
        np.testing.assert_array_equal(plain([rate, start]), expected)
        np.testing.assert_array_equal(few([rate, start]), expected)
    assert plain.times.tolist() == run["time"].values.tolist()


def test_a_plain_run_refuses_what_is_no_constant(vensim):
    model = vensim("start=10~ [0,50]~", "S=INTEG(x, start)", "x=Time")
    with pytest.raises(ModelError) as caught:
        model.plain(["strat", "x", "TIME STEP"])
    assert (
        str(caught.value).splitlines()[0]
        == "'strat' is no constant that a run can change. Did you mean 'start'?"
    )
    assert len(caught.value.problems) == 3
    with pytest.raises(ModelError, match="a plain run has no draws"):
        model.plain([], params={"start": [1.0, 2.0]})
    with pytest.raises(ModelError, match=r"^'start' is 60, outside the model's limits \[0, 50\].$"):
        model.plain(["start"])([60])
    with pytest.raises(ModelError, match="^2 values for 1 constants.$"):
        model.plain(["start"])([1, 2])
