"""The package's functions called with wrong types, and the program with wrong arguments: one sentence, no traceback."""

from __future__ import annotations

import contextlib
import copy
import inspect
import pickle
import re
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import fields
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import count, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.base.arguments import KINDS, MAPPING, NAMES, checked
from talent_sd.base.errors import NonFiniteWarning, OddFigure, TalentError
from talent_sd.engine.cluster import safe_address
from talent_sd.inputs import load_city, read_national
from talent_sd.search import Asked

from .conftest import WHOLE, Outcome, chosen

Attacked = Callable[[], None]
BAD = (
    None,
    "x",
    Path("nowhere"),
    {"a": {"b": [{}]}},
    [[], {}],
    pd.DataFrame({"dims": [1], "time": [2]}),
    np.arange(3.0),
    lambda: None,
    ts,
    2.5,
    -1,
    b"x",
    5.5,
    object(),
    [b"x"],
    {"a": b"x"},
    {},
    True,
    10**400,
    float("nan"),
    "\0",
    "\ud800",
    float("inf"),
    -(10**30),
    "x" * 100_000,
    [1],
    ["\ud800"],
)
CALLS: dict[str, Callable[..., object]] = {
    name: getattr(ts, name)
    for name in ts.__all__
    if inspect.isfunction(getattr(ts, name)) and inspect.signature(getattr(ts, name)).parameters
}
SLOW = {"optimise", "page", "feedback_loops", "attribute_policies"}
"""Of these the short form tries only what they refuse before they begin."""
QUICK = {"draws": 2, "outputs": ["Residents"]}


def _calls() -> list[tuple[str, str, Any]]:
    """Return every parameter of every function with each odd value that it does not take by its annotation."""
    return [
        (name, parameter, bad)
        for name, function in CALLS.items()
        for parameter, one in inspect.signature(function).parameters.items()
        for bad in BAD
        if not (bad is None and "None" in str(one.annotation)) and parameter != "settings"
    ]


def test_wrong_arguments_of_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attacked: Attacked
) -> None:
    monkeypatch.chdir(tmp_path)
    spread = ts.simulate(outputs=["Residents"])
    needed = {
        "spread": spread, "result": spread, "scenarios": "hefei_combination", "name": "baseline", "scenario": "baseline",
        "of": "total talent", "structure": ts.load_model().structure, "settings": {},
    }  # fmt: skip
    of_one = {
        "resolve_scenario": {"city": "wuxi"},
        "optimise": {"population": 4, "generations": 1, "searches": 1},
    }
    calls = [call for call in _calls() if WHOLE or call[0] not in SLOW or not KINDS[call[1]][1](call[2])]
    for name, parameter, bad in chosen(calls, 150):
        parameters = inspect.signature(CALLS[name]).parameters
        given = {key: value for key, value in {**QUICK, **needed}.items() if key in parameters}
        given.pop("settings", None)
        said = ""
        try:
            CALLS[name](**{**given, **of_one.get(name, {}), parameter: bad})
        except (TalentError, OddFigure) as error:
            said = str(error)
        assert len(said) < 10_000, (name, parameter)
        attacked()


def test_every_parameter_has_a_kind() -> None:
    taken = {name for function in CALLS.values() for name in inspect.signature(function).parameters}
    assert (taken | {field.name for field in fields(Asked)}) - set(KINDS) == {"settings"}
    for name, bad in {"keep": 5, "weights": "a", "risk": 3, "start": 2025.5, "population": "4"}.items():
        with pytest.raises(TalentError, match=f"^{name} is .*\\. Give "):
            ts.optimise("wuxi", **{name: bad})


