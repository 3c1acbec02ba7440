"""A model's equations as MathML, written from the reader's own trees: no script, no library, every name a link."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.model.names import name_key, unquoted
from talent_sd.model.syntax import kind_of, walk

if TYPE_CHECKING:
    from markupsafe import Markup

LARGE = 1e7
"""Numbers from here on are written with a power of ten where that is shorter."""
WIDE = 80.0
"""Letters of a line; what is wider is broken at its loosest signs."""
OR, AND, COMPARED, SUMMED, WHOLE_SUM, MULTIPLIED, RAISED, CLOSED = range(8)
"""How tightly a piece holds together, from the loosest."""
SIGNS = {"*": "·", "-": "−", "<>": "≠", "<=": "≤", ">=": "≥", ":AND:": "and", ":OR:": "or", ":NOT:": "not"}
LOGIC_RANKS = {":OR:": OR, ":AND:": AND}
OPEN, CLOSE = '<mo stretchy="false">(</mo>', '<mo stretchy="false">)</mo>'
_ODD = re.compile(r"[^\w.-]")


def anchor(name: str) -> str:
    """Return the id of a variable's place in the page: its key, odd characters by their number.

    >>> anchor("Cluster Maturity"), anchor('"R&D"')
    ('v-cluster_maturity', 'v-r~26~d')
    """
    return "v-" + _ODD.sub(lambda match: f"~{ord(match[0]):x}~", name_key(name))


def letters(text: str) -> float:
    """Return how many letters wide a text is; a Chinese character counts as nearly two."""
    return sum(1.8 if unicodedata.east_asian_width(one) in "WF" else 1.0 for one in text)


@dataclass(frozen=True)
class Piece:
    """A part of an equation: its MathML, its width in letters, how tightly it holds together."""

    xml: str
    width: float
    rank: int = CLOSED


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>" if len(parts) != 1 else parts[0]


def _sign(text: str, attributes: str = "") -> Piece:
    return Piece(f"<mo{attributes}>{escape(text)}</mo>", letters(text) + 1)


def _table(rows: Iterable[Sequence[str]], kind: str) -> str:
    cells = ("".join(f"<mtd>{cell}</mtd>" for cell in row) for row in rows)
    return (
        f'<mtable class="{kind}" columnalign="left">{"".join(f"<mtr>{one}</mtr>" for one in cells)}</mtable>'
    )


def _stacked(rows: Sequence[Sequence[Piece]], rank: int) -> Piece:
    """Return rows under one another."""
    xml = _table([[_row(*(piece.xml for piece in row))] for row in rows], "lines")
    return Piece(xml, max(sum(piece.width for piece in row) for row in rows), rank)


def _held(piece: Piece, rank: int) -> Piece:
    """Return a piece in brackets if it holds less tightly than `rank`."""
    if piece.rank >= rank:
        return piece
    return Piece(_row(_bracket("(", piece.xml), piece.xml, _bracket(")", piece.xml)), piece.width + 2)


def _bracket(sign: str, inside: str) -> str:
    """Return a bracket, as high as what stands in it where that is more than a line."""
    high = "<mfrac" in inside or "<mtable" in inside
    return f"<mo>{sign}</mo>" if high else f'<mo stretchy="false">{sign}</mo>'


@dataclass(frozen=True)
class Mathematics:
    """Writes equations with a model's names.

    Parameters
    ----------
    names : key of a variable -> (name in the file, what it is called here)
    element : what an element or a range is called here
    wide : letters of a line
    """

    names: Mapping[str, tuple[str, str]]
    element: Callable[[str], str] = str
    wide: float = WIDE

    def equation(self, name: str, component: Any) -> Markup:
        """Return one equation of a variable, from its left side on.

        Parameters
        ----------
        name : as the file has it
        component : the equation's tree with the subscripts on its left
        """
        from markupsafe import Markup

        chosen, excepted = component.subscripts
        left = self._name(name, chosen)
        tree = component.ast
        kind = kind_of(tree)
        if kind == "Integ":
            start = Piece(_row(left.xml, OPEN, "<msub><mi>t</mi><mn>0</mn></msub>", CLOSE), left.width + 4)
            rate = Piece(f"<mfrac><mrow><mi>d</mi>{left.xml}</mrow><mi>dt</mi></mfrac>", left.width + 1)
            lines = [self._equal(rate, self.piece(tree.flow)), self._equal(start, self.piece(tree.initial))]
            whole = _stacked([[line] for line in lines], OR)
        elif kind == "Lookups":
            whole = self._equal(
                Piece(_row(left.xml, OPEN, "<mi>x</mi>", CLOSE), left.width + 3), self.piece(tree)
            )
        else:
            whole = self._equal(left, self.piece(tree))
        for group in excepted:
            note = f'<mtext class="except">except {escape(", ".join(map(self.element, group)))}</mtext>'
            whole = Piece(_row(whole.xml, '<mspace width="1em"/>', note), whole.width)
        # every text was escaped where it was put in
        return Markup(f'<math displaystyle="true">{whole.xml}</math>')  # noqa: S704

    def _equal(self, left: Piece, right: Piece) -> Piece:
        if left.width + right.width <= self.wide + 12:
            return Piece(_row(left.xml, "<mo>=</mo>", right.xml), left.width + right.width + 2)
        first, second = _row(left.xml, "<mo>=</mo>"), _row('<mspace width="2em"/>', right.xml)
        return Piece(_table([[first], [second]], "lines"), max(left.width, right.width + 4))

    def _fitted(self, rows: Sequence[Sequence[Piece]], rank: int) -> Piece:
        """Return pieces in one line if it is not too wide, else each group in a line of its own."""
        flat = [piece for row in rows for piece in row]
        width = sum(piece.width for piece in flat)
        if width <= self.wide or len(rows) == 1:
            return Piece(_row(*(piece.xml for piece in flat)), width, rank)
        return _stacked(rows, rank)

    # ---- pieces ------------------------------------------------------------------------------------

    def piece(self, node: Any) -> Piece:
        """Return any part of a tree."""
        kind = kind_of(node)
        made = getattr(self, f"_{kind.lower()}", None)
        if made is not None:
            found: Piece = made(node)
            return found
        if isinstance(node, str):
            return Piece(f"<mtext>{escape(node)}</mtext>", letters(node))
        if not dataclasses.is_dataclass(node):
            return Piece(f"<mtext>{escape(str(node))}</mtext>", letters(str(node)))
        parts = [getattr(node, one.name) for one in dataclasses.fields(node) if one.name != "non_negative"]
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
        return self._called(
            Piece(f"<mi>{words}</mi>", letters(words)), [part for part in parts if part is not None]
        )

    def _number(self, node: Any) -> Piece:
        value = float(node)
        text = ":NA:" if value != value else repr(abs(value)).removesuffix(".0")
        if value >= LARGE and "e" not in text:
            text = min(text, repr(float(f"{value:.17g}")), f"{value:.6e}".replace("e+", "e"), key=len)
        mantissa, _, power = text.partition("e")
        xml, width = f"<mn>{mantissa}</mn>", letters(text)
        if power:
            xml = _row(xml, f"<mo>×</mo><msup><mn>10</mn><mn>{int(power)}</mn></msup>")
        if value < 0:
            return Piece(_row("<mo>−</mo>", xml), width + 1, SUMMED)
        return Piece(xml, width)

    def _array(self, node: np.ndarray) -> Piece:
        if node.ndim == 1:
            return self._called(Piece("", 0), list(node))
        parts = [self._array(row) for row in node]
        return _stacked([[part] for part in parts], CLOSED)

    def _reference(self, node: Any) -> Piece:
        return self._name(node.reference, node.subscripts.subscripts if node.subscripts else ())

    def _name(self, name: str, subscripts: Sequence[str]) -> Piece:
        key = name_key(name)
        if key in self.names:
            shown = self.names[key][1]
            base = f'<mtext><a href="#{escape(anchor(name))}">{escape(shown)}</a></mtext>'
        else:
            shown = "t" if key == "time" else unquoted(name).replace("_", " ")
            base = f"<mi>{escape(shown)}</mi>"
        if not subscripts:
            return Piece(base, letters(shown))
        under = "<mo>,</mo>".join(self._subscript(one) for one in subscripts)
        width = letters(shown) + 0.7 * sum(letters(self.element(one)) + 1 for one in subscripts)
        return Piece(f"<msub>{base}<mrow>{under}</mrow></msub>", width)

    def _subscript(self, name: str) -> str:
        """Return a subscript; one that a sum runs over has a prime."""
        bare, runs = name.rstrip("!").strip(), name.endswith("!")
        return f'<mi data-s="{escape(name)}">{escape(self.element(bare))}{"′" * runs}</mi>'

    def _lookups(self, node: Any) -> Piece:
        points = [
            self._fitted(
                [[Piece(OPEN, 1), self._number(x), _sign(","), self._number(y), Piece(CLOSE, 2)]], CLOSED
            )
            for x, y in zip(node.x, node.y, strict=True)
        ]
        lines: list[list[Piece]] = [[]]
        for point in points:
            if sum(piece.width for piece in lines[-1]) + point.width > self.wide:
                lines.append([])
            lines[-1].append(point)
        return _stacked(lines, CLOSED) if len(lines) > 1 else Piece(_row(*(p.xml for p in points)), 1)

    def _inlinelookups(self, node: Any) -> Piece:
        return self._called(Piece("<mi>lookup</mi>", 6), [node.argument, node.lookups])

    def _arithmetic(self, node: Any) -> Piece:
        if node.operators == ["negative"]:
            operand = _held(self.piece(node.arguments[0]), MULTIPLIED)
            return Piece(_row("<mo>−</mo>", operand.xml), operand.width + 1, SUMMED)
        if node.operators[0] in "+-":
            first, *others = node.arguments
            rows = [[_held(self.piece(first), SUMMED)]]
            for sign, other in zip(node.operators, others, strict=True):
                rows.append([_sign(SIGNS.get(sign, sign)), _held(self.piece(other), WHOLE_SUM)])
            return self._fitted(rows, SUMMED)
        if node.operators[0] == "^":
            base, *exponents = map(self.piece, node.arguments)
            for exponent in exponents:
                base = _held(base, CLOSED)
                base = Piece(
                    f"<msup>{base.xml}{exponent.xml}</msup>", base.width + 0.7 * exponent.width, RAISED
                )
            return base
        return self._product(node)

    def _product(self, node: Any) -> Piece:
        above: list[Any] = [node.arguments[0]]
        below: list[Any] = []
        for sign, other in zip(node.operators, node.arguments[1:], strict=True):
            (below if sign == "/" else above).append(other)
        top = self._factors(above)
        if not below:
            return top
        under = self._factors(below)
        return Piece(f"<mfrac>{top.xml}{under.xml}</mfrac>", max(top.width, under.width), MULTIPLIED)

    def _factors(self, nodes: Sequence[Any]) -> Piece:
        if len(nodes) == 1:
            return self.piece(nodes[0])
        rows = [[_held(self.piece(nodes[0]), MULTIPLIED)]]
        rows += [[_sign(SIGNS["*"]), _held(self.piece(other), MULTIPLIED)] for other in nodes[1:]]
        return self._fitted(rows, MULTIPLIED)

    def _logic(self, node: Any) -> Piece:
        if node.operators == [":NOT:"]:
            return self._fitted(
                [[_sign("not", ' class="word"'), _held(self.piece(node.arguments[0]), SUMMED)]], AND
            )
        rank = LOGIC_RANKS.get(node.operators[0], COMPARED)
        first, *others = (_held(self.piece(argument), rank + 1) for argument in node.arguments)
        word = ' class="word"' if rank < COMPARED else ""
        rows = [[first]] + [
            [_sign(SIGNS.get(sign, sign), word), other]
            for sign, other in zip(node.operators, others, strict=True)
        ]
        return self._fitted(rows, rank)

    def _call(self, node: Any) -> Piece:
        key = name_key(node.function.reference)
        if key == "if_then_else" and len(node.arguments) == 3:
            return self._cases(node)
        if key == "sum" and len(node.arguments) == 1 and (ranges := _run_over(node.arguments[0])):
            body = _held(self.piece(node.arguments[0]), MULTIPLIED)
            under = "<mo>,</mo>".join(self._subscript(one) for one in ranges)
            return Piece(
                _row(f"<munder><mo>∑</mo><mrow>{under}</mrow></munder>", body.xml), body.width + 4, WHOLE_SUM
            )
        if key == "sqrt" and len(node.arguments) == 1:
            inner = self.piece(node.arguments[0])
            return Piece(f"<msqrt>{inner.xml}</msqrt>", inner.width + 1)
        return self._called(self._reference(node.function), node.arguments)

    def _called(self, function: Piece, arguments: Sequence[Any]) -> Piece:
        parts = [self.piece(argument) for argument in arguments]
        rows = [[part, _sign(",")] for part in parts[:-1]] + [[part] for part in parts[-1:]] or [
            [Piece("", 0)]
        ]
        inner = self._fitted(rows, CLOSED)
        brackets = (_bracket(sign, inner.xml) for sign in "()")
        xml = _row(function.xml, next(brackets), inner.xml, next(brackets))
        return Piece(xml, function.width + inner.width + 2)

    def _cases(self, node: Any) -> Piece:
        told: list[tuple[Any, Any]] = []
        other = node
        while kind_of(other) == "Call" and name_key(other.function.reference) == "if_then_else":
            condition, value, other = other.arguments
            told.append((value, condition))
        narrow = self
        for wide in (self.wide, 0.55 * self.wide):
            narrow = dataclasses.replace(self, wide=wide)
            pieces = [(narrow.piece(value), narrow.piece(condition)) for value, condition in told]
            first, second = (max(pair[place].width for pair in pieces) for place in (0, 1))
            if first + second <= self.wide:
                break
        last = narrow.piece(other)
        rows = [[one.xml, _row('<mtext class="word">if</mtext>', tested.xml)] for one, tested in pieces]
        rows.append([last.xml, '<mtext class="word">otherwise</mtext>'])
        width = max(first, last.width) + max(second, 6) + 6
        return Piece(_row("<mo>{</mo>", _table(rows, "cases")), width, OR)


def _run_over(node: Any) -> tuple[str, ...]:
    """Return the ranges that a sum's body marks with "!", in order."""
    found = [
        one.strip()
        for part in walk(node)
        if kind_of(part) == "Reference" and part.subscripts
        for one in part.subscripts.subscripts
        if one.endswith("!")
    ]
    return tuple(dict.fromkeys(found))
