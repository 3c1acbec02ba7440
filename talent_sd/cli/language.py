"""The command line's own texts in Chinese: help, headings and what is said of a mistyped option."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from talent_sd.base.language import (
    LANGUAGES,
    N_,
    foreign,
    language_of_environment,
    speaking,
    tell,
    translated,
)
from talent_sd.cli.common import WRONG_INPUT, say
from talent_sd.cli.terminal import as_far_as_it_can_be_said
from talent_sd.inputs.settings import without_commas

OPTION = "--lang"


def language_wanted(arguments: Sequence[str]) -> str:
    """Return the language that the arguments ask for, else the environment's.

    >>> language_wanted(["run", "--lang", "zh"]), language_wanted(["--lang=zh", "--help"])
    ('zh', 'zh')
    """
    following = dict(zip(arguments, arguments[1:], strict=False))
    asked = [
        following.get(OPTION),
        *(a.removeprefix(f"{OPTION}=") for a in arguments if a.startswith(f"{OPTION}=")),
    ]
    return next((lang for lang in asked if lang in LANGUAGES), None) or language_of_environment()


def refuse_empty_folder(arguments: Sequence[str], lang: str) -> None:
    """Leave with a message if --out is empty (read as a path, nothing is the working folder), or that folder has gone.

    Raises
    ------
    SystemExit
        With exit code 2.
    """
    try:
        os.getcwd()  # noqa: PTH109 (no path of it is wanted)
    except OSError:
        with speaking(lang):
            say(tell("The folder you are in has gone. Change to another one."), errors=True)
        sys.exit(WRONG_INPUT)
    pairs = zip(arguments, arguments[1:], strict=False)
    after = [value for option, value in pairs if option == "--out"]
    joined = [argument.removeprefix("--out=") for argument in arguments if argument.startswith("--out=")]
    if any(not value.strip() for value in (*after, *joined)):
        with speaking(lang):
            say(tell("--out is empty. Name a folder; . is the one you are in."), errors=True)
        sys.exit(WRONG_INPUT)


# typer has a copy of click, or uses it: what both call usage errors and the like
_USAGE: Any = next(each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException")


def program_in(command: Any, lang: str) -> Any:  # noqa: ANN401 (a command of click, whichever copy typer uses)
    """Return a command with its help, and that of its parts, in a language, and `--lang` set to it by default."""
    from rich.markup import escape

    for part in getattr(command, "commands", {}).values():
        program_in(part, lang)
    command.help = _paragraphs(command.help, lang)
    command.short_help = _paragraphs(command.short_help, lang)
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = escape(_paragraphs(parameter.help, lang) or "")  # brackets are brackets there
        if parameter.name == "lang":
            parameter.default = lang
    command.get_help_option = _telling_help(command.get_help_option, lang)
    command.get_usage = _telling_usage(command.get_usage, lang)
    return command


def run_in(command: Any, arguments: Sequence[str], lang: str) -> None:  # noqa: ANN401 (as above)
    """Run the program with help and messages in a language, and leave with its exit code."""
    from typer import rich_utils

    for name, value in vars(rich_utils).items():
        if name.isupper() and isinstance(value, str):
            setattr(rich_utils, name, _of_others(value, lang))
    rich_utils.highlighter = _folding(rich_utils.highlighter)
    with speaking(lang):
        try:
            code = program_in(command, lang).main(
                list(arguments), prog_name="talent-sd", standalone_mode=False
            )
        except _USAGE as error:
            told = _mistyped(error) or foreign(error.format_message())
            error.format_message = lambda: told
            with as_far_as_it_can_be_said():
                rich_utils.rich_format_error(error)  # type: ignore[arg-type]
            code = error.exit_code  # type: ignore[attr-defined]
    sys.exit(code if isinstance(code, int) else 0)


KINDS = {"int_parsing": N_("a whole number"), "float_parsing": N_("a number")}


def _mistyped(error: Exception) -> str:
    """Return what to write for an option's text that is no number, "" of any other error."""
    found: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    kind = KINDS.get(found[0]["type"]) if len(found) == 1 else None
    if kind is None:
        return ""
    option, text = error.param.opts[0], str(found[0]["input"])  # type: ignore[attr-defined]
    if number := without_commas(text):
        return tell("{option} '{text}': commas do not belong in a number. Write {written}.", option=option, text=text,
                    written=number)  # fmt: skip
    return tell("{option} is '{text}'. Give {kind}.", option=option, text=text, kind=tell(kind))


def paragraphs(text: str) -> list[str]:
    """Return a help text's paragraphs without their line breaks; examples keep theirs."""
    parts = [part for part in inspect.cleandoc(text).split("\n\n") if part.strip()]
    return [part if part.startswith("Example:") else " ".join(part.split()) for part in parts]


def _paragraphs(text: str | None, lang: str) -> str | None:
    """Return a help text in a language, paragraph by paragraph; what is not known stays in English."""
    if not text:
        return text
    return "\n\n".join(
        part.replace("Example:", tell("Example:", lang))
        if part.startswith("Example:")
        else translated(part, lang)
        for part in paragraphs(text)
    )


def _of_others(text: str, lang: str) -> str:
    """Return a text of typer's in a language."""
    return translated(N_(text, "foreign"), lang)


def _folding(highlight: Callable[..., Any]) -> Any:  # noqa: ANN401 (stands in for a highlighter)
    """Wrap what colours a text, so that Chinese, which has no spaces, is broken over lines and not cut off."""

    def folded(text: Any) -> Any:  # noqa: ANN401 (a string or a rich text)
        """Return the coloured text, folded where it is too long."""
        coloured = highlight(text)
        coloured.overflow = "fold"
        return coloured

    return folded


def _telling_help(make: Callable[..., Any], lang: str) -> Callable[..., Any]:
    """Wrap what makes the option --help."""

    def made(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (passed on)
        option = make(*args, **kwargs)
        if option is not None:
            option.help = _of_others(option.help, lang)
        return option

    return made


def _telling_usage(make: Callable[..., str], lang: str) -> Callable[..., str]:
    """Wrap what makes the line "Usage: ..."."""

    def made(*args: Any, **kwargs: Any) -> str:  # noqa: ANN401 (passed on)
        usage = make(*args, **kwargs)
        for text in ("Usage:", "[OPTIONS]", "COMMAND [ARGS]..."):
            usage = usage.replace(text, _of_others(text, lang))
        return usage

    return made
