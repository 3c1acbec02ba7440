"""Check one file of any kind without simulating."""

from __future__ import annotations

from pathlib import Path

MODEL_ENDINGS = {".mdl", ".xmile", ".xml", ".stmx"}


def check_file(path: str | Path) -> str:
    """Read a file as what it is and check everything that can be checked without a run.

    Parameters
    ----------
    path : a model (by its ending), else a YAML file: a city if it has `figures`, a
        national path if it has `variables`, else a scenario

    Returns
    -------
    "model", "city", "national" or "scenario".

    Raises
    ------
    InputError
        With every problem of the file.
    """
    path = Path(path)
    if path.suffix.lower() in MODEL_ENDINGS:
        from talent_sd.engine.runner import load_model

        load_model(path)
        return "model"
    from talent_sd.scenario import load_city, read_national
    from talent_sd.scenario.strict_yaml import read_yaml

    keys = read_yaml(path).keys()
    if "figures" in keys:
        load_city(path)
        return "city"
    if "variables" in keys:
        read_national(path)
        return "national"
    from talent_sd.analysis.forecast import prepare

    prepare([path])
    return "scenario"
