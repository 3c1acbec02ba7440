"""What each policy of a mix adds and costs, in sentences and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.output.numbers import Scale, digits
from talent_sd.output.report.html_pieces import Cell, Group, Plot, Row, Table
from talent_sd.output.report.pictures import inline_svg
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


MOST_NAMED = 2
"""So many policies are named as those that add most."""


@dataclass(frozen=True)
class PolicyPart:
    """The mix of one scenario: sentences, plots and the tables behind them."""

    ident: str
    title: str
    sentences: list[str]
    plots: list[Plot] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def policy_parts(material: Material, speech: Speech) -> list[PolicyPart]:
    """Return a part for each mix of the policies' dataset; nothing where there is none."""
    effects = material.policies
    if effects is None:
        return []
    parts = []
    for number, name in enumerate(str(name) for name in effects[SCENARIO].values):
        one = effects.sel({SCENARIO: name})
        mix = one["contribution"].isel({TIME: -1}).notnull().any([DRAW, "output"])
        one = one.sel(policy=one["policy"].values[mix.values])
        title = speech.both(material.resolved[name].scenario.title)
        figures = material.policy_plots.get(speech.lang, {}).get(name, [])
        ident = f"{speech.lang}-policies-{number}"
        plots = [
            Plot(inline_svg(figure, f"{ident}-{place}", f"{title}{speech('colon')}{caption}", caption))
            for place, (caption, figure) in enumerate(figures)
        ]
        sentences = [
            *_sum_sentences(one, material, speech),
            *_pair_sentences(one, material, speech),
            *_cost_sentences(one, material, speech),
        ]
        tables = [contributions(one, name, material, speech)]
        if one.sizes["policy"] > 1:
            tables.append(sums(one, name, material, speech))
        if "present_cost" in one:
            tables.append(costs(one, name, material, speech))
        parts.append(PolicyPart(ident, title, sentences, plots, tables))
    return parts


def policies_lead(material: Material, speech: Speech) -> str:
    """Return how the attribution was done, with how many draws and at which discount rate."""
    if material.policies is None:
        return ""
    attrs = material.policies.attrs
    draws = int(attrs.get("draws", material.policies.sizes[DRAW]))
    rate = f"{100 * float(attrs.get('discount_rate', 0)):g}"
    lead = speech("policies.lead" if draws > 1 else "policies.lead_single", draws=draws, rate=rate)
    among = draws_among(material.policies)
    told = [lead, speech("policies.among", draws=draws, among=among)] if among else [lead]
    lead = ("" if speech.lang == "zh" else " ").join([*told, speech("policies.against")])
    return lead if attrs.get("exact", 1) else f"{lead} {speech('policies.sampled')}"


def _told_total(one: xr.Dataset, name: str, scale: Scale, speech: Speech) -> str:
    """Return what the mix does in the last year: the median over all draws, and over those split."""
    last = one.isel({TIME: -1}).sel(output=name)
    split = speech.amount(float(last["total"].median()), scale, signed=True)
    among = draws_among(one)
    if not among:
        return split
    total = speech.amount(float(last["total_among"].median()), scale, signed=True)
    return speech("mix.total_among", total=total, split=split, among=among, draws=one.sizes[DRAW])


def _sum_sentences(one: xr.Dataset, material: Material, speech: Speech) -> list[str]:
    """Say for each output what the mix does, who adds most, and whether it is more than its parts."""
    scales, sentences = output_scales(one, speech), []
    year = f"{float(one[TIME][-1]):g}"
    for name, scale in scales.items():
        total = one["total"].isel({TIME: -1}).sel(output=name)
        parts = sum_of_parts(one).sel(output=name)
        excess = float((total - parts).median())
        shares = one["contribution"].isel({TIME: -1}).sel(output=name).median(DRAW)
        size = abs(float(parts.median()))
        said = speech(
            "mix.exceeds" if excess > 0 else "mix.falls_short",
            output=material.labels.variable(name, speech.lang),
            year=year,
            total=_told_total(one, name, scale, speech),
            most=_most(shares, scale, material, speech),
            excess=speech.amount(abs(excess), scale),
            share=speech.percent(excess / size if size else float("nan")),
        )
        if total.sizes[DRAW] > 1:
            more = float((total - parts > 0).mean())
            said += speech("mix.certainty", chance=speech.chance(more))
        sentences.append(said if shares.sizes["policy"] > 1 else _lone(name, one, scale, material, speech))
    return sentences


