"""An output folder keeps nothing stale, and nothing of the user's is lost."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from talent_sd.base import output_folders as files
from talent_sd.base.errors import InputError, NotWritten
from talent_sd.base.files import ENDING, uninterrupted
from talent_sd.base.output_folders import (
    held_alone,
    refuse_place,
    scratch_folder,
    write_whole,
    written_together,
)
from talent_sd.cli import terminal

from .conftest import PROGRAM, WHOLE


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALENT_SD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(files, "written", [])
    monkeypatch.setattr(files, "left", [])


def _write(out: Path, *names: str) -> None:
    with written_together(out) as folder:
        for name in names:
            (folder / name).write_text(name, encoding="utf-8")
    files.written.clear()  # as the next command does


def _names(out: Path) -> list[str]:
    return sorted(file.name for file in out.iterdir())


def test_what_an_earlier_run_wrote_goes_and_what_is_the_users_is_kept_and_both_are_told(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    _write(out, "run.json", "report.html", "policies_a.png", "notes.csv", "plan_a.yaml")
    assert files.left == []
    for name in ("mine.txt", "notes.csv", "plan_a.yaml", "loops.csv"):
        (out / name).write_text(f"the user's {name}", encoding="utf-8")
    moved = out.rename(tmp_path / "moved")
    _write(moved, "run.json", "loops.csv", "plan_a.yaml")
    kept = ["loops.csv.~1~", "notes.csv.~1~", "plan_a.yaml.~1~"]
    assert _names(moved) == sorted(["loops.csv", "mine.txt", *kept, "plan_a.yaml", "run.json"])
    assert all((moved / name).read_text() == f"the user's {name[:-4]}" for name in kept)
    told = "\n".join(files.left)
    assert "Removed, for they were of the run before: policies_a.png, report.html." in told
    assert all(name in told for name in kept)
    files.left.clear()
    _write(moved, "run.json", "loops.csv", "plan_a.yaml")
    assert (files.left, _names(moved)) == (
        [],
        sorted(["loops.csv", "mine.txt", *kept, "plan_a.yaml", "run.json"]),
    )


def test_what_the_command_itself_reads_is_not_cleared_away(tmp_path: Path) -> None:
    from talent_sd.inputs.strict_yaml import read_text

    out = tmp_path / "out"
    _write(out, "run.json", "plans.csv", "plan_a.yaml", "plan_b.yaml")
    for name in ("plan_a.yaml", "plan_b.yaml"):
        read_text(out / name)
    _write(out, "run.json", "plan_b.yaml")
    assert _names(out) == ["plan_a.yaml", "plan_b.yaml", "plan_b.yaml.~1~", "run.json"]
    assert files.left == [
        "Removed, for they were of the run before: plans.csv.",
        "Kept, for this command read it: plan_a.yaml, plan_b.yaml.~1~.",
    ]


def test_nothing_is_lost_and_all_is_told_where_it_is_not_known_what_was_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write(out, "run.json", "variance.csv")
    (out / "run.json").write_text("precious", encoding="utf-8")
    for kept in (tmp_path / "cache").iterdir():
        kept.unlink()
    _write(out, "run.json")
    assert (out / "run.json.~1~").read_text() == "precious"
    assert files.left == [
        "Not known as ours, so it was kept under another name: run.json.~1~.",
        "In the same folder, but not of this run: variance.csv.",
    ]


def test_a_copied_folder_is_known_by_what_it_holds(tmp_path: Path) -> None:
    out, copy = tmp_path / "out", tmp_path / "copy"
    _write(out, "run.json", "report.html", "plan_a.yaml")
    shutil.copytree(out, copy)
    (copy / "plan_a.yaml").write_text("the user's", encoding="utf-8")
    with written_together(copy) as folder:
        (folder / "run.json").write_text("another", encoding="utf-8")
    assert _names(copy) == ["plan_a.yaml.~1~", "run.json"]
    assert files.left == [
        "Removed, for they were of the run before: report.html.",
        "Not as it was written, so it was kept under another name: plan_a.yaml.~1~.",
    ]
    assert _names(out) == ["plan_a.yaml", "report.html", "run.json"]


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
def test_what_is_no_plain_file_is_kept_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.json")
    (tmp_path / "forecast.csv" / "mine").mkdir(parents=True)
    (tmp_path / "report.html").symlink_to(tmp_path / "nowhere")
    _write(tmp_path, "run.json", "report.html", "forecast.csv")
    assert (tmp_path / "forecast.csv.~1~" / "mine").is_dir()
    assert (tmp_path / "run.json.~1~").is_fifo()
    assert (tmp_path / "report.html.~1~").is_symlink()
    assert files.left == [
        "Not known as ours, so it was kept under another name: forecast.csv.~1~, report.html.~1~, run.json.~1~."
    ]


@pytest.mark.skipif(os.name != "posix", reason="needs locks that end with a process")
def test_a_second_run_into_one_folder_is_told_before_it_begins(tmp_path: Path) -> None:
    for out in (tmp_path / "new" / "out", tmp_path / "there"):
        if out.name == "there":
            out.mkdir()
        with written_together(out) as folder:
            (folder / "run.json").touch()
            (tmp_path / "link").symlink_to(out)
            for same in (out, tmp_path / "link"):
                with pytest.raises(InputError, match="another run is writing here. Wait until"):
                    _write(same, "run.json")
            _write(tmp_path / "other", "run.json")
            (tmp_path / "link").unlink()
        _write(out, "run.json")


@pytest.mark.skipif(os.name != "posix", reason="needs locks that end with a process")
def test_of_runs_that_begin_at_once_one_wins(tmp_path: Path) -> None:
    begin, refused, won = threading.Barrier(6), list[str](), list[int]()
    ended = threading.Barrier(6)

    def run(number: int) -> None:
        begin.wait()
        try:
            with written_together(tmp_path / "out") as folder:
                (folder / "run.json").touch()
                won.append(number)
                ended.wait(60)
        except InputError as error:
            refused.append(str(error))
            ended.wait(60)

    runs = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert (len(won), len(refused)) == (1, 5)


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
    _write(tmp_path, "run.json")  # an empty folder holds no draws
    (tmp_path / "forecast.zarr" / ".zattrs").touch()
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


def test_what_could_not_be_moved_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    move = Path.replace

    def fails(file: Path, target: Path) -> Path:
        if target.name == "b.csv":
            raise OSError(errno.EIO, "Input/output error", str(target))
        return move(file, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(NotWritten) as caught:
        _write(tmp_path, "a.csv", "b.csv")
    assert str(caught.value).endswith("Choose another folder with --out. Written before that: a.csv.")


def test_draws_that_are_kept_are_told_when_the_rest_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "begun", [tmp_path / "forecast.zarr"])
    for told in ("Nothing was written.", "Written before that: forecast.zarr."):
        with pytest.raises(NotWritten) as caught, written_together(tmp_path, store=True):
            raise OSError(errno.ENOSPC, "No space left on device")
        assert str(caught.value).endswith(f"Choose another folder with --out. {told}")
        (tmp_path / "forecast.zarr").mkdir(exist_ok=True)


def test_parts_that_are_kept_are_told_of_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever command keeps them: a search its generations, a calibration its finished parts."""
    begun: list[Path] = []
    for module in (files, terminal):
        monkeypatch.setattr(module, "begun", begun)
    monkeypatch.setattr(terminal, "written", files.written)
    kept, told = (
        tmp_path / "out" / "search" / "one.npz",
        "Interrupted. What was simulated is kept in {folder}; ",
    )
    assert terminal.interrupted() == "Interrupted; nothing was written."
    files.keep_arrays(kept, "inputs", {"x": np.zeros(2)})
    assert terminal.interrupted().startswith(told.format(folder=kept.parent))
    begun.clear()  # the next command, which reads them and is stopped before it keeps more
    assert files.kept_arrays(kept, "other inputs") == {} == dict.fromkeys(begun)
    files.kept_arrays(kept, "inputs")
    assert terminal.interrupted().startswith(told.format(folder=kept.parent))
    with pytest.raises(NotWritten, match="Written before that: search"), written_together(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    files.written.append(tmp_path / "out")
    assert terminal.interrupted() == f"Interrupted. Written before that: {tmp_path / 'out'}."


def test_a_signal_waits_until_all_files_are_in_place() -> None:
    done = []

    def told_to_end_while_moving() -> None:
        with uninterrupted():
            os.kill(os.getpid(), ENDING[0])
            done.append("moved")

    with pytest.raises(KeyboardInterrupt):
        told_to_end_while_moving()
    assert done == ["moved"]


def test_a_file_is_written_whole_or_refused_and_nothing_is_left(tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    write_whole(page, b"one")
    link = tmp_path / "link.html"
    link.symlink_to(page)
    write_whole(link, b"two")
    assert (page.read_bytes(), link.is_symlink(), _names(page.parent)) == (b"two", True, ["page.html"])
    page.write_bytes(b"edited")
    write_whole(page, b"four")
    assert ((page.parent / "page.html.~1~").read_bytes(), page.read_bytes()) == (b"edited", b"four")
    write_whole(Path(os.devnull), b"three")
    assert not Path(os.devnull).is_file()
    for place, reason in {tmp_path: "Is a directory", page / "inner.html": "is a file, not a folder"}.items():
        with pytest.raises(NotWritten) as caught:
            refuse_place(place)
        assert str(caught.value) == f"{place}: cannot be written ({reason}). Choose another place."


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["run", "--central", "--no-plots"], "the disk takes no more, or is at fault). Choose another folder with --out. "),
        (["document", "{model}", "--no-pdf"], "File too large). Choose another folder with --out. "),
        (["page", "--city", "wuxi"], "{out}: cannot be written (File too large). Choose another place."),
    ] if WHOLE else [],
)  # fmt: skip
def test_full_disks(command: list[str], told: str, tmp_path: Path, attacked: Callable[[], None]) -> None:
    model = tmp_path / "m.mdl"
    model.write_text("{UTF-8}\nx=1~~|\nINITIAL TIME=0~~|\nFINAL TIME=1~~|\nTIME STEP=1~~|\n", "utf-8")
    out = tmp_path / "full" / "out"
    given = [part.format(model=model) for part in command]
    quoted = " ".join(f"'{part}'" for part in (*PROGRAM, *given, "--out", out))
    script = f"ulimit -f 8; {quoted}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, timeout=300, check=False)
    said = done.stderr.decode()
    assert (done.returncode, told.format(out=out) in said, "Traceback" in said) == (2, True, False), said
    assert _names(tmp_path) in (["cache", "m.mdl"], ["cache", "full", "m.mdl"])
    assert not (tmp_path / "full").is_dir() or _names(tmp_path / "full") == []
    attacked()
