"""Find the assumptions under which as many of the article's figures as possible come out at once.

Least squares over the free constants: each move in prior standard deviations, each miss in tolerances
times a weight. First every figure that is missed is tried alone, with all constants free and no price on
moving them: what does not come out then cannot, and takes no part in the joint search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.evidence.reading_bench import MARGIN, Bench, hinge, miss

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.evidence.reading_bench import Free
    from talent_sd.inputs.evidence_ledger import Figure
    from talent_sd.laboratory.findings import Finding

WEIGHTS = (30.0, 100.0, 300.0)
"""Of a miss, one after the other until all comes out: one tolerance off counts as much as so many standard
deviations of moves."""
STEP = 0.05
"""Difference for slopes, in standard deviations."""
ROUNDS = 6
REACHES = (0.1, 0.3, 1.0)
"""How far a round of the search for one figure goes towards the ends of the ranges."""
FELT = 0.02
"""A constant whose move to an end shifts no figure by so many tolerances stays where it is."""
MOST = 40
"""Rounds of a least-squares search."""
STEPS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""How far, in standard deviations, a step may take each constant: slopes hold so far or not."""
SMALL = (0.4, 0.2, 0.1, 0.05)
"""Moves below so many standard deviations are taken back, if the others can make it good."""
SPARE = 1.02
"""How much farther the rest may then lie."""
DIGITS = 4
Told = Callable[[str], None]


@dataclass(frozen=True)
class Alone:
    """What one figure comes to with all constants moved for it alone: the finding, where, loops that forbid it."""

    finding: Finding
    point: np.ndarray
    loops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A reading that was found.

    Parameters
    ----------
    free, point : the constants, and their moves in prior standard deviations
    shipped, findings : every figure before and after
    cannot : figures that do not come out even alone
    """

    free: tuple[Free, ...]
    point: np.ndarray
    shipped: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    cannot: Mapping[str, Alone] = field(default_factory=dict)

    @property
    def distance(self) -> float:
        """Return the root of the summed squared moves, in prior standard deviations."""
        return float(np.sqrt((self.point**2).sum()))

    @property
    def constants(self) -> dict[str, float]:
        """Return the constants that are moved, in the model's own units, element by element."""
        return {
            key: value
            for one, move in zip(self.free, self.point, strict=True)
            if move
            for key, value in one.values(one.moved(move)).items()
        }

    @property
    def apart(self) -> tuple[str, ...]:
        """Return the figures that come out alone but not beside the others."""
        ids = [finding.figure.id for finding in self.findings if not finding.comes_out]
        return tuple(ident for ident in ids if ident not in self.cannot)

    @property
    def misfit(self) -> float:
        """Return the sum of squared misses in tolerances, figures that cannot come out left aside."""
        return float(sum(miss(one) ** 2 for one in self.findings if one.figure.id not in self.cannot))


def search_reading(
    model: Model, figures: Sequence[Figure], free: Sequence[Free], told: Told = lambda _: None
) -> Found:
    """Find the least moves under which most figures come out.

    Parameters
    ----------
    model : the city model
    figures : the ledger
    free : the constants that may be moved
    told : called with the name of each step as it starts

    Returns
    -------
    moves on a grid of four significant digits of each constant
    """
    bench = Bench(model, figures, free)
    told("screen")
    shipped = bench.find([np.zeros(len(bench.free))])[0]
    effects = _screen(bench)
    cannot: dict[str, Alone] = {}
    start = np.zeros(len(bench.free))
    for place, finding in enumerate(shipped):
        if not finding.comes_out:
            told(finding.figure.id)
            felt = np.flatnonzero(effects[:, place] > 0)
            alone = search_alone(bench.of([finding.figure]), felt)
            if alone.finding.comes_out:
                start = np.clip(start + alone.point, bench.low, bench.high)
            else:
                cannot[finding.figure.id] = _with_loops(bench.of([finding.figure]), alone)
    point = _joint(bench, effects, set(cannot), start, told)
    return Found(bench.free, point, tuple(shipped), tuple(bench.find([point])[0]), cannot)


def _screen(bench: Bench) -> np.ndarray:
    """Return (free, figures): the largest shift of each figure's value when one constant goes to an end, in tolerances."""
    ends = [sign * move for sign, row in ((1, bench.high), (-1, -bench.low)) for move in np.diag(row)]
    values = np.array(
        [[_position(one) for one in row] for row in bench.find([np.zeros(len(bench.free)), *ends])]
    )
    shifts = np.abs(values[1:] - values[0]).reshape(2, len(bench.free), -1)
    return np.asarray(np.nanmax(np.nan_to_num(shifts, nan=1.0), axis=0))


