"""The calibrated draws: how they are kept, and how a forecast draws from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import Field, ValidationError

from talent_sd.base.errors import InputError, Problems
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import tell
from talent_sd.inputs.figure_bounds import hold_to_bounds
from talent_sd.inputs.file_schemas import Part
from talent_sd.inputs.strict_yaml import read_text, shown
from talent_sd.uncertainty.fitted_constants import Beliefs, element_values
from talent_sd.uncertainty.noise import NoiseModel
from talent_sd.uncertainty.windows import OUTCOMES

FORM = "talent_sd posterior 2"
CROSS_FIT = "talent_sd cross-fit 1"
DIGITS = 7
ROUNDING = 1e-8
"""How far below 0 the least variance of a covariance may lie."""
Read = TypeVar("Read")
Content = TypeVar("Content", bound=Part)


class ParameterEntry(Part):
    """A fitted constant's draws."""

    elements: dict[str, float]
    factor: bool
    draws: list[float]


class NoiseEntry(Part):
    """The growth noise."""

    outcomes: list[str]
    persistence: list[float]
    province: list[list[float]]
    city: list[list[float]]
    real_share: float
    freedom: list[float] | None
    real_growth: float


SUM = "sha256"
"""Key of a written file's checksum, over all else in it."""


class PosteriorFile(Part):
    """A posterior as its file has it."""

    form: str
    note: dict[str, Any]
    parameters: dict[str, ParameterEntry]
    noise: NoiseEntry
    fitted: list[str]


class CrossFitFile(Part):
    """The posteriors of a cross-fit."""

    form: str
    posteriors: list[PosteriorFile] = Field(min_length=1)


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
        return element_values(self.elements, values)

    def picked(self, draws: int, seed: int) -> np.ndarray:
        """Pick draws (draws, parameters): each of the posterior's once before any comes twice."""
        rounds = -(-draws // len(self.values))
        order = [np.random.default_rng([seed, turn]).permutation(len(self.values)) for turn in range(rounds)]
        return self.values[np.concatenate(order)[:draws]]


def make_posterior(
    beliefs: Beliefs, draws: np.ndarray, noise: NoiseModel, fitted: Iterable[str], note: Mapping[str, Any]
) -> Posterior:
    """Put a fit together for forecasts to draw from.

    Parameters
    ----------
    draws : (draws, parameters)
    fitted : names of the cities that took part
    """
    return Posterior(
        beliefs.names, beliefs.elements, beliefs.factor, draws, noise, frozenset(fitted), dict(note)
    )


def write_posterior(posterior: Posterior, file: str | Path) -> None:
    """Write a posterior as JSON: text that can be read, compared and trusted."""
    _write(_content(posterior), file)


def write_cross_fit(posteriors: Sequence[Posterior], file: str | Path) -> None:
    """Write the posteriors of a cross-fit as one JSON file."""
    _write({"form": CROSS_FIT, "posteriors": [_content(posterior) for posterior in posteriors]}, file)


def _write(content: Mapping[str, Any], file: str | Path) -> None:
    sealed = {**content, SUM: hashlib.sha256(_text(content).encode()).hexdigest()}
    Path(file).write_text(_text(sealed), encoding="utf-8")


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _content(posterior: Posterior) -> dict[str, Any]:
    """Return a posterior as JSON has it."""
    return {
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
            "freedom": None if posterior.noise.freedom is None else _rounded(posterior.noise.freedom),
            "real_growth": posterior.noise.real_growth,
        },
        "fitted": sorted(posterior.fitted),
    }  # fmt: skip


def read_posterior(file: str | Path | None = None) -> Posterior:
    """Read a posterior (the shipped one by default).

    Raises
    ------
    InputError
        If the file is none: says what is wrong, and that `talent-sd calibrate` makes one.
    """
    path = shipped_folder("models") / "posterior.json" if file is None else Path(file)
    return _read(path, FORM, "posterior", PosteriorFile, _checked)


def read_cross_fit(file: str | Path) -> list[Posterior]:
    """Read the posteriors of a cross-fit; errors as in `read_posterior`."""

    def each(told: CrossFitFile, text: str) -> list[Posterior]:
        return [_checked(one, text) for one in told.posteriors]

    return _read(Path(file), CROSS_FIT, "cross-fit", CrossFitFile, each)


