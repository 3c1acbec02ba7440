"""What a text in a file may do: nothing. No formula in a table, no control character on a terminal."""

from __future__ import annotations

import csv
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import talent_sd
from talent_sd.base.files import TableWriter, write_frame
from talent_sd.cli.terminal import CONTROLS

FORMULAS = ("=1+1", "+1+1", "-1-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "=HYPERLINK(\"http://x\")", "-2+3+cmd|' /C calc'!A0")  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_table_is_a_formula(text: str) -> None:
    stream = StringIO()
    TableWriter(stream).writerow([text, -1.5, "plain", None])
    stream.seek(0)
    assert next(csv.reader(stream)) == [f"'{text}", "-1.5", "plain", ""]


def test_no_cell_of_a_frame_is_a_formula(tmp_path: Path) -> None:
    frame = pd.DataFrame({"who": [*FORMULAS, "-0.5", "plain"], "share": np.arange(len(FORMULAS) + 2) / -3})
    write_frame(tmp_path / "table.csv", frame, "%.3g")
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    texts = [f"'{text}".replace("\r", "\n") for text in FORMULAS]
    assert [row[0] for row in rows] == ["who", *texts, "-0.5", "plain"]
    assert rows[2] == [f"'{FORMULAS[1]}", "-0.333"]


def test_every_table_is_written_by_those_who_know_of_formulas() -> None:
    package = Path(talent_sd.__file__).parent
    found = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if re.search(r"\.to_csv\(|csv\.(Dict)?[Ww]riter\(|\.to_excel\(", file.read_text("utf-8"))
    }
    assert found == {"base/files.py"}


@pytest.mark.parametrize("number", ["-1", "+1", "-0.0189", "-1e-05", "-inf"])
def test_a_number_written_as_text_stays_a_number(number: str) -> None:
    stream = StringIO()
    TableWriter(stream).writerow([number])
    assert stream.getvalue().strip() == number


def test_no_terminal_obeys_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from talent_sd.cli.common import say

    hostile = "a\x1b[31m\x07\x9b\u202e\u2066\u200f\u061cb\nc\td"
    say(hostile)
    shown = capsys.readouterr().out
    assert not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u200f", "\u061c"}
    assert (shown[0], shown.count(CONTROLS[0x202E]), "b\nc" in shown) == ("a", 6, True)
