"""Output that is written whole or not at all, into folders where nothing stale is left."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.cache import load_cached, save_cached
from talent_sd.base.errors import MOST, InputError, NotWritten
from talent_sd.base.files import (
    content_of,
    existing_folder,
    inputs_read,
    is_free,
    mark_of,
    mark_tables,
    set_aside,
    uninterrupted,
)
from talent_sd.base.language import N_, language, listed, reason_of, tell

if TYPE_CHECKING:
    import numpy as np

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that takes no more, which name no file."""
UNWRITABLE = N_("{target}: cannot write here ({reason}). Choose another folder with --out.")
SEAL = 64
"""Characters of a checksum."""
UNWRITABLE_FILE = N_("{file}: cannot be written ({reason}). Choose another place.")
LIST = "written"
"""Kind of cached file: what the last run wrote into a folder, so that the next one can clear it away."""
ANCHOR = "run.json"
"""File that tells a run from others by its content, where it writes one."""
BUSY = N_("{folder}: another run is writing here. Wait until it has ended, or choose another place.")
CHANGED = N_("Not as it was written, so it was kept under another name: {files}.")
UNKNOWN = N_("Not known as ours, so it was kept under another name: {files}.")
FOR = "for"
"""In a scratch folder: what is written there."""
STORE = "forecast.zarr"
"""Folder in an output folder for draws that do not fit into memory."""
written: list[Path] = []
"""Folders that the program has written to, in order."""
begun: list[Path] = []
"""Stores and files for the same command given again; what is not in `written` too is not finished."""
left: list[str] = []
"""What became of the files that were in the way, in sentences that are still to be told."""
_scratch: set[Path] = set()
"""Scratch folders of this process that are still there."""
SCRATCH = re.compile(r"\.talent_sd-[0-9a-f]{12}")
MOMENT = 60.0
"""Seconds within which a run has locked its scratch folder."""
DEPTH = 3
"""Folders above an output folder where a killed run may have left its scratch folder."""


@contextmanager
def written_together(target: str | Path, *, store: bool = False) -> Iterator[Path]:
    """Give a temporary folder whose files move to `target` when the block ends well.

    If the block fails, or is interrupted, nothing is left behind and `target` is as it was. Files in
    `target` that an earlier run wrote go: they would belong to other results than the new ones. Where they were changed since,
    or others are in the way, they are kept under another name; `left` says what became of them. All others stay.

    Parameters
    ----------
    store : whether the block looks after a stored ensemble in `target` itself

    Raises
    ------
    InputError
        If `target` is a file, cannot be written, or holds a stored ensemble of another run; raised
        before the block runs, so that nobody waits for a simulation that has nowhere to go.
    NotWritten
        If the files cannot be written or moved: says what was.
    """
    target = Path(target)
    for place in (target, *target.absolute().parents[:DEPTH]):
        _sweep(place)
    try:
        # beside the target, hence on the same file system: a rename there is atomic
        beside = existing_folder(target)
    except (OSError, ValueError) as error:
        raise InputError(UNWRITABLE, target=target, reason=reason_of(error)) from error
    if not store:
        refuse_store(target)
    temporary, moved = beside, list[str]()
    try:
        with contextlib.ExitStack() as kept_open:
            with held_alone(beside, wait=True):  # of runs that begin at once, the second sees the first
                _refuse_busy(target)
                temporary = kept_open.enter_context(scratch_folder(beside))
                (temporary.parent / FOR).write_bytes(_place(target))
            yield temporary
            if language() == "zh":
                mark_tables(temporary)
            with uninterrupted():
                target.mkdir(parents=True, exist_ok=True)
                with held_alone(target, wait=True):
                    _replace_all(temporary, target, moved)
                written.append(target)
    except OSError as error:
        if error.errno in FULL or _inside(error.filename, (temporary, target)):
            inside = [one for one in begun if one.is_relative_to(target) and one.exists()]
            kept = [*dict.fromkeys(one.relative_to(target).parts[0] for one in inside), *moved]
            there = (
                tell("Written before that: {folders}.", folders=listed(kept))
                if kept
                else tell("Nothing was written.")
            )
            text = tell(UNWRITABLE, target=target, reason=reason_of(error))
            raise NotWritten([f"{text} {there}"]) from error
        raise


