"""What the loops without a name are: other routes of named ones, stocks' own turnover, and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from talent_sd.loops.loop_names import LoopNames, Route
from talent_sd.loops.loop_scores import VariableLinks
from talent_sd.loops.loop_search import same_circle, strongest_loops
from talent_sd.loops.stocks_and_flows import StockFlows, stock_flows

NAMED, OTHER_ROUTES, TURNOVER, REST = KINDS = ("named", "other routes", "turnover", "rest")
"""The loops as named; others that pass the link closing a named one, so that its switch cuts them too;
what keeps a stock, or stocks that flow into each other, at its level; and what no switch cuts."""
STRONGEST = 3
"""Loops of the rest that are told by the stocks they pass."""


@dataclass(frozen=True)
class Coverage:
    """How the activity of all loops found divides.

    Attributes
    ----------
    activity : kind -> (windows, members), sums of the scores' sizes
    strongest : stocks that the strongest loops of the rest pass, in order
    found : how many loops were scored
    """

    activity: dict[str, np.ndarray]
    strongest: tuple[Route, ...]
    found: int


def cover(links: VariableLinks, names: LoopNames, named: np.ndarray) -> Coverage:
    """Divide the activity of all loops found.

    Parameters
    ----------
    links : scored
    names : the named loops
    named : their activity, (windows, members)
    """
    listed = [route for loop in names.loops for route in loop.routes]
    closing = {loop.closes for loop in names.loops}
    chains = stock_chains(stock_flows(links.scores.trajectory.program)[0])
    activity = {kind: np.zeros_like(named) for kind in KINDS}
    activity[NAMED] = named
    scores: dict[Route, np.ndarray] = {}
    others = [
        route
        for route in strongest_loops(links).routes
        if not any(len(route) == len(known) and same_circle(route, known) for known in listed)
    ]
    for route in others:
        kind = kind_of(route, closing, chains, links)
        size = np.abs(links.loop_score(route))
        activity[kind] = activity[kind] + size
        if kind == REST:
            scores[route] = size
    total = np.sum(list(activity.values()), axis=0)
    with np.errstate(all="ignore"):
        part = {route: float(np.nanmean(size / total)) for route, size in scores.items() if size.any()}
    told: dict[Route, float] = {}
    for route, own in part.items():
        stocks = tuple(variable for variable in route if links.is_stock(variable))
        told[stocks] = told.get(stocks, 0.0) + own
    ranked = sorted(told, key=lambda stocks: (-told[stocks], stocks))
    return Coverage(activity, tuple(ranked[:STRONGEST]), len(listed) + len(others))


def kind_of(
    route: Route, closing: Iterable[str], chains: Sequence[frozenset[str]], links: VariableLinks
) -> str:
    """Return which kind a loop without a name is.

    Parameters
    ----------
    closing : variables that close named loops
    chains : stocks that flow into each other, as `stock_chains` returns them
    """
    if not set(closing).isdisjoint(route):
        return OTHER_ROUTES
    held = {variable for variable in route if links.holds_state(variable)}
    if len(held) == 1 or any(held <= chain for chain in chains):
        return TURNOVER
    return REST


def stock_chains(stocks: Iterable[StockFlows]) -> tuple[frozenset[str], ...]:
    """Return stocks joined by flows, what leaves one entering the next.

    >>> sorted(stock_chains([StockFlows("a", (), ("f",)), StockFlows("b", ("f",), ()),
    ...     StockFlows("c", ("g",), ())])[0])
    ['a', 'b']
    """
    import networkx

    held = list(stocks)
    graph = networkx.Graph(
        (one.stock, other.stock)
        for one in held
        for other in held
        if one is not other and set(one.outflows) & set(other.inflows)
    )
    return tuple(frozenset(part) for part in networkx.connected_components(graph))
