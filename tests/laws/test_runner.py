"""The runner of laws, on a model whose answers are known beforehand."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from talent_sd.base.errors import InputError, ModelError, UnsupportedError
from talent_sd.base.language import speaking
from talent_sd.engine.interventions import IntervenedModel, Intervention
from talent_sd.engine.runner import load_model
from talent_sd.laws.judge_laws import Judged, expected_sign, judge, judge_laws, widened, write_laws
from talent_sd.laws.law_bench import Bench
from talent_sd.laws.law_files import LawFile
from talent_sd.laws.law_inputs import extended
from talent_sd.output.validation_tables import cities_table, furthest_row, laws_table, summary

Make = Callable[[str], Bench]
Read = Callable[[str], LawFile]
STEPS = 16


def law(measure: str, ends: str = "band: [0, 1]", extra: str = "", name: str = "one") -> str:
    return f"  - {{id: {name}, point: 3, says: {{en: A law, zh: 规律}}, source: known, measure: '{measure}', {ends}{extra}}}\n"


def value_of(bench: Bench) -> float:
    (one,) = judge_laws(bench)
    return one.rows[0].value


@pytest.mark.parametrize(
    ("measure", "experiment", "expected"),
    [
        # births and deaths balance: a tenth gone stays gone while the loop is closed ...
        ("gap(people, 2035)", "shock", -0.1),
        # ... and halves in seven years while births do not follow people
        ("gap(people, 2035)", "cut_shock", -0.1 * (1 - 0.1 / STEPS) ** (10 * STEPS - 1)),
        ("change(people, 2025)", "shock", 0.0),
        ("change(people, 2025.0625)", "shock", -10.0),
        ("level(leaving, 2024)", "flight", 0.1),
        ("level(leaving, 2025)", "flight", 0.2),
        ("growth(people, 2025, 2026)", "baby_boom", (1 + 0.05 / STEPS) ** STEPS - 1),
        ("gained(people, 2025, 2026)/change(people, 2026)", "gifts", 0.5),
        ("change(people, 2026)", "gifts", 10.0),
        ("growth(people, 2030, 2031)", "echo", (1 + 0.1 / STEPS) ** STEPS - 1),
        ("change(people, 2023)", "given", 20.0),
        ("gap(people, 2030, cut)", "shock", 0.0),
        ("gap(high, 2030)", "joined_high", 0.5),
        ("gap(crew, 2030)", "joined_low", 0.25),
        ("level(all_leaving, 2030)", "baseline", 10.0),
        ("area(people, 2026, 2030)", "shock", 0.1),
        ("lowest_change(people, 2025, 2030) + highest_gap(people, 2022, 2030)", "shock", -10.0),
        ("furthest(people, 100, 2022, 2030)", "shock", 90.0),
        ("drift(people, 2022, 2030)", "shock", 0.9),
        ("total(people, 2026, 2028)", "shock", 180.0),
        ("min(abs(-2), max(1, 3)) - log(1)", "shock", 2.0),
    ],
)  # fmt: skip
def test_measures_of_experiments_come_out_as_reckoned(
    bench: Make, measure: str, experiment: str, expected: float
) -> None:
    made = bench(law(f"{measure} + 0*level(people, 2022)", extra=f", experiment: {experiment}"))
    assert value_of(made) == pytest.approx(expected, abs=1e-9)


def test_a_law_that_holds_and_one_that_fails_are_told_apart(bench: Make) -> None:
    held, failed = judge_laws(
        bench(
            law("gap(people, 2035)", "band: [-0.2, -0.05]", ", experiment: shock", "holds")
            + law("gap(people, 2035)", "at_least: -0.05", ", experiment: shock", "fails")
        )
    )
    assert (held.held, held.rows[0].verdict, held.rows[0].why) == (True, "held", "")
    assert (failed.held, failed.rows[0].verdict, failed.rows[0].why) == (False, "failed", "outside the band")


@pytest.mark.parametrize(
    ("measure", "experiment", "why"),
    [
        ("level(ghosts, 2030)", "baseline", "the model has no 'Ghosts' (ghosts)"),
        ("level(people, 2030)", "haunted", "the model has no 'Ghosts' that can be changed (ghosts)"),
    ],
)
def test_what_the_model_lacks_is_told_and_never_passed(
    bench: Make, measure: str, experiment: str, why: str
) -> None:
    (one,) = judge_laws(bench(law(measure, "at_least: -1e9", f", experiment: {experiment}")))
    assert (one.held, one.rows[0].verdict, one.rows[0].why) == (False, "not_measurable", why)
    assert np.isnan(one.rows[0].value)


def test_a_value_that_is_no_number_fails(bench: Make) -> None:
    (one,) = judge_laws(
        bench(law("change(people, 2030)/change(people, 2024)", "at_least: -1e9", ", experiment: shock"))
    )
    assert (one.held, one.rows[0].verdict) == (False, "failed")  # -10/0: infinite, outside every band
    (one,) = judge_laws(
        bench(law("change(people, 2024)/change(people, 2024)", "at_least: -1e9", ", experiment: shock"))
    )
    assert (one.held, one.rows[0].verdict, one.rows[0].why) == (False, "not_measurable", "no value here")


# -- judging ---------------------------------------------------------------------------------------


def judged(laws: Read, values: list[list[float]], ends: str, extra: str = "", other: list[list[float]] | None = None) -> Judged:  # fmt: skip
    (one,) = laws(law("gap(people, 2035)", ends, extra)).laws
    cities = [f"city {number}" for number in range(len(values))]
    return judge(one, cities, np.array(values), None if other is None else np.array(other))


def test_the_sign_must_hold_in_nine_draws_of_ten(laws: Read) -> None:
    fine = judged(laws, [[0.5] + [0.5] * 9 + [-0.1]], "band: [0.4, 0.9]")
    assert (fine.held, fine.rows[0].share_of_sign, fine.rows[0].share_of_draws) == (True, 0.9, 0.9)
    bad = judged(laws, [[0.5] + [0.5] * 8 + [-0.1] * 2], "band: [0.4, 0.9]")
    assert (bad.held, bad.rows[0].why) == (False, "the sign changes in too many draws")


def test_twice_the_band_must_hold_eight_draws_of_ten(laws: Read) -> None:
    # twice [0.4, 0.8] is [0.2, 1]
    fine = judged(laws, [[0.5] + [0.21] * 8 + [1.01] * 2], "band: [0.4, 0.8]")
    assert (fine.held, fine.rows[0].share_of_draws) == (True, 0.8)
    bad = judged(laws, [[0.5] + [0.21] * 7 + [1.01] * 3], "band: [0.4, 0.8]")
    assert (bad.held, bad.rows[0].why) == (False, "too few draws in twice the band")


def test_the_band_itself_must_hold_the_central_run(laws: Read) -> None:
    one = judged(laws, [[0.39] + [0.5] * 10], "band: [0.4, 0.8]")
    assert (one.held, one.rows[0].why) == (False, "outside the band")


def test_a_draw_without_a_value_counts_against_the_law(laws: Read) -> None:
    one = judged(laws, [[0.5] + [0.5] * 7 + [float("nan")] * 3], "band: [0.4, 0.8]")
    assert (one.rows[0].share_of_draws, one.rows[0].share_of_sign, one.held) == (0.7, 0.7, False)


def test_a_law_for_every_draw_allows_none_outside(laws: Read) -> None:
    one = judged(laws, [[0.5] + [0.5] * 99 + [0.81]], "at_most: 0.8", ", draws: every")
    assert (one.held, one.rows[0].share_of_draws, one.rows[0].why) == (
        False,
        0.99,
        "too few draws in the band",
    )


def test_a_law_for_the_median_draw_asks_for_half_of_them(laws: Read) -> None:
    assert judged(laws, [[0.5] + [0.5] * 5 + [-9.0] * 5], "at_least: 0", ", draws: median").held
    assert not judged(laws, [[0.5] + [0.5] * 4 + [-9.0] * 6], "at_least: 0", ", draws: median").held


def test_the_median_is_judged_by_the_band_and_each_city_by_a_wider_one(laws: Read) -> None:
    one = judged(laws, [[0.3], [0.5], [0.95]], "band: [0.4, 0.9]", ", over: median, each: [0.3, 1]")
    assert one.held
    assert [(row.city, row.value) for row in one.rows][-1] == ("median", 0.5)
    one = judged(laws, [[0.2], [0.5], [0.95]], "band: [0.4, 0.9]", ", over: median, each: [0.3, 1]")
    assert [row.verdict for row in one.rows] == ["failed", "held", "held", "held"]
    one = judged(laws, [[0.2], [0.3], [9.0]], "band: [0.4, 0.9]", ", over: median")
    assert [row.counts for row in one.rows] == [False, False, False, True]
    assert not one.held


def test_some_cities_are_enough_where_the_law_says_so(laws: Read) -> None:
    values = [[0.5, 0.5], [0.6, 0.6], [5.0, 5.0]]
    assert judged(laws, values, "band: [0.4, 0.9]", ", over: some, count: 2").held
    one = judged(laws, values, "band: [0.4, 0.9]", ", over: some, count: 3")
    assert (one.held, one.rows[-1].value) == (False, 2.0)


def test_ranks_of_two_measures_are_compared(laws: Read) -> None:
    text = ", over: correlation, against: 'gap(people, 2030)'"
    one = judged(laws, [[1.0], [2.0], [30.0]], "at_least: 0.5", text, [[4.0], [5.0], [6.0]])
    assert (one.held, one.rows[-1].value) == (True, pytest.approx(1.0))
    one = judged(laws, [[1.0], [2.0], [30.0]], "at_least: 0.5", text, [[6.0], [5.0], [4.0]])
    assert (one.held, one.rows[-1].value) == (False, pytest.approx(-1.0))


def test_a_city_may_be_excused_with_words(laws: Read) -> None:
    extra = ", excused: {city 0: {en: It has no land., zh: 无地。}}"
    one = judged(laws, [[5.0]], "band: [0.4, 0.9]", extra)
    assert (one.held, one.rows[0].verdict, one.rows[0].why) == (True, "excused", "It has no land.")
    one = judged(laws, [[0.5], [5.0]], "band: [0.4, 0.9]", extra)
    assert not one.held


def test_cities_without_a_figure_are_passed_over_only_where_the_law_says_so(laws: Read) -> None:
    values = [[0.5], [float("nan")]]
    assert not judged(laws, values, "band: [0.4, 0.9]").held
    assert judged(laws, values, "band: [0.4, 0.9]", ", where_known: true").held
    assert not judged(laws, [[float("nan")]], "band: [0.4, 0.9]", ", where_known: true").held


def test_bands_open_on_one_side_have_a_sign_and_a_double(laws: Read) -> None:
    assert (widened((0.0, None)), expected_sign((0.0, None))) == ((0.0, None), 1)
    assert (widened((None, -0.1)), expected_sign((None, -0.1))) == ((None, 0.0), -1)
    assert (widened((-0.001, None)), expected_sign((-0.001, None))) == ((-0.002, None), 0)


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (law("gap(peple, 2035)"), "laws.yaml:34: no quantity 'peple'. Did you mean 'people'?"),
        (law("gap(people, 2035, shok)"), "laws.yaml:34: no experiment 'shok'. Did you mean 'shock'?"),
        (law("gap(people)"), "laws.yaml:34: measure 'gap(people)': 'gap' takes (quantity, number[, experiment]). Correct it."),
        (law("gab(people, 2035)"), "laws.yaml:34: measure 'gab(people, 2035)': no function 'gab'. Did you mean 'gap'?"),
        (law("gap(people, 2035) +"), "laws.yaml:34: measure 'gap(people, 2035) +': this is no formula. Mend the expression."),
        (law("gap(people, 2060)"), "laws.yaml:34: the year 2060 lies after 2040, where the runs end. Change one of them."),
        (law("people.real"), "laws.yaml:34: measure 'people.real': nothing may stand at 'people.real'. Mend the expression."),
        (law("gap(people, soon())"), "laws.yaml:34: measure 'gap(people, soon())': 'soon()' is no number. Write one."),
        (law("gap(people, 2035)", "at_least: 1, at_most: 2"),
         "laws.yaml:34: laws.one: a law has one of: band, at_least, at_most. Give exactly one."),
        (law("gap(people, 2035)", "band: [2, 1]"), "laws.yaml:34: laws.one: the band [2, 1] does not rise. Exchange its ends."),
        (law("gap(people, 2035)") * 2, "laws.yaml:35: law 'one' is there twice. Name them apart."),
        (law("gap(people, 2035)", extra=", for: tear"), "laws.yaml:34: no list 'tear' under 'lists'. Did you mean 'tier'?"),
        (law("gap(people, 2035)", extra=", bands: 1"), "laws.yaml:34: unknown key 'bands'"),
    ],
)  # fmt: skip
def test_a_wrong_law_is_told_with_file_line_and_remedy(laws: Read, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        laws(text)
    (problem,) = caught.value.problems
    assert problem.partition("laws.yaml")[2].startswith(message.partition("laws.yaml")[2])


def test_laws_are_picked_by_id_or_by_what_they_begin_with(laws: Read) -> None:
    file = laws(law("gap({tier}_crew, 2035)".replace("{tier}_crew", "crew"), extra=", for: tier", name='"joined_{tier}"')
                + law("gap(people, 2035)", name="other"))  # fmt: skip
    assert [one.id for one in file.laws] == ["joined_high", "joined_low", "other"]
    assert [one.id for one in file.pick(["joined"]).laws] == ["joined_high", "joined_low"]
    assert [one.id for one in file.pick(["joined_low", "other"]).laws] == ["joined_low", "other"]
    with pytest.raises(InputError, match=r"^no law 'joined_lo'\. Did you mean 'joined_low'\?$"):
        file.pick(["joined_lo"])


def test_the_csv_has_a_row_for_each_city_and_its_source(bench: Make, tmp_path: Path) -> None:
    name = write_laws(
        judge_laws(bench(law("gap(people, 2035)", "band: [-0.2, -0.05]", ", experiment: shock"))),
        tmp_path,
        7,
        "ab12",
    )
    with (tmp_path / name).open(encoding="utf-8", newline="") as file:
        (row,) = list(csv.DictReader(file))
    assert {key: row[key] for key in ("law", "city", "lower", "upper", "verdict", "source")} == {
        "law": "one", "city": "average", "lower": "-0.2", "upper": "-0.05", "verdict": "held", "source": "known",
    }  # fmt: skip
    assert float(row["value"]) == pytest.approx(-0.1)
    assert (row["draws"], row["model_sha256"], row["share_in_band"]) == ("7", "ab12", "")


def test_tables_name_the_worst_city_in_either_language(laws: Read) -> None:
    from rich.console import Console

    one = judged(laws, [[0.5], [0.95], [5.0]], "band: [0.4, 0.9]")
    assert furthest_row(one).city == "city 2"
    with speaking("zh"):
        one = judged(laws, [[0.5], [0.95], [5.0]], "band: [0.4, 0.9]")
    screen = Console(width=80, record=True, file=io.StringIO())
    for table in (laws_table([one], "zh"), cities_table(one, "zh")):
        screen.print(table)
    text = screen.export_text()
    assert "规律" in text
    assert "在区间之外" in text
    assert max(map(len, text.splitlines())) <= 80
    assert summary([one], "zh").startswith("1条规律中0条成立")


# -- interventions ---------------------------------------------------------------------------------


def test_a_model_with_interventions_that_do_nothing_is_the_model(bench: Make) -> None:
    made = bench(law("gap(people, 2035)"))
    plain = made.model.run()
    same = made.bench_model.run(outputs=list(map(str, plain.data_vars)))
    for name in plain.data_vars:
        np.testing.assert_array_equal(same[name].values, plain[name].values, err_msg=str(name))


def test_kernel_and_arrays_agree_on_interventions(bench: Make) -> None:
    made = bench(law("gap(people, 2035)")).bench_model
    params = {
        "intervention time": np.array([2025.0, 2026.0]),
        "intervention kick People": np.array([-0.1, 0.2]),
        "intervention times hazard": np.array([0.5, 0.0]),
    }
    one, other = (
        made.run(params, outputs=["People"], engine=engine)["People"] for engine in ("kernel", "arrays")
    )
    np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.parametrize(
    ("intervention", "kind"),
    [
        (Intervention("People", "times"), "'People' is state: 'times' cannot change it."),
        (Intervention("hazard", "kick"), "'hazard' is auxiliary: 'kick' cannot change it."),
        (Intervention("start", "times"), "'start' is initial: 'times' cannot change it."),
        (Intervention("Peple", "kick"), "no variable 'Peple'"),
    ],
)
def test_what_cannot_be_changed_so_is_refused(bench: Make, intervention: Intervention, kind: str) -> None:
    model = bench(law("gap(people, 2035)")).model
    with pytest.raises(ModelError) as caught:
        IntervenedModel(model, [intervention])
    assert kind in str(caught.value)


def test_pysd_does_not_run_interventions(bench: Make) -> None:
    with pytest.raises(UnsupportedError, match=r"^PySD runs no interventions\. Use the native engine\.$"):
        bench(law("gap(people, 2035)")).bench_model.run(engine="pysd")


def test_levels_grow_on_and_rates_are_held_after_the_last_year() -> None:
    structure = load_model().structure
    years = ((2034.0, 2035.0, 2036.0), (100.0, 110.0, 121.0))
    x, y = extended(years, structure, "national gdp path", 2040)
    assert x[-1] == 2041
    assert y[-1] == pytest.approx(100 * 1.1**7)
    assert extended(years, structure, "national birth rate path", 2040)[1][-1] == 121.0
    assert extended(years, structure, "national gdp path", 2036)[1].tolist() == [100.0, 110.0, 121.0]


def test_a_finding_in_code_is_judged_like_a_measure_and_an_unknown_one_fails(bench: Make) -> None:
    text = "  - {id: one, point: 6, says: {en: A law, zh: 规律}, source: known, finding: share_of_it, at_least: 0.5}\n"
    (one,) = judge_laws(bench(text), findings={"share": lambda bench, law: {"all": 0.6}})
    assert (one.held, [(row.city, row.value) for row in one.rows]) == (True, [("all", 0.6)])
    (one,) = judge_laws(bench(text), findings={"part": lambda bench, law: {"all": 0.6}})
    assert (one.held, one.rows[0].why) == (False, "no finding 'share_of_it'. Known: part.")
