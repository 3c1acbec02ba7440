"""The national context: a known past, then stated assumptions, fed to the model's lookups."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError, OddFigure, Problems, nearest
from talent_sd.base.files import shipped_folder, tellable
from talent_sd.base.language import tell
from talent_sd.inputs.csv_tables import read_table
from talent_sd.inputs.figure_bounds import hold_to_bounds
from talent_sd.inputs.file_kinds import read_chain
from talent_sd.inputs.national_years import DIGITS, Expansion, Merged, incomplete, merge
from talent_sd.inputs.settings import Curve, Origin
from talent_sd.inputs.shipped_names import find_file
from talent_sd.inputs.strict_yaml import shown

if TYPE_CHECKING:
    import pandas as pd


SHIPPED, NEAR = "central", 1.1
"""The path that others are held to, and how far a known year may be off; a year past its last known one by as much again."""


@dataclass(frozen=True)
class NationalSeries:
    """One variable of a national path, a value for each year without a gap.

    Parameters
    ----------
    unit, what, source : of the known years
    why : the assumption behind the later years
    known_until : last known year
    values : year to value
    origin, future : where the known years and the future stand
    """

    unit: str
    what: str
    source: str
    why: str
    known_until: int
    values: Mapping[int, float]
    origin: Origin
    future: Origin


@dataclass(frozen=True)
class NationalPath:
    """A national path: what the model is told about the rest of the country."""

    name: str
    title: Mapping[str, str]
    files: tuple[str, ...]
    paths: tuple[Path, ...]
    variables: Mapping[str, NationalSeries]

    def value(self, variable: str, year: float) -> float:
        """Return a variable in a year (straight line between whole years).

        Raises
        ------
        InputError
            If the path lacks the variable or the year.
        """
        series = self.variables.get(variable)
        if series is None:
            hint = nearest(variable, self.variables)
            raise InputError(
                "{file}: the national path has no variable '{variable}'.{hint}",
                file=self.files[-1],
                variable=variable,
                hint=hint,
            )
        first, last = min(series.values), max(series.values)
        if not first <= year <= last:
            raise InputError(
                "{file}:{line}: '{variable}' runs from {first} to {last}, not to {year:g}. Choose a year "
                "inside, or extend the path.",
                file=series.origin.file,
                line=series.origin.line,
                variable=variable,
                first=first,
                last=last,
                year=year,
            )
        below = math.floor(year)
        low = series.values[below]
        return low if below == year else low + (year - below) * (series.values[below + 1] - low)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Tidy rows: path, year, variable, value, unit, source (of an assumed year: its why)."""
        import pandas as pd

        rows = [
            (
                self.name,
                year,
                name,
                value,
                s.unit,
                s.source if year <= s.known_until else f"assumption: {s.why}",
            )
            for name, s in self.variables.items()
            for year, value in s.values.items()
        ]
        return pd.DataFrame(rows, columns=["path", "year", "variable", "value", "unit", "source"])


def lookup_name(variable: str) -> str:
    """Return the model's lookup for a national variable.

    >>> lookup_name("gdp_real")
    'national gdp real path'
    """
    return f"national {variable.replace('_', ' ')} path"


def national_params(path: NationalPath) -> dict[str, Curve]:
    """Return lookup name to (years, values), the form `Model.run` takes."""
    return {
        lookup_name(name): (tuple(float(year) for year in s.values), tuple(s.values.values()))
        for name, s in path.variables.items()
    }


