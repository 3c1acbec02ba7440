"""Shares of named loops in a run's movement, year by year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.attribution import switch_parts
from talent_sd.base.dims import DRAW, TIME
from talent_sd.inputs.settings import LOOP_SWITCH
from talent_sd.loops.kept_run import follow, refuse_trouble
from talent_sd.loops.link_scores import LinkScores
from talent_sd.loops.loop_layout import Link
from talent_sd.loops.loop_names import LoopNames
from talent_sd.loops.loop_scores import Route, VariableLinks, relative_scores, same_circle, strongest_loops
from talent_sd.loops.stocks_and_flows import StockFlows, stock_flows

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model

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


LOOP = "loop"
KIND = "kind"
FEWEST, MOST, SPANS = 4, 60, 20
NEIGHBOURS = 1
"""A year's score is taken from its own steps and those of so many years to either side."""


@dataclass(frozen=True)
class LinkPicture:
    """What a diagram shows of the links that loops pass.

    Attributes
    ----------
    weights : route -> (draw, time) part of the named loops' activity that runs along it
    signs : (cause, effect) -> 1 where more of the cause makes more of the effect, else -1; 0 unknown
    slow : links that end in a stock, or hide a delay
    delayed : of these, links that hide a delay
    turning : links whose sign turns in the run, of loops that turn
    """

    weights: Mapping[Route, np.ndarray]
    signs: Mapping[Link, int]
    slow: frozenset[Link]
    delayed: frozenset[Link] = frozenset()
    turning: frozenset[Link] = frozenset()


