"""The named feedback loops of a model: read from `loops.yaml`, checked against the model's own equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import listed, tell
from talent_sd.inputs.file_schemas import Part, Words
from talent_sd.inputs.schema_problems import validate
from talent_sd.inputs.settings import LOOP_SWITCH
from talent_sd.inputs.strict_yaml import Node, read_yaml, shown
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.syntax import kind_of, references, walk

if TYPE_CHECKING:
    from talent_sd.loops.loop_scores import Route
    from talent_sd.model.structure import Structure
    from talent_sd.model.translate import Source

Polarity = Literal["R", "B"]
RunPolarity = Literal["R", "B", "U"]
"""Of a loop in a run: U where its sign turns on the way, as when growth nears a limit."""
Point = Annotated[
    tuple[float, float], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
]


class Either(Part):
    """A place where a loop runs along each of several segments."""

    any: list[str] = Field(min_length=1, description="Names of segments")


class LoopEntry(Part):
    """One named loop."""

    polarity: Polarity = Field(description="R reinforcing, B balancing")
    label: Words = Field(description="Name on plots and in tables")
    story: Words = Field(description="One sentence for a reader who has not seen the model")
    closes: str = Field(min_length=1, description="The link that the loop's switch cuts")
    passes: list[list[str | Either]] = Field(
        min_length=1, description="Variables in order, each moving the next"
    )
    at: Point | None = Field(None, description="Where the loop's sign stands in the diagram")


class NodeEntry(Part):
    """A variable's place in the diagram."""

    at: Point = Field(description="x from 0 to 100, y from 0 to 70 upwards")
    label: Words | None = Field(None, description="Its name there, where the model's label is too long")
    also: list[str] = Field(default_factory=list, description="Variables that it stands for too")


class DiagramEntry(Part):
    """The causal-loop diagram."""

    nodes: dict[str, NodeEntry] = Field(min_length=2, description="The variables shown")
    bends: dict[str, float] = Field(
        default_factory=dict, description="'cause > effect': how far its arrow bows, to the left above 0"
    )


class LoopFile(Part):
    """A file of named loops."""

    segments: dict[str, list[str]] = Field(default_factory=dict, description="Parts that loops share")
    loops: dict[str, LoopEntry] = Field(min_length=1)
    diagram: DiagramEntry | None = None


@dataclass(frozen=True)
class NamedLoop:
    """A loop with a name.

    `routes` are the circles of variables it stands for; its score is the sum of theirs.
    A loop named by hand is R or B; one found in a run may be U.
    """

    name: str
    polarity: RunPolarity
    label: Mapping[str, str]
    story: Mapping[str, str]
    closes: str
    routes: tuple[Route, ...]
    at: tuple[float, float] | None = None


@dataclass(frozen=True)
class DiagramLayout:
    """Where variables stand in the diagram, what they are called there, and how arrows bow.

    `shown_as` leads from every variable shown to its node: itself, or the one that stands for it too.
    """

    nodes: Mapping[str, tuple[float, float]]
    shown_as: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    bends: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class LoopNames:
    """The named loops of a model, in the file's order, their picture, and the variables that follow their causes in time."""

    loops: tuple[NamedLoop, ...]
    layout: DiagramLayout | None = None
    late: frozenset[str] = frozenset()


SPANS = frozenset({"time", "lag", "delay", "duration"})
"""Words that the name of a constant of years has if it says over which time something happens."""


def late_variables(structure: Structure) -> frozenset[str]:
    """Return the variables whose equations hold a time over which they follow, as a constant named for it."""
    held = structure.variables.values()
    years = {one.name for one in held if one.unit == "year" and one.kind == "constant"}
    times = {name for name in years if SPANS & set(name.split())}
    return frozenset(one.name for one in held if times & set(one.depends_on))


def read_loops(structure: Structure, path: str | Path | None = None) -> LoopNames:
    """Read a file of named loops and check it against a model.

    Parameters
    ----------
    structure : of the model
    path : of the file; default: the shipped `models/loops.yaml`

    Raises
    ------
    InputError
        With every problem: unknown variables and segments, steps that are no link of the
        model, switches without a loop and loops without a switch; ``file:line: what. remedy``.
    """
    file = Path(path) if path is not None else shipped_folder("models") / "loops.yaml"
    tree = read_yaml(file)
    entry = validate(LoopFile, tree, shown(file))
    checker = _Checker(structure, entry, tree, shown(file))
    loops = tuple(checker.loop(name) for name in entry.loops)
    checker.switches()
    layout = checker.layout()
    if checker.problems:
        raise InputError(checker.problems)
    return LoopNames(loops, layout, late_variables(structure))


