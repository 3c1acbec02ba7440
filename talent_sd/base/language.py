"""What the program says, in the user's language or in a given one.

A text stands in the code in English; the catalogue (`locale/zh/LC_MESSAGES/talent_sd.po`, read as
`.mo`) holds the same in Chinese, so that the code stays readable and no text is kept twice.
`.ci/translations.py` brings the catalogue up to date with the code.
"""

from __future__ import annotations

import gettext
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from pathlib import Path

from talent_sd.base.files import tellable

LANGUAGES = ("en", "zh")
VARIABLE = "TALENT_SD_LANG"
"""Environment variable that chooses the language where nothing else does."""
CONTEXT = "\x04"
"""Parts a context from its text, as gettext has it."""
LOCALE = Path(__file__).with_name("locale")

_chosen: ContextVar[str | None] = ContextVar("language", default=None)


def language() -> str:
    """Return the user's language: the one set, else the environment's, else English."""
    return _chosen.get() or _known(os.environ.get(VARIABLE, "")) or "en"


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Make a language the user's within the block."""
    before = _chosen.set(lang)
    try:
        yield
    finally:
        _chosen.reset(before)


def language_of_environment() -> str:
    """Return the language that the environment asks a program for: its own variable, else the locale."""
    names = (VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG")
    asked = next((value for name in names if (value := os.environ.get(name))), "")
    return _known(asked) or "en"


def tell(template: str, lang: str | None = None, /, **values: object) -> str:
    """Return a text in a language, its `{names}` filled in.

    Parameters
    ----------
    template : the English text; a literal here, or one that `N_` marked elsewhere
    lang : the user's by default
    values : what is filled in; of a path, what any terminal can show

    Raises
    ------
    KeyError
        If a `{name}` gets no value.

    >>> tell("unknown policy '{name}'.{hint}", name="cash", hint="")
    "unknown policy 'cash'."
    >>> with speaking("zh"):
    ...     tell("unknown policy '{name}'.{hint}", name="cash", hint="")
    '没有名为“cash”的政策。'
    >>> tell("since {year}", "zh", year=2024)
    '较2024年'
    """
    return translated(template, lang).format(**{name: _filled_in(value) for name, value in values.items()})


def _filled_in(value: object) -> object:
    if isinstance(value, Path):
        return tellable(str(value))
    return value if isinstance(value, _Apart) or not isinstance(value, float) else _Rounded(value)


EXACT = Context(prec=400, rounding=ROUND_HALF_UP)


def fixed(value: float, decimals: int = 0, sign: str = "") -> str:
    """Write a number with so many decimals; halves go away from zero, as in the page. "−0" is 0.

    Parameters
    ----------
    sign : "+" for the sign of what is positive too, "," to part thousands, "+," for both

    >>> fixed(98.5), fixed(-2.5), fixed(0.125, 2), fixed(0.985, 2), fixed(-0.4), fixed(1234.5, 0, "+,")
    ('99', '-3', '0.13', '0.98', '0', '+1,235')
    """
    if not math.isfinite(value):
        return f"{value:{sign}.0f}"
    number = EXACT.quantize(Decimal(float(value)), Decimal((0, (1,), -decimals)))
    return f"{number:{sign}f}" if number else f"{abs(number):f}"


NOTHING = 1e-4
"""What is smaller than this, relative to the numbers beside it, is written as 0."""


def digits(value: float, significant: int = 3, beside: float = 0.0) -> str:
    """Write a number to so many significant digits, no exponent, a comma at thousands.

    Parameters
    ----------
    beside : the largest of the numbers it stands beside; next to it, next to nothing is 0

    >>> digits(1234.5), digits(12.345), digits(0.012345), digits(-3.0), digits(0.0)
    ('1,235', '12.3', '0.0123', '−3.00', '0')
    >>> digits(0.0000475, beside=9.7)
    '0'
    >>> digits(float("nan"))
    '–'
    """
    if not math.isfinite(value):
        return "–"
    if abs(value) <= NOTHING * abs(beside):
        return "0"
    decimals = max(0, significant - 1 - Decimal(repr(float(value))).adjusted())
    text = fixed(value, min(decimals, 9), ",").replace("-", "−")
    return text if value and re.search("[1-9]", text) else "0"


def percent(change: float, lang: str = "") -> str:
    r"""Write a relative change with its sign, in a language as it parts numbers from their unit: it never breaks there.

    >>> percent(0.0512), percent(-0.2), percent(0.0), percent(1.5)
    ('+5.1 %', '−20.0 %', '0.0 %', '+150 %')
    >>> percent(0.0007), percent(0.00104), percent(-0.0087), percent(0.00001), percent(1e-9)
    ('+0.07 %', '+0.10 %', '−0.87 %', '+0.001 %', '0.0 %')
    >>> percent(0.054, "en"), percent(0.054, "zh"), percent(float("nan"), "zh")
    ('+5.4\xa0%', '+5.4%', '–')
    """
    if not math.isfinite(change):
        return "–"
    size = abs(change) * 100
    # below 1 % two decimals, so that small ones can be told apart; what is smaller keeps a digit, and so its sign
    decimals = next((n for n in (0, 1, 2, 3) if size >= (99.95, 0.995, 0.005, 0.0005)[n]), 1)
    text = fixed(change * 100, decimals, "+")
    gap = {"en": "\N{NO-BREAK SPACE}", "zh": ""}.get(lang, " ")
    return f"{text.replace('-', '−')}{gap}%"


class _Rounded(float):
    """A number whose halves go away from zero in a text, with ".1f" as `fixed` does and with ".3g".

    >>> f"{_Rounded(2.125):.3g} {_Rounded(-0.5):.0f} {_Rounded(1250):,.2g} {_Rounded(0.0):.3g} {_Rounded(1.5)}"
    '2.13 -1 1.3e+03 0 1.5'
    """

    def __format__(self, spec: str) -> str:
        asked = re.fullmatch(r"([+,]*)\.(\d)([fg])", spec)
        if asked is None or not math.isfinite(self):
            return super().__format__(spec)
        if asked[3] == "f":
            return fixed(self, int(asked[2]), asked[1])
        number = Decimal(float(self))
        last = Decimal((0, (1,), number.adjusted() - int(asked[2]) + 1))
        return f"{float(EXACT.quantize(number, last)):{spec}}"


class _Apart(float):
    """A number that a text shows with as many digits as part it from others, however few are asked for."""

    others: tuple[float, ...] = ()

    def __format__(self, spec: str) -> str:
        number, least = float(self), int(spec[1:-1]) if spec.startswith(".") else 6
        for digits in range(least, 18):
            told = f"{number:.{digits}g}"
            if not any(told == f"{other:.{digits}g}" for other in self.others if other != number):
                break
        return told


def apart(**numbers: float) -> Mapping[str, float]:
    """Return numbers for a text that tells them by "g" or ".4g", with as many digits as part them.

    >>> "{value:g} is above {high:g}".format(**apart(value=1.00000001, high=1))
    '1.00000001 is above 1'
    >>> "{value:g} is above {high:g}".format(**apart(value=2.123456789, high=1))
    '2.12346 is above 1'
    """
    told = {name: _Apart(number) for name, number in numbers.items()}
    for number in told.values():
        number.others = tuple(map(float, numbers.values()))
    return told


def N_(text: str, context: str = "") -> str:
    """Mark an English text for the catalogue that is told later: `tell` takes what this returns.

    Parameters
    ----------
    context : where it stands, if the same English is another text in Chinese elsewhere

    >>> tell(N_("Loop", "notebook"), "zh"), tell(N_("Loop"), "zh"), tell(N_("Loop", "notebook"), "en")
    ('回路', '循环', 'Loop')
    """
    return f"{context}{CONTEXT}{text}" if context else text


def translated(template: str, lang: str | None = None) -> str:
    """Return a text as the catalogue has it, its `{names}` not filled in; one that it lacks as it is."""
    lang = lang or language()
    if lang != "en":
        template = _catalogue(lang).gettext(template)
    return template.rpartition(CONTEXT)[2]


def listed(items: Iterable[object]) -> str:
    """Return items one after the other, parted as the user's language does.

    >>> listed(["from", "until"])
    'from, until'
    """
    parts = (tellable(str(item)) if isinstance(item, Path) else str(item) for item in items)
    return ("、" if language() == "zh" else ", ").join(parts)


def foreign(text: str) -> str:
    """Return a text of the system or of a library in the user's language.

    One that the catalogue lacks stays as it is: better the reason in English than none.

    >>> with speaking("zh"):
    ...     foreign("Permission denied"), foreign("found undefined alias 'x'"), foreign("something new")
    ('没有权限', "引用了未定义的别名 'x'", 'something new')
    """
    if language() == "en":
        return text
    for pattern, told in _foreign(language()):
        found = pattern.fullmatch(text)
        if found:
            return told.format(*map(foreign, found.groups()))
    return text


def reason_of(error: OSError | ValueError) -> str:
    """Return why the system refused, in the user's language."""
    return foreign(getattr(error, "strerror", None) or str(error))


@cache
def _foreign(lang: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return patterns of others' texts, `{0}` being what varies, with their translation."""
    return tuple(
        (
            re.compile(re.sub(r"\\{\d\\}", "(.+)", re.escape(line)), re.IGNORECASE | re.DOTALL),
            translated(N_(line, "foreign"), lang),
        )
        for line in (LOCALE / "foreign.txt").read_text("utf-8").splitlines()
    )


@cache
def _catalogue(lang: str) -> gettext.NullTranslations:
    return gettext.translation("talent_sd", LOCALE, [lang])


def _known(name: str) -> str:
    """Return "zh" for "zh", "zh_CN.UTF-8" and the like, "" for a language without a catalogue."""
    short = name.casefold().replace("-", "_").split(".")[0].split("_")[0]
    return short if short in LANGUAGES else ""
