"""What a dataset says about itself: its city, scenarios and source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO
from talent_sd.base.messages import word

if TYPE_CHECKING:
    import xarray as xr


def scenario_titles(forecast: xr.Dataset, lang: str) -> dict[str, str]:
    """Titles of the scenarios in a language, from the coordinate `title_<lang>`; else their names."""
    names = [str(name) for name in np.atleast_1d(forecast[SCENARIO].values)]
    coordinate = f"title_{lang}"
    titles = np.atleast_1d(forecast[coordinate].values).tolist() if coordinate in forecast.coords else names
    return dict(zip(names, map(str, titles), strict=True))


def city_name(forecast: xr.Dataset, lang: str) -> str:
    """Name of the city in a language, as the dataset carries it."""
    return str(forecast.attrs.get(f"city_{lang}", forecast.attrs.get("city", "")))


def source_line(
    forecast: xr.Dataset, lang: str, bands: str = "plot.bands", source: str = "plot.source"
) -> str:
    """Where the numbers come from (a key of the words); with several draws, what the bands (another) are."""
    attrs = forecast.attrs
    line = word(
        source,
        lang,
        source=attrs.get("source", "talent_sd"),
        model=attrs.get("model", ""),
        hash=str(attrs.get("model_sha256", ""))[:8],
    )
    if forecast.sizes.get(DRAW, 1) > 1:
        line += word(bands, lang, draws=attrs.get("draws", forecast.sizes[DRAW]))
    return line
