"""What a scenario changes, in sentences that a mayor understands."""

from __future__ import annotations

from dataclasses import dataclass

from talent_sd.base.dims import DRAW, SCENARIO, TIME
from talent_sd.forecast.compare import probability_better
from talent_sd.output.numbers import NOTHING, digits
from talent_sd.output.report.outputs_section import Output, key_entries
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.sentences import Speech
from talent_sd.output.titles import scenario_titles

COUNTED = ("person", "patent")
CLEAR = 0.9
"""A change is clear from the first year on in which this share of the draws agrees, and all years after."""


@dataclass(frozen=True)
class Headline:
    """A sentence about an output: its name, the change in large type, the rest."""

    output: str
    change: str
    rest: str
    good: bool | None


@dataclass(frozen=True)
class Card:
    """What a scenario changes: its title, question and headlines."""

    title: str
    question: str
    colour: str
    dashes: str
    headlines: list[Headline]


def cards(outputs: list[Output], material: Material, speech: Speech) -> list[Card]:
    """Return a card for each scenario compared; tiers of talent are left to the plots."""
    titles = scenario_titles(material.spread, speech.lang)
    keys = dict(zip([material.baseline, *material.compared], key_entries(material, speech), strict=True))
    shown = [output for output in outputs if not output.element]
    return [
        Card(
            titles[name],
            speech.both(material.resolved[name].scenario.question),
            keys[name].colour,
            keys[name].dashes,
            [headline(output, name, material, speech) for output in shown],
        )
        for name in material.compared
    ]


def headline(output: Output, name: str, material: Material, speech: Speech) -> Headline:
    """Return the sentence about one output of one scenario in the last year."""
    change = output.change.sel({SCENARIO: name})
    last = change.isel({TIME: -1})
    title = output.title(material, speech)
    year = f"{float(last[TIME]):g}"
    middle = float(last.median())
    if not bool((change != 0).any()):
        return Headline(title, speech("no_difference"), speech("no_difference.rest"), None)
    reach = abs(last.quantile([0.1, 0.5, 0.9])).max()
    scale = speech.scale(float(reach), output.unit)
    still = abs(middle) <= NOTHING * float(reach)
    text = speech("same") if still else _directed(output, middle, speech.amount(abs(middle), scale), speech)
    rest = [speech("headline.year", year=year)]
    if output.percent_means_something:
        share = float(output.relative.sel({SCENARIO: name}).isel({TIME: -1}).median())
        rest = [speech("headline.year_and_share", year=year, share=speech.percent(share))]
    good = None
    if last.sizes[DRAW] > 1:
        ends = (
            _signed(float(end) / scale.factor, float(reach) / scale.factor)
            for end in last.quantile([0.1, 0.9])
        )
        rest.append(speech("headline.interval", **dict(zip(("low", "high"), ends, strict=True))))
        told, good = _certainty(output, name, speech)
        rest += told
    return Headline(title, text, speech("gap").join(rest), good)


def _certainty(output: Output, name: str, speech: Speech) -> tuple[list[str], bool | None]:
    """Say how probable it is to do better and since when that is clear; and whether it is clearly good."""
    better = probability_better(output.change.sel({SCENARIO: name}), output.lower_is_better)
    chance = speech("headline.chance", chance=speech.chance(float(better.isel({TIME: -1}))))
    for key, certain in (("better", better >= CLEAR), ("worse", better <= 1 - CLEAR)):
        first = _first_lasting(certain.values.tolist())
        if first is not None:
            year = f"{float(better[TIME][first]):g}"
            return [chance, speech(f"headline.clear_{key}", year=year)], key == "better"
    return [chance, speech("headline.unclear")], None


def _first_lasting(held: list[bool]) -> int | None:
    """Return where a condition begins to hold to the end.

    >>> _first_lasting([True, False, True, True]), _first_lasting([True, False])
    (2, None)
    """
    if not held or not held[-1]:
        return None
    return max((place + 1 for place, one in enumerate(held) if not one), default=0)


def _directed(output: Output, value: float, amount: str, speech: Speech) -> str:
    """Return an amount with "more", "higher", "longer", or their opposites."""
    head = output.unit.partition("/")[0].strip()
    kind = "count" if head in COUNTED else "time" if head == "year" else "size"
    amount = amount.replace("/year", speech("a_year"))
    return speech(f"{kind}.{'up' if value >= 0 else 'down'}", amount=amount)


def _signed(value: float, beside: float) -> str:
    return f"{'+' if value > NOTHING * beside else ''}{digits(value, beside=beside)}"


def definition(material: Material, speech: Speech) -> str:
    """Return what the intervals and "clear" mean; of a single run, that it has neither."""
    draws = material.spread.attrs.get("draws", material.spread.sizes[DRAW])
    baseline = scenario_titles(material.spread, speech.lang)[material.baseline]
    if int(draws) > 1:
        return speech("short.draws", draws=f"{int(draws):,}", baseline=baseline)
    return speech("short.single", baseline=baseline)


def output_sentences(output: Output, material: Material, speech: Speech) -> list[str]:
    """Return a sentence for each scenario, to stand over an output's plots."""
    titles = scenario_titles(material.spread, speech.lang)
    sentences = []
    for name in material.compared:
        told = headline(output, name, material, speech)
        sentences.append(speech("sentence", scenario=titles[name], change=told.change, rest=told.rest))
    return sentences