def test_a_scenario_is_resolved_for_years_and_of_what_it_takes() -> None:
    structure = ts.load_model().structure
    for given, said in {
        "final_year": (
            -1,
            f"a run from {structure.time['INITIAL TIME']:g} to -1 would end before it begins. Correct the years.",
        ),
        "start_year": (float("nan"), "start_year is nan. Give a year."),
        "mapping": ([], "mapping is []. Give what `talent_sd.inputs.read_mapping` returns."),
        "context": ({}, "context is {}. Give a name or a path."),
    }.items():
        with pytest.raises(TalentError, match=f"^{re.escape(said[1])}$"):
            ts.resolve_scenario("baseline", "hefei", structure, **{given: said[0]})
    with pytest.raises(TalentError, match="^structure is 5. Give the structure of a model"):
        ts.resolve_scenario("baseline", "hefei", 5)
    path = read_national("central")
    assert ts.resolve_scenario(ts.load_scenario("baseline"), load_city("hefei"), structure, context=path)


@pytest.mark.parametrize("call", [ts.summary, ts.plot, ts.compare])
def test_what_is_not_finite_is_told(call: Callable[[xr.Dataset], object]) -> None:
    spread = ts.simulate(["baseline", "hefei_combination"], outputs=["Residents"])
    for odd in (np.nan, np.inf):
        with pytest.warns(NonFiniteWarning, match="^Not finite: Residents. Do not use these results.$"):
            call(spread * odd)
    with pytest.raises(TalentError, match="Give a"):
        call(spread.assign_coords(time=[str(year) for year in spread["time"].values]))


def _parts(spread: xr.Dataset) -> dict[str, xr.Dataset]:
    """What users make of a result, and what is none."""
    one = spread.isel(scenario=[0])
    return {
        "nothing": xr.Dataset(), "one scenario": spread.isel(scenario=0), "no draw": spread.isel(draw=[]),
        "one year": spread.isel(time=[0]), "later years": spread.sel(time=slice(2027, None)), "no year": spread.isel(time=[]),
        "a year": spread.isel(time=0), "backwards": spread.isel(time=slice(None, None, -1)), "mean": spread.mean("draw"),
        "twice": xr.concat([one, one], "scenario"), "texts": spread.astype(str), "complex": spread.astype(complex),
        "bare": spread.drop_vars(list(spread.data_vars)), "cities": spread.expand_dims("city"), "gaps": spread.where(False),
        "infinite": spread * np.inf, "numbers": spread.assign_coords(scenario=[1, 2]),
        "no words": xr.Dataset({name: (array.dims, array.values) for name, array in spread.data_vars.items()}),
    }  # fmt: skip


def test_parts_of_results(attacked: Attacked) -> None:
    spread = ts.ensemble(["baseline", "hefei_combination"], draws=3, outputs=["Residents", "Talent"])
    made: set[tuple[str, str]] = set()
    for name, part in _parts(spread).items():
        for function in (ts.compare, ts.summary, *([ts.plot] if WHOLE else [])):
            with contextlib.suppress(TalentError), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what is not finite
                str(function(part))
                made.add((name, function.__name__))
            attacked()
    assert {name for name, call in made if call == "summary"} >= {
        "later years",
        "one year",
        "backwards",
        "gaps",
    }
    assert {name for name, _ in made}.isdisjoint(
        {"nothing", "no draw", "no year", "texts", "complex", "twice"}
    )


def _altered(result: xr.Dataset) -> Iterator[tuple[str, Any]]:
    """Yield a result with each thing it holds taken away, or made odd."""
    yield "no attributes", result.drop_attrs()
    for name in result.attrs:
        for odd in ({}, None, [1], np.nan):
            yield f"{name} {odd}", result.assign_attrs({name: odd})
    for name, one in result.data_vars.items():
        yield f"without {name}", result.drop_vars(name)
        yield f"only {name}", result[[name]]
        yield f"{name} alone", result[name]
        yield f"{name} as flags", result.assign({name: one != 0})
        for dim in one.dims:
            yield f"{name} of one {dim}", result.assign({name: one.isel({dim: 0}, drop=True)})
    for dim in result.dims:
        yield f"twice {dim}", result.isel({dim: [0, 0]})
        yield f"another {dim}", result.rename({dim: "zz"})
        yield f"one {dim}", result.isel({dim: 0}, drop=True)
        yield f"no names of {dim}", result.drop_vars(dim)
        yield f"same {dim}", result.assign_coords({dim: ["x"] * result.sizes[dim]})
    yield from ((dim, result.drop_vars(dim, errors="ignore").expand_dims(dim)) for dim in ("zz", "city"))
    yield "a number as a name", result.rename({next(iter(result.data_vars)): 5})


