"""Many cities at once, from the panel, census and province tables of a back-test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.language import tell
from talent_sd.inputs.borders import COLUMNS, on_later_borders
from talent_sd.inputs.city_figures import City, DatedFigure, Mapped, read_mapping
from talent_sd.inputs.strict_yaml import read_text, shown

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5


@dataclass(frozen=True)
class Panel:
    """Cities by name, and what was left out of the tables.

    Parameters
    ----------
    cities : name to city; the figures are those of `models/city_figures.yaml`
    dropped : one line for each value left out as implausible
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
    problems: list[str] = []
    dropped: list[str] = []
    tables = {
        "panel": _Table(Path(panel_csv), ("city", "province", "region", "year"), "city"),
        "census": _Table(Path(census_csv), ("city", "year"), "city"),
    }
    for kind, file in (("ages", ages_csv), ("structure", structure_csv)):
        if file is not None:
            tables[kind] = _Table(Path(file), ("city", "year"), "city")
    if province_csv is not None:
        tables["province"] = _Table(Path(province_csv), ("province", "year"), "province")
    borders = None if borders_csv is None else _Table(Path(borders_csv), ("city", *COLUMNS), "city")
    series: dict[str, dict[str, dict[str, DatedFigure]]] = {}
    for kind, table in tables.items():
        problems += table.read()
        if not table.problems:
            series[kind] = table.figures(kind, mapping)
            problems += table.problems
            dropped += table.dropped
    if borders is not None:
        problems += borders.read()
    if not problems:
        problems += _spelt_otherwise(tables["panel"], tables["census"])
    if problems:
        raise InputError(problems)
    cities = _cities(tables["panel"].frame, series)
    if borders is not None:
        cities = on_later_borders(cities, borders.frame, mapping)
    return Panel(cities, tuple(dropped))


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


def _cities(rows: pd.DataFrame, series: dict[str, dict[str, dict[str, DatedFigure]]]) -> dict[str, City]:
    """Join a city's own figures with its province's."""
    cities = {}
    for name, province, region in (
        rows[["city", "province", "region"]].drop_duplicates("city").itertuples(index=False)
    ):
        of_province = next(
            (found for short, found in series.get("province", {}).items() if province.startswith(short)), {}
        )
        own = (series.get(kind, {}).get(name, {}) for kind in ("panel", "census", "ages", "structure"))
        figures = {figure: dated for part in (*own, of_province) for figure, dated in part.items()}
        both = [{"en": text, "zh": text} for text in (name, province, region)]
        cities[name] = City(name, both[0], both[1], both[2], figures)
    return cities


