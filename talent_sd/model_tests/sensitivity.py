"""What each uncertain input of a model does to talent, over all its range."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from talent_sd.base.dims import TIME
from talent_sd.engine.runner import model_constants
from talent_sd.forecast.spread import TENTH, Move
from talent_sd.laboratory.cases import END, Case, Laboratory
from talent_sd.model_tests.behaviour_checks import resolve_setting, varied_inputs
from talent_sd.model_tests.check_files import read_checks

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model

WITHIN = re.compile(r"within (0?\.\d+)")
"""How far a value may be off, in the words of its source."""
OUTCOME = "total talent"
CITY = "hefei"
NOT_UNCERTAIN = (
    "city ", "known ", "residents ceiling", "year ", "province ", "policy ", "loop ", "core team", "job loss",
    "house price shock", "band length",
)  # fmt: skip


@dataclass(frozen=True)
class Influence:
    """What one input does to talent in the last year, over its range.

    Parameters
    ----------
    name : of the input; all its elements move together, weights that add up to one against one another
    low, high : its limits; of such weights what goes from the largest to the next
    at_low, at_high : change of the outcome there, relative to the model's own value
    """

    name: str
    low: float
    high: float
    at_low: float
    at_high: float

    @property
    def width(self) -> float:
        """Return how far apart the two ends are."""
        return abs(self.at_high - self.at_low)


def measure_influences(laboratory: Laboratory) -> list[Influence]:
    """Move every uncertain input of a city to both ends of its range.

    Not of the mean city: there what city and nation share drops out, and next to nothing would be left.

    Parameters
    ----------
    laboratory : reads total talent

    Returns
    -------
    the inputs, the most influential first
    """
    model = laboratory.model
    moves = still_moves(model, ())
    city = laboratory.inputs(Case(city=CITY))
    lanes = [city, *(_moved(city, move.params) for move in moves)]
    ends = laboratory.run_lanes(lanes, [END])[OUTCOME].isel({TIME: -1}).values
    changes = (ends / ends[0] - 1).tolist()
    pairs = zip(moves[::2], moves[1::2], changes[1::2], changes[2::2], strict=True)
    found = [Influence(low.name, low.end, high.end, at_low, at_high) for low, high, at_low, at_high in pairs]
    return sorted(found, key=lambda influence: influence.width, reverse=True)


def still_moves(model: Model, moving: Collection[str]) -> list[Move]:
    """Return both ends of every uncertain input that is not among `moving`, the lower first: what no draw moves.

    Its limits, all elements together; of weights that add up to one a part goes from the largest to the next, and back.
    """
    names = [n for n in varied_inputs(model, read_checks()) if _uncertain(n) and n not in moving]
    own = model_constants(model)
    return [move for name in names for move in _both_ends(model, name, own)]


def _both_ends(model: Model, name: str, own: Mapping[str, float]) -> list[Move]:
    weights = {key: value for key, value in own.items() if key.startswith(f"{name}[")}
    if len(weights) > 1 and math.isclose(sum(weights.values()), 1, abs_tol=1e-9):
        first, second = sorted(weights, key=lambda key: -weights[key])[:2]
        said = WITHIN.search(model.structure[name].doc)
        step = float(said[1]) if said else TENTH * weights[first]
        return [
            Move(name, part, {first: weights[first] + part, second: weights[second] - part})
            for part in (-step, step)
        ]
    limits = zip(("min", "max"), model.structure[name].limits, strict=True)
    return [Move(name, float(limit or 0), resolve_setting(model, {name: end})) for end, limit in limits]


def _moved(city: Mapping[str, Any], moved: Mapping[str, float]) -> dict[str, Any]:
    """Return a city's inputs with some of them in other values, whether it gives them whole or by element."""
    whole = {key.partition("[")[0] for key in moved}
    return {key: value for key, value in city.items() if key.partition("[")[0] not in whole} | dict(moved)


def _uncertain(name: str) -> bool:
    """Return whether an input is uncertain rather than a fact of a city, a setting or a noise."""
    setting = name.startswith(NOT_UNCERTAIN) or name == "departures allowed"
    return not setting and not name.endswith(("noise", "intensity", "unit cost"))
