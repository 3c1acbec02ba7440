"""What a scenario changes, in sentences that a mayor understands; what all mixes add and cost, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, NOTHING
from talent_sd.forecast.compare import CLEAR, OTHER, ranking
from talent_sd.output.headline_outputs import TOTAL, Output
from talent_sd.output.policies.policy_tables import mixes_note, no_ratio
from talent_sd.output.report.html_pieces import Cell, Group, KeyEntry, Part, Row, Table
from talent_sd.output.report.material import Material
from talent_sd.output.report.outputs_section import band_headings, key_entries
from talent_sd.output.speech import Speech, digits, interval, signed, year_spans
from talent_sd.policies.policy_table import in_all_draws, mixes_by_worth, ranked

if TYPE_CHECKING:
    import xarray as xr

HEADLINE_INTERVAL = N_("median of {draws} draws, 80 % of them between {low} and {high}")
SAME = N_("No change at the median")
SENTENCE = N_("{scenario}: {change} {rest}.")

COUNTED = ("person", "patent")
COST_BAND = N_("{amount} ({low} … {high} in 80 % of the {draws} draws)")
MEASURES = {
    "person": N_("Yuan per person more in the last year"),
    "person_year": N_("Yuan per person-year"),
    "patent": N_("Yuan per patent"),
    "tax_base": N_("Yuan per yuan of tax base"),
}
WORTH = {"adds": N_("Adds, {unit}"), "cost": N_("Present value, {unit}"), "yearly": N_("Paid, {unit}")}


@dataclass(frozen=True)
class Headline:
    """A sentence about an output: its name, the change in large type, the rest."""

    output: str
    change: str
    rest: str
    good: bool | None


def cards(
    outputs: list[Output], material: Material, say: Speech
) -> list[tuple[KeyEntry, str, list[Headline]]]:
    """Return key, question and headlines of each scenario compared; tiers of talent are left to the plots."""
    keys = key_entries(material, say)
    return [
        (
            keys[name],
            say.both(material.resolved[name].scenario.question),
            [*(headline(one, name, say) for one in outputs if not one.chosen), *_place(material, name, say)],
        )
        for name in material.compared
    ]


def _place(material: Material, name: str, say: Speech) -> list[Headline]:
    """Return the sentence about a scenario's rank by talent, whom it beats how often, and what it costs."""
    spread = material.spread
    if len(material.compared) < 2 or TOTAL not in spread or spread.sizes[DRAW] < 2:
        return []
    one = ranking(spread, [TOTAL]).isel(output=0)
    titles = material.titles(say.lang)
    rest = [
        say("beats {scenario} in {share} of the draws", scenario=titles[other],
            share=say.chance(float(one["better"].sel({SCENARIO: name, OTHER: other}))))
        for other in material.compared if other != name
    ]  # fmt: skip
    if material.policies is not None and name in material.policies[SCENARIO].values:
        costs = in_all_draws(material.policies, "mix_cost").sel({SCENARIO: name})
        rest.append(say("costs {amount} in all, present value", amount=money_told(costs, "yuan", say)))
    rank = say("{rank} of {count}", rank=int(one["rank"].sel({SCENARIO: name})), count=spread.sizes[SCENARIO])
    return [Headline(say("Rank by talent"), rank, say("; ").join(rest), None)]


def headline(output: Output, name: str, say: Speech) -> Headline:
    """Return the sentence about one output of one scenario in the last year."""
    one = output.at(scenario=name)
    last, title = one.last.values, one.title(say.labels, say.lang)
    year, told = f"{float(last[TIME]):g}", one.last.told
    if not bool((one.values != 0).any()):
        return Headline(title, say("No difference"), say("in any year or draw"), None)
    scale = say.scale(told.size, one.unit)
    still = abs(told.middle) <= NOTHING * told.reach
    text = say(SAME) if still else _directed(one, told.middle, say.amount(abs(told.middle), scale), say)
    rest = [say("in {year}", year=year)]
    if told.share == told.share:
        rest = [say("in {year} ({share})", year=year, share=say.percent(told.share))]
    good = None
    if last.sizes[DRAW] > 1:
        low, high = (
            signed(end / scale.factor, beside=told.reach / scale.factor) for end in (told.low, told.high)
        )
        certain, good = _certainty(one, say)
        rest += [say(HEADLINE_INTERVAL, draws=last.sizes[DRAW], low=low, high=high), *certain]
    return Headline(title, text, say("; ").join(rest), good)


def _certainty(one: Output, say: Speech) -> tuple[list[str], bool | None]:
    """Say how probable it is to do better and since when that is clear; and whether it is clearly good."""
    better = one.better
    chance = say("better in {chance} of the draws", chance=say.chance(float(better.isel({TIME: -1}))))
    for good, certain, told in (
        (True, better >= CLEAR, N_("clearly better from {year} on")),
        (False, better <= 1 - CLEAR, N_("clearly worse from {year} on")),
    ):
        first = _first_lasting(certain.values.tolist())
        if first is not None:
            year = f"{float(better[TIME][first]):g}"
            return [chance, say(told, year=year)], good
    return [chance, say("not clear by the last year")], None


def _first_lasting(held: list[bool]) -> int | None:
    """Return where a condition begins to hold to the end.

    >>> _first_lasting([True, False, True, True]), _first_lasting([True, False])
    (2, None)
    """
    if not held or not held[-1]:
        return None
    return max((place + 1 for place, one in enumerate(held) if not one), default=0)


DIRECTED = {
    "count": (N_("{amount} fewer"), N_("{amount} more")),
    "time": (N_("{amount} shorter"), N_("{amount} longer")),
    "size": (N_("{amount} lower"), N_("{amount} higher")),
}


def _directed(one: Output, value: float, amount: str, say: Speech) -> str:
    """Return an amount with "more", "higher", "longer", or their opposites."""
    head = one.unit.partition("/")[0].strip()
    kind = "count" if head in COUNTED else "time" if head == "year" else "size"
    amount = amount.replace("/year", say(" a year"))
    return say(DIRECTED[kind][value >= 0], amount=amount)


def output_sentences(output: Output, material: Material, say: Speech) -> list[str]:
    """Return a sentence for each scenario, to stand over an output's plots."""
    titles, sentences = material.titles(say.lang), []
    for name in material.compared:
        told = headline(output, name, say)
        sentences.append(say(SENTENCE, scenario=titles[name], change=told.change, rest=told.rest))
    return sentences


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
        text = digits(ends[1]) if np.isfinite(ends[1]) else no_ratio(one.adds, say.lang)
        cells.append(Cell(text, ends[1], "cost_per_person"))
        for key, value in zip(("_lower", "_upper"), ends[::2] if many else (), strict=False):
            cells.append(Cell(digits(value) if np.isfinite(value) else "∞", value, f"cost_per_person{key}"))
        if len(mixes) > 1:
            cells.append(Cell(say.chance(one.cheapest), one.cheapest, "cheapest"))
        rows.append(Row(titles[one.name], cells, {"scenario": one.name}))
    bands = band_headings(say, 80) if many else []
    headings = [say("Mix"), say("Years")]
    for text, scale in zip(WORTH.values(), scales, strict=True):
        headings += [say(text, unit=say.unit(scale)), *bands]
    headings += [say(MEASURES["person"]), *bands, *([say("Cheapest in")] if len(mixes) > 1 else [])]
    note = mixes_note(effects, mixes, say.lang)
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
