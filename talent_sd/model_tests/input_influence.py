"""How much each uncertain input moves the outcome, from one end of its range to the other."""

from __future__ import annotations

from dataclasses import dataclass

from talent_sd.base.dims import TIME
from talent_sd.laboratory.cases import Laboratory
from talent_sd.model_tests.behaviour_checks import resolve_setting, varied_inputs
from talent_sd.model_tests.check_files import read_checks

END = 2034.0
OUTCOME = "total talent"
NOT_UNCERTAIN = (
    "city ",
    "province ",
    "policy ",
    "loop ",
    "core team",
    "job loss",
    "house price shock",
    "band length",
)


@dataclass(frozen=True)
class Influence:
    """What one input does to talent in the last year, over its range.

    Parameters
    ----------
    name : of the input; all its elements move together
    low, high : its limits
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
    """Move every uncertain input of the mean city to both ends of its range.

    Parameters
    ----------
    laboratory : reads total talent

    Returns
    -------
    the inputs, the most influential first
    """
    model = laboratory.model
    names = [n for n in varied_inputs(model, read_checks(structure=model.structure)) if _uncertain(n)]
    lanes = [{}, *(resolve_setting(model, {name: end}) for name in names for end in ("min", "max"))]
    ends = laboratory.run_lanes(lanes, [END])[OUTCOME].isel({TIME: -1}).values
    changes = ends / ends[0] - 1
    found = []
    for number, name in enumerate(names):
        low, high = model.structure.variables[name].limits
        at_low, at_high = changes[1 + 2 * number], changes[2 + 2 * number]
        found.append(Influence(name, float(low or 0), float(high or 0), float(at_low), float(at_high)))
    return sorted(found, key=lambda influence: influence.width, reverse=True)


def _uncertain(name: str) -> bool:
    """Return whether an input is uncertain rather than a fact of a city, a setting or a noise."""
    setting = name.startswith(NOT_UNCERTAIN) or name == "departures allowed"
    return not setting and not name.endswith(("noise", "intensity", "unit cost"))
