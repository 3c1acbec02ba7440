"""`talent-sd validate --fit-reading`: find the assumptions under which most of the article's figures come out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError
from talent_sd.base.files import write_frame
from talent_sd.base.language import tell
from talent_sd.cli.common import console, say, show_written

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.uncertainty.city_tables import Sources

WINDOW = (2010, 2020)
STEPS = 3
"""Of the search, besides one for each figure that is missed."""


def tables_given(panel: Path | None, census: Path | None, *others: Path | None) -> Sources | None:
    """Return the tables for the back-test, None where there are none.

    Parameters
    ----------
    others : provinces, ages, structure and borders
    """
    from talent_sd.uncertainty.city_tables import Sources

    if panel is None and census is None and not any(others):
        return None
    if panel is None or census is None:
        raise InputError(tell("The back-test needs --panel and --census together. Give both, or neither."))
    province, ages, structure, borders = others
    return Sources(panel, census, province, "central", ages, structure, borders)


def fit_reading(
    model: Model, name: str, out: Path, lang: str, priors: Path | None, sources: Sources | None
) -> None:
    """Search, print, and write the reading, its moves, its figures and, given tables, its cost.

    Parameters
    ----------
    name : a shipped reading or a path: it gives title, summary and the reasons that still apply
    priors : of the free constants; the shipped ones by default
    sources : tables of cities for the back-test, or None
    """
    from talent_sd.base.output_folders import written_together
    from talent_sd.base.progress import progress_bar
    from talent_sd.evidence.reading_bench import free_constants
    from talent_sd.evidence.reading_files import (
        backtest_cost,
        figures_table,
        moves_table,
        needed_for,
        refuse_evidence,
        write_reading,
    )
    from talent_sd.evidence.reading_search import search_reading
    from talent_sd.inputs.evidence_ledger import read_evidence
    from talent_sd.inputs.readings import load_reading
    from talent_sd.output.evidence_tables import readings_compared
    from talent_sd.output.readings import cost_words, found_words, moves_shown

    refuse_evidence(name)
    known, started, figures = load_reading(name), time.monotonic(), read_evidence()
    with written_together(out) as folder:
        with progress_bar(tell("Searching", lang), STEPS + len(figures)) as done:
            found = search_reading(model, figures, free_constants(model, priors), lambda _: done(1))
            needs = needed_for(model, found)
        moves = moves_table(found, needs)
        write_frame(folder / "moves.csv", moves, "%.6g")
        write_frame(folder / "figures.csv", figures_table(found), "%.6g")
        write_reading(found, known, needs, folder / f"{known.name}.yaml")
        reading = load_reading(folder / f"{known.name}.yaml")
        costs = None if sources is None else backtest_cost(model, found.constants, sources, *WINDOW)
        if costs is not None:
            write_frame(folder / "backtest.csv", costs, "%.6g")
        files = sorted(file.name for file in folder.iterdir())
    console().print(moves_shown(moves, lang))
    say(found_words(found, time.monotonic() - started, lang))
    say("\n".join(readings_compared(found.shipped, found.findings, reading, lang)[1:]))
    if costs is not None:
        say(cost_words(costs, lang))
    show_written(out, files, lang)