def _replace_all(temporary: Path, target: Path, moved: list[str]) -> None:
    """Move files into a folder, and note them in its list and in `moved`.

    What the run before wrote goes. What else is in the way of a file, or was changed since, is the user's: it is set aside,
    a folder too.
    """
    files = sorted(temporary.iterdir())
    ours = {file.name: mark_of(file) for file in files}
    before = _listed(target)
    known = before or {}
    if target in written:  # by the same command: it writes in several goes
        ours = known | ours
    gone, aside, kept = list[str](), list[str](), list[str]()
    for name in [*known, *(file.name for file in files)]:
        mark = mark_of(target / name)
        odd = not mark and ours.get(name) and os.path.lexists(target / name)
        if odd or (mark and mark not in (known.get(name), ours.get(name))):
            aside.append(set_aside(target / name))
        elif mark and (target / name).resolve() in inputs_read:
            kept.append(set_aside(target / name) if (temporary / name).exists() else name)
        elif mark and name not in ours:
            (target / name).unlink()
            gone.append(name)
    for file in files:
        file.replace(target / file.name)
        moved.append(file.name)
    if gone:
        left.append(tell("Removed, for they were of the run before: {files}.", files=listed(gone)))
    if kept:
        left.append(tell("Kept, for this command read it: {files}.", files=listed(kept)))
    if aside:
        left.append(tell(CHANGED if before else UNKNOWN, files=listed(aside)))
    others = [
        one.name for one in sorted(target.iterdir()) if one.is_file() and one.name not in (*ours, *aside)
    ]
    if before is None and (others := [name for name in others if not name.startswith(".")]):
        more = tell(" and {count} more", count=len(others) - MOST) if others[MOST:] else ""
        shown = listed(others[:MOST]) + more
        left.append(tell("In the same folder, but not of this run: {files}.", files=shown))
    for key in (_key(target), *_anchors(ours)):
        save_cached(LIST, key, ours)


def _anchors(marks: Mapping[str, str]) -> list[str]:
    """Return what a folder is known by after it was copied: the file by which its list is found."""
    name = ANCHOR if ANCHOR in marks else min(marks, default="")
    return [f"{name} {marks[name]}"] if name else []


def _place(target: Path) -> bytes:
    return os.fsencode(os.path.realpath(target))


def _refuse_busy(target: Path) -> None:
    """Refuse an output folder that another run is about to write; one that no longer lives was swept before."""
    for place in (target, *target.absolute().parents[:DEPTH]):
        with contextlib.suppress(OSError):
            for folder in [one for one in place.iterdir() if SCRATCH.fullmatch(one.name)]:
                with contextlib.suppress(OSError):
                    if (folder / FOR).read_bytes() != _place(target):
                        continue
                    try:
                        with held_alone(folder):
                            pass
                    except InputError:
                        raise InputError(BUSY, folder=target) from None


def _key(folder: Path) -> str:
    """Return what a folder is known by, wherever it is moved to on its disk."""
    about = folder.stat()
    return f"{about.st_dev} {about.st_ino}"


def _listed(folder: Path) -> dict[str, str] | None:
    """Return the files that the last run wrote into a folder, with their marks (names alone, no paths); None if unknown."""
    kept = load_cached(LIST, _key(folder))
    if kept is None:
        marks = {one.name: mark for one in sorted(folder.iterdir()) if (mark := mark_of(one))}
        keys = [*_anchors(marks), *(f"{name} {mark}" for name, mark in marks.items())][:MOST]
        kept = next((found for key in keys if (found := load_cached(LIST, key))), None)
    return kept and {name: str(mark) for name, mark in kept.items() if Path(name).name == name}


def refuse_store(target: Path) -> None:
    """Refuse an output folder with a stored ensemble: beside other results it would seem to belong to them.

    Raises
    ------
    InputError
        If there is one.
    """
    if holds_store(target):
        raise InputError(
            "{store}: draws of another run lie here. Choose another folder with --out, or remove them.",
            store=target / STORE,
        )


def holds_store(target: Path) -> bool:
    """Whether an output folder holds a stored ensemble, or what has its name; an empty folder is none."""
    return (target / STORE).is_dir() and not is_free(target / STORE)


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
        _scratch.add(folder)
        folder.mkdir(mode=0o700)
        with held_alone(folder):
            inner = folder / "files"  # from here on the folder is not empty: see `_sweep`
            inner.mkdir()
            yield inner
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _scratch.discard(folder)


