"""Print the README's tables of how good the forecasts are.

python .ci/judge.py TABLES FIT OUT
python .ci/forecast_tables.py OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

from talent_sd.output.forecast_tables import forecast_tables

if __name__ == "__main__":
    sys.stdout.write(forecast_tables(Path(sys.argv[1])))
