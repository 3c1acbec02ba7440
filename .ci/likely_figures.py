"""Write what figures of a city are likely beside its others: `python .ci/likely_figures.py TABLES`.

TABLES is the folder of tables of many cities. The logarithm of each figure is fitted by least squares to those of up to
three others of the same city and year, chosen one after the other for the least spread of the residuals left one out:
once among the figures that every city file needs, once among all. The usual range is that of the residuals, wider by
`WIDER` and `APART`; changes from year to year have theirs. Rows in which a figure breaks a plain bound are left out.
With `--held-out` every third city in turn is left out of the fits, and it tells how many of those break a rule: how
often a city that nobody has seen is warned of.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import yaml

from talent_sd.inputs import read_mapping, read_panel
from talent_sd.inputs.figure_bounds import Likely, Rule, bounds, odd_figures

FILE = Path(__file__).parents[1] / "models" / "figure_bounds.yaml"
MARK = "likely:\n"
WIDER, APART = 1.35, 0.15
"""Logarithms of the usual range over those seen, and more on either side."""
CLOSER = {"tertiary_educated": (1.1, 0.05)}
"""The same of what all talent rests on: a slip by half moves the forecast by as much."""
MOST = 3
SINCE = 2018
"""Yearbooks since then; censuses have 2020 alone."""
CHANGES = 2021
"""Yearly figures were revised after the census of that year, and the year after."""
CENSUS = 2010
NEEDED = (
    "residents", "gdp", "fiscal_revenue", "fiscal_expenditure", "deposit_balance", "census_population", "tertiary_educated",
)  # fmt: skip
SHARED = {
    "life_expectancy",
    "national_life_expectancy",
    "national_oldest",
    "pensioners_against_nation",
    "residents_ceiling",
}
Rows = list[tuple[str, int, dict[str, float]]]


def rows_of(folder: Path) -> Rows:
    """Return city, year and figures, without cities' figures that break a plain bound in these years."""
    panel = read_panel(
        folder / "city_panel.csv", folder / "city_census.csv", folder / "province_panel.csv",
        ages_csv=folder / "city_ages.csv", structure_csv=folder / "city_structure.csv",
    )  # fmt: skip
    found: Rows = []
    for name, city in panel.cities.items():
        figures = {key: dict(one.values) for key, one in city.figures.items() if key not in SHARED}
        late = {
            key: {y: v for y, v in one.items() if y >= SINCE or y == CENSUS} for key, one in figures.items()
        }
        odd = {
            key
            for one in odd_figures(late, "city")
            if isinstance(one.rule, Rule)
            for key in (*one.names, *one.rule.per)
        }
        for year in sorted({year for one in late.values() for year in one}):
            values = {key: one[year] for key, one in late.items() if one.get(year, 0) > 0 and key not in odd}
            found.append((name, year, values))
    return found