def _position(finding: Finding) -> float:
    """Return where a figure stands, in tolerances from its target, good side of a bound or not."""
    value = finding.measurement.value
    if finding.figure.value is None or value is None:
        return finding.measurement.lacking
    if not np.isfinite(value):
        return finding.measurement.stand_in
    return (value - finding.figure.target) / finding.figure.allowance + finding.measurement.lacking


def search_alone(bench: Bench, felt: np.ndarray) -> Alone:
    """Move all constants that a single figure feels for it alone, at no price.

    First by least squares, which finds the least moves where they suffice. Else from there, round by round:
    slopes to both sides, then steps towards the ends of the ranges on the side that helps, the best one kept; at
    last each constant by itself to both its ends.

    Parameters
    ----------
    bench : of one figure
    felt : places of the constants that it feels
    """
    point = _least_squares(bench, felt, np.zeros(len(bench.free)))
    if (finding := bench.find([point])[0][0]).comes_out:
        return Alone(finding, point)
    best = abs(bench.misses([point])[0, 0])
    for _ in range(ROUNDS):
        if best == 0:
            break
        tried = _tries(bench, point, felt, best)
        sizes = np.abs(bench.misses(tried)[:, 0])
        if not sizes.min() < best - 1e-6:
            tried = [
                _moved(point, place, end) for place in felt for end in (bench.low[place], bench.high[place])
            ]
            sizes = np.abs(bench.misses(tried)[:, 0]) if tried else np.array([best])
            if not sizes.min() < best - 1e-6:
                break
        point, best = tried[int(sizes.argmin())], float(sizes.min())
    return Alone(bench.find([point])[0][0], point)


def _tries(bench: Bench, point: np.ndarray, felt: np.ndarray, best: float) -> list[np.ndarray]:
    """Return points along the sides that help: towards the ends by several reaches, and by least squares."""
    moved = [_moved(point, place, point[place] + step) for place in felt for step in (STEP, -STEP)]
    if not moved:
        return [point]
    sizes = np.abs(bench.misses([np.clip(one, bench.low, bench.high) for one in moved])[:, 0]).reshape(-1, 2)
    slopes = np.zeros(len(point))
    slopes[felt] = (sizes[:, 0] - sizes[:, 1]) / (2 * STEP)
    ends = np.where(slopes < 0, bench.high, np.where(slopes > 0, bench.low, point))
    tries = [point + reach * (ends - point) for reach in REACHES]
    square = float((slopes**2).sum())
    if square > 0:
        tries += [
            np.clip(point - part * best * slopes / square, bench.low, bench.high) for part in (0.5, 1.0, 1.5)
        ]
    return tries


def _moved(point: np.ndarray, place: int, value: float) -> np.ndarray:
    changed = point.copy()
    changed[place] = value
    return changed


def _with_loops(bench: Bench, alone: Alone) -> Alone:
    """Return the same with the named loops each of whose cutting alone brings the figure out."""
    structure = bench.laboratory.model.structure
    switch = "loop closed"
    names = structure.subscripts.get("loop", ()) if switch in structure.variables else ()
    forbidding = tuple(
        name for name in names if bench.find([alone.point], {f"{switch}[{name}]": 0.0})[0][0].comes_out
    )
    return Alone(alone.finding, alone.point, forbidding)


def _joint(bench: Bench, effects: np.ndarray, cannot: set[str], start: np.ndarray, told: Told) -> np.ndarray:
    """Return the point of least moves under which most figures come out.

    From where the model stands; should that fail, from the sum of what each figure needs alone. While some stay
    out, the one farthest off is given up, and the rest fitted again from there.
    """
    wanted = [figure for figure in bench.figures if figure.id not in cannot]
    origins = [np.zeros(len(bench.free)), start]
    while wanted:
        told("joint")
        places = [bench.figures.index(figure) for figure in wanted]
        felt = np.flatnonzero((effects[:, places] > FELT).any(axis=1))
        own = bench.of(wanted)
        for origin in origins:
            point = origin
            for weight in WEIGHTS:
                point = _least_squares(own, felt, point, weight)
                findings = own.find([point])[0]
                if all(one.comes_out for one in findings):
                    return rounded(own, _sparse(own, point, weight))
        sizes = [abs(miss(one)) if not one.comes_out else -1.0 for one in findings]
        wanted.pop(int(np.argmax(sizes)))
        origins = [point]
    return np.zeros(len(bench.free))


