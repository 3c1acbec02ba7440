"""Expressions of Vensim and XMILE files to trees, in time proportional to their length."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from talent_sd.base.errors import ModelError
from talent_sd.base.language import tell
from talent_sd.model.trees import (
    Arithmetic,
    Call,
    InlineLookups,
    Logic,
    Lookups,
    Reference,
    SubscriptsReference,
    Tree,
    call,
)

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_QUOTED = r'"(?:\\"|[^"])*"'
_PAIR = re.compile(rf"\(\s*([+-]?{_NUMBER})\s*,\s*([+-]?{_NUMBER})\s*\)\s*,")
_PAIRS = re.compile(rf"(?:{_PAIR.pattern}\s*)+".replace(rf"([+-]?{_NUMBER})", rf"[+-]?{_NUMBER}"))
_INSIDE = re.compile(rf"((?:{_QUOTED}|[^\[\]()\"])*)\]")
_COMMA = re.compile(rf"{_QUOTED}|,")
_RANKS = {":OR:": 0, ":AND:": 1, "=": 2, "<>": 2, "<=": 2, "<": 2, ">=": 2, ">": 2, "+": 3, "-": 3,
          "*": 4, "/": 4, "//": 4, "MOD": 4, "^": 5}  # fmt: skip
_LOGIC = frozenset({":OR:", ":AND:", "=", "<>", "<=", "<", ">=", ">"})
DEEPEST = 100
"""Brackets within brackets that an equation may have."""


@dataclass(frozen=True)
class Dialect:
    """How one language writes expressions.

    `words` turns its own signs into those of the tree; `functions` makes the trees of calls that are
    more than a call, by the function's key; of an operator that is one, by its sign.
    """

    token: re.Pattern[str]
    words: Mapping[str, str]
    functions: Mapping[str, Callable[..., Tree]]


def token_pattern(name: str, signs: str) -> re.Pattern[str]:
    """Return what reads one token: number, name, text or sign."""
    return re.compile(
        rf"[\s\\]*(?:(?P<number>{_NUMBER}(?!\w))|(?P<name>{_QUOTED}|{name})|(?P<text>'[^']*')|(?P<sign>{signs}))"
    )


def split_outside_quotes(text: str) -> list[str]:
    """Return the parts between commas, those within quotes left alone.

    >>> split_outside_quotes('a, "b, c",d')
    ['a', ' "b, c"', 'd']
    """
    if '"' not in text:
        return text.split(",")
    parts, start = [], 0
    for found in _COMMA.finditer(text):
        if found[0] == ",":
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]


class Refused(Exception):
    """An expression that cannot be read; `position` is where in its text."""

    def __init__(self, position: int, reason: str = "") -> None:
        super().__init__(reason)
        self.position, self.reason = position, reason


class Reader:
    """Reads one expression.

    Parameters
    ----------
    text : of the expression; line breaks are blanks
    dialect : the language
    outputs : takes the further outputs of a macro: (call, [references behind ":"])
    commas : takes the places of commas that are missing between arguments; None: refuse such
    """

    def __init__(
        self, text: str, dialect: Dialect, outputs: Callable[[Call, list[Tree]], None] | None = None,
        commas: list[int] | None = None,
    ) -> None:  # fmt: skip
        self.text, self.dialect, self.outputs, self.commas = text, dialect, outputs, commas
        self.position = self.start = self.depth = 0
        self.kind = self.value = ""
        self._next()

    # ---- tokens ------------------------------------------------------------------------------------

    def _next(self) -> None:
        match = self.dialect.token.match(self.text, self.position)
        if match is None:
            self.start = self.position
            if self.text[self.position :].strip():
                raise Refused(self.position)
            self.kind = self.value = ""
            return
        self.position, self.kind = match.end(), match.lastgroup or ""
        self.start = match.start(self.kind)
        value = match[self.kind]
        word = self.dialect.words.get(value.upper()) if self.kind in {"name", "sign"} else None
        if word is not None:
            self.kind, value = "sign", word
        self.value = value

    def _take(self, *signs: str) -> str:
        """Return the sign at hand if it is one of these, and go on; else ""."""
        if self.kind != "sign" or self.value not in signs:
            return ""
        found = self.value
        self._next()
        return found

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise Refused(self.start)

    def bracket(self) -> None:
        """Go past an opening bracket."""
        self._expect("(")

    def finish(self) -> None:
        """Refuse what is left."""
        if self.kind:
            raise Refused(self.start)

    # ---- whole right-hand sides ----------------------------------------------------------------------

    def whole(self) -> Tree:
        """Return the tree of an expression, or the array of a list of numbers."""
        found = self._array() if re.match(rf"\s*[+-]?\s*{_NUMBER}\s*[,;]", self.text) else self._either()
        self.finish()
        return found

    def _array(self) -> np.ndarray:
        rows: list[list[float]] = [[]]
        while self.kind:
            rows[-1].append(self._signed())
            if self._take(";"):
                rows.append([])
            elif not self._take(","):
                break
        rows = [row for row in rows if row]
        if len({len(row) for row in rows}) != 1:
            raise Refused(self.start)
        return np.squeeze(np.array(rows, float))

    def _signed(self) -> float:
        sign = self._take("-", "+")
        if self.kind != "number":
            raise Refused(self.start)
        value = float(self.value)
        self._next()
        return -value if sign == "-" else value

    def points(self) -> Lookups:
        """Return the points of a lookup, from behind its opening bracket to the closing one.

        Vensim's older form lists all x, then all y.
        """
        self._skip_limits()
        pairs = self._plain_pairs()
        plain: list[float] = []
        while not self._take(")"):
            if self._take("("):
                x = self._signed()
                self._expect(",")
                pairs.append((x, self._signed()))
                self._expect(")")
            else:
                plain.append(self._signed())
            self._take(",")
        if plain and not pairs and len(plain) % 2 == 0:
            half = len(plain) // 2
            pairs, plain = list(zip(plain[:half], plain[half:], strict=True)), []
        if plain or not pairs:
            raise Refused(self.start, tell("A lookup has as many x as y."))
        pairs = sorted(dict.fromkeys(pairs), key=lambda pair: pair[0])
        return Lookups(tuple(x for x, _ in pairs), tuple(y for _, y in pairs))

    def _plain_pairs(self) -> list[tuple[float, float]]:
        """Return the points from the bracket at hand on, all but the last, and go on to that one."""
        match = _PAIRS.match(self.text, self.start)
        if match is None:
            return []
        self.position = match.end()
        self._next()
        return [(float(x), float(y)) for x, y in _PAIR.findall(match[0])]

    def _skip_limits(self) -> None:
        if not self._take("["):
            return
        while self.kind and not self._take("]"):
            if self.kind not in {"number", "sign"}:
                raise Refused(
                    self.start, tell("Its limits are not numbers. Write [(xmin,ymin)-(xmax,ymax)].")
                )
            self._next()
        self._take(",")

    # ---- expressions -------------------------------------------------------------------------------

    def _either(self, least: int = 0) -> Tree:
        """Return an expression of operators of a rank of at least `least`, the tightest 6."""
        self.depth += 1
        if self.depth > DEEPEST:
            reason = tell("It has more than {deepest} brackets within brackets.", deepest=DEEPEST)
            raise Refused(self.start, reason)
        operators: list[str] = []
        operands, at = [self._prefixed()], -1
        while self.kind == "sign" and (rank := _RANKS.get(self.value, -1)) >= least:
            if operators and rank != at:
                operands, operators = [self._joined(operators, operands)], []
            operators.append(self.value)
            at = rank
            self._next()
            operands.append(self._either(rank + 1))
        self.depth -= 1
        return self._joined(operators, operands)

    def _joined(self, operators: list[str], operands: list[Tree]) -> Tree:
        if not operators:
            return operands[0]
        if operators[0] in _LOGIC:
            return _compared(operators, operands)
        special = next((n for n, sign in enumerate(operators) if sign in self.dialect.functions), None)
        if special is None:
            return Arithmetic(operators, tuple(operands))
        left = self._joined(operators[:special], operands[: special + 1])
        left = self.dialect.functions[operators[special]](left, operands[special + 1])
        return self._joined(operators[special + 1 :], [left, *operands[special + 2 :]])

    def _prefixed(self) -> Tree:
        """A sign before a power is applied last: -2^2 is -4, and 2^-1 a half."""
        if self._take("IF"):
            condition = self._either()
            self._expect("THEN")
            first = self._either()
            self._expect("ELSE")
            return call("if_then_else", condition, first, self._either())
        if self._take(":NOT:"):
            return Logic([":NOT:"], (self._either(_RANKS["="]),))
        sign = self._take("-", "+")
        if not sign:
            return self._single()
        operand = self._either(_RANKS["^"])
        if sign == "+":
            return operand
        return -operand if isinstance(operand, (int, float)) else Arithmetic(["negative"], (operand,))

    def _single(self) -> Tree:
        kind, value, start = self.kind, self.value, self.start
        if self._take("("):
            found = self._either()
            self._expect(")")
            return found
        if self._take(":NA:"):
            return float("nan")
        if kind == "number":
            self._next()
            return int(value) if value.isdigit() else float(value)
        if kind != "name":
            raise Refused(start)
        self._next()
        return self._named(value)

    def _named(self, name: str) -> Tree:
        spelled = " ".join(name.replace("_", " ").split()) if name[0] != '"' else name
        key = spelled.lower().replace(" ", "_")
        if key == "tabbed_array" and self._take("("):
            return self._tabbed()
        subscripts = self._subscripts()
        if not self._take("("):
            return Reference(key, subscripts)
        if key == "with_lookup":
            argument = self._either()
            self._expect(",")
            self._expect("(")
            points = self.points()
            self._expect(")")
            return InlineLookups(argument, points)
        made = Call(Reference(key, subscripts), ())
        made.arguments = self._arguments(made)
        return self._made(made, key, subscripts)

    def _made(self, made: Call, key: str, subscripts: Any) -> Tree:
        form = self.dialect.functions.get(key)
        if form is None or subscripts is not None:
            return made
        try:
            return form(*made.arguments)
        except (TypeError, KeyError):
            title = key.replace("_", " ").upper()
            given = len(made.arguments)
            raise ModelError(
                "gives {title} {given} arguments, which it does not take.", title=title, given=given
            ) from None

    def _subscripts(self) -> SubscriptsReference | None:
        if not (self.kind == "sign" and self.value == "["):
            return None
        match = _INSIDE.match(self.text, self.position)
        if match is None:
            raise Refused(self.start, tell("A subscript is the name of an element or a range."))
        inside = [part.strip() for part in split_outside_quotes(match[1])]
        if not all(inside):
            raise Refused(self.start)
        self.position = match.end()
        self._next()
        return SubscriptsReference(inside)

    def _arguments(self, made: Call) -> tuple[Tree, ...]:
        found: list[Tree] = []
        while not self._take(")"):
            if self.kind == "text":
                found.append(self.value[1:-1])
                self._next()
            else:
                found.append(self._either())
            if self._take(":") and self.outputs is not None:
                self.outputs(made, list(self._arguments(made)))
                break
            if not self._take(",") and not (self.kind == "sign" and self.value == ")"):
                if self.commas is None or (self.kind == "sign" and self.value != "("):
                    raise Refused(self.start)
                self.commas.append(self.start)
        return tuple(found)

    def _tabbed(self) -> np.ndarray:
        end = self.text.find(")", self.start)
        numbers = self.text[self.start : end].split()
        try:
            found = np.array([float(number) for number in numbers])
        except ValueError:
            raise Refused(self.start) from None
        self.position = end
        self._next()
        self._expect(")")
        return found


def _compared(operators: list[str], operands: list[Tree]) -> Logic:
    """Join by signs of logic. "x = :NA:" asks whether x has a value; a NaN alone differs from itself."""
    if len(operators) == 1 and operators[0] in _ASKS:
        missing = [isinstance(x, float) and x != x for x in operands]
        if any(missing):
            x = operands[missing.index(False)] if False in missing else operands[0]
            return Logic([_ASKS[operators[0]]], (x, x))
    return Logic(operators, tuple(operands))


_ASKS = {"=": "<>", "<>": "="}
