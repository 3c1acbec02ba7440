"""XMILE files to sections of trees: modules written out, arrays spelled out, Stella's words in Vensim's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from talent_sd.base.errors import ModelError, UnsupportedError, nearest
from talent_sd.base.language import tell
from talent_sd.model import trees, vensim_reader
from talent_sd.model.names import name_key, unquoted
from talent_sd.model.trees import (
    AbstractComponent,
    AbstractElement,
    AbstractLookup,
    AbstractModel,
    AbstractSubscriptRange,
    Reference,
    Section,
    SubscriptsReference,
    Tree,
    call,
)
from talent_sd.model.xmile_equations import Equations, Variable, plain, trees_in, written

_METHODS = {"euler": "euler", "rk4": "rk4", "rk2": "rk2", "rk45": "rk4", "gear": "rk4"}
MOST_MODULES = 1000
_SPECIAL_STOCKS = ("conveyor", "queue", "oven")


class XmileFile(Equations):
    """One XMILE file while it is read.

    Parameters
    ----------
    path : of the file
    root : its <xmile>, all tags without namespace
    """

    def __init__(self, path: Path, root: Any) -> None:
        super().__init__(path)
        self.root = root
        self.ranges = {name_key(n): (n, e) for n, e in self._dimensions()}
        self.lines: dict[tuple[str, str], int] = {}
        self.used: set[int] = set()
        self.modules = 0

    def read(self) -> dict[str, Any]:
        """Return what the file holds, as the fields of a `Source` beside path and hash.

        Raises
        ------
        ModelError
            With every problem.
        UnsupportedError
            If it has a stock of a special kind.
        """
        specs = self.root.find("sim_specs")
        if specs is None:
            raise ModelError(
                "{file}:{line}: no <sim_specs>. Add start, stop and dt.",
                file=self.path.name, line=self.root.sourceline,
            )  # fmt: skip
        models = {name_key(m.get("name") or ""): m for m in self.root.iter("model")}
        mains = [m for m in self.root.findall("model") if not m.get("name")] or self.root.findall("model")[:1]
        if not mains:
            raise ModelError(
                "{file}:{line}: no <model>. Add one with variables.",
                file=self.path.name,
                line=self.root.sourceline,
            )
        self.used = {id(mains[0])}
        self._declare(mains[0], models, "", ())
        self._refuse_unused(mains[0])
        for variable in self.variables.values():
            self._components(variable)
        for stock in [v for v in self.variables.values() if v.kind == "stock"]:
            self._limit_outflows(stock)
        main = Section(
            "__main__", [], [AbstractSubscriptRange(n, list(e), []) for n, e in self.ranges.values()]
        )
        main.elements = [
            self._element(v) for v in self.variables.values() if name_key(v.name) not in trees.CLOCK
        ]
        main.elements += self._clock(specs)
        macros = [self._macro(node) for node in self.root.findall("macro")]
        if not self.variables:
            self._say(mains[0], tell("the model has no variables. Add a stock, a flow or an aux."))
        if self.problems:
            raise ModelError(self.problems)
        model = AbstractModel([main, *macros])
        return {"model": model, "lines": self.lines, "method": self._method(specs)}

    # ---- settings and dimensions -------------------------------------------------------------------

    def _method(self, specs: Any) -> str:
        asked = [word.strip().lower() for word in specs.get("method", "euler").split(",")]
        found = next((_METHODS[word] for word in asked if word in _METHODS), None)
        if found is None:
            raise ModelError(
                "{file}:{line}: unknown integration method '{method}'. Use Euler, RK2 or RK4.",
                file=self.path.name, line=specs.sourceline, method=specs.get("method"),
            )  # fmt: skip
        return found

    def _clock(self, specs: Any) -> list[AbstractElement]:
        dt = specs.find("dt")
        step = self._tree(dt, "", dt.text or "") if dt is not None else 1
        if dt is not None and dt.get("reciprocal", "").lower() == "true":
            step = trees.Arithmetic(["/"], (1, step))
        interval = next((v for k, v in specs.attrib.items() if k.endswith("save_interval")), None)
        values = {"INITIAL TIME": 0, "FINAL TIME": 0, "TIME STEP": step}
        for name, tag in (("INITIAL TIME", "start"), ("FINAL TIME", "stop")):
            node = specs.find(tag)
            if node is None:
                self._say(specs, tell("<sim_specs> has no <{tag}>. Add it.", tag=tag))
            else:
                values[name] = self._tree(node, "", node.text or "")
        values["SAVEPER"] = self._tree(specs, "", interval) if interval else Reference("time_step")
        units = specs.get("time_units", "")
        return [AbstractElement(n, [AbstractComponent(([], []), v)], units) for n, v in values.items()]

    def _dimensions(self) -> Iterator[tuple[str, list[str]]]:
        for node in self.root.iterfind("dimensions/dim"):
            elements = [plain(each.get("name", "")) for each in node.findall("elem")]
            size = node.get("size", "")
            if not elements and size.isdigit() and 0 < int(size) <= vensim_reader.MOST_ELEMENTS:
                elements = [str(number) for number in range(1, int(size) + 1)]
            if not elements or not node.get("name"):
                self._say(
                    node,
                    tell(
                        "dimension '{name}' has neither named elements nor a size up to {most}. Add <elem name=\"…\"/> "
                        "entries.",
                        name=node.get("name"), most=vensim_reader.MOST_ELEMENTS,
                    ),
                )  # fmt: skip
                continue
            yield plain(node.get("name")), elements

    # ---- modules ---------------------------------------------------------------------------------------

    def _declare(self, model: Any, models: dict[str, Any], prefix: str, above: tuple[int, ...]) -> None:
        """Take in a model's variables, and those of the modules in it, under their names with the prefix."""
        held = model.find("variables")
        graphs = [*model.iterfind("gf"), *(() if above else self.root.iterfind("gf"))]
        for node in (*(held if held is not None else ()), *graphs):
            if not isinstance(node.tag, str) or node.tag not in {"stock", "flow", "aux", "gf", "module"}:
                continue
            if not node.get("name"):
                self._say(node, tell('a variable without a name. Add name="…".'))
                continue
            if len(node.get("name")) > vensim_reader.LONGEST_NAME:
                most = vensim_reader.LONGEST_NAME
                self._say(
                    node,
                    tell(
                        "a name of {count} characters. Use at most {most}.",
                        count=len(node.get("name")),
                        most=most,
                    ),
                )
                continue
            name = prefix + re.sub(r"\\n|\s+", " ", node.get("name"))
            if node.tag == "module":
                self._module(node, name, models, (*above, id(model)))
                continue
            dims = [plain(dim.get("name", "")) for dim in node.iterfind("dimensions/dim")]
            key = name_key(name)
            if key in self.variables:
                self._say(node, tell("'{name}' is defined twice. Remove one.", name=name))
                continue
            self.variables[key] = Variable(node, node.tag, name, prefix, dims)
            self.lines["", key] = node.sourceline
            self._check_dims(node, name, dims)

    def _check_dims(self, node: Any, name: str, dims: list[str]) -> None:
        for dim in dims:
            if name_key(dim) not in self.ranges:
                known = [n for n, _ in self.ranges.values()]
                self._say(
                    node,
                    tell("'{name}': unknown subscript '{subscript}'.{hint} Define it first.",
                         name=name, subscript=dim, hint=nearest(dim, known)),
                )  # fmt: skip
        special = next((tag for tag in _SPECIAL_STOCKS if node.find(tag) is not None), None)
        if special:
            raise UnsupportedError(
                "{file}:{line}: '{name}' is a stock of the kind '{kind}', which is not supported. "
                "Write it as stocks with DELAY or as an aging chain.",
                file=self.path.name,
                line=node.sourceline,
                name=name,
                kind=special,
            )

    def _module(self, node: Any, name: str, models: dict[str, Any], above: tuple[int, ...]) -> None:
        named = next(
            (v for k, v in node.attrib.items() if k.rpartition("}")[2] in {"model_name", "model"}), None
        )
        model = models.get(name_key(named or node.get("name")))
        self.modules += 1
        if self.modules > MOST_MODULES:
            raise ModelError(
                "{file}:{line}: more than {most} modules within modules. Use fewer.",
                file=self.path.name, line=node.sourceline, most=MOST_MODULES,
            )  # fmt: skip
        if model is None or id(model) in above:
            self._say(
                node, tell("module '{name}' has no <model> of its name, or holds itself. Add one.", name=name)
            )
            return
        self.used.add(id(model))
        self._declare(model, models, f"{name}.", above)
        parent = name.rpartition(".")[0]
        for connection in node.findall("connect"):
            inner = (
                name_key(connection.get("to", "")).lstrip(".").removeprefix(name_key(node.get("name")) + ".")
            )
            target = self.variables.get(name_key(f"{name}.{inner}"))
            if target is not None:
                target.source = self._outer_key(connection.get("from", ""), f"{parent}." if parent else "")

    def _outer_key(self, name: str, prefix: str) -> str:
        return name_key(name[1:] if name.startswith(".") else prefix + name)

    def _refuse_unused(self, main: Any) -> None:
        for model in self.root.findall("model"):
            if id(model) not in self.used:
                self._say(
                    model,
                    tell("a second <model> '{name}' that no module uses. Remove it or add a <module>.",
                         name=model.get("name") or ""),
                )  # fmt: skip

    # ---- equations -----------------------------------------------------------------------------------

    def _components(self, variable: Variable) -> None:
        node = variable.node
        graph = node if variable.kind == "gf" else node.find("gf")
        variable.graph = self._points(graph) if graph is not None else None
        if variable.source:
            spans = SubscriptsReference(list(variable.dims)) if variable.dims else None
            tree: Tree = Reference(variable.source, spans)
            if variable.source not in self.variables:
                self._say(node, tell("'{name}' is connected to '{other}', which is not defined.",
                                     name=variable.name, other=variable.source))  # fmt: skip
            variable.components = [AbstractComponent((list(variable.dims), []), tree)]
            return
        parts = [(n, [plain(s) for s in n.get("subscript", "").split(",")]) for n in node.findall("element")]
        own = written(node)
        if own or not parts or (variable.kind == "gf"):
            parts = [(node, list(variable.dims))]
        for part, subscripts in parts:
            self._component(variable, part, subscripts)

    def _component(self, variable: Variable, part: Any, subscripts: list[str]) -> None:
        text = written(part)
        graph = part.find("gf")
        points = self._points(graph) if graph is not None else variable.graph
        if not text and points is not None and variable.kind != "stock":
            variable.components.append(AbstractLookup((subscripts, []), points))
            return
        if not text:
            self._say(part, tell("'{name}' has no equation. Add <eqn>.", name=variable.name))
            return
        at = dict(zip(map(name_key, variable.dims), subscripts, strict=False))
        tree = self._tree(part.find("eqn"), variable.prefix, text, variable, at)
        if variable.kind == "stock":
            tree = trees.Integ(self._net(variable, at), tree, self._held_above_zero(variable))
        else:
            tree = tree if points is None else trees.InlineLookups(tree, points)
            start = written(part, "init_eqn")
            if start:
                first = self._tree(part.find("init_eqn"), variable.prefix, start, variable, at)
                tree = call("active_initial", tree, first)
            if variable.kind == "flow" and self._held_above_zero(variable):
                tree = call("max", tree, 0)
        variable.components.append(AbstractComponent((subscripts, []), tree))

    # ---- stocks --------------------------------------------------------------------------------------

    def _flows(self, stock: Variable, tag: str) -> list[Variable]:
        """Return a stock's flows, in the order of the file."""
        found = []
        for node in stock.node.findall(tag):
            flow = self.variables.get(
                self._key(name_key(unquoted((node.text or "").split("[")[0])), stock.prefix)
            )
            if flow is None:
                self._say(node, tell("'{name}' has the flow '{flow}', which is not defined.",
                                     name=stock.name, flow=(node.text or "").strip()))  # fmt: skip
            else:
                found.append(flow)
        return found

    def _net(self, stock: Variable, at: dict[str, str]) -> Tree:
        inflows = [
            self._reference(Reference(name_key(v.name)), "", at, False) for v in self._flows(stock, "inflow")
        ]
        outflows = [
            self._reference(Reference(name_key(v.name)), "", at, False) for v in self._flows(stock, "outflow")
        ]
        operators = ["+"] * (len(inflows) - 1) + ["-"] * len(outflows)
        if not inflows and outflows:
            operators, outflows[0] = operators[1:], trees.Arithmetic(["negative"], (outflows[0],))
        operands = (*inflows, *outflows)
        if not operands:
            return 0
        return trees.Arithmetic(operators, operands) if operators else operands[0]

    def _held_above_zero(self, variable: Variable) -> bool:
        own = variable.node.find("non_negative")
        if own is not None:
            return "false" not in (own.text or "").lower()
        behaviour = self.root.find("behavior")
        if behaviour is None:
            return False
        return (
            behaviour.find("non_negative") is not None
            or behaviour.find(f"{variable.kind}/non_negative") is not None
        )

    def _limit_outflows(self, stock: Variable) -> None:
        """Let a stock that cannot fall below zero give no more than it holds: first outflow first.

        What flows in during a step may flow out in it, unless it depends on the outflow.
        """
        if not self._held_above_zero(stock):
            return
        outflows = self._flows(stock, "outflow")
        after = self._depending(outflows)
        inflows = [flow for flow in self._flows(stock, "inflow") if name_key(flow.name) not in after]
        for number, flow in enumerate(outflows):
            for component in flow.components:
                at = dict(zip(map(name_key, flow.dims), component.subscripts[0], strict=False))
                there: Callable[[Variable], Tree] = lambda v, at=at: self._reference(  # type: ignore[misc]  # noqa: E731
                    Reference(name_key(v.name)), "", at, False
                )
                level = trees.Arithmetic(["/"], (there(stock), Reference("time_step")))
                parts = (level, *map(there, inflows), *map(there, outflows[:number]))
                signs = ["+"] * len(inflows) + ["-"] * number
                room = call("max", trees.Arithmetic(signs, parts) if signs else level, 0)
                component.ast = call("min", component.ast, room)

    def _depending(self, causes: list[Variable]) -> set[str]:
        """Return the variables, stocks left out, that follow from some within one moment."""
        readers: dict[str, set[str]] = {}
        for key, variable in self.variables.items():
            if variable.kind != "stock":
                for component in variable.components:
                    for node in trees_in(component.ast):
                        if isinstance(node, Reference):
                            readers.setdefault(name_key(node.reference), set()).add(key)
        found: set[str] = set()
        stack = [name_key(cause.name) for cause in causes]
        while stack:
            key = stack.pop()
            if key not in found:
                found.add(key)
                stack += readers.get(key, ())
        return found

    # ---- the result ----------------------------------------------------------------------------------

    def _element(self, variable: Variable) -> AbstractElement:
        node = variable.node
        limits: tuple[float | None, float | None] | None = None
        bounds = node.find("range")
        if bounds is not None:
            try:
                low, high = bounds.get("min"), bounds.get("max")
                limits = (None if low is None else float(low), None if high is None else float(high))
            except ValueError:
                self._say(
                    bounds, tell("the limits in <range> are not numbers. Write min and max as numbers.")
                )
        doc = " ".join((node.findtext("doc") or "").split())
        return AbstractElement(variable.name, variable.components, node.findtext("units") or "", limits, doc)

    def _macro(self, node: Any) -> Section:
        """Return a macro as a section: its parameters, and a result of its own name."""
        name = node.get("name") or ""
        params = [(parm.text or "").strip() for parm in node.findall("parm")]
        inner = XmileFile(self.path, self.root)
        inner.problems = self.problems
        if node.find("variables") is not None:
            inner._declare(node, {}, "", ())
        for variable in inner.variables.values():
            inner._components(variable)
        section = Section(name_key(name), params)
        section.elements = [inner._element(v) for v in inner.variables.values()]
        if name_key(name) not in inner.variables:
            tree = inner._tree(node, "", written(node))
            section.elements.append(AbstractElement(name, [AbstractComponent(([], []), tree)]))
        self.lines |= {(name_key(name), key[1]): line for key, line in inner.lines.items()}
        return section
