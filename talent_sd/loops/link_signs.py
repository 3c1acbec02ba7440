"""The sign of a link from its equation alone, wherever the run happens to be."""

from __future__ import annotations

import numpy as np

from talent_sd.engine.order import references
from talent_sd.loops.kept_run import value_of
from talent_sd.loops.link_scores import LinkScores

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
    change = value_of(expression, nudged.__getitem__, run, points) - value_of(
        expression, scattered.__getitem__, run, points
    )
    return int(np.sign(np.nansum(np.sign(change))))
