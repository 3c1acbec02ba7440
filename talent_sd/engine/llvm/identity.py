"""What tells one compiled kernel from another: the key of the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from talent_sd.engine import ir
from talent_sd.engine.ir import Call, Expression, Number, Program, Random, Ref, TableCall
from talent_sd.engine.llvm.writer import bits_of


def kernel_key(program: Program, requests: Sequence[Sequence[int]], width: int, target: str) -> str:
    """Return the key of a kernel: a hash of all that its machine code depends on.

    Names, constants' values and tables' points are data of a run, so they are not part of it.

    Parameters
    ----------
    program : the program
    requests : outputs and inputs, as slot numbers
    width : lanes
    target : processor, features and LLVM version
    """
    digest = hashlib.sha256()
    for text in (_generator(), target, str(width), repr([list(map(int, r)) for r in requests])):
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
    for path in (*sorted(Path(__file__).parent.glob("*.py")), Path(ir.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()
