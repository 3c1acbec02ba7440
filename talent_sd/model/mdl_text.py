"""What PySD's translator drops from a Vensim file: line numbers and groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from talent_sd.model.names import name_key

SKETCH = "\\\\\\---///"
_GROUP = re.compile(r"\*{3,}\s*\.([^\n*]+)")
_HEADER = re.compile(r"^\s*\{[^}]*\}")
_MACRO = re.compile(r"^\s*:MACRO:\s*([^(]+?)\s*\([^)]*\)", re.IGNORECASE)
_END_OF_MACRO = re.compile(r"^\s*:END OF MACRO:", re.IGNORECASE)
_LEFT_NAME = re.compile(r'\s*("(?:\\"|[^"])*"|[^=\[(:<]+)')


@dataclass(frozen=True, slots=True)
class Block:
    """One entry of a Vensim file, up to its closing ``|``."""

    line: int  # of the first character of the equation, from 1
    name: str  # as written, quotes included
    equation: str
    units: str
    doc: str
    group: str  # "" before the first group header
    macro: str  # key of the macro that holds it, "" in the main model


def split_blocks(text: str) -> list[Block]:
    """Return a Vensim file's entries in order, group headers left out.

    Parameters
    ----------
    text : the whole file; the sketch is ignored.
    """
    header = _HEADER.match(text)
    start = header.end() if header else 0
    body = text.split(SKETCH, 1)[0]
    group = macro = ""
    found = []
    for offset, parts in _entries(body, start):
        equation = parts[0]
        while True:
            if opening := _MACRO.match(equation):
                macro, cut = name_key(opening[1]), opening.end()
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
        units, doc = (part.strip() for part in (parts + ["", ""])[1:3])
        found.append(
            Block(
                text.count("\n", 0, offset) + 1, left[1].strip(), equation.strip(), units, doc, group, macro
            )
        )
    return found


def _entries(text: str, start: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each entry's offset and its parts; quotes shield separators in equations only."""
    begin, part_begin, quoted = start, start, False
    parts: list[str] = []
    for index in range(start, len(text)):
        character = text[index]
        if character == '"' and not parts and text[index - 1] != "\\":
            quoted = not quoted
        elif quoted or character not in "~|":
            continue
        elif character == "~":
            parts.append(text[part_begin:index])
            part_begin = index + 1
        else:
            parts.append(text[part_begin:index])
            yield begin, parts
            begin = part_begin = index + 1
            parts = []
    if text[part_begin:].strip() and (parts or "=" in text[part_begin:]):
        yield begin, [*parts, text[part_begin:]]


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
