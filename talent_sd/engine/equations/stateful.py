"""Stocks, smooths, delays and other functions with memory, as states of the program.

The formulas, their initial values and the order of their operations are PySD's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from talent_sd.base.errors import ModelError
from talent_sd.base.language import tell
from talent_sd.engine.ir import Call, Expression, Number, Ref

if TYPE_CHECKING:
    from talent_sd.engine.equations.lower import Context, Lowerer


def stock(lowerer: Lowerer, tree: Any, at: Context, slot: int) -> None:
    """INTEG (flow, initial), into `slot`. A non-negative stock (XMILE) is held at 0 from below."""
    if not isinstance(tree.non_negative, bool):  # PySD takes a third argument of INTEG for XMILE's flag
        raise ModelError(
            tell(
                "INTEG takes a net flow and one initial value. Write INTEG (flow, initial); for values by subscript "
                "give the initial value a name of its own."
            )
        )
    flow, initial = lowerer.lower(tree.flow, at), lowerer.lower(tree.initial, at)
    lowerer.draft.slots[slot].expression = flow
    lowerer.draft.add_state(slot, initial, kind="limited" if tree.non_negative else "euler")


def smooth(lowerer: Lowerer, tree: Any, at: Context) -> Expression:
    """SMOOTH, SMOOTH3, SMOOTH N: each stage approaches the one before."""
    order = lowerer.fixed_order(tree.order, at)
    draft = lowerer.draft
    target = lowerer.lower(tree.input, at)
    time = draft.bind(at.slot, "smooth time", lowerer.lower(tree.smooth_time, at))
    initial = (
        draft.bind(at.slot, "smooth start", lowerer.lower(tree.initial, at))
        if order > 1
        else (lowerer.lower(tree.initial, at))
    )
    lowerer.charge(order)
    for _ in range(order):
        stage = draft.add_hidden(at.slot, "smooth", "state", Number(0.0))
        draft.slots[stage].expression = Call("div", (_times(Call("sub", (target, Ref(stage))), order), time))
        draft.add_state(stage, initial)
        target = Ref(stage)
    return target


def delay(lowerer: Lowerer, tree: Any, at: Context) -> Expression:
    """DELAY1, DELAY3: a chain of stocks, each with the outflow stock / delay time."""
    draft = lowerer.draft
    time = draft.bind(at.slot, "delay time", lowerer.lower(tree.delay_time, at))
    order = lowerer.fixed_order(tree.order, at)
    initial = Call("mul", (lowerer.lower(tree.initial, at), time))
    inflow = lowerer.lower(tree.input, at)
    lowerer.charge(order)
    for _ in range(order):
        stage = draft.add_hidden(at.slot, "delay", "state", Number(0.0))
        outflow = Call("div", (Ref(stage), time))
        draft.slots[stage].expression = _times(Call("sub", (inflow, outflow)), order)
        draft.add_state(stage, initial)
        inflow = outflow
    return inflow


def delay_n(lowerer: Lowerer, tree: Any, at: Context) -> Expression:
    """DELAY N: like DELAY, but what entered under one delay time keeps it down the chain."""
    draft = lowerer.draft
    time = draft.bind(at.slot, "delay time", lowerer.lower(tree.delay_time, at))
    order = lowerer.fixed_order(tree.order, at)
    initial = Call("mul", (lowerer.lower(tree.initial, at), time))
    inflow = lowerer.lower(tree.input, at)
    past, outflow_time, stage = time, time, -1
    lowerer.charge(order)
    for number in range(order):
        stage = draft.add_hidden(at.slot, "delay", "state", Number(0.0))
        outflow = Call("div", (Ref(stage), past))
        draft.slots[stage].expression = _times(Call("sub", (inflow, outflow)), order)
        draft.add_state(stage, initial)
        inflow = outflow
        memory = draft.add_hidden(at.slot, "delay time before", "state", past)
        draft.add_state(memory, time, kind="hold")
        past = Ref(memory)
        if number == 0:
            outflow_time = past
    return Call("div", (Ref(stage), outflow_time))


def delay_fixed(lowerer: Lowerer, tree: Any, at: Context) -> Expression:
    """DELAY FIXED: what was put in a fixed number of steps ago."""
    slot = lowerer.draft.add_hidden(at.slot, "delay fixed", "state", lowerer.lower(tree.input, at))
    length = lowerer.lower(tree.delay_time, at)
    lowerer.draft.add_state(slot, lowerer.lower(tree.initial, at), kind="delay_fixed", length=length)
    return Ref(slot)


def trend(lowerer: Lowerer, tree: Any, at: Context) -> Expression:
    """TREND: the input's growth rate against its own average."""
    draft = lowerer.draft
    value = draft.bind(at.slot, "trend input", lowerer.lower(tree.input, at))
    time = draft.bind(at.slot, "trend time", lowerer.lower(tree.average_time, at))
    start = Call("mul", (lowerer.lower(tree.initial_trend, at), time))
    average = _average(lowerer, at, "trend", value, time, start)
    gap = Call("sub", (value, average))
    return Call("zidz", (gap, Call("mul", (time, Call("abs", (average,))))))


