"""One record for whatever is told of an output: terminal, notebook, pictures and page all walk these."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from talent_sd.base.dims import BANDS, CITY, DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, tell
from talent_sd.forecast.compare import RELATIVE, percent_is_told, probability_better
from talent_sd.inputs.labels import Labels
from talent_sd.output.speech import Scale, digits, interval
from talent_sd.uncertainty.windows import MODEL_VARIABLES

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

TOTAL = "total talent"
"""All tiers of talent together."""

COUNTED = {
    **MODEL_VARIABLES, "tertiary_educated": TOTAL, "invention_patents_granted": "invention grants", "births": "births",
    "average_wage": "average pay", "house_price": "house price",
}  # fmt: skip
"""A city's own figure -> the variable that forecasts it."""

NOTES = {
    "years of balance": N_(
        "Years of balance suppose that the ageing of the next two years goes on: they compare cities and years, and "
        "date no end. They rise where ageing slows, even while the balance falls."
    )
}
"""Output -> what to know wherever it is told."""


@dataclass(frozen=True)
class Told:
    """What is told of an output at one place and time, in the model's unit; NaN where it cannot be known.

    Parameters
    ----------
    middle : median over draws
    low, high : ends of the 80 % band
    share : median of the relative change
    better : share of the draws that do better than the baseline
    """

    middle: float
    low: float
    high: float
    share: float
    better: float

    @property
    def reach(self) -> float:
        """Return the largest of what is told, in whatever direction."""
        return (
            max(abs(self.middle), abs(self.low), abs(self.high)) if self.low == self.low else abs(self.middle)
        )

    @property
    def size(self) -> float:
        """Return what the unit is chosen for: the median, unless the interval is far larger: 433 people, not 0.433 thousand."""
        return max(abs(self.middle), self.reach / 10)


@dataclass(frozen=True)
class Output:
    """One output, or one element of it.

    Parameters
    ----------
    name : in the model
    chosen : subscript range -> element; empty where it has none
    values : dims of (scenario, city, draw, time), a level or a change
    relative : the same against the baseline, if the dataset is a comparison
    lower_is_better : whether less of it is wanted
    most : beyond this only "more than" is told
    """

    name: str
    chosen: Mapping[Hashable, str]
    values: xr.DataArray
    relative: xr.DataArray | None
    lower_is_better: bool
    most: float = math.inf

    @property
    def element(self) -> str:
        """Return its elements as files write them, "" where it has none."""
        return ", ".join(self.chosen.values())

    @property
    def ident(self) -> str:
        """Return a name that an HTML id can hold."""
        return slug(f"{self.name} {self.element}")

    @property
    def unit(self) -> str:
        """Return the model's unit."""
        return str(self.values.attrs.get("units", ""))

    @property
    def percent_means_something(self) -> bool:
        """Return whether a relative change is told everywhere in it."""
        return self.relative is not None and bool(self.relative.notnull().all())

    @cached_property
    def better(self) -> xr.DataArray:
        """Return the share of the draws that do better than the baseline."""
        return probability_better(self.values, self.lower_is_better)

    @cached_property
    def told(self) -> Told:
        """Return what is told of it: of one scenario, city and time, so that only draws are left."""
        low, high = interval(self.values)
        share = math.nan if self.relative is None else float(self.relative.median(skipna=False))
        better = float(self.better) if self.values.sizes.get(DRAW, 1) > 1 else math.nan
        return Told(float(self.values.median()), low, high, share, better)

    def level(self, value: float, scale: Scale, beside: float = 0.0, lang: str = "en") -> str:
        """Write a level of it, given in the model's unit: what lies beyond `most` is only "more than" that."""
        if value > self.most:
            return tell("over {most}", lang, most=f"{self.most / scale.factor:g}")
        return digits(value / scale.factor, beside=beside / scale.factor)

    def band(self, low: float, high: float, scale: Scale, lang: str = "en") -> str:
        """Write the ends of an interval of levels, given in the model's unit."""
        ends = [self.level(end, scale, max(abs(low), abs(high)), lang) for end in (low, high)]
        return " … ".join(dict.fromkeys(ends)) if low > self.most else " … ".join(ends)

    def since(self, year: float) -> tuple[float, float]:
        """Return the medians of its change from a year to the last: absolute, and relative.

        The relative one is NaN of a debt, of nothing and of years: a per cent of these is no number.
        """
        first, last = self.values.sel({TIME: year}, method="nearest"), self.values.isel({TIME: -1})
        change = float((last - first).median())
        sound = all(bool(percent_is_told(one)) for one in (first, last))
        return change, float((last / first).median()) - 1 if sound else math.nan

    @cached_property
    def largest(self) -> float:
        """Return the largest median, in whatever direction."""
        return largest(self.values)

    @cached_property
    def last(self) -> Output:
        """Return it in the last year."""
        return self._taken(lambda array: array.isel({TIME: -1}))

    @cached_property
    def _places(self) -> dict[tuple[tuple[str, object], ...], Output]:
        return {}

    def at(self, **place: object) -> Output:
        """Return it at one scenario or city (the same object when asked again, with all it knows), or at several."""
        if not all(isinstance(one, str) for one in place.values()):
            return self._taken(lambda array: array.sel(place))
        key = tuple(place.items())
        if key not in self._places:
            self._places[key] = self._taken(lambda array: array.sel(place))
        return self._places[key]

    @cached_property
    def medians(self) -> tuple[np.ndarray, np.ndarray]:
        """Medians over draws, absolute and relative, to the last bit as in comparison.csv: `median` may round otherwise."""
        assert self.relative is not None
        middle, share = (one.quantile(0.5, DRAW, skipna=False) for one in (self.values, self.relative))
        return middle.values, share.values

    @cached_property
    def bands(self) -> dict[int, np.ndarray]:
        """Lower and upper ends of the bands of the middle 50, 80 and 95 % of draws: band -> (2, ...)."""
        return {band: self.values.quantile(ends, DRAW).values for band, ends in BANDS.items()}

    def _taken(self, take: Callable[[xr.DataArray], xr.DataArray]) -> Output:
        relative = None if self.relative is None else take(self.relative)
        return replace(self, values=take(self.values), relative=relative)

    def of(self, dataset: xr.Dataset) -> xr.DataArray:
        """Return the same output of another dataset."""
        return dataset[self.name].sel(self.chosen)

    def elements(self, labels: Labels, lang: str) -> str:
        """Return what its elements are called."""
        return ", ".join(labels.element(element, lang) for element in self.chosen.values())

    def title(self, labels: Labels, lang: str) -> str:
        """Return what it is called."""
        variable = labels.variable(self.name, lang)
        if not self.chosen:
            return variable
        return tell("{variable}: {element}", lang, variable=variable, element=self.elements(labels, lang))


