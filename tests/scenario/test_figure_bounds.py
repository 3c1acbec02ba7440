"""One table says what figures can be and usually are; what ships keeps to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError, OddFigure
from talent_sd.inputs import load_city, read_mapping, read_national, read_panel
from talent_sd.inputs.figure_bounds import bounds, odd_figures

Write = Callable[[str, str], Path]
DATA = Path(os.environ.get("TALENT_SD_DATA") or Path(__file__).parents[3] / "shared" / "data")
CEILINGS = ("residents_ceiling",)
"""Figures of city files that are plans, not counts."""


def test_every_figure_has_bounds() -> None:
    known = {"city": read_mapping().content.figures, "national": read_national("central").variables}
    for kind, names in known.items():
        held = {name for rule in getattr(bounds(), kind) for name in rule.of_these(names)}
        held |= {name for rule in getattr(bounds(), kind) for name in rule.per}
        assert set(names) - held - set(CEILINGS) == set(), kind


def test_bounds_are_ranges_and_what_is_usual_can_be() -> None:
    for rules in (bounds().city, bounds().national, bounds().posterior):
        for rule in rules:
            usual = [*rule.each.values(), *([rule.usual] if rule.usual else [])]
            assert rule.can[0] < rule.can[1]
            assert all(rule.can[0] <= low < high <= rule.can[1] for low, high in usual), rule


def test_an_unusual_figure_is_told_and_taken(write: Write) -> None:
    text = """\
        name: Mine
        province: P
        region: R
        figures:
          gdp: {unit: yuan/year, source: yearbook, values: {2021: 5.0e11, 2022: 1.1e12, 2023: 1.2e12}}
          fiscal_revenue: {unit: yuan/year, source: yearbook, values: {2022: 4.0e11, 2023: 4.8e11}}
        """
    with pytest.warns(OddFigure) as caught:
        load_city(write("mine.yaml", text))
    assert sorted(str(each.message) for each in caught) == [
        "mine.yaml:5: gdp in 2022, over the year before, is 2.2, out of the ordinary 0.53 to 1.9: even a new count "
        "of the economy does not do more. Check it.",
        "mine.yaml:6: fiscal_revenue / gdp in 2022 is 0.3636, out of the ordinary 0.019 to 0.31: nobody can raise "
        "more than is earned. Check it. So in 1 more years.",
    ]


def test_a_change_over_several_years_is_taken_a_year() -> None:
    def found(last: float) -> list[str]:
        return [str(odd) for odd in odd_figures({"residents": {2010: 1e6, 2020: last}}, "city")]

    assert found(1e8) == []
    assert [text[:40] for text in found(1e10)] == ["residents in 2020, over the year before,"]


def test_a_national_path_that_cannot_be_is_refused_at_its_line(write: Write) -> None:
    path = write("p.yaml", "title: x\nextends: central\nvariables:\n  death_rate:\n    past: {2024: 10}\n")
    with pytest.raises(InputError) as caught:
        read_national(path)
    assert caught.value.problems[0] == (
        "p.yaml:5: death_rate in 2024 is 10. It can only be 0 to 0.1: a tenth of all people in a year has never "
        "been seen. Check it."
    )


@pytest.mark.skipif(not (DATA / "city_panel.csv").is_file(), reason="the tables of many cities are not here")
def test_what_is_usual_holds_the_tables_of_many_cities() -> None:
    panel = read_panel(
        DATA / "city_panel.csv", DATA / "city_census.csv", DATA / "province_panel.csv",
        ages_csv=DATA / "city_ages.csv", structure_csv=DATA / "city_structure.csv",
    )  # fmt: skip
    told = [line.partition("cities, the first of them ")[2] for line in panel.dropped if " cities, " in line]
    assert told == [
        "呼和浩特市: gdp_tertiary / gdp in 2014 is 1.023. It can only be 0 to 1: a part of the city's GDP. Check it. "
        "So in 1 more years.",
        "包头市: gdp_secondary / gdp in 2010 is 1.0003. It can only be 0 to 1: a part of the city's GDP. Check it. "
        "So in 3 more years.",
    ]
