"""What a model file is read into: sections of variables, each with the trees of its equations.

The classes bear the names, and the fields in the order, of PySD's abstract model
(`pysd.translators.structures`), so that `pysd_model` can hand a file to PySD, the
reference, without reading it twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from talent_sd.model.names import name_key

CLOCK = ("initial_time", "final_time", "time_step", "saveper")
Tree = Any
"""A node below, a number, or an array of numbers."""


@dataclass
class SubscriptsReference:
    """Subscripts of a reference, as written; "!" behind a range that a reducer runs over."""

    subscripts: list[str]


@dataclass
class Reference:
    """A variable, or what a call names."""

    reference: str
    subscripts: SubscriptsReference | None = None


@dataclass
class Arithmetic:
    """Operands joined by operators of one rank, or ["negative"] with one operand."""

    operators: list[str]
    arguments: tuple[Tree, ...]


@dataclass
class Logic:
    """Comparisons, :AND:, :OR:, or [":NOT:"] with one operand."""

    operators: list[str]
    arguments: tuple[Tree, ...]


@dataclass
class Call:
    """A function, macro or lookup with its arguments."""

    function: Reference
    arguments: tuple[Tree, ...]


@dataclass
class Game:
    """GAME (expression)."""

    expression: Tree


@dataclass
class AllocateAvailable:
    """ALLOCATE AVAILABLE."""

    request: Tree
    pp: Tree
    avail: Tree


@dataclass
class AllocateByPriority:
    """ALLOCATE BY PRIORITY."""

    request: Tree
    priority: Tree
    size: Tree
    width: Tree
    supply: Tree


@dataclass
class Initial:
    """INITIAL (expression)."""

    initial: Tree


@dataclass
class Integ:
    """INTEG (flow, initial)."""

    flow: Tree
    initial: Tree
    non_negative: Any = False


@dataclass
class Delay:
    """DELAY1, DELAY3."""

    input: Tree
    delay_time: Tree
    initial: Tree
    order: Tree


@dataclass
class DelayN(Delay):
    """DELAY N."""


@dataclass
class DelayFixed:
    """DELAY FIXED."""

    input: Tree
    delay_time: Tree
    initial: Tree


@dataclass
class Smooth:
    """SMOOTH, SMOOTH3."""

    input: Tree
    smooth_time: Tree
    initial: Tree
    order: Tree


@dataclass
class SmoothN(Smooth):
    """SMOOTH N."""


@dataclass
class Trend:
    """TREND."""

    input: Tree
    average_time: Tree
    initial_trend: Tree


@dataclass
class Forecast:
    """FORECAST."""

    input: Tree
    average_time: Tree
    horizon: Tree
    initial_trend: Tree


@dataclass
class SampleIfTrue:
    """SAMPLE IF TRUE."""

    condition: Tree
    input: Tree
    initial: Tree


@dataclass
class Lookups:
    """A lookup's points, by rising x. `type`: interpolate, extrapolate or hold_backward."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    x_limits: tuple[float, ...] = (float("nan"), float("nan"))
    y_limits: tuple[float, ...] = (float("nan"), float("nan"))
    type: str = "interpolate"


@dataclass
class InlineLookups:
    """WITH LOOKUP (argument, points)."""

    argument: Tree
    lookups: Lookups


@dataclass
class Data:
    """A data variable without an equation."""


@dataclass
class GetLookups:
    """GET XLS or DIRECT LOOKUPS."""

    file: str
    tab: str
    x_row_or_col: str
    cell: str


@dataclass
class GetData:
    """GET XLS or DIRECT DATA."""

    file: str
    tab: str
    time_row_or_col: str
    cell: str


@dataclass
class GetConstants:
    """GET XLS or DIRECT CONSTANTS."""

    file: str
    tab: str
    cell: str


@dataclass
class GetSubscript:
    """GET XLS or DIRECT SUBSCRIPT, without its prefix."""

    file: str
    tab: str
    cell: str
    last: str


# ---- variables and sections -----------------------------------------------------------------------


@dataclass
class AbstractComponent:
    """One equation. `subscripts`: those on the left, and the groups behind :EXCEPT:."""

    subscripts: tuple[list[str], list[list[str]]]
    ast: Tree


@dataclass
class AbstractUnchangeableConstant(AbstractComponent):
    """name == number."""


@dataclass
class AbstractLookup(AbstractComponent):
    """name(points)."""


@dataclass
class AbstractData(AbstractComponent):
    """name :keyword: := what to read."""

    keyword: str | None = None


@dataclass
class AbstractElement:
    """One variable with all its equations."""

    name: str
    components: list[AbstractComponent]
    units: str = ""
    limits: tuple[float | None, float | None] | None = None
    documentation: str = ""


@dataclass
class AbstractSubscriptRange:
    """A subscript range: its elements, the name of the range it copies, or where a file lists them."""

    name: str
    subscripts: list[str] | str
    mapping: list[str]


@dataclass
class Section:
    """The main model, or a macro."""

    name: str
    params: list[str] = field(default_factory=list)
    subscripts: list[AbstractSubscriptRange] = field(default_factory=list)
    elements: list[AbstractElement] = field(default_factory=list)


@dataclass
class AbstractModel:
    """A model file: the main section, then the macros."""

    sections: list[Section]


def call(name: str, *arguments: Tree) -> Call:
    """Return a call of a function by its key."""
    return Call(Reference(name), arguments)


def pysd_model(model: AbstractModel, path: Path) -> Any:
    """Return a model in PySD's own classes, a copy throughout.

    Parameters
    ----------
    path : of the file that PySD is to take it for
    """
    from pysd.translators.structures import abstract_expressions, abstract_model

    def same(node: Any) -> Any:
        """Return a tree's twin in PySD's classes."""
        if isinstance(node, (list, tuple)):
            return type(node)(map(same, node))
        if not is_dataclass(node) or isinstance(node, type):
            return node
        name = type(node).__name__
        if isinstance(node, AbstractElement) and name_key(node.name) in CLOCK:
            name = "AbstractControlElement"
        kind = getattr(abstract_model, name, None) or getattr(abstract_expressions, f"{name}Structure")
        return kind(**{one.name: same(getattr(node, one.name)) for one in fields(node)})

    sections = [
        abstract_model.AbstractSection(
            name=section.name, path=path.with_name("model.py" if number == 0 else f"macro_{number}.py"),
            type="macro" if number else "main", params=list(section.params), returns=[],
            subscripts=same(section.subscripts), elements=same(section.elements),
            constraints=(), test_inputs=(), split=False, views_dict=None,
        )
        for number, section in enumerate(model.sections)
    ]  # fmt: skip
    return abstract_model.AbstractModel(original_path=path, sections=tuple(sections))
