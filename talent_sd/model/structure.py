"""What a model consists of: variables, ranges, time; read once and kept in a cache."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from talent_sd.base.errors import ModelError, Problems, nearest
from talent_sd.base.language import N_, listed, tell
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.subscripts import Subscripts
from talent_sd.model.syntax import fixed_value, kind_of, references, walk
from talent_sd.model.translate import Source

Kind = Literal["constant", "stock", "auxiliary", "lookup", "data", "time"]
KINDS: dict[str, str] = {
    "constant": N_("constant"), "stock": N_("stock"), "auxiliary": N_("auxiliary"), "lookup": N_("lookup"),
    "data": N_("data"), "time": N_("time"),
}  # fmt: skip
TIME_NAMES = ("INITIAL TIME", "FINAL TIME", "TIME STEP", "SAVEPER")
_CITATION = re.compile(r"\[([^\[\]]+)\]")
_CITATION_ID = re.compile(r"[A-Z]\w*")
# What makes an equation without variables still move with time or chance.
_MOVING_CALLS = re.compile(r"^(x?(step|pulse|pulse_train|ramp)|random_.*|get_time_value)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a model.

    `limits` are (lowest, highest), None where open. `dims` are subscript ranges,
    `depends_on` the names of direct causes, `citations` the ids in the
    documentation ("[E08, E10]"), `line` where its equation starts (0: unknown).
    """

    name: str
    kind: Kind
    unit: str = ""
    doc: str = ""
    limits: tuple[float | None, float | None] = (None, None)
    dims: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()
    group: str = ""
    depends_on: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True)
