"""The text of a Vensim file: its entries with their lines and groups, its macros and its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from talent_sd.model.names import name_key

SKETCH = "\\\\\\---///"
_GROUP = re.compile(r"\*{3,}\s*\.([^\n*]+)")
_HEADER = re.compile(r"^\s*(?:\{[^}]*\}\s*)+")
_MACRO = re.compile(
    r'^\s*:MACRO:\s*("(?:\\"|[^"])*"|[^("]+?)\s*\(((?:"(?:\\"|[^"])*"|[^)"])*)\)', re.IGNORECASE
)
_END_OF_MACRO = re.compile(r"^\s*:END OF MACRO:", re.IGNORECASE)
_LEFT_NAME = re.compile(r'\s*("(?:\\"|[^"])*"|[^=\[(:<]+)')
_QUOTED_OR_REMARK = re.compile(r'"(?:\\"|[^"])*"|\{[^}]*\}')
_SHIELDED = re.compile(r'"(?:\\"|[^"])*"|\{[^}]*\}|[~|]')
_SETTING = re.compile(r"^(\d+):(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One entry of a Vensim file, up to its closing ``|``."""

    line: int  # of the first character of the equation, from 1
    name: str  # as written, quotes included
    equation: str  # without remarks
    units: str
    doc: str
    group: str  # "" before the first group header
    macro: str  # key of the macro that holds it, "" in the main model


@dataclass(frozen=True, slots=True)
class MacroHead:
    """``:MACRO: NAME (parameters : further outputs)``."""

    name: str
    params: tuple[str, ...]
    outputs: tuple[str, ...]


def flat(text: str) -> str:
    """Return text with continuation marks and line breaks as blanks."""
    return re.sub(r"\s+", " ", re.sub(r"\\\s*\n", " ", text)).strip()


def split_blocks(text: str) -> list[Block]:
    """Return a Vensim file's entries in order, group headers left out.

    Parameters
    ----------
    text : the whole file; the sketch is ignored.
    """
    return split_file(text)[0]


def split_file(text: str) -> tuple[list[Block], dict[str, MacroHead]]:
    """Return a Vensim file's entries and its macros by key."""
    header = _HEADER.match(text)
    start = header.end() if header else 0
    body = text.split(SKETCH, 1)[0]
    group = macro = ""
    line, counted = 1, 0
    found: list[Block] = []
    macros: dict[str, MacroHead] = {}
    for offset, parts in _entries(body, start):
        equation = without_remarks(parts[0])
        while True:
            if opening := _MACRO.match(equation):
                macro, cut = name_key(opening[1]), opening.end()
                macros[macro] = _head(opening[1], opening[2])
            elif closing := _END_OF_MACRO.match(equation):
                macro, cut = "", closing.end()
            else:
                break
            equation, offset = equation[cut:], offset + cut
        if title := _GROUP.match(equation.strip()):
            group = title[1].strip()
            continue
        left = _LEFT_NAME.match(equation)
        if not equation.strip() or left is None:
            continue
        offset += len(equation) - len(equation.lstrip())
        line, counted = line + text.count("\n", counted, offset), offset
        units, doc = (part.strip() for part in (parts + ["", ""])[1:3])
        name = left[1].strip()
        if "\n" in name:  # written over several lines
            name = flat(name)
        found.append(Block(line, name, equation.strip(), units, doc, group, macro))
    return found, macros


def _head(name: str, inside: str) -> MacroHead:
    names = re.findall(r'"(?:\\"|[^"])*"|[^,:"]+|:', inside)
    names = [name.strip() for name in names if name.strip()]
    cut = names.index(":") if ":" in names else len(names)
    return MacroHead(name.strip(), tuple(names[:cut]), tuple(names[cut + 1 :]))


def without_remarks(equation: str) -> str:
    """Return an equation with blanks in place of its {remarks}, its line breaks kept.

    >>> without_remarks('price {yuan} * "a {b}"')
    'price        * "a {b}"'
    """
    return _QUOTED_OR_REMARK.sub(
        lambda found: found[0] if found[0][0] == '"' else re.sub(r"[^\n]", " ", found[0]), equation
    )


def _entries(text: str, start: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each entry's offset and its parts; quotes and remarks shield separators in equations only."""
    begin = part_begin = at = start
    parts: list[str] = []
    while True:
        found = (_SHIELDED if not parts else _SEPARATOR).search(text, at)
        if found is None:
            break
        at = found.end()
        if found[0] == "~":
            parts.append(text[part_begin : found.start()])
            part_begin = at
        elif found[0] == "|":
            parts.append(text[part_begin : found.start()])
            yield begin, parts
            begin = part_begin = at
            parts = []
    if text[part_begin:].strip() and (parts or "=" in text[part_begin:]):
        yield begin, [*parts, text[part_begin:]]


_SEPARATOR = re.compile(r"[~|]")
_MAPPING = re.compile(r"\(\s*([^():]+?)\s*:\s*([^()]*)\)|([^,()]+)")


def split_mappings(equation: str) -> dict[str, tuple[str, ...]]:
    """Return what a subscript range's definition maps to: range -> elements in order, () for "by position".

    >>> split_mappings("from: a, b -> to, (other: y, x)")
    {'to': (), 'other': ('y', 'x')}
    """
    _, arrow, right = equation.partition("->")
    found: dict[str, tuple[str, ...]] = {}
    for match in _MAPPING.finditer(right if arrow else ""):
        if match[1]:
            found[match[1].strip()] = tuple(element.strip() for element in match[2].split(","))
        elif match[3].strip():
            found[match[3].strip()] = ()
    return found


def settings(text: str) -> dict[int, str]:
    """Return the numbered lines behind the sketch, "15:0,0,0,5,0,0", by their number; the last of each."""
    after = text.rpartition("///---\\\\\\")[2] if SKETCH in text else ""
    return {int(found[1]): found[2].strip() for found in _SETTING.finditer(after)}
