"""What resolution needs to know of a model, and what it hands to a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from talent_sd.inputs.scenario_chain import Origin


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


Curve = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class ResolvedValue:
    """One parameter of a run, with its history.

    Parameters
    ----------
    key : constant, "constant[element]" or lookup
    value : a number; (years, values) for a lookup
    unit : the model's
    origin : where it was written
    old : the value it replaced, None for the model's default
    old_origin : where that was written
    """

    key: str
    value: float | Curve
    unit: str
    origin: Origin
    old: float | None = None
    old_origin: Origin | None = None

    @property
    def change(self) -> str:
        """Return "old -> new" in words, such as "0.02 (baseline.yaml:7) -> 0.03"."""
        if isinstance(self.value, tuple):
            return f"{len(self.value[0])} years"
        new = f"{self.value:g}"
        if self.old is None:
            return f"model's default -> {new}"
        return f"{self.old:g} ({self.old_origin}) -> {new}"
