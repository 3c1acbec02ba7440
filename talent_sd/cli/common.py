"""What commands share: messages and exit codes."""

from __future__ import annotations

import functools
import re
import shlex
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import typer

from talent_sd.base.errors import InputError, NotWritten, Problems, TalentError
from talent_sd.base.files import tellable
from talent_sd.base.language import listed, speaking, tell
from talent_sd.base.output_folders import begun, clear_scratch, left, written
from talent_sd.cli.terminal import (
    FAILED,
    INTERRUPTED,
    NARROWEST,
    WRONG_INPUT,
    as_far_as_it_can_be_said,
    harmless,
    interrupted,
    interruptible,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from talent_sd.forecast.prepare import Prepared

Arguments = ParamSpec("Arguments")
_GLYPH = re.compile(r"Glyph (\d+) .* missing from")
"""What matplotlib warns of."""


def console(*, errors: bool = False) -> Console:
    """Make a console; made at each use, so that whoever redirects the streams is heard. No text in it is obeyed."""
    from rich.console import Console

    made = Console(stderr=errors, highlight=False, markup=False)
    made.width = max(made.width, NARROWEST)
    return harmless(made)


def say(text: str, *, errors: bool = False) -> None:
    """Print plain text: no markup in it is obeyed, no line is broken."""
    with as_far_as_it_can_be_said() if errors else nullcontext():
        console(errors=errors).print(text, soft_wrap=True)


def reporting(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Turn errors into one clear message and the right exit code."""

    @functools.wraps(command)
    def reported(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        """Run the command; leave with a message and the code of what went wrong."""
        lang = str(kwargs.get("lang", "en"))
        written.clear()
        begun.clear()
        try:
            with interruptible(), speaking(lang), notices():
                _refuse_huge(kwargs)
                command(*args, **kwargs)
        except TalentError as error:
            problems = error.told() if isinstance(error, InputError) else [str(error)]
            # only who asked for a simulation wants to know that there was none
            idle = "out" in kwargs and not written and not isinstance(error, NotWritten)
            nothing = [tell("Nothing was simulated.", lang)] if idle else []
            say("\n".join([*problems, *nothing]), errors=True)
            raise typer.Exit(WRONG_INPUT) from None
        except MemoryError:
            say(
                tell(
                    "This does not fit into the computer's memory. Ask for less: fewer draws, plans or years.",
                    lang,
                ),
                errors=True,
            )
            raise typer.Exit(WRONG_INPUT) from None
        except KeyboardInterrupt:
            clear_scratch()  # the signal may have come while a folder was being cleared away
            with speaking(lang):
                say(interrupted(), errors=True)
            raise typer.Exit(INTERRUPTED) from None

    return reported


def _refuse_huge(options: Mapping[str, object]) -> None:
    """Refuse whole numbers that no computer counts with."""
    problems = Problems()
    for name, value in options.items():
        if isinstance(value, int) and abs(value) >= 2**63:
            digits = len(str(abs(value)))
            problems.say(
                "--{option} has {digits} digits. Give a smaller number.",
                option=name.replace("_", "-"),
                digits=digits,
            )
    problems.refuse()


@contextmanager
def notices() -> Iterator[list[str]]:
    """Show the package's own notices as one line each, after the work; pass other warnings on.

    What is yielded holds the notices then.
    """
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield told
    ours = [w for w in caught if w.category.__module__.startswith("talent_sd")]
    told += dict.fromkeys(str(warning.message) for warning in ours)
    for text in told:
        say(tellable(text), errors=True)
    others = [w for w in caught if w not in ours and not issubclass(w.category, DeprecationWarning)]
    lacking = {str(w.message): chr(int(found[1])) for w in others if (found := _GLYPH.match(str(w.message)))}
    if lacking:
        characters = listed(dict.fromkeys(lacking.values()))
        say(tell("No font here has {characters}: drawn as boxes.", characters=characters), errors=True)
    for warning in others:
        if str(warning.message) not in lacking:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def given(context: typer.Context, parameter: str) -> bool:
    """Tell whether an option was typed, and has not just its default."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def warn_of(prepared: Prepared) -> dict[str, list[str]]:
    """Say, after the work, what a comparison's numbers do not show, and which figures its city lacks; return it by language."""
    from talent_sd.base.language import language
    from talent_sd.forecast.prepare import ComparisonNotice, cautions_by_language

    lacking = lacks(prepared)
    told = {lang: [*texts, *lacking[lang]] for lang, texts in cautions_by_language(prepared).items()}
    for text in told[language()]:
        warnings.warn(text, ComparisonNotice, stacklevel=2)
    return told


def lacks(prepared: Prepared) -> dict[str, list[str]]:
    """Return what is said of years that plans leave open, and of what a city lacks or did not count, by language."""
    from talent_sd.base.language import LANGUAGES
    from talent_sd.engine.runner import model_constants
    from talent_sd.forecast.scenario_diff import begun
    from talent_sd.forecast.what_if import gaps
    from talent_sd.output.city_tables import gap_lines

    found, own = gaps(prepared), model_constants(prepared.model)
    plans = [one.scenario for one in prepared.resolved.values()]
    return {
        lang: [text for plan in plans for text in begun(own, plan, lang)] + gap_lines(prepared, found, lang)
        for lang in LANGUAGES
    }


def fail_on(odd: Iterable[str]) -> None:
    """Leave with the code of a failed check if headline outputs are not finite."""
    if names := list(dict.fromkeys(odd)):
        say(tell("Not finite: {names}. Do not use these results.", names=listed(names)), errors=True)
        raise typer.Exit(FAILED)


def show_written(folder: Path, files: list[str], lang: str) -> None:
    """Say where the files are."""
    say(tell("Written to {folder}: {files}", lang, folder=folder, files=", ".join(files)))
    show_left()


def show_left() -> None:
    """Say what became of files that were in the way of new ones."""
    while left:
        say(left.pop(0))


def command_line(name: str, arguments: Sequence[object], options: Mapping[str, object]) -> str:
    """Return a command as typed in a shell; options that are None or False are left out, True is a switch.

    >>> command_line("compare", ["my mix.yaml"], {"--city": "hefei", "--draws": None, "--seed": 1})
    "talent-sd compare 'my mix.yaml' --city hefei --seed 1"
    """
    wanted = [(key, value) for key, value in options.items() if value is not None and value is not False]
    given = [str(part) for pair in wanted for part in (pair[:1] if pair[1] is True else pair)]
    return tellable(shlex.join(["talent-sd", name, *map(str, arguments), *given]))


def add_workbook(
    folder: Path,
    name: str,
    tables: Iterable[Table],
    about: Mapping[str, object] | None = None,
    prepared: Prepared | None = None,
    lang: str = "en",
    notices: Sequence[str] = (),
) -> None:
    """Write a command's tables, and its CSV files, into a workbook beside them.

    Parameters
    ----------
    name : of the command
    about : a dataset's attributes, which say how its numbers came about
    notices : what the numbers do not show
    """
    from talent_sd.output.workbook import write_workbook

    csv_files = sorted(folder.glob("*.csv"))
    write_workbook(folder / f"{name}.xlsx", tables, csv_files, about, prepared, lang, notices)


def save_tables(
    file: Path | None, tables: Iterable[object], prepared: Prepared | None = None, lang: str = "en"
) -> None:
    """Write tables into a workbook, if one was asked for."""
    if file is None:
        return
    from talent_sd.base.output_folders import refuse_place, scratch_folder, write_whole
    from talent_sd.output.workbook import write_workbook

    refuse_place(file, ending=".xlsx")
    with scratch_folder(Path(tempfile.gettempdir())) as folder:
        write_workbook(folder / "tables.xlsx", tables, prepared=prepared, lang=lang)
        write_whole(file, (folder / "tables.xlsx").read_bytes())
    say(tell("Written to {file}.", lang, file=file))
    show_left()
