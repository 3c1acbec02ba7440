"""Damage the code where an error is silent, one change at a time, and count what the tests notice.

    python .ci/mutation.py PART [--sample N] [--seed S]

PART is one of `.ci/mutation.toml`: noise, windows, bands, units. Needs cosmic-ray (`pip install cosmic-ray`).
All changes of a part take hours; `--sample` takes N at random. Works on a copy of the files under version
control. Prints every change that no test noticed, and the share that some test did.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = Path(__file__).with_suffix(".toml")


def main() -> None:
    """Run one part."""
    settings = tomllib.loads(CONFIG.read_text("utf-8"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("part", choices=settings["parts"])
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    part = settings["parts"][asked.part]
    with tempfile.TemporaryDirectory() as work:
        checkout = Path(work) / "checkout"
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, checkout / name)
        tests = " ".join([part["tests"], *part["modules"]])  # the examples in docstrings are tests too
        command = f"{sys.executable} -m pytest -n 0 -x -q -p no:cacheprovider {tests}"
        text = CONFIG.read_text("utf-8").split("[parts.")[0]
        text = text.replace("module-path = []", f"module-path = {part['modules']!r}")
        text = text.replace('test-command = ""', f'test-command = "env PYTHONPATH=. {command}"')
        (checkout / "mutation.toml").write_text(text, encoding="utf-8")

        def tool(name: str, *arguments: str) -> str:
            program = Path(sys.executable).with_name(name)
            run = subprocess.run(
                [program, *arguments], cwd=checkout, capture_output=True, text=True, check=False
            )
            if run.returncode:
                sys.exit(run.stdout + run.stderr)
            return run.stdout

        tool("cosmic-ray", "init", "mutation.toml", "session.sqlite")
        tool("cr-filter-operators", "session.sqlite", "mutation.toml")
        if asked.sample is not None:
            _keep(checkout / "session.sqlite", asked.sample, asked.seed)
        tool("cosmic-ray", "baseline", "mutation.toml")  # undamaged, the tests must pass
        tool("cosmic-ray", "exec", "mutation.toml", "session.sqlite")
        sys.stdout.write(tool("cr-report", "--surviving-only", "--show-diff", "session.sqlite"))
        sys.stdout.write(f"survived, in percent: {tool('cr-rate', 'session.sqlite')}")


def _keep(session: Path, count: int, seed: int) -> None:
    """Leave a random sample of the changes in the session."""
    with sqlite3.connect(session) as data:
        done = {row[0] for row in data.execute("SELECT job_id FROM work_results")}
        left = sorted(row[0] for row in data.execute("SELECT job_id FROM work_items") if row[0] not in done)
        random.Random(seed).shuffle(left)
        for job in left[count:]:
            data.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
            data.execute("DELETE FROM work_items WHERE job_id = ?", (job,))
        for job in done:  # filtered out: it counts neither way
            data.execute("DELETE FROM work_results WHERE job_id = ?", (job,))
            data.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
            data.execute("DELETE FROM work_items WHERE job_id = ?", (job,))


if __name__ == "__main__":
    main()
