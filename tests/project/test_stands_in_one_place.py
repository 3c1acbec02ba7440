"""One machine for one idea: what may be done in one place only is done there, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import talent_sd

PACKAGE = Path(talent_sd.__file__).parent
PLACES = [
    # what, as a pattern, and the files or folders that may
    ("terminal options", r"\btyper\b", ["cli"]),
    ("machine code", r"import llvmlite|from llvmlite", ["engine/llvm"]),
    (
        "kernels compiled",
        r"\bcompile_kernel\(",
        ["engine/back_ends.py", "engine/plain_run.py", "engine/llvm/kernel.py"],
    ),
    ("translations found", r"\bgettext\b", ["base/language.py"]),
    (
        "the cache's folder",
        r"\bcache_folder\b",
        ["base/cache.py", "engine/llvm/compiled_objects.py", "output/report/html_pieces.py"],
    ),
    ("files kept between runs, with their checksum", r"O_NOFOLLOW|\.chmod\(|S_IWOTH", ["base/cache.py"]),
    ("where the user's folders lie", r"\bplatformdirs\b", ["base/cache.py"]),
    ("Philox's constants", r"(?i)0xD2511F53", ["engine/random_numbers.py"]),
    ("what counts as zero", r"\bSMALL = 1e-6", ["engine/ir.py"]),
    ("pictures", r"\bimport matplotlib|from matplotlib", ["output"]),
    ("what a run is given", r"(?m)^Params = ", ["engine/lanes.py"]),
    (
        "ways through a model's causes",
        r"(?m)^(Route|Link) = tuple",
        ["loops/loop_layout.py", "loops/loop_scores.py"],
    ),
    ("a diagram's size", r"(?m)^WIDE, HIGH\b", ["loops/loop_layout.py"]),
    ("the year that experiments end in", r"(?m)^\w*END\b.* = 20\d\d", ["laboratory/cases.py"]),
    ("modules hidden from others", r"sys\.modules", []),
    ("options declared", r"Option = Annotated\[", ["cli/options.py"]),
]


@pytest.mark.parametrize(("pattern", "places"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_it_stands_in_one_place(pattern: str, places: list[str]) -> None:
    found = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        if re.search(pattern, _code(file))
    }
    assert {name for name in found if not any(_within(name, place) for place in places)} == set()
    # a place where it is no longer found leaves the list
    assert [place for place in places if not any(_within(name, place) for name in found)] == []


def _within(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}/")


def _code(file: Path) -> str:
    """Return a file's text without comments and docstrings."""
    text = re.sub(r'""".*?"""', "", file.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"#.*", "", text)
