"""What a plan may set: policies, shocks, assumptions and loops, as slots of the program and as a file writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.base.language import LANGUAGES
from talent_sd.engine.ir import Number
from talent_sd.inputs.checking import Checking, Horizon
from talent_sd.inputs.readings import load_reading
from talent_sd.inputs.setting_checks import (
    BUDGET,
    POLICY,
    policy_constant,
    policy_settings,
    shock_constant,
    shocks_of,
)
from talent_sd.inputs.settings import LOOP_SWITCH
from talent_sd.inputs.shipped_names import shipped_names
from talent_sd.output.page.cities import planned
from talent_sd.uncertainty.posterior import read_posterior
from talent_sd.uncertainty.priors import read_priors

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.inputs import Resolved
    from talent_sd.inputs.labels import Labels

BASICS = {"switch": "switch", "from": "from", "until": "until", "ramp": "ramp"}
PAUSES = ("pause.from", "pause.until")


def slot_numbers(model: Model) -> dict[str, int]:
    """Return "name" or "name[element]" -> slot."""
    return {slot.name: number for number, slot in enumerate(model.program.slots) if not slot.hidden}


def policies(model: Model, labels: Labels) -> list[dict[str, Any]]:
    """Return each policy: its names, and its settings with slot, default, limits and unit."""
    structure, slots = model.structure, slot_numbers(model)
    checking = Checking(structure, Horizon.of(structure))
    found = []
    for policy in structure.subscripts.get(POLICY, ()):
        keys = [*BASICS, *policy_settings(checking, policy)]
        keys += PAUSES if "pause" in keys else ()
        settings = {}
        for key in dict.fromkeys(keys):
            name = policy_constant(checking, policy, key)
            if name in slots:
                settings[key] = _setting(model, slots[name], labels)
        label = {lang: labels.element(policy, lang) for lang in LANGUAGES}
        found.append({"name": policy, "label": label, "settings": settings})
    return found


def shocks(model: Model, labels: Labels) -> list[dict[str, Any]]:
    """Return each shock: its settings with slot, default and limits."""
    slots = slot_numbers(model)
    found = []
    for name in shocks_of(model.structure):
        if shock_constant(name, "at") in slots:
            start = f"{name} ".replace("_", " ")
            parts = {key.removeprefix(start): slot for key, slot in slots.items() if key.startswith(start)}
            settings = {"at" if part == "time" else part: _setting(model, slot, labels) for part, slot in parts.items()
                        if model.program.slots[slot].kind == "constant"}  # fmt: skip
            found.append({"name": name, "settings": settings})
    return found


def budget(model: Model) -> dict[str, Any]:
    """Return the settings of money set aside for all policies together, with slot, default and limits."""
    slots = slot_numbers(model)
    return {key: _setting(model, slots[name]) for key, name in BUDGET.items() if name in slots}


def loops(model: Model, labels: Labels) -> list[dict[str, Any]]:
    """Return each named loop with the slot of its switch."""
    slots = slot_numbers(model)
    return [
        {"name": loop, "label": {lang: labels.element(loop, lang) for lang in LANGUAGES},
         "slot": slots[f"{LOOP_SWITCH}[{loop}]"]}
        for loop in model.structure.subscripts.get("loop", ())
        if f"{LOOP_SWITCH}[{loop}]" in slots
    ]  # fmt: skip


def assumptions(model: Model, labels: Labels) -> list[dict[str, Any]]:
    """Return each uncertain constant: elements with the model's values, range, source; those that a page may move."""
    slots, structure = slot_numbers(model), model.structure
    found = []
    for key, elements, factor, low, high, source in _uncertain(model):
        variable = structure[key.partition("[")[0]]
        movable = not factor and all(_may_be(model, one, (low, high)) for one in elements)
        factors_fit = factor and all(
            _may_be(model, one, (own * low, own * high)) for one, own in elements.items()
        )
        if not (movable or factors_fit):
            continue
        element = key.partition("[")[2].rstrip("]")
        label = {
            lang: labels.variable(variable.name, lang)
            + (
                f" ({', '.join(labels.element(one.strip(), lang) for one in element.split(','))})"
                if element
                else ""
            )
            for lang in LANGUAGES
        }
        found.append({
            "name": key, "variable": variable.name, "label": label, "factor": bool(factor), "low": low, "high": high,
            "slots": {slots[one]: own for one, own in elements.items()}, "unit": "" if factor else variable.unit,
            "source": source, "group": variable.group,
        })  # fmt: skip
    return found


