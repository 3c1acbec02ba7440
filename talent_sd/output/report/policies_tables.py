"""The tables of a mix's policies: what each adds and costs, and the mix against the sum of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, TIME
from talent_sd.output.numbers import Scale, digits
from talent_sd.output.report.html_pieces import Cell, Group, Row, Table
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.sentences import Speech
from talent_sd.policies.policy_costs import ranked

if TYPE_CHECKING:
    import xarray as xr


def draws_among(effects: xr.Dataset) -> int:
    """Return how many draws the comparison has, where mixes were split in fewer; else 0."""
    among = int(effects.sizes.get("member", 0))
    return among if among > effects.sizes[DRAW] else 0


def output_scales(one: xr.Dataset, speech: Speech) -> dict[str, Scale]:
    """Return the scale in which each output's shares are told."""
    last = one["total"].isel({TIME: -1}).median(DRAW)
    units = one["unit"].values
    return {
        str(name): speech.scale(abs(float(last.sel(output=name))), str(unit))
        for name, unit in zip(one["output"].values, units, strict=True)
    }


def sum_of_parts(one: xr.Dataset) -> xr.DataArray:
    """Return what the policies do one by one, added up: (output, draw)."""
    return one["alone"].isel({TIME: -1}).sum("policy", skipna=True)


def contributions(one: xr.Dataset, name: str, material: Material, speech: Speech) -> Table:
    """Make the table of what each policy adds in the last year; the last rows are the mix."""
    scales = output_scales(one, speech)
    last = one["contribution"].isel({TIME: -1}).median(DRAW)
    total = one["total"].isel({TIME: -1}).median(DRAW)
    order = np.argsort(-last.isel(output=0).values)
    rows = []
    for policy in one["policy"].values[order]:
        values = {output: float(last.sel(output=output, policy=policy)) for output in scales}
        rows.append(
            _row(material.labels.element(str(policy), speech.lang), values, scales, name, str(policy))
        )
    whole = {output: float(total.sel(output=output)) for output in scales}
    among = draws_among(one)
    heading = speech("mix.whole_draws", draws=one.sizes[DRAW]) if among else speech("mix.whole")
    rows.append(_row(heading, whole, scales, name, ""))
    if among:
        all_draws = one["total_among"].isel({TIME: -1}).median("member")
        whole = {output: float(all_draws.sel(output=output)) for output in scales}
        rows.append(_row(speech("mix.whole_among", among=among), whole, scales, name, "", "total_among"))
    headings = [speech("policy"), *_headings(scales, material, speech)]
    year = f"{float(one[TIME][-1]):g}"
    note = _contributions_note(one, scales, material, speech) if one.sizes[DRAW] > 1 else ""
    return Table(speech("caption.contributions", year=year), headings, [Group("", rows)], note=note)


def _contributions_note(
    one: xr.Dataset, scales: Mapping[str, Scale], material: Material, speech: Speech
) -> str:
    """Say that medians do not add up, and how far they can be off for having few draws."""
    name, scale = next(iter(scales.items()))
    shares = one["contribution"].isel({TIME: -1}).sel(output=name)
    error = speech.amount(float(median_error(shares).max()), scale)
    output = material.labels.variable(name, speech.lang)
    return ("" if speech.lang == "zh" else " ").join(
        [speech("note.medians"), speech("note.error", output=output, amount=error)]
    )


def median_error(values: xr.DataArray) -> xr.DataArray:
    """Return the standard error of the median of random draws (draw, ...), from the order statistics around it.

    One standard error of the rank is half the root of the number of draws. Draws spread evenly
    over what goes along with the values err less.

    >>> import xarray as xr
    >>> round(float(median_error(xr.DataArray(np.arange(101.0), dims="draw"))), 2)
    4.98
    """
    reach = min(0.5, 0.5 / np.sqrt(values.sizes[DRAW]))
    ends = values.quantile([0.5 - reach, 0.5 + reach], DRAW)
    return (ends.isel(quantile=1) - ends.isel(quantile=0)) / 2