def _lone(name: str, one: xr.Dataset, scale: Scale, material: Material, speech: Speech) -> str:
    amount = _told_total(one, name, scale, speech)
    return speech("mix.lone", output=material.labels.variable(name, speech.lang), total=amount)


def _most(shares: xr.DataArray, scale: Scale, material: Material, speech: Speech) -> str:
    """Name the policies that add most, with how much."""
    order = np.argsort(-np.sign(float(shares.sum())) * shares.values)[:MOST_NAMED]
    return speech("listing").join(
        speech(
            "named",
            name=material.labels.element(str(shares["policy"].values[place]), speech.lang),
            amount=speech.amount(float(shares[place]), scale, signed=True),
        )
        for place in order
    )


def _pair_sentences(one: xr.Dataset, material: Material, speech: Speech) -> list[str]:
    """Name the pair that gains most from being together and the one that loses most, in the first output."""
    if "interaction" not in one or one.sizes["policy"] < 2:
        return []
    output = str(one["output"].values[0])
    pairs = one["interaction"].isel({TIME: -1}).sel(output=output, other=one["policy"].values).median(DRAW)
    values = np.where(
        np.triu(np.ones(pairs.shape, bool), 1), pairs.transpose("policy", "other").values, np.nan
    )
    if not np.isfinite(values).any():
        return []
    scale, sentences = output_scales(one, speech)[output], []
    for key, place in (("pair.helps", np.nanargmax(values)), ("pair.hinders", np.nanargmin(values))):
        row, column = np.unravel_index(place, values.shape)
        value = float(values[row, column])
        if (value > 0) is (key == "pair.helps") and value:
            names = (
                material.labels.element(str(one["policy"].values[i]), speech.lang) for i in (row, column)
            )
            told = dict(zip(("first", "second"), names, strict=True))
            amount = speech.amount(abs(value), scale)
            label = material.labels.variable(output, speech.lang)
            sentences.append(speech(key, **told, amount=amount, output=label))
    return sentences


def _cost_sentences(one: xr.Dataset, material: Material, speech: Speech) -> list[str]:
    """Say what the mix costs, and which policy holds a person for least."""
    if "present_cost" not in one:
        return []
    cost = float(one["present_cost"].sum("policy", skipna=True).median())
    scale = speech.scale(abs(cost), "yuan")
    sentences = [speech("cost.mix", cost=speech.amount(cost, scale), base=_base_year(one))]
    if "mix_cost_per" in one:
        whole = float(middle(one["mix_cost_per"].sel(measure="person")))
        told = (
            speech("cost.mix_person", cost=_money(whole, speech))
            if np.isfinite(whole)
            else speech("cost.mix_nobody")
        )
        sentences.append(told)
    per = middle(one["cost_per"].sel(measure="person"))
    finite = np.isfinite(per.values)
    if finite.sum() > 1:
        best, worst = (
            int(pick(np.where(finite, per.values, fill)))
            for pick, fill in ((np.argmin, np.inf), (np.argmax, -np.inf))
        )
        sentences.append(
            speech(
                "cost.span",
                best=material.labels.element(str(per["policy"].values[best]), speech.lang),
                least=_money(float(per[best]), speech),
                worst=material.labels.element(str(per["policy"].values[worst]), speech.lang),
                most=_money(float(per[worst]), speech),
            )
        )
    return sentences


def _base_year(one: xr.Dataset) -> str:
    return (
        f"{float(one.attrs['base_year']):g}"
        if "base_year" in one.attrs
        else str(one.attrs.get("price_basis", ""))
    )


def _money(value: float, speech: Speech) -> str:
    return speech.amount(value, speech.scale(abs(value), "yuan"))
