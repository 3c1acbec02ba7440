"""Compiled objects kept between runs, in a folder that only the user can write.

An object is code: one that another user could have written is never loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

MAGIC = b"talent_sd kernel\n"
VARIABLE = "TALENT_SD_CACHE"
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path | None:
    """The folder of compiled objects, made if need be.

    `$TALENT_SD_CACHE/kernels`, else the user's cache folder.

    Returns
    -------
    None if the folder cannot be made, or others could write to it: then nothing is kept.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        folder = Path(chosen) / "kernels"
    else:
        from platformdirs import user_cache_dir

        folder = Path(user_cache_dir("talent_sd")) / "kernels"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if _is_private(folder) else None


def _is_private(path: Path) -> bool:
    """Whether a file or folder is this user's and closed to writing by others (links are refused)."""
    if not hasattr(os, "getuid"):  # Windows: the profile folder's access list says so
        return True
    try:
        status = path.lstat()
    except OSError:
        return False
    is_plain = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    return is_plain and status.st_uid == os.getuid() and not status.st_mode & WRITABLE_BY_OTHERS


def load_objects(key: str) -> tuple[list[bytes], dict[str, Any]] | None:
    """Return kept objects and their facts, or None if there are none that may be trusted and are whole."""
    folder = cache_folder()
    if folder is None:
        return None
    path = folder / f"{key}.o"
    if not _is_private(path):
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if not content.startswith(MAGIC):
        return None
    head, separator, data = content[len(MAGIC) :].partition(b"\n")
    try:
        facts = json.loads(head) if separator else {}
    except ValueError:
        return None
    if facts.pop("sha256", None) != hashlib.sha256(data).hexdigest():
        return None
    objects, start = [], 0
    for size in facts.pop("sizes"):
        objects.append(data[start : start + size])
        start += size
    return objects, facts


def keep_objects(key: str, objects: list[bytes], facts: dict[str, Any]) -> None:
    """Keep objects for later runs; a full or read-only disk is no error."""
    folder = cache_folder()
    if folder is None:
        return
    data = b"".join(objects)
    sizes = [len(part) for part in objects]
    head = json.dumps({**facts, "sizes": sizes, "sha256": hashlib.sha256(data).hexdigest()}).encode()
    try:
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")  # mode 0600
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + head + b"\n" + data)
        Path(name).replace(folder / f"{key}.o")
    except OSError:
        Path(name).unlink(missing_ok=True)
