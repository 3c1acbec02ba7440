"""An output folder keeps nothing stale, and nothing of the user's is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from talent_sd.base import output_folders as files
from talent_sd.base.errors import InputError, NotWritten
from talent_sd.base.output_folders import held_alone, scratch_folder, uninterrupted, written_together


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALENT_SD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(files, "written", [])


def _write(out: Path, *names: str) -> None:
    with written_together(out) as folder:
        for name in names:
            (folder / name).write_text(name, encoding="utf-8")
    files.written.clear()  # as the next command does


def _names(out: Path) -> list[str]:
    return sorted(file.name for file in out.iterdir())


def test_what_an_earlier_run_wrote_goes_and_what_is_the_users_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write(out, "run.json", "report.html", "policies_a.png", "notes.csv")
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    (out / "notes.csv").write_text("changed by hand", encoding="utf-8")
    _write(out, "run.json", "loops.csv")
    assert _names(out) == ["loops.csv", "mine.txt", "notes.csv", "run.json"]


def test_a_command_that_writes_in_several_goes_keeps_its_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("laws.csv", "checks.csv"):
        with written_together(out) as folder:
            (folder / name).write_text(name, encoding="utf-8")
    assert _names(out) == ["checks.csv", "laws.csv"]
    files.written.clear()
    _write(out, "run.json")
    assert _names(out) == ["run.json"]


def test_stored_draws_of_another_run_are_never_set_beside_new_results(tmp_path: Path) -> None:
    (tmp_path / "forecast.zarr").mkdir()
    with pytest.raises(InputError, match="draws of another run lie here"):
        _write(tmp_path, "run.json")


@pytest.mark.skipif(os.name != "posix", reason="needs locks that end with a process")
def test_what_a_killed_run_left_is_swept_and_what_a_living_one_holds_is_not(tmp_path: Path) -> None:
    dead = tmp_path / ".talent_sd-0123456789ab"
    (dead / "files").mkdir(parents=True)
    users = tmp_path / ".talent_sd-mine"
    users.mkdir()
    with scratch_folder(tmp_path) as living:
        _write(tmp_path / "out", "run.json")
        assert living.is_dir()
        with pytest.raises(InputError, match="another run is writing here"), held_alone(living.parent):
            pass
    assert not dead.exists()
    assert not living.exists()
    assert users.is_dir()


def test_what_could_not_be_moved_is_told(tmp_path: Path) -> None:
    (tmp_path / "b.csv" / "in the way").mkdir(parents=True)
    with pytest.raises(NotWritten) as caught:
        _write(tmp_path, "a.csv", "b.csv")
    assert str(caught.value).endswith("Choose another folder with --out. Written before that: a.csv.")


def test_a_signal_waits_until_all_files_are_in_place() -> None:
    done = []

    def told_to_end_while_moving() -> None:
        with uninterrupted():
            os.kill(os.getpid(), files.ENDING[0])
            done.append("moved")

    with pytest.raises(KeyboardInterrupt):
        told_to_end_while_moving()
    assert done == ["moved"]