def national_lookups_text(path: NationalPath) -> str:
    """Return the path as lookups in Vensim's text, for pasting into a model.

    Each lookup has its unit, meaning, source and the assumption behind later years.
    """
    texts = []
    for name, series in path.variables.items():
        points = [f"({year},{value:.{DIGITS}g})".replace("e+", "e") for year, value in series.values.items()]
        rows = ",\n\t\t".join(",".join(points[i : i + 6]) for i in range(0, len(points), 6))
        unit = "Dmnl" if series.unit == "1" else series.unit
        years = sorted(series.values)
        top = f"{1.2 * max(series.values.values()):.2g}".replace("e+", "e")
        texts.append(
            f"{lookup_name(name)}(\n\t[({years[0]},0)-({years[-1]},{top})],\n\t\t{rows})\n\t~\t{unit}\n"
            f"\t~\t{series.what}. Source: {series.source}. "
            f"{series.known_until + 1}-{years[-1]}: {series.why}.\n\t|\n"
        )
    return "\n".join(texts)


def read_national(name: str | Path, beside: Path | None = None, where: str = "") -> NationalPath:
    """Read a national path with all that it extends.

    Parameters
    ----------
    name : a shipped name ("central", also as "national/central") or a path
    beside, where : see `find_file`

    Raises
    ------
    InputError
        With every problem of the files.
    """
    from talent_sd.inputs.file_schemas import NationalFile

    chain = read_chain(find_file(name, "national", beside, where), "national", NationalFile)
    merged, until = merge(chain)
    files, last = tuple(file.file for file in chain), chain[-1]
    problems = Problems(p for variable, parts in merged.items() for p in incomplete(variable, parts, merged))
    if until is None:
        problems.say("{file}:1: the key 'until' (last year of the path) is missing. Add it.", file=files[0])
    problems.refuse()
    assert until is not None
    known = {name: parts["past"].value for name, parts in merged.items()}
    hold_to_bounds(known, "national", lambda name, _: str(merged[name]["past"].origin), problems, warn=False)
    problems.refuse()
    values = Expansion(merged, until).all()
    variables = {
        variable: NationalSeries(
            str(parts["unit"].value), str(parts["what"].value), str(parts["source"].value),
            parts["future"].value.why, max(parts["past"].value), values[variable],
            parts["past"].origin, parts["future"].origin,
        )
        for variable, parts in merged.items()
    }  # fmt: skip
    _hold_to_bounds(variables)
    title, paths = last.content.title, tuple(file.path.resolve() for file in chain)
    shipped = shipped_folder("scenarios").resolve()
    if not all(path.is_relative_to(shipped) for path in paths):
        _hold_to_shipped(variables)
        _hold_to_shipped_ranges(
            merged, merge(read_chain(find_file(SHIPPED, "national"), "national", NationalFile))[0]
        )
    return NationalPath(tellable(last.path.stem), {"en": title.en, "zh": title.zh}, files, paths, variables)


def _hold_to_bounds(variables: Mapping[str, NationalSeries]) -> None:
    """Refuse values that cannot be, of known and of assumed years, and warn of what is out of the ordinary."""

    def at(name: str, year: int) -> str:
        series = variables[name]
        return str(series.origin if year <= series.known_until else series.future)

    problems = Problems()
    hold_to_bounds({name: one.values for name, one in variables.items()}, "national", at, problems)
    problems.refuse()


def _hold_to_shipped(variables: Mapping[str, NationalSeries]) -> None:
    """Warn of known years that are not near what the shipped path knows or assumes of them."""
    shipped = read_national(SHIPPED).variables
    for name in (name for name in variables if name in shipped):
        series, beside = variables[name], shipped[name]
        known = {year: value for year, value in series.values.items() if year <= series.known_until}
        over = {year: known[year] / value for year, value in beside.values.items() if value and year in known}
        odd = {
            year: ratio
            for year, ratio in over.items()
            if not 1 / (most := NEAR ** max(1, year - beside.known_until)) <= ratio <= most
        }
        if odd:
            year = max(odd)
            told = tell(
                "{where}: {name} in {year} is {value:.4g}, {ratio:.2f} times what the path that ships has. Check its unit "
                "and its digits.{more}",
                where=series.origin, name=name, year=year, value=known[year], ratio=odd[year],
                more=tell(" Other years like it: {count}.", count=len(odd) - 1) if len(odd) > 1 else "",
            )  # fmt: skip
            warnings.warn(told, OddFigure, stacklevel=3)


