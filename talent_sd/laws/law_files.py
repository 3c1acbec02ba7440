"""Read the laws a city model must obey: what is changed, what is measured, and the band it must lie in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import tell
from talent_sd.inputs.file_schemas import Part, Range, Words
from talent_sd.inputs.schema_problems import validate
from talent_sd.inputs.strict_yaml import Node, read_yaml, shown
from talent_sd.laws.law_formulas import FormulaError, Measure, names_in

FILE = "laws.yaml"
BASELINE = "baseline"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
Ends = tuple[float | None, float | None]


class Quantity(Part):
    """Something that is read: variables added up, a formula of other quantities, or a known series."""

    of: list[str] = Field(default_factory=list, description='Variables, "name" or "name[element]", added up')
    formula: str = Field("", description="Arithmetic on other quantities")
    national: str = Field("", description="A series of the national path")
    figure: str = Field("", description="A series of the city's file")

    @model_validator(mode="after")
    def says_one_thing(self) -> Quantity:
        """Need exactly one source."""
        given = [name for name in ("of", "formula", "national", "figure") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(tell("a quantity is one of: of, formula, national, figure. Give exactly one."))
        return self


class Lever(Part):
    """Something that is changed, from the year of the experiment on; all its variables by the same size."""

    times: list[str] = Field(default_factory=list, description="Multiplied by 1 + size")
    plus: list[str] = Field(default_factory=list, description="Size is added")
    kick: list[str] = Field(default_factory=list, description="Stocks that gain size times themselves, once")
    plus_of: dict[str, str] = Field(
        default_factory=dict, description="Variable: other, of which size times is added"
    )

    @model_validator(mode="after")
    def changes_something(self) -> Lever:
        """Need a variable."""
        if not (self.times or self.plus or self.kick or self.plus_of):
            raise ValueError(tell("a lever needs variables under times, plus, kick or plus_of. Name some."))
        return self


class Experiment(Part):
    """One run, by how it differs from the baseline."""

    do: dict[str, float] = Field(default_factory=dict, description="Lever: size")
    set: dict[str, float] = Field(default_factory=dict, description="Constant: value, for the whole run")
    policies: list[str] = Field(default_factory=list, description="Switched on at their defaults")
    scenario: str = BASELINE
    cut: list[str] = Field(default_factory=list, description='Loops whose link is cut; "reinforcing": all R')
    keep: list[str] = Field(default_factory=list, description="Loops left closed among them")
    against: str = Field(BASELINE, description="The experiment it is compared with")
    at: float | None = Field(None, description="Year of the levers; the file's by default")


class Law(Part):
    """One law."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    point: int = Field(ge=1, le=9, description="Sector of laws")
    says: Words
    source: str = Field(min_length=1)
    kind: Literal["identity", "input", "behaviour"] = Field(
        "behaviour",
        description="identity: true by construction; input: the model reproduces what it was given",
    )
    measure: str = ""
    finding: str = Field("", description="A named measurement in code, in place of a measure")
    experiment: str = BASELINE
    band: Range | None = None
    at_least: float | None = Field(None, description="In place of a band that is open above")
    at_most: float | None = Field(None, description="In place of a band that is open below")
    over: Literal["each", "median", "some", "correlation", "nation"] = "each"
    count: int = Field(1, ge=1, description="For some: how many cities")
    each: Range | None = Field(None, description="For median: the band of every single city")
    against: str = Field("", description="For correlation: the other measure")
    cities: list[str] | None = None
    draws: Literal["share", "every", "median", "none"] = "share"
    where_known: bool = Field(False, description="Cities without a value, having no figure, are passed over")
    excused: dict[str, Words] = Field(
        default_factory=dict, description="City: why the law need not hold there"
    )

    @model_validator(mode="after")
    def fits_together(self) -> Law:
        """Need one measure and bands with two rising ends."""
        if bool(self.measure) == bool(self.finding):
            raise ValueError(tell("a law has a measure or a finding. Give exactly one."))
        if (self.over == "correlation") != bool(self.against):
            raise ValueError(tell("`against` belongs to over: correlation, and only there."))
        if sum(end is not None for end in (self.band, self.at_least, self.at_most)) != 1:
            raise ValueError(tell("a law has one of: band, at_least, at_most. Give exactly one."))
        for band in (self.band, self.each):
            if band is not None and band[0] > band[1]:
                raise ValueError(tell("the band [{low:g}, {high:g}] does not rise. Exchange its ends.",
                                      low=band[0], high=band[1]))  # fmt: skip
        return self

    @property
    def ends(self) -> Ends:
        """Return the lower and the upper end, None where open."""
        return (self.at_least, self.at_most) if self.band is None else self.band


