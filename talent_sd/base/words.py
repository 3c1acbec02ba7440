"""Every label and message once, in each language (`words.json`)."""

from __future__ import annotations

import json
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
