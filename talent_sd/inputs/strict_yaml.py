"""Read YAML 1.2 strictly, keeping the line of every key and value.

Nothing in a file can run code or blow up memory: tags, anchors and aliases are
refused, size and depth are capped, and scalars follow YAML 1.2's core schema
(`on`, `off` and `NO` are text, `1e6` is a number).
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from talent_sd.base.cache import load_cached, save_cached
from talent_sd.base.errors import InputError
from talent_sd.base.files import CONTROLS, inputs_read, shipped_folder, tellable
from talent_sd.base.language import foreign, reason_of, tell
from talent_sd.inputs.settings import took_away, without_commas

MAX_BYTES = 2_000_000
MAX_DEPTH = 12
MAX_ENTRIES = 20_000
MAX_FAULTS = 20
WORTH_KEEPING = 2000
"""Characters from which a parsed file is kept between runs."""
SHIPPED = ("scenarios", "models")

Key = str | int
_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A value with the line it stands on.

    Parameters
    ----------
    value : None, bool, int, float, str, list of Node, or dict of key to Node
    line : line of the value, from 1
    key_line : line of the key that leads here (the value's own where there is none)
    """

    value: object
    line: int
    key_line: int

    def plain(self) -> object:
        """Return the value with plain lists and dicts inside."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def find(self, path: tuple[object, ...]) -> Node:
        """Return the deepest node on `path`; steps that lead nowhere are passed over."""
        node = self
        for step in path:
            inner = node.value
            if isinstance(inner, list):
                inner = dict(enumerate(inner))
            if isinstance(inner, dict) and step in inner:
                node = inner[step]
        return node


def shown(path: Path) -> str:
    """Name a file as the user would.

    A shipped file is told by its own folder (not by where Python keeps its packages),
    another relative to the working folder where it lies inside; "./" marks the user's
    own where its name could be taken for a shipped one.
    """
    full = Path(os.path.realpath(path))  # unlike resolve(), it takes links that lead in a circle
    for folder in SHIPPED:
        shipped = shipped_folder(folder)
        if full.is_relative_to(shipped):
            return str(Path(folder) / full.relative_to(shipped))
    here = Path.cwd()
    if not full.is_relative_to(here):
        return tellable(str(path))
    name = full.relative_to(here)
    return tellable(f"./{name}" if name.parts and name.parts[0] in SHIPPED else str(name))


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    InputError
        If it is missing, a folder, unreadable, too big, empty or not UTF-8 text.
    """
    name = shown(path)
    # fmt: off
    try:
        if path.is_dir():
            raise InputError("{file}: this is a folder, not a file. Give the path of a file in it.", file=name)
        size = path.stat().st_size
        if not path.is_file():
            raise InputError("{file}: not a regular file. Save its content to a file first.", file=name)
        if size > MAX_BYTES:
            raise InputError("{file}: {size} bytes are more than the {max_bytes} allowed. Is it the right file?",
                             file=name, size=size, max_bytes=MAX_BYTES)
        raw = path.read_bytes()
        inputs_read.add(path.resolve())
    except FileNotFoundError:
        raise InputError("{file}: no such file. Check the path.", file=name) from None
    except OSError as error:
        raise InputError("{file}: cannot be read ({reason}). Check the path and its permissions.",
                         file=name, reason=reason_of(error).lower()) from None
    # fmt: on
    if not raw.strip():
        raise InputError("{file}: the file is empty. Fill it or give another.", file=name)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = raw[: error.start].count(b"\n") + 1
        raise InputError(
            "{file}:{line}: not UTF-8 text. Save the file as UTF-8.", file=name, line=at
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError("{file}:{line}: a binary file, not text. Give a text file.", file=name, line=line)
    return text


def read_yaml(path: Path) -> Node:
    """Read a YAML file whose top is a mapping.

    Raises
    ------
    InputError
        With every problem of form found in the file.
    """
    return parse_yaml(read_text(path), shown(path))


@lru_cache(maxsize=64)
def parse_yaml(text: str, name: str) -> Node:
    """Read YAML text; `name` stands for the file in messages.

    The same text is read once: a comparison asks for the same city and national
    path again and again.

    >>> parse_yaml("a: {b: 1e3, c: off}", "x.yaml").plain()
    {'a': {'b': 1000.0, 'c': 'off'}}

    Raises
    ------
    InputError
        With every problem of form found in the text.
    """
    if len(text) < WORTH_KEEPING:
        return _parse(text, name)
    key = hashlib.sha256(text.encode()).hexdigest()
    try:
        return _from_json(load_cached("yaml", key))
    except (TypeError, ValueError):
        pass  # not kept, or written by something else: read the text
    root = _parse(text, name)
    save_cached("yaml", key, _to_json(root))
    return root


def yaml_to_json(text: str) -> tuple[str, list[object]]:
    """Return what is shipped of a YAML text of ours, read anew: its key, and its nodes as JSON values."""
    return hashlib.sha256(text.encode()).hexdigest(), _to_json(_parse(text, ""))


def _to_json(node: Node) -> list[object]:
    """Return a node as JSON values: lines, then the scalar, or the parts and whether they have keys."""
    if isinstance(node.value, dict):
        pairs = [[key, _to_json(inner)] for key, inner in node.value.items()]
        return [node.line, node.key_line, True, pairs]
    if isinstance(node.value, list):
        return [node.line, node.key_line, False, [_to_json(inner) for inner in node.value]]
    return [node.line, node.key_line, node.value]


def _from_json(kept: Any) -> Node:
    """Return the node that `_to_json` wrote; TypeError or ValueError if it is none."""
    line, key_line, *rest = kept
    if len(rest) == 1:
        return Node(rest[0], line, key_line)
    keyed, parts = rest
    if keyed:
        return Node({key: _from_json(inner) for key, inner in parts}, line, key_line)
    return Node([_from_json(inner) for inner in parts], line, key_line)


class UnsoundFile(InputError):
    """A text that cannot be read as it stands; what was read of it with faults in `lines`, None where nothing was."""

    rest: Node | None
    lines: frozenset[int]


def _parse(text: str, name: str) -> Node:
    """Read YAML text; as `parse_yaml`."""
    reader, lines, root = _Reader(name), text.split("\n"), None
    for _ in range(MAX_FAULTS):
        reader.found, reader.entries = {}, 0
        fault, root = _attempt(reader, "\n".join(lines))
        reader.told |= dict([fault] if fault else [])
        if fault is None or not took_away(lines, fault[0]):
            break
    noted = [(line, one) for line, some in reader.found.items() for one in some]
    problems = [text for _, text in sorted([*reader.told.items(), *noted])]
    if not problems:
        assert root is not None
        return root
    error = UnsoundFile(dict.fromkeys(problems))
    error.rest, error.lines = root, frozenset(reader.found)
    raise error from None


def _attempt(reader: _Reader, text: str) -> tuple[tuple[int, str] | None, Node | None]:
    """Read a text as far as it goes: the line where it is no YAML and what to say of it, or what stands there."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return None, reader.document(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        opened = (
            error.context_mark if "flow" in str(error.context) else None
        )  # a bracket is told where it opens
        mark = opened or error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reason = foreign(" ".join(str(error.problem or error.context).split()))
        told = tell("{file}:{line}: not valid YAML: {reason}. Check indentation, colons and quotes.",
                    file=reader.name, line=line, reason=reason)  # fmt: skip
        return (line, told), None
    except (YAMLError, ValueError) as error:
        reason = foreign(" ".join(str(error).split()[:20]))
        told = tell("{file}:1: not valid YAML: {reason}. Save the file as plain UTF-8 text.",
                    file=reader.name, reason=reason)  # fmt: skip
        return (1, told), None


class _Reader:
    """Builds nodes from parser events, so that tags and aliases are seen before they act."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: dict[int, list[str]] = {}
        self.told: dict[int, str] = {}
        self.entries = 0

    def problem(self, line: int, text: str) -> None:
        """Note a problem of a line."""
        self.found.setdefault(line, []).append(f"{self.name}:{line}: {text}")

    def document(self, events: Iterator) -> Node:
        """Return the root of the only document; InputError where there are none or several."""
        from ruamel.yaml import events as ev

        root = None
        for event in events:
            if isinstance(event, (ev.StreamStartEvent, ev.StreamEndEvent, ev.DocumentEndEvent)):
                continue
            if isinstance(event, ev.DocumentStartEvent):
                if root is not None:
                    line = event.start_mark.line + 1
                    raise InputError(
                        "{file}:{line}: a second document. Keep one document per file.",
                        file=self.name,
                        line=line,
                    )
                if event.version and tuple(event.version) != (1, 2):
                    self.problem(
                        event.start_mark.line + 1, tell("only YAML 1.2 is read. Remove the %YAML line.")
                    )
                continue
            root = self.node(event, events, 0, None)
        if root is None or root.value is None:
            raise InputError("{file}: the file is empty. Fill it or give another.", file=self.name)
        if not isinstance(root.value, dict) and not self.found:
            self.problem(root.line, tell("the top of the file must be a mapping, `key: value` lines."))
        return root

    def node(self, event: object, events: Iterator, depth: int, key_line: int | None) -> Node:
        """Return the value that begins with an event; note what is not allowed in it."""
        from ruamel.yaml import events as ev

        line = event.start_mark.line + 1  # type: ignore[attr-defined]
        at = line if key_line is None else key_line
        if depth > MAX_DEPTH:
            raise InputError(
                "{file}:{line}: nested more than {max_depth} deep. Flatten it.",
                file=self.name, line=line, max_depth=MAX_DEPTH,
            )  # fmt: skip
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise InputError(
                "{file}:{line}: more than {most} entries. Is it the right file?",
                file=self.name, line=line, most=MAX_ENTRIES,
            )  # fmt: skip
        if isinstance(event, ev.AliasEvent) or getattr(event, "anchor", None):
            self.problem(
                line, tell("YAML anchors and aliases (& and *) are not allowed. Write the value out.")
            )
        if isinstance(event, ev.AliasEvent):
            return Node(None, line, at)
        if getattr(event, "tag", None) and not (isinstance(event, ev.ScalarEvent) and event.tag == "!"):
            self.problem(line, tell("the YAML tag {tag} is not allowed. Remove it.", tag=event.tag))  # type: ignore[attr-defined]
        if isinstance(event, ev.ScalarEvent):
            if event.value.translate(CONTROLS) != event.value:
                self.problem(line, tell("a text holds a control character, which nobody sees. Remove it."))
            plain = event.style in (None, "")
            return Node(self.scalar(event.value, line) if plain else event.value, line, at)
        if isinstance(event, ev.SequenceStartEvent):
            items = []
            while not isinstance(item := next(events), ev.SequenceEndEvent):
                items.append(self.node(item, events, depth + 1, None))
            return Node(items, line, at)
        return Node(self.mapping(events, depth), line, at)

    def mapping(self, events: Iterator, depth: int) -> dict[Key, Node]:
        """Return the keys and values up to the end of a mapping; note keys that are not allowed."""
        from ruamel.yaml import events as ev

        found: dict[Key, Node] = {}
        # a value, or what follows one after a comma without a space: {size: 0,02}
        number, end, place = "", 0, 0
        while not isinstance(event := next(events), ev.MappingEndEvent):
            line = event.start_mark.line + 1
            key_node = self.node(event, events, depth + 1, None)
            after = next(events)
            value = self.node(after, events, depth + 1, line)
            glued = (
                event.start_mark.index == end + 1
                and isinstance(event, ev.ScalarEvent)
                and value.value is None
            )
            if glued and without_commas(f"{number},{event.value}"):
                number, end = f"{number},{event.value}", event.end_mark.index
                continue
            self.refuse_commas(number, place)
            bare = isinstance(value.value, (int, float)) and not isinstance(value.value, bool)
            number, end, place = after.value if bare else "", after.end_mark.index, value.line
            if not isinstance(event, ev.ScalarEvent):
                self.problem(line, tell("a key must be a single word or number."))
                continue
            is_year = isinstance(key_node.value, int) and not isinstance(key_node.value, bool)
            if event.value == "<<" and event.style in (None, ""):
                self.problem(line, tell("YAML merge keys (<<) are not allowed. Write the keys out."))
                continue
            key: Key = key_node.value if is_year else event.value  # type: ignore[assignment]
            if key in found:
                first = found[key].key_line
                told = tell(
                    "the key '{key}' appears twice (first on line {first}). Keep one.", key=key, first=first
                )
                self.problem(line, told)
                continue
            found[key] = value
        self.refuse_commas(number, place)
        return found

    def refuse_commas(self, number: str, line: int) -> None:
        """Note a problem if a number was written with commas, which part the entries of a mapping in braces."""
        if "," in number and (written := without_commas(number)):
            told = tell(
                "{number}: commas do not belong in a number. Write {written}.", number=number, written=written
            )
            self.problem(line, told)

    def scalar(self, text: str, line: int) -> object:
        """Return what an unquoted text is: nothing, true or false, a number, or text."""
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.match(text):
            if len(text) > 30:
                self.problem(line, tell("{text}… has too many digits. Write it as 1.5e30.", text=text[:12]))
                return 0
            return int(text)
        if _FLOAT.match(text):
            number = float(text)
            if math.isfinite(number):
                return number
        elif not _NOT_FINITE.match(text):
            return text
        self.problem(
            line, tell("{text} is not a finite number. Give a number, or leave the key out.", text=text)
        )
        return 0.0
