"""Folders and files: what ships with the package, and output that is written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from talent_sd.base.errors import InputError
from talent_sd.base.language import reason_of

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that takes no more, which name no file."""
SCRATCH = re.compile(r"\.talent_sd-[0-9a-f]{12}")
MOMENT = 60.0
"""Seconds within which a run has locked its scratch folder."""
DEPTH = 3
"""Folders above an output folder where a killed run may have left its scratch folder."""


@contextmanager
def written_together(target: str | Path) -> Iterator[Path]:
    """Give a temporary folder whose files move to `target` when the block ends well.

    If the block fails, or is interrupted, nothing is left behind and `target` is as it
    was. Files already in `target` under other names stay.

    Raises
    ------
    InputError
        If `target` is a file or cannot be written; raised before the block runs, so
        that nobody waits for a simulation that has nowhere to go.
    """
    target = Path(target)
    for place in (target, *target.absolute().parents[:DEPTH]):
        _sweep(place)
    try:
        # beside the target, hence on the same file system: a rename there is atomic
        beside = _existing_folder(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    temporary = beside
    try:
        with scratch_folder(beside) as temporary:
            yield temporary
            target.mkdir(parents=True, exist_ok=True)
            for file in sorted(temporary.iterdir()):
                file.replace(target / file.name)
    except OSError as error:
        if error.errno in FULL or _inside(error.filename, (temporary, target)):
            raise _unwritable(target, error) from error
        raise


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Give a new folder in `beside` that is gone when the block ends; first, those that killed runs left go.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    _sweep(beside)
    folder = beside / f".talent_sd-{secrets.token_hex(6)}"
    try:
        # made within the block that clears it away, so that no interruption falls in between
        folder.mkdir(mode=0o700)
        with held_alone(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove scratch folders of runs that were killed: nobody holds them any more."""
    if os.name != "posix":
        return  # no lock tells there whether a run is alive
    with contextlib.suppress(OSError):
        for folder in [each for each in place.iterdir() if SCRATCH.fullmatch(each.name)]:
            # one that is empty and new may be about to be locked by its run
            new = time.time() - folder.lstat().st_mtime < MOMENT and not any(folder.iterdir())
            with contextlib.suppress(InputError):
                if not new and not folder.is_symlink():
                    with held_alone(folder):
                        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Keep other runs that do the same out of a folder within the block; ends with the process, however it ends.

    Where the system has no such lock (Windows, some network disks) it does nothing.

    Raises
    ------
    InputError
        If another run is in it.
    OSError
        If there is no such folder.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                "{folder}: another run is writing here. Wait until it has ended, or choose another place.",
                folder=folder,
            ) from None
        except OSError:
            pass
        yield
    finally:
        os.close(handle)


def write_safely(file: Path, content: bytes) -> None:
    """Write a file; on return it is on the disk, even if the machine stops."""
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _inside(name: object, folders: tuple[Path, ...]) -> bool:
    """Whether an error's file lies in one of the folders."""
    return isinstance(name, (str, Path)) and any(Path(name).is_relative_to(folder) for folder in folders)


def _existing_folder(target: Path) -> Path:
    """Return `target`, else its nearest ancestor that exists; refuse a path through a file."""
    for place in (target, *target.absolute().parents):
        if place.is_dir():
            if not os.access(place, os.W_OK | os.X_OK):
                raise PermissionError(13, "no permission to write")
            return place
        if place.exists():
            raise NotADirectoryError(20, "is a file, not a folder")
    raise FileNotFoundError(2, "no such folder")


def _unwritable(target: Path, error: OSError) -> InputError:
    reason = reason_of(error)
    return InputError(
        "{target}: cannot write here ({reason}). Choose another folder with --out.",
        target=target,
        reason=reason,
    )


@cache
def shipped_folder(name: str) -> Path:
    """Folder `models` or `scenarios`: beside the checkout's package, else the wheel's copy.

    A wheel carries the folders inside the package (`talent_sd/shipped/`). In an
    editable install a build back end may leave a stale copy there, so the
    checkout's own folder wins whenever the package lies in a checkout.

    Raises
    ------
    FileNotFoundError
        If neither exists: the installation is broken.
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent
    candidates = [package / "shipped" / name]
    if (checkout / "pyproject.toml").is_file():
        candidates.insert(0, checkout / name)
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installed package has no folder '{name}'; reinstall talent_sd")


def write_rows(file: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table as CSV: names of columns, then rows; numbers in full, nothing for None."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
