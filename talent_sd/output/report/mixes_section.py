"""What all mixes add and cost, side by side, in all draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW
from talent_sd.base.language import N_
from talent_sd.output.policies.policy_tables import MIXES_SINGLE, MIXES_TOLD, cost_words
from talent_sd.output.report.html_pieces import Cell, Group, Part, Row, Table
from talent_sd.output.report.material import Material
from talent_sd.output.report.outputs_section import band_headings
from talent_sd.output.speech import Speech, digits, interval, signed, year_spans
from talent_sd.policies.policy_table import mixes_by_worth, ranked

if TYPE_CHECKING:
    import xarray as xr

COST_BAND = N_("{amount} ({low} … {high} in 80 % of the {draws} draws)")
MEASURES = {
    "person": N_("Yuan per person more in the last year"),
    "person_year": N_("Yuan per person-year"),
    "patent": N_("Yuan per patent"),
    "tax_base": N_("Yuan per yuan of tax base"),
}
WORTH = {"adds": N_("Adds, {unit}"), "cost": N_("Present value, {unit}"), "yearly": N_("Paid, {unit}")}


def mixes_part(effects: xr.Dataset, material: Material, say: Speech) -> Part:
    """Make the table of all mixes by what a person costs, in all draws."""
    mixes, titles = mixes_by_worth(effects), material.titles(say.lang)
    unit = str(effects["unit"].values[0])
    scales = [
        say.scale(max(abs(float(values.median())) for values in found), unit)
        for found, unit in (
            ([one.adds for one in mixes], unit),
            ([one.cost for one in mixes], "yuan"),
            ([one.yearly for one in mixes], "yuan/year"),
        )
    ]
    many = mixes[0].adds.sizes.get(DRAW, 1) > 1
    rows = []
    for one in mixes:
        cells = [Cell(year_spans(one.years, say.lang))]
        for name, values, scale in zip(WORTH, (one.adds, one.cost, one.yearly), scales, strict=True):
            ends = interval(values) if many else ()
            for key, value in zip(
                (name, f"{name}_lower", f"{name}_upper"), (float(values.median()), *ends), strict=False
            ):
                cells.append(Cell((signed if name == "adds" else digits)(value / scale.factor), value, key))
        ends = ranked(one.per_person.values).tolist()
        for key, value in zip(
            ("", "_lower", "_upper"), (ends[1], ends[0], ends[2]) if many else ends[1:2], strict=False
        ):
            cells.append(Cell(digits(value) if np.isfinite(value) else "∞", value, f"cost_per_person{key}"))
        if len(mixes) > 1:
            cells.append(Cell(say.chance(one.cheapest), one.cheapest, "cheapest"))
        rows.append(Row(titles[one.name], cells, {"scenario": one.name}))
    bands = band_headings(say, 80) if many else []
    headings = [say("Mix"), say("Years")]
    for text, scale in zip(WORTH.values(), scales, strict=True):
        headings += [say(text, unit=say.unit(scale)), *bands]
    headings += [say(MEASURES["person"]), *bands, *([say("Cheapest in")] if len(mixes) > 1 else [])]
    how = MIXES_TOLD if many else MIXES_SINGLE
    note = say(how, draws=int(effects.attrs.get("among", 1)), **cost_words(effects))
    caption = say("What each mix adds and costs, the cheapest person first")
    return Part(
        f"{say.lang}-mixes", say("All mixes"), [], [Table(caption, headings, [Group("", rows)], note=note)]
    )


def money_told(costs: xr.DataArray, unit: str, say: Speech) -> str:
    """Return an amount of money with its interval and the number of draws."""
    scale = say.scale(middle := float(costs.median()), unit)
    amount = say.amount(middle, scale)
    if costs.sizes.get(DRAW, 1) < 2:
        return amount
    low, high = (digits(end / scale.factor) for end in interval(costs))
    return say(COST_BAND, amount=amount, low=low, high=high, draws=costs.sizes[DRAW])
