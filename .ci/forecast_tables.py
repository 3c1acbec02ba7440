"""Print models/README.md's tables of how good the forecasts are.

python .ci/judge.py TABLES FIT OUT
python .ci/forecast_tables.py OUT
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from talent_sd.base.errors import InputError
from talent_sd.inputs import list_cities, load_city
from talent_sd.output.backtest_tables import OUTCOMES
from talent_sd.uncertainty.windows import BROKEN

BASELINES = ("constant_share", "trend_share", "damped_trend")
WINDOWS = ("2010", "2012", "2013")
"""Folders of back-tests, by the year that they start in; `cross_` before it: judged without the own province."""
CROSS = "cross_"
OTHERS = (
    ("unseen cities, 2010→2020", "2010", "unseen"),
    ("unseen cities without the north-east, 2010→2020", "2010", "unseen_without_north_east"),
    ("all cities, province not fitted, 2010→2020", "cross_2010", "unseen"),
    (
        "all cities without the north-east, province not fitted, 2010→2020",
        "cross_2010",
        "unseen_without_north_east",
    ),
    (
        "all cities without the north-east, province not fitted, 2013→2023",
        "cross_2013",
        "unseen_without_north_east",
    ),
    ("unseen cities, fitted on 2010→2016, judged on 2016→2023", "early", "unseen"),
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
        OUTCOMES[row["variable"]],
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
    return _markdown(["judged on", *OUTCOMES.values()], rows)


def city_table(folder: Path) -> str:
    """Return the named cities' errors, ln(forecast/actual), at the end of one back-test."""
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
    return _markdown(["city", "", *OUTCOMES.values()], rows)


def _scores(folder: Path, name: str) -> Path:
    return folder / name / "scores.csv"


def _read(folder: Path, name: str) -> pd.DataFrame:
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


if __name__ == "__main__":
    sys.stdout.write(forecast_tables(Path(sys.argv[1])))
