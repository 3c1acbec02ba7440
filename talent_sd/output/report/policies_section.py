"""What each policy of a mix adds and costs, in sentences and tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import BAND, DRAW, SCENARIO, TIME
from talent_sd.base.language import N_
from talent_sd.output.policies.policy_tables import as_fine, no_ratio
from talent_sd.output.report.headlines import MEASURES, mixes_part, money_told
from talent_sd.output.report.html_pieces import Cell, Group, Part, Plot, Row, Table, inline_svg
from talent_sd.output.report.material import Material
from talent_sd.output.report.outputs_section import band_headings
from talent_sd.output.speech import Scale, Speech, digits, interval, sentences, signed, year_spans
from talent_sd.policies.policy_table import in_all_draws, mix_of, ranked, years_paid

if TYPE_CHECKING:
    import xarray as xr

CAPTION_CONTRIBUTIONS = N_("What each policy adds in {year}: its Shapley share")
COST_CAUSED = N_("Spending it causes, present value, {unit}")
COST_MIX = N_(
    "Cost: the mix costs {cost} in present value, yuan of {base}; {yearly} in the years in which it pays, yuan of the day."
)
COST_MIX_NOBODY = N_("The mix as a whole holds nobody more in the last year: no cost per person can be told.")
COST_MIX_PERSON = N_("For the mix as a whole that is {cost} for each person more in the last year.")
COST_DRAWS = N_("Medians of all {among} draws.")
COST_DRAWS_AMONG = N_("Medians: present values of all {among} draws, all else of the {split} split.")
COST_NOTE = N_(
    "Present values are discounted; what comes after the last year counts for nothing. Policies share one capped "
    "budget: what is paid for one is not what dropping it would save; the spending it causes is its "
    "Shapley share of all of it."
)
COST_NONE = N_("“{words}”: there is no cost per unit to tell.")
MIX_CERTAINTY = N_(
    " That is the median of the draws' own differences, not the difference of the medians; the mix does "
    "more than its parts in {chance} of the draws."
)
MIX_EXCEEDS = N_(
    "{output} in {year}: the mix makes a difference of {total}, most of it by {most}. It exceeds the sum "
    "of its parts by {excess} ({share})."
)
MIX_FALLS_SHORT = N_(
    "{output} in {year}: the mix makes a difference of {total}, most of it by {most}. It falls short of "
    "the sum of its parts by {excess} ({share})."
)
MIX_LONE = N_("{output}: one policy alone, {total}.")
MIX_PARTS = N_("Sum of its parts, each alone")
MIX_TOTAL_AMONG = N_("{total} in all {among} draws, {split} in the {draws} split")
MIX_WHOLE_AMONG = N_("The mix, in all {among} draws")
MIX_WHOLE_DRAWS = N_("The mix, in the {draws} draws split")
NOTE_ERROR = N_("Standard error of a policy's median from so few draws, {output}: up to {amount}.")
NOTE_MEDIANS = N_(
    "Medians over draws. In each draw the shares add up to the mix exactly; their medians need not."
)
PAIR_HELPS = N_(
    "{first} and {second} help each other most: together they add {amount} beyond the sum of what each "
    "does on its own ({output})."
)
PAIR_HINDERS = N_(
    "{first} and {second} stand in each other’s way most: together they add {amount} less than the sum "
    "of what each does on its own ({output})."
)

MOST_NAMED = 2
"""So many policies are named as those that add most."""


@dataclass(frozen=True)
class Mix:
    """The mix of one scenario, to be told in a language.

    Parameters
    ----------
    name : of the scenario
    one : its part of the effects, the policies of its mix alone
    """

    name: str
    one: xr.Dataset
    say: Speech

    @cached_property
    def last(self) -> xr.Dataset:
        """The last year."""
        return self.one.isel({TIME: -1})

    @cached_property
    def draws(self) -> int:
        """Number of draws that it was split in."""
        return self.one.sizes[DRAW]

    @cached_property
    def among(self) -> int:
        """Number of draws that the comparison has, where mixes were split in fewer; else 0."""
        return draws_among(self.one)

    @cached_property
    def parts(self) -> xr.DataArray:
        """What the policies do one by one in the last year, added up: (output, draw)."""
        return self.last["alone"].sum("policy", skipna=True)

    @cached_property
    def scales(self) -> dict[str, Scale]:
        """Output -> the scale in which its shares are told."""
        medians = self.last["total"].median(DRAW)
        return {
            str(name): self.say.scale(abs(float(medians.sel(output=name))), str(unit))
            for name, unit in zip(self.one["output"].values, self.one["unit"].values, strict=True)
        }

    def policy(self, place: int) -> str:
        """Return what a policy of it is called."""
        return self.say.element(self.one["policy"].values[place])

    def output_heading(self, name: str) -> str:
        """Return an output's name with the unit it is told in."""
        unit = self.say.unit(self.scales[name])
        return self.say("{name}, {unit}", name=self.say.variable(name), unit=unit)

    def amount(self, value: float | xr.DataArray, output: str, *, sign: bool = False) -> str:
        """Return an amount of an output."""
        return self.say.amount(float(value), self.scales[output], sign=sign)


