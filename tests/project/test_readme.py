"""What the README says to type works, and its code does what it shows."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


def command_after(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.+?)\n```", README.read_text("utf-8"), re.DOTALL)
    assert found, marker
    return found.group(1)


def test_the_code_in_the_readme_does_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(README), module_relative=False)
    assert (result.failed, result.attempted >= 15) == (0, True)
    assert (tmp_path / "differences.png").stat().st_size > 10_000


def test_the_two_commands_set_up_from_nothing_but_python_and_pip() -> None:
    for marker, last in (("run command", ".venv/bin/talent-sd run"), ("test command", ".venv/bin/pytest")):
        first, install, final = command_after(marker).split(" && ")
        assert first == "python3 -m venv .venv"
        assert install.startswith(".venv/bin/pip install ")
        assert final == last


def test_the_ci_script_runs_the_test_command_as_written() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    extraction = re.search(r"^command=\$\((.+)\)$", script, re.MULTILINE)
    assert extraction
    shell = subprocess.run(
        ["bash", "-c", extraction.group(1)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shell.stdout.strip() == command_after("test command")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_the_ci_script_is_sound_shell() -> None:
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=True)
