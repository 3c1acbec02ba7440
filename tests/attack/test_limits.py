"""Files with thousands of faults or endless texts: twenty problems at most, within seconds."""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import talent_sd as ts
from talent_sd.base.errors import MOST, InputError, ModelError
from talent_sd.engine.member_blocks import EnsembleLayout, block_size
from talent_sd.forecast.compare import prepare_cities
from talent_sd.forecast.prepare import check_file

from .conftest import WHOLE

MANY = 9000 if WHOLE else 600
Attacked = Callable[[], None]


def _rows(row: str, indent: int = 2, count: int = MANY) -> str:
    return "".join(" " * indent + row.format(n=n) + "\n" for n in range(count))


TIME = "INITIAL TIME=0~~|FINAL TIME=1~~|TIME STEP=1~~|"
FLOODS = {
    "keys.yaml": "title: x\n" + _rows("k{n}: 1", 0),
    "policies.yaml": "title: x\npolicies:\n" + _rows("k{n}: on"),
    "assumptions.yaml": "title: x\nassumptions:\n" + _rows("k{n}: 1"),
    "reasons.yaml": "title: x\nassumptions:\n" + _rows("k{n}: {{value: 1, why: x}}", count=MANY // 4),
    "twice.yaml": "title: x\n" + _rows("title: x", 0),
    "infinite.yaml": "title: x\npolicies:\n" + _rows("k{n}: {{intensity: .inf}}", count=MANY // 3),
    "settings.yaml": "title: x\npolicies:\n  cash_subsidy:\n" + _rows("k{n}: 1", 4),
    "shocks.yaml": "title: x\nshocks:\n" + _rows("k{n}: {{at: 2030}}", count=MANY // 4),
    "figures.yaml": "name: x\nprovince: Hebei\nregion: x\nfigures:\n"
    + _rows("f{n}: {{unit: a, source: b, value: 1, year: 2020}}", count=MANY // 11),
    "nation.yaml": "title: x\nextends: central\nvariables:\n" + _rows("v{n}: {{unit: a}}", count=MANY // 4),
    "entries.yaml": "title: x\n" + _rows("k{n}: 1", 0, 30_000),
    "bytes.yaml": "title: x\n#" + "x" * 2_000_000,
    "title.yaml": f"title: {'x' * 100_000}\n",
    "question.yaml": f"title: x\nquestion: {'x' * 100_000}\n",
    "key.yaml": f"title: x\n? {'x' * 100_000}\n: 1\n",
    "twice.mdl": "{UTF-8}\n" + _rows("a{n}=1~~|\na{n}=2~~|", 0, MANY // 3) + TIME,
}


@pytest.mark.parametrize(
    "name", FLOODS if WHOLE else ["reasons.yaml", "figures.yaml", "title.yaml", "key.yaml", "twice.mdl"]
)
def test_floods_of_problems(name: str, tmp_path: Path, attacked: Attacked) -> None:
    (tmp_path / name).write_text(FLOODS[name], encoding="utf-8")
    start = time.monotonic()
    with pytest.raises((InputError, ModelError)) as caught:
        check_file(tmp_path / name)
    assert time.monotonic() - start < 60
    assert len(caught.value.told()) <= 21
    assert len(str(caught.value)) < 25_000
    attacked()


def test_a_model_file_that_is_none(tmp_path: Path) -> None:
    with (tmp_path / "huge.mdl").open("wb") as file:
        file.truncate(10**11)
    with pytest.raises(
        ModelError, match=r"huge\.mdl: 100000000000 bytes are more than the 20000000 allowed\."
    ):
        check_file(tmp_path / "huge.mdl")
    os.mkfifo(tmp_path / "pipe.mdl")
    with pytest.raises(ModelError, match=r"pipe\.mdl: not a regular file\."):
        check_file(tmp_path / "pipe.mdl")


def test_more_memory_than_there_is_numbers_for() -> None:
    layout = EnsembleLayout(("a",), 5, (2024.0,), {"x": {}})
    assert block_size(layout, 3, 1e300) == 5
    assert block_size(layout, 3, 1e300, 2) == 2


def test_the_rest_is_counted() -> None:
    error = InputError([f"problem {number}" for number in range(60_000)])
    assert error.told()[19:] == ["problem 19", "… and 59980 more problems. Mend these first."]
    assert len(error.problems) == 60_000


def test_of_many_wrong_names_the_first_are_told_at_once() -> None:
    names = [f"nowhere{number}" for number in range(3000)]
    for call in (lambda: ts.simulate(names), lambda: prepare_cities(["baseline"], names)):
        with pytest.raises(InputError) as caught:
            call()
        assert len(caught.value.problems) == MOST
        assert str(caught.value).endswith("What comes after was not looked at. Mend these first.")


def test_only_hints_that_are_told_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, find = [], difflib.get_close_matches

    def counted(word: str, *arguments: Any, **options: Any) -> list[str]:
        looked.append(word)
        return find(word, *arguments, **options)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    for _ in range(2):  # each error has its own
        looked.clear()
        file = tmp_path / "many.yaml"
        file.write_text(
            "title: x\nassumptions:\n" + _rows("settling tme{n}: {{value: 1, why: x}}", count=600), "utf-8"
        )
        with pytest.raises(InputError) as caught:
            check_file(file)
        told = caught.value.told()
        assert (len(caught.value.problems), len(told), len(looked)) == (600, 21, 20)
        assert all(text.endswith("Did you mean 'settling time'?") for text in told[:20])
