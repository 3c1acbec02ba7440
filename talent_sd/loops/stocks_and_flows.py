"""A model's stocks with their flows, subscripts put together: the skeleton of its stock-and-flow picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.engine.ir import Call, Expression, Number, Program, Ref, Slot
from talent_sd.engine.order import references

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model

OUTPUT = "value added"
FACTORS = {
    "reference value added": "", "Relative Capacity": "", "relative residents": "people to capacity",
    "talent output effect": "", "relative knowledge heard": "knowledge output elasticity",
    "Cluster Maturity": "cluster output elasticity", "relative industry capital": "industry output elasticity",
    "orders from builders": "", "output correction": "",
}  # fmt: skip
"""Factors of the city model's output, each with the exponent that it has there, "" for one."""


@dataclass(frozen=True)
class Flow:
    """A flow with the stocks that its equation reads."""

    name: str
    reads: tuple[str, ...]


@dataclass(frozen=True)
class StockFlows:
    """A stock and the names of its flows; a rate that is no flow of its own is one called like `CHANGE`.

    `group` is the model's sector, "" where it has none; `drivers` what such a rate reads besides the stock.
    """

    stock: str
    inflows: tuple[str, ...]
    outflows: tuple[str, ...]
    group: str = ""
    drivers: tuple[str, ...] = ()


CHANGE = "change of {stock}"


def stock_flows(
    program: Program, groups: Mapping[str, str] | None = None, *, accounts: bool = False
) -> tuple[tuple[StockFlows, ...], tuple[Flow, ...]]:
    """Return stocks and flows of a model.

    Accounts are left out: stocks that nothing but themselves reads, and what counts nothing but flows
    that belong to an earlier stock; flows counted beside a stock's own are told as what moves it.
    A flow out of one stock and into another is one flow.

    Parameters
    ----------
    groups : variable -> sector
    accounts : take accounts in too; a flow that they count is told as what moves them
    """
    slots, read = program.slots, _readers(program)
    stocks: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    reads: dict[str, dict[str, None]] = {}
    drivers: dict[str, dict[str, None]] = {}
    counted: dict[str, dict[str, None]] = {}
    taken: dict[tuple[str, int], str] = {}
    for state in program.states:
        slot = slots[state.slot]
        account = not read.get(slot.variable, set()) - {slot.variable}
        if slot.hidden or (account and not accounts):
            continue
        inflows, outflows = stocks.setdefault(slot.variable, ({}, {}))
        for sign, term in _terms(slot.expression, 1):
            if isinstance(term, Ref) and slots[term.slot].kind == "auxiliary" and not slots[term.slot].hidden:
                flow = slots[term.slot].variable
                causes = references(slots[term.slot].expression)
            elif any(slots[cause].kind in ("auxiliary", "state") for cause in references(term)):
                flow, sign = CHANGE.format(stock=slot.variable), 1
                causes = references(slot.expression)
                own = drivers.setdefault(slot.variable, {})
                own |= {slots[cause].variable: None for cause in references(term) if _moves(slots[cause])}
            else:
                continue
            if account and any(taken.get((flow, one), slot.variable) != slot.variable for one in (1, -1)):
                drivers.setdefault(slot.variable, {})[flow] = None
                flow, sign = CHANGE.format(stock=slot.variable), 1
            if taken.setdefault((flow, sign), slot.variable) != slot.variable:
                counted.setdefault(slot.variable, {})[flow] = None
                continue
            (inflows if sign > 0 else outflows)[flow] = None
            known = (slots[cause] for cause in causes)
            reads.setdefault(flow, {}).update(
                {one.variable: None for one in known if one.kind == "state" and not one.hidden}
            )
    for stock, flows in counted.items():
        if any(stocks[stock]):
            stocks[stock][0][CHANGE.format(stock=stock)] = None
            drivers[stock] = {**flows, **drivers.get(stock, {})}
    found = _told(stocks, drivers, groups or {})
    return found, tuple(
        Flow(name, tuple(one for one in own if one in {held.stock for held in found}))
        for name, own in reads.items()
    )


