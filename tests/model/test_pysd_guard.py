"""What keeps PySD from running a file: one PySD, made-up names, and its Python read first."""

from __future__ import annotations

import ast
import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from typer.testing import CliRunner

from talent_sd.base import cache
from talent_sd.base.errors import ModelError
from talent_sd.cli.app import app
from talent_sd.engine import pysd_build, pysd_reference, runner
from talent_sd.engine.pysd_built_code import refuse_other_code
from talent_sd.engine.pysd_safe_names import SafeNames
from talent_sd.engine.runner import load_model
from talent_sd.model import pysd_guard

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PySD's own, on import
CLOCK = "INITIAL TIME=0~~|FINAL TIME=2~~|TIME STEP=1~~|SAVEPER=1~~|\n"
TEXT = "{UTF-8}\ns=INTEG(-0.1*s, 1)~~|\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))


def model(folder: Path, lines: str = "", name: str = "m.mdl") -> Path:
    file = folder / name
    file.write_text(TEXT + CLOCK + lines, "utf-8")
    return file


def test_the_reader_runs_no_text():
    folder = Path(pysd_guard.__file__).parent
    running = {"eval", "exec", "compile", "__import__", "literal_eval", "getattr_static", "loads"}
    for file in folder.glob("*.py"):
        names = {n.id for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Name)}
        attributes = {
            n.attr for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Attribute)
        }
        assert not running & names, file.name
        assert not (running - {"compile"}) & attributes, file.name


def test_another_pysd_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("pysd.__version__", "3.15.0")
    loaded = load_model(model(tmp_path))
    assert float(loaded.run()["s"][-1]) == pytest.approx(0.81)
    with pytest.raises(ModelError) as caught:
        loaded.run(engine="pysd")
    assert str(caught.value) == (
        "PySD 3.15.0 is installed. What it makes of a model has been looked at in 3.14.3 alone: it runs none. "
        "Install pysd==3.14.3."
    )


def test_checking_builds_and_runs_nothing(tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("built or run")

    for place, name in [
        (import_module("pysd.builders.python.python_model_builder").ModelBuilder, "__init__"), (import_module("pysd"), "load"), (pysd_build, "build_reference"),
        (pysd_reference, "build_reference"), (pysd_reference.Reference, "run"), (runner.Model, "run"),
        (runner.Model, "reference_values"), (runner.Kernels, "run"), (runner, "run_arrays"),
    ]:  # fmt: skip
        monkeypatch.setattr(place, name, never)
    file = model(tmp_path, "x=GET DIRECT CONSTANTS('f.csv',',','B2')~~|f((0,0),(1,1))~~|y=f(s)~~|")
    (tmp_path / "f.csv").write_text("a,b\n1,2\n")
    outcome = CliRunner().invoke(app, ["check", str(file)])
    assert outcome.exit_code == 0, outcome.output


def test_what_an_older_reader_kept_is_not_trusted(tmp_path, monkeypatch):
    file = model(tmp_path)
    load_model(file)
    kept = sorted((tmp_path / "cache").glob("*.json"))
    assert len(kept) == 2
    for each in kept:  # an older version's: its fingerprint is another
        text = json.dumps({"unsupported": "old", "language": "en"})
        cache.keep(each, text.encode(), cache.KEPT)
    assert load_model(file).lacks == "old"
    fingerprint = cache.code_fingerprint() + "changed"
    monkeypatch.setattr(cache, "code_fingerprint", lambda: fingerprint)
    assert load_model(file).lacks == ""


def test_the_fingerprint_covers_the_guard():
    package = Path(cache.__file__).resolve().parents[1]
    for file in (pysd_guard.__file__, pysd_build.__file__):
        assert Path(file).resolve().parent in {package / "model", package / "engine"}
    source = Path(cache.__file__).read_text("utf-8")
    assert re.search(r'folders = \("model", "engine"', source)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os", "os"),
        ("from os import system", "system"),
        ("from pysd import read_vensim", "read_vensim"),
        ("v1x = eval('1')", "eval"),
        ("v1x = __import__('os')", "__import__"),
        ("v1x = np.load('f')", "np.load"),
        ("v1x = ().__class__", "__class__"),
        ("v1x = lambda: (v2x := 1)", ":="),
        ("v1x = [v2x for v2x in v3x]", "for"),
        ("v1x = f'{v2x}'", "f'"),
        ("v1x = 'a\\'b'", "a'b"),
        ("v1x = v2x(**v3x)", "**"),
        ("v1x = v2x(*v3x)", "*"),
        ("v1x = v2x()()", "()()"),
        ("v1x = Macro('evil.py')", "Macro"),
        ("v1x = _root.joinpath('../evil.py')", "joinpath"),
        ("v1x = ExtData('/etc/hosts', ',', '1', 'B2')", "ExtData"),
        ("np.pi = 3", "np.pi"),
        ("eval = 3", "eval"),
        ("def f(): return 1", "def f"),
        ("@v2x\ndef v1x(): return 1", "@v2x"),
        ("class v1x: pass", "class"),
        ("try: v1x = 1\nfinally: v1x = 2", "try"),
        ("while 1: v1x = 1", "while"),
        ("del v1x", "del"),
        ("global v1x", "global"),
        ("v1x = (", "v1x = ("),
    ],
)
def test_python_of_another_kind_is_not_run(tmp_path, code, told):
    file = tmp_path / "model.py"
    file.write_text(f"import numpy as np\nv2x = 1\nv3x = [1.5, 'a b!']\n{code}\n")
    names = SafeNames(shown={"v1x": "tea"}, places={"v1x": "m.mdl:7", "v2x": "m.mdl:8"})
    with pytest.raises(ModelError, match=r"^m\.mdl:\d+: the Python that PySD makes of this holds") as caught:
        refuse_other_code([file], names, "m.mdl")
    assert told.replace("v1x", "tea") in str(caught.value)


