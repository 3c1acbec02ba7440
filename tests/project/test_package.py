"""The package as a whole: quick to import, its words complete, its font able to write them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.ft2font import FT2Font

import talent_sd
from talent_sd.base.files import shipped_folder
from talent_sd.base.labels import shipped_labels
from talent_sd.base.messages import LANGUAGES, all_words, word
from talent_sd.inputs.city_figures import read_mapping
from talent_sd.model.read import read_structure
from talent_sd.model_tests.check_files import read_checks

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


def test_every_word_has_every_language_and_the_same_blanks() -> None:
    for key, texts in all_words().items():
        assert set(texts) == set(LANGUAGES), key
        blanks = {lang: sorted(re.findall(r"{(\w+)}", text)) for lang, text in texts.items()}
        assert blanks["en"] == blanks["zh"], key


def test_every_word_is_used() -> None:
    code = "\n".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py")).replace("'", '"')
    composed = ("unit.", "list.", "check.", "standard.", "verdict.", "outcome.", "quality.", "report.")
    # put together from a beginning and a word that itself stands in the code, or is a figure of a city
    parts = ("diff.", "form.", "new.from_", "loops.turns_", "summary.", "summary.title_")
    figures = {f"figure.{name}" for name in read_mapping().content.figures}
    figures |= {f"sector.{check.sector}" for check in read_checks().checks}

    def used(key: str) -> bool:
        ends = [key.removeprefix(part) for part in parts if key.startswith(part)]
        return f'"{key}"' in code or key in figures or any(f'"{end}"' in code for end in ends)

    assert [key for key in all_words() if not key.startswith(composed) and not used(key)] == []


def test_every_word_of_the_report_is_used() -> None:
    folder = PACKAGE / "output" / "report"
    code = "\n".join(
        file.read_text("utf-8") for kind in ("*.py", "*.j2") for file in folder.rglob(kind)
    ).replace("'", '"')
    composed = ("section.", "record.", "cost.", "count.", "size.", "time.", "headline.clear_")
    keys = [key.removeprefix("report.") for key in all_words() if key.startswith("report.")]
    assert [key for key in keys if not key.startswith(composed) and f'"{key}"' not in code] == []


def test_words_fill_their_blanks() -> None:
    assert word("cli.written", "en", folder="forecast", files="a, b") == "Written to forecast: a, b"
    with pytest.raises(KeyError, match="files"):
        word("cli.written", "en", folder="forecast")


def test_every_label_has_both_languages_and_names_something_of_the_model() -> None:
    labels, structure = shipped_labels(), read_structure(shipped_folder("models") / "city.mdl")
    elements = {element for names in structure.subscripts.values() for element in names}
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
    files = [PACKAGE / "base" / "words.json"]
    files += [shipped_folder("models") / name for name in ("labels.yaml", "loops.yaml")]
    files += sorted(shipped_folder("scenarios").rglob("*.yaml"))
    wanted = {character for file in files for character in file.read_text("utf-8") if character >= " "}
    font = FT2Font(str(PACKAGE / "output" / "fonts" / "regular.otf"))
    assert {character for character in wanted if not font.get_char_index(ord(character))} == set()


def test_the_fonts_stay_small_and_carry_their_licence() -> None:
    folder = PACKAGE / "output" / "fonts"
    assert sum(file.stat().st_size for file in folder.glob("*.otf")) < 1.2e6
    assert "SIL OPEN FONT LICENSE Version 1.1" in (folder / "OFL.txt").read_text("utf-8")