def loop_shares(
    model: Model,
    names: LoopNames,
    params: Mapping[str, Any],
    against: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> tuple[xr.Dataset, LinkPicture]:
    """Score named loops on a run, year by year.

    Parameters
    ----------
    model : that the loops belong to
    names : the loops
    params : of the run, as in `Model.run`; may hold one value per draw
    against : of the run whose movement is taken as given; None: the same run with all loops cut
    inputs : of both runs, as in `Model.run`

    Returns
    -------
    `share`, `share_published`, `polarity` (of the gain: 1, -1, or 0 where the loop is never active),
    `named` and `activity`, as in `feedback_loops`; and the links for a diagram
    """
    run = follow(model, params, inputs)
    cut = {LOOP_SWITCH: np.zeros(len(switch_parts(model, LOOP_SWITCH)))}
    reference = follow(model, {**params, **cut} if against is None else against, inputs)
    for one in (run, reference):
        refuse_trouble(one, model.path.name)
    years, place = spans(run.times)
    published = VariableLinks(LinkScores(run))
    usual = windows(place, LinkScores(run, reference).moving())
    links = VariableLinks(published.scores.told_against(reference, usual))
    scores = {loop.name: _loop_score(links, loop.routes) for loop in names.loops}
    plain = {loop.name: _loop_score(published, loop.routes) for loop in names.loops}
    gains = {
        loop.name: np.sum([links.loop_gain(route) for route in loop.routes], axis=0) for loop in names.loops
    }
    named = np.sum([np.abs(score) for score in scores.values()], axis=0)
    found = cover(links, names, named)
    total = np.sum(list(found.activity.values()), axis=0)
    yearly = np.arange(len(years))
    shares = shares_dataset(scores, gains, named, total, years, yearly)
    shares["share_published"] = (shares["share"].dims, _yearly_shares(plain, place))
    parts = [by_year(_part_of(found.activity[kind], total), yearly).T for kind in KINDS]
    shares["activity"] = ((KIND, DRAW, TIME), np.stack(parts))
    shares = shares.assign_coords({KIND: list(KINDS)})
    shares["named"] = shares["activity"].sel({KIND: NAMED}, drop=True)
    shares.attrs["strongest_rest"] = "; ".join(" > ".join(stocks) for stocks in found.strongest)
    return shares, link_picture(links, names, named, yearly)


def windows(place: np.ndarray, moving: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the steps that each year's scores are taken from: those that move in it and next to it.

    A year in which nothing moves has none.

    Parameters
    ----------
    place : number of each step's year
    moving : whether anything moves in a step

    >>> steps = windows(np.array([0, 0, 1, 1, 2, 2]), np.array([False, False, False, True, True, True]))
    >>> [own.tolist() for own in steps]
    [[], [3, 4, 5], [3, 4, 5]]
    """
    found = []
    for year in range(int(place.max()) + 1):
        near = np.abs(place - year) <= NEIGHBOURS
        any_moves = moving[place == year].any()
        found.append(np.flatnonzero(near & moving) if any_moves else np.array([], int))
    return tuple(found)


def _loop_score(links: VariableLinks, routes: Sequence[Sequence[str]]) -> np.ndarray:
    return np.sum([links.loop_score(route) for route in routes], axis=0)


def link_picture(links: VariableLinks, names: LoopNames, named: np.ndarray, place: np.ndarray) -> LinkPicture:
    """Return the links of the named loops with their weights, signs and delays."""
    weights: dict[Route, np.ndarray] = {}
    signs: dict[Link, int] = {}
    slow: set[Link] = set()
    turning: set[Link] = set()
    for loop in names.loops:
        for route in loop.routes:
            activity = _part_of(np.abs(links.loop_score(route)), named)
            weights[route] = by_year(activity, place).T
            for link in zip(route, (*route[1:], route[0]), strict=True):
                if link not in signs:
                    signs[link] = links.sign(*link)
                    if links.holds_state(link[1]):
                        slow.add(link)
                if loop.polarity == "U" and links.turns(*link):
                    turning.add(link)
    delayed = frozenset(link for link in slow if links.is_delayed(*link))
    return LinkPicture(weights, signs, frozenset(slow), delayed, frozenset(turning))


def joined_links(pictures: Sequence[LinkPicture], places: Sequence[np.ndarray]) -> LinkPicture:
    """Put the links of several groups of draws together.

    Parameters
    ----------
    places : numbers of each group's draws
    """
    if len(pictures) == 1:
        return pictures[0]
    order = np.argsort(np.concatenate(places))
    weights = {
        route: np.concatenate([picture.weights[route] for picture in pictures])[order]
        for route in pictures[0].weights
    }
    signs = {
        link: next((one.signs[link] for one in pictures if one.signs[link]), 0) for link in pictures[0].signs
    }
    return LinkPicture(weights, signs, pictures[0].slow, pictures[0].delayed, pictures[0].turning)


def year_polarity(polarity: str, share: np.ndarray) -> str:
    """Return what a loop does in one span of time: its polarity, of a loop that turns that of the span.

    Parameters
    ----------
    share : (draws,) its share there

    >>> year_polarity("R", np.array([-0.1])), year_polarity("U", np.array([-0.1])), year_polarity("U", np.zeros(1))
    ('R', 'B', '')
    """
    if polarity != "U":
        return polarity
    total = float(np.nansum(share))
    return "R" if total > 0 else "B" if total < 0 else ""


def turns(share: np.ndarray) -> list[tuple[int, str]]:
    """Return when a loop turns: index of the span, and what it does from then on.

    Parameters
    ----------
    share : (draws, spans) of a loop that turns

    >>> turns(np.array([[1.0, 0.5, 0.0, -1.0, np.nan, -1.0]]))
    [(3, 'B')]
    """
    found: list[tuple[int, str]] = []
    last = ""
    for index, column in enumerate(share.T):
        sign = year_polarity("U", column)
        if sign and last and sign != last:
            found.append((index, sign))
        last = sign or last
    return found


def _part_of(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def spans(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each span of a run starts, and for each step the number of its span.

    Spans are whole units of time, of which a run of years has one a year; in a run
    of few or very many units, so many equal parts.

    >>> spans(np.arange(0, 6.1, 0.5))[0].tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    >>> spans(np.arange(0, 1.01, 0.25))[0].tolist()
    [0.0, 0.25, 0.5, 0.75]
    """
    start, length = times[0], times[-1] - times[0]
    if FEWEST <= length <= MOST and len(times) > length:
        unit = np.floor(times[:-1] + 1e-6)
        starts = np.unique(unit)
        return starts, np.searchsorted(starts, unit)
    count = min(SPANS, len(times) - 1)
    place = np.minimum(((times[:-1] - start) / length * count + 1e-6).astype(int), count - 1)
    return start + np.arange(count) * length / count, place


def by_year(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the mean over each year's steps at which something moves, (years, members); NaN if none does."""
    found = np.full((place.max() + 1, *values.shape[1:]), np.nan)
    for year in range(len(found)):
        own = values[place == year]
        moving = np.isfinite(own)
        count = moving.sum(axis=0)
        mean = np.where(moving, own, 0.0).sum(axis=0) / np.maximum(count, 1)
        found[year] = np.where(count > 0, mean, np.nan)
    return found


def _yearly_shares(scores: Mapping[str, np.ndarray], place: np.ndarray) -> np.ndarray:
    """Return (loop, members, years) means of relative scores."""
    return np.stack([by_year(series, place).T for series in relative_scores(scores).values()])


def shares_dataset(
    scores: Mapping[str, np.ndarray],
    gains: Mapping[str, np.ndarray],
    named: np.ndarray,
    total: np.ndarray,
    years: np.ndarray,
    place: np.ndarray,
) -> xr.Dataset:
    """Put scores together as shares by span of time.

    Parameters
    ----------
    scores, gains : loop -> (steps or years, members), scores; and gains, at points
    named, total : (steps or years, members) activity of these loops, and of all
    years : starts of the spans
    place : for each step of the scores the number of its span
    """
    import xarray as xr

    signs = np.stack([np.sign(np.median(_first_active(gain), axis=0)) for gain in gains.values()])
    members = named.shape[1]
    data = {
        "share": ((LOOP, DRAW, TIME), _yearly_shares(scores, place)),
        "polarity": ((LOOP, DRAW), signs),
        "named": ((DRAW, TIME), by_year(_part_of(named, total), place).T),
    }
    coords = {LOOP: list(scores), DRAW: np.arange(members), TIME: years}
    return xr.Dataset(data, coords)


def _first_active(gain: np.ndarray) -> np.ndarray:
    """Return gains with points at which a loop is not active left out, all of them where it never is."""
    active = gain[np.any(gain != 0, axis=1)]
    return active if len(active) else gain[:1]
