"""Runs of a model that is not the city's: one scenario, its own constants but for those that are set."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError, Problems
from talent_sd.base.files import tellable
from talent_sd.base.version import __version__
from talent_sd.forecast.prepare import made_with
from talent_sd.inputs.labels import Labels, Sector

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model

_HEADLINES, _PANELS = 12, 12
OWN = "model"
"""Name of the only scenario."""


def read_settings(settings: Sequence[str]) -> dict[str, float]:
    """Return name -> number of texts that read "name=number" or "name[element]=number".

    Raises
    ------
    InputError
        With every text that does not.

    >>> read_settings(["birth rate=0.03", "start[a] = 1e3"])
    {'birth rate': 0.03, 'start[a]': 1000.0}
    """
    found: dict[str, float] = {}
    problems = Problems()
    for text in settings:
        name, equals, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not equals or not name.strip() or not np.isfinite(value):
            problems.say("--set '{text}' is no setting. Write --set \"name=number\".", text=text)
        elif name.strip() in found:
            problems.say("--set gives '{name}' twice. Give it once.", name=name.strip())
        else:
            found[name.strip()] = value
    problems.refuse()
    return found


def run_model(model: Model, settings: Mapping[str, float], *, engine: str = "auto") -> xr.Dataset:
    """Run any model with its own time settings.

    Parameters
    ----------
    model : as `load_model` gives it
    settings : name -> number in place of a constant or an equation
    engine : "auto", "kernel" or "pysd"

    Returns
    -------
    dims (scenario, draw, time, ...), as a forecast of the city has them

    Raises
    ------
    InputError
        If a setting names no variable, or one that cannot be set; with file and remedy.
    """
    run = model.run(params=settings, engine=engine)
    if not run.data_vars:
        raise InputError("{file}: has nothing to show: no stock, flow or auxiliary.", file=model.path.name)
    named = {SCENARIO: [OWN], DRAW: [0]}
    forecast = run.expand_dims(named, axis=(0, 1))
    title = tellable(model.path.stem).replace("_", " ")
    attrs = {
        "Conventions": "CF-1.11",
        "title": f"talent_sd run of {model.path.name}",
        "source": f"talent_sd {__version__}",
        "city": title,
        "forecast_from": float(forecast[TIME][0]),
    }
    told = ", ".join(f"{name} = {value:g}" for name, value in settings.items()) or model.path.name
    titles = {f"title_{lang}": (SCENARIO, [told]) for lang in ("en", "zh")}
    return forecast.assign_coords(titles).assign_attrs(attrs)


def model_labels(model: Model) -> Labels:
    """Return what of a model heads its table and plots: its stocks, else what nothing else follows from.

    Its groups, where the file has any, are the sectors.
    """
    variables = model.structure.variables
    shown = {name: v for name, v in variables.items() if v.kind in ("stock", "auxiliary")}
    stocks = [name for name, v in shown.items() if v.kind == "stock"]
    causes = {cause for v in variables.values() for cause in v.depends_on if cause != v.name}
    ends = [name for name in shown if name not in causes] or list(shown) or list(variables)
    groups: dict[str, list[str]] = {}
    for name, variable in shown.items():
        groups.setdefault(variable.group, []).append(name)
    sectors = tuple(
        Sector(f"{number:02d}", {"en": title, "zh": title}, tuple((name,) for name in names[:_PANELS]))
        for number, (title, names) in enumerate(groups.items(), 1)
        if title and len(groups) > 1
    )
    return Labels(sectors=sectors, headline=tuple((stocks or ends)[:_HEADLINES]))


def write_model_capsule(
    model: Model, forecast: xr.Dataset, settings: Mapping[str, float], file: Path, notices: Sequence[str]
) -> None:
    """Write what is needed to know, and repeat, how a run came about: versions, the file's SHA-256, settings."""
    capsule = {
        **made_with(forecast),
        "seed": 0,
        "times": [float(forecast[TIME][0]), float(forecast[TIME][-1])],
        "files": [{"file": model.path.name, "sha256": model.structure.sha256}],
        "settings": dict(settings),
        "notices": list(notices),
    }
    file.write_text(json.dumps(capsule, ensure_ascii=False, indent=1), encoding="utf-8")
