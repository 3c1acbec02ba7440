"""A model file to PySD's abstract model. The only place that imports PySD's translators."""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talent_sd.base.errors import ModelError, Problems, UnsupportedError
from talent_sd.base.language import foreign, listed, reason_of
from talent_sd.model.mdl_text import SKETCH, Block, split_blocks, split_mappings
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.pysd_guard import guard_readers, refuse_odd
from talent_sd.model.xmile_text import plain_model, prepare_xmile

VENSIM = (".mdl",)
XMILE = (".xmile", ".xml", ".stmx")
_ENCODING = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\{([^}\r\n]*)\}")
_LIMITS = re.compile(r"\([\s\\]*\[([^\]]*)\]")
_LIMIT_TEXT = re.compile(r"[\s\d.,eE+()\-]*")


@dataclass(frozen=True)
class Source:
    """A translated file and what locates its parts.

    `model` is PySD's AbstractModel. `lines` and `groups` are keyed by (macro key or "", variable key);
    `mappings` gives, by range key, the ranges it maps to and their elements in order.
    """

    path: Path
    sha256: str
    model: Any
    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    groups: dict[tuple[str, str], str] = field(default_factory=dict)
    mappings: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

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
    if path.is_dir():
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
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelError("{file}: no such file. Check the path.", file=path) from None
    except OSError as error:
        raise ModelError(
            "{file}: cannot be read ({reason}). Check its permissions.", file=path, reason=reason_of(error)
        ) from None
    if not content.strip():
        raise ModelError("{file}: is empty. Give a model with at least one equation.", file=path)
    if b"\0" in content:
        raise ModelError("{file}: is binary, not text. Save the model as text (.mdl or .xmile).", file=path)
    return content


