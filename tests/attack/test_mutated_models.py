"""Models changed at random, read and run: taken, or refused in words within five seconds and 500 MB.

Each batch is a process of its own, so that what it takes can be measured:

    python tests/attack/test_mutated_models.py FOLDER FIRST LAST
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

SEED, MUTATIONS, SECONDS, BYTES = 16, 420, 5.0, 500e6
MODELS = sorted((Path(__file__).parents[1] / "engine" / "models").glob("*/model.*"))
PIECES = ("", "\0", "\n", ":", "{", "}", "[", "]", "-", "|", "~", "'", '"', "=", ",", "\\", "(", ")", "*", "^", "!", "<", ">",
          "&", ":EXCEPT:", ":NA:", ":MACRO:", ":INTERPOLATE:", "INTEG(", "DELAY N(", "SMOOTH3(", "SUM(", "Time", "<eqn>", "</aux>")  # fmt: skip
NUMBERS = ("0", "-1", "1e9", "1e308", "999999999", "0.1", "1e-9", "9" * 400)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def mutated(number: int) -> tuple[str, str]:
    """Return the ending and the text of a model with up to two changes, by its number."""
    chance = np.random.default_rng([SEED, number])
    file = MODELS[number % len(MODELS)]
    text = file.read_text(encoding="utf-8")
    for _ in range(chance.integers(1, 3)):
        kind = chance.integers(5)
        numbers, lines = list(_NUMBER.finditer(text)), text.splitlines(keepends=True)
        if kind in {0, 1} and numbers:
            place = numbers[chance.integers(len(numbers))]
            text = text[: place.start()] + NUMBERS[chance.integers(len(NUMBERS))] + text[place.end() :]
        elif kind == 2 and lines:
            lines.insert(chance.integers(len(lines)), lines[chance.integers(len(lines))])
            text = "".join(lines)
        else:
            at, length = int(chance.integers(len(text) + 1)), int(chance.choice([0, 0, 1, 5, 50]))
            text = text[:at] + PIECES[chance.integers(len(PIECES))] + text[at + length :]
    return file.suffix, text


def _late(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS:g} seconds of processor time")


def run_all(folder: Path, first: int, last: int) -> dict[str, object]:
    """Read and run mutated models; returns how many ran and were refused, the longest, the peak and what went wrong."""
    from talent_sd.base.errors import InputError, UnsupportedError
    from talent_sd.engine.runner import load_model

    signal.signal(signal.SIGPROF, _late)
    wrong: list[str] = []
    ran = refused = 0
    longest = 0.0
    for number in range(first, last):
        ending, text = mutated(number)
        file = folder / f"m{ending}"
        file.write_text(text, encoding="utf-8", newline="")
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                load_model(file).run()
            ran += 1
        except (InputError, UnsupportedError) as error:
            refused += 1
            if not re.search(r"\bm\.\w+(:\d+)?: ", str(error)):
                wrong.append(f"{number}: without file: {str(error)[:200]}")
        except BaseException as error:
            wrong.append(f"{number}: {type(error).__name__}: {str(error)[:200]}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        longest = max(longest, time.process_time() - start)
    return {"ran": ran, "refused": refused, "longest": longest, "peak": peak(), "wrong": wrong}


def peak() -> int:
    """Return the most memory this process held, in bytes: what getrusage tells begins with its parent's on Linux."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def test_mutated_models(tmp_path: Path, attacked: Callable[[], None]) -> None:
    last = MUTATIONS if os.environ.get("TALENT_SD_ATTACK") == "whole" else 2 * len(MODELS)
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path), "0", str(last)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["ran"] + found["refused"] == last
    assert found["longest"] < SECONDS
    assert found["peak"] < BYTES
    for _ in range(last):
        attacked()


if __name__ == "__main__":
    print(json.dumps(run_all(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
