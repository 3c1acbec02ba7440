"""Reads the Python that PySD wrote before it is run: only what PySD's runtime needs may stand there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from talent_sd.base.errors import ModelError
from talent_sd.base.language import tell
from talent_sd.engine.pysd_safe_names import SafeNames

_NODES = {
    ast.Expr, ast.Import, ast.alias, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.arguments, ast.arg,
    ast.Return, ast.For, ast.Lambda, ast.Call, ast.keyword, ast.Attribute, ast.Name, ast.Load, ast.Store,
    ast.Constant, ast.Dict, ast.List, ast.Tuple, ast.Subscript, ast.Slice, ast.UnaryOp, ast.USub, ast.UAdd,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow,
    ast.Compare, ast.Eq, ast.NotEq, ast.Gt, ast.GtE, ast.Lt, ast.LtE,
}  # fmt: skip
_MODULES = {"numpy": "np", "xarray": "xr"}
_IMPORTS = {
    "pathlib": {"Path"},
    "scipy": {"stats"},
    "pysd": {"Component"},
    "pysd.py_backend.functions": {
        "prod", "sum", "vmax", "vmin", "vector_select", "vector_sort_order", "vector_reorder", "vector_rank",
        "active_initial", "if_then_else", "integer", "invert_matrix", "modulo", "pulse", "get_time_value",
        "quantum", "ramp", "step", "xidz", "zidz", "incomplete",
    },
    "pysd.py_backend.statefuls": {
        "Integ", "NonNegativeInteg", "Delay", "DelayN", "DelayFixed", "Smooth", "Trend", "Forecast",
        "SampleIfTrue", "Initial",
    },
    "pysd.py_backend.external": {"ExtLookup", "ExtData", "ExtConstant"},
    "pysd.py_backend.data": {"TabData"},
    "pysd.py_backend.lookups": {"HardcodedLookups"},
    "pysd.py_backend.allocation": {"allocate_available", "allocate_by_priority"},
    "pysd.py_backend.model": {"Macro"},
}  # fmt: skip
_BUILTINS = {"len", "float", "bool", "__file__"}
_ATTRIBUTES = {
    "add", "parent", "joinpath", "initial_time", "final_time", "time_step", "saveper", "stage",
    "loc", "values", "reset_coords", "rename", "transpose", "expand_dims",
    "DataArray", "zeros_like", "ones_like",
    "nan", "inf", "pi", "abs", "floor", "power", "minimum", "maximum", "exp", "log", "sqrt", "sin", "cos", "tan",
    "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "interp", "arange", "array",
    "logical_not", "logical_and", "logical_or", "random", "uniform", "truncnorm", "truncexpon", "rvs",
}  # fmt: skip
_CONTROL = "initial_time|final_time|time_step|saveper"
_MADE_UP = re.compile(rf"(_[a-z]+(_[a-z]+)*_(m\d+x_)?)?([vm]\d+x|{_CONTROL})(_\d+)?", re.ASCII)
_FIXED = {
    "__pysd_version__", "__data", "_root", "_params", "_subscript_dict", "component", "_control_vars", "key",
    "_init_outer_references", "time", "value", "def_subs", "except_subs", "x", "final_subs", "data",
}  # fmt: skip
_TEXT = re.compile(r"[A-Za-z0-9_ .,!]*")
_DOCS = re.compile(r"\nPython model '\w+\.py'\nTranslated using PySD\n|\s*Current time of the model\.\s*")
_SHEET_FILE = re.compile(r"f\d+x\.[a-z]+", re.ASCII)
_MACRO_FILE = re.compile(r"macro_\d+\.py", re.ASCII)


def refuse_other_code(files: Iterable[Path], names: SafeNames, model: str) -> None:
    """Refuse Python that holds anything but what PySD's runtime needs.

    Parameters
    ----------
    files : what PySD wrote
    names : what stands in it for the model's names
    model : name of the model's file

    Raises
    ------
    ModelError
        With file and line of the model's variable.
    """
    for file in files:
        try:
            tree = ast.parse(file.read_text("utf-8"))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = str(getattr(error, "text", None) or file.name).strip()
            raise ModelError(_refusal(f"{model}:1", names.told(f"'{line[:60]}'"))) from None
        known = _defined(tree)
        for statement in tree.body:
            odd = next(_odd(statement, known, names.texts), None)
            if odd:
                place = names.place(ast.unparse(statement), f"{model}:1")
                raise ModelError(_refusal(place, names.told(odd)))


def _refusal(place: str, odd: str) -> str:
    return tell(
        "{place}: the Python that PySD makes of this holds {odd}, which no model needs: it is not run. "
        "Write the equation with plain names, numbers and functions.",
        place=place,
        odd=odd,
    )


def _defined(tree: ast.Module) -> set[str]:
    """Return the names that the module may read: what it defines and imports, both checked elsewhere."""
    known = set(_BUILTINS)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            known.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            known |= {alias.asname or alias.name for alias in node.names}
    return known


def _odd(statement: ast.stmt, known: set[str], texts: set[str]) -> Iterator[str]:
    """Yield what in a statement is not on the list of what may stand there."""
    for node in ast.walk(statement):
        fine = type(node) in _NODES
        match node:
            case ast.Import(names=names):
                fine = all(_MODULES.get(alias.name, "") == alias.asname for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                allowed = _IMPORTS.get(module or "", set())
                fine = level == 0 and all(a.name in allowed and a.asname is None for a in names)
            case ast.FunctionDef(name=name, decorator_list=decorators):
                fine = _may_be_named(name) and all(
                    ast.unparse(decorator).startswith("component.add(") for decorator in decorators
                )
            case ast.arg(arg=name):
                fine = name in {"x", "final_subs", "data"}
            case ast.Name(id=name, ctx=ast.Store()):
                fine = _may_be_named(name)
            case ast.Name(id=name):
                fine = name in known or _MADE_UP.fullmatch(name) is not None
            case ast.Attribute(attr=name, ctx=ast.Load()):
                fine = name in _ATTRIBUTES
            case ast.Attribute():
                fine = False
            case ast.keyword(arg=name):
                fine = name is not None
            case ast.Constant(value=str(text)):
                fine = bool(_TEXT.fullmatch(text) or _DOCS.fullmatch(text)) or text in texts
            case ast.Constant(value=value):
                fine = value is None or type(value) in (bool, int, float)
            case ast.Call(func=ast.Attribute(attr="joinpath"), args=[ast.Constant(value=str(file))]):
                fine = _MACRO_FILE.fullmatch(file) is not None
            case ast.Call(func=ast.Attribute(attr="joinpath")):
                fine = False
            case ast.Call(func=ast.Name(id="Macro"), args=[ast.Call(func=opened), *_]):
                fine = ast.unparse(opened) == "_root.joinpath"
            case ast.Call(func=ast.Name(id="ExtLookup" | "ExtData" | "ExtConstant"), args=[file, *_]):
                fine = isinstance(file, ast.Constant) and bool(_SHEET_FILE.fullmatch(str(file.value)))
            case ast.Call(func=ast.Name(id=name)):
                fine = name != "Macro"
            case ast.Call(func=function):
                fine = isinstance(function, ast.Attribute) or ast.unparse(function) == "__data['time']"
        if not fine:
            yield f"'{ast.unparse(node)[:60]}'"


def _may_be_named(name: str) -> bool:
    return name in _FIXED or _MADE_UP.fullmatch(name) is not None
