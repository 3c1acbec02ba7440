"""Files are written all or none."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from talent_sd.base.errors import InputError
from talent_sd.base.output_folders import written_together
from talent_sd.cli.common import INTERRUPTED


def test_files_appear_together_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er"
    with written_together(target) as folder:
        (folder / "a.csv").write_text("1")
        (folder / "b.csv").write_text("2")
        assert not target.exists()
    assert {file.name: file.read_text() for file in target.iterdir()} == {"a.csv": "1", "b.csv": "2"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["deep"]


def test_a_failure_leaves_nothing_and_spares_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")

    def fail() -> None:
        with written_together(tmp_path) as folder:
            (folder / "a.csv").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.csv", "old")]


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with written_together(tmp_path) as folder:
        (folder / "a.csv").write_text("1")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.csv", "notes.txt"]


@pytest.mark.parametrize("below", ["", "inside"])
def test_a_file_in_the_way_is_one_message_before_any_work(tmp_path: Path, below: str) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    target = blocked / below
    message = f"{target}: cannot write here (is a file, not a folder). Choose another folder with --out."
    with pytest.raises(InputError) as caught, written_together(target):
        raise AssertionError("the block must not run")
    assert caught.value.problems == (message,)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_one_message_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "new"

    def fill() -> None:
        with written_together(target) as folder:
            (folder / "a.csv").write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(
        InputError, match=r"new: cannot write here \(No space left on device\)\. Choose another"
    ):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_errors_that_are_not_of_writing_pass_through(tmp_path: Path) -> None:
    def read() -> None:
        with written_together(tmp_path / "new"):
            (tmp_path / "missing").read_text()

    with pytest.raises(FileNotFoundError, match="missing"):
        read()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission_is_one_message(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with (
        pytest.raises(InputError, match=r"cannot write here \(no permission to write\)"),
        written_together(tmp_path),
    ):
        raise AssertionError("the block must not run")
    tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a program without telling it")
def test_a_program_told_to_end_clears_its_temporary_files_away(tmp_path: Path) -> None:
    command = "from talent_sd.cli import main; main()"
    arguments = ["run", "--central", "--no-plots", "--out", str(tmp_path / "forecast")]
    with subprocess.Popen([sys.executable, "-c", command, *arguments], stdout=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 60
        while not list(tmp_path.iterdir()) and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        begun = [entry.name for entry in tmp_path.iterdir()]
        child.send_signal(signal.SIGTERM)
        code = child.wait(60)
    assert [name.startswith(".talent_sd-") for name in begun] == [True]
    assert code == INTERRUPTED
    assert list(tmp_path.iterdir()) == []
