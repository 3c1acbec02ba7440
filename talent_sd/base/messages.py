"""Error messages and notices in the user's language.

A message stands in the code as its English template; `messages_zh.json` holds the same in
Chinese, so that the code stays readable and no text is kept twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from talent_sd.base.words import LANGUAGES

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
