"""Every variable and element of the city model is called something in both languages."""

from __future__ import annotations

import re

from talent_sd.base.files import shipped_folder
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.setting_checks import shocks_of
from talent_sd.model.read import read_structure

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_every_variable_has_a_label_and_no_label_is_stale() -> None:
    structure, labels = read_structure(shipped_folder("models") / "city.mdl"), shipped_labels()
    assert set(labels.variables) == set(structure.variables)
    elements = {element for elements in structure.subscripts.values() for element in elements}
    assert set(labels.elements) == elements | set(shocks_of(structure))


def test_labels_are_written_in_their_language() -> None:
    labels = shipped_labels()
    texts = {**labels.variables, **labels.elements}
    assert [name for name, text in texts.items() if CHINESE.search(text["en"])] == []
    assert [name for name, text in texts.items() if not CHINESE.search(text["zh"])] == []


def test_no_two_variables_share_a_label() -> None:
    labels = shipped_labels().variables
    for lang in ("en", "zh"):
        texts = [text[lang] for text in labels.values()]
        assert sorted({text for text in texts if texts.count(text) > 1}) == []
