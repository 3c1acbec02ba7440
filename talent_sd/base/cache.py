"""What is kept between runs, in a folder only the user can write: parsed files as JSON, and compiled objects.

Never a pickle: a parsed file cannot execute. An object is code: one that another user could have written is
never read. The first line of each file is the checksum of its name and the rest; a file that does not read back,
was damaged, or took another's name, is treated as absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from talent_sd.base.files import shipped_folder

ENVIRONMENT = "TALENT_SD_CACHE"
SHIPPED_FORMAT = 1
"""Of `models/compiled`: another where the form or the meaning of what lies there changes."""
KEPT = 64
"""Files of one kind that the cache holds."""
PART, HOUR = ".part", 3600
MOST_BYTES = 2**28
"""Of a cached file; what is larger was not written here."""


def cache_folder(part: str = "") -> Path | None:
    """Return the user's cache folder, or one inside it, made if needed; None if no safe one can be had.

    The environment variable TALENT_SD_CACHE names another. A folder that
    belongs to somebody else, or that others may write, is not used, and no part of it that is a link.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        folder = Path(named)
    else:
        from platformdirs import user_cache_path

        folder = user_cache_path("talent_sd")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(folder.stat()):
            return None
        if not part:
            return folder
        inner = folder / part
        inner.mkdir(mode=0o700, exist_ok=True)
        status = inner.lstat()
    except OSError:
        return None
    return inner if stat.S_ISDIR(status.st_mode) and _is_private(status) else None


def _is_private(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's and closed to writing by others."""
    if not hasattr(os, "getuid"):  # Windows: the profile folder's access list says so
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def read_kept(file: Path) -> bytes | None:
    """Return what `keep` wrote; None of a file that others could have written, or that is not whole.

    What is checked is what is read, even if the file is swapped; a link is not followed.
    """
    try:
        flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_BINARY", "O_NONBLOCK"))
        handle = os.open(file, os.O_RDONLY | sum(flags))
        with os.fdopen(handle, "rb") as stream:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or not _is_private(status) or status.st_size > MOST_BYTES:
                return None
            checksum, _, content = stream.read().partition(b"\n")
    except OSError:
        return None
    return content if checksum == _seal(file, content) else None


def _seal(file: Path, content: bytes) -> bytes:
    return hashlib.sha256(file.name.encode() + b"\0" + content).hexdigest().encode()


def keep(file: Path, content: bytes, most: int, left: int | None = None) -> None:
    """Keep bytes below their checksum: written whole, then renamed. A full or closed disk is no error.

    Parameters
    ----------
    most : files with the same ending that the folder may hold; when there are more, the oldest go
    left : how many then stay; as many as it may hold by default
    """
    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=PART)  # mode 0600
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(_seal(file, content) + b"\n" + content)
            Path(temporary).replace(file)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        for part in file.parent.glob(f"*{PART}"):  # of runs that were killed as they wrote
            if time.time() - part.stat().st_mtime > HOUR:
                part.unlink(missing_ok=True)
        files = list(file.parent.glob("*" + "".join(file.suffixes)))
        if len(files) > most:
            files.sort(key=lambda one: one.stat().st_mtime_ns, reverse=True)
            for old in files[most if left is None else left :]:
                old.unlink(missing_ok=True)


@cache
def code_fingerprint() -> str:
    """Return a hash of what turns a file into what is cached: this code and PySD's version."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    readers = ("base/cache.py", "inputs/labels.py", "inputs/file_schemas.py", "inputs/strict_yaml.py")
    folders = ("model", "engine", "engine/equations")
    for file in sorted(
        [package / name for name in readers]
        + [file for name in folders for file in package.glob(f"{name}/*.py")]
    ):
        digest.update(file.read_bytes())
    for name in ("pysd", "talent_sd"):
        with contextlib.suppress(PackageNotFoundError):
            digest.update(f"{name} {version(name)}".encode())
    return digest.hexdigest()


def load_cached(kind: str, content: str) -> Any | None:
    """Return what was shipped or kept for a kind ("structure", "program", "yaml") and content key, or None."""
    kept = _read_shipped(kind, content)
    folder = cache_folder() if kept is None else None
    if folder is not None:
        kept = read_kept(folder / _file_name(kind, content))
    try:
        return None if kept is None else json.loads(kept)
    except (ValueError, RecursionError):
        return None


def save_cached(kind: str, content: str, value: Any) -> None:
    """Keep a JSON value; every edit of a model or of this code makes another."""
    folder = cache_folder()
    if folder is not None:
        kept = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        keep(folder / _file_name(kind, content), kept, KEPT)


def shipped_file(kind: str, content: str) -> Path:
    """Return where a value of the shipped model lies, if it does; another file's key is another name."""
    return shipped_folder("models") / "compiled" / f"{kind}.{SHIPPED_FORMAT}.{content}.json"


def _read_shipped(kind: str, content: str) -> bytes | None:
    """Return what was shipped for a key; None if nothing was, or it is damaged."""
    try:
        checksum, _, kept = shipped_file(kind, content).read_bytes().partition(b"\n")
    except OSError:
        return None
    return kept if checksum.decode("latin-1") == hashlib.sha256(kept).hexdigest() else None


def shipped_bytes(value: Any) -> bytes:
    """Return a JSON value as it is shipped: its checksum, then the value in one line."""
    kept = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(kept).hexdigest().encode() + b"\n" + kept


def content_key(path: Path, content: bytes) -> str:
    """Return the key of a model file's content; the suffix counts, since it decides how the file is read."""
    return hashlib.sha256(path.suffix.lower().encode() + b"\0" + content).hexdigest()


def _file_name(kind: str, content: str) -> str:
    key = f"{kind} {content} {code_fingerprint()}".encode("utf-8", "surrogatepass")
    return f"{hashlib.sha256(key).hexdigest()[:40]}.{kind}.json"
