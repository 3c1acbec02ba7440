"""Folders and files: what ships with the package, and output that is written whole or not at all."""

from __future__ import annotations

import csv
import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from talent_sd.base.errors import InputError
from talent_sd.base.language import reason_of

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that takes no more, which name no file."""


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
    try:
        # beside the target, hence on the same file system: a rename there is atomic
        temporary = _existing_folder(target) / f".talent_sd-{secrets.token_hex(6)}"
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        # made within the block that clears it away, so that no interruption falls in between
        temporary.mkdir(mode=0o700)
        yield temporary
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(temporary.iterdir()):
            file.replace(target / file.name)
    except OSError as error:
        if error.errno in FULL or _inside(error.filename, (temporary, target)):
            raise _unwritable(target, error) from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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
