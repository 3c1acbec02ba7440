"""Equations of XMILE: names within modules, arrays spelled out, what runs over them, graphs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talent_sd.base.errors import ModelError, Problems
from talent_sd.base.language import tell
from talent_sd.model import trees
from talent_sd.model.expressions import Reader, Refused
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.syntax import kind_of, rewrite, walk
from talent_sd.model.trees import AbstractComponent, Call, Reference, SubscriptsReference, Tree, call
from talent_sd.model.xmile_functions import DIALECT

_KINDS = {"continuous": "interpolate", "extrapolate": "extrapolate", "discrete": "hold_backward"}
_REDUCERS = {"sum", "prod", "vmin", "vmax", "mean", "stddev", "size"}
_CLOCK = {"dt": "time_step", "starttime": "initial_time", "stoptime": "final_time"}
_COMPUTED = re.compile(r"[-+*/()]")
_REMARK = re.compile(r"\{[^{}]*\}")


@dataclass
class Variable:
    """A variable as the file has it, in the instance of a module."""

    node: Any
    kind: str  # stock, flow, aux, gf
    name: str  # with the module's prefix
    prefix: str
    dims: list[str]
    graph: trees.Lookups | None = None
    source: str = ""  # key of the variable that a connection gives it
    components: list[AbstractComponent] = field(default_factory=list)


class Equations:
    """The variables of one file by key, and what their equations mean.

    Parameters
    ----------
    path : of the file
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems = Problems()
        self.ranges: dict[str, tuple[str, list[str]]] = {}
        self.variables: dict[str, Variable] = {}
        self.own: Variable | None = None  # whose equation is being read

    def _say(self, node: Any, what: str) -> None:
        told = f"{self.path.name}:{node.sourceline}: {what}"
        if told not in self.problems:
            self.problems += [told]

    def _points(self, node: Any) -> trees.Lookups:
        """Return a graph's points."""
        try:
            y = _numbers(node.find("ypts"))
            scale, xs = node.find("xscale"), node.find("xpts")
            if xs is not None:
                x = _numbers(xs)
            else:
                low, high = float(scale.get("min")), float(scale.get("max"))
                x = [low + (high - low) * i / (len(y) - 1) for i in range(len(y))] if len(y) > 1 else [low]
            if len(x) != len(y) or not y:
                raise ValueError
        except (AttributeError, TypeError, ValueError):
            self._say(node, tell("a <gf> needs <ypts>, and an <xscale> or as many <xpts>. Mend it."))
            return trees.Lookups((0.0,), (0.0,))
        pairs = sorted(dict.fromkeys(zip(x, y, strict=True)), key=lambda pair: pair[0])
        kind = _KINDS.get(node.get("type", "continuous").lower(), "")
        if not kind:
            self._say(node, tell("unknown type of graph '{type}'. Use continuous, extrapolate or discrete.",
                                 type=node.get("type")))  # fmt: skip
        return trees.Lookups(tuple(a for a, _ in pairs), tuple(b for _, b in pairs), type=kind)

    def _tree(
        self,
        node: Any,
        prefix: str,
        text: str,
        variable: Variable | None = None,
        at: dict[str, str] | None = None,
    ) -> Tree:
        """Return an equation's tree, names resolved, bare arrays given their subscripts."""
        name, self.own = variable.name if variable else "", variable
        try:
            tree = Reader(_REMARK.sub(" ", text).replace("\\n", "_"), DIALECT).whole()
            return self._resolved(tree, prefix, at or {}, False)
        except Refused as refused:
            remedy = refused.reason or tell("Check its operators and parentheses.")
            self._say(node, tell("cannot read the equation of '{name}': '{text}'. {remedy}",
                                 name=name, text=" ".join(text.split())[:60], remedy=remedy))  # fmt: skip
        except ModelError as error:
            self._say(node, f"'{name}' {error}")
        return 0

    def _resolved(self, tree: Tree, prefix: str, at: dict[str, str], reduced: bool) -> Tree:
        kind = kind_of(tree)
        if kind == "Reference":
            return self._reference(tree, prefix, at, reduced)
        if kind == "Call":
            key = name_key(tree.function.reference)
            if key == "if_then_else" and _holds(tree.arguments[2]):
                condition, given, held = tree.arguments
                tree = trees.SampleIfTrue(condition, given, held.initial)
                rewrite(tree, lambda part: self._resolved(part, prefix, at, reduced))
                return tree
            if key == "lookup":
                return self._lookup(tree, prefix, at)
            if key in _REDUCERS and len(tree.arguments) == 1:
                return self._reduction(key, tree.arguments[0], prefix, at)
            own = self.variables.get(self._key(key, prefix))
            if own is not None:
                tree.function = self._reference(tree.function, prefix, at, False)
        rewrite(tree, lambda part: self._resolved(part, prefix, at, reduced))
        return tree

    def _key(self, key: str, prefix: str) -> str:
        """Return the key of the variable that a name means within a module."""
        if key.startswith("."):
            return key[1:]
        return (
            name_key(prefix + key)
            if name_key(prefix + key) in self.variables or key not in self.variables
            else key
        )

    def _reference(self, tree: Reference, prefix: str, at: dict[str, str], reduced: bool) -> Tree:
        key = self._key(name_key(tree.reference), prefix)
        if name_key(tree.reference) == "self" and key not in self.variables and self.own is not None:
            key = name_key(self.own.name)
        variable = self.variables.get(key)
        if variable is None:
            plain = name_key(tree.reference)
            dim, _, element = plain.partition(".")
            if element and dim in self.ranges:
                keys = [name_key(each) for each in self.ranges[dim][1]]
                if element in keys:
                    return float(keys.index(element) + 1)
            if plain == "pi":
                return math.pi
            if plain in {"inf", "nan"}:
                return float(plain)
            return Reference(_CLOCK.get(plain, plain), tree.subscripts)
        found = Reference(key, tree.subscripts)
        if not variable.dims:
            return found
        written = list(tree.subscripts.subscripts) if tree.subscripts else ["*"] * len(variable.dims)
        if tree.subscripts is None and not reduced:
            written = [at.get(name_key(dim), dim) for dim in variable.dims]
        elif len(written) == len(variable.dims):
            pairs = zip(written, variable.dims, strict=True)
            written = [
                self._subscript(w, d, at, reduced) if name_key(d) in self.ranges else w for w, d in pairs
            ]
        found.subscripts = SubscriptsReference(written)
        return found

    def _subscript(self, written: str, dim: str, at: dict[str, str], reduced: bool) -> str:
        written = plain(unquoted(written))
        if written.lower().startswith(f"{dim.lower()}."):
            return written[len(dim) + 1 :]
        if written == "*":
            return f"{dim}!"
        key = name_key(written)
        if key in map(name_key, self.ranges[name_key(dim)][1]):
            return written
        if key in at:
            return at[key]
        if reduced and ":" in written:
            return f"{self._slice(written, dim)}!"
        if key not in self.ranges and _COMPUTED.search(written):
            raise Refused(0, tell("A subscript is the name of an element or a range."))
        return f"{written}!" if reduced and key in self.ranges else written

    def _slice(self, written: str, dim: str) -> str:
        """Return the range of the elements from a first to a last one, made where there is none yet."""
        elements = self.ranges[name_key(dim)][1]
        keys = [name_key(each) for each in elements]
        ends = [name_key(end) for end in written.split(":")]
        # an element is meant by its name, or else by its number
        places = [keys.index(end) if end in keys else int(end) - 1 if end.isdigit() else -1 for end in ends]
        if len(places) != 2 or not 0 <= places[0] <= places[1] < len(elements):
            raise ModelError(tell("'{written}' is no part of '{dim}'. Give its first and its last element.",
                                  written=written, dim=dim))  # fmt: skip
        name = f"{dim} {places[0] + 1} to {places[1] + 1}"
        self.ranges.setdefault(name_key(name), (name, elements[places[0] : places[1] + 1]))
        return name

    def _lookup(self, tree: Call, prefix: str, at: dict[str, str]) -> Tree:
        """LOOKUP (variable with a graph, x)."""
        if len(tree.arguments) != 2 or kind_of(tree.arguments[0]) != "Reference":
            raise ModelError(tell("LOOKUP takes a variable with a graph and a number."))
        named, x = tree.arguments
        argument = self._resolved(x, prefix, at, False)
        variable = self.variables.get(self._key(name_key(named.reference), prefix))
        if variable is None:
            return Call(Reference(named.reference), (argument,))
        if written(variable.node) and variable.node.find("gf") is not None:
            return trees.InlineLookups(argument, self._points(variable.node.find("gf")))
        return Call(self._reference(named, prefix, at, False), (argument,))

    def _reduction(self, key: str, inner: Tree, prefix: str, at: dict[str, str]) -> Tree:
        """SUM, MEAN and the like of what is within, over what is starred or bare there."""
        if key == "size" and kind_of(inner) == "Reference" and name_key(inner.reference) in self.ranges:
            return float(len(self.ranges[name_key(inner.reference)][1]))
        inner = self._resolved(inner, prefix, at, True)
        over = dict.fromkeys(
            name_key(s[:-1])
            for node in trees_in(inner) if isinstance(node, Reference) and node.subscripts
            for s in node.subscripts.subscripts if s.endswith("!")
        )  # fmt: skip
        count = float(math.prod(len(self.ranges[dim][1]) for dim in over if dim in self.ranges))
        if not over:
            raise ModelError(
                tell("{function} is given no array. Star what it runs over: x[*].", function=key.upper())
            )
        if key == "size":
            return count
        if key not in {"mean", "stddev"}:
            return call(key, inner)
        mean = trees.Arithmetic(["/"], (call("sum", inner), count))
        if key == "mean":
            return mean
        square = trees.Arithmetic(["^"], (trees.Arithmetic(["-"], (inner, mean)), 2))
        return call("sqrt", trees.Arithmetic(["/"], (call("sum", square), max(count - 1, 1.0))))


def trees_in(tree: Tree) -> Iterator[Tree]:
    """Yield a tree's nodes, what calls name among them."""
    for node in walk(tree):
        yield node
        if isinstance(node, Call):
            yield node.function


def plain(name: str) -> str:
    """Return the name of a range or an element with single blanks."""
    return " ".join(name.replace("_", " ").split())


def written(node: Any, tag: str = "eqn") -> str:
    """Return the text of a node's equation, "" where there is none."""
    found = node.find(tag)
    return _REMARK.sub(" ", found.text or "").strip() if found is not None else ""


def _numbers(node: Any) -> list[float]:
    separator = node.get("sep", ",")
    return [float(part) for part in (node.text or "").split(separator) if part.strip()]


def _holds(tree: Tree) -> bool:
    """Tell whether a tree is PREVIOUS(SELF, start): with IF before it, Vensim's SAMPLE IF TRUE."""
    return (
        kind_of(tree) == "DelayFixed"
        and kind_of(tree.input) == "Reference"
        and tree.input.reference == "self"
    )
