"""What the program needs of terminal and system: characters that can be shown, signals, a stream that takes them."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import signal
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from talent_sd.base.files import CONTROLS, ENDING
from talent_sd.base.language import N_, listed, reason_of, speaking, tell
from talent_sd.base.output_folders import begun, clear_scratch, written

if TYPE_CHECKING:
    from rich.console import Console

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130
KEPT = N_("Interrupted. What was simulated is kept in {folder}; the same command goes on from there.")
HANDLER = "talent_sd"
NARROWEST = 80
"""Columns that tables need: in fewer, numbers would be cut without a word."""
SUBSTITUTES = {
    "−": "-", "–": "-", "—": "-", "×": "x", "…": "...", "→": "->", "·": ".", "’": "'", "‘": "'", "“": '"', "”": '"', "█": "#",
}  # fmt: skip
"""For an encoding that lacks them: a minus must not become a question mark."""


def prepare_streams() -> None:
    """Make stdout and stderr take every text: what an encoding lacks is shown as something near it, or as "?"."""
    codecs.register_error(HANDLER, _substitute)
    if not os.environ.get("COLUMNS", "80").isdecimal() or int(os.environ.get("COLUMNS", "80")) < NARROWEST:
        del os.environ["COLUMNS"]  # nothing would be shown
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started the program
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (it stays open)
        elif isinstance(stream, io.TextIOWrapper):
            # a pipe on Windows has the code page's letters only, and no Chinese
            stream.reconfigure(encoding="utf-8" if sys.platform == "win32" else None, errors=HANDLER)


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that an encoding lacks, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    near = "".join(
        SUBSTITUTES.get(one) or unicodedata.normalize("NFKD", one)
        for one in error.object[error.start : error.end]
    )
    return "".join(one if one.isascii() else "?" for one in near if not unicodedata.combining(one)), error.end


def harmless(console: Console) -> Console:
    """Return the console, in which no text from outside is obeyed: control characters show as "\N{REPLACEMENT CHARACTER}"."""
    from rich.console import ConsoleOptions, RenderHook
    from rich.segment import Segment

    class Harmless:
        """What is shown, each of its texts made harmless."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __rich_console__(self, screen: Console, options: ConsoleOptions) -> Iterator[Segment]:
            for text, style, control in screen.render(self.inner, options):
                # lines are broken by now, and who searches or copies an output types a blank
                plain = text.translate(CONTROLS).replace("\N{NO-BREAK SPACE}", " ")
                yield Segment(text if control else plain, style, control)

    class Hook(RenderHook):
        """Makes all that a console shows harmless."""

        def process_renderables(self, renderables: list[Any]) -> list[Any]:
            """Return what is shown, made harmless."""
            return [Harmless(each) for each in renderables]

    console.push_render_hook(Hook())

    def go_on() -> None:
        """Show no more to a reader that left; rich would end the program, whatever is still to be done."""
        console.quiet = True
        unshown(BrokenPipeError())

    console.on_broken_pipe = go_on  # type: ignore[method-assign]
    return console


def harmless_usage_errors() -> None:
    """Make the messages of typer harmless too: they repeat what was typed."""
    from typer import rich_utils

    make = rich_utils._get_rich_console  # noqa: SLF001 (there is no other way in)
    rich_utils._get_rich_console = lambda stderr=False: harmless(make(stderr=stderr))  # noqa: SLF001


def interrupted() -> str:
    """Return what is said after an interruption: what was written before it, or that nothing was."""
    open_still = [one for one in begun if not any(one.is_relative_to(done) for done in written)]
    if kept := [one for one in open_still if one.exists()]:
        return tell(KEPT, folder=kept[0].parent if kept[0].is_file() else kept[0])
    if written:
        return tell("Interrupted. Written before that: {folders}.", folders=listed(written))
    return tell("Interrupted; nothing was written.")


def leave_when_told(lang: str) -> None:
    """Leave with a word and `INTERRUPTED`, from any point, when told to end: by Ctrl-C, a scheduler, a closing terminal."""

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        """End at once: clear away, say what was written."""
        ignore_signals()
        with contextlib.suppress(Exception), speaking(lang):
            clear_scratch()
            os.write(2, f"{interrupted()}\n".encode())
        os._exit(INTERRUPTED)

    leave.ours = True  # type: ignore[attr-defined]
    for number in ENDING:
        signal.signal(number, leave)


def ignore_signals() -> None:
    """End in peace: all is done, and Python would say no word when told to end once more."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def interruptible() -> Iterator[None]:
    """Make a signal a KeyboardInterrupt within the block, so that what is half done is cleared away; a second ends at once."""
    before = {number: signal.getsignal(number) for number in ENDING}
    if not all(hasattr(handler, "ours") for handler in before.values()):
        yield  # not the program, but something that uses its commands
        return

    def interrupt(caught: int, _frame: FrameType | None) -> NoReturn:
        """Turn the signal into an exception; the next one ends at once."""
        heard.append(caught)
        for number, handler in before.items():
            signal.signal(number, handler)
        raise KeyboardInterrupt

    def swallowed(error: Any) -> None:
        """End at once where the exception came to nothing: in a finaliser Python ignores it."""
        if heard and issubclass(error.exc_type, KeyboardInterrupt):
            signal.raise_signal(heard[0])
        else:
            hook(error)

    heard: list[int] = []
    hook, sys.unraisablehook = sys.unraisablehook, swallowed
    try:
        for number in before:
            signal.signal(number, interrupt)
        yield
    except Exception:
        if heard:  # Python makes another error of it where a class is being made
            raise KeyboardInterrupt from None
        raise
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def flush() -> int:
    """Flush what was printed; return `FAILED` where it cannot be: a full disk."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        return unshown(error)
    return 0


def unshown(error: OSError | ValueError) -> int:
    """Say, if it can be said, that the output could not be shown, and return `FAILED`.

    A reader that left has seen what it wanted: no word, 0.
    """
    with contextlib.suppress(OSError, ValueError):
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(
                tell("The output could not be shown ({reason}).", reason=reason_of(error)) + "\n"
            )
            sys.stderr.flush()
    # else Python tries again as it ends, and complains
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return 0 if isinstance(error, BrokenPipeError) else FAILED


@contextmanager
def as_far_as_it_can_be_said() -> Iterator[None]:
    """Go on where stderr takes nothing: the exit code tells what went wrong."""
    try:
        yield
    except OSError as error:
        unshown(error)
