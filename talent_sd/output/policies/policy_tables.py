"""The table of a mix's policies for the terminal: what each adds, and what that costs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.language import N_, fixed, tell
from talent_sd.inputs.labels import Labels
from talent_sd.output.speech import (
    MILLIONS,
    NO_BREAK,
    Scale,
    chance,
    city_name,
    digits,
    interval,
    letter,
    scale_for,
    scenario_titles,
    sentences,
    signed,
    span,
    year_spans,
)
from talent_sd.output.terminal_tables import explain, numbers, rich_table, words
from talent_sd.policies.policy_table import Worth, in_all_draws, mix_of, mixes_by_worth, ranked, years_paid

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

    Numbers = tuple[xr.DataArray, xr.DataArray, xr.DataArray, xr.DataArray, xr.DataArray]

CHANCE = N_(" (80 % of the draws: {low} … {high}; more than the sum in {share})")
DRAWS_AMONG = N_(
    "{draws} of the {among} draws, spread evenly over what the mix does (yuan paid: of all {among}),"
)
EXACT = N_("Exact Shapley shares; in each draw they add up to the mix, their medians nearly. ")
EXCEEDS = N_("The mix exceeds the sum of what its policies do on their own by {amount} {unit}")
HOW = N_(
    "Median of {draws} with 80 % interval; a cost per person is the median of the draws' ratios, not the ratio of the medians "
    "beside it. Costs discounted to {year} at {rate} % a year, in its prices. "
    "Years: those in which it pays, as far as the forecast counts; what comes after counts for nothing."
)
ENDLESS = N_("∞: a cost without end, as more than one draw in ten adds nothing.")
HOW_SINGLE = N_(
    "One run with the model's own constants; costs discounted to {year} at {rate} % a year, in its prices. "
    "Years: those in which it pays, as far as the forecast counts; what comes after counts for nothing."
)
MIXES = N_("{city}: what the mixes add to {output} in {year} and cost, the cheapest person first")
MIXES_SINGLE = N_(
    "One run with the model's own constants. Cost in all: present value in {year}, at {rate} % a year and in its prices. Paid: "
    "yuan of the day, the mean of the years in which the mix pays."
)
CHEAPEST = N_("Cheapest in: share of the draws in which a person costs least through this mix.")
MIXES_AGAINST = N_(
    "Against the same scenario without its policies: its shocks and assumptions stay on in both."
)
MIXES_TOLD = N_(
    "Medians of all {draws} draws with 80 % intervals. Cost in all: present value in {year}, at {rate} % a year and in its "
    "prices. Paid: yuan of the day, the mean of the years in which the mix pays. A cost per person is the median of the draws' "
    "ratios."
)
PLANS = N_("{city}, {budget} million yuan a year: {goal}")
PLANS_TOLD = N_(
    "Gain over the baseline, {unit}: median of {draws} draws, below it the 80 % interval. Regret: what is missed of the best "
    "of these plans, in nine draws of ten at most. Beats: share of draws."
)
SAMPLED = N_(
    "Shapley shares from sampled orders, with standard error; in each draw they add up to the mix, their medians nearly. "
)
SHORT = N_("The mix falls short of the sum of what its policies do on their own by {amount} {unit}")
WHY = N_(": {budget} through the budget they share, {rest} through complementarity less overlap.")
WHY_MEDIANS = N_(
    ". Of it {budget} comes through the budget they share, {rest} through complementarity less overlap: medians each, which "
    "need not add up."
)


def policies_table(
    effects: xr.Dataset, scenario: str, labels: Labels, lang: str = "en", output: str | None = None
) -> Table:
    """Make the table of one scenario's policies, the one that adds most first; the last row is the mix.

    Parameters
    ----------
    effects : as `policy_effects` gives them
    scenario : name on its scenario axis
    output : what policies add to; the first of the effects by default
    """
    one = mix_of(effects, scenario)
    spending, one = one["paid_in_year"], one.isel({TIME: -1})
    output = str(one["output"].values[0]) if output is None else output
    of = one.sel(output=output)
    people = scale_for(float(abs(of["total"].median())), str(of["unit"].values), lang)
    money = scale_for(float(one["mix_cost"].median()), "yuan", lang)
    title = tell(
        "{city}, {scenario}: what each policy adds to {output} in {year} ({unit}), and what it costs",
        lang,
        city=city_name(effects, lang),
        scenario=scenario_titles(effects, lang)[scenario],
        output=labels.variable(output, lang),
        year=f"{float(one[TIME]):g}",
        unit=people.unit or tell("dimensionless", lang),
    )
    longest = max(
        cell_len(word) for policy in of["policy"].values for word in labels.element(str(policy), lang).split()
    )
    costs = (tell("Cost\n({unit})", lang, unit=money.unit), *(tell(key, lang) for key in HEADINGS.values()))
    table = rich_table(
        title,
        *words(tell("Policy", lang), overflow="fold", width=max(10, min(14, longest))),
        *numbers(tell("Adds", lang), overflow="fold", max_width=8),
        *numbers(tell("Alone", lang), *costs, overflow="fold", max_width=9),
    )
    order = np.argsort(-of["contribution"].median(DRAW).values, kind="stable")
    for policy in of["policy"].values[order]:
        own = of.sel(policy=policy)
        cells = _cells(*policy_numbers(own), people, money, lang)
        years = year_spans(years_paid(spending.sel(policy=policy)), lang)
        table.add_row(cell_of_years(labels.element(str(policy), lang), years), *cells)
    table.add_section()
    whole = _cells(*mix_numbers(of), people, money, lang)
    table.add_row(tell("Whole mix", lang), *whole, style="bold")
    among = int(effects.attrs.get("among", 0))
    if among > of.sizes[DRAW]:
        adds, cost, per, amount = (
            in_all_draws(of, key) for key in ("total", "mix_cost", "mix_cost_per", "mix_amount")
        )
        whole = _cells(adds, adds, cost, per, amount, people, money, lang)
        whole[1] = ""  # each alone was run in the draws split
        table.add_row(tell("Whole mix,\nall {among}\ndraws", lang, among=among), *whole)
    endless = any("∞" in str(cell) for column in table.columns for cell in column.cells)
    told = excess_text(of, lang), method_text(effects, lang), tell(ENDLESS, lang) if endless else ""
    explain(table, *told, lang=lang)
    return table


def cell_of_years(label: str, years: str) -> Text:
    """Return a row's name with its years below it, each run of years on a line of its own."""
    return Text("\n".join(filter(None, (label, *re.split(r"(?<=,) |(?<=、)", years)))))


