"""No model file runs code: crafted files through every way in, and what they do to PySD alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from talent_sd.base.errors import EngineNotice, TalentError
from talent_sd.cli.app import app
from talent_sd.engine.runner import load_model

MARKER = "pwned"
# without commas, quotes, blanks or capitals: it survives wherever PySD cuts, lowers or strips
CODE = f"exec({'+'.join(f'chr({ord(c)})' for c in f'open({MARKER!r},{chr(34)}w{chr(34)})')})"
CLOCK = "INITIAL TIME=0~~|FINAL TIME=1~~|TIME STEP=1~~|SAVEPER=1~~|\n"
CHECK = "chk:THE CONDITION: s=1 :IMPLIES: s>0~~|\n"
STOCK = "s=INTEG(-0.1*s, 1)~~|\n"
QUOTED = f"v'+str({CODE})+'z"


@dataclass(frozen=True)
class Payload:
    """A crafted file: its text, and how it is refused (line and words; "" if odd but harmless).

    `live`: PySD alone runs the code in it, on reading or on loading what it built.
    """

    text: str
    told: str = ""
    live: bool = True
    suffix: str = ".mdl"


def mdl(lines: str, told: str = "", live: bool = True) -> Payload:
    """Give a Vensim model: a stock, and the crafted lines from line 5 on."""
    return Payload("{UTF-8}\n" + STOCK + CHECK + CLOCK + lines, told, live)


def xmile(body: str, told: str = "", live: bool = True, dims: str = "", before: str = "") -> Payload:
    """Give an XMILE model: a stock, and the crafted variable on line 5."""
    text = (
        f'<?xml version="1.0"?>{before}\n<xmile version="1.0" '
        'xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0" xmlns:xi="http://www.w3.org/2001/XInclude">'
        f"<header/><sim_specs><start>0</start><stop>1</stop><dt>1</dt></sim_specs>{dims}\n<model><variables>"
        "<flow name='o'><eqn>0.1*s</eqn></flow>\n<stock name='s'><eqn>1</eqn><outflow>o</outflow></stock>\n"
        f"{body}\n</variables></model></xmile>"
    )
    return Payload(text, told, live, ".xmile")


def dims(name: str = "d", element: str = "p") -> str:
    return f'<dimensions><dim name="{name}"><elem name="{element}"/><elem name="q"/></dim></dimensions>'


NUMBERS = "are not numbers"
TEXT = "holds a text or a list"
INFINITE = "number that is not finite"
TAB, FILE = "reads the tab", "reads the file"
FUNCTION = "neither a lookup nor a function"
# sound, and checks as such: only a run misses its values
NO_VALUES = "has no values|Trying to interpolate"
PAYLOADS = {
    # evaluated on reading
    "limits": mdl(f"f([{CODE}],(0,0),(1,1))~~|x=f(s)~~|", NUMBERS),
    "limits after points": mdl(f"f([(0,0)-(1,1),{CODE}],(0,0),(1,1))~~|x=f(s)~~|", NUMBERS),
    "limits after a backslash": mdl(f"f(\\[{CODE}],(0,0),(1,1))~~|x=f(s)~~|", NUMBERS),
    "limits of an inline table": mdl(f"x=WITH LOOKUP(s,([{CODE}],(0,0),(1,1)))~~|", NUMBERS),
    "limits in a macro": mdl(
        f":MACRO: MAC(p)\nMAC=WITH LOOKUP(p,(\\ [ {CODE} ],(0,0),(1,1)))~~|\n:END OF MACRO:\nx=MAC(s)~~|", NUMBERS
    ),
    "limits of a quoted name": mdl(f'"f(["([{CODE}],(0,0),(1,1))~~|x="f(["(s)~~|', "5: "),
    "limits with a comprehension": mdl(f"f([{CODE}for i in(1,)],(0,0),(1,1))~~|x=f(s)~~|", NUMBERS),
    # pasted into Python: names
    "range": mdl(f'"{QUOTED}": p, q~~|x["{QUOTED}"]=1,2~~|'),
    "element": mdl(f'd: "{QUOTED}", q~~|x[d]=1,2~~|y=x["{QUOTED}"]+s~~|', live=False),
    "range under a vector function": mdl(f'"{QUOTED}": p, q~~|x["{QUOTED}"]=1,2~~|y=SUM(x["{QUOTED}"!])~~|'),
    "element in EXCEPT": mdl(
        f'd: "{QUOTED}", q~~|x[d] :EXCEPT: ["{QUOTED}"]=1~~|x["{QUOTED}"]=2~~|', live=False
    ),
    "range as a number": mdl(f'"{QUOTED}": p, q~~|x["{QUOTED}"]="{QUOTED}"~~|'),
    "macro parameter": mdl(f':MACRO: MAC("{QUOTED}")\nMAC=2~~|\n:END OF MACRO:\nx=MAC(s)~~|'),
    "macro name": mdl(f':MACRO: "{QUOTED}"(p)\n"{QUOTED}"=p*2~~|\n:END OF MACRO:\nx="{QUOTED}"(s)~~|'),
    "data": mdl(f'"{QUOTED}" :RAW:~~|x=s~~|', NO_VALUES),
    "data that is used": mdl(f'"{QUOTED}" :RAW:~~|x="{QUOTED}"+s~~|', NO_VALUES),
    "data keyword": mdl("v :RAW' or'1:~~|", "unknown data keyword", live=False),
    "function": mdl(f'x="{QUOTED}"(s)~~|', FUNCTION),
    "variable": mdl(f'"{QUOTED}"=2~~|x="{QUOTED}"+s~~|', live=False),
    "variable of format signs": mdl('"%(expr)s%s{0}{x.__class__}"=2~~|x="%(expr)s%s{0}{x.__class__}"+s~~|', "", False),
    "comment": mdl(f'x=2~~"""+str({CODE})+"""|'),
    "comment of backslashes": mdl(f'x=2~~\\"""\\\\+str({CODE})#|', live=False),
    "unit": mdl(f"x=2~'+str({CODE})+'~|", live=False),
    "encoding": Payload("{" + CODE + "}\n" + STOCK + CHECK + CLOCK, "m.mdl:1: unknown encoding", False),
    "codec for host names": Payload("{idna}\n" + STOCK + CHECK + CLOCK + "x=" + "a" * 80 + "~~|", "m.mdl:5: ", False),
    # pasted into Python: texts
    "tab": mdl(f"x=GET DIRECT CONSTANTS('f.xlsx','T\\x27+str({CODE})+\\x27','B2')~~|", TAB),
    "cell": mdl(f"x=GET XLS CONSTANTS('f.xlsx','T','B2\\x27+str({CODE})+\\x27')~~|", TAB),
    "file": mdl(f"x=GET DIRECT CONSTANTS('f\\x27+str({CODE})+\\x27.xlsx','T','B2')~~|", FILE),
    "file with a line": mdl(f"x=GET DIRECT CONSTANTS('f\\x27\\n+str({CODE})+\\x27.xlsx','T','B2')~~|", FILE),
    "row of data": mdl(f"x:=GET DIRECT DATA('f.xlsx','T','1\\x27+str({CODE})+\\x27','B2')~~|", TAB),
    "tab of a table": mdl(f"f(GET DIRECT LOOKUPS('f.xlsx','T\\','+str({CODE})+','B2'))~~|x=f(s)~~|", TAB, False),
    "tab that ends in a backslash": mdl(f"x=GET DIRECT DATA('f.xlsx','T\\\\','+str({CODE})+','B2')~~|", TAB, False),
    "text where a comma is missing": mdl(f"x=MAX(3 '+str({CODE})+')~~|", TEXT, False),
    "call where a comma is missing": mdl(f'x=MAX(3 "{QUOTED}"(s))~~|', FUNCTION),
    "kind of a table": mdl(f"x=lookup('1','2','3','4','a\\x27+str({CODE})+\\x27')~~|", TEXT),
    "reference by a call": mdl(f"x=reference('a\\x27+str({CODE})+\\x27','b')~~|", TEXT, False),
    "operator by a call": mdl(f"x=arithmetic('%(left)s+{CODE}',s)~~|", "5: ", False),
    # what PySD's readers make of a call, by the names of their own trees
    "comparison by a call": mdl("x=logic('=',s)~~|", TEXT, False),
    "sum by a call": mdl("x=arithmetic(s,s)~~|", FUNCTION, False),
    "call by a call": mdl("x=call(s,s)~~|", FUNCTION, False),
    "table by a call": mdl("x=lookup(1,2,3,4,5)~~|", FUNCTION, False),
    "number beyond a double": mdl("x=1e999*s~~|", INFINITE, False),
    "order that is no number": mdl("x=SMOOTH N(s,5,0,:NA:)~~|", "of order nan", False),
    "table beyond a double": mdl("f((0,0),(1,1e999))~~|x=f(s)~~|", INFINITE, False),
    "variable in other letters": mdl('"Time step"=2~~|x=s~~|', "defined twice", False),
    "letters that Python takes for others": mdl('"ｅｖａｌ"=2~~|𝐞𝐱𝐞𝐜=1~~|x="ｅｖａｌ"+𝐞𝐱𝐞𝐜+s~~|', live=False),
    "names that stand for others": mdl('v0x=2~~|"__data"=3~~|e1x: v1x, q~~|x[e1x]=v0x+"__data"+s~~|', live=False),
    "text as a number": mdl(f"x=SMOOTH N(s,'1+{CODE}',1,1)~~|", TEXT, False),
    "text as a call's argument": mdl(f"x=ABS('{CODE}')~~|", TEXT, False),
    "range of a file": mdl(f"d: GET DIRECT SUBSCRIPT('f.xlsx','T','A1','A2','{CODE}')~~|", "f.xlsx", False),
    # other files than spreadsheets beside the model
    "path upwards": mdl("x=GET DIRECT CONSTANTS('../f.xlsx','T','B2')~~|", FILE, False),
    "path upwards from below": mdl("x=GET DIRECT CONSTANTS('a/../../f.xlsx','T','B2')~~|", FILE, False),
    "absolute path": mdl("x=GET DIRECT CONSTANTS('/etc/hosts.csv','T','B2')~~|", FILE, False),
    "drive": mdl("x=GET DIRECT CONSTANTS('C:/f.xlsx','T','B2')~~|", FILE, False),
    "backslashes": mdl("x=GET DIRECT CONSTANTS('..\\\\f.xlsx','T','B2')~~|", FILE, False),
    "network": mdl("x=GET DIRECT CONSTANTS('http://localhost/f.csv','T','B2')~~|", FILE, False),
    "link out of the folder": mdl("x=GET DIRECT CONSTANTS('link.csv',',','B2')~~|", FILE, False),
    "pickle": mdl("x=GET DIRECT CONSTANTS('f.pkl','T','B2')~~|", FILE, False),
    # XMILE
    "xmile dimension": xmile(
        f'<aux name="x"><dimensions><dim name="{QUOTED}"/></dimensions><eqn>2</eqn></aux>', dims=dims(QUOTED)
    ),
    "xmile element": xmile(
        f'<aux name="x"><dimensions><dim name="d"/></dimensions><element subscript="{QUOTED}"><eqn>2</eqn>'
        '</element><element subscript="q"><eqn>3</eqn></element></aux>',
        dims=dims(element=QUOTED),
        live=False,
    ),
    "xmile function": xmile(f'<aux name="x"><eqn>"{QUOTED}"(s)</eqn></aux>', FUNCTION),
    "xmile name": xmile(f'<aux name="{QUOTED}"><eqn>2*s</eqn></aux>', live=False),
    "xmile comment": xmile(f'<aux name="x"><eqn>2</eqn><doc>"""+str({CODE})+"""</doc></aux>'),
    "xmile unit": xmile(f'<aux name="x"><eqn>2</eqn><units>\'+str({CODE})+\'</units></aux>', live=False),
    "xmile limits": xmile(f'<aux name="x"><eqn>2</eqn><range min="{CODE}" max="1"/></aux>', "m.xmile:", False),
    "xmile kind of a table": xmile(
        f"<aux name='x'><eqn>s</eqn><gf type=\"a'+{CODE}+'\"><yscale min='0' max='1'/><xscale min='0' max='1'/>"
        "<ypts>0,1</ypts></gf></aux>",
        "m.xmile:",
        False,
    ),
    "xmile comparison by a call": xmile('<aux name="x"><eqn>logic(s,s)</eqn></aux>', FUNCTION, False),
    "xmile call by a call": xmile('<aux name="x"><eqn>call(max,s)</eqn></aux>', "'max', which is not defined", False),
    "xmile number beyond a double": xmile(f'<aux name="x"><eqn>{"9" * 400}</eqn></aux>', INFINITE, False),
    "xmile number": xmile(f'<aux name="x"><eqn>(1,{CODE})</eqn></aux>', "m.xmile:5: ", False),
    "xmile entity": xmile(
        '<aux name="x"><eqn>&e;</eqn></aux>', "type declaration", False,
        before='<!DOCTYPE xmile [<!ENTITY e SYSTEM "secret.txt">]>',
    ),
    "xmile outer declaration": xmile(
        '<aux name="x"><eqn>2</eqn></aux>', "type declaration", False,
        before='<!DOCTYPE xmile SYSTEM "http://localhost/x.dtd">',
    ),
    "xmile inclusion": xmile(
        '<aux name="x"><eqn>2</eqn><doc><xi:include href="secret.txt" parse="text"/></doc></aux>', live=False
    ),
}  # fmt: skip

