"""Say how far the cities of the fit stray from the model: the S, rho, n and D of the fit's objective.

    python .ci/fit_errors.py TABLES

TABLES is a folder with city_panel.csv, city_census.csv, city_ages.csv, city_structure.csv, city_borders.csv and
province_panel.csv. A calibration keeps these numbers in posterior.json itself; for one made before it did, this measures
them again at the posterior's middle, on the model as it stands, for `fit_errors` in models/track_record.yaml.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from talent_sd.calibration.fit import run_target
from talent_sd.engine.runner import load_model
from talent_sd.uncertainty.city_tables import Sources
from talent_sd.uncertainty.fitted_constants import read_beliefs
from talent_sd.uncertainty.growth_target import estimate_errors, make_target
from talent_sd.uncertainty.posterior import read_posterior


def main(folder: str) -> None:
    """Print the errors of the fitting cities as the record has them."""
    model, posterior = load_model(), read_posterior()
    panel, census, province, ages, structure, borders = (
        Path(folder) / f"{name}.csv"
        for name in (
            "city_panel",
            "city_census",
            "province_panel",
            "city_ages",
            "city_structure",
            "city_borders",
        )
    )
    sources = Sources(panel, census, province, "central", ages, structure, borders)
    window = sources.window(model, *posterior.note["window"])
    window = window.chosen(np.isin(window.cities, sorted(posterior.fitted)))
    target, beliefs = make_target(window), read_beliefs(model)
    middle = np.median(posterior.values, axis=0)[
        None, [posterior.names.index(name) for name in beliefs.names]
    ]
    left = target.actual - run_target(model, window, beliefs, target, middle, lambda _: None)[0]
    told = estimate_errors(left, target.provinces).told([outcome for outcome, _ in target.columns])
    for key, value in {"model_sha256": model.structure.sha256, **told}.items():
        sys.stdout.write(f"  {key}: {json.dumps(value)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