class PolicyRange(Part):
    """What the literature lets a policy cost or yield, paid from outside, at its default."""

    per: Literal["person_year", "output"] = Field(
        description="person_year: yuan per person and year; output: yuan of value added per yuan"
    )
    range: Range
    source: str = Field(min_length=1)
    assumption: bool = Field(False, description="Derived from the source by the reasoning given, or assumed")
    argued: Words | None = Field(None, description="Why the model may lie outside")


class Content(Part):
    """A file of laws."""

    cities: list[str] = Field(min_length=1)
    at: float
    until: float
    lists: dict[str, dict[str, dict[str, str]]] = Field(default_factory=dict)
    quantities: dict[str, Quantity] = Field(min_length=1)
    levers: dict[str, Lever] = Field(default_factory=dict)
    experiments: dict[str, Experiment] = Field(default_factory=dict)
    laws: list[Law] = Field(min_length=1)
    policies: dict[str, PolicyRange] = Field(default_factory=dict)


@dataclass(frozen=True)
class LawFile:
    """Everything that a file of laws says, templates written out.

    Parameters
    ----------
    name : of the file, as messages show it
    content : what it says
    measures : law id -> parsed measure, and its `against`
    lines : law id -> line
    """

    name: str
    content: Content
    measures: Mapping[str, tuple[Measure, ...]]
    lines: Mapping[str, int]

    @property
    def laws(self) -> tuple[Law, ...]:
        """Return the laws in the file's order."""
        return tuple(self.content.laws)

    def cities_of(self, law: Law) -> tuple[str, ...]:
        """Return the cities that a law is tried on."""
        return tuple(self.content.cities if law.cities is None else law.cities)

    def pick(self, ids: list[str]) -> LawFile:
        """Return the file with some laws only; an id also stands for those that begin with it and "_".

        Raises
        ------
        InputError
            If there is no such law.
        """
        known = [law.id for law in self.laws]
        problems = []
        for wanted in ids:
            if not any(one == wanted or one.startswith(f"{wanted}_") for one in known):
                problems.append(tell("no law '{name}'.{hint}", name=wanted, hint=nearest(wanted, known)))
        if problems:
            raise InputError(problems)
        kept = [law for law in self.laws if any(law.id == one or law.id.startswith(f"{one}_") for one in ids)]
        return LawFile(self.name, self.content.model_copy(update={"laws": kept}), self.measures, self.lines)


def read_laws(path: str | Path | None = None) -> LawFile:
    """Read a file of laws, the shipped one by default.

    Raises
    ------
    InputError
        With every problem: ``file:line: what. remedy``.
    """
    file = shipped_folder("models") / FILE if path is None else Path(path)
    name = shown(file)
    tree = _written_out(read_yaml(file), name)
    content = validate(Content, tree, name)
    problems: list[str] = []
    measures: dict[str, tuple[Measure, ...]] = {}
    lines: dict[str, int] = {}
    problems += _names(content, tree, name)
    for number, law in enumerate(content.laws):
        node = tree.find(("laws", number))
        at = f"{name}:{node.line}: "
        if law.id in lines:
            problems.append(tell("{at}law '{id}' is there twice. Name them apart.", at=at, id=law.id))
        lines[law.id] = node.line
        measures[law.id], found = _measures(law, content, at)
        problems += found
    if problems:
        raise InputError(problems)
    return LawFile(name, content, measures, lines)


def _measures(law: Law, content: Content, at: str) -> tuple[tuple[Measure, ...], list[str]]:
    """Return a law's parsed measures, and what is wrong with them."""
    found, problems = [], []
    for text in filter(None, (law.measure, law.against)):
        try:
            measure = Measure(text, law.experiment)
        except FormulaError as error:
            problems.append(tell("{at}measure '{text}': {error}", at=at, text=text, error=error))
            continue
        for kind, used, known in (
            (tell("quantity"), measure.quantities, content.quantities),
            (tell("experiment"), measure.experiments, {BASELINE: None, **content.experiments}),
        ):
            for name in sorted(used - set(known)):
                hint = nearest(name, known)
                problems.append(tell("{at}no {kind} '{name}'.{hint}", at=at, kind=kind, name=name, hint=hint))
        late = [year for year in sorted(measure.years) if year > content.until]
        problems += [
            tell(
                "{at}the year {year:g} lies after {until:g}, where the runs end. Change one of them.",
                at=at,
                year=year,
                until=content.until,
            )
            for year in late
        ]
        found.append(measure)
    return tuple(found), problems