def clear_scratch() -> None:
    """Remove this process's scratch folders, for a process that ends at once; threads may still write into them."""
    for folder in [*_scratch] * 3:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove scratch folders of runs that were killed: nobody holds them any more."""
    if os.name != "posix":
        return  # no lock tells there whether a run is alive
    with contextlib.suppress(OSError):
        for folder in [each for each in place.iterdir() if SCRATCH.fullmatch(each.name)]:
            with contextlib.suppress(InputError, OSError):
                # one that is empty and new may be about to be locked by its run
                new = time.time() - folder.lstat().st_mtime < MOMENT and not any(folder.iterdir())
                if not new and not folder.is_symlink():
                    with held_alone(folder):
                        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def held_alone(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Keep other runs that do the same out of a folder within the block; ends with the process, however it ends.

    Where the system has no such lock (Windows, some network disks) it does nothing.

    Parameters
    ----------
    wait : for another run to leave it

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
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise InputError(BUSY, folder=folder) from None
        except OSError:
            pass
        yield
    finally:
        os.close(handle)


def refuse_place(file: Path, *, ending: str = "") -> None:
    """Refuse a place where no file can be written, or an ending that is of other files; NotWritten, InputError.

    A workbook or a page over a city's or scenario's file would be the end of it.
    """
    if ending and file.is_file() and file.suffix.lower() != ending:
        raise InputError(
            "{file}: is there and does not end in {ending}. Give another name.", file=file, ending=ending
        )
    try:
        existing_folder(file.parent)
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except (OSError, ValueError) as error:
        raise NotWritten(UNWRITABLE_FILE, file=file, reason=reason_of(error)) from None


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, its folder made if need be; NotWritten if it cannot be."""
    refuse_place(file)
    try:
        if file.exists() and not file.is_file():  # a pipe, or the terminal
            file.write_bytes(content)
            return
        file = Path(os.path.realpath(file))
        file.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(file.parent) as scratch:
            (scratch / "file").write_bytes(content)
            new, there = mark_of(scratch / "file"), mark_of(file)
            known = (load_cached(LIST, str(file)) or {}).get(file.name)
            if there and there not in (new, known):
                aside = set_aside(file)
                left.append(tell(CHANGED if known else UNKNOWN, files=aside))
            (scratch / "file").replace(file)
            save_cached(LIST, str(file), {file.name: new})
    except (OSError, ValueError) as error:
        raise NotWritten(UNWRITABLE_FILE, file=file, reason=reason_of(error)) from None


def keep_arrays(file: Path, identity: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays for the same command given again: an .npz file, and behind it a checksum of what it is and holds.

    Parameters
    ----------
    identity : all that the arrays follow from

    Raises
    ------
    NotWritten
        If they cannot be written.
    """
    import numpy as np

    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    content = stream.getvalue()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(file.parent) as scratch:
            (scratch / file.name).write_bytes(content + _seal(file, identity, content))
            (scratch / file.name).replace(file)
        begun.append(file)
    except OSError as error:
        if file.is_dir():
            raise NotWritten(UNWRITABLE_FILE, file=file, reason=reason_of(error)) from None
        raise NotWritten(UNWRITABLE, target=file.parent, reason=reason_of(error)) from None


def kept_arrays(file: Path, identity: str) -> dict[str, np.ndarray]:
    """Return what `keep_arrays` wrote; nothing where it is not there, not whole, or follows from something else."""
    import numpy as np

    try:
        kept = content_of(file)
    except OSError:
        return {}
    content, seal = kept[:-SEAL], kept[-SEAL:]
    if seal != _seal(file, identity, content):
        return {}
    begun.append(file)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _seal(file: Path, identity: str, content: bytes) -> bytes:
    return hashlib.sha256(f"{file.name}\0{identity}\0".encode() + content).hexdigest().encode()


def _inside(name: object, folders: tuple[Path, ...]) -> bool:
    """Whether an error's file lies in one of the folders."""
    return isinstance(name, (str, Path)) and any(Path(name).is_relative_to(folder) for folder in folders)
