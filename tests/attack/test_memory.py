"""Memory: a hundred thousand draws, and one run after the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import WHOLE

pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not WHOLE, reason="minutes: part of the whole attack")
FIRST = f"import sys\nsys.path.append({str(Path(__file__).parent)!r})\nfrom test_mutated_models import peak\n"


def _printed(code: str, folder: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def test_a_hundred_thousand_draws(tmp_path: Path, attacked: Callable[[], None]) -> None:
    code = (
        f"{FIRST}from talent_sd.cli import main\n"
        "sys.argv = ['talent-sd', 'run', '--draws', '100000', '--no-plots']\n"
        "try:\n    main()\nfinally:\n    print(peak())"
    )
    assert _printed(code, tmp_path) < 1.2e9
    attacked()


def test_five_hundred_runs(tmp_path: Path, attacked: Callable[[], None]) -> None:
    code = (
        f"{FIRST}import talent_sd as ts\n"
        "def run(times):\n    for _ in range(times): ts.simulate(outputs=['total talent'])\n"
        "    return peak()\n"
        "run(100); before = run(20); print(run(500) - before)"
    )
    assert _printed(code, tmp_path) < 5e6
    attacked()
