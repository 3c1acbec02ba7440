"""Many cities at once, from the panel, census and province tables of a back-test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import Problems, nearest
from talent_sd.base.language import apart, tell
from talent_sd.inputs.city_borders import COLUMNS, check_borders, on_later_borders
from talent_sd.inputs.city_figures import City, DatedFigure, read_mapping
from talent_sd.inputs.city_files import figures_of_province, odd_censuses, odd_of_province, read_provinces
from talent_sd.inputs.csv_tables import read_table
from talent_sd.inputs.figure_bounds import odd_figures, years_to_come
from talent_sd.inputs.settings import Origin
from talent_sd.inputs.strict_yaml import shown
from talent_sd.model.units import after_number

if TYPE_CHECKING:
    import pandas as pd

    from talent_sd.inputs.city_figures import Mapped


SHOWN = 5
MOST = 0.2
"""Part of the values, or cities, above which a table is wrong and not a cell of it."""
AMONG_MANY = 1.5
"""How much wider what is likely of a city is taken in a table of many."""


@dataclass(frozen=True)
class Panel:
    """Cities by name, and what was left out of the tables.

    Parameters
    ----------
    cities : name to city; the figures are those of `models/city_figures.yaml`
    dropped : a line for each rule of what cannot be or is odd, though kept, and one for each value left out as implausible
    """

    cities: dict[str, City]
    dropped: tuple[str, ...]


def read_panel(
    panel_csv: str | Path,
    census_csv: str | Path,
    province_csv: str | Path | None = None,
    mapping: Mapped | None = None,
    *,
    ages_csv: str | Path | None = None,
    structure_csv: str | Path | None = None,
    borders_csv: str | Path | None = None,
) -> Panel:
    """Read tables of one row per city (or province) and year.

    Interpolated values (column `*_observed` false) are left out: they lean on
    later years. Single implausible values are left out and told in `dropped`;
    a column most of whose values are implausible is in the wrong unit and refused.

    Parameters
    ----------
    panel_csv : city, province, region, year and yearly figures
    census_csv : city, year and census figures
    province_csv : province, year and provincial figures
    mapping : tells which column holds which figure, in which unit
    ages_csv, structure_csv : city, year and residents by age; jobs and homes of the long form
    borders_csv : city and people of 2010 and 2020 on the borders of 2020, to which counts are brought

    Raises
    ------
    InputError
        With every problem: missing columns, text where a number belongs, rows
        that appear twice, wrong units.
    """
    mapping = mapping or read_mapping()
    optional = {
        "ages": (ages_csv, ("city", "year")),
        "structure": (structure_csv, ("city", "year")),
        "province": (province_csv, ("province", "year")),
        "borders": (borders_csv, ("city", *COLUMNS)),
    }
    tables = {
        "panel": _Table(Path(panel_csv), ("city", "province", "region", "year"), "city"),
        "census": _Table(Path(census_csv), ("city", "year"), "city"),
    }
    tables |= {kind: _Table(Path(file), keys, keys[0]) for kind, (file, keys) in optional.items() if file}
    series: dict[str, dict[str, dict[str, DatedFigure]]] = {}
    for kind, table in tables.items():
        if not table.read() and kind != "borders":
            series[kind] = table.figures(kind, mapping)
    problems = Problems(problem for table in tables.values() for problem in table.problems)
    if not problems:
        problems += _spelt_otherwise(tables["panel"], tables["census"])
    problems.refuse()
    cities = _cities(tables["panel"].frame, series, mapping)
    # as the files have them: on later borders the census fits its table of ages no more
    odd = _odd(cities, mapping, tables["panel"].file, problems)
    if (borders := tables.get("borders")) is not None:
        problems += check_borders(cities, borders.frame, borders.file)
    problems.refuse()
    cities = on_later_borders(cities, borders.frame, mapping) if borders else cities
    return Panel(cities, (*odd, *(line for table in tables.values() for line in table.dropped)))


def _odd(cities: Mapping[str, City], mapping: Mapped, file: str, problems: Problems) -> Problems:
    """Return a line for each rule that cities break; note a problem where a fifth of them cannot be."""
    broken: dict[tuple[int, str, bool], list[str]] = {}
    for name, city in cities.items():
        figures = {key: figure.values for key, figure in city.figures.items()}
        if not any(known.startswith(city.province["zh"]) for known in read_provinces().content.names):
            text = tell("'{name}' is no province of China.", name=city.province["zh"])
            broken.setdefault((0, "province", False), []).append(f"{name}: {text}")
        counts = odd_censuses(figures, mapping, last=False)
        for about, wrong, text in (
            *odd_of_province(city.title, city.region, city.province, figures),
            *counts,
        ):
            broken.setdefault((1, about, wrong), []).append(f"{name}: {text}")
        if later := years_to_come(figures):
            broken.setdefault((0, "", False), []).append(f"{name}: {later}")
        for one in odd_figures(figures, "city", city.province["zh"], AMONG_MANY):
            key = (id(one.rule), one.names[0], one.wrong)
            broken.setdefault(key, []).append(f"{name}: {one}")
    told = Problems()
    for (_, _, wrong), lines in sorted(broken.items(), key=lambda rule: not rule[0][2]):
        most = wrong and len(lines) > MOST * len(cities)
        (problems if most else told).say(
            "{file}: in {count} of {all} cities, the first of them {line}",
            file=file, count=len(lines), all=len(cities), line=lines[0],
        )  # fmt: skip
    return told


def _spelt_otherwise(panel: _Table, census: _Table) -> list[str]:
    """Return a problem if hardly any city of the panel is in the census table by the same name."""
    ours, theirs = set(panel.frame["city"].astype(str)), set(census.frame["city"].astype(str))
    found = len(ours & theirs)
    if 2 * found >= len(ours):
        return []
    odd = min(ours - theirs)
    return [
        f"{census.file}:1: city: only {found} of the {len(ours)} cities of {panel.file} are here; '{odd}' is not."
        f"{nearest(odd, theirs)} Name cities alike in both tables."
    ]


def _cities(
    rows: pd.DataFrame, series: dict[str, dict[str, dict[str, DatedFigure]]], mapping: Mapped
) -> dict[str, City]:
    """Join a city's own figures with its province's."""
    cities = {}
    for name, province, region in (
        rows[["city", "province", "region"]].drop_duplicates("city").itertuples(index=False)
    ):
        of_province = next(
            (found for short, found in series.get("province", {}).items() if province.startswith(short)), {}
        )
        own = (series.get(kind, {}).get(name, {}) for kind in ("panel", "census", "ages", "structure"))
        both = [{"en": text, "zh": text} for text in (name, province, region)]
        shared = figures_of_province(both[1], mapping)
        figures = {figure: dated for part in (shared, *own, of_province) for figure, dated in part.items()}
        cities[name] = City(name, both[0], both[1], both[2], figures)
    return cities


class _Table:
    """One CSV file on its way to figures."""

    def __init__(self, path: Path, keys: tuple[str, ...], who: str) -> None:
        self.path = path
        self.file = shown(path)
        self.keys = keys
        self.who = who
        self.problems = Problems()
        self.dropped = Problems()
        self.frame: pd.DataFrame

    def read(self) -> list[str]:
        """Read the file and check its keys; return the problems found."""
        with self.problems.gathered():
            self.frame = read_table(self.path)
            for key in self.keys:
                if key not in self.frame.columns:
                    self.no_column(key)
        if not self.problems:
            self.check_rows() if "year" in self.keys else self.check_counts()
        return self.problems

    def shown_rows(self, wrong: pd.Series) -> Iterator[tuple[int, pd.Series]]:
        """Yield the line and the cells of the first rows that are wrong."""
        for row in wrong.index[wrong][:SHOWN]:
            yield int(row) + 2, self.frame.loc[row]

    def check_rows(self) -> None:
        """Check a table of one row per city, or province, and year: keys filled, years whole, no row twice."""
        import pandas as pd

        frame, file = self.frame, self.file
        for key in (key for key in self.keys if key != "year"):
            for line, _ in self.shown_rows(frame[key].isna() | (frame[key].astype(str).str.strip() == "")):
                self.problems.append(f"{file}:{line}: the {key} is empty. Fill it or take the row out.")
        for line, row in self.shown_rows(pd.to_numeric(frame["year"], errors="coerce") % 1 != 0):
            self.problems.say(
                "{file}:{line}: the year is '{year}'. Give a whole year.",
                file=file,
                line=line,
                year=row["year"],
            )
        if frame.empty:
            self.problems.say(
                "{file}:1: the table has no rows. Give one row per {who} and year.", file=file, who=self.who
            )
        if self.problems:
            return
        for line, row in self.shown_rows(frame.duplicated([self.who, "year"])):
            self.problems.say(
                "{file}:{line}: {name} {year} appears twice. Keep one row.",
                file=file, line=line, name=row[self.who], year=row["year"],
            )  # fmt: skip

    def check_counts(self) -> None:
        """Check a table of one row a city: a city each, and people in every other column."""
        import pandas as pd

        for line, row in self.shown_rows(self.frame[self.who].duplicated()):
            self.problems.say(
                "{file}:{line}: {name} appears twice. Keep one row.",
                file=self.file, line=line, name=row[self.who],
            )  # fmt: skip
        for column in self.keys[1:]:
            people = pd.to_numeric(self.frame[column], errors="coerce")
            for line, row in self.shown_rows(~(people > 0)):
                self.problems.say(
                    "{file}:{line}: {column} is '{raw}'. Give a number of people above 0.",
                    file=self.file, line=line, column=column, raw=row[column],
                )  # fmt: skip

    def no_column(self, column: str) -> None:
        """Note that a column is missing."""
        self.problems.say(
            "{file}:1: the column '{column}' is missing.{hint} Add it.",
            file=self.file, column=column, hint=nearest(column, self.frame.columns),
        )  # fmt: skip

    def figures(self, kind: str, mapping: Mapped) -> dict[str, dict[str, DatedFigure]]:
        """Return name to figure name to dated figure."""
        import pandas as pd

        out: dict[str, dict[str, DatedFigure]] = {}
        years = self.frame["year"].astype(int)
        names = self.frame[self.who].astype(str)
        for figure, rule in mapping.content.figures.items():
            column = getattr(rule, kind)
            if column is None:
                continue
            if column not in self.frame.columns:
                self.no_column(column)
                continue
            raw = self.frame[column]
            scale = years.map(rule.scale) if isinstance(rule.scale, dict) else rule.scale
            values = pd.to_numeric(raw, errors="coerce") * scale
            self.not_numbers(column, raw, values)
            if kind == "panel" and rule.observed and rule.observed in self.frame.columns:
                values = values.where(self.frame[rule.observed].astype(str).str.lower() == "true")
            values = self.plausible(column, values, rule.plausible, rule.unit).dropna()
            for name, group in values.groupby(names):
                series = dict(zip(years[group.index].tolist(), group.tolist(), strict=True))
                dated = DatedFigure(series, rule.unit, self.file, Origin(self.file, 0))
                out.setdefault(str(name), {})[figure] = dated
        return out

    def not_numbers(self, column: str, raw: pd.Series, values: pd.Series) -> None:
        """Note cells that hold text."""
        for line, row in self.shown_rows(raw.notna() & values.isna()):
            self.problems.say(
                "{file}:{line}: {column} is '{raw}', not a number. Write it without commas."
                if "," in str(row[column])
                else "{file}:{line}: {column} is '{raw}', not a number. Mend or empty it.",
                file=self.file, line=line, column=column, raw=row[column],
            )  # fmt: skip

    def plausible(self, column: str, values: pd.Series, bounds: tuple[float, float], unit: str) -> pd.Series:
        """Drop implausible cells; a column full of them is in the wrong unit."""
        low, high = bounds
        values = values.mask(self.frame[self.who].isin(["全国", "中国"]))  # a total, not one of the members
        out = values.notna() & ~values.between(low, high)
        if out.sum() > MOST * max(values.notna().sum(), 1):
            self.problems.say(
                "{file}:1: {column} is mostly outside the plausible {low:g} to {high:g}{unit} (middle "
                "value {median:g}). Check its unit.",
                file=self.file, column=column, low=low, high=high, unit=after_number(unit), median=values.median(),
            )  # fmt: skip
            return values
        for row in out.index[out]:
            name, year = self.frame.loc[row, [self.who, "year"]]
            self.dropped.say(
                "{file}:{line}: {name} {year}: {column} {value:g} left out, outside {low:g} to "
                "{high:g}{unit}.",
                file=self.file, line=row + 2, name=name, year=year, column=column,
                unit=after_number(unit), **apart(value=values[row], low=low, high=high),
            )  # fmt: skip
        return values.mask(out)
