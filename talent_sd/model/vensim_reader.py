"""Vensim's .mdl files to sections of trees."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from talent_sd.base.errors import ModelError, Problems
from talent_sd.base.language import tell
from talent_sd.model import trees
from talent_sd.model.expressions import Dialect, Reader, Refused, split_outside_quotes, token_pattern
from talent_sd.model.mdl_text import SKETCH, Block, MacroHead, flat, settings, split_file, split_mappings
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.syntax import walk
from talent_sd.model.trees import (
    AbstractComponent,
    AbstractData,
    AbstractElement,
    AbstractLookup,
    AbstractModel,
    AbstractSubscriptRange,
    AbstractUnchangeableConstant,
    Call,
    Reference,
    Section,
    Tree,
    call,
)


def _time_value(relative: Tree, offset: Tree, measure: Tree) -> Tree:
    """GET TIME VALUE: after Time or INITIAL TIME, in the model's units; else what the computer's clock says."""
    if relative in (0, 1) and measure == 0:
        return trees.Arithmetic(["+"], (Reference(("time", "initial_time")[relative]), offset))
    if relative == 2 and measure in range(1, 11):
        return call("get_time_value", relative, offset, measure)
    raise ModelError(
        tell(
            "uses GET TIME VALUE with arguments that have no value here. It takes 0 (Time) or 1 (INITIAL TIME), an "
            "offset and the measure 0; or 2 (the computer's clock), 0, and a measure from 1 (year) to 10: 3 is the month."
        )
    )


FUNCTIONS: dict[str, Callable[..., Tree]] = {
    "game": trees.Game,
    "allocate_available": trees.AllocateAvailable,
    "allocate_by_priority": trees.AllocateByPriority,
    "get_xls_lookups": trees.GetLookups, "get_direct_lookups": trees.GetLookups,
    "get_xls_data": trees.GetData, "get_direct_data": trees.GetData,
    "get_xls_constants": trees.GetConstants, "get_direct_constants": trees.GetConstants,
    "initial": trees.Initial,
    "integ": trees.Integ,
    "delay1": lambda x, time: trees.Delay(x, time, x, 1),
    "delay1i": lambda x, time, start: trees.Delay(x, time, start, 1),
    "delay3": lambda x, time: trees.Delay(x, time, x, 3),
    "delay3i": lambda x, time, start: trees.Delay(x, time, start, 3),
    "delay_n": trees.DelayN,
    "delay_fixed": trees.DelayFixed,
    "smooth": lambda x, time: trees.Smooth(x, time, x, 1),
    "smoothi": lambda x, time, start: trees.Smooth(x, time, start, 1),
    "smooth3": lambda x, time: trees.Smooth(x, time, x, 3),
    "smooth3i": lambda x, time, start: trees.Smooth(x, time, start, 3),
    "smooth_n": trees.SmoothN,
    "trend": trees.Trend,
    "forecast": lambda x, time, horizon: trees.Forecast(x, time, horizon, 0),
    "get_time_value": _time_value,
    "sample_if_true": trees.SampleIfTrue,
    "pulse_train": lambda start, width, repeat, end: call("pulse_train", start, repeat, width, end),
}  # fmt: skip
"""Calls that are more than a call, by the function's key."""
DIALECT = Dialect(
    token_pattern(r"\w[\w'$\s]*", r"(?i::AND:|:OR:|:NOT:|:NA:)|<>|<=|>=|[-+*/^=<>(),;:\[\]]"),
    {sign: sign for sign in (":AND:", ":OR:", ":NOT:", ":NA:")},
    FUNCTIONS,
)
# RK4 and RK2 with a step that Vensim adapts are run with the model's own step
_METHODS = {0: "euler", 1: "rk4", 2: "euler", 3: "rk2", 4: "rk2", 5: "rk4"}
_LEFT = re.compile(
    r"""(?P<name>"(?:\\"|[^"])*"|[^\[\](:=<"]+)\s*
        (?:\[(?P<subscripts>(?:"(?:\\"|[^"])*"|[^\[\]"])*)\]\s*)?
        (?P<except>:EXCEPT:(?:\s*,?\s*\[(?:"(?:\\"|[^"])*"|[^\[\]"])*\])+\s*)?
        (?:(?P<check>:(?:THE\ CONDITION|TEST\ INPUT|IMPLIES):).*
          |(?P<keyword>:[^:=\[\]"(>,]+:)?\s*(?:(?P<data>:=)(?P<given>.*)|(?P<source>(?:[(:=<].*)?)))\Z""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_GROUPS = re.compile(r'\[((?:"(?:\\"|[^"])*"|[^\[\]"])*)\]')
_SHEET = re.compile(r"^GET[ _](?:XLS|DIRECT)[ _]SUBSCRIPT\s*\((.*)\)$", re.IGNORECASE)
_RANGE = re.compile(r"\(\s*(.*?)(\d+)\s*-\s*(.*?)(\d+)\s*\)")


class BadEntry(Exception):
    """An entry that cannot be read, in words."""


def read_vensim(path: Path, text: str, ranges_from: Callable[..., list[str]]) -> dict[str, Any]:
    """Return what a Vensim file holds, as the fields of a `Source` beside path and hash.

    Parameters
    ----------
    text : the whole file
    ranges_from : (the texts within GET … SUBSCRIPT) -> elements

    Raises
    ------
    ModelError
        With every entry that cannot be read.
    """
    blocks, heads = split_file(text)
    _refuse_unended(path, text, blocks)
    sections = {"": Section("__main__"), **{key: Section(key, list(h.params)) for key, h in heads.items()}}
    elements: dict[tuple[str, str], AbstractElement] = {}
    problems = Problems()
    lacks: dict[int, str] = {}
    calls: list[tuple[str, Call, list[Tree]]] = []
    for block in blocks:
        try:
            found = _entry(block, calls, lacks, ranges_from)
            if isinstance(found, AbstractSubscriptRange):
                sections[""].subscripts.append(found)
            elif found is not None:
                _merge(elements, sections, block, found)
        except (BadEntry, ModelError) as error:
            problems.say("{file}:{line}: {what}", file=path.name, line=block.line, what=error)
    if problems:
        raise ModelError(problems)
    _define_outputs(sections, heads, calls)
    _pass_globals(sections)
    kept = [((block.macro, name_key(block.name)), block) for block in reversed(blocks)]
    return {
        "model": AbstractModel(list(sections.values())),
        "lines": {key: block.line for key, block in kept},
        "groups": {key: block.group for key, block in kept},
        "mappings": {key[1]: split_mappings(b.equation) for key, b in kept if "->" in b.equation},
        "method": _method(path, text),
        "lacks": tuple(f"{path.name}:{line}: {what}" for line, what in lacks.items()),
    }


def _method(path: Path, text: str) -> str:
    numbers = settings(text).get(15, "").split(",")
    code = int(numbers[3]) if len(numbers) > 3 and numbers[3].strip().isdigit() else 0
    if code not in _METHODS:
        raise ModelError(
            "{file}: unknown integration method {code} in the settings below the sketch. Choose Euler, RK2 or RK4.",
            file=path.name,
            code=code,
        )
    return _METHODS[code]


def _refuse_unended(path: Path, text: str, blocks: list[Block]) -> None:
    if not blocks:
        raise ModelError(
            "{file}:1: no equation found. A Vensim entry reads 'name = … ~ unit ~ comment |'.", file=path.name
        )
    body = text.split(SKETCH, 1)[0].rstrip()
    if not body.endswith("|") and not re.search(r":END OF MACRO:\s*$", body, re.IGNORECASE):
        last = blocks[-1]
        raise ModelError(
            "{file}:{line}: the entry of '{last_name}' has no closing '|'. Add it.",
            file=path.name,
            line=last.line,
            last_name=unquoted(last.name),
        )


# ---- entries -------------------------------------------------------------------------------------


def _entry(
    block: Block, calls: list[tuple[str, Call, list[Tree]]], lacks: dict[int, str], ranges_from: Callable[..., list[str]]
) -> AbstractSubscriptRange | AbstractComponent | None:  # fmt: skip
    """Return what an entry defines: a range, an equation, or nothing that is simulated."""
    equation, name = flat(block.equation), block.name
    if len(name) > LONGEST_NAME:
        told = tell("a name of {count} characters. Use at most {most}.", count=len(name), most=LONGEST_NAME)
        raise BadEntry(told)
    left = _LEFT.match(equation)
    if left is None:
        raise BadEntry(_unreadable(block, ""))
    if left["check"]:
        return None
    source, start = left["source"] or "", left.start("source")
    try:
        subscripts = _subscripts(left)
        if left["keyword"] or left["data"]:
            return _data(left, subscripts)
        if source.startswith("<->"):
            return AbstractSubscriptRange(left["name"].strip(), source[3:].strip(), [])
        if source.startswith(":"):
            return _range(left["name"].strip(), source[1:], ranges_from)
        if source.startswith("("):
            return _lookup(source, subscripts)
        if not source:
            return AbstractData(subscripts, trees.Data())
        if not source.startswith("="):
            raise Refused(0)
        kind = AbstractUnchangeableConstant if source.startswith("==") else AbstractComponent
        skipped = 2 if source.startswith("==") else 1

        def outputs(made: Call, more: list[Tree]) -> None:
            calls.append((block.macro, made, more))

        start += skipped
        commas: list[int] = []
        tree = Reader(source[skipped:], DIALECT, outputs, commas).whole()
        for place in commas:
            told = tell("no comma before '{text}' in the equation of '{name}', which PySD alone takes. Write one.",
                        text=equation[start + place :].strip()[:30], name=unquoted(name))  # fmt: skip
            lacks.setdefault(block.line, told)
        return (AbstractLookup if isinstance(tree, trees.GetLookups) else kind)(subscripts, tree)
    except Refused as refused:
        raise BadEntry(_unreadable(block, equation[start + refused.position :], refused.reason)) from None
    except ModelError as error:
        raise BadEntry(tell("'{name}' {error}", name=unquoted(name), error=error)) from None


def _unreadable(block: Block, rest: str, reason: str = "") -> str:
    near = tell(" near '{text}'", text=rest.strip()[:30]) if rest.strip() else ""
    remedy = reason or tell("Check its operators, parentheses, commas and [min, max].")
    return tell(
        "cannot read the entry of '{name}'{near}. {remedy}",
        name=unquoted(block.name),
        near=near,
        remedy=remedy,
    )


def _subscripts(left: re.Match[str]) -> tuple[list[str], list[list[str]]]:
    skipped = [_listed(group) for group in _GROUPS.findall(left["except"] or "")]
    return (_listed(left["subscripts"]) if left["subscripts"] is not None else []), skipped


def _listed(text: str) -> list[str]:
    found = [part.strip() for part in split_outside_quotes(text)]
    if not all(found):
        raise Refused(0)
    return found


def _data(left: re.Match[str], subscripts: Any) -> AbstractData:
    keyword = "_".join(left["keyword"].strip(": ").lower().split()) if left["keyword"] else None
    if left["source"]:
        raise Refused(0)
    given = (left["given"] or "").strip()
    tree = Reader(given, DIALECT).whole() if given else trees.Data()
    return AbstractData(subscripts, tree, keyword)


def _range(name: str, source: str, ranges_from: Callable[..., list[str]]) -> AbstractSubscriptRange:
    listed, _, mapped = source.partition("->")
    if sheet := _SHEET.match(listed.strip()):
        elements = ranges_from(*re.findall(r"'([^']*)'", sheet[1]))
    else:
        elements = [e for part in _listed(listed) for e in _counted(part)]
    return AbstractSubscriptRange(name, elements, list(split_mappings("->" + mapped)))


def _counted(part: str) -> Iterable[str]:
    """Return the elements that a part of a range stands for: (g1-g10) for ten."""
    found = _RANGE.fullmatch(part)
    if found is None:
        if part[0] != '"' and set(part) & set("()"):
            raise Refused(0)
        return [part]
    first, start, last, end = found.groups()
    if not first or first != last or int(start) >= int(end):
        raise Refused(0, tell("A numbered range reads (name1-name9)."))
    if int(end) - int(start) >= MOST_ELEMENTS:
        raise Refused(0, tell("A range has at most {most} elements.", most=MOST_ELEMENTS))
    return [f"{first}{number}" for number in range(int(start), int(end) + 1)]


LONGEST_NAME = 1000
MOST_ELEMENTS = 100_000


def _lookup(source: str, subscripts: Any) -> AbstractLookup:
    inside = source[1:].lstrip()
    if re.match(r"GET[ _]", inside, re.IGNORECASE):
        return AbstractLookup(subscripts, Reader(inside.rpartition(")")[0], DIALECT).whole())
    reader = Reader(source, DIALECT)
    reader.bracket()
    points = reader.points()
    reader.finish()
    return AbstractLookup(subscripts, points)


def _merge(
    elements: dict[tuple[str, str], AbstractElement], sections: dict[str, Section], block: Block,
    component: AbstractComponent,
) -> None:  # fmt: skip
    """Add a definition to its variable: later units, limits and words replace earlier ones."""
    key = block.macro, name_key(block.name)
    element = elements.get(key)
    if element is None:
        element = elements[key] = AbstractElement(block.name, [])
        sections[block.macro].elements.append(element)
    units, limits = _units(block)
    element.units, element.limits = units or element.units, limits or element.limits
    element.documentation = flat(block.doc) or element.documentation
    element.components.append(component)


def _units(block: Block) -> tuple[str, Any]:
    units = flat(block.units)
    if not units.endswith("]"):
        return units, None
    words, _, inside = units.rpartition("[")
    try:
        numbers = [None if part.strip() in {"?", ""} else float(part) for part in inside[:-1].split(",")]
    except ValueError:
        raise BadEntry(_unreadable(block, "")) from None
    return words.strip(), tuple(numbers)


def parse_expression(text: str) -> Tree:
    """Return the tree of an expression in Vensim's words.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    try:
        return Reader(flat(text), DIALECT).whole()
    except (Refused, ModelError) as error:
        raise ValueError(text) from error


# ---- macros --------------------------------------------------------------------------------------


def _define_outputs(
    sections: dict[str, Section], heads: dict[str, MacroHead], calls: list[tuple[str, Call, list[Tree]]]
) -> None:
    """Give each further output of a macro, "SPLIT(x : rest)", a macro and an equation of its own."""
    for scope, made, outputs in calls:
        macro = name_key(made.function.reference)
        names = heads[macro].outputs if macro in heads else ()
        for name, output in zip(names, outputs, strict=False):
            key = f"{macro}_:_{name_key(name)}"
            if key not in sections:
                result = AbstractElement(key, [AbstractComponent(([], []), Reference(name))])
                own = copy.deepcopy(sections[macro])
                sections[key] = Section(key, own.params, [], [*own.elements, result])
            left = output.subscripts.subscripts if output.subscripts else []
            tree = Call(Reference(key), copy.deepcopy(made.arguments))
            sections[scope].elements.append(
                AbstractElement(output.reference, [AbstractComponent((list(left), []), tree)])
            )


def _pass_globals(sections: dict[str, Section]) -> None:
    """Hand a macro the caller's clock, and what it names with a "$", as further arguments; Time it knows."""
    wanted: dict[str, dict[str, None]] = {}
    macros = {key: section for key, section in sections.items() if key}
    for key, section in macros.items():
        own = {name_key(element.name) for element in section.elements} | set(map(name_key, section.params))
        for tree in _trees(section):
            for node in walk(tree):
                if not isinstance(node, Reference) or name_key(node.reference) in own:
                    continue
                name = name_key(node.reference).rstrip("$")
                if node.reference.endswith("$") or name in trees.CLOCK:
                    node.reference = name
                    if name != "time":
                        wanted.setdefault(key, {})[name] = None
    for _ in macros:  # a macro that calls one hands its caller's variables on
        for key, section in macros.items():
            called = {
                name_key(n.function.reference)
                for t in _trees(section)
                for n in walk(t)
                if isinstance(n, Call)
            }
            for other in called & set(wanted):
                wanted.setdefault(key, {}).update(wanted[other])
    for key, names in wanted.items():
        macros[key].params += names
    if wanted:
        for section in sections.values():
            for tree in _trees(section):
                for node in walk(tree):
                    if isinstance(node, Call) and name_key(node.function.reference) in wanted:
                        more = wanted[name_key(node.function.reference)]
                        node.arguments += tuple(Reference(name) for name in more)


def _trees(section: Section) -> Iterable[Tree]:
    return (component.ast for element in section.elements for component in element.components)