def forecast(lowerer: Lowerer, tree: Any, at: Context) -> Expression:
    """FORECAST: the input, extended by its trend over the horizon."""
    draft = lowerer.draft
    value = draft.bind(at.slot, "forecast input", lowerer.lower(tree.input, at))
    time = draft.bind(at.slot, "forecast time", lowerer.lower(tree.average_time, at))
    average = _average(lowerer, at, "forecast", value, time, lowerer.lower(tree.initial_trend, at))
    growth = Call("zidz", (Call("sub", (value, average)), Call("mul", (time, average))))
    ahead = Call("mul", (growth, lowerer.lower(tree.horizon, at)))
    return Call("mul", (value, Call("add", (Number(1.0), ahead))))


def net_present_value(lowerer: Lowerer, arguments: tuple[Any, ...], at: Context) -> Expression:
    """NPV (stream, discount rate, initial value, factor), as Vensim's manual writes it out."""
    draft, step = lowerer.draft, lowerer.time_step()
    stream, rate, initial, factor = (lowerer.lower(each, at) for each in arguments)
    stream, rate = draft.bind(at.slot, "stream", stream), draft.bind(at.slot, "discount rate", rate)
    worth, whole = (draft.add_hidden(at.slot, name, "state", Number(0.0)) for name in ("worth", "npv"))
    growth = Call("add", (Number(1.0), Call("mul", (rate, step))))
    draft.slots[worth].expression = Call("neg", (Call("div", (Call("mul", (Ref(worth), rate)), growth)),))
    draft.slots[whole].expression = now = Call("mul", (stream, Ref(worth)))
    draft.add_state(worth, Number(1.0))
    draft.add_state(whole, initial)
    return Call("mul", (Call("add", (Ref(whole), Call("mul", (now, step)))), factor))


def sample_if_true(lowerer: Lowerer, tree: Any, at: Context) -> Expression:
    """SAMPLE IF TRUE: the input while the condition holds, else what it last was."""
    draft = lowerer.draft
    memory = draft.add_hidden(at.slot, "sample", "state", Number(0.0))
    shown = Call("if", (lowerer.lower(tree.condition, at), lowerer.lower(tree.input, at), Ref(memory)))
    draft.slots[memory].expression = draft.bind(at.slot, "sampled", shown)
    draft.add_state(memory, lowerer.lower(tree.initial, at), kind="hold")
    return draft.slots[memory].expression


def _average(
    lowerer: Lowerer, at: Context, label: str, value: Expression, time: Expression, growth: Expression
) -> Expression:
    """Return the running average behind TREND and FORECAST, which starts at value / (1 + growth)."""
    slot = lowerer.draft.add_hidden(at.slot, label, "state", Number(0.0))
    lowerer.draft.slots[slot].expression = Call("div", (Call("sub", (value, Ref(slot))), time))
    lowerer.draft.add_state(slot, Call("div", (value, Call("add", (Number(1.0), growth)))))
    return Ref(slot)


def _times(expression: Expression, order: int) -> Expression:
    return expression if order == 1 else Call("mul", (expression, Number(float(order))))


HANDLERS: dict[str, Callable[[Any, Any, Any], Expression]] = {
    "Smooth": smooth, "SmoothN": smooth, "Delay": delay, "DelayN": delay_n, "DelayFixed": delay_fixed,
    "Trend": trend, "Forecast": forecast, "SampleIfTrue": sample_if_true,
}  # fmt: skip