class _Table:
    """One CSV file on its way to figures."""

    def __init__(self, path: Path, keys: tuple[str, ...], who: str) -> None:
        self.path = path
        self.file = shown(path)
        self.keys = keys
        self.who = who
        self.problems: list[str] = []
        self.dropped: list[str] = []
        self.frame: pd.DataFrame

    def read(self) -> list[str]:
        """Read the file and check its keys; return the problems found."""
        import io

        import pandas as pd

        try:
            self.frame = pd.read_csv(io.StringIO(read_text(self.path)))
        except InputError as error:
            self.problems += error.problems
            return self.problems
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            reason = " ".join(str(error).split())
            self.problems.append(
                tell(
                    "{file}:1: not a CSV table: {reason}. Save it as comma-separated text.",
                    file=self.file,
                    reason=reason,
                )
            )
            return self.problems
        for key in self.keys:
            if key not in self.frame.columns:
                self.problems.append(self.no_column(key))
        if self.problems:
            return self.problems
        if "year" not in self.keys:
            return self.counts()
        for key in (key for key in self.keys if key != "year"):
            blank = self.frame[key].isna() | (self.frame[key].astype(str).str.strip() == "")
            for row in self.frame.index[blank][:SHOWN]:
                self.problems.append(
                    f"{self.file}:{row + 2}: the {key} is empty. Fill it or take the row out."
                )
        years = pd.to_numeric(self.frame["year"], errors="coerce")
        for row in self.frame.index[~(years % 1 == 0)][:SHOWN]:
            self.problems.append(
                tell(
                    "{file}:{line}: the year is '{year}'. Give a whole year.",
                    file=self.file,
                    line=row + 2,
                    year=self.frame["year"][row],
                )
            )
        if self.frame.empty:
            self.problems.append(
                tell(
                    "{file}:1: the table has no rows. Give one row per {who} and year.",
                    file=self.file,
                    who=self.who,
                )
            )
        if self.problems:
            return self.problems
        twice = self.frame.index[self.frame.duplicated([self.who, "year"])]
        for row in twice[:SHOWN]:
            name, year = self.frame.loc[row, [self.who, "year"]]
            self.problems.append(
                tell(
                    "{file}:{line}: {name} {year} appears twice. Keep one row.",
                    file=self.file,
                    line=row + 2,
                    name=name,
                    year=year,
                )
            )
        return self.problems

    def counts(self) -> list[str]:
        """Check a table of one row a city: a city each, and people in every other column."""
        import pandas as pd

        for row in self.frame.index[self.frame[self.who].duplicated()][:SHOWN]:
            name = self.frame[self.who][row]
            self.problems.append(
                tell(
                    "{file}:{line}: {name} appears twice. Keep one row.",
                    file=self.file,
                    line=row + 2,
                    name=name,
                )
            )
        for column in self.keys[1:]:
            people = pd.to_numeric(self.frame[column], errors="coerce")
            for row in people.index[~(people > 0)][:SHOWN]:
                self.problems.append(
                    tell(
                        "{file}:{line}: {column} is '{raw}'. Give a number of people above 0.",
                        file=self.file,
                        line=row + 2,
                        column=column,
                        raw=self.frame[column][row],
                    )
                )
        return self.problems

    def no_column(self, column: str) -> str:
        """Tell that a column is missing."""
        return tell(
            "{file}:1: the column '{column}' is missing.{hint} Add it.",
            file=self.file,
            column=column,
            hint=nearest(column, self.frame.columns),
        )

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
                self.problems.append(self.no_column(column))
                continue
            raw = self.frame[column]
            scale = years.map(rule.scale) if isinstance(rule.scale, dict) else rule.scale
            values = pd.to_numeric(raw, errors="coerce") * scale
            self.not_numbers(column, raw, values)
            if kind == "panel" and rule.observed and rule.observed in self.frame.columns:
                values = values.where(self.frame[rule.observed].astype(str).str.lower() == "true")
            values = self.plausible(column, values, rule.plausible, rule.unit)
            known = values.notna()
            for name, group in pd.DataFrame({"year": years, "value": values})[known].groupby(names[known]):
                series = {int(y): float(v) for y, v in zip(group["year"], group["value"], strict=True)}
                out.setdefault(str(name), {})[figure] = DatedFigure(
                    series, rule.unit, self.file, self.file, 0
                )
        return out

    def not_numbers(self, column: str, raw: pd.Series, values: pd.Series) -> None:
        """Note cells that hold text."""
        for row in raw.index[raw.notna() & values.isna()][:SHOWN]:
            if "," in str(raw[row]):
                text = tell(
                    "{file}:{line}: {column} is '{raw}', not a number. Write it without commas.",
                    file=self.file,
                    line=row + 2,
                    column=column,
                    raw=raw[row],
                )
            else:
                text = tell(
                    "{file}:{line}: {column} is '{raw}', not a number. Mend or empty it.",
                    file=self.file,
                    line=row + 2,
                    column=column,
                    raw=raw[row],
                )
            self.problems.append(text)

    def plausible(self, column: str, values: pd.Series, bounds: tuple[float, float], unit: str) -> pd.Series:
        """Drop implausible cells; a column full of them is in the wrong unit."""
        low, high = bounds
        out = values.notna() & ~values.between(low, high)
        national = self.frame[self.who].isin(["全国", "中国"])  # a total, not one of the members
        values = values.mask(national)
        out &= ~national
        if out.sum() > 0.2 * max(values.notna().sum(), 1):
            self.problems.append(
                tell(
                    "{file}:1: {column} is mostly outside the plausible {low:g} to {high:g} {unit} (middle "
                    "value {median:g}). Give it in {unit}.",
                    file=self.file,
                    column=column,
                    low=low,
                    high=high,
                    unit=unit,
                    median=values.median(),
                )
            )
            return values
        for row in out.index[out]:
            name, year = self.frame.loc[row, [self.who, "year"]]
            self.dropped.append(
                tell(
                    "{file}:{line}: {name} {year}: {column} {value:g} left out, outside {low:g} to {high:g} "
                    "{unit}.",
                    file=self.file,
                    line=row + 2,
                    name=name,
                    year=year,
                    column=column,
                    value=values[row],
                    low=low,
                    high=high,
                    unit=unit,
                )
            )
        return values.mask(out)
