"""Loops that nobody named: all of them in a small model, the strongest ones in a large one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from talent_sd.loops.loop_scores import VariableLinks

MOST_LOOPS = 1000
"""Circles of variables listed at most. A model of a hundred variables can have millions."""

Route = tuple[str, ...]


@dataclass(frozen=True)
class FoundLoops:
    """Circles of variables, each once; `complete` if there are no others."""

    routes: tuple[Route, ...]
    complete: bool


def enumerate_loops(graph: Mapping[str, Iterable[str]], most: int = MOST_LOOPS) -> FoundLoops:
    """List the circles of a graph.

    Parameters
    ----------
    graph : variable -> its causes
    most : stop after so many

    >>> enumerate_loops({"births": ["People"], "People": ["births"], "deaths": ["People"]}).routes
    (('People', 'births'),)
    """
    import networkx

    edges = sorted((cause, effect) for effect, causes in graph.items() for cause in causes)
    circles = networkx.simple_cycles(networkx.DiGraph(edges))
    found = [_from_first(circle) for circle in islice(circles, most + 1)]
    return FoundLoops(tuple(sorted(found[:most], key=lambda route: (len(route), route))), len(found) <= most)


def strongest_loops(links: VariableLinks, most: int = MOST_LOOPS, moments: int = 3) -> FoundLoops:
    """Find the strongest circles of a model at several moments of a run.

    From every stock, paths are followed in order of strength; a path that comes to a variable more
    weakly than another did before is dropped (Eberlein & Schoenberg 2020). Loops that are strong at no
    moment may be missed: `complete` is False. Circles of a stock and its own drain are left out where
    they are folded into the links.

    Parameters
    ----------
    links : scored
    most : keep so many of the strongest
    moments : how many steps of the run to search, evenly spread
    """
    graph = links.graph()
    pairs = [(cause, effect) for effect, causes in graph.items() for cause in causes if cause != effect]
    # a link between subscripted variables is as strong as its strongest element
    strength = {pair: np.abs(links.score(*pair)).max(axis=(0, 1)).mean(axis=-1) for pair in pairs}
    steps = len(next(iter(strength.values()), ()))
    best: dict[Route, float] = {}
    for step in np.unique(np.linspace(0, max(steps - 1, 0), moments + 1).astype(int)[1:]):
        weights: dict[str, list[tuple[float, str]]] = {}
        for (cause, effect), series in strength.items():
            if series[step] > 0:
                weights.setdefault(cause, []).append((float(series[step]), effect))
        for outgoing in weights.values():
            outgoing.sort(reverse=True)
        for start in (variable for variable in weights if links.holds_state(variable)):
            for route, weight in _paths_home(start, weights):
                if links.is_folded(route):
                    continue
                best[route] = max(best.get(route, 0.0), weight)
    ranked = sorted(best, key=lambda route: (-best[route], route))
    return FoundLoops(tuple(ranked[:most]), False)


def _paths_home(start: str, weights: Mapping[str, list[tuple[float, str]]]) -> Iterable[tuple[Route, float]]:
    """Yield the strongest circles through a variable, each with the product of its links."""
    reached: dict[str, float] = {}
    stack: list[tuple[str, float, Route]] = [(start, 1.0, (start,))]
    while stack:
        here, weight, path = stack.pop()
        if weight < reached.get(here, 0.0):
            continue
        reached[here] = weight
        for link, effect in reversed(weights.get(here, [])):
            if effect == start:
                yield _from_first(path), weight * link
            elif effect not in path and weight * link >= reached.get(effect, 0.0):
                stack.append((effect, weight * link, (*path, effect)))


def _from_first(circle: Iterable[str]) -> Route:
    """Turn a circle so that its alphabetically first variable leads."""
    route = tuple(circle)
    start = route.index(min(route))
    return (*route[start:], *route[:start])


def same_circle(one: Iterable[str], other: Iterable[str]) -> bool:
    """Return whether two routes are the same loop, wherever they start.

    >>> same_circle(["a", "b", "c"], ["b", "c", "a"])
    True
    """
    return _from_first(one) == _from_first(other)
