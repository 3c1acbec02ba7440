"""Forecast a city's talent and everything that hangs on it.

>>> import talent_sd as ts
>>> sorted(name for name in ts.__all__ if name.startswith("list"))
['list_cities', 'list_scenarios']

Names are loaded on first use, so that importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from talent_sd.analysis.attribute_policies import attribute_policies
    from talent_sd.analysis.compare import compare
    from talent_sd.analysis.ensemble import ensemble
    from talent_sd.analysis.forecast import simulate
    from talent_sd.analysis.loops import feedback_loops
    from talent_sd.base.errors import InputError, ModelError, TalentError, UnitError, UnsupportedError
    from talent_sd.engine.runner import load_model
    from talent_sd.output.notebook import plot, summary
    from talent_sd.scenario import list_cities, list_scenarios, load_scenario, resolve_scenario

__version__ = "0.1.0"

__all__ = [
    "InputError",
    "ModelError",
    "TalentError",
    "UnitError",
    "UnsupportedError",
    "attribute_policies",
    "compare",
    "ensemble",
    "feedback_loops",
    "list_cities",
    "list_scenarios",
    "load_model",
    "load_scenario",
    "plot",
    "resolve_scenario",
    "simulate",
    "summary",
]

_HOME = {
    "attribute_policies": "talent_sd.analysis.attribute_policies",
    "compare": "talent_sd.analysis.compare",
    "ensemble": "talent_sd.analysis.ensemble",
    "feedback_loops": "talent_sd.analysis.loops",
    "plot": "talent_sd.output.notebook",
    "summary": "talent_sd.output.notebook",
    "simulate": "talent_sd.analysis.forecast",
    "load_model": "talent_sd.engine.runner",
    "list_cities": "talent_sd.scenario",
    "list_scenarios": "talent_sd.scenario",
    "load_scenario": "talent_sd.scenario",
    "resolve_scenario": "talent_sd.scenario",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    if name not in __all__:
        raise AttributeError(f"module 'talent_sd' has no attribute '{name}'")
    value = getattr(import_module(_HOME.get(name, "talent_sd.base.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
