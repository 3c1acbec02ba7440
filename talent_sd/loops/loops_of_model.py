"""Feedback loops of any model: found, scored in the published form, laid out automatically."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import TIME
from talent_sd.base.version import __version__
from talent_sd.loops.kept_run import follow, refuse_trouble
from talent_sd.loops.link_scores import LinkScores
from talent_sd.loops.loop_layout import HIGH, WIDE, drawn_together, placed
from talent_sd.loops.loop_names import DiagramLayout, LoopNames, NamedLoop, RunPolarity
from talent_sd.loops.loop_scores import Route, VariableLinks, enumerate_loops, strongest_loops
from talent_sd.loops.loop_shares import LinkPicture, by_year, link_picture, shares_dataset, spans
from talent_sd.loops.stocks_and_flows import StockFlows, stock_flows

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model

SHOWN = 12
"""Loops that get a name and a place in pictures: the strongest."""
EDGE = 9.0
LETTER = 0.68
"""Width of a letter in a diagram, in its units."""
MOST_STRETCHED, MOST_STRETCHED_FEW, FEW = 1.8, 2.6, 4
"""How far a layout is drawn apart to fill the frame; of few variables farther."""
ROUNDING = 1e-9
"""Gains of so small a part of a loop's largest say nothing of its sign."""
ROUNDS = 2500
"""Tries at bettering an automatic layout: about two seconds for twenty variables."""


@dataclass(frozen=True)
class ModelStudy:
    """A model taken apart by its loops.

    `names` are the strongest loops, called R1, B1, ... by strength, with an automatic layout;
    `shares`, `links` and `stocks` as in `LoopStudy`; `found` counts the loops scored, `complete` tells if these are all.
    """

    names: LoopNames
    shares: xr.Dataset
    links: LinkPicture
    found: int
    complete: bool
    stocks: tuple[StockFlows, ...]


def study_model(path: str | Path) -> ModelStudy:
    """Find and score the loops of a model file.

    Up to 1000 loops are listed; in a model with more, the strongest ones are searched for.

    Parameters
    ----------
    path : a .mdl, .xmile, .xml, .stmx or .itmx file

    Raises
    ------
    ModelError
        If it cannot be read, has no feedback loop, or runs to a value that is not finite.
    UnsupportedError
        If it uses what flat programs lack: names function and variable.
    """
    from talent_sd.base.errors import ModelError
    from talent_sd.engine.runner import load_model

    model = load_model(path)
    run = follow(model)
    refuse_trouble(run, model.path.name)
    links = VariableLinks(LinkScores(run))
    graph = links.graph()
    loops = enumerate_loops(graph)
    if not loops.complete:
        loops = strongest_loops(links)
    scores = {route: links.loop_score(route) for route in loops.routes}
    active = [route for route in scores if scores[route].any()] or list(loops.routes)
    if not active:
        raise ModelError(
            "{file}: the model has no feedback loop: nothing in it moves itself.", file=Path(path).name
        )
    total = np.sum([np.abs(score) for score in scores.values()], axis=0)
    strength = {route: _mean_share(scores[route], total) for route in active}
    best = sorted(active, key=lambda route: (-strength[route], route))[:SHOWN]
    years, place = spans(links.scores.trajectory.times)
    yearly = {route: by_year(scores[route], place) for route in best}
    named = _named(links, best, yearly)
    layout = automatic_layout([route for loop in named for route in loop.routes])
    names = LoopNames(tuple(_placed(loop, layout) for loop in named), layout)
    own = {loop.name: scores[loop.routes[0]] for loop in names.loops}
    gains = {loop.name: links.loop_gain(loop.routes[0]) for loop in names.loops}
    activity = np.sum([np.abs(score) for score in own.values()], axis=0)
    shares = shares_dataset(own, gains, activity, total, years, place).assign_attrs(_about(model))
    shares["share_published"] = shares["share"]
    moving = links.scores.moving()
    shares["moves"] = (TIME, np.array([moving[place == year].any() for year in range(len(years))]))
    shares.attrs["never_closed"] = "; ".join(" → ".join((*r, r[0])) for r in _never_closed(links, scores))
    picture = link_picture(links, names, activity, place)
    sectors = {name: variable.group for name, variable in model.structure.variables.items()}
    stocks = stock_flows(model.program, sectors)[0]
    return ModelStudy(names, shares, picture, len(scores), loops.complete, stocks)


def _never_closed(links: VariableLinks, scores: Mapping[Route, np.ndarray]) -> list[Route]:
    """Return the loops whose links all work in the run, but never all at one time."""
    return [
        route
        for route, score in scores.items()
        if not score.any()
        and not links.loop_gain(route).any()
        and all(links.gain(a, b).any() for a, b in zip(route, (*route[1:], route[0]), strict=True))
    ]


