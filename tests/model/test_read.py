"""Reading model files: what is found in them, and what is refused."""

from pathlib import Path

import pytest

from talent_sd.base import cache
from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.model.read import read_structure

CITY = """{UTF-8}
tier: leading, skilled, (g1-g2)
	~~|
low: skilled, g1 ~~|
********************************************************
	.城市
********************************************************~
		Sector
	|
人才 存量[tier]=
	INTEG (arrivals[tier] - 人才 存量[tier] * "leave rate, %", start[tier])
	~	person [0,?]
	~	Talent stock [E08, E10].
		More \\
		text. [A12]
	|
"leave rate, %"= 0.1
	~	1/year [0,1]
	~	Rate.
	|
arrivals[tier]= base arrivals[tier] * effect(Time / 10)
	~	person/year ~ |
effect([(0,0)-(10,10)],(0,1),(1,2))
	~	1 ~ table |
base arrivals[tier] = 1,2,3,4 ~ person/year ~ |
start[leading] = 5 ~ person ~ |
start[low] = 2 * 3 ~ person ~ |
start[g2]= -base arrivals[leading] ~ person ~ |
********************************************************
	.Control
********************************************************~
		Simulation Control Parameters
	|
FINAL TIME  = INITIAL TIME + 10 ~ year ~ |
INITIAL TIME  = 2020 ~ year ~ |
SAVEPER  = TIME STEP ~ year ~ |
TIME STEP  = 1/8 ~ year ~ |
\\\\\\---/// Sketch information - do not modify anything except names
V300  Do not put anything below this section - it will be ignored
"""

