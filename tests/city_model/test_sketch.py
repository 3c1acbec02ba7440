"""The model opens with a diagram per sector, true to its equations; its file is the model with or without it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from talent_sd.engine.runner import Model, load_model
from talent_sd.model.mdl_text import SKETCH

CLOUD, LABEL, ARROW, VALVE = "12", "10", "1", "11"
REMEDY = "run .ci/draw_sketch.py"


def views(text: str) -> dict[str, list[list[str]]]:
    """Return title to lines of each view, as fields."""
    found = {}
    for part in text.split(SKETCH)[1:]:
        title = re.search(r"^\*(.+)$", part, re.MULTILINE)
        assert title is not None
        body = part.split("///---")[0]
        found[title[1]] = [line.split(",") for line in body.splitlines() if re.match(r"\d+,", line)]
    return found


@pytest.fixture(scope="module")
def drawn(model: Model) -> dict[str, list[list[str]]]:
    return views(model.path.read_text("utf-8"))


def moving(model: Model, group: str) -> set[str]:
    """Return what a sector's view must show: stocks, and auxiliaries that are not start values."""
    text = model.path.read_text("utf-8")
    return {
        name
        for name, variable in model.structure.variables.items()
        if variable.group == group
        and (
            variable.kind == "stock"
            or (
                variable.kind == "auxiliary"
                and not re.search(rf"^{re.escape(name)}(\[[^\]]*\])?=\s*INITIAL\(", text, re.MULTILINE)
            )
        )
    }


def test_every_sector_has_a_view_that_shows_all_that_moves_in_it(
    drawn: dict[str, list[list[str]]], model: Model
) -> None:
    groups = dict.fromkeys(variable.group for variable in model.structure.variables.values())
    wanted = {group: moving(model, group) for group in groups}
    wanted = {group: names for group, names in wanted.items() if len(names) > 1}
    assert list(drawn) == list(wanted), REMEDY
    for group, names in wanted.items():
        shown = {row[2] for row in drawn[group] if row[0] == LABEL}
        assert names - shown == set(), REMEDY
        assert shown - set(model.structure.variables) == set(), REMEDY


def test_every_arrow_is_a_cause_and_every_pipe_a_flow_of_its_stock(
    drawn: dict[str, list[list[str]]], model: Model
) -> None:
    arrows = 0
    for title, rows in drawn.items():
        kinds = {row[1]: row[0] for row in rows}
        assert len(kinds) == len(rows), title
        names = {row[1]: row[2] for row in rows if row[0] == LABEL}
        # the label of a flow comes right after its valve
        flow_of = {
            valve[1]: label[2]
            for valve, label in itertools.pairwise(rows)
            if valve[0] == VALVE and label[0] == LABEL
        }
        for row in (row for row in rows if row[0] == ARROW):
            start, end = row[2], row[3]
            assert {start, end} <= set(kinds), title
            if start in flow_of:
                if kinds[end] != CLOUD:
                    assert flow_of[start] in model.structure[names[end]].depends_on, (title, row, REMEDY)
            else:
                target = flow_of.get(end) or names[end]
                assert names[start] in model.structure[target].depends_on, (title, row, REMEDY)
            arrows += 1
    assert arrows > 400


def test_no_two_names_lie_on_one_another(drawn: dict[str, list[list[str]]]) -> None:
    for title, rows in drawn.items():
        places = np.array([[float(row[3]), float(row[4])] for row in rows if row[0] == LABEL])
        apart = np.abs(places[:, None] - places[None]).max(-1) + 1e3 * np.eye(len(places))
        crowded = int((apart < 12).sum() // 2)
        assert crowded <= 0.05 * len(places), title


def test_the_sketch_changes_no_result(model: Model, tmp_path: Path) -> None:
    bare = tmp_path / "bare.mdl"
    bare.write_text(model.path.read_text("utf-8").split(SKETCH)[0], encoding="utf-8")
    assert load_model(bare).structure.variables == model.structure.variables
    with_sketch, without = (one.run(engine="arrays", final_time=2023.0) for one in (model, load_model(bare)))
    assert with_sketch.equals(without)
