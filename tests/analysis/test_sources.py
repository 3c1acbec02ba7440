"""What a calibration or a back-test was made from is told apart, whatever its files are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from talent_sd.base.files import shipped_folder
from talent_sd.uncertainty.city_tables import Sources

MINE = (
    "title: Mine\nextends: root.yaml\nvariables:\n"
    "  gdp: {future: {growth: {2025: 0.04}, range: [0.02, 0.06], why: a guess}}\n"
)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    for folder, text in (("p", "a panel"), ("c", "a census")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "table.csv").write_text(text)
    return Sources(tmp_path / "p" / "table.csv", tmp_path / "c" / "table.csv")


def test_two_tables_of_one_name_have_a_hash_each(sources: Sources) -> None:
    before = sources.hashes()
    for table in (sources.panel, sources.census):
        held = table.read_text()
        table.write_text("changed")
        assert sources.hashes() != before
        table.write_text(held)
    assert set(before) == {sources.panel.as_posix(), sources.census.as_posix(), "central.yaml"}


def test_a_national_path_counts_with_all_that_it_extends(sources: Sources, tmp_path: Path) -> None:
    central = (shipped_folder("scenarios") / "national" / "central.yaml").read_text("utf-8")
    (tmp_path / "root.yaml").write_text(central, "utf-8")
    (tmp_path / "mine.yaml").write_text(MINE, "utf-8")
    own = replace(sources, national=str(tmp_path / "mine.yaml"))
    before = own.hashes()
    (tmp_path / "root.yaml").write_text(central.replace("2025: 0.05,", "2025: 0.051,"), "utf-8")
    after = own.hashes()
    assert [name for name in before if after[name] != before[name]] == ["root.yaml"]
    assert {"root.yaml", "mine.yaml", str(sources.panel)} <= after.keys() == before.keys()


def test_one_table_twice_is_one(sources: Sources) -> None:
    assert set(replace(sources, census=sources.panel).hashes()) == {"table.csv", "central.yaml"}
