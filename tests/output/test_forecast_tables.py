"""The README's tables come from the files that back-tests write."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from talent_sd.base.errors import InputError
from talent_sd.output.backtest_tables import OUTCOMES


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    path = Path(__file__).parents[2] / ".ci" / "forecast_tables.py"
    spec = importlib.util.spec_from_file_location("forecast_tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _write(folder: Path, better: bool) -> None:
    folder.mkdir(parents=True)
    rows = []
    for outcome in OUTCOMES:
        for group in ("unseen", "unseen_without_north_east"):
            row = {
                "variable": outcome, "cities": group, "mae_model": 0.1234, "mae_constant_share": 0.2,
                "mae_trend_share": np.nan, "mae_damped_trend": 0.3, "crps_model": 0.0567,
                "coverage_80": 0.812, "coverage_50": 0.5, "coverage_95": 0.95,
                "coverage_80_error": 0.031, "coverage_80_parameters_only": 0.2,
                "best_baseline": "constant_share", "against_best_low": -0.0512,
                "against_best_high": -0.004 if better else 0.02, "number": 66, "start": 2010, "end": 2020,
            }  # fmt: skip
            rows.append(row)
    pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)
    errors = [
        {"city": "无锡市", "fitted": False, "variable": outcome, "year": year, "error": error}
        for outcome in OUTCOMES
        for year, error in ((2015, 0.5), (2020, -0.034), (2021, np.nan))
    ]
    pd.DataFrame(errors).to_csv(folder / "forecasts.csv", index=False)


def test_tables_hold_the_scores_as_written_and_bold_where_clearly_better(
    tables: ModuleType, tmp_path: Path
) -> None:
    names = {
        *tables.WINDOWS,
        *("cross_" + name for name in tables.WINDOWS),
        *(name for _, name, _ in tables.OTHERS),
    }
    for name in names:
        _write(tmp_path / name, better=name == "2012")
    text = tables.forecast_tables(tmp_path)
    row = "| 2010→2020 | residents | 0.123 | 0.200 | – | 0.300 | −0.051 … +0.020 | 0.057 | 50 % | 81 % ± 3 | 95 % | 20 % |"
    assert text.count(f"| unseen (66) {row}") == 2
    assert text.count(f"| all, province not fitted (66) {row}") == 3
    assert text.count("| **0.123** |") == len(OUTCOMES)
    assert "| unseen cities, fitted on 2010→2016, judged on 2016→2023 | 0.123 (0.200) |" in text
    assert "| Wuxi | unseen | −0.03 | −0.03 | −0.03 | −0.03 | −0.03 |" in text
    assert "Hefei" not in text


def test_every_back_test_that_is_missing_is_told(tables: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        tables.forecast_tables(tmp_path)
    assert len(caught.value.problems) == 8
    assert caught.value.problems[0].endswith(
        "2010/scores.csv is missing. Write it with `python .ci/judge.py`."
    )