def headline_outputs(dataset: xr.Dataset, labels: Labels) -> Iterator[Output]:
    """Yield the headline outputs that a forecast or comparison has, element by element."""
    return outputs_of(dataset, [name for name in labels.headline if name in dataset], labels)


def outputs_of(dataset: xr.Dataset, names: Iterable[str], labels: Labels) -> Iterator[Output]:
    """Yield the outputs of these names, element by element."""
    for name in names:
        array, relative = dataset[name], dataset.get(name + RELATIVE)
        extra = [dim for dim in array.dims if dim not in (SCENARIO, CITY, DRAW, TIME)]
        for parts in product(*(map(str, array[dim].values) for dim in extra)):
            chosen = dict(zip(extra, parts, strict=True))
            lower = name in labels.lower_is_better
            one = relative.sel(chosen) if relative is not None else None
            most = labels.told_up_to.get(name, math.inf)
            yield Output(name, chosen, array.sel(chosen), one, lower, most)


def known_figures(city: Any) -> dict[str, list[tuple[int, float]]]:
    """Return variable -> (year, value) of what was counted in a city, by year."""
    return {
        variable: sorted(city.figures[figure].values.items())
        for figure, variable in COUNTED.items()
        if figure in city.figures
    }


def notes_of(outputs: Iterable[Output], lang: str, *keys: str) -> list[str]:
    """Tell some notes, and then what to know of these outputs."""
    return [tell(key, lang) for key in (*keys, *(NOTES[one.name] for one in outputs if one.name in NOTES))]


def largest(array: xr.DataArray) -> float:
    """Return the largest median over draws, in whatever direction."""
    return float(abs(array.median(DRAW)).max())


def slug(text: str) -> str:
    """Return a name that an HTML id can hold.

    >>> slug("Talent, leading")
    'talent-leading'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
