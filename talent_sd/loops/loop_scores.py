"""Scores of feedback loops over a model's variables, subscripts and delays taken together.

A loop is a circle of variables. Each step from one to the next is a matrix of link
scores, element by element; the score of the loop is the trace of the product of its
matrices. That is the exact sum over every circle of elements that follows the variables,
without listing them: a dozen variables with subscripts make a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from talent_sd.engine.slot_plan import slots_by_variable
from talent_sd.loops.link_scores import LinkScores, usual_sign

Link = Callable[[int, int], np.ndarray]
SLIGHT = 1e-6
"""A gain of so small a part of the largest says nothing of a link's sign: gains are differences."""


@dataclass
class VariableLinks:
    """Links between variables, from the links between their elements.

    What a smooth, a delay or a macro is made of lies between two variables: the paths
    through it are added up, so that a delay is one link.
    """

    scores: LinkScores
    _slots: dict[str, dict[tuple[str, ...], int]] = field(default_factory=dict)
    _matrices: dict[tuple[str, str, str], np.ndarray] = field(default_factory=dict)
    _paths: dict[int, tuple[tuple[int, ...], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._slots = slots_by_variable(self.scores.trajectory.program)

    def elements(self, variable: str) -> tuple[tuple[str, ...], ...]:
        """Return the subscripts of a variable's elements; one empty tuple for a scalar."""
        return tuple(self._slots[variable])

    def causes(self, variable: str) -> tuple[str, ...]:
        """Return the variables that move a variable, directly or through a delay; itself included."""
        slots = self.scores.trajectory.program.slots
        return tuple(
            dict.fromkeys(
                slots[path[0]].variable
                for slot in self._slots.get(variable, {}).values()
                for path in self._paths_into(slot)
            )
        )

    def graph(self) -> dict[str, tuple[str, ...]]:
        """Return variable -> causes, for every variable that has any."""
        found = {variable: self.causes(variable) for variable in self._slots}
        return {variable: causes for variable, causes in found.items() if causes}

    def holds_state(self, variable: str) -> bool:
        """Return whether a variable is a stock, or hides one: every loop passes such a variable."""
        slots = self.scores.trajectory.program.slots
        return any(
            slots[place].kind == "state"
            for slot in self._slots[variable].values()
            for path in ((slot,), *self._paths_into(slot))
            for place in path[bool(len(path) > 1) :]
        )

    def is_delayed(self, cause: str, effect: str) -> bool:
        """Return whether a smooth or a delay lies within the link."""
        causes = set(self._slots[cause].values())
        return any(
            len(path) > 2 and path[0] in causes
            for slot in self._slots[effect].values()
            for path in self._paths_into(slot)
        )

    def is_stock(self, variable: str) -> bool:
        """Return whether a variable is a stock itself."""
        slots = self.scores.trajectory.program.slots
        return any(slots[slot].kind == "state" for slot in self._slots[variable].values())

    def is_folded(self, route: Sequence[str]) -> bool:
        """Return whether a circle is a stock's own adjustment, counted within the links into it."""
        if not self.scores.fold_own or len(route) > 2:
            return False
        slots = self.scores.trajectory.program.slots
        own = {
            (variable, slots[flow].variable)
            for variable in route
            for slot in self._slots[variable].values()
            for flow in self.scores.own_flows(slot)
        }
        return len(route) == 1 or tuple(route) in own or tuple(reversed(route)) in own

    def score(self, cause: str, effect: str) -> np.ndarray:
        """Return link scores, (elements of the effect, elements of the cause, steps or windows, members)."""
        return self._matrix("score", cause, effect)

    def gain(self, cause: str, effect: str) -> np.ndarray:
        """Return gains, (elements of the effect, elements of the cause, points, members)."""
        return self._matrix("gain", cause, effect)

    def sign(self, cause: str, effect: str) -> int:
        """Return 1 where more of the cause makes more of the effect, else -1; 0 if that is not settled.

        The run decides; where the link is idle all along, its equation does.
        """
        answer = int(np.sign(np.median(self.gain(cause, effect).sum(axis=(0, 1)))))
        if answer:
            return answer
        columns = set(self._slots[cause].values())
        signs = [
            int(np.prod([usual_sign(self.scores, a, b) for a, b in zip(path[:-1], path[1:], strict=True)]))
            for slot in self._slots[effect].values()
            for path in self._paths_into(slot)
            if path[0] in columns
        ]
        return int(np.sign(sum(signs)))

    def turns(self, cause: str, effect: str) -> bool:
        """Return whether more of the cause makes more of the effect at some times of the run and less at others."""
        gain = self.gain(cause, effect).sum(axis=(0, 1))
        clear = np.abs(gain) > SLIGHT * np.abs(gain).max()
        return bool((gain[clear] > 0).any() and (gain[clear] < 0).any())

    def loop_score(self, route: Sequence[str]) -> np.ndarray:
        """Return the score of the loop through these variables, each moving the next.

        (steps or windows, members).

        Raises
        ------
        KeyError
            If one does not move the next.
        """
        return self._trace("score", route)

    def loop_gain(self, route: Sequence[str]) -> np.ndarray:
        """Return the product of the gains around a loop, (points, members): its sign is the polarity."""
        return self._trace("gain", route)

    def _trace(self, what: str, route: Sequence[str]) -> np.ndarray:
        """Return the trace of the product of a loop's matrices, (steps or points, members).

        A variable may come twice, as when one tier moves up into another: only walks
        through two different elements of it are circles.
        """
        twice = next((variable for variable in route if route.count(variable) > 1), None)
        if twice is None:
            # starting where there are fewest elements keeps the products small; the trace is the same
            start = min(range(len(route)), key=lambda i: len(self._slots[route[i]]))
            return np.einsum("aatm->tm", self._product(what, [*route[start:], *route[:start], route[start]]))
        first = route.index(twice)
        turned = [*route[first:], *route[:first], twice]
        again = turned.index(twice, 1)
        out, back = self._product(what, turned[: again + 1]), self._product(what, turned[again:])
        apart = 1.0 - np.eye(len(self._slots[twice]))[:, :, None, None]
        return np.einsum("abtm,batm->tm", back, out * apart)

    def _product(self, what: str, walk: Sequence[str]) -> np.ndarray:
        """Return the product of the matrices along a walk, (elements of its end, of its start, ...)."""
        product = self._matrix(what, walk[0], walk[1])
        for cause, effect in zip(walk[1:-1], walk[2:], strict=True):
            product = np.einsum("abtm,bctm->actm", self._matrix(what, cause, effect), product)
        return product

    def _matrix(self, what: str, cause: str, effect: str) -> np.ndarray:
        key = (what, cause, effect)
        if key not in self._matrices:
            link: Link = self.scores.score if what == "score" else self.scores.gain
            columns = {slot: place for place, slot in enumerate(self._slots[cause].values())}
            matrix = np.zeros(())
            for row, slot in enumerate(self._slots[effect].values()):
                for path in self._paths_into(slot):
                    if path[0] in columns:
                        links = link(path[0], path[1])
                        for a, b in zip(path[1:-1], path[2:], strict=True):
                            links = links * link(a, b)
                        if not matrix.ndim:
                            matrix = np.zeros((len(self._slots[effect]), len(columns), *links.shape))
                        matrix[row, columns[path[0]]] += links
            if not matrix.ndim:
                raise KeyError(f"no link from '{cause}' to '{effect}'")
            self._matrices[key] = matrix
        return self._matrices[key]

    def _paths_into(self, slot: int) -> tuple[tuple[int, ...], ...]:
        """Return the paths into a slot from the nearest visible ones: (cause, hidden, ..., slot)."""
        if slot not in self._paths:
            slots, found = self.scores.trajectory.program.slots, []
            stack: list[tuple[int, ...]] = [(slot,)]
            while stack:
                path = stack.pop()
                for cause in self.scores.causes(path[0]):
                    if not slots[cause].hidden:
                        found.append((cause, *path))
                    elif cause not in path:  # a delay's own drain is no path through it
                        stack.append((cause, *path))
            self._paths[slot] = tuple(found)
        return self._paths[slot]


def relative_scores(scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return each loop's share of all loops' activity, with its sign.

    Parameters
    ----------
    scores : loop -> (steps, members), any sizes

    Returns
    -------
    loop -> (steps, members) from -1 to 1, their absolute values adding up to 1;
    NaN where no loop is active: the model stands still, or moves in step with time alone.

    >>> {name: float(share[0, 0]) for name, share in relative_scores(
    ...     {"R": np.array([[3.0]]), "B": np.array([[-1.0]])}).items()}
    {'R': 0.75, 'B': -0.25}
    """
    total = np.sum([np.abs(score) for score in scores.values()], axis=0)
    with np.errstate(all="ignore"):
        return {name: np.where(total > 0, score / total, np.nan) for name, score in scores.items()}


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
            outgoing.sort()  # the strongest is followed first: it lies on top
        for start in (variable for variable in weights if links.holds_state(variable)):
            for route, weight in _paths_home(start, weights):
                if links.is_folded(route):
                    continue
                best[route] = max(best.get(route, 0.0), weight)
    ranked = sorted(best, key=lambda route: (-best[route], route))
    return FoundLoops(tuple(ranked[:most]), False)


def _paths_home(start: str, weights: Mapping[str, list[tuple[float, str]]]) -> Iterable[tuple[Route, float]]:
    """Yield the strongest circles through a variable, each with the product of its links."""
    reached = dict.fromkeys(weights, 0.0)
    stack: list[tuple[str, float, Route]] = [(start, 1.0, ())]
    while stack:
        here, weight, before = stack.pop()
        if weight < reached[here]:
            continue
        reached[here] = weight
        path = (*before, here)
        for link, effect in weights[here]:
            onward = weight * link
            if effect == start:
                yield _from_first(path), onward
            # from what moves nothing no path leads on
            elif effect in reached and onward >= reached[effect] and effect not in path:
                stack.append((effect, onward, path))


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
