"""What a policy costs: spending in constant prices, its present value, and what one unit of its effect costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from talent_sd.base.dims import BAND_AND_MEDIAN
from talent_sd.base.errors import InputError
from talent_sd.base.files import shipped_folder
from talent_sd.inputs.file_schemas import Part, Range
from talent_sd.inputs.schema_problems import validate
from talent_sd.inputs.strict_yaml import read_yaml, shown


class DiscountEntry(Part):
    """A rate, how far off it may be, and where it is from."""

    value: float = Field(ge=0, lt=1)
    range: Range = Field(description="Lowest and highest rate that can be defended")
    price_basis: Literal["real"] = Field(description="Of the spending that it is applied to")
    source: str = Field(min_length=1, description="Publication, or assumption")

    @model_validator(mode="after")
    def fits_together(self) -> DiscountEntry:
        """Need a range around the value."""
        low, high = self.range
        if not low <= self.value <= high:
            raise ValueError(
                f"the rate {self.value:g} lies outside [{low:g}, {high:g}]. Correct one of them."
            )
        return self


class CostFile(Part):
    """What costs are reckoned with."""

    discount_rate: DiscountEntry


def read_costs(path: str | Path | None = None) -> CostFile:
    """Read `models/costs.yaml`, or another file of its form.

    Raises
    ------
    InputError
        With every problem: ``file:line: what. remedy``.
    """
    file = shipped_folder("models") / "costs.yaml" if path is None else Path(path)
    return validate(CostFile, read_yaml(file), shown(file))


def chosen_rate(rate: float | None) -> float:
    """Return a discount rate that was asked for, checked; else the shipped one.

    Raises
    ------
    InputError
        If it is no share from 0 to below 1.
    """
    if rate is None:
        return read_costs().discount_rate.value
    if not 0 <= rate < 1:
        raise InputError(
            "the discount rate {rate:g} is not from 0 to below 1. It is a share: 8 % is 0.08.", rate=rate
        )
    return float(rate)


def discount_factor(years: np.ndarray | float, rate: float, base: float) -> np.ndarray:
    """Return what one yuan of a year is worth in the base year: (1 + rate)^(base - year).

    Parameters
    ----------
    years : points of time, any shape
    rate : yearly, as a share
    base : year of the present

    A yuan ten years off at 8 %; of today; without discounting; of last year:

    >>> float(discount_factor(2034, 0.08, 2024).round(4))
    0.4632
    >>> float(discount_factor(2024, 0.08, 2024)), float(discount_factor(2034, 0.0, 2024))
    (1.0, 1.0)
    >>> float(discount_factor(2023, 0.25, 2024))
    1.25
    """
    return (1.0 + rate) ** (base - np.asarray(years, dtype=float))


@dataclass(frozen=True)
class Money:
    """How yuan of different years become yuan of one.

    Parameters
    ----------
    years : (years,) points of time, rising
    rate : yearly discount rate, as a share; real where `prices` differ
    base : year whose prices and whose present is meant
    prices : (draws, years) price level; all 1 for a nominal rate
    """

    years: np.ndarray
    rate: float
    base: float
    prices: np.ndarray

    @property
    def worth(self) -> np.ndarray:
        """Return (draws, years) yuan of the base year that one yuan at each point of time is worth."""
        at_base = np.array([np.interp(self.base, self.years, path) for path in self.prices])
        return at_base[:, None] / self.prices * discount_factor(self.years, self.rate, self.base)

    def present_value(self, yearly: np.ndarray) -> np.ndarray:
        """Return what is paid in the years up to each point of time, as yuan of the base year.

        Parameters
        ----------
        yearly : (draws, ..., years) yuan in the year before each point

        Returns
        -------
        (draws, ...) yuan. Payments lie in the middle of their year on average, and are
        valued at the geometric mean of its two ends.
        """
        ends = self.worth
        middle = np.sqrt(ends[:, :-1] * ends[:, 1:])
        shape = (len(middle), *([1] * (yearly.ndim - 2)), middle.shape[1])
        return (yearly[..., 1:] * middle.reshape(shape)).sum(axis=-1)


def over_time(values: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Return the integral of yearly points (..., years) over the years: straight lines between them.

    >>> over_time(np.array([0.0, 2.0, 2.0]), np.array([2024.0, 2025.0, 2026.0])).item()
    3.0
    """
    from scipy.integrate import trapezoid

    return np.asarray(trapezoid(values, years, axis=-1))


def cost_ratio(cost: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Return cost per unit of effect; infinite where there is no effect, or a harmful one.

    A negative ratio would mix up a policy that saves money with one that does harm. Infinite
    ones keep their place in an order (worse than every price), so that quantiles over
    draws stay right; whoever shows them writes "not effective".

    >>> cost_ratio(np.array([8.0, 8.0, 0.0]), np.array([4.0, -4.0, 0.0])).tolist()
    [2.0, inf, inf]
    """
    cost, effect = np.broadcast_arrays(cost, effect)
    ratio = np.full(effect.shape, np.inf)
    np.divide(cost, effect, out=ratio, where=effect > 0)
    ratio[np.isnan(effect) | np.isnan(cost)] = np.nan
    return ratio


def ranked(values: np.ndarray, chances: tuple[float, ...] = BAND_AND_MEDIAN) -> np.ndarray:
    """Return quantiles over the first axis, (chances, ...), right with infinite values among them.

    >>> ranked(np.array([1.0, 2.0, 3.0, np.inf, np.inf]), (0.5, 0.9)).tolist()
    [3.0, inf]
    """
    return np.quantile(values, chances, axis=0, method="inverted_cdf")
