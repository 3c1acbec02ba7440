"""Results show themselves in a notebook: headline numbers with units and intervals, escaped, in both languages."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.base.errors import InputError
from talent_sd.inputs.labels import shipped_labels

OUTPUTS = ["total talent", "Talent", "tax base", "years of balance", "City Brand"]
SCENARIOS = ["baseline", "cash_subsidy_only", "hefei_combination"]


@pytest.fixture(scope="module")
def spread() -> xr.Dataset:
    return ts.ensemble(SCENARIOS, city="hefei", draws=12, seed=2, outputs=OUTPUTS)


@pytest.fixture(scope="module")
def change(spread: xr.Dataset) -> xr.Dataset:
    return ts.compare(spread)


@pytest.fixture(scope="module")
def shares() -> xr.Dataset:
    return ts.attribute_policies(
        "hefei_combination", city="hefei", outputs=["total talent"], draws=3, among=12, seed=2
    )


@pytest.fixture(scope="module")
def loops() -> xr.Dataset:
    return ts.feedback_loops("baseline", city="hefei")


class Texts(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def nameless(dataset: xr.Dataset) -> dict[str, list[str]]:
    """Return what lacks a unit or a long name; names along an axis have no unit."""
    found = {}
    for name, variable in dataset.variables.items():
        wanted = ["long_name"] if variable.dtype.kind in "UO" else ["long_name", "units"]
        lacking = [key for key in wanted if not variable.attrs.get(key)]
        if lacking:
            found[str(name)] = lacking
    return found


def test_no_variable_of_any_result_lacks_its_unit_or_its_name(
    spread: xr.Dataset, change: xr.Dataset, shares: xr.Dataset, loops: xr.Dataset
) -> None:
    results = {
        "simulate": ts.simulate(["baseline", "cash_subsidy_only"], city="wuxi"),
        "ensemble": spread,
        "compare": change,
        "attribute_policies": shares,
        "feedback_loops": loops,
    }
    assert {name: nameless(result) for name, result in results.items()} == dict.fromkeys(results, {})
    assert change["tax base"].attrs["long_name"] == "Change against baseline: Tax base (profit)"
    assert change["tax base, relative"].attrs["long_name"].startswith("Relative change against baseline: ")
    assert spread["total talent"].attrs["long_name"] == shipped_labels().variable("total talent", "en")
    assert loops["adds"].attrs["units"] == "person"


def test_the_frame_has_the_comparisons_own_numbers(change: xr.Dataset) -> None:
    frame = ts.summary(change).frame.set_index(["scenario", "variable", "subscript"])
    row = frame.loc[("hefei_combination", "tax base", "")]
    last = change["tax base"].sel(scenario="hefei_combination").isel(time=-1)
    assert row["change"] == float(last.median())
    assert [row["lower"], row["upper"]] == last.quantile([0.1, 0.9]).values.tolist()
    assert row["probability_better"] == float((last > 0).mean())
    assert (row["unit"], row["year"]) == ("yuan/year", 2034.0)
    tier = frame.loc[("cash_subsidy_only", "Talent", "graduate")]
    own = change["Talent"].sel(scenario="cash_subsidy_only", tier="graduate").isel(time=-1)
    assert tier["change"] == float(own.median())
    assert len(frame) == 2 * (4 + 4)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_notebook_shows_the_table_that_print_writes(change: xr.Dataset, lang: str) -> None:
    told = ts.summary(change, lang=lang)
    rows = Texts(told._repr_html_()).rows
    assert [row for row in rows if len(row) == 1] == [[record.group] for record in told.records[::8]]
    cells = [row for row in rows[1:] if len(row) > 1]
    assert [row[0] for row in cells] == [record.cells["output"] for record in told.records]
    text = str(told)
    assert told.title in text
    for number in (row[2] for row in cells):
        assert number in text
    assert ("Clear from" in text) is (lang == "en")
    assert ("自何年起明确" in text) is (lang == "zh")


def test_a_change_of_years_or_of_a_debt_has_no_percentage(change: xr.Dataset) -> None:
    cells = {r.values["variable"]: r.cells for r in ts.summary(change, lang="en").records}
    assert cells["years of balance"]["relative"] == "–"
    assert cells["City Brand"]["relative"].endswith("\xa0%")


def test_a_single_run_has_no_intervals_and_says_so() -> None:
    told = ts.summary(ts.simulate("baseline", city="wuxi", outputs=["City Brand"]), lang="en")
    assert "interval" not in told.columns
    (note,) = told.notes
    assert note.startswith("One central run: ")
    left = ts.ensemble("baseline", city="wuxi", outputs=["City Brand"], draws=2).isel(draw=[1])
    assert ts.summary(left, lang="en").notes == ("What is left of several draws, not the central run.",)


def test_policies_are_told_with_the_mix_and_what_was_not_tested(shares: xr.Dataset) -> None:
    told = ts.summary(shares, lang="en")
    frame = told.frame.set_index("policy")
    last = shares["total"].isel(time=-1, scenario=0, output=0)
    assert frame.loc["mix", "adds"] == float(last.median())
    assert "Median of 3 of the 12 draws, spread evenly over what the mix does" in told.notes[0]
    assert told.notes[1] == "No policy's effect has been tested against what happened anywhere."


def test_loops_are_told_by_their_share(loops: xr.Dataset) -> None:
    frame = ts.summary(loops).frame
    assert frame["share"].abs().is_monotonic_decreasing
    added = loops["adds"].isel(time=-1, draw=0).sel(loop=frame["loop"].tolist()).values
    np.testing.assert_array_equal(frame["adds"].values, added)


def test_texts_of_a_dataset_are_shown_and_not_obeyed(change: xr.Dataset) -> None:
    poison = "<script>alert(1)</script>[red]"
    titles = ("scenario", [poison] * change.sizes["scenario"])
    told = ts.summary(change.assign_coords(title_en=titles).assign_attrs(city_en=poison), lang="en")
    html = Texts(told._repr_html_())
    assert "script" not in html.tags
    assert [row[0] for row in html.rows if len(row) == 1] == [poison]
    assert poison in str(told)


def test_any_result_is_drawn_and_shows_itself_in_a_notebook(
    spread: xr.Dataset, change: xr.Dataset, shares: xr.Dataset, loops: xr.Dataset
) -> None:
    run = ts.load_model().run(outputs=["Residents", "births"])
    for result in (
        spread,
        change,
        shares,
        loops,
        spread["City Brand"],
        run,
        ts.why("total talent", city="wuxi"),
    ):
        assert ts.plot(result, lang="zh")._repr_png_()[:4] == b"\x89PNG"


def test_what_has_no_summary_or_no_picture_is_refused(change: xr.Dataset) -> None:
    with pytest.raises(InputError, match="^this dataset is none that simulate, ensemble, compare, "):
        ts.summary(xr.Dataset())
    with pytest.raises(
        InputError,
        match="^result is 3. Give a result, as `simulate`, `ensemble`, `compare` or",
    ):
        ts.plot(3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^no language 'fr': choose one of en, zh\.$"):
        ts.summary(change, lang="fr")
