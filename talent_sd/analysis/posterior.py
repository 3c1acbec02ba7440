"""The calibrated draws: how they are kept, and how a forecast draws from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.analysis.noise import NoiseModel
from talent_sd.analysis.windows import OUTCOMES
from talent_sd.base.errors import InputError
from talent_sd.base.shipped import shipped_folder
from talent_sd.scenario.strict_yaml import read_text, shown

FORM = "talent_sd posterior 1"
DIGITS = 7


@dataclass(frozen=True)
class Posterior:
    """Draws of the fitted constants, with the noise that they leave.

    Parameters
    ----------
    names : fitted constants
    elements : name -> parameter key -> what a draw is multiplied with (1, or the model's value for a factor)
    factor : (parameters,) whether a draw is a factor
    values : (draws, parameters)
    noise : growth noise of provinces and cities
    fitted : names of the cities that took part; all others are unseen
    note : how it was made: data, hashes, seed, versions, diagnostics
    sha256 : of the file; "" when never written
    """

    names: tuple[str, ...]
    elements: Mapping[str, Mapping[str, float]]
    factor: np.ndarray
    values: np.ndarray
    noise: NoiseModel
    fitted: frozenset[str]
    note: Mapping[str, Any]
    sha256: str = ""

    def params(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Return parameter key -> (draws,) of (draws, parameters) values."""
        return {
            key: values[:, column] * own
            for column, name in enumerate(self.names)
            for key, own in self.elements[name].items()
        }

    def picked(self, draws: int, seed: int) -> np.ndarray:
        """Pick draws (draws, parameters): each of the posterior's once before any comes twice."""
        rounds = -(-draws // len(self.values))
        order = [np.random.default_rng([seed, turn]).permutation(len(self.values)) for turn in range(rounds)]
        return self.values[np.concatenate(order)[:draws]]


def write_posterior(posterior: Posterior, file: str | Path) -> None:
    """Write a posterior as JSON: text that can be read, compared and trusted."""
    content = {
        "form": FORM,
        "note": posterior.note,
        "parameters": {
            name: {"elements": dict(posterior.elements[name]), "factor": bool(posterior.factor[column]),
                   "draws": _rounded(posterior.values[:, column])}
            for column, name in enumerate(posterior.names)
        },
        "noise": {
            "outcomes": list(OUTCOMES),
            "persistence": _rounded(posterior.noise.persistence),
            "province": [_rounded(row) for row in posterior.noise.province],
            "city": [_rounded(row) for row in posterior.noise.city],
            "real_share": posterior.noise.real_share,
        },
        "fitted": sorted(posterior.fitted),
    }  # fmt: skip
    Path(file).write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def read_posterior(file: str | Path | None = None) -> Posterior:
    """Read a posterior (the shipped one by default).

    Raises
    ------
    InputError
        If the file is none: says what is wrong, and that `talent-sd calibrate` makes one.
    """
    path = shipped_folder("models") / "posterior.json" if file is None else Path(file)
    text = read_text(path)
    remedy = "Make one with `talent-sd calibrate`."
    try:
        raw = json.loads(text)
        if not isinstance(raw, dict) or raw.get("form") != FORM:
            raise InputError(f"{shown(path)}:1: is no posterior of this version ('{FORM}'). {remedy}")
        return _checked(raw, text)
    except json.JSONDecodeError as error:
        raise InputError(f"{shown(path)}:{error.lineno}: is no JSON ({error.msg}). {remedy}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{shown(path)}:1: is a damaged posterior ({reason}). {remedy}") from None


def _checked(raw: dict[str, Any], text: str) -> Posterior:
    """Return the content as a posterior; raise ValueError on what does not fit together."""
    parameters, noise = raw["parameters"], raw["noise"]
    names = tuple(parameters)
    values = np.array([parameters[name]["draws"] for name in names], float).T
    count = len(OUTCOMES)
    if noise["outcomes"] != list(OUTCOMES):
        raise ValueError("its noise is of other outcomes")
    arrays = [np.array(noise[key], float) for key in ("persistence", "province", "city")]
    model = NoiseModel(arrays[0], arrays[1], arrays[2], float(noise["real_share"]))
    shapes = [model.persistence.shape, model.province.shape, model.city.shape]
    if shapes != [(count,), (count, count), (count, count)]:
        raise ValueError("its noise has other shapes")
    if values.ndim != 2 or not len(values) or not np.isfinite(values).all():
        raise ValueError("its draws are not all finite numbers")
    return Posterior(
        names,
        {name: dict(parameters[name]["elements"]) for name in names},
        np.array([bool(parameters[name]["factor"]) for name in names]),
        values,
        model,
        frozenset(raw["fitted"]),
        raw["note"],
        hashlib.sha256(text.encode()).hexdigest(),
    )


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
