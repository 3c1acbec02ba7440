"""A model's names replaced by made-up ones before PySD pastes them into the Python that it writes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from traceback import walk_tb
from typing import Any

from talent_sd.base.errors import ModelError, nearest
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.pysd_guard import READS, check_reading
from talent_sd.model.syntax import kind_of, walk

CONTROL = {"initial_time": "INITIAL TIME", "final_time": "FINAL TIME", "time_step": "TIME STEP",
           "saveper": "SAVEPER"}  # fmt: skip
"""Names that mean something to PySD, by key; they stay."""
LOWERED = r"[\s\S]*Delay time very small, casting delay order"
"""PySD's warning that it takes a lower order than the model's."""
_MADE_UP = re.compile(r"(?<![0-9A-Za-z])[vmref][0-9]+x(?:\.[a-z]+)?")


@dataclass
class SafeNames:
    """Which made-up name stands for which of the model's. Travels to other processes.

    Attributes
    ----------
    variables : name key -> made-up name, of the main model
    elements : element of a range, as `Structure` spells it -> made-up name
    shown : made-up name -> the model's own, for messages
    texts : the tabs and cells of spreadsheets, which stay as they are
    places : made-up name of a variable -> "file:line"
    """

    variables: dict[str, str] = field(default_factory=dict)
    elements: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)

    def make(self, kind: str, name: str, suffix: str = "") -> str:
        """Return a new made-up name: a letter for its kind, a number, an x."""
        made = f"{kind}{len(self.shown)}x{suffix}"
        self.shown[made] = name
        return made

    def told(self, text: str) -> str:
        """Return a text with the model's own names in place of the made-up ones."""
        return _MADE_UP.sub(lambda found: self.shown.get(found[0], found[0]), text)

    def place(self, text: str, otherwise: str) -> str:
        """Return "file:line" of the first variable whose made-up name stands in a text."""
        found = (self.places.get(match[0]) for match in _MADE_UP.finditer(text))
        return next(filter(None, found), otherwise)


@contextmanager
def told_of(name: str, names: SafeNames | None = None, folder: Path | None = None) -> Iterator[None]:
    """Turn whatever PySD raises into one line that names the model, with the model's own names.

    Parameters
    ----------
    name : of the model's file
    names : what stands for its names in PySD's file
    folder : of PySD's file, which means nothing to a reader
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # the code that PySD writes may raise anything at all
        names, text = names or SafeNames(), str(error)
        if re.match(LOWERED, text.lstrip()):
            raise ModelError(
                "{name}: PySD lowers the order of a delay that is short against TIME STEP, so it is no reference here. "
                'Shorten TIME STEP, or use engine="kernel".',
                name=names.place(_owners(error), name),
            ) from error
        place = names.place(f"{text} {_owners(error)}", name)
        for path in {folder, folder.resolve()} if folder else set():
            text = text.replace(f"{path}{os.sep}", "")
        raise ModelError(
            "{name}: PySD cannot run this: {kind}: {reason}",
            name=place,
            kind=type(error).__name__,
            reason=" ".join(names.told(text).split())[:200],
        ) from error


def _owners(error: Exception) -> str:
    """Return the names of what PySD was about when it raised, the innermost first."""
    found: list[str] = []
    for frame, _ in walk_tb(error.__traceback__):
        owner = frame.f_locals.get("self")
        owner = _part(owner, "element", owner)  # a builder's variable
        found += [frame.f_code.co_name, str(_part(owner, "name", "")), str(_part(owner, "py_name", ""))]
    return " ".join(reversed(found))


def _part(owner: Any, name: str, otherwise: Any) -> Any:
    """Return an attribute; PySD's components raise a NameError where they have none."""
    try:
        return getattr(owner, name)
    except (AttributeError, NameError):
        return otherwise


def give_safe_names(abstract: Any, model: Path, folder: Path, place: Callable[[str, str], str]) -> SafeNames:
    """Replace, in place, every name and text of a model by a made-up one; drop what PySD only shows.

    Parameters
    ----------
    abstract : PySD's AbstractModel, a copy that may be changed
    model : the model's file; the spreadsheets that it reads lie beside it
    folder : where PySD's Python will stand; spreadsheets are copied there under made-up names
    place : (name, macro key or "") -> "file:line"

    Raises
    ------
    ModelError
        If a name is used that the model does not define, or two variables share one.
    """
    return _Renamer(abstract, model, folder, place).rename()


