"""Run every back-test that the README's tables are made of.

    python .ci/judge.py TABLES FIT OUT

TABLES is a folder with city_panel.csv, city_census.csv, city_ages.csv, city_structure.csv,
city_borders.csv, province_panel.csv and national_totals.csv; FIT is the folder of a finished
`talent-sd calibrate`; OUT gets a folder for each back-test. One more calibration is run, on 2010 to
2016 alone. Then print the tables with `.ci/forecast_tables.py OUT`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FILES = {
    "--panel": "city_panel",
    "--census": "city_census",
    "--ages": "city_ages",
    "--structure": "city_structure",
    "--borders": "city_borders",
    "--province": "province_panel",
    "--national": "national_totals",
}


def main(folder: str, fit: str, out: str) -> None:
    """Run the back-tests one after another; stop at the first that fails."""
    tables = [part for flag, name in FILES.items() for part in (flag, Path(folder) / f"{name}.csv")]
    early = Path(out) / "early_fit"

    def run(*arguments: object) -> None:
        subprocess.run([Path(sys.executable).with_name("talent-sd"), *map(str, arguments)], check=True)

    def judge(name: str, start: int, end: int, posterior: Path, *more: object) -> None:
        years = ["--start", start, "--end", end, "--posterior", posterior]
        run("backtest", *tables, *years, *more, "--out", Path(out) / name)

    found = Path(fit) / "posterior.json"
    for start in (2010, 2012, 2013):
        judge(f"{start}", start, start + 10, found)
        judge(f"cross_{start}", start, start + 10, found, "--cross-fit", Path(fit) / "cross_fit.json")
    judge("no_hindsight", 2013, 2023, found, "--no-hindsight")
    years = ["--start", 2010, "--end", 2016, "--known-until", 2016]
    run("calibrate", *tables, *years, "--no-cross-fit", "--no-plots", "--out", early)
    judge("early", 2016, 2023, early / "posterior.json")


if __name__ == "__main__":
    main(*sys.argv[1:])
