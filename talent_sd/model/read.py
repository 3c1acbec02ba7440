"""Read a model file's structure, from the cache where it is known."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from talent_sd.base.cache import load_cached, save_cached
from talent_sd.base.files import shipped_folder
from talent_sd.model.spreadsheets import model_key
from talent_sd.model.structure import Structure, Variable, build_structure
from talent_sd.model.translate import Source, read_model_bytes, translate


def read_structure(path: str | Path, source: Source | None = None) -> Structure:
    """Return what a model file consists of.

    Parameters
    ----------
    path : a .mdl, .xmile, .xml, .stmx or .itmx file
    source : its translation, if at hand

    Raises
    ------
    ModelError
        If the file is missing, binary, empty or malformed.
    UnsupportedError
        If it uses a feature that is not translated, spreadsheet ranges for one.
    """
    path = Path(path)
    content = read_model_bytes(path)
    key = model_key(path, content)
    found = load_cached("structure", key)
    if found is not None:
        try:
            return structure_from_json(found, path, hashlib.sha256(content).hexdigest())
        except (AttributeError, KeyError, TypeError, ValueError):
            pass  # written by something else: read the file anew
    structure = build_structure(source or translate(path))
    if not structure.notices:  # else they would be told once, in one language
        save_cached("structure", key, structure_to_json(structure))
    return structure


@cache
def shipped_structure() -> Structure:
    """Return what the shipped city model consists of."""
    return read_structure(shipped_folder("models") / "city.mdl")


def structure_to_json(structure: Structure) -> dict[str, Any]:
    """Return a structure as JSON values, without its path."""
    fields = [field.name for field in dataclasses.fields(Variable)]
    return {
        "variables": [[getattr(v, name) for name in fields] for v in structure.variables.values()],
        "subscripts": {name: list(elements) for name, elements in structure.subscripts.items()},
        "time": structure.time,
    }


def structure_from_json(value: dict[str, Any], path: Path, sha256: str) -> Structure:
    """Return the structure that `structure_to_json` wrote.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        If the value is none.
    """
    names = [field.name for field in dataclasses.fields(Variable)]
    variables: dict[str, Variable] = {}
    for row in value["variables"]:
        parts: dict[str, Any] = {
            name: tuple(part) if isinstance(part, list) else part
            for name, part in zip(names, row, strict=True)
        }
        variables[parts["name"]] = Variable(**parts)
    return Structure(
        str(path),
        sha256,
        variables,
        {name: tuple(elements) for name, elements in value["subscripts"].items()},
        value["time"],
    )
