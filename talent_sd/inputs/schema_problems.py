"""Check a YAML tree against a pydantic model and say every problem with its line."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.language import N_, foreign, listed, tell
from talent_sd.inputs.settings import without_commas, without_counts
from talent_sd.inputs.strict_yaml import Node, read_yaml, shown

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")

_EXPECTED = {
    "float_type": N_("a number"), "int_type": N_("a whole number"), "int_from_float": N_("a whole number"),
    "string_type": N_("text"), "bool_type": N_("true or false"), "dict_type": N_("a mapping"),
    "model_type": N_("a mapping"), "model_attributes_type": N_("a mapping"), "list_type": N_("a list"),
    "tuple_type": N_("a list"),
}  # fmt: skip
_BOUNDS = {
    "greater_than_equal": ("ge", N_("{bound:g} or more")),
    "less_than_equal": ("le", N_("{bound:g} or less")),
}
UNKNOWN = "?"
"""What stands for a text that a file cannot do without, once its fault is told."""
EMPTY = N_("{file}:{line}: {named} is empty. Fill it, or leave the key out.")
PLACEHOLDERS = {"en": "FILL_IN", "zh": "待填"}
"""What a starter file holds where its user has to put something, by language."""
# Steps of pydantic's paths that the file does not have.
_UNSEEN = ("[key]", "settings")
_SECTIONS = ("policies", "assumptions", "shocks", "figures", "variables", "constants", "parameters")


@dataclass(frozen=True)
class StrictFile(Generic[Model]):
    """A YAML file as its schema has it, with the lines of what stands in it.

    Parameters
    ----------
    content : the typed content
    tree : the same as read, with lines
    file : its name in messages
    path : where it is
    """

    content: Model
    tree: Node
    file: str
    path: Path

    def line(self, *path: object) -> int:
        """Return the line of the key at a path, such as ("constants", "city gdp"), or of a list's item."""
        return self.tree.find(path).key_line

    def at(self, *path: object) -> str:
        """Return "file:line: " of the key at a path, for a message."""
        return f"{self.file}:{self.line(*path)}: "


def read_strict(path: str | Path, schema: type[Model]) -> StrictFile[Model]:
    """Read a YAML file that must hold what a schema says, and nothing else.

    Raises
    ------
    InputError
        With every problem: of YAML where it cannot be read, else of the schema, one line each with its
        line in the file and a remedy. What a schema cannot say is told by the caller, at `StrictFile.at`.
    """
    path = Path(path)
    tree, file = read_yaml(path), shown(path)
    return StrictFile(validate(schema, tree, file), tree, file, path)


def validate(model: type[Model], tree: Node, name: str) -> Model:
    """Return the typed content of `tree`.

    Parameters
    ----------
    model : the pydantic model of the whole file
    tree : what `read_yaml` returned
    name : the file, as messages show it

    Raises
    ------
    InputError
        With one line per problem: ``file:line: what. Remedy``.
    """
    from pydantic import ValidationError

    found = _empty(tree, name) | _unfilled(tree, name)
    try:
        typed = model.model_validate(tree.plain(), strict=True)
    except ValidationError as error:
        found |= {
            _problem(model, tree, name, dict(item))
            for item in error.errors(include_url=False)
            if not _is_placeholder(tree.find(item["loc"]))
        }
    if found:
        raise InputError([text for _, text in sorted(found)]) from None
    return typed


def without_faults(root: Node | None, lines: Collection[int]) -> Node | None:
    """Return a tree without the entries of its sections in whose lines a fault was found; None where nothing is left."""
    if root is None or not isinstance(root.value, dict):
        return None
    kept: dict[str | int, Node] = {}
    in_sections: set[int] = set()
    ends = [*sorted(one.key_line for one in root.value.values())[1:], 1 << 60]
    for end, (key, section) in zip(ends, root.value.items(), strict=True):
        inner = section.value
        if isinstance(inner, dict) and inner:
            starts = sorted(one.key_line for one in inner.values())
            faulty = [line for line in lines if starts[0] <= line < end]
            in_sections |= {*faulty}
            owners = {max(start for start in starts if start <= line) for line in faulty}
            inner = {name: one for name, one in inner.items() if one.key_line not in owners}
        if inner is None or inner == {}:
            return None
        kept[key] = Node(inner, section.line, section.key_line)
    return Node(kept, root.line, root.key_line) if in_sections == {*lines} else None