def draws_among(effects: xr.Dataset) -> int:
    """Return how many draws the comparison has, where mixes were split in fewer; else 0."""
    among = int(effects.sizes.get("member", 0))
    return among if among > effects.sizes[DRAW] else 0


def policy_parts(material: Material, say: Speech) -> list[Part]:
    """Return a part for each mix of the policies' dataset; nothing where there is none."""
    effects = material.policies
    parts = [] if effects is None else [mixes_part(effects, material, say)]
    for number, name in enumerate([] if effects is None else map(str, effects[SCENARIO].values)):
        assert effects is not None
        mix = Mix(name, mix_of(effects, name), say)
        title = say.both(material.resolved[name].scenario.title)
        ident = f"{say.lang}-policies-{number}"
        figures = material.policy_plots.get(say.lang, {}).get(name, [])
        plots = [
            Plot(inline_svg(figure, f"{ident}-{place}", f"{title}{say(': ')}{caption}", caption))
            for place, (caption, figure) in enumerate(figures)
        ]
        tables = [contributions(mix), *([sums(mix)] if mix.one.sizes["policy"] > 1 else []), costs(mix)]
        sentences = [*_sum_sentences(mix), *_pair_sentences(mix), *_cost_sentences(mix)]
        parts.append(Part(ident, title, plots, tables, sentences))
    return parts


def contributions(mix: Mix) -> Table:
    """Make the table of what each policy adds in the last year; the last rows are the mix."""
    say, shares = mix.say, mix.last["contribution"].median(DRAW)

    def row(heading: str, values: xr.DataArray, policy: str = "", column: str = "contribution") -> Row:
        """Return a row of the table: a policy, or a sum, for each output."""
        told = {output: float(values.sel(output=output)) for output in mix.scales}
        cells = [Cell(signed(v / mix.scales[key].factor), v, f"{column}:{key}") for key, v in told.items()]
        return Row(heading, cells, {"scenario": mix.name, "policy": policy})

    rows = [
        row(mix.policy(place), shares.isel(policy=place), str(shares["policy"].values[place]))
        for place in np.argsort(-shares.isel(output=0).values)
    ]
    whole = say(MIX_WHOLE_DRAWS, draws=mix.draws) if mix.among else say("The mix")
    rows.append(row(whole, mix.last["total"].median(DRAW)))
    if mix.among:
        all_draws = mix.last["total_among"].median("member")
        rows.append(row(say(MIX_WHOLE_AMONG, among=mix.among), all_draws, column="total_among"))
    headings = [say("Policy"), *map(mix.output_heading, mix.scales)]
    caption = say(CAPTION_CONTRIBUTIONS, year=f"{float(mix.last[TIME]):g}")
    return Table(caption, headings, [Group("", rows)], note=_medians_note(mix) if mix.draws > 1 else "")


def _medians_note(mix: Mix) -> str:
    """Say that medians do not add up, and how far they can be off for having few draws."""
    name, say = next(iter(mix.scales)), mix.say
    error = mix.amount(float(median_error(mix.last["contribution"].sel(output=name)).max()), name)
    told = say(NOTE_MEDIANS), say(NOTE_ERROR, output=say.variable(name), amount=error)
    return ("" if say.lang == "zh" else " ").join(told)


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


