"""The calibrated draws: how they are kept, and how a forecast draws from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.base.messages import tell
from talent_sd.inputs.strict_yaml import read_text, shown
from talent_sd.uncertainty.noise import NoiseModel
from talent_sd.uncertainty.windows import OUTCOMES

if TYPE_CHECKING:
    from talent_sd.uncertainty.fitted_constants import Beliefs

FORM = "talent_sd posterior 2"
CROSS_FIT = "talent_sd cross-fit 1"
DIGITS = 7
Read = TypeVar("Read")


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


def make_posterior(
    beliefs: Beliefs, draws: np.ndarray, noise: NoiseModel, fitted: Iterable[str], note: Mapping[str, Any]
) -> Posterior:
    """Put a fit together for forecasts to draw from.

    Parameters
    ----------
    draws : (draws, parameters)
    fitted : names of the cities that took part
    """
    elements = {
        name: {key: (own if beliefs.factor[column] else 1.0) for key, own in beliefs.elements[name].items()}
        for column, name in enumerate(beliefs.names)
    }
    return Posterior(beliefs.names, elements, beliefs.factor, draws, noise, frozenset(fitted), dict(note))


def write_posterior(posterior: Posterior, file: str | Path) -> None:
    """Write a posterior as JSON: text that can be read, compared and trusted."""
    _write(_content(posterior), file)


def write_cross_fit(posteriors: Sequence[Posterior], file: str | Path) -> None:
    """Write the posteriors of a cross-fit as one JSON file."""
    _write({"form": CROSS_FIT, "posteriors": [_content(posterior) for posterior in posteriors]}, file)


def _write(content: Mapping[str, Any], file: str | Path) -> None:
    Path(file).write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


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
    return _read(path, FORM, "posterior", _checked)


def read_cross_fit(file: str | Path) -> list[Posterior]:
    """Read the posteriors of a cross-fit; errors as in `read_posterior`."""

    def each(raw: dict[str, Any], text: str) -> list[Posterior]:
        if not raw["posteriors"]:
            raise ValueError("it holds none")
        return [_checked(one, text) for one in raw["posteriors"]]

    return _read(Path(file), CROSS_FIT, "cross-fit", each)


def _read(path: Path, form: str, kind: str, checked: Callable[[dict[str, Any], str], Read]) -> Read:
    text = read_text(path)
    remedy = tell("Make one with `talent-sd calibrate`.")
    try:
        raw = json.loads(text)
        if not isinstance(raw, dict) or raw.get("form") != form:
            raise InputError(
                tell(
                    "{file}:1: is no {kind} of this version ('{form}'). {remedy}",
                    file=shown(path),
                    kind=kind,
                    form=form,
                    remedy=remedy,
                )
            )
        return checked(raw, text)
    except json.JSONDecodeError as error:
        raise InputError(
            tell(
                "{file}:{line}: is no JSON ({reason}). {remedy}",
                file=shown(path),
                line=error.lineno,
                reason=error.msg,
                remedy=remedy,
            )
        ) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(
            tell(
                "{file}:1: is a damaged {kind} ({reason}). {remedy}",
                file=shown(path),
                kind=kind,
                reason=reason,
                remedy=remedy,
            )
        ) from None


def _checked(raw: dict[str, Any], text: str) -> Posterior:
    """Return the content as a posterior; raise ValueError on what does not fit together."""
    parameters, noise = raw["parameters"], raw["noise"]
    names = tuple(parameters)
    values = np.array([parameters[name]["draws"] for name in names], float).T
    count = len(OUTCOMES)
    if noise["outcomes"] != list(OUTCOMES):
        raise ValueError("its noise is of other outcomes")
    arrays = [np.array(noise[key], float) for key in ("persistence", "province", "city")]
    freedom = None if noise["freedom"] is None else np.array(noise["freedom"], float)
    shares = float(noise["real_share"]), float(noise["real_growth"])
    model = NoiseModel(arrays[0], arrays[1], arrays[2], shares[0], freedom, shares[1])
    shapes = [model.persistence.shape, model.province.shape, model.city.shape]
    if shapes != [(count,), (count, count), (count, count)] or (
        freedom is not None and (freedom.shape != (count,) or not (freedom > 2).all())
    ):
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
