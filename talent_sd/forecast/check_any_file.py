"""Check one file of any kind without simulating."""

from __future__ import annotations

from pathlib import Path

from talent_sd.base.errors import InputError
from talent_sd.base.shipped import shipped_folder
from talent_sd.inputs.file_kinds import MODEL_ENDINGS


def check_file(path: str | Path) -> str:
    """Read a file as what it is and check everything that can be checked without a run.

    Parameters
    ----------
    path : a model (by its ending), else a YAML file that is checked against the shipped model

    Returns
    -------
    "model", "city", "national" or "scenario".

    Raises
    ------
    InputError
        With every problem of the file.
    """
    from talent_sd.engine.runner import load_model
    from talent_sd.model.read import read_structure
    from talent_sd.inputs import check_file as check_yaml

    path = Path(path)
    if path.suffix.lower() in MODEL_ENDINGS:
        load_model(path)
        return "model"
    kind, problems = check_yaml(path, read_structure(shipped_folder("models") / "city.mdl"))
    if problems:
        raise InputError(problems)
    return kind