def _hold_to_shipped_ranges(merged: Merged, shipped: Merged) -> None:
    """Warn of assumed years outside what the shipped path calls plausible, however wide a file's own range is."""
    for name in (name for name in merged if name in shipped):
        own, beside = merged[name]["future"], shipped[name]["future"].value
        for form in ("growth", "increase", "values"):
            given = getattr(own.value, form)
            if given is None or getattr(beside, form) is None:
                continue
            low, high = beside.range
            odd = {year: value for year, value in given.items() if not low <= value <= high}
            if odd:
                told = tell(
                    "{where}: {form} of {name} in {year} is {value:g}, outside {low:g} to {high:g}, which the path that "
                    "ships calls plausible. Check its unit and its sign.{more}",
                    where=own.origin, form=form, name=name, year=min(odd), value=odd[min(odd)], low=low, high=high,
                    more=tell(" Other years like it: {count}.", count=len(odd) - 1) if len(odd) > 1 else "",
                )  # fmt: skip
                warnings.warn(told, OddFigure, stacklevel=3)


COLUMNS = {
    "residents": "resident_population",
    "gdp": "gdp",
    "gdp_real": "gdp_real_2000",
    "fiscal_revenue": "fiscal_revenue",
}
"""Variable of a national path -> column of totals; its growth stands in `<column>_matched_growth`."""


def read_national_totals(source: str | Path, base: str = "central") -> NationalPath:
    """Read the national context: a path by name or file, or a CSV of yearly totals.

    Of a CSV, residents, GDP (nominal, real) and revenue are chained from
    `<column>_matched_growth` (growth of the cities present in both years) at the level
    of the base path in the last year that both know; all else is the base path's.
    Totals themselves are never differenced: cities drop out of them.

    Raises
    ------
    InputError
        If columns or years are missing, named with their remedy.
    """
    if Path(source).suffix.lower() != ".csv":
        return read_national(source)
    name, table = shown(Path(source)), read_table(Path(source))
    wanted = ["year", *(f"{column}_matched_growth" for column in COLUMNS.values())]
    problems = Problems()
    for column in wanted:
        if column not in table.columns:
            problems.say("{file}:1: the column '{column}' is missing. Add it.", file=name, column=column)
    problems.refuse()
    for row in table.index[table["year"].duplicated()]:
        raise InputError(
            "{file}:{line}: the year {year} appears twice. Keep one row.",
            file=name,
            line=row + 2,
            year=table["year"][row],
        )
    known = read_national(base)
    variables = dict(known.variables)
    for variable, column in COLUMNS.items():
        growth = table.set_index("year")[f"{column}_matched_growth"].dropna()
        series = variables[variable]
        values = _chained(dict(series.values), growth, name, column)
        variables[variable] = replace(series, values=values, origin=Origin(name, 1))
    _hold_to_bounds(variables)
    _hold_to_shipped(variables)
    files, paths = (name, *known.files), (Path(source).resolve(), *known.paths)
    return replace(known, variables=variables, files=files, paths=paths)


def _chained(values: dict[int, float], growth: pd.Series, file: str, column: str) -> dict[int, float]:
    """Return the base's values, those of the table's years chained back from its last year."""
    years = sorted(int(year) for year in growth.index if int(year) in values)
    gaps = [year for year in range(years[0], years[-1] + 1) if year not in years] if years else []
    if not years or gaps:
        what = (
            tell("has no growth for {year}", year=gaps[0])
            if gaps
            else tell("has no years of the national path")
        )
        raise InputError(
            "{file}:1: {column}_matched_growth {what}. Give every year between.",
            file=file,
            column=column,
            what=what,
        )
    out = dict(values)
    for year in reversed(years):
        if year - 1 in out:
            out[year - 1] = out[year] / (1 + float(growth[year]))
    return out
