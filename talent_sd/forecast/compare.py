"""Differences of scenarios against a baseline, draw by draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.errors import InputError, UnitError, nearest
from talent_sd.base.messages import listed, tell

if TYPE_CHECKING:
    import xarray as xr

RELATIVE = ", relative"
"""Ending of the name under which a variable's relative change stands."""


def absolute_change(variant: xr.DataArray, baseline: xr.DataArray) -> xr.DataArray:
    """Change of a variant against the baseline, draw by draw, in the variable's own unit.

    Parameters
    ----------
    variant : dims (scenario, draw, time, ...), any unit
    baseline : dims (draw, time, ...), same unit and labels

    Returns
    -------
    dims (scenario, draw, time, ...), the variable's unit.

    Raises
    ------
    UnitError
        If the units differ.
    """
    _same_unit(variant, baseline)
    return (variant - baseline).assign_attrs(variant.attrs)


def relative_change(variant: xr.DataArray, baseline: xr.DataArray) -> xr.DataArray:
    """Change of a variant against the baseline, draw by draw.

    Draws are paired before the division, so uncertainty that both runs share
    cancels; take quantiles of this, never a difference of quantiles.

    Parameters
    ----------
    variant : dims (scenario, draw, time, ...), any unit
    baseline : dims (draw, time, ...), same unit and labels

    Returns
    -------
    dims (scenario, draw, time, ...), unit "1": 0.05 is +5 %. NaN where the baseline is 0.
    The change is measured against the baseline's size, so that a debt that shrinks is
    an increase.

    Raises
    ------
    UnitError
        If the units differ.
    """
    _same_unit(variant, baseline)
    size = abs(baseline)
    return ((variant - baseline) / size.where(size > 0)).assign_attrs({**variant.attrs, "units": "1"})


def compare(spread: xr.Dataset, baseline: str = "baseline") -> xr.Dataset:
    """Set every other scenario of a forecast against one of them.

    Parameters
    ----------
    spread : dims (scenario, draw, time, ...), as `simulate` gives it
    baseline : name on the scenario axis

    Returns
    -------
    For each variable its absolute change under its own name, and its relative change
    under "<name>, relative" (unit "1"; its attribute `baseline_minimum` is the baseline's
    lowest value); scenario axis without the baseline.

    Raises
    ------
    InputError
        If the baseline is not among the scenarios, or nothing is left to compare.
    """
    names = [str(name) for name in spread[SCENARIO].values]
    if baseline not in names:
        raise InputError(
            tell(
                "the baseline '{baseline}' is not among the scenarios compared: {names}.{hint}",
                baseline=baseline,
                names=listed(names),
                hint=nearest(baseline, names),
            )
        )
    others = [name for name in names if name != baseline]
    if not others:
        raise InputError(
            tell(
                "only '{baseline}' was given: name at least one more scenario to compare it with.",
                baseline=baseline,
            )
        )
    variant, reference = spread.sel({SCENARIO: others}), spread.sel({SCENARIO: baseline}, drop=True)
    changes: dict[str, xr.DataArray] = {}
    for name in map(str, spread.data_vars):
        if SCENARIO not in spread[name].dims:
            continue
        changes[name] = absolute_change(variant[name], reference[name])
        relative = relative_change(variant[name], reference[name])
        # whoever shows a percentage needs to know whether the baseline is a debt at times
        changes[name + RELATIVE] = relative.assign_attrs(baseline_minimum=float(reference[name].min()))
    for name, array in changes.items():
        kind = "Relative change" if name.endswith(RELATIVE) else "Change"
        level = str(spread[name.removesuffix(RELATIVE)].attrs.get("long_name", name)).rstrip(".")
        changes[name] = array.assign_attrs(long_name=f"{kind} against {baseline}: {level}")
    result = variant.drop_vars(list(variant.data_vars)).assign(changes)
    titles = {
        f"baseline_{name}": str(coordinate.sel({SCENARIO: baseline}).item())
        for name, coordinate in spread.coords.items()
        if str(name).startswith("title_")
    }
    return result.assign_attrs({**spread.attrs, "baseline": baseline, **titles})


def probability_better(change: xr.DataArray, lower_is_better: bool = False) -> xr.DataArray:
    """Share of the draws in which the scenario does better than the baseline.

    Parameters
    ----------
    change : dims (scenario, draw, time, ...), absolute or relative

    Returns
    -------
    dims (scenario, time, ...), unit "1". Draws without any difference count half, so a
    scenario that changes nothing scores 0.5.
    """
    gain = -change if lower_is_better else change
    return ((gain > 0).mean(DRAW) + 0.5 * (gain == 0).mean(DRAW)).assign_attrs(units="1")


CLEAR = 0.9
"""An effect is clear where this share of the draws, or more, agrees on its direction."""


def first_clear_year(change: xr.DataArray) -> xr.DataArray:
    """First year from which on an effect is clear: in it and all years after nine draws in ten agree.

    Parameters
    ----------
    change : dims (scenario, draw, time, ...), absolute or relative

    Returns
    -------
    dims (scenario, ...), unit "year"; NaN where that is so in no year to the end, and of a single draw.
    """
    import numpy as np

    more = probability_better(change)
    found = []
    for agreed in (more >= CLEAR, more <= 1 - CLEAR):
        lasting = agreed.isel({TIME: slice(None, None, -1)}).cumprod(TIME).isel({TIME: slice(None, None, -1)})
        found.append(change[TIME].where(lasting > 0).min(TIME))
    first = found[0].fillna(found[1])
    if change.sizes[DRAW] == 1:
        first = first.where(False, np.nan)
    return first.assign_attrs(units="year")


def _same_unit(variant: xr.DataArray, baseline: xr.DataArray) -> None:
    ours, theirs = variant.attrs.get("units", ""), baseline.attrs.get("units", "")
    if ours != theirs:
        raise UnitError(
            tell(
                "'{variant}' is in '{ours}', its baseline in '{theirs}': they cannot be compared.",
                variant=variant.name,
                ours=ours,
                theirs=theirs,
            )
        )