def sound_part(model: type[BaseModel], tree: Node) -> Node:
    """Return a tree that `validate` refuses without the entries at fault, so that the rest can be checked.

    Parameters
    ----------
    model, tree : as for `validate`; a text that the model cannot do without becomes "?"
    """
    from pydantic import ValidationError

    assert isinstance(tree.value, dict)
    faults = _empty_paths(tree)
    try:
        model.model_validate(tree.plain(), strict=True)
    except ValidationError as error:
        faults |= {
            tuple(step for step in item["loc"] if step not in _UNSEEN)
            for item in error.errors(include_url=False)
        }
    kept = dict(tree.value)
    within: dict[object, set[object]] = {}
    for path in filter(None, faults):
        section = kept.get(path[0])
        if path[0] in _SECTIONS and len(path) > 1 and section and isinstance(section.value, dict):
            within.setdefault(path[0], set()).add(path[1])
        elif path[0] in model.model_fields and model.model_fields[path[0]].is_required():
            kept[path[0]] = Node(UNKNOWN, tree.line, tree.line)
        else:
            kept.pop(path[0], None)
    for first, keys in within.items():
        if (section := kept.get(first)) and isinstance(section.value, dict):
            inner = {key: node for key, node in section.value.items() if key not in keys}
            kept[first] = Node(inner, section.line, section.key_line)
    return Node(kept, tree.line, tree.key_line)


def _empty_paths(node: Node, path: tuple[object, ...] = ()) -> set[tuple[object, ...]]:
    """Return the paths of keys without a value."""
    if node.value is None:
        return {path}
    inner = node.value.items() if isinstance(node.value, dict) else ()
    return {found for key, part in inner for found in _empty_paths(part, (*path, key))}


def _empty(node: Node, name: str, path: tuple[object, ...] = ()) -> set[tuple[int, str]]:
    """Return a problem for each key without a value: it would be read as absent."""
    if node.value is None:
        return {(node.key_line, tell(EMPTY, file=name, line=node.key_line, named=_named(path)))}
    return {problem for key, part in _parts(node) for problem in _empty(part, name, (*path, key))}


def _parts(node: Node) -> Iterable[tuple[object, Node]]:
    """Return what a mapping or a list holds, with keys or numbers; nothing of a single value."""
    if isinstance(node.value, dict):
        return node.value.items()
    return enumerate(node.value) if isinstance(node.value, list) else ()


def _is_placeholder(node: Node) -> bool:
    """Whether a value waits for its user."""
    return isinstance(node.value, str) and node.value in PLACEHOLDERS.values()


def _unfilled(tree: Node, name: str) -> set[tuple[int, str]]:
    """Return a problem for each entry of a starter file that is still to be filled in, its gaps told together."""
    gaps: dict[tuple[int, str], list[str]] = {}
    for path, node in _leaves(tree):
        if _is_placeholder(node):
            entry = path[:2] if path[0] in _SECTIONS else path[:1]
            gaps.setdefault((node.line, _named(entry)), []).append(str(path[-1]))
    return {
        (
            line,
            f"{name}:{line}: "
            + tell("{what} is still to be filled in: {keys}.", what=what, keys=listed(keys)),
        )
        for (line, what), keys in gaps.items()
    }


def _leaves(node: Node, path: tuple[object, ...] = ()) -> Iterable[tuple[tuple[object, ...], Node]]:
    """Yield every single value of a tree with its path."""
    if not isinstance(node.value, (dict, list)):
        yield path, node
    for key, part in _parts(node):
        yield from _leaves(part, (*path, key))


def _problem(model: type[BaseModel], tree: Node, name: str, item: dict) -> tuple[int, str]:
    """Return (line, message) of one pydantic error."""
    path = tuple(step for step in item["loc"] if step not in _UNSEEN)
    node = tree.find(path)
    path = _by_id(tree, path)
    found = _problem_of_key(model, node, name, item, path)
    if found is not None:
        return found
    if node.value is None:
        return min(_empty(node, name, path))
    where = _named(path)
    if item["loc"][-1:] == ("[key]",):  # the key is at fault, not what it holds
        node, where = (
            Node(path[-1], node.key_line, node.key_line),
            tell("a key of {named}", named=_named(path[:-1])),
        )
    return node.line, _problem_of_value(node, name, item, where)


def _by_id(tree: Node, path: tuple[object, ...]) -> tuple[object, ...]:
    """Return a path with items of lists told by their `id`, where they have one, in place of their number."""
    told = []
    for depth, step in enumerate(path):
        item = tree.find(path[: depth + 1])
        named = item.value.get("id") if isinstance(step, int) and isinstance(item.value, dict) else None
        told.append(step if named is None else named.value)
    return tuple(told)


