"""The standing attack: what the program must bear, with fixed seeds.

In a usual test run a sample of each attack is tried; with TALENT_SD_ATTACK=whole all of it, and
the counts are told at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WHOLE = os.environ.get("TALENT_SD_ATTACK") == "whole"
SEED = 17
PROGRAM = (sys.executable, "-c", "from talent_sd.cli import main; main()")
COUNTS: Counter[str] = Counter()


def chosen(cases: Iterable[Any], few: int) -> list[Any]:
    """Return all cases in the whole attack, else a few of them, always the same."""
    cases = list(cases)
    if WHOLE or len(cases) <= few:
        return cases
    picked = np.random.default_rng(SEED).choice(len(cases), few, replace=False)
    return [cases[number] for number in sorted(picked)]


def pytest_sessionfinish(session: Any) -> None:
    """Hand what a process of its own counted to the one that tells it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["attacks"] = dict(COUNTS)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    COUNTS.update(getattr(node, "workeroutput", {}).get("attacks", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if WHOLE:
        terminalreporter.section("attacks borne")
        for kind, count in sorted(COUNTS.items()):
            terminalreporter.write_line(f"{count:6}  {kind}")


@dataclass(frozen=True)
class Outcome:
    """What a program in a process of its own left."""

    code: int
    out: bytes
    err: bytes

    @property
    def said(self) -> str:
        return (self.out + self.err).decode("utf-8", "replace")

    def is_fit_to_read(self) -> bool:
        """Whether it ended as a program should: no traceback, a code of its own."""
        return "Traceback" not in self.said and self.code in (0, 1, 2, 130)


def _typed(*arguments: object, **options: Any) -> Outcome:
    environment = {**os.environ, **options.pop("env", {})}
    done = subprocess.run(
        [*PROGRAM, *map(os.fsencode, map(str, arguments))],
        env=environment, capture_output=True, timeout=300, check=False, **options,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(name="typed", scope="session")
def typed_fixture() -> Callable[..., Outcome]:
    """Give the program in a process of its own: arguments in, outcome out."""
    return _typed


@pytest.fixture
def attacked(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Count one attack of the test's kind: the name of the test without its parameters."""
    kind = request.node.originalname.removeprefix("test_").replace("_", " ")

    def count() -> None:
        COUNTS[kind] += 1

    return count


DAMAGES: dict[str, Callable[[Path, np.random.Generator], object]] = {
    "deleted": lambda file, _: file.unlink(),
    "emptied": lambda file, _: file.write_bytes(b""),
    "zeroed": lambda file, _: file.write_bytes(bytes(file.stat().st_size)),
    "truncated": lambda file, _: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "one bit flipped": lambda file, chance: file.write_bytes(_flipped(file.read_bytes(), chance)),
    "garbage": lambda file, chance: file.write_bytes(chance.bytes(max(1, file.stat().st_size))),
    "grown": lambda file, _: os.truncate(file, 40 * 2**30),
    "a folder": lambda file, _: (file.unlink(), file.mkdir()),
    "a pipe": lambda file, _: (file.unlink(), os.mkfifo(file)),
    "a device": lambda file, _: (file.unlink(), file.symlink_to("/dev/zero")),
    "a loop": lambda file, _: (file.unlink(), file.symlink_to(file)),
}


def _flipped(content: bytes, chance: np.random.Generator) -> bytes:
    if not content:
        return b"\x01"
    changed = bytearray(content)
    changed[chance.integers(len(changed))] ^= 1 << int(chance.integers(8))
    return bytes(changed)