def translate(path: str | Path) -> Source:
    """Translate a Vensim or XMILE model.

    Parameters
    ----------
    path : a .mdl, .xmile, .xml or .stmx file

    Raises
    ------
    ModelError
        If the file is missing, binary, empty or malformed: one message, ``file:line: what. remedy``.
    UnsupportedError
        If it holds modules, XMILE macros or another feature that PySD does not translate.
    """
    path = Path(path)
    content = read_model_bytes(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        guard_readers()
        read = _translate_vensim if path.suffix.lower() in VENSIM else _translate_xmile
        source = read(path, content)
    refuse_odd(source.model, path, source.place)
    return source


def parse_expression(text: str) -> Any:
    """Return PySD's tree of an expression in Vensim's words.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        guard_readers()
        try:
            return _parsed(f"expression = {text}").ast
        except Exception as error:
            raise ValueError(text) from error


def _parsed(equation: str, units: str = "", doc: str = "") -> Any:
    """Return PySD's reading of one entry; its parser's errors where it cannot be read."""
    from pysd.translators.vensim.vensim_element import Component, Element

    part = Element(_flat(equation), _flat(units), _flat(doc)).parse()
    if isinstance(part, Component):
        part.parse()
    return part


def _translate_vensim(path: Path, content: bytes) -> Source:
    from pysd.translators.vensim.vensim_file import VensimFile

    named = _ENCODING.match(content)
    encoding = named[1].decode("ascii", "replace").strip() if named else "UTF-8"
    codec = "utf-8-sig" if encoding.upper() in {"UTF-8", "UTF8"} else encoding  # with or without a mark
    try:
        text = content.decode(codec).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ModelError(
            "{file}:{line}: not valid {encoding}. Save the file as UTF-8.",
            file=path.name,
            line=line,
            encoding=encoding,
        ) from None
    except (LookupError, ValueError):  # ValueError: a codec for host names, for one
        raise ModelError(
            "{file}:1: unknown encoding '{encoding}'. Write {{UTF-8}} and save as UTF-8.",
            file=path.name,
            encoding=encoding,
        ) from None
    blocks = split_blocks(text)
    _check_blocks(path, text, blocks)
    try:
        file = VensimFile(path, encoding=codec)
        file.parse()
        model = file.get_abstract_model()
    except Exception as error:
        raise _vensim_error(path, blocks, error) from None
    keys = [((block.macro, name_key(block.name)), block) for block in reversed(blocks)]
    mappings = {key[1]: split_mappings(block.equation) for key, block in keys if "->" in block.equation}
    _drop_mapped_elements(model, mappings)
    return Source(
        path,
        hashlib.sha256(content).hexdigest(),
        model,
        {key: block.line for key, block in keys},
        {key: block.group for key, block in keys},
        mappings,
    )


def _drop_mapped_elements(model: Any, mappings: dict[str, dict[str, tuple[str, ...]]]) -> None:
    """Take out of each range the elements that PySD's translator adds from its explicit mapping."""
    for definition in model.sections[0].subscripts:
        extra = sum(len(order) for order in mappings.get(name_key(definition.name), {}).values())
        if extra and isinstance(definition.subscripts, list):
            definition.subscripts = definition.subscripts[:-extra]


def _check_blocks(path: Path, text: str, blocks: list[Block]) -> None:
    """Refuse what the translator would swallow or not explain: no equation, no end of an entry, odd limits."""
    if not blocks:
        raise ModelError(
            "{file}:1: no equation found. A Vensim entry reads 'name = … ~ unit ~ comment |'.", file=path.name
        )
    body = text.split(SKETCH, 1)[0].rstrip()
    if not body.endswith("|") and not re.search(r":END OF MACRO:\s*$", body, re.IGNORECASE):
        last = blocks[-1]
        raise ModelError(
            "{file}:{line}: the entry of '{last_name}' has no closing '|'. Add it.",
            file=path.name,
            line=last.line,
            last_name=unquoted(last.name),
        )
    for block in blocks:
        for limits in _LIMITS.finditer(block.equation):
            if not _LIMIT_TEXT.fullmatch(limits[1]):
                raise ModelError(
                    "{file}:{line}: the limits of the lookup in '{block_name}' are not numbers. Write "
                    "[(xmin,ymin)-(xmax,ymax)].",
                    file=path.name,
                    line=block.line,
                    block_name=unquoted(block.name),
                )


def _vensim_error(path: Path, blocks: list[Block], error: Exception) -> ModelError:
    """Find the entry that cannot be read: parse each alone."""
    for block in blocks:
        try:
            _parsed(block.equation, block.units, block.doc)
        except Exception as cause:
            position = getattr(cause, "pos", None)
            text = getattr(cause, "text", None)
            near = (
                f" near '{text[position : position + 30].strip()}'" if text and position is not None else ""
            )
            return ModelError(
                "{file}:{line}: cannot read the entry of '{block_name}'{near}. Check its operators, "
                "parentheses, commas and [min, max].",
                file=path.name,
                line=block.line,
                block_name=unquoted(block.name),
                near=near,
            )
    return ModelError(
        "{file}:1: cannot be read as a Vensim model ({reason}). Check that each entry reads "
        "'name = … ~ unit ~ comment |'.",
        file=path.name,
        reason=_flat(str(error))[:120],
    )


def _flat(text: str) -> str:
    """Return text as PySD's translator sees it: continuation marks and line breaks as blanks."""
    return re.sub(r"\s+", " ", text.replace("\\\n\t", " "))


def _translate_xmile(path: Path, content: bytes) -> Source:
    from lxml import etree
    from pysd.translators.xmile.xmile_file import XmileFile

    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise ModelError(
            "{file}:{line}: malformed XML ({reason}). Mend the file.",
            file=path.name,
            line=error.lineno or 1,
            reason=foreign(error.msg),
        ) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise ModelError(
            "{file}:1: holds a document type declaration. Remove it; XMILE needs none.", file=path.name
        )
    if etree.QName(root).localname != "xmile" or None not in root.nsmap:
        raise ModelError(
            "{file}:{line}: the root element is not <xmile xmlns=…>. Export the model as XMILE.",
            file=path.name,
            line=root.sourceline,
        )
    _check_xmile(path, root)
    prepared = prepare_xmile(root)

    class File(XmileFile):
        """The file as prepared: nothing is read again."""

        def _get_root(self) -> Any:
            return prepared

    try:
        file = File(path)
        file.parse()
        model = file.get_abstract_model()
        plain_model(model, prepared)
    except Exception as error:
        raise _xmile_error(path, prepared, error) from None
    lines = {
        ("", name_key(node.get("name").replace("\\n", " "))): node.sourceline
        for node in _xmile_variables(root)
        if node.get("name")
    }
    return Source(path, hashlib.sha256(content).hexdigest(), model, lines)


def _xmile_variables(root: Any) -> list[Any]:
    space = {"x": root.nsmap[None]}
    return list(
        root.xpath(
            "x:model/x:variables/*[self::x:aux or self::x:flow or self::x:stock or self::x:gf]",
            namespaces=space,
        )
    )


def _check_xmile(path: Path, root: Any) -> None:
    """Refuse what PySD would drop silently or fail on without a place."""
    space = {"x": root.nsmap[None]}
    for node in root.xpath("x:model/x:variables/x:module | x:macro", namespaces=space):
        raise UnsupportedError(
            "{file}:{line}: XMILE modules and macros are not supported ('{name}'). Merge it into the "
            "main model.",
            file=path.name,
            line=node.sourceline,
            name=node.get("name"),
        )
    for node in root.xpath("//x:stock/x:conveyor | //x:stock/x:queue | //x:stock/x:oven", namespaces=space):
        kind = node.tag.rpartition("}")[2]
        raise UnsupportedError(
            "{file}:{line}: '{name}' is a stock of the kind '{kind}', which is not supported. "
            "Write it as stocks with DELAY or as an aging chain.",
            file=path.name,
            line=node.sourceline,
            name=node.getparent().get("name"),
            kind=kind,
        )
    if not root.xpath("x:sim_specs", namespaces=space):
        raise ModelError(
            "{file}:{line}: no <sim_specs>. Add start, stop and dt.", file=path.name, line=root.sourceline
        )
    problems = Problems()
    for node in _xmile_variables(root):
        name, at = node.get("name"), {"file": path.name, "line": node.sourceline}
        if not name:
            problems.say('{file}:{line}: a variable without a name. Add name="…".', **at)
        elif not node.xpath("self::x:gf | x:gf | .//x:eqn", namespaces=space):
            problems.say("{file}:{line}: '{name}' has no equation. Add <eqn>.", **at, name=name)
    for node in root.xpath("x:dimensions/x:dim[not(x:elem)]", namespaces=space):
        problems.say(
            "{file}:{line}: dimension '{name}' has no named elements. Add <elem name=\"…\"/> entries.",
            file=path.name, line=node.sourceline, name=node.get("name"),
        )  # fmt: skip
    if problems:
        raise ModelError(problems)


def _xmile_error(path: Path, root: Any, error: Exception) -> ModelError:
    """Find the variable that cannot be read: parse each equation alone."""
    from pysd.translators.xmile import xmile_utils
    from pysd.translators.xmile.xmile_structures import parsing_ops

    grammar = xmile_utils.Grammar.get("equations", parsing_ops)
    for node in _xmile_variables(root):
        for equation in node.iter("{*}eqn", "{*}inflow", "{*}outflow"):
            text = re.sub(r"\s{2,}", " ", (equation.text or "").replace("\n", " ")).strip()
            try:
                grammar.parse(text)
            except Exception:
                return ModelError(
                    "{file}:{line}: cannot read the equation of '{name}': '{text}'. Check its operators and "
                    "parentheses.",
                    file=path.name,
                    line=equation.sourceline,
                    name=node.get("name"),
                    text=text[:60],
                )
    return ModelError(
        "{file}:{line}: cannot be read as XMILE ({reason}). Check the file against the XMILE standard.",
        file=path.name,
        line=root.sourceline,
        reason=_flat(str(error))[:120],
    )
