"""How much of a variable's change comes through each of its causes, at every step of a run.

Loops That Matter in its flow-to-stock form (Schoenberg, Hayward & Eberlein 2023). A
cause x of z scores |Δxz/Δz|·sign(Δxz/Δx): Δz is how z's equation moved in one step, Δxz
how it would have moved had x alone moved. A stock's equation is its net flow, so the
score of a flow is |Δflow/Δnet|, + for an inflow and − for an outflow, as in the paper.

Two things make the published form hard to read in a model that grows with its nation:

- A stock that follows its input closely has an inflow and a drain of its own that nearly
  cancel, each scoring many times 1; a loop through several such stocks then outscores all
  others. `fold_own` takes the stock's own adjustment (S to S, or to its flow and back) into
  the links that drive it, as a smooth or a delay is one link: what is left scores about 1.
- What moves with the nation moves everything at once. Against a `reference` run Δ is the
  step of the deviation from that run: what both share drops out. Against a reference at
  rest this is the published form.

A third concerns whoever wants one number a year. Around a loop the ratios Δx/Δz of successive
auxiliaries cancel, and what is left is the product of the gains and, for each stock, how it moves
over how its net flow does. Where a net flow turns, that quotient passes infinity; where a policy
starts or ends, the flow jumps and it falls to nothing, for one step. Neither says anything of the
loop, and a mean over steps repeats both as if it did. With `windows` each link has one score a
window: the median of Δxz over the median of |Δz|, how much both usually move there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from talent_sd.engine.ir import Call, Expression, Ref
from talent_sd.engine.order import references
from talent_sd.loops.kept_run import Trajectory, value_of

ROUNDING = 1e-13
"""A change below this part of what was added up to it is rounding, not movement."""


@dataclass
class LinkScores:
    """Scores and gains of the links of one trajectory, worked out when asked for and kept.

    A step runs from a point to the next, so there is one less of them than points.

    Attributes
    ----------
    trajectory : the run
    reference : another run of the same model at the same times; None: the published form
    fold_own : whether a stock's own adjustment belongs to the links into it
    windows : places of the steps that belong to each window, none where nothing moves; None: steps
        are scored one by one, which is the published form
    """

    trajectory: Trajectory
    reference: Trajectory | None = None
    fold_own: bool = False
    windows: tuple[np.ndarray, ...] | None = None
    _usual: LinkScores | None = None
    _causes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _scores: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    _moves: dict[int, np.ndarray] = field(default_factory=dict)
    _usual_moves: dict[int, np.ndarray] = field(default_factory=dict)
    _whole: dict[int, np.ndarray] = field(default_factory=dict)
    _sizes: dict[int, np.ndarray] = field(default_factory=dict)
    _rate_sizes: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.reference is not None:
            self._usual = LinkScores(self.reference)

    def told_against(self, reference: Trajectory, windows: tuple[np.ndarray, ...]) -> LinkScores:
        """Return the run's scores against another, own adjustments folded; what both need is worked out once."""
        told = replace(self, reference=reference, fold_own=True, windows=windows)
        told._scores, told._moves, told._usual_moves = {}, {}, {}
        return told

    def causes(self, slot: int) -> tuple[int, ...]:
        """Return the slots that move a slot: those its equation reads, constants left out."""
        if slot not in self._causes:
            program = self.trajectory.program
            own = program.slots[slot]
            moved = own.kind in ("auxiliary", "state") and slot not in self.trajectory.given
            read = dict.fromkeys(references(own.expression)) if moved else {}
            self._causes[slot] = tuple(s for s in read if program.slots[s].kind in ("auxiliary", "state"))
        return self._causes[slot]

    def score(self, cause: int, effect: int) -> np.ndarray:
        """Return a link's score, (steps or windows, members); 0 where cause or effect stands still."""
        if (cause, effect) not in self._scores:
            step = self.step(cause)
            part = self._part(effect, {cause: step})
            real = (np.abs(step) > _least(self.size(cause))) & (
                np.abs(part) > _least(self.equation_size(effect))
            )
            signed = np.where(real, np.abs(part) * np.sign(part * np.sign(step)), 0.0)
            if effect not in self._usual_moves:
                self._usual_moves[effect] = self._usually(np.abs(self.moves(effect)))
            top, bottom = self._usually(signed), self._usual_moves[effect]
            with np.errstate(all="ignore"):
                score = top / bottom
            self._scores[cause, effect] = np.where((bottom != 0) & np.isfinite(score), score, 0.0)
        return self._scores[cause, effect]

    def moving(self) -> np.ndarray:
        """Return whether any stock moves in a step, (steps,)."""
        found = np.zeros(len(self.trajectory.times) - 1, bool)
        for state in self.trajectory.program.states:
            found |= (np.abs(self.step(state.slot)) > _least(self.size(state.slot))).any(axis=-1)
        return found

    def _usually(self, values: np.ndarray) -> np.ndarray:
        """Return the median of each window; without windows the values of the steps themselves."""
        if self.windows is None:
            return values
        found = np.zeros((len(self.windows), *values.shape[1:]))
        for length in {len(own) for own in self.windows} - {0}:
            rows = [row for row, own in enumerate(self.windows) if len(own) == length]
            steps = values[np.stack([self.windows[row] for row in rows])]
            middle = (
                (length - 1) // 2,
                length // 2,
            )  # the median; numpy's own looks for NaN too, of which there are none
            steps.partition(middle, axis=1)
            found[rows] = (steps[:, middle[0]] + steps[:, middle[1]]) / 2
        return found

    def gain(self, cause: int, effect: int, nudge: float = 1e-6) -> np.ndarray:
        """Return how the effect's equation answers a nudge of the cause, (points, members).

        The difference is taken to both sides, so that at a kink its sign still means something.
        """
        values = self.trajectory.values[cause]
        by = nudge * np.maximum(np.abs(values), 1e-9)
        up = self._evaluated(effect, slice(None), {cause: values + by})
        down = self._evaluated(effect, slice(None), {cause: values - by})
        with np.errstate(all="ignore"):
            gain = (up - down) / (2 * by)
            quiet = np.abs(up - down) <= ROUNDING * self.equation_size(effect)
        return np.where(quiet | ~np.isfinite(gain), 0.0, gain)

    def moves(self, slot: int) -> np.ndarray:
        """Return the change of a slot's equation in each step, (steps, members); rounding counts as none."""
        if slot not in self._moves:
            whole = self._equation(slot)
            least = _least(self.equation_size(slot))
            with np.errstate(all="ignore"):
                move = whole[1:] - whole[:-1]
                if self._usual is not None:
                    there = self._usual._equation(slot)
                    move = move - (there[1:] - there[:-1])
                    least = np.maximum(least, _least(self._usual.equation_size(slot)))
                if self.fold_own:
                    move = move - self._own_part(slot)
                self._moves[slot] = np.where(np.abs(move) > least, move, 0.0)
        return self._moves[slot]

    def step(self, slot: int) -> np.ndarray:
        """Return how a slot moved in each step, against the reference if there is one, (steps, members)."""
        values = self.trajectory.values[slot]
        step = values[1:] - values[:-1]
        if self.reference is not None:
            there = self.reference.values[slot]
            step = step - (there[1:] - there[:-1])
        return step

    def own_flows(self, slot: int) -> tuple[int, ...]:
        """Return the causes of a state that read the state itself: its drains."""
        if self.trajectory.program.slots[slot].kind != "state":
            return ()
        return tuple(cause for cause in self.causes(slot) if cause != slot and slot in self.causes(cause))

    def _part(self, effect: int, steps: Mapping[int, np.ndarray]) -> np.ndarray:
        """Return the change of a slot's equation had only some of its causes moved, by these steps."""
        before = {cause: self.trajectory.values[cause, :-1] for cause in steps}
        moved = {cause: before[cause] + step for cause, step in steps.items()}
        return self._evaluated(effect, slice(None, -1), moved) - self._equation(effect)[:-1]

    def _own_part(self, slot: int) -> np.ndarray:
        """Return the change of a state's net flow that comes from its own level."""
        steps = {flow: self._part(flow, {slot: self.step(slot)}) for flow in self.own_flows(slot)}
        if slot in self.causes(slot) and self.trajectory.program.slots[slot].kind == "state":
            steps[slot] = self.step(slot)
        return self._part(slot, steps) if steps else np.zeros(())

    def size(self, slot: int) -> np.ndarray:
        """Return the largest number that went into a slot's sums, (points, members).

        A difference of large numbers is only as exact as they are, and hands that on to
        whoever reads it; so the sizes of what an equation reads count, not its own alone.
        """
        if slot not in self._sizes:
            run = self.trajectory
            own = np.abs(run.values[slot])
            if run.program.slots[slot].kind == "auxiliary" and slot not in run.given:
                own = np.maximum(own, self._term_size(run.program.slots[slot].expression))
            self._sizes[slot] = own
        return self._sizes[slot]

    def equation_size(self, slot: int) -> np.ndarray:
        """Return the same for a slot's equation, which for a stock is its net flow, (points, members)."""
        if self.trajectory.program.slots[slot].kind != "state":
            return self.size(slot)
        if slot not in self._rate_sizes:
            self._rate_sizes[slot] = self._term_size(self.trajectory.program.slots[slot].expression)
        return self._rate_sizes[slot]

    def _term_size(self, expression: Expression) -> np.ndarray:
        """Return the size of an expression's largest term, in units of its own value, (points, members)."""
        run = self.trajectory
        if isinstance(expression, Ref):
            return self.size(expression.slot)
        own = np.abs(value_of(expression, lambda slot: run.values[slot], run, slice(None)))
        own = np.broadcast_to(own, (len(run.times), run.members))
        if not isinstance(expression, Call):
            return own
        parts = expression.args
        with np.errstate(all="ignore"):
            if expression.op in {"add", "sub", "min", "max", "neg", "if"}:
                return np.max([self._term_size(part) for part in parts[expression.op == "if" :]], axis=0)
            if expression.op in {"mul", "div", "log"}:
                # relative errors of the parts become one of the whole; of a logarithm, an absolute one
                scale = np.ones_like(own) if expression.op == "log" else own
                return scale * np.max([self._inexactness(part) for part in parts], axis=0)
        return own

    def _inexactness(self, part: Expression) -> np.ndarray:
        """Return how many times an expression's largest term exceeds its value, (points, members)."""
        value = value_of(part, lambda slot: self.trajectory.values[slot], self.trajectory, slice(None))
        ratio = self._term_size(part) / np.abs(value)
        return np.where(np.isfinite(ratio), np.maximum(ratio, 1.0), 1.0)

    def _equation(self, slot: int) -> np.ndarray:
        """Return the values of a slot's equation, (points, members)."""
        if slot not in self._whole:
            self._whole[slot] = self._evaluated(slot, slice(None))
        return self._whole[slot]

    def _evaluated(
        self, slot: int, points: slice, instead: Mapping[int, np.ndarray] | None = None
    ) -> np.ndarray:
        """Evaluate a slot's equation at some points, with other values for some of its causes."""
        values, replaced = self.trajectory.values, instead or {}

        def read(cause: int) -> np.ndarray:
            found = replaced.get(cause)
            return values[cause, points] if found is None else found

        result = value_of(self.trajectory.program.slots[slot].expression, read, self.trajectory, points)
        shape = (len(self.trajectory.times[points]), self.trajectory.members)
        return np.broadcast_to(np.asarray(result, float), shape)


