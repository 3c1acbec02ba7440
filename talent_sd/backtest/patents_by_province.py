"""Invention patents judged by province: no city's own are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talent_sd.uncertainty.posterior import Posterior
from talent_sd.uncertainty.windows import Window, run_levels

if TYPE_CHECKING:
    import pandas as pd

    from talent_sd.engine.runner import Model

GRANTS = "invention grants"


def patent_table(model: Model, window: Window, posterior: Posterior) -> pd.DataFrame:
    """Set the growth of patents that a province's cities are forecast against what was granted there.

    One run at the posterior's mean. A city starts from its province's grants, shared out by
    tertiary-educated residents, so only growth is judged.

    Returns
    -------
    One row a province: province, cities, start, end, forecast, actual, nation (log growth each; the
    nation's is the forecast of a constant share) and error. Empty where no province's figures are known.
    """
    import pandas as pd

    known = np.flatnonzero(np.isfinite(window.patents).any(axis=1))
    if not len(known) or known[0] == known[-1]:
        return pd.DataFrame()
    first, last = int(known[0]), int(known[-1])
    values = posterior.values.mean(axis=0, keepdims=True)
    levels = run_levels(model, window, (GRANTS,), posterior.params(values))[GRANTS][0]
    years = (window.years[first], window.years[last])
    variable = "invention_patents_granted"
    nation = np.log(window.national.value(variable, years[1]) / window.national.value(variable, years[0]))
    rows = []
    provinces = np.array(window.provinces)
    for name in np.unique(provinces):
        own = provinces == name
        granted = window.patents[[first, last]][:, own][:, 0]
        if np.isfinite(granted).all():
            forecast = float(np.log(levels[last, own].sum() / levels[first, own].sum()))
            actual = float(granted[1] - granted[0])
            rows.append(
                {
                    "province": str(name),
                    "cities": int(own.sum()),
                    "start": years[0],
                    "end": years[1],
                    "forecast": forecast,
                    "actual": actual,
                    "nation": float(nation),
                    "error": forecast - actual,
                }
            )
    return pd.DataFrame(rows)