def _read(
    path: Path, form: str, kind: str, schema: type[Content], checked: Callable[[Content, str], Read]
) -> Read:
    text = read_text(path)
    remedy = tell("Make one with `talent-sd calibrate`.")
    try:
        raw = json.loads(text)
        if not isinstance(raw, dict) or raw.get("form") != form:
            raise InputError(
                "{file}:1: is no {kind} of this version ('{form}'). {remedy}",
                file=shown(path),
                kind=kind,
                form=form,
                remedy=remedy,
            )
        told = raw.pop(SUM, None)
        text = _text(raw)
        if told not in (None, hashlib.sha256(text.encode()).hexdigest()):
            raise InputError(
                "{file}:1: is a damaged {kind}: it is not as it was written. {remedy} If you changed it yourself, take "
                "'{key}' out of it.",
                file=shown(path),
                kind=kind,
                remedy=remedy,
                key=SUM,
            )
        return checked(schema.model_validate(raw), text)
    except json.JSONDecodeError as error:
        raise InputError(
            "{file}:{line}: is no JSON ({reason}). {remedy}",
            file=shown(path),
            line=error.lineno,
            reason=error.msg,
            remedy=remedy,
        ) from None
    except ValueError as error:
        raise InputError(
            "{file}:1: is a damaged {kind} ({reason}). {remedy}",
            file=shown(path),
            kind=kind,
            reason=_first_fault(error),
            remedy=remedy,
        ) from None


def _first_fault(error: ValueError) -> str:
    """Return what is wrong with a file's content."""
    if not isinstance(error, ValidationError):
        return str(error)
    fault = error.errors(include_url=False)[0]
    place = ".".join(map(str, fault["loc"]))
    return f"'{place}' is missing" if fault["type"] == "missing" else f"{place}: {fault['msg']}"


def _checked(told: PosteriorFile, text: str) -> Posterior:
    """Return the content as a posterior; raise ValueError on what does not fit together."""
    noise, count = told.noise, len(OUTCOMES)
    if noise.outcomes != list(OUTCOMES):
        raise ValueError("its noise is of other outcomes")
    persistence, province, city = map(np.array, (noise.persistence, noise.province, noise.city))
    freedom = None if noise.freedom is None else np.array(noise.freedom)
    shapes = [persistence.shape, province.shape, city.shape]
    if shapes != [(count,), (count, count), (count, count)] or (
        freedom is not None and (freedom.shape != (count,) or not (freedom > 2).all())
    ):
        raise ValueError("its noise has other shapes")
    values = np.array([one.draws for one in told.parameters.values()], float).T
    if values.ndim != 2 or not len(values) or not np.isfinite(values).all():
        raise ValueError("its draws are not all finite numbers")
    for covariance in (province, city):
        if not np.allclose(covariance, covariance.T) or np.linalg.eigvalsh(covariance)[0] < -ROUNDING:
            raise ValueError("its noise is no covariance")
    problems = Problems()
    hold_to_bounds(_figures(told, values), "posterior", lambda *_: "posterior", problems)
    if problems:
        raise ValueError(problems[0])
    return Posterior(
        tuple(told.parameters),
        {name: one.elements for name, one in told.parameters.items()},
        np.array([one.factor for one in told.parameters.values()]),
        values,
        NoiseModel(persistence, province, city, noise.real_share, freedom, noise.real_growth),
        frozenset(told.fitted),
        told.note,
        hashlib.sha256(text.encode()).hexdigest(),
    )


def _figures(told: PosteriorFile, values: np.ndarray) -> dict[str, dict[int, float]]:
    """Return what the table of bounds speaks of: the noise, and how far each constant's outermost draws lie."""
    noise = told.noise
    found = {"real_share": noise.real_share, "real_growth": noise.real_growth}
    for number, outcome in enumerate(noise.outcomes):
        found[f"persistence {outcome}"] = noise.persistence[number]
        found[f"variance province {outcome}"] = noise.province[number][number]
        found[f"variance city {outcome}"] = noise.city[number][number]
        if noise.freedom is not None:
            found[f"freedom {outcome}"] = noise.freedom[number]
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
    distance = 2 * (values - middle) / np.maximum(high - low, np.finfo(float).tiny)
    for column, name in enumerate(told.parameters):
        for draw in {int(distance[:, column].argmin()), int(distance[:, column].argmax())}:
            found[f"draw {draw} of {name}"] = float(distance[draw, column])
    return {name: {0: value} for name, value in found.items()}


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