def _row(
    heading: str,
    values: Mapping[str, float],
    scales: Mapping[str, Scale],
    scenario: str,
    policy: str,
    column: str = "contribution",
) -> Row:
    cells = [
        Cell(_signed(value / scales[output].factor), value, f"{column}:{output}")
        for output, value in values.items()
    ]
    return Row(heading, cells, {"scenario": scenario, "policy": policy})


def _headings(scales: Mapping[str, Scale], material: Material, speech: Speech) -> list[str]:
    return [
        speech("column.unit", name=material.labels.variable(output, speech.lang), unit=speech.unit(scale))
        for output, scale in scales.items()
    ]


def sums(one: xr.Dataset, name: str, material: Material, speech: Speech) -> Table:
    """Make the table that holds the mix against the sum of its parts, with the 80 % interval."""
    rows = []
    total, parts = one["total"].isel({TIME: -1}), sum_of_parts(one)
    for output, scale in output_scales(one, speech).items():
        whole, apart = total.sel(output=output), parts.sel(output=output)
        excess = whole - apart
        told = {"total": whole.median(), "parts": apart.median(), "synergy": excess.median()}
        if one.sizes[DRAW] > 1:
            told["synergy_lower"], told["synergy_upper"] = excess.quantile([0.1, 0.9], DRAW)
        cells = [Cell(_signed(float(value) / scale.factor), float(value), key) for key, value in told.items()]
        label = speech(
            "column.unit", name=material.labels.variable(output, speech.lang), unit=speech.unit(scale)
        )
        rows.append(Row(label, cells, {"scenario": name, "output": output}))
    headings = [speech("what"), speech("mix.whole"), speech("mix.parts"), speech("mix.difference")]
    if one.sizes[DRAW] > 1:
        headings += [speech(key, band=80) for key in ("column.band", "column.band_to")]
    return Table(speech("caption.sums"), headings, [Group("", rows)])


def costs(one: xr.Dataset, name: str, material: Material, speech: Speech) -> Table:
    """Make the table of what each policy costs: yuan paid, present value, per unit of what it adds."""
    present = one["present_cost"].median(DRAW)
    paid = one["spending"].sum(TIME, skipna=True).median(DRAW)
    per = middle(one["cost_per"])
    caused = one["caused_cost"].median(DRAW) if "caused_cost" in one else None
    money = speech.scale(max(float(abs(present).max()), float(abs(paid).max())), "yuan")
    one_yuan = speech.scale(1.0, "yuan")
    measures = [str(measure) for measure in per["measure"].values]
    rows = []
    for policy in one["policy"].values[np.argsort(-present.values)]:
        cells = []
        for key, value, scale in [
            ("spending", float(paid.sel(policy=policy)), money),
            ("present_cost", float(present.sel(policy=policy)), money),
            *((("caused_cost", float(caused.sel(policy=policy)), money),) if caused is not None else ()),
            *((f"cost_per:{m}", float(per.sel(policy=policy, measure=m)), one_yuan) for m in measures),
        ]:
            text = speech("no_effect") if np.isinf(value) else digits(value / scale.factor)
            cells.append(Cell(text, value, key))
        about = {"scenario": name, "policy": str(policy)}
        rows.append(Row(material.labels.element(str(policy), speech.lang), cells, about))
    headings = [
        speech("policy"),
        speech("cost.paid", unit=money.unit),
        speech("cost.present", unit=money.unit),
        *([speech("cost.caused", unit=money.unit)] if caused is not None else []),
        *(speech(f"cost.{measure}") for measure in measures),
    ]
    return Table(speech("caption.costs"), headings, [Group("", rows)], note=speech("cost.note"))


def middle(ratio: xr.DataArray) -> xr.DataArray:
    """Return the median over draws by the rule of policies.csv, right with infinite values among them."""
    first = ratio.transpose(DRAW, ...)
    return first.isel({DRAW: 0}, drop=True).copy(data=ranked(first.values, (0.5,))[0])


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{digits(value)}"
