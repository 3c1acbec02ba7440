"""Tables of how good forecasts of the past were."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import shipped_labels

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

CONSTANT_SHARE = N_("constant share")
COVERAGE = N_("80 % covers")
DAMPED_TREND = N_("damped")
EVIDENCE = N_("The article's figures inside the posterior: {held} of {all} hold")
MODEL = N_("model")
QUALITY_CRPS = N_("CRPS")
TREND_SHARE = N_("trend")

OUTCOMES = {
    "tertiary_educated": N_("tertiary-educated"),
    "residents": N_("residents"),
    "gdp": N_("GDP, nominal"),
    "gdp_real": N_("GDP, real"),
    "fiscal_revenue": N_("fiscal revenue"),
}
BASELINES = ("constant_share", "trend_share", "damped_trend")
WINDOWS = ("2010", "2012", "2013")
"""Folders of back-tests, by the year that they start in; `cross_` before it: judged without the own province."""
CROSS = "cross_"
OTHERS = (
    ("unseen cities, 2010→2020", "2010", "unseen"),
    ("the same without the north-east", "2010", "unseen_without_north_east"),
    ("all cities, province not fitted, 2010→2020", "cross_2010", "unseen"),
    ("the same without the north-east", "cross_2010", "unseen_without_north_east"),
    ("the same, 2013→2023", "cross_2013", "unseen_without_north_east"),
    ("fitted on 2010→2016, judged on 2016→2023", "early", "unseen"),
    ("unseen cities, 2013→2023, without hindsight of the fading", "no_hindsight", "unseen"),
)
"""Row, folder of a back-test, group of cities."""


def forecast_tables(folder: Path) -> str:
    """Return the README's tables in Markdown.

    Parameters
    ----------
    folder : with a folder of `backtest` for each name in `WINDOWS`, the same with `cross_` before it,
        and for each other in `OTHERS`

    Raises
    ------
    InputError
        If a folder has no scores.csv: names every one.
    """
    names = {*WINDOWS, *(CROSS + name for name in WINDOWS), *(name for _, name, _ in OTHERS)}
    missing = [
        str(folder / name / "scores.csv") for name in sorted(names) if not _scores(folder, name).is_file()
    ]
    if missing:
        raise InputError([f"{file} is missing. Write it with `python .ci/judge.py`." for file in missing])
    return "\n\n".join([quality_table(folder), other_table(folder), city_table(folder / "2010")]) + "\n"


def quality_table(folder: Path) -> str:
    """Return the table of errors and coverage: each window's unseen cities, then all cities cross-fitted."""
    rows = []
    for prefix, who in (("", "unseen"), (CROSS, "all, province not fitted")):
        for name in WINDOWS:
            scores = _read(folder, prefix + name)
            for outcome in OUTCOMES:
                found = scores[(scores["variable"] == outcome) & (scores["cities"] == "unseen")]
                rows += [_quality_row(row, who) for row in found.to_dict("records")]
    head = ["cities", "years", "outcome", "model", "constant share", "trend", "damped trend",
            "against the best", "CRPS", "50 % covers", "80 % covers", "95 % covers", "parameters alone"]  # fmt: skip
    return _markdown(head, rows)


def _quality_row(row: Mapping[Hashable, Any], who: str) -> list[str]:
    better = float(row["against_best_high"]) < 0
    model = f"{row['mae_model']:.3f}"
    percent = {share: f"{100 * float(row[f'coverage_{share}']):.0f} %" for share in (50, 80, 95)}
    return [
        f"{who} ({row['number']})",
        f"{row['start']}→{row['end']}",
        tell(OUTCOMES[row["variable"]], "en"),
        f"**{model}**" if better else model,
        *(_number(float(row[f"mae_{name}"])) for name in BASELINES),
        f"{_signed(row['against_best_low'], 3)} … {_signed(row['against_best_high'], 3)}",
        f"{row['crps_model']:.3f}",
        percent[50],
        f"{percent[80]} ± {100 * float(row['coverage_80_error']):.0f}",
        percent[95],
        f"{100 * float(row['coverage_80_parameters_only']):.0f} %",
    ]


