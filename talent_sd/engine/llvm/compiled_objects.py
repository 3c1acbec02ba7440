"""Compiled objects kept between runs, in a folder that only the user can write.

An object is code: one that another user could have written is never loaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from talent_sd.base.cache import cache_folder, keep, read_kept
from talent_sd.engine import ir, random_numbers
from talent_sd.engine.ir import Call, Expression, Number, Program, Random, Ref, TableCall
from talent_sd.engine.llvm.writer import bits_of

MOST_OBJECTS = 400
"""When there are more, the oldest half go: some 100 kB each."""


def kernels_folder() -> Path | None:
    """The folder of compiled objects inside the user's cache folder, made if need be; None: nothing is kept."""
    return cache_folder("kernels")


def load_objects(key: str) -> tuple[list[bytes], dict[str, Any]] | None:
    """Return kept objects and their facts, or None if there are none that may be trusted and are whole."""
    folder = kernels_folder()
    content = None if folder is None else read_kept(folder / f"{key}.o")
    if content is None:
        return None
    head, _, data = content.partition(b"\n")
    facts = json.loads(head)
    objects, start = [], 0
    for size in facts.pop("sizes"):
        objects.append(data[start : start + size])
        start += size
    return objects, facts


def keep_objects(key: str, objects: list[bytes], facts: dict[str, Any]) -> None:
    """Keep objects for later runs; a full or read-only disk is no error."""
    folder = kernels_folder()
    if folder is not None:
        facts = {**facts, "sizes": [len(part) for part in objects]}
        content = json.dumps(facts).encode() + b"\n" + b"".join(objects)
        keep(folder / f"{key}.o", content, MOST_OBJECTS, MOST_OBJECTS // 2)


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
