"""A study of loops in plain words, and as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import Labels
from talent_sd.loops.feedback_loops import LoopStudy
from talent_sd.loops.loop_shares import NAMED, OTHER_ROUTES, REST, STRONGEST, TURNOVER, turns, year_polarity
from talent_sd.output.loops.loop_numbers import (
    kind_parts,
    loop_sign,
    mean_size,
    output_name,
    percent_of,
    split_rows,
    subtitle,
    three_years,
)
from talent_sd.output.speech import Speech, digits, scale_for, sentences, signed
from talent_sd.output.terminal_tables import explain, numbers, rich_table, words

if TYPE_CHECKING:
    from rich.table import Column, Table

    from talent_sd.loops.loops_of_model import ModelStudy

ADDS = N_("Adds to {of} {year} ({unit})")
ALL_FOUND = N_("The model has {count} loops; the {shown} strongest are shown.")
COVER = N_("Of the activity of all loops found, {kinds}.")
LOOPS_REST = N_("The model is at rest: nothing moves, so no loop scores (0/0).")
LOOPS_OPEN = N_("Something moves, but no loop is at work at any time, so none scores.")
NEVER_CLOSED = N_("{loop} never closes: its links all work in this run, but never all at one time.")
LOOPS_TURNS = N_("{name} turns: {when}.")
DECLINE = N_(
    "A reinforcing loop amplifies whatever moves, a decline as well: here {names} deepen one, and so take away."
)
MEANS = N_(
    "Means of {draws} draws, which add up as medians would not; ±: half the width of the 80 % interval."
)
SAMPLED = N_("±: standard error of a share from sampled orders.")
SINGLE = N_("One central run, where other commands tell medians of draws.")
NOTHING_MOVES = N_("The two scenarios do not differ here: there is no change for the loops to carry.")
STRONGEST_FOUND = N_(
    "The model has more than 1000 loops: {count} strong ones were searched for, {shown} are shown."
)
STRONGEST_REST = N_("The strongest loops without a name pass {names}.")
SUM = N_("{of} in {year}, {how}: all loops together add {sum} {unit} ({relative}); most by {parts}.")
SUM_CHANGE = N_(
    "{of} in {year}, {how}: the change is {total} {unit}, of it {direct} direct and {sum} through the loops; most "
    "by {parts}."
)
TURNS_OFTEN = N_("{name} turns {count} times: first {first}, last {last}.")

PART = {"R": N_("{name} (reinforcing) {part}"), "B": N_("{name} (balancing) {part}")}
TURNS = {"R": N_("reinforcing from {year}"), "B": N_("balancing from {year}")}
"""Loops named in a sentence."""
MOST_TURNS = 4
"""Turns of a loop that are told one by one."""
KIND_WORDS = {
    NAMED: N_("named loops are {part}"),
    OTHER_ROUTES: N_("other routes that the same switches cut {part}"),
    TURNOVER: N_("stocks' own turnover and replacement {part}"),
    REST: N_("loops without a name {part}"),
}
WORTH_TELLING = 0.05
"""Loops without a name are told if they are so much of the activity."""


def loop_words(study: LoopStudy, labels: Labels, lang: str = "en") -> list[str]:
    """Say what drives the city in this scenario: the same numbers as in the pictures.

    Returns
    -------
    One sentence each: who dominates in three years, what the loops add and which most,
    what named loops cover, which loops are idle. One alone if nothing moves.
    """
    if not study.shares["share"].notnull().any():
        against = bool(study.shares.attrs["against"])
        return [tell(NOTHING_MOVES if against else LOOPS_REST, lang)]
    lines = [_dominance(study, index, year, lang) for index, year in three_years(study)]
    lines.append(_sum(study, labels, lang))
    lines += _cover(study, labels, lang)
    idle = [
        loop.label[lang]
        for loop in study.names.loops
        if not np.nan_to_num(study.shares["share"].sel(loop=loop.name).values).any()
        and not study.adds["share"].sel(part=loop.name).values.any()
    ]
    if idle:
        lines.append(tell("Idle here: {names}.", lang, names=tell(", ", lang).join(idle)))
    return lines


def _dominance(study: LoopStudy | ModelStudy, index: int, year: str, lang: str) -> str:
    sizes = [
        (mean_size(study.shares["share"].sel(loop=loop.name).values)[index], loop)
        for loop in study.names.loops
    ]
    strongest = sorted(sizes, key=lambda pair: -np.nan_to_num(pair[0]))[:STRONGEST]
    parts = [
        tell(
            PART[year_polarity(loop.polarity, study.shares["share"].sel(loop=loop.name).values[:, index])],
            lang,
            name=loop.label[lang] if "city" in study.shares.attrs else f"{loop.name} {loop.label[lang]}",
            part=percent_of(np.array([size]), lang),
        )
        for size, loop in strongest
        if size > 0
    ]
    return tell("{year}: {parts}.", lang, year=year, parts=tell(", ", lang).join(parts))


def _cover(study: LoopStudy, labels: Labels, lang: str) -> list[str]:
    """Say what the activity of all loops found consists of, and what the strongest without a name pass."""
    parts = kind_parts(study)
    told = [
        tell(KIND_WORDS[kind], lang, part=percent_of(np.array([np.nanmean(part)]), lang))
        for kind, part in parts.items()
    ]
    lines = [tell(COVER, lang, kinds=tell(", ", lang).join(told))]
    strongest = study.shares.attrs["strongest_rest"]
    if strongest and np.nanmean(parts[REST]) >= WORTH_TELLING:
        names = [
            " → ".join(labels.variable(stock, lang) for stock in stocks.split(" > "))
            for stocks in strongest.split("; ")
        ]
        lines.append(tell(STRONGEST_REST, lang, names=tell("; ", lang).join(names)))
    return lines


def _sum(study: LoopStudy, labels: Labels, lang: str) -> str:
    start, rows, end = split_rows(study, lang, together=False)
    of = output_name(study, labels, lang)
    scale = scale_for(max(abs(value) for _, value, _ in rows), str(study.adds.attrs["units"]), lang)

    draws = study.shares.sizes["draw"]

    def told(value: float) -> str:
        return signed(value / scale.factor) if value else "+0"

    parts = [f"{label} {told(value)}" for label, value, _ in rows[:STRONGEST] if value]
    key = SUM_CHANGE if study.shares.attrs["against"] else SUM
    relative = Speech(lang).percent(end / start - 1) if start * end > 0 else "–"
    sentence = tell(
        key,
        lang,
        of=of,
        year=int(study.adds["time"].values[-1]),
        how=tell(N_("mean of {draws} draws") if draws > 1 else N_("one central run"), lang, draws=draws),
        sum=told(end - start),
        direct=told(start),
        total=told(end),
        relative=relative,
        unit=scale.unit,
        parts=tell(", ", lang).join(parts),
    )
    return " ".join(sentence.split()).replace(" ,", ",")  # a dimensionless output has no unit


def loop_table(study: LoopStudy, labels: Labels, lang: str = "en") -> Table:
    """Make the table of loops: sign, name, shares in three years, what each adds in the last year."""
    _, rows, _ = split_rows(study, lang, together=False)
    adds = {label: (value, spread) for label, value, spread in rows}
    scale = scale_for(max(abs(value) for value, _ in adds.values()), str(study.adds.attrs["units"]), lang)
    of, year = output_name(study, labels, lang), int(study.adds["time"].values[-1])
    heading = tell(ADDS, lang, of=of, year=year, unit=scale.unit or tell("dimensionless", lang))
    table = _table(study, lang, numbers(heading)[0])
    for number, loop in enumerate(study.names.loops):
        label = f"{loop_sign(study.names, number)} {loop.label[lang]}"
        value, spread = adds[label]
        cell = signed(value / scale.factor)
        if spread > 0:
            cell += f" ± {digits(spread / scale.factor, 2)}"
        table.add_row(label, *(part for part, _ in _parts(study, loop.name, lang)), cell)
    falling = [loop.label[lang] for n, loop in enumerate(study.names.loops)
               if loop.polarity == "R" and adds[f"{loop_sign(study.names, n)} {loop.label[lang]}"][0] < 0]  # fmt: skip
    if falling:
        explain(table, tell(DECLINE, lang, names=tell(", ", lang).join(falling)), lang=lang)
    return table


def _table(study: LoopStudy | ModelStudy, lang: str, last: Column) -> Table:
    """Return a table of loops with a column for each of three years."""
    years = (tell("Share in\n{year}", lang, year=year) for _, year in three_years(study))
    title = subtitle(study, lang)
    table = rich_table(title, *words(tell("Loop", lang)), *numbers(*years, no_wrap=True), last)
    told = tell("Shares are of the activity of the loops named here.", lang)
    explain(table, told, numbers_note(study, lang), lang=lang)
    return table


def numbers_note(study: LoopStudy | ModelStudy, lang: str) -> str:
    """Say whether numbers are means of draws or one run, and what "±" is."""
    draws = study.shares.sizes["draw"]
    if draws > 1:
        return tell(MEANS, lang, draws=draws)
    told = tell(SINGLE, lang) if "city" in study.shares.attrs else ""
    sampled = isinstance(study, LoopStudy) and bool(study.adds["standard_error"].any())
    return sentences(lang, told, tell(SAMPLED, lang) if sampled else "")


def _parts(study: LoopStudy | ModelStudy, loop: str, lang: str) -> list[tuple[str, np.ndarray]]:
    """Return a loop's share in each of three years, in words and over draws."""
    share = study.shares["share"].sel(loop=loop).values
    return [(percent_of(share[:, index], lang), share[:, index]) for index, _ in three_years(study)]