def test_a_spreadsheet_beside_the_model_or_below_is_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "人口 5%"
    for row in ([0, 1, 2], [10, 20, 40], [7, None, None]):
        book.active.append(row)
    (tmp_path / "it's data").mkdir()
    book.save(tmp_path / "it's data" / "f.xlsx")
    (tmp_path / "it's data" / "g").mkdir()
    book.save(tmp_path / "it's data" / "g" / "F 2.xlsx")
    lines = (
        "c=GET DIRECT CONSTANTS('f.xlsx','人口 5%','A3')~~|\n"
        "d:=GET XLS DATA('g/F 2.xlsx','人口 5%','1','A2')~~|\n"
        "t(GET DIRECT LOOKUPS('f.xlsx','人口 5%','1','A2'))~~|\ny=t(1.5)~~|"
    )
    result = load_model(model(tmp_path / "it's data", lines)).run(engine="pysd")
    assert result["c"].item(0) == 7
    assert np.allclose(result["d"], [10, 20, 40])
    assert np.allclose(result["y"], 30)


def test_a_spreadsheet_that_is_not_there_is_told(tmp_path):
    file = model(tmp_path, "c=GET DIRECT CONSTANTS('none.xlsx','T','A3')~~|")
    with pytest.raises(
        ModelError, match=r"^m\.mdl:4: 'c': reads the file 'none\.xlsx', which cannot be opened\."
    ):
        load_model(file).run(engine="pysd")


def test_what_pysd_says_is_told_with_the_models_names(tmp_path):
    file = model(tmp_path, "人才 data :RAW:~~|x=人才 data*s~~|")
    with pytest.raises(ModelError, match=r"^m\.mdl:4: .*人才 data") as caught:
        load_model(file).run(engine="pysd")
    assert not re.search(r"\bv\d+x", str(caught.value))


def test_odd_names_come_back_as_they_were(tmp_path):
    lines = '"a\'b": "p\'1", "q)2"~~|"x\'[y"["a\'b"]=3, 4~~|"out.z"["a\'b"]="x\'[y"["a\'b"]*s~~|v0x=5~~|r000000x=v0x+1~~|'
    loaded = load_model(model(tmp_path, lines))
    ours, theirs = (loaded.run({"x'[y[q)2]": 9}, engine=engine) for engine in ("kernel", "pysd"))
    assert list(theirs["out.z"].coords["a'b"].values) == ["p'1", "q)2"]
    for name in ours.data_vars:
        assert np.allclose(ours[name], theirs[name]), name
