"""A model file to trees: encodings, XML, and which language it is."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from html.entities import name2codepoint
from pathlib import Path
from typing import Any, Literal

from talent_sd.base.errors import ModelError
from talent_sd.base.files import obeyed_by_none
from talent_sd.base.language import foreign, listed, reason_of, tell
from talent_sd.model.mdl_text import settings
from talent_sd.model.names import name_key
from talent_sd.model.pysd_guard import refuse_odd
from talent_sd.model.spreadsheets import range_elements
from talent_sd.model.trees import AbstractModel
from talent_sd.model.vensim_reader import read_vensim

VENSIM = (".mdl",)
XMILE = (".xmile", ".xml", ".stmx", ".itmx")
_ENCODING = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\{([^}\r\n]*)\}")
_ENTITY = re.compile(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->|&(#?\w+;)?", re.DOTALL)
_HARMLESS = {99, 100, 201}  # libxml2: an odd or a relative address of a namespace, an undeclared prefix
MOST_BYTES = 20_000_000
"""Of a model file: some ten times the largest that anybody has published."""
_MARKS_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Source:
    """A file as read, and what locates its parts.

    `lines` and `groups` are keyed by (macro key or "", variable key); `mappings` gives, by range key, the
    ranges it maps to and their elements in order; `method` is "euler", "rk2" or "rk4"; `lacks` tells what
    PySD alone takes, `notices` what was guessed.
    """

    path: Path
    sha256: str
    model: AbstractModel
    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    groups: dict[tuple[str, str], str] = field(default_factory=dict)
    mappings: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    method: Literal["euler", "rk2", "rk4"] = "euler"
    lacks: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def place(self, name: str, macro: str = "") -> str:
        """Return "file:line" of a variable, or "file" where the line is unknown."""
        line = self.lines.get((macro, name_key(name)))
        return f"{self.path.name}:{line}" if line else self.path.name


def read_model_bytes(path: str | Path) -> bytes:
    """Return a model file's content.

    Raises
    ------
    ModelError
        If it is missing, a folder, unreadable, empty or not of a known kind.
    """
    path = Path(path)
    if os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises where a name is too long)
        raise ModelError(
            "{file}: is a folder. Give a model file ({vensim}).", file=path, vensim=listed(VENSIM + XMILE)
        )
    if path.suffix.lower() not in VENSIM + XMILE:
        raise ModelError(
            "{file}: not a model file. Give a Vensim .mdl or an XMILE {xmile} file.",
            file=path,
            xmile=listed(XMILE),
        )
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError("{file}: not a regular file. Save its content to a file first.", file=path)
        if status.st_size > MOST_BYTES:
            raise ModelError(
                "{file}: {size} bytes are more than the {max_bytes} allowed. Is it the right file?",
                file=path, size=status.st_size, max_bytes=MOST_BYTES,
            )  # fmt: skip
        content = path.read_bytes()
    except (FileNotFoundError, ValueError):  # ValueError: a NUL in the name
        raise ModelError("{file}: no such file. Check the path.", file=path) from None
    except OSError as error:
        raise ModelError(
            "{file}: cannot be read ({reason}). Check its permissions.", file=path, reason=reason_of(error)
        ) from None
    if not content.strip():
        raise ModelError("{file}: is empty. Give a model with at least one equation.", file=path)
    if b"\0" in content and content[:2] not in _MARKS_16:
        raise ModelError("{file}: is binary, not text. Save the model as text (.mdl or .xmile).", file=path)
    return content


def translate(path: str | Path) -> Source:
    """Read a Vensim or XMILE model.

    Parameters
    ----------
    path : a .mdl, .xmile, .xml, .stmx or .itmx file

    Raises
    ------
    ModelError
        If the file is missing, binary, empty or malformed: ``file:line: what. remedy``, every problem.
    UnsupportedError
        If it holds a stock of a special kind.
    """
    path = Path(path)
    content = read_model_bytes(path)
    notices: list[str] = []
    try:
        if path.suffix.lower() in VENSIM:
            text = mdl_string(path, content, notices)
            found = read_vensim(path, text, lambda *texts: range_elements(path.parent, *texts))
        else:
            from talent_sd.model.xmile_reader import XmileFile

            found = XmileFile(path, _xml_root(path, content)).read()
        source = Source(path, hashlib.sha256(content).hexdigest(), notices=tuple(notices), **found)
        refuse_odd(source.model, path, source.place)
    except RecursionError:
        raise ModelError(
            "{file}: an equation is nested too deeply. Divide it into several variables.", file=path.name
        ) from None
    return source


def mdl_string(path: Path, content: bytes, notices: list[str]) -> str:
    """Return a Vensim file's text, by the encoding that its first line or its settings name.

    A file that names none is in UTF-8, or else in what a Chinese or a Western Windows writes: `notices` tells.
    """
    named = _ENCODING.match(content)
    line_44 = settings(content.decode("latin-1")).get(44, "")
    encoding = named[1].decode("ascii", "replace").strip() if named else ""
    if content[:2] in _MARKS_16:
        encoding = "UTF-16"
    elif not encoding and line_44.isdigit() and line_44 not in {"0", "65001"}:
        encoding = f"cp{line_44}"
    guesses = [] if encoding else ["gb2312", "cp1252", "latin-1"]
    encoding = encoding or "UTF-8"
    codec = "utf-8-sig" if encoding.upper() in {"UTF-8", "UTF8"} else encoding  # with or without a mark
    try:
        return obeyed_by_none(content.decode(codec))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        for guess in guesses:
            with suppress(UnicodeDecodeError):
                text = content.decode(guess)
                notices.append(tell("{file}:{line}: not valid UTF-8, and the file names no encoding: read as {guess}. "
                                    "Save it as UTF-8.", file=path.name, line=line, guess=guess))  # fmt: skip
                return obeyed_by_none(text)
        raise ModelError(
            "{file}:{line}: not valid {encoding}. Save the file as UTF-8.",
            file=path.name, line=line, encoding=encoding,
        ) from None  # fmt: skip
    except (LookupError, ValueError):  # ValueError: a codec for host names, for one
        raise ModelError(
            "{file}:1: unknown encoding '{encoding}'. Write {{UTF-8}} and save as UTF-8.",
            file=path.name,
            encoding=encoding,
        ) from None


def _xml_root(path: Path, content: bytes) -> Any:
    """Return the <xmile> of a file, its own tags without namespace; prefixes need no declaration."""
    from lxml import etree

    if content[:2] not in _MARKS_16:
        content = _ENTITY.sub(_character, content)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
        error = next((e for e in parser.error_log if e.level > 1 and e.type not in _HARMLESS), None)
        problem = None if error is None else (error.line, error.message)
    except etree.XMLSyntaxError as found:
        root, problem = None, (found.lineno or 1, found.msg)
    if root is None or problem is not None:
        line, reason = problem or (1, "")
        raise ModelError(
            "{file}:{line}: malformed XML ({reason}). Mend the file.",
            file=path.name,
            line=line or 1,
            reason=foreign(reason.strip()),
        )
    if root.getroottree().docinfo.internalDTD is not None:
        raise ModelError(
            "{file}:1: holds a document type declaration. Remove it; XMILE needs none.", file=path.name
        )
    if etree.QName(root).localname != "xmile":
        raise ModelError(
            "{file}:{line}: the root element is not <xmile xmlns=…>. Export the model as XMILE.",
            file=path.name,
            line=root.sourceline,
        )
    space = etree.QName(root).namespace
    for node in root.iter(etree.Element):
        node.text = obeyed_by_none(node.text or "") or None
        for key, value in node.attrib.items():
            if value != (harmless := obeyed_by_none(value)):
                del node.attrib[key]  # one with an undeclared prefix cannot be set
                node.set(key.rpartition(":")[2], harmless)
        if space and node.tag.startswith(f"{{{space}}}"):
            node.tag = node.tag.rpartition("}")[2]
    return root


def _character(entity: re.Match[bytes]) -> bytes:
    """Return an entity of HTML as XML knows it, and an & that begins none as the sign."""
    if entity[1] is None:
        return b"&amp;" if entity[0] == b"&" else entity[0]
    name = entity[1][:-1].decode("ascii", "replace")
    known = name not in {"amp", "lt", "gt", "quot", "apos"} and name in name2codepoint
    return f"&#{name2codepoint[name]};".encode() if known else entity[0]
