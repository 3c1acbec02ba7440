"""The catalogue of translations: up to date with the code, complete, the same on every machine."""

from __future__ import annotations

import ast
import gettext
import importlib.util
import re
import string
import sys
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest

from talent_sd.base.language import CONTEXT, LOCALE, N_, foreign, speaking, tell

PO = LOCALE / "zh" / "LC_MESSAGES" / "talent_sd.po"


@pytest.fixture(scope="module")
def translations() -> ModuleType:
    path = Path(__file__).parents[2] / ".ci" / "translations.py"
    spec = importlib.util.spec_from_file_location("translations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_the_catalogue_holds_what_the_code_tells_and_nothing_else(translations: ModuleType) -> None:
    """Run `python .ci/translations.py` if it does not."""
    known = translations.read_po(BytesIO(PO.read_bytes()))
    held = {(message.context or "", message.id) for message in known if message.id}
    assert translations.all_texts() - held == set()
    assert held - translations.all_texts() == set()


def test_the_files_are_what_the_command_writes_without_a_date(translations: ModuleType) -> None:
    for path, content in translations.as_files(translations.catalogue()).items():
        assert path.read_bytes() == content, f"run python .ci/translations.py: {path.name} is out of date"
        assert b"20" + b"26-" not in content


def test_every_text_has_a_translation_with_the_same_blanks(translations: ModuleType) -> None:
    messages = [message for message in translations.catalogue() if message.id]
    assert len(messages) > 1000
    assert [message.id for message in messages if not message.string] == []
    own = [message for message in messages if message.context != "foreign"]
    assert [message.id for message in own if fields(message.id) != fields(message.string)] == []
    others = [message for message in messages if message.context == "foreign"]
    blanks = {message.id: set(re.findall(r"{(\w*)}", message.id)) for message in others}
    assert [message.id for message in others if fields(message.string) - {"", *blanks[message.id]}] == []


def test_chinese_calls_the_baseline_by_one_name(translations: ModuleType) -> None:
    for message in translations.read_po(BytesIO(PO.read_bytes())):
        assert not re.search("无政策|对照情景|对照方案|不作为", message.string), message.string
        if re.search(r"(?<!best )(?<![-{])\b[Bb]aseline\b", message.id):
            assert "基准" in message.string, message.id


def test_the_compiled_catalogue_says_what_the_text_says(translations: ModuleType) -> None:
    with PO.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in translations.read_po(BytesIO(PO.read_bytes())):
        key = f"{message.context}{CONTEXT}{message.id}" if message.context else message.id
        if key:
            assert compiled.gettext(key) == message.string


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("tell('a {b}', b=1)", {("", "a {b}")}),
        ("tell('a ' 'b' if c else 'd', lang)", {("", "a b"), ("", "d")}),
        ("x = {1: N_('a'), 2: N_('a', 'here')}", {("", "a"), ("here", "a")}),
        ("speech('a'); Speech(lang)('b'); Speech('en'); tell(name)", {("", "a"), ("", "b")}),
    ],
)
def test_texts_are_found_in_code(translations: ModuleType, code: str, texts: set[tuple[str, str]]) -> None:
    assert set(translations.told_in(ast.parse(code))) == texts


def test_texts_are_found_in_templates(translations: ModuleType) -> None:
    template = '{% for x in one %}{{ say("a") }}{{ one.say("b \\"c\\"") }}{{ say(x) }}{% endfor %}'
    assert set(translations.said_in(template)) == {("", "a"), ("", 'b "c"')}


def test_blanks_are_filled_in_either_language() -> None:
    assert tell("since {year}", "en", year=2024) == "since 2024"
    assert tell("since {year}", "zh", year=2024) == "较2024年"
    with pytest.raises(KeyError, match="year"):
        tell("since {year}", "en")


def test_a_context_tells_two_texts_apart_and_is_not_shown() -> None:
    assert [tell(N_("Alone", "notebook"), lang) for lang in ("en", "zh")] == ["Alone", "单独实施"]
    assert [tell(N_("Alone"), lang) for lang in ("en", "zh")] == ["Alone", "单独\n实施"]


def test_what_others_say_is_translated_from_the_particular_to_the_general() -> None:
    with speaking("zh"):
        assert foreign("expected ',' or ']', but got '<stream end>'") == "方括号未闭合，缺少“,”或“]”"
        assert foreign("expected ',' or ']', but got ':'") == "应为“,”或“]”，实为 ':'"
        assert (
            foreign("Invalid value for '--draws': 0 is not in the range x>=1.")
            == "'--draws' 的值无效：0 超出范围 x>=1。"
        )
