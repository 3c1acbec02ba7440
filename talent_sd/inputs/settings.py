"""One value that a file sets: its key, unit and origin, and the value that it replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Curve = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Origin:
    """Where a value was written: file, line (0: no particular line) and what it says."""

    file: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        """Return "file:line"."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Setting:
    """A value on its way from a file to a run.

    Parameters
    ----------
    key : as the file has it, such as "industry_fund.from"; once resolved the model's: constant,
        "constant[element]" or lookup
    value : a number; on or off of a policy; (years, values) of a lookup; a name of a national path
    origin : where it was written
    unit : the model's, "" until it is resolved
    replaced : the setting of an ancestor that it took the place of, None for the model's default
    """

    key: str
    value: Any
    origin: Origin
    unit: str = ""
    replaced: Setting | None = None

    @property
    def change(self) -> str:
        """Return "old -> new" in words, such as "0.02 (baseline.yaml:7) -> 0.03"."""
        if isinstance(self.value, tuple):
            return f"{len(self.value[0])} years"
        if self.replaced is None:
            return f"model's default -> {self.value:g}"
        return f"{self.replaced.value:g} ({self.replaced.origin}) -> {self.value:g}"