class Structure:
    """A model's variables by name, subscript ranges, and file.

    `subscripts` gives each range's elements; `time` the values of INITIAL TIME, FINAL TIME,
    TIME STEP and SAVEPER, where they are numbers; `notices` what was guessed in reading. Names are those of the
    file, without quotes.
    """

    path: str
    sha256: str
    variables: dict[str, Variable]
    subscripts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    time: dict[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {name_key(name): name for name in self.variables})

    def __getitem__(self, name: str) -> Variable:
        """Return a variable; case, spaces, underscores and quotes do not matter.

        Raises
        ------
        ModelError
            If there is none, with the nearest name.
        """
        found = self.find(name)
        if found is None:
            raise ModelError(
                "{file}: no variable '{name}'.{hint}",
                file=Path(self.path).name,
                name=name,
                hint=nearest(name, self.variables),
            )
        return found

    def find(self, name: str) -> Variable | None:
        """Return a variable, None if there is none of that name."""
        known: dict[str, str] = self._by_key  # type: ignore[attr-defined]
        exact = self.variables.get(name)
        return exact if exact is not None else self.variables.get(known.get(name_key(name), ""))

    def coordinates(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return a variable's dimensions and their elements."""
        return {dim: self.subscripts[dim] for dim in self[name].dims}

    def place(self, name: str) -> str:
        """Return "file:line" of a variable."""
        line = self[name].line
        return f"{Path(self.path).name}:{line}" if line else Path(self.path).name


def build_structure(source: Source) -> Structure:
    """Return the structure of a translated model.

    Raises
    ------
    ModelError
        If a subscript is unknown or two variables share a name.
    """
    section = source.model.sections[0]
    subscripts = Subscripts(section.subscripts, source.mappings, source.place)
    known = {name_key(element.name): unquoted(element.name) for element in section.elements}
    macros = {name_key(macro.name) for macro in source.model.sections[1:]}
    variables: dict[str, Variable] = {}
    found: set[str] = set()
    problems = Problems()
    for element in section.elements:
        try:
            variable = _variable(element, source, subscripts, known, macros)
        except ModelError as error:
            problems += [
                f"{source.place(element.name)}: '{unquoted(element.name)}': {p}" for p in error.problems
            ]
            continue
        if name_key(variable.name) in found:
            problems.say(
                "{place}: '{variable_name}' is defined twice. Remove one.",
                place=source.place(element.name), variable_name=variable.name,
            )  # fmt: skip
        found.add(name_key(variable.name))
        variables[variable.name] = variable
    if problems:
        raise ModelError(problems)
    return Structure(
        str(source.path), source.sha256, variables, subscripts.ranges, _time_settings(section), source.notices
    )


def _time_settings(section: Any) -> dict[str, float]:
    trees = {name_key(element.name): element.components[0].ast for element in section.elements}
    values = {
        name: fixed_value(trees[name_key(name)], trees) for name in TIME_NAMES if name_key(name) in trees
    }
    return {name: value for name, value in values.items() if value is not None}


def _variable(
    element: Any, source: Source, subscripts: Subscripts, known: dict[str, str], macros: set[str]
) -> Variable:
    key = name_key(element.name)
    doc = " ".join(element.documentation.replace("\\", " ").split())
    causes = (name_key(ref.reference) for part in element.components for ref in references(part.ast))
    return Variable(
        name=unquoted(element.name),
        kind=_kind(element, known, macros),
        unit=" ".join(element.units.split()),
        doc=doc,
        limits=_limits(element.limits),
        dims=variable_dims(element, subscripts),
        citations=find_citations(doc),
        group=source.groups.get(("", key), ""),
        depends_on=tuple(dict.fromkeys(known[cause] for cause in causes if cause in known)),
        line=source.lines.get(("", key), 0),
    )


def find_citations(doc: str) -> tuple[str, ...]:
    """Return the ids cited in a documentation text, in order, once each.

    >>> find_citations("Falls with maturity [E08, E10]; see [A12] and [note].")
    ('E08', 'E10', 'A12')
    """
    found: dict[str, None] = {}
    for bracket in _CITATION.findall(doc):
        ids = [part.strip() for part in re.split(r"[,;]", bracket)]
        if all(_CITATION_ID.fullmatch(one) for one in ids):
            found |= dict.fromkeys(ids)
    return tuple(found)


def _limits(limits: Iterable[float | None] | None) -> tuple[float | None, float | None]:
    low, high = (list(limits or ()) + [None, None])[:2]
    return low, high


def _kind(element: Any, known: dict[str, str], macros: set[str]) -> Kind:
    if name_key(element.name) in {name_key(name) for name in TIME_NAMES}:
        return "time"
    types = {type(component).__name__ for component in element.components}
    if "AbstractLookup" in types:
        return "lookup"
    if "AbstractData" in types:
        return "data"
    trees = [component.ast for component in element.components]
    if any(kind_of(tree) == "Integ" for tree in trees):
        return "stock"
    return "constant" if all(is_fixed(tree, known, macros) for tree in trees) else "auxiliary"


def is_fixed(tree: Any, known: Container[str], macros: Container[str]) -> bool:
    """Return whether an equation holds numbers only: no variable, no time, no chance, no state."""
    for node in walk(tree):
        kind = kind_of(node)
        if kind == "Call":
            name = name_key(node.function.reference)
            if name in known or name in macros or _MOVING_CALLS.match(name):
                return False
        elif kind == "Reference":
            if name_key(node.reference) in known or name_key(node.reference) == "time":
                return False
        elif kind not in {"number", "array", "Arithmetic", "Logic", "Game"}:
            return False
    return True


def variable_dims(element: Any, subscripts: Subscripts) -> tuple[str, ...]:
    """Return the subscript ranges that a variable spans, all its partial definitions together.

    Raises
    ------
    ModelError
        If a subscript is unknown, two definitions are of the same elements, or definitions differ in
        their number of subscripts.
    """
    sides = [component.subscripts for component in element.components]
    if any(side in sides[:number] for number, side in enumerate(sides)):
        raise ModelError(tell("is defined twice. Remove one."))
    left = [side[0] for side in sides]
    if len({len(subs) for subs in left}) > 1:
        raise ModelError(tell("its definitions have different numbers of subscripts. Give each the same."))
    dims: list[str] = []
    for used in zip(*left, strict=True):
        elements = list(dict.fromkeys(e for subscript in used for e in subscripts.choices(subscript)))
        dim = subscripts.dimension(used, elements, dims)
        if dim is None:
            raise ModelError(
                "no subscript range holds all of {elements}. Define one.", elements=listed(elements)
            )
        dims.append(dim)
    return tuple(dims)
