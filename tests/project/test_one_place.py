"""What the program does in one place stays in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import talent_sd

PACKAGE = Path(talent_sd.__file__).parent


def _code() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        yield file.relative_to(PACKAGE).as_posix(), ast.parse(file.read_text("utf-8"))


def _importers(module: str) -> set[str]:
    return {
        name
        for name, tree in _code()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == module
    }


def _callers(attribute: str) -> set[str]:
    return {
        name
        for name, tree in _code()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == attribute
    }


def test_back_ends_are_driven_by_the_model_alone() -> None:
    assert _importers("talent_sd.engine.back_ends") == {"engine/runner.py"}
    assert _callers("run_slots") == {"engine/runner.py", "loops/kept_run.py"}


def test_values_that_differ_between_runs_are_stacked_by_model_run_alone() -> None:
    """Nobody lays the draws of several cities, scenarios or coalitions one after another by hand."""
    assert _callers("tile") == set()
    assert _importers("talent_sd.engine.lanes") == {
        "engine/runner.py",
        "forecast/posterior_draws.py",
        "loops/feedback_loops.py",
    }
