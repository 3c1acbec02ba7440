"""Write what figures of a city are likely beside its others: `python .ci/likely_figures.py TABLES`.

TABLES is the folder of tables of many cities. The logarithm of each figure is fitted by least squares to those of up to
three others of the same city and year, chosen one after the other for the least spread of the residuals left one out:
once among the figures that every city file needs, once among all. The usual range is that of the residuals, wider by
`WIDER` and `APART`; changes from year to year have theirs. Rows in which a figure breaks a plain bound are left out.

Those in `BESIDE` are fitted to the last years of each figure over the nation's, with a factor for each province (drawn
towards 1). Their usual range leaves out `TAILS` of the cities at either end, each predicted without itself, but none that
ships; nine in ten are within `common`.

With `--held-out` every third city in turn is left out of the fits, and it tells how many of those break a rule: how
often a city that nobody has seen is warned of.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import yaml

from talent_sd.inputs import list_cities, load_city, read_mapping, read_panel
from talent_sd.inputs.city_files import read_provinces
from talent_sd.inputs.figure_bounds import NEARBY, Likely, Rule, bounds, near, odd_figures, over_nation

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
SIX = ("residents", "gdp", "fiscal_revenue", "fiscal_expenditure", "deposit_balance", "tertiary_educated")
COUNTED = ("age_0_14", "age_60_plus", "migrants_same_province", "migrants_other_province")
BESIDE = {
    **{(of, tuple(one for one in SIX if one != of)): 0.01 for of in SIX},
    ("gdp", ("residents", "tertiary_educated")): 0.005,
    ("fiscal_expenditure", ("residents", "tertiary_educated")): 0.005,
    **{
        (of, SIX): 0.005
        for of in ("average_wage", "house_price", "gdp_secondary", "share_manufacturing", *COUNTED)
    },
    ("bachelor_or_above", ("tertiary_educated", "residents", "gdp", "deposit_balance")): 0.005,
    ("age_60_plus", ("age_0_14", "age_15_59", "census_population", "tertiary_educated")): 0.01,
    ("age_60_plus", ("age_0_14", "age_15_59", "age_20_34", "census_population", "tertiary_educated")): 0.01,
}
"""Figure and its others -> part of the cities at either end that are out of the ordinary."""
OVER = {"age_60_plus": "age_0_14"}
"""Figure -> one of its others, over which it is fitted: who swaps the two turns it over."""
PER = {
    "residents": ("", "person"), "gdp": ("residents", "yuan/(person*year)"), "fiscal_revenue": ("gdp", "1"),
    "fiscal_expenditure": ("gdp", "1"), "deposit_balance": ("gdp", "year"), "tertiary_educated": ("census_population", "1"),
    "share_manufacturing": ("", "1"), "gdp_secondary": ("gdp", "1"),
    **dict.fromkeys(COUNTED, ("census_population", "1")),
    "average_wage": ("", "yuan/(person*year)"), "house_price": ("", "yuan/(m*m)"),
}  # fmt: skip
"""Figure -> what it is told per, and in which unit."""
DRAWN = 1.0
"""How far the factors of provinces are drawn towards 1: so many cities, as it were, are like the nation's."""


def rows_of(folder: Path) -> tuple[Rows, dict[str, str]]:
    """Return city, year and figures, without figures that break a plain bound in these years; and each city's province."""
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
    known = read_provinces().content.people
    return found, {
        name: next(one for one in known if city.province["zh"].startswith(one))
        for name, city in panel.cities.items()
    }


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