def test_altered_results_are_drawn_or_told_in_a_sentence() -> None:
    spread = ts.ensemble(["baseline", "hefei_combination"], draws=2, outputs=["total talent", "Talent"])
    change = ts.compare(spread)
    for result in (
        spread,
        change,
        *((ts.feedback_loops(), ts.attribute_policies("hefei_combination", draws=2)) if WHOLE else ()),
    ):
        for name, part in chosen([*_altered(result)], 40):
            for function in (ts.summary, *([ts.plot] if WHOLE or name.startswith("only") else ())):
                with contextlib.suppress(TalentError), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    str(function(part))
    alone = change["total talent, relative"]
    assert ts.plot(alone).axes
    assert ts.summary(alone.to_dataset()).frame["variable"].tolist() == ["total talent, relative"]
    for call in (ts.plot, ts.summary):
        with pytest.raises(TalentError) as caught:
            call(change.drop_attrs())
        assert str(caught.value) == (
            "this dataset lacks the attribute 'baseline', which every such result holds. Give it as it was returned."
        )


def test_one_name_is_no_list_of_letters() -> None:
    assert list(ts.simulate("baseline", outputs="Residents").data_vars) == ["Residents"]
    assert list(ts.load_model().run(None, None, "Residents").data_vars) == ["Residents"]


@pytest.mark.parametrize(
    "bad", [10**400, b"1", np.datetime64("2026-01-01"), None, 1j, True, np.True_, np.array(True)]
)
def test_what_is_no_number_is_no_parameter(bad: object) -> None:
    with pytest.raises(TalentError, match="'city residents' is .* Give a "):
        ts.load_model().run({"city residents": bad}, outputs=["Residents"])


def test_a_text_of_any_kind_is_a_text() -> None:
    class Name(StrEnum):
        BASELINE = "baseline"

    expected = ts.simulate("baseline", outputs=["Residents"])
    for kind in (np.array, np.str_, xr.DataArray, Name, lambda text: np.array(text, object)):
        found = ts.simulate(kind("baseline"), outputs=kind("Residents") if kind is not Name else "Residents")
        assert found.identical(expected), kind
    assert ts.simulate(np.array(["baseline"]), outputs=["Residents"]).identical(expected)
    assert [*ts.simulate({"title": Path("x")}).scenario.values] == ["x"]
    with pytest.raises(TalentError, match="scenario is array"):
        ts.simulate(np.array(np.datetime64("2026-01-01")))


def test_one_number_is_no_list_of_weights() -> None:
    with pytest.raises(TalentError, match=r"weights is 1\.5\. Give numbers\."):
        ts.optimise("hefei", 1e9, ["total talent", "tax base"], weights=1.5)  # type: ignore[arg-type]


def test_wrong_arguments_of_a_run(attacked: Attacked) -> None:
    model = ts.load_model()
    kinds = {name: KINDS[name] for name in inspect.signature(model.run).parameters if name in KINDS}
    for name, bad in [(name, bad) for name in kinds for bad in BAD]:
        if bad is None or kinds[name] in (MAPPING, NAMES) and isinstance(bad, dict) and not bad:
            continue
        said = ""
        try:
            model.run(**{"outputs": ["Residents"], name: bad})
        except TalentError as error:
            said = str(error)
        assert said or isinstance(bad, (int, float)), (name, bad)
        attacked()


