"""A slow, plain reading of the flat program, to hold the native engine against."""

from __future__ import annotations

import numpy as np
import pytest

from talent_sd.engine.ir import Call, Number, Program, Ref, TableCall

SMALL = 1e-6


def _table(table, x):
    xs, ys = table.x, table.y
    if np.isnan(x):
        return x
    if table.outside == "clamp" or table.between == "step":
        x = min(max(x, xs[0]), xs[-1])
    i = int(np.clip(np.searchsorted(xs, x, side="right") - 1, 0, len(xs) - 1))
    if table.between == "step" or len(xs) == 1:
        return ys[i]
    if i == len(xs) - 1:
        if x == xs[-1]:
            return ys[-1]
        return ys[-1] + (ys[-1] - ys[-2]) / (xs[-1] - xs[-2]) * (x - xs[-1])
    return ys[i] + (ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]) * (x - xs[i])


def _quantum(a, b):
    return a if b < SMALL else b * np.trunc(a / b)


# pow of arrays: for two scalars numpy takes the square root of -inf where C99 has infinity
PLAIN = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: np.power(np.array([a]), np.array([b]))[0],
    "neg": lambda a: -a, "mod": lambda a, b: a - _quantum(a, b), "quantum": _quantum,
    "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "and": lambda a, b: bool(a) and bool(b),
    "or": lambda a, b: bool(a) or bool(b), "not": lambda a: not a, "if": lambda c, a, b: a if c else b,
    "min": np.minimum, "max": np.maximum, "abs": abs, "sqrt": np.sqrt, "int": np.trunc, "floor": np.floor, "exp": np.exp,
    "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "zidz": lambda a, b: 0.0 if abs(b) < SMALL else a / b,
    "xidz": lambda a, b, c: c if abs(b) < SMALL else a / b,
}  # fmt: skip


class PlainRun:
    """One member of a program, one number at a time."""

    def __init__(self, program: Program, constants, times, given=None):
        self.program, self.times, self.given = program, times, given or {}
        self.values = [np.float64(v) for v in constants]
        self.dt = np.float64(constants[program.time_slots["TIME STEP"]])
        self.pushed = {s.slot: [] for s in program.states if s.kind == "delay_fixed"}

    def evaluate(self, e, point):
        if isinstance(e, Number):
            return np.float64(e.value)
        if isinstance(e, Ref):
            return self.values[e.slot]
        if isinstance(e, TableCall):
            return np.float64(_table(self.program.tables[e.table], self.evaluate(e.x, point)))
        t = np.float64(self.times[point])
        if not isinstance(e, Call):
            return t
        a = [self.evaluate(x, point) for x in e.args]
        match e.op:
            case "step":
                value = a[0] * np.float64(t + self.dt / 2 > a[1])
            case "ramp":
                value = np.float64(t + SMALL > a[1]) * a[0] * (np.minimum(a[2], t) - a[1])
            case _:
                value = PLAIN[e.op](*a)
        return np.float64(value)

    def run(self):
        """Every slot at every point: (slots, points)."""
        program = self.program
        initial = {s.slot: s.initial for s in program.states}
        record = np.zeros((len(program.slots), len(self.times)))
        with np.errstate(all="ignore"):
            self._put_given(0)
            for slot in program.initial_order:
                if slot not in self.given:
                    plain = initial.get(slot, program.slots[slot].expression)
                    self.values[slot] = self.evaluate(program.initial_expression.get(slot, plain), 0)
            first = {s.slot: self.values[s.slot] for s in program.states}
            lengths = {s.slot: self._steps(s) for s in program.states if s.length is not None}
            for point in range(len(self.times)):
                self._put_given(point)
                for slot in program.step_order:
                    if slot not in self.given:
                        self.values[slot] = self.evaluate(program.slots[slot].expression, point)
                record[:, point] = self.values
                self._move(point, first, lengths)
        return record

    def _put_given(self, point):
        for slot, values in self.given.items():
            self.values[slot] = np.float64(values[point])

    def _steps(self, state):
        return int(np.rint(max(self.evaluate(state.length, 0) / self.dt, 1) + SMALL))

    def _move(self, point, first, lengths):
        new = {}
        for state in self.program.states:
            change = self.evaluate(self.program.slots[state.slot].expression, point)
            if state.kind == "euler":
                new[state.slot] = self.values[state.slot] + self.dt * change
            elif state.kind == "hold":
                new[state.slot] = change
            else:
                pushed = self.pushed[state.slot]
                pushed.append(change)
                back = point + 1 - lengths[state.slot]
                new[state.slot] = pushed[back] if back >= 0 else first[state.slot]
        for slot, value in new.items():
            self.values[slot] = value


@pytest.fixture(scope="session")
def plain_run():
    """Run one member the slow way: (program, constants, times, given series) -> (slots, points)."""

    def run(program, constants, times, given=None):
        return PlainRun(program, constants, times, given).run()

    return run


@pytest.fixture
def kernel_cache(tmp_path, monkeypatch):
    """An empty folder for compiled objects."""
    monkeypatch.setenv("TALENT_SD_CACHE", str(tmp_path))
    return tmp_path / "kernels"


@pytest.fixture(scope="session")
def shared_kernel_cache(tmp_path_factory):
    """One folder of compiled objects for a whole session of tests."""
    folder = tmp_path_factory.mktemp("kernel cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALENT_SD_CACHE", str(folder))
        yield folder
