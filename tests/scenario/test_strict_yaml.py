"""Reading YAML strictly: exact messages, lines, and nothing that acts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.inputs.city_files import load_city
from talent_sd.inputs.strict_yaml import parse_yaml, read_yaml, shown


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "f.yaml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", ["f.yaml:2: the key 'a' appears twice (first on line 1). Keep one."]),
        ("1: 1\n1: 2\n", ["f.yaml:2: the key '1' appears twice (first on line 1). Keep one."]),
        ("a: .nan\n", ["f.yaml:1: .nan is not a finite number. Give a number, or leave the key out."]),
        ("a: -.inf\n", ["f.yaml:1: -.inf is not a finite number. Give a number, or leave the key out."]),
        ("a: 1e999\n", ["f.yaml:1: 1e999 is not a finite number. Give a number, or leave the key out."]),
        (
            "a: !!python/object/apply:os.system [echo]\n",
            [
                "f.yaml:1: the YAML tag tag:yaml.org,2002:python/object/apply:os.system is not allowed. "
                "Remove it.",
            ],
        ),
        (
            "a: &x [1]\nb: *x\n",
            [
                "f.yaml:1: YAML anchors and aliases (& and *) are not allowed. Write the value out.",
                "f.yaml:2: YAML anchors and aliases (& and *) are not allowed. Write the value out.",
            ],
        ),
        (
            "a:\n  <<: {b: 1}\n",
            ["f.yaml:2: YAML merge keys (<<) are not allowed. Write the keys out."],
        ),
        ("# nothing\n", ["f.yaml: the file is empty. Fill it or give another."]),
        ("- 1\n", ["f.yaml:1: the top of the file must be a mapping, `key: value` lines."]),
        ("---\na: 1\n---\nb: 1\n", ["f.yaml:3: a second document. Keep one document per file."]),
        ("%YAML 1.1\n---\na: on\n", ["f.yaml:2: only YAML 1.2 is read. Remove the %YAML line."]),
        ("a: " + "[" * 3000, ["f.yaml:1: nested more than 12 deep. Flatten it."]),
        ("? {a: 1}\n: 2\n", ["f.yaml:1: a key must be a single word or number."]),
        (
            "a: 1\n  b: 2\n",
            [
                "f.yaml:2: not valid YAML: mapping values are not allowed here. "
                "Check indentation, colons and quotes."
            ],
        ),
    ],
)
def test_a_malformed_text_is_refused_with_its_line(text: str, expected: list[str]) -> None:
    assert list(problems(text)) == expected


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    assert problems("\n".join(lines))[0] == (
        "f.yaml:1: YAML anchors and aliases (& and *) are not allowed. Write the value out."
    )


def test_several_problems_are_told_at_once() -> None:
    assert len(problems("a: .inf\nb: 1\nb: 2\nc: !x 3\n")) == 3


def test_words_and_numbers_follow_yaml_1_2() -> None:
    text = "on: on\nno: NO\nnumber: 1e6\nwhole: 0010\nyes: true\nnothing:\nquoted: '5'\n"
    text += "date: 2025-01-01\n2010: .5"
    assert parse_yaml(text, "f.yaml").plain() == {
        "on": "on", "no": "NO", "number": 1e6, "whole": 10, "yes": True, "nothing": None, "quoted": "5",
        "date": "2025-01-01", 2010: 0.5,
    }  # fmt: skip


def test_lines_survive_reading() -> None:
    tree = parse_yaml("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n", "f.yaml")
    assert tree.find(("a", "c", 1, "y")).line == 5
    assert tree.find(("a", "c")).key_line == 3
    assert tree.find(("a", "missing")).key_line == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f.yaml: the file is empty. Fill it or give another."),
        (b"  \n ", "f.yaml: the file is empty. Fill it or give another."),
        (b"a: 1\n\xff\xfe", "f.yaml:2: not UTF-8 text. Save the file as UTF-8."),
        (b"a: 1\n\nb\0", "f.yaml:3: a binary file, not text. Give a text file."),
        (b"x" * 2_000_001, "f.yaml: 2000001 bytes are more than the 2000000 allowed. Is it the right file?"),
    ],
)
def test_a_file_that_is_not_text_is_refused(
    content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_yaml(Path("f.yaml"))
    assert caught.value.problems == (message,)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").mkdir()
    with pytest.raises(
        InputError, match=r"^f\.yaml: this is a folder, not a file\. Give the path of a file in it\.$"
    ):
        read_yaml(Path("f.yaml"))
    with pytest.raises(InputError, match=r"^g\.yaml: no such file\. Check the path\.$"):
        read_yaml(Path("g.yaml"))


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").symlink_to("f.yaml")
    with pytest.raises(InputError, match=r"^f\.yaml: cannot be read \(.+\)\. Check the path"):
        read_yaml(Path("f.yaml"))


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_text("a: 1")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError) as caught:
        read_yaml(Path("f.yaml"))
    assert caught.value.problems == (
        "f.yaml: cannot be read (permission denied). Check the path and its permissions.",
    )


def outcome(text: str) -> tuple[str, ...]:
    try:
        tree = parse_yaml(text, "f.yaml")
    except InputError as error:
        return error.problems
    return (f"f.yaml: {type(tree.plain()).__name__}",)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_never_crashes(text: str) -> None:
    assert all(line.startswith("f.yaml:") for line in outcome(text))


def test_a_file_of_the_users_is_never_shown_as_a_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "scenarios" / "baseline.yaml"
    own.parent.mkdir()
    own.write_text("title: mine\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert shown(shipped_folder("scenarios") / "baseline.yaml") == "scenarios/baseline.yaml"
    assert shown(own) == "./scenarios/baseline.yaml"


def test_a_file_kept_between_runs_comes_back_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALENT_SD_CACHE", str(tmp_path / "kept"))
    text = (shipped_folder("scenarios") / "cities" / "wuxi.yaml").read_text("utf-8")
    read = parse_yaml.__wrapped__
    fresh = read(text, "f.yaml")
    (kept,) = (tmp_path / "kept").glob("*.yaml.json")
    assert read(text, "f.yaml") == fresh
    for wrong in ("[1, 2]", "null", "{}", "[1, 2, true, 3]", "no JSON"):
        kept.write_text(wrong)
        assert read(text, "f.yaml") == fresh, wrong


def test_a_faulty_file_is_not_kept_and_its_problems_name_the_file_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALENT_SD_CACHE", str(tmp_path / "kept"))
    text = "a: 1\na: 2\n" + "# filler\n" * 1000
    for name in ("one.yaml", "two.yaml"):
        with pytest.raises(InputError, match=f"^{name}:2: the key 'a' appears twice"):
            parse_yaml(text, name)
    assert list(tmp_path.rglob("*.json")) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {b: 0,02}", ["x.yaml:1: 0,02: commas do not belong in a number. Write 0.02."]),
        ("a: {b: 1,020,000.5, c: 2}", ["x.yaml:1: 1,020,000.5: commas do not belong in a number. Write 1020000.5."]),
        ("a:\n  b: {2020: 3,5, 2021: 4,5}", [f"x.yaml:2: {n},5: commas do not belong in a number. Write {n}.5." for n in (3, 4)]),
    ],
)  # fmt: skip
def test_a_number_with_commas_in_braces_is_told_as_one(text: str, told: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "x.yaml")
    assert list(caught.value.problems) == told


def test_commas_that_part_entries_stay() -> None:
    assert parse_yaml("a: {b: 0, 2: }\nc: {d: '0,8', 3: }\ne: [0,02]", "x.yaml").plain() == {
        "a": {"b": 0, 2: None},
        "c": {"d": "0,8", 3: None},
        "e": [0, 2],
    }


WRONG_LINES = {
    "residents": ("{unit: person, source: Y, values: {2021: 9,400,000}}", "9,400,000: commas do not belong in a number"),
    "gdp": ('{unit: yuan/year, source: Y, values: {2022: "60,800,660,000"}}', "commas do not belong in a number. Write 60800660000"),
    "fiscal_revenue": ("{unit: 元/年, source: Y, values: {2022: 6e10}}", "fiscal_revenue is in '元/年'"),
    "house_price": ("{unit: yuan/(m*m), source: a: b, values: {2022: 6762.5}}", "not valid YAML"),
    "share_manufacturing": ('{unit: "1", source: Y, values: {2020: 22.952}}', "outside the plausible 0 to 1"),
    "average_wage": ("{unit: yuan/(person*year), source: Y, values: {2021: 88119}", "not valid YAML"),
    "jobss": ("{unit: person, source: Y, values: {2022: 4e6}}", "unknown figure 'jobss'"),
    "employed": ("{unit: person, source: Y, values: {2020: &x 4e6}}", "anchors and aliases"),
}  # fmt: skip


@given(names=st.lists(st.sampled_from(sorted(WRONG_LINES)), unique=True, min_size=2))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_fault_of_one_line_hides_no_fault_of_another(names: list[str], tmp_path: Path) -> None:
    head = "name: X\nprovince: Shandong\nregion: East\nfigures:\n"
    (tmp_path / "mine.yaml").write_text(
        head + "".join(f"  {name}: {WRONG_LINES[name][0]}\n" for name in names), "utf-8"
    )
    with pytest.raises(InputError) as raised:
        load_city(tmp_path / "mine.yaml")
    told = raised.value.problems
    for line, name in enumerate(names, 5):
        assert [one for one in told if f"mine.yaml:{line}: " in one and WRONG_LINES[name][1] in one], (
            name,
            told,
        )
    assert len(told) == len(names), told
