"""Execute the Reality Checks of a Vensim model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import TIME
from talent_sd.model.names import name_key
from talent_sd.model.reality import RealityCheck, read_reality_checks
from talent_sd.model_tests.behaviour_checks import Verdict

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model

SECTOR = "Reality checks"
NEVER_MET = "never tried, since its condition is never met"


def run_reality_checks(model: Model, engine: str = "auto") -> list[Verdict]:
    """Try a model's own Reality Checks at every step.

    Returns
    -------
    one verdict each, in the file's order; none if the model has none

    Raises
    ------
    ModelError
        If one names what the model lacks.
    """
    return [_try(model, check, engine) for check in read_reality_checks(model.path, model.structure)]


def _try(model: Model, check: RealityCheck, engine: str) -> Verdict:
    """Run the model under a check's inputs, step by step, and look for the first time it fails."""
    start, end, step = (model.structure.time[name] for name in ("INITIAL TIME", "FINAL TIME", "TIME STEP"))
    points = start + step * np.arange(round((end - start) / step) + 1)
    run = model.run(params=dict(check.inputs), outputs=list(check.reads), engine=engine, times=points)
    values: dict[str, np.ndarray] = {"time": run[TIME].values}
    for name in check.reads:
        array = run[name]
        dims = [dim for dim in array.dims if dim != TIME]
        values[name_key(name)] = array.sum(dims).values if dims else array.values
        if len(dims) == 1:
            for element in array[dims[0]].values:
                values[name_key(f"{name}[{element}]")] = array.sel({dims[0]: element}).values
    times, at = run[TIME].values, f"{model.path.name}:{check.line}"
    when, tried = check.broken_at(values, times), check.is_tried(values, times)
    failure = f"{at}: fails at {when:g}" if when is not None else "" if tried else f"{at}: {NEVER_MET}"
    return Verdict(check.name, SECTOR, check.doc or check.name, when is None, 1, failure, tried)