def cut_links(source: Source) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return loop -> each variable whose equation reads the loop's switch -> what it carries in place of the loop at 0.

    That is what the equation multiplies by one less the switch.
    """
    names = {name_key(one.name): unquoted(one.name) for one in source.model.sections[0].elements}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for element in source.model.sections[0].elements:
        for node in (node for part in element.components for node in walk(part.ast)):
            if kind_of(node) != "Arithmetic" or not set(node.operators) <= {"*"}:
                continue
            first, *rest = node.arguments
            if kind_of(first) != "Arithmetic" or list(first.operators) != ["-"]:
                continue
            switch = first.arguments[-1]
            if kind_of(switch) == "Reference" and name_key(switch.reference) == name_key(LOOP_SWITCH):
                told = tuple(names[name_key(one.reference)] for part in rest for one in references(part))
                found.setdefault(switch.subscripts.subscripts[0], {})[unquoted(element.name)] = told
    return found


class _Checker:
    """Turns entries into loops and notes what is wrong, with its line."""

    def __init__(self, structure: Structure, entry: LoopFile, tree: Node, name: str) -> None:
        self.structure, self.entry, self.tree, self.name = structure, entry, tree, name
        self.problems: list[str] = []

    def problem(self, where: tuple[object, ...], text: str) -> None:
        """Note a problem of a place in the file."""
        self.problems.append(f"{self.name}:{self.tree.find(where).line}: {text}")

    def loop(self, name: str) -> NamedLoop:
        """Return a named loop whose every link is one of the model."""
        entry = self.entry.loops[name]
        routes: list[Route] = []
        for place, steps in enumerate(entry.passes):
            where = ("loops", name, "passes", place)
            for route in self._routes(steps, where):
                if self._known(route, where):
                    self._check_route(name, route, where)
                    routes.append(route)
        if (
            self._known((entry.closes,), ("loops", name, "closes"))
            and routes
            and not any(entry.closes in route for route in routes)
        ):
            self.problem(
                ("loops", name, "closes"),
                tell(
                    "no route of '{name}' passes '{closes}'. Correct one of them.",
                    name=name,
                    closes=entry.closes,
                ),
            )
        label, story = entry.label.model_dump(), entry.story.model_dump()
        return NamedLoop(name, entry.polarity, label, story, entry.closes, tuple(routes), entry.at)

    def switches(self) -> None:
        """Hold the loops against the model's switches, where it has any."""
        found = self.structure.find(LOOP_SWITCH)
        known = self.structure.subscripts[found.dims[0]] if found is not None and found.dims else ()
        for name in self.entry.loops:
            if known and name not in known:
                hint = nearest(name, known)
                self.problem(
                    ("loops", name),
                    tell(
                        "the model has no switch '{switches}[{name}]'.{hint}",
                        switches=LOOP_SWITCH,
                        name=name,
                        hint=hint,
                    ),
                )
        for name in known:
            if name not in self.entry.loops:
                self.problem(("loops",), tell("the model's loop '{name}' is missing. Add it.", name=name))

    def layout(self) -> DiagramLayout | None:
        """Return where the diagram has its names, None if the file has none."""
        diagram = self.entry.diagram
        if diagram is None:
            return None
        for variable in diagram.nodes:
            self._known((variable, *diagram.nodes[variable].also), ("diagram", "nodes", variable))
        bends = {}
        for link, bend in diagram.bends.items():
            cause, _, effect = (part.strip() for part in link.partition(">"))
            for end in (cause, effect):
                if end not in diagram.nodes:
                    hint = nearest(end, diagram.nodes)
                    self.problem(
                        ("diagram", "bends", link),
                        tell("'{end}' is not among the diagram's nodes.{hint}", end=end, hint=hint),
                    )
            bends[cause, effect] = bend
        nodes = {variable: node.at for variable, node in diagram.nodes.items()}
        labels = {v: node.label.model_dump() for v, node in diagram.nodes.items() if node.label is not None}
        shown_as = {other: v for v, node in diagram.nodes.items() for other in (v, *node.also)}
        return DiagramLayout(nodes, shown_as, labels, bends)

    def _routes(self, steps: list[str | Either], where: tuple[object, ...]) -> Iterator[Route]:
        """Yield the circles of variables that a list of steps stands for."""
        choices: list[list[list[str]]] = []
        for step in steps:
            if isinstance(step, str):
                choices.append([[step]])
                continue
            unknown = [name for name in step.any if name not in self.entry.segments]
            for name in unknown:
                hint = nearest(name, self.entry.segments)
                self.problem(where, tell("unknown segment '{name}'.{hint}", name=name, hint=hint))
            choices.append([self.entry.segments[name] for name in step.any if name not in unknown])
        for parts in product(*choices):
            yield tuple(variable for part in parts for variable in part)

    def _known(self, variables: Route, where: tuple[object, ...]) -> bool:
        unknown = [variable for variable in variables if variable not in self.structure.variables]
        for variable in unknown:
            hint = nearest(variable, self.structure.variables)
            self.problem(
                where, tell("the model has no variable '{variable}'.{hint}", variable=variable, hint=hint)
            )
        return not unknown

    def _check_route(self, name: str, route: Route, where: tuple[object, ...]) -> None:
        for twice in dict.fromkeys(variable for variable in route if route.count(variable) > 1):
            if route.count(twice) > 2 or len(self.structure[twice].dims) == 0:
                self.problem(
                    where,
                    tell(
                        "'{name}' passes '{twice}' again. Only elements may differ: leave one out.",
                        name=name,
                        twice=twice,
                    ),
                )
        for cause, effect in zip(route, (*route[1:], route[0]), strict=True):
            causes = self.structure[effect].depends_on
            if cause not in causes:
                self.problem(
                    where,
                    tell(
                        "'{name}': '{effect}' does not depend on '{cause}'. It depends on {causes}.",
                        name=name,
                        effect=effect,
                        cause=cause,
                        causes=listed(causes) or tell("nothing"),
                    ),
                )