class _Renamer:
    def __init__(self, abstract: Any, model: Path, folder: Path, place: Callable[[str, str], str]) -> None:
        self.abstract, self.model, self.folder, self.place = abstract, model, folder, place
        self.names = SafeNames()
        self.ranges: dict[str, str] = {}
        self.by_key: dict[str, str] = {}  # elements, then ranges: key -> made-up name
        self.files: dict[Path, str] = {}
        self.done: set[int] = set()  # nodes that two places of a tree share
        self.macros = {
            name_key(section.name): self.names.make("m", section.name) for section in abstract.sections[1:]
        }

    def rename(self) -> SafeNames:
        """Give every name of the model a made-up one; return which stands for which."""
        self._name_subscripts()
        for number, section in enumerate(self.abstract.sections):
            macro = name_key(section.name) if number else ""
            variables = self._name_variables(number, section, macro)
            if macro:
                section.name = self.macros[macro]
            section.params = [variables[name_key(name)] for name in section.params]
            for element in section.elements:
                at = f"{self.place(element.name, macro)}: '{unquoted(element.name)}': "
                try:
                    self._rename_element(element, variables)
                except ModelError as error:
                    raise ModelError(f"{at}{problem}" for problem in error.problems) from None
        return self.names

    def _name_subscripts(self) -> None:
        """Name ranges so that they sort as before: of two equal ones PySD takes the first."""
        definitions = [each for section in self.abstract.sections for each in section.subscripts]
        found = sorted({unquoted(each.name) for each in definitions}, key=lambda name: (name_key(name), name))
        self.ranges = {name: f"r{number:06d}x" for number, name in enumerate(found)}
        self.names.shown |= {made: name for name, made in self.ranges.items()}
        range_keys = {name_key(name): made for name, made in self.ranges.items()}
        for each in definitions:
            if isinstance(each.subscripts, (list, tuple)):
                for element in map(unquoted, each.subscripts):
                    if element not in self.names.elements and name_key(element) not in range_keys:
                        self.names.elements[element] = self.names.make("e", element)
        self.by_key = range_keys | {name_key(name): made for name, made in self.names.elements.items()}
        for each in definitions:
            each.name = self.ranges[unquoted(each.name)]
            if isinstance(each.subscripts, str):
                each.subscripts = range_keys[name_key(each.subscripts)]
            else:
                each.subscripts = [
                    range_keys.get(name_key(name)) or self.names.elements[unquoted(name)]
                    for name in each.subscripts
                ]
            each.mapping = [range_keys[key] for key in map(name_key, each.mapping) if key in range_keys]

    def _name_variables(self, number: int, section: Any, macro: str) -> dict[str, str]:
        """Return name key -> made-up name of a section's parameters and variables."""
        variables: dict[str, str] = {}
        for name in [*section.params, *(element.name for element in section.elements)]:
            key = name_key(name)
            if key in variables:
                raise ModelError(
                    "{place}: '{variable_name}' is defined twice. Remove one.",
                    place=self.place(name, macro),
                    variable_name=unquoted(name),
                )
            own = self.macros[macro] if key == macro else None  # what a macro returns bears its name
            variables[key] = CONTROL.get(key) or own or self.names.make("v", unquoted(name))
            self.names.places.setdefault(variables[key], self.place(name, macro))
        if not number:
            self.names.variables = dict(variables)
        return variables

    def _rename_element(self, element: Any, variables: dict[str, str]) -> None:
        element.name = variables[name_key(element.name)]
        element.units, element.documentation, element.limits = "", "", (None, None)
        for component in element.components:
            left, excepted = component.subscripts
            component.subscripts = (self._subscripts(left), [self._subscripts(group) for group in excepted])
            for node in walk(component.ast):
                kind = kind_of(node)
                if kind in {"Reference", "Call", *READS} and id(node) not in self.done:
                    self.done.add(id(node))
                    if kind == "Reference":
                        self._rename_reference(node, variables)
                    elif kind == "Call":
                        self._rename_call(node.function, variables)
                    else:
                        self._copy_spreadsheet(node)

    def _subscripts(self, names: Iterable[str]) -> list[str]:
        return [self._subscript(name.strip()) for name in names]

    def _subscript(self, name: str) -> str:
        """Return what stands for a range, an element, or a range with the ! of a vector function."""
        bare = unquoted(name)
        made = self.names.elements.get(bare) or self.ranges.get(bare) or self.by_key.get(name_key(bare))
        if made:
            return made
        if name.endswith("!"):
            return self._subscript(name[:-1].strip()) + "!"
        raise ModelError(
            "unknown subscript '{subscript}'.{hint} Define it first.",
            subscript=bare,
            hint=nearest(bare, [*self.ranges, *self.names.elements]),
        )

    def _rename_reference(self, node: Any, variables: dict[str, str]) -> None:
        key = name_key(node.reference)
        made = variables.get(key) or ("time" if key == "time" else self.by_key.get(key))
        if made is None:
            raise ModelError(
                "uses '{reference}', which is not defined.{hint}",
                reference=node.reference,
                hint=nearest(node.reference, [self.names.shown.get(v, v) for v in variables.values()]),
            )
        node.reference = made.lower().replace(" ", "_")
        if node.subscripts is not None:
            node.subscripts.subscripts = self._subscripts(node.subscripts.subscripts)

    def _rename_call(self, function: Any, variables: dict[str, str]) -> None:
        """Rename what is called: a macro, a table, or a function, whose name PySD knows."""
        from pysd.builders.python.python_functions import functionspace

        key = name_key(function.reference)
        if key in self.macros:
            function.reference = self.macros[key]
        elif key in variables:
            self._rename_reference(function, variables)
        elif function.reference not in functionspace and function.reference != "a_function_of":
            raise ModelError(
                "calls {reference}, which is neither a lookup nor a function known here.",
                reference=function.reference,
            )

    def _copy_spreadsheet(self, node: Any) -> None:
        """Copy what a GET function reads beside PySD's Python, under a made-up name."""
        file = check_reading(node, self.model.parent)
        if file not in self.files:
            made = self.names.make("f", node.file, file.suffix.lower())
            try:
                shutil.copyfile(file, self.folder / made)
            except OSError:
                raise ModelError(
                    "reads the file '{file}', which cannot be opened. Put it beside the model.",
                    file=node.file,
                ) from None
            self.files[file] = made
        node.file = self.files[file]
        row = READS[kind_of(node)]
        self.names.texts |= {node.tab, node.cell, *([getattr(node, row)] if row else [])}
