"""What commands share: options, messages and exit codes."""

from __future__ import annotations

import functools
import shlex
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from talent_sd.base.errors import InputError, TalentError
from talent_sd.base.messages import speaking, word

if TYPE_CHECKING:
    from rich.console import Console

    from talent_sd.forecast.prepare import Prepared

WRONG_INPUT, INTERRUPTED = 2, 130
Arguments = ParamSpec("Arguments")


class Language(StrEnum):
    """Languages of tables and plots."""

    en = "en"
    zh = "zh"


class Engine(StrEnum):
    """Engines that can run a model."""

    auto = "auto"
    kernel = "kernel"
    pysd = "pysd"


LangOption = Annotated[Language, typer.Option("--lang", help="Language of tables and plots.")]
EngineOption = Annotated[
    Engine,
    typer.Option("--engine", help="auto: the native kernel where it can, else PySD, the slow reference."),
]
CityOption = Annotated[str, typer.Option("--city", help="A shipped city (see `list cities`) or a path.")]
NationalOption = Annotated[
    str | None, typer.Option("--national", help="National path: central, low_growth, high_growth, or a file.")
]
PlotsOption = Annotated[bool, typer.Option("--plots/--no-plots", help="Draw the plots.")]


def console(*, errors: bool = False) -> Console:
    """Make a console; made at each use, so that whoever redirects the streams is heard."""
    from rich.console import Console

    return Console(stderr=errors, highlight=False)


def say(text: str, *, errors: bool = False) -> None:
    """Print plain text: no markup in it is obeyed, no line is broken."""
    console(errors=errors).print(text, markup=False, soft_wrap=True)


def reporting(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Turn errors into one clear message and the right exit code."""

    @functools.wraps(command)
    def reported(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        lang = str(kwargs.get("lang", "en"))
        try:
            with speaking(lang), notices():
                command(*args, **kwargs)
        except TalentError as error:
            problems = error.problems if isinstance(error, InputError) else (str(error),)
            # only who asked for a simulation wants to know that there was none
            nothing = [word("cli.nothing", lang)] if "out" in kwargs else []
            say("\n".join([*problems, *nothing]), errors=True)
            raise typer.Exit(WRONG_INPUT) from None
        except KeyboardInterrupt as interrupt:
            say(str(interrupt) or word("cli.interrupted", lang), errors=True)
            raise typer.Exit(INTERRUPTED) from None

    return reported


@contextmanager
def notices() -> Iterator[None]:
    """Show the package's own notices as one line each, after the work; pass other warnings on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    ours = [w for w in caught if w.category.__module__.startswith("talent_sd")]
    for text in dict.fromkeys(str(warning.message) for warning in ours):
        say(text, errors=True)
    for warning in caught:
        if warning not in ours and not issubclass(warning.category, DeprecationWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def given(context: typer.Context, parameter: str) -> bool:
    """Tell whether an option was typed, and has not just its default."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def warn_of(prepared: Prepared) -> dict[str, list[str]]:
    """Say, after the work, what the numbers of a comparison do not show; return it by language."""
    from talent_sd.base.messages import language
    from talent_sd.forecast.prepare import ComparisonNotice, cautions_by_language

    told = cautions_by_language(prepared)
    for text in told[language()]:
        warnings.warn(text, ComparisonNotice, stacklevel=2)
    return told


def show_written(folder: Path, files: list[str], lang: str) -> None:
    """Say where the files are."""
    say(word("cli.written", lang, folder=folder, files=", ".join(files)))


ReportOption = Annotated[
    bool, typer.Option("--report/--no-report", help="Write report.html, one offline page to hand over.")
]


def command_line(name: str, arguments: Sequence[object], options: Mapping[str, object]) -> str:
    """Return a command as typed in a shell; options that are None are left out.

    >>> command_line("compare", ["my mix.yaml"], {"--city": "hefei", "--draws": None, "--seed": 1})
    "talent-sd compare 'my mix.yaml' --city hefei --seed 1"
    """
    given = [str(part) for pair in options.items() if pair[1] is not None for part in pair]
    return shlex.join(["talent-sd", name, *map(str, arguments), *given])
