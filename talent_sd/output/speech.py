"""What is said in one language: names, numbers with units, and where a dataset comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.numbers import Scale, digits, percent, scale_for, signed, unit_label

if TYPE_CHECKING:
    import xarray as xr

BANDS_TOLD = N_(" Bands: 50, 80 and 95 % of {draws} draws (80 % where lines share a panel).")
NO_BREAK = "\N{NO-BREAK SPACE}"
SOURCE = N_("Source: {source}, model {model} ({hash}). Shaded: years with known national figures.")


def scenario_titles(forecast: xr.Dataset, lang: str) -> dict[str, str]:
    """Titles of the scenarios in a language, from the coordinate `title_<lang>`; else their names."""
    names = [str(name) for name in np.atleast_1d(forecast[SCENARIO].values)]
    coordinate = f"title_{lang}"
    titles = np.atleast_1d(forecast[coordinate].values).tolist() if coordinate in forecast.coords else names
    return dict(zip(names, map(str, titles), strict=True))


def city_name(forecast: xr.Dataset, lang: str) -> str:
    """Name of the city in a language, as the dataset carries it."""
    return str(forecast.attrs.get(f"city_{lang}", forecast.attrs.get("city", "")))


def source_line(forecast: xr.Dataset, lang: str, bands: str = BANDS_TOLD, source: str = SOURCE) -> str:
    """Where the numbers come from (a key of the words); with several draws, what the bands (another) are."""
    attrs = forecast.attrs
    line = tell(
        source,
        lang,
        source=attrs.get("source", "talent_sd"),
        model=attrs.get("model", ""),
        hash=str(attrs.get("model_sha256", ""))[:8],
    )
    if forecast.sizes.get(DRAW, 1) > 1:
        line += tell(bands, lang, draws=attrs.get("draws", forecast.sizes[DRAW]))
    return line


@dataclass(frozen=True)
class Speech:
    """Words, names and numbers in a language."""

    lang: str
    labels: Labels = field(default_factory=Labels)

    def __call__(self, template: str, /, **values: object) -> str:
        """Return a text in the language, its `{names}` filled in.

        >>> Speech("zh")("Contents")
        '目录'
        """
        return tell(template, self.lang, **values)

    def variable(self, name: str) -> str:
        """Return what a variable of the model is called."""
        return self.labels.variable(name, self.lang)

    def element(self, name: object) -> str:
        """Return what an element of a subscript is called."""
        return self.labels.element(str(name), self.lang)

    def scale(self, largest: float, unit: str) -> Scale:
        """Return the scale for numbers up to `largest`; what has no unit is called dimensionless."""
        return scale_for(largest, unit, self.lang)

    def unit(self, scale: Scale) -> str:
        """Return a scale's unit for a column's heading."""
        return scale.unit or tell("dimensionless", self.lang)

    def unit_of(self, unit: str) -> str:
        """Return a unit of the model in words, "" if dimensionless."""
        return unit_label(unit, self.lang)

    def amount(self, value: float, scale: Scale, sign: bool = False) -> str:
        """Return a number with its unit.

        >>> Speech("en").amount(-249000, Scale(1e3, "thousand people"))
        '−249 thousand people'
        >>> Speech("zh").amount(24.9e4, Scale(1e4, "万人"), sign=True)
        '+24.9万人'
        """
        gap = "" if self.lang == "zh" or not scale.unit else " "
        return f"{(signed if sign else digits)(value / scale.factor)}{gap}{scale.unit}"

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