def _uncertain(model: Model) -> Iterator[tuple[str, Mapping[str, float], bool, float, float, str]]:
    """Yield what is drawn: key, elements with the model's values, whether a factor, range, source."""
    fitted = read_posterior()
    own = {slot.name: slot.expression.value for slot in model.program.slots
           if slot.kind == "constant" and isinstance(slot.expression, Number)}  # fmt: skip
    for prior in read_priors(model.structure, model.program):
        if prior.key not in fitted.names:
            yield prior.key, prior.elements, prior.factor, prior.low, prior.high, prior.source
    for name, factor, column in zip(fitted.names, fitted.factor, fitted.values.T, strict=True):
        elements = {key: own[key] for key in fitted.elements[name] if key in own}
        low, high = float(column.min()), float(column.max())
        if elements:
            yield name, elements, bool(factor), low, high, "posterior"


def _may_be(model: Model, key: str, values: Sequence[float]) -> bool:
    """Tell whether a constant may take these values on the model's own program, within its limits."""
    try:
        for value in values:
            planned(model, {key: value})
    except (ModelError, UnsupportedError):
        return False
    return True


def _setting(model: Model, slot: int, labels: Labels | None = None) -> dict[str, Any]:
    variable = model.structure[model.program.slots[slot].variable]
    low, high = variable.limits
    expression = model.program.slots[slot].expression
    return {
        "slot": slot,
        "default": expression.value if isinstance(expression, Number) else 0.0,
        "low": low,
        "high": high,
        "unit": variable.unit,
        "label": {lang: labels.variable(variable.name, lang) for lang in LANGUAGES} if labels else {},
    }


def readings(model: Model) -> list[dict[str, Any]]:
    """Return each shipped reading: its words, and its assumptions in slots; the one that changes nothing first."""
    found = []
    for name in shipped_names("reading"):
        one = load_reading(name)
        own = {key: setting.value for key, setting in one.assumptions.items()}
        timing = set(model.program.time_slots.values())
        values = {
            slot: float(np.ravel(v)[0])
            for slot, v in planned(model, own).constants.items()
            if slot not in timing
        }
        words = {"title": one.title.model_dump(), "summary": one.summary.model_dump()}
        found.append({"name": one.name, **words, "values": values})
    return sorted(found, key=lambda one: bool(one["values"]))


def preset(model: Model, resolved: Resolved) -> dict[str, Any]:
    """Return a scenario: what it and its reading set, in slots, and its words."""
    scenario = resolved.scenario
    reading, title = resolved.reading, dict(scenario.title)
    files = scenario.chain
    if reading is not None:
        files = (*files, reading.file)
        # told wherever the scenario is, also in its link and its file
        title = {lang: f"{text} ({getattr(reading.title, lang)})" for lang, text in title.items()}
    own = {key: value.value for key, value in resolved.values.items() if value.origin.file in files}
    values = {slot: float(np.ravel(value)[0]) for slot, value in planned(model, own).constants.items()}
    timing = set(model.program.time_slots.values())
    return {
        "name": scenario.name,
        "title": title,
        "question": dict(scenario.question),
        "national": resolved.national.name,
        "reading": None if reading is None else reading.name,
        "values": {slot: value for slot, value in values.items() if slot not in timing},
    }
