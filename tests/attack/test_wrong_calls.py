"""The package's functions called with wrong types, and the program with wrong arguments: one sentence, no traceback."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import talent_sd as ts
from talent_sd.base.arguments import KINDS, MAPPING, NAMES
from talent_sd.base.errors import TalentError

from .conftest import Outcome, chosen

Attacked = Callable[[], None]
BAD = (
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
    -(10**30),
    "x" * 100_000,
)
CALLS: dict[str, Callable[..., object]] = {
    name: getattr(ts, name)
    for name in ts.__all__
    if inspect.isfunction(getattr(ts, name)) and inspect.signature(getattr(ts, name)).parameters
}
QUICK = {"draws": 2, "outputs": ["Residents"]}


def _calls() -> Iterator[tuple[str, str, Any]]:
    for name, function in CALLS.items():
        for parameter in inspect.signature(function).parameters:
            yield from ((name, parameter, bad) for bad in BAD if parameter in KINDS)


def test_wrong_arguments_of_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attacked: Attacked
) -> None:
    monkeypatch.chdir(tmp_path)
    spread = ts.simulate(outputs=["Residents"])
    needed = {
        "spread": spread,
        "result": spread,
        "scenarios": "hefei_combination",
        "name": "baseline",
        "scenario": "baseline",
    }
    for name, parameter, bad in chosen(_calls(), 20):
        parameters = inspect.signature(CALLS[name]).parameters
        given = {key: value for key, value in {**QUICK, **needed}.items() if key in parameters}
        given.update(
            {} if name != "resolve_scenario" else {"city": "wuxi", "structure": ts.load_model().structure}
        )
        said = ""
        try:
            CALLS[name](**{**given, parameter: bad})
        except TalentError as error:
            said = str(error)
        assert len(said) < 10_000, (name, parameter)
        attacked()


def test_wrong_arguments_of_a_run(attacked: Attacked) -> None:
    model = ts.load_model()
    kinds = {name: KINDS[name] for name in inspect.signature(model.run).parameters if name in KINDS}
    for name, bad in [(name, bad) for name in kinds for bad in BAD]:
        if kinds[name] in (MAPPING, NAMES) and bad == {}:
            continue
        said = ""
        try:
            model.run(**{"outputs": ["Residents"], name: bad})
        except TalentError as error:
            said = str(error)
        assert said or isinstance(bad, (int, float)), (name, bad)
        attacked()


def test_one_sentence_each() -> None:
    model, kind = ts.load_model(), "a dataset, as `simulate`, `ensemble` or `compare` return it"
    for call, said in {
        lambda: ts.simulate(b"x"): "scenario is b'x'. Give names or paths.",
        lambda: model.run(params=[1]): "params is [1]. Give a mapping of names to values.",
        lambda: ts.ensemble(draws="40"): "draws is '40'. Give a whole number.",
        lambda: ts.plot(5): f"result is 5. Give {kind}.",
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
