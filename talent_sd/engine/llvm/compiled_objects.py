"""Compiled objects kept between runs, in a folder that only the user can write.

An object is code: one that another user could have written is never loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from talent_sd.base.cache import cache_folder
from talent_sd.engine import ir, random_numbers
from talent_sd.engine.ir import Call, Expression, Number, Program, Random, Ref, TableCall
from talent_sd.engine.llvm.writer import bits_of

MAGIC = b"talent_sd kernel\n"
MOST_OBJECTS = 400
"""When there are more, the oldest half go: some 100 kB each."""
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def kernels_folder() -> Path | None:
    """The folder of compiled objects inside the user's cache folder, made if need be.

    Returns
    -------
    None if it cannot be made, is a link, or others could write to it: then nothing is kept.
    """
    parent = cache_folder()
    if parent is None:
        return None
    folder = parent / "kernels"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    return folder if stat.S_ISDIR(status.st_mode) and _is_private(status) else None


def _is_private(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's and closed to writing by others."""
    if not hasattr(os, "getuid"):  # Windows: the profile folder's access list says so
        return True
    return status.st_uid == os.getuid() and not status.st_mode & WRITABLE_BY_OTHERS


def _read_private(path: Path) -> bytes | None:
    """Content of a plain file of this user's; what is checked is what is read, even if it is swapped."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        return file.read() if stat.S_ISREG(status.st_mode) and _is_private(status) else None


def load_objects(key: str) -> tuple[list[bytes], dict[str, Any]] | None:
    """Return kept objects and their facts, or None if there are none that may be trusted and are whole."""
    folder = kernels_folder()
    content = None if folder is None else _read_private(folder / f"{key}.o")
    if content is None:
        return None
    digest, separator, rest = content.removeprefix(MAGIC).partition(b"\n")
    if not separator or digest.decode("latin-1") != hashlib.sha256(rest).hexdigest():
        return None
    head, _, data = rest.partition(b"\n")
    facts = json.loads(head)
    objects, start = [], 0
    for size in facts.pop("sizes"):
        objects.append(data[start : start + size])
        start += size
    return objects, facts


def keep_objects(key: str, objects: list[bytes], facts: dict[str, Any]) -> None:
    """Keep objects for later runs; a full or read-only disk is no error."""
    folder = kernels_folder()
    if folder is None:
        return
    data = b"".join(objects)
    sizes = [len(part) for part in objects]
    rest = json.dumps({**facts, "sizes": sizes}).encode() + b"\n" + data
    try:
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")  # mode 0600
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
        Path(name).replace(folder / f"{key}.o")
        _forget_oldest(folder)
    except OSError:
        Path(name).unlink(missing_ok=True)


def _forget_oldest(folder: Path) -> None:
    kept = list(folder.glob("*.o"))
    if len(kept) > MOST_OBJECTS:
        ages = sorted((path.stat().st_mtime_ns, path) for path in kept)
        for _, path in ages[: len(kept) - MOST_OBJECTS // 2]:
            path.unlink(missing_ok=True)


def kernel_key(
    program: Program, requests: Sequence[Sequence[int]], width: int, target: str, *, compiler: bool = True
) -> str:
    """Return the key of a kernel: a hash of all that its machine code depends on.

    Names, constants' values and tables' points are data of a run, so they are not part of it.

    Parameters
    ----------
    program : the program
    requests : outputs and inputs, as slot numbers
    width : lanes
    target : processor, features and LLVM version
    compiler : whether this package's compiler counts; without it, the key is of what is asked for alone
    """
    digest = hashlib.sha256()
    for text in (
        _generator() if compiler else "",
        target,
        str(width),
        repr([list(map(int, r)) for r in requests]),
    ):
        digest.update(text.encode() + b"\0")
    parts: list[str] = [repr((program.initial_order, program.step_order))]
    for slot in program.slots:
        parts.append(slot.kind)
        if slot.kind != "constant":
            _encode(slot.expression, parts)
    for state in program.states:
        parts.append(f"{state.slot} {state.kind}")
        _encode(state.initial, parts)
        if state.length is not None:
            _encode(state.length, parts)
    for other, expression in sorted(program.initial_expression.items()):
        parts.append(f"at {other}")
        _encode(expression, parts)
    parts += [f"{table.outside} {table.between}" for table in program.tables]
    digest.update("\n".join(parts).encode())
    return digest.hexdigest()


def _encode(expression: Expression, parts: list[str]) -> None:
    """Append an expression in prefix order; every operation's number of operands is written."""
    todo = [expression]
    while todo:
        item = todo.pop()
        match item:
            case Number(value):
                parts.append(f"n{bits_of(value):x}")
            case Ref(slot):
                parts.append(f"r{slot}")
            case Call(op, args):
                parts.append(f"{op}{len(args)}")
                todo.extend(reversed(args))
            case TableCall(table, x):
                parts.append(f"t{table}")
                todo.append(x)
            case Random(distribution, args, stream):
                parts.append(f"{distribution}{stream} {len(args)}")
                todo.extend(reversed(args))
            case _:
                parts.append("time")


@cache
def _generator() -> str:
    """Hash of the code that writes kernels: a new release never loads an old one's objects."""
    digest = hashlib.sha256()
    for path in (
        *sorted(Path(__file__).parent.glob("*.py")),
        Path(ir.__file__),
        Path(random_numbers.__file__),
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()
