"""What is set: a value with its key, unit and origin; how keys are called; what of a model they are checked against."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Curve = tuple[tuple[float, ...], tuple[float, ...]]
_COMMAS = re.compile(r"[-+]?\d+([,，]\d+)+(\.\d+)?\Z")
_GROUPS = re.compile(r"[-+]?[1-9]\d{0,2}([,，]\d{3})+(\.\d+)?\Z|[-+]?[1-9]\d{0,3}([,，]\d{4})+(\.\d+)?\Z")


def without_commas(text: str) -> str:
    """Return a number written with commas as it is to be written, "" of any other text.

    A comma before each three or four digits parts groups; any other is a decimal point.

    >>> without_commas("20,000"), without_commas("1,234,567.5"), without_commas("0,02"), without_commas("a,b")
    ('20000', '1234567.5', '0.02', '')
    """
    if not _COMMAS.match(text):
        return ""
    if _GROUPS.match(text):
        return re.sub("[,，]", "", text)
    return re.sub("[,，]", ".", text) if len(re.findall("[,，.]", text)) == 1 else ""


_COUNTS = {
    "万亿": 12, "亿": 8, "百万": 6, "万": 4, "trillion": 12, "billion": 9, "bn": 9, "million": 6, "mn": 6, "thousand": 3,
}  # fmt: skip
_MEASURES = {
    "元": "yuan", "人": "person", "件": "patent", "yuan": "yuan", "people": "person", "person": "person", "patents": "patent",
}  # fmt: skip
_COUNTED = re.compile(
    rf"([-+]?[\d,， .]*\d)\s*({'|'.join(_COUNTS)})\s*({'|'.join(_MEASURES)})?", re.IGNORECASE
)


def without_counts(text: str, of: str = "") -> str:
    """Return a number with a count of zeros in words as it is to be written, "" of any other text.

    Parameters
    ----------
    of : the unit wanted; what is told in another is no such text

    >>> without_counts("8457.84亿元"), without_counts("1 234.5 billion yuan"), without_counts("120万", of="person")
    ('8457.84e8', '1234.5e9', '120e4')
    >>> without_counts("3 亿元", of="person"), without_counts("12 元")
    ('', '')
    """
    found = _COUNTED.fullmatch(text.strip())
    if not found or (of and found[3] and _MEASURES[found[3].lower()] != of.partition("/")[0]):
        return ""
    number = re.sub("[,， ]", "", found[1])
    return f"{number}e{_COUNTS[found[2].lower()]}"


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


def years_in_force(
    start: float, end: float, pause: tuple[float, float] = (math.inf, math.inf), last: float = math.inf
) -> tuple[int, ...]:
    """Return the years in which a policy is on for a while at least: from `start` to before `end`, without its pause.

    Parameters
    ----------
    last : where the forecast ends: in what comes after no policy is on

    >>> years_in_force(2027, 2031, (2029, 2030)), years_in_force(2027.5, 2029, (2028.25, 2029))
    ((2027, 2028, 2030), (2027, 2028))
    >>> years_in_force(2031, 2035, last=2034.0)
    (2031, 2032, 2033)
    """
    years = range(math.floor(start), math.ceil(min(end, last)))
    return tuple(
        year for year in years if not (pause[0] <= max(year, start) and min(year + 1, end) <= pause[1])
    )


def policies_on(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the policies that a scenario's parameters switch on, in their order.

    >>> policies_on({"policy switch[culture_ip]": 1.0, "policy switch[open_labs]": 0.0, "fiscal revenue": 1e9})
    ('culture_ip',)
    """
    keys = ((split_key(key), value) for key, value in params.items())
    return tuple(str(policy) for (name, policy), value in keys if name == POLICY_SWITCH and value > 0)


_ENTRY = re.compile(r"( +)[^\s#:{}\[\]][^:]*:[ ]+\S")
"""A line that holds an entry inside a section, key and value."""


def took_away(lines: list[str], line: int) -> bool:
    """Take a line at fault away, so that the others can be read; not where what follows may belong to it.

    >>> lines = ["figures:", "  gdp: {value: 1", "  jobs: 2"]
    >>> took_away(lines, 1), took_away(lines, 2), lines
    (False, True, ['figures:', '', '  jobs: 2'])
    """
    own = _ENTRY.match(lines[line - 1]) if line <= len(lines) else None
    following = next((one for one in lines[line:] if one.strip() and not one.lstrip().startswith("#")), "")
    if own is None or len(following) - len(following.lstrip()) > len(own[1]):
        return False
    lines[line - 1] = ""
    return True
