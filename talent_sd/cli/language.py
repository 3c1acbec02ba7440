"""The command line's own texts in Chinese: help, headings and what is said of a mistyped option."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from talent_sd.base.messages import LANGUAGES, foreign, language_of_environment, speaking, tell
from talent_sd.cli.common import WRONG_INPUT, say

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
    """Leave with a message if --out is empty: read as a path, nothing is the working folder.

    Raises
    ------
    SystemExit
        With exit code 2.
    """
    pairs = zip(arguments, arguments[1:], strict=False)
    after = [value for option, value in pairs if option == "--out"]
    joined = [argument.removeprefix("--out=") for argument in arguments if argument.startswith("--out=")]
    if any(not value.strip() for value in (*after, *joined)):
        with speaking(lang):
            say(tell("--out is empty. Name a folder; . is the one you are in."), errors=True)
        sys.exit(WRONG_INPUT)


def program_in(command: Any, lang: str) -> Any:  # noqa: ANN401 (a command of click, whichever copy typer uses)
    """Return a command with its help, and that of its parts, in a language, and `--lang` set to it by default."""
    for part in getattr(command, "commands", {}).values():
        program_in(part, lang)
    command.help = _paragraphs(command.help)
    command.short_help = _paragraphs(command.short_help)
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = _paragraphs(parameter.help)
        if parameter.name == "lang":
            parameter.default = lang
    command.get_help_option = _telling_help(command.get_help_option)
    command.get_usage = _telling_usage(command.get_usage)
    return command


def run_in(command: Any, arguments: Sequence[str], lang: str) -> None:  # noqa: ANN401 (as above)
    """Run the program with help and messages in a language, and leave with its exit code."""
    from typer import rich_utils

    for name, value in vars(rich_utils).items():
        if name.isupper() and isinstance(value, str) and value in help_texts():
            setattr(rich_utils, name, help_texts()[value])
    rich_utils.highlighter = _folding(rich_utils.highlighter)
    with speaking(lang):
        try:
            code = program_in(command, lang).main(
                list(arguments), prog_name="talent-sd", standalone_mode=False
            )
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            told = foreign(error.format_message())
            error.format_message = lambda: told
            rich_utils.rich_format_error(error)  # type: ignore[arg-type]
            code = error.exit_code  # type: ignore[attr-defined]
    sys.exit(code if isinstance(code, int) else 0)


@cache
def help_texts() -> dict[str, str]:
    """Return English text -> Chinese text of the command line."""
    found: dict[str, str] = json.loads(Path(__file__).with_name("help_zh.json").read_text("utf-8"))
    return found


def paragraphs(text: str) -> list[str]:
    """Return a help text's paragraphs without their line breaks; examples keep theirs."""
    parts = [part for part in inspect.cleandoc(text).split("\n\n") if part.strip()]
    return [part if part.startswith("Example:") else " ".join(part.split()) for part in parts]


def _paragraphs(text: str | None) -> str | None:
    """Return a help text in Chinese, paragraph by paragraph; what is not known stays in English."""
    if not text:
        return text
    known = help_texts()
    return "\n\n".join(
        part.replace("Example:", known["Example:"]) if part.startswith("Example:") else known.get(part, part)
        for part in paragraphs(text)
    )


def _folding(highlight: Callable[..., Any]) -> Any:  # noqa: ANN401 (stands in for a highlighter)
    """Wrap what colours a text, so that Chinese, which has no spaces, is broken over lines and not cut off."""

    def folded(text: Any) -> Any:  # noqa: ANN401 (a string or a rich text)
        coloured = highlight(text)
        coloured.overflow = "fold"
        return coloured

    return folded


def _telling_help(make: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what makes the option --help."""

    def made(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (passed on)
        option = make(*args, **kwargs)
        if option is not None:
            option.help = _paragraphs(option.help)
        return option

    return made


def _telling_usage(make: Callable[..., str]) -> Callable[..., str]:
    """Wrap what makes the line "Usage: ..."."""

    def made(*args: Any, **kwargs: Any) -> str:  # noqa: ANN401 (passed on)
        usage = make(*args, **kwargs)
        for text in ("Usage:", "[OPTIONS]", "COMMAND [ARGS]..."):
            usage = usage.replace(text, help_texts()[text])
        return usage

    return made
