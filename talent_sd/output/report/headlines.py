"""What a scenario changes, in sentences that a mayor understands."""

from __future__ import annotations

from dataclasses import dataclass

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.base.language import N_, NOTHING
from talent_sd.forecast.compare import CLEAR, OTHER, ranking
from talent_sd.output.headline_outputs import TOTAL, Output
from talent_sd.output.report.html_pieces import KeyEntry
from talent_sd.output.report.material import Material
from talent_sd.output.report.mixes_section import money_told
from talent_sd.output.report.outputs_section import key_entries
from talent_sd.output.speech import Speech, signed
from talent_sd.policies.policy_table import in_all_draws

HEADLINE_INTERVAL = N_("four draws in five between {low} and {high}")
SAME = N_("No change at the median")
SENTENCE = N_("{scenario}: {change} {rest}.")

COUNTED = ("person", "patent")


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
    if one.percent_means_something:
        rest = [say("in {year} ({share})", year=year, share=say.percent(told.share))]
    good = None
    if last.sizes[DRAW] > 1:
        low, high = (
            signed(end / scale.factor, beside=told.reach / scale.factor) for end in (told.low, told.high)
        )
        certain, good = _certainty(one, say)
        rest += [say(HEADLINE_INTERVAL, low=low, high=high), *certain]
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