def residuals(rows: Rows, of: str, like: list[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return coefficients (level first) and residuals left one out; None where too few cities have all."""
    some = [values for _, _, values in rows if all(key in values for key in (of, *like))]
    if len(some) < 100:
        return None
    table = np.log([[values[key] for key in (of, *like)] for values in some])
    left = np.c_[np.ones(len(table)), table[:, 1:]]
    found = np.linalg.lstsq(left, table[:, 0], rcond=None)[0]
    leverage = np.einsum("ij,jk,ik->i", left, np.linalg.pinv(left.T @ left), left)
    return found, (table[:, 0] - left @ found) / (1 - leverage)


def best(rows: Rows, of: str, among: list[str]) -> list[str]:
    """Return up to `MOST` figures that tell most of another."""
    like: list[str] = []
    spread = np.inf
    while len(like) < MOST:
        tried = {
            key: found[1].std()
            for key in among
            if key not in (of, *like) and (found := residuals(rows, of, [*like, key]))
        }
        key = min(tried, key=lambda one: tried[one], default=None)
        if key is None or tried[key] > 0.97 * spread:
            break
        spread = tried[key]
        like.append(key)
    return like


def rule(rows: Rows, of: str, like: list[str], since: int) -> dict[str, object] | None:
    """Return the rule of a figure; None where it is hardly better than a guess."""
    fitted = residuals(rows, of, like)
    if not like or fitted is None:
        return None
    coefficients, left = fitted
    low, high = usual(left, of=of)
    if high / low > 64:
        return None
    powers = {key: round(float(power), 3) for key, power in zip(like, coefficients[1:], strict=True)}
    level = float(np.exp(coefficients[0]))
    return {"of": of, "like": powers, "level": float(f"{level:.4g}"), "since": since, "usual": [low, high]}


def usual(logs: np.ndarray, years: int = 1, of: str = "") -> list[float]:
    """Return the range of what has these logarithms, with room; of changes a year over so many years."""
    wider, apart = CLOSER.get(of, (WIDER, APART))
    middle, room = np.median(logs), apart / years
    low, high = (middle + wider * (end - middle) for end in (logs.min(), logs.max()))
    low, high = np.exp(low - room), np.exp(high + room)
    return [float(f"{value:.3g}") for value in (low, high)]


def change(rows: Rows, of: str, since: int) -> dict[str, object] | None:
    """Return the rule of a figure's change a year; None where hardly a city tells."""
    series: dict[str, dict[int, float]] = {}
    for name, year, values in rows:
        if year >= since and of in values:
            series.setdefault(name, {})[year] = values[of]
    rule = Likely(of=of, since=since, yearly=True, usual=(0.0, 1.0))
    found = [value for one in series.values() for value in rule.over_likely({of: one}).values()]
    if len(found) < 100:
        return None
    return {
        "of": of,
        "since": since,
        "yearly": True,
        "usual": usual(np.log(found), 1 if since > CENSUS else 10),
    }


def rules(rows: Rows) -> list[dict[str, object]]:
    """Return every rule."""
    kinds = read_mapping().content.figures
    yearly = [key for key, kind in kinds.items() if kind.panel]
    known = {key for _, _, values in rows for key in values}
    found = []
    for of in (key for key in kinds if key in known and not key.startswith("age_")):
        since = SINCE if of in yearly else 2020
        at = [row for row in rows if row[1] >= since and (of in yearly or row[1] == since)]
        among = yearly if of in yearly else sorted(known)
        sets = [best(at, of, [key for key in among if key in NEEDED]), best(at, of, among)]
        if one := change(rows, of, since=CHANGES if of in yearly or of.startswith("province_") else CENSUS):
            found.append(one)
        for like in sets if sets[0] != sets[1] else sets[:1]:
            if one := rule(at, of, like, since):
                found.append(one)
    return found


def main() -> None:
    """Fit and write, or hold out and tell."""
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    rows = rows_of(folder)
    if "--held-out" in sys.argv:
        names = sorted({name for name, _, _ in rows})
        series: dict[str, dict[str, dict[int, float]]] = {name: {} for name in names}
        for name, year, values in rows:
            for key, value in values.items():
                series[name].setdefault(key, {})[year] = value
        told = 0
        for third in range(3):
            out = set(names[third::3])
            fitted = rules([row for row in rows if row[0] not in out])
            broken = {
                name
                for name in out
                for one in fitted
                if (over := Likely(**one).over_likely(series[name]))
                and not one["usual"][0] <= min(over.values()) <= max(over.values()) <= one["usual"][1]
            }  # fmt: skip
            told += len(broken)
        print(f"{told} of {len(names)} cities that the fits did not see break a rule")  # noqa: T201
        return
    head = FILE.read_text("utf-8").partition(MARK)[0]
    lines = [
        f"  - {yaml.safe_dump(one, default_flow_style=True, width=1000, sort_keys=False).strip()}\n"
        for one in rules(rows)
    ]
    FILE.write_text(head + MARK + "".join(lines), encoding="utf-8")
    bounds.cache_clear()
    bounds()
    print(f"{len(lines)} rules")  # noqa: T201


main()