def test_one_sentence_each() -> None:
    model, kind = ts.load_model(), "a result, as `simulate`, `ensemble`, `compare` or `why` return it"
    for call, said in {
        lambda: ts.simulate(
            b"x"
        ): "scenario is b'x'. Give names, paths, or mappings of what a scenario's file holds.",
        lambda: model.run(params=[1]): "params is [1]. Give a mapping of names to values.",
        lambda: ts.ensemble(draws="40"): "draws is '40'. Give a whole number above 0.",
        lambda: ts.plot(5): f"result is 5. Give {kind}, or a variable of one.",
        lambda: ts.ensemble(draws=10**9): "1000000000 draws of ",
    }.items():
        with pytest.raises(TalentError) as caught:
            call()
        assert str(caught.value).startswith(said), caught.value
    assert ts.ensemble(draws=np.int64(2), outputs=["Residents"]).sizes["draw"] == 2


COMMANDS = [
    ("check", "."), ("run", "."), ("run", "--city", "."), ("run", "--national", "."), ("compare", "."), ("diff", ".", "baseline"),
    ("loops", "."), ("validate", "--model", "."), ("calibrate", "--panel", ".", "--census", "."), ("new", "city", "."),
    ("list", "variables", "--of", "."), ("page", "."), ("check", "/dev/null"), ("run", "--out", "/dev/null"), ("run", ""),
    ("run", "--draws", "1000000000"), ("run", "--draws", "1" + "0" * 400), ("run", "--seed", "1" + "0" * 400, "--draws", "2"),
    ("run", "--draws", "2", "--memory", "nan"), ("loops", "--draws", "1000000000"), ("validate", "--draws", "10000000000"),
    ("compare", "hefei_combination", "--draws", "1000000000"), ("run", "x" * 5000), ("run", "--city", "x" * 5000),
    ("check", "x" * 5000), ("run", "--out", "x" * 5000), ("check", "a\x1b[31mb.yaml"), ("run", "--lang", "\x1b[31m"),
]  # fmt: skip


def test_wrong_arguments_of_the_program(
    typed: Callable[..., Outcome], tmp_path: Path, attacked: Attacked
) -> None:
    for arguments in chosen(COMMANDS, 2):
        done = typed(*arguments, cwd=tmp_path)
        assert (done.is_fit_to_read(), done.code) == (True, 2), (arguments, done)
        assert len(done.said) < 20_000
        attacked()
    assert list(tmp_path.iterdir()) == []


def test_another_service_at_the_address_of_a_cluster_is_told() -> None:
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with server.accept()[0] as line:
                        line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)

        threading.Thread(target=answer, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(TalentError, match=f"^no cluster answers at '{address}' "):
            ts.ensemble(draws=2, outputs=["Residents"], cluster=address)
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://10.0.0.1:8786", "is not on this machine and without TLS"),
        ("TCP://①.1.1.1:8786", "is not on this machine and without TLS"),
        ("10.0.0.1:8786", "is not on this machine and without TLS"),
        ("ws://example.org:1", "is not on this machine and without TLS"),
        *((one, "is no address of a dask scheduler") for one in ("tcp://127.0.0.1", "tcp://[::1", "", "ftp://127.0.0.1:1", "tcp://127.0.0.1:99999",
            "wss://10.0.0.1:1", "tcp://127.0.0.1\n:1", "tcp://127.0.0.1 :1", "tcp://a@127.0.0.1:1", "tcp://127.0.0.1:1/a")),
    ],
)  # fmt: skip
def test_a_cluster_of_another_machine_needs_tls(address: str, said: str) -> None:
    with pytest.raises(TalentError, match=f"^'{re.escape(address.replace(chr(10), ' '))}' {said}"):
        ts.ensemble(draws=2, outputs=["Residents"], cluster=address)


