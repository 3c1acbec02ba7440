"""The axes of every dataset, named once, and what they are called in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

SCENARIO = "scenario"
DRAW = "draw"
TIME = "time"
CITY = "city"
COALITION = "coalition"
LANES = (CITY, SCENARIO, COALITION, DRAW)
"""Axes that runs may differ along, in the order of a result's."""
LONG_NAMES = {
    SCENARIO: "scenario",
    DRAW: "draw from the uncertain parameters",
    TIME: "calendar year",
    CITY: "city",
    COALITION: "combination of switches",
    "parameter": "uncertain constant",
    "kind": "kind of feedback loop",
    "loop": "feedback loop",
    "title_en": "title of the scenario in English",
    "title_zh": "title of the scenario in Chinese",
    "city_en": "name of the city in English",
    "city_zh": "name of the city in Chinese",
}
UNITS = {DRAW: "1", TIME: "year", "member": "1"}
"""Of coordinates that hold numbers; those that hold names have none."""


BANDS = {50: (0.25, 0.75), 80: (0.1, 0.9), 95: (0.025, 0.975)}
"""Per cent of the draws inside a band -> its lower and upper quantile."""
BAND = BANDS[80]
"""The band told where only one is."""
BAND_AND_MEDIAN = (BAND[0], 0.5, BAND[1])
QUANTILES = tuple(sorted({0.5, *(end for band in BANDS.values() for end in band)}))
"""The median and the ends of all bands, rising."""


def name_axes(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset with a long name on every coordinate, and a unit on those that hold numbers.

    A coordinate without a name of ours is a subscript range of the model. What is named already stays.
    """
    named = dataset.copy()
    for name in map(str, named.coords):
        attrs = named[name].attrs
        attrs.setdefault("long_name", LONG_NAMES.get(name, f"subscript range '{name}' of the model"))
        if name in UNITS:
            attrs["units"] = UNITS[name]
        elif named[name].dtype.kind in "iuf":
            attrs.setdefault("units", "1")
    if TIME in named.coords:
        named[TIME].attrs |= {"long_name": LONG_NAMES[TIME], "axis": "T"}
    return named
