"""The nation's totals from a table of years, in place of the shipped path's."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError
from talent_sd.base.messages import tell
from talent_sd.inputs.national_paths import NationalPath, read_national
from talent_sd.inputs.strict_yaml import read_text, shown

if TYPE_CHECKING:
    import pandas as pd

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
    import pandas as pd

    path, name = Path(source), shown(Path(source))
    try:
        table = pd.read_csv(io.StringIO(read_text(path)))
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(
            tell(
                "{file}:1: not a CSV table: {names}. Save it as comma-separated text.",
                file=name,
                names=" ".join(str(error).split()),
            )
        ) from None
    wanted = ["year", *(f"{column}_matched_growth" for column in COLUMNS.values())]
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        raise InputError(
            tell("{file}:1: the column '{column}' is missing. Add it.", file=name, column=column)
            for column in missing
        )
    if table["year"].duplicated().any():
        row = table.index[table["year"].duplicated()][0]
        raise InputError(
            tell(
                "{file}:{line}: the year {year} appears twice. Keep one row.",
                file=name,
                line=row + 2,
                year=table["year"][row],
            )
        )
    known = read_national(base)
    variables = dict(known.variables)
    for variable, column in COLUMNS.items():
        growth = table.set_index("year")[f"{column}_matched_growth"].dropna()
        series = variables[variable]
        variables[variable] = replace(series, values=_chained(dict(series.values), growth, name, column))
    return replace(known, variables=variables)


def _chained(values: dict[int, float], growth: pd.Series, file: str, column: str) -> dict[int, float]:
    """Return the base's values, those of the table's years chained back from its last year."""
    years = sorted(int(year) for year in growth.index if int(year) in values)
    gaps = [year for year in range(years[0], years[-1] + 1) if year not in years] if years else []
    if not years or gaps:
        what = (
            tell("has no growth for {year}", year=gaps[0]) if gaps else tell("has no years of the national path")
        )
        raise InputError(
            tell(
                "{file}:1: {column}_matched_growth {what}. Give every year between.",
                file=file,
                column=column,
                what=what,
            )
        )
    out = dict(values)
    for year in reversed(years):
        if year - 1 in out:
            out[year - 1] = out[year] / (1 + float(growth[year]))
    return out