def _least(size: np.ndarray) -> np.ndarray:
    """Return the smallest change between two points that is not rounding, (steps, members)."""
    return ROUNDING * np.maximum(size[1:], size[:-1])


TRIALS = 256


def usual_sign(scores: LinkScores, cause: int, effect: int) -> int:
    """Return whether more of a cause makes more of its effect, at most points around a run.

    Everything the equation reads is scattered around its value in the middle of the run: a policy
    that is off, or a bound that is not reached, hides a link from the run but not from its equation.

    Parameters
    ----------
    scores : of a run
    cause, effect : slots, the second reading the first

    Returns
    -------
    1, -1, or 0 if the equation never answers
    """
    run = scores.trajectory
    expression = run.program.slots[effect].expression
    middle = len(run.times) // 2
    points = slice(middle, middle + 1)
    rng = np.random.default_rng(effect)  # the same at every call: a sign must not change by chance
    scattered: dict[int, np.ndarray] = {}
    for slot in dict.fromkeys(references(expression)):
        value = float(run.values[slot, middle, 0])
        # what is 0 now may be of any size when it is not
        spread = (
            rng.lognormal(sigma=1.0, size=(1, TRIALS)) if value else 10.0 ** rng.uniform(-3, 15, (1, TRIALS))
        )
        turned = rng.choice([1.0, 1.0, 1.0, -1.0], size=(1, TRIALS)) if slot == cause else 1.0
        scattered[slot] = (value or 1.0) * spread * turned
    nudged = scattered | {cause: scattered[cause] + 1e-6 * np.abs(scattered[cause])}
    with np.errstate(invalid="ignore"):  # some trials overflow: they do not count
        change = value_of(expression, nudged.__getitem__, run, points) - value_of(
            expression, scattered.__getitem__, run, points
        )
    return int(np.sign(np.nansum(np.sign(change))))
