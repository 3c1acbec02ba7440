"""What the program does in one place stays in one place."""

from __future__ import annotations

import ast
import re
from collections import Counter
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
    # interventions run a program changed on the way, which no user can ask of a model
    assert _importers("talent_sd.engine.back_ends") == {"engine/runner.py", "engine/interventions.py"}
    assert _callers("run_slots") == {"engine/runner.py", "loops/kept_run.py"}


def test_values_that_differ_between_runs_are_stacked_by_model_run_alone() -> None:
    """Nobody lays the draws of several cities, scenarios or coalitions one after another by hand."""
    assert _callers("tile") == set()
    assert _importers("talent_sd.engine.lanes") - {"attribution.py"} == {  # which takes the name of a type
        "engine/runner.py",
        "forecast/posterior_draws.py",
        "laboratory/cases.py",
        "laws/law_bench.py",
        "loops/feedback_loops.py",
    }
    assert _files_with(r"np\.stack\(np\.broadcast_arrays|np\.concatenate\(\[np\.broadcast_to") == {
        "engine/lanes.py"
    }


def _files_with(pattern: str) -> set[str]:
    found = {file: file.read_text("utf-8") for file in PACKAGE.rglob("*.py")}
    return {file.relative_to(PACKAGE).as_posix() for file, text in found.items() if re.search(pattern, text)}


def test_yaml_is_read_by_the_strict_reader_alone() -> None:
    writes = {"evidence/evidence_fit.py", "evidence/reading_files.py"}
    assert _files_with(r"\bimport YAML\b") - writes == {"inputs/strict_yaml.py"}


def test_names_of_policies_constants_are_built_in_one_place() -> None:
    built = r"f\"policy \{|\"policy (switch|start|end|pause)[^\"]*\[\{|loop closed\[\{"
    assert _files_with(built) == {"inputs/settings.py"}


def test_what_is_told_of_an_output_is_reckoned_in_one_place() -> None:
    """Terminal, notebook and report take median, band and relative change of an output from `Output.told`."""
    assert _files_with(r"one\.relative.*\.median\(|relative\.median\(") == {"output/headline_outputs.py"}


def test_expressions_are_evaluated_in_one_place() -> None:
    assert _files_with(r"operator\.truediv|\beval\(") == {"model/syntax.py"}


def test_files_functions_and_folders_stay_small_enough_to_read() -> None:
    """No file over 400 lines, no function over 60 (its docstring with it), no folder over 25 files."""
    files = {name: (PACKAGE / name).read_text("utf-8").count("\n") for name, _ in _code()}
    functions = {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for name, tree in _code()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    folders = Counter((PACKAGE / name).parent.relative_to(PACKAGE).as_posix() for name in files)
    assert {name: lines for name, lines in files.items() if lines > 400} == {}
    assert {name: lines for name, lines in functions.items() if lines > 60} == {}
    assert {name: count for name, count in folders.items() if count > 25} == {}


def test_numbers_that_are_told_are_rounded_in_one_place() -> None:
    # halves go away from zero, as on the page: `fixed`, which `tell` uses for what it fills in
    rounding = {
        name
        for name, tree in _code()
        for node in ast.walk(tree)
        if isinstance(node, ast.FormattedValue)
        and isinstance(node.format_spec, ast.JoinedStr)
        and re.search(r"\.\d[f%]$", ast.unparse(node.format_spec).strip("f'\""))
    }
    assert {
        name for name in rounding if name.split("/")[0] in ("output", "cli", "model_tests", "policies")
    } == set()
