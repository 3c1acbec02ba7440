"""Policies of a scenario held against the model: which constants they set, and whether their dates make sense."""

from __future__ import annotations

from collections.abc import Mapping

from talent_sd.inputs.checking import Checking
from talent_sd.inputs.limits import hint_of
from talent_sd.inputs.model_interface import policy_key, split_key
from talent_sd.inputs.settings import Setting

POLICY = "policy"
"""The model's subscript of policies."""
TIMING = {"from": "start", "until": "end", "ramp": "ramp time"}
PAUSE = {"pause.from": "pause start", "pause.until": "pause end"}
PARTS = {"switch": "switch", **TIMING, **PAUSE}
"""A policy's setting -> what `policy_key` calls its constant."""


def check_policy(checking: Checking, name: str, settings: Mapping[str, Setting]) -> None:
    """Check a policy and its settings."""
    policies = checking.structure.subscripts.get(POLICY, ())
    if name not in policies:
        first = next(iter(settings.values()))
        checking.say("unknown policy '{name}'.{hint}", first, name=name, hint=hint_of(name, policies))
        return
    for key, setting in settings.items():
        target = policy_constant(checking, name, key)
        if target is not None:
            checking.put(target, setting, "" if key == "switch" else f"{name}.{key}")
        else:
            hint = hint_of(key, policy_settings(checking, name))
            checking.say(
                "unknown setting '{key}' of policy {name}.{hint}", setting, key=key, name=name, hint=hint
            )
    _check_dates(checking, name, settings)
    _check_pause(checking, name, settings)


def policy_constant(checking: Checking, name: str, key: str) -> str | None:
    """Return the constant that a policy's setting stands for, None if there is none."""
    if key in PARTS:
        target = policy_key(name, PARTS[key])
        return None if key in PAUSE and not checking.is_constant(split_key(target)[0]) else target
    spaced = key.replace("_", " ")
    own, shared = f"{name.replace('_', ' ')} {spaced}", f"{POLICY} {spaced}"
    if checking.is_constant(own):
        return own
    of_each = checking.is_constant(shared) and checking.structure.variables[shared].dims == (POLICY,)
    return policy_key(name, spaced) if of_each and spaced not in PARTS.values() else None


def policy_settings(checking: Checking, name: str) -> list[str]:
    """Return the settings that a policy has in this model."""
    keys = [*checking.after(f"{name.replace('_', ' ')} "), *checking.after(f"{POLICY} ")]
    known = (key for key in keys if key != "switch" and policy_constant(checking, name, key))
    return [*TIMING, *(["pause"] if policy_constant(checking, name, "pause.from") else []), *known]


def _check_dates(checking: Checking, name: str, settings: Mapping[str, Setting]) -> None:
    """Check that a policy runs within the years of the run, and its end comes after its start."""
    start, end = settings.get("from"), settings.get("until")
    if start:
        checking.is_in_run(start, f"{name}.from")
    if end and end.value <= checking.horizon.start:
        checking.say(
            "{name}.until is {end_value:g}, before the run starts in {low:g}. Move it.",
            end, name=name, end_value=end.value, low=checking.horizon.start,
        )  # fmt: skip
    if start and end:
        where = "" if start.origin.file == end.origin.file else f" ({start.origin})"
        _ends_after(checking, name, start, end, where)


def _ends_after(checking: Checking, label: str, start: Setting, end: Setting, where: str = "") -> bool:
    """Tell whether a span ends after it begins; note a problem if not."""
    if end.value > start.value:
        return True
    checking.say(
        "{label}.until is {ends:g}, not after from, {begins:g}{where}. Swap or mend them.",
        end, label=label, ends=end.value, begins=start.value, where=where,
    )  # fmt: skip
    return False


def _check_pause(checking: Checking, name: str, settings: Mapping[str, Setting]) -> None:
    """Check that a policy's interruption lies within its life and the run; tell the first problem."""
    first, last = settings.get("pause.from"), settings.get("pause.until")
    if first is None or last is None:
        return
    start, end, label = settings.get("from"), settings.get("until"), f"{name}.pause"
    if not _ends_after(checking, label, first, last) or not checking.is_in_run(first, f"{label}.from"):
        return
    if start and first.value <= start.value:
        checking.say(
            "{label}.from is {begins:g}, not after {name}.from, {start_value:g}. Move it.",
            first, label=label, begins=first.value, name=name, start_value=start.value,
        )  # fmt: skip
    elif end and last.value >= end.value:
        checking.say(
            "{label}.until is {ends:g}, not before {name}.until, {end_value:g}. Move it, or end the "
            "policy earlier.",
            last, label=label, ends=last.value, name=name, end_value=end.value,
        )  # fmt: skip