BARE = """
import json, os, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import black
black.format_file_contents = lambda text, **_: text
import pysd
from pysd.builders.python.python_model_builder import ModelBuilder
from pysd.translators.vensim.vensim_file import VensimFile
from pysd.translators.xmile.xmile_file import XmileFile
ran = []
for folder in sorted(Path(sys.argv[1]).iterdir()):
    os.chdir(folder)
    file = next(folder.glob("m.*"))
    try:
        read = VensimFile(file) if file.suffix == ".mdl" else XmileFile(file)
        read.parse()
        pysd.load(str(ModelBuilder(read.get_abstract_model()).build_model()), initialize=False).components.x()
    except BaseException:
        pass
    if (folder / "pwned").exists():
        ran.append(folder.name)
print(json.dumps(ran))
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALENT_SD_CACHE", str(tmp_path / "cache"))


def written(folder: Path, payload: Payload) -> Path:
    """Write a crafted file, with what it may reach for beside it and above."""
    inner = folder / "model"
    inner.mkdir(parents=True)
    for outside in ("f.xlsx", "secret.csv"):
        (folder / outside).write_text("1,2\n3,4\n")
    (inner / "link.csv").symlink_to(folder / "secret.csv")
    (inner / "secret.txt").write_text("7")
    file = inner / f"m{payload.suffix}"
    file.write_text(payload.text, "utf-8")
    return file


def command(*arguments: object) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, [str(each) for each in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_crafted_file_runs_nothing(name, tmp_path):
    payload = PAYLOADS[name]
    file = written(tmp_path / "case", payload)
    seen = set(file.parent.iterdir())
    ways = [
        ("check", file),
        ("loops", file, "--no-plots", "--out", "a"),
        ("validate", "--model", file, "--out", "b"),
    ]
    told = [command(*way) for way in ways]
    for engine in ("kernel", "auto", "pysd"):
        try:
            load_model(file).run(engine=engine)
            told.append((0, ""))
        except TalentError as error:
            told.append((2, str(error)))
    assert not list(tmp_path.rglob(MARKER))
    assert set(file.parent.iterdir()) == seen
    for code, text in told:
        if not payload.told:  # odd but harmless: it runs. XMILE has no Reality Checks to try
            assert code == 0 or "Reality Check" in text, text
        else:
            assert code == 2
            assert re.search(payload.told, text), text
            assert re.match(rf"m{payload.suffix}:\d+: ", text), text
            assert len([line for line in text.splitlines() if line.startswith("m.")]) == 1, text


def test_what_pysd_runs_in_our_readers_place_runs_nothing_else(tmp_path):
    file = written(tmp_path / "case", mdl(f'"{QUOTED}"=2~~|x=MAX(3 "{QUOTED}"+s)~~|'))
    model = load_model(file)
    with pytest.warns(
        EngineNotice, match=r"^m\.mdl:5: no comma before .* PySD runs the model instead, slowly\.$"
    ):
        assert model.run(outputs=["x"])["x"].values.tolist() == [3, 3]
    assert not list(tmp_path.rglob(MARKER))


@pytest.mark.parametrize(
    ("lines", "told"),
    {
        "x=GET DIRECT CONSTANTS('f.csv',',','B9')~~|": "B9 of f.csv",
        "x=GET DIRECT CONSTANTS('f.xlsx','T','B2')~~|": "B2 of f.xlsx",
        'd: "p!", q~~|x[d]=1,2~~|y=SUM(x["p!"!])+s~~|': "'p!'",
    }.items(),
)
def test_what_pysd_raises_is_told_with_file_and_line_and_the_models_own_names(lines, told, tmp_path):
    file = written(tmp_path / "case", mdl(lines))
    for name in ("f.csv", "f.xlsx"):
        (file.parent / name).write_text("1,2\n3,4\n")
    with pytest.raises(TalentError) as found:
        load_model(file).run(engine="pysd")
    text = str(found.value)
    assert text.startswith("m.mdl:5: "), text
    assert told in text
    assert not re.search(r"talent_sd-|[vef]\d+x", text), text


def test_no_name_speaks_to_the_terminal(tmp_path):
    evil = "a\x1b]0;title\x07\x9b31m\rb"
    for number, text in enumerate((f'"{evil}"=q~~|', f'"{evil}"=INTEG(-0.1*"{evil}",1)~~|')):
        file = tmp_path / f"{number}.mdl"
        file.write_text("{UTF-8}\n" + STOCK + CLOCK + text, "utf-8", newline="")
        for way in ("check", file), ("loops", file, "--no-plots", "--out", tmp_path / f"out{number}"):
            told = CliRunner(env={"COLUMNS": "400"}).invoke(app, [str(each) for each in way]).output
            assert not set(told) & set("\x1b\x07\x9b\r"), told
    assert "\N{REPLACEMENT CHARACTER}31m" in told


@pytest.mark.parametrize(
    "planted", ["[[1]]", '{"variables":[],"subscripts":[],"time":1}', '{"slots":[]}', "\xff"]
)
def test_what_was_planted_in_the_cache_is_read_anew(planted, tmp_path):
    file = written(tmp_path / "case", mdl("x=s~~|"))
    names = set(load_model(file).structure.variables)
    kept = list((tmp_path / "cache").glob("*.json"))
    assert len(kept) == 2
    for each in kept:
        each.write_text(planted, "latin-1")
    assert set(load_model(file).structure.variables) == names


def test_pysd_alone_runs_what_is_called_live(tmp_path):
    names = list(PAYLOADS)
    for number, name in enumerate(names):
        folder = tmp_path / "all" / f"{number:03d}"
        folder.mkdir(parents=True)
        (folder / f"m{PAYLOADS[name].suffix}").write_text(PAYLOADS[name].text, "utf-8")
    out = subprocess.run(
        [sys.executable, "-c", BARE, tmp_path / "all"], capture_output=True, text=True, check=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, cwd=tmp_path,
    )  # fmt: skip
    ran = {names[int(number)] for number in json.loads(out.stdout)}
    assert ran == {name for name, payload in PAYLOADS.items() if payload.live}
