"""Forecast a city's talent and everything that hangs on it.

>>> import talent_sd as ts
>>> sorted(name for name in ts.__all__ if name.startswith("list"))
['list_cities', 'list_scenarios']

Names are loaded on first use, so that importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from talent_sd.base.version import __version__ as __version__

if TYPE_CHECKING:
    from talent_sd import loops
    from talent_sd.base.errors import InputError, ModelError, TalentError, UnitError, UnsupportedError
    from talent_sd.engine.runner import load_model
    from talent_sd.forecast.any_model import ema_model, salib_problem
    from talent_sd.forecast.compare import compare
    from talent_sd.forecast.ensemble import ensemble
    from talent_sd.forecast.simulate import simulate
    from talent_sd.inputs import list_cities, list_scenarios, load_scenario, resolve_scenario
    from talent_sd.loops.feedback_loops import feedback_loops
    from talent_sd.loops.why import Cause, why
    from talent_sd.output.notebook import plot, summary
    from talent_sd.output.page.write_page import page
    from talent_sd.policies.policy_effects import attribute_policies
    from talent_sd.search import optimise


__all__ = [
    "Cause",
    "InputError",
    "ModelError",
    "TalentError",
    "UnitError",
    "UnsupportedError",
    "attribute_policies",
    "compare",
    "ema_model",
    "ensemble",
    "feedback_loops",
    "list_cities",
    "list_scenarios",
    "load_model",
    "load_scenario",
    "loops",
    "optimise",
    "page",
    "plot",
    "resolve_scenario",
    "salib_problem",
    "simulate",
    "summary",
    "why",
]

_HOME = {
    "attribute_policies": "talent_sd.policies.policy_effects",
    "compare": "talent_sd.forecast.compare",
    "ema_model": "talent_sd.forecast.any_model",
    "ensemble": "talent_sd.forecast.ensemble",
    "salib_problem": "talent_sd.forecast.any_model",
    "feedback_loops": "talent_sd.loops.feedback_loops",
    "loops": "talent_sd.loops",
    "page": "talent_sd.output.page.write_page",
    "plot": "talent_sd.output.notebook",
    "summary": "talent_sd.output.notebook",
    "simulate": "talent_sd.forecast.simulate",
    "load_model": "talent_sd.engine.runner",
    "optimise": "talent_sd.search",
    "list_cities": "talent_sd.inputs",
    "list_scenarios": "talent_sd.inputs",
    "load_scenario": "talent_sd.inputs",
    "resolve_scenario": "talent_sd.inputs",
    "Cause": "talent_sd.loops.why",
    "why": "talent_sd.loops.why",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    if name not in __all__:
        raise AttributeError(f"module 'talent_sd' has no attribute '{name}'")
    home = import_module(_HOME.get(name, "talent_sd.base.errors"))
    value = home if name == "loops" else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
