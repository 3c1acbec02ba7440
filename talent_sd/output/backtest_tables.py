"""Tables of how good forecasts of the past were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.language import N_, fixed, tell
from talent_sd.inputs.labels import shipped_labels
from talent_sd.output.terminal_tables import explain, numbers, rich_table, words

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Column, Table

COVERAGE = N_("80 % covers")
EVIDENCE = N_("The article's figures inside the posterior: {held} of {all} hold")
FORECASTERS = {
    "model": N_("model"),
    "constant_share": N_("constant share"),
    "trend_share": N_("trend"),
    "damped_trend": N_("damped"),
}
"""The model and what it is measured against: end of the column that holds its error -> name."""

OUTCOMES = {
    "tertiary_educated": N_("tertiary-educated"),
    "residents": N_("residents"),
    "gdp": N_("GDP, nominal"),
    "gdp_real": N_("GDP, real"),
    "fiscal_revenue": N_("fiscal revenue"),
}
HOLDS = 0.9
"""Share of the draws that must meet a figure for it to hold inside the posterior."""
GROUPS = {"all": N_("all"), "fitted": N_("fitted"), "unseen": N_("unseen")}


def scores_text(scores: pd.DataFrame, lang: str = "en") -> Table:
    """Make the table of errors: the model beside the baselines, by outcome and group of cities.

    Parameters
    ----------
    scores : as `score_table` gives it
    """
    years = f"{scores['start'].min()} → {scores['end'].max()}"
    table = _table(
        tell("Error |ln(forecast/actual)|, {years}", lang, years=years),
        *words(tell("Outcome", lang), tell("Cities", lang), overflow="fold"),
        *_numbers(lang, *FORECASTERS.values(), N_("CRPS"), COVERAGE),
    )
    for row in scores[scores["cities"].isin(GROUPS)].to_dict("records"):
        errors = [row[f"mae_{name}"] for name in FORECASTERS]
        table.add_row(
            tell(OUTCOMES[row["variable"]], lang),
            f"{tell(GROUPS[row['cities']], lang)} ({row['number']})",
            *("–" if np.isnan(error) else fixed(error, 3) for error in errors),
            fixed(row["crps_model"], 3),
            f"{fixed(100 * row['coverage_80'])} %",
        )
    return table


MIXED = 1.05
"""R-hat above which independent chains have not met: Gelman and others name 1.1, Vehtari and others (2021) 1.01."""
UNMIXED = N_(
    "R-hat is above {mixed:g} for {count} of {all} constants, up to {most:.2f}: the chains have not met, and their draws "
    "are no posterior yet. Do not use this one; give more --steps."
)


def diagnostics_text(diagnostics: pd.DataFrame, lang: str = "en") -> Table:
    """Make the table of fitted constants: prior, posterior, convergence."""
    table = _table(
        tell("Fitted constants: mean ± standard deviation", lang),
        *words(tell("Constant", lang), overflow="fold"),
        *_numbers(lang, N_("prior"), N_("posterior"), N_("R-hat"), N_("effective draws")),
    )
    for row in diagnostics.to_dict("records"):
        table.add_row(
            shipped_labels().variable(row["parameter"], lang),
            f"{_plain(row['prior_mean'], row['prior_sd'])} ± {row['prior_sd']:.2g}",
            f"{row['posterior_mean']:.3g} ± {row['posterior_sd']:.2g}",
            fixed(row["r_hat"], 3),
            fixed(row["effective_size"]),
        )
    apart = diagnostics["r_hat"][~(diagnostics["r_hat"] <= MIXED)]
    if len(apart):
        told = tell(UNMIXED, lang, count=len(apart), all=len(diagnostics), most=apart.max(), mixed=MIXED)
        explain(table, told, lang=lang)
    return table


def evidence_text(figures: pd.DataFrame, lang: str = "en") -> Table:
    """Make the table of the article's figures inside the posterior, with how many draws meet each.

    Parameters
    ----------
    figures : as `evidence_table` gives it
    """
    held = int((figures["met"] >= HOLDS).sum())
    table = _table(
        tell(EVIDENCE, lang, held=held, all=len(figures)),
        *words(tell("Figure", lang), no_wrap=True),
        *_numbers(lang, N_("target ± allowed"), N_("posterior (90 %)"), N_("draws meet it")),
    )
    for row in figures.to_dict("records"):
        table.add_row(
            row["figure"],
            f"{row['target']:.3g} ± {row['allowance']:.2g}",
            f"{row['median']:.3g} ({row['low_90']:.3g} … {row['high_90']:.3g})",
            f"{fixed(100 * row['met'])} %",
        )
    return table


def _plain(mean: float, sd: float) -> str:
    """Return a mean, as 0 where it is nothing beside its spread.

    >>> _plain(1e-19, 0.005), _plain(0.0252, 0.01)
    ('0', '0.0252')
    """
    return "0" if abs(mean) < 1e-6 * sd else f"{mean:.3g}"


def _table(title: str, *columns: Column) -> Table:
    return rich_table(title, *columns, style="", title_style="bold")


def _numbers(lang: str, *keys: str) -> list[Column]:
    return numbers(*(tell(key, lang) for key in keys), no_wrap=True)
