"""Compare every output of this checkout with those of an earlier revision, byte for byte.

    python tests/golden/compare_outputs.py [--short] [--base REV] [--only PATTERN]

Runs the commands of `cases.toml` with the code of the base revision (HEAD~1 by default) and with the files of
this checkout as they stand, in one Python on one machine, and compares the files written, what was printed and
the exit codes. Only the console command and the names that `talent_sd` exports are used, so that everything
inside may move. Nothing is stored: numbers, fonts and processors differ between machines, so both sides run here.

Both sides run at the same place, one after the other, with an empty cache each: no path differs. Left out is
what `VARYING` names, times of day and durations. Cases that need the city tables run where
`TALENT_SD_DATA` names their folder, or where `../shared/data` lies beside the checkout.

A commit that means to change outputs says so, in a line of its message for each or several of them:

    Outputs-changed: forecast.csv, compare-*/report.html, loops-zh/stdout

Patterns are those of a shell; one without a slash is a file's name in any case. Those of every commit
after the base count. For work not committed yet give them with `--changed`.

Ends with 0 where nothing differs but what is listed, with 1 where something does, and with 0 and a notice
where no earlier revision is at hand (a shallow clone, a copy without its history).
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TRAILER = "Outputs-changed"
VARYING = (
    (r"run(_\w+)?\.json", r'^ "created": ".*"', ' "created": "…"'),
    (r"stdout", r"(Fitted in|拟合用时) \d+ (s|秒)", r"\1 … \2"),
)
"""(file's name, what in it is never the same twice, what stands for it)."""
FOLLOWED = ("talent_sd", "models", "scenarios", "pyproject.toml", "tests/golden")
"""What outputs follow from: where none of it differs, there is nothing to run."""
FOREIGN = ("tests/loops/models", "tests/engine/models")
SHOWN = 160
"""Characters shown of a line that differs."""


def main() -> int:
    """Run both sides and tell what differs."""
    asked = _options()
    base = _revision(asked.base or "HEAD~1")
    if base is None:
        _say(f"no revision {asked.base or 'HEAD~1'} here: nothing to compare with")
        return 2 if asked.base else 0
    if not asked.base and not _changed_since(base):
        _say(f"nothing that outputs follow from differs from {base[:10]}: nothing to run")
        return 0
    cases = _cases(asked.short, asked.only)
    work = Path(tempfile.mkdtemp(prefix="outputs-"))
    try:
        _write_inputs(work / "inputs")
        for side in ("before", "now"):
            (_unpack if side == "before" else _copy_files)(base, work / "checkout")
            _run_side(work, cases, asked.jobs)
            (work / "run").rename(work / side)
            shutil.rmtree(work / "checkout")
            shutil.rmtree(work / "cache", ignore_errors=True)
        listed = [*_listed(base), *_patterns(asked.changed)]
        return _report(work / "before", work / "now", listed, f"{len(cases)} cases against {base[:10]}")
    finally:
        if asked.keep:
            shutil.copytree(work, asked.keep, dirs_exist_ok=True)
        shutil.rmtree(work, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare every output with those of an earlier revision.")
    parser.add_argument("--short", action="store_true", help="only the cases under [short]")
    parser.add_argument("--base", help="the earlier revision; default: HEAD~1, where outputs may differ")
    parser.add_argument("--only", default="*", help="cases whose name fits this pattern")
    parser.add_argument("--changed", default="", help="what is meant to change, beside what commits list")
    parser.add_argument("--keep", help="folder to leave both sides' outputs in")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="commands at once")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True).stdout


def _revision(name: str) -> str | None:
    """Return a revision's full hash; None where there is no such, or no history."""
    try:
        return _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()
    except (subprocess.CalledProcessError, FileNotFoundError):
        return None


