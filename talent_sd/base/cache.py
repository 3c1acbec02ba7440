"""Parsed files kept between runs: JSON by content hash, in a folder only the user can write.

Never a pickle: a cached file cannot execute. Its first line is the checksum of the
rest; a file that does not read back, or was damaged, is treated as absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ENVIRONMENT = "TALENT_SD_CACHE"
KEPT = 64
"""Files of one kind that the cache holds."""


def cache_folder() -> Path | None:
    """Return the user's cache folder, made if needed; None if no safe one can be had.

    The environment variable TALENT_SD_CACHE names another. A folder that
    belongs to somebody else, or that others may write, is not used.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        folder = Path(named)
    else:
        from platformdirs import user_cache_path

        folder = user_cache_path("talent_sd")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return None
    if os.name == "posix" and (
        status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    ):
        return None
    return folder


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
    """Return what was kept for a kind ("structure", "program", "yaml") and content key, or None."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        checksum, _, kept = (folder / _file_name(kind, content)).read_bytes().partition(b"\n")
        return json.loads(kept) if checksum.decode() == hashlib.sha256(kept).hexdigest() else None
    except (OSError, ValueError, RecursionError):
        return None


def save_cached(kind: str, content: str, value: Any) -> None:
    """Keep a JSON value: written whole, then renamed. A full or closed disk is no error."""
    folder = cache_folder()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            kept = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
                "utf-8", "surrogatepass"
            )
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(kept).hexdigest().encode() + b"\n" + kept)
            Path(temporary).replace(folder / _file_name(kind, content))
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        _drop_oldest(folder, kind)


def _drop_oldest(folder: Path, kind: str) -> None:
    """Keep the newest files of a kind: every edit of a model or of this code makes another."""
    files = sorted(folder.glob(f"*.{kind}.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[KEPT:]:
        file.unlink(missing_ok=True)


def content_key(path: Path, content: bytes) -> str:
    """Return the key of a model file's content; the suffix counts, since it decides how the file is read."""
    return hashlib.sha256(path.suffix.lower().encode() + b"\0" + content).hexdigest()


def _file_name(kind: str, content: str) -> str:
    return (
        hashlib.sha256(f"{kind} {content} {code_fingerprint()}".encode()).hexdigest()[:40] + f".{kind}.json"
    )
