"""The package as a whole: quick to import, its labels complete, its font able to write them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.ft2font import FT2Font

import talent_sd
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import LANGUAGES
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.setting_checks import shocks_of
from talent_sd.model.read import read_structure

PACKAGE = Path(talent_sd.__file__).parent
HEAVY = (
    "xarray",
    "pandas",
    "matplotlib",
    "llvmlite",
    "pysd",
    "numpy",
    "scipy",
    "pydantic",
    "ruamel",
    "typer",
)


def test_importing_the_package_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import talent_sd; took = time.perf_counter() - start;"
        f"print([took, [name for name in {HEAVY!r} if name in sys.modules]])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    took, loaded = json.loads(shown.replace("'", '"'))
    assert loaded == []
    assert took < 0.3


def test_every_exported_name_exists_and_no_other_does() -> None:
    assert [name for name in talent_sd.__all__ if getattr(talent_sd, name) is None] == []
    with pytest.raises(AttributeError, match="^module 'talent_sd' has no attribute 'simulat'$"):
        talent_sd.simulat  # noqa: B018


def test_every_label_has_both_languages_and_names_something_of_the_model() -> None:
    labels, structure = shipped_labels(), read_structure(shipped_folder("models") / "city.mdl")
    elements = {element for names in structure.subscripts.values() for element in names} | {
        *shocks_of(structure)
    }
    texts = [*labels.variables.values(), *labels.elements.values(), *(s.title for s in labels.sectors)]
    assert all(set(text) == set(LANGUAGES) for text in texts)
    assert set(labels.elements) - elements == set()
    plotted = {name for sector in labels.sectors for panel in sector.plots for name in panel}
    named = {*labels.variables, *labels.headline, *plotted, *labels.lower_is_better}
    assert {name for name in named if name not in structure.variables} == set()
    assert (plotted | set(labels.headline)) - set(labels.variables) == set()
    assert elements - set(labels.elements) == set()


def test_variables_that_share_a_panel_share_a_unit() -> None:
    structure = read_structure(shipped_folder("models") / "city.mdl")
    for sector in shipped_labels().sectors:
        for panel in sector.plots:
            assert len({structure[name].unit for name in panel}) == 1, panel


def test_the_shipped_font_can_write_every_word_label_and_title() -> None:
    files = [PACKAGE / "base" / "locale" / "zh" / "LC_MESSAGES" / "talent_sd.po"]
    files += [shipped_folder("models") / name for name in ("labels.yaml", "loops.yaml")]
    files += sorted(shipped_folder("scenarios").rglob("*.yaml"))
    wanted = {character for file in files for character in file.read_text("utf-8") if character >= " "}
    font = FT2Font(str(PACKAGE / "output" / "fonts" / "regular.otf"))
    assert {character for character in wanted if not font.get_char_index(ord(character))} == set()


def test_the_shipped_font_can_write_every_place_of_china() -> None:
    places = (PACKAGE.parent / ".ci" / "place_characters.txt").read_text("utf-8")
    wanted = set("漯亳衢濮泸儋") | (set(places) - {"\n"})
    font = FT2Font(str(PACKAGE / "output" / "fonts" / "regular.otf"))
    assert {character for character in wanted if not font.get_char_index(ord(character))} == set()


def test_the_fonts_stay_small_and_carry_their_licence() -> None:
    folder = PACKAGE / "output" / "fonts"
    assert sum(file.stat().st_size for file in folder.glob("*.otf")) < 1.2e6
    assert "SIL OPEN FONT LICENSE Version 1.1" in (folder / "OFL.txt").read_text("utf-8")
