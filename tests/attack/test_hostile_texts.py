"""What a text in a file may do: nothing. No formula in a table, no control character on a terminal."""

from __future__ import annotations

import csv
import json
import os
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import talent_sd
import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.base.files import CONTROLS, TableWriter, tellable, write_frame
from talent_sd.forecast.result_files import write_dataset
from talent_sd.inputs import load_scenario
from talent_sd.output.style import new_figure, save_figure

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


def test_no_text_in_a_table_is_markup(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Column, Table

    from talent_sd.cli.common import console

    table = Table(Column("[bold]a" + "." * 30), title="[/red] [link=x]")
    table.add_row("[/b]")
    table.caption = "[/]"
    console().print(table)
    shown = capsys.readouterr().out
    assert [text in shown for text in ("[bold]a", "[/red] [link=x]", "[/b]", "[/]")] == [True] * 4


HOSTILE = "a\x1b[31m\x9b\u202e\u2066\u200fb"


@pytest.mark.parametrize(
    "text", ["title: {0}\n", "title: x\n{0}: 1\n", "title: x\nassumptions: {{{0}: {{value: 1, why: x}}}}\n"]
)
def test_a_control_character_in_a_file_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text.format(json.dumps(HOSTILE)), "utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(file)
    told = f"{file}:{text.count(chr(10))}: a text holds a control character, which nobody sees. Remove it."
    assert caught.value.problems == (told,)


def test_a_control_character_in_a_model_is_replaced_wherever_it_stands(tmp_path: Path) -> None:
    vensim = f'{{UTF-8}}\n"x{HOSTILE}"=1~u{HOSTILE}~d{HOSTILE}|\nINITIAL TIME=0~~|\nFINAL TIME=1~~|\nTIME STEP=1~~|\n'
    name = f"x{HOSTILE}".replace("\x1b", "")  # XML has none
    xmile = (
        '<xmile version="1.0" xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0"><sim_specs><start>0</start>'
        f'<stop>1</stop><dt>1</dt></sim_specs><model><variables><aux name="{name}"><doc>{name}</doc><eqn>1</eqn>'
        f"<units>u{name}</units></aux></variables></model></xmile>"
    )
    for ending, text in {"mdl": vensim, "xmile": xmile}.items():
        file = tmp_path / f"m{HOSTILE}.{ending}"
        file.write_text(text, "utf-8")
        model = ts.load_model(file)
        shown = repr(model.structure.variables) + tellable(str(file))
        assert not set(shown) & set(HOSTILE[1:-1]) - set("[31m"), ending
        assert "\N{REPLACEMENT CHARACTER}" in next(iter(model.structure.variables))


def test_a_name_that_netcdf_has_not_is_written_under_another(tmp_path: Path) -> None:
    names = ["=1+1", "% of people", "a/b", "(c)", "_d", "人才"]
    frame = xr.Dataset({name: ("-dim", [1.0, 2.0]) for name in names})
    write_dataset(frame, tmp_path / "x.nc")
    read = xr.open_dataset(tmp_path / "x.nc")
    assert [*read.data_vars] == ["_=1+1", "_% of people", "a∕b", "_(c)", "_d", "人才"]
    assert [*read.dims] == ["_-dim"]
    read.close()


def test_a_character_without_a_glyph_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from talent_sd.cli.common import notices

    with notices():
        figure = new_figure(1, 1)
        figure.text(0, 0, "\U0010fff0 \U0010fff1")
        save_figure(figure, Path(os.devnull))
    assert capsys.readouterr().err == "No font here has \U0010fff0, \U0010fff1: drawn as boxes.\n"
