"""Loops whose polarity turns in a run are told, drawn and written as turning."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from talent_sd.base.errors import ModelError
from talent_sd.inputs.labels import Labels
from talent_sd.loops.loop_files import write_loops
from talent_sd.loops.loops_of_model import automatic_layout, study_model
from talent_sd.output.loops.dominance import plot_dominance
from talent_sd.output.loops.loop_diagram import drawn_links, plot_loops
from talent_sd.output.loops.loop_words import found_words

CLOCK = """
FINAL TIME = 40 ~ year ~ |
INITIAL TIME = 0 ~ year ~ |
TIME STEP = 0.25 ~ year ~ |
SAVEPER = TIME STEP ~ year ~ |
"""
ONE = "Population= INTEG (births, 10) ~ person ~ |\nbirths= Population*0.3*(1-Population/1000) ~ person/year ~ |"
TWO = f"{ONE}\nFish= INTEG (spawn, 10) ~ fish ~ |\nspawn= Fish*0.15*(1-Fish/1000) ~ fish/year ~ |"
SWINGING = "Herd= INTEG (change, 10) ~ animal ~ |\nchange= Herd*0.1*COS(Time) ~ animal/year ~ |"
OWN = "Cup= INTEG ((10-Cup)/4, 90) ~ degree ~ |\nPot= INTEG ((20-Pot)/9, 90) ~ degree ~ |"
HALF_FULL = math.log(99) / 0.3
"""Logistic growth from 10 towards 1000 is half way, and its loop turns, at this time."""


@pytest.fixture
def study_of(tmp_path):
    def study(equations: str):
        file = tmp_path / "own.mdl"
        file.write_text("{UTF-8}\n" + equations + CLOCK, encoding="utf-8")
        return study_model(file)

    return study


def rows(study, folder: Path) -> list[dict[str, str]]:
    write_loops(study, folder / "loops.csv")
    with (folder / "loops.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_logistic_growth_as_one_loop_reinforces_until_half_full_and_balances_from_then_on(study_of, tmp_path):
    study = study_of(ONE)
    assert [(loop.name, loop.polarity) for loop in study.names.loops] == [("U1", "U")]
    polarity = {float(row["year"]): row["polarity"] for row in rows(study, tmp_path) if row["loop"] == "U1"}
    assert {year for year, sign in polarity.items() if sign == "R"} == set(range(math.floor(HALF_FULL) + 1))
    assert {year for year, sign in polarity.items() if sign == "B"} == set(range(math.ceil(HALF_FULL), 40))
    words = found_words(study)
    assert words[0] == "0: U1 Population, births (reinforcing) 100 %."
    assert words[2] == "39: U1 Population, births (balancing) 100 %."
    assert words[3] == "U1 Population, births turns: balancing from 16."
    assert found_words(study, "zh")[3] == "U1 Population, births发生转向：自16起为平衡型。"


def test_two_loops_turn_each_at_its_own_time(study_of):
    words = found_words(study_of(TWO))
    assert sorted(line for line in words if "turns" in line) == [
        "U1 Fish, spawn turns: balancing from 31.",
        "U2 Population, births turns: balancing from 16.",
    ]


def test_a_loop_that_turns_often_is_told_in_one_sentence(study_of):
    told = [line for line in found_words(study_of(SWINGING)) if "turns" in line]
    # the cosine has its twelfth zero at 36.1; the thirteenth halves the last year
    assert told == ["U1 Herd, change turns 12 times: first balancing from 2, last reinforcing from 36."]


def test_a_loop_that_turns_has_areas_on_both_sides_and_one_name(study_of):
    figure = plot_dominance(study_of(ONE))
    top = figure.axes[0]
    heights = np.concatenate([path.vertices[:, 1] for area in top.collections for path in area.get_paths()])
    assert heights.max() == pytest.approx(1)
    assert heights.min() == pytest.approx(-1)
    assert [text.get_text() for text in top.texts if text.get_text().startswith("U1")] == [
        "U1 Population, births"
    ]


def test_the_link_that_turns_is_drawn_as_turning_and_the_page_says_so(study_of):
    study = study_of(ONE)
    signs = {(link.cause, link.effect): link.sign for link in drawn_links(study.names, study.links)}
    assert signs == {("Population", "births"): 0, ("births", "Population"): 1}
    figure = plot_loops(study, Labels())
    assert "±" in {text.get_text() for text in figure.axes[0].texts}
    assert any("Dash-dotted, ±: turns in the run" in text.get_text() for text in figure.texts)


def test_a_loop_that_never_turns_is_no_turning_loop(study_of):
    grows = "Money= INTEG (interest, 10) ~ yuan ~ |\ninterest= Money*0.05 ~ yuan/year ~ |"
    study = study_of(grows)
    assert [(loop.name, loop.polarity) for loop in study.names.loops] == [("R1", "R")]
    assert not any("turns" in line for line in found_words(study))
    assert not any("±" in text.get_text() for text in plot_loops(study, Labels()).texts)


def test_a_stock_that_moves_itself_has_an_arrow_to_itself(study_of):
    study = study_of(OWN)
    links = drawn_links(study.names, study.links)
    assert {(link.cause, link.effect, link.sign) for link in links} == {
        ("Cup", "Cup", -1),
        ("Pot", "Pot", -1),
    }
    figure = plot_loops(study, Labels())
    arrows = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 2


def test_a_model_with_little_to_show_has_a_lower_page(study_of):
    assert plot_loops(study_of(ONE), Labels()).get_figheight() < 5


def test_variables_without_links_stand_side_by_side():
    layout = automatic_layout([("Cup",), ("Pot",), ("Pan",)])
    assert len({y for _, y in layout.nodes.values()}) == 1
    assert len({x for x, _ in layout.nodes.values()}) == 3


def test_an_integ_with_a_third_argument_is_refused_and_not_read_as_a_floor_at_zero(study_of):
    with pytest.raises(
        ModelError, match=r"own.mdl:2: 'Cup': INTEG takes a net flow and one initial value\. Write INTEG"
    ):
        study_of("Cup= INTEG (1, 10, 5) ~ degree ~ |")


def test_of_several_loops_one_alone_may_be_active(study_of):
    still = "Tank= INTEG (drip - leak, 5) ~ litre ~ |\ndrip= 0.1*Tank ~ litre/year ~ |\nleak= Empty ~ litre/year ~ |\n"
    study = study_of(still + "Empty= INTEG (spill, 0) ~ litre ~ |\nspill= 0.2*Empty ~ litre/year ~ |")
    assert found_words(study)[-1] == "The model has 2 loops, one of which is active in this run."


def test_a_loop_that_never_closes_at_one_time_is_said_so(study_of, tmp_path):
    # A feeds B until 5, B feeds A from then on: what starts at A never comes back to it
    study = study_of("A= INTEG (fa, 10) ~ ~ |\nfa= IF THEN ELSE(Time<5, 0, B*0.1) ~ ~ |\n"
                     "B= INTEG (fb, 1) ~ ~ |\nfb= IF THEN ELSE(Time<5, A*0.1, 0) ~ ~ |")  # fmt: skip
    assert found_words(study) == [
        "Something moves, but no loop is at work at any time, so none scores.",
        "A → fb → B → fa → A never closes: its links all work in this run, but never all at one time.",
        "The model has one loop.",
    ]
    assert {row["state"] for row in rows(study, tmp_path) if float(row["year"]) < 4} == {"no loop at work"}
    assert "no loop at work" in [text.get_text() for text in plot_dominance(study).axes[0].texts]
