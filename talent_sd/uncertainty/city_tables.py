"""The tables of cities that a model is fitted to or judged on, from files to windows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.uncertainty.windows import Window, make_window

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model


@dataclass(frozen=True)
class Sources:
    """The tables that cities are fitted or judged on.

    Parameters
    ----------
    panel, census : CSV files; province : one more, or None
    national : a national path by name or file, or a CSV of totals
    ages, structure, borders : more CSV files, as `read_panel` takes them, or None
    """

    panel: Path
    census: Path
    province: Path | None = None
    national: str = "central"
    ages: Path | None = None
    structure: Path | None = None
    borders: Path | None = None

    def window(self, model: Model, start: int, end: int) -> Window:
        """Read the tables and collect the cities of a window; errors as in `read_panel`."""
        return self.windows(model, [(start, end)])[0]

    def windows(self, model: Model, years: Sequence[tuple[int, int]]) -> list[Window]:
        """Read the tables once and collect the cities of several windows (start, end)."""
        from talent_sd.inputs.city_panel import read_panel
        from talent_sd.inputs.national_paths import read_national_totals

        cities = read_panel(
            self.panel, self.census, self.province,
            ages_csv=self.ages, structure_csv=self.structure, borders_csv=self.borders,
        )  # fmt: skip
        national = read_national_totals(self.national)
        made = [make_window(cities, model, national, start, end) for start, end in years]
        return [replace(window, adjusted=(*cities.dropped, *window.adjusted)) for window in made]

    def hashes(self) -> dict[str, str]:
        """Return file name -> SHA-256 of each table."""
        given = (
            self.panel, self.census, self.province, self.national, self.ages, self.structure, self.borders,
        )  # fmt: skip
        files = [Path(file) for file in given if file]
        return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f.is_file()}
