"""What a text in a file may do: nothing. No formula in a table, no control character on a terminal."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest

from talent_sd.base.files import TableWriter
from talent_sd.cli.terminal import CONTROLS

FORMULAS = ("=1+1", "+1+1", "-1-1", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"http://x\")", "-2+3+cmd|' /C calc'!A0")  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_table_is_a_formula(text: str) -> None:
    stream = StringIO()
    TableWriter(stream).writerow([text, -1.5, "plain", None])
    stream.seek(0)
    assert next(csv.reader(stream)) == [f"'{text}", "-1.5", "plain", ""]


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
