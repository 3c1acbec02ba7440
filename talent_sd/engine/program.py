"""Programs of a model: built once, kept in the cache as JSON, fitted to a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.base.cache import load_cached, save_cached
from talent_sd.base.errors import UnsupportedError
from talent_sd.base.language import language
from talent_sd.engine.ir import (
    OPERATIONS,
    Call,
    Expression,
    Number,
    Program,
    Random,
    Ref,
    Slot,
    State,
    Table,
    TableCall,
    Time,
)
from talent_sd.model.spreadsheets import model_key
from talent_sd.model.translate import Source, read_model_bytes, translate

_KINDS = {"constant", "auxiliary", "initial", "state"}


def expression_to_json(expression: Expression) -> Any:
    """Return an expression as JSON: a float is a number, an integer a slot, "t" the time, a list a call."""
    if isinstance(expression, Number):
        return float(expression.value)
    if isinstance(expression, Ref):
        return expression.slot
    if isinstance(expression, Time):
        return "t"
    if isinstance(expression, TableCall):
        return ["table", expression.table, expression_to_json(expression.x)]
    args = [expression_to_json(arg) for arg in expression.args]
    if isinstance(expression, Random):
        return ["random", expression.distribution, expression.stream, *args]
    return [expression.op, *args]


def expression_from_json(value: Any, slots: int) -> Expression:
    """Return the expression that `expression_to_json` wrote.

    Raises
    ------
    ValueError, TypeError, IndexError
        If it is none, or refers beyond `slots`.
    """
    if type(value) is float:
        return Number(value)
    if type(value) is int:
        if not 0 <= value < slots:
            raise ValueError(f"slot {value} of {slots}")
        return Ref(value)
    if value == "t":
        return Time()
    head = value[0]
    if head == "table":
        return TableCall(int(value[1]), expression_from_json(value[2], slots))
    if head == "random":
        args = tuple(expression_from_json(arg, slots) for arg in value[3:])
        return Random(value[1], args, int(value[2]))
    if OPERATIONS.get(head) != len(value) - 1:
        raise ValueError(f"operation {head} with {len(value) - 1} operands")
    return Call(head, tuple(expression_from_json(arg, slots) for arg in value[1:]))


def program_to_json(program: Program) -> dict[str, Any]:
    """Return a program as JSON values."""
    code = expression_to_json
    optional: Callable[[Expression | None], Any] = lambda e: None if e is None else code(e)  # noqa: E731
    return {
        "slots": [[s.name, s.variable, list(s.subscripts), s.kind, code(s.expression), s.hidden]
                  for s in program.slots],
        "states": [[s.slot, code(s.initial), s.kind, optional(s.length)] for s in program.states],
        "tables": [[t.name, t.x.tolist(), t.y.tolist(), t.outside, t.between] for t in program.tables],
        "initial_order": list(program.initial_order),
        "step_order": list(program.step_order),
        "initial_expression": [[slot, code(e)] for slot, e in program.initial_expression.items()],
        "times": [program.initial_time, program.final_time, program.time_step, program.saveper],
        "time_slots": program.time_slots,
        "frozen": sorted(program.frozen),
        "method": program.method,
    }  # fmt: skip


def program_from_json(value: Mapping[str, Any]) -> Program:
    """Return the program that `program_to_json` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError, IndexError
        If the value is none.
    """
    size = len(value["slots"])

    def code(part: Any) -> Expression:
        return expression_from_json(part, size)

    slots = tuple(Slot(name, variable, tuple(subscripts), kind, code(part), bool(hidden))
                  for name, variable, subscripts, kind, part, hidden in value["slots"])  # fmt: skip
    if any(slot.kind not in _KINDS for slot in slots):
        raise ValueError("unknown kind of slot")
    start, end, step, saveper = value["times"]
    return Program(
        slots=slots,
        states=tuple(State(slot, code(initial), kind, None if length is None else code(length))
                     for slot, initial, kind, length in value["states"]),
        tables=tuple(Table(name, np.array(x, float), np.array(y, float), outside, between)
                     for name, x, y, outside, between in value["tables"]),
        initial_order=tuple(value["initial_order"]), step_order=tuple(value["step_order"]),
        initial_expression={slot: code(part) for slot, part in value["initial_expression"]},
        initial_time=start, final_time=end, time_step=step, saveper=saveper,
        time_slots=dict(value["time_slots"]),
        frozen=frozenset(value["frozen"]), method=value["method"],
    )  # fmt: skip


class ProgramStore:
    """The programs of one model file.

    Parameters
    ----------
    path : of the model
    source : its translation, if at hand; read when needed otherwise
    """

    def __init__(self, path: str | Path, source: Source | None = None) -> None:
        self.path = Path(path)
        self._source = source
        self._program: Program | None = None

    @property
    def source(self) -> Source:
        """Return the translated model."""
        if self._source is None:
            self._source = translate(self.path)
        return self._source

    def default(self) -> Program:
        """Return the program with the model's own constants.

        Raises
        ------
        ModelError
            If an equation is wrong.
        UnsupportedError
            If the model uses what the flat program lacks; the reason is cached too.
        """
        if self._program is None:
            key = model_key(self.path, read_model_bytes(self.path))
            found = load_cached("program", key)
            # told in the language that was asked for then
            if isinstance(found, dict) and "unsupported" in found and found.get("language") == language():
                raise UnsupportedError(str(found["unsupported"]))
            try:
                self._program = program_from_json(found or {})
            except (KeyError, TypeError, ValueError, IndexError):
                self._program = self._build(key)
        return self._program

    def _build(self, key: str) -> Program:
        from talent_sd.engine.equations import build_program

        try:
            program = build_program(self.source)
        except UnsupportedError as error:
            save_cached("program", key, {"unsupported": str(error), "language": language()})
            raise
        save_cached("program", key, program_to_json(program))
        return program