def beside(
    rows: Rows, of: str, like: tuple[str, ...], tail: float, provinces: dict[str, str]
) -> dict[str, object]:
    """Return the rule of a figure over the nation's, with a factor for each province."""
    series: dict[str, dict[str, dict[int, float]]] = {}
    for name, year, values in rows:
        for key in {of, *like} & set(values):
            series.setdefault(name, {}).setdefault(key, {})[year] = values[key]
    told, names = [], []
    for name, figures in series.items():
        if set(figures) < {of, *like}:
            continue
        over = {key: over_nation(key, one) for key, one in figures.items()}
        years = {year for year in over[of] if year >= SINCE}
        others = {key: near(over[key], years, NEARBY) for key in like}
        for year in sorted(years.intersection(*others.values())):
            told.append([over[of][year], *(others[key][year] for key in like)])
            names.append(name)
    who = np.array(names)
    cities = list(dict.fromkeys(names))
    places = sorted({provinces[name] for name in cities})
    weight = np.array([1 / np.sqrt(names.count(name)) for name in names])[:, None]
    logs = np.log(told)
    over_one = like.index(OVER[of]) + 1 if OVER.get(of) in like else 0
    if over_one:
        logs[:, 0] -= logs[:, over_one]
        logs[:, over_one] = 0
    member = [[float(provinces[name] == place) for place in places] for name in names]
    left = np.c_[np.ones(len(logs)), logs[:, 1:], member]
    square = (left * weight).T @ (left * weight) + np.diag([1e-9] * (1 + len(like)) + [DRAWN] * len(places))
    side = (left * weight).T @ (logs[:, :1] * weight)
    residual = []
    for name in cities:
        out = (who == name)[:, None] * weight * left
        without = np.linalg.solve(square - out.T @ out, side - out.T @ (logs[:, :1] * weight))
        residual.append((logs[:, :1] - left @ without)[who == name][-1, 0])
    found = np.linalg.solve(square, side)[:, 0]
    found[over_one] += bool(over_one)
    shipped = {load_city(name).title["zh"] for name in list_cities()}
    ships = [
        value for value, name in zip(residual, cities, strict=True) if name.removesuffix("市") in shipped
    ]
    low, high = np.quantile(residual, [tail, 1 - tail])
    low, high = min(low, *(one - 0.03 for one in ships)), max(high, *(one + 0.03 for one in ships))
    ends = [
        [float(f"{np.exp(one):.3g}") for one in two]
        for two in ((low, high), np.quantile(residual, [0.05, 0.95]))
    ]
    factors = {
        place: float(f"{np.exp(one):.3g}") for place, one in zip(places, found[1 + len(like) :], strict=True)
    }
    shown = (
        dict(zip(("common", "per", "unit"), (ends[1], *PER[of]), strict=True))
        if {of, *like} >= set(SIX)
        else {}
    )
    return {
        "of": of, "like": {key: round(float(one), 3) for key, one in zip(like, found[1:], strict=False)},
        "level": float(f"{np.exp(found[0]):.4g}"), "since": SINCE, "until": 2036, "usual": ends[0], **shown,
        "places": factors,
    }  # fmt: skip


def rules(rows: Rows, provinces: dict[str, str]) -> list[dict[str, object]]:
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
        if any(of == one for one, _ in BESIDE if of not in COUNTED):
            continue
        for like in sets if sets[0] != sets[1] else sets[:1]:
            if one := rule(at, of, like, since):
                found.append(one)
    return [*found, *(beside(rows, of, like, tail, provinces) for (of, like), tail in BESIDE.items())]


def main() -> None:
    """Fit and write, or hold out and tell."""
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    rows, provinces = rows_of(folder)
    if "--held-out" in sys.argv:
        names = sorted({name for name, _, _ in rows})
        series: dict[str, dict[str, dict[int, float]]] = {name: {} for name in names}
        for name, year, values in rows:
            for key, value in values.items():
                series[name].setdefault(key, {})[year] = value
        told = 0
        for third in range(3):
            out = set(names[third::3])
            fitted = rules([row for row in rows if row[0] not in out], provinces)
            broken = {
                name
                for name in out
                for one in fitted
                if (over := Likely(**one).over_likely(series[name], provinces[name]))
                and not one["usual"][0] <= min(over.values()) <= max(over.values()) <= one["usual"][1]
            }  # fmt: skip
            told += len(broken)
        print(f"{told} of {len(names)} cities that the fits did not see break a rule")  # noqa: T201
        return
    head = FILE.read_text("utf-8").partition(MARK)[0]
    lines = [
        f"  - {yaml.safe_dump(one, default_flow_style=True, width=1000, sort_keys=False, allow_unicode=True).strip()}\n"
        for one in rules(rows, provinces)
    ]
    FILE.write_text(head + MARK + "".join(lines), encoding="utf-8")
    bounds.cache_clear()
    bounds()
    print(f"{len(lines)} rules")  # noqa: T201


main()