def sums(mix: Mix) -> Table:
    """Make the table that holds the mix against the sum of its parts, with the 80 % interval."""
    say, rows = mix.say, []
    for output, scale in mix.scales.items():
        whole, apart = mix.last["total"].sel(output=output), mix.parts.sel(output=output)
        excess = whole - apart
        middles = {"total": whole, "parts": apart, "synergy": excess}
        told = {key: float(values.median()) for key, values in middles.items()}
        if mix.draws > 1:
            told["synergy_lower"], told["synergy_upper"] = interval(excess)
        told_excess = {key: value for key, value in told.items() if key.startswith("synergy")}
        largest = max(map(abs, told_excess.values())) / scale.factor
        cells = [
            Cell(
                as_fine(value / scale.factor, largest)
                if key in told_excess
                else signed(value / scale.factor),
                value,
                key,
            )
            for key, value in told.items()
        ]
        rows.append(Row(mix.output_heading(output), cells, {"scenario": mix.name, "output": output}))
    headings = [say("What"), say("The mix"), say(MIX_PARTS), say("Mix less sum")]
    headings += band_headings(say, 80) if mix.draws > 1 else []
    return Table(say("The mix against the sum of its parts"), headings, [Group("", rows)])


def costs(mix: Mix) -> Table:
    """Make the table of what each policy costs: yuan paid, present value, per unit of what it adds."""
    one, say = mix.one, mix.say
    costs = in_all_draws(one, "present_cost")
    present, caused = costs.median(DRAW), one["caused_cost"].median(DRAW)
    paid, per = one["paid_in_year"].sum(TIME, skipna=True).median(DRAW), middle(one["cost_per"])
    money = say.scale(max(float(abs(present).max()), float(abs(paid).max())), "yuan")
    columns = {"paid": (paid, money), "present_cost": (present, money)}
    many = costs.sizes[DRAW] > 1
    if many:
        low, high = (costs.quantile(end, DRAW) for end in BAND)
        columns |= {"present_cost_lower": (low, money), "present_cost_upper": (high, money)}
    columns["caused_cost"] = (caused, money)
    measures = [str(measure) for measure in per["measure"].values]
    columns |= {f"cost_per:{m}": (per.sel(measure=m), say.scale(1.0, "yuan")) for m in measures}
    rows = []
    for place in np.argsort(-present.values):
        cells = [Cell(year_spans(years_paid(one["paid_in_year"].isel(policy=place)), say.lang))]
        for key, (values, scale) in columns.items():
            value = float(values.isel(policy=place))
            text = digits(value / scale.factor)
            if np.isinf(value):
                text = no_ratio(one["amount"].isel(policy=place).sel(measure=key.partition(":")[2]), say.lang)
            cells.append(Cell(text, value, key))
        about = {"scenario": mix.name, "policy": str(one["policy"].values[place])}
        rows.append(Row(mix.policy(place), cells, about))
    among, split = costs.sizes[DRAW], mix.draws
    medians = (
        say(COST_DRAWS, among=among) if among == split else say(COST_DRAWS_AMONG, among=among, split=split)
    )
    none = dict.fromkeys(cell.text for row in rows for cell in row.cells if np.isinf(cell.value or 0.0))
    told = (say(COST_NONE, words=words) for words in none)
    note = sentences(say.lang, medians if many else "", say(COST_NOTE), *told)
    headings = [
        say("Policy"),
        say("Years"),
        say("Paid over all years, {unit}", unit=money.unit),
        say("Present value, {unit}", unit=money.unit),
        *(band_headings(say, 80) if many else []),
        say(COST_CAUSED, unit=money.unit),
        *(say(MEASURES[measure]) for measure in measures),
    ]
    return Table(say("What each policy costs"), headings, [Group("", rows)], note=note)


def middle(ratio: xr.DataArray) -> xr.DataArray:
    """Return the median over draws by the rule of policies.csv, right with infinite values among them."""
    first = ratio.transpose(DRAW, ...)
    return first.isel({DRAW: 0}, drop=True).copy(data=ranked(first.values, (0.5,))[0])


