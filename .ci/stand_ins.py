"""Print, for each stand-in of models/city_figures.yaml, what cities' own figures are over it: 2.5, 50 and 97.5 %.

python .ci/stand_ins.py TABLES     the folder of the tables of cities, as for .ci/judge.py; writes nothing
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from talent_sd.base.errors import InputError
from talent_sd.inputs import City, city_constants, read_mapping, read_national, read_panel

START, CHANCES = 2022, (0.025, 0.5, 0.975)


def own_over_stand_in(city: City) -> dict[str, float]:
    """Return constant -> a city's own over what would stand in for it, where it has its own."""
    mapping, national = read_mapping(), read_national("central")
    own, found = city_constants(city, START, national), {}
    for name, rule in mapping.content.constants.items():
        if rule.default is None or rule.default.national is None or own[name].year is None:
            continue
        group = [
            one
            for one in mapping.content.constants.values()
            if one is rule or one.group and one.group == rule.group
        ]
        gone = {one.figure[0] for one in group}
        without = replace(city, figures={key: one for key, one in city.figures.items() if key not in gone})
        found[name] = own[name].value / city_constants(without, START, national)[name].value
    return found


def main(folder: Path) -> None:
    """Print a line for each constant."""
    census, province, ages, structure = (
        folder / f"{name}.csv" for name in ("city_census", "province_panel", "city_ages", "city_structure")
    )
    panel = read_panel(folder / "city_panel.csv", census, province, ages_csv=ages, structure_csv=structure)
    ratios: dict[str, list[float]] = {}
    for city in panel.cities.values():
        try:
            found = own_over_stand_in(city)
        except InputError:
            continue
        for name, ratio in found.items():
            ratios.setdefault(name, []).append(ratio)
    for name, values in ratios.items():
        low, middle, high = np.quantile(values, CHANCES)
        sys.stdout.write(f"{name}: {low:.2f} {middle:.2f} {high:.2f} ({len(values)} cities)\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
