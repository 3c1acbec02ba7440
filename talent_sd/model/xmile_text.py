"""XMILE as other programs write it, brought to the form that PySD's translator reads.

Stella and Simlin write tables as variables with a graph but no equation, whole
dimensions as ``[*]``, and names with underscores; PySD expects none of these.
"""

from __future__ import annotations

import copy
import math
import re
from typing import Any

from talent_sd.model.names import name_key
from talent_sd.model.syntax import kind_of, rewrite

_COMMENT = re.compile(r"\{[^{}]*\}")
_SUBSCRIPTED = re.compile(r'("(?:\\"|[^"])*"|[^\W\d][\w$]*)\s*\[([^\[\]]*\*[^\[\]]*)\]')
_LOOKUP = re.compile(
    r'\bLOOKUP\s*\(\s*((?:"(?:\\"|[^"])*"|[^\W\d][\w$]*)\s*(?:\[[^\[\]]*\])?)\s*,', re.IGNORECASE
)
_CLOCK = {"dt": "time_step", "starttime": "initial_time", "stoptime": "final_time"}
_SAVE_INTERVAL = "save_interval"


def prepare_xmile(root: Any) -> Any:
    """Return a copy of an XMILE tree in the form that PySD's translator reads.

    Parameters
    ----------
    root : lxml's <xmile> element
    """
    root = copy.deepcopy(root)
    space = {"x": root.nsmap[None]}
    for node in root.xpath("//x:dim[@name] | //x:elem[@name]", namespaces=space):
        node.set("name", node.get("name").replace("_", " "))
    for node in root.xpath("//x:element[@subscript]", namespaces=space):
        node.set("subscript", ",".join(s.strip().replace("_", " ") for s in node.get("subscript").split(",")))
    variables = root.xpath("x:model/x:variables/*[@name]", namespaces=space)
    dims = {
        name_key(node.get("name")): [
            dim.get("name") for dim in node.xpath("x:dimensions/x:dim", namespaces=space)
        ]
        for node in variables
    }
    for equation in root.xpath("//x:eqn | //x:init_eqn", namespaces=space):
        equation.text = _plain_equation(equation.text or "", dims)
    for flow in root.xpath("//x:inflow | //x:outflow", namespaces=space):
        flow.text = _flow_reference((flow.text or "").strip(), dims)
    for graph in root.xpath("//x:gf[x:xpts]/x:xscale", namespaces=space):
        graph.getparent().remove(graph)  # PySD would spread the points evenly over it
    for node in variables:
        if node.xpath("x:gf", namespaces=space) and not node.xpath(".//x:eqn", namespaces=space):
            _make_table(node, node.xpath("x:gf", namespaces=space)[0])
    return root


def _plain_equation(text: str, dims: dict[str, list[str]]) -> str:
    """Return an equation without comments, x[*] as x[its dimension!], LOOKUP(table, x) as table(x)."""

    def named(match: re.Match[str]) -> str:
        written = [part.strip() for part in match[2].split(",")]
        own = dims.get(name_key(match[1]), [])
        if len(own) == len(written):
            written = [f"{dim.replace(' ', '_')}!" if part == "*" else part
                       for part, dim in zip(written, own, strict=True)]  # fmt: skip
        return f"{match[1]}[{', '.join(written)}]"

    return _LOOKUP.sub(r"\1(", _SUBSCRIPTED.sub(named, _COMMENT.sub(" ", text)))


def _flow_reference(name: str, dims: dict[str, list[str]]) -> str:
    """Return a stock's flow as an expression: a name without blanks, an array with its dimensions."""
    if "[" in name:
        return name
    spelled = name if name.startswith('"') else re.sub(r"\s+", "_", name)
    own = ", ".join(dim.replace(" ", "_") for dim in dims.get(name_key(name), []))
    return f"{spelled}[{own}]" if own else spelled


def _make_table(node: Any, graph: Any) -> None:
    """Turn a variable that is nothing but a graph into a named graph."""
    name = node.get("name")
    node.tag = graph.tag
    node.attrib.clear()
    node.set("name", name)
    for key, value in graph.attrib.items():
        if key != "name":
            node.set(key, value)
    node.remove(graph)
    for part in list(graph):
        node.append(part)


def plain_model(model: Any, root: Any) -> None:
    """Bring PySD's abstract model of an XMILE file to Vensim's terms, in place.

    DT, STARTTIME and STOPTIME become TIME STEP, INITIAL TIME and FINAL TIME, PI a number; the
    save interval that Stella and Simlin write becomes SAVEPER.
    """
    section = model.sections[0]
    known = {name_key(element.name) for element in section.elements}
    for element in section.elements:
        for component in element.components:
            component.ast = _plain_tree(component.ast, known)
    interval = next((value for node in root.iter("{*}sim_specs") for key, value in node.attrib.items()
                     if key.endswith(_SAVE_INTERVAL)), None)  # fmt: skip
    for element in section.elements:
        if name_key(element.name) == "saveper" and interval is not None:
            element.components[0].ast = float(interval)


def _plain_tree(tree: Any, known: set[str]) -> Any:
    if kind_of(tree) == "Reference":
        key = name_key(tree.reference)
        if key in _CLOCK and key not in known:
            tree.reference = _CLOCK[key]
        return math.pi if key == "pi" and key not in known else tree
    rewrite(tree, lambda part: _plain_tree(part, known))
    return tree