def mixes_table(effects: xr.Dataset, labels: Labels, lang: str = "en") -> Table:
    """Make the table of what each mix adds, costs in all and a year, and what a person costs: the cheapest first."""
    mixes, titles = mixes_by_worth(effects), scenario_titles(effects, lang)
    last = effects.isel({TIME: -1, "output": 0})
    people = scale_for(max(abs(float(one.adds.median())) for one in mixes), str(last["unit"].values), lang)
    cost, yearly = (
        scale_for(max(float(of.median()) for of in found), unit, lang)
        for found, unit in (([m.cost for m in mixes], "yuan"), ([m.yearly for m in mixes], "yuan/year"))
    )
    words_of = {"city": city_name(effects, lang), "output": labels.variable(str(last["output"].values), lang)}
    table = rich_table(
        tell(MIXES, lang, **words_of, year=f"{float(last[TIME]):g}"),
        *words(tell("Mix", lang), overflow="fold", max_width=18),
        *numbers(
            tell("Adds\n({unit})", lang, unit=people.unit),
            tell("Cost in all\n({unit})", lang, unit=cost.unit),
        ),
        *numbers(tell("Paid\n({unit})", lang, unit=yearly.unit), tell(HEADINGS["person"], lang)),
        *([numbers(tell("Cheapest\nin", lang))[0]] if len(mixes) > 1 else []),
    )
    for one in mixes:
        many = one.adds.sizes.get(DRAW, 1) > 1
        told = []
        for values, scale in ((one.adds, people), (one.cost, cost), (one.yearly, yearly)):
            own = values / scale.factor
            middle = (signed if values is one.adds else digits)(float(own.median()))
            told.append(f"{middle}\n{_band(own)}" if many else middle)
        told.append(ratio_text(one.per_person / FACTORS[lang]["person"], one.adds, lang, many))
        told += [chance(one.cheapest, lang)] if len(mixes) > 1 else []
        table.add_row(cell_of_years(titles[one.name], year_spans(one.years, lang)), *told)
    explain(table, mixes_note(effects, mixes, lang))
    return table


