"""Bring the catalogue of translations up to date with the code, and compile it.

    python .ci/translations.py

Collects every text that the program tells: `tell("...")`, `N_("...")`, what the report's language says,
its templates, the help of the command line, and `foreign.txt`, the texts of others. New ones enter
`talent_sd.po` without a translation, which a test names; those that are gone leave it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import typer
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from talent_sd.base.language import LOCALE
from talent_sd.cli.app import app
from talent_sd.cli.language import paragraphs

PACKAGE = LOCALE.parents[1]
PO = LOCALE / "zh" / "LC_MESSAGES" / "talent_sd.po"
HEAD = "# The program in Chinese. Written by .ci/translations.py: change what follows msgstr alone."
ERRORS = ("TalentError", "InputError", "ModelError", "UnsupportedError", "UnitError")
TELLING = ("tell", "N_", "speech", "say", "Speech", *ERRORS)
"""Functions and errors whose first argument is told."""

Text = tuple[str, str]
"""Context, or "", and English text."""


class Undated(Catalog):
    """A catalogue whose head holds nothing that changes by itself."""

    mime_headers = [("Content-Type", "text/plain; charset=UTF-8"), ("Language", "zh")]  # type: ignore[assignment, override]


def told_in(tree: ast.AST) -> Iterator[Text]:
    """Yield the texts told in a module, those of both branches of `tell(a if b else c)` too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            named = node.func.func if isinstance(node.func, ast.Call) else node.func
            name = getattr(named, "id", getattr(named, "attr", ""))
            if name in TELLING and not (name == "Speech" and named is node.func):
                context = ast.literal_eval(node.args[1]) if name == "N_" and len(node.args) > 1 else ""
                yield from ((context, text) for text in _literals(node.args[0]))


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_literals(node.body), *_literals(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def said_in(template: str) -> Iterator[Text]:
    """Yield the texts that a template says."""
    for call in Environment().parse(template).find_all(nodes.Call):
        name = getattr(call.node, "attr", getattr(call.node, "name", ""))
        if name == "say" and isinstance(call.args[0], nodes.Const):
            yield "", call.args[0].value


def help_of(command: Any) -> Iterator[Text]:
    """Yield the paragraphs of help of a command and of its parts."""
    texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
    yield from (
        ("", part) for text in texts for part in paragraphs(text or "") if not part.startswith("Example:")
    )
    for part in getattr(command, "commands", {}).values():
        yield from help_of(part)


def all_texts() -> set[Text]:
    """Return every text that the program may tell."""
    found = {text for file in PACKAGE.rglob("*.py") for text in told_in(ast.parse(file.read_text("utf-8")))}
    found |= {text for file in PACKAGE.rglob("*.j2") for text in said_in(file.read_text("utf-8"))}
    found |= set(help_of(typer.main.get_command(app)))
    return found | {("foreign", line) for line in (LOCALE / "foreign.txt").read_text("utf-8").splitlines()}


def catalogue() -> Catalog:
    """Return the catalogue with the texts of today and the translations known so far."""
    known = read_po(BytesIO(PO.read_bytes()), locale="zh")
    found = Undated("zh", header_comment=HEAD, fuzzy=False)
    for context, text in sorted(all_texts()):
        old = known.get(text, context or None)
        message = found.add(text, old.string if old else "", context=context or None)
        message.flags.clear()  # babel takes "80 % of" for a format of Python's
    return found


def as_files(found: Catalog) -> dict[Path, bytes]:
    """Return the content of the two files, the same on every machine."""
    po, mo = BytesIO(), BytesIO()
    write_po(po, found, width=0, omit_header=False, sort_output=True)
    write_mo(mo, found)
    return {PO: po.getvalue(), PO.with_suffix(".mo"): mo.getvalue()}


if __name__ == "__main__":
    for path, content in as_files(catalogue()).items():
        path.write_bytes(content)