def _problem_of_key(
    model: type[BaseModel], node: Node, name: str, item: dict, path: tuple[object, ...]
) -> tuple[int, str] | None:
    """Return (line, message) where a key is unknown, missing or no text; None of all else."""
    kind = item["type"]
    line, key = node.key_line, path[-1] if path else ""
    inside = tell(" in {where}", where=_named(path[:-1])) if len(path) > 1 else ""
    if kind == "extra_forbidden":
        known = _keys(model, item["loc"][:-1])
        hint = nearest(str(key), known) or tell(" Known keys: {known}.", known=listed(known))
        return line, tell(
            "{file}:{line}: unknown key '{key}'{inside}.{hint}",
            file=name, line=line, key=key, inside=inside, hint=hint,
        )  # fmt: skip
    if kind == "missing":
        return line, tell(
            "{file}:{line}: the key '{path}' is missing{inside}. Add it.",
            file=name, line=line, path=key, inside=inside,
        )  # fmt: skip
    if node.value is not None and item["loc"][-1:] == ("[key]",) and kind == "string_type":
        return line, tell(
            "{file}:{line}: the key '{key}' in {named} is a number; give a name.",
            file=name, line=line, key=key, named=_named(path[:-1]),
        )  # fmt: skip
    return None


def _problem_of_value(node: Node, name: str, item: dict, where: str) -> str:
    """Return the message of a value that is not what its key takes."""
    kind, line = item["type"], node.line
    if kind in ("float_type", "int_type") and (number := without_commas(str(node.value))):
        return tell(
            "{file}:{line}: {where} is {described}: commas do not belong in a number. Write {number}.",
            file=name, line=line, where=where, described=described(node.value), number=number,
        )  # fmt: skip
    if kind in ("float_type", "int_type") and (number := without_counts(str(node.value))):
        return tell(
            "{file}:{line}: {where} is {described}: a number has no words. Write {number}.",
            file=name, line=line, where=where, described=described(node.value), number=number,
        )  # fmt: skip
    if kind in _EXPECTED:
        return tell(
            "{file}:{line}: {where} is {described}; give {expected}.",
            file=name, line=line, where=where, described=described(node.value), expected=tell(_EXPECTED[kind]),
        )  # fmt: skip
    if kind in _BOUNDS:
        sign, text = _BOUNDS[kind]
        bound = tell(text, bound=item["ctx"][sign])
        return tell(
            "{file}:{line}: {where} is {described}; give {bound}.",
            file=name, line=line, where=where, described=described(node.value), bound=bound,
        )  # fmt: skip
    if kind == "invalid_key":
        return tell("{file}:{line}: {where}: keys must be text.", file=name, line=line, where=where)
    if kind in ("too_short", "string_too_short"):
        return tell(EMPTY, file=name, line=line, named=where)
    if kind == "string_too_long":
        return tell(
            "{file}:{line}: {where} has {count} characters; {most} at most. Shorten it.",
            file=name, line=line, where=where, count=len(str(node.value)), most=item["ctx"]["max_length"],
        )  # fmt: skip
    text = foreign(item["msg"].removeprefix("Value error, "))
    prefix = f"{where}: " if where else ""
    if not text.endswith((".", "。")):
        text += tell(" (it is {described}).", described=described(node.value))
    return f"{name}:{line}: {prefix}{text}"


def _named(path: tuple[object, ...]) -> str:
    """Name a place in a file, such as "industry_fund.from"."""
    inner = path[1:] if len(path) > 1 and path[0] in _SECTIONS else path
    return ".".join(str(step) for step in inner)


def _keys(model: type[BaseModel], path: Iterable[object]) -> list[str]:
    """Return the keys that the model knows at `path`, following nested models and mappings."""
    from typing import get_args

    from pydantic import BaseModel

    def inner_models(annotation: object) -> list[type[BaseModel]]:
        """Return the models within an annotation."""
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return [annotation]
        return [found for part in get_args(annotation) for found in inner_models(part)]

    current = [model]
    for step in path:
        following: list[type[BaseModel]] = []
        for candidate in current:
            for field_name, field in candidate.model_fields.items():
                if step in (field_name, field.alias):
                    following += inner_models(field.annotation)
        # a step inside a mapping or a list is not a field: stay with the models found
        current = following or current
    return sorted({field.alias or key for item in current for key, field in item.model_fields.items()})


def described(value: object) -> str:
    """Describe a value as it stands in a file.

    >>> described("abc"), described(None), described(True), described(3)
    ("the text 'abc'", 'empty', 'true', '3')
    """
    if value is None:
        return tell("empty")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return tell("the text '{value}'", value=value)
    if isinstance(value, (dict, list)):
        return tell("a mapping" if isinstance(value, dict) else "a list")
    return f"{value:.15g}" if isinstance(value, float) else f"{value}"