def test_an_address_of_a_cluster_is_taken_as_dask_has_it() -> None:
    taken = {
        "TCP://[::1]:8786": "tcp://[::1]:8786",
        "localhost:1": "tcp://localhost:1",
        "TLS://10.0.0.1:2": "tls://10.0.0.1:2",
    }
    assert {given: safe_address(given) for given in taken} == taken


class Odd(dict[Any, Any]):
    """A mapping that gives nothing but errors."""

    def items(self) -> Any:
        """Fail."""
        raise RuntimeError


@pytest.mark.parametrize(
    "odd",
    [{pd.NA: 1}, {b"x": 1}, {("a",): 1}, {None: 1}, Odd(a=1)],
    ids=lambda one: type(next(iter(one))).__name__,
)
def test_keys_of_mappings_that_no_file_could_hold_are_told(odd: Any) -> None:
    for given in (
        odd,
        {"policies": odd},
        {"policies": {"cash_subsidy": odd}},
        {"title": "x", **dict.fromkeys(odd, 1)},
    ):
        with pytest.raises(TalentError, match="^scenario(: \\w+)*:? "):
            ts.simulate(given, outputs=["Residents"])
    for given in ({"arrival elasticity": odd}, {"cash_subsidy": odd}):
        with pytest.raises(TalentError, match="^overrides: "):
            ts.simulate(overrides=given, outputs=["Residents"])


def test_an_iterator_that_fails_and_a_span_of_time_are_told() -> None:
    def failing() -> Any:
        yield "Residents"
        raise OSError

    with pytest.raises(TalentError, match=r"^outputs is <class 'generator'>\. Give names\.$"):
        ts.simulate(outputs=failing())
    for name in ("draws", "seed", "block", "memory"):
        with pytest.raises(TalentError, match=f"^{name} is .*\\. Give a "):
            ts.ensemble(outputs=["Residents"], **{name: np.timedelta64(3, "D")})


class Endless:
    """What gives the same for ever."""

    def __iter__(self) -> Any:
        """Begin."""
        return repeat("baseline")


@pytest.mark.parametrize("name", ["scenarios", "reading", "outputs", "overrides", "seed", "draws", "city"])
def test_what_has_no_end_is_no_argument(name: str) -> None:
    for endless in (repeat("baseline"), ("x" for _ in repeat(0)), count(), Endless(), range(10**12)):
        with pytest.raises(TalentError, match=f"^{name} is .*\\. Give [^.]*\\.$"):
            ts.ensemble(**{"draws": 2, name: endless})


def test_an_ensemble_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(TalentError, match=r"^out is .*a\.NC: `ensemble` writes a folder, a Zarr store\. "):
        ts.ensemble(draws=2, outputs=["Residents"], out=tmp_path / "a.NC")
    assert list(tmp_path.iterdir()) == []


NO_NUMBERS = {"two numbers": np.array([0.8, 0.9]), "huge": 10**400, "nan": float("nan"), "infinite": -np.inf,
              "by element": {"a": 10**400}, "complex": 1j, "bytes": b"1", "a list": [0.8]}  # fmt: skip