def mixes_note(effects: xr.Dataset, mixes: Sequence[Worth], lang: str) -> str:
    """Say what mixes are held against, and what their numbers are."""
    how = MIXES_TOLD if mixes[0].adds.sizes.get(DRAW, 1) > 1 else MIXES_SINGLE
    told = tell(how, lang, draws=int(effects.attrs.get("among", 1)), **cost_words(effects))
    return sentences(lang, tell(MIXES_AGAINST, lang), told, tell(CHEAPEST, lang) if len(mixes) > 1 else "")


def plans_table(plans: xr.Dataset, goal: str, labels: Labels, lang: str = "en") -> Table:
    """Make the table of what the plans that a search found gain for one goal, and how surely.

    Parameters
    ----------
    plans : as `talent_sd.search.optimise` gives them
    """
    one = plans.sel(goal=goal)
    names = list(map(str, plans["plan"].values))
    scale = scale_for(float(abs(one["gain"]).max()), str(one["unit"].item()), lang)
    money = f"{plans.attrs['budget'] / MILLIONS[lang]:,.6g}"
    words_of = {"city": plans.attrs[f"city_{lang}"], "budget": money, "goal": labels.goal(goal, lang)}
    table = rich_table(
        tell(PLANS, lang, **words_of),
        *words(tell("Plan", lang)),
        *numbers(tell("Gain", lang), tell("Better than baseline", lang), tell("Regret", lang)),
        *numbers(*(tell("beats {plan}", lang, plan=letter(name)) for name in names)),
    )
    explain(table, tell(PLANS_TOLD, lang, draws=plans.sizes[DRAW], unit=scale.unit))
    for name in names:
        gain, missed = ((own := one.sel(plan=name))[key] / scale.factor for key in ("gain", "regret"))
        shares = {other: float(own["better"].sel(other=other)) for other in names}
        beats = ["" if other == name else chance(share, lang) for other, share in shares.items()]
        table.add_row(
            letter(name),
            f"{signed(float(gain.median()))}\n{span(*interval(gain))}",
            chance(float(own["better_than_baseline"]), lang),
            digits(float(missed.quantile(0.9))),
            *beats,
        )
    return table


HEADINGS = {
    "person": N_("Thousand\nyuan per\nperson"),
    "patent": N_("Million\nyuan per\npatent"),
    "tax_base": N_("Yuan per\nyuan of\ntax base"),
}
FACTORS = {
    "en": {"person": 1e3, "patent": 1e6, "tax_base": 1.0},
    "zh": {"person": 1e4, "patent": 1e8, "tax_base": 1.0},
}
"""Yuan to the unit in which the table's columns tell a cost; their headings name it."""


def excess_text(of: xr.Dataset, lang: str) -> str:
    """Say by how much a mix exceeds, or falls short of, the sum of its parts in one output and year, and why.

    Of several draws it tells medians, whose parts need not add up; those of one run do.
    """
    if of.sizes["policy"] < 2:
        return tell("A mix of one policy.", lang)
    total, synergy, budget, rest = (
        float(values.median())
        for values in (of["total"], of["synergy"], of["synergy_budget"], of["synergy"] - of["synergy_budget"])
    )
    several = of.sizes[DRAW] > 1
    # what a mix gains may be much less than the mix: it has a scale of its own
    largest = max(map(abs, interval(of["synergy"]))) if several else abs(synergy)
    scale = scale_for(max(largest, abs(budget), abs(rest)), str(of["unit"].values), lang)
    if abs(synergy) < 1e-6 * max(abs(total), 1e-300):
        return tell("The mix equals the sum of what its policies do on their own.", lang)
    if not several:
        parts = {"budget": signed(budget / scale.factor), "rest": signed(rest / scale.factor)}
        return _excess(synergy, digits(abs(synergy) / scale.factor), scale, lang) + tell(WHY, lang, **parts)
    ends = interval(of["synergy"])

    def written(value: float, sign: str = "+") -> str:
        return as_fine(value / scale.factor, max(*map(abs, ends), abs(synergy)) / scale.factor, sign)

    share = chance(float((of["synergy"] > 0).mean()), lang).replace(NO_BREAK, " ")
    low, high = map(written, ends)
    return (
        _excess(synergy, written(abs(synergy), ""), scale, lang)
        + tell(CHANCE, lang, low=low, high=high, share=share)
        + tell(WHY_MEDIANS, lang, budget=written(budget), rest=written(rest))
    )