def found_words(study: ModelStudy, lang: str = "en") -> list[str]:
    """Say which loops dominate a model, and how they were found."""
    key = ALL_FOUND if study.complete else STRONGEST_FOUND
    if study.found == 1:
        key = N_("The model has one loop.")
    elif len(study.names.loops) == 1:
        key = N_("The model has {count} loops, one of which is active in this run.")
    found = tell(key, lang, count=study.found, shown=len(study.names.loops))
    apart = [part for part in study.shares.attrs["never_closed"].split("; ") if part]
    how = [*(tell(NEVER_CLOSED, lang, loop=loop) for loop in apart[:STRONGEST]), found]
    if not study.shares["share"].notnull().any():
        return [tell(LOOPS_OPEN if study.shares["moves"].any() else LOOPS_REST, lang), *how]
    told = [_dominance(study, index, year, lang) for index, year in three_years(study)]
    return [*told, *_turning(study, lang), *how]


def _turning(study: ModelStudy, lang: str) -> list[str]:
    """Say when loops turn from reinforcing to balancing, or back."""
    times, lines = study.shares["time"].values, []
    for loop in study.names.loops:
        if loop.polarity != "U":
            continue
        found = turns(study.shares["share"].sel(loop=loop.name).values)
        when = [tell(TURNS[sign], lang, year=f"{times[index]:g}") for index, sign in found]
        name = f"{loop.name} {loop.label[lang]}"
        if len(when) > MOST_TURNS:
            lines.append(tell(TURNS_OFTEN, lang, name=name, count=len(when), first=when[0], last=when[-1]))
        else:
            lines.append(tell(LOOPS_TURNS, lang, name=name, when=tell(", ", lang).join(when)))
    return lines


def found_table(study: ModelStudy, lang: str = "en") -> Table:
    """Make the table of a model's strongest loops: sign, shares in three years, what they pass."""
    table = _table(study, lang, words(tell("Passes", lang))[0])
    for loop in study.names.loops:
        parts = _parts(study, loop.name, lang)
        if loop.polarity == "U":  # what it does in each of the years
            parts = [(f"{year_polarity('U', share)} {part}".strip(), share) for part, share in parts]
        table.add_row(loop.name, *(part for part, _ in parts), Text(loop.story[lang]))
    return table
