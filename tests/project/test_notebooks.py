"""The notebooks run from top to bottom, and keep nothing that a run left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def test_there_are_two() -> None:
    assert [file.stem for file in NOTEBOOKS] == ["forecast_read_critically", "policy_mix_compared"]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_stripped(file: Path) -> None:
    cells = json.loads(file.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert [
        cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] or cell["metadata"]
    ] == []


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda file: file.stem)
def outputs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the cells of a notebook show after a run from top to bottom."""
    book = nbformat.read(request.param, as_version=4)
    folder = str(tmp_path_factory.mktemp("notebook"))
    NotebookClient(book, timeout=300, resources={"metadata": {"path": folder}}).execute()
    return [output for cell in book.cells for output in cell.get("outputs", ())]


def test_a_notebook_runs_and_draws(outputs: list[dict[str, Any]]) -> None:
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2


def test_a_notebook_warns_of_nothing(outputs: list[dict[str, Any]]) -> None:
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
