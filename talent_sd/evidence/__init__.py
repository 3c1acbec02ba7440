"""The study of the article's figures: measured on the model, and fitted to, in two ways to read the world.

In: `evidence.yaml`, `evidence_fit.yaml` and the readings.
Out: a finding for each figure; central values of the free effects; a reading, with what it moves and cannot do.
"""

from talent_sd.evidence.evidence_fit import (
    FILE,
    fit_evidence,
    measure_evidence,
    read_fit,
    scenarios_citing,
    write_fit,
)

__all__ = ["FILE", "fit_evidence", "measure_evidence", "read_fit", "scenarios_citing", "write_fit"]
