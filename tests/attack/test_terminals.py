"""Whatever the terminal, the system's language, the folder and its name: words, an exit code, no traceback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

import talent_sd as ts
from talent_sd.base.files import ENDING, shipped_folder
from talent_sd.cli.common import console, reporting
from talent_sd.cli.terminal import INTERRUPTED, leave_when_told
from talent_sd.inputs.labels import shipped_labels
from talent_sd.output.terminal_tables import forecast_table

from .conftest import PROGRAM, SEED, WHOLE, Outcome, chosen

posix = pytest.mark.skipif(os.name != "posix", reason="signals, devices and users of POSIX")
Attacked = Callable[[], None]
Typed = Callable[..., Outcome]
ENCODINGS = ("ascii", "latin-1", "gbk", "utf-8", "utf-16", "cp437", "gb18030", "big5", "shift_jis")
COMMANDS = (
    ("list", "cities"), ("list", "policies", "--lang", "zh"), ("check", "nowhere.yaml"), ("--help",), ("run", "--help"),
    ("run", "--no-such-option"), ("list", "variables"), ("diff", "baseline", "hefei_combination"), ("--version",),
)  # fmt: skip


def test_encodings_and_languages(typed: Typed, tmp_path: Path, attacked: Attacked) -> None:
    environments = [{"PYTHONIOENCODING": name} for name in ENCODINGS]
    environments += [
        {"LC_ALL": name, "PYTHONUTF8": utf8} for name in ("C", "POSIX", "zh_CN.GBK", "no") for utf8 in "01"
    ]
    environments += [{"COLUMNS": columns} for columns in ("0", "1", "-5", "x", "7", "100000")]
    environments += [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {"TALENT_SD_LANG": "xx"}, {"HOME": "/nowhere"},
                     {"TALENT_SD_CACHE": "/dev/null"}, {"TALENT_SD_CACHE": "/proc/nowhere"}, {"TMPDIR": "/nowhere"}]  # fmt: skip
    environments += [{"COLUMNS": columns} for columns in ("20", "59")]
    for environment, command in chosen([(one, command) for one in environments for command in COMMANDS], 2):
        done = typed(*command, cwd=tmp_path, env=environment)
        assert done.is_fit_to_read(), (environment, command, done.said)
        assert done.code == (2 if command[0] == "check" or command[-1] == "--no-such-option" else 0), (
            environment,
            command,
        )
        assert done.said.strip(), (environment, command)
        attacked()


def test_a_minus_stays_a_minus(typed: Typed, tmp_path: Path) -> None:
    done = typed(
        "diff",
        "baseline",
        "hefei_combination",
        "--lang",
        "zh",
        cwd=tmp_path,
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert b"\\u" not in done.out
    code = "from talent_sd.cli import terminal; terminal.prepare_streams(); print('−5 % × 2 é 人')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    ).stdout
    assert shown.strip() == b"-5 % x 2 e ?"


@posix
def test_streams_that_take_nothing(tmp_path: Path, attacked: Attacked) -> None:
    ways = (
        "> /dev/full",
        "2> /dev/full",
        "> /dev/full 2>&1",
        ">&-",
        "2>&-",
        ">&- 2>&-",
        "< /dev/null",
        "<&-",
        "| head -c 20",
        "| true",
    )
    for way, command in chosen([(way, command) for way in ways for command in COMMANDS[:7]], 1):
        quoted = " ".join(f"'{part}'" for part in (*PROGRAM, *command))
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {quoted} {way}"],
            cwd=tmp_path,
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert b"Traceback" not in done.stdout + done.stderr, (way, command, done.stderr)
        assert b"Exception ignored" not in done.stderr, (way, command, done.stderr)
        assert done.returncode in (0, 1, 2), (way, command, done)
        attacked()


@posix
def test_a_stream_that_takes_nothing_changes_no_exit_code(tmp_path: Path, attacked: Attacked) -> None:
    model = tmp_path / "m.mdl"
    model.write_text("{UTF-8}\nx=1~~|\nINITIAL TIME=0~~|\nFINAL TIME=1~~|\nTIME STEP=1~~|\n", "utf-8")
    run = ("run", model, "--no-plots", "--out", tmp_path / "out")
    cases = [(run, "| true", 0), (("check", "nowhere.yaml"), "2> /dev/full", 2), (("check", "nowhere.yaml"), "2>&-", 2),
             (("run", "--no-such-option"), "2> /dev/full", 2)]  # fmt: skip
    for command, way, code in cases:
        quoted = " ".join(f"'{part}'" for part in (*PROGRAM, *command))
        script = f"set -o pipefail; {quoted} {way}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, timeout=300, check=False
        )
        assert (done.returncode, done.stderr) == (code, b""), (command, way, done)
        attacked()
    assert (tmp_path / "out" / "run.json").is_file()


@posix
@pytest.mark.skipif(not WHOLE, reason="a minute: part of the whole attack")
def test_folders_and_names(typed: Typed, tmp_path: Path, attacked: Attacked) -> None:
    names = [
        "with space",
        "人才",
        "-n",
        "--help",
        "a\nb",
        "a\tb",
        "\x1b[31mred",
        "\u202egnp",
        b"not\xffutf8",
        "'quoted'",
        "$HOME",
        "%s{x}",
        "x" * 200,
    ]
    for name in names:
        folder = tmp_path / (os.fsdecode(name) if isinstance(name, bytes) else name)
        folder.mkdir()
        city = folder / "mine.yaml"
        shutil.copy(shipped_folder("scenarios") / "cities" / "hefei.yaml", city)
        done = typed("run", "--city", city, "--out", folder / "out", "--central", "--no-plots")
        assert (done.is_fit_to_read(), done.code) == (True, 0), (name, done.said)
        assert {"forecast.nc", "forecast.csv", "run.json"} <= {one.name for one in (folder / "out").iterdir()}
        done = typed(
            "compare",
            "hefei_combination",
            "--city",
            city,
            "--out",
            folder / "out",
            "--central",
            "--no-plots",
            "--no-policies",
        )
        assert (done.is_fit_to_read(), done.code) == (True, 0), (name, done.said)
        done = typed("check", city, folder / "nowhere.yaml")
        assert (done.is_fit_to_read(), done.code) == (True, 2), (name, done.said)
        assert b"\x1b" not in done.out + done.err
        attacked()


@posix
def test_signals_from_the_first_instant(tmp_path: Path, attacked: Attacked) -> None:
    moments = [0.06 + 0.05 * number for number in range(40)]
    cases = [
        (moment, number, again)
        for moment in moments
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for again in (None, 0.0, 0.02)
    ]
    for place, (moment, number, again) in enumerate(chosen(cases, 1)):
        out = tmp_path / str(place)
        with subprocess.Popen(
            [*PROGRAM, "run", "--central", "--no-plots", "--out", str(out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            time.sleep(moment)
            child.send_signal(number)
            if again is not None:  # while it clears up
                time.sleep(again)
                child.send_signal(signal.SIGTERM)
            said, error = child.communicate(timeout=120)
        started = b"Interrupted" in error or child.returncode in (0, 130)
        # before the program's first line it is Python that is interrupted, in its own way: late, on a busy machine
        early = b"init_import_site" in error or b", in main\n" not in error
        assert started or (early and not out.exists()), (moment, number, error)
        if started:
            assert b"Traceback" not in error, (moment, number, error)
            assert child.returncode == (0 if not error else 130), (moment, number, said, error)
            assert (b"nothing was written" in error) == (not out.exists()), (moment, number, error)
        assert [one for one in tmp_path.iterdir() if one.name.startswith(".")] == [], (moment, number)
        attacked()


@posix
def test_a_folder_that_has_gone(tmp_path: Path, attacked: Attacked) -> None:
    quoted = " ".join(f"'{part}'" for part in (*PROGRAM, "check", "x.yaml"))
    script = f"mkdir gone && cd gone && rmdir ../gone && {quoted}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (2, b"The folder you are in has gone. Change to another one.\n")
    attacked()


@posix
@pytest.mark.skipif(not WHOLE, reason="seconds: part of the whole attack")
def test_pictures_in_spite_of_the_environment(typed: Typed, tmp_path: Path, attacked: Attacked) -> None:
    for backend in ("nonsense", "qtagg", "module://nowhere"):
        done = typed("run", "--out", tmp_path / backend[:4], cwd=tmp_path, env={"MPLBACKEND": backend})
        assert (done.code, (tmp_path / backend[:4] / "overview.png").is_file()) == (0, True), done.said
        attacked()


STORED = ("run", "--no-plots", "--draws", "600", "--memory", "0.02", "--seed", "3")


@posix
@pytest.mark.skipif(not WHOLE, reason="a minute: part of the whole attack")
def test_kills(typed: Typed, tmp_path: Path, attacked: Attacked) -> None:
    """Killed at any moment and given again: the same files to the bit, and nothing left over."""
    reference = tmp_path / "reference"
    assert typed(*STORED, "--out", reference, cwd=tmp_path).code == 0
    chance = __import__("numpy").random.default_rng(SEED)
    out = tmp_path / "again"
    for _ in range(20):
        with subprocess.Popen(
            [*PROGRAM, *STORED, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as child:
            time.sleep(chance.uniform(0.5, 6))
            child.kill()
        attacked()
    done = typed(*STORED, "--out", out, cwd=tmp_path)
    assert done.code == 0, done.said
    for name in ("forecast.csv", "variance.csv"):
        assert (out / name).read_bytes() == (reference / name).read_bytes(), name
    left = [one for place in (tmp_path, out) for one in place.iterdir() if one.name.startswith(".talent_sd-")]
    assert left == []


def test_a_terminal_too_narrow_for_a_table_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spread = ts.simulate("baseline", "wuxi")
    for columns in ("20", "59", "60", "100"):
        monkeypatch.setenv("COLUMNS", columns)
        console().print(forecast_table(spread, shipped_labels(), "en"))
        told = capsys.readouterr().out
        rows = [line for line in told.splitlines() if line.startswith(" Residents")]
        assert [len(re.findall(r"\d\.\d+", row)) for row in rows] == [5], told
        assert rows[0].rstrip().endswith(" %")


@posix
def test_an_interruption_stays_one_where_python_makes_another_error_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Interrupting:
        def __set_name__(self, owner: type, name: str) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    @reporting
    def command() -> None:
        type("Made", (), {"part": Interrupting()})

    before = {number: signal.getsignal(number) for number in ENDING}
    leave_when_told("en")
    try:
        with pytest.raises(typer.Exit) as left:
            command()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert left.value.exit_code == INTERRUPTED
    assert capsys.readouterr().err == "Interrupted; nothing was written.\n"


@posix
def test_an_interruption_in_a_finaliser_ends_the_program(tmp_path: Path) -> None:
    script = tmp_path / "ends.py"
    script.write_text(
        "import os, signal\n"
        "from talent_sd.cli.common import reporting\n"
        "from talent_sd.cli.terminal import leave_when_told\n"
        "class Ends:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "@reporting\n"
        "def command():\n"
        "    Ends()\n"
        "    print('went on')\n"
        "leave_when_told('en')\n"
        "command()\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"Interrupted; nothing was written.\n")
