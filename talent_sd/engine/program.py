"""A model's flat program: from the cache where it is known, rebuilt where a run needs other delay orders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from talent_sd.base.cache import content_key, load_cached, save_cached
from talent_sd.base.errors import ModelError, UnsupportedError
from talent_sd.base.messages import language, tell
from talent_sd.engine.evaluate import evaluate_initial
from talent_sd.engine.ir import Program
from talent_sd.engine.order import needed_at_start, references
from talent_sd.engine.program_json import program_from_json, program_to_json
from talent_sd.engine.slot_plan import Plan
from talent_sd.model.translate import Source, read_model_bytes, translate

_BLOCK = 4096  # members whose delay times are looked at together


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
        self._programs: dict[tuple[tuple[str, int], ...], Program] = {}

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
        if () not in self._programs:
            key = content_key(self.path, read_model_bytes(self.path))
            found = load_cached("program", key)
            # told in the language that was asked for then
            if isinstance(found, dict) and "unsupported" in found and found.get("language") == language():
                raise UnsupportedError(str(found["unsupported"]))
            try:
                self._programs[()] = program_from_json(found or {})
            except (KeyError, TypeError, ValueError, IndexError):
                self._programs[()] = self._build(key)
        return self._programs[()]

    def _build(self, key: str) -> Program:
        from talent_sd.engine.equations import build_program

        try:
            program = build_program(self.source)
        except UnsupportedError as error:
            save_cached("program", key, {"unsupported": str(error), "language": language()})
            raise
        save_cached("program", key, program_to_json(program))
        return program

    def fitting(self, plan: Plan, lanes: int, initial_time: float) -> Program:
        """Return the program whose delay orders fit a run's delay times.

        Raises
        ------
        ModelError
            If a delay time is shorter than TIME STEP, or draws need different orders.
        """
        program = self.default()
        if not _touches_delays(program, plan):
            return program
        orders = _orders(program, plan, lanes, initial_time)
        if orders == {delay.group: delay.order for delay in program.delays}:
            return program
        from talent_sd.engine.equations import build_program

        key = tuple(sorted(orders.items()))
        if key not in self._programs:
            self._programs[key] = build_program(self.source, orders)
        return self._programs[key]


def _touches_delays(program: Program, plan: Plan) -> bool:
    """Return whether anything that a run changes can reach a delay time."""
    if not program.delays:
        return False
    step = program.time_slots["TIME STEP"]
    changed = {slot for slot in (*plan.constants, *plan.series) if slot not in program.time_slots.values()}
    given = plan.constants.get(step, plan.series.get(step, np.array(program.time_step)))
    if plan.tables or program.time_step != float(np.max(given)):
        return True
    return not changed.isdisjoint(needed_at_start(program, _delay_slots(program)))


def _delay_slots(program: Program) -> list[int]:
    return [slot for delay in program.delays for slot in references(delay.time)]


def _orders(program: Program, plan: Plan, lanes: int, initial_time: float) -> dict[str, int]:
    from talent_sd.engine.equations import needed_orders

    shortest: dict[str, int] | None = None
    for first in range(0, lanes, _BLOCK):
        members = slice(first, min(first + _BLOCK, lanes))
        constants = {
            slot: value[members] if np.ndim(value) else value for slot, value in plan.constants.items()
        }
        series = {
            slot: value[:1, members] if value.ndim > 1 else value[:1] for slot, value in plan.series.items()
        }
        start = evaluate_initial(
            program,
            constants,
            series,
            tables=plan.tables,
            outputs=[program.time_slots["TIME STEP"], *_delay_slots(program)],
            initial_time=initial_time,
            members=members.stop - members.start,
        )
        for edge in (np.min, np.max):
            orders = needed_orders(program, {slot: edge(values) for slot, values in start.items()})
            if shortest is not None and orders != shortest:
                group = next(g for g in orders if orders[g] != shortest[g])
                raise ModelError(
                    tell(
                        "the delay in '{group}' needs order {orders} in some draws and {shortest} in others: "
                        "some delay times are shorter than order x TIME STEP. Shorten TIME STEP or narrow the "
                        "delay time.",
                        group=group.rsplit(" ", 1)[0],
                        orders=orders[group],
                        shortest=shortest[group],
                    )
                )
            shortest = orders
    return shortest or {}