def _names(content: Content, tree: Node, name: str) -> list[str]:
    """Return what is wrong with references between levers, experiments and quantities."""
    problems = []

    def refuse(path: tuple[str, str], kind: str, wanted: str, known: Any) -> None:
        """Note that a file names what is not known."""
        line = tree.find(path).key_line
        at = f"{name}:{line}: "
        problems.append(
            tell("{at}no {kind} '{name}'.{hint}", at=at, kind=kind, name=wanted, hint=nearest(wanted, known))
        )

    for section in ("quantities", "levers", "experiments"):
        for key in getattr(content, section):
            if not _NAME.fullmatch(key):
                at = f"{name}:{tree.find((section, key)).key_line}: "
                problems.append(
                    tell("{at}'{key}' is no name here. Use small letters, digits and _.", at=at, key=key)
                )
    for key, experiment in content.experiments.items():
        for lever in experiment.do:
            if lever not in content.levers:
                refuse(("experiments", key), tell("lever"), lever, content.levers)
        if experiment.against != BASELINE and experiment.against not in content.experiments:
            refuse(("experiments", key), tell("experiment"), experiment.against, content.experiments)
    for key, quantity in content.quantities.items():
        try:
            used = names_in(quantity.formula) if quantity.formula else set()
        except FormulaError as error:
            at = f"{name}:{tree.find(('quantities', key)).key_line}: "
            problems.append(tell("{at}measure '{text}': {error}", at=at, text=quantity.formula, error=error))
            continue
        for other in sorted(used - set(content.quantities)):
            refuse(("quantities", key), tell("quantity"), other, content.quantities)
    return problems


# -- templates -------------------------------------------------------------------------------------


def _written_out(tree: Node, name: str) -> Node:
    """Return the file with each entry that has a `for` once for each member of the list it names."""
    if not isinstance(tree.value, dict):
        return tree
    lists = tree.value.get("lists")
    plain: Any = lists.plain() if lists is not None else {}
    top = dict(tree.value)
    for section in ("quantities", "levers", "experiments"):
        inner = top.get(section)
        if inner is not None and isinstance(inner.value, dict):
            entries: dict[Any, Node] = {}
            for key, node in inner.value.items():
                for words, body in _copies(node, plain, name):
                    entries[_filled(key, words)] = body
            top[section] = Node(entries, inner.line, inner.key_line)
    laws = top.get("laws")
    if laws is not None and isinstance(laws.value, list):
        written = [body for node in laws.value for _, body in _copies(node, plain, name)]
        top["laws"] = Node(written, laws.line, laws.key_line)
    return Node(top, tree.line, tree.key_line)


def _copies(node: Node, lists: Any, name: str) -> list[tuple[dict[str, str], Node]]:
    """Return an entry's copies, each with the words put into it."""
    if not isinstance(node.value, dict) or "for" not in node.value:
        return [({}, node)]
    chosen = node.value["for"]
    members = lists.get(chosen.value) if isinstance(lists, dict) else None
    if not isinstance(members, dict):
        raise InputError(
            tell(
                "{file}:{line}: no list '{name}' under 'lists'.{hint}",
                file=name,
                line=chosen.line,
                name=chosen.value,
                hint=nearest(str(chosen.value), lists or {}),
            )
        )
    body = Node({k: v for k, v in node.value.items() if k != "for"}, node.line, node.key_line)
    found = []
    for member, words in members.items():
        given = {str(chosen.value): str(member), **{str(k): str(v) for k, v in (words or {}).items()}}
        found.append((given, _fill(body, given)))
    return found


def _fill(node: Node, words: Mapping[str, str]) -> Node:
    value: Any = node.value
    if isinstance(value, dict):
        value = {_filled(key, words): _fill(inner, words) for key, inner in value.items()}
    elif isinstance(value, list):
        value = [_fill(inner, words) for inner in value]
    else:
        value = _filled(value, words)
    return Node(value, node.line, node.key_line)


def _filled(text: Any, words: Mapping[str, str]) -> Any:
    """Return a text with its `{word}`s filled in; a text that becomes a number is one."""
    if not isinstance(text, str) or "{" not in text:
        return text
    whole = text
    for word, value in words.items():
        text = text.replace("{" + word + "}", value)
    if whole.startswith("{") and re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", text):
        return float(text)
    return text