def _changed_since(base: str) -> bool:
    """Tell whether any file that outputs follow from is another than in the base."""
    differing = _git("diff", "--name-only", base, "--", *FOLLOWED)
    return bool(differing or _git("ls-files", "--others", "--exclude-standard", "--", *FOLLOWED))


def _listed(base: str) -> list[str]:
    """Return the patterns that the commits after the base list as changed."""
    told = _git("log", f"--format=%(trailers:key={TRAILER},valueonly)", f"{base}..HEAD").decode()
    return _patterns(told.replace("\n", ","))


def _patterns(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _cases(short: bool, only: str) -> dict[str, list[str]]:
    """Return case -> its command lines, run one after the other in the case's own folder."""
    told = tomllib.loads((HERE / "cases.toml").read_text("utf-8"))
    every = told["short"] if short else told["short"] | told["full"]
    cases = {name: lines for name, lines in every.items() if fnmatchcase(name, only)}
    data = _data_folder()
    if data is None:
        dropped = [name for name, lines in cases.items() if any("{data}" in line for line in lines)]
        cases = {name: lines for name, lines in cases.items() if name not in dropped}
        if dropped:
            _say(f"no city tables (name their folder in TALENT_SD_DATA): left out {', '.join(dropped)}")
    if not cases:
        raise SystemExit(f"no case fits '{only}'")
    return cases


def _data_folder() -> Path | None:
    named = os.environ.get("TALENT_SD_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if (folder / "city_panel.csv").is_file() else None


def _write_inputs(folder: Path) -> None:
    """Gather what both sides read: files of a user's own, and models that are not the city's."""
    shutil.copytree(HERE / "inputs", folder)
    shutil.copy(HERE / "python_api.py", folder)
    for models in FOREIGN:
        for file in sorted((ROOT / models).rglob("*.*")):
            if file.suffix in (".mdl", ".xmile"):
                name = file.stem if file.stem != "model" else file.parent.name
                shutil.copy(file, folder / f"{name}{file.suffix}")


def _unpack(base: str, folder: Path) -> None:
    """Lay out the files of a revision."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", base))) as archive:
        archive.extractall(folder, filter="data")


def _copy_files(_base: str, folder: Path) -> None:
    """Lay out the files of this checkout as they stand."""
    for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def _run_side(work: Path, cases: dict[str, list[str]], jobs: int) -> None:
    """Run every case with the code that lies in the checkout folder."""
    project = tomllib.loads((work / "checkout" / "pyproject.toml").read_text("utf-8"))
    module, function = project["project"]["scripts"]["talent-sd"].split(":")
    start = f"import sys; from {module} import {function}; sys.exit({function}())"
    programs = {"talent-sd": [sys.executable, "-P", "-c", start], "python": [sys.executable, "-P"]}
    places = {"checkout": work / "checkout", "inputs": work / "inputs", "data": _data_folder()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALENT_SD_")}
    surroundings = kept | {
        "PYTHONPATH": str(work / "checkout"),
        "TALENT_SD_CACHE": str(work / "cache"),
        "COLUMNS": "120",
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "",
    }

    def run(name: str) -> None:
        folder = work / "run" / name
        folder.mkdir(parents=True)
        for line in cases[name]:
            words = shlex.split(line.format_map(places))
            given = {}
            while "=" in words[0]:
                variable, given[variable] = words.pop(0).split("=", 1)
            _run(line, [*programs[words[0]], *words[1:]], folder, surroundings | given)

    # the first one alone: it compiles the model, which the others load
    first, *others = cases
    run(first)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, others))


def _run(line: str, command: list[str], folder: Path, surroundings: dict[str, str]) -> None:
    """Run one command; what it prints, and its exit code, go to files beside those that it writes."""
    done = subprocess.run(
        command, cwd=folder, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    for name, printed in (("stdout", done.stdout), ("stderr", done.stderr)):
        with (folder / name).open("ab") as stream:
            stream.write(f"$ {line}\n".encode() + printed)
    with (folder / "exit codes").open("a", encoding="utf-8") as stream:
        stream.write(f"{done.returncode} {line}\n")


def _report(before: Path, now: Path, listed: list[str], heading: str) -> int:
    """Tell file by file what differs; return the exit code."""
    sides = [{file.relative_to(side).as_posix(): file for file in _files(side)} for side in (before, now)]
    unlisted, used = 0, set()
    for name in sorted(sides[0] | sides[1]):
        difference = _difference(sides[0].get(name), sides[1].get(name))
        if not difference:
            continue
        fitting = [pattern for pattern in listed if _fits(name, pattern)]
        used.update(fitting)
        unlisted += not fitting
        _say(f"{'as listed' if fitting else 'DIFFERS'}: {name}\n{difference}")
    idle = [pattern for pattern in dict.fromkeys(listed) if pattern not in used]
    if idle:
        _say(f"listed as changed, but the same: {', '.join(idle)}")
    outcome = f"{unlisted} differ" if unlisted else "no difference" + " but what is listed" * bool(used)
    times = os.times()
    spent = times.children_user + times.children_system
    _say(f"{heading}, {len(sides[1])} files: {outcome} ({spent:.0f} s of processor time)")
    if unlisted:
        _say(f"If this is meant, say so in the commit's message: '{TRAILER}: PATTERN, ...'.")
    return int(unlisted > 0)


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name if "/" in pattern else name.rpartition("/")[2], pattern)


def _difference(before: Path | None, now: Path | None) -> str:
    """Return where two files first differ, "" if they do not."""
    if before is None or now is None:
        return "  no longer written" if now is None else "  not written before"
    first, second = (_steady(file) for file in (before, now))
    if first == second:
        return ""
    if before.suffix == ".nc":
        lines = [_netcdf_lines(file) for file in (before, now)]
        return _first_difference(*lines) or "  the same values and attributes, in other bytes"
    try:
        return _first_difference(*(data.decode().split("\n") for data in (first, second)))
    except UnicodeDecodeError:
        place = next((n for n, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), -1)
        return f"  {len(first)} and {len(second)} bytes, other from byte {place} on"


def _steady(file: Path) -> bytes:
    """Return a file without what is never the same twice."""
    data = file.read_bytes()
    for name, pattern, instead in VARYING:
        if re.fullmatch(name, file.name):
            data = re.sub(pattern, instead, data.decode(), flags=re.MULTILINE).encode()
    return data


def _netcdf_lines(file: Path) -> list[str]:
    """Return a netCDF file's axes, attributes and values, a line each."""
    import netCDF4

    with netCDF4.Dataset(file) as dataset:
        lines = [f"dimension {name}: {len(axis)}" for name, axis in dataset.dimensions.items()]
        lines += [f"attribute {name}: {dataset.getncattr(name)!r}" for name in dataset.ncattrs()]
        for name, variable in dataset.variables.items():
            lines.append(f"{name}: {variable.dtype} {variable.dimensions}")
            lines += [f"{name}, {one}: {variable.getncattr(one)!r}" for one in variable.ncattrs()]
            lines += [f"{name}, value {n}: {v!r}" for n, v in enumerate(variable[...].ravel().tolist())]
    return lines


def _first_difference(before: Iterable[str], now: Iterable[str]) -> str:
    """Return the first line that differs, on both sides, from shortly before where it does."""
    pairs = list(zip_longest(before, now, fillvalue="(ends here)"))
    differing = [number for number, (old, new) in enumerate(pairs) if old != new]
    if not differing:
        return ""
    old, new = pairs[differing[0]]
    start = max(len(os.path.commonprefix([old, new])) - SHOWN // 3, 0)
    cut = [("…" if start else "") + text[start : start + SHOWN] for text in (old, new)]
    return f"  line {differing[0] + 1}, and {len(differing)} in all\n  - {cut[0]}\n  + {cut[1]}"


if __name__ == "__main__":
    sys.exit(main())
