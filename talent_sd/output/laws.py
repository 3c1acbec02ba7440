"""Tables of the laws: each with its worst city, the band, how many draws agree, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.analysis.laws import (
    ALL,
    COUNT,
    EXCUSED,
    FAILED,
    HELD,
    MEDIAN,
    NATION,
    NOT_MEASURABLE,
    Judged,
    Row,
)
from talent_sd.base.labels import shipped_labels
from talent_sd.base.words import word
from talent_sd.output.numbers import digits

if TYPE_CHECKING:
    from rich.table import Table

    from talent_sd.analysis.laws_policies import PolicyCost

_PLACES = {MEDIAN: "laws.place.median", COUNT: "laws.place.cities_inside", ALL: "laws.place.all",
           NATION: "laws.place.nation"}  # fmt: skip
_PER = {"person_year": "laws.person_year", "output": "laws.output"}
_COLOURS = {HELD: "green", EXCUSED: "green", FAILED: "red", NOT_MEASURABLE: "red"}


def laws_table(judged: Iterable[Judged], lang: str = "en", *, held: bool = True) -> Table:
    """Make the table of laws, one row each: the sentence, the row that is furthest out, the band, the draws.

    Parameters
    ----------
    judged : the laws
    lang : "en" or "zh"
    held : whether laws that hold are listed too
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=word("laws.title", lang), box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left",
                  expand=True, padding=(0, 1, 0, 0))  # fmt: skip
    for key, ratio in (
        ("laws.law", 1),
        ("laws.value", None),
        ("laws.band", None),
        ("validate.verdict", None),
    ):
        table.add_column(word(key, lang), overflow="fold", ratio=ratio, max_width=None if ratio else 16)
    for one in judged:
        if one.held and not held:
            continue
        row = furthest_row(one)
        verdict = HELD if one.held else row.verdict
        table.add_row(
            Text.assemble((one.law.id, "bold"), f"\n{getattr(one.law.says, lang)}",
                          (f"\n{row.why}" if row.why else "", "dim")),
            Text(f"{place_name(row.city, lang)}\n{_number(row.value)}"),
            band_text(row.lower, row.upper),
            Text.assemble((word(f"verdict.{verdict}", lang), _COLOURS[verdict]), (_share(row, lang), "dim")),
        )  # fmt: skip
    return table


def cities_table(one: Judged, lang: str = "en") -> Table:
    """Make the table of one law: every city with its value, band and draws."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{one.law.id}: {getattr(one.law.says, lang)}", box=box.SIMPLE_HEAD, pad_edge=False,
                  title_justify="left")  # fmt: skip
    for key in ("laws.place", "laws.value", "laws.band", "laws.in_band", "laws.sign", "validate.verdict"):
        table.add_column(word(key, lang), overflow="fold")
    for row in one.rows:
        verdict = word(f"verdict.{row.verdict if row.counts else 'shown'}", lang)
        colour = _COLOURS[row.verdict] if row.counts else "dim"
        table.add_row(
            place_name(row.city, lang),
            _number(row.value),
            band_text(row.lower, row.upper) if row.counts else "",
            _percent(row.share_of_draws),
            _percent(row.share_of_sign),
            Text.assemble((verdict, colour), (f" {row.why}" if row.why else "", "dim")),
        )
    return table


def policy_costs_table(costs: Sequence[PolicyCost], lang: str = "en") -> Table:
    """Make the table of policies: what the median city pays and gets, both ways, beside the range told.

    Medians over cities, with the lowest and the highest below.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=word("laws.policies", lang), box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left",
                  padding=(0, 1, 0, 0), caption=word("laws.policies_note", lang), caption_justify="left")  # fmt: skip
    table.add_column(word("laws.policy", lang), overflow="fold")
    for key in ("laws.person_gross", "laws.person_net", "laws.output_gross", "laws.output_net", "laws.told"):
        table.add_column(word(key, lang), overflow="fold", justify="right")
    ways = {(one.policy, one.way): one for one in costs}
    for policy in dict.fromkeys(one.policy for one in costs):
        gross, net = ways[policy, "gross"], ways[policy, "net"]
        told = ""
        if gross.told is not None:
            scale = 1000 if gross.told.per == "person_year" else 1
            told = f"{gross.told.range[0] / scale:g} … {gross.told.range[1] / scale:g}"
            told += "\n" + word(_PER[gross.told.per], lang)
        colour = "green" if gross.inside else "red"
        table.add_row(
            shipped_labels().element(policy, lang),
            *(_spread(one.per_person_year / 1000) for one in (gross, net)),
            *(_spread(one.per_yuan) for one in (gross, net)),
            Text(told, style=colour),
        )
    return table


def _spread(values: np.ndarray) -> str:
    """Return the median over the lowest and the highest; what gains nobody is infinite."""
    told = [
        "∞" if np.isinf(v) else digits(float(v), 2) for v in (np.median(values), values.min(), values.max())
    ]
    return f"{told[0]}\n{told[1]} … {told[2]}"


def furthest_row(one: Judged) -> Row:
    """Return the row that says most: of those that count one that fails, else the last."""
    counting = [row for row in one.rows if row.counts]
    failing = [row for row in counting if row.verdict not in (HELD, EXCUSED)]
    return max(failing, key=_distance) if failing else counting[-1]


def place_name(city: str, lang: str) -> str:
    """Return what a row's city is called."""
    return word(_PLACES[city], lang) if city in _PLACES else city


def band_text(lower: float | None, upper: float | None) -> str:
    """Return a band in few signs.

    >>> band_text(0.4, 0.9), band_text(None, 1.25), band_text(0.02, None)
    ('0.4 … 0.9', '≤ 1.25', '≥ 0.02')
    """
    if lower is None or upper is None:
        return f"≥ {lower:g}" if lower is not None else f"≤ {upper:g}"
    return f"{lower:g} … {upper:g}"


def summary(judged: Sequence[Judged], lang: str = "en") -> str:
    """Return how many laws hold, and how many cannot be measured."""
    held = sum(one.held for one in judged)
    missing = sum(any(row.verdict == NOT_MEASURABLE for row in one.rows if row.counts) for one in judged)
    return word("laws.summary", lang, held=held, all=len(judged), missing=missing)


def _distance(row: Row) -> float:
    """Return how far a value lies outside its band, in the band's own size."""
    if np.isnan(row.value):
        return np.inf
    low = -np.inf if row.lower is None else row.lower
    high = np.inf if row.upper is None else row.upper
    size = max(abs(end) for end in (row.lower, row.upper) if end is not None) or 1.0
    return max(low - row.value, row.value - high, 0.0) / size


def _number(value: float) -> str:
    return "" if np.isnan(value) else digits(value)


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{share:.0%}"


def _share(row: Row, lang: str) -> str:
    return (
        ""
        if np.isnan(row.share_of_draws)
        else " " + word("laws.of_draws", lang, share=_percent(row.share_of_draws))
    )
