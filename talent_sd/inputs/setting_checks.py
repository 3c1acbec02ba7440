"""Check a scenario against the model: names, units, limits, dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from talent_sd.base.errors import nearest
from talent_sd.base.language import listed, tell
from talent_sd.inputs.checking import Checking
from talent_sd.inputs.limits import hint_of, nearest_label
from talent_sd.inputs.model_interface import ModelVariable, split_key
from talent_sd.inputs.policy_checks import PARTS, POLICY, check_policy
from talent_sd.inputs.scenario_chain import Scenario
from talent_sd.inputs.settings import Setting
from talent_sd.model.structure import KINDS

if TYPE_CHECKING:
    from talent_sd.inputs.city_figures import Mapped

_KEY = re.compile(r"(?P<name>.+?)\[(?P<elements>[^\[\]]+)\]\Z")


def check_scenario(scenario: Scenario, checking: Checking, mapping: Mapped) -> None:
    """Check every setting of a scenario; what is found and what is wrong is kept in `checking`."""
    for name, settings in scenario.policies.items():
        check_policy(checking, name, settings)
    for key, setting in scenario.assumptions.items():
        _check_assumption(checking, key, setting, mapping)
    for name, settings in scenario.shocks.items():
        _check_shock(checking, name, settings)


def shock_constant(shock: str, key: str) -> str:
    """Return the constant of a shock's setting: `at` is its time, any other key is named after it.

    >>> shock_constant("core_team_exit", "at")
    'core team exit time'
    """
    return f"{shock} {'time' if key == 'at' else key}".replace("_", " ")


def _check_shock(checking: Checking, name: str, settings: Mapping[str, Setting]) -> None:
    """Check a shock and its settings."""
    variables = checking.structure.variables
    if shock_constant(name, "at") not in variables:
        shocks = [v.removesuffix(" time").replace(" ", "_") for v in variables if v.endswith(" time")]
        known = [shock for shock in shocks if shock_constant(shock, "size") in variables]
        first = next(iter(settings.values()))
        checking.say("unknown shock '{name}'.{hint}", first, name=name, hint=hint_of(name, known))
        return
    for key, setting in settings.items():
        target = shock_constant(name, key)
        if target in variables:
            checking.put(target, setting, f"{name}.{key}")
        else:
            own = checking.after(f"{name.replace('_', ' ')} ")
            hint = hint_of(key, ["at", *(k for k in own if k != "time")])
            checking.say(
                "unknown setting '{key}' of shock {name}.{hint}", setting, key=key, name=name, hint=hint
            )
    if "at" in settings:
        checking.is_in_run(settings["at"], f"{name}.at")


def _check_assumption(checking: Checking, key: str, setting: Setting, mapping: Mapped) -> None:
    """Check a constant set by the user."""
    match = _KEY.match(key)
    name = match["name"].strip() if match else key
    variable = checking.structure.variables.get(name)
    if variable is None:
        constants = [v for v in checking.structure.variables if checking.is_constant(v)]
        hint = nearest(name, constants) or nearest_label(name, constants)
        hint = hint or tell(" See talent-sd list variables.")
        checking.say("unknown constant '{name}'.{hint}", setting, name=name, hint=hint)
        return
    reason = _not_an_assumption(name, variable, mapping)
    if reason:
        checking.problems.append(f"{setting.origin}: {reason}")
        return
    elements = [part.strip() for part in match["elements"].split(",")] if match else []
    if len(elements) != len(variable.dims) and elements:
        checking.say(
            "'{name}' is subscripted by {dims}, not by [{elements}]. Mend the brackets.",
            setting, name=name, dims=listed(variable.dims) or tell("nothing"), elements=listed(elements),
        )  # fmt: skip
        return
    for element, dim in zip(elements, variable.dims, strict=False):
        members = checking.structure.subscripts.get(dim, ())
        if element not in members:
            hint = hint_of(element, members)
            checking.say(
                "'{name}' has no element '{element}'.{hint}", setting, name=name, element=element, hint=hint
            )
            return
    checking.put(f"{name}[{','.join(elements)}]" if elements else name, setting, key)


def _not_an_assumption(name: str, variable: ModelVariable, mapping: Mapped) -> str | None:
    """Return why a variable cannot be set under assumptions, None if it can."""
    rules = [rule for key, rule in mapping.content.constants.items() if split_key(key)[0] == name]
    figures = listed(dict.fromkeys(figure for rule in rules for figure in rule.figure))
    if figures:
        return tell(
            "'{name}' is a city's figure, not an assumption. Set {figures} in the city file.",
            name=name, figures=figures,
        )  # fmt: skip
    if rules or (variable.kind == "lookup" and name.startswith("national ")):
        return tell("'{name}' is the national path's. Name another path under 'context'.", name=name)
    if name.startswith(f"{POLICY} ") and name.removeprefix(f"{POLICY} ") in PARTS.values():
        return tell("'{name}' is set under 'policies', not 'assumptions'. Move it there.", name=name)
    if "noise" in name.split():
        return tell("'{name}' is process noise, drawn by each run. Leave it out.", name=name)
    if variable.kind == "time":
        return tell(
            "'{name}' is fixed by the model and the command, not by a scenario. Leave it out.", name=name
        )
    if variable.kind != "constant":
        return tell(
            "'{name}' is computed by the model ({kind}); only constants can be set.",
            name=name, kind=tell(KINDS[variable.kind]),
        )  # fmt: skip
    return None
