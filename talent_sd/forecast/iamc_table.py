"""Forecasts in the IAMC's table, which pyam and scenario databases read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.version import __version__
from talent_sd.forecast.result_files import QUANTILES
from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.labels import Labels

if TYPE_CHECKING:
    import xarray as xr

INDEX = ("Model", "Scenario", "Region", "Variable", "Unit")


def iamc_rows(
    forecast: xr.Dataset, region: str, labels: Labels, names: Iterable[str] | None = None
) -> Iterator[tuple[object, ...]]:
    """Yield a forecast's rows in the IAMC's format: model, scenario, region, variable, unit, a value a year.

    Parts stand after a bar ("Talent|Leading"); of several draws there is a row for each
    quantile, named as climate assessments name them ("Talent|Leading|50.0th Percentile").

    Parameters
    ----------
    forecast : dims (scenario, draw, time, ...)
    region : the city's name
    labels : whose English names the variables get
    names : of variables; the headline ones by default
    """
    many = forecast.sizes[DRAW] > 1
    for name in labels.headline if names is None else names:
        array = forecast[name]
        parts = [str(dim) for dim in array.dims if dim not in (SCENARIO, DRAW, TIME)]
        values = array.transpose(SCENARIO, *parts, DRAW, TIME).values
        shown = np.quantile(values, QUANTILES, axis=-2) if many else np.moveaxis(values, -2, 0)
        for place in np.ndindex(shown.shape[:-1]):
            quantile, scenario, *elements = place
            label = [labels.variable(name, "en")]
            label += [
                labels.element(str(forecast[part].values[element]), "en")
                for part, element in zip(parts, elements, strict=True)
            ]
            if many:
                label.append(f"{100 * QUANTILES[quantile]:.1f}th Percentile")
            variable = "|".join(one.replace("|", "/") for one in label)
            years = ("" if value != value else value for value in shown[place].tolist())
            yield (
                f"talent_sd {__version__}",
                str(forecast[SCENARIO].values[scenario]),
                region,
                variable,
                array.attrs.get("units", ""),
                *years,
            )


def write_iamc(rows: Iterable[tuple[object, ...]], years: Iterable[float], file: Path) -> None:
    """Write rows of `iamc_rows` below their heading."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow((*INDEX, *(f"{year:g}" for year in years)))
        writer.writerows(rows)
