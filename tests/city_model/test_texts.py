"""The model reads by itself: each variable has unit, sentence, source; no number hides in an equation."""

from __future__ import annotations

import re

import pytest

from talent_sd.base.files import shipped_folder
from talent_sd.engine.runner import Model
from talent_sd.inputs.labels import shipped_labels
from talent_sd.model.mdl_text import SKETCH

TEXT = (shipped_folder("models") / "city.mdl").read_text("utf-8").split(SKETCH)[0]
NUMBER = re.compile(r"(?<![\w.])\d+\.?\d*(?:[eE][+-]?\d+)?")
LIST_OF_NUMBERS = re.compile(r"[-\d.eE+,;\s]+")


def equations() -> dict[str, str]:
    """Return the text right of each "=", by what stands left of it; subscripted parts apart."""
    body = TEXT.split("\n********")[1:]
    found = {}
    for part in "\n".join(body).split("|"):
        left, equals, right = part.split("~")[0].partition("=")
        if equals:
            found[left.strip().splitlines()[-1].strip()] = right
    return found


def test_every_variable_has_a_unit_and_a_sentence_and_says_where_it_comes_from(model: Model) -> None:
    for variable in model.structure.variables.values():
        assert variable.unit, variable.name
        sentence, cited, source = variable.doc.partition("Source: ")
        assert cited, variable.name
        assert source.strip(" ."), variable.name
        assert len(sentence) > 4, variable.name
        assert sentence.strip()[-1] in ".?!", variable.name


def test_every_constant_has_a_range_that_holds_its_value(model: Model) -> None:
    defaults = equations()
    for variable in model.structure.variables.values():
        if variable.kind != "constant":
            continue
        low, high = variable.limits
        assert low is not None, variable.name
        assert high is not None, variable.name
        left = next(key for key in defaults if key.split("[")[0] == variable.name)
        values = [float(number) for number in re.findall(r"-?\d[\d.]*(?:[eE][+-]?\d+)?", defaults[left])]
        assert values, variable.name
        assert all(low <= value <= high for value in values), variable.name


def test_no_number_but_0_and_1_hides_in_an_equation(model: Model) -> None:
    names = sorted(model.structure.variables, key=len, reverse=True)
    known = re.compile("|".join(re.escape(name) for name in names))
    checked = 0
    for left, right in equations().items():
        if LIST_OF_NUMBERS.fullmatch(right):
            continue
        checked += 1
        rest = NUMBER.findall(re.sub(r"(?:INTEGER|DELAY3I|SMOOTH)\b", "", known.sub("", right)))
        assert [n for n in rest if float(n) not in (0, 1)] == [], left
    assert checked > 300


def test_nothing_is_idle(model: Model) -> None:
    """Each constant and lookup is used; what nothing uses is there to be read: plotted, or an account."""
    used = {cause for variable in model.structure.variables.values() for cause in variable.depends_on}
    labels = shipped_labels()
    read = {name for sector in labels.sectors for panel in sector.plots for name in panel}
    read |= {
        *labels.headline,
        "working age residents",
        "returnees",
        "cohort mean stay",
        "FINAL TIME",
        "SAVEPER",
    }
    idle = {
        name
        for name in set(model.structure.variables) - used - read
        if model.structure[name].group != "Accounts"
    }
    assert idle == {"Cumulative Policy Budget Use"}


def test_each_sentence_about_the_articles_figures_cites_one_that_exists(model: Model) -> None:
    cited = {name for variable in model.structure.variables.values() for name in variable.citations}
    known = {f"E{number:02d}" for number in range(1, 26)}
    assert cited <= known
    assert len(cited) > 15


def test_no_variable_is_named_like_a_function(model: Model) -> None:
    functions = {"ramp", "step", "pulse", "delay", "smooth", "sum", "min", "max", "time", "trend", "forecast"}
    assert functions & {name.lower() for name in model.structure.variables} == set()


def test_stocks_are_in_title_case_and_the_rest_in_lower_case(model: Model) -> None:
    small = {"by", "under"}
    for variable in model.structure.variables.values():
        capital = [word[0].isupper() for word in variable.name.split() if word not in small]
        if variable.kind == "stock":
            assert all(capital), variable.name
        elif variable.kind != "time" and variable.name not in ("Talent", "Residents"):
            assert not any(capital), variable.name


def test_the_independent_checker_finds_no_error_and_no_unit_warning() -> None:
    simlin = pytest.importorskip("simlin")
    assert simlin.load(str(shipped_folder("models") / "city.mdl")).check() == ()