XMILE = """<?xml version="1.0" encoding="utf-8"?>
<xmile version="1.0" xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0">
<sim_specs method="Euler" time_units="Years"><start>0</start>
<stop>4</stop><dt reciprocal="true">4</dt></sim_specs>
<model><variables>
<stock name="Level"><eqn>10</eqn><outflow>drain</outflow><units>item</units></stock>
<flow name="drain"><eqn>Level / life</eqn></flow>
<aux name="life"><eqn>5</eqn><units>year</units><doc>Mean life.</doc><range min="1" max="9"/></aux>
</variables></model>
</xmile>
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))


def write(folder: Path, text: str, name: str = "model.mdl") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_variable_carries_what_the_file_says(tmp_path):
    structure = read_structure(write(tmp_path, CITY))
    stock = structure["人才_存量"]
    assert stock.name == "人才 存量"
    assert stock.kind == "stock"
    assert stock.unit == "person"
    assert stock.limits == (0.0, None)
    assert stock.dims == ("tier",)
    assert stock.citations == ("E08", "E10", "A12")
    assert stock.group == "城市"
    assert stock.doc == "Talent stock [E08, E10]. More text. [A12]"
    assert stock.depends_on == ("arrivals", "人才 存量", "leave rate, %", "start")
    assert stock.line == 10
    assert structure.place("LEAVE RATE,_%") == "model.mdl:17"


@pytest.mark.parametrize(("mark", "codec"), [(b"", "UTF-8"), (b"\xef\xbb\xbf", "UTF-8"), (b"", "GBK")])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_and_encodings_make_no_difference(tmp_path, mark, codec, line_end):
    text = CITY.replace("{UTF-8}", f"{{{codec}}}").replace("\n", line_end)
    path = tmp_path / "city.mdl"
    path.write_bytes(mark + text.encode(codec))
    plain = read_structure(write(tmp_path, CITY))
    assert read_structure(path).variables == plain.variables


def test_kinds_ranges_and_time(tmp_path):
    structure = read_structure(write(tmp_path, CITY))
    kinds = {name: v.kind for name, v in structure.variables.items()}
    assert kinds == {
        "人才 存量": "stock",
        "leave rate, %": "constant",
        "arrivals": "auxiliary",
        "effect": "lookup",
        "base arrivals": "constant",
        "start": "auxiliary",
        "FINAL TIME": "time",
        "INITIAL TIME": "time",
        "SAVEPER": "time",
        "TIME STEP": "time",
    }
    assert structure.subscripts == {"tier": ("leading", "skilled", "g1", "g2"), "low": ("skilled", "g1")}
    assert structure.coordinates("start") == {"tier": ("leading", "skilled", "g1", "g2")}
    assert structure.time == {"INITIAL TIME": 2020, "FINAL TIME": 2030, "TIME STEP": 0.125, "SAVEPER": 0.125}


def test_xmile_reads_the_same_way(tmp_path):
    structure = read_structure(write(tmp_path, XMILE, "m.xmile"))
    life = structure["life"]
    assert (life.kind, life.unit, life.doc, life.limits, life.line) == (
        "constant",
        "year",
        "Mean life.",
        (1, 9),
        8,
    )
    assert structure["drain"].depends_on == ("Level", "life")
    assert structure.time["TIME STEP"] == 0.25


def test_an_unknown_name_gets_the_nearest(tmp_path):
    structure = read_structure(write(tmp_path, CITY))
    with pytest.raises(ModelError, match=r"^model.mdl: no variable 'arivals'. Did you mean 'arrivals'\?$"):
        structure["arivals"]


def test_a_second_reading_comes_from_the_cache_and_is_equal(tmp_path, monkeypatch):
    path = write(tmp_path, CITY)
    first = read_structure(path)
    monkeypatch.setattr("talent_sd.model.read.translate", lambda path: pytest.fail("translated again"))
    assert read_structure(path) == first


def test_a_spoilt_cache_is_read_over(tmp_path):
    path = write(tmp_path, CITY)
    first = read_structure(path)
    for file in (tmp_path / "cache").iterdir():
        assert file.stat().st_mode & 0o077 == 0
        file.write_text('{"variables": [["x"]]}')
    assert read_structure(path) == first


def test_the_cache_does_not_grow_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "KEPT", 3)
    for number in range(6):
        read_structure(write(tmp_path, CITY.replace("= 0.1", f"= 0.{number}")))
    assert len(list((tmp_path / "cache").glob("*.structure.json"))) == 3


def test_a_cache_that_others_may_write_is_not_used(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    read_structure(write(tmp_path, CITY))
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.mdl", b"  \n ", "model.mdl: is empty. Give a model with at least one equation."),
        (
            "model.mdl",
            b"\x00\x01ab",
            "model.mdl: is binary, not text. Save the model as text (.mdl or .xmile).",
        ),
        (
            "model.txt",
            b"a = 1 ~~|",
            "not a model file. Give a Vensim .mdl or an XMILE .xmile, .xml, .stmx, .itmx file.",
        ),
        ("model.mdl", b"hello", "model.mdl:1: no equation found."),
        (
            "model.mdl",
            b"{UTF-8}\na = 1\n~ m ~ |\n\nb = (a + \n~ m ~ |\n",
            "model.mdl:5: cannot read the entry of 'b'",
        ),
        (
            "model.mdl",
            b"{UTF-8}\na = 1 ~ m ~ |\nb = 2\n~ m ~ no end",
            "model.mdl:3: the entry of 'b' has no closing '|'. Add it.",
        ),
        ("model.mdl", b"{UTF-8}\na = 1 ~ m [x,1] ~ |", "model.mdl:2: cannot read the entry of 'a'"),
        (
            "model.mdl",
            b"{UTF-8}\nf([__import__('os').getcwd()],(0,1),(1,1)) ~ m ~ |",
            "model.mdl:2: cannot read the entry of 'f' near '__import__('os').getcwd()],(0,'. Its limits are not numbers.",
        ),
        ("model.mdl", b"{UTF-8}\na[k] = 1 ~ m ~ |", "model.mdl:2: 'a': unknown subscript 'k'."),
        (
            "model.mdl",
            b"{UTF-8}\nb = 1 ~ m ~ |\na = b ~ m ~ |\nA = 2 ~ m ~ |",
            "model.mdl:3: 'a': is defined twice. Remove one.",
        ),
        (
            "model.mdl",
            b"{UTF-8}\nk: x, y ~~|\na[x] = 1 ~ m ~ |\na[y] = 1 ~ m ~ |\na[x] = 2 ~ m ~ |",
            "model.mdl:3: 'a': is defined twice. Remove one.",
        ),
        (
            "model.mdl",
            b"{UTF-8}\na = 1 ~ m ~ |\n\xff = 1 ~~|",
            "model.mdl:3: not valid UTF-8. Save the file as UTF-8.",
        ),
        ("model.mdl", b"{nonsense}\na = 1 ~ m ~ |", "model.mdl:1: unknown encoding 'nonsense'."),
        ("m.xmile", b"<xmile><a></xmile>", "m.xmile:1: malformed XML"),
        ("m.xmile", b"<note/>", "m.xmile:1: the root element is not <xmile xmlns="),
        (
            "m.xmile",
            b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><xmile xmlns="u"/>',
            "m.xmile:1: holds a document type declaration.",
        ),
        (
            "m.xmile",
            XMILE.replace("Level / life", "Level / / life").encode(),
            "m.xmile:7: cannot read the equation of 'drain': 'Level / / life'.",
        ),
        (
            "m.xmile",
            XMILE.replace("<eqn>5</eqn>", "").encode(),
            "m.xmile:8: 'life' has no equation. Add <eqn>.",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_structure(path)
    assert message in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"none.mdl: no such file. Check the path.$"):
        read_structure(tmp_path / "none.mdl")
    with pytest.raises(ModelError, match=r"is a folder. Give a model file"):
        read_structure(tmp_path)


def test_a_module_without_its_model_is_refused(tmp_path):
    text = XMILE.replace("<aux", '<module name="sub"/><aux', 1)
    with pytest.raises(ModelError, match=r"^m.xmile:8: module 'sub' has no <model> of its name"):
        read_structure(write(tmp_path, text, "m.xmile"))


@pytest.mark.parametrize("kind", ["conveyor", "queue", "oven"])
def test_stocks_that_would_be_read_as_plain_ones_are_refused(tmp_path, kind):
    text = XMILE.replace("</stock>", f"<{kind}/></stock>", 1)
    with pytest.raises(UnsupportedError) as caught:
        read_structure(write(tmp_path, text, "m.xmile"))
    assert str(caught.value) == (
        f"m.xmile:6: 'Level' is a stock of the kind '{kind}', which is not supported. "
        "Write it as stocks with DELAY or as an aging chain."
    )