def other_table(folder: Path) -> str:
    """Return the table of other judgements: the model, and the best baseline in brackets."""
    rows = []
    for title, name, group in OTHERS:
        scores = _read(folder, name)
        scores = scores[scores["cities"] == group].set_index("variable")
        cells = []
        for outcome in OUTCOMES:
            if outcome not in scores.index:
                cells.append("–")
                continue
            row = scores.loc[outcome]
            cells.append(f"{row['mae_model']:.3f} ({row['mae_' + row['best_baseline']]:.3f})")
        rows.append([title, *cells])
    return _markdown(["judged on", *(tell(title, "en") for title in OUTCOMES.values())], rows)


def city_table(folder: Path) -> str:
    """Return the named cities' errors, ln(forecast/actual), at the end of one back-test."""
    import pandas as pd

    from talent_sd.inputs import list_cities, load_city
    from talent_sd.uncertainty.windows import BROKEN

    forecasts = pd.read_csv(folder / "forecasts.csv")
    known = forecasts.dropna(subset=["error"])
    last = known[known["year"] == known.groupby("variable")["year"].transform("max")]
    rows = []
    for city in (load_city(name) for name in list_cities()):
        names = (city.title["zh"], city.title["zh"] + "市")
        own = last[last["city"].isin(names)].set_index("variable")
        if own.empty:
            continue
        star = " *" if BROKEN.intersection(names) else ""
        fitted = "fitted" if bool(own["fitted"].iloc[0]) else "unseen"
        errors = [_signed(own["error"].get(name), 2) for name in OUTCOMES]
        rows.append([city.title["en"] + star, fitted, *errors])
    return _markdown(["city", "", *(tell(title, "en") for title in OUTCOMES.values())], rows)


def _scores(folder: Path, name: str) -> Path:
    return folder / name / "scores.csv"


def _read(folder: Path, name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(_scores(folder, name))


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"


def _signed(value: float | str | None, digits: int) -> str:
    """Return a number with its sign, a true minus.

    >>> _signed(-0.0212, 3), _signed(0.004, 2), _signed(None, 2)
    ('−0.021', '+0.00', '–')
    """
    if value is None or value != value:
        return "–"
    return f"{round(float(value), digits) + 0.0:+.{digits}f}".replace("-", "−")  # no "−0.00"


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)


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
    table = _table(tell("Error |ln(forecast/actual)|, {years}", lang, years=years))
    for key in (N_("Outcome"), N_("Cities")):
        table.add_column(tell(key, lang))
    for key in (MODEL, CONSTANT_SHARE, TREND_SHARE, DAMPED_TREND, QUALITY_CRPS, COVERAGE):
        table.add_column(tell(key, lang), justify="right", no_wrap=True)
    for row in scores[scores["cities"].isin(GROUPS)].to_dict("records"):
        errors = [
            row["mae_model"],
            row["mae_constant_share"],
            row["mae_trend_share"],
            row["mae_damped_trend"],
        ]
        table.add_row(
            tell(OUTCOMES[row["variable"]], lang),
            f"{tell(GROUPS[row['cities']], lang)} ({row['number']})",
            *("–" if np.isnan(error) else f"{error:.3f}" for error in errors),
            f"{row['crps_model']:.3f}",
            f"{100 * row['coverage_80']:.0f} %",
        )
    return table


def diagnostics_text(diagnostics: pd.DataFrame, lang: str = "en") -> Table:
    """Make the table of fitted constants: prior, posterior, convergence."""
    table = _table(tell("Fitted constants: mean ± standard deviation", lang))
    table.add_column(tell("Constant", lang))
    for key in (N_("prior"), N_("posterior"), N_("R-hat"), N_("effective draws")):
        table.add_column(tell(key, lang), justify="right", no_wrap=True)
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
    table = _table(tell(EVIDENCE, lang, held=held, all=len(figures)))
    table.add_column(tell("Figure", lang), no_wrap=True)
    for key in (N_("target ± allowed"), N_("posterior (90 %)"), N_("draws meet it")):
        table.add_column(tell(key, lang), justify="right", no_wrap=True)
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