def _sum_sentences(mix: Mix) -> list[str]:
    """Say for each output what the mix does, who adds most, and whether it is more than its parts."""
    say, sentences = mix.say, []
    for name in mix.scales:
        if mix.one.sizes["policy"] == 1:
            sentences.append(say(MIX_LONE, output=say.variable(name), total=_told_total(mix, name)))
            continue
        parts = mix.parts.sel(output=name)
        excesses = mix.last["total"].sel(output=name) - parts
        excess, size = float(excesses.median()), abs(float(parts.median()))
        said = say(
            MIX_EXCEEDS if excess > 0 else MIX_FALLS_SHORT,
            output=say.variable(name),
            year=f"{float(mix.last[TIME]):g}",
            total=_told_total(mix, name),
            most=_most(mix, name),
            excess=mix.amount(abs(excess), name),
            share=say.percent(excess / size if size else float("nan")),
        )
        if mix.draws > 1:
            said += say(MIX_CERTAINTY, chance=say.chance(float((excesses > 0).mean())))
        sentences.append(said)
    return sentences


def _told_total(mix: Mix, name: str) -> str:
    """Return what the mix does in the last year: the median over all draws, and over those split."""
    last = mix.last.sel(output=name)
    split = mix.amount(last["total"].median(), name, sign=True)
    if not mix.among:
        return split
    total = mix.amount(last["total_among"].median(), name, sign=True)
    return mix.say(MIX_TOTAL_AMONG, total=total, split=split, among=mix.among, draws=mix.draws)


def _most(mix: Mix, name: str) -> str:
    """Name the policies that add most, with how much."""
    shares = mix.last["contribution"].sel(output=name).median(DRAW)
    order = np.argsort(-np.sign(float(shares.sum())) * shares.values)[:MOST_NAMED]
    told = [(mix.policy(place), mix.amount(shares[place], name, sign=True)) for place in order]
    return mix.say(", ").join(mix.say("{name} ({amount})", name=who, amount=much) for who, much in told)


def _pair_sentences(mix: Mix) -> list[str]:
    """Name the pair that gains most from being together and the one that loses most, in the first output."""
    output, sentences = next(iter(mix.scales)), []
    pairs = mix.last["interaction"].sel(output=output).median(DRAW).transpose("policy", "other").values
    values = np.where(np.triu(np.ones(pairs.shape, bool), 1), pairs, np.nan)
    if not np.isfinite(values).any():
        return []
    for sign, pick, text in ((1, np.nanargmax, PAIR_HELPS), (-1, np.nanargmin, PAIR_HINDERS)):
        places = np.unravel_index(pick(values), values.shape)
        value = float(values[places])
        if sign * value > 0:
            first, second = (mix.policy(int(place)) for place in places)
            amount = mix.amount(abs(value), output)
            told = mix.say(text, first=first, second=second, amount=amount, output=mix.say.variable(output))
            sentences.append(told)
    return sentences


def _cost_sentences(mix: Mix) -> list[str]:
    """Say what the mix costs, and which policy holds a person for least."""
    say, one = mix.say, mix.one
    whole = float(middle(in_all_draws(one, "mix_cost_per").sel(measure="person")))
    cost, yearly = (money_told(in_all_draws(one, f"mix_{key}"), unit, say) for key, unit in MIX_COSTS)
    sentences = [
        say(COST_MIX, cost=cost, yearly=yearly, base=f"{float(one.attrs['base_year']):g}"),
        say(COST_MIX_PERSON, cost=_money(whole, say)) if np.isfinite(whole) else say(COST_MIX_NOBODY),
    ]
    per = middle(one["cost_per"].sel(measure="person")).values
    finite = np.isfinite(per)
    if finite.sum() > 1:
        best, worst = (
            int(np.where(finite, per, np.inf).argmin()),
            int(np.where(finite, per, -np.inf).argmax()),
        )
        sentences.append(
            say(
                "A person more in the last year costs least through {best} ({least}) and most through "
                "{worst} ({most}).",
                best=mix.policy(best),
                least=_money(float(per[best]), say),
                worst=mix.policy(worst),
                most=_money(float(per[worst]), say),
            )
        )
    return sentences


MIX_COSTS = (("cost", "yuan"), ("yearly", "yuan/year"))


def _money(value: float, say: Speech) -> str:
    return say.amount(value, say.scale(abs(value), "yuan"))
