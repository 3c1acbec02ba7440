"""What a model file lists in a spreadsheet beside it."""

from __future__ import annotations

import warnings
from pathlib import Path

from talent_sd.base.errors import ModelError
from talent_sd.base.language import tell
from talent_sd.model.pysd_guard import check_reading
from talent_sd.model.trees import GetSubscript


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
    file = check_reading(node, folder)
    from pysd.py_backend.external import ExtSubscript

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ExtSubscript(file.name, node.tab, node.cell, node.last, prefix, file.parent).subscript
    except Exception:  # PySD, pandas and openpyxl have many; none of their words says more
        found = []
    if not found:
        raise ModelError(
            "GET … SUBSCRIPT cannot read the cells {cell} to {last} of {file}. Check file, tab and cells.",
            cell=node.cell, last=node.last, file=node.file,
        )  # fmt: skip
    return [" ".join(str(each).split()) for each in found]
