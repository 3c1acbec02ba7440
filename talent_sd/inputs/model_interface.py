"""What resolution needs to know of a model, and what its policies' and loops' constants are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class ModelVariable(Protocol):
    """What resolution needs to know of a variable."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def limits(self) -> tuple[float | None, float | None]: ...  # noqa: D102
    @property
    def dims(self) -> tuple[str, ...]: ...  # noqa: D102


class ModelStructure(Protocol):
    """What resolution needs to know of a model; `talent_sd.model.Structure` is one."""

    @property
    def variables(self) -> Mapping[str, ModelVariable]: ...  # noqa: D102
    @property
    def subscripts(self) -> Mapping[str, Sequence[str]]: ...  # noqa: D102
    @property
    def time(self) -> Mapping[str, float]: ...  # noqa: D102


POLICY_SWITCH = "policy switch"
"""Subscripted by policy: 1 on, 0 off."""
LOOP_SWITCH = "loop closed"
"""Subscripted by feedback loop: 1 closed, 0 cut."""


def policy_key(policy: str, part: str = "switch") -> str:
    """Return the key of one policy's constant: its "switch", "start", "end", "ramp time" and the like.

    >>> policy_key("cash_subsidy"), policy_key("cash_subsidy", "pause start")
    ('policy switch[cash_subsidy]', 'policy pause start[cash_subsidy]')
    """
    return f"policy {part}[{policy}]"


def loop_key(loop: str) -> str:
    """Return the key of one feedback loop's switch.

    >>> loop_key("housing")
    'loop closed[housing]'
    """
    return f"{LOOP_SWITCH}[{loop}]"


def split_key(key: str) -> tuple[str, str | None]:
    """Return the variable that a key names, and the element, None for all of them.

    >>> split_key("policy switch[cash_subsidy]"), split_key("cohort size")
    (('policy switch', 'cash_subsidy'), ('cohort size', None))
    """
    name, bracket, element = key.partition("[")
    return (name.strip(), element.rstrip("]").strip()) if bracket else (key, None)


def policies_on(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the policies that a scenario's parameters switch on, in their order.

    >>> policies_on({"policy switch[culture_ip]": 1.0, "policy switch[open_labs]": 0.0, "fiscal revenue": 1e9})
    ('culture_ip',)
    """
    keys = ((split_key(key), value) for key, value in params.items())
    return tuple(str(policy) for (name, policy), value in keys if name == POLICY_SWITCH and value > 0)
