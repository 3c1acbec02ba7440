"""Scores and diagnostics as tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.labels import shipped_labels
from talent_sd.base.words import word

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

HOLDS = 0.9
"""Share of the draws that must meet a figure for it to hold inside the posterior."""
GROUPS = ("all", "fitted", "unseen")


def scores_text(scores: pd.DataFrame, lang: str = "en") -> Table:
    """Make the table of errors: the model beside the baselines, by outcome and group of cities.

    Parameters
    ----------
    scores : as `score_table` gives it
    """
    years = f"{scores['start'].min()} → {scores['end'].max()}"
    table = _table(word("quality.scores", lang, years=years))
    for key in ("variable", "cities"):
        table.add_column(word(f"quality.{key}", lang))
    for key in ("model", "constant_share", "trend_share", "damped_trend", "crps", "coverage"):
        table.add_column(word(f"quality.{key}", lang), justify="right", no_wrap=True)
    for row in scores[scores["cities"].isin(GROUPS)].to_dict("records"):
        errors = [row["mae_model"], row["mae_constant_share"], row["mae_trend_share"], row["mae_damped_trend"]]
        table.add_row(
            word("outcome." + row["variable"], lang),
            f"{word('quality.' + row['cities'], lang)} ({row['number']})",
            *("–" if np.isnan(error) else f"{error:.3f}" for error in errors),
            f"{row['crps_model']:.3f}",
            f"{100 * row['coverage_80']:.0f} %",
        )
    return table


def diagnostics_text(diagnostics: pd.DataFrame, lang: str = "en") -> Table:
    """Make the table of fitted constants: prior, posterior, convergence."""
    table = _table(word("quality.diagnostics", lang))
    table.add_column(word("quality.parameter", lang))
    for key in ("prior", "posterior", "r_hat", "effective_size"):
        table.add_column(word(f"quality.{key}", lang), justify="right", no_wrap=True)
    for row in diagnostics.to_dict("records"):
        table.add_row(
            shipped_labels().variable(row["parameter"], lang),
            f"{_plain(row['prior_mean'], row['prior_sd'])} ± {row['prior_sd']:.2g}",
            f"{row['posterior_mean']:.3g} ± {row['posterior_sd']:.2g}",
            f"{row['r_hat']:.3f}",
            f"{row['effective_size']:.0f}",
        )
    return table


def evidence_text(figures: pd.DataFrame, lang: str = "en") -> Table:
    """Make the table of the article's figures inside the posterior, with how many draws meet each.

    Parameters
    ----------
    figures : as `evidence_table` gives it
    """
    held = int((figures["met"] >= HOLDS).sum())
    table = _table(word("quality.evidence", lang, held=held, all=len(figures)))
    table.add_column(word("quality.figure", lang), no_wrap=True)
    for key in ("target", "posterior_90", "met"):
        table.add_column(word(f"quality.{key}", lang), justify="right", no_wrap=True)
    for row in figures.to_dict("records"):
        table.add_row(
            row["figure"],
            f"{row['target']:.3g} ± {row['allowance']:.2g}",
            f"{row['median']:.3g} ({row['low_90']:.3g} … {row['high_90']:.3g})",
            f"{100 * row['met']:.0f} %",
        )
    return table


def _plain(mean: float, sd: float) -> str:
    """Return a mean, as 0 where it is nothing beside its spread.

    >>> _plain(1e-19, 0.005), _plain(0.0252, 0.01)
    ('0', '0.0252')
    """
    return "0" if abs(mean) < 1e-6 * sd else f"{mean:.3g}"


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