def automatic_layout(routes: Sequence[Route]) -> DiagramLayout:
    """Place variables so that arrows cross little and no label stands on another or on an arrow.

    The same routes give the same places.
    """
    import networkx

    everyone = dict.fromkeys(variable for route in routes for variable in route)
    if all(len(route) == 1 for route in routes):  # nothing is linked: side by side, as in a list
        apart = (WIDE - 2 * EDGE) / max(1, len(everyone) - 1)
        nodes = {
            node: (round(EDGE + place * apart, 1) if len(everyone) > 1 else WIDE / 2, HIGH / 2)
            for place, node in enumerate(everyone)
        }
        return DiagramLayout(nodes, {node: node for node in nodes})
    links = list(
        dict.fromkeys(
            (a, b) for route in routes for a, b in zip(route, (*route[1:], route[0]), strict=True) if a != b
        )
    )
    graph = networkx.Graph(links)
    graph.add_nodes_from(everyone)
    circle = networkx.circular_layout(graph)
    places = networkx.kamada_kawai_layout(graph, pos=circle) if len(graph) > 2 else circle
    points = np.array([places[node] for node in graph])
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.where(high > low, high - low, 1.0)
    # where all lie in one line, the line is put in the middle
    scaled = np.where(
        high > low,
        EDGE + (points - low) / room * (np.array([WIDE, HIGH]) - 2 * EDGE),
        np.array([WIDE, HIGH]) / 2,
    )
    nodes = {node: (float(x), float(y)) for node, (x, y) in zip(graph, scaled, strict=True)}
    sizes = {node: label_size(node) for node in nodes}
    found, bends, _ = placed(nodes, {}, links, sizes, ROUNDS)
    together = drawn_together(_filling(found, sizes), bends, sizes)
    return DiagramLayout(together, {node: node for node in found}, bends=bends)


def _filling(
    nodes: dict[str, tuple[float, float]], sizes: dict[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Return places moved apart, all in the same measure, until they fill the frame."""
    points = np.array(list(nodes.values()))
    halves = np.array([sizes[node] for node in nodes]) / 2 + 1.0
    frame = np.array([WIDE, HIGH])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    away = np.maximum(np.abs(points - middle), 1e-9)
    most = MOST_STRETCHED if len(nodes) > FEW else MOST_STRETCHED_FEW
    factor = min(most, float(((frame / 2 - halves) / away).min()))
    spread = (points - middle) * max(factor, 1.0) + frame / 2
    return {
        node: (round(float(x), 1), round(float(y), 1)) for node, (x, y) in zip(nodes, spread, strict=True)
    }


def label_size(text: str) -> tuple[float, float]:
    """Return about how wide and high a label is in a diagram, in its units."""
    letters = sum(2 if ord(letter) >= 0x3000 else 1 for letter in text)
    return letters * LETTER + 1.4, 2.9


def _named(
    links: VariableLinks, routes: Sequence[Route], yearly: Mapping[Route, np.ndarray]
) -> list[NamedLoop]:
    """Call loops R1, B1, U1, ... in the order given; what a loop passes is its story."""
    found: list[NamedLoop] = []
    for route in routes:
        polarity = run_polarity(links.loop_gain(route), yearly[route])
        count = sum(loop.polarity == polarity for loop in found) + 1
        chain = " → ".join((*route, route[0]))
        short = (
            route[0]
            if len(route) == 1
            else f"{route[0]} … {route[-1]}"
            if len(route) > 2
            else ", ".join(route)
        )
        label, story = {"en": short, "zh": short}, {"en": chain, "zh": chain}
        found.append(NamedLoop(f"{polarity}{count}", polarity, label, story, route[0], (route,)))
    return found


def run_polarity(gain: np.ndarray, score: np.ndarray) -> RunPolarity:
    """Return what a loop does in a run.

    Parameters
    ----------
    gain : (points, members) product of the gains around the loop: tells where it is idle all along
    score : (spans, members) mean score in each span of time; NaN or 0 where nothing moves

    >>> gain = np.array([[0.3], [0.0], [-0.3]])
    >>> run_polarity(gain, np.array([[1.0], [0.2]])), run_polarity(gain, np.array([[1.0], [-0.5]]))
    ('R', 'U')
    """
    signs = np.sign(score[np.isfinite(score) & (score != 0)])
    if not signs.size:
        signs = np.sign(gain[np.abs(gain) > ROUNDING * np.abs(gain).max()])
    if (signs > 0).any() and (signs < 0).any():
        return "U"
    return "B" if (signs < 0).any() else "R"


def _placed(loop: NamedLoop, layout: DiagramLayout) -> NamedLoop:
    """Put a loop's sign in the middle of its variables; of two, beside the middle."""
    from dataclasses import replace

    points = np.array([layout.nodes[variable] for variable in loop.routes[0]])
    x, y = points.mean(axis=0)
    return replace(loop, at=(float(x), float(y) + (2.0 if len(points) < 3 else 0.0)))


def _mean_share(score: np.ndarray, total: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        share = np.abs(score) / total
    return float(np.nanmean(np.where(np.isfinite(share), share, 0.0)))


def _about(model: Model) -> dict[str, str]:
    return {
        "source": f"talent_sd {__version__}",
        "model": model.path.name,
        "model_sha256": model.structure.sha256,
        "against": "",
    }
