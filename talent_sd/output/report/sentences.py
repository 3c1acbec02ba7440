"""One language of the report: its words, numbers and units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from talent_sd.base.messages import word
from talent_sd.output.numbers import Scale, digits, percent, scale_for

NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Speech:
    """Words and numbers in a language."""

    lang: str

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the report's text of a key.

        >>> Speech("zh")("table")
        '表格'
        """
        return word(f"report.{key}", self.lang, **values)

    def scale(self, largest: float, unit: str) -> Scale:
        """Return the scale for numbers up to `largest`; what has no unit is called dimensionless."""
        return scale_for(largest, unit, self.lang)

    def unit(self, scale: Scale) -> str:
        """Return a scale's unit for a column's heading."""
        return scale.unit or word("plot.dimensionless", self.lang)

    def amount(self, value: float, scale: Scale, signed: bool = False) -> str:
        """Return a number with its unit.

        >>> Speech("en").amount(-249000, Scale(1e3, "thousand people"))
        '−249 thousand people'
        >>> Speech("zh").amount(24.9e4, Scale(1e4, "万人"), signed=True)
        '+24.9万人'
        """
        sign = "+" if signed and value > 0 else ""
        gap = "" if self.lang == "zh" or not scale.unit else " "
        return f"{sign}{digits(value / scale.factor)}{gap}{scale.unit}"

    def percent(self, share: float) -> str:
        """Return a relative change with its sign; it never breaks from its number.

        >>> Speech("zh").percent(0.054), Speech("en").percent(float("nan"))
        ('+5.4%', '–')
        """
        return percent(share).replace(" ", "" if self.lang == "zh" else NO_BREAK)

    def chance(self, probability: float) -> str:
        r"""Return a probability in whole percent; what is not certain is not told as certain.

        >>> Speech("en").chance(0.9999), Speech("zh").chance(0.5), Speech("zh").chance(1.0)
        ('99\xa0%', '50%', '100%')
        """
        if not math.isfinite(probability):
            return "–"
        whole = round(100 * probability)
        if probability not in (0.0, 1.0):
            whole = min(max(whole, 1), 99)
        return f"{whole}{'' if self.lang == 'zh' else NO_BREAK}%"

    def both(self, texts: Mapping[str, str]) -> str:
        """Return a text by language, the other language's where this one has none."""
        return texts.get(self.lang) or texts.get("en") or next(iter(texts.values()), "")
