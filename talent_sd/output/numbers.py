"""Numbers and units as people write them: 1.2 million people, 12.3 亿元/年."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talent_sd.base.dims import BAND, DRAW
from talent_sd.base.language import N_, tell

if TYPE_CHECKING:
    import xarray as xr

DIMENSIONLESS = {"", "1", "dmnl", "dimensionless", "share", "ratio"}
UNITS = {
    "firm": N_("firm"), "m²": N_("m²"), "patent": N_("patent"), "person": N_("person"), "year": N_("year"),
    "yuan": N_("yuan"),
}  # fmt: skip
STEPS = {
    "en": ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")),
    "zh": ((1e12, "万亿"), (1e8, "亿"), (1e4, "万")),
}
"""Factor and name of the scales of each language, largest first."""


@dataclass(frozen=True)
class Scale:
    """What to divide values by, and the unit that is left."""

    factor: float
    unit: str


def unit_label(unit: str, lang: str = "en") -> str:
    """Unit of the model in words, "" if dimensionless.

    >>> unit_label("yuan/(person*year)")
    'yuan/(person·year)'
    >>> unit_label("yuan/(person*year)", "zh")
    '元/(人·年)'
    >>> unit_label("yuan/(m*m)"), unit_label("yuan/(m*m)", "zh")
    ('yuan/m²', '元/平方米')
    >>> unit_label("dmnl")
    ''
    """
    if unit.strip().casefold() in DIMENSIONLESS:
        return ""
    text = re.sub(r"\s*\*\s*", "·", unit.strip()).replace("m·m", "m²")

    def name(match: re.Match[str]) -> str:
        known = UNITS.get(match.group().casefold())
        return tell(known, lang) if known else match.group()

    return re.sub(r"\(([^\W\d_]+)\)", r"\1", re.sub(r"[^\W\d_]+", name, text))


def scale_for(largest: float, unit: str, lang: str = "en") -> Scale:
    """Choose the scale in which the largest value has one to four digits before the point.

    Values under ten thousand stay as they are: 1,280 people are not 1.28 thousand.

    >>> scale_for(9.4e6, "person")
    Scale(factor=1000000.0, unit='million people')
    >>> scale_for(9.4e6, "person", "zh")
    Scale(factor=10000.0, unit='万人')
    >>> scale_for(0.3, "dmnl")
    Scale(factor=1.0, unit='')
    """
    label = unit_label(unit, lang)
    if label and math.isfinite(largest):
        for factor, name in STEPS[lang]:
            if abs(largest) >= max(factor, 1e4):
                return Scale(factor, f"{name} {_plural(label)}" if lang == "en" else f"{name}{label}")
    return Scale(1.0, _plural(label) if lang == "en" else label)


def _plural(label: str) -> str:
    """English counts take a plural: "person/year" -> "people/year", "year" -> "years".

    >>> _plural("person/year"), _plural("yuan"), _plural("patent"), _plural("1/year")
    ('people/year', 'yuan', 'patents', '1/year')
    """
    head, slash, rest = label.partition("/")
    plurals = {"person": "people", "patent": "patents", "firm": "firms", "year": "years", "level": "levels"}
    return plurals.get(head, head) + slash + rest


NOTHING = 1e-4
"""What is smaller than this, relative to the numbers beside it, is written as 0."""


def digits(value: float, significant: int = 3, beside: float = 0.0) -> str:
    """Write a number to so many significant digits, no exponent, a comma at thousands.

    Parameters
    ----------
    beside : the largest of the numbers it stands beside; next to it, next to nothing is 0

    >>> digits(1234.5), digits(12.345), digits(0.012345), digits(-3.0), digits(0.0)
    ('1,234', '12.3', '0.0123', '−3.00', '0')
    >>> digits(0.0000475, beside=9.7)
    '0'
    >>> digits(float("nan"))
    '–'
    """
    if not math.isfinite(value):
        return "–"
    if abs(value) <= NOTHING * abs(beside):
        return "0"
    decimals = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, 9)}f}".replace("-", "−")


def signed(value: float, significant: int = 3, beside: float = 0.0) -> str:
    """Write a number as `digits` does, with its sign.

    >>> signed(12.345), signed(-3.0), signed(0.0), signed(1e-9, beside=1.0)
    ('+12.3', '−3.00', '0', '0')
    """
    text = digits(value, significant, beside)
    return f"+{text}" if value > 0 and text != "0" else text


def span(low: float, high: float, beside: float = 0.0) -> str:
    """Write the ends of an interval.

    >>> span(-1.0, 2.5)
    '−1.00 … 2.50'
    """
    return f"{digits(low, beside=beside)} … {digits(high, beside=beside)}"


def interval(values: xr.DataArray) -> tuple[float, float]:
    """Return the ends of the 80 % band over draws; NaN of a single one."""
    if values.sizes.get(DRAW, 1) < 2:
        return math.nan, math.nan
    low, high = values.quantile(BAND, DRAW).values.tolist()
    return low, high


def percent(change: float) -> str:
    """Write a relative change with its sign.

    >>> percent(0.0512), percent(-0.2), percent(0.0), percent(1.5)
    ('+5.1 %', '−20.0 %', '0.0 %', '+150 %')
    """
    if not math.isfinite(change):
        return "–"
    text = f"{change * 100:+.1f}" if abs(change) < 0.9995 else f"{change * 100:+.0f}"
    if float(text) == 0:
        text = "0.0"
    return f"{text.replace('-', '−')} %"