def moving_flows(program: Program, stocks: Collection[str]) -> dict[str, int]:
    """Return the flows that bring to (1) or take from (-1) some stocks together; what passes from one to another is none."""
    found: dict[str, int] = {}
    for own in stock_flows(program, accounts=True)[0]:
        if own.stock in stocks:
            for sign, names in ((1, own.inflows), (-1, own.outflows)):
                found |= {name: found.get(name, 0) + sign for name in names}
    return {name: sign for name, sign in found.items() if sign}


def flows_brought(
    model: Model, stock: str, params: Sequence[Mapping[str, Any]], first: float, last: float
) -> dict[str, np.ndarray]:
    """Return what each flow brings to a stock, or a sum of stocks (takes: below 0), over some years, in each run."""
    step = model.structure.time["TIME STEP"]
    times = first + step * np.arange(round((last - first) / step))
    flows = moving_flows(model.program, _stocks_of(model, stock))
    runs = [model.run(params=dict(one), outputs=list(flows), times=times) for one in params]
    found = {
        name: np.array([sign * step * float(run[name].sum()) for run in runs]) for name, sign in flows.items()
    }
    # people promoted leave one tier for another: two flows that cancel
    return {
        name: own for name, own in found.items()
        if not any(np.allclose(own, -other, rtol=1e-9, atol=0) for other in found.values())
    }  # fmt: skip


def _stocks_of(model: Model, name: str) -> set[str]:
    """Return the stocks that a variable adds up."""
    variable = model.structure[name]
    if variable.kind == "stock":
        return {name}
    return {one for cause in variable.depends_on for one in _stocks_of(model, cause)}


def factors_of_output(
    model: Model, params: Sequence[Mapping[str, Any]], first: float, last: float
) -> dict[str, np.ndarray]:
    """Return what each factor of the city model's production function multiplies output by over some years, in each run.

    The last, under the name of output itself, is the whole; what the factors leave of it are people in training.
    """
    names = [*FACTORS, OUTPUT, *filter(None, FACTORS.values())]
    found = {name: np.ones(len(params)) for name in (*FACTORS, OUTPUT)}
    for number, one in enumerate(params):
        run = model.run(params=dict(one), outputs=names, times=[first, last])
        for name, own in found.items():
            start, end = (float(value) for value in run[name].values.ravel())
            power = FACTORS.get(name)
            own[number] = (end / start) ** (float(run[power].values.ravel()[0]) if power else 1.0)
    return found


def _told(
    stocks: Mapping[str, tuple[Mapping[str, None], Mapping[str, None]]],
    drivers: Mapping[str, Mapping[str, None]],
    groups: Mapping[str, str],
) -> tuple[StockFlows, ...]:
    """Return the stocks that something flows into or out of."""
    return tuple(
        StockFlows(
            stock, tuple(ins), tuple(outs), groups.get(stock, ""),
            tuple(name for name in drivers.get(stock, ()) if name != stock),
        )
        for stock, (ins, outs) in stocks.items() if ins or outs
    )  # fmt: skip


def _moves(slot: Slot) -> bool:
    """Return whether a variable says what moves a stock: a named nought or one does not."""
    neutral = isinstance(slot.expression, Number) and slot.expression.value in (0, 1)
    return not slot.hidden and not neutral


def _readers(program: Program) -> dict[str, set[str]]:
    """Return variable -> the variables whose equations read it."""
    found: dict[str, set[str]] = {}
    for slot in program.slots:
        for cause in references(slot.expression):
            found.setdefault(program.slots[cause].variable, set()).add(slot.variable)
    return found


def _terms(expression: Expression, sign: int) -> Iterator[tuple[int, Expression]]:
    """Yield the terms that an expression adds (1) and subtracts (-1)."""
    if isinstance(expression, Call) and expression.op in {"add", "sub", "neg"}:
        last = len(expression.args) - 1
        for place, part in enumerate(expression.args):
            turned = expression.op == "neg" or (expression.op == "sub" and place == last)
            yield from _terms(part, -sign if turned else sign)
    else:
        yield sign, expression
