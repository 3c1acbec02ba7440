"""What is printed of a reading that was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.language import N_, fixed, tell
from talent_sd.output.terminal_tables import rich_table, words

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from talent_sd.evidence.reading_search import Found

FOUND = N_(
    "{out} of {all} figures come out at once, {before} before; {moved} constants moved, {distance:.2f} sd in all, the "
    "farthest {farthest:.2f}; misfit {misfit:.3g} in tolerances squared. Cannot come out: {cannot}. {seconds:.0f} s."
)
COLUMNS = (N_("Constant"), N_("Shipped"), N_("Reading"), N_("sd"), N_("Without it"))


def moves_shown(moves: pd.DataFrame, lang: str = "en") -> Table:
    """Return the table of constants moved, the farthest first."""
    columns = words(*(tell(c, lang) for c in COLUMNS), overflow="fold")
    table = rich_table(tell("Constants moved, in prior standard deviations", lang), *columns, style="")
    for row in moves.to_dict("records"):
        numbers = (f"{row['shipped']:.4g}", f"{row['reading']:.4g}", fixed(row["moved_sd"], 2, "+"))
        table.add_row(str(row["constant"]), *numbers, str(row["needed_for"]))
    return table


def found_words(found: Found, seconds: float, lang: str = "en") -> str:
    """Return how many figures come out, how far that is from the shipped constants, and what cannot."""
    return tell(
        FOUND,
        lang,
        out=sum(one.comes_out for one in found.findings),
        before=sum(one.comes_out for one in found.shipped),
        all=len(found.findings),
        moved=int(np.count_nonzero(found.point)),
        distance=found.distance,
        farthest=float(np.abs(found.point).max(initial=0)),
        misfit=found.misfit,
        cannot=", ".join(found.cannot) or tell("none", lang),
        seconds=seconds,
    )


def cost_words(costs: pd.DataFrame, lang: str = "en") -> str:
    """Return what the reading costs in the back-test, outcome by outcome."""
    told = [
        f"{row['variable']} {fixed(row['mae_evidence'], 4)} → {fixed(row['mae_reading'], 4)}"
        for row in costs.to_dict("records")
    ]
    return tell("Back-test, mean |ln(forecast/actual)|: {costs}", lang, costs="; ".join(told))
