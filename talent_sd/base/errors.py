"""What can go wrong, in the user's words.

`InputError` is the user's to mend (exit code 2, no traceback); it carries every
problem found, so that a file is mended in one pass.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from talent_sd.base.files import tellable
from talent_sd.base.language import tell

MOST = 20
"""Problems that are told of one thing; the others are counted."""
LONGEST = 1000
"""Characters of a problem."""


class TalentError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    text : what is wrong and what to do: in English, with `values` for its `{names}`, to be told in the
        user's language; without them one that is told already
    """

    def __init__(self, text: str, /, **values: object) -> None:
        _Hints.given = 0
        super().__init__(tell(text, **values) if values else text)


class InputError(TalentError):
    """One or more problems in what the user gave.

    Parameters
    ----------
    problems : one text, as in `TalentError`, or several that are told already, each complete in itself:
        ``file:line: what is wrong. What to do.``
    """

    def __init__(self, problems: str | Iterable[str], /, **values: object) -> None:
        if isinstance(problems, str) or not isinstance(problems, Iterable):
            text = str(problems)
            problems = (tell(text, **values) if values else text,)
        self.problems = tuple(
            tellable(str(text)) for text in problems
        )  # whatever names and keys they repeat: a line each
        if not self.problems:
            raise ValueError("an InputError needs at least one problem")
        super().__init__("\n".join(self.told()))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[str, ...]]]:
        """Keep every problem in a copy, and in another process."""
        return type(self), (self.problems,)

    def told(self) -> list[str]:
        """Return the problems as they are shown: the first of many, none endless, and how many more there are."""
        shown = [text if len(text) <= LONGEST else f"{text[:LONGEST]}…" for text in self.problems[:MOST]]
        more = len(self.problems) - MOST
        return (
            [*shown, tell("… and {count} more problems. Mend these first.", count=more)]
            if more > 0
            else shown
        )


class ModelError(InputError):
    """A model file that cannot be read, or a run asked of it that it cannot do."""


class TooLargeError(ModelError):
    """A model that would take more time and memory than any sound one; nothing more is looked at."""


class NotWritten(InputError):
    """Results that could not be written; says what was."""


class UnsupportedError(TalentError):
    """The native engine lacks something; names the function and the variable."""


class UnitError(TalentError):
    """Two quantities that should share a unit do not."""


class _Hints:
    """How many hints were looked for since the last error was raised."""

    given = 0


def hints_are_shown() -> bool:
    """Tell whether another hint would be read: each is looked for among all candidates, which takes time."""
    return _Hints.given <= MOST


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the candidate closest to `name`, or "".

    >>> nearest("housing_vouchers", ["housing_voucher", "cash_subsidy"])
    " Did you mean 'housing_voucher'?"
    >>> nearest("合非", ["合肥", "无锡"])
    " Did you mean '合肥'?"
    >>> nearest("zzz", ["housing_voucher"])
    ''
    """
    _Hints.given += 1
    if not hints_are_shown():
        return ""
    by_fold = {candidate.casefold(): candidate for candidate in candidates}
    # a Chinese name is short: one character in two may be mistyped
    cutoff = 0.6 if name.isascii() else 0.5
    found = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=cutoff)
    return tell(" Did you mean '{name}'?", name=by_fold[found[0]]) if found else ""


class EngineNotice(UserWarning):
    """Another engine than the native one runs the model, or its encoding was guessed; says why."""


class RangeNotice(UserWarning):
    """A variable leaves the range that the model declares, or a lookup is read beyond its points."""


class NonFiniteWarning(UserWarning):
    """A result is NaN or infinite; names variable, draw and time."""


class OddFigure(UserWarning):
    """A figure that can be, but is out of the ordinary: names file, line, figure, year and what is usual."""


class Problems(list[str]):
    """What is wrong with something, gathered so that all of it is told at once."""

    def say(self, text: str, /, **values: object) -> None:
        """Note a problem: English text with values for its `{names}`, as `tell` takes it."""
        self.append(tell(text, **values))

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Note the problems of an `InputError` raised in the block, and go on after it."""
        try:
            yield
        except InputError as error:
            self += error.problems

    def enough(self) -> bool:
        """Tell whether so much is wrong that nothing more need be looked at, and note so as the last that is told."""
        if len(told := list(dict.fromkeys(self))) < MOST:
            return False
        self[:] = [*told[: MOST - 1], tell("What comes after was not looked at. Mend these first.")]
        return True

    def refuse(self) -> None:
        """Raise an `InputError` with what was noted, each problem once; nothing if there is none."""
        if self:
            raise InputError(dict.fromkeys(self))
