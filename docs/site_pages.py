"""Give MkDocs its pages: the repository's READMEs where they stand, and a reference of what the package exports.

Files keep their paths from the repository, so that links between them hold in both places. MkDocs runs
this file as a hook, and mkdocstrings as an extension that reads docstrings as this package writes
them: `name : what it is`, where NumPy's style has a type. Types come from signatures.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md",
    "models/README.md",
    "scenarios/README.md",
    "talent_sd/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)
BESIDE = ("CITATION.cff", "docs/wuxi.png")
PACKAGE = "talent_sd"
KINDS = griffe.DocstringSectionKind


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Put the pages, what they link to, and the reference in place of the folder's files."""
    folder = Path(config.docs_dir)
    for file in list(files):
        if Path(file.abs_src_path or "").is_relative_to(folder):
            files.remove(file)
    notebooks = [f"docs/notebooks/{file.name}" for file in sorted(folder.glob("*.ipynb"))]
    for name in (*PAGES, *BESIDE, *notebooks):
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    files.append(File.generated(config, "reference.md", content=reference()))
    return files


def reference() -> str:
    """Return the page of everything shown, as mkdocstrings reads it."""
    lines = [
        "# Reference",
        "",
        f"`import {PACKAGE} as ts` gives these functions and errors. The rest may change.",
        "",
    ]
    for title, paths in shown().items():
        lines += [f"## {title}", "", *(f"::: {PACKAGE}.{path}\n" for path in paths)]
    return "\n".join(lines)


def shown() -> dict[str, list[str]]:
    """Return what the package exports and the package's classes that its functions return, as paths inside it."""
    package = import_module(PACKAGE)
    # a part of the package that can be called, as `ts.loops`, is described where its function stands
    exported = [thing for name in package.__all__ if not inspect.ismodule(thing := getattr(package, name))]
    functions = [thing for thing in exported if inspect.isfunction(thing)]
    returned = [
        vars(inspect.getmodule(f)).get(str(inspect.signature(f).return_annotation)) for f in functions
    ]
    classes = [thing for thing in returned if inspect.isclass(thing) and thing.__module__.startswith(PACKAGE)]
    others = [thing for thing in exported if thing not in functions]
    errors = [thing for thing in others if issubclass(thing, Exception)]
    classes += [thing for thing in others if thing not in errors]
    titled = {"Functions": functions, "What they return": classes, "Errors": errors}
    return {
        title: [f"{t.__module__}.{t.__name__}".removeprefix(f"{PACKAGE}.") for t in dict.fromkeys(things)]
        for title, things in titled.items()
    }


class DescriptionsBesideNames(griffe.Extension):
    """Move what docstrings say beside a name into its description."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Change the docstrings of all that is shown."""
        if pkg.name != PACKAGE:
            return
        for thing in (
            part for paths in shown().values() for path in paths for part in with_members(pkg[path])
        ):
            for section in thing.docstring.parsed if thing.docstring else ():
                if section.kind in (KINDS.parameters, KINDS.attributes):
                    for item in section.value:
                        describe(item, getattr(thing, "parameters", None))
                elif section.kind is KINDS.returns:
                    first = section.value[0]
                    first.name, first.description = "", " ".join(words_of(item) for item in section.value)
                    first.annotation = getattr(thing, "returns", None)
                    section.value[:] = [first]


def with_members(thing: griffe.Object) -> Iterator[griffe.Object]:
    """Give a function or class, and what is public inside it."""
    yield thing
    for member in thing.members.values():
        if not member.is_alias and member.is_public:
            yield from with_members(member)


def describe(item: Any, parameters: griffe.Parameters | None) -> None:
    """Put all words of one entry into its description; take type and default from the code."""
    item.description = words_of(item)
    known = parameters[item.name] if parameters and item.name in parameters else None
    item.annotation = known.annotation if known else None
    if known:
        item.value = known.default


def words_of(item: Any) -> str:
    """Return what a docstring says of one entry, with brackets that are no links."""
    beside = str(item.annotation or "")
    if isinstance(item.annotation, griffe.ExprTuple):
        beside = beside.removeprefix("(").removesuffix(")")
    return "".join(
        part if part.startswith("`") else part.replace("[", r"\[").replace("<", "&lt;")
        for part in re.split(r"(`[^`]*`)", f"{beside} {item.description}".strip())
    )