@pytest.mark.parametrize("value", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_a_setting_that_is_no_number_is_told(value: Any) -> None:
    """Of one number, an array or numpy's own, it is taken."""
    with pytest.raises(TalentError, match="^overrides: "):
        ts.simulate(overrides={"arrival elasticity": value}, outputs=["Residents"])
    with pytest.raises(TalentError, match="^scenario: "):
        ts.simulate(
            {"assumptions": {"arrival elasticity": {"value": value, "why": "x"}}}, outputs=["Residents"]
        )


NUMBERS = (
    Fraction,
    Decimal,
    np.int8,
    np.uint8,
    np.int16,
    np.uint64,
    np.float16,
    np.float32,
    np.longdouble,
    np.array,
)


@pytest.mark.parametrize("kind", NUMBERS, ids=lambda kind: kind.__name__)
def test_a_number_of_any_kind_is_a_number(kind: Callable[[int], Any]) -> None:
    """It is Python's own from the door on: no small width overflows, no kind lacks a format."""

    @checked
    def given(draws: int, year: float, overrides: dict[str, object]) -> list[type]:
        return [type(one) for one in (draws, year, overrides["a"], overrides["b"]["c"][0])]

    whole = kind(2) if np.asarray(kind(2)).dtype.kind in "iu" else 2
    found = given(whole, kind(3), {"a": kind(1), "b": {"c": [kind(1)]}})
    assert found[0] is int
    assert set(found) <= {int, float}
    spread = ts.ensemble(draws=whole, outputs=["Residents"], overrides={"arrival elasticity": kind(1)})
    assert np.array_equal(
        spread["Residents"],
        ts.ensemble(draws=2, outputs=["Residents"], overrides={"arrival elasticity": 1})["Residents"],
    )


def test_results_in_pieces_and_trees_of_them_are_told() -> None:
    pytest.importorskip("dask.array")
    spread = ts.ensemble(draws=2, outputs=["Residents"])
    for call, name in ((ts.summary, "result"), (ts.compare, "spread"), (ts.plot, "result")):
        with pytest.raises(
            TalentError,
            match=rf"^{name} is in pieces that are not computed yet\. Give {name}\.compute\(\)\.$",
        ):
            call(spread.chunk({"draw": 1}))
        with pytest.raises(TalentError, match=rf"^{name} is <xarray.DataTree> .* Give a "):
            call(xr.DataTree.from_dict({"/": spread}))


def test_more_memory_than_the_machine_has_is_not_believed() -> None:
    with pytest.raises(
        TalentError,
        match=r"^\d+ draws of \d+ inputs take [\d,]+ gigabytes; this machine has [\d.]+\. Give fewer",
    ):
        ts.ensemble(draws=10**11, memory=Fraction(10**9), outputs=["Residents"])


def test_years_out_of_order_are_put_in_order_and_coordinates_are_refused() -> None:
    spread = ts.ensemble("baseline", draws=2, outputs=["Residents"])
    told = str(ts.summary(spread))
    assert str(ts.summary(spread.isel(time=slice(None, None, -1)))) == told
    assert str(ts.summary(spread.isel(time=[*range(5, 13), *range(5)]))) == told
    for coordinate in ("drawn", "time"):
        with pytest.raises(TalentError, match=r"^result is .*\. Give a result, as `simulate`"):
            ts.plot(spread[coordinate])


def test_errors_and_causes_are_copied_and_errors_kept() -> None:
    for error in (
        ts.InputError(["a", "b"]),
        ts.ModelError("{x}", x=1),
        ts.InputError(None),
        ts.UnitError("x"),
    ):
        for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
            assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))
    cause = ts.why("Residents", city="wuxi")
    assert copy.deepcopy([cause])[0] is copy.copy(cause) is cause
    with pytest.raises(TalentError, match="is not pickled"):
        pickle.dumps(cause)
    for name in ("scenario", "against"):
        with pytest.raises(TalentError, match=f"^{name}: 2 scenarios. Give one.$"):
            ts.why("Residents", **{name: ["baseline", "hefei_combination"]})


def test_no_size_is_beyond_the_memory(
    typed: Callable[..., Outcome], tmp_path: Path, attacked: Attacked
) -> None:
    for sizes in ({"population": 10**9}, {"generations": 10**9}, {"searches": 10**9}):
        with pytest.raises(TalentError, match="at most 10,000 and 1,000,000,000"):
            ts.optimise("wuxi", draws=4, **sizes)
        attacked()
    tables = ["--panel", "p.csv", "--census", "c.csv"]
    for command in (
        ["calibrate", *tables, "--steps"],
        ["backtest", *tables, "--draws"],
        ["validate", "--draws"],
    ):
        done = typed(*command, 10**9, cwd=tmp_path)
        assert (done.code, done.is_fit_to_read(), "equal to 100000" in done.said) == (2, True, True), (
            done.said
        )
        attacked()
