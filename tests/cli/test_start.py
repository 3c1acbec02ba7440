"""The program starts quickly: what a run does not need is not loaded, installed or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("pint", "scipy.stats", "matplotlib", "pysd", "networkx", "zarr", "distributed")
PROGRAM = f"""
import json, sys
from talent_sd.cli import main
sys.argv = ["talent-sd", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def test_a_run_without_plots_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "run",
        "--central",
        "--no-plots",
        "--out",
        str(tmp_path / "forecast"),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(shown.splitlines()[-1]) == [0, []]


def test_a_number_that_is_none_is_told_in_words_and_help_keeps_its_brackets() -> None:
    def told(*arguments: str) -> str:
        command = [sys.executable, "-c", PROGRAM, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "80"}
        )
        return " ".join((done.stdout + done.stderr).replace("│", " ").split())

    assert "--draws '2,000': commas do not belong in a number. Write 2000." in told("run", "--draws", "2,000")
    assert "--budget is 'much'. Give a number." in told("optimise", "--budget", "much")
    shown = told("why", "--help")
    assert '"name[element]".' in shown
    assert '"name[element]=number"; once for each.' in shown
