"""Error messages and notices in the user's language.

A message stands in the code as its English template; `messages_zh.json` holds the same in
Chinese, so that the code stays readable and no text is kept twice.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")


@cache
def all_words() -> dict[str, dict[str, str]]:
    """Return the whole table: key -> language -> text, with `{names}` to fill in."""
    table: dict[str, dict[str, str]] = json.loads((Path(__file__).with_name("words.json")).read_text("utf-8"))
    return table


def word(key: str, lang: str = "en", /, **values: object) -> str:
    """Text of `key` in a language, its `{names}` filled in.

    >>> word("table.output", "zh")
    '指标'
    >>> word("table.change", "en", year=2024)
    'since 2024'

    Raises
    ------
    KeyError
        If the key or the language is unknown, or a `{name}` gets no value.
    """
    return all_words()[key][lang].format(**values)


VARIABLE = "TALENT_SD_LANG"
"""Environment variable that chooses the language where nothing else does."""
_chosen: ContextVar[str | None] = ContextVar("language", default=None)


def language() -> str:
    """Return the language of messages: the one set, else the environment's, else English."""
    return _chosen.get() or _known(os.environ.get(VARIABLE, "")) or "en"


def set_language(lang: str) -> None:
    """Choose the language of messages from here on.

    Parameters
    ----------
    lang : "en" or "zh"

    Raises
    ------
    ValueError
        If it is another.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"no language '{lang}': choose one of {', '.join(LANGUAGES)}")
    _chosen.set(lang)


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Tell messages in a language within the block."""
    before = _chosen.set(lang)
    try:
        yield
    finally:
        _chosen.reset(before)


def language_of_environment() -> str:
    """Return the language that the environment asks a program for: its own variable, else the locale."""
    names = (VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG")
    asked = next((value for name in names if (value := os.environ.get(name))), "")
    return _known(asked) or "en"


def tell(template: str, /, **values: object) -> str:
    """Return a message in the user's language, its `{names}` filled in.

    Parameters
    ----------
    template : the English text; a literal, so that a test finds it in the catalogue

    >>> tell("unknown policy '{name}'.{hint}", name="cash", hint="")
    "unknown policy 'cash'."
    >>> with speaking("zh"):
    ...     tell("unknown policy '{name}'.{hint}", name="cash", hint="")
    '没有名为“cash”的政策。'
    """
    lang = language()
    text = template if lang == "en" else catalogue(lang).get(template, template)
    return text.format(**values)


def listed(items: Iterable[object]) -> str:
    """Return items one after the other, parted as the user's language does.

    >>> listed(["from", "until"])
    'from, until'
    """
    return ("、" if language() == "zh" else ", ").join(map(str, items))


def foreign(text: str) -> str:
    """Return a text of the system or of a library in the user's language.

    One that the catalogue lacks stays as it is: better the reason in English than none.

    >>> with speaking("zh"):
    ...     foreign("Permission denied"), foreign("found undefined alias 'x'"), foreign("something new")
    ('没有权限', "引用了未定义的别名 'x'", 'something new')
    """
    if language() == "en":
        return text
    for pattern, translated in _foreign(language()):
        found = pattern.fullmatch(text)
        if found:
            return translated.format(*map(foreign, found.groups()))
    return text


def reason_of(error: OSError) -> str:
    """Return why the system refused, in the user's language."""
    return foreign(error.strerror or str(error))


@cache
def _foreign(lang: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return patterns of others' texts, `{0}` being what varies, with their translation."""
    path = Path(__file__).with_name(f"foreign_{lang}.json")
    found: dict[str, str] = json.loads(path.read_text("utf-8"))
    return tuple(
        (re.compile(re.sub(r"\\{\d\\}", "(.+)", re.escape(template)), re.IGNORECASE | re.DOTALL), translated)
        for template, translated in found.items()
    )


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Return English template -> template in a language."""
    path = Path(__file__).with_name(f"messages_{lang}.json")
    found: dict[str, str] = json.loads(path.read_text("utf-8"))
    return found


def _known(name: str) -> str:
    """Return "zh" for "zh", "zh_CN.UTF-8" and the like, "" for a language without a catalogue."""
    short = name.casefold().replace("-", "_").split(".")[0].split("_")[0]
    return short if short in LANGUAGES else ""
