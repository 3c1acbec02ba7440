"""Each idea has one place in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import talent_sd

PACKAGE = Path(talent_sd.__file__).parent


def files_with(pattern: str) -> Iterator[str]:
    """Yield the modules in which a pattern is found."""
    for file in sorted(PACKAGE.rglob("*.py")):
        if re.search(pattern, file.read_text("utf-8")):
            yield file.relative_to(PACKAGE).as_posix()


def test_yaml_is_read_in_one_place() -> None:
    apart = {
        "base/labels.py",  # parsed once and kept: it lies on the way of every command
        "evidence/evidence_fit.py",  # writes its file
        "backtest/track_record.py",
    }
    assert set(files_with(r"\bimport YAML\b")) - apart == {"inputs/strict_yaml.py"}


def test_names_of_policies_constants_are_built_in_one_place() -> None:
    assert list(files_with(r"f\"policy \{|\"policy (switch|start|end|pause)[^\"]*\[\{")) == [
        "inputs/model_interface.py"
    ]


def test_expressions_are_evaluated_in_one_place() -> None:
    assert list(files_with(r"operator\.truediv|\beval\(")) == ["model/syntax.py"]
