"""The program starts quickly: what a run does not need is not loaded, installed or not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HEAVY = ("dask", "pint", "scipy", "matplotlib", "pysd", "networkx", "zarr", "distributed")
PROGRAM = f"""
import json, sys
from talent_sd.cli import main
sys.argv = ["talent-sd", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    loaded = [name for name in {HEAVY!r} if sys.modules.get(name) is not None]
    print(json.dumps([end.code, loaded, "dask" in sys.modules]))
"""


def _started(*arguments: str | Path) -> list[object]:
    """Return exit code, heavy packages loaded, and whether dask is barred."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    last: list[object] = json.loads(shown.splitlines()[-1])
    return last


def test_a_run_without_plots_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    assert _started("run", "--no-plots", "--out", tmp_path / "forecast") == [0, [], True]


def test_dask_stays_within_reach_of_who_names_a_cluster() -> None:
    assert _started("run", "--cluster", "tcp://nowhere:1") == [2, [], False]
