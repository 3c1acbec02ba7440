"""What a model file reads from spreadsheets beside it: ranges, constants, lookups and series."""

from __future__ import annotations

import hashlib
import re
import warnings
import zipfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.base.cache import content_key
from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.base.language import tell
from talent_sd.model.pysd_guard import SPREADSHEETS, check_reading
from talent_sd.model.syntax import kind_of
from talent_sd.model.trees import Arithmetic, GetSubscript, InlineLookups, Lookups, Reference, Tree

MOST_BYTES, MOST_UNPACKED = 20_000_000, 200_000_000
"""Of a spreadsheet, and of what an .xlsx holds."""
_READS = re.compile(rb"GET[ _](?:XLS|DIRECT)[ _]", re.IGNORECASE)
_FILES = re.compile(rb"'([^'\r\n]{1,255})'")


def range_elements(folder: Path, *texts: str) -> list[str]:
    """Return the elements that GET XLS or DIRECT SUBSCRIPT reads.

    Parameters
    ----------
    folder : of the model
    texts : file, tab, first cell, last cell (or row or column), prefix

    Raises
    ------
    ModelError
        If the texts name anything but cells of a spreadsheet beside the model, or the cells are empty.
    """
    if not 4 <= len(texts) <= 5:
        raise ModelError(tell("GET … SUBSCRIPT takes file, tab, first cell, last cell and prefix."))
    node, prefix = GetSubscript(*texts[:4]), (*texts, "")[4]
    file = _sound_file(node, folder)
    found = _read("ExtSubscript", file.name, node.tab, node.cell, node.last, prefix, file.parent)
    found = [] if found is None else found.subscript
    if not found:
        raise ModelError(
            "GET … SUBSCRIPT cannot read the cells {cell} to {last} of {file}. Check file, tab and cells.",
            cell=node.cell, last=node.last, file=node.file,
        )  # fmt: skip
    return [" ".join(str(each).split()) for each in found]


def cell_trees(node: Any, folder: Path, choices: Sequence[Sequence[str]], keyword: str | None) -> list[Tree]:
    """Return what GET … CONSTANTS, LOOKUPS or DATA reads: a number, a lookup, or one over Time, per element.

    Parameters
    ----------
    folder : of the model
    choices : the elements that each subscript on the left stands for
    keyword : of a data variable: interpolate (also None), hold_backward, look_forward

    Returns
    -------
    one tree per element, the last subscript varying fastest

    Raises
    ------
    ModelError
        If there is no such file, or no numbers at its cells.
    UnsupportedError
        If the keyword is raw.
    """
    if keyword == "raw":
        raise UnsupportedError(tell("reads data that are :RAW:, which the native engine lacks."))
    file = _sound_file(node, folder)
    coords = {f"subscript {number}": list(range(len(each))) for number, each in enumerate(choices)}
    kind = kind_of(node)
    across = {"GetConstants": (), "GetLookups": ("x_row_or_col",), "GetData": ("time_row_or_col",)}[kind]
    where = [getattr(node, field) for field in across]
    manner = [keyword] if kind == "GetData" else []
    name = {"GetConstants": "ExtConstant", "GetLookups": "ExtLookup", "GetData": "ExtData"}[kind]
    read = _read(name, file.name, node.tab, *where, node.cell, *manner, coords, file.parent, coords, "cells")
    values = np.asarray(np.nan if read is None else read.data, float)
    if not values.size or not np.isfinite(values).all():
        raise ModelError(
            "reads numbers at {cell} of {file}, and there are none. Check file, tab and cells.",
            cell=" / ".join([*where, node.cell]), file=node.file,
        )  # fmt: skip
    if kind == "GetConstants":
        return [float(values[place]) for place in np.ndindex(values.shape)]
    x = tuple(map(float, read.data.coords[read.data.dims[0]].values))
    places = product(*(range(len(each)) for each in choices))
    series = [tuple(values[(slice(None), *place)].tolist()) for place in places]  # type: ignore[arg-type]
    if kind == "GetLookups":
        return [Lookups(x, y) for y in series]
    now: Tree = Reference("time")
    if keyword == "look_forward":  # the last point before, with time turned round
        x, now = tuple(-each for each in reversed(x)), Arithmetic(["negative"], (now,))
        series = [y[::-1] for y in series]
    steps = keyword in {"hold_backward", "look_forward"}
    form = "hold_backward" if steps else "interpolate"
    return [InlineLookups(now, Lookups(x, y, type=form)) for y in series]


def model_key(path: Path, content: bytes) -> str:
    """Return the key of a model file's content and of the spreadsheets that it names."""
    if not _READS.search(content):
        return content_key(path, content)
    for name in sorted(set(_FILES.findall(content))):
        file = path.parent / name.decode("utf-8", "replace")
        if file.suffix.lower() in SPREADSHEETS:
            try:
                content += hashlib.sha256(file.read_bytes()).digest()
            except (OSError, ValueError):
                content += b"-"
    return content_key(path, content)


def _sound_file(node: Any, folder: Path) -> Path:
    """Return the file that an equation reads; refuse one that is not there, or that is too large."""
    file = check_reading(node, folder)
    if not file.is_file():
        raise ModelError(
            "reads the file '{file}', which cannot be opened. Put it beside the model.", file=node.file
        )
    size = file.stat().st_size
    if size <= MOST_BYTES and zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as packed:
            size = max(size, sum(each.file_size for each in packed.infolist()) * MOST_BYTES // MOST_UNPACKED)
    if size > MOST_BYTES:
        raise ModelError(
            "reads the file {file} of {size} bytes. At most {most} are read; cut the sheet.",
            file=ascii(node.file), size=size, most=MOST_BYTES,
        )  # fmt: skip
    return file


def _read(name: str, *arguments: Any) -> Any:
    """Return one of PySD's readers of spreadsheets after it has read, None if it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pysd.py_backend import external
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = getattr(external, name)(*arguments)
            if hasattr(found, "initialize"):
                found.initialize()
    except Exception:  # PySD, pandas and openpyxl have many; none of their words says more
        return None
    finally:
        external.Excels.clean()  # it would keep them for as long as the process lives
    return found
