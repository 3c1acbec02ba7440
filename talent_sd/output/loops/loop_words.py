"""A study of loops in plain words, and as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.labels import Labels
from talent_sd.base.messages import word
from talent_sd.loops.loop_shares import NAMED, OTHER_ROUTES, REST, TURNOVER, turns, year_polarity
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
from talent_sd.output.numbers import digits, scale_for
from talent_sd.output.report.sentences import Speech

if TYPE_CHECKING:
    from rich.table import Table

    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy

PART = {"R": "loops.part_R", "B": "loops.part_B"}
STRONGEST = 3
"""Loops named in a sentence."""
MOST_TURNS = 4
"""Turns of a loop that are told one by one."""
KIND_WORDS = {
    NAMED: "loops.kind_named",
    OTHER_ROUTES: "loops.kind_other_routes",
    TURNOVER: "loops.kind_turnover",
    REST: "loops.kind_rest",
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
        return [word("loops.nothing_moves" if against else "loops.rest", lang)]
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
        lines.append(word("loops.idle", lang, names=word("plot.comma", lang).join(idle)))
    return lines


def _dominance(study: LoopStudy | ModelStudy, index: int, year: str, lang: str) -> str:
    sizes = [
        (mean_size(study.shares["share"].sel(loop=loop.name).values)[index], loop)
        for loop in study.names.loops
    ]
    strongest = sorted(sizes, key=lambda pair: -np.nan_to_num(pair[0]))[:STRONGEST]
    parts = [
        word(
            f"loops.part_{year_polarity(loop.polarity, study.shares['share'].sel(loop=loop.name).values[:, index])}",
            lang,
            name=loop.label[lang] if "city" in study.shares.attrs else f"{loop.name} {loop.label[lang]}",
            part=percent_of(np.array([size]), lang),
        )
        for size, loop in strongest
        if size > 0
    ]
    return word("loops.in_year", lang, year=year, parts=word("plot.comma", lang).join(parts))


def _cover(study: LoopStudy, labels: Labels, lang: str) -> list[str]:
    """Say what the activity of all loops found consists of, and what the strongest without a name pass."""
    parts = kind_parts(study)
    told = [
        word(KIND_WORDS[kind], lang, part=percent_of(np.array([np.nanmean(part)]), lang))
        for kind, part in parts.items()
    ]
    lines = [word("loops.cover", lang, kinds=word("plot.comma", lang).join(told))]
    strongest = study.shares.attrs["strongest_rest"]
    if strongest and np.nanmean(parts[REST]) >= WORTH_TELLING:
        names = [
            " → ".join(labels.variable(stock, lang) for stock in stocks.split(" > "))
            for stocks in strongest.split("; ")
        ]
        lines.append(word("loops.strongest_rest", lang, names=word("report.gap", lang).join(names)))
    return lines


def _sum(study: LoopStudy, labels: Labels, lang: str) -> str:
    start, rows, end = split_rows(study, lang, together=False)
    of = output_name(study, labels, lang)
    scale = scale_for(max(abs(value) for _, value, _ in rows), str(study.adds.attrs["units"]), lang)

    def signed(value: float) -> str:
        return f"{'+' if value >= 0 else '−'}{digits(abs(value) / scale.factor)}"

    parts = [f"{label} {signed(value)}" for label, value, _ in rows[:STRONGEST] if value]
    key = "loops.sum_change" if study.shares.attrs["against"] else "loops.sum"
    relative = Speech(lang).percent(end / start - 1) if start * end > 0 else "–"
    sentence = word(
        key,
        lang,
        of=of,
        year=int(study.adds["time"].values[-1]),
        sum=signed(end - start),
        direct=signed(start),
        total=signed(end),
        relative=relative,
        unit=scale.unit,
        parts=word("plot.comma", lang).join(parts),
    )
    return " ".join(sentence.split()).replace(" ,", ",")  # a dimensionless output has no unit


def loop_table(study: LoopStudy, labels: Labels, lang: str = "en") -> Table:
    """Make the table of loops: sign, name, shares in three years, what each adds in the last year."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(subtitle(study, lang), style="bold"), title_justify="left", box=box.SIMPLE_HEAD,
                  pad_edge=False)  # fmt: skip
    years = three_years(study)
    _, rows, _ = split_rows(study, lang, together=False)
    adds = {label: (value, spread) for label, value, spread in rows}
    scale = scale_for(max(abs(value) for value, _ in adds.values()), str(study.adds.attrs["units"]), lang)
    of = output_name(study, labels, lang)
    table.add_column(word("loops.loop", lang))
    for _, year in years:
        table.add_column(year, justify="right", no_wrap=True)
    heading = word("loops.adds", lang, of=of, year=int(study.adds["time"].values[-1]), unit=scale.unit or "1")
    table.add_column(heading, justify="right")
    for number, loop in enumerate(study.names.loops):
        share = study.shares["share"].sel(loop=loop.name).values
        label = f"{loop_sign(study.names, number)} {loop.label[lang]}"
        value, spread = adds[label]
        cell = f"{'+' if value > 0 else '−' if value < 0 else ''}{digits(abs(value) / scale.factor)}"
        if spread > 0:
            cell += f" ± {digits(spread / scale.factor, 2)}"
        table.add_row(label, *(percent_of(share[:, index], lang) for index, _ in years), cell)
    return table


def found_words(study: ModelStudy, lang: str = "en") -> list[str]:
    """Say which loops dominate a model, and how they were found."""
    key = "loops.all_found" if study.complete else "loops.strongest_found"
    if study.found == 1:
        key = "loops.one_found"
    elif len(study.names.loops) == 1:
        key = "loops.one_active"
    how = word(key, lang, count=study.found, shown=len(study.names.loops))
    if not study.shares["share"].notnull().any():
        return [word("loops.rest", lang), how]
    told = [_dominance(study, index, year, lang) for index, year in three_years(study)]
    return [*told, *_turning(study, lang), how]


def _turning(study: ModelStudy, lang: str) -> list[str]:
    """Say when loops turn from reinforcing to balancing, or back."""
    times, lines = study.shares["time"].values, []
    for loop in study.names.loops:
        if loop.polarity != "U":
            continue
        found = turns(study.shares["share"].sel(loop=loop.name).values)
        when = [word(f"loops.turns_{sign}", lang, year=f"{times[index]:g}") for index, sign in found]
        name = f"{loop.name} {loop.label[lang]}"
        if len(when) > MOST_TURNS:
            lines.append(
                word("loops.turns_often", lang, name=name, count=len(when), first=when[0], last=when[-1])
            )
        else:
            lines.append(word("loops.turns", lang, name=name, when=word("plot.comma", lang).join(when)))
    return lines


def found_table(study: ModelStudy, lang: str = "en") -> Table:
    """Make the table of a model's strongest loops: sign, shares in three years, what they pass."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = Text(subtitle(study, lang), style="bold")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    years = three_years(study)
    table.add_column(word("loops.loop", lang))
    for _, year in years:
        table.add_column(year, justify="right", no_wrap=True)
    table.add_column(word("loops.passes", lang))
    for loop in study.names.loops:
        share = study.shares["share"].sel(loop=loop.name).values
        cells = [percent_of(share[:, index], lang) for index, _ in years]
        if loop.polarity == "U":  # what it does in each of the years
            letters = [year_polarity("U", share[:, index]) for index, _ in years]
            cells = [f"{letter} {cell}".strip() for letter, cell in zip(letters, cells, strict=True)]
        table.add_row(loop.name, *cells, Text(loop.story[lang]))
    return table
