"""Keep with the model what `talent-sd validate` found of the laws in many draws.

    talent-sd validate --law all --out FOLDER && python .ci/ship_laws.py FOLDER/laws.csv

The reviewer's book tells it, with the hash of the model that was tried.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd


def main(path: str) -> None:
    """Write `models/law_record.json` from a table of laws."""
    table = pd.read_csv(path)
    (draws,), (model,) = table.draws.unique(), table.model_sha256.unique()
    if not draws:
        sys.exit(f"{path} was made without draws.")
    laws: dict[str, dict[str, list[float | str | None]]] = {}
    for row in table[table.verdict != "shown"].itertuples():
        found = (row.share_of_draws, row.share_of_sign, row.share_in_band)
        wide, sign, inside = (None if pd.isna(one) else float(one) for one in found)
        laws.setdefault(str(row.law), {})[str(row.city)] = [wide, sign, str(row.verdict), inside]
    told = ",\n".join(f"{json.dumps(law)}: {json.dumps(cities)}" for law, cities in laws.items())
    target = Path(__file__).parents[1] / "models" / "law_record.json"
    target.write_text(
        f'{{"model_sha256": "{model}", "draws": {int(draws)}, "laws": {{\n{told}\n}}}}\n', encoding="utf-8"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