def _least_squares(
    bench: Bench, felt: np.ndarray, start: np.ndarray, weight: float = WEIGHTS[0]
) -> np.ndarray:
    """Return the point of least squares of moves and weighted misses over the constants felt.

    Round by round: slopes of where each figure stands, and on that linear model the best point inside the
    ranges, tried with several reaches at once; the best of them is kept.
    """
    point = start
    best = np.inf
    for _ in range(MOST if len(felt) else 0):
        moved = [point, *(_moved(point, place, point[place] + _step(bench, point, place)) for place in felt)]
        rows = bench.positions(moved)
        best = min(best, _cost(rows[0], point, weight))
        steps = np.array([_step(bench, point, place) for place in felt])
        slopes = (rows[1:] - rows[0]) / steps[:, None, None]
        tried = [_best_on(rows[0], slopes, bench, felt, point, reach, weight) for reach in STEPS]
        costs = [_cost(row, one, weight) for row, one in zip(bench.positions(tried), tried, strict=True)]
        if not min(costs) < best * (1 - 1e-3):
            break
        point, best = tried[int(np.argmin(costs))], min(costs)
    return point


def _step(bench: Bench, point: np.ndarray, place: int) -> float:
    """Return the difference for a slope, to the side where there is room."""
    return STEP if point[place] + STEP <= bench.high[place] else -STEP


def _cost(row: np.ndarray, point: np.ndarray, weight: float) -> float:
    """Return the objective where figures stand at (figures, 2)."""
    misses = (hinge(row[:, 0]) ** 2 + np.maximum(row[:, 1], 0) ** 2).sum()
    return float(weight**2 * misses + (point**2).sum())


def _best_on(
    row: np.ndarray,
    slopes: np.ndarray,
    bench: Bench,
    felt: np.ndarray,
    point: np.ndarray,
    reach: float,
    weight: float,
) -> np.ndarray:
    """Return the best point of the linear model within a reach of every constant.

    A quadratic programme in the moves and what each figure lacks of its tolerance, kept a margin inside.
    """
    from scipy.optimize import minimize

    count, here = len(felt), point[felt]
    low, high = np.maximum(bench.low[felt], here - reach), np.minimum(bench.high[felt], here + reach)
    off = slopes.transpose(1, 2, 0)  # (figures, 2, felt)
    rates = np.vstack([-off[:, 0], off[:, 0], -off[:, 1]])
    room = np.concatenate([1 - MARGIN - row[:, 0], 1 - MARGIN + row[:, 0], -row[:, 1]]) - rates @ here
    used = np.abs(rates).sum(axis=1) > 0
    rates, room = rates[used], room[used]
    # what is lacking is scaled by the weight, so that the objective is half a square of all
    matrix = np.hstack([rates, np.eye(len(room)) / weight])
    lacking = weight * np.maximum(-(room + rates @ here), 0)
    found = minimize(
        lambda z: float(z @ z) / 2,
        np.concatenate([here, lacking]),
        jac=lambda z: z,
        method="SLSQP",
        bounds=[*zip(low, high, strict=True), *((0, None) for _ in room)],
        constraints={"type": "ineq", "fun": lambda z: matrix @ z + room, "jac": lambda _: matrix},
        options={"maxiter": 200, "ftol": 1e-8},
    )
    full = point.copy()
    full[felt] = np.clip(found.x[:count], low, high)
    return full


def _sparse(bench: Bench, point: np.ndarray, weight: float) -> np.ndarray:
    """Take back small moves where the others can make it good at hardly more distance."""
    most = SPARE * float(np.linalg.norm(point))
    for limit in SMALL:
        kept = np.where(np.abs(point) < limit, 0.0, point)
        trial = _least_squares(bench, np.flatnonzero(kept), kept, weight)
        if np.linalg.norm(trial) <= most and all(one.comes_out for one in bench.find([trial])[0]):
            return trial
    return point


def rounded(bench: Bench, point: np.ndarray) -> np.ndarray:
    """Return a point whose constants have few digits, inside their ranges."""
    found = point.copy()
    for place, (one, move) in enumerate(zip(bench.free, point, strict=True)):
        if move:
            value = float(np.clip(float(f"{one.moved(move):.{DIGITS}g}"), one.low, one.high))
            found[place] = (value - one.centre) / one.sd
    return found