def as_fine(value: float, largest: float, sign: str = "+") -> str:
    """Write a number no finer than the largest of those it is told with, which has three digits.

    >>> as_fine(0.056, 18.1), as_fine(5.23, 18.1, ""), as_fine(-0.01, 18.1), as_fine(1234.0, 5678.0)
    ('+0.1', '5.2', '0', '+1,234')
    """
    places = max(0, 2 - math.floor(math.log10(largest))) if largest > 0 else 0
    text = fixed(value, places, f"{sign},")
    return text.replace("-", "\N{MINUS SIGN}") if any(digit in text for digit in "123456789") else "0"


def _excess(synergy: float, amount: str, scale: Scale, lang: str) -> str:
    key = EXCEEDS if synergy > 0 else SHORT
    return " ".join(tell(key, lang, amount=amount, unit=scale.unit).split())


def method_text(effects: xr.Dataset, lang: str) -> str:
    """Say how the numbers came about: exact or sampled, draws, discount rate."""
    about = effects.attrs
    method = tell(EXACT if about["exact"] else SAMPLED, lang)
    how = HOW if int(about["draws"]) > 1 else HOW_SINGLE
    return method + tell(how, lang, draws=draws_text(effects, lang), **cost_words(effects))


def cost_words(effects: xr.Dataset) -> dict[str, str]:
    """Return the rate and the year that costs are discounted to."""
    return {"rate": f"{100 * effects.attrs['discount_rate']:g}", "year": f"{effects.attrs['base_year']:g}"}


def draws_text(effects: xr.Dataset, lang: str) -> str:
    """Say in how many draws mixes were split, and of how many these are some."""
    draws, among = int(effects.attrs["draws"]), int(effects.attrs.get("among", 0))
    key = DRAWS_AMONG if among > draws else N_("{draws} draws")
    return tell(key, lang, draws=draws, among=among)


def policy_numbers(own: xr.Dataset) -> Numbers:
    """Return of one policy what it adds, does alone, costs at present and per unit, and of what, each over draws."""
    return (
        own["contribution"], own["alone"], in_all_draws(own, "present_cost"), own["cost_per"], own["amount"],
    )  # fmt: skip


def mix_numbers(of: xr.Dataset) -> Numbers:
    """Return the same of a mix: what it does, the sum of its parts, its cost, that per unit, and of what."""
    return of["total"], of["alone"].sum("policy"), of["mix_cost"], of["mix_cost_per"], of["mix_amount"]


def _cells(
    adds: xr.DataArray,
    alone: xr.DataArray,
    cost: xr.DataArray,
    ratio: xr.DataArray,
    amount: xr.DataArray,
    people: Scale,
    money: Scale,
    lang: str,
) -> list[str]:
    """Return the cells of a row, with 80 % intervals where there are several draws."""
    many = adds.sizes.get(DRAW, 1) > 1
    added, paid = signed(float(adds.median()) / people.factor), digits(float(cost.median()) / money.factor)
    if many:
        added += f"\n{_band(adds / people.factor)}"
        paid += f"\n{_band(cost / money.factor)}"
    # the other intervals stand in policies.csv: a terminal has 80 columns
    return [
        added,
        signed(float(alone.median()) / people.factor),
        paid,
        *(
            ratio_text(ratio.sel(measure=m) / factor, amount.sel(measure=m), lang, many and m == "person")
            for m, factor in FACTORS[lang].items()
        ),
    ]


def _band(values: xr.DataArray) -> str:
    return _unbroken(span(*interval(values)))


def no_ratio(amount: xr.DataArray, lang: str) -> str:
    """Say why there is no cost per unit of an amount (draws): it is taken away in nearly every draw, or nothing is added."""
    falls = float((amount < 0).mean()) > NEARLY_ALL
    return tell("takes away" if falls else "adds nothing", lang)


NEARLY_ALL = 0.9
"""Share of the draws in which an effect must be negative to be told as one. The page (`stats.js`) has the same."""


def ratio_text(ratio: xr.DataArray, amount: xr.DataArray, lang: str, band: bool) -> str:
    """Write a cost per unit of an amount (draws), or why there is none; with its 80 % interval if wanted."""
    low, middle, high = ranked(ratio.values).tolist()
    if not np.isfinite(middle):
        return no_ratio(amount, lang)
    text = digits(middle)
    if band:
        text += "\n" + _unbroken(f"{digits(low)} … {digits(high) if np.isfinite(high) else '∞'}")
    return text


def _unbroken(text: str) -> str:
    return text.replace(" ", NO_BREAK)
